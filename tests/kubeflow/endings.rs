//! How a component ends: exit codes, the log's last line, the termination message, and what is written all the same.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::common;
use super::scene::{Scene, dataset, slides, text, tile_params, with};

/// What is asked for, who must act, and words of the message.
type Case = (&'static str, Value, Value, i32, &'static str, &'static str);

#[test]
fn what_will_not_do_is_told_in_words_and_codes() {
    let scene = Scene::new();
    let bad = text(&common::fixture("bad/not-an-image.svs"));
    fs::write(scene.path("broken.json"), "{\"microtome-dataset\": 1, ").unwrap();
    fs::create_dir(scene.path("pointing")).unwrap();
    fs::rename(scene.path("broken.json"), scene.path("pointing/dataset.json")).unwrap();
    let at = |uri: &str| dataset(json!({"name": "d", "uri": uri}));
    let one = json!({"name": "d", "uri": scene.at("x")});
    let cases: Vec<Case> = vec![
        (
            "tile",
            json!({"tile_px": 256.5, "input_uri": "x"}),
            json!({}),
            2,
            "usage",
            "tile_px: 256.5 is not a whole number",
        ),
        (
            "tile",
            json!({"tile_px": 5.0, "input_uri": "x"}),
            json!({}),
            2,
            "usage",
            "tile_px: 5 will not do",
        ),
        (
            "tile",
            json!({"tile_xp": 256.0}),
            json!({}),
            2,
            "usage",
            "tile_xp: the component has no such input parameter; did you mean `tile_px`?",
        ),
        (
            "split",
            json!({"shard_count": 2.0}),
            json!({}),
            2,
            "usage",
            "shard_count: the component has no such input",
        ),
        ("tile", json!({"format": 3.0}), json!({}), 2, "usage", "format: 3.0 is not text"),
        (
            "tile",
            json!({}),
            json!({}),
            2,
            "usage",
            "input_uri: it is empty, and there is no artifact",
        ),
        (
            "tile",
            json!({}),
            json!({"dataset": {"artifacts": [one, one]}}),
            2,
            "usage",
            "2 artifacts where one is read",
        ),
        (
            "tile",
            json!({"input_uri": scene.at("y")}),
            at(&scene.at("pointing/..")),
            2,
            "usage",
            "leads upwards",
        ),
        (
            "tile",
            json!({}),
            at("abfss://c@a.dfs.core.windows.net/d"),
            2,
            "usage",
            "Kubeflow brings no artifact from abfss://",
        ),
        ("tile", json!({}), at(&scene.at("pointing")), 3, "data", "dataset.json: it is no JSON"),
        (
            "tile",
            json!({"shard_index": 2.0, "shard_count": 2.0, "input_uri": "x"}),
            json!({}),
            2,
            "usage",
            "shard_index: 2 of 2 will not do",
        ),
        (
            "tile",
            json!({"max_failures": "many", "input_uri": "x"}),
            json!({}),
            2,
            "usage",
            "max_failures: ",
        ),
        (
            "tile",
            json!({"pack": "big", "input_uri": "x"}),
            json!({}),
            2,
            "usage",
            "pack: \"big\" is not a size",
        ),
        (
            "tile",
            json!({"threads": -1.0, "input_uri": "x"}),
            json!({}),
            2,
            "usage",
            "threads: -1 will not do",
        ),
        (
            "tile",
            json!({"input_uri": slides(), "input_digest": "0".repeat(64)}),
            json!({}),
            2,
            "usage",
            "is no dataset, so it has no manifest",
        ),
        ("scan", json!({"input_uri": scene.at("missing")}), json!({}), 4, "storage", "missing"),
        (
            "scan",
            json!({"input_uri": bad, "max_failures": "0"}),
            json!({}),
            1,
            "units",
            "1 of 1 inputs failed",
        ),
        ("merge", json!({"input_digests": ["x"]}), json!({}), 2, "usage", "input_digests[0]: "),
        ("merge", json!({"leg": "1:scan"}), json!({}), 2, "usage", "output_uri: it is empty"),
    ];
    for (what, parameters, artifacts, code, class, words) in cases {
        let ended = scene.run(what, &scene.input(what, parameters.clone(), artifacts));
        let told = format!("{what} {parameters}: {}", ended.err);
        assert_eq!(ended.code, Some(code), "{told}");
        let last = ended.last_line();
        assert_eq!(
            (last["level"].as_str(), last["class"].as_str()),
            (Some("error"), Some(class)),
            "{told}"
        );
        assert!(ended.last_words.contains(words), "{told}\n{}", ended.last_words);
        assert!(ended.last_words.contains("remedy: ") && ended.last_words.len() <= 4096);
        assert!(ended.out.is_empty());
        let page = fs::read_to_string(scene.path(&format!("outputs/{what}/report"))).unwrap();
        if code == 1 {
            // It gave something, though not enough: all outputs are there.
            assert_eq!(ended.parameter("failures"), 1);
            assert!(page.contains("not-an-image.svs"));
        } else {
            assert_eq!(ended.answer, Value::Null, "{told}");
            assert!(page.contains("was not done"), "{page}");
        }
    }
}

#[test]
fn too_many_failures_end_with_1_after_everything_is_written() {
    let scene = Scene::new();
    let images = scene.path("images");
    fs::create_dir(&images).unwrap();
    fs::copy(common::fixture("slides/no-mpp.tif"), images.join("good.tif")).unwrap();
    fs::copy(common::fixture("bad/not-an-image.svs"), images.join("bad.svs")).unwrap();
    let run = |max: &str| {
        let parameters = json!({"input_uri": text(&images), "max_failures": max});
        scene.run("scan", &scene.input("scan", parameters, json!({})))
    };
    let failed = run("0");
    assert_eq!(failed.code, Some(1));
    assert_eq!((failed.parameter("items"), failed.parameter("failures")), (&json!(1), &json!(1)));
    assert!(failed.last_words.contains("bad.svs"), "{}", failed.last_words);
    let tolerated = run("50%").ok();
    assert_eq!(tolerated.parameter("manifest_digest"), failed.parameter("manifest_digest"));
    assert!(tolerated.last_words.is_empty());
}

/// What was read is held to what is told of it, by the caller and by the artifact.
#[test]
fn a_dataset_that_was_made_again_is_noticed() {
    let scene = Scene::new();
    let scan = |name: &str, input: &str| {
        let parameters = json!({"input_uri": input, "output_uri": scene.at("bulk")});
        scene.run("scan", &scene.input(name, parameters, json!({}))).ok()
    };
    let first = scan("first", &slides());
    let second = scan("second", &text(&common::fixture("photos")));
    let tile = |artifacts: Value, more: Value| {
        let ended = scene.run("tile", &scene.input("tile", with(tile_params(), more), artifacts));
        (ended.code, ended.last_words)
    };
    let (code, words) = tile(dataset(first.dataset()), json!({}));
    assert_eq!(code, Some(2), "{words}");
    assert!(words.contains("dataset: ") && words.contains("it was made again since"), "{words}");
    let told =
        json!({"input_digest": first.parameter("manifest_digest"), "input_uri": scene.at("bulk")});
    let (code, words) = tile(json!({}), told);
    assert_eq!(code, Some(2), "{words}");
    assert!(words.contains("input_digest: "), "{words}");
    let elsewhere = json!({"input_uri": scene.at("elsewhere")});
    let (code, words) = tile(dataset(second.dataset()), elsewhere);
    assert!(code == Some(2) && words.contains("give one of them"), "{words}");
}

/// A word of a command line holds 128 KiB: what is larger comes in a file.
#[test]
fn a_large_executor_input_comes_in_a_file() {
    let scene = Scene::new();
    let mut input = scene.input("scan", json!({"input_uri": slides()}), json!({}));
    input["inputs"]["later"] = json!("x".repeat(200_000));
    let file = scene.path("input.json");
    fs::write(&file, input.to_string()).unwrap();
    let answer = input["outputs"]["outputFile"].as_str();
    let ended = scene.run_text("scan", &format!("@{}", text(&file)), answer).ok();
    assert_eq!(ended.parameter("items"), 4);
    let gone = scene.run_text("scan", "@/no/such/file", None);
    assert_eq!((gone.code, gone.last_line()["class"].as_str()), (Some(4), Some("storage")));
    let huge = fs::File::create(scene.path("huge.json")).unwrap();
    huge.set_len(microtome::kubeflow::MOST_BYTES + 1).unwrap();
    let huge = scene.run_text("scan", &format!("@{}", scene.at("huge.json")), None);
    assert_eq!((huge.code, huge.last_line()["kind"].as_str()), (Some(3), Some("limit")));
}

/// Outputs that are not asked for are not missed; a place that is no place is refused before any work.
#[test]
fn outputs_are_those_that_are_listed() {
    let scene = Scene::new();
    let mut input = scene.input(
        "scan",
        json!({"input_uri": slides(), "output_uri": scene.at("bulk")}),
        json!({}),
    );
    input["outputs"] = json!({"outputFile": scene.at("answer.json"), "artifacts": {"executor-logs": {"artifacts": []}}});
    let ended = scene.run("scan", &input).ok();
    assert_eq!(ended.answer, json!({"parameterValues": {}, "artifacts": {}}));
    input["outputs"] = json!({});
    assert_eq!(scene.run("scan", &input).ok().answer, Value::Null);
    input["outputs"] =
        json!({"artifacts": {"report": {"artifacts": [{"uri": "abfss://c@a/report"}]}}});
    input["inputs"]["parameterValues"]["output_uri"] = json!(scene.at("untouched"));
    assert_eq!(scene.run("scan", &input).code, Some(2));
    assert!(!scene.path("untouched").exists());
    let mut input = scene.input("scan", json!({"input_uri": slides()}), json!({}));
    input["outputs"]["artifacts"] = json!({});
    let nowhere = scene.run("scan", &input);
    assert!(
        nowhere.code == Some(2) && nowhere.last_words.contains("output_uri: it is empty"),
        "{}",
        nowhere.err
    );
}

#[test]
fn nothing_has_a_place_beside_an_executor_input() {
    let scene = Scene::new();
    let run = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_microtome"))
            .args(args)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let input = scene.input("tile", json!({}), json!({})).to_string();
    let (code, err) = run(&["tile", "--executor-input", &input, "--tile-px", "64"]);
    assert!(code == Some(2) && err.contains("tile_px has no place beside it"), "{err}");
    let (code, err) = run(&["merge"]);
    assert!(code == Some(2) && err.contains("--output"), "{err}");
    let (code, err) = run(&["tile", "in"]);
    assert!(code == Some(2) && err.contains("--output"), "{err}");
}

/// As the first process of a plain Job a step hears SIGTERM; it ends soon, and says why.
#[test]
fn a_signal_ends_it_soon_and_says_so() {
    let scene = Scene::new();
    let long = json!({
        "input_uri": slides(), "assume_mpp": 0.5, "threads": 1.0, "mpp": 0.05, "max_upsampling": 64.0, "tile_px": 512.0, "mask": "none",
    });
    let input = scene.input("tile", long, json!({}));
    fs::write(scene.path("last-words"), "").unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_microtome"))
        .args(["tile", "--executor-input", &input.to_string()])
        .args(["--termination-log", &scene.at("last-words")])
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines().map(|line| line.unwrap());
    let at_work = |line: &String| line.contains("step_begun") && line.contains("\"tile\"");
    assert!(log.any(|line| at_work(&line)), "it never began");
    let sent = Command::new("kill").args(["-s", "TERM", &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
    let rest: Vec<String> = log.collect();
    assert_eq!(child.wait().unwrap().code(), Some(143), "{rest:?}");
    let words = fs::read_to_string(scene.path("last-words")).unwrap();
    assert!(words.contains("tile: stopped"), "{words}");
    assert!(!scene.path("outputs/tile/executor_output.json").exists());
}
