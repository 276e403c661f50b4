//! What every target is given: legs, shards, params, images.

use std::fs;

use microtome::compile::{self, Cluster, Pins, Plan};
use microtome::error::{Error, Result};
use microtome::registry::Registry;
use microtome::steps::STEPS;
use serde_json::{Value, json};

use super::clusters::parsed;
use super::common;

const PLACES: &str = "microtome-cluster: 1\ninput: az://in/x\noutput: az://out/y\n";

/// A plan of these steps on a cluster with these lines.
pub fn plan(steps: &str, cluster: &str) -> Result<Plan> {
    planned(steps, &parsed(&format!("{PLACES}{cluster}\n"))?, &|path| Err(Error::store(path, "no")))
}

fn planned(steps: &str, cluster: &Cluster, read: &dyn Fn(&str) -> Result<Vec<u8>>) -> Result<Plan> {
    let text = format!("microtome: 1\nsteps:\n{steps}\n");
    compile::plan("/p/My Pipeline_1.yaml", text.as_bytes(), STEPS, cluster, None, read)
}

fn field<T>(outcome: Result<T>) -> String {
    match outcome {
        Err(Error::Params { field, .. }) => field,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("taken"),
    }
}

#[test]
fn legs_say_which_they_are_and_what_differs_from_the_defaults() {
    let steps = "- scan\n- tile: {mpp: 0.75, mask: none}\n- normalize\n- normalize: {resize: longest, side_px: 64}";
    let plan = plan(steps, "").unwrap();
    let names: Vec<&str> = plan.legs.iter().map(|leg| leg.name.as_str()).collect();
    assert_eq!(names, ["scan", "tile", "normalize-3", "normalize-4"]);
    assert_eq!(plan.legs[1].leg.to_string(), "2:scan,tile,normalize,normalize");
    assert!(plan.legs[3].is_last() && !plan.legs[2].is_last());
    assert_eq!(plan.name, "my-pipeline-1");
    assert!(plan.legs[0].params.is_empty() && plan.legs[2].params.is_empty());
    assert_eq!(
        plan.legs[3].params,
        *json!({"resize": "longest", "side_px": 64}).as_object().unwrap()
    );
    assert_eq!(plan.legs[1].params, *json!({"mpp": 0.75, "mask": "none"}).as_object().unwrap());
    // What says the same as the default is not said.
    let default = (plan.legs[1].entry.default_params)()["tile_px"].clone();
    let again = self::plan(&format!("- scan\n- tile: {{tile_px: {default}}}"), "").unwrap();
    assert!(again.legs[1].params.is_empty());
}

#[test]
fn what_cannot_be_dealt_out_is_one_container() {
    let chain = "- scan\n- tile\n- fit-stain\n- split";
    let shards = |steps: &str, cluster: &str| -> Vec<u32> {
        plan(steps, cluster).unwrap().legs.iter().map(|leg| leg.shards).collect()
    };
    assert_eq!(shards(chain, ""), [1, 1, 1, 1]);
    assert_eq!(shards(chain, "shards: 8"), [1, 8, 8, 1]);
    assert_eq!(
        shards(chain, "shards: 8\ndefaults: {shards: 4}\nsteps: {tile: {shards: 2}}"),
        [1, 2, 4, 1]
    );
    assert_eq!(
        shards(chain, "shards: 8\nsteps: {scan: {shards: 3}, tile: {shards: 1}}"),
        [3, 1, 8, 1]
    );
    // A cohort is fitted from all groups.
    let cohort = "- scan\n- tile\n- fit-stain: {per: cohort}\n- split";
    assert_eq!(shards(cohort, "shards: 8"), [1, 8, 1, 1]);
    assert_eq!(field(plan(cohort, "steps: {fit-stain: {shards: 2}}")), "steps.fit-stain.shards");
    // The flag.
    let mut cluster = parsed(&format!(
        "{PLACES}shards: 2\nsteps: {{tile: {{shards: 4}}, fit-stain: {{shards: 1}}}}\n"
    ))
    .unwrap();
    cluster.deal(16);
    let plan = planned(chain, &cluster, &|path| Err(Error::store(path, "no"))).unwrap();
    assert_eq!(plan.legs.iter().map(|leg| leg.shards).collect::<Vec<_>>(), [1, 16, 1, 1]);
}

#[test]
fn a_steps_own_lines_stand_over_the_defaults() {
    let plan = plan(
        "- scan\n- tile",
        "defaults: {cpu: 1, memory: 2Gi, retries: 3, node_selector: {a: b}, tolerations: [{key: x}]}\n\
         steps: {tile: {cpu: 4, node_selector: {c: d}, cache: true}, merge: {memory: 1Gi}}",
    )
    .unwrap();
    let (scan, tile) = (&plan.legs[0].node, &plan.legs[1].node);
    assert_eq!((scan.cpu.as_deref(), tile.cpu.as_deref()), (Some("1"), Some("4")));
    assert_eq!((tile.memory.as_deref(), tile.retries), (Some("2Gi"), Some(3)));
    assert_eq!(tile.node_selector.len(), 2);
    assert_eq!((scan.cache, tile.cache), (None, Some(true)));
    assert_eq!(tile.tolerations.len(), 1);
    assert_eq!((plan.merge.memory.as_deref(), plan.merge.cpu.as_deref()), (Some("1Gi"), Some("1")));
}

#[test]
fn images_by_the_file_by_the_registry_and_by_their_local_name() {
    let images = |cluster: &str, pins: Option<Pins>| {
        let cluster = parsed(&format!("{PLACES}shards: 2\n{cluster}\n")).unwrap();
        let text = b"microtome: 1\nsteps: [scan, tile]\n";
        let unread = |path: &str| Err(Error::store(path, "no"));
        let plan = compile::plan("p.yaml", text, STEPS, &cluster, pins, &unread).unwrap();
        [plan.legs[0].image.clone(), plan.legs[1].image.clone(), plan.merge_image]
    };
    let version = |step: &str| STEPS.iter().find(|e| e.name == step).unwrap().version;
    let (scan, tile, all) = (version("scan"), version("tile"), env!("CARGO_PKG_VERSION"));
    assert_eq!(
        images("", None),
        [
            format!("localhost/microtome-scan:{scan}"),
            format!("localhost/microtome-tile:{tile}"),
            format!("localhost/microtome:{all}"),
        ]
    );
    let template = "image: 'host:5000/lab/microtome-{step}:{version}'";
    assert_eq!(
        images(template, None),
        [
            format!("host:5000/lab/microtome-scan:{scan}"),
            format!("host:5000/lab/microtome-tile:{tile}"),
            format!("host:5000/lab/microtome:{all}"),
        ]
    );
    let pinned = |step: &str| format!("host/{step}@sha256:{}", "a".repeat(64));
    let pins = |step: &str| Ok((step != "scan").then(|| pinned(step)));
    let local = format!("localhost/microtome-scan:{scan}");
    assert_eq!(images("", Some(&pins)), [local, pinned("tile"), pinned("merge")]);
    assert_eq!(images(template, Some(&pins))[1], format!("host:5000/lab/microtome-tile:{tile}"));
    let own = "image: 'host/{step}:{version}'\nsteps: {tile: {image: 'host/mine:1'}, merge: {image: 'host/all:2'}}";
    assert_eq!(
        images(own, None),
        [format!("host/scan:{scan}"), "host/mine:1".into(), "host/all:2".into()]
    );
}

/// The registry of this repository, and one that lacks what is asked for.
#[test]
fn a_registry_that_refuses_stops_it() {
    let index = fs::read(common::root().join("components/index.json")).unwrap();
    let mut index: Value = serde_json::from_slice(&index).unwrap();
    let on = |index: &Value, cluster: &str| {
        let registry = Registry::parse("index.json", index.to_string().as_bytes()).unwrap();
        let pins = |step: &str| compile::pinned(&registry, STEPS, step).map(Some);
        let cluster = parsed(&format!("{PLACES}{cluster}\n")).unwrap();
        let unread = |path: &str| Err(Error::store(path, "no"));
        let text = b"microtome: 1\nsteps: [scan, tile]\n";
        compile::plan("p.yaml", text, STEPS, &cluster, Some(&pins), &unread)
    };
    let version = |step: &str| STEPS.iter().find(|e| e.name == step).unwrap().version;
    let tile = format!("localhost/microtome-tile:{}", version("tile"));
    assert_eq!(on(&index, "shards: 2").unwrap().legs[1].image, tile);
    let components = index["components"].as_array_mut().unwrap();
    components.retain(|component| component["name"] != "merge");
    // Where nothing is merged, no image that merges is asked for.
    assert_eq!(on(&index, "").unwrap().legs[1].image, tile);
    assert_eq!(field(on(&index, "shards: 2")), "merge");
    for component in index["components"].as_array_mut().unwrap() {
        if component["name"] == "tile" {
            component["image"] = "host/{step}".into();
        }
    }
    assert!(matches!(on(&index, ""), Err(Error::Format { .. })));
}

#[test]
fn files_are_inlined_until_they_are_too_large() {
    let cluster = parsed(PLACES).unwrap();
    let rows = |count: usize| {
        let rows: String = (0..count).map(|n| format!("slide-{n}.svs,tumor\n")).collect();
        format!("id,label\n{rows}").into_bytes()
    };
    let (small, large) = (rows(2), rows(5000));
    let read = |path: &str| match path {
        "/p/small.csv" => Ok(small.clone()),
        "/p/large.csv" | "az://labels/large.csv" => Ok(large.clone()),
        path => Err(Error::store(path, "not there")),
    };
    let labels = |file: &str| planned(&format!("- scan: {{labels: '{file}'}}"), &cluster, &read);
    let inlined = labels("small.csv").unwrap();
    assert_eq!(
        inlined.legs[0].params["labels"][1],
        json!({"id": "slide-1.svs", "label": "tumor", "group": null})
    );
    // Containers can read a URL themselves; a file beside the pipeline they cannot.
    let named = labels("az://labels/large.csv").unwrap();
    assert_eq!(named.legs[0].params["labels"], "az://labels/large.csv");
    match labels("large.csv") {
        Err(Error::Limit { what, raise, .. }) => {
            assert!(what.contains("steps[0].scan.labels"), "{what}");
            assert!(raise.contains("URL"), "{raise}");
        }
        other => panic!("{:?}", other.map(|_| ())),
    }
    assert!(matches!(labels("gone.csv"), Err(Error::Store { .. })));
}

#[test]
fn places_and_chains_are_checked_before_anything_is_written() {
    let unread = |path: &str| Err(Error::store(path, "no"));
    let on = |cluster: &str, steps: &str| {
        planned(steps, &parsed(&format!("microtome-cluster: 1\n{cluster}\n")).unwrap(), &unread)
    };
    assert_eq!(field(on("output: az://a/b", "- scan")), "input");
    assert_eq!(field(on("input: az://a/b", "- scan")), "output");
    assert_eq!(field(on("input: az://a/b\noutput: az://a/b/", "- scan")), "output");
    assert_eq!(field(plan("- tlie", "")), "steps[0].tlie");
    assert_eq!(field(plan("- tile: {tile_px: 0}", "")), "steps[0].tile.tile_px");
    assert_eq!(field(plan("- tile\n- scan", "")), "steps[1].scan");
    // Columns, as far as the chain makes them itself.
    match plan("- scan\n- stain-normalize: {source: slide}", "") {
        Err(Error::Schema { step, column, .. }) => {
            assert_eq!((step.as_str(), column.as_str()), ("stain-normalize", "fit-stain.profile"));
        }
        other => panic!("{:?}", other.map(|_| ())),
    }
    let other =
        "- scan\n- tile\n- fit-stain: {method: macenko}\n- stain-normalize: {method: vahadane}";
    assert_eq!(field(plan(other, "")), "method");
    // A chain that begins with a dataset has columns that only the run will see.
    assert!(plan("- stain-normalize", "").is_ok());
}
