//! What a cluster file must hold to, before anything is made of it. Messages name the field, never a value that may
//! be a secret.

use std::collections::BTreeMap;

use super::cluster::{Claim, Cluster, Node, Toleration};
use super::syntax;
use crate::dataset::is_url;
use crate::describe::interface::MERGE;
use crate::describe::nearest;
use crate::engine::MaxFailures;
use crate::error::{Error, Result};
use crate::step::{Entry, Grain};

/// Most parts that a step's units are dealt in, whatever the target.
pub const MOST_SHARDS: u32 = 1000;
/// Most times that a shard is begun again.
const MOST_RETRIES: u32 = 100;

/// Checks a cluster file as a whole.
///
/// # Errors
/// [`Error::Params`] with the path of what is wrong.
pub fn cluster(cluster: &Cluster, steps: &'static [Entry]) -> Result<()> {
    shards("shards", cluster.shards)?;
    if let Some(image) = &cluster.image {
        template("image", image)?;
    }
    node("defaults", &cluster.defaults)?;
    if cluster.defaults.image.is_some() {
        let message = "one image for all steps is the file's own `image`";
        return Err(Error::params("defaults.image", message));
    }
    for (name, own) in &cluster.steps {
        step(name, own, steps)?;
    }
    claims(&cluster.claims)?;
    labels("pod_labels", &cluster.pod_labels)?;
    let ours =
        |key: &&String| key.starts_with("microtome/") || key.starts_with("app.kubernetes.io/");
    if let Some(key) = cluster.pod_labels.keys().find(ours) {
        let message = format!("{:?} is a label that microtome gives itself", cut(key));
        return Err(Error::params("pod_labels", message));
    }
    variables(cluster)?;
    if let Some(input) = &cluster.input {
        place("input", input, &cluster.claims, false)?;
    }
    if let Some(output) = &cluster.output {
        place("output", output, &cluster.claims, true)?;
    }
    let own = &cluster.kubernetes;
    let named = |field: &str, name: &Option<String>, right: fn(&str) -> bool| match name {
        Some(name) if !right(name) => Err(Error::params(
            format!("kubernetes.{field}"),
            format!("{:?} is no name: lower-case letters, digits and dashes", cut(name)),
        )),
        _ => Ok(()),
    };
    named("namespace", &own.namespace, syntax::is_label)?;
    named("service_account", &own.service_account, syntax::is_name)?;
    named("queue", &own.queue, syntax::is_name)?;
    match &own.workload_identity_client_id {
        Some(id) if !is_uuid(id) => Err(Error::params(
            "kubernetes.workload_identity_client_id",
            "not the client id of an identity: 8-4-4-4-12 hex digits",
        )),
        _ => Ok(()),
    }
}

fn step(name: &str, own: &Node, steps: &'static [Entry]) -> Result<()> {
    let entry = steps.iter().find(|entry| entry.name == name);
    let path = format!("steps.{}", cut(name));
    if entry.is_none() && name != MERGE {
        let names = || steps.iter().map(|entry| entry.name).chain([MERGE]);
        let meant = nearest(name, names())
            .map(|name| format!("; did you mean `{name}`?"))
            .unwrap_or_default();
        let all = names().collect::<Vec<_>>().join(", ");
        return Err(Error::params(path, format!("no such step{meant}; there are: {all}")));
    }
    node(&path, own)?;
    let alone = match entry {
        None => Some("a merge is one container"),
        Some(entry) if entry.grain == Grain::Manifest => Some("it looks at all rows at once"),
        Some(_) => None,
    };
    match (alone, own.shards) {
        (Some(why), Some(shards)) if shards > 1 => Err(Error::params(
            format!("{path}.shards"),
            format!("{shards} shards, and `{name}` has none: {why}"),
        )),
        _ => Ok(()),
    }
}

fn node(path: &str, node: &Node) -> Result<()> {
    let field = |name: &str| format!("{path}.{name}");
    shards(&field("shards"), node.shards)?;
    if let Some(image) = &node.image
        && !syntax::is_image(image)
    {
        let message = format!("{:?} is no name of an image", cut(image));
        return Err(Error::params(field("image"), message));
    }
    let quantities = [
        ("cpu", &node.cpu, "2 or 500m"),
        ("memory", &node.memory, "8Gi"),
        ("cpu_limit", &node.cpu_limit, "2 or 500m"),
        ("memory_limit", &node.memory_limit, "8Gi"),
        ("scratch", &node.scratch, "20Gi"),
    ];
    for (name, text, example) in quantities {
        let cpu = name.starts_with("cpu");
        let ends_right =
            |text: &str| cpu == text.ends_with(|c: char| c == 'm' || c.is_ascii_digit());
        if let Some(text) = text
            && (syntax::quantity(text).is_none() || !ends_right(text))
        {
            let text = cut(text);
            let message =
                format!("{text:?} is no quantity as Kubernetes writes it (such as {example})");
            return Err(Error::params(field(name), message));
        }
    }
    for (name, asked, limit) in
        [("cpu", &node.cpu, &node.cpu_limit), ("memory", &node.memory, &node.memory_limit)]
    {
        if let (Some(asked), Some(limit)) = (asked, limit)
            && syntax::quantity(asked) > syntax::quantity(limit)
        {
            let message = format!("{asked} is more than {limit}, its limit");
            return Err(Error::params(field(name), message));
        }
    }
    labels(&field("node_selector"), &node.node_selector)?;
    for (index, toleration) in node.tolerations.iter().enumerate() {
        tolerated(&format!("{path}.tolerations[{index}]"), toleration)?;
    }
    if let Some(retries) = node.retries.filter(|retries| *retries > MOST_RETRIES) {
        let message = format!("{retries} will not do (allowed: 0 to {MOST_RETRIES})");
        return Err(Error::params(field("retries"), message));
    }
    if let Some(failures) = &node.max_failures {
        failures.parse::<MaxFailures>().map_err(|_| {
            let message = format!("{:?} is not a number (3) or a percentage (2.5%)", cut(failures));
            Error::params(field("max_failures"), message)
        })?;
    }
    if let Some(threads) = node.threads.filter(|threads| !(1..=4096).contains(threads)) {
        let message = format!("{threads} will not do (allowed: 1 to 4096)");
        return Err(Error::params(field("threads"), message));
    }
    match &node.pack {
        Some(pack) => crate::engine::size(&field("pack"), pack, 1 << 16).map(drop),
        None => Ok(()),
    }
}

fn shards(path: &str, shards: Option<u32>) -> Result<()> {
    match shards {
        Some(shards) if !(1..=MOST_SHARDS).contains(&shards) => {
            Err(Error::params(path, format!("{shards} will not do (allowed: 1 to {MOST_SHARDS})")))
        }
        _ => Ok(()),
    }
}

/// The name of an image with `{step}` and `{version}` in it.
///
/// # Errors
/// [`Error::Params`] naming `path`.
pub fn template(path: &str, text: &str) -> Result<()> {
    if syntax::is_image(&text.replace("{step}", "tile").replace("{version}", "1.0.0")) {
        return Ok(());
    }
    let message = "is no name of an image; `{step}` and `{version}` are put in, nothing else";
    Err(Error::params(path, format!("{:?} {message}", cut(text))))
}

fn labels(path: &str, labels: &BTreeMap<String, String>) -> Result<()> {
    for (key, value) in labels {
        if !syntax::is_label_key(key) {
            return Err(Error::params(path, format!("{:?} is no key of a label", cut(key))));
        }
        if !syntax::is_label_value(value) {
            let message = format!("{:?} is no value of a label", cut(value));
            return Err(Error::params(format!("{path}.{key}"), message));
        }
    }
    Ok(())
}

fn tolerated(path: &str, toleration: &Toleration) -> Result<()> {
    let wrong = |field: &str, message: &str| Err(Error::params(format!("{path}.{field}"), message));
    let Toleration { key, operator, value, effect, seconds } = toleration;
    if key.as_ref().is_some_and(|key| !syntax::is_label_key(key)) {
        return wrong("key", "is no key of a taint");
    }
    if value.as_ref().is_some_and(|value| !syntax::is_label_value(value)) {
        return wrong("value", "is no value of a taint");
    }
    match (operator.as_deref().unwrap_or("Equal"), key, value) {
        ("Exists", _, Some(_)) => wrong("value", "`Exists` takes none"),
        ("Exists", _, None) | ("Equal", Some(_), _) => Ok(()),
        ("Equal", None, _) => wrong("key", "missing: only `operator: Exists` goes without"),
        _ => wrong("operator", "is neither `Equal` nor `Exists`"),
    }?;
    match effect.as_deref() {
        None | Some("NoSchedule" | "PreferNoSchedule" | "NoExecute") => {}
        Some(_) => return wrong("effect", "is none of NoSchedule, PreferNoSchedule, NoExecute"),
    }
    match seconds {
        Some(_) if effect.as_deref() != Some("NoExecute") => {
            wrong("seconds", "only `effect: NoExecute` has them")
        }
        _ => Ok(()),
    }
}

fn claims(claims: &[Claim]) -> Result<()> {
    for (index, claim) in claims.iter().enumerate() {
        let wrong = |field: &str, message: String| {
            Err(Error::params(format!("claims[{index}].{field}"), message))
        };
        if !syntax::is_name(&claim.claim) {
            return wrong("claim", format!("{:?} is no name of a claim", cut(&claim.claim)));
        }
        if !syntax::is_folder(&claim.mount) {
            let message = "is not the absolute path of a folder (such as /data)";
            return wrong("mount", format!("{:?} {message}", cut(&claim.mount)));
        }
        // What an image, Kubernetes or Kubeflow has there must stay to be seen.
        let kept = ["/tmp", "/etc/ssl/certs", "/var/run/secrets", "/gcs", "/s3", "/minio"];
        let hidden = kept.iter().find(|kept| syntax::lies_in(kept, &claim.mount));
        let systems = ["/proc", "/sys", "/dev"];
        let below = systems.iter().find(|system| syntax::lies_in(&claim.mount, system));
        if let Some(kept) = hidden.or(below) {
            return wrong("mount", format!("{kept} is in use in every container"));
        }
        let over = |other: &&Claim| {
            syntax::lies_in(&other.mount, &claim.mount)
                || syntax::lies_in(&claim.mount, &other.mount)
        };
        if let Some(other) = claims.iter().take(index).find(over) {
            return wrong(
                "mount",
                format!("one of {} and {} hides the other", other.mount, claim.mount),
            );
        }
    }
    Ok(())
}

fn variables(cluster: &Cluster) -> Result<()> {
    for (name, value) in &cluster.env {
        let path = format!("env.{}", cut(name));
        if !syntax::is_variable(name) {
            return Err(Error::params("env", format!("{:?} is no name of a variable", cut(name))));
        }
        if value.contains('\0') {
            return Err(Error::params(path, "has a zero byte, which no variable can have"));
        }
        if is_secret(name, value) {
            let message = "looks like a secret, which no file should hold: make a Secret of the cluster and name it under `secrets`";
            return Err(Error::params(path, message));
        }
        reserved(&path, name)?;
    }
    for (index, secret) in cluster.secrets.iter().enumerate() {
        let path = |field: &str| format!("secrets[{index}].{field}");
        if !syntax::is_variable(&secret.env) {
            let message = format!("{:?} is no name of a variable", cut(&secret.env));
            return Err(Error::params(path("env"), message));
        }
        if !syntax::is_name(&secret.secret) {
            let message = format!("{:?} is no name of a Secret", cut(&secret.secret));
            return Err(Error::params(path("secret"), message));
        }
        if !syntax::is_key(&secret.key) {
            return Err(Error::params(
                path("key"),
                "is no key of a Secret: letters, digits, `-`, `_`, `.`",
            ));
        }
        let earlier = cluster.secrets.iter().take(index).any(|other| other.env == secret.env);
        if earlier || cluster.env.contains_key(&secret.env) {
            return Err(Error::params(path("env"), format!("{} is set twice", secret.env)));
        }
        reserved(&path("env"), &secret.env)?;
    }
    Ok(())
}

/// Variables that clusters set themselves.
fn reserved(path: &str, name: &str) -> Result<()> {
    match name {
        "JOB_COMPLETION_INDEX" | "PATH" | "HOSTNAME" => {
            Err(Error::params(path, format!("{name} is the cluster's own to set")))
        }
        _ => Ok(()),
    }
}

/// Whether a variable is one that holds a secret, by its name, or a URL that carries one.
fn is_secret(name: &str, value: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let names_a_place = ["_FILE", "_PATH", "_DIR", "_URL", "_URI", "_ENDPOINT", "_ID", "_NAME"];
    let words = ["SECRET", "PASSWORD", "PASSWD", "TOKEN", "CREDENTIAL", "CONNECTION_STRING", "SAS"];
    let keys = ["ACCESS_KEY", "ACCOUNT_KEY", "API_KEY", "MASTER_KEY", "PRIVATE_KEY", "STORAGE_KEY"];
    let word = |word: &str| match word {
        // Short enough to be part of other words.
        "SAS" => name.split('_').any(|part| part == "SAS"),
        word => name.contains(word),
    };
    let by_name = words.iter().any(|w| word(w)) || keys.iter().any(|key| name.ends_with(key));
    (by_name && !names_a_place.iter().any(|end| name.ends_with(end))) || carries_secret(value)
}

/// Whether a URL holds a user's password or a signature.
fn carries_secret(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let password = host.split_once('@').is_some_and(|(user, _)| user.contains(':'));
    let query = rest.split_once('?').map_or("", |(_, query)| query).to_ascii_lowercase();
    let signed = query.split('&').any(|pair| {
        pair.starts_with("sig=") || pair.contains("signature=") || pair.starts_with("token=")
    });
    password || signed
}

/// A place that containers can reach: a prefix of an object store, or a folder in a claim.
///
/// # Errors
/// [`Error::Params`] naming `field`.
pub fn place(field: &str, place: &str, claims: &[Claim], is_written: bool) -> Result<()> {
    let wrong = |message: String| Err(Error::params(field, message));
    if place.is_empty() || place.len() > 1024 || place.contains(char::is_control) {
        return wrong("not a place: 1 to 1024 characters, none of them a line break".into());
    }
    if is_url(place) {
        let scheme = place.split("://").next().unwrap_or_default();
        let rest = &place[scheme.len() + 3..];
        if carries_secret(place) {
            return wrong("carries a password or a signature: leave it out, and give credentials by workload identity or under `secrets`".into());
        }
        if place.contains(['?', '#']) {
            return wrong("has a query, which no prefix of an object store has".into());
        }
        let stores = ["az", "abfs", "abfss", "azure", "adl", "s3", "s3a", "gs"];
        let known =
            stores.contains(&scheme) || scheme == "https" || !is_written && scheme == "http";
        if !known || rest.trim_matches('/').is_empty() {
            return wrong(format!(
                "{:?} is no prefix that is known: az://, abfss://, s3:// or gs://, with a container or bucket",
                cut(place)
            ));
        }
        return Ok(());
    }
    let folder = place.strip_prefix("file://").unwrap_or(place).trim_end_matches('/');
    if !syntax::is_folder(folder) {
        return wrong(format!(
            "{:?} is neither a URL (az://, abfss://, s3://, gs://) nor an absolute path that containers see",
            cut(place)
        ));
    }
    match claims.iter().find(|claim| syntax::lies_in(folder, &claim.mount)) {
        None => {
            let mounts: Vec<&str> = claims.iter().map(|claim| claim.mount.as_str()).collect();
            let there = match mounts.is_empty() {
                true => "there are no `claims`".to_string(),
                false => format!("`claims` are mounted at {}", mounts.join(", ")),
            };
            wrong(format!(
                "{:?} lies in no claim, so no container would see it: {there}",
                cut(place)
            ))
        }
        Some(claim) if is_written && claim.read_only => {
            wrong(format!("lies in the claim `{}`, which is only read", claim.claim))
        }
        Some(_) => Ok(()),
    }
}

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}

pub(super) fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}
