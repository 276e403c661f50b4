//! Photos of every kind against Pillow: pixels, orientation, profiles; and damaged ones.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use microtome::image::open::{IccStatus, Opened, Options, SourceMode, open_photo, to_working};
use microtome::image::{Image, Samples};

use crate::common;

const LIMIT: u64 = 1 << 30;

/// What Pillow makes of each file named in the argument list: RGB over white, 8 bits, and the EXIF
/// orientation. 16-bit greys are rounded as ours are (Pillow itself would cut them off).
const PILLOW: &str = r#"
import io, struct, sys, warnings
import numpy as np
from PIL import Image, ImageCms
warnings.simplefilter("ignore")
Image.MAX_IMAGE_PIXELS = None
how, names = sys.argv[1], sys.stdin.read().split("\n")
srgb = ImageCms.createProfile("sRGB")
for name in names:
    try:
        im = Image.open(name)
        turn = im.getexif().get(0x0112, 1)
        moving = getattr(im, "is_animated", False) and im.format != "MPO"
        im.load()
        icc = im.info.get("icc_profile")
        if im.mode in ("I;16", "I;16B", "I"):
            im = Image.fromarray(((np.asarray(im).astype(np.int64) * 255 + 32767) // 65535).astype(np.uint8))
        if "transparency" in im.info or im.mode in ("PA", "LA"):
            im = im.convert("RGBA")
        if im.mode in ("P", "1"):
            im = im.convert("RGB")
        alpha = im.getchannel("A") if im.mode == "RGBA" else None
        if alpha is not None:
            im = im.convert("RGB")
        if how == "cms":
            profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
            im = ImageCms.profileToProfile(im, profile, srgb, 1, "RGB",
                flags=ImageCms.Flags.BLACKPOINTCOMPENSATION | ImageCms.Flags.NOOPTIMIZE | ImageCms.Flags.HIGHRESPRECALC)
        im = im.convert("RGB")
        if alpha is not None:
            white = Image.new("RGB", im.size, (255, 255, 255))
            white.paste(im, mask=alpha)
            im = white
        data = im.tobytes()
        turn = turn if isinstance(turn, int) and 1 <= turn <= 8 else 1
        head = struct.pack("<IIII", im.width, im.height, turn, moving)
    except Exception as e:
        head, data = bytes(16), b""
    sys.stdout.buffer.write(head + data)
"#;

/// What Pillow said of a file.
struct Peer {
    width_px: u32,
    height_px: u32,
    orientation: u8,
    animated: bool,
    rgb: Vec<u8>,
}

/// Asks Pillow; `None` for files that it cannot read.
fn pillow(python: &Path, how: &str, files: &[PathBuf]) -> Vec<Option<Peer>> {
    let list: Vec<String> = files.iter().map(|f| f.display().to_string()).collect();
    let folder = tempfile::tempdir().unwrap();
    let names = folder.path().join("names");
    std::fs::write(&names, list.join("\n")).unwrap();
    let output = Command::new(python)
        .args(["-c", PILLOW, how])
        .stdin(std::fs::File::open(&names).unwrap())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut rest = output.stdout.as_slice();
    let peers = files.iter().map(|_| {
        let mut head = [0; 16];
        rest.read_exact(&mut head).unwrap();
        let number = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().unwrap());
        let (width_px, height_px, orientation) = (number(0), number(4), number(8) as u8);
        let mut rgb = vec![0; width_px as usize * height_px as usize * 3];
        rest.read_exact(&mut rgb).unwrap();
        let animated = number(12) > 0;
        (width_px > 0).then_some(Peer { width_px, height_px, orientation, animated, rgb })
    });
    let peers = peers.collect();
    assert!(rest.is_empty());
    peers
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn rgb(image: &Image) -> Vec<u8> {
    let data = image.as_u8().unwrap();
    match image.channels() {
        1 => data.iter().flat_map(|&v| [v; 3]).collect(),
        _ => data.to_vec(),
    }
}

/// The largest difference of two equally long lists of samples.
fn farthest(a: &[u8], b: &[u8]) -> u8 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0)
}

fn open(path: &Path, options: &Options) -> microtome::Result<Opened> {
    open_photo(&std::fs::read(path).unwrap(), LIMIT, options)
}

const RAW: Options = Options { background: [255; 3], keep_16_bit: false, apply_icc: false };

/// Files that Pillow reads and we refuse, with the kind of the error and why.
const REFUSED: [(&str, &str, &str); 5] = [
    ("generic/jpeg-reftest/jpg-cmyk-2.jpg", "unsupported", "CMYK with K at half resolution"),
    ("generic/image/anim.webp", "unsupported", "animated WebP"),
    ("generic/image/advertises_rgba_but_frames_are_rgb.webp", "unsupported", "animated WebP"),
    ("generic/jpeg-reftest/extraneous-data.jpg", "format", "bytes left over in a scan"),
    ("generic/jpeg-reftest/partial_progressive.jpg", "format", "its last scan is cut off"),
];

/// Files where Pillow is not to be followed: it forgets which 16-bit grey is transparent.
const NOT_ORACLE: &str = "generic/pillow/i_trns.png";

#[test]
fn every_photo_is_what_pillow_says() {
    let name = "every_photo_is_what_pillow_says";
    let (Some(data), Some(python)) =
        (common::data_or_skip(name), common::python_or_skip(name, &["PIL", "numpy"]))
    else {
        return;
    };
    let mut all = files(&data.join("generic"));
    all.push(data.join("camtrap/speciesnet/african_elephants_cmyk.jpg"));
    // TIFF comes in as a slide.
    all.retain(|path| {
        path.extension().is_none_or(|ending| !ending.to_string_lossy().starts_with("tif"))
    });
    let peers = pillow(&python, "plain", &all);
    let mut table: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (path, peer) in all.iter().zip(peers) {
        let ours = open(path, &RAW);
        let short = path.strip_prefix(&data).unwrap().display().to_string();
        let verdict = match (&ours, &peer) {
            (Err(e), None) => format!("neither ({})", e.kind()),
            (Err(e), Some(_)) => {
                let known =
                    REFUSED.iter().any(|(file, kind, _)| short == *file && e.kind() == *kind);
                if !known {
                    wrong.push(format!("{short}: we refuse it: {e}"));
                }
                format!("ours not ({})", e.kind())
            }
            (Ok(_), None) => "ours only".to_owned(),
            (Ok(_), Some(_)) if short == NOT_ORACLE => "Pillow wrong".to_owned(),
            (Ok(ours), Some(peer)) => {
                let size = (ours.image.width_px(), ours.image.height_px());
                if size != (peer.width_px, peer.height_px) {
                    wrong.push(format!("{short}: {size:?}"));
                    continue;
                }
                if ours.orientation != peer.orientation {
                    wrong.push(format!(
                        "{short}: turned {} not {}",
                        ours.orientation, peer.orientation
                    ));
                }
                if ours.animated != peer.animated {
                    wrong.push(format!("{short}: animated is {}", ours.animated));
                }
                let far = farthest(&rgb(&ours.image), &peer.rgb);
                // Pillow cuts 16-bit colours to their upper byte, we round.
                let allowed = u8::from(ours.bit_depth == 16);
                if far > allowed {
                    wrong.push(format!(
                        "{short}: {far} levels ({:?}, {} bits)",
                        ours.mode, ours.bit_depth
                    ));
                }
                format!("{} within {far}", ours.media_type)
            }
        };
        *table.entry(verdict).or_default() += 1;
    }
    for (verdict, count) in &table {
        println!("{count:4} {verdict}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Photos with a profile that is not sRGB: what Little CMS makes of them (relative colorimetric, black
/// point compensation, no optimisation), and how far we may be from it.
#[test]
fn profiles_are_applied_as_little_cms_does() {
    let name = "profiles_are_applied_as_little_cms_does";
    let (Some(data), Some(python)) =
        (common::data_or_skip(name), common::python_or_skip(name, &["PIL", "numpy"]))
    else {
        return;
    };
    let list = [
        ("generic/libvips/sample.jpg", SourceMode::Rgb, 1),
        ("generic/orientation/Landscape_2.jpg", SourceMode::Rgb, 1),
        ("generic/orientation/Landscape_7.jpg", SourceMode::Rgb, 1),
        ("generic/sharp/prophoto.png", SourceMode::Rgb, 1),
        ("generic/libvips/sample-xyb.jpg", SourceMode::Rgb, 1),
        ("generic/jpeg-bench/Kiara_limited_progressive_four_components.jpg", SourceMode::Ycck, 1),
        ("generic/sharp/Channel_digital_image_CMYK_color.jpg", SourceMode::Ycck, 1),
        ("he_patches/histolab-thumbs/diagnostic-slide-thumb-rgb.png", SourceMode::Rgb, 1),
        ("he_patches/histolab-thumbs/wsi-blue-pen.png", SourceMode::Rgba, 1),
    ];
    let paths: Vec<PathBuf> = list.iter().map(|(file, ..)| data.join(file)).collect();
    let peers = pillow(&python, "cms", &paths);
    let mut wrong = Vec::new();
    for (((file, mode, allowed), path), peer) in list.iter().zip(&paths).zip(peers) {
        let (ours, peer) = (open(path, &Options::default()).unwrap(), peer.unwrap());
        let plain = open(path, &RAW).unwrap();
        let (ours_rgb, plain_rgb) = (rgb(&ours.image), rgb(&plain.image));
        let far = farthest(&ours_rgb, &peer.rgb);
        let differ = ours_rgb.iter().zip(&peer.rgb).filter(|(a, b)| a != b).count();
        let moved = farthest(&ours_rgb, &plain_rgb);
        let share = 100.0 * differ as f64 / ours_rgb.len() as f64;
        println!("{file}: within {far}, {share:.2} % differ, the profile moves up to {moved}");
        if (ours.icc, ours.mode) != (IccStatus::Converted, *mode) || far > *allowed {
            wrong.push(format!("{file}: {:?} {:?} {far} {moved}", ours.icc, ours.mode));
        }
        assert_eq!(plain.icc, IccStatus::Ignored);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn profiles_that_change_nothing_or_cannot_be_read() {
    let Some(data) = common::data_or_skip("profiles_that_change_nothing_or_cannot_be_read") else {
        return;
    };
    let cases = [
        // HP's, GIMP's, the ICC's own, and two built-in ones of other programs.
        ("generic/photo/chelsea.png", IccStatus::Srgb),
        ("generic/photo/nasa-852x567.png", IccStatus::Srgb),
        ("generic/photo/crop_test.png", IccStatus::Srgb),
        ("generic/libjpeg-turbo/vgl_5674_0098.png", IccStatus::Srgb),
        ("generic/orientation/Landscape_9.jpg", IccStatus::Srgb),
        ("generic/libvips/1.jpg", IccStatus::Srgb),
        ("generic/jpeg-reftest/jpg-srgb-icc.jpg", IccStatus::Srgb),
        // An RGB profile in a CMYK file.
        ("generic/twelvemonkeys/jfif-cmyk-invalid-icc-profile-srgb.jpg", IccStatus::Broken),
        ("generic/twelvemonkeys/cmyk-sample.jpg", IccStatus::None),
    ];
    for (file, status) in cases {
        let path = data.join(file);
        let (with, without) =
            (open(&path, &Options::default()).unwrap(), open(&path, &RAW).unwrap());
        assert_eq!(with.icc, status, "{file}");
        assert_eq!(with.image, without.image, "{file}: pixels are as they were");
    }
}

#[test]
fn damaged_files_are_errors_and_nothing_panics() {
    let Some(data) = common::data_or_skip("damaged_files_are_errors_and_nothing_panics") else {
        return;
    };
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for path in files(&data.join("bad")) {
        let bytes = std::fs::read(&path).unwrap();
        let kind = match open_photo(&bytes, 64 << 20, &Options::default()) {
            Ok(_) => "opened",
            Err(e) => e.kind(),
        };
        assert_ne!(kind, "bug", "{}", path.display());
        *kinds.entry(kind).or_default() += 1;
    }
    println!("{kinds:?}");
    assert!(kinds["format"] > 0 && kinds["unsupported"] > 0);
}

/// Real JPEGs, baseline and progressive, colour and CMYK, cut at many lengths, with and without an end
/// marker behind the cut: never half a picture.
#[test]
fn a_cut_jpeg_is_never_half_a_picture() {
    let Some(data) = common::data_or_skip("a_cut_jpeg_is_never_half_a_picture") else {
        return;
    };
    let list = [
        "generic/image/cat.jpg",
        "generic/libvips/1.jpg",
        "generic/pillow/flower2.jpg",
        "generic/twelvemonkeys/cmyk-sample.jpg",
        "generic/jpeg-bench/Kiara_limited_progressive_four_components.jpg",
    ];
    for file in list {
        let bytes = std::fs::read(data.join(file)).unwrap();
        open_photo(&bytes, LIMIT, &RAW).unwrap();
        for part in 1..40 {
            let cut = &bytes[..bytes.len() * part / 40];
            let error = open_photo(cut, LIMIT, &RAW).map(|_| ()).unwrap_err();
            assert_eq!(error.kind(), "format", "{file} cut to {} bytes", cut.len());
        }
    }
}

#[test]
fn a_turned_photo_says_how_to_turn_it() {
    let Some(data) = common::data_or_skip("a_turned_photo_says_how_to_turn_it") else {
        return;
    };
    for turn in 2..=8_u8 {
        let path = data.join(format!("generic/orientation/Landscape_{turn}.jpg"));
        let opened = open(&path, &RAW).unwrap();
        assert_eq!(opened.orientation, turn);
        // The pixels are as stored: lying down from 5 on.
        let (width, height) = (opened.image.width_px(), opened.image.height_px());
        assert_eq!((width, height), if turn > 4 { (450, 600) } else { (600, 450) });
    }
}

/// The names of PngSuite say what is in the files: `basn3p04` is a palette of 4 bits.
#[test]
fn modes_and_depths_are_those_of_the_file() {
    let Some(data) = common::data_or_skip("modes_and_depths_are_those_of_the_file") else {
        return;
    };
    let mut seen = 0;
    for path in files(&data.join("generic/pngsuite")) {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if !name.starts_with("bas") {
            continue;
        }
        let mode = match &name[4..6] {
            "0g" => SourceMode::Grey,
            "2c" => SourceMode::Rgb,
            "3p" => SourceMode::Palette,
            "4a" => SourceMode::GreyAlpha,
            _ => SourceMode::Rgba,
        };
        let bits: u8 = name[6..8].parse().unwrap();
        let deep = Options { keep_16_bit: true, ..RAW };
        for (options, kept) in [(RAW, 8), (deep, if bits == 16 { 16 } else { 8 })] {
            let opened = open(&path, &options).unwrap();
            assert_eq!((opened.mode, opened.bit_depth), (mode, bits), "{name}");
            assert_eq!(opened.image.samples().bit_depth(), kept, "{name}");
            let grey = matches!(mode, SourceMode::Grey | SourceMode::GreyAlpha);
            assert_eq!(opened.image.channels(), if grey { 1 } else { 3 }, "{name}");
        }
        seen += 1;
    }
    assert!(seen >= 15, "{seen} files");
}

const OPENCV: &str = r#"
import sys
import cv2
for name in sys.argv[1:]:
    im = cv2.imread(name, cv2.IMREAD_UNCHANGED)
    im = im if im.ndim == 2 else cv2.cvtColor(im, cv2.COLOR_BGR2RGB)
    sys.stdout.buffer.write(im.tobytes())
"#;

#[test]
fn sixteen_bits_are_those_of_opencv() {
    let name = "sixteen_bits_are_those_of_opencv";
    let (Some(data), Some(python)) =
        (common::data_or_skip(name), common::python_or_skip(name, &["cv2"]))
    else {
        return;
    };
    let list = ["basn0g16", "oi4n0g16", "oi9n0g16", "oi2n2c16", "oi9n2c16", "ps2n2c16"];
    let paths = list.map(|file| data.join(format!("generic/pngsuite/{file}.png")));
    let output = Command::new(python).args(["-c", OPENCV]).args(&paths).output().unwrap();
    let mut ours = Vec::new();
    for path in &paths {
        let opened = open(path, &Options { keep_16_bit: true, ..RAW }).unwrap();
        match opened.image.samples() {
            Samples::U16(v) => ours.extend(v.iter().flat_map(|s| s.to_ne_bytes())),
            _ => panic!("16 bits stay 16 bits"),
        }
    }
    assert!(output.status.success() && output.stdout == ours);
}

#[test]
fn pixels_from_elsewhere_get_the_same_treatment() {
    let deep = Image::new(1, 2, 2, Samples::U16(vec![0, 65_535, 257, 0])).unwrap();
    let options = Options { background: [10, 20, 30], ..Options::default() };
    let (image, icc) = to_working(deep.clone(), None, &options).unwrap();
    assert_eq!((icc, image.as_u8().unwrap()), (IccStatus::None, &[0, 0, 0, 10, 20, 30][..]));
    let (image, icc) = to_working(deep, Some(b"no profile"), &options).unwrap();
    assert_eq!((icc, image.as_u8().unwrap()), (IccStatus::Broken, &[0, 0, 0, 10, 20, 30][..]));
    let floats = Image::new(1, 1, 1, Samples::F32(vec![0.5])).unwrap();
    assert_eq!(to_working(floats, None, &options).unwrap_err().kind(), "unsupported");
}
