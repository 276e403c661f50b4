//! A pipeline of Kubeflow Pipelines: the IR that its SDK compiles (schema 2.1.0), and what only Kubernetes knows
//! (`platform`) as a second document.
//!
//! A leg is a task. A leg in shards is a pipeline of its own: a loop over the shards' numbers, and behind it a merge
//! that is given the digest of every part, so that neither begins with anything but what the shards made. A loop in the
//! outer pipeline would do on a cluster; the SDK's local runner hands such a loop its own number in place of every
//! output of another task (kfp 2.17), and a nested one can be folded away in the console.
//!
//! Kubeflow's own cache is off unless it is asked for: it sees params, digests and names of images, not whether the
//! files are still where they were. What is done already each step finds by itself, from its records.

mod platform;
mod wires;

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::cluster::Node;
use super::plan::{Plan, PlannedLeg};
use crate::describe::interface::{Component, Kind, OUTPUT_ARTIFACTS, OUTPUT_PARAMETERS};
use crate::describe::kfp;
use crate::error::{Error, Result};
use crate::yaml;
use wires::{
    DATASET, DIGEST, INPUT_URI, ITEM, Names, OUTPUT_URI, Source, channel, constant, definitions,
    from_input, from_task, inputs, outputs_of, sourced,
};

/// Most shards of a leg: Kubeflow makes three pods for each, and one pod that waits for all of them.
pub const MOST_SHARDS: u32 = 200;
/// The pipeline as a file: two YAML documents.
///
/// # Errors
/// [`Error::Params`] for more than [`MOST_SHARDS`] shards, and for texts that Kubeflow would replace.
pub fn compile(plan: &Plan) -> Result<String> {
    let mut parts = Parts::default();
    let mut tasks = Map::new();
    for (index, leg) in plan.legs.iter().enumerate() {
        if leg.shards > MOST_SHARDS {
            return Err(Error::params(
                format!("steps.{}.shards", leg.entry.name),
                format!(
                    "{} shards; Kubeflow makes three pods for each, so that {MOST_SHARDS} are the most here: deal the units out in fewer, or compile `--to kubernetes`, which has up to {}",
                    leg.shards,
                    super::check::MOST_SHARDS
                ),
            ));
        }
        let before = index.checked_sub(1).and_then(|index| plan.legs.get(index));
        let source = before.map_or(Source::Place, |leg| Source::Task(&leg.name));
        let task = match leg.shards {
            1 => parts.alone(plan, leg, source)?,
            _ => parts.dealt(plan, leg, source)?,
        };
        tasks.insert(leg.name.clone(), task);
    }
    // The SDK takes a file for that of the component which has the pipeline's name.
    let name = match parts.components.contains_key(&format!("comp-{}", plan.name)) {
        true => format!("{}-pipeline", plan.name),
        false => plan.name.clone(),
    };
    let last = plan.legs.last().map_or("", |leg| leg.name.as_str());
    let mut document = json!({
        "schemaVersion": kfp::SCHEMA_VERSION,
        "sdkVersion": kfp::SDK_VERSION,
        "pipelineInfo": {"name": name, "description": chain(plan)},
        "components": parts.components,
        "deploymentSpec": {"executors": parts.executors},
        "root": {
            "dag": {"tasks": tasks, "outputs": outputs_of(last)},
            "inputDefinitions": {"parameters": {
                INPUT_URI: {"parameterType": "STRING", "defaultValue": plan.input, "isOptional": true},
                OUTPUT_URI: {"parameterType": "STRING", "defaultValue": plan.output, "isOptional": true},
            }},
            "outputDefinitions": kfp::output_definitions(),
        },
    });
    without_words(&mut document["components"]);
    without_words(&mut document["root"]);
    let mut text = format!("{}{}", header(plan, &name), yaml::text(&document)?);
    if !parts.platform.is_empty() {
        let executors = json!({"deploymentSpec": {"executors": parts.platform}});
        let second = json!({"platforms": {"kubernetes": executors}});
        let _ = write!(text, "---\n{}", yaml::text(&second)?);
    }
    Ok(text)
}

/// The steps in a line.
fn chain(plan: &Plan) -> String {
    let leg = |leg: &PlannedLeg| match leg.shards {
        1 => format!("{} {}", leg.entry.name, leg.entry.version),
        shards => format!("{} {} in {shards} shards", leg.entry.name, leg.entry.version),
    };
    plan.legs.iter().map(leg).collect::<Vec<_>>().join(", ")
}

/// The comment on top. The SDK takes the description from its third line.
fn header(plan: &Plan, name: &str) -> String {
    let mut text = format!(
        "# PIPELINE DEFINITION\n# Name: {name}\n# Description: {}\n# Inputs:\n",
        chain(plan)
    );
    for (name, default) in [(INPUT_URI, &plan.input), (OUTPUT_URI, &plan.output)] {
        let _ = writeln!(text, "#    {name}: str [Default: {}]", Value::from(default.as_str()));
    }
    text.push_str("# Outputs:\n");
    for (name, title, _) in OUTPUT_ARTIFACTS {
        let _ = writeln!(text, "#    {name}: {title}");
    }
    for (name, kind, _) in OUTPUT_PARAMETERS {
        let _ = writeln!(text, "#    {name}: {}", kind.python_name());
    }
    let _ = writeln!(
        text,
        "# Made by microtome {} with `compile --to kubeflow`.",
        env!("CARGO_PKG_VERSION")
    );
    for left_out in left_out(plan) {
        let _ = writeln!(text, "# Not said here: {left_out}.");
    }
    text
}

/// What the cluster file says and a pipeline cannot.
fn left_out(plan: &Plan) -> Vec<String> {
    let cluster = &plan.cluster;
    let mut all = Vec::new();
    for claim in cluster.claims.iter().filter(|claim| claim.read_only) {
        all.push(format!(
            "that `{}` is only read; Kubeflow mounts claims as they are",
            claim.claim
        ));
    }
    let own = &cluster.kubernetes;
    let of_the_run = [
        ("namespace", own.namespace.is_some()),
        ("service_account", own.service_account.is_some()),
        ("queue", own.queue.is_some()),
    ];
    for (field, _) in of_the_run.iter().filter(|(_, said)| *said) {
        all.push(format!("`kubernetes.{field}`, which Kubeflow is told when the run is made"));
    }
    all
}

/// Takes descriptions away, as the SDK does where it composes: the component files have them.
fn without_words(value: &mut Value) {
    match value {
        Value::Object(map) => {
            // A param may have this name; it is then a definition, and no text.
            if map.get("description").is_some_and(Value::is_string) {
                map.remove("description");
            }
            map.values_mut().for_each(without_words);
        }
        Value::Array(list) => list.iter_mut().for_each(without_words),
        _ => {}
    }
}

/// A task of one container.
fn task(
    name: &str,
    component: &Component,
    node: &Node,
    (artifacts, parameters, after): (Map<String, Value>, Map<String, Value>, Vec<String>),
) -> Value {
    let mut task = json!({
        "taskInfo": {"name": name},
        "componentRef": {"name": kfp::component_name(component)},
        "cachingOptions": {"enableCache": node.cache.unwrap_or(false)},
        "inputs": inputs(artifacts, parameters),
    });
    if !after.is_empty() {
        task["dependentTasks"] = after.into();
    }
    if let Some(retries) = node.retries.filter(|retries| *retries > 0) {
        // A store or a node that went away is not back within the second.
        task["retryPolicy"] = json!({
            "maxRetryCount": retries,
            "backoffDuration": "30s",
            "backoffFactor": 2.0,
            "backoffMaxDuration": "3600s",
        });
    }
    task
}

/// The components of all tasks, and what they run.
///
/// Each leg and each merge has a component of its own, under its own name, as the SDK has it too: the local runner
/// takes the place of a task's outputs from the component's name.
#[derive(Default)]
struct Parts {
    components: Map<String, Value>,
    executors: Map<String, Value>,
    platform: Map<String, Value>,
}

impl Parts {
    /// Adds a component and its executor. `given` are the inputs that its task has.
    fn contain(
        &mut self,
        component: &Component,
        image: &str,
        (node, plan): (&Node, &Plan),
        given: &Map<String, Value>,
    ) {
        let label = kfp::executor_label(component);
        let mut executor = kfp::executor_spec(component, image);
        platform::contain(&mut executor["container"], node, &plan.cluster);
        let mut spec = kfp::component_spec(component);
        // An input that is neither given nor has a default is none: the local runner would make a number of it.
        if let Some(inputs) = spec["inputDefinitions"]["parameters"].as_object_mut() {
            inputs.retain(|name, input| {
                input.get("defaultValue").is_some() || given.contains_key(name)
            });
        }
        self.components.insert(kfp::component_name(component), spec);
        self.executors.insert(label.clone(), executor);
        let config = platform::config(node, &plan.cluster);
        if !config.is_empty() {
            self.platform.insert(label, config.into());
        }
    }

    /// A leg that one container does.
    fn alone(&mut self, plan: &Plan, leg: &PlannedLeg, source: Source) -> Result<Value> {
        let component = Component { name: leg.name.clone(), ..Component::of(leg.entry)? };
        let (artifacts, mut parameters, after) = sourced(source, &Names::plain());
        parameters.extend(own(leg, &component)?);
        self.contain(&component, &leg.image, (&leg.node, plan), &parameters);
        Ok(task(&leg.name, &component, &leg.node, (artifacts, parameters, after)))
    }

    /// A leg whose units are dealt out: a pipeline that loops over shards and merges what they made.
    fn dealt(&mut self, plan: &Plan, leg: &PlannedLeg, source: Source) -> Result<Value> {
        let merged = format!("{}-merge", leg.name);
        let component = Component { name: leg.name.clone(), ..Component::of(leg.entry)? };
        let merge = Component { name: merged.clone(), ..Component::merge() };
        let looped = format!("comp-{}-shards", leg.name);
        let around = format!("comp-{}-dealt", leg.name);
        let collected = channel(&format!("{}-{DIGEST}", leg.name));

        // Within the loop.
        let (dataset, digest) = (channel(DATASET), channel("input_digest"));
        let given = match source {
            Source::Place => Source::Place,
            _ => Source::Given { dataset: &dataset, digest: &digest },
        };
        let (artifacts, mut parameters, _) = sourced(given, &Names::in_loop());
        parameters.extend(own(leg, &component)?);
        parameters.insert("shard_index".into(), from_input(ITEM));
        parameters.insert("shard_count".into(), constant(leg.shards));
        self.contain(&component, &leg.image, (&leg.node, plan), &parameters);
        let shard = task(&leg.name, &component, &leg.node, (artifacts, parameters, Vec::new()));
        let mut seen = definitions(source, channel);
        seen["parameters"][ITEM] = json!({"parameterType": Kind::Int.ir_name()});
        let part = json!({"outputParameterKey": DIGEST, "producerSubtask": leg.name});
        self.components.insert(
            looped.clone(),
            json!({
                "dag": {
                    "tasks": {leg.name.clone(): shard},
                    "outputs": {"parameters": {collected.clone(): {"valueFromParameter": part}}},
                },
                "inputDefinitions": seen,
                "outputDefinitions": {"parameters": {
                    collected.clone(): {"parameterType": Kind::List.ir_name()},
                }},
            }),
        );

        // Around the loop.
        let given = match source {
            Source::Place => Source::Place,
            _ => Source::Given { dataset: DATASET, digest: "input_digest" },
        };
        let (artifacts, parameters, _) = sourced(given, &Names::plain());
        let channels = |map: Map<String, Value>| -> Map<String, Value> {
            map.into_iter().map(|(name, value)| (channel(&name), value)).collect()
        };
        let numbers: Vec<u32> = (0..leg.shards).collect();
        let loops = json!({
            "taskInfo": {"name": "shards"},
            "componentRef": {"name": looped},
            "inputs": inputs(channels(artifacts), channels(parameters)),
            "parameterIterator": {
                "itemInput": ITEM,
                "items": {"raw": Value::from(numbers).to_string()},
            },
        });
        let shards = format!("{}-shards", leg.name);
        let joined = Map::from_iter([
            (OUTPUT_URI.to_string(), from_input(OUTPUT_URI)),
            ("leg".to_string(), constant(leg.leg.to_string())),
            ("shard_count".to_string(), constant(leg.shards)),
            ("input_digests".to_string(), from_task(&shards, &collected)),
        ]);
        self.contain(&merge, &plan.merge_image, (&plan.merge, plan), &joined);
        let joins = task("merge", &merge, &plan.merge, (Map::new(), joined, vec![shards.clone()]));
        self.components.insert(
            around.clone(),
            json!({
                "dag": {
                    "tasks": {shards: loops, merged.clone(): joins},
                    "outputs": outputs_of(&merged),
                },
                "inputDefinitions": definitions(source, str::to_string),
                "outputDefinitions": kfp::output_definitions(),
            }),
        );

        // In the outer pipeline.
        let (artifacts, parameters, after) = sourced(source, &Names::plain());
        let mut task = json!({
            "taskInfo": {"name": leg.name},
            "componentRef": {"name": around},
            "inputs": inputs(artifacts, parameters),
        });
        if !after.is_empty() {
            task["dependentTasks"] = after.into();
        }
        Ok(task)
    }
}

/// The params of a leg, and how it runs, where that is not the default.
fn own(leg: &PlannedLeg, component: &Component) -> Result<Map<String, Value>> {
    let mut all = Map::from_iter([("leg".to_string(), constant(leg.leg.to_string()))]);
    for (name, value) in &leg.params {
        let input = component.inputs.iter().find(|input| input.is_param && input.name == *name);
        let input = input.ok_or_else(|| Error::Bug {
            message: format!("the component of `{}` has no input `{name}`", leg.entry.name),
        })?;
        let value = match value {
            // The content of a file travels as text.
            Value::Object(_) | Value::Array(_) if input.kind == Kind::Text => {
                Value::from(value.to_string())
            }
            other => other.clone(),
        };
        if value.to_string().contains("{{") {
            return Err(Error::params(
                format!("{}.{name}", leg.name),
                "holds `{{`, which Kubeflow would take for one of its own placeholders",
            ));
        }
        all.insert(name.clone(), constant(value));
    }
    let node = &leg.node;
    if let Some(threads) = node.threads {
        all.insert("threads".into(), constant(threads));
    }
    if let Some(failures) = &node.max_failures {
        all.insert("max_failures".into(), constant(failures.as_str()));
    }
    if let Some(pack) = &node.pack {
        all.insert("pack".into(), constant(pack.as_str()));
    }
    Ok(all)
}
