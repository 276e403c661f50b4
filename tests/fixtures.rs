//! The fixtures are what the drawing program draws, and other programs can read them.

mod common;

#[path = "fixtures/containers.rs"]
mod containers;
#[path = "fixtures/draw.rs"]
mod draw;
#[path = "fixtures/noise.rs"]
mod noise;
#[path = "fixtures/photos.rs"]
mod photos;
#[path = "fixtures/stains.rs"]
mod stains;
#[path = "fixtures/tables.rs"]
mod tables;
#[path = "fixtures/tissue.rs"]
mod tissue;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

/// The folders that the program fills. A file there that it does not draw is an error too.
const DRAWN: [&str; 7] = ["slides", "photos", "traps", "stains", "cohort", "tables", "bad"];

const REDRAW: &str = "redraw with: BLESS=1 cargo test --release --test fixtures";

fn files_under(folder: &Path, into: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_under(&path, into);
        } else {
            let name = path.strip_prefix(common::fixture("")).unwrap();
            into.insert(name.to_str().unwrap().replace('\\', "/"));
        }
    }
}

/// What the program draws; written into place first when it was asked for.
fn drawn() -> &'static BTreeMap<&'static str, Vec<u8>> {
    static DRAWING: OnceLock<BTreeMap<&'static str, Vec<u8>>> = OnceLock::new();
    DRAWING.get_or_init(|| {
        let drawn = draw::all();
        if common::bless() {
            for folder in DRAWN {
                let _ = fs::remove_dir_all(common::fixture(folder));
            }
            for (name, bytes) in &drawn {
                let path = common::fixture(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, bytes).unwrap();
            }
        }
        drawn
    })
}

#[test]
fn the_committed_fixtures_are_what_is_drawn() {
    let drawn = drawn();
    for (name, bytes) in drawn {
        let committed = fs::read(common::fixture(name)).unwrap_or_default();
        assert!(
            committed == *bytes,
            "fixtures/{name} ({} bytes) is not what is drawn ({} bytes); {REDRAW}",
            committed.len(),
            bytes.len()
        );
    }
    let mut there = BTreeSet::new();
    for folder in DRAWN {
        files_under(&common::fixture(folder), &mut there);
    }
    there.retain(|name| !drawn.contains_key(name.as_str()));
    assert!(there.is_empty(), "{there:?} are not drawn by tests/fixtures/draw.rs; {REDRAW}");

    let total: usize = drawn.values().map(Vec::len).sum();
    assert!(total < 5_000_000, "{total} bytes of fixtures are too many for git");
}

#[test]
fn openslide_tifffile_and_pillow_read_them() {
    let test = "openslide_tifffile_and_pillow_read_them";
    let modules = ["openslide", "tifffile", "imagecodecs", "numpy", "PIL"];
    let Some(python) = common::python_or_skip(test, &modules) else { return };
    if common::bless() {
        // Not before they are there.
        drawn();
    }
    let output = Command::new(python)
        .arg(common::root().join("tests/fixtures/read_back.py"))
        .arg(common::fixture(""))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "read 37 files");
}
