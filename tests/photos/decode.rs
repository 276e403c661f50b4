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
        head = struct.pack("<III", im.width, im.height, turn if isinstance(turn, int) and 1 <= turn <= 8 else 1)
    except Exception as e:
        head, data = struct.pack("<III", 0, 0, 0), b""
    sys.stdout.buffer.write(head + data)
"#;

/// What Pillow said of a file.
struct Peer {
    width_px: u32,
    height_px: u32,
    orientation: u8,
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
        let mut head = [0; 12];
        rest.read_exact(&mut head).unwrap();
        let number = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().unwrap());
        let (width_px, height_px, orientation) = (number(0), number(4), number(8) as u8);
        let mut rgb = vec![0; width_px as usize * height_px as usize * 3];
        rest.read_exact(&mut rgb).unwrap();
        (width_px > 0).then_some(Peer { width_px, height_px, orientation, rgb })
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

/// Files that Pillow reads and we refuse, and why.
const REFUSED: [(&str, &str); 0] = [];

#[test]
fn every_photo_is_what_pillow_says() {
    let name = "every_photo_is_what_pillow_says";
    let (Some(data), Some(python)) =
        (common::data_or_skip(name), common::python_or_skip(name, &["PIL", "numpy"]))
    else {
        return;
    };
    let all = files(&data.join("generic"));
    let peers = pillow(&python, "plain", &all);
    let mut table: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (path, peer) in all.iter().zip(peers) {
        let ours = open(path, &RAW);
        let short = path.strip_prefix(&data).unwrap().display().to_string();
        let verdict = match (&ours, &peer) {
            (Err(e), None) => format!("neither ({})", e.kind()),
            (Err(e), Some(_)) => {
                if !REFUSED.iter().any(|(file, _)| short == *file) {
                    wrong.push(format!("{short}: we refuse it: {e}"));
                }
                format!("ours not ({})", e.kind())
            }
            (Ok(_), None) => "ours only".to_owned(),
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
                let far = farthest(&rgb(&ours.image), &peer.rgb);
                if far > 0 {
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
