//! `scan` on files that the project did not make: none is lost, each says what others say of it, and
//! headers are all that is read.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use microtome::digest::Digest;
use microtome::slide::{Limits, ReadAt};
use microtome::step::{AnyInput, Collected, Crew, Found, Listed, Listing};
use microtome::{Error, Result, steps};
use serde_json::{Value, json};

/// A file that counts what is read of it.
struct Counting {
    file: File,
    size: u64,
    read: Arc<AtomicU64>,
}

impl ReadAt for Counting {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        self.read.fetch_add(buffer.len() as u64, Ordering::Relaxed);
        self.file.read_exact_at(buffer, offset).map_err(|e| Error::format("file", e.to_string()))
    }
}

fn files_below(folder: &Path, into: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { files_below(&path, into) } else { into.push(path) }
    }
}

fn listed(root: &Path, path: &Path) -> (Listed, Arc<AtomicU64>) {
    let bytes = std::fs::read(path).unwrap();
    let read = Arc::new(AtomicU64::new(0));
    let (place, counter, size) = (path.to_owned(), read.clone(), bytes.len() as u64);
    let open = move || {
        let file = File::open(&place).map_err(|e| Error::store(place.to_string_lossy(), e))?;
        Ok(Arc::new(Counting { file, size, read: counter.clone() }) as Arc<dyn ReadAt>)
    };
    let listed = Listed {
        id: path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/"),
        path: path.to_string_lossy().into(),
        length: size,
        digest: Digest::of(&bytes),
        given: BTreeMap::new(),
        open: Box::new(open),
    };
    (listed, read)
}

/// What a scan of some folders gave.
struct Scanned {
    found: BTreeMap<String, Found>,
    failed: BTreeMap<String, Error>,
    /// By id: size of the file, bytes that were read of it.
    read: BTreeMap<String, (u64, u64)>,
}

fn scan(root: &Path, folders: &[&str], params: &Value) -> Scanned {
    let selects = steps::scan::selects(params).unwrap();
    let mut paths = Vec::new();
    folders.iter().for_each(|folder| files_below(&root.join(folder), &mut paths));
    let (mut files, mut counters) = (Vec::new(), Vec::new());
    for path in paths {
        let (file, counter) = listed(root, &path);
        if selects(&file.id) {
            counters.push((file.id.clone(), file.length, counter));
            files.push(file);
        }
    }
    let mut collected = Collected::default();
    let step = steps::find("scan").unwrap().make(params.clone()).unwrap();
    let listing = Listing { files, limits: Limits::default() };
    step.run(AnyInput::Listing(listing), &mut collected, &Crew::new(2).unwrap()).unwrap();
    assert!(collected.found.is_sorted_by(|a, b| a.id < b.id));
    let read = |(id, size, read): (String, u64, Arc<AtomicU64>)| {
        (id, (size, read.load(Ordering::Relaxed)))
    };
    Scanned {
        found: collected.found.into_iter().map(|f| (f.id.clone(), f)).collect(),
        failed: collected.failed.into_iter().collect(),
        read: counters.into_iter().map(read).collect(),
    }
}

#[test]
fn every_file_is_found_or_listed_as_a_failure() {
    let Some(data) = common::data_or_skip("every_file_is_found_or_listed_as_a_failure") else {
        return;
    };
    let scanned = scan(&data, &["wsi", "camtrap", "generic", "bad"], &Value::Null);
    assert!(scanned.read.len() > 700, "{} files", scanned.read.len());
    for id in scanned.read.keys() {
        let (found, failed) = (scanned.found.contains_key(id), scanned.failed.contains_key(id));
        assert!(found != failed, "{id}: found {found}, failed {failed}");
    }
    assert_eq!(scanned.found.len() + scanned.failed.len(), scanned.read.len());
    for (id, error) in &scanned.failed {
        assert!(matches!(error.kind(), "format" | "unsupported" | "limit"), "{id}: {error}");
    }
    // One of the photos has inks for colours: `normalize` reads it.
    let failed = scanned.failed.keys().find(|id| id.starts_with("camtrap/"));
    assert_eq!(failed, None);

    // Twins, worked out another way.
    let mut first: BTreeMap<Digest, &str> = BTreeMap::new();
    let mut twins = 0;
    for (id, found) in &scanned.found {
        let earlier = first.get(&found.digest).copied();
        assert_eq!(found.facts["duplicate_of"], json!(earlier), "{id}");
        twins += usize::from(earlier.is_some());
        first.entry(found.digest).or_insert(id);
    }
    assert_eq!(first.len() + twins, scanned.found.len());
}

#[test]
fn headers_are_all_that_is_read() {
    let Some(data) = common::data_or_skip("headers_are_all_that_is_read") else { return };
    let scanned = scan(&data, &["wsi", "camtrap", "generic"], &Value::Null);
    let (mut large, mut all, mut all_read) = (0, 0, 0);
    for (id, (size, read)) in scanned.read.iter().filter(|(_, (size, _))| *size > 1 << 20) {
        // Some cameras put pictures of 120 kB before the header.
        let share = if id.starts_with("wsi/") { 20 } else { 4 };
        assert!(read * share < *size, "{id}: {read} of {size} bytes were read");
        (large, all, all_read) = (large + 1, all + size, all_read + read);
    }
    assert!(large > 5, "only {large} files are large");
    assert!(all_read * 20 < all, "{all_read} of {all} bytes were read");
}

#[test]
fn slides_are_as_openslide_sees_them() {
    let Some(data) = common::data_or_skip("slides_are_as_openslide_sees_them") else { return };
    let scanned = scan(&data, &["wsi"], &Value::Null);
    let oracles = std::fs::read_to_string(data.join("oracles.jsonl")).unwrap();
    let mut compared = BTreeSet::new();
    for line in oracles.lines() {
        let oracle: Value = serde_json::from_str(line).unwrap();
        let (id, slide) = (oracle["file"].as_str().unwrap(), &oracle["openslide"]);
        let Some(found) = scanned.found.get(id).filter(|_| slide.is_object()) else { continue };
        let facts = &found.facts;
        let level = &slide["levels"][0];
        assert_eq!(json!([found.width_px, found.height_px]), *level, "{id}");
        // OpenSlide takes the masks between the levels of a COG for levels.
        let mut sizes = slide["levels"].as_array().unwrap().clone();
        sizes.dedup();
        assert_eq!(facts["slide.levels"], sizes.len(), "{id}");
        let number = |v: &Value| v.as_str().map(|s| s.parse::<f64>().unwrap());
        let tile = &slide["tile"][0];
        assert_eq!(facts["slide.tile_width_px"].as_f64(), number(&tile[0]), "{id}");
        assert_eq!(facts["slide.tile_height_px"].as_f64(), number(&tile[1]), "{id}");
        assert_eq!(facts["slide.vendor"], slide["vendor"], "{id}");
        assert_eq!(facts["slide.objective"].as_f64(), number(&slide["objective"]), "{id}");
        let names: Vec<_> = slide["associated"].as_object().unwrap().keys().cloned().collect();
        let mut ours: Vec<_> = facts["slide.associated"]
            .as_str()
            .unwrap_or_default()
            .split(',')
            .filter(|n| !n.is_empty())
            .collect();
        ours.sort_unstable();
        assert_eq!(ours, names, "{id}");
        for (fact, value) in [("slide.mpp_x", &slide["mpp"][0]), ("slide.mpp_y", &slide["mpp"][1])]
        {
            let (ours, theirs) = (facts[fact].as_f64(), number(value));
            let equal = match (ours, theirs) {
                (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * b,
                (a, b) => a == b,
            };
            assert!(equal, "{id}: {fact} is {ours:?}, {theirs:?} to OpenSlide");
        }
        compared.insert(id.to_string());
    }
    assert!(compared.contains("wsi/aperio/cmu-1-small-region.svs"));
    assert!(compared.len() > 25, "only {compared:?}");
}

/// Reads paths from stdin, and prints for each [time, make, model, serial, orientation] as Pillow has
/// them, padding taken off, or null where it cannot open the file. Only what stands in the EXIF block:
/// not in XMP, nor in the text chunks in which PNG had it before there was `eXIf`.
const PILLOW: &str = r#"
import json, sys, warnings
from datetime import datetime
from PIL import Image
warnings.simplefilter("ignore")

def text(value):
    value = value.strip(" \0\t\r\n") if isinstance(value, str) else None
    return value or None

def time(value):
    try:
        return datetime.strptime(value.strip(" \0")[:19], "%Y:%m:%d %H:%M:%S").isoformat()
    except (AttributeError, ValueError):
        return None

for line in sys.stdin:
    try:
        image = Image.open(line[:-1])
        exif = Image.Exif()
        if image.format == "TIFF":
            exif = image.getexif()
        elif image.info.get("exif"):
            exif.load(image.info["exif"])
        inner = exif.get_ifd(0x8769)
        orientation = exif.get(0x0112)
        row = [time(inner.get(0x9003)), text(exif.get(0x010F)), text(exif.get(0x0110)),
               text(inner.get(0xA431)), orientation if orientation in range(1, 9) else None]
    except Exception:
        row = None
    print(json.dumps(row))
"#;

#[test]
fn cameras_are_as_pillow_sees_them() {
    let test = "cameras_are_as_pillow_sees_them";
    let Some(data) = common::data_or_skip(test) else { return };
    let Some(python) = common::python_or_skip(test, &["PIL"]) else { return };
    let scanned = scan(&data, &["camtrap", "generic"], &Value::Null);
    let mut child = Command::new(python)
        .args(["-c", PILLOW])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let paths: String = scanned.found.values().map(|f| format!("{}\n", f.path)).collect();
    let feed = std::thread::spawn(move || stdin.write_all(paths.as_bytes()));
    let output = child.wait_with_output().unwrap();
    feed.join().unwrap().unwrap();
    let lines: Vec<_> = std::str::from_utf8(&output.stdout).unwrap().lines().collect();
    assert_eq!(lines.len(), scanned.found.len());
    let (mut times, mut differ) = (0, Vec::new());
    for (line, (id, found)) in lines.iter().zip(&scanned.found) {
        let theirs: Value = serde_json::from_str(line).unwrap();
        let ours = ["exif.time", "exif.make", "exif.model", "exif.serial", "exif.orientation"]
            .map(|fact| found.facts[fact].clone());
        times += usize::from(!ours[0].is_null());
        if !theirs.is_null() && theirs != json!(ours) {
            differ.push(format!("{id}: {} is {theirs} to Pillow", json!(ours)));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    assert!(times > 70, "only {times} photos have a time");
}
