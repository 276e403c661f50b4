//! Real files, what other programs say of them, and Python to ask more. None of it belongs to the
//! project: tests that miss it say that they were skipped.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use microtome::error::{Error, Result};
use microtome::image::{Image, Samples};
use microtome::slide::{Geometry, Limits, ReadAt, Slide, read_region};
use sha2::{Digest, Sha256};

use crate::common;

/// A file on disk.
pub struct OnDisk(File, u64);

impl ReadAt for OnDisk {
    fn size(&self) -> u64 {
        self.1
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        self.0.read_exact_at(buffer, offset).map_err(|e| Error::store("file", e))
    }
}

pub fn source(path: &Path) -> Arc<dyn ReadAt> {
    let file = File::open(path).unwrap();
    let size = file.metadata().unwrap().len();
    Arc::new(OnDisk(file, size))
}

pub fn open(path: &Path) -> Result<Box<dyn Slide>> {
    microtome::slide::open(source(path), Limits::default())
}

/// Where results go.
pub fn scratch(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&path).unwrap();
    path
}

/// What other programs say of each file, in the order of the list.
pub fn oracles(data: &Path) -> Vec<(String, serde_json::Value)> {
    let text = std::fs::read_to_string(data.join("oracles.jsonl")).unwrap();
    text.lines()
        .map(|line| {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            (value["file"].as_str().unwrap().to_owned(), value)
        })
        .collect()
}

/// All files below a folder, sorted.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { &mut folders } else { &mut found }.push(path);
        }
    }
    found.sort();
    found
}

/// Runs `oracle.py` with some arguments; `None` after saying so when Python or a module is missing.
pub fn python(test: &str, arguments: &[&str]) -> Option<String> {
    let modules = ["imagecodecs", "numpy", "openslide", "tifffile", "PIL"];
    let python = common::python_or_skip(test, &modules)?;
    let script = common::root().join("tests/slides/oracle.py");
    let output = Command::new(python).arg(script).args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "oracle.py {arguments:?}: {errors}");
    Some(String::from_utf8(output.stdout).unwrap())
}

/// Level 0 in one piece.
pub fn whole(slide: &dyn Slide, level: usize) -> Result<Image> {
    let shape = &slide.geometry().levels[level];
    read_region(slide, level, 0, 0, shape.width_px, shape.height_px, 0).map(|r| r.image)
}

/// Samples as bytes, little-endian.
pub fn bytes(image: &Image) -> Vec<u8> {
    match image.samples() {
        Samples::U8(v) => v.clone(),
        Samples::U16(v) => v.iter().flat_map(|s| s.to_le_bytes()).collect(),
        Samples::F32(v) => v.iter().flat_map(|s| s.to_le_bytes()).collect(),
    }
}

/// numpy's name of the samples.
pub fn dtype(image: &Image) -> &'static str {
    match image.samples() {
        Samples::U8(_) => "|u1",
        Samples::U16(_) => "<u2",
        Samples::F32(_) => "<f4",
    }
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// A region as OpenSlide gives it: RGBA, opaque.
pub fn rgba(image: &Image) -> Option<Vec<u8>> {
    let pixels = image.as_u8()?;
    Some(match image.channels() {
        1 => pixels.iter().flat_map(|&g| [g, g, g, 255]).collect(),
        3 => pixels.chunks_exact(3).flat_map(|p| [p[0], p[1], p[2], 255]).collect(),
        _ => return None,
    })
}

/// Compares geometry with what OpenSlide says; gives what differs.
pub fn differs(geometry: &Geometry, openslide: &serde_json::Value) -> Vec<String> {
    let mut found = Vec::new();
    let levels: Vec<_> =
        geometry.levels.iter().map(|l| serde_json::json!([l.width_px, l.height_px])).collect();
    if serde_json::json!(levels) != openslide["levels"] {
        let levels = serde_json::json!(levels);
        found.push(format!("levels {levels}, OpenSlide {}", openslide["levels"]));
    }
    if geometry.vendor != openslide["vendor"] {
        found.push(format!("vendor {}, OpenSlide {}", geometry.vendor, openslide["vendor"]));
    }
    let number = |v: &serde_json::Value| v.as_str().and_then(|s| s.parse::<f64>().ok());
    let (x, y) = geometry.mpp.unzip();
    for (ours, theirs) in [
        (x, number(&openslide["mpp"][0])),
        (y, number(&openslide["mpp"][1])),
        (geometry.objective, number(&openslide["objective"])),
    ] {
        // OpenSlide reads resolutions as 32-bit floats.
        let same = match (ours, theirs) {
            (Some(a), Some(b)) => (a - b).abs() <= 1e-6 * b.abs(),
            (None, None) => true,
            _ => false,
        };
        if !same {
            found.push(format!("{ours:?}, OpenSlide {theirs:?}"));
        }
    }
    let mut pictures = serde_json::Map::new();
    for (name, width, height) in &geometry.associated {
        pictures.insert(name.clone(), serde_json::json!([width, height]));
    }
    if serde_json::Value::Object(pictures.clone()) != openslide["associated"] {
        found.push(format!("pictures {pictures:?}, OpenSlide {}", openslide["associated"]));
    }
    found
}
