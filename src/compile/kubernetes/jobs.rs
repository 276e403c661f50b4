//! The Jobs: what they run, with what rights and means, and when they are begun again.
//!
//! Exit codes decide that (the CLI has the list): 1 some units failed, 2 params or flags, 3 data and 5 a bug of ours would
//! end in the same way again, so the index (or the Job) fails at once. 4, the outside world, 137, killed for want of memory,
//! and 143, asked to stop, count against the retries. A pod that was taken away from its node does not even count.

use serde_json::Value;

use super::{LEG, Map, RUN, Tree, flags, named};
use crate::compile::cluster::{Node, Toleration};
use crate::compile::plan::{Plan, PlannedLeg};
use crate::error::Result;
use crate::yaml;

/// The user and group of every container: no one, as in the images.
const NOBODY: u32 = 65_532;
/// How often a shard is begun again where the cluster file does not say.
const RETRIES: u32 = 3;
/// Where params are that no flag can carry.
const PARAMS_FOLDER: &str = "/etc/microtome";
const PARAMS_FILE: &str = "params.yaml";
/// Exit codes after which the same would happen again.
const FINAL: [u32; 4] = [1, 2, 3, 5];

/// What all Jobs of a file share.
pub struct Jobs<'a> {
    pub plan: &'a Plan,
    /// The run's name.
    pub run: &'a str,
}

/// One Job, as far as it differs from others.
struct Job<'a> {
    /// `2` or `2-merge`.
    leg: String,
    /// The step, or `merge`.
    name: &'a str,
    version: &'a str,
    image: &'a str,
    command: Vec<String>,
    args: Vec<String>,
    shards: u32,
    node: &'a Node,
    /// The ConfigMap of its params, if there is one.
    params: Option<String>,
    /// Whether it is the first of its kind, which is explained.
    explained: bool,
}

impl Jobs<'_> {
    /// The Job of a leg.
    ///
    /// # Errors
    /// As [`named`] and [`flags::said`].
    pub fn leg(&self, leg: &PlannedLeg, explained: bool) -> Result<Map> {
        let output = &self.plan.output;
        let input = if leg.leg.number == 1 { &self.plan.input } else { output };
        let said = flags::said(leg.entry, &leg.params)?;
        let mut args =
            vec![input.clone(), format!("--output={output}"), format!("--leg={}", leg.leg)];
        if !said.file.is_empty() {
            args.push(format!("--params={PARAMS_FOLDER}/{PARAMS_FILE}"));
        }
        args.extend(said.flags);
        let node = &leg.node;
        let knob =
            |flag: &str, value: Option<String>| value.map(|value| format!("--{flag}={value}"));
        args.extend(knob("threads", node.threads.map(|n| n.to_string())));
        args.extend(knob("pack", node.pack.clone()));
        args.extend(knob("max-failures", node.max_failures.clone()));
        args.push("--log=json".into());
        let mut args: Vec<String> = args.iter().map(|arg| flags::literal(arg)).collect();
        if leg.shards > 1 {
            // The one value that Kubernetes is to put in.
            args.insert(3, format!("--shard=$(JOB_COMPLETION_INDEX)/{}", leg.shards));
        }
        self.job(Job {
            leg: leg.leg.number.to_string(),
            name: leg.entry.name,
            version: leg.entry.version,
            image: &leg.image,
            command: vec![format!("/microtome-{}", leg.entry.name)],
            args,
            shards: leg.shards,
            node,
            params: (!said.file.is_empty()).then(|| self.params_name(leg)).transpose()?,
            explained,
        })
    }

    /// The Job that joins the shards of a leg.
    ///
    /// # Errors
    /// As [`named`].
    pub fn merge(&self, leg: &PlannedLeg, explained: bool) -> Result<Map> {
        let output = &self.plan.output;
        let args = [
            output.clone(),
            format!("--output={output}"),
            format!("--leg={}", leg.leg),
            format!("--shards={}", leg.shards),
        ];
        self.job(Job {
            leg: format!("{}-merge", leg.leg.number),
            name: "merge",
            version: env!("CARGO_PKG_VERSION"),
            image: &self.plan.merge_image,
            command: vec!["/microtome".into(), "merge".into()],
            args: args.iter().map(|arg| flags::literal(arg)).collect(),
            shards: 1,
            node: &self.plan.merge,
            params: None,
            explained,
        })
    }

    /// The ConfigMap of what no flag of a leg can carry.
    ///
    /// # Errors
    /// As [`named`] and [`yaml::text`].
    pub fn params(&self, leg: &PlannedLeg, file: serde_json::Map<String, Value>) -> Result<Map> {
        let labels = self.labels(leg.entry.name, leg.entry.version, &leg.leg.number.to_string());
        let text = yaml::text(&Value::Object(file))?;
        Ok(Map::new()
            .with("apiVersion", "v1")
            .with("kind", "ConfigMap")
            .with("metadata", self.metadata(self.params_name(leg)?, labels))
            .with("immutable", true)
            .with("data", Map::new().with(PARAMS_FILE, Tree::Lines(text))))
    }

    fn params_name(&self, leg: &PlannedLeg) -> Result<String> {
        named(format!("{}-{}-params", self.run, leg.leg.number), 0)
    }

    fn metadata(&self, name: String, labels: Map) -> Map {
        Map::new()
            .with("name", name)
            .with_some("namespace", self.plan.cluster.kubernetes.namespace.as_deref())
            .with("labels", labels)
    }

    fn labels(&self, name: &str, version: &str, leg: &str) -> Map {
        let whole = if name == "merge" { "microtome".into() } else { format!("microtome-{name}") };
        Map::new()
            .with("app.kubernetes.io/name", whole)
            .with("app.kubernetes.io/version", version)
            .with("app.kubernetes.io/part-of", "microtome")
            .with(RUN, self.run)
            .with(LEG, leg)
    }

    fn job(&self, job: Job) -> Result<Map> {
        // The names of pods end in their index.
        let index = if job.shards > 1 { format!("-{}", job.shards - 1).len() } else { 0 };
        let number = job.leg.trim_end_matches("-merge");
        let name = named(format!("{}-{number}-{}", self.run, job.name), index)?;
        let mut labels = self.labels(job.name, job.version, &job.leg);
        let queue = self.plan.cluster.kubernetes.queue.as_deref();
        labels = labels.with_some("kueue.x-k8s.io/queue-name", queue);
        let mut spec = Map::new();
        if queue.is_some() {
            spec = spec.noted(job.say("Kueue begins it when its queue has room."), "suspend", true);
        }
        let retries = job.node.retries.unwrap_or(RETRIES);
        spec = match job.shards {
            1 => spec.with("backoffLimit", retries),
            shards => spec
                .with("completionMode", "Indexed")
                .with("completions", shards)
                .with("parallelism", shards)
                .noted(
                    job.say("How often each shard is begun again. It finds what it has done."),
                    "backoffLimitPerIndex",
                    retries,
                )
                .noted(
                    job.say("One bad shard stops no other; when more than half fail, the cause is a common one."),
                    "maxFailedIndexes",
                    shards / 2,
                ),
        };
        let spec = spec
            .with("podFailurePolicy", Map::new().with("rules", job.rules()))
            .with("template", self.template(&job));
        Ok(Map::new()
            .with("apiVersion", "batch/v1")
            .with("kind", "Job")
            .with("metadata", self.metadata(name, labels))
            .with("spec", spec))
    }

    fn template(&self, job: &Job) -> Map {
        let cluster = &self.plan.cluster;
        let own = &cluster.kubernetes;
        let mut labels = self.labels(job.name, job.version, &job.leg);
        if own.workload_identity_client_id.is_some() {
            labels = labels.with("azure.workload.identity/use", "true");
        }
        for (key, value) in &cluster.pod_labels {
            if !labels.has(key) {
                labels = labels.with(key, value.as_str());
            }
        }
        let security = Map::new()
            .with("runAsNonRoot", true)
            .with("runAsUser", NOBODY)
            .with("runAsGroup", NOBODY)
            .with("fsGroup", NOBODY)
            .noted(
                job.say("A claim with millions of files is not walked through at every start."),
                "fsGroupChangePolicy",
                "OnRootMismatch",
            )
            .with("seccompProfile", Map::new().with("type", "RuntimeDefault"));
        let mut spec = Map::new()
            .with("restartPolicy", "Never")
            .with("serviceAccountName", own.service_account.as_deref().unwrap_or(super::ACCOUNT))
            .noted(
                job.say(
                    "No pod speaks to Kubernetes. (Workload identity brings a token of its own.)",
                ),
                "automountServiceAccountToken",
                false,
            )
            .with("securityContext", security);
        if !job.node.node_selector.is_empty() {
            let add = |map: Map, (key, value): (&String, &String)| map.with(key, value.as_str());
            spec = spec.with("nodeSelector", job.node.node_selector.iter().fold(Map::new(), add));
        }
        let tolerations = job.node.tolerations.iter().map(tolerated).collect();
        let spec = spec
            .with_any("tolerations", tolerations)
            .with("containers", vec![self.container(job).into()])
            .with("volumes", self.volumes(job));
        Map::new().with("metadata", Map::new().with("labels", labels)).with("spec", spec)
    }

    fn container(&self, job: &Job) -> Map {
        let cluster = &self.plan.cluster;
        let plain = cluster.env.iter().map(|(name, value)| {
            Map::new().with("name", name.as_str()).with("value", flags::literal(value)).into()
        });
        let secret = cluster.secrets.iter().map(|secret| {
            let key =
                Map::new().with("name", secret.secret.as_str()).with("key", secret.key.as_str());
            let from = Map::new().with("secretKeyRef", key);
            Map::new().with("name", secret.env.as_str()).with("valueFrom", from).into()
        });
        let security = Map::new()
            .with("allowPrivilegeEscalation", false)
            .with("readOnlyRootFilesystem", true)
            .with("capabilities", Map::new().with("drop", Tree::Row(vec!["ALL".into()])));
        let texts = |texts: &[String]| texts.iter().map(|text| text.as_str().into()).collect();
        let container = Map::new()
            .with("name", job.name)
            .with("image", job.image)
            .with("command", Tree::Row(texts(&job.command)))
            .with("args", Tree::List(texts(&job.args)))
            .with_any("env", plain.chain(secret).collect());
        let resources = resources(job.node);
        let container = match resources.is_empty() {
            true => container,
            false => container.with("resources", resources),
        };
        container
            .with("securityContext", security)
            .noted(
                job.say("The end of the log says why a container failed."),
                "terminationMessagePolicy",
                "FallbackToLogsOnError",
            )
            .with("volumeMounts", self.mounts(job))
    }

    /// Names of the volumes of claims, each once: the claim's own where a volume may have it.
    fn claims(&self) -> Vec<(String, &str)> {
        let mut claims: Vec<(String, &str)> = Vec::new();
        for claim in &self.plan.cluster.claims {
            if claims.iter().any(|(_, known)| *known == claim.claim) {
                continue;
            }
            let taken = matches!(claim.claim.as_str(), "tmp" | "params");
            let name = match !taken && crate::compile::syntax::is_label(&claim.claim) {
                true => claim.claim.clone(),
                false => format!("claim-{}", claims.len() + 1),
            };
            claims.push((name, &claim.claim));
        }
        claims
    }

    fn mounts(&self, job: &Job) -> Vec<Tree> {
        let names = self.claims();
        let mount = |name: &str, path: &str| Map::new().with("name", name).with("mountPath", path);
        let mut mounts: Vec<Tree> = vec![mount("tmp", "/tmp").into()];
        for claim in &self.plan.cluster.claims {
            let known = names.iter().find(|(_, known)| *known == claim.claim);
            let name = known.map_or("", |(name, _)| name);
            let read_only = claim.read_only.then_some(true);
            mounts.push(mount(name, &claim.mount).with_some("readOnly", read_only).into());
        }
        if job.params.is_some() {
            mounts.push(mount("params", PARAMS_FOLDER).with("readOnly", true).into());
        }
        mounts
    }

    fn volumes(&self, job: &Job) -> Vec<Tree> {
        let scratch = Map::new().with_some("sizeLimit", job.node.scratch.as_deref());
        let mut volumes: Vec<Tree> =
            vec![Map::new().with("name", "tmp").with("emptyDir", scratch).into()];
        for (name, claim) in self.claims() {
            let source = Map::new().with("claimName", claim);
            volumes
                .push(Map::new().with("name", name).with("persistentVolumeClaim", source).into());
        }
        if let Some(params) = &job.params {
            let source = Map::new().with("name", params.as_str());
            volumes.push(Map::new().with("name", "params").with("configMap", source).into());
        }
        volumes
    }
}

impl Job<'_> {
    /// A comment, where the Job is explained.
    fn say(&self, comment: &'static str) -> &'static str {
        if self.explained { comment } else { "" }
    }

    /// What is done when a pod fails.
    fn rules(&self) -> Vec<Tree> {
        let taken = Map::new().with("type", "DisruptionTarget").with("status", "True");
        let codes = Map::new()
            .with("containerName", self.name)
            .with("operator", "In")
            .with("values", Tree::Row(FINAL.map(Tree::from).to_vec()));
        let action = if self.shards > 1 { "FailIndex" } else { "FailJob" };
        let again = "1 units failed, 2 params, 3 data, 5 a bug of ours: it would end so again. All else is begun\n\
                     again: 4 storage, 137 out of memory, 143 asked to stop.";
        vec![
            Map::new()
                .noted(
                    self.say("Taken away from its node: begun again, and not counted."),
                    "action",
                    "Ignore",
                )
                .with("onPodConditions", vec![taken.into()])
                .into(),
            Map::new().noted(self.say(again), "action", action).with("onExitCodes", codes).into(),
        ]
    }
}

fn resources(node: &Node) -> Map {
    let of = |cpu: &Option<String>, memory: &Option<String>| {
        Map::new().with_some("cpu", cpu.as_deref()).with_some("memory", memory.as_deref())
    };
    let requests = of(&node.cpu, &node.memory)
        // What is put under /tmp counts as a node's own disk.
        .with_some("ephemeral-storage", node.scratch.as_deref());
    let limits = of(&node.cpu_limit, &node.memory_limit);
    let mut resources = Map::new();
    for (name, map) in [("requests", requests), ("limits", limits)] {
        if !map.is_empty() {
            resources = resources.with(name, map);
        }
    }
    resources
}

fn tolerated(toleration: &Toleration) -> Tree {
    let Toleration { key, operator, value, effect, seconds } = toleration;
    Map::new()
        .with_some("key", key.as_deref())
        .with_some("operator", operator.as_deref())
        .with_some("value", value.as_deref())
        .with_some("effect", effect.as_deref())
        .with_some("tolerationSeconds", *seconds)
        .into()
}
