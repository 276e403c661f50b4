//! `normalize` on files of every form: inks, palettes, 16 bits, TIFF, all eight orientations; and the
//! averages that it takes in amounts of light.

use std::path::Path;

use microtome::Result;
use microtome::image::{Image, Samples, png};
use microtome::pixels::geometry::orient;
use microtome::step::{Collected, Crew, Made, Out, Source, Step, params_from};
use microtome::steps::augment::Augment;
use microtome::steps::normalize::Normalize;
use serde_json::{Value, json};

use crate::{common, exchange};

fn normalized(bytes: &[u8], params: Value) -> Result<Made> {
    let step = Normalize::new(params_from(params)?)?;
    let (crew, mut sink) = (Crew::new(1)?, Collected::default());
    step.run(Source::from_bytes(bytes.to_vec()), &mut Out::new(&mut sink, &crew))?;
    Ok(sink.items.remove(0))
}

/// The original that `augment` writes beside its copies.
fn original(bytes: &[u8]) -> Result<Made> {
    let step = Augment::new(params_from(json!({"original": true}))?)?;
    let (crew, mut sink) = (Crew::new(1)?, Collected::default());
    step.run(Source::from_bytes(bytes.to_vec()), &mut Out::new(&mut sink, &crew))?;
    assert_eq!(sink.items[0].name, "original.png");
    Ok(sink.items.remove(0))
}

fn picture(made: &Made) -> Image {
    png::decode(&made.bytes, 1 << 30).unwrap()
}

/// Lists of bytes, each after its length.
fn parts(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let (part, rest) = rest.split_at(u32::from_le_bytes(*length) as usize);
        parts.push(part.to_vec());
        bytes = rest;
    }
    parts
}

/// What a script gives, which has `give(bytes)` and the paths of files in `sys.argv`.
fn asked(python: &Path, script: &str, files: &[&Path]) -> Vec<Vec<u8>> {
    let head = "
import io, struct, sys
import numpy as np
from PIL import Image, ImageCms, ImageOps
def give(b):
    sys.stdout.buffer.write(struct.pack('<I', len(b)) + b)
";
    let files: Vec<String> = files.iter().map(|f| f.display().to_string()).collect();
    parts(&exchange::run(python, &format!("{head}{script}"), &files, b""))
}

/// A JPEG whose EXIF block says another orientation.
fn turned(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    // Tag 0x0112, type 3 (short), one value, in either byte order.
    let orders = [
        (&b"\x12\x01\x03\x00\x01\x00\x00\x00"[..], [orientation, 0]),
        (&b"\x01\x12\x00\x03\x00\x00\x00\x01"[..], [0, orientation]),
    ];
    let mut patched = jpeg.to_vec();
    let mut found = 0;
    for (entry, value) in orders {
        let at = jpeg[..jpeg.len().min(1 << 16)].windows(8).position(|window| window == entry);
        if let Some(at) = at {
            patched[at + 8..at + 10].copy_from_slice(&value);
            found += 1;
        }
    }
    assert_eq!(found, 1, "one orientation in the file");
    patched
}

#[test]
fn all_eight_orientations_to_the_bit_in_normalize_and_augment() {
    let test = "forms::orientations";
    let Some(data) = common::data_or_skip(test) else { return };
    let jpeg = std::fs::read(data.join("generic/orientation/Landscape_6.jpg")).unwrap();
    let stored = picture(&normalized(&turned(&jpeg, 1), json!({})).unwrap());
    assert!(stored.width_px() < stored.height_px(), "it lies on its side");
    let mut seen = Vec::new();
    for orientation in 1..=8 {
        let bytes = turned(&jpeg, orientation);
        let made = normalized(&bytes, json!({})).unwrap();
        assert_eq!(made.facts["orientation"], orientation);
        let upright = orient(&stored, orientation).unwrap();
        assert!(picture(&made) == upright, "orientation {orientation}");
        assert!(picture(&original(&bytes).unwrap()) == upright, "orientation {orientation}");
        assert!(!seen.contains(&upright), "the picture tells its orientations apart");
        seen.push(upright);
    }
}

#[test]
fn boxes_are_of_the_upright_image_whatever_the_orientation() {
    let test = "forms::upright_boxes";
    let Some(data) = common::data_or_skip(test) else { return };
    let jpeg = std::fs::read(data.join("generic/orientation/Landscape_6.jpg")).unwrap();
    let step = Normalize::new(params_from(json!({"resize": "longest", "side_px": 300})).unwrap());
    let step = step.unwrap();
    for orientation in 1..=8 {
        let source = Source::from_bytes(turned(&jpeg, orientation))
            .with_column("annotation.boxes", json!("[[20,40,100,60]]"));
        let (crew, mut sink) = (Crew::new(1).unwrap(), Collected::default());
        step.run(source, &mut Out::new(&mut sink, &crew)).unwrap();
        // 600 × 450 or 450 × 600: half of it.
        assert_eq!(sink.items[0].facts["annotation.boxes"], "[[10,20,50,30]]", "{orientation}");
    }
}

#[test]
fn inks_are_pillows() {
    let test = "forms::inks";
    let Some(data) = common::data_or_skip(test) else { return };
    let Some(python) = common::python_or_skip(test, &["numpy", "PIL"]) else { return };
    let files = [
        data.join("generic/twelvemonkeys/cmyk-sample.jpg"),
        data.join("camtrap/speciesnet/african_elephants_cmyk.jpg"),
    ];
    let script = "for path in sys.argv[1:]:\n    give(Image.open(path).convert('RGB').tobytes())\n";
    let paths: Vec<&Path> = files.iter().map(|f| f.as_path()).collect();
    for (file, theirs) in files.iter().zip(asked(&python, script, &paths)) {
        let bytes = std::fs::read(file).unwrap();
        let made = normalized(&bytes, json!({"icc": "ignore"})).unwrap();
        let mode = made.facts["source_mode"].as_str().unwrap();
        assert!(["cmyk", "ycck"].contains(&mode), "{file:?} is {mode}");
        assert!(picture(&made).as_u8().unwrap() == theirs, "{file:?}");
        if made.facts["icc"] == "none" {
            assert_eq!(picture(&original(&bytes).unwrap()), picture(&made), "{file:?}");
        }
    }
}

#[test]
fn palettes_and_sixteen_bits_are_those_of_their_peers() {
    let test = "forms::palettes";
    let Some(data) = common::data_or_skip(test) else { return };
    let Some(python) = common::python_or_skip(test, &["numpy", "PIL", "cv2"]) else { return };
    let palettes = ["photo/palette_color", "pngsuite/basn3p02", "pngsuite/basn3p04"]
        .map(|name| data.join(format!("generic/{name}.png")));
    let script = "for path in sys.argv[1:]:\n    give(Image.open(path).convert('RGB').tobytes())\n";
    let paths: Vec<&Path> = palettes.iter().map(|f| f.as_path()).collect();
    for (file, theirs) in palettes.iter().zip(asked(&python, script, &paths)) {
        let made = normalized(&std::fs::read(file).unwrap(), json!({})).unwrap();
        assert_eq!(made.facts["source_mode"], "palette", "{file:?}");
        assert!(picture(&made).as_u8().unwrap() == theirs, "{file:?}");
    }
    let deep = ["pngsuite/basn0g16", "pngsuite/oi4n0g16", "pngsuite/oi2n2c16", "pngsuite/oi9n2c16"]
        .map(|name| data.join(format!("generic/{name}.png")));
    // As they are, and rounded to 8 bits.
    let script = "
import cv2
for path in sys.argv[1:]:
    x = cv2.imread(path, cv2.IMREAD_UNCHANGED)
    x = np.repeat(x[:, :, None], 3, 2) if x.ndim == 2 else x[:, :, ::-1]
    give(x.astype('<u2').tobytes())
    give(((x.astype(np.uint32) + 128) // 257).astype(np.uint8).tobytes())
";
    let paths: Vec<&Path> = deep.iter().map(|f| f.as_path()).collect();
    let theirs = asked(&python, script, &paths);
    for (file, theirs) in deep.iter().zip(theirs.as_chunks::<2>().0) {
        let bytes = std::fs::read(file).unwrap();
        let kept = normalized(&bytes, json!({"depth": "keep"})).unwrap();
        assert_eq!(kept.facts["source_bits"], 16, "{file:?}");
        let Samples::U16(ours) = picture(&kept).into_samples() else { panic!("16 bits stay so") };
        let ours: Vec<u8> = ours.iter().flat_map(|x| x.to_le_bytes()).collect();
        assert!(ours == theirs[0], "{file:?} at 16 bits");
        let rounded = picture(&normalized(&bytes, json!({})).unwrap());
        assert!(rounded.as_u8().unwrap() == theirs[1], "{file:?} at 8 bits");
    }
}

#[test]
fn tiffs_are_turned_and_their_colours_converted() {
    let test = "forms::tiff";
    let Some(data) = common::data_or_skip(test) else { return };
    let Some(python) = common::python_or_skip(test, &["numpy", "PIL"]) else { return };
    let (photo, profile) =
        (data.join("generic/photo/kodim17.png"), data.join("generic/sharp/prophoto.png"));
    // Eight files and what is in them upright; then one with a profile.
    let script = "
im = Image.open(sys.argv[1]).convert('RGB').resize((121, 83))
for turn in range(1, 9):
    b = io.BytesIO()
    im.save(b, 'TIFF', tiffinfo={274: turn}, compression='tiff_lzw')
    give(b.getvalue())
    back = Image.open(io.BytesIO(b.getvalue()))
    back.load()
    give(ImageOps.exif_transpose(back).tobytes())
icc = Image.open(sys.argv[2]).info['icc_profile']
b = io.BytesIO()
im.save(b, 'TIFF', icc_profile=icc)
give(b.getvalue())
F = ImageCms.Flags
give(ImageCms.profileToProfile(im, ImageCms.ImageCmsProfile(io.BytesIO(icc)), ImageCms.createProfile('sRGB'), 1, 'RGB',
    flags=F.BLACKPOINTCOMPENSATION | F.NOOPTIMIZE | F.HIGHRESPRECALC).tobytes())
";
    let given = asked(&python, script, &[&photo, &profile]);
    let pairs = given.as_chunks::<2>().0;
    assert_eq!(pairs.len(), 9);
    for (turn, [tiff, theirs]) in (1..=8).zip(pairs) {
        let made = normalized(tiff, json!({})).unwrap();
        assert_eq!(made.facts["orientation"], turn);
        let ours = picture(&made);
        let size = if turn > 4 { (83, 121) } else { (121, 83) };
        assert_eq!((ours.width_px(), ours.height_px()), size, "orientation {turn}");
        assert!(ours.as_u8().unwrap() == theirs, "orientation {turn}");
        assert_eq!(picture(&original(tiff).unwrap()), ours);
    }
    let [tiff, theirs] = &pairs[8];
    let made = normalized(tiff, json!({})).unwrap();
    assert_eq!(made.facts["icc"], "converted");
    let (_, most) = exchange::difference(picture(&made).as_u8().unwrap(), theirs);
    assert!(most <= 1, "{most} levels from Little CMS");
    let ignored = normalized(tiff, json!({"icc": "ignore"})).unwrap();
    assert_eq!(ignored.facts["icc"], "ignored");
    let (_, moved) = exchange::difference(picture(&ignored).as_u8().unwrap(), theirs);
    assert!(moved > 10, "the profile moves colours");
}

#[test]
fn in_linear_light_black_and_white_make_as_much_light() {
    let stripes: Vec<u8> =
        (0..64 * 64).flat_map(|i| [if i % 2 == 0 { 0 } else { 255 }; 3]).collect();
    let file = png::encode(&Image::from_u8(64, 64, 3, stripes).unwrap()).unwrap();
    for (light, level) in [("linear", 188), ("gamma", 128)] {
        let wish = json!({"resize": "exact", "width_px": 32, "height_px": 32, "filter": "box",
            "light": light});
        let made = picture(&normalized(&file, wish).unwrap());
        assert!(made.as_u8().unwrap().iter().all(|v| *v == level), "{light}");
    }
}

#[test]
fn in_linear_light_photos_are_as_the_formula_says() {
    let test = "forms::light";
    let Some(data) = common::data_or_skip(test) else { return };
    let Some(python) = common::python_or_skip(test, &["numpy", "PIL"]) else { return };
    let photo = data.join("generic/photo/kodim17.png");
    let script = "
x = np.asarray(Image.open(sys.argv[1]).convert('RGB')) / 255
x = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
h, w, _ = x.shape
x = x.reshape(h // 4, 4, w // 4, 4, 3).mean((1, 3))
x = np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)
give(struct.pack('<II', w // 4, h // 4))
give(np.rint(x * 255).astype(np.uint8).tobytes())
";
    let given = asked(&python, script, &[&photo]);
    let side = |at: usize| u32::from_le_bytes(given[0][at..at + 4].try_into().unwrap());
    let wish = json!({"resize": "exact", "width_px": side(0), "height_px": side(4),
        "filter": "box", "light": "linear"});
    let ours = picture(&normalized(&std::fs::read(&photo).unwrap(), wish).unwrap());
    let (_, most) = exchange::difference(ours.as_u8().unwrap(), &given[1]);
    assert!(most <= 1, "{most} levels apart");
}
