//! Every crate that is built, linked or tested with is under a licence of the list below: none asks a user of an image
//! for anything but its notice. Reads what Cargo has on disk; no network.

mod common;

use std::process::Command;

use serde_json::Value;
use spdx::{Expression, LicenseReq, Licensee, ParseMode};

/// What may be linked. Copyleft, in any strength, is not here: images carry static binaries.
const ALLOWED: &[&str] = &[
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Zlib",
];

/// Whether one who takes the crate can keep to [`ALLOWED`]: of "A OR B" one is enough, of "A AND B" both are needed.
fn allowed(licence: Option<&str>) -> Result<(), String> {
    let licence = licence.ok_or("names no licence")?;
    // Older crates write "MIT/Apache-2.0".
    let mode = ParseMode { allow_slash_as_or_operator: true, ..ParseMode::STRICT };
    let expression =
        Expression::parse_mode(licence, mode).map_err(|e| format!("{licence}: {}", e.reason))?;
    let listed: Vec<Licensee> = ALLOWED.iter().map(|l| Licensee::parse(l).unwrap()).collect();
    match expression.evaluate(|wanted: &LicenseReq| listed.iter().any(|l| l.satisfies(wanted))) {
        true => Ok(()),
        false => Err(licence.to_string()),
    }
}

/// The packages of the build for this machine, tests and build scripts included, as `cargo metadata` has them.
fn packages() -> Vec<Value> {
    let version = Command::new(env!("CARGO")).arg("-vV").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    // Without a platform Cargo wants the crates of all platforms, which nobody has fetched.
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .args(["--filter-platform", host])
        .current_dir(common::root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

#[test]
fn every_crate_is_under_a_licence_of_the_list() {
    let packages = packages();
    assert!(packages.len() > 100, "{} packages are not the whole tree", packages.len());
    let refused: Vec<String> = packages
        .iter()
        .filter_map(|package| {
            let why = allowed(package["license"].as_str()).err()?;
            Some(format!("{} {}: {why}", package["name"], package["version"]))
        })
        .collect();
    assert!(refused.is_empty(), "not of the list:\n{}", refused.join("\n"));
}

/// The check can fail: copyleft, what nobody knows, and what is not said.
#[test]
fn copyleft_and_unknown_licences_are_refused() {
    for licence in [
        "GPL-3.0-only",
        "GPL-2.0-or-later WITH Classpath-exception-2.0",
        "LGPL-2.1-or-later",
        "AGPL-3.0-only",
        "MPL-2.0",
        "MIT AND GPL-2.0-only",
        "(MIT OR Apache-2.0) AND LGPL-3.0-only",
        "Apache-2.0 WITH Swift-exception",
        "LicenseRef-ours",
        "as you like",
        "",
    ] {
        assert!(allowed(Some(licence)).is_err(), "{licence:?}");
    }
    assert!(allowed(None).is_err());
    for licence in ["MIT", "MIT/Apache-2.0", "GPL-2.0-only OR MIT", "MIT AND BSD-3-Clause"] {
        assert_eq!(allowed(Some(licence)), Ok(()), "{licence:?}");
    }
}
