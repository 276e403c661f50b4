//! `augment`: what its users were bitten by elsewhere, each a test.

use proptest::prelude::*;
use serde_json::{Value, json};

use microtome::image::{Image, png};
use microtome::step::{Collected, Crew, Made, Out, Source, Step, params_from};
use microtome::steps::augment::policy::draw::{For, draw};
use microtome::steps::augment::policy::{Node, Policy};
use microtome::steps::augment::{Augment, Params, apply, picture::Picture};
use microtome::{Error, Result, digest::Digest};

/// Every op, with its defaults.
const OPS: [&str; 41] = [
    "horizontal-flip",
    "vertical-flip",
    "transpose",
    "rot90",
    "rotate",
    "affine",
    "perspective",
    "elastic",
    "grid-distortion",
    "random-resized-crop",
    "crop",
    "pad",
    "resize",
    "brightness-contrast",
    "color-jitter",
    "gamma",
    "to-grey",
    "channel-shuffle",
    "clahe",
    "posterize",
    "solarize",
    "equalize",
    "invert",
    "sharpen",
    "gaussian-blur",
    "median-blur",
    "motion-blur",
    "defocus",
    "gauss-noise",
    "iso-noise",
    "shot-noise",
    "jpeg",
    "downscale",
    "coarse-dropout",
    "fog",
    "rain",
    "shadow",
    "sun-flare",
    "hed-jitter",
    "concentration-jitter",
    "randstainna",
];
const STAIN_OPS: [&str; 3] = ["hed-jitter", "concentration-jitter", "randstainna"];
/// Ops that draw nothing: the same for any seed.
const FIXED: [&str; 8] = [
    "horizontal-flip",
    "vertical-flip",
    "transpose",
    "pad",
    "to-grey",
    "equalize",
    "invert",
    "resize",
];

fn photo(width: u32, height: u32, channels: u8, salt: u32) -> Image {
    let samples = (0..width * height * u32::from(channels))
        .map(|i| (i.wrapping_mul(37).wrapping_add(i / 97 * 11).wrapping_add(salt * 59) % 251) as u8)
        .collect();
    Image::from_u8(width, height, channels, samples).unwrap()
}

fn step(params: Value) -> Result<Augment> {
    Augment::new(params_from::<Params>(params)?)
}

fn run(params: Value, source: Source) -> Result<Vec<Made>> {
    let (mut sink, crew) = (Collected::default(), Crew::new(1).unwrap());
    step(params)?.run(source, &mut Out::new(&mut sink, &crew))?;
    Ok(sink.items)
}

fn file(salt: u32) -> Vec<u8> {
    png::encode(&photo(61, 47, 3, salt)).unwrap()
}

fn copies(params: Value, salt: u32) -> Vec<Made> {
    run(params, Source::from_bytes(file(salt))).unwrap()
}

fn everything() -> Value {
    let ops: Vec<Value> = OPS.iter().map(|op| json!({*op: {"p": 0.3}})).collect();
    let noisy = json!({"one-of": {"ops": [{"gauss-noise": {}}, {"jpeg": {"p": 0.2}}]}});
    let some = json!({"some-of": {"n": 3, "replace": true, "ops": [{"rotate": {}}, {"fog": {}}]}});
    json!({"augment": "1.0", "ops": [{"sequential": {"ops": ops}}, noisy, some]})
}

#[test]
fn a_copy_does_not_depend_on_how_many_there_are() {
    let of = |copies_: u32| copies(json!({"policy": everything(), "copies": copies_}), 1);
    let (five, ten) = (of(5), of(10));
    assert_eq!(five, ten[..5]);
    let mut digests: Vec<String> = ten.iter().map(|made| made.digest.to_string()).collect();
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), 10, "copies repeat each other");
}

#[test]
fn items_and_seeds_draw_for_themselves() {
    let ops = |salt: u32, seed: u64| {
        copies(json!({"policy": everything(), "seed": seed}), salt)[0].facts["ops"].clone()
    };
    assert_eq!(ops(1, 0), ops(1, 0));
    assert_ne!(ops(1, 0), ops(2, 0), "two items draw the same");
    assert_ne!(ops(1, 0), ops(1, 1), "two seeds draw the same");
}

#[test]
fn the_recorded_ops_make_the_same_bytes_again() {
    for made in copies(json!({"policy": everything(), "copies": 12}), 3) {
        let text = made.facts["ops"].as_str().unwrap();
        let policy = Augment::inline("policy", &[("ops".into(), text.into())], &Default::default());
        for seed in [0, 99] {
            let again = copies(json!({"policy": policy.clone().unwrap(), "seed": seed}), 3);
            assert_eq!(again[0].digest, made.digest, "{text}");
            assert_eq!(again[0].facts["ops"], made.facts["ops"]);
        }
    }
}

#[test]
fn taking_an_op_out_leaves_the_draws_of_the_others() {
    let all = Policy::from_value(&everything()).unwrap();
    let item = Digest::of(b"item");
    for copy in 0..20 {
        let at = For { seed: 5, item: &item, copy };
        let whole = draw(&all, at);
        let mut less = all.clone();
        let Node::Sequential(first) = &mut less.ops[0] else { panic!("the first is sequential") };
        let taken = first.ops.remove(copy as usize);
        let (name, _) = taken.name();
        // Its own kind moves up; all others stay.
        let rest = |ops: Vec<Node>| -> Vec<Node> {
            ops.into_iter().filter(|node| node.name().0 != name).collect()
        };
        assert_eq!(rest(whole), rest(draw(&less, at)), "without {name}");
    }
}

#[test]
fn a_policy_of_another_version_is_refused() {
    let of = |version: &str| step(json!({"policy": {"augment": version, "ops": []}}));
    assert!(of("1.0").is_ok() && of("1.0.7").is_ok());
    for version in ["1.1", "2.0.0", "0.9"] {
        let Err(error) = of(version) else { panic!("{version} was taken") };
        assert_eq!(error.kind(), "params");
        assert!(error.to_string().contains(&format!("`augment` {version}")), "{error}");
    }
}

#[test]
fn what_is_wrong_is_named_by_its_path() {
    let wrong = |ops: Value| match step(json!({"policy": {"ops": ops}})) {
        Err(error @ Error::Params { .. }) => error.to_string(),
        other => panic!("{:?} was taken", other.err()),
    };
    let nested = json!([{"invert": {}}, {"invert": {}},
        {"one-of": {"ops": [{"rotate": {"angle_deg": [0, 900]}}]}}]);
    assert!(wrong(nested).contains("ops[2].one-of[0].rotate.angle_deg"));
    assert!(
        wrong(json!([{"rotate": {"angle_deg": [9, 3]}}])).contains("the lower bound comes first")
    );
    assert!(wrong(json!([{"rotate": {"angel": 3}}])).contains("ops[0].rotate.angel"));
    assert!(wrong(json!([{"rotat": {}}])).contains("ops[0].rotat"));
    assert!(wrong(json!([{"rotate": {"p": 1.5}}])).contains("ops[0].rotate.p"));
    assert!(wrong(json!([{"median-blur": {"size_px": [2, 4]}}])).contains("odd"));
    assert!(wrong(json!([{"channel-shuffle": {"order": [0, 0, 1]}}])).contains("order"));
    assert!(wrong(json!([{"gauss-noise": {"key": "x"}}])).contains("gauss-noise.key"));
    assert!(wrong(json!([{"one-of": {"ops": [{"invert": {"p": 0}}]}}])).contains("weight"));
    assert!(wrong(json!([{"some-of": {"n": 2, "ops": ["invert"]}}])).contains("2 of its nodes"));
    assert!(wrong(Value::Array(vec![json!("invert"); 257])).contains("more than 256"));
    let deep = (0..10).fold(json!("invert"), |node, _| json!({"compose": {"ops": [node]}}));
    assert!(wrong(json!([deep])).contains("nested deeper"));
}

/// Does all ops of a drawn policy.
fn done(ops: &[Node], image: &Image) -> Result<Image> {
    let mut picture = Picture::new(image, None, 1 << 28)?;
    for op in ops {
        apply::apply(op, &mut picture)?;
    }
    Ok(picture.finish()?.0.into_owned())
}

#[test]
fn every_op_takes_every_image() {
    let item = Digest::of(b"item");
    for name in OPS {
        let fields = match name {
            "crop" => json!({"width_px": 9, "height_px": 7}),
            "posterize" => json!({"bits": [1, 7]}),
            "solarize" => json!({"threshold": [20, 230]}),
            _ => json!({}),
        };
        let policy = Policy::from_value(&json!({"ops": [{name: fields}]})).unwrap();
        policy.check(Augment::VERSION).unwrap();
        let (mut seen, mut drawn) = (Vec::new(), Vec::new());
        for (width, height) in [(1, 1), (1, 9), (9, 1), (2, 3), (33, 20)] {
            for channels in [1, 3] {
                let image = photo(width, height, channels, 0);
                for copy in 0..4 {
                    let ops = draw(&policy, For { seed: 1, item: &item, copy });
                    assert_eq!(ops.len(), 1, "{name} at p 1");
                    drawn.push(ops[0].clone());
                    match done(&ops, &image) {
                        Ok(made) => seen.push(made),
                        Err(Error::Unsupported { .. })
                            if channels == 1 && STAIN_OPS.contains(&name) => {}
                        Err(error) => panic!("{name}, {width} × {height} × {channels}: {error}"),
                    }
                }
            }
        }
        // Of the largest image, no copy may be what went in, nor the one before it.
        let [.., a, b, c, d] = seen.as_slice() else { panic!("{name} made nothing") };
        let channels = if STAIN_OPS.contains(&name) { 3 } else { a.channels() };
        let given = photo(33, 20, channels, 0);
        let changed = [a, b, c, d].iter().any(|made| **made != given);
        assert!(changed || name == "pad", "{name} changes nothing");
        // Other numbers may make the same pixels of so small an image.
        let by_image = ["jpeg", "channel-shuffle", "clahe"].contains(&name);
        let differ = if by_image {
            drawn.iter().any(|op| *op != drawn[0])
        } else {
            a != b || b != c || c != d
        };
        assert!(differ || FIXED.contains(&name), "{name} draws nothing");
    }
}

#[test]
fn turns_and_flips_come_back() {
    let image = photo(23, 14, 3, 0);
    for ops in [
        json!([{"horizontal-flip": {}}, {"horizontal-flip": {}}]),
        json!([{"vertical-flip": {}}, {"vertical-flip": {}}]),
        json!([{"transpose": {}}, {"transpose": {}}]),
        json!([{"rot90": {"turns": [1, 1]}}, {"rot90": {"turns": [3, 3]}}]),
        json!([{"rot90": {"turns": [2, 2]}}, {"horizontal-flip": {}}, {"vertical-flip": {}}]),
        json!([{"invert": {}}, {"invert": {}}]),
    ] {
        let policy = Policy::from_value(&json!({"ops": ops})).unwrap();
        assert_eq!(done(&policy.ops, &image).unwrap(), image, "{ops}");
    }
}

/// A white rectangle in black: its box and its mask.
fn marked() -> (Vec<u8>, Vec<u8>, Value) {
    let (width, height) = (96, 64);
    let inside = |i: u32| (30..62).contains(&(i % width)) && (20..44).contains(&(i / width));
    let grey: Vec<u8> = (0..width * height).map(|i| if inside(i) { 255 } else { 0 }).collect();
    let rgb = grey.iter().flat_map(|v| [*v; 3]).collect();
    let mask = grey.iter().map(|v| v / 255).collect();
    let png_of =
        |channels, data| png::encode(&Image::from_u8(width, height, channels, data).unwrap());
    (png_of(3, rgb).unwrap(), png_of(1, mask).unwrap(), json!("[[30,20,32,24,\"deer\"]]"))
}

#[test]
fn boxes_and_masks_bound_the_pixels_they_belong_to() {
    let (image, mask, boxes) = marked();
    let moving = [
        json!({"rotate": {"angle_deg": [-40, 40]}}),
        json!({"affine": {"scale": [0.7, 1.3], "shear_x_deg": [-10, 10]}}),
        json!({"perspective": {}}),
        json!({"elastic": {"alpha_px": [30, 30]}}),
        json!({"grid-distortion": {}}),
        json!({"rot90": {}}),
        json!({"horizontal-flip": {}}),
        json!({"transpose": {}}),
        json!({"pad": {"left_px": 7, "top_px": 3, "border": "constant"}}),
        json!({"random-resized-crop": {"width_px": 80, "height_px": 90, "area": [0.5, 1.0]}}),
    ];
    for op in &moving {
        let params = json!({"policy": {"ops": [op]}, "copies": 6, "min_box_visibility": 0.01});
        let bytes: std::sync::Arc<dyn microtome::slide::ReadAt> =
            std::sync::Arc::new(microtome::slide::memory::Bytes(mask.clone()));
        let source = Source::from_bytes(image.clone())
            .with_column("annotation.boxes", boxes.clone())
            .with_companion(&Augment::COMPANIONS[0], bytes);
        for made in run(params, source).unwrap() {
            let (name, found) = &made.beside[0];
            assert_eq!(*name, "annotation.mask");
            let seen = png::decode(&made.bytes, 1 << 24).unwrap();
            let mask = png::decode(&found.bytes, 1 << 24).unwrap();
            assert_eq!((seen.width_px(), seen.height_px()), (mask.width_px(), mask.height_px()));
            let white = bound(&seen, |v| v > 127);
            let labelled = bound(&mask, |v| v == 1);
            let text = made.facts["annotation.boxes"].as_str().unwrap();
            let moved: Value = serde_json::from_str(text).unwrap();
            let Some([l, t, r, b]) = white else {
                assert_eq!(made.facts["boxes_dropped"], 1, "{op}");
                continue;
            };
            let row = moved[0].as_array().unwrap();
            assert_eq!(row[4], "deer");
            let [x, y, w, h] = [0, 1, 2, 3].map(|i| row[i].as_f64().unwrap());
            let slack = 1.6;
            assert!(
                x <= l + slack && y <= t + slack && x + w >= r - slack && y + h >= b - slack,
                "{op}: box {x} {y} {w} {h} and pixels {l}–{r}, {t}–{b}"
            );
            let [ml, mt, mr, mb] = labelled.unwrap();
            let near = |a: f64, b: f64| (a - b).abs() <= 2.0;
            assert!(near(ml, l) && near(mt, t) && near(mr, r) && near(mb, b), "{op}: mask");
        }
    }
}

/// Left, top, right and bottom edge of the pixels whose first channel is so.
fn bound(image: &Image, is: impl Fn(u8) -> bool) -> Option<[f64; 4]> {
    let (width, channels) = (image.width_px() as usize, image.channels() as usize);
    let samples = image.as_u8().unwrap();
    let hits = samples.chunks(channels).enumerate().filter(|(_, p)| is(p[0])).map(|(i, _)| i);
    hits.fold(None, |found, i| {
        let (x, y) = ((i % width) as f64, (i / width) as f64);
        let [l, t, r, b] = found.unwrap_or([x, y, x + 1.0, y + 1.0]);
        Some([f64::min(l, x), f64::min(t, y), f64::max(r, x + 1.0), f64::max(b, y + 1.0)])
    })
}

#[test]
fn the_original_goes_along_and_moves_no_copy() {
    let params = |original: bool| json!({"copies": 2, "original": original, "format": "png"});
    let (with, without) = (copies(params(true), 4), copies(params(false), 4));
    assert_eq!(with[0].name, "original.png");
    assert_eq!(png::decode(&with[0].bytes, 1 << 24).unwrap(), photo(61, 47, 3, 4));
    assert_eq!(with[1..], without);
    assert_eq!(without[1].name, "copy-0001.png");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..Default::default() })]

    /// Any list of ops on any small image: no panic, the right size, and the record replays.
    #[test]
    fn random_policies_replay(
        names in proptest::collection::vec(0..OPS.len(), 1..7),
        (width, height) in (1_u32..40, 1_u32..40),
        grey: bool,
        seed in 0_u64..1 << 53,
    ) {
        let small = json!({"width_px": 24, "height_px": 17});
        let ops: Vec<Value> = names
            .iter()
            .map(|i| match OPS[*i] {
                name @ ("random-resized-crop" | "crop" | "resize") => json!({name: small}),
                name => json!({name: {"p": 0.8}}),
            })
            .collect();
        let policy = Policy::from_value(&json!({"ops": ops})).unwrap();
        let image = photo(width, height, if grey { 1 } else { 3 }, 1);
        let item = Digest::of(b"x");
        let drawn = draw(&policy, For { seed, item: &item, copy: 0 });
        let text = microtome::digest::canonical_json(&Policy { augment: None, ops: drawn.clone() });
        let value = serde_json::from_str(&text.unwrap()).unwrap();
        let recorded = Policy::from_value(&value).unwrap();
        recorded.check(Augment::VERSION).unwrap();
        let replayed = draw(&recorded, For { seed: seed ^ 1, item: &item, copy: 9 });
        prop_assert_eq!(&replayed, &drawn);
        match (done(&drawn, &image), done(&replayed, &image)) {
            (Ok(a), Ok(b)) => prop_assert_eq!(a, b),
            (Err(Error::Unsupported { .. }), Err(_)) if grey => {}
            (Err(error), _) | (_, Err(error)) => prop_assert!(false, "{}", error),
        }
    }
}
