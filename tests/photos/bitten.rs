//! What users of other libraries were bitten by, each a test here.
//!
//! | bite | tests |
//! |---|---|
//! | Workers that draw the same, and repeat it every epoch | [`nothing_that_was_drawn_comes_again`] |
//! | Results that depend on the number of workers | [`workers_order_and_subset_change_nothing`]; `augment::a_copy_does_not_depend_on_how_many_there_are`, `augment::the_original_goes_along_and_moves_no_copy` |
//! | Pixels that change between versions, policies that nobody holds to theirs | [`a_policy_of_another_version_is_refused_by_name`]; `augment::a_policy_of_another_version_is_refused`, `albumentations::only_the_release_that_was_tried_is_read`; pixels: `tests/golden.rs` |
//! | Replays that cannot be serialised | [`a_replay_is_text`]; `augment::the_recorded_ops_make_the_same_bytes_again`, `augment::random_policies_replay` |
//! | Wrong boxes after rotation | [`boxes_bound_what_was_drawn_after_a_rotation`]; `targets::boxes_bound_exactly_the_pixels_they_bounded_before`, `targets::twice_turned_is_bounded_once`, `augment::boxes_and_masks_bound_the_pixels_they_belong_to` |
//! | Boxes of the image before, after a resize | [`boxes_go_through_normalize_and_augment`] |
//! | Resizing that means another thing in every library | [`the_name_of_a_resize_says_whose_pixels_it_gives`]; `normalize::letterboxes_and_crops_are_pillows`, `resize` |
//! | Truncated JPEGs that are decoded to grey | [`a_truncated_jpeg_is_an_error_in_every_step`]; `decode::a_cut_jpeg_is_never_half_a_picture` |
//! | EXIF orientation here and not there | `forms::all_eight_orientations_to_the_bit_in_normalize_and_augment` |
//! | CMYK that differs by library | `forms::inks_are_pillows`; `decode::every_photo_is_what_pillow_says` |

use std::collections::BTreeSet;

use microtome::Result;
use microtome::image::{Image, png};
use microtome::step::{Collected, Crew, Made, Out, Source, Step, params_from};
use microtome::steps::augment::Augment;
use microtome::steps::normalize::Normalize;
use serde_json::{Value, json};

use crate::{common, exchange};

fn run<S: Step<Input = Source>>(
    params: &Value,
    source: Source,
    workers: usize,
) -> Result<Vec<Made>> {
    let (crew, mut sink) = (Crew::new(workers)?, Collected::default());
    S::new(params_from(params.clone())?)?.run(source, &mut Out::new(&mut sink, &crew))?;
    Ok(sink.items)
}

fn augmented(params: &Value, file: &[u8], workers: usize) -> Vec<Made> {
    run::<Augment>(params, Source::from_bytes(file.to_vec()), workers).unwrap()
}

/// Files that differ in one pixel.
fn alike(count: u8) -> Vec<Vec<u8>> {
    let file = |i| {
        let mut image = exchange::noisy(40, 30, 3);
        image.as_u8_mut().unwrap()[0] = i;
        png::encode(&image).unwrap()
    };
    (0..count).map(file).collect()
}

/// Draws of many kinds, and pixels that are drawn one by one.
fn drawn() -> Value {
    json!({"ops": [
        {"affine": {"scale": [0.8, 1.2], "angle_deg": [-20, 20]}},
        {"some-of": {"n": 2, "ops": [{"gamma": {}}, {"fog": {}}, {"color-jitter": {}}, {"elastic": {}}]}},
        {"gauss-noise": {}},
    ]})
}

#[test]
fn nothing_that_was_drawn_comes_again() {
    let (mut ops, mut pixels) = (BTreeSet::new(), BTreeSet::new());
    // An epoch is a seed.
    for epoch in 0..4 {
        for file in alike(6) {
            let params = json!({"policy": drawn(), "copies": 5, "seed": epoch});
            for made in augmented(&params, &file, 2) {
                ops.insert(made.facts["ops"].as_str().unwrap().to_owned());
                pixels.insert(made.digest.to_string());
            }
        }
    }
    assert_eq!((ops.len(), pixels.len()), (4 * 6 * 5, 4 * 6 * 5));
    // The first numbers of the first op are as different: not one stream that is read from another place.
    let angles: BTreeSet<String> = ops
        .iter()
        .map(|text| {
            let policy: Value = serde_json::from_str(text).unwrap();
            policy["ops"][0]["affine"]["angle_deg"][0].to_string()
        })
        .collect();
    assert_eq!(angles.len(), 4 * 6 * 5);
}

#[test]
fn workers_order_and_subset_change_nothing() {
    let files = alike(5);
    let params = json!({"policy": drawn(), "copies": 4, "seed": 11});
    let one: Vec<_> = files.iter().map(|file| augmented(&params, file, 1)).collect();
    for workers in [2, 3, 8] {
        let mut many: Vec<_> =
            files.iter().rev().map(|file| augmented(&params, file, workers)).collect();
        many.reverse();
        assert_eq!(one, many, "{workers} workers, the other way round");
    }
    let step = Augment::new(params_from(params).unwrap()).unwrap();
    for (file, expected) in files.iter().zip(&one).skip(2).step_by(2) {
        let (crew, mut sink) = (Crew::new(1).unwrap(), Collected::default());
        let source = Source::from_bytes(file.clone());
        step.run(source, &mut Out::new(&mut sink, &crew)).unwrap();
        assert_eq!(sink.items, *expected, "only some of them, by one step for all");
    }
}

#[test]
fn a_policy_of_another_version_is_refused_by_name() {
    let inline = |text: Value| {
        let file = ("policy.json".to_string(), text.to_string().into_bytes());
        Augment::inline("policy", &[file], &serde_json::Map::new())
    };
    let flip = json!([{"horizontal-flip": {}}]);
    assert!(inline(json!({"augment": "1.0", "ops": flip})).is_ok());
    let error = inline(json!({"augment": "2.3", "ops": flip})).unwrap_err();
    assert_eq!(error.kind(), "params");
    let text = error.to_string();
    assert!(text.contains("`augment` 2.3") && text.contains(Augment::VERSION), "{text}");
    let theirs = json!({"__version__": "1.3.1",
        "transform": {"__class_fullname__": "HorizontalFlip", "p": 0.5}});
    let text = inline(theirs).unwrap_err().to_string();
    assert!(text.contains("Albumentations \"1.3.1\""), "{text}");
}

#[test]
fn a_replay_is_text() {
    let file = &alike(1)[0];
    let source = || {
        Source::from_bytes(file.clone())
            .with_column("annotation.boxes", json!("[[4,5,20,10,\"a\"]]"))
            .with_column("annotation.keypoints", json!("[[12,9,\"b\"]]"))
    };
    let params = json!({"policy": drawn(), "copies": 6, "seed": 3});
    for made in run::<Augment>(&params, source(), 1).unwrap() {
        // Out of the manifest, through a file that a person has laid out, and back.
        let value: Value = serde_json::from_str(made.facts["ops"].as_str().unwrap()).unwrap();
        let pretty = serde_json::to_vec_pretty(&value).unwrap();
        let none = serde_json::Map::new();
        let policy = Augment::inline("policy", &[("replay.json".into(), pretty)], &none).unwrap();
        let params = json!({"policy": policy, "seed": 77});
        let again = run::<Augment>(&params, source(), 1).unwrap().remove(0);
        assert_eq!(again.bytes, made.bytes);
        for fact in ["ops", "annotation.boxes", "annotation.keypoints", "boxes_dropped"] {
            assert_eq!(again.facts[fact], made.facts[fact], "{fact}");
        }
    }
}

const SIZE: (u32, u32) = (120, 90);
/// Left, top, right, bottom of what is drawn.
const DRAWN: [u32; 4] = [40, 25, 76, 58];

/// A white rectangle on black.
fn white() -> Vec<u8> {
    let [left, top, right, bottom] = DRAWN;
    let is = |x, y| (left..right).contains(&x) && (top..bottom).contains(&y);
    let pixels = (0..SIZE.1).flat_map(|y| (0..SIZE.0).map(move |x| (x, y)));
    let samples = pixels.flat_map(|(x, y)| [if is(x, y) { 255 } else { 0 }; 3]).collect();
    png::encode(&Image::from_u8(SIZE.0, SIZE.1, 3, samples).unwrap()).unwrap()
}

/// The bound of what is lighter than half, in edges.
fn seen(made: &Made) -> [f64; 4] {
    let image = png::decode(&made.bytes, 1 << 24).unwrap();
    let width = image.width_px();
    let mut bound = [u32::MAX, u32::MAX, 0, 0];
    for (at, pixel) in (0..).zip(image.as_u8().unwrap().as_chunks::<3>().0) {
        if pixel[0] > 127 {
            let (x, y) = (at % width, at / width);
            let [l, t, r, b] = bound;
            bound = [l.min(x), t.min(y), r.max(x + 1), b.max(y + 1)];
        }
    }
    bound.map(f64::from)
}

/// The one box of a result, in its format, as edges in pixels.
fn said(made: &Made, format: &str) -> [f64; 4] {
    let boxes: Value =
        serde_json::from_str(made.facts["annotation.boxes"].as_str().unwrap()).unwrap();
    let [a, b, c, d] = [0, 1, 2, 3].map(|i| boxes[0][i].as_f64().unwrap());
    let (w, h) = (f64::from(made.width_px), f64::from(made.height_px));
    match format {
        "coco" => [a, b, a + c, b + d],
        "voc" => [a, b, c, d],
        "yolo" => [(a - c / 2.0) * w, (b - d / 2.0) * h, (a + c / 2.0) * w, (b + d / 2.0) * h],
        _ => [a * w, b * h, c * w, d * h],
    }
}

/// What is drawn, as the column has it.
fn told(format: &str) -> Value {
    let [l, t, r, b] = DRAWN.map(f64::from);
    let (w, h) = (f64::from(SIZE.0), f64::from(SIZE.1));
    let four = match format {
        "coco" => [l, t, r - l, b - t],
        "voc" => [l, t, r, b],
        "yolo" => [(l + r) / 2.0 / w, (t + b) / 2.0 / h, (r - l) / w, (b - t) / h],
        _ => [l / w, t / h, r / w, b / h],
    };
    json!(json!([four]).to_string())
}

const FORMATS: [&str; 4] = ["coco", "voc", "yolo", "albumentations"];

#[test]
fn boxes_bound_what_was_drawn_after_a_rotation() {
    let turn = |n: u32| json!({"rot90": {"turns": [n, n]}});
    let rotate = |angle: f64| json!({"rotate": {"angle_deg": [angle, angle]}});
    // How far what is seen may end before the box: nothing where pixels stay whole; where they are mixed,
    // the tips of corners are thinner than a pixel.
    let ways = [
        (turn(1), 1e-9),
        (turn(2), 1e-9),
        (turn(3), 1e-9),
        (json!({"horizontal-flip": {}}), 1e-9),
        (json!({"vertical-flip": {}}), 1e-9),
        (json!({"transpose": {}}), 1e-9),
        (rotate(45.0), 1.5),
        (rotate(-45.0), 1.5),
        (rotate(90.0), 1.0),
        (rotate(13.0), 1.5),
    ];
    for format in FORMATS {
        for (op, slack) in &ways {
            let params = json!({"policy": {"ops": [op]}, "box_format": format});
            let source = Source::from_bytes(white()).with_column("annotation.boxes", told(format));
            let made = run::<Augment>(&params, source, 1).unwrap().remove(0);
            let ([l, t, r, b], [bl, bt, br, bb]) = (seen(&made), said(&made, format));
            for inside in [l - bl, t - bt, br - r, bb - b] {
                assert!((-0.5 - 1e-9..=*slack).contains(&inside), "{op} {format}: {inside}");
                assert!(*slack >= 0.5 || inside.abs() <= 1e-9, "{op} {format}: {inside}");
            }
        }
    }
}

#[test]
fn boxes_go_through_normalize_and_augment() {
    let wish = json!({"resize": "letterbox", "width_px": 300, "height_px": 300, "filter": "nearest",
        "crop_width_px": 280, "pad_multiple": 32});
    for format in FORMATS {
        let with = |params: &Value| {
            let mut params = params.clone();
            params["box_format"] = json!(format);
            params
        };
        let source = Source::from_bytes(white()).with_column("annotation.boxes", told(format));
        let first = run::<Normalize>(&with(&wish), source, 1).unwrap().remove(0);
        let apart = |made: &Made| {
            let (seen, said) = (seen(made), said(made, format));
            seen.iter().zip(said).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
        };
        // 2.5 times as large, by the nearest pixel: within half a pixel.
        assert!(apart(&first) <= 0.5 + 1e-9, "{format}: {}", apart(&first));
        let source = Source::from_bytes(first.bytes.clone())
            .with_column("annotation.boxes", first.facts["annotation.boxes"].clone());
        let params = with(&json!({"policy": {"ops": [{"rot90": {"turns": [1, 1]}}]}}));
        let second = run::<Augment>(&params, source, 1).unwrap().remove(0);
        assert!(apart(&second) <= 0.5 + 1e-9, "{format}: {}", apart(&second));
    }
}

#[test]
fn the_name_of_a_resize_says_whose_pixels_it_gives() {
    let test = "bitten::resize";
    let Some(data) = common::data_or_skip(test) else { return };
    let Some(python) = common::python_or_skip(test, &["PIL"]) else { return };
    let photo = data.join("generic/photo/chelsea.png");
    let bytes = std::fs::read(&photo).unwrap();
    let names = [
        ("nearest", "NEAREST"),
        ("box", "BOX"),
        ("bilinear", "BILINEAR"),
        ("hamming", "HAMMING"),
        ("catmull-rom", "BICUBIC"),
        ("lanczos3", "LANCZOS"),
    ];
    for (ours, theirs) in names {
        let script = format!(
            "import sys\nfrom PIL import Image\nim = Image.open(sys.argv[1]).convert('RGB')\n\
             sys.stdout.buffer.write(im.resize((113, 71), Image.{theirs}).tobytes())"
        );
        let theirs = exchange::run(&python, &script, &[photo.display().to_string()], b"");
        let most = |convention: &str| {
            let params = json!({"resize": "exact", "width_px": 113, "height_px": 71,
                "filter": ours, "convention": convention});
            let made = run::<Normalize>(&params, Source::from_bytes(bytes.clone()), 1).unwrap();
            let image = png::decode(&made[0].bytes, 1 << 24).unwrap();
            exchange::difference(image.as_u8().unwrap(), &theirs).1
        };
        assert_eq!(most("pillow"), 0, "{ours}");
        if ours == "bilinear" {
            assert!(most("antialias") <= 1, "{}", most("antialias"));
        }
    }
}

#[test]
fn a_truncated_jpeg_is_an_error_in_every_step() {
    let Some(data) = common::data_or_skip("bitten::truncated") else { return };
    for file in ["generic/orientation/Landscape_6.jpg", "generic/libvips/1.jpg"] {
        let bytes = std::fs::read(data.join(file)).unwrap();
        for part in [1, 5, 8, 9] {
            let cut = bytes[..bytes.len() * part / 10].to_vec();
            // A marker of the end does not make it whole.
            let ended = [&cut[..], b"\xFF\xD9"].concat();
            for bytes in [cut, ended] {
                let source = || Source::from_bytes(bytes.clone());
                let normalized = run::<Normalize>(&json!({}), source(), 1).map(|_| ());
                let augmented = run::<Augment>(&json!({}), source(), 1).map(|_| ());
                for result in [normalized, augmented] {
                    let error = result.expect_err("half a picture");
                    assert_eq!(error.kind(), "format", "{file}, {part} tenths: {error}");
                }
            }
        }
    }
}
