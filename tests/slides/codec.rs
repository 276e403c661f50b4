//! The JPEG codec against libjpeg-turbo (in Pillow), and all photos against Pillow.

use std::fmt::Write as _;

use microtome::image::jpeg::{self, Colour, Subsampling};
use microtome::image::{Image, photo};
use serde_json::json;

use crate::{common, data};

const LIMIT: u64 = 512 << 20;

/// Cuts a rectangle out of an 8-bit image and keeps the first `channels`.
fn crop(image: &Image, width: u32, height: u32, channels: u8) -> Image {
    let view = image.view().unwrap();
    let part = view.slice(ndarray::s![..height as usize, ..width as usize, ..channels as usize]);
    Image::from_u8(width, height, channels, part.iter().copied().collect()).unwrap()
}

#[test]
fn encoded_bytes_are_pillows() {
    let test = "encoded_bytes_are_pillows";
    let Some(folder) = common::data_or_skip(test) else { return };
    let scratch = data::scratch("encode");
    let (mut asked, mut cases) = (String::new(), Vec::new());
    let mut pictures = Vec::new();
    for path in data::files(&folder.join("he_patches")) {
        let bytes = std::fs::read(&path).unwrap();
        if let Ok(image) = photo::decode(&bytes, LIMIT)
            && image.as_u8().is_some()
            && image.channels() >= 3
        {
            pictures.push(image);
        }
    }
    assert!(pictures.len() >= 10, "only {} patches", pictures.len());
    let kinds = [(Subsampling::S420, 2), (Subsampling::S422, 1), (Subsampling::S444, 0)];
    for (i, picture) in pictures.iter().enumerate() {
        let (w, h) = (picture.width_px(), picture.height_px());
        let sizes = [(w, h), (w - 3, h - 5), (17.min(w), h - 1), (8, 8), (1, 1), (1, h)];
        for (subsampling, pillow) in kinds {
            for (j, (width, height)) in sizes.into_iter().enumerate() {
                for (channels, quality) in [(3, 80), (3, 95), (3, 30), (1, 80)] {
                    let image = crop(picture, width, height, channels);
                    let stem = format!("{i}-{j}-{channels}-{quality}-{pillow}");
                    let raw = scratch.join(format!("{stem}.raw"));
                    let out = scratch.join(format!("{stem}.jpg"));
                    std::fs::write(&raw, image.as_u8().unwrap()).unwrap();
                    // Pillow would write sampling factors into grey files too; −1 is its default.
                    let pillow = if channels == 1 { -1 } else { pillow };
                    let line = json!({"raw": raw, "shape": [height, width, channels],
                        "quality": quality, "subsampling": pillow, "out": out});
                    writeln!(asked, "{line}").unwrap();
                    cases.push((stem, out, jpeg::encode(&image, quality, subsampling).unwrap()));
                }
            }
        }
    }
    let listing = scratch.join("ask.jsonl");
    std::fs::write(&listing, asked).unwrap();
    let Some(_) = data::python(test, &["encode", &listing.to_string_lossy()]) else { return };
    let wrong: Vec<_> = cases
        .iter()
        .filter(|(_, out, ours)| std::fs::read(out).unwrap() != *ours)
        .map(|(stem, _, _)| stem.as_str())
        .collect();
    eprintln!("{} of {} JPEGs are Pillow's byte for byte", cases.len() - wrong.len(), cases.len());
    assert!(wrong.is_empty(), "not Pillow's bytes: {wrong:?}");
}

#[test]
fn photos_decode_to_pillows_pixels() {
    let test = "photos_decode_to_pillows_pixels";
    let Some(folder) = common::data_or_skip(test) else { return };
    let scratch = data::scratch("photos");
    let (mut asked, mut wrong) = (String::new(), Vec::new());
    let (mut exact, mut jpegs, mut unsupported, mut damaged) = (0, 0, 0, 0);
    for (name, oracle) in data::oracles(&folder) {
        let theirs = &oracle["pillow_frame0"];
        let sort = name.split('/').next().unwrap();
        if !matches!(sort, "generic" | "camtrap" | "he_patches") || !theirs.is_object() {
            continue;
        }
        let path = folder.join(&name);
        let opened = data::open(&path).and_then(|slide| data::whole(&*slide, 0));
        match opened {
            Ok(image) if theirs["sha256"] == data::sha256(&data::bytes(&image)) => {
                exact += 1;
                jpegs += usize::from(std::fs::read(&path).unwrap().starts_with(b"\xFF\xD8"));
            }
            Ok(image) => {
                let raw = scratch.join(format!("{}.raw", data::sha256(name.as_bytes())));
                std::fs::write(&raw, data::bytes(&image)).unwrap();
                let shape = [image.height_px(), image.width_px(), image.channels().into()];
                let line = json!({"file": path, "raw": raw, "shape": shape,
                    "dtype": data::dtype(&image)});
                writeln!(asked, "{line}").unwrap();
            }
            Err(error) if error.kind() == "unsupported" => unsupported += 1,
            Err(error) if error.kind() == "format" && is_damaged(&name) => damaged += 1,
            Err(error) => wrong.push(format!("{name}: {}: {error}", error.kind())),
        }
    }
    eprintln!("{exact} photos are Pillow's, {jpegs} of them JPEGs; {unsupported} unsupported");
    let listing = scratch.join("ask.jsonl");
    std::fs::write(&listing, asked).unwrap();
    if let Some(answers) = data::python(test, &["compare", &listing.to_string_lossy()]) {
        for answer in answers.lines() {
            let value: serde_json::Value = serde_json::from_str(answer).unwrap();
            if ["pillow", "tifffile", "imagecodecs"].iter().all(|key| value[key] != 0.0) {
                wrong.push(answer.to_owned());
            }
        }
    }
    assert!(wrong.is_empty(), "{} photos are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(damaged, 2);
    assert!(jpegs > 50, "only {jpegs} JPEGs were compared");
}

/// A progressive JPEG that ends in the middle of a scan, and one with rubbish behind its scan: Pillow
/// shows what is there.
fn is_damaged(name: &str) -> bool {
    matches!(
        name.strip_prefix("generic/jpeg-reftest/"),
        Some("partial_progressive.jpg" | "extraneous-data.jpg")
    )
}

#[test]
fn damage_in_a_scan_is_noticed() {
    let Some(folder) = common::data_or_skip("damage_in_a_scan_is_noticed") else { return };
    let bytes = std::fs::read(folder.join("wsi/qupath-cells/cells.jpg")).unwrap();
    let image = photo::decode(&bytes, LIMIT).unwrap();
    let jpeg = jpeg::encode(&image, 80, Subsampling::S420).unwrap();
    let begin = jpeg.windows(2).position(|w| w == [0xFF, 0xDA]).unwrap() + 14;
    // A stretch of zeros, as a lost disk block leaves it, in the middle half of the scan.
    let (mut noticed, mut tried, mut same) = (0, 0, 0);
    let length = jpeg.len() - begin;
    for at in (begin + length / 4..begin + 3 * length / 4).step_by(7) {
        let mut damaged = jpeg.clone();
        damaged[at..at + 64].fill(0);
        tried += 1;
        match jpeg::decode(&damaged, Colour::Auto, LIMIT) {
            Err(error) => {
                assert_eq!(error.kind(), "format");
                noticed += 1;
            }
            Ok(decoded) => {
                same += usize::from(Ok(decoded) == jpeg::decode(&jpeg, Colour::Auto, LIMIT))
            }
        }
    }
    eprintln!("{noticed} of {tried} damaged scans were noticed, {same} had no effect");
    // No decoder can notice all: Huffman codes fall back into step, and the blank end of this picture
    // swallows the rest. libjpeg warns about 158 while it decodes; the check for bytes that are left
    // over about doubles that.
    assert!(noticed * 100 >= tried * 40, "{noticed} of {tried}");
}
