//! The package of a step's own binary.

use crate::step::Entry;

/// `components/<step>/Cargo.toml`: the package carries the step's own version.
pub fn cargo_toml(entry: &Entry) -> String {
    // A TOML basic string is a JSON string, as long as nothing outside the BMP is escaped; serde
    // escapes only quotes, backslashes and control characters.
    let about = serde_json::Value::from(super::first_paragraph(&super::doc(entry)));
    format!(
        "# Made from the declaration of the step: BLESS=1 cargo test --release --test generated
[package]
name = \"microtome-{name}\"
version = \"{version}\"
description = {about}
edition.workspace = true
rust-version.workspace = true
license.workspace = true
publish.workspace = true

[dependencies]
microtome = {{ path = \"../..\" }}
",
        name = entry.name,
        version = entry.version,
    )
}

/// `components/<step>/src/main.rs`: one line.
pub fn main_rs(entry: &Entry) -> String {
    format!(
        "fn main() -> std::process::ExitCode {{\n    microtome::cli::main_step(\"{}\")\n}}\n",
        entry.name
    )
}
