//! What Kubernetes asks: by its schemas, and beyond them.

use std::collections::BTreeMap;
use std::process::Command;

use microtome::compile::kubernetes::{LEG, RUN};
use serde_json::{Value, json};

use super::{
    CLUSTERS, all, cluster, compiled, container, jobs, leg, objects, of_fixture, text, texts,
};
use crate::common::{python_or_skip, root};

/// What a reader of YAML 1.1 finds in files, and what schemas of Kubernetes say of it.
pub fn read_elsewhere(test: &str, files: &[(String, String)]) -> Option<Value> {
    let python = python_or_skip(test, &["kubernetes_validate", "yaml"])?;
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let script = root().join("tests/compile/valid_jobs.py");
    let said = Command::new(python).arg(script).arg(folder.path()).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    Some(serde_json::from_slice(&said.stdout).unwrap())
}

#[test]
fn every_version_takes_every_object() {
    let files = all();
    let Some(said) = read_elsewhere("every_version_takes_every_object", &files) else { return };
    assert_eq!(said["versions"], json!(["1.31", "1.32", "1.33", "1.34", "1.35", "1.36", "1.37"]));
    assert_eq!(said["wrong"], json!([]));
    for (name, text) in &files {
        assert_eq!(said["documents"][name], Value::from(objects(text)), "{name}");
    }
}

fn is_label(name: &str) -> bool {
    let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=63).contains(&name.len())
        && name.bytes().all(inside)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// What the API server refuses although its schemas do not.
#[test]
fn what_the_api_server_asks_beyond_its_schemas() {
    for (file, written) in all() {
        let objects = objects(&written);
        let mut names: Vec<(&str, &str)> = Vec::new();
        for object in &objects {
            let name = (text(&object["kind"]), text(&object["metadata"]["name"]));
            assert!(is_label(name.1) && !names.contains(&name), "{file}: {name:?}");
            names.push(name);
            let map = object["metadata"]["labels"].as_object().unwrap();
            let few = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            assert!(
                map.values().all(|v| text(v).len() <= 63 && text(v).chars().all(few)),
                "{file}: {map:?}"
            );
        }
        for job in jobs(&objects) {
            let (spec, pod) = (&job["spec"], &job["spec"]["template"]["spec"]);
            let name = text(&job["metadata"]["name"]);
            let indexed = spec["completionMode"] == "Indexed";
            assert_eq!(pod["restartPolicy"], "Never", "a failure policy needs it");
            for (rule, action) in spec["podFailurePolicy"]["rules"]
                .as_array()
                .unwrap()
                .iter()
                .map(|r| (r, &r["action"]))
            {
                assert_eq!(
                    indexed,
                    action == "FailIndex" || action == "Ignore" && indexed,
                    "{file}: {name}"
                );
                let codes = &rule["onExitCodes"];
                if codes.is_object() {
                    assert_eq!(codes["containerName"], container(job)["name"]);
                    assert_eq!(
                        codes["values"],
                        json!([1, 2, 3, 5]),
                        "in ascending order, without 0"
                    );
                }
            }
            if indexed {
                let completions = spec["completions"].as_u64().unwrap();
                assert_eq!(spec["parallelism"], completions);
                // The host name of the last pod.
                assert!(is_label(&format!("{name}-{}", completions - 1)), "{file}: {name}");
                assert!(spec["maxFailedIndexes"].as_u64().unwrap() <= completions);
                assert!(spec["backoffLimitPerIndex"].is_u64() && spec["backoffLimit"].is_null());
            } else {
                assert!(spec["backoffLimit"].is_u64() && spec["backoffLimitPerIndex"].is_null());
            }
            let volumes: Vec<&str> =
                pod["volumes"].as_array().unwrap().iter().map(|v| text(&v["name"])).collect();
            let mounts = container(job)["volumeMounts"].as_array().unwrap();
            let mut paths: Vec<&str> = mounts.iter().map(|m| text(&m["mountPath"])).collect();
            assert!(
                mounts.iter().all(|m| volumes.contains(&text(&m["name"]))),
                "{file}: {mounts:?}"
            );
            assert!(volumes.iter().all(|v| is_label(v) && mounts.iter().any(|m| m["name"] == **v)));
            paths.sort_unstable();
            paths.dedup();
            assert_eq!(paths.len(), mounts.len(), "{file}: {paths:?}");
            for map in pod["volumes"].as_array().unwrap().iter().filter_map(|v| v.get("configMap"))
            {
                assert!(names.contains(&("ConfigMap", text(&map["name"]))), "{file}: {map}");
            }
            let account = text(&pod["serviceAccountName"]);
            assert!(account == "kept" || names.contains(&("ServiceAccount", account)), "{file}");
            // The selector of `kubectl logs` finds pods by the labels of their Job.
            for label in [LEG, RUN] {
                assert_eq!(
                    job["metadata"]["labels"][label],
                    spec["template"]["metadata"]["labels"][label]
                );
            }
        }
    }
}

/// One Job, as it was meant, with everything that a cluster file can ask for.
#[test]
fn a_job_says_what_was_asked_for() {
    let own = cluster(CLUSTERS[1].1);
    let written = objects(&of_fixture("tile", &own));
    let kinds: Vec<(&str, &str)> = written.iter().map(|o| (text(&o["kind"]), leg(o))).collect();
    assert_eq!(kinds, [("ServiceAccount", "0"), ("Job", "1"), ("Job", "2"), ("Job", "2-merge")]);
    let account = &written[0];
    let id = &account["metadata"]["annotations"]["azure.workload.identity/client-id"];
    assert_eq!(id, "01234567-89ab-cdef-0123-456789abcdef");
    assert!(written.iter().all(|o| o["metadata"]["namespace"] == "research"));
    let (job, pod) = (&written[2], &written[2]["spec"]["template"]);
    assert_eq!(pod["metadata"]["labels"]["azure.workload.identity/use"], "true");
    assert_eq!(job["spec"]["completions"], 200);
    assert_eq!(job["spec"]["maxFailedIndexes"], 100);
    assert_eq!(job["spec"]["backoffLimitPerIndex"], 3);
    assert_eq!(
        pod["spec"]["securityContext"],
        json!({
            "runAsNonRoot": true, "runAsUser": 65532, "runAsGroup": 65532, "fsGroup": 65532,
            "fsGroupChangePolicy": "OnRootMismatch", "seccompProfile": {"type": "RuntimeDefault"},
        })
    );
    let tile = container(job);
    assert_eq!(tile["command"], json!(["/microtome-tile"]));
    let args = [
        "az://slides/out",
        "--output=az://slides/out",
        "--leg=2:scan,tile",
        "--shard=$(JOB_COMPLETION_INDEX)/200",
        "--format=jpeg",
        "--mpp=0.5",
        "--threads=4",
        "--pack=1GB",
        "--max-failures=1%",
        "--log=json",
    ];
    assert_eq!(texts(&tile["args"]), args);
    assert_eq!(tile["env"], json!([{"name": "AZURE_STORAGE_ACCOUNT_NAME", "value": "slides"}]));
    assert_eq!(
        tile["resources"],
        json!({
            "requests": {"cpu": "2", "memory": "8Gi", "ephemeral-storage": "20Gi"},
            "limits": {"memory": "8Gi"},
        })
    );
    assert_eq!(
        tile["securityContext"],
        json!({
            "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
            "capabilities": {"drop": ["ALL"]},
        })
    );
    assert_eq!(tile["terminationMessagePolicy"], "FallbackToLogsOnError");
    assert_eq!(pod["spec"]["volumes"], json!([{"name": "tmp", "emptyDir": {"sizeLimit": "20Gi"}}]));
    let merge = container(&written[3]);
    assert_eq!(merge["command"], json!(["/microtome", "merge"]));
    assert_eq!(
        texts(&merge["args"]),
        ["az://slides/out", "--output=az://slides/out", "--leg=2:scan,tile", "--shards=200"]
    );
    let rule = &written[3]["spec"]["podFailurePolicy"]["rules"];
    assert_eq!((&rule[0]["action"], &rule[1]["action"]), (&json!("Ignore"), &json!("FailJob")));

    let queued = objects(&of_fixture("tile", &cluster(CLUSTERS[2].1)));
    for job in jobs(&queued) {
        assert_eq!(job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"], "photos");
        assert_eq!(job["spec"]["suspend"], true);
        assert_eq!(job["spec"]["template"]["metadata"]["labels"]["team"], "traps");
    }
    let secret = objects(&of_fixture("tile", &cluster(CLUSTERS[3].1)));
    let env = &container(jobs(&secret)[0])["env"];
    assert_eq!(env[2]["valueFrom"]["secretKeyRef"], json!({"name": "bucket", "key": "key.json"}));
    let none = BTreeMap::new();
    assert_eq!(super::expanded(text(&env[1]["value"]), &none), "$(C) $$ 1e3");
    let tolerant = objects(&of_fixture("tile", &cluster(CLUSTERS[4].1)));
    let pod = &jobs(&tolerant)[1]["spec"]["template"]["spec"];
    assert_eq!(pod["nodeSelector"], json!({"pool": "big", "kubernetes.io/arch": "amd64"}));
    assert_eq!(
        pod["tolerations"],
        json!([
            {"key": "spot", "operator": "Equal", "value": "true", "effect": "NoSchedule"},
            {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 60},
        ])
    );
    // A claim that is mounted twice is one volume; one that is called like ours has another name.
    assert_eq!(
        pod["volumes"],
        json!([
            {"name": "tmp", "emptyDir": {}},
            {"name": "claim-1", "persistentVolumeClaim": {"claimName": "a.b"}},
            {"name": "claim-2", "persistentVolumeClaim": {"claimName": "tmp"}},
        ])
    );
    assert_eq!(pod["containers"][0]["volumeMounts"][1]["readOnly"], true);
}

/// Jobs cannot be changed: what is different has another name, what is not has the same, and the account stays.
#[test]
fn names_follow_what_is_said() {
    let own = cluster(CLUSTERS[0].1);
    let pipeline = |mpp: &str| format!("microtome: 1\nsteps:\n- scan\n- tile: {{mpp: {mpp}}}\n");
    let names = |text: &str| -> Vec<String> {
        objects(text).iter().map(|o| text_of(&o["metadata"]["name"])).collect()
    };
    let place = "My slides & THEIR very, very long name (2026).yaml";
    let one = compiled(place, &pipeline("0.5"), &own);
    assert_eq!(one, compiled(place, &pipeline("5e-1"), &own));
    let (one, other) = (names(&one), names(&compiled(place, &pipeline("0.25"), &own)));
    assert!(one[1].starts_with("my-slides-their-very-ver-"), "{one:?}");
    assert_eq!((&one[0], &other[0]), (&"microtome".to_string(), &"microtome".to_string()));
    for (one, other) in one.iter().zip(&other).skip(1) {
        assert_ne!(one, other);
    }
}

fn text_of(value: &Value) -> String {
    text(value).to_string()
}
