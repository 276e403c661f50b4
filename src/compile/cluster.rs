//! The cluster file: where things lie and what each step may use. Nothing in it can change a pixel.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// Names of images, where they are not those of the registry: `{step}` and `{version}` are put in.
    pub image: Option<String>,
    /// What every step may use, unless it says otherwise.
    pub defaults: Node,
    /// By step name, or `merge`.
    pub steps: BTreeMap<String, Node>,
    /// Persistent volume claims that every step sees.
    pub claims: Vec<Claim>,
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
    /// Scratch disk asked for (`20Gi`): remote slides are brought to it while they are worked on.
    pub scratch: Option<String>,
    /// Labels that a node must have.
    pub node_selector: BTreeMap<String, String>,
    /// Taints that are tolerated.
    pub tolerations: Vec<Toleration>,
    /// How often a shard that the world stopped (eviction, storage, out of memory) is begun again.
    pub retries: Option<u32>,
    /// Whether Kubeflow may answer from its own cache.
    pub cache: Option<bool>,
    /// Failed units that are still a success: `N` or `P%`.
    pub max_failures: Option<String>,
    /// Threads that do work; one per core if not given.
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
