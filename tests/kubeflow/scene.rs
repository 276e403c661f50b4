//! An execution as Kubeflow sets it up: inputs, places for outputs, and what came of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use microtome::digest::Digest;
use serde_json::{Map, Value, json};

/// Places of one execution, in a folder that dies with it.
pub struct Scene {
    folder: tempfile::TempDir,
}

/// What came of an execution.
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
    /// The termination message.
    pub last_words: String,
    /// The executor output; null where there is none.
    pub answer: Value,
}

impl Ended {
    /// Metadata of an output artifact.
    pub fn metadata(&self, artifact: &str) -> &Map<String, Value> {
        let found = &self.answer["artifacts"][artifact]["artifacts"][0]["metadata"];
        found.as_object().unwrap_or_else(|| panic!("no metadata of {artifact} in {}", self.answer))
    }

    /// An output parameter.
    pub fn parameter(&self, name: &str) -> &Value {
        &self.answer["parameterValues"][name]
    }

    /// The last line of the log.
    pub fn last_line(&self) -> Value {
        serde_json::from_str(self.err.lines().last().unwrap_or_default()).unwrap_or_default()
    }

    /// The artifact `dataset` as the next execution is handed it.
    pub fn dataset(&self) -> Value {
        self.answer["artifacts"]["dataset"]["artifacts"][0].clone()
    }

    /// Fails with the log unless it ended with 0.
    pub fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.err);
        self
    }
}

impl Scene {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A path as text.
    pub fn at(&self, name: &str) -> String {
        text(&self.path(name))
    }

    /// An executor input with the usual outputs, those of `task`.
    pub fn input(&self, task: &str, parameters: Value, artifacts: Value) -> Value {
        let place = |name: &str| self.at(&format!("outputs/{task}/{name}"));
        let artifact = |name: &str, title: &str| json!({"artifacts": [{"name": name, "uri": place(name), "metadata": {}, "type": {"schemaTitle": title, "schemaVersion": "0.0.1"}}]});
        json!({
            "inputs": {"parameterValues": parameters, "artifacts": artifacts},
            "outputs": {
                "parameters": {
                    "manifest_digest": {"outputFile": place("manifest_digest")},
                    "items": {"outputFile": place("items")},
                    "failures": {"outputFile": place("failures")},
                },
                "artifacts": {
                    "dataset": artifact("dataset", "system.Dataset"),
                    "metrics": artifact("metrics", "system.Metrics"),
                    "report": artifact("report", "system.HTML"),
                    "executor-logs": artifact("executor-logs", "system.Artifact"),
                },
                "outputFile": place("executor_output.json"),
            },
        })
    }

    /// Runs a component.
    pub fn run(&self, what: &str, input: &Value) -> Ended {
        self.run_text(what, &input.to_string(), input["outputs"]["outputFile"].as_str())
    }

    /// Runs a component with this text as executor input.
    pub fn run_text(&self, what: &str, input: &str, answer: Option<&str>) -> Ended {
        let last_words = self.path("termination-log");
        std::fs::write(&last_words, "").unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_microtome"))
            .args([
                what,
                "--executor-input",
                input,
                "--termination-log",
                last_words.to_str().unwrap(),
            ])
            .stdin(Stdio::null())
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        let answer = answer.and_then(|file| std::fs::read(file).ok());
        Ended {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
            last_words: std::fs::read_to_string(&last_words).unwrap(),
            answer: answer.map_or(Value::Null, |bytes| serde_json::from_slice(&bytes).unwrap()),
        }
    }

    /// `microtome run` of some steps; the dataset's manifest digest.
    pub fn laptop(&self, steps: &str, input: &str, out: &str) -> String {
        let file = self.path("pipeline.yaml");
        std::fs::write(&file, format!("microtome: 1\nsteps:\n{steps}")).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_microtome"))
            .args(["run", file.to_str().unwrap(), input, "-o", &self.at(out), "--quiet"])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        digest(&self.path(out).join("manifest.parquet"))
    }
}

/// Params of `tile` that give a few dozen patches of a fixture in little time; numbers as Kubeflow sends them.
pub fn tile_params() -> Value {
    json!({"level": 0.0, "assume_mpp": 0.5, "tile_px": 256.0, "min_tissue": 0.3, "format": "jpeg", "quality": 80.0})
}

/// The same in a pipeline file.
pub const TILE: &str = "- tile: {level: 0, assume_mpp: 0.5, tile_px: 256, min_tissue: 0.3, format: jpeg, quality: 80}\n";

/// Some parameters and some more.
pub fn with(one: Value, more: Value) -> Value {
    let mut all = one.as_object().unwrap().clone();
    all.extend(more.as_object().unwrap().clone());
    Value::Object(all)
}

/// The input artifact `dataset`.
pub fn dataset(artifact: Value) -> Value {
    json!({"dataset": {"artifacts": [artifact]}})
}

pub fn text(path: &Path) -> String {
    path.to_str().unwrap().to_string()
}

/// The drawn slides.
pub fn slides() -> String {
    text(&super::common::fixture("slides"))
}

pub fn digest(file: &Path) -> String {
    Digest::of(&std::fs::read(file).unwrap()).to_string()
}

/// The files of a folder, by their paths below it.
pub fn files(folder: &Path) -> BTreeMap<String, u64> {
    fn walk(root: &Path, folder: &Path, found: &mut BTreeMap<String, u64>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, found);
            } else {
                let name = text(path.strip_prefix(root).unwrap());
                found.insert(name, std::fs::metadata(&path).unwrap().len());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(folder, folder, &mut found);
    found
}
