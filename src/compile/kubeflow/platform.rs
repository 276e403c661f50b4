//! What a container may use: resources and variables in the IR, the rest in the words of `kfp-kubernetes`.

use serde_json::{Map, Value, json};

use crate::compile::cluster::{Cluster, Node, Toleration};
use crate::compile::syntax;

/// Where scratch files go; the image has it, with room on the node's own disk.
const SCRATCH: &str = "/tmp";
/// What Azure's admission looks for before it gives a pod an identity.
const IDENTITY_LABEL: &str = "azure.workload.identity/use";

/// Adds resources and variables to a container.
pub fn contain(container: &mut Value, node: &Node, cluster: &Cluster) {
    let mut resources = Map::new();
    let quantities = [
        (&node.cpu, "cpuRequest", "resourceCpuRequest", 1.0),
        (&node.cpu_limit, "cpuLimit", "resourceCpuLimit", 1.0),
        (&node.memory, "memoryRequest", "resourceMemoryRequest", 1e9),
        (&node.memory_limit, "memoryLimit", "resourceMemoryLimit", 1e9),
    ];
    for (text, number, name, unit) in quantities {
        let Some(text) = text else { continue };
        // Backends before 2.4 know only the numbers: cores and gigabytes.
        if let Some(thousandths) = syntax::quantity(text) {
            resources.insert(number.into(), (thousandths as f64 / 1000.0 / unit).into());
        }
        resources.insert(name.into(), text.as_str().into());
    }
    if !resources.is_empty() {
        container["resources"] = resources.into();
    }
    if !cluster.env.is_empty() {
        let variable = |(name, value): (&String, &String)| json!({"name": name, "value": value});
        container["env"] = cluster.env.iter().map(variable).collect();
    }
}

/// The `KubernetesExecutorConfig` of an executor; empty where there is nothing to say.
pub fn config(node: &Node, cluster: &Cluster) -> Map<String, Value> {
    let mut config = Map::new();
    let claims = cluster.claims.iter().map(|claim| {
        json!({
            "mountPath": claim.mount,
            "pvcNameParameter": constant(&claim.claim),
            // Backends before 2.5 know only this one.
            "constant": claim.claim,
        })
    });
    let secrets = cluster.secrets.iter().map(|secret| {
        json!({
            "secretName": secret.secret,
            "secretNameParameter": constant(&secret.secret),
            "keyToEnv": [{"secretKey": secret.key, "envVar": secret.env}],
            "optional": false,
        })
    });
    let mut add = |name: &str, values: Vec<Value>| {
        if !values.is_empty() {
            config.insert(name.into(), values.into());
        }
    };
    add("pvcMount", claims.collect());
    add("secretAsEnv", secrets.collect());
    add("tolerations", node.tolerations.iter().map(toleration).collect());
    let scratch = node
        .scratch
        .iter()
        .map(|size| json!({"volumeName": "scratch", "mountPath": SCRATCH, "sizeLimit": size}));
    add("emptyDirMounts", scratch.collect());
    if !node.node_selector.is_empty() {
        config.insert("nodeSelector".into(), json!({"labels": node.node_selector}));
    }
    let mut labels = cluster.pod_labels.clone();
    if cluster.kubernetes.workload_identity_client_id.is_some() {
        labels.insert(IDENTITY_LABEL.into(), "true".into());
    }
    if !labels.is_empty() {
        config.insert("podMetadata".into(), json!({"labels": labels}));
    }
    config
}

fn constant(text: &str) -> Value {
    json!({"runtimeValue": {"constant": text}})
}

fn toleration(toleration: &Toleration) -> Value {
    let Toleration { key, operator, value, effect, seconds } = toleration;
    let mut all = Map::new();
    for (name, text) in [("key", key), ("operator", operator), ("value", value), ("effect", effect)]
    {
        if let Some(text) = text {
            all.insert(name.into(), text.as_str().into());
        }
    }
    if let Some(seconds) = seconds {
        // 64-bit numbers are text in the JSON of protocol buffers.
        all.insert("tolerationSeconds".into(), seconds.to_string().into());
    }
    all.into()
}
