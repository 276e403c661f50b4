//! The image of a step: `components/<step>/Containerfile`, and that of the image with every step.
//!
//! An image is one static binary, the certificates that TLS begins with, and `/tmp`: no shell, no package, no entry
//! point (Kubeflow's launcher takes none from an image, and Docker would put it before the command of a component).
//! `components/build` prepares the context that a file here copies from: git keeps no modes, and `/tmp` needs one.

use std::fmt::Write;

use super::{doc, first_paragraph, input_schema, output_schema, params_schema, pretty};
use crate::digest::Digest;
use crate::step::Entry;

/// `nonroot`, as images without a user table have it: by number, since there is no `/etc/passwd`.
const USER: &str = "65532:65532";

/// `components/<step>/Containerfile`.
pub fn of_step(entry: &Entry) -> String {
    let mut labels =
        labels(&format!("microtome-{}", entry.name), first_paragraph(&doc(entry)), entry.version);
    labels.push(("microtome.step", entry.name.into()));
    // The version that is in the key of every record that this image makes.
    labels.push(("microtome.step-version", entry.version.into()));
    labels.push(("microtome.schema-digest", schema_digest(entry).to_string()));
    containerfile(&format!("microtome-{}", entry.name), &labels)
}

/// `components/microtome/Containerfile`: every step, `run` and `merge` in one binary.
pub fn of_all(steps: &[Entry]) -> String {
    let mut labels =
        labels("microtome", env!("CARGO_PKG_DESCRIPTION").into(), env!("CARGO_PKG_VERSION"));
    let steps: Vec<String> =
        steps.iter().map(|entry| format!("{}@{}", entry.name, entry.version)).collect();
    labels.push(("microtome.steps", steps.join(" ")));
    containerfile("microtome", &labels)
}

/// BLAKE3 of a step's three schemas in a row, as they are committed: `cat params.json input.json output.json | b3sum`.
/// It changes when what a step takes or gives does.
pub fn schema_digest(entry: &Entry) -> Digest {
    let schemas = [params_schema(entry), input_schema(entry), output_schema(entry)];
    Digest::of(schemas.iter().map(pretty).collect::<String>().as_bytes())
}

fn labels(title: &str, description: String, version: &str) -> Vec<(&'static str, String)> {
    vec![
        ("org.opencontainers.image.title", title.into()),
        ("org.opencontainers.image.description", description),
        ("org.opencontainers.image.version", version.into()),
        ("org.opencontainers.image.licenses", env!("CARGO_PKG_LICENSE").into()),
        ("org.opencontainers.image.revision", "${REVISION}".into()),
    ]
}

fn containerfile(binary: &str, labels: &[(&str, String)]) -> String {
    let mut text = format!(
        "# Made from the declaration of the step: BLESS=1 cargo test --release --test generated
# `components/build` makes the context: `base/` with CA bundle and /tmp (mode 1777), and the static binary.
FROM scratch
COPY base/ /
COPY {binary} /{binary}
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
USER {USER}
ARG REVISION=unknown
"
    );
    for (i, (name, value)) in labels.iter().enumerate() {
        let lead = if i == 0 { "LABEL " } else { "      " };
        let end = if i + 1 < labels.len() { " \\" } else { "" };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{lead}{name}={}{end}", quoted(value));
    }
    text
}

/// A double-quoted word. Only the revision is a variable of the build.
fn quoted(value: &str) -> String {
    let mut text = String::from("\"");
    for c in value.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            '$' if value != "${REVISION}" => text.push_str("\\$"),
            '\n' => text.push(' '),
            _ => text.push(c),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::super::probe;
    use super::*;

    #[test]
    fn an_image_has_a_user_labels_and_no_entry_point() {
        let text = of_step(&probe::STEPS[1]);
        for line in [
            "FROM scratch",
            "COPY base/ /",
            "COPY microtome-probe /microtome-probe",
            "USER 65532:65532",
            "      org.opencontainers.image.version=\"1.2.3\" \\",
            "      org.opencontainers.image.revision=\"${REVISION}\" \\",
            "      microtome.step=\"probe\" \\",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
        }
        assert!(!text.contains("ENTRYPOINT") && !text.contains("CMD"));
        let last = text.lines().last().unwrap();
        let digest = schema_digest(&probe::STEPS[1]);
        assert_eq!(last, format!("      microtome.schema-digest=\"{digest}\""));
    }

    #[test]
    fn the_image_of_all_names_every_step_with_its_version() {
        let text = of_all(&probe::STEPS);
        assert!(text.contains("COPY microtome /microtome\n"));
        assert!(text.contains("probe@1.2.3"));
    }

    #[test]
    fn a_label_is_one_word_and_names_no_variable() {
        assert_eq!(quoted("a \"b\" \\ $HOME"), "\"a \\\"b\\\" \\\\ \\$HOME\"");
        assert_eq!(quoted("${REVISION}"), "\"${REVISION}\"");
    }
}
