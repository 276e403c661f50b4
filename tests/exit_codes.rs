//! What a shell, or a cluster's failure policy, learns from the exit code.

mod common;

use std::path::Path;
use std::process::{Command, Output, Stdio};

fn microtome(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_microtome"));
    command.args(args).stdin(Stdio::null());
    command
}

/// The exit code, and what was said.
fn ended(args: &[&str]) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = microtome(args).output().unwrap();
    (status.code(), String::from_utf8_lossy(&stderr).into_owned())
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A broken file is neither the caller's fault nor the world's.
#[test]
fn a_broken_manifest_is_data() {
    let folder = tempfile::tempdir().unwrap();
    let (dataset, out) = (folder.path().join("dataset"), folder.path().join("out"));
    std::fs::create_dir(&dataset).unwrap();
    std::fs::write(dataset.join("manifest.parquet"), b"PAR1 no table").unwrap();
    let (code, said) = ended(&["tile", text(&dataset), "-o", text(&out), "-q"]);
    assert_eq!(code, Some(3), "{said}");
}

/// Units that failed of themselves fail again; those that storage withheld may not.
#[test]
fn failed_units_are_told_apart_by_whether_trying_again_can_help() {
    let folder = tempfile::tempdir().unwrap();
    let (list, out) = (folder.path().join("list.csv"), folder.path().join("out"));
    let sound = common::fixture("slides/blank.tif");
    std::fs::write(folder.path().join("broken.tif"), b"II*\0 and no more").unwrap();
    let scan = |second: &str| {
        std::fs::write(&list, format!("path\n{}\n{second}\n", text(&sound))).unwrap();
        ended(&["scan", text(&list), "-o", text(&out), "-q"])
    };
    let (code, said) = scan("broken.tif");
    assert_eq!(code, Some(1), "{said}");
    let (code, said) = scan("not-there.tif");
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("not-there.tif"), "{said}");
}

/// A result that cannot be written is an error: whoever reads the exit code must not believe it.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_under_stdout_is_told() {
    for args in [&["--help"][..], &["--version"], &["steps"], &["steps", "tile", "--json"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = microtome(args);
        command.stdout(full).stderr(Stdio::piped());
        let output = command.spawn().unwrap().wait_with_output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(4), "{args:?}: {err}");
        assert!(err.contains("error: standard output: "), "{args:?}: {err}");
    }
}
