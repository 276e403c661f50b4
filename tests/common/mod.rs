//! What several test files need: where real data, fixtures and Python are, and how a test says that
//! it was skipped.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The crate's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file or folder under `fixtures/`.
pub fn fixture(name: &str) -> PathBuf {
    root().join("fixtures").join(name)
}

/// Whether committed files that are generated are to be rewritten: `BLESS=1`.
pub fn bless() -> bool {
    std::env::var_os("BLESS").is_some_and(|v| v == "1")
}

/// Says that `test` was skipped, past the harness's capture, and counts it: the harness itself will
/// call the test passed, `tests/run` takes it off again.
pub fn skip(test: &str, why: &str) {
    // A closed stderr or a full disk must not fail a test.
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {why}");
    if let Some(list) = std::env::var_os("MICROTOME_SKIPS") {
        let binary = std::env::current_exe().unwrap_or_default();
        let binary = binary.file_stem().unwrap_or_default().to_string_lossy();
        let binary = binary.rsplit_once('-').map_or(&*binary, |(name, _)| name);
        let line = format!("{binary}::{test}\t{why}\n");
        if let Ok(mut file) = std::fs::OpenOptions::new().create(true).append(true).open(list) {
            let _ = file.write_all(line.as_bytes());
        }
    }
}

/// Folder of real files that are not part of the project: `$MICROTOME_DATA`, else `../shared/data`
/// beside the crate.
pub fn data() -> Option<PathBuf> {
    let place = match std::env::var_os("MICROTOME_DATA") {
        Some(place) => PathBuf::from(place),
        None => root().join("../shared/data"),
    };
    place.is_dir().then_some(place)
}

/// [`data`], or the report that `test` is skipped.
pub fn data_or_skip(test: &str) -> Option<PathBuf> {
    let data = data();
    if data.is_none() {
        skip(test, "no real data");
    }
    data
}

/// Folder of stained images and of what other programs make of them, `stain` beside [`data`], or the
/// report that `test` is skipped.
pub fn stain_or_skip(test: &str) -> Option<PathBuf> {
    let stain = data().map(|data| data.join("../stain")).filter(|place| place.is_dir());
    if stain.is_none() {
        skip(test, "no stained images");
    }
    stain
}

/// Folder of the large slides for benchmarks: `$MICROTOME_BENCH`.
pub fn bench() -> Option<PathBuf> {
    std::env::var_os("MICROTOME_BENCH").map(PathBuf::from).filter(|place| place.is_dir())
}

/// A Python (`$MICROTOME_PYTHON`, else `python3`) that has all of `modules`, or the report that `test`
/// is skipped.
pub fn python_or_skip(test: &str, modules: &[&str]) -> Option<PathBuf> {
    let python = std::env::var_os("MICROTOME_PYTHON").unwrap_or_else(|| "python3".into());
    let imports = format!("import {}", modules.join(", "));
    match Command::new(&python).args(["-c", &imports]).output() {
        Ok(output) if output.status.success() => Some(PathBuf::from(python)),
        Ok(_) => {
            skip(test, &format!("Python lacks one of {}", modules.join(", ")));
            None
        }
        Err(_) => {
            skip(test, "no Python");
            None
        }
    }
}

// Each test file compiles this module for itself and takes what it needs of it. Naming everything
// once keeps what one file does not need from being reported there as dead.
const _: () = {
    let _ = (root, fixture, bless, skip, data, data_or_skip, stain_or_skip, bench, python_or_skip);
};
