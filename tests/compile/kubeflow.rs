//! Pipelines of Kubeflow: what they hold, what its SDK makes of them, and what it compiles itself from the same.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use microtome::compile::{self, Cluster, Plan, kubeflow};
use microtome::dataset::read_file;
use microtome::error::Error;
use microtome::steps::STEPS;
use microtome::yaml;
use serde_json::{Value, json};

use super::common::{fixture, python_or_skip, root};
use super::plans::plan;

/// Both documents.
fn documents(text: &str) -> (Value, Value) {
    let (first, second) = text.split_once("\n---\n").unwrap_or((text, "{}"));
    let parsed = |text: &str| yaml::document("pipeline", text.as_bytes()).unwrap();
    (parsed(first), parsed(second))
}

fn compiled(steps: &str, cluster: &str) -> (Value, Value) {
    documents(&kubeflow::compile(&plan(steps, cluster).unwrap()).unwrap())
}

fn pipelines() -> Vec<String> {
    let entries = fs::read_dir(fixture("pipelines")).unwrap();
    let mut names: Vec<String> =
        entries.map(|e| e.unwrap().path().to_str().unwrap().to_string()).collect();
    names.retain(|name| name.ends_with(".yaml"));
    names.sort();
    assert!(names.len() >= 4);
    names
}

fn of_file(place: &str, cluster: &Cluster) -> Plan {
    let text = read_file(place).unwrap();
    compile::plan(place, &text, STEPS, cluster, None, &read_file).unwrap()
}

/// Every reference within a pipeline leads to something that is there.
fn sound(document: &Value) {
    let components = document["components"].as_object().unwrap();
    let executors = document["deploymentSpec"]["executors"].as_object().unwrap();
    let mut used = BTreeSet::new();
    let inner = components.iter().filter(|(_, c)| c["dag"].is_object());
    for (dag, around) in
        inner.map(|(_, c)| (&c["dag"], c)).chain([(&document["root"]["dag"], &document["root"])])
    {
        let tasks = dag["tasks"].as_object().unwrap();
        for (name, task) in tasks {
            let component = task["componentRef"]["name"].as_str().unwrap();
            used.insert(component);
            let callee = &components[component];
            let after: Vec<&str> = task["dependentTasks"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            for kind in ["parameters", "artifacts"] {
                for (input, value) in task["inputs"][kind].as_object().into_iter().flatten() {
                    assert!(callee["inputDefinitions"][kind][input].is_object(), "{name}.{input}");
                    let own = value["componentInputParameter"]
                        .as_str()
                        .or(value["componentInputArtifact"].as_str());
                    if let Some(own) = own {
                        assert!(around["inputDefinitions"][kind][own].is_object(), "{name}: {own}");
                    }
                    for (how, key) in [
                        ("taskOutputParameter", "outputParameterKey"),
                        ("taskOutputArtifact", "outputArtifactKey"),
                    ] {
                        if let Some(producer) = value[how]["producerTask"].as_str() {
                            assert!(
                                after.contains(&producer),
                                "{name} does not wait for {producer}"
                            );
                            let made = tasks[producer]["componentRef"]["name"].as_str().unwrap();
                            let key = value[how][key].as_str().unwrap();
                            assert!(components[made]["outputDefinitions"][kind][key].is_object());
                        }
                    }
                }
            }
            // What a pipeline around a leg needs is given: nothing there has a default.
            if callee["dag"].is_object() {
                for kind in ["parameters", "artifacts"] {
                    for input in callee["inputDefinitions"][kind].as_object().into_iter().flatten()
                    {
                        let item = task["parameterIterator"]["itemInput"] == input.0.as_str();
                        assert!(
                            item || task["inputs"][kind][input.0].is_object(),
                            "{name}: {}",
                            input.0
                        );
                    }
                }
            }
        }
    }
    assert_eq!(used, components.keys().map(String::as_str).collect());
    let labels = components.values().filter_map(|c| c["executorLabel"].as_str());
    assert_eq!(labels.collect::<BTreeSet<_>>(), executors.keys().map(String::as_str).collect());
}

#[test]
fn every_pipeline_compiles_with_1_2_and_8_shards() {
    for place in pipelines() {
        for shards in [1, 2, 8] {
            let mut cluster = Cluster {
                input: Some("az://in/x".into()),
                output: Some("az://out/x".into()),
                ..Cluster::default()
            };
            cluster.deal(shards);
            let plan = of_file(&place, &cluster);
            let (document, platform) = documents(&kubeflow::compile(&plan).unwrap());
            sound(&document);
            assert_eq!(platform, json!({}));
            // Else the SDK would load that component alone.
            let name = document["pipelineInfo"]["name"].as_str().unwrap();
            assert!(document["components"][format!("comp-{name}")].is_null(), "{name}");
            let tasks = document["root"]["dag"]["tasks"].as_object().unwrap();
            assert_eq!(tasks.len(), plan.legs.len(), "{place}");
            let loops = document["components"].as_object().unwrap().values().filter(|component| {
                let tasks = component["dag"]["tasks"].as_object();
                tasks.is_some_and(|t| t.values().any(|t| t["parameterIterator"].is_object()))
            });
            let dealt = plan.legs.iter().filter(|leg| leg.shards > 1).count();
            assert_eq!(loops.count(), dealt, "{place}");
            assert!(dealt > 0 || shards == 1, "{place}");
        }
    }
}

#[test]
fn the_example_clusters_are_compiled_as_their_comments_say() {
    let mut seen = 0;
    for (pipeline, cluster) in
        [("histology", "azure"), ("camera-trap", "claim"), ("balanced", "local")]
    {
        let place = fixture(&format!("clusters/{cluster}.yaml"));
        let text = fs::read(&place).unwrap();
        let command = format!(
            "compile fixtures/pipelines/{pipeline}.yaml --to kubeflow --cluster fixtures/clusters/{cluster}.yaml"
        );
        assert!(String::from_utf8_lossy(&text).contains(&command), "{cluster}");
        let cluster = Cluster::parse(place.to_str().unwrap(), &text, STEPS).unwrap();
        let pipeline = fixture(&format!("pipelines/{pipeline}.yaml"));
        let (document, platform) =
            documents(&kubeflow::compile(&of_file(pipeline.to_str().unwrap(), &cluster)).unwrap());
        sound(&document);
        let executors = &platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"];
        for (label, executor) in executors.as_object().unwrap() {
            assert!(document["deploymentSpec"]["executors"][label].is_object(), "{label}");
            assert!(executor["podMetadata"].is_object() || executor["pvcMount"].is_array());
            seen += 1;
        }
    }
    assert!(seen >= 8);
    let all = fs::read_dir(fixture("clusters")).unwrap().count();
    assert_eq!(all, 3, "an example that is not compiled here");
}

#[test]
fn a_leg_is_given_what_the_one_before_it_made() {
    let (document, _) = compiled(
        "- scan\n- tile: {mpp: 0.75}\n- split",
        "steps: {tile: {cache: true, retries: 2}}",
    );
    let tasks = &document["root"]["dag"]["tasks"];
    let scan = &tasks["scan"]["inputs"];
    assert_eq!(scan["parameters"]["input_uri"], json!({"componentInputParameter": "input_uri"}));
    assert!(scan["artifacts"].is_null());
    let tile = &tasks["tile"];
    let inputs = &tile["inputs"]["parameters"];
    assert_eq!(
        inputs["input_digest"]["taskOutputParameter"],
        json!({"producerTask": "scan", "outputParameterKey": "manifest_digest"})
    );
    assert_eq!(inputs["leg"]["runtimeValue"]["constant"], "2:scan,tile,split");
    assert_eq!(inputs["mpp"]["runtimeValue"]["constant"], 0.75);
    assert_eq!(inputs["output_uri"], json!({"componentInputParameter": "output_uri"}));
    let given: Vec<&String> = inputs.as_object().unwrap().keys().collect();
    assert_eq!(given, ["input_digest", "leg", "mpp", "output_uri"], "nothing that is a default");
    assert_eq!(tile["retryPolicy"]["maxRetryCount"], 2);
    assert_eq!(tile["cachingOptions"]["enableCache"], true);
    assert_eq!(tasks["scan"]["cachingOptions"]["enableCache"], false);
    assert!(tasks["scan"]["retryPolicy"].is_null());
    let root = &document["root"];
    assert_eq!(root["inputDefinitions"]["parameters"]["input_uri"]["defaultValue"], "az://in/x");
    let last = &root["dag"]["outputs"]["artifacts"]["report"]["artifactSelectors"][0];
    assert_eq!(*last, json!({"producerSubtask": "split", "outputArtifactKey": "report"}));
}

#[test]
fn a_merge_is_held_to_the_digest_of_every_part() {
    let (document, _) = compiled("- scan\n- tile\n- split", "steps: {tile: {shards: 3}}");
    let dealt = &document["components"]["comp-tile-dealt"]["dag"]["tasks"];
    let iterator = &dealt["tile-shards"]["parameterIterator"];
    assert_eq!(iterator["items"]["raw"], "[0,1,2]");
    let looped = &document["components"]["comp-tile-shards"];
    let shard = &looped["dag"]["tasks"]["tile"]["inputs"]["parameters"];
    assert_eq!(shard["shard_index"]["componentInputParameter"], iterator["itemInput"]);
    assert_eq!(shard["shard_count"]["runtimeValue"]["constant"], 3);
    let merge = &dealt["tile-merge"]["inputs"]["parameters"];
    let collected = &merge["input_digests"]["taskOutputParameter"];
    assert_eq!(collected["producerTask"], "tile-shards");
    let key = collected["outputParameterKey"].as_str().unwrap();
    assert_eq!(looped["outputDefinitions"]["parameters"][key]["parameterType"], "LIST");
    let from = &looped["dag"]["outputs"]["parameters"][key]["valueFromParameter"];
    assert_eq!(*from, json!({"producerSubtask": "tile", "outputParameterKey": "manifest_digest"}));
    assert_eq!(merge["leg"], shard["leg"]);
    assert_eq!(merge["shard_count"], shard["shard_count"]);
    // No loop is given the output of another task directly: kfp.local would replace it by the loop's number.
    for task in document["components"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|c| c["dag"]["tasks"].as_object())
        .flatten()
    {
        if task.1["parameterIterator"].is_object() {
            assert!(!task.1["inputs"].to_string().contains("taskOutput"), "{}", task.0);
        }
    }
}

#[test]
fn what_only_kubernetes_knows_stands_in_the_second_document() {
    let cluster = "claims: [{claim: data, mount: /data}]\nenv: {AWS_REGION: eu-1}\n\
        secrets: [{env: AWS_SECRET_ACCESS_KEY, secret: s3, key: secret}]\n\
        kubernetes: {workload_identity_client_id: 01234567-89ab-cdef-0123-456789abcdef, queue: gpu}\n\
        steps: {tile: {shards: 2, cpu: 500m, memory: 8Gi, memory_limit: 16Gi, scratch: 20Gi, threads: 3, max_failures: 1%, pack: 1GB}}";
    let text = kubeflow::compile(&plan("- scan\n- tile", cluster).unwrap()).unwrap();
    assert!(text.contains("# Not said here: `kubernetes.queue`"), "{text}");
    let (document, platform) = documents(&text);
    let executors = &document["deploymentSpec"]["executors"];
    assert_eq!(
        executors["exec-tile"]["container"]["resources"],
        json!({
            "cpuRequest": 0.5, "resourceCpuRequest": "500m",
            "memoryRequest": 8.589934592, "resourceMemoryRequest": "8Gi",
            "memoryLimit": 17.179869184, "resourceMemoryLimit": "16Gi",
        })
    );
    let configs = &platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"];
    for label in ["exec-scan", "exec-tile", "exec-tile-merge"] {
        assert_eq!(
            executors[label]["container"]["env"],
            json!([{"name": "AWS_REGION", "value": "eu-1"}])
        );
        let config = &configs[label];
        assert_eq!(config["pvcMount"][0]["mountPath"], "/data");
        assert_eq!(config["secretAsEnv"][0]["keyToEnv"][0]["envVar"], "AWS_SECRET_ACCESS_KEY");
        assert_eq!(config["podMetadata"]["labels"]["azure.workload.identity/use"], "true");
    }
    assert_eq!(configs["exec-tile"]["emptyDirMounts"][0]["sizeLimit"], "20Gi");
    assert!(configs["exec-scan"]["emptyDirMounts"].is_null());
    let shard =
        &document["components"]["comp-tile-shards"]["dag"]["tasks"]["tile"]["inputs"]["parameters"];
    let given = |name: &str| shard[name]["runtimeValue"]["constant"].clone();
    assert_eq!(
        (given("threads"), given("max_failures"), given("pack")),
        (json!(3), json!("1%"), json!("1GB"))
    );
}

#[test]
fn what_kubeflow_cannot_carry_is_refused() {
    let refused =
        |steps: &str, cluster: &str| match kubeflow::compile(&plan(steps, cluster).unwrap()) {
            Err(Error::Params { field, message }) => (field, message),
            other => panic!("{other:?}"),
        };
    let (field, message) = refused("- scan\n- tile", "steps: {tile: {shards: 201}}");
    assert_eq!(field, "steps.tile.shards");
    assert!(message.contains("200") && message.contains("--to kubernetes"), "{message}");
    let (field, _) = refused("- scan: {include: ['{{$.pipeline_job_uuid}}']}", "");
    assert_eq!(field, "scan.include");
}

/// The command: flags over the file, stdout, a file that is whole or not there.
#[test]
fn the_command_writes_what_the_library_makes() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("pipeline.yaml");
    let run = |more: &[&str]| {
        let line = ["compile", "fixtures/pipelines/histology.yaml", "--to", "kubeflow"];
        Command::new(env!("CARGO_BIN_EXE_microtome"))
            .current_dir(root())
            .args(line)
            .args(more)
            .output()
            .unwrap()
    };
    let flags = [
        "--cluster",
        "fixtures/clusters/azure.yaml",
        "--shards",
        "2",
        "--output-uri",
        "az://elsewhere/x",
    ];
    let shown = run(&flags);
    assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
    let text = String::from_utf8(shown.stdout).unwrap();
    let (document, _) = documents(&text);
    let parameters = &document["root"]["inputDefinitions"]["parameters"];
    assert_eq!(parameters["output_uri"]["defaultValue"], "az://elsewhere/x");
    assert_eq!(parameters["input_uri"]["defaultValue"], "az://slides/cohort-7");
    let written = run(&[&flags[..], &["-o", out.to_str().unwrap()]].concat());
    assert!(written.status.success());
    assert_eq!(fs::read_to_string(&out).unwrap(), text);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "something was left behind");
    // Refused as a whole: nothing is written.
    for wrong in [
        &["--input", "slides"][..],
        &["--shards", "0"],
        &["--image", "{what}"],
        &["--cluster", "gone.yaml"],
    ] {
        let gone = folder.path().join("none.yaml");
        let refused =
            run(&[wrong, &["--output-uri", "az://a/b", "-o", gone.to_str().unwrap()]].concat());
        assert!(!refused.status.success() && !gone.exists(), "{wrong:?}");
    }
}

/// The SDK itself: it reads both documents strictly, loads the pipeline as a component, finds the types to fit, and
/// compiles the same pipeline, written in Python, to the same structure; and its local runner runs ours, with a
/// program in place of the containers that answers as a step does.
#[test]
fn the_sdk_takes_it_and_compiles_the_same() {
    let test = "the_sdk_takes_it_and_compiles_the_same";
    let Some(python) = python_or_skip(test, &["kfp", "kfp.kubernetes", "docker"]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let script = root().join("tests/compile/kubeflow.py");
    let put = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
    let cluster = "claims: [{claim: data, mount: /data}]\nenv: {AWS_REGION: eu-1}\n\
        secrets: [{env: KEY, secret: s3, key: secret}]\npod_labels: {team: pathology}\n\
        defaults: {cpu: 500m, cpu_limit: 2, memory: 8Gi, memory_limit: 16G, scratch: 20Gi, retries: 2, cache: true, \
        node_selector: {pool: large}, tolerations: [{key: spot, operator: Equal, value: 'yes', effect: NoExecute, seconds: 30}]}\n\
        steps: {tile: {shards: 2}}";
    let steps = "- scan\n- tile: {mpp: 0.75}\n- split";
    put("same.yaml", kubeflow::compile(&plan(steps, cluster).unwrap()).unwrap());
    // The same step twice: no task may take another one's place.
    let twice = "- scan\n- normalize: {resize: longest, side_px: 64}\n- normalize";
    put("twice.yaml", kubeflow::compile(&plan(twice, "shards: 2").unwrap()).unwrap());
    for place in pipelines() {
        for shards in [1, 2] {
            let mut cluster = Cluster::parse(
                "c",
                b"microtome-cluster: 1\ninput: az://in/x\noutput: az://out/x\n",
                STEPS,
            )
            .unwrap();
            cluster.deal(shards);
            let name = Path::new(&place).file_stem().unwrap().to_str().unwrap();
            put(
                &format!("{name}-{shards}.yaml"),
                kubeflow::compile(&of_file(&place, &cluster)).unwrap(),
            );
        }
    }
    let output = Command::new(python).arg(script).arg(folder.path()).arg(root()).output().unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{said}");
    assert!(said.contains("10 pipelines loaded, 1 compared, 10 run"), "{said}");
}
