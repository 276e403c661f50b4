//! Kubeflow on one machine: `kfp.local` with a Docker API.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::common;

/// What it takes: Python with kfp, a Docker API, and the images of the steps.
pub struct Local {
    python: PathBuf,
    host: String,
}

impl Local {
    /// All of it, or the report that `test` is skipped.
    pub fn or_skip(test: &str) -> Option<Self> {
        let named = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let Some(host) = named("MICROTOME_DOCKER_HOST") else {
            common::skip(test, "no Docker API");
            return None;
        };
        if named("MICROTOME_IMAGES").is_none() {
            common::skip(test, "no images");
            return None;
        }
        let python = common::python_or_skip(test, &["kfp", "docker"])?;
        Some(Self { python, host })
    }

    /// Runs a compiled pipeline below `root`, which every container sees under the same path.
    pub fn run(&self, pipeline: &Path, root: &Path, arguments: &Value) -> Ended {
        let output = Command::new(&self.python)
            .arg(common::root().join("tests/cluster/run.py"))
            .arg(pipeline)
            .arg(root)
            .arg(arguments.to_string())
            .env("DOCKER_HOST", &self.host)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        Ended { answer, said: said.into_owned() }
    }
}

/// How a pipeline ended.
pub struct Ended {
    answer: Value,
    said: String,
}

impl Ended {
    /// Exit codes by command, in the order in which containers ended.
    pub fn codes(&self) -> Vec<(String, i64)> {
        let ran = self.answer["ran"].as_array().unwrap();
        let one = |c: &Value| (c["command"].as_str().unwrap().into(), c["exit"].as_i64().unwrap());
        ran.iter().map(one).collect()
    }

    /// What the containers of a command said.
    pub fn log(&self, command: &str) -> String {
        let ran = self.answer["ran"].as_array().unwrap().iter();
        let of = ran.filter(|c| c["command"] == command).map(|c| c["log"].as_str().unwrap());
        of.collect::<Vec<_>>().join("\n")
    }

    pub fn output(&self, name: &str) -> &Value {
        &self.answer["outputs"][name]
    }

    pub fn error(&self) -> Option<&str> {
        self.answer["outputs"]["error"].as_str()
    }

    /// Every container ended well.
    pub fn assert_well(&self) {
        let failed: Vec<_> = self.codes().into_iter().filter(|(_, code)| *code != 0).collect();
        assert!(
            self.error().is_none() && failed.is_empty(),
            "{failed:?} {:?}\n{}\n{}",
            self.error(),
            self.answer,
            self.said
        );
    }
}

/// A folder that containers see and write as somebody else.
pub struct Place {
    pub folder: tempfile::TempDir,
}

impl Place {
    /// With a copy of these files as its input.
    pub fn with(files: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Self { folder };
        copy(files, &place.input());
        fs::create_dir(place.output()).unwrap();
        for open in [place.folder.path(), &place.output()] {
            fs::set_permissions(open, fs::Permissions::from_mode(0o777)).unwrap();
        }
        place
    }

    pub fn input(&self) -> PathBuf {
        self.folder.path().join("input")
    }

    pub fn output(&self) -> PathBuf {
        self.folder.path().join("output")
    }

    pub fn arguments(&self) -> Value {
        json!({"input_uri": self.input().to_str(), "output_uri": self.output().to_str()})
    }
}

fn copy(from: &Path, to: &Path) {
    if from.is_file() {
        fs::create_dir_all(to).unwrap();
        fs::copy(from, to.join(from.file_name().unwrap())).unwrap();
        return;
    }
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy(&source, &target);
        } else {
            fs::copy(source, target).unwrap();
        }
    }
}

/// `microtome` of this build.
pub fn microtome(arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_microtome"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}
