//! The legs of a pipeline as processes.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use microtome::step::Grain;
use microtome::{pipeline, steps::STEPS};
use serde_json::Value;
use tempfile::TempDir;

use crate::common;

/// A pipeline whose params lie in a file each.
pub struct Relay {
    folder: TempDir,
    pub input: PathBuf,
    pub pipeline: PathBuf,
    pub chain: Vec<String>,
    grains: Vec<Grain>,
    joins: Vec<bool>,
}

impl Relay {
    /// Of a pipeline of the fixtures, on images of the fixtures.
    pub fn new(pipeline: &str, input: &str) -> Self {
        let file = common::fixture(&format!("pipelines/{pipeline}.yaml"));
        let read = |path: &str| microtome::dataset::read_file(path);
        let place = file.to_str().unwrap();
        let text = std::fs::read(&file).unwrap();
        let steps = pipeline::parse(place, &text, STEPS, &read).unwrap();
        let folder = tempfile::tempdir().unwrap();
        for (index, step) in steps.iter().enumerate() {
            let params = serde_json::to_vec(&without_nulls(step.params())).unwrap();
            std::fs::write(folder.path().join(format!("{}.json", index + 1)), params).unwrap();
        }
        Self {
            input: common::fixture(input),
            pipeline: file,
            chain: steps.iter().map(|step| step.entry().name.to_string()).collect(),
            grains: steps.iter().map(|step| step.entry().grain).collect(),
            joins: steps.iter().map(|step| step.joins()).collect(),
            folder,
        }
    }

    pub fn leg(&self, number: usize) -> String {
        format!("{number}:{}", self.chain.join(","))
    }

    /// The whole chain in one process.
    pub fn run_whole(&self, out: &Path) {
        let mut command = microtome();
        command.arg("run").arg(&self.pipeline).arg(&self.input).arg("-o").arg(out);
        assert!(done(command.args(["--max-failures", "100%", "-q"])).0);
    }

    /// The command of a leg, or of a shard of it.
    pub fn command(&self, number: usize, out: &Path, shard: Option<(u32, u32)>) -> Command {
        let mut command = microtome();
        let input = if number == 1 { self.input.as_path() } else { out };
        command.arg(&self.chain[number - 1]).arg(input).arg("-o").arg(out);
        command.arg("--params").arg(self.folder.path().join(format!("{number}.json")));
        command.args([
            "--leg",
            &self.leg(number),
            "--max-failures",
            "100%",
            "-q",
            "--threads",
            "1",
        ]);
        if let Some((index, count)) = shard {
            command.args(["--shard", &format!("{index}/{count}")]);
        }
        command
    }

    pub fn merge(&self, number: usize, out: &Path, shards: u32) -> Command {
        let mut command = microtome();
        command.arg("merge").arg(out).arg("-o").arg(out);
        command.args(["--leg", &self.leg(number), "--shards", &shards.to_string()]);
        command
    }

    pub fn can_be_dealt(&self, number: usize) -> bool {
        self.grains[number - 1] != Grain::Manifest && !self.joins[number - 1]
    }

    /// A leg: in shards and a merge, where it can be.
    pub fn run_leg(&self, number: usize, out: &Path, shards: u32) {
        if shards == 1 || !self.can_be_dealt(number) {
            assert_done(&mut self.command(number, out, None));
            return;
        }
        // The last shard first: nothing hangs on their order.
        for index in (0..shards).rev() {
            assert_done(&mut self.command(number, out, Some((index, shards))));
        }
        assert_done(&mut self.merge(number, out, shards));
    }

    pub fn run_legs(&self, out: &Path, shards: u32) {
        for number in 1..=self.chain.len() {
            self.run_leg(number, out, shards);
        }
    }
}

/// Params as a person would write them: what is not given is left out.
fn without_nulls(params: &Value) -> Value {
    let given = params.as_object().unwrap().iter().filter(|(_, value)| !value.is_null());
    Value::Object(given.map(|(name, value)| (name.clone(), value.clone())).collect())
}

fn microtome() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_microtome"));
    command.stdin(Stdio::null());
    command
}

/// Whether it went well, and what it said.
pub fn done(command: &mut Command) -> (bool, String) {
    let output = command.output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

pub fn assert_done(command: &mut Command) {
    let (well, said) = done(command);
    assert!(well, "{command:?}: {said}");
}

/// A process that goes on beside others.
pub fn start(command: &mut Command) -> Child {
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// What a run says of itself, without when, how fast, and how much of it was there before.
pub fn told(root: &Path) -> Value {
    let mut run: Value =
        serde_json::from_slice(&std::fs::read(root.join("run.json")).unwrap()).unwrap();
    let strip = |value: &mut Value, names: &[&str]| {
        for name in names {
            value.as_object_mut().unwrap().remove(*name);
        }
    };
    strip(&mut run, &["seconds", "threads"]);
    for step in run["steps"].as_array_mut().unwrap() {
        strip(step, &["seconds", "slowest", "bytes_written", "follows_from", "hits", "made"]);
    }
    run
}
