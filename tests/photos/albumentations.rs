//! Policies of Albumentations: those that it writes itself, and what it makes of a photo.

use std::path::Path;
use std::process::Command;

use microtome::digest::Digest;
use microtome::image::Image;
use microtome::steps::augment::albumentations::{Loaded, is_policy, load};
use microtome::steps::augment::apply::apply;
use microtome::steps::augment::picture::Picture;
use microtome::steps::augment::policy::Policy;
use microtome::steps::augment::policy::draw::{For, draw};
use serde_json::{Map, Value, json};

use crate::common::python_or_skip;

fn wrapped(transform: Value) -> Value {
    json!({"__version__": "2.0.8", "transform": transform})
}

fn flip(p: f64) -> Value {
    json!({"__class_fullname__": "HorizontalFlip", "p": p})
}

fn ops(loaded: &Loaded) -> Value {
    serde_json::to_value(&loaded.policy).unwrap()["ops"].clone()
}

#[test]
fn only_the_release_that_was_tried_is_read() {
    let other = json!({"__version__": "1.4.24", "transform": flip(0.5)});
    assert!(is_policy(&other) && !is_policy(&json!({"ops": []})));
    let error = load(&other).unwrap_err().to_string();
    assert!(
        error.contains("1.4.24") && error.contains("2.0.x") && error.contains("2.0.8"),
        "{error}"
    );
    let near = json!({"__version__": "2.0.3", "transform": flip(0.5)});
    let tried = load(&wrapped(flip(0.5))).unwrap();
    assert_eq!(load(&near).unwrap(), tried);
}

#[test]
fn all_that_is_refused_is_named_at_once() {
    let compose = json!({
    "__class_fullname__": "Compose", "p": 1.0, "bbox_params": null, "keypoint_params": null,
    "additional_targets": {"image2": "image"}, "is_check_shapes": true, "seed": 4,
    "transforms": [
        flip(0.5),
        {"__class_fullname__": "ZoomBlur", "p": 0.5},
        {"__class_fullname__": "Normalize", "p": 1.0},
        {"__class_fullname__": "mine.Own", "p": 1.0},
        {"__class_fullname__": "RandomGamma", "p": 1.0, "gamma_limit": [80, 120], "eps": 1},
        {"__class_fullname__": "Sharpen", "p": 0.5, "alpha": [0.2, 0.5], "kernel_size": 5,
         "lightness": [0.5, 1.0], "method": "gaussian", "sigma": 1.0},
        {"__class_fullname__": "OneOf", "p": 0.5, "transforms": [{"__class_fullname__": "Posterize",
         "p": 0.5, "num_bits": [[1, 2], [2, 3], [3, 4]]}]},
        {"__class_fullname__": "GaussNoise", "p": 2.0, "mean_range": [0, 0],
         "noise_scale_factor": 1.0, "per_channel": true, "std_range": [0.2, 0.4]},
    ]});
    let error = load(&wrapped(compose)).unwrap_err();
    assert_eq!(error.kind(), "params");
    let error = error.to_string();
    for expected in [
        "transform.transforms[1] ZoomBlur: no op here does the same",
        "transform.transforms[2] Normalize: no op here does the same: `normalize` after `augment`",
        "transform.transforms[3] mine.Own: no op here does the same",
        "transform.transforms[4] RandomGamma.eps: is a field that 2.0.8 does not write",
        "transform.transforms[5] Sharpen.method: \"gaussian\" has no equal here",
        "transform.transforms[6].transforms[0] Posterize.num_bits:",
        "transform.transforms[7] GaussNoise: out of bounds here: p:",
        "transform Compose.additional_targets:",
        "transform Compose.seed: 4 has no equal here",
    ] {
        assert!(error.contains(expected), "{expected}\n{error}");
    }
    let replay = json!({"__class_fullname__": "ReplayCompose", "p": 1.0, "transforms": [],
        "bbox_params": null, "keypoint_params": null, "additional_targets": {},
        "is_check_shapes": true, "save_key": "replay"});
    assert!(load(&wrapped(replay)).unwrap_err().to_string().contains("take `Compose`"));
}

#[test]
fn containers_keep_their_probabilities() {
    // Evenly taken, then done with their own p: weight 1 around it.
    let some = json!({"__class_fullname__": "SomeOf", "p": 0.7, "n": 1, "replace": false,
        "transforms": [flip(0.2), flip(1.0)]});
    let found = ops(&load(&wrapped(some)).unwrap());
    assert_eq!(
        found,
        json!([{"some-of": {"p": 0.7, "n": 1, "replace": false, "ops": [
        {"sequential": {"p": 1.0, "ops": [{"horizontal-flip": {"p": 0.2}}]}},
        {"horizontal-flip": {"p": 1.0}}]}}])
    );
    let one =
        json!({"__class_fullname__": "OneOf", "p": 0.5, "transforms": [flip(0.2), flip(0.6)]});
    assert_eq!(
        ops(&load(&wrapped(one)).unwrap()),
        json!([{"one-of": {"p": 0.5, "ops": [
        {"horizontal-flip": {"p": 0.2}}, {"horizontal-flip": {"p": 0.6}}]}}])
    );
    // One or the other: always one, the first three times out of ten.
    let other = json!({"__class_fullname__": "OneOrOther", "p": 0.3, "transforms": [flip(0.1),
        {"__class_fullname__": "NoOp", "p": 0.1}]});
    let policy = load(&wrapped(other)).unwrap().policy;
    policy.check("1.0.0").unwrap();
    let item = Digest::of(b"item");
    let fired = (0..1000)
        .filter(|copy| !draw(&policy, For { seed: 1, item: &item, copy: *copy }).is_empty());
    let fired = fired.count();
    assert!((250..350).contains(&fired), "{fired}");
}

#[test]
fn rules_of_boxes_are_asked_for() {
    let boxes = json!({"format": "yolo", "label_fields": ["l"], "min_area": 0.0, "min_visibility": 0.3,
        "min_width": 2.0, "min_height": 2.0, "check_each_transform": true, "clip": true,
        "max_accept_ratio": null});
    let compose = json!({"__class_fullname__": "Compose", "p": 1.0, "transforms": [flip(0.5)],
        "bbox_params": boxes, "keypoint_params": null, "additional_targets": {}, "is_check_shapes": true});
    let loaded = load(&wrapped(compose)).unwrap();
    let error = loaded.clone().settled(&Map::new()).unwrap_err().to_string();
    assert!(error.contains("box_format: \"yolo\"") && error.contains("min_box_px: 2.0"), "{error}");
    let given = json!({"box_format": "yolo", "box_outline": "corners", "outside_boxes": "clip",
        "min_box_visibility": 0.3, "min_box_px": 2});
    assert!(loaded.settled(given.as_object().unwrap()).is_ok());
}

/// What it makes of a photo: for each op its dump, and the result where it is fixed.
const LIVE: &str = r#"
import sys, json, warnings
warnings.simplefilter("ignore")
import numpy as np, albumentations as A, cv2
assert A.__version__ == "2.0.8", A.__version__
out = sys.argv[1]
rng = np.random.default_rng(7)
y, x = np.mgrid[0:120, 0:161]
photo = np.stack([x * 255 / 160, y * 255 / 119, 127 + 120 * np.sin(x / 9) * np.cos(y / 7)], 2)
photo = np.clip(photo + rng.normal(0, 9, photo.shape), 0, 255).astype(np.uint8)
photo.tofile(out + "/photo")
fixed = dict(
  hflip=(A.HorizontalFlip(p=1), 0, 0), vflip=(A.VerticalFlip(p=1), 0, 0), transpose=(A.Transpose(p=1), 0, 0),
  centre=(A.CenterCrop(51, 60), 0, 0), corner=(A.Crop(0, 0, 70, 33), 0, 0), pad=(A.Pad((1, 2, 3, 4), border_mode=4), 0, 0),
  padif=(A.PadIfNeeded(131, 170, fill=(9, 8, 7)), 0, 0), nearest=(A.Resize(240, 322, interpolation=0), 0, 0),
  posterize=(A.Posterize(3, p=1), 0, 0), solarize=(A.Solarize((.5, .5), p=1), 0, 0), equalize=(A.Equalize(p=1), 0, 0),
  grey=(A.ToGray(p=1), 0, 1), bc=(A.RandomBrightnessContrast((.1, .1), (.3, .3), p=1), 0, 1),
  gamma=(A.RandomGamma((70, 70), p=1), 0, 1), invert=(A.InvertImg(p=1), 0, 0),
  rotate=(A.Rotate((20, 20), p=1), 0, 1), rotn=(A.Rotate((20, 20), interpolation=0, border_mode=4, p=1), 0.05, 255),
  shear=(A.Affine(scale=.8, rotate=15, shear=dict(x=(7, 7), y=(0, 0)), border_mode=1, p=1), 0, 1),
  clahe=(A.CLAHE((2, 2), p=1), 1.2, 24), sharpen=(A.Sharpen((.3, .3), (.7, .7), p=1), 0, 1),
  gauss=(A.GaussianBlur(0, (1.5, 1.5), p=1), 0, 1), median=(A.MedianBlur((5, 5), p=1), 0, 0))
for name, (op, mean, most) in fixed.items():
  image = op(image=photo)["image"]
  np.ascontiguousarray(image).tofile(out + "/" + name)
  print(json.dumps([name, A.to_dict(A.Compose([op])), image.shape, mean, most]))
drawn = [A.D4(), A.RandomRotate90(), A.Rotate(), A.Affine(), A.Affine(translate_percent=.1, rotate=9), A.ShiftScaleRotate(),
  A.Perspective(), A.ElasticTransform(), A.GridDistortion(), A.RandomResizedCrop((50, 60)), A.RandomCrop(50, 60),
  A.ColorJitter(), A.ChannelShuffle(), A.MotionBlur(), A.Defocus(), A.GaussNoise(), A.ISONoise(), A.ShotNoise(),
  A.ImageCompression(), A.Downscale(), A.CoarseDropout(), A.RandomFog(), A.RandomRain(drop_length=9),
  A.RandomShadow(shadow_roi=(0, 0, 1, 1)), A.HEStain(method="macenko", augment_background=True), A.NoOp(),
  A.OneOf([A.HorizontalFlip(), A.Transpose()]), A.SomeOf([A.HorizontalFlip(), A.Transpose()], n=1), A.Sequential([A.NoOp()])]
for op in drawn:
  print(json.dumps([type(op).__name__, A.to_dict(A.Compose([op])), None, 0, 0]))
"#;

fn photo(folder: &Path, name: &str, (width, height): (u32, u32)) -> Image {
    Image::from_u8(width, height, 3, std::fs::read(folder.join(name)).unwrap()).unwrap()
}

fn made(policy: &Policy, image: &Image) -> Image {
    let item = Digest::of(b"item");
    let mut picture = Picture::new(image, None, 1 << 30).unwrap();
    for node in draw(policy, For { seed: 0, item: &item, copy: 0 }) {
        apply(&node, &mut picture).unwrap();
    }
    picture.finish().unwrap().0.into_owned()
}

#[test]
fn what_it_writes_is_read_and_fixed_ops_give_its_pixels() {
    let test = "what_it_writes_is_read_and_fixed_ops_give_its_pixels";
    let Some(python) = python_or_skip(test, &["albumentations", "cv2"]) else { return };
    let folder =
        std::env::temp_dir().join(format!("microtome-albumentations-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let output = Command::new(python).args(["-c", LIVE]).arg(&folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let source = photo(&folder, "photo", (161, 120));
    let mut wrong = Vec::new();
    let mut compared = 0;
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let name = row[0].as_str().unwrap();
        let loaded = match load(&row[1]) {
            Ok(loaded) => loaded,
            Err(error) => {
                wrong.push(format!("{name}: {error}"));
                continue;
            }
        };
        loaded.policy.check("1.0.0").unwrap();
        let ours = made(&loaded.policy, &source);
        let Some(shape) = row[2].as_array() else { continue };
        let side = |index: usize| shape[index].as_u64().unwrap() as u32;
        let theirs = photo(&folder, name, (side(1), side(0)));
        compared += 1;
        if (ours.width_px(), ours.height_px()) != (side(1), side(0)) {
            wrong.push(format!("{name}: another size"));
            continue;
        }
        let (a, b) = (ours.as_u8().unwrap(), theirs.as_u8().unwrap());
        let off: Vec<u64> = a.iter().zip(b).map(|(a, b)| u64::from(a.abs_diff(*b))).collect();
        let most = off.iter().copied().max().unwrap();
        let mean = off.iter().sum::<u64>() as f64 / off.len() as f64;
        println!("{name}: mean {mean:.4}, most {most}");
        if most > row[4].as_u64().unwrap()
            || mean > row[3].as_f64().unwrap().max(0.5 * f64::from(u8::from(most > 0)))
        {
            wrong.push(format!("{name}: mean {mean:.4}, most {most}"));
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(compared == 22 && wrong.is_empty(), "{compared} compared\n{}", wrong.join("\n"));
}
