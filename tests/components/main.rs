//! Components of Kubeflow Pipelines, looked at with the SDK that their users have.

#[path = "../common/mod.rs"]
mod common;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use microtome::describe::interface::{Component, OUTPUT_ARTIFACTS, OUTPUT_PARAMETERS};
use microtome::describe::{self, Shape, first_paragraph};
use microtome::steps::STEPS;
use serde_json::{Map, Value, json};
use tempfile::tempdir;

use common::{python_or_skip, root};

fn all() -> Vec<Component> {
    let mut all: Vec<_> = STEPS.iter().map(|entry| Component::of(entry).unwrap()).collect();
    all.push(Component::merge());
    all
}

/// What a script of this folder prints.
fn run(python: &Path, script: &str, arguments: &[&Path], input: &Value) -> Value {
    let mut child = Command::new(python)
        .arg("-W")
        .arg("ignore")
        .arg(root().join("tests/components").join(script))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A component as the SDK should see it.
fn declaration(component: &Component) -> Value {
    let input = |input: &describe::interface::Input| {
        (input.name.clone(), json!({"type": input.kind.ir_name(), "default": input.default}))
    };
    let artifacts = OUTPUT_ARTIFACTS.iter().map(|(name, title, _)| (*name, *title));
    let parameters = OUTPUT_PARAMETERS.iter().map(|(name, kind, _)| (*name, kind.ir_name()));
    let outputs = artifacts.chain(parameters).map(|(name, kind)| (name.to_string(), kind.into()));
    json!({
        "does": first_paragraph(&component.doc),
        "artifact": component.artifact.0,
        "is_list": component.is_list,
        "image": component.image,
        "command": component.command,
        "inputs": component.inputs.iter().map(input).collect::<Map<_, _>>(),
        "outputs": outputs.collect::<Map<String, Value>>(),
    })
}

fn said<'a>(answer: &'a Value, what: &str) -> &'a str {
    answer[what].as_str().unwrap_or_else(|| panic!("{what}: {}", answer[what]))
}

#[test]
fn every_component_loads_and_all_of_them_compose() {
    let test = "every_component_loads_and_all_of_them_compose";
    let Some(python) = python_or_skip(test, &["kfp", "yaml"]) else { return };
    let declared: Map<String, Value> =
        all().iter().map(|c| (c.name.clone(), declaration(c))).collect();
    let folder = root().join("components");
    let answer = run(&python, "load.py", &[&folder], &Value::Object(declared.clone()));
    assert_eq!(answer["wrong"], json!([]), "as the SDK sees them");

    // Ten steps and the merge, with the loop around the shards.
    assert_eq!(answer["tasks"], STEPS.len() + 1);
    let document = &answer["document"];
    for component in all() {
        let ours = describe::kfp::component_spec(&component);
        let theirs = &document["components"][format!("comp-{}", component.name)];
        for (name, parameter) in ours["inputDefinitions"]["parameters"].as_object().unwrap() {
            let kept = &theirs["inputDefinitions"]["parameters"][name];
            assert_eq!(kept["parameterType"], parameter["parameterType"], "{name}");
            assert_eq!(kept["isOptional"], true, "{name}");
            let same = match (kept["defaultValue"].as_f64(), parameter["defaultValue"].as_f64()) {
                (Some(a), Some(b)) => a == b,
                _ => kept["defaultValue"] == parameter["defaultValue"],
            };
            assert!(same, "{} {name}: {kept} of {parameter}", component.name);
        }
        let executor = &document["deploymentSpec"]["executors"][format!("exec-{}", component.name)];
        assert_eq!(*executor, describe::kfp::executor_spec(&component, &component.image));
    }
    let merged = &document["root"]["dag"]["tasks"]["merge"]["inputs"];
    assert!(merged["artifacts"]["datasets"]["taskOutputArtifact"].is_object(), "{merged}");
    assert_eq!(
        document["components"]["comp-merge"]["inputDefinitions"]["artifacts"]["datasets"]["isArtifactList"],
        true
    );

    let refusals = &answer["refusals"];
    for what in [
        "tile_px: text",
        "input_uri: a number",
        "stratify: text",
        "dataset: metrics",
        "input_digest: items",
    ] {
        let (input, _) = what.split_once(':').unwrap();
        let words = said(refusals, what);
        assert!(words.contains(&format!("'{input}'")) && words.contains("incompatible"), "{words}");
    }
    assert!(said(refusals, "tile_pxx").contains("unexpected keyword argument"));
    assert_eq!(answer["allowed"], Value::Null, "values of the right types");
}

#[test]
fn the_package_says_what_the_steps_declare() {
    let test = "the_package_says_what_the_steps_declare";
    let Some(python) = python_or_skip(test, &["json"]) else { return };
    let scratch = tempdir().unwrap();
    let folder = root().join("components/python");
    let answer =
        run(&python, "package.py", &[&folder, Path::new("bare"), scratch.path()], &Value::Null);
    assert_eq!(answer["modules"], json!([]), "imported without the SDK");

    let found = answer["components"].as_object().unwrap();
    assert_eq!(found.len(), STEPS.len() + 1);
    for component in all() {
        let name = &component.name;
        let one = &found[name];
        assert_eq!(one["version"], component.version, "{name}");
        assert_eq!(one["image"], component.image, "{name}");
        assert_eq!(one["file"], describe::kfp::component_yaml(&component).unwrap(), "{name}");
        let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let (doc, words) = (flat(said(one, "doc")), flat(said(one, "words")));
        assert!(doc.starts_with(&flat(&first_paragraph(&component.doc))), "{name}: {doc}");

        let parameters = one["parameters"].as_object().unwrap();
        let names = component.inputs.iter().map(|input| input.name.as_str());
        let names: BTreeSet<String> =
            names.chain([component.artifact.0]).map(describe::python_argument).collect();
        assert_eq!(parameters.keys().cloned().collect::<BTreeSet<_>>(), names, "{name}");
        let params = STEPS.iter().find(|e| e.name == name).map(|e| describe::params(e).unwrap());
        for input in &component.inputs {
            let at = format!("{name} {}", input.name);
            let argument = describe::python_argument(&input.name);
            let (annotation, default) = (&parameters[&argument][0], &parameters[&argument][1]);
            assert_eq!(*default, input.default.clone().unwrap_or_default(), "{at}");
            // Python gives postponed annotations back with its own quotes.
            let annotation = annotation.as_str().unwrap().replace('\'', "\"");
            let param = params.iter().flatten().find(|p| input.is_param && p.name == input.name);
            let kind = match param.map(|p| &p.shape) {
                Some(Shape::Choice(choices)) => {
                    let words: Vec<_> =
                        choices.iter().map(|c| Value::from(c.value.as_str()).to_string()).collect();
                    format!("t.Literal[{}]", words.join(", "))
                }
                Some(Shape::List(_)) => "t.Sequence[".into(),
                _ if input.kind.python_name() == "list" => "t.Sequence[".into(),
                _ => input.kind.python_name().into(),
            };
            assert!(annotation.starts_with(&format!("t.Union[{kind}")), "{at}: {annotation}");
            assert_eq!(annotation.ends_with(", None]"), input.default.is_none(), "{at}");
            let about = format!("{argument}: {}", flat(&first_paragraph(&input.doc)));
            assert!(words.contains(&about), "{at}: {about}\n{words}");
        }
    }

    let call = said(&answer, "call");
    assert!(call.starts_with("ImportError") && call.contains("pip install 'kfp"), "{call}");
    let digest = format!("sha256:{}", "0".repeat(64));
    let of = |step: &str| format!("elsewhere/{step}@{digest}");
    let tile = found["tile"]["image"].as_str().unwrap();
    assert_eq!(answer["pinned"], json!([of("tile"), of("fit-stain"), of("fit-stain"), tile]));
    let own: Vec<String> = all().into_iter().map(|component| component.image).collect();
    assert_eq!(answer["own"], json!(own), "the index of this repository names every component");
    for (what, words) in [
        ("another version", "LookupError"),
        ("not listed", "there: none"),
        ("no component", "AttributeError: till"),
        ("later index", "an index of version 2"),
        ("no index", "no index of components"),
        ("a list", "no index of components"),
        ("deep", "no index of components"),
        ("huge", "more than 16777216 bytes"),
        ("no image", "is no image"),
    ] {
        let refusal = said(&answer["refusals"], what);
        assert!(refusal.contains(words), "{what}: {refusal}");
    }
    let version = said(&answer["refusals"], "another version");
    assert!(version.contains("there: 0.0.1"), "{version}");
}

#[test]
fn the_package_makes_the_tasks_of_the_component_files() {
    let test = "the_package_makes_the_tasks_of_the_component_files";
    let Some(python) = python_or_skip(test, &["kfp", "yaml"]) else { return };
    let scratch = tempdir().unwrap();
    let folder = root().join("components/python");
    let answer =
        run(&python, "package.py", &[&folder, Path::new("kfp"), scratch.path()], &Value::Null);
    assert_eq!(answer["package"], answer["by hand"]);
    let tasks = answer["package"]["root"]["dag"]["tasks"].as_object().unwrap();
    assert_eq!(tasks.len(), 5, "{:?}", tasks.keys());
    assert_eq!(answer["spelled out"], answer["left out"]);
    assert_eq!(answer["page"], "patches", "the example of the package's page");
    assert_eq!(answer["image"], format!("elsewhere/tile@sha256:{}", "0".repeat(64)));
    assert!(said(&answer["refusals"], "text").contains("NUMBER_INTEGER"));
    assert!(said(&answer["refusals"], "unknown").contains("tile_pxx"));
}
