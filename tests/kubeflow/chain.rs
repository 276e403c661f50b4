//! A chain of components gives what `microtome run` gives, wherever the datasets lie.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use super::scene::{Scene, TILE, dataset, digest, files, slides, tile_params, with};

/// Without `output_uri` each artifact is its dataset; the next step reads it as an artifact or as `input_uri`.
#[test]
fn each_artifact_is_its_dataset() {
    let scene = Scene::new();
    let scanned = scene.input(
        "scan",
        json!({"input_uri": slides(), "input_digest": "whatever names the images"}),
        json!({}),
    );
    let scanned = scene.run("scan", &scanned).ok();
    assert!(scanned.out.is_empty(), "{}", scanned.out);
    assert!(scanned.err.lines().all(|line| line.starts_with('{')), "{}", scanned.err);
    assert_eq!(scanned.parameter("items"), 4);
    let place = scene.path("outputs/scan/dataset");
    assert_eq!(
        scanned.parameter("manifest_digest"),
        &json!(digest(&place.join("manifest.parquet")))
    );
    assert_eq!(fs::read_to_string(scene.path("outputs/scan/items")).unwrap(), "4");
    assert_eq!(
        fs::read_to_string(scene.path("outputs/scan/manifest_digest")).unwrap(),
        *scanned.parameter("manifest_digest").as_str().unwrap()
    );
    assert!(!place.join("dataset.json").exists() && !place.join(".staging").exists());
    for file in ["outputs/scan/report", "outputs/scan/items", "outputs/scan/executor_output.json"] {
        let mode = fs::metadata(scene.path(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644, "{file}");
    }

    let told = json!({"input_digest": scanned.parameter("manifest_digest")});
    let tiled = scene.input("tile", with(tile_params(), told), dataset(scanned.dataset()));
    let tiled = scene.run("tile", &tiled).ok();
    let whole = scene.laptop(&format!("- scan\n{TILE}"), &slides(), "laptop");
    // The same patches; the ids of two datasets are those of one run of both steps.
    assert_eq!(tiled.parameter("manifest_digest"), &json!(whole));
    let page = fs::read_to_string(scene.path("outputs/tile/report")).unwrap();
    assert_eq!(page, fs::read_to_string(scene.path("outputs/tile/dataset/report.html")).unwrap());
    assert!(page.contains("data:image/"), "the report has no pictures");

    let again = with(tile_params(), json!({"input_uri": scene.at("outputs/scan/dataset")}));
    let again =
        scene.run("tile", &scene.input("again", again, json!({"dataset": {"artifacts": []}}))).ok();
    assert_eq!(again.parameter("manifest_digest"), &json!(whole));
}

/// With `output_uri` the artifact is small and points there; doing it again finds everything done.
#[test]
fn artifacts_point_to_datasets_elsewhere() {
    let scene = Scene::new();
    let out = |name: &str| json!({"output_uri": scene.at(&format!("bulk/{name}"))});
    let scanned = scene.input("scan", with(out("scan"), json!({"input_uri": slides()})), json!({}));
    let scanned = scene.run("scan", &scanned).ok();
    let input = scene.input("tile", with(tile_params(), out("tile")), dataset(scanned.dataset()));
    let tiled = scene.run("tile", &input).ok();
    let whole = scene.laptop(&format!("- scan\n{TILE}"), &slides(), "laptop");
    assert_eq!(tiled.parameter("manifest_digest"), &json!(whole));
    let place = scene.path("outputs/tile/dataset");
    let names: Vec<String> = files(&place).into_keys().collect();
    assert_eq!(names, ["dataset.json", "manifest.parquet", "run.json"]);
    assert_eq!(digest(&place.join("manifest.parquet")), whole);
    let pointer: Value =
        serde_json::from_slice(&fs::read(place.join("dataset.json")).unwrap()).unwrap();
    let wanted = json!({"microtome-dataset": 1, "root": scene.at("bulk/tile"), "manifest": "manifest.parquet", "manifest_digest": whole, "leg": null});
    assert_eq!(pointer, wanted);
    assert_eq!(tiled.metadata("dataset")["root"], json!(scene.at("bulk/tile")));
    assert_eq!(tiled.metadata("metrics")["made"], 4);

    // The artifact was not brought: its metadata say where the dataset is.
    let mut elsewhere = scanned.dataset();
    elsewhere["uri"] = json!("minio://mlpipeline/v2/artifacts/scan/dataset");
    let input = scene.input("tile-2", with(tile_params(), out("tile")), dataset(elsewhere));
    let again = scene.run("tile", &input).ok();
    assert_eq!(again.parameter("manifest_digest"), &json!(whole));
    assert_eq!(
        (&again.metadata("metrics")["made"], &again.metadata("metrics")["hits"]),
        (&json!(0), &json!(4))
    );
}

/// Which augmentation, and which sample: the metadata of the last dataset say it.
#[test]
fn the_chain_can_be_read_from_the_metadata_alone() {
    let scene = Scene::new();
    let photos = super::scene::text(&super::common::fixture("cohort"));
    let scanned = scene.input("scan", json!({"input_uri": photos, "label_folder": 1.0}), json!({}));
    let mut last = scene.run("scan", &scanned).ok();
    let chain =
        [("augment", json!({"seed": 7.0, "copies": 1.0})), ("sample", json!({"seed": 5.0}))];
    for (step, params) in chain {
        last = scene.run(step, &scene.input(step, params, dataset(last.dataset()))).ok();
    }
    let said = last.metadata("dataset");
    let version = |step| microtome::steps::find(step).unwrap().version;
    let links = ["scan", "augment", "sample"].map(|step| format!("{step}@{}", version(step)));
    assert_eq!(said["chain"], links.join(","));
    assert_eq!(said["chain.3.sample.params_digest"], said["params_digest"]);
    assert_eq!(said["chain.3.sample.manifest_digest"], said["manifest_digest"]);
    assert!(said["params"].as_str().unwrap().contains("\"seed\":5"), "{said:?}");
    assert_eq!(said["chain.2.augment.params_digest"].as_str().map(str::len), Some(64));
    assert_eq!((&said["classes"], &said["class.tumor"]), (&json!(3), &json!(3)));
    assert_eq!(last.metadata("metrics")["skew"], 1.0);
    let flat = |value: &Value| value.is_string() || value.is_number();
    assert!(said.values().all(flat), "{said:?}");
    assert!(last.metadata("metrics").values().all(Value::is_number));
}

/// Images that are no dataset yet are scanned first, as on the command line.
#[test]
fn images_are_scanned_first() {
    let scene = Scene::new();
    let input = scene.input("tile", with(tile_params(), json!({"input_uri": slides()})), json!({}));
    let tiled = scene.run("tile", &input).ok();
    assert_eq!(
        tiled.parameter("manifest_digest"),
        &json!(scene.laptop(&format!("- scan\n{TILE}"), &slides(), "laptop"))
    );
    assert!(tiled.err.contains("goes first"), "{}", tiled.err);
    let chain = tiled.metadata("dataset")["chain"].as_str().unwrap();
    assert!(chain.starts_with("scan@") && chain.contains(",tile@"), "{chain}");
}

/// A param that names a file is a path, or the content itself.
#[test]
fn a_file_may_be_handed_over_as_its_content() {
    let scene = Scene::new();
    let photos = super::scene::text(&super::common::fixture("cohort"));
    let scanned =
        scene.run("scan", &scene.input("scan", json!({"input_uri": photos}), json!({}))).ok();
    let profile = |given: &str| {
        let input = scene.input(
            "sn",
            json!({"source": "image", "target": given}),
            dataset(scanned.dataset()),
        );
        scene.run("stain-normalize", &input)
    };
    let path = super::scene::text(&super::common::fixture("stains/lab-a"));
    let first = fs::read_dir(&path)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| !p.ends_with("glass.png"))
        .min()
        .unwrap();
    let by_path = profile(first.to_str().unwrap()).ok();
    let run: Value =
        serde_json::from_slice(&fs::read(scene.path("outputs/sn/dataset/run.json")).unwrap())
            .unwrap();
    let content = run["steps"][0]["params"]["target"].to_string();
    assert!(content.starts_with('{'), "{content}");
    let by_content = profile(&content).ok();
    assert_eq!(by_path.parameter("manifest_digest"), by_content.parameter("manifest_digest"));
    let broken = profile("{\"a\": ");
    assert_eq!((broken.code, broken.last_line()["class"].as_str()), (Some(2), Some("usage")));
    assert!(broken.err.contains("target: it begins as JSON does"), "{}", broken.err);
}
