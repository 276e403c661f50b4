//! Component files of Kubeflow Pipelines: the v2 IR, schema 2.1.0.
//!
//! What is said here is what the SDK and the cluster keep: types, defaults and what is optional. Ranges, choices and
//! bounds are not part of it, so the step itself refuses what it cannot take. Descriptions are for people who read the
//! file; the SDK drops them when it puts a component into a pipeline.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::first_paragraph;
use super::interface::{Component, Input, OUTPUT_ARTIFACTS, OUTPUT_PARAMETERS};
use crate::error::Result;
use crate::yaml;

/// The version of the IR's schema.
pub const SCHEMA_VERSION: &str = "2.1.0";
/// The SDK whose IR this is.
pub const SDK_VERSION: &str = "kfp-2.17.0";

/// The name of a component within an IR document: `comp-tile`.
pub fn component_name(component: &Component) -> String {
    format!("comp-{}", component.name)
}

/// The label of its executor within an IR document: `exec-tile`.
pub fn executor_label(component: &Component) -> String {
    format!("exec-{}", component.name)
}

/// The object under `components`: inputs, outputs, and the label of the executor.
pub fn component_spec(component: &Component) -> Value {
    json!({
        "executorLabel": executor_label(component),
        "inputDefinitions": input_definitions(component),
        "outputDefinitions": output_definitions(),
    })
}

/// The object under `deploymentSpec.executors`: the container.
pub fn executor_spec(component: &Component, image: &str) -> Value {
    json!({"container": {
        "image": image,
        "command": component.command,
        // Absolute and complete: the launcher takes no entry point from the image.
        "args": ["--executor-input", "{{$}}"],
    }})
}

/// `inputDefinitions` of a component.
pub fn input_definitions(component: &Component) -> Value {
    let (name, title, words) = component.artifact;
    let mut artifact = artifact(title, words);
    artifact["isOptional"] = true.into();
    if component.is_list {
        artifact["isArtifactList"] = true.into();
    }
    let parameters: Map<String, Value> =
        component.inputs.iter().map(|input| (input.name.clone(), parameter(input))).collect();
    json!({"artifacts": {name: artifact}, "parameters": parameters})
}

/// `outputDefinitions` of every component.
pub fn output_definitions() -> Value {
    let artifacts: Map<String, Value> = OUTPUT_ARTIFACTS
        .iter()
        .map(|(name, title, words)| (name.to_string(), artifact(title, words)))
        .collect();
    let parameters: Map<String, Value> = OUTPUT_PARAMETERS
        .iter()
        .map(|(name, kind, words)| {
            (name.to_string(), json!({"parameterType": kind.ir_name(), "description": words}))
        })
        .collect();
    json!({"artifacts": artifacts, "parameters": parameters})
}

fn artifact(title: &str, words: &str) -> Value {
    json!({
        "artifactType": {"schemaTitle": title, "schemaVersion": "0.0.1"},
        "description": words,
    })
}

fn parameter(input: &Input) -> Value {
    let mut parameter = json!({
        "parameterType": input.kind.ir_name(),
        "isOptional": true,
        "description": first_paragraph(&input.doc),
    });
    if let Some(default) = &input.default {
        parameter["defaultValue"] = default.clone();
    }
    parameter
}

/// `components/<name>/component.yaml`: the component alone, as a pipeline of one.
///
/// # Errors
/// [`crate::Error::Bug`] when it is no YAML.
pub fn component_yaml(component: &Component) -> Result<String> {
    let (comp, exec) = (component_name(component), executor_label(component));
    let parameters: Map<String, Value> = component
        .inputs
        .iter()
        .map(|input| (input.name.clone(), json!({"componentInputParameter": input.name})))
        .collect();
    let artifact = component.artifact.0;
    let task = json!({
        "taskInfo": {"name": component.name},
        "componentRef": {"name": comp},
        "cachingOptions": {"enableCache": true},
        "inputs": {
            "artifacts": {artifact: {"componentInputArtifact": artifact}},
            "parameters": parameters,
        },
    });
    let given: Map<String, Value> = OUTPUT_PARAMETERS
        .iter()
        .map(|(name, ..)| {
            let from = json!({"outputParameterKey": name, "producerSubtask": component.name});
            (name.to_string(), json!({"valueFromParameter": from}))
        })
        .collect();
    let made: Map<String, Value> = OUTPUT_ARTIFACTS
        .iter()
        .map(|(name, ..)| {
            let from = json!({"outputArtifactKey": name, "producerSubtask": component.name});
            (name.to_string(), json!({"artifactSelectors": [from]}))
        })
        .collect();
    let document = json!({
        "schemaVersion": SCHEMA_VERSION,
        "sdkVersion": SDK_VERSION,
        "pipelineInfo": {
            "name": component.name,
            "description": first_paragraph(&component.doc),
        },
        "components": {comp: component_spec(component)},
        "deploymentSpec": {"executors": {exec: executor_spec(component, &component.image)}},
        "root": {
            "dag": {
                "tasks": {component.name.clone(): task},
                "outputs": {"artifacts": made, "parameters": given},
            },
            "inputDefinitions": input_definitions(component),
            "outputDefinitions": output_definitions(),
        },
    });
    Ok(format!("{}{}", header(component), yaml::text(&document)?))
}

/// The comment on top. The SDK reads the description from its third line, whatever that is.
fn header(component: &Component) -> String {
    let mut text = format!(
        "# PIPELINE DEFINITION\n# Name: {}\n# Description: {}\n# Inputs:\n",
        component.name,
        first_paragraph(&component.doc)
    );
    let (name, title, _) = component.artifact;
    let title = if component.is_list { format!("List[{title}]") } else { title.into() };
    let _ = writeln!(text, "#    {name}: {title} [Optional]");
    for input in &component.inputs {
        let default = input.default.as_ref().map(|value| format!("Default: {value}"));
        let default = default.unwrap_or_else(|| "Optional".into());
        let _ = writeln!(text, "#    {}: {} [{default}]", input.name, input.kind.python_name());
    }
    text.push_str("# Outputs:\n");
    for (name, title, _) in OUTPUT_ARTIFACTS {
        let _ = writeln!(text, "#    {name}: {title}");
    }
    for (name, kind, _) in OUTPUT_PARAMETERS {
        let _ = writeln!(text, "#    {name}: {}", kind.python_name());
    }
    text.push_str(
        "# Made from the declaration of the step: BLESS=1 cargo test --release --test generated\n",
    );
    text
}
