//! A pipeline as Kubernetes Jobs: one file that a person can read, edit and apply.
//!
//! - A leg is a Job. Dealt out, it is an Indexed Job with an index a shard, and a Job that merges comes after it.
//! - Jobs do not wait for each other, and nothing here needs a controller of its own: every object carries the leg it
//!   belongs to as a label, and the file begins with the loop that applies one leg after the other.
//! - The template of a Job cannot be changed once it is there, so names end in a digest of all that is said: a pipeline
//!   that was edited makes Jobs of its own, and one that was not finds its Jobs done. The ServiceAccount has a name
//!   that stays, because federated credentials are given to it by name.
//! - What would end in the same way again is not begun again (`jobs` has the exit codes); everything else is, and
//!   finds what was done.
//! - There is no deadline, as nobody knows how long slides take, and no time to live: finished Jobs are what the loop
//!   passes over when it is run again.

mod flags;
mod jobs;
mod tree;

pub(crate) use flags::said;

use jobs::Jobs;
use tree::{Map, Tree};

use super::plan::{Plan, PlannedLeg};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::yaml;

/// The label that says which leg an object belongs to: `1`, `2`, `2-merge`, …; `0` for what all need.
pub const LEG: &str = "microtome/leg";
/// The label that says which run of which pipeline.
pub const RUN: &str = "microtome/run";
/// The ServiceAccount that is made where the cluster file names none.
pub const ACCOUNT: &str = "microtome";
/// The annotation and the label by which Azure workload identity finds accounts and pods.
const CLIENT_ID: &str = "azure.workload.identity/client-id";

/// Most characters of the pipeline's name within other names: with digest, number, step and index they stay below 63.
const MOST_NAME: usize = 24;

/// One object of the file.
struct Object {
    leg: String,
    comment: String,
    map: Map,
}

/// The pipeline as the text of a YAML file.
///
/// # Errors
/// [`Error::Bug`] when a name has more characters than Kubernetes takes.
pub fn compile(plan: &Plan) -> Result<String> {
    let short: String = plan.name.chars().take(MOST_NAME).collect();
    let short = short.trim_end_matches('-');
    // What runs, whatever it is called.
    let unnamed = objects(plan, short)?;
    let said: String = unnamed.iter().map(|object| object.map.document()).collect();
    let digest = Digest::of(said.as_bytes()).short();
    let run = format!("{short}-{}", &digest[..8]);
    let objects = objects(plan, &run)?;
    let mut text = heading(plan, &run, &objects);
    for object in &objects {
        text.push_str("---\n");
        for line in object.comment.lines() {
            text.push_str(&format!("# {line}\n"));
        }
        text.push_str(&object.map.document());
    }
    Ok(text)
}

/// All objects, in the order in which they are applied.
fn objects(plan: &Plan, run: &str) -> Result<Vec<Object>> {
    let mut objects = Vec::new();
    objects.extend(account(plan));
    let jobs = Jobs { plan, run };
    // Each kind of Job is explained once, where it first stands.
    let (mut whole, mut dealt) = (true, true);
    for leg in &plan.legs {
        let number = leg.leg.number.to_string();
        let file = said(leg.entry, &leg.params)?.file;
        if !file.is_empty() {
            objects.push(Object {
                leg: number.clone(),
                comment: format!("Params of leg {number} that no flag can carry."),
                map: jobs.params(leg, file)?,
            });
        }
        let explained = std::mem::take(if leg.shards > 1 { &mut dealt } else { &mut whole });
        objects.push(Object {
            leg: number.clone(),
            comment: introduced(leg, plan.legs.len()),
            map: jobs.leg(leg, explained)?,
        });
        if leg.shards > 1 {
            objects.push(Object {
                leg: format!("{number}-merge"),
                comment: format!(
                    "Joins the {} shards of leg {number} to one manifest.",
                    leg.shards
                ),
                map: jobs.merge(leg, std::mem::take(&mut whole))?,
            });
        }
    }
    Ok(objects)
}

/// What a leg is, above its Job.
fn introduced(leg: &PlannedLeg, legs: usize) -> String {
    let number = leg.leg.number;
    let dealt = match leg.shards {
        1 => String::new(),
        shards => format!(", in {shards} shards: each finds its own part, balanced by bytes"),
    };
    format!("Leg {number} of {legs}: {} {}{dealt}.", leg.entry.name, leg.entry.version)
}

/// The ServiceAccount of the pods, unless the cluster file names one that is there.
fn account(plan: &Plan) -> Option<Object> {
    let own = &plan.cluster.kubernetes;
    if own.service_account.is_some() {
        return None;
    }
    let mut metadata =
        Map::new().with("name", ACCOUNT).with_some("namespace", own.namespace.as_deref());
    let mut comment = String::from("Whose rights the pods have: none.");
    if let Some(id) = &own.workload_identity_client_id {
        let namespace = own.namespace.as_deref().unwrap_or("NAMESPACE");
        comment = format!(
            "Whose rights the pods have: those of the managed identity that has a federated credential for\n\
             system:serviceaccount:{namespace}:{ACCOUNT}."
        );
        metadata = metadata.with("annotations", Map::new().with(CLIENT_ID, id.as_str()));
    }
    let labels = Map::new()
        .with("app.kubernetes.io/name", "microtome")
        .with("app.kubernetes.io/part-of", "microtome")
        .with(LEG, "0");
    let map = Map::new()
        .with("apiVersion", "v1")
        .with("kind", "ServiceAccount")
        .with("metadata", metadata.with("labels", labels))
        // The token of workload identity is projected by its own webhook.
        .with("automountServiceAccountToken", false);
    Some(Object { leg: "0".into(), comment, map })
}

/// What the file is, and how it is applied.
fn heading(plan: &Plan, run: &str, objects: &[Object]) -> String {
    let step = |leg: &PlannedLeg| match leg.shards {
        1 => leg.name.clone(),
        shards => format!("{} ({shards} shards)", leg.name),
    };
    let steps = plan.legs.iter().map(step).collect::<Vec<_>>().join(", ");
    let mut order: Vec<&str> = objects.iter().map(|object| object.leg.as_str()).collect();
    order.dedup();
    let first = if order.first() == Some(&"0") { order.remove(0) } else { "" };
    let namespace = plan.cluster.kubernetes.namespace.as_ref();
    let within = namespace.map(|name| format!(" -n {name}")).unwrap_or_default();
    let all = format!("{RUN}={run}");
    let these = format!("job{within} -l {all},{LEG}=$leg");
    let account = match first {
        "" => String::new(),
        first => format!("    kubectl apply -f $file -l {LEG}={first} || exit 1\n"),
    };
    let text = format!(
        "{name} as Kubernetes Jobs, a leg each: {steps}.\n\
         Reads {input}\n\
         Makes {output}\n\
         Written by microtome {version}.\n\
         \n\
         Jobs do not wait for each other, so apply this file ({name}.k8s.yaml here) leg by leg:\n\
         \n\
         {s}(\n\
         {s}  file={name}.k8s.yaml\n\
         {account}\
         {s}  for leg in {legs}; do\n\
         {s}    kubectl apply -f $file -l {LEG}=$leg || exit 1\n\
         {s}    until kubectl wait {these} --for=condition=complete --timeout=60s; do\n\
         {s}      if kubectl wait {these} --for=condition=failed --timeout=0; then exit 1; fi\n\
         {s}      sleep 2\n\
         {s}    done\n\
         {s}  done\n\
         {s})\n\
         \n\
         Every minute it says that it is still waiting. When a leg fails:\n\
         \n\
         {s}kubectl logs{within} --prefix --tail=20 -l {all},{LEG}=LEG\n\
         \n\
         shows why; units that failed are listed in failures/ of the dataset. Delete the Job that failed, mend what is wrong\n\
         and run the loop again: what is done is passed over. A Job cannot be changed, so delete it too before you apply one\n\
         that you have edited here; a pipeline that is compiled again has other names if anything is different.\n\
         When there are more images: delete all Jobs of the run and run the loop again. What has a record is not done again.\n\
         Finished Jobs stay until they are deleted:\n\
         \n\
         {s}kubectl delete job,configmap{within} -l {all}\n",
        name = plan.name,
        input = yaml::scalar(&plan.input),
        output = yaml::scalar(&plan.output),
        version = env!("CARGO_PKG_VERSION"),
        legs = order.join(" "),
        s = "  ",
    );
    let line = |line: &str| if line.is_empty() { "#\n".into() } else { format!("# {line}\n") };
    text.lines().map(line).collect()
}

/// A name of an object whose pods' names have up to `more` characters behind it.
///
/// # Errors
/// [`Error::Bug`] when Kubernetes would not take it.
fn named(name: String, more: usize) -> Result<String> {
    if name.len() + more > 63 || !super::syntax::is_label(&name) {
        return Err(Error::Bug { message: format!("{name:?} is no name of an object") });
    }
    Ok(name)
}
