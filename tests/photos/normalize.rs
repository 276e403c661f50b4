//! `normalize` and `fit-normalize` on real photos, against Pillow, numpy and OpenCV.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use microtome::image::{Image, png};
use microtome::step::{Collected, Crew, Group, Made, Member, Of, Out, Source, Step, params_from};
use microtome::steps::fit_normalize::{FitNormalize, Profile};
use microtome::steps::normalize::Normalize;
use serde_json::{Value, json};

use crate::common;

/// Reads the files whose paths are arguments as RGB over white (`photos`), and the files that were sent
/// (`sent`, as bytes).
const HEAD: &str = r#"
import io, json, math, struct, sys
import numpy as np
from PIL import Image
def rgb(path):
    im = Image.open(path)
    if im.mode in ("P", "LA", "PA", "RGBA"):
        im = im.convert("RGBA")
        white = Image.new("RGB", im.size, (255, 255, 255))
        white.paste(im.convert("RGB"), mask=im.getchannel("A"))
        im = white
    return im.convert("RGB")
photos = [rgb(p) for p in sys.argv[1:]]
sent, rest = [], sys.stdin.buffer.read()
while rest:
    n = struct.unpack("<I", rest[:4])[0]
    sent.append(rest[4:4 + n]); rest = rest[4 + n:]
"#;

/// Runs `script` after [`HEAD`] and gives what it prints.
fn peer(python: &Path, script: &str, paths: &[PathBuf], sent: &[Vec<u8>]) -> Value {
    let mut child = Command::new(python)
        .args(["-c", &format!("{HEAD}{script}")])
        .args(paths)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for bytes in sent {
        stdin.write_all(&(bytes.len() as u32).to_le_bytes()).unwrap();
        stdin.write_all(bytes).unwrap();
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn normalized(path: &Path, params: Value) -> Made {
    let step = Normalize::new(params_from(params).unwrap()).unwrap();
    let (crew, mut sink) = (Crew::new(1).unwrap(), Collected::default());
    let source = Source::from_bytes(std::fs::read(path).unwrap());
    step.run(source, &mut Out::new(&mut sink, &crew)).unwrap_or_else(|e| panic!("{path:?}: {e}"));
    sink.items.remove(0)
}

fn image(made: &Made) -> Image {
    png::decode(&made.bytes, 1 << 30).unwrap()
}

/// Photos in colour, grey, with a palette and with alpha.
fn photos(data: &Path) -> Vec<PathBuf> {
    let names = ["kodim17", "coffee", "chelsea", "coins", "palette_color", "Transparency"];
    names.map(|name| data.join(format!("generic/photo/{name}.png"))).into()
}

#[test]
fn photos_that_were_stored_in_eight_ways_come_out_alike() {
    let Some(data) = common::data_or_skip("normalize::orientation") else { return };
    let of =
        |n: u8| normalized(&data.join(format!("generic/orientation/Landscape_{n}.jpg")), json!({}));
    let upright = image(&of(1));
    assert!(upright.width_px() > upright.height_px());
    for n in 1..=8 {
        let made = of(n);
        assert_eq!(made.facts["orientation"], n);
        let turned = image(&made);
        assert_eq!(
            (turned.width_px(), turned.height_px()),
            (upright.width_px(), upright.height_px())
        );
        let (a, b) = (upright.as_u8().unwrap(), turned.as_u8().unwrap());
        let apart: u64 = a.iter().zip(b).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        // The same picture was compressed eight times, its blocks in eight ways.
        let mean = apart as f64 / a.len() as f64;
        assert!(mean < 6.0, "orientation {n}: {mean} levels apart");
        let mirrored = a.as_chunks::<3>().0.iter().rev().flatten();
        let far: u64 = mirrored.zip(b).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        assert!(far > 4 * apart, "the picture does not tell its orientations apart");
    }
}

/// The profile of these photos, each a group of its own or all one group.
fn fitted(paths: &[PathBuf], params: Value) -> Profile {
    let step = FitNormalize::new(params_from(params).unwrap()).unwrap();
    let members = paths.iter().map(|path| {
        let source = Source::from_bytes(std::fs::read(path).unwrap());
        let (digest, bytes) = (*source.digest(), source.bytes().clone());
        let open = Box::new(move || Ok(bytes.clone()));
        Member::new(digest, BTreeMap::new(), source.limits(), open)
    });
    let group = Group { members: members.collect(), of: Of::Items };
    let (crew, mut sink) = (Crew::new(2).unwrap(), Collected::default());
    step.run(group, &mut Out::new(&mut sink, &crew)).unwrap();
    Profile::from_json(&sink.previews[0].bytes).unwrap()
}

#[test]
fn sums_are_those_of_exact_integers_and_close_to_numpys() {
    let test = "normalize::sums";
    let Some(data) = common::data_or_skip(test) else { return };
    let Some(python) = common::python_or_skip(test, &["numpy", "PIL"]) else { return };
    let paths = photos(&data);
    let profile = fitted(&paths, json!({"per": "group"}));
    let script = r#"
x = np.concatenate([np.asarray(p).reshape(-1, 3) for p in photos])
n = len(x)
out = {"pixels": n, "mean": [], "std": [], "np_mean": [], "np_std": [], "counts": []}
for c in range(3):
    v = x[:, c]
    s1, s2 = int(v.sum(dtype=np.uint64)), int((v.astype(np.uint64) ** 2).sum())
    out["mean"].append(s1 / (255 * n))
    out["std"].append(math.sqrt(n * s2 - s1 * s1) / (255 * n))
    out["np_mean"].append((v / 255).mean()); out["np_std"].append((v / 255).std())
    out["counts"].append(np.bincount(v, minlength=256).tolist())
print(json.dumps(out))
"#;
    let theirs = peer(&python, script, &paths, &[]);
    assert_eq!(theirs["pixels"], profile.pixels);
    assert_eq!(theirs["counts"], json!(profile.counts.unwrap()));
    // JSON's decimals may be read as a neighbour of what Python wrote.
    let near = |theirs: &Value, ours: &[f64], within: f64| {
        for (theirs, ours) in theirs.as_array().unwrap().iter().zip(ours) {
            assert!((theirs.as_f64().unwrap() - ours).abs() <= within, "{theirs} and {ours}");
        }
    };
    near(&theirs["mean"], &profile.mean, f64::EPSILON / 2.0);
    near(&theirs["std"], &profile.std, f64::EPSILON / 2.0);
    near(&theirs["np_mean"], &profile.mean, 1e-12);
    near(&theirs["np_std"], &profile.std, 1e-12);
}

#[test]
fn arrays_are_those_of_numpys_formula() {
    let test = "normalize::arrays";
    let Some(data) = common::data_or_skip(test) else { return };
    let Some(python) = common::python_or_skip(test, &["numpy", "PIL", "safetensors"]) else {
        return;
    };
    let paths = photos(&data);
    let own = json!({"numbers": "own", "mean": [0.4, 0.5, 0.6], "std": [0.2, 0.25, 0.3]});
    let with = |more: Value| {
        let mut params = own.as_object().unwrap().clone();
        params.extend(more.as_object().unwrap().clone());
        Value::Object(params)
    };
    let mut sent = Vec::new();
    for path in &paths {
        let made = normalized(path, with(json!({"format": "npy"})));
        assert_eq!((made.name.as_str(), made.media_type), ("normalized.npy", "application/x-npy"));
        sent.push(made.bytes);
        let hwc = json!({"format": "safetensors", "layout": "hwc", "dtype": "f16"});
        sent.push(normalized(path, with(hwc)).bytes);
        sent.push(normalized(path, json!({"format": "npy"})).bytes);
    }
    let script = r#"
from safetensors.numpy import load
worst = [0.0, 0.0]
for i, p in enumerate(photos):
    x = np.asarray(p)
    wanted = (x / 255 - np.array([0.4, 0.5, 0.6])) / np.array([0.2, 0.25, 0.3])
    chw = np.load(io.BytesIO(sent[3 * i]))
    hwc = load(sent[3 * i + 1])["image"]
    raw = np.load(io.BytesIO(sent[3 * i + 2]))
    assert chw.dtype == np.float32 and hwc.dtype == np.float16 and raw.dtype == np.uint8
    assert (raw == x.transpose(2, 0, 1)).all()
    worst[0] = max(worst[0], float(abs(chw - wanted.transpose(2, 0, 1)).max()))
    worst[1] = max(worst[1], float(abs(hwc.astype(np.float64) - wanted).max()))
print(json.dumps(worst))
"#;
    let worst = peer(&python, script, &paths, &sent);
    assert!(worst[0].as_f64().unwrap() < 1e-6, "{worst}");
    // Half of the distance between halves at 3.
    assert!(worst[1].as_f64().unwrap() < 1e-3, "{worst}");
}

#[test]
fn letterboxes_and_crops_are_pillows() {
    let test = "normalize::pillow";
    let Some(data) = common::data_or_skip(test) else { return };
    let Some(python) = common::python_or_skip(test, &["numpy", "PIL"]) else { return };
    let paths = photos(&data);
    let mut sent = Vec::new();
    for path in &paths {
        for convention in ["pillow", "antialias"] {
            let wish = json!({"resize": "letterbox", "width_px": 224, "height_px": 160,
                "fill": "#727272", "convention": convention});
            sent.push(normalized(path, wish).bytes);
        }
        let wish = json!({"resize": "shortest", "side_px": 100, "filter": "catmull-rom",
            "convention": "pillow", "crop_width_px": 90, "crop_height_px": 80});
        sent.push(normalized(path, wish).bytes);
    }
    let script = r#"
worst = [0, 0, 0]
half_up = lambda a, b: (2 * a + b) // (2 * b)
for i, p in enumerate(photos):
    w, h = p.size
    size = (224, half_up(h * 224, w)) if 224 * h <= 160 * w else (half_up(w * 160, h), 160)
    wanted = Image.new("RGB", (224, 160), (0x72,) * 3)
    wanted.paste(p.resize(size, Image.BILINEAR), ((224 - size[0]) // 2, (160 - size[1]) // 2))
    size = (half_up(w * 100, h), 100) if w >= h else (100, half_up(h * 100, w))
    x, y = (size[0] - 90) // 2, (size[1] - 80) // 2
    crop = p.resize(size, Image.BICUBIC).crop((x, y, x + 90, y + 80))
    for k, other in enumerate((wanted, wanted, crop)):
        ours = np.asarray(Image.open(io.BytesIO(sent[3 * i + k]))).astype(int)
        worst[k] = max(worst[k], int(abs(ours - np.asarray(other)).max()))
print(json.dumps(worst))
"#;
    let worst = peer(&python, script, &paths, &sent);
    assert_eq!(worst[0], 0, "Pillow's bits");
    assert!(worst[1].as_u64().unwrap() <= 1, "{worst}");
    assert_eq!(worst[2], 0, "Pillow's bits");
}

#[test]
fn contrast_of_grey_is_opencvs_and_matching_scikit_images() {
    let test = "normalize::contrast";
    let Some(data) = common::data_or_skip(test) else { return };
    let Some(python) = common::python_or_skip(test, &["numpy", "PIL", "cv2", "skimage"]) else {
        return;
    };
    let paths = photos(&data);
    let reference = ("coffee.png".to_string(), std::fs::read(&paths[1]).unwrap());
    let reference = Normalize::inline("match_to", &[reference], &serde_json::Map::new()).unwrap();
    let mut sent = Vec::new();
    for path in &paths {
        let clahe = json!({"mode": "grey", "contrast": "clahe", "clip_limit": 3, "tiles_x": 6,
            "tiles_y": 5});
        sent.push(normalized(path, clahe).bytes);
        sent.push(normalized(path, json!({"mode": "grey", "contrast": "equalize"})).bytes);
        sent.push(normalized(path, json!({"contrast": "match", "match_to": reference})).bytes);
    }
    let script = r#"
import cv2
from skimage.exposure import match_histograms
worst = [0, 0, 0]
for i, p in enumerate(photos):
    grey = cv2.cvtColor(np.asarray(p), cv2.COLOR_RGB2GRAY)
    peers = (cv2.createCLAHE(3, (6, 5)).apply(grey), cv2.equalizeHist(grey),
        match_histograms(np.asarray(p).astype(float), np.asarray(photos[1]).astype(float), channel_axis=2))
    for k, other in enumerate(peers):
        ours = np.asarray(Image.open(io.BytesIO(sent[3 * i + k]))).astype(float)
        worst[k] = max(worst[k], float(abs(ours - other).max()))
print(json.dumps(worst))
"#;
    let worst = peer(&python, script, &paths, &sent);
    assert_eq!((worst[0].as_f64(), worst[1].as_f64()), (Some(0.0), Some(0.0)), "{worst}");
    // Half a level, from rounding.
    assert!(worst[2].as_f64().unwrap() <= 0.5 + 1e-9, "{worst}");
}
