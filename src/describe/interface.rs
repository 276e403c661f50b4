//! What a component takes and gives, whatever file says it: `component.yaml`, the Python package, the index, a
//! compiled pipeline, and the executor that reads the values. One list, so that they agree.

use serde_json::{Value, json};

use super::{Param, Shape, doc, params};
use crate::error::Result;
use crate::step::{Entry, Grain};

/// A component: a step, or the merge of a step's shards.
#[derive(Debug, Clone, PartialEq)]
pub struct Component {
    /// `tile`, or `merge`.
    pub name: String,
    /// Version of the step; of the crate for `merge`.
    pub version: String,
    /// What it does, as its author wrote it.
    pub doc: String,
    /// The image on the machine that built it.
    pub image: String,
    /// What is run in the image.
    pub command: Vec<String>,
    /// The input artifact, which is optional: (name, schema title, words).
    pub artifact: (&'static str, &'static str, &'static str),
    /// Whether the input artifact is a list of them.
    pub is_list: bool,
    /// The input parameters.
    pub inputs: Vec<Input>,
}

impl Component {
    /// The component of a step.
    ///
    /// # Errors
    /// As [`params`].
    pub fn of(entry: &Entry) -> Result<Self> {
        Ok(Self {
            name: entry.name.into(),
            version: entry.version.into(),
            doc: doc(entry),
            image: image(entry),
            command: vec![format!("/microtome-{}", entry.name)],
            artifact: INPUT_ARTIFACT,
            is_list: false,
            inputs: inputs(entry)?,
        })
    }

    /// The component that joins the shards of a step.
    pub fn merge() -> Self {
        Self {
            name: MERGE.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            doc: "Joins the parts that the shards of a step made to one dataset.".into(),
            image: image_of_all(),
            command: vec!["/microtome".into(), MERGE.into()],
            artifact: MERGE_ARTIFACT,
            is_list: true,
            inputs: merge_inputs(),
        }
    }
}

/// The type of a parameter, as Kubeflow Pipelines has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `STRING`.
    Text,
    /// `NUMBER_INTEGER`. Travels as a double: `3.0`.
    Int,
    /// `NUMBER_DOUBLE`.
    Float,
    /// `BOOLEAN`.
    Bool,
    /// `LIST`.
    List,
}

impl Kind {
    /// The name in Python (`int`).
    pub fn python_name(self) -> &'static str {
        match self {
            Self::Text => "str",
            Self::Int => "int",
            Self::Float => "float",
            Self::Bool => "bool",
            Self::List => "list",
        }
    }

    /// The name in the IR (`NUMBER_INTEGER`).
    pub fn ir_name(self) -> &'static str {
        match self {
            Self::Text => "STRING",
            Self::Int => "NUMBER_INTEGER",
            Self::Float => "NUMBER_DOUBLE",
            Self::Bool => "BOOLEAN",
            Self::List => "LIST",
        }
    }
}

/// An input parameter of a component.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// Its name: that of the param, or of a [`run_inputs`] input.
    pub name: String,
    /// Its type.
    pub kind: Kind,
    /// `None`: optional, and nothing when not given.
    pub default: Option<Value>,
    /// What it is.
    pub doc: String,
    /// Whether it is a param of the step (and so in the key), or says how it runs.
    pub is_param: bool,
}

/// An output parameter of a component: (name, type, words).
pub const OUTPUT_PARAMETERS: &[(&str, Kind, &str)] = &[
    ("manifest_digest", Kind::Text, "BLAKE3 of the manifest file, 64 hex digits"),
    ("items", Kind::Int, "items in the manifest"),
    ("failures", Kind::Int, "units that failed, listed in failures.jsonl"),
];

/// An output artifact: (name, schema title, words).
pub const OUTPUT_ARTIFACTS: &[(&str, &str, &str)] = &[
    ("dataset", "system.Dataset", "the manifest, and where the dataset lies"),
    ("metrics", "system.Metrics", "counts, class shares, seconds, bytes, cache hits"),
    ("report", "system.HTML", "what a person looks at"),
];

/// The input artifact of every step: optional, beside `input_uri`.
pub const INPUT_ARTIFACT: (&str, &str, &str) = (
    "dataset",
    "system.Dataset",
    "The dataset that an earlier step gave. In place of `input_uri`.",
);

/// The component that joins shards; no step has this name.
pub const MERGE: &str = "merge";

/// The input artifacts of the merge: optional, as all parts lie in `output_uri`.
pub const MERGE_ARTIFACT: (&str, &str, &str) = (
    "datasets",
    "system.Dataset",
    "What the shards gave, where they have no `output_uri` in common.",
);

/// The inputs of the merge.
pub fn merge_inputs() -> Vec<Input> {
    vec![
        input(
            "output_uri",
            Kind::Text,
            json!(""),
            "Where the dataset is made: for the shards of a leg, the place in which they all wrote. Empty: the artifact's own place.",
        ),
        input(
            "leg",
            Kind::Text,
            json!(""),
            "`K:STEP,STEP,…`: the shards of the K-th step of this chain are joined, in `output_uri`.",
        ),
        input(
            "shard_count",
            Kind::Int,
            json!(0),
            "In how many parts the units were dealt; 0: as many as are found.",
        ),
        input(
            "input_digests",
            Kind::List,
            json!([]),
            "BLAKE3 of the parts' manifests (their `manifest_digest`), so that Kubeflow's cache sees content. Held to them, if given.",
        ),
    ]
}

fn input(name: &str, kind: Kind, default: Value, doc: &str) -> Input {
    Input { name: name.into(), kind, default: Some(default), doc: doc.into(), is_param: false }
}

/// Inputs that are no params: where things lie, and how the step runs. They never meet the key.
pub fn run_inputs(entry: &Entry) -> Vec<Input> {
    let uri = match entry.grain {
        Grain::Listing => {
            "What is listed: a mounted folder, a CSV or Parquet list, or an az://, abfss://, s3:// or gs:// prefix. The bulk stays where it is."
        }
        _ => {
            "A dataset: a mounted folder, or an az://, abfss://, s3:// or gs:// prefix. In place of the artifact `dataset`; the bulk stays where it is."
        }
    };
    let mut all = vec![
        input("input_uri", Kind::Text, json!(""), uri),
        input(
            "output_uri",
            Kind::Text,
            json!(""),
            "Where the dataset is made: a mounted folder or a prefix. A stable place is gone on with, so that only what is missing is done. Empty: the artifact's own place.",
        ),
        input(
            "input_digest",
            Kind::Text,
            json!(""),
            "BLAKE3 of the manifest that is read (`manifest_digest` of the step before), so that Kubeflow's cache sees content. Held to it, if given; for a step that lists, it is only part of the cache's key.",
        ),
        input(
            "leg",
            Kind::Text,
            json!(""),
            "`K:STEP,STEP,…`: this is the K-th step of this chain, all of which is done in `output_uri`, a process each.",
        ),
    ];
    if entry.grain != Grain::Manifest {
        all.push(input(
            "shard_index",
            Kind::Int,
            json!(0),
            "Which part of the units is done, from 0.",
        ));
        all.push(input(
            "shard_count",
            Kind::Int,
            json!(1),
            "In how many parts the units are dealt; 1: all at once.",
        ));
    }
    all.push(input(
        "threads",
        Kind::Int,
        json!(0),
        "Threads that do work; 0: one per core that the container may use.",
    ));
    all.push(input(
        "max_failures",
        Kind::Text,
        json!("0"),
        "Failed units that are still a success: `N` or `P%`.",
    ));
    all.push(input("pack", Kind::Text, json!(""), "Lay outputs down in tars (WebDataset shards) of about this size (`512MiB`); empty: a file each."));
    all.push(input(
        "max_decoded",
        Kind::Text,
        json!(""),
        "Largest decoded source tile or photo that is accepted (`1GiB`); empty: the default.",
    ));
    if entry.grain == Grain::Manifest {
        all.push(input(
            "partition_by",
            Kind::Text,
            json!(""),
            "Columns by which the manifest is laid down once more, Hive-style (`split,label`).",
        ));
    }
    all
}

/// All input parameters of a step's component: its params, then [`run_inputs`].
///
/// # Errors
/// As [`params`].
pub fn inputs(entry: &Entry) -> Result<Vec<Input>> {
    let mut all: Vec<Input> = params(entry)?.iter().map(of_param).collect();
    all.extend(run_inputs(entry));
    Ok(all)
}

/// A param as an input. Params that name files are text: a path or URL that the step can read, or, where it
/// begins with `{` or `[`, the content itself as JSON.
fn of_param(param: &Param) -> Input {
    let kind = match &param.shape {
        Shape::Bool => Kind::Bool,
        Shape::Int => Kind::Int,
        Shape::Float => Kind::Float,
        Shape::List(_) => Kind::List,
        Shape::Text | Shape::Choice(_) | Shape::File(_) => Kind::Text,
    };
    let default = match (&param.shape, &param.default) {
        (_, Value::Null) => None,
        // A file's default is what no file gives.
        (Shape::File(_), _) => None,
        (_, value) => Some(value.clone()),
    };
    Input { name: param.name.clone(), kind, default, doc: param.doc.clone(), is_param: true }
}

/// The image of a step on the machine that built it; a registry pins it by its digest when released.
pub fn image(entry: &Entry) -> String {
    format!("localhost/microtome-{}:{}", entry.name, entry.version)
}

/// The image that has every step and `merge`.
pub fn image_of_all() -> String {
    format!("localhost/microtome:{}", env!("CARGO_PKG_VERSION"))
}
