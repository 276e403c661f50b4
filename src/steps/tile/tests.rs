//! The whole step on slides in memory.

use super::fake::Fake;
use super::*;
use crate::step::{Collected, Crew};
use crate::steps::encode::{ChromaSubsampling, Format};

/// Pink tissue in the middle of white glass, with a pattern.
fn stained(x: u32, y: u32) -> [u8; 3] {
    let inside = (128..512).contains(&x) && (96..416).contains(&y);
    if inside { [190 + (x % 7) as u8, 110 + (y % 11) as u8, 160] } else { [243, 242, 244] }
}

fn slide() -> Fake {
    let mut slide = Fake::painted((700, 500), &[1, 2, 4], 64, 3, stained);
    slide.geometry.mpp = Some((0.5, 0.5));
    slide
}

fn params() -> Params {
    Params {
        tile_px: 64,
        mask_mpp: 2.0,
        close_um: 4.0,
        open_um: 4.0,
        min_area_um2: 100.0,
        ..Params::default()
    }
}

fn run(slide: &Fake, params: Params, threads: usize) -> Result<Collected> {
    let crew = Crew::new(threads).unwrap();
    let mut sink = Collected::default();
    let step = Tile::new(params)?;
    step.cut(slide, [None; 2], Limits::default(), &mut Out::new(&mut sink, &crew))?;
    Ok(sink)
}

fn fact(made: &Made, name: &str) -> f64 {
    made.facts[name].as_f64().unwrap()
}

fn decoded(made: &Made) -> Image {
    match made.media_type {
        "image/png" => png::decode(&made.bytes, 1 << 30).unwrap(),
        _ => jpeg::decode(&made.bytes, jpeg::Colour::Auto, 1 << 30).unwrap(),
    }
}

#[test]
fn patches_on_tissue_hold_the_slides_pixels() {
    let slide = slide();
    let made = run(&slide, params(), 2).unwrap().items;
    // Tissue covers columns 2–7 and the rows from 1.5 to 6.5: with half of row 1 and of row 6.
    let names: Vec<&str> = made.iter().map(|m| m.name.as_str()).collect();
    let expected: Vec<String> = (1..=6)
        .flat_map(|row| (2..=7).map(move |col| (row * 64, col * 64)))
        .map(|(y, x)| format!("y{y:06}_x{x:06}.png"))
        .collect();
    let corners = |y: &str| expected.iter().filter(|n| n.starts_with(y)).count();
    assert_eq!(corners("y000064"), 6);
    let inner: Vec<&String> = expected
        .iter()
        .filter(|n| !n.starts_with("y000064") && !n.starts_with("y000384"))
        .collect();
    assert!(inner.iter().all(|n| names.contains(&n.as_str())), "{names:?}");
    assert!(names.iter().all(|n| expected.iter().any(|e| e == n)), "{names:?}");
    for patch in &made {
        let (x, y) = (fact(patch, "x_px") as u32, fact(patch, "y_px") as u32);
        let image = decoded(patch);
        assert_eq!(image.as_u8().unwrap(), slide.part(0, (x, y, x + 64, y + 64)));
        let mean = pixels::mean_luminance(image.as_u8().unwrap(), 3);
        assert_eq!(fact(patch, "luminance_mean"), mean);
        assert!(fact(patch, "tissue_fraction") >= 0.5);
        assert_eq!((fact(patch, "mpp_x"), fact(patch, "w_px")), (0.5, 64.0));
        assert_eq!(patch.facts["mpp_source"], "header");
    }
}

#[test]
fn threads_do_not_matter() {
    let slide = slide();
    let cases = [
        Params { format: Format::Jpeg, ..params() },
        Params { mpp: Some(0.7), stride_px: Some(41), edges: Edges::Shift, ..params() },
        Params { mpp: Some(1.3), edges: Edges::Pad, mask: MaskKind::None, ..params() },
    ];
    for params in cases {
        let one = run(&slide, params.clone(), 1).unwrap();
        assert!(one.items.len() > 5 && one.previews.len() == 2);
        for threads in [2, 8] {
            let many = run(&slide, params.clone(), threads).unwrap();
            assert_eq!((&many.items, &many.previews), (&one.items, &one.previews));
        }
        assert!(one.items.windows(2).all(|pair| pair[0].name < pair[1].name));
    }
}

#[test]
fn each_source_tile_of_the_patches_level_is_decoded_once() {
    let slide = slide();
    // The mask reads level 2, patches level 0.
    let made = run(&slide, params(), 8).unwrap().items;
    assert!(slide.decodes(2).iter().all(|(_, n)| *n == 1));
    let used: u32 = slide.decodes(0).iter().map(|(_, n)| n).sum();
    assert_eq!(used as usize, made.len(), "aligned patches need their own tile and no other");
    assert!(slide.decodes(0).iter().all(|(_, n)| *n <= 1));
    assert!(slide.decodes(1).iter().all(|(_, n)| *n == 0));
}

#[test]
fn borders_are_filled_and_counted() {
    let slide = slide();
    let pad = Params {
        edges: Edges::Pad,
        mask: MaskKind::None,
        pad_luminance: 7,
        tile_px: 512,
        ..params()
    };
    let made = run(&slide, pad, 2).unwrap().items;
    // 700 × 500 in 512s: two columns, one row.
    assert_eq!(made.len(), 2);
    assert_eq!(fact(&made[0], "valid_fraction"), 500.0 / 512.0);
    assert_eq!(fact(&made[1], "valid_fraction"), 188.0 * 500.0 / (512.0 * 512.0));
    assert_eq!(fact(&made[1], "w_px"), 512.0);
    assert!(made[1].facts["tissue_fraction"].is_null());
    let image = decoded(&made[1]);
    let pixel = |x: usize, y: usize| image.as_u8().unwrap()[(y * 512 + x) * 3];
    assert_eq!((pixel(187, 499), pixel(188, 0), pixel(0, 500)), (243, 7, 7));
}

#[test]
fn a_blank_slide_gives_pictures_but_no_patch() {
    let noise = |x: u32, y: u32| {
        let n = (x.wrapping_mul(747_796_405) ^ y.wrapping_mul(277_803_737)) >> 29;
        [238 + n as u8, 240, 243 - n as u8]
    };
    let mut blank = Fake::painted((700, 500), &[1, 4], 64, 3, noise);
    blank.geometry.mpp = Some((0.5, 0.5));
    for mask in [MaskKind::OtsuSaturation, MaskKind::OtsuLuminance] {
        let out = run(&blank, Params { mask, ..params() }, 2).unwrap();
        assert_eq!((out.items.len(), out.previews.len()), (0, 2));
    }
    assert!(blank.decodes(0).iter().all(|(_, n)| *n == 0), "nothing to decode for");
}

#[test]
fn grey_slides_give_grey_patches() {
    let mut grey = Fake::painted((300, 200), &[1], 64, 1, stained);
    grey.geometry.mpp = Some((0.5, 0.5));
    assert_eq!(run(&grey, params(), 1).unwrap_err().kind(), "params");
    let luminance = Params { mask: MaskKind::OtsuLuminance, ..params() };
    let made = run(&grey, luminance, 1).unwrap().items;
    assert!(!made.is_empty());
    assert_eq!(decoded(&made[0]).channels(), 1);
}

#[test]
fn deep_slides_and_unknown_resolutions_are_refused_before_any_decode() {
    let mut deep = slide();
    deep.geometry.bit_depth = 16;
    assert_eq!(run(&deep, params(), 1).unwrap_err().kind(), "unsupported");
    let mut unknown = slide();
    unknown.geometry.mpp = None;
    assert_eq!(run(&unknown, params(), 1).unwrap_err().kind(), "params");
    assert!(unknown.decodes(2).iter().all(|(_, n)| *n == 0));
    let assumed = run(&unknown, Params { assume_mpp: Some(0.5), ..params() }, 1).unwrap();
    assert_eq!(assumed.items[0].facts["mpp_source"], "assumed");
    let blind = run(&unknown, Params { mask: MaskKind::None, ..params() }, 1).unwrap();
    assert_eq!(blind.items.len(), 10 * 7);
    assert!(blind.items[0].facts["mpp_x"].is_null());
}

#[test]
fn the_manifest_overrules_the_header() {
    let slide = slide();
    let crew = Crew::new(1).unwrap();
    let mut sink = Collected::default();
    let step = Tile::new(Params { mpp: Some(0.5), ..params() }).unwrap();
    let columns = [Some(0.25), Some(0.25)];
    step.cut(&slide, columns, Limits::default(), &mut Out::new(&mut sink, &crew)).unwrap();
    let first = &sink.items[0].facts;
    assert_eq!(
        (first["mpp_source"].as_str(), first["level"].as_u64()),
        (Some("manifest"), Some(1))
    );
    assert_eq!(first["w_px"].as_f64(), Some(128.0));
}

#[test]
fn resampled_patches_continue_each_other() {
    let slide = slide();
    let cut = |tile_px, stride_px| {
        let params = Params {
            mpp: Some(0.83),
            mask: MaskKind::None,
            tile_px,
            stride_px: Some(stride_px),
            ..params()
        };
        run(&slide, params, 2).unwrap().items
    };
    let (large, small) = (cut(128, 128), cut(64, 64));
    let at = |made: &[Made], x: f64, y: f64| {
        let same =
            |m: &&Made| (fact(m, "x_px") - x).abs() < 1e-6 && (fact(m, "y_px") - y).abs() < 1e-6;
        decoded(made.iter().find(same).unwrap())
    };
    let step = 64.0 * 0.83 / 0.5;
    let whole = at(&large, 0.0, 0.0);
    for (part, x, y) in [(0, 0, 0), (1, 64, 0), (2, 0, 64), (3, 64, 64)] {
        let quarter = at(&small, f64::from(part % 2) * step, f64::from(part / 2) * step);
        for row in 0..64 {
            let a = &quarter.as_u8().unwrap()[row * 192..][..192];
            let b = &whole.as_u8().unwrap()[((row + y) * 128 + x) * 3..][..192];
            assert!(a.iter().zip(b).all(|(a, b)| a.abs_diff(*b) <= 1), "part {part}, row {row}");
        }
    }
}

#[test]
fn a_stop_ends_it() {
    let slide = slide();
    let crew = Crew::new(2).unwrap();
    crew.stop_flag().store(true, std::sync::atomic::Ordering::Relaxed);
    let mut sink = Collected::default();
    let step = Tile::new(params()).unwrap();
    let out = &mut Out::new(&mut sink, &crew);
    assert_eq!(step.cut(&slide, [None; 2], Limits::default(), out), Err(Error::Stopped));
}

#[test]
fn params_that_exclude_each_other_are_refused() {
    let refused = |params: Params| Tile::new(params).err().map(|e| e.to_string()).unwrap();
    let both = Params { mpp: Some(0.5), level: Some(1), ..Params::default() };
    assert!(refused(both).starts_with("level: mpp and level are given"));
    let bare = Params { mask: MaskKind::Fixed, ..Params::default() };
    assert!(refused(bare).starts_with("mask_threshold: "));
    let stray = Params { mask_threshold: Some(3), ..Params::default() };
    assert!(refused(stray).starts_with("mask_threshold: only"));
}

#[test]
fn subsampling_reads_as_number_and_as_text() {
    for given in
        [serde_json::json!({"subsampling": 422}), serde_json::json!({"subsampling": "422"})]
    {
        let params: Params = crate::step::params_from(given).unwrap();
        assert_eq!(params.subsampling, ChromaSubsampling::S422);
        assert_eq!(serde_json::to_value(&params).unwrap()["subsampling"], "422");
    }
    let wrong = crate::step::params_from::<Params>(serde_json::json!({"subsampling": 411}));
    assert!(wrong.unwrap_err().to_string().contains("420, 422, 444"));
}

#[test]
fn the_facts_are_columns_with_words() {
    let entry = crate::steps::find("tile").unwrap();
    let facts = entry.facts();
    let kind =
        |short: &str| facts.iter().find(|f| f.short == short).map(|f| (f.field.kind, f.nullable));
    assert_eq!(kind("x_px"), Some((Kind::Float, false)));
    assert_eq!(kind("level"), Some((Kind::Int, false)));
    assert_eq!(kind("mpp_x"), Some((Kind::Float, true)));
    assert_eq!(kind("mpp_source"), Some((Kind::Text, false)));
    assert_eq!(kind("tissue_fraction"), Some((Kind::Float, true)));
    assert!(facts.iter().all(|f| !f.doc.is_empty()));
}
