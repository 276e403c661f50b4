//! Values that YAML, a shell or Kubernetes would like to take for something else.

use std::collections::BTreeMap;
use std::process::Command;

use microtome::compile::{kubernetes, plan};
use microtome::steps::STEPS;
use microtome::{Error, Result, yaml};
use serde_json::{Value, json};

use super::run::args;
use super::valid::read_elsewhere;
use super::{CLUSTERS, cluster, compiled, container, expanded, jobs, objects, text, texts};

/// Patterns of `scan` that a reader could misread.
const ODD: [&str; 14] = [
    "no",
    "1e3",
    "0x1f",
    "~",
    "2026-01-01",
    "- a: b # c",
    "'\"\\*",
    "$(JOB_COMPLETION_INDEX)",
    "$$(A)$$",
    "a,b",
    "é 漢 😀",
    "two\nlines\n",
    "\u{85}\u{2028}\u{7f}\t",
    "-rf=/",
];

fn pipeline(include: &[&str]) -> String {
    let include: Vec<String> = include.iter().map(|text| yaml::scalar(text)).collect();
    format!("microtome: 1\nsteps:\n- scan:\n    include: [{}]\n", include.join(", "))
}

/// The flag or the file that gives the patterns.
fn given(objects: &[Value]) -> Vec<String> {
    let map = objects.iter().find(|object| object["kind"] == "ConfigMap");
    if let Some(map) = map {
        let file = text(&map["data"]["params.yaml"]);
        let params = yaml::document("params", file.as_bytes()).unwrap();
        if params.get("include").is_some() {
            return texts(&params["include"]);
        }
    }
    let args = texts(&container(jobs(objects)[0])["args"]);
    let none = BTreeMap::new();
    let arg = args.iter().find_map(|arg| arg.strip_prefix("--include=")).unwrap();
    expanded(arg, &none).split(',').map(String::from).collect()
}

#[test]
fn odd_values_come_through() {
    let own = cluster(CLUSTERS[0].1);
    let mut files = Vec::new();
    for (index, value) in ODD.iter().enumerate() {
        let file = compiled("odd.yaml", &pipeline(&[value, "*.svs"]), &own);
        assert_eq!(given(&objects(&file)), [*value, "*.svs"], "{value:?}\n{file}");
        files.push((format!("{index:02}.yaml"), file));
    }
    files.push(("all.yaml".into(), compiled("odd.yaml", &pipeline(&ODD), &own)));
    let Some(said) = read_elsewhere("odd_values_come_through", &files) else { return };
    assert_eq!(said["wrong"], json!([]));
    for (name, file) in &files {
        assert_eq!(said["documents"][name], Value::from(objects(file)), "{name}\n{file}");
    }
}

/// The program itself reads what was written, and has the params that the pipeline has.
#[test]
fn the_program_reads_odd_values_as_they_were_meant() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    std::fs::create_dir(&images).unwrap();
    std::fs::write(
        images.join("a.png"),
        std::fs::read(crate::common::fixture("overlay.png")).unwrap(),
    )
    .unwrap();
    let own = cluster("input: /data/images\noutput: /data/out\nclaims: [{claim: a, mount: /data}]");
    let glob: Vec<&str> = ODD.iter().copied().chain(["*.png"]).collect();
    let file = compiled("odd.yaml", &pipeline(&glob), &own);
    let objects = objects(&file);
    let map = objects.iter().find(|object| object["kind"] == "ConfigMap").unwrap();
    std::fs::write(folder.path().join("params.yaml"), text(&map["data"]["params.yaml"])).unwrap();
    let here = folder.path().to_str().unwrap().to_string();
    let args = args(jobs(&objects)[0], None, &[("/data", here.clone()), ("/etc/microtome", here)]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_microtome"));
    let said = command.arg("scan").args(args).arg("--json").output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let summary: Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!(summary["steps"][0]["params"]["include"], json!(glob));
    assert_eq!(summary["steps"][0]["items"], 1);
}

/// Names of files make names of objects, whatever they are.
#[test]
fn any_name_of_a_file_will_do() {
    let own = cluster(CLUSTERS[0].1);
    let long = "x".repeat(300);
    for name in [
        "",
        "-.yaml",
        "ß.yaml",
        "0x1f.yaml",
        "No.yaml",
        "a--b__c.yaml",
        "../é/日本.yaml",
        &long,
        "x-------------------------------y",
    ] {
        let file = compiled(name, "microtome: 1\nsteps: [scan, {tile: {mpp: 0.5}}]\n", &own);
        for object in objects(&file) {
            let name = text(&object["metadata"]["name"]);
            assert!(name.len() <= 63 && !name.contains("--") && !name.starts_with('-'), "{name}");
        }
    }
}

/// The longest chain of the longest names still has names that Kubernetes takes, and what is too large is refused.
#[test]
fn what_is_long_is_taken_or_refused() {
    let own = cluster(
        "input: /data/in\noutput: /data/out\nshards: 1000\nclaims: [{claim: c, mount: /data}]",
    );
    let steps = vec!["filter-background"; 63].join(", ");
    let long = format!("microtome: 1\nsteps: [scan, {steps}]\n");
    let file = compiled(&"n".repeat(80), &long, &own);
    for job in jobs(&objects(&file)) {
        assert!(text(&job["metadata"]["name"]).len() + "-999".len() <= 63);
    }
    let many: Vec<String> = (0..20_000).map(|n| format!("{n:08}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let refused = plan("p.yaml", pipeline(&many).as_bytes(), STEPS, &own, None, &unread)
        .and_then(|plan| kubernetes::compile(&plan));
    assert!(matches!(refused, Err(Error::Limit { .. })), "{refused:?}");
    // Large, and taken: below what a ConfigMap holds.
    let file = compiled("p.yaml", &pipeline(&many[..4000]), &own);
    assert_eq!(given(&objects(&file)), many[..4000]);
}

fn unread(path: &str) -> Result<Vec<u8>> {
    Err(Error::store(path, "is not to be read"))
}
