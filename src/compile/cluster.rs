//! The cluster file: where things lie and what each step may use. Nothing in it can change a pixel.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{check, shape};
use crate::error::{Error, Result};
use crate::step::Entry;
use crate::yaml;

/// The version of the file's own shape: `microtome-cluster: 1`.
pub const VERSION: u64 = 1;

/// A cluster file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cluster {
    /// Version of this file's shape: 1.
    #[serde(rename = "microtome-cluster")]
    pub version: u64,
    /// Where the images (or the dataset) are that the chain begins with: a prefix or a mounted folder.
    pub input: Option<String>,
    /// Where the dataset is made: a prefix or a folder of a claim.
    pub output: Option<String>,
    /// Shards of each step that can be dealt out, unless the step says otherwise.
    pub shards: Option<u32>,
    /// Names of images, where they are not those of the registry: `{step}` and `{version}` are put in. The image
    /// that has every step, which merges, is named without `-{step}`.
    pub image: Option<String>,
    /// What every step may use, unless it says otherwise.
    pub defaults: Node,
    /// By step name, or `merge`.
    pub steps: BTreeMap<String, Node>,
    /// Persistent volume claims that every step sees.
    pub claims: Vec<Claim>,
    /// Labels of every pod: what a cluster's admission looks at (`azure.workload.identity/use: "true"`).
    pub pod_labels: BTreeMap<String, String>,
    /// Environment variables of every container. No secrets here.
    pub env: BTreeMap<String, String>,
    /// Environment variables from secrets of the cluster.
    pub secrets: Vec<Secret>,
    /// What only plain Kubernetes has.
    pub kubernetes: Kubernetes,
}

/// What a step may use.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Node {
    /// The image itself, in place of the file's `image` and the registry's.
    pub image: Option<String>,
    /// In how many parts the step's units are dealt; 1: one container does all.
    pub shards: Option<u32>,
    /// Cores asked for, as Kubernetes writes them (`2`, `500m`).
    pub cpu: Option<String>,
    /// Memory asked for (`8Gi`).
    pub memory: Option<String>,
    /// Most cores.
    pub cpu_limit: Option<String>,
    /// Most memory.
    pub memory_limit: Option<String>,
    /// Scratch disk (`20Gi`): remote slides are brought to it while they are worked on. On Kubeflow it is the most
    /// that is used.
    pub scratch: Option<String>,
    /// Labels that a node must have.
    pub node_selector: BTreeMap<String, String>,
    /// Taints that are tolerated.
    pub tolerations: Vec<Toleration>,
    /// How often a shard that the world stopped (eviction, storage, out of memory) is begun again. Kubeflow does not ask
    /// why one stopped.
    pub retries: Option<u32>,
    /// Whether Kubeflow may answer from its own cache; not, if not given. That cache does not see whether files are
    /// still where they were, nor what is new behind a URI; what is done already each step finds by itself.
    pub cache: Option<bool>,
    /// Failed units that are still a success: `N` or `P%`.
    pub max_failures: Option<String>,
    /// Threads that do work; if not given, one for each core of `cpu_limit` or else `cpu`, begun ones too, and one per core of
    /// the node where neither is.
    pub threads: Option<u16>,
    /// Size of packs; loose files if not given.
    pub pack: Option<String>,
}

/// A persistent volume claim, and where containers see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Its name.
    pub claim: String,
    /// Absolute path in the container.
    pub mount: String,
    /// Whether it is only read.
    #[serde(default)]
    pub read_only: bool,
}

/// A key of a secret, as an environment variable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// The variable.
    pub env: String,
    /// The secret's name.
    pub secret: String,
    /// The key in it.
    pub key: String,
}

/// A taint that is tolerated, as Kubernetes writes it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Toleration {
    /// Key of the taint; all taints, if not given.
    pub key: Option<String>,
    /// `Equal` or `Exists`.
    pub operator: Option<String>,
    /// Value of the taint, with `Equal`.
    pub value: Option<String>,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`; all, if not given.
    pub effect: Option<String>,
    /// How long a `NoExecute` taint is tolerated, in seconds.
    pub seconds: Option<i64>,
}

/// What only plain Kubernetes has.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Kubernetes {
    /// Namespace of all objects.
    pub namespace: Option<String>,
    /// ServiceAccount of the pods; one is made if its name is not given.
    pub service_account: Option<String>,
    /// Local queue of Kueue that admits the Jobs.
    pub queue: Option<String>,
    /// Client id of the managed identity that Azure workload identity gives the pods.
    pub workload_identity_client_id: Option<String>,
}

impl Cluster {
    /// A cluster file, checked as a whole.
    ///
    /// # Errors
    /// [`Error::Params`] with the line of what is no YAML, or the path of what is wrong (`steps.tile.memory`).
    pub fn parse(place: &str, text: &[u8], steps: &'static [Entry]) -> Result<Self> {
        if text.len() > MOST_BYTES {
            return Err(Error::limit(
                format!("size of {place}"),
                format!("{} bytes", text.len()),
                format!("{MOST_BYTES} bytes"),
                "a cluster file says where things lie and what steps may use: keep data out of it",
            ));
        }
        let mut document = yaml::document(place, text)?;
        if !document.is_object() {
            return Err(Error::params(
                place,
                format!("a cluster file is a map that begins with `microtome-cluster: {VERSION}`"),
            ));
        }
        match document.get("microtome-cluster") {
            Some(version) if version.as_u64() == Some(VERSION) => {}
            Some(other) => {
                let other: String = other.to_string().chars().take(80).collect();
                let message = format!("{other} where {VERSION} is known");
                return Err(Error::params("microtome-cluster", message));
            }
            None => {
                let message = format!("missing: begin with `microtome-cluster: {VERSION}`");
                return Err(Error::params("microtome-cluster", message));
            }
        }
        shape::fit(&schema(), &mut document, "")?;
        let cluster: Self = serde_json::from_value(document)
            .map_err(|e| Error::params(place, format!("no cluster file: {e}")))?;
        check::cluster(&cluster, steps)?;
        Ok(cluster)
    }

    /// Deals the units of every step that can be dealt out in so many parts, whatever the file says; a step that is
    /// told to be whole stays whole.
    pub fn deal(&mut self, shards: u32) {
        self.shards = Some(shards);
        self.defaults.shards = None;
        for node in self.steps.values_mut() {
            node.shards = node.shards.map(|own| if own == 1 { 1 } else { shards });
        }
    }
}

/// Largest cluster file.
const MOST_BYTES: usize = 1 << 20;

/// JSON Schema of a cluster file.
pub fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|s| s.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<Cluster>().to_value();
    schema["$id"] = format!("urn:microtome:cluster:{VERSION}").into();
    schema["title"] = "Cluster file of microtome".into();
    schema["required"] = serde_json::json!(["microtome-cluster"]);
    schema["properties"]["microtome-cluster"]["const"] = VERSION.into();
    schema["properties"]["microtome-cluster"]["default"] = VERSION.into();
    numbers_for_text(&mut schema);
    schema
}

/// Where text is asked for, numbers are taken as it (`cpu: 4`): says so, for editors.
fn numbers_for_text(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if !map.contains_key("const") && !map.contains_key("enum") {
                match map.get_mut("type") {
                    Some(Value::Array(types)) if types.iter().any(|t| t == "string") => {
                        types.push("number".into());
                    }
                    Some(one) if *one == "string" => {
                        *one = serde_json::json!(["string", "number"]);
                    }
                    _ => {}
                }
            }
            map.values_mut().for_each(numbers_for_text);
        }
        Value::Array(all) => all.iter_mut().for_each(numbers_for_text),
        _ => {}
    }
}
