//! Masks, boxes and keypoints go where the image goes.

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::image::png;
use crate::slide::ReadAt;
use crate::slide::memory::Bytes;
use crate::step::{Collected, Crew, params_from};
use crate::steps::targets::mask::{self, Mask};

fn source(image: &Image) -> Source {
    Source::from_bytes(png::encode(image).unwrap())
}

fn black(width: u32, height: u32) -> Image {
    Image::from_u8(width, height, 3, vec![0; (width * height * 3) as usize]).unwrap()
}

fn run(source: Source, params: Value) -> Result<Made> {
    let crew = Crew::new(1).unwrap();
    let mut sink = Collected::default();
    Normalize::new(params_from(params)?)?.run(source, &mut Out::new(&mut sink, &crew))?;
    Ok(sink.items.remove(0))
}

fn with_mask(source: Source, labels: Image, palette: Option<Vec<u8>>) -> Source {
    let bytes = mask::write(&Mask { labels, palette }).unwrap();
    let bytes: Arc<dyn ReadAt> = Arc::new(Bytes(bytes));
    source.with_companion(&MASK, bytes)
}

fn fact(made: &Made, name: &str) -> Value {
    match &made.facts[name] {
        Value::String(text) => serde_json::from_str(text).unwrap(),
        other => other.clone(),
    }
}

#[test]
fn a_letterbox_moves_boxes_by_its_scale_and_offset() {
    // 8 × 4 into 16 × 16: factor 2, 8 rows free, 4 above.
    let source = source(&black(8, 4))
        .with_column("annotation.boxes", json!("[[1,1,3,2,\"deer\"],[0,0,8,4]]"))
        .with_column("annotation.keypoints", json!("[[0,0,\"eye\"],[7,3]]"));
    let wish = json!({"resize": "letterbox", "width_px": 16, "height_px": 16});
    let made = run(source, wish).unwrap();
    assert_eq!(fact(&made, "annotation.boxes"), json!([[2, 6, 6, 4, "deer"], [0, 4, 16, 8]]));
    // The centre of a pixel that became 2 × 2 pixels lies between theirs.
    assert_eq!(fact(&made, "annotation.keypoints"), json!([[0.5, 4.5, "eye"], [14.5, 10.5]]));
    assert_eq!((&made.facts["boxes_dropped"], &made.beside.len()), (&json!(0), &0));
}

#[test]
fn every_format_of_boxes_says_the_same_afterwards() {
    let wish =
        |format: &str| json!({"crop_width_px": 4, "crop_height_px": 4, "box_format": format});
    // Columns 2–5 of 8 stay: the box over 3–7 is cut to 3–6, which is 1–4 of the crop.
    for (format, given, expected) in [
        ("coco", "[[3,1,4,2,7]]", json!([[1, 1, 3, 2, 7]])),
        ("voc", "[[3,1,7,3,7]]", json!([[1, 1, 4, 3, 7]])),
        ("yolo", "[[0.625,0.5,0.5,0.5,7]]", json!([[0.625, 0.5, 0.75, 0.5, 7]])),
        ("albumentations", "[[0.375,0.25,0.875,0.75,7]]", json!([[0.25, 0.25, 1, 0.75, 7]])),
    ] {
        let source = source(&black(8, 4)).with_column("annotation.boxes", json!(given));
        let made = run(source, wish(format)).unwrap();
        assert_eq!(fact(&made, "annotation.boxes"), expected, "{format}");
    }
}

#[test]
fn what_is_cut_off_is_dropped_and_counted() {
    let source = || {
        source(&black(10, 10))
            .with_column("annotation.boxes", json!("[[0,0,2,2,\"out\"],[2,3,4,4,\"half\"]]"))
            .with_column("annotation.keypoints", json!("[[0,0,\"out\"],[4,4,\"in\"]]"))
    };
    // Columns and rows 3–6 stay, and pixels added behind bring nothing back.
    let wish = json!({"crop_width_px": 4, "crop_height_px": 4, "pad_multiple": 8});
    let made = run(source(), wish).unwrap();
    assert_eq!((made.width_px, made.height_px), (8, 8));
    assert_eq!(fact(&made, "annotation.boxes"), json!([[0, 0, 3, 4, "half"]]));
    assert_eq!(fact(&made, "annotation.keypoints"), json!([[1, 1, "in"]]));
    assert_eq!(made.facts["boxes_dropped"], 1);
    assert_eq!(made.facts["keypoints_dropped"], 1);
    let wish = json!({"crop_width_px": 4, "crop_height_px": 4, "min_box_visibility": 0.8,
        "outside_keypoints": "flag"});
    let made = run(source(), wish).unwrap();
    assert_eq!(fact(&made, "annotation.boxes"), json!([]));
    assert_eq!(made.facts["boxes_dropped"], 2);
    assert_eq!(fact(&made, "annotation.keypoints"), json!([[-3, -3, "out", false], [1, 1, "in"]]));
}

#[test]
fn a_crop_larger_than_the_image_adds_its_half_before() {
    let source = source(&black(3, 3)).with_column("annotation.boxes", json!("[[0,0,3,3]]"));
    let made = run(source, json!({"crop_width_px": 8, "crop_height_px": 3})).unwrap();
    assert_eq!(fact(&made, "annotation.boxes"), json!([[2, 0, 3, 3]]));
    assert_eq!(made.facts["offset_x_px"], 2);
}

#[test]
fn without_any_there_are_none() {
    let made = run(source(&black(4, 4)), json!({})).unwrap();
    assert_eq!(made.facts["annotation.boxes"], Value::Null);
    assert_eq!(made.facts["annotation.keypoints"], Value::Null);
    assert!(made.beside.is_empty());
}

#[test]
fn a_box_beyond_the_image_is_named_or_cut() {
    let source = || source(&black(4, 4)).with_column("annotation.boxes", json!("[[2,0,3,2]]"));
    let error = run(source(), json!({})).unwrap_err();
    assert_eq!(error.kind(), "format");
    assert!(error.to_string().starts_with("box 1: its right edge is at 5 px"), "{error}");
    let made = run(source(), json!({"outside_boxes": "clip"})).unwrap();
    assert_eq!(fact(&made, "annotation.boxes"), json!([[2, 0, 2, 2]]));
}

#[test]
fn a_mask_goes_along_and_keeps_its_values() {
    // 4 × 2 to 8 × 4, each value four times, and 4 columns of 255 behind to a multiple of 12.
    let deep = vec![0, 1, 300, 65_535, 7, 8, 9, 10];
    let labels = Image::new(4, 2, 1, Samples::U16(deep.clone())).unwrap();
    let wish = json!({"resize": "exact", "width_px": 8, "height_px": 4, "pad_multiple": 12,
        "mask_fill": 255});
    let made = run(with_mask(source(&black(4, 2)), labels, None), wish).unwrap();
    let (column, file) = &made.beside[0];
    assert_eq!((*column, file.name.as_str()), ("annotation.mask", "normalized-mask.png"));
    let found = mask::read(&file.bytes, (12, 12), 1 << 20).unwrap();
    let Samples::U16(found) = found.labels.samples() else { panic!("16 bits stay so") };
    for (at, value) in found.iter().enumerate() {
        let (x, y) = (at % 12, at / 12);
        let expected = if x < 8 && y < 4 { deep[y / 2 * 4 + x / 2] } else { 255 };
        assert_eq!(*value, expected, "{x}, {y}");
    }
}

#[test]
fn a_mask_stays_a_png_with_its_palette_beside_numbers() {
    let palette = vec![0, 0, 0, 200, 0, 0, 0, 200, 0];
    let labels = Image::from_u8(4, 1, 1, vec![0, 1, 2, 1]).unwrap();
    for (format, numbers) in
        [("npy", "unit"), ("safetensors", "unit"), ("npy", "none"), ("jpeg", "none")]
    {
        let given = with_mask(source(&black(4, 1)), labels.clone(), Some(palette.clone()));
        let wish = json!({"format": format, "numbers": numbers, "crop_width_px": 2});
        let made = run(given, wish).unwrap();
        let (_, file) = &made.beside[0];
        assert_eq!((file.media_type, file.name.as_str()), ("image/png", "normalized-mask.png"));
        let found = mask::read(&file.bytes, (2, 1), 1 << 20).unwrap();
        assert_eq!(found.labels.as_u8().unwrap(), [1, 2], "{format}");
        assert_eq!(found.palette.as_deref(), Some(&palette[..]));
    }
}

#[test]
fn a_mask_of_another_size_is_refused() {
    let labels = Image::from_u8(2, 4, 1, vec![0; 8]).unwrap();
    let error = run(with_mask(source(&black(4, 2)), labels, None), json!({})).unwrap_err();
    assert!(error.to_string().contains("it lies on its side"), "{error}");
}

#[test]
fn only_profiles_must_be_in_the_manifest() {
    let step = |params: Value| Normalize::new(params_from(params).unwrap()).unwrap();
    let plain = step(json!({}));
    assert_eq!((plain.reads(), plain.needs()), (COLUMNS, &[][..]));
    let fitted = step(json!({"numbers": "profile", "format": "npy"}));
    assert_eq!((fitted.reads(), fitted.needs()), (Normalize::READS, &[PROFILE][..]));
}
