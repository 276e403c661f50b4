//! Indexes of components, and the versions that a pipeline file allows, as a user of the binary meets them.

mod common;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

use microtome::registry::Registry;
use microtome::steps::STEPS;
use semver::VersionReq;
use serde_json::{Value, json};
use tempfile::tempdir;

/// What a run of the binary said: its code, its results, its other words.
fn run(args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_microtome"));
    let Output { status, stdout, stderr } =
        command.args(args).stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

fn committed() -> String {
    common::root().join("components/index.json").to_str().unwrap().to_string()
}

/// The index of this repository with changes.
fn changed(change: impl Fn(&mut Vec<Value>)) -> String {
    let mut index: Value = serde_json::from_slice(&fs::read(committed()).unwrap()).unwrap();
    change(index["components"].as_array_mut().unwrap());
    index.to_string()
}

/// A web server that answers every request with this body; its address.
fn serve(body: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let _ = stream.read(&mut [0; 4096]);
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ =
                stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
        }
    });
    address
}

#[test]
fn the_index_of_this_repository_is_what_the_binary_has() {
    let registry = Registry::parse("index.json", &fs::read(committed()).unwrap()).unwrap();
    for entry in STEPS {
        let range = VersionReq::parse(&format!("={}", entry.version)).unwrap();
        let component = registry.pin(entry.name, &range).unwrap();
        for file in ["params", "input", "output"] {
            let path = common::root().join(format!("schemas/{}/{file}.json", entry.name));
            let digest = microtome::digest::Digest::of(&fs::read(path).unwrap());
            assert_eq!(component.digests[file], digest, "{} {file}", entry.name);
        }
        for (file, name) in [("component.yaml", "component"), ("golden.lock", "ledger")] {
            let path = common::root().join(format!("components/{}/{file}", entry.name));
            let digest = microtome::digest::Digest::of(&fs::read(path).unwrap());
            assert_eq!(component.digests[name], digest, "{} {file}", entry.name);
        }
    }
    let (code, out, err) = run(&["steps", "--registry", &committed()]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert_eq!(out.lines().count(), STEPS.len() + 1, "{out}");
    assert!(out.lines().all(|line| line.ends_with("as here")), "{out}");
}

#[test]
fn what_a_registry_has_otherwise_is_shown() {
    let body = changed(|components| {
        components.retain(|one| one["name"] != "sample");
        let of = |name: &str| components.iter().position(|one| one["name"] == name).unwrap();
        let (tile, scan, split) = (of("tile"), of("scan"), of("split"));
        components[tile]["version"] = "99.0.0".into();
        components[tile]["image"] = format!("elsewhere/tile@sha256:{}", "0".repeat(64)).into();
        components[scan]["digests"]["params"] = "0".repeat(64).into();
        components[split]["deprecations"] = json!([{"input": "seed", "words": "Use another."}]);
        let mut new = components[tile].clone();
        new["name"] = "register".into();
        components.push(new);
    });
    let address = serve(body);
    let url = format!("http://reader:hush@{address}/index.json?sig=hush");
    let (code, out, err) = run(&["steps", "--registry", &url]);
    assert_eq!(code, Some(0), "{err}");
    let line = |name: &str| out.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    assert!(line("tile").contains("99.0.0") && line("tile").contains("@sha256:000"), "{out}");
    assert!(line("tile").contains("here, older"), "{out}");
    assert!(line("scan").ends_with("another schema of params here"), "{out}");
    assert!(line("register").ends_with("not in this program"), "{out}");
    assert!(out.contains("    deprecated seed: Use another.\n"), "{out}");
    assert!(out.contains("only here: sample\n"), "{out}");

    let (code, out, _) = run(&["steps", "tile", "--registry", &url, "--json"]);
    assert_eq!(code, Some(0));
    let answer: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(answer["components"].as_array().unwrap().len(), 1);
    assert_eq!(answer["components"][0]["version"], "99.0.0");
    assert!(answer["components"][0]["differs"][0].as_str().unwrap().contains("older"), "{out}");
    let (code, _, err) = run(&["steps", "till", "--registry", &url]);
    assert!(code == Some(2) && err.contains("no such component; it has"), "{err}");
    assert!(!err.contains("hush"), "{err}");
}

#[test]
fn what_is_no_registry_is_refused_in_words() {
    let folder = tempdir().unwrap();
    let refused = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        let (code, out, err) = run(&["steps", "--registry", path.to_str().unwrap()]);
        assert!(code.is_some_and(|code| code > 1) && out.is_empty(), "{name}: {code:?} {out}");
        assert!(err.contains(name) && err.contains("remedy: "), "{name}: {err}");
        err
    };
    assert!(refused("page.html", b"<html>").contains("no index of components"));
    assert!(refused("empty.json", b"").contains("no index of components"));
    assert!(refused("later.json", br#"{"microtome-index": 2}"#).contains("version 2"));
    assert!(refused("huge.json", &vec![b' '; (16 << 20) + 1]).contains("more than the limit"));
    let twice = changed(|components| {
        let first = components[0].clone();
        components.push(first);
    });
    assert!(refused("twice.json", twice.as_bytes()).contains("stands there twice"));

    let (code, _, err) = run(&["steps", "--registry", "/there/is/none.json"]);
    assert!(code.is_some_and(|code| code > 1) && err.contains("/there/is/none.json"), "{err}");
    // A server that goes on and on is left.
    let address = serve(" ".repeat((16 << 20) + 1));
    let url = format!("http://reader:hush@{address}/index.json?sig=hush");
    let (code, _, err) = run(&["steps", "--registry", &url]);
    assert!(code.is_some_and(|code| code > 1) && err.contains("more than the limit"), "{err}");
    assert!(err.contains(&address) && !err.contains("hush"), "{err}");
    let url = format!("http://reader:hush@{}/index.json?sig=hush", serve("<html>".into()));
    let (_, _, err) = run(&["steps", "--registry", &url]);
    assert!(err.contains("no index of components") && !err.contains("hush"), "{err}");
}

#[test]
fn a_compiled_pipeline_has_the_images_of_a_registry() {
    let folder = tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    fs::write(place("p.yaml"), "microtome: 1\nsteps: [scan, tile]\n").unwrap();
    let compile = |index: String| {
        fs::write(place("index.json"), index).unwrap();
        let places = ["--input", "s3://images/slides", "--output-uri", "s3://images/patches"];
        let start = ["compile", &place("p.yaml"), "--to", "kubeflow", "--shards", "2"];
        let index = place("index.json");
        run(&[&start[..], &places, &["--registry", &index]].concat())
    };
    let released = |one: &mut Value| {
        let name = one["name"].as_str().unwrap().to_string();
        one["image"] = format!("registry.example/{name}@sha256:{}", "1".repeat(64)).into();
    };
    // A newer version beside the one that is here is not taken: it may give other bytes.
    let (code, out, err) = compile(changed(|components| {
        components.iter_mut().for_each(released);
        let mut newer = components.iter().find(|one| one["name"] == "tile").unwrap().clone();
        newer["version"] = "99.0.0".into();
        newer["image"] = "registry.example/tile:99".into();
        components.push(newer);
    }));
    assert_eq!(code, Some(0), "{err}");
    for name in ["scan", "tile", "merge"] {
        let image = format!("registry.example/{name}@sha256:{}", "1".repeat(64));
        assert!(out.contains(&image), "{image}\n{out}");
    }
    assert!(!out.contains("localhost/") && !out.contains("tile:99"), "{out}");

    let of_tile = |change: &dyn Fn(&mut Value)| {
        compile(changed(|components| {
            change(components.iter_mut().find(|one| one["name"] == "tile").unwrap());
        }))
    };
    let (code, out, err) = of_tile(&|tile| tile["version"] = "99.0.0".into());
    assert!(code == Some(2) && out.is_empty(), "{code:?} {err}");
    assert!(err.contains("--registry: tile") && err.contains("99.0.0 is the newest"), "{err}");
    let (code, _, err) = of_tile(&|tile| tile["digests"]["params"] = "0".repeat(64).into());
    assert!(code == Some(2) && err.contains("another schema of params"), "{err}");
    let (code, _, err) = of_tile(&|tile| tile["name"] = "tiles".into());
    assert!(code == Some(2) && err.contains("no such component; it has"), "{err}");
}

#[test]
fn a_run_holds_to_the_versions_of_its_pipeline() {
    let folder = tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let go = |versions: &str| {
        let text = format!("microtome: 1\nversions: {versions}\nsteps: [scan]\n");
        fs::write(place("p.yaml"), text).unwrap();
        let slides = common::fixture("slides");
        run(&["run", &place("p.yaml"), slides.to_str().unwrap(), "-o", &place("out"), "-q"])
    };
    let scan = STEPS.iter().find(|entry| entry.name == "scan").unwrap();
    let (code, _, err) = go("{scan: ^99}");
    assert_eq!(code, Some(2), "{err}");
    for words in ["versions.scan", "`^99`", &format!("has scan {}", scan.version), "or allow"] {
        assert!(err.contains(words), "{words}: {err}");
    }
    let (code, _, err) = go("{scam: ^1}");
    assert!(code == Some(2) && err.contains("did you mean `scan`?"), "{err}");
    let (code, _, err) = go("{tile: ^1}");
    assert!(code == Some(2) && err.contains("no step of this pipeline"), "{err}");
    assert!(!folder.path().join("out").exists(), "nothing was begun");
    let (code, _, err) = go(&format!("{{scan: ^{}}}", scan.version));
    assert_eq!(code, Some(0), "{err}");
}
