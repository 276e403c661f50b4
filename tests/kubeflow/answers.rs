//! Kubeflow's own reader takes what we write, and we take what it writes.

use std::fs;
use std::process::Command;

use serde_json::json;

use super::common;
use super::scene::{Scene, dataset, slides, tile_params};

/// Reads an executor output as strictly as the launcher, and writes an executor input as the launcher does.
const READER: &str = r#"
import json, sys
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2 as spec

answer = json_format.Parse(open(sys.argv[1]).read(), spec.ExecutorOutput(), ignore_unknown_fields=False)
given = json_format.Parse(open(sys.argv[2]).read(), spec.ExecutorInput(), ignore_unknown_fields=False)
for name, artifacts in answer.artifacts.items():
    for key, value in artifacts.artifacts[0].metadata.fields.items():
        kind = value.WhichOneof("kind")
        assert kind == "number_value" or (kind == "string_value" and name != "metrics"), (name, key, kind)
said = {name: json_format.MessageToDict(value) for name, value in answer.parameter_values.items()}
assert set(said) == {"manifest_digest", "items", "failures"}, said
assert set(answer.artifacts) == {"dataset", "metrics", "report"}, set(answer.artifacts)
print(json_format.MessageToJson(given))
"#;

#[test]
fn kubeflow_reads_the_answer() {
    let test = "kubeflow_reads_the_answer";
    let Some(python) = common::python_or_skip(test, &["kfp.pipeline_spec", "google.protobuf"])
    else {
        return;
    };
    let scene = Scene::new();
    let check = |input: &serde_json::Value, name: &str| {
        let file = scene.at(&format!("{name}.json"));
        fs::write(&file, input.to_string()).unwrap();
        let answer = input["outputs"]["outputFile"].as_str().unwrap();
        let output = Command::new(&python).args(["-c", READER, answer, &file]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let input = scene.input("scan", json!({"input_uri": slides()}), json!({}));
    let scanned = scene.run("scan", &input).ok();
    check(&input, "scan");
    let mut input = scene.input("tile", tile_params(), dataset(scanned.dataset()));
    input["inputs"]["parameterValues"]["threads"] = json!(1);
    let tiled = scene.run("tile", &input).ok();
    // The same input once more, as protobuf writes it: integers are 1.0, and empty messages are there.
    let written = check(&input, "tile");
    assert!(written.contains("1.0"), "{written}");
    let again = scene.run_text("tile", &written, input["outputs"]["outputFile"].as_str()).ok();
    assert_eq!(again.answer["parameterValues"], tiled.answer["parameterValues"]);
}
