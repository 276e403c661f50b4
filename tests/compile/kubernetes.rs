//! Kubernetes Jobs: what Kubernetes takes, what a person reads, and what the containers make of their arguments.

mod loops;
mod odd;
mod run;
mod valid;

use std::collections::BTreeMap;

use microtome::compile::{Cluster, kubernetes, plan};
use microtome::dataset::read_file;
use microtome::steps::STEPS;
use microtome::yaml;
use serde_json::Value;

use crate::common::fixture;

/// The pipelines of the fixtures.
const PIPELINES: [&str; 4] = ["tile", "histology", "camera-trap", "balanced"];

/// Cluster files, by what is particular about them.
const CLUSTERS: [(&str, &str); 5] = [
    (
        "claim",
        "input: /data/in\noutput: /data/out\nshards: 8\nclaims: [{claim: big-data, mount: /data}]",
    ),
    (
        "azure",
        "input: az://slides/in\noutput: az://slides/out\ndefaults: {cpu: 2, memory: 8Gi, memory_limit: 8Gi}\n\
         steps: {tile: {shards: 200, scratch: 20Gi, threads: 4, pack: 1GB, max_failures: 1%}}\n\
         env: {AZURE_STORAGE_ACCOUNT_NAME: slides}\n\
         kubernetes: {namespace: research, workload_identity_client_id: 01234567-89ab-cdef-0123-456789abcdef}",
    ),
    (
        "queue",
        "input: s3://in/a\noutput: s3://out/b\nshards: 3\ndefaults: {retries: 0}\n\
         kubernetes: {queue: photos, service_account: kept}\npod_labels: {team: traps}",
    ),
    (
        "secrets",
        "input: gs://in/a\noutput: gs://out/b\nshards: 2\nenv: {A: 'no', B: '$(C) $$ 1e3'}\n\
         secrets: [{env: GOOGLE_SERVICE_ACCOUNT_KEY, secret: bucket, key: key.json}]",
    ),
    (
        "tolerations",
        "input: /photos/in\noutput: /data/out\nshards: 1\n\
         claims: [{claim: a.b, mount: /photos, read_only: true}, {claim: tmp, mount: /data}, {claim: a.b, mount: /more}]\n\
         defaults:\n  node_selector: {pool: big, 'kubernetes.io/arch': amd64}\n  tolerations:\n\
         \x20   - {key: spot, operator: Equal, value: 'true', effect: NoSchedule}\n\
         \x20   - {operator: Exists, effect: NoExecute, seconds: 60}",
    ),
];

fn cluster(text: &str) -> Cluster {
    let text = format!("microtome-cluster: 1\n{text}\n");
    Cluster::parse("cluster.yaml", text.as_bytes(), STEPS).unwrap()
}

/// What a pipeline file becomes on a cluster.
fn compiled(place: &str, pipeline: &str, cluster: &Cluster) -> String {
    let plan = plan(place, pipeline.as_bytes(), STEPS, cluster, None, &read_file).unwrap();
    kubernetes::compile(&plan).unwrap()
}

/// What a pipeline of the fixtures becomes.
fn of_fixture(name: &str, cluster: &Cluster) -> String {
    let place = fixture(&format!("pipelines/{name}.yaml"));
    let text = std::fs::read_to_string(&place).unwrap();
    compiled(place.to_str().unwrap(), &text, cluster)
}

/// Every pipeline on every cluster: (name, text).
fn all() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for pipeline in PIPELINES {
        for (name, text) in CLUSTERS {
            all.push((format!("{pipeline}-{name}.yaml"), of_fixture(pipeline, &cluster(text))));
        }
    }
    all
}

/// The objects of a file.
fn objects(text: &str) -> Vec<Value> {
    let documents = text.split("\n---\n").skip(1);
    documents.map(|text| yaml::document("object", text.as_bytes()).unwrap()).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(|v| text(v).to_string()).collect()
}

fn leg(object: &Value) -> &str {
    text(&object["metadata"]["labels"][kubernetes::LEG])
}

fn jobs(objects: &[Value]) -> Vec<&Value> {
    objects.iter().filter(|object| object["kind"] == "Job").collect()
}

/// The container of a Job.
fn container(job: &Value) -> &Value {
    &job["spec"]["template"]["spec"]["containers"][0]
}

/// An argument as a container gets it: `$(NAME)` is the value of a variable, `$$` is `$`.
fn expanded(text: &str, variables: &BTreeMap<&str, String>) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        let inside = rest.strip_prefix('(').and_then(|inside| inside.split_once(')'));
        match inside.and_then(|(name, after)| Some((variables.get(name)?, after))) {
            Some((value, after)) => {
                out.push_str(value);
                rest = after;
            }
            None => out.push('$'),
        }
    }
    out + rest
}
