//! What a dataset artifact says: where the dataset lies, and which manifest of it is meant.
//!
//! Kubeflow downloads input artifacts whole, an object after the other, and knows no Azure storage: so the artifact is small, and the
//! bulk stays at `output_uri`. The artifact's folder then holds [`FILE`], a copy of the manifest and the run's summary. Where no
//! `output_uri` was given, the folder is the dataset itself and there is no [`FILE`].

use serde_json::{Map, Value, json};

use super::input::Artifact;
use super::places::Places;
use crate::dataset::{MANIFEST, Root};
use crate::digest::Digest;
use crate::error::{Error, Result};

/// The file in a dataset artifact that says where the dataset lies.
pub const FILE: &str = "dataset.json";
/// Largest such file, in bytes.
const MOST_BYTES: u64 = 1 << 20;
/// The version of the file's own shape.
const VERSION: u64 = 1;

/// Where a dataset lies, and which of its manifests is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer {
    /// The dataset: a folder or a prefix.
    pub root: String,
    /// Path of the manifest below it.
    pub manifest: String,
    /// Digest of that file, where it is told.
    pub digest: Option<Digest>,
    /// `K:STEP,STEP,…`, where a leg made it.
    pub leg: Option<String>,
}

impl Pointer {
    /// A dataset that nothing is said of.
    pub fn to(root: &str) -> Self {
        Self { root: root.into(), manifest: MANIFEST.into(), digest: None, leg: None }
    }

    /// What an artifact points to: by its [`FILE`] or, where that was not brought, by its metadata; else its folder is the dataset.
    /// `None` for an artifact that is at no place.
    ///
    /// # Errors
    /// [`Error::Params`] for a place that no artifact can be at; [`Error::Format`] when what it says cannot be read.
    pub fn of(input: &str, artifact: &Artifact, places: &Places) -> Result<Option<Self>> {
        let Some(folder) = places.local(input, artifact)? else { return Ok(None) };
        // A file (a list to scan) is its own place.
        let Ok(root) = Root::open(&folder) else { return Ok(Some(Self::to(&folder))) };
        if let Some(length) = root.length(FILE)? {
            let what = format!("{folder}/{FILE}");
            if length > MOST_BYTES {
                return Err(Error::format(what, format!("{length} bytes are too many for it")));
            }
            let bytes = root.read(FILE)?.unwrap_or_default();
            let value: Value = serde_json::from_slice(&bytes)
                .map_err(|e| Error::format(what.clone(), format!("it is no JSON: {e}")))?;
            if value["microtome-dataset"].as_u64() != Some(VERSION) {
                let message = format!(
                    "it does not say `\"microtome-dataset\": {VERSION}`: another version of microtome wrote it, or somebody else"
                );
                return Err(Error::format(what, message));
            }
            let empty = Map::new();
            return Self::told(value.as_object().unwrap_or(&empty), &folder, &what).map(Some);
        }
        let said = &artifact.metadata;
        let is_told = said.get("microtome").is_some() && said.get("root").is_some();
        match is_told {
            true => {
                let mut told =
                    Self::told(said, &folder, &format!("metadata of the artifact `{input}`"))?;
                // A dataset in its artifact tells people the artifact's URI.
                if told.root == artifact.uri {
                    told.root = folder;
                }
                Ok(Some(told))
            }
            false => Ok(Some(Self::to(&folder))),
        }
    }

    fn told(said: &Map<String, Value>, folder: &str, what: &str) -> Result<Self> {
        let text = |name: &str| match said.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            Some(_) => Err(Error::format(what, format!("its `{name}` is no text"))),
        };
        let digest = text("manifest_digest")?.map(str::parse).transpose();
        Ok(Self {
            // Without a root of its own the folder is the dataset.
            root: text("root")?.unwrap_or(folder).into(),
            manifest: text("manifest")?.unwrap_or(MANIFEST).into(),
            digest: digest
                .map_err(|e| Error::format(what, format!("its `manifest_digest`: {e}")))?,
            leg: text("leg")?.map(String::from),
        })
    }

    /// The bytes of [`FILE`].
    pub fn bytes(&self) -> Vec<u8> {
        let value = json!({
            "microtome-dataset": VERSION,
            "root": self.root,
            "manifest": self.manifest,
            "manifest_digest": self.digest.map(|digest| digest.to_string()),
            "leg": self.leg,
        });
        format!("{value:#}\n").into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artifact(folder: &std::path::Path, metadata: Value) -> Artifact {
        let metadata = metadata.as_object().cloned().unwrap_or_default();
        Artifact { uri: folder.to_str().unwrap().into(), metadata, ..Artifact::default() }
    }

    #[test]
    fn the_file_is_read_back_and_wins_over_the_metadata() {
        let folder = tempfile::tempdir().unwrap();
        let of = |metadata| {
            Pointer::of("dataset", &artifact(folder.path(), metadata), &Places::default())
        };
        let place = folder.path().to_str().unwrap();
        assert_eq!(of(json!({})).unwrap(), Some(Pointer::to(place)));
        // Metadata of somebody else's artifact say nothing.
        assert_eq!(of(json!({"root": "/elsewhere"})).unwrap(), Some(Pointer::to(place)));
        let told = of(
            json!({"microtome": "0.1.0", "root": "s3://b/d", "manifest": "manifests/1-scan.parquet"}),
        );
        let told = told.unwrap().unwrap();
        assert_eq!(
            (told.root.as_str(), told.manifest.as_str()),
            ("s3://b/d", "manifests/1-scan.parquet")
        );
        let pointer = Pointer {
            root: "/data/out".into(),
            manifest: MANIFEST.into(),
            digest: Some(Digest::of(b"x")),
            leg: Some("2:scan,tile".into()),
        };
        std::fs::write(folder.path().join(FILE), pointer.bytes()).unwrap();
        assert_eq!(of(json!({"microtome": "0.1.0", "root": "s3://b/d"})).unwrap(), Some(pointer));
    }

    #[test]
    fn a_file_that_says_something_else_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for text in [
            "",
            "[]",
            "{}",
            r#"{"microtome-dataset": 2}"#,
            r#"{"microtome-dataset": 1, "root": 7}"#,
            r#"{"microtome-dataset": 1, "manifest_digest": "x"}"#,
        ] {
            std::fs::write(folder.path().join(FILE), text).unwrap();
            let found =
                Pointer::of("dataset", &artifact(folder.path(), json!({})), &Places::default());
            assert!(matches!(found, Err(Error::Format { .. })), "{text}: {found:?}");
        }
    }
}
