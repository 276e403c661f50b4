//! Cluster files: what is taken, what is refused and where the message points.

use microtome::compile::Cluster;
use microtome::error::Error;
use microtome::steps::STEPS;

pub fn parsed(text: &str) -> microtome::Result<Cluster> {
    Cluster::parse("cluster.yaml", text.as_bytes(), STEPS)
}

fn refused(text: &str) -> (String, String) {
    match parsed(text) {
        Err(Error::Params { field, message }) => (field, message),
        Err(other) => panic!("{text}\n{other:?}"),
        Ok(_) => panic!("taken:\n{text}"),
    }
}

#[test]
fn numbers_are_taken_as_people_write_them() {
    let cluster = parsed(
        "microtome-cluster: 1\nshards: 4\nenv: {LEVEL: 3}\ndefaults: {cpu: 2, memory: 8Gi, max_failures: 1}\n\
         steps: {tile: {cpu: 0.5, retries: 2}, merge: {memory: 1Gi}}\n",
    )
    .unwrap();
    assert_eq!(cluster.defaults.cpu.as_deref(), Some("2"));
    assert_eq!(cluster.defaults.max_failures.as_deref(), Some("1"));
    assert_eq!(cluster.steps["tile"].cpu.as_deref(), Some("0.5"));
    assert_eq!(cluster.env["LEVEL"], "3");
}

#[test]
fn every_mistake_is_named_by_its_place() {
    let cases = [
        ("shards: 0", "shards"),
        ("shards: 1001", "shards"),
        ("shards: -1", "shards"),
        ("shards: two", "shards"),
        ("shard: 2", "shard"),
        ("image: 'host/tile:{tag}'", "image"),
        ("image: 'a b'", "image"),
        ("defaults: {image: host/tile}", "defaults.image"),
        ("defaults: {memory: 8GB}", "defaults.memory"),
        ("defaults: {memory: 500m}", "defaults.memory"),
        ("defaults: {memory: '0'}", "defaults.memory"),
        ("defaults: {cpu: 4Gi}", "defaults.cpu"),
        ("defaults: {cpu: 4, cpu_limit: 2}", "defaults.cpu"),
        ("defaults: {memory: 8Gi, memory_limit: 8G}", "defaults.memory"),
        ("defaults: {scratch: lots}", "defaults.scratch"),
        ("defaults: {retries: 101}", "defaults.retries"),
        ("defaults: {threads: 0}", "defaults.threads"),
        ("defaults: {threads: 70000}", "defaults.threads"),
        ("defaults: {max_failures: 101%}", "defaults.max_failures"),
        ("defaults: {pack: 1B}", "defaults.pack"),
        ("defaults: {cache: maybe}", "defaults.cache"),
        ("defaults: {node_selector: {a b: c}}", "defaults.node_selector"),
        ("defaults: {node_selector: {pool: a/b}}", "defaults.node_selector.pool"),
        ("defaults: {tolerations: [{operator: Equal, value: x}]}", "defaults.tolerations[0].key"),
        ("defaults: {tolerations: [{key: a, operator: In}]}", "defaults.tolerations[0].operator"),
        (
            "defaults: {tolerations: [{key: a, operator: Exists, value: b}]}",
            "defaults.tolerations[0].value",
        ),
        ("defaults: {tolerations: [{key: a, effect: Never}]}", "defaults.tolerations[0].effect"),
        ("defaults: {tolerations: [{key: a, seconds: 3}]}", "defaults.tolerations[0].seconds"),
        ("steps: {tlie: {cpu: 2}}", "steps.tlie"),
        ("steps: {tile: {gpu: 2}}", "steps.tile.gpu"),
        ("steps: {split: {shards: 2}}", "steps.split.shards"),
        ("steps: {merge: {shards: 2}}", "steps.merge.shards"),
        ("steps: [tile]", "steps"),
        ("claims: [{claim: A_b, mount: /data}]", "claims[0].claim"),
        ("claims: [{claim: a, mount: data}]", "claims[0].mount"),
        ("claims: [{claim: a, mount: /data/../etc}]", "claims[0].mount"),
        ("claims: [{claim: a, mount: /tmp}]", "claims[0].mount"),
        ("claims: [{claim: a, mount: /etc}]", "claims[0].mount"),
        ("claims: [{claim: a, mount: /proc/1}]", "claims[0].mount"),
        ("claims: [{claim: a, mount: /data}, {claim: b, mount: /data/b}]", "claims[1].mount"),
        ("claims: [{claim: a}]", "claims[0].mount"),
        ("env: {1A: b}", "env"),
        ("env: {A: true}", "env.A"),
        ("env: {JOB_COMPLETION_INDEX: 1}", "env.JOB_COMPLETION_INDEX"),
        ("env: {A: b}\nsecrets: [{env: A, secret: s, key: k}]", "secrets[0].env"),
        ("secrets: [{env: A, secret: S, key: k}]", "secrets[0].secret"),
        ("secrets: [{env: A, secret: s, key: 'a/b'}]", "secrets[0].key"),
        ("pod_labels: {'a/b/c': x}", "pod_labels"),
        ("kubernetes: {namespace: a.b}", "kubernetes.namespace"),
        ("kubernetes: {workload_identity_client_id: me}", "kubernetes.workload_identity_client_id"),
        ("input: slides", "input"),
        ("input: /data/slides", "input"),
        ("output: ftp://host/x", "output"),
        ("output: 'az://'", "output"),
        ("claims: [{claim: a, mount: /data, read_only: true}]\noutput: /data/x", "output"),
        ("claims: [{claim: a, mount: /data}]\noutput: /database", "output"),
    ];
    for (text, field) in cases {
        let (found, message) = refused(&format!("microtome-cluster: 1\n{text}\n"));
        assert_eq!(found, field, "{text}: {message}");
    }
    assert_eq!(refused("shards: 2\n").0, "microtome-cluster");
    assert_eq!(refused("microtome-cluster: 2\n").0, "microtome-cluster");
    assert_eq!(refused("- a\n").0, "cluster.yaml");
    assert_eq!(refused("a: 1\na: 2\n").0, "cluster.yaml, line 2, column 1");
}

#[test]
fn slips_are_answered_with_the_nearest_name() {
    assert!(
        refused("microtome-cluster: 1\nsteps: {tlie: {}}\n").1.contains("did you mean `tile`?")
    );
    let (_, message) = refused("microtome-cluster: 1\ndefaults: {memroy: 1Gi}\n");
    assert!(message.contains("did you mean `memory`?"), "{message}");
}

#[test]
fn a_secret_in_a_wrong_place_is_refused_and_not_repeated() {
    let hidden = "hunter2hunter2";
    for (text, field) in [
        (format!("env: {{AZURE_STORAGE_ACCOUNT_KEY: {hidden}}}"), "env.AZURE_STORAGE_ACCOUNT_KEY"),
        (format!("env: {{AWS_SECRET_ACCESS_KEY: {hidden}}}"), "env.AWS_SECRET_ACCESS_KEY"),
        (format!("env: {{DB_PASSWORD: {hidden}}}"), "env.DB_PASSWORD"),
        (format!("env: {{PROXY: 'http://me:{hidden}@proxy:80'}}"), "env.PROXY"),
        (format!("input: 's3://key:{hidden}@bucket/x'"), "input"),
        (format!("input: 'https://a.blob.core.windows.net/c?sv=1&sig={hidden}'"), "input"),
        (format!("env: [{hidden}]"), "env"),
        (format!("shards: {hidden}"), "shards"),
    ] {
        let (found, message) = refused(&format!("microtome-cluster: 1\n{text}\n"));
        assert_eq!(found, field);
        assert!(!message.contains(hidden), "{message}");
    }
    // Places of secrets are no secrets.
    parsed(
        "microtome-cluster: 1\nenv: {AZURE_FEDERATED_TOKEN_FILE: /var/run/token, AWS_ACCESS_KEY_ID: x, SASKIA: y}\n",
    )
    .unwrap();
}

/// What strangers send: large, deep, endless.
#[test]
fn hostile_files_are_refused_in_no_time() {
    let large = format!("microtome-cluster: 1\ninput: {}\n", "x".repeat(2 << 20));
    assert!(matches!(Cluster::parse("c", large.as_bytes(), STEPS), Err(Error::Limit { .. })));
    let deep = format!("microtome-cluster: 1\nsteps: {}{}\n", "[".repeat(200), "]".repeat(200));
    assert!(parsed(&deep).is_err());
    let many: String = (0..5000).map(|n| format!("  A{n}: b\n")).collect();
    assert_eq!(refused(&format!("microtome-cluster: 1\nenv:\n{many}")).0, "env");
    let long = format!("microtome-cluster: 1\nenv: {{A: {}}}\n", "x".repeat(40_000));
    assert_eq!(refused(&long).0, "env.A");
    let name = "é".repeat(10_000);
    assert!(refused(&format!("microtome-cluster: 1\n{name}: 1\n")).0.len() < 200);
    assert!(Cluster::parse("c", b"\xff\xfe", STEPS).is_err());
}
