//! The same bytes on a cluster as on a laptop, and failures that are seen.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::common;
use crate::left::left;
use crate::local::{Local, Place, microtome};

/// Compiles a pipeline for two shards, and gives the place of what came out.
fn compiled(pipeline: &Path, place: &Place) -> PathBuf {
    let file = place.folder.path().join("pipeline.yaml");
    let (input, output) = (place.input(), place.output());
    // On a cluster a claim would hold what is a folder here.
    let cluster = place.folder.path().join("cluster.yaml");
    let mount = place.folder.path().to_str().unwrap();
    let text = format!("microtome-cluster: 1\nclaims: [{{claim: data, mount: {mount:?}}}]\n");
    fs::write(&cluster, text).unwrap();
    let (well, said) = microtome(&[
        "compile",
        pipeline.to_str().unwrap(),
        "--to",
        "kubeflow",
        "--shards",
        "2",
        "--cluster",
        cluster.to_str().unwrap(),
        "--input",
        input.to_str().unwrap(),
        "--output-uri",
        output.to_str().unwrap(),
        "-o",
        file.to_str().unwrap(),
    ]);
    assert!(well, "{said}");
    file
}

/// Runs a pipeline both ways and compares; gives the commands that ran.
fn same_both_ways(local: &Local, pipeline: &Path, files: &Path) -> Vec<String> {
    let place = Place::with(files);
    let file = compiled(pipeline, &place);
    let ended = local.run(&file, place.folder.path(), &place.arguments());
    ended.assert_well();

    let laptop = place.folder.path().join("laptop");
    let (well, said) = microtome(&[
        "run",
        pipeline.to_str().unwrap(),
        place.input().to_str().unwrap(),
        "-o",
        laptop.to_str().unwrap(),
        "-q",
    ]);
    assert!(well, "{said}");
    let (cluster, laptop) = (left(&place.output()), left(&laptop));
    assert!(laptop.len() > 5, "a run that left next to nothing proves nothing");
    let differ: Vec<_> =
        laptop.keys().chain(cluster.keys()).filter(|n| laptop.get(*n) != cluster.get(*n)).collect();
    assert!(differ.is_empty(), "these differ: {differ:?}");

    // What Kubeflow itself was told.
    let digest = laptop["manifest.parquet"].to_string();
    assert_eq!(ended.output("manifest_digest"), digest.as_str());
    let metadata = &ended.output("dataset")["metadata"];
    assert_eq!(metadata["manifest_digest"], digest.as_str(), "{metadata}");
    let report = ended.output("report")["path"].as_str().unwrap();
    assert!(fs::read_to_string(report).unwrap().contains("<html"), "no report");
    assert!(ended.output("metrics")["metadata"]["items"].as_f64().unwrap() > 0.0);

    // All digests again, by the program itself.
    let (sound, said) = microtome(&["check", place.output().to_str().unwrap(), "--sources", "-q"]);
    assert!(sound, "{said}");
    ended.codes().into_iter().map(|(command, _)| command).collect()
}

fn count(commands: &[String], command: &str) -> usize {
    commands.iter().filter(|c| *c == command).count()
}

#[test]
fn a_drawn_cohort_gives_the_same_manifest_in_containers() {
    let Some(local) = Local::or_skip("a_drawn_cohort_gives_the_same_manifest_in_containers") else {
        return;
    };
    let pipeline = common::fixture("pipelines/balanced.yaml");
    let commands = same_both_ways(&local, &pipeline, &common::fixture("cohort"));
    assert_eq!(count(&commands, "/microtome-scan"), 1, "{commands:?}");
    assert_eq!(count(&commands, "/microtome-tile"), 2, "{commands:?}");
    assert_eq!(count(&commands, "/microtome"), 1, "one merge: {commands:?}");
    assert_eq!(count(&commands, "/microtome-split"), 1, "{commands:?}");
    assert_eq!(count(&commands, "/microtome-sample"), 1, "{commands:?}");
}

#[test]
fn a_real_slide_gives_the_same_patches_in_containers() {
    const TEST: &str = "a_real_slide_gives_the_same_patches_in_containers";
    let (Some(local), Some(data)) = (Local::or_skip(TEST), common::data_or_skip(TEST)) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let pipeline = folder.path().join("slide.yaml");
    let text = "microtome: 1\nsteps:\n  - scan\n  - tile: {tile_px: 512, format: jpeg, level: 0}\n  \
                - stain-normalize: {source: image, method: macenko}\n";
    fs::write(&pipeline, text).unwrap();
    let slide = data.join("wsi/aperio/cmu-1-small-region.svs");
    let commands = same_both_ways(&local, &pipeline, &slide);
    assert_eq!(count(&commands, "/microtome-tile"), 2, "{commands:?}");
    assert_eq!(count(&commands, "/microtome-stain-normalize"), 2, "{commands:?}");
}

/// A slide without a resolution: `tile` fails it, and nothing tolerates that.
#[test]
fn a_step_that_fails_fails_the_pipeline() {
    let Some(local) = Local::or_skip("a_step_that_fails_fails_the_pipeline") else { return };
    let place = Place::with(&common::fixture("slides"));
    let file = compiled(&common::fixture("pipelines/tile.yaml"), &place);
    let ended = local.run(&file, place.folder.path(), &place.arguments());
    let codes = ended.codes();
    assert!(ended.error().is_some(), "the pipeline passed for a success: {codes:?}");
    let tiles: Vec<i64> =
        codes.iter().filter(|(c, _)| c == "/microtome-tile").map(|(_, code)| *code).collect();
    assert!(tiles.contains(&1), "{codes:?}");
    assert_eq!(codes.iter().filter(|(c, _)| c == "/microtome").count(), 0, "merged all the same");
    let log = ended.log("/microtome-tile");
    let failed = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let failed: Vec<Value> = failed.filter(|line| line["event"] == "unit_failed").collect();
    assert!(failed.iter().any(|f| f["remedy"].as_str().is_some_and(|r| !r.is_empty())), "{log}");
}
