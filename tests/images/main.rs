//! The images that `components/build` makes (`$MICROTOME_IMAGES`: its output folder): what is in them, and that they
//! work locked down as a cluster would have it, with the outputs of the binary on this machine.

#[path = "../common/mod.rs"]
mod common;
mod secure;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use microtome::describe::{containerfile, interface};
use microtome::steps::STEPS;
use serde_json::Value;

/// What an image may weigh, layers unpacked: a little over what the largest does, so that growth is noticed.
const MOST_BYTES: u64 = 43_000_000;

/// The folder of images.json, or the report that `test` is skipped.
fn folder_or_skip(test: &str) -> Option<PathBuf> {
    let Some(folder) = std::env::var_os("MICROTOME_IMAGES").map(PathBuf::from) else {
        common::skip(
            test,
            "no images (components/build makes them; MICROTOME_IMAGES names its output)",
        );
        return None;
    };
    if !Command::new("podman").arg("--version").output().is_ok_and(|said| said.status.success()) {
        common::skip(test, "no podman");
        return None;
    }
    Some(folder)
}

fn json(file: &Path) -> Value {
    let text = std::fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    serde_json::from_str(&text).unwrap()
}

fn podman(args: &[&str]) -> Output {
    Command::new("podman").args(args).stdin(Stdio::null()).output().unwrap()
}

/// Its stdout; it must succeed.
fn ok(output: Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// Runs an image as a cluster with the strictest rules would: nothing to write to but what `more` mounts.
fn locked(image: &str, more: &[&str], args: &[&str]) -> Output {
    let lock = [
        "run",
        "--rm",
        "--read-only",
        "--read-only-tmpfs=false",
        "--cap-drop=all",
        "--security-opt=no-new-privileges",
        "--user=65532:65532",
    ];
    let network: &[&str] =
        if more.iter().any(|m| m.starts_with("--network")) { &[] } else { &["--network=none"] };
    podman(&[&lock[..], network, more, &[image], args].concat())
}

/// Every image: its tag, its binary, and its version.
fn images() -> Vec<(String, String, String)> {
    let steps = STEPS.iter().map(|entry| {
        (interface::image(entry), format!("microtome-{}", entry.name), entry.version.to_string())
    });
    let all = (interface::image_of_all(), "microtome".into(), env!("CARGO_PKG_VERSION").into());
    steps.chain([all]).collect()
}

#[test]
fn an_image_is_small_and_holds_a_binary_certificates_and_tmp() {
    let Some(folder) = folder_or_skip("an_image_is_small_and_holds_a_binary_certificates_and_tmp")
    else {
        return;
    };
    let digests = json(&folder.join("images.json"));
    for (tag, binary, version) in images() {
        let said = ok(podman(&["image", "inspect", &tag]));
        let image: Value = serde_json::from_str::<Value>(&said).unwrap()[0].take();
        assert_eq!(image["Digest"], digests[&tag], "{tag}");
        let bytes = image["Size"].as_u64().unwrap();
        eprintln!("{tag}: {:.1} MB", bytes as f64 / 1e6);
        assert!(bytes < MOST_BYTES, "{tag}: {bytes} bytes");
        let config = &image["Config"];
        assert_eq!(config["User"], "65532:65532", "{tag}");
        for name in ["Entrypoint", "Cmd"] {
            let words = config[name].as_array().map_or(0, Vec::len);
            assert_eq!(words, 0, "{tag} {name}: {}", config[name]);
        }
        let label = |name: &str| config["Labels"][name].as_str().unwrap_or_default().to_string();
        assert_eq!(label("org.opencontainers.image.version"), version, "{tag}");
        assert_eq!(label("org.opencontainers.image.title"), binary, "{tag}");
        assert_eq!(label("org.opencontainers.image.licenses"), "MIT OR Apache-2.0", "{tag}");
        for name in ["description", "revision"] {
            assert!(!label(&format!("org.opencontainers.image.{name}")).is_empty(), "{tag} {name}");
        }
        assert_eq!(image["RootFS"]["Layers"].as_array().unwrap().len(), 1, "{tag}");
        let wanted = [
            ("etc/", 0o755),
            ("etc/ssl/", 0o755),
            ("etc/ssl/certs/", 0o755),
            ("etc/ssl/certs/ca-certificates.crt", 0o644),
            (&binary, 0o755),
            ("tmp/", 0o1777),
        ];
        let wanted: BTreeMap<String, u32> = wanted.map(|(name, mode)| (name.into(), mode)).into();
        assert_eq!(files_of(&tag), wanted, "{tag}");
    }
}

/// Names and modes of all files in the layers of an image.
fn files_of(tag: &str) -> BTreeMap<String, u32> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("image.tar");
    ok(podman(&["save", "--format=docker-archive", "--output", file.to_str().unwrap(), tag]));
    let manifest = std::fs::File::open(&file).unwrap();
    let mut layers = Vec::new();
    for entry in tar::Archive::new(manifest).entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.path().unwrap().to_str().unwrap() == "manifest.json" {
            let manifest: Value = serde_json::from_reader(&mut entry).unwrap();
            let names = manifest[0]["Layers"].as_array().unwrap().clone();
            layers = names.iter().map(|name| name.as_str().unwrap().to_string()).collect();
        }
    }
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(std::fs::File::open(&file).unwrap()).entries().unwrap() {
        let entry = entry.unwrap();
        if !layers.contains(&entry.path().unwrap().to_str().unwrap().to_string()) {
            continue;
        }
        for inner in tar::Archive::new(entry).entries().unwrap() {
            let inner = inner.unwrap();
            let name = inner.path().unwrap().to_str().unwrap().to_string();
            assert_eq!(inner.header().uid().unwrap(), 0, "{name}");
            files.insert(name, inner.header().mode().unwrap() & 0o7777);
        }
    }
    files
}

#[test]
fn the_labels_say_which_step_and_which_schemas() {
    let Some(_) = folder_or_skip("the_labels_say_which_step_and_which_schemas") else { return };
    for entry in STEPS {
        let format = "{{json .Config.Labels}}";
        let said = ok(podman(&["image", "inspect", "--format", format, &interface::image(entry)]));
        let labels: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(labels["microtome.step"], entry.name);
        assert_eq!(labels["microtome.step-version"], entry.version);
        // As whoever has the repository computes it.
        let mut schemas = Vec::new();
        for kind in ["params", "input", "output"] {
            let file = common::root().join(format!("schemas/{}/{kind}.json", entry.name));
            schemas.extend(std::fs::read(file).unwrap());
        }
        let digest = microtome::digest::Digest::of(&schemas);
        assert_eq!(labels["microtome.schema-digest"], digest.to_string(), "{}", entry.name);
        assert_eq!(containerfile::schema_digest(entry), digest, "{}", entry.name);
    }
}

#[test]
fn every_image_runs_locked_down() {
    let Some(_) = folder_or_skip("every_image_runs_locked_down") else { return };
    for (tag, binary, version) in images() {
        let command = format!("/{binary}");
        let said = ok(locked(&tag, &[], &[&command, "--version"]));
        assert_eq!(said.trim(), format!("{binary} {version}"));
        let help = ok(locked(&tag, &[], &[&command, "--help"]));
        assert!(help.contains("Usage:"), "{help}");
        // Without a command there is nothing to run, and no shell to run it with.
        assert!(!locked(&tag, &[], &[]).status.success(), "{tag}");
        assert!(!locked(&tag, &[], &["/bin/sh", "-c", "true"]).status.success(), "{tag}");
    }
}

/// A folder that uid 65532 may write to, mounted where it is, so that paths in messages are the same.
fn shared_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    folder
}

#[test]
fn images_give_the_bytes_of_the_binary_on_this_machine() {
    let Some(_) = folder_or_skip("images_give_the_bytes_of_the_binary_on_this_machine") else {
        return;
    };
    let slides = common::fixture("slides");
    let slides = slides.to_str().unwrap();
    let folder = shared_folder();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let mounts = [
        format!("--volume={slides}:{slides}:ro"),
        format!("--volume={0}:{0}", folder.path().display()),
    ];
    let mounts: Vec<&str> = mounts.iter().map(String::as_str).collect();
    let tile = ["--level", "0", "--min-tissue", "0.3", "--format", "jpeg", "--max-failures", "9"];
    for (step, input, flags) in
        [("scan", slides.to_string(), &[][..]), ("tile", at("scan"), &tile[..])]
    {
        let entry = microtome::steps::find(step).unwrap();
        let (here, there, all) =
            (at(&format!("{step}-here")), at(step), at(&format!("{step}-of-all")));
        let of = |out: &str| -> Vec<String> {
            let words = [input.as_str(), "-o", out].into_iter().chain(flags.iter().copied());
            words.map(String::from).collect()
        };
        ok(Command::new(env!("CARGO_BIN_EXE_microtome"))
            .arg(step)
            .args(of(&here))
            .output()
            .unwrap());
        let command = format!("/microtome-{step}");
        let given = of(&there);
        let args: Vec<&str> = std::iter::once(&command).chain(&given).map(String::as_str).collect();
        ok(locked(&interface::image(entry), &mounts, &args));
        let given = of(&all);
        let args: Vec<&str> =
            ["/microtome", step].into_iter().chain(given.iter().map(String::as_str)).collect();
        ok(locked(&interface::image_of_all(), &mounts, &args));
        let manifest =
            |root: &str| std::fs::read(Path::new(root).join("manifest.parquet")).unwrap();
        assert!(manifest(&here) == manifest(&there), "{step}: the same manifest");
        assert!(
            manifest(&here) == manifest(&all),
            "{step}: the same manifest from the image of all"
        );
        ok(Command::new(env!("CARGO_BIN_EXE_microtome")).args(["check", &there]).output().unwrap());
    }
}

#[test]
fn a_bill_of_materials_lists_what_is_linked_in() {
    let Some(folder) = folder_or_skip("a_bill_of_materials_lists_what_is_linked_in") else {
        return;
    };
    for (_, binary, _) in images() {
        let bill = json(&folder.join(format!("sbom/{binary}.cdx.json")));
        assert_eq!(bill["bomFormat"], "CycloneDX", "{binary}");
        assert_eq!(bill["metadata"]["component"]["name"], binary.as_str());
        let components = bill["components"].as_array().unwrap();
        let named = |name: &str| components.iter().find(|c| c["name"] == name);
        for name in ["polars-core", "libjpeg-turbo-rs", "rustls", "glibc", "rust-std"] {
            assert!(named(name).is_some(), "{binary} without {name}");
        }
        // Macros run in the compiler, and what only tests use is in no binary.
        for name in ["serde_derive", "syn", "proptest", "spdx"] {
            assert!(named(name).is_none(), "{binary} with {name}");
        }
        for component in components {
            let name = &component["name"];
            let purl = component["purl"].as_str().unwrap();
            assert!(
                purl.ends_with(component["version"].as_str().unwrap()),
                "{binary} {name}: {purl}"
            );
            let licence = component["licenses"][0]["expression"].as_str().unwrap();
            assert!(spdx::Expression::parse(licence).is_ok(), "{binary} {name}: {licence}");
        }
    }
}

/// The index that is released names images by digest, and only by digest.
#[test]
fn the_released_index_pins_every_image() {
    let Some(folder) = folder_or_skip("the_released_index_pins_every_image") else { return };
    let file = folder.join("index.json");
    let text = std::fs::read_to_string(&file).unwrap();
    let digests = json(&folder.join("images.json"));
    for (tag, ..) in images() {
        let name = tag.rsplit_once(':').unwrap().0;
        let pinned = format!("\"{name}@{}\"", digests[&tag].as_str().unwrap());
        assert!(text.contains(&pinned), "{pinned}");
        assert!(!text.contains(&format!("\"{tag}\"")), "{tag} is not pinned");
    }
}
