//! What goes from task to task, in the IR's words.

use serde_json::{Map, Value, json};

use crate::describe::interface::{Kind, OUTPUT_ARTIFACTS, OUTPUT_PARAMETERS};

/// The pipeline's own inputs.
pub(super) const INPUT_URI: &str = "input_uri";
pub(super) const OUTPUT_URI: &str = "output_uri";
/// What goes from leg to leg.
pub(super) const DATASET: &str = "dataset";
pub(super) const DIGEST: &str = "manifest_digest";
/// The loop's number, as the SDK calls it.
pub(super) const ITEM: &str = "pipelinechannel--loop-item-param-1";

/// What a leg reads.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    /// What the pipeline's `input_uri` names.
    Place,
    /// What a task gives, in the same pipeline.
    Task(&'a str),
    /// What the pipeline around it is given, under these names.
    Given { dataset: &'a str, digest: &'a str },
}

/// Where a value of the outer pipeline is found: under its own name, or under the one that a loop gives it.
pub(super) struct Names {
    input_uri: String,
    output_uri: String,
}

impl Names {
    /// In a pipeline.
    pub(super) fn plain() -> Self {
        Self { input_uri: INPUT_URI.into(), output_uri: OUTPUT_URI.into() }
    }

    /// In a loop.
    pub(super) fn in_loop() -> Self {
        Self { input_uri: channel(INPUT_URI), output_uri: channel(OUTPUT_URI) }
    }
}

/// The name under which a loop sees a value, as the SDK calls it.
pub(super) fn channel(name: &str) -> String {
    format!("pipelinechannel--{name}")
}

/// A value that is known now.
pub(super) fn constant(value: impl Into<Value>) -> Value {
    json!({"runtimeValue": {"constant": value.into()}})
}

/// What the pipeline around a task is given.
pub(super) fn from_input(name: &str) -> Value {
    json!({"componentInputParameter": name})
}

/// What another task gives.
pub(super) fn from_task(task: &str, output: &str) -> Value {
    json!({"taskOutputParameter": {"producerTask": task, "outputParameterKey": output}})
}

/// All that a leg gives, as the outputs of the pipeline around it.
pub(super) fn outputs_of(task: &str) -> Value {
    let artifacts: Map<String, Value> = OUTPUT_ARTIFACTS
        .iter()
        .map(|(name, ..)| {
            let from = json!({"outputArtifactKey": name, "producerSubtask": task});
            (name.to_string(), json!({"artifactSelectors": [from]}))
        })
        .collect();
    let parameters: Map<String, Value> = OUTPUT_PARAMETERS
        .iter()
        .map(|(name, ..)| {
            let from = json!({"outputParameterKey": name, "producerSubtask": task});
            (name.to_string(), json!({"valueFromParameter": from}))
        })
        .collect();
    json!({"artifacts": artifacts, "parameters": parameters})
}

/// The inputs of a task that come from before it: (artifacts, parameters, tasks that must be done).
pub(super) fn sourced(
    source: Source,
    names: &Names,
) -> (Map<String, Value>, Map<String, Value>, Vec<String>) {
    let (mut artifacts, mut parameters, mut after) = (Map::new(), Map::new(), Vec::new());
    match source {
        Source::Place => {
            parameters.insert(INPUT_URI.into(), from_input(&names.input_uri));
        }
        Source::Task(task) => {
            let from = json!({"producerTask": task, "outputArtifactKey": DATASET});
            artifacts.insert(DATASET.into(), json!({"taskOutputArtifact": from}));
            parameters.insert("input_digest".into(), from_task(task, DIGEST));
            after.push(task.to_string());
        }
        Source::Given { dataset, digest } => {
            artifacts.insert(DATASET.into(), json!({"componentInputArtifact": dataset}));
            parameters.insert("input_digest".into(), from_input(digest));
        }
    }
    parameters.insert(OUTPUT_URI.into(), from_input(&names.output_uri));
    (artifacts, parameters, after)
}

/// The inputs of a task.
pub(super) fn inputs(artifacts: Map<String, Value>, parameters: Map<String, Value>) -> Value {
    match artifacts.is_empty() {
        true => json!({"parameters": parameters}),
        false => json!({"artifacts": artifacts, "parameters": parameters}),
    }
}

/// The inputs of a pipeline around a leg, each under the name that it has there.
pub(super) fn definitions(source: Source, named: impl Fn(&str) -> String) -> Value {
    let text = || json!({"parameterType": Kind::Text.ir_name()});
    match source {
        Source::Place => {
            json!({"parameters": {named(INPUT_URI): text(), named(OUTPUT_URI): text()}})
        }
        _ => json!({
            "artifacts": {named(DATASET): {
                "artifactType": {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"},
            }},
            "parameters": {named("input_digest"): text(), named(OUTPUT_URI): text()},
        }),
    }
}
