//! The containers of every Job, run here as processes, leave what one run of the whole pipeline leaves.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{PIPELINES, cluster, compiled, container, expanded, jobs, objects, text, texts};
use crate::common::fixture;

/// Where the volumes of a pod really lie: (path in the container, path here).
pub type Volumes = [(&'static str, String)];

/// The arguments of a container, with what Kubernetes puts in, and volumes where they lie here.
pub fn args(job: &Value, index: Option<u64>, volumes: &Volumes) -> Vec<String> {
    let index = index.map(|index| ("JOB_COMPLETION_INDEX", index.to_string()));
    let variables = BTreeMap::from_iter(index);
    let here = |arg: &String| {
        let arg = expanded(arg, &variables);
        let (flag, value) =
            arg.split_once('=').map_or(("", &*arg), |(f, _)| arg.split_at(f.len() + 1));
        let lies =
            volumes.iter().find_map(|(there, here)| Some((here, value.strip_prefix(there)?)));
        lies.map_or(arg.clone(), |(here, rest)| format!("{flag}{here}{rest}"))
    };
    texts(&container(job)["args"]).iter().map(here).collect()
}

/// The pods of a Job, last index first: none waits for another.
fn pods(job: &Value, volumes: &Volumes) {
    let spec = &job["spec"];
    let completions = spec["completions"].as_u64().unwrap_or(1);
    for index in (0..completions).rev() {
        let mut command = Command::new(env!("CARGO_BIN_EXE_microtome"));
        let words = texts(&container(job)["command"]);
        // The binary of a step is the command of the whole one.
        match words[0].strip_prefix("/microtome-") {
            Some(step) => command.arg(step),
            None => command.args(&words[1..]),
        };
        let index = (spec["completionMode"] == "Indexed").then_some(index);
        command.args(args(job, index, volumes));
        let said = command.output().unwrap();
        let err = String::from_utf8_lossy(&said.stderr);
        assert_eq!(said.status.code(), Some(0), "{}: {command:?}\n{err}", job["metadata"]["name"]);
    }
}

/// What all Jobs leave, applied leg by leg, and what `microtome run` leaves.
fn both(pipeline: &Path, input: &Path, shards: u32) -> (Vec<u8>, Vec<u8>, usize) {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().to_str().unwrap();
    let place = |name: &str| format!("{here}/{name}");
    let data = input.to_str().unwrap().to_string();
    let own = cluster(&format!(
        "input: /photos\noutput: /data/jobs\nshards: {shards}\ndefaults: {{max_failures: 50%, threads: 1}}\nsteps: {{scan: {{shards: 2}}}}\n\
         claims: [{{claim: in, mount: /photos, read_only: true}}, {{claim: out, mount: /data}}]"
    ));
    let volumes =
        [("/photos", data), ("/data", here.to_string()), ("/etc/microtome", here.to_string())];
    let pipeline_text = std::fs::read_to_string(pipeline).unwrap();
    let file = compiled(pipeline.to_str().unwrap(), &pipeline_text, &own);
    let objects = objects(&file);
    let mut configured = 0;
    for object in &objects {
        if object["kind"] == "ConfigMap" {
            let text = text(&object["data"]["params.yaml"]);
            std::fs::write(folder.path().join("params.yaml"), text).unwrap();
            configured += 1;
        }
        for job in jobs(std::slice::from_ref(object)) {
            pods(job, &volumes);
        }
    }
    let mut run = Command::new(env!("CARGO_BIN_EXE_microtome"));
    run.arg("run").arg(pipeline).arg(input).args(["-o", &place("run"), "--max-failures=50%", "-q"]);
    let said = run.output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let manifest = |name: &str| std::fs::read(format!("{}/manifest.parquet", place(name))).unwrap();
    (manifest("jobs"), manifest("run"), configured)
}

#[test]
fn jobs_leave_the_manifest_of_one_run() {
    for (pipeline, shards) in PIPELINES.iter().zip([3, 2, 2, 3]) {
        let input = match *pipeline {
            "camera-trap" => "traps",
            "balanced" => "cohort",
            _ => "slides",
        };
        let place = fixture(&format!("pipelines/{pipeline}.yaml"));
        let (jobs, run, configured) = both(&place, &fixture(input), shards);
        assert!(jobs == run, "{pipeline} in {shards} shards is another manifest");
        // The policy of augmentations is a file, and goes with the Jobs.
        assert_eq!(configured, usize::from(*pipeline == "camera-trap"), "{pipeline}");
    }
}
