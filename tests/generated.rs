//! Files that are made from the steps' declarations are committed as they are made.

mod common;

use std::collections::BTreeSet;
use std::fs;

use microtome::describe::{self, Generated};
use microtome::steps::STEPS;

const REWRITE: &str = "BLESS=1 cargo test --release --test generated";

/// Every generated file, the README among them.
fn all() -> Vec<Generated> {
    let mut files = describe::generated(STEPS).expect("every step can be described");
    let readme = fs::read_to_string(common::root().join("README.md")).expect("there is a README");
    let text = describe::readme(&readme, STEPS).expect("the README has its markers");
    files.push(Generated { path: "README.md".into(), text });
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
    // What the images are built with.
    names.extend(["base", "build", "microtome", "sbom.jq"]);
    for folder in ["components", "schemas"] {
        // Before the first rewriting there is no folder, and the other test says so.
        for entry in fs::read_dir(common::root().join(folder)).into_iter().flatten() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(names.contains(name.as_str()), "{folder}/{name} is of no step: remove it");
        }
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
