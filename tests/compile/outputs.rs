//! Where a compiled file goes.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Output};

use crate::common;

fn compile(to: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_microtome"))
        .arg("compile")
        .arg(common::fixture("pipelines/tile.yaml"))
        .args(["--to", "kubeflow", "--input", "az://a/in", "--output-uri", "az://a/out", "-o"])
        .arg(to)
        .output()
        .unwrap()
}

#[test]
fn a_link_is_followed_and_a_folder_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("real.yaml"), folder.path().join("link.yaml"));
    fs::write(&file, "old").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    assert!(compile(&link).status.success());
    assert!(link.is_symlink() && fs::read_to_string(&file).unwrap().contains("pipelineInfo"));
    let missing = folder.path().join("no/such/kfp.yaml");
    assert_eq!(compile(&missing).status.code(), Some(4));
    assert!(!folder.path().join("no").exists());
    assert_eq!(compile(folder.path()).status.code(), Some(2));
}

#[test]
fn a_pipe_stays_a_pipe() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reading = std::thread::spawn({
        let pipe = pipe.clone();
        move || {
            let mut text = String::new();
            fs::File::open(pipe).unwrap().read_to_string(&mut text).unwrap();
            text
        }
    });
    assert!(compile(&pipe).status.success());
    assert!(reading.join().unwrap().contains("pipelineInfo"));
    assert!(!fs::metadata(&pipe).unwrap().is_file());
}
