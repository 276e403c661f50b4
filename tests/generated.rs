//! Files that are made from the steps' declarations are committed as they are made.

mod common;

use std::collections::BTreeSet;
use std::fs;

use microtome::Error;
use microtome::compile;
use microtome::describe::{self, Generated};
use microtome::steps::STEPS;

const REWRITE: &str = "BLESS=1 cargo test --release --test generated";

/// Every generated file, the index and the README among them.
fn all() -> Vec<Generated> {
    let mut files = describe::generated(STEPS).expect("every step can be described");
    // A step that is new has no ledger before its first sealing.
    let ledger = |step: &str| match fs::read(
        common::root().join("components").join(step).join("golden.lock"),
    ) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        read => read.map_err(|e| Error::store(format!("components/{step}/golden.lock"), e)),
    };
    let index = describe::index(STEPS, &|component| component.image.clone(), &ledger);
    let text =
        index.and_then(|index| describe::index_text(&index)).expect("every ledger can be read");
    files.push(Generated { path: "components/index.json".into(), text });
    let readme = fs::read_to_string(common::root().join("README.md")).expect("there is a README");
    let text = describe::readme(&readme, STEPS).expect("the README has its markers");
    files.push(Generated { path: "README.md".into(), text });
    let text = format!("{:#}\n", compile::cluster::schema());
    files.push(Generated { path: "schemas/cluster.json".into(), text });
    files
}

#[test]
fn generated_files_are_as_the_code_makes_them() {
    let mut stale = Vec::new();
    for Generated { path, text } in all() {
        let place = common::root().join(&path);
        if fs::read_to_string(&place).is_ok_and(|there| there == text) {
            continue;
        }
        if common::bless() {
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(&place, text).unwrap();
        } else {
            stale.push(path);
        }
    }
    assert!(stale.is_empty(), "not as the code makes them: {stale:?}\nRewrite them: {REWRITE}");
}

/// A step that was removed must not leave its files behind.
#[test]
fn there_are_no_files_of_steps_that_are_gone() {
    let mut names: BTreeSet<&str> = STEPS.iter().map(|entry| entry.name).collect();
    // What is there for all steps.
    names.extend(["merge", "python", "index.json", "cluster.json"]);
    for folder in ["components", "schemas"] {
        // Before the first rewriting there is no folder, and the other test says so.
        for entry in fs::read_dir(common::root().join(folder)).into_iter().flatten() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(names.contains(name.as_str()), "{folder}/{name} is of no step: remove it");
        }
    }
}

/// The Python package has its own files of every step, and some that are written by hand.
#[test]
fn there_are_no_modules_of_steps_that_are_gone() {
    let by_hand = ["_component.py", "_pin.py", "py.typed"];
    let made: BTreeSet<String> = all().into_iter().map(|file| file.path).collect();
    let folder = "components/python/microtome_components";
    for entry in fs::read_dir(common::root().join(folder)).into_iter().flatten() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let known = by_hand.contains(&name.as_str()) || made.contains(&format!("{folder}/{name}"));
        assert!(known || name == "__pycache__", "{folder}/{name} is of no step: remove it");
    }
}

/// What a user of the schemas relies on: they are JSON, closed, and accept the defaults' names.
#[test]
fn schemas_are_closed_and_carry_defaults_and_words() {
    for entry in STEPS {
        let schema = describe::params_schema(entry);
        assert_eq!(schema["additionalProperties"], false, "{}", entry.name);
        assert!(schema["description"].as_str().is_some_and(|d| !d.is_empty()), "{}", entry.name);
        let defaults = (entry.default_params)();
        for (name, property) in schema["properties"].as_object().unwrap() {
            assert_eq!(property["default"], defaults[name], "{} {name}", entry.name);
        }
    }
}
