//! Shards in containers of their own, and the merge: with a common place and without.

use serde_json::{Value, json};

use super::scene::{Ended, Scene, TILE, dataset, digest, files, slides, tile_params, with};

fn list(parts: &[Ended]) -> Value {
    json!({"datasets": {"artifacts": parts.iter().map(Ended::dataset).collect::<Vec<_>>()}})
}

/// The way of a compiled pipeline: legs in one dataset, the second in shards, a merge, and a last leg over the whole.
#[test]
fn legs_and_shards_in_one_place_give_the_bytes_of_one_run() {
    let scene = Scene::new();
    let chain = "scan,tile,split";
    let leg =
        |number: usize| json!({"output_uri": scene.at("bulk"), "leg": format!("{number}:{chain}")});
    let scanned = scene.input("scan", with(leg(1), json!({"input_uri": slides()})), json!({}));
    let scanned = scene.run("scan", &scanned).ok();
    assert_eq!(scanned.metadata("dataset")["manifest"], "manifests/1-scan.parquet");
    assert_eq!(scanned.metadata("dataset")["leg"], format!("1:{chain}"));
    let page = std::fs::read_to_string(scene.path("outputs/scan/report")).unwrap();
    assert!(page.contains("This is a part") && page.contains(&scene.at("bulk")), "{page}");
    let names: Vec<String> = files(&scene.path("outputs/scan/dataset")).into_keys().collect();
    assert_eq!(names, ["dataset.json", "manifest.parquet"]);

    let shard = |index: usize| {
        let how = json!({"shard_index": index as f64, "shard_count": 2.0, "input_digest": scanned.parameter("manifest_digest")});
        let parameters = with(with(tile_params(), leg(2)), how);
        scene
            .run(
                "tile",
                &scene.input(&format!("tile-{index}"), parameters, dataset(scanned.dataset())),
            )
            .ok()
    };
    let parts = [shard(0), shard(1)];
    let said = parts[1].metadata("dataset");
    assert_eq!((&said["shard"], said.get("chain")), (&json!("1/2"), None));
    assert_eq!(said["manifest"], "manifests/2-tile/part-00001-of-00002.parquet");

    let digests: Vec<&Value> = parts.iter().map(|part| part.parameter("manifest_digest")).collect();
    let swapped = with(leg(2), json!({"input_digests": [digests[1], digests[0]]}));
    let swapped = scene.run("merge", &scene.input("merge", swapped, json!({})));
    assert_eq!(swapped.code, Some(2), "{}", swapped.err);
    assert!(swapped.last_words.contains("input_digests"), "{}", swapped.last_words);
    assert_eq!(swapped.answer, Value::Null);
    let parameters = with(leg(2), json!({"input_digests": digests, "shard_count": 2.0}));
    let merged = scene.run("merge", &scene.input("merge", parameters, list(&parts))).ok();
    assert_eq!(merged.metadata("dataset")["manifest"], "manifests/2-tile.parquet");

    let told = json!({"input_digest": merged.parameter("manifest_digest"), "seed": 3.0});
    let input = scene.input("split", with(leg(3), told), dataset(merged.dataset()));
    let last = scene.run("split", &input).ok();
    let whole = scene.laptop(&format!("- scan\n{TILE}- split: {{seed: 3}}\n"), &slides(), "laptop");
    assert_eq!(last.parameter("manifest_digest"), &json!(whole));
    assert_eq!(digest(&scene.path("bulk/manifest.parquet")), whole);
    let chain: Vec<&str> = last.metadata("dataset")["chain"].as_str().unwrap().split(',').collect();
    assert_eq!(
        chain.iter().map(|link| link.split('@').next().unwrap()).collect::<Vec<_>>(),
        ["scan", "tile", "split"]
    );
    let named: Vec<String> = files(&scene.path("outputs/split/dataset")).into_keys().collect();
    assert_eq!(named, ["dataset.json", "manifest.parquet", "run.json"]);
}

/// Without a common place each shard's artifact is a dataset of its own, and the merge brings them together.
#[test]
fn shards_in_their_artifacts_are_merged_into_one() {
    let scene = Scene::new();
    let scanned =
        scene.run("scan", &scene.input("scan", json!({"input_uri": slides()}), json!({}))).ok();
    let shard = |index: usize| {
        let how = json!({"shard_index": index, "shard_count": 2});
        let input = scene.input(
            &format!("tile-{index}"),
            with(tile_params(), how),
            dataset(scanned.dataset()),
        );
        scene.run("tile", &input).ok()
    };
    let parts = [shard(0), shard(1)];
    let digests: Vec<&Value> = parts.iter().map(|part| part.parameter("manifest_digest")).collect();
    let one = scene.run("merge", &scene.input("merge", json!({}), list(&parts[..1])));
    assert_eq!(one.code, Some(2), "{}", one.err);
    assert!(one.err.contains("missing shards: 1/2"), "{}", one.err);
    for (wrong, name) in [
        (json!({"shard_count": 3.0}), "shard_count"),
        (json!({"input_digests": [digests[0]]}), "input_digests"),
    ] {
        let ended = scene.run("merge", &scene.input("merge", wrong, list(&parts)));
        assert_eq!(ended.code, Some(2), "{}", ended.err);
        assert!(ended.last_words.contains(name), "{}", ended.last_words);
    }
    let merged = scene
        .run("merge", &scene.input("merge", json!({"input_digests": digests}), list(&parts)))
        .ok();
    let whole = scene.laptop(&format!("- scan\n{TILE}"), &slides(), "laptop");
    assert_eq!(merged.parameter("manifest_digest"), &json!(whole));
    let place = scene.path("outputs/merge/dataset");
    assert_eq!(digest(&place.join("manifest.parquet")), whole);
    assert!(place.join("report.html").is_file() && !place.join("dataset.json").exists());
    // What it gives is a dataset like any other.
    let input = scene.input("split", json!({"seed": 1.0}), dataset(merged.dataset()));
    scene.run("split", &input).ok();
}

/// A part of a dataset is not taken for the whole, nor one leg's manifest for another's.
#[test]
fn a_part_is_not_taken_for_the_whole() {
    let scene = Scene::new();
    let leg =
        json!({"output_uri": scene.at("bulk"), "leg": "1:scan,tile,split", "input_uri": slides()});
    let scanned = scene.run("scan", &scene.input("scan", leg, json!({}))).ok();
    let cases = [
        (json!({}), "no whole dataset yet"),
        (
            json!({"output_uri": scene.at("bulk"), "leg": "3:scan,tile,split"}),
            "leg 3 reads manifests/2-tile.parquet",
        ),
        (json!({"output_uri": scene.at("other"), "leg": "2:scan,split"}), "is not"),
        (json!({"leg": "2:scan,split"}), "output_uri: it is empty"),
        (
            json!({"output_uri": scene.at("bulk"), "leg": "2:scan,tile,split"}),
            "leg 2 of 2:scan,tile,split is `tile`",
        ),
        (json!({"output_uri": scene.at("bulk"), "leg": "9:scan"}), "leg: "),
    ];
    for (parameters, words) in cases {
        let ended = scene
            .run("split", &scene.input("split", parameters.clone(), dataset(scanned.dataset())));
        assert_eq!(ended.code, Some(2), "{parameters}: {}", ended.err);
        assert!(ended.last_words.contains(words), "{parameters}: {}", ended.last_words);
    }
}
