//! The whole step on images in memory.

use serde_json::{Value, json};

use super::*;
use crate::image::png;
use crate::step::{Collected, Crew, params_from};

/// Noise in colour.
fn photo(width: u32, height: u32) -> Image {
    let count = width * height * 3;
    let samples =
        (0..count).map(|i| (i.wrapping_mul(2_654_435_761) >> 23) as u8 / 2 + 40).collect();
    Image::from_u8(width, height, 3, samples).unwrap()
}

fn bytes(image: &Image) -> Vec<u8> {
    png::encode(image).unwrap()
}

fn source(image: &Image) -> Source {
    Source::from_bytes(bytes(image))
}

fn step(params: Value) -> Result<Normalize> {
    Normalize::new(params_from(params)?)
}

fn run(source: Source, params: Value) -> Result<Made> {
    let crew = Crew::new(1).unwrap();
    let mut sink = Collected::default();
    step(params)?.run(source, &mut Out::new(&mut sink, &crew))?;
    assert_eq!(sink.items.len(), 1);
    Ok(sink.items.remove(0))
}

fn decoded(made: &Made) -> Image {
    png::decode(&made.bytes, 1 << 30).unwrap()
}

#[test]
fn without_wishes_an_upright_photo_stays_as_it_is() {
    let image = photo(5, 3);
    let made = run(source(&image), json!({})).unwrap();
    assert_eq!(decoded(&made), image);
    assert_eq!((made.name.as_str(), made.media_type), ("normalized.png", "image/png"));
    let facts = &made.facts;
    assert_eq!(facts["orientation"], 1);
    assert_eq!((&facts["source_mode"], &facts["icc"]), (&json!("rgb"), &json!("none")));
    assert_eq!((&facts["scale_x"], &facts["offset_y_px"]), (&json!(1.0), &json!(0)));
    assert_eq!((&facts["gain_r"], &facts["low_b"]), (&Value::Null, &Value::Null));
}

#[test]
fn a_letterbox_by_hand() {
    // 8 × 4 into 6 × 6: factor 3/4, 6 × 3, 3 rows free: 1 above, 2 below.
    let image = Image::from_u8(8, 4, 3, vec![200; 96]).unwrap();
    let wish = json!({"resize": "letterbox", "width_px": 6, "height_px": 6, "fill": "#102030"});
    let made = run(source(&image), wish).unwrap();
    let box_of = decoded(&made);
    assert_eq!((box_of.width_px(), box_of.height_px()), (6, 6));
    for (at, pixel) in box_of.as_u8().unwrap().as_chunks::<3>().0.iter().enumerate() {
        let expected = if (1..4).contains(&(at / 6)) { [200; 3] } else { [0x10, 0x20, 0x30] };
        assert_eq!(*pixel, expected, "pixel {at}");
    }
    let facts = &made.facts;
    assert_eq!((&facts["scale_x"], &facts["scale_y"]), (&json!(0.75), &json!(0.75)));
    assert_eq!((&facts["offset_x_px"], &facts["offset_y_px"]), (&json!(0), &json!(1)));
    // The lower right corner of the source, (8, 4), comes to (6, 1 + 3).
}

fn frame(params: Value, size: (u32, u32)) -> Frame {
    Frame::new(&params_from(params).unwrap(), size)
}

#[test]
fn sizes_by_hand() {
    let size = |params: Value, from| frame(params, from).size();
    let shortest = json!({"resize": "shortest", "side_px": 256});
    // 256·1021/683 = 382.688; torchvision says 382.
    assert_eq!(size(shortest.clone(), (1021, 683)), (383, 256));
    assert_eq!(size(shortest, (683, 1021)), (256, 383));
    let longest = json!({"resize": "longest", "side_px": 10});
    assert_eq!(size(longest.clone(), (1000, 3)), (10, 1), "never 0");
    assert_eq!(size(longest.clone(), (4, 3)), (10, 8), "7.5 is rounded up");
    let small = json!({"resize": "longest", "side_px": 10, "enlarge": false});
    assert_eq!(size(small.clone(), (4, 3)), (4, 3));
    assert_eq!(size(small, (40, 30)), (10, 8));
    let exact = json!({"resize": "exact", "width_px": 7, "height_px": 9});
    assert_eq!(size(exact.clone(), (100, 2)), (7, 9));
    assert_eq!(frame(exact, (100, 2)).scale(), (0.07, 4.5));
    let boxed = json!({"resize": "letterbox", "width_px": 10, "height_px": 10, "enlarge": false});
    let free = frame(boxed, (4, 3));
    assert_eq!((free.size(), free.scale(), free.offset()), ((10, 10), (1.0, 1.0), (3, 3)));
}

#[test]
fn crops_and_padding_by_hand() {
    // 7 columns to 4: 1 is cut on the left, 2 on the right. 2 rows to 5: 1 above, 2 below. Then 4 × 5
    // to multiples of 4: 3 rows more below.
    let image = photo(7, 2);
    let wish =
        json!({"crop_width_px": 4, "crop_height_px": 5, "pad_multiple": 4, "fill": "#0000ff"});
    let made = run(source(&image), wish).unwrap();
    let out = decoded(&made);
    assert_eq!((out.width_px(), out.height_px()), (4, 8));
    let pixel = |image: &Image, x: usize, y: usize| {
        image.as_u8().unwrap().as_chunks::<3>().0[y * image.width_px() as usize + x]
    };
    for y in 0..8 {
        for x in 0..4 {
            let inside = (1..3).contains(&y);
            let expected = if inside { pixel(&image, x + 1, y - 1) } else { [0, 0, 255] };
            assert_eq!(pixel(&out, x, y), expected, "{x}, {y}");
        }
    }
    let offset = (&made.facts["offset_x_px"], &made.facts["offset_y_px"]);
    assert_eq!(offset, (&json!(-1), &json!(1)));
}

#[test]
fn a_grey_image_is_filled_with_the_luma_of_the_colour() {
    let wish = json!({"mode": "grey", "crop_width_px": 2, "fill": "#ff0000"});
    let out = decoded(&run(source(&Image::from_u8(1, 1, 1, vec![9]).unwrap()), wish).unwrap());
    // (9798·255 + 2^14) >> 15 = 76.
    assert_eq!((out.channels(), out.as_u8().unwrap()), (1, &[9, 76][..]));
}

#[test]
fn what_is_asked_for_together_is_done_in_the_stated_order() {
    let wishes = [
        json!({"white_balance": "grey-world"}),
        json!({"contrast": "stretch", "contrast_over": "channels"}),
        json!({"gamma": 1.7}),
        json!({"resize": "longest", "side_px": 9}),
        json!({"crop_width_px": 6, "crop_height_px": 5}),
        json!({"pad_multiple": 4}),
    ];
    let image = photo(24, 17);
    let mut by_and_by = image.clone();
    let mut all = Map::new();
    for wish in wishes {
        by_and_by = decoded(&run(source(&by_and_by), wish.clone()).unwrap());
        all.extend(wish.as_object().unwrap().clone());
    }
    let at_once = decoded(&run(source(&image), Value::Object(all.clone())).unwrap());
    assert_eq!(at_once, by_and_by);
    let again = decoded(&run(source(&image), Value::Object(all)).unwrap());
    assert_eq!(again, at_once);
    // The order matters: gamma before stretching gives other pixels.
    let gamma = decoded(&run(source(&image), json!({"gamma": 1.7})).unwrap());
    let stretch = json!({"contrast": "stretch", "contrast_over": "channels"});
    let both = json!({"gamma": 1.7, "contrast": "stretch", "contrast_over": "channels"});
    let other = decoded(&run(source(&gamma), stretch).unwrap());
    assert_ne!(decoded(&run(source(&image), both).unwrap()), other);
}

#[test]
fn stretching_says_what_it_stretched() {
    let ramp = |c: u8| (0..101_u8).map(move |i| i + c);
    let rgb: Vec<u8> =
        ramp(0).zip(ramp(20)).zip(ramp(100)).flat_map(|((r, g), b)| [r, g, b]).collect();
    let image = Image::from_u8(101, 1, 3, rgb).unwrap();
    let wish = json!({"contrast": "stretch", "contrast_over": "channels", "low_percentile": 10,
        "high_percentile": 90});
    let made = run(source(&image), wish).unwrap();
    let facts =
        ["low_r", "high_r", "low_g", "high_g", "low_b", "high_b"].map(|f| made.facts[f].clone());
    assert_eq!(facts, [10.0, 90.0, 30.0, 110.0, 110.0, 190.0].map(Value::from));
    let first = |at: usize| decoded(&made).as_u8().unwrap()[at * 3];
    // (x − 10)·255/80: 50 is 127.5, rounded up.
    assert_eq!((first(0), first(10), first(50), first(90), first(100)), (0, 0, 128, 255, 255));
}

#[test]
fn infrared_photos_stay_without_colour() {
    let grey = |i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8 / 3 + 30;
    let samples = (0..40 * 30).flat_map(|i| [grey(i); 3]).collect();
    let image = Image::from_u8(40, 30, 3, samples).unwrap();
    for contrast in ["clahe", "equalize", "stretch"] {
        for over in ["lab", "luma", "channels"] {
            for balance in ["none", "grey-world", "max-rgb", "shades-of-grey"] {
                let wish =
                    json!({"contrast": contrast, "contrast_over": over, "white_balance": balance});
                let made = run(source(&image), wish).unwrap();
                let out = decoded(&made);
                let pixels = out.as_u8().unwrap().as_chunks::<3>().0;
                assert!(
                    pixels.iter().all(|[r, g, b]| r == g && g == b),
                    "{contrast} {over} {balance}"
                );
                assert_eq!(made.facts["looks_infrared"], true);
            }
        }
    }
    assert_eq!(run(source(&photo(20, 20)), json!({})).unwrap().facts["looks_infrared"], false);
}

#[test]
fn deep_samples_are_kept_made_or_rounded() {
    let deep = Image::new(2, 1, 1, Samples::U16(vec![0x1234, 0xFFFF])).unwrap();
    let rounded = decoded(&run(source(&deep), json!({"mode": "auto"})).unwrap());
    // 4660 / 257 = 18.13.
    assert_eq!(rounded.as_u8().unwrap(), [18, 255]);
    for depth in [json!("keep"), json!("16"), json!(16)] {
        let made = run(source(&deep), json!({"mode": "auto", "depth": depth})).unwrap();
        assert_eq!(decoded(&made), deep);
        assert_eq!(made.facts["source_bits"], 16);
    }
    let rgb = decoded(&run(source(&deep), json!({"depth": "keep"})).unwrap());
    assert_eq!(rgb.samples(), &Samples::U16(vec![0x1234, 0x1234, 0x1234, 0xFFFF, 0xFFFF, 0xFFFF]));
    let flat = Image::from_u8(1, 1, 3, vec![0, 127, 255]).unwrap();
    let made = decoded(&run(source(&flat), json!({"depth": 16, "crop_width_px": 2})).unwrap());
    assert_eq!(made.samples(), &Samples::U16(vec![0, 127 * 257, 65535, 0, 0, 0]));
    assert_eq!(decoded(&run(source(&flat), json!({"depth": "keep"})).unwrap()), flat);
}

#[test]
fn alpha_is_laid_over_the_background() {
    let image =
        Image::from_u8(3, 1, 4, vec![9, 9, 9, 0, 10, 20, 30, 255, 200, 0, 100, 51]).unwrap();
    let out = decoded(&run(source(&image), json!({"background": "#FF0064"})).unwrap());
    // 51/255 is a fifth: 200/5 + 255·4/5 = 244; 0; 100/5 + 100·4/5 = 100.
    assert_eq!(out.as_u8().unwrap(), [255, 0, 100, 10, 20, 30, 244, 0, 100]);
}

#[test]
fn what_is_too_large_is_refused_before_memory_is_taken() {
    let image = photo(4, 4);
    for wish in [
        json!({"resize": "exact", "width_px": 65535, "height_px": 65535}),
        json!({"resize": "letterbox", "width_px": 65535, "height_px": 65535}),
        json!({"crop_width_px": 65535, "crop_height_px": 65535}),
        json!({"resize": "longest", "side_px": 8192, "numbers": "unit", "format": "npy"}),
    ] {
        let error = run(source(&image), wish.clone()).unwrap_err();
        assert_eq!(error.kind(), "limit", "{wish}");
    }
    let line = Image::from_u8(4000, 1, 3, vec![1; 12_000]).unwrap();
    let wish = json!({"resize": "shortest", "side_px": 65535, "pad_multiple": 4096});
    assert_eq!(run(source(&line), wish).unwrap_err().kind(), "limit");
}

#[test]
fn damaged_files_are_errors() {
    let whole = bytes(&photo(30, 30));
    let cut = Source::from_bytes(whole[..whole.len() - 30].to_vec());
    assert_eq!(run(cut, json!({})).unwrap_err().kind(), "format");
    assert_eq!(run(Source::from_bytes(b"text".to_vec()), json!({})).unwrap_err().kind(), "format");
}
