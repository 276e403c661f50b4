//! Where artifacts lie in the container.
//!
//! Kubeflow's launcher downloads input artifacts and uploads output artifacts; in between they are files at a place that
//! follows from the URI: `gs://` is below `/gcs/`, `minio://` below `/minio/`, `s3://` below `/s3/`. A local run hands over plain
//! paths. This holds for the URIs of *artifacts* alone: a *parameter* `input_uri` of `s3://…` is that store itself.

use super::input::Artifact;
use crate::dataset::{is_url, shown};
use crate::error::{Error, Result};

/// URI schemes that the launcher knows, and the folder of each.
const MOUNTS: &[(&str, &str)] = &[("gs://", "gcs"), ("minio://", "minio"), ("s3://", "s3")];

/// The folder below which the launcher keeps artifacts: `/`, apart from tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    base: String,
}

impl Default for Places {
    fn default() -> Self {
        Self::below("/")
    }
}

impl Places {
    /// Artifacts lie below another folder than `/`.
    pub fn below(base: &str) -> Self {
        Self { base: base.trim_end_matches('/').to_string() }
    }

    /// Where an artifact lies; `input` is what a message names. `None` for one without a place.
    ///
    /// # Errors
    /// [`Error::Params`] for a scheme that the launcher does not know, and for a path that leads upwards.
    pub fn local(&self, input: &str, artifact: &Artifact) -> Result<Option<String>> {
        let path = match &artifact.custom_path {
            Some(path) => path.clone(),
            None if artifact.uri.is_empty() => return Ok(None),
            None => self.path(input, &artifact.uri)?,
        };
        if path.split('/').any(|part| part == "..") {
            return Err(Error::params(
                input,
                format!("the artifact's place leads upwards: {}", cut(&path)),
            ));
        }
        Ok(Some(path))
    }

    fn path(&self, input: &str, uri: &str) -> Result<String> {
        for (scheme, folder) in MOUNTS {
            if let Some(rest) = uri.strip_prefix(scheme) {
                return Ok(format!("{}/{folder}/{}", self.base, rest.trim_end_matches('/')));
            }
        }
        let path = uri.strip_prefix("file://").unwrap_or(uri);
        if is_url(path) {
            return Err(Error::params(
                input,
                format!(
                    "Kubeflow brings no artifact from {}: only from gs://, minio:// and s3://. Give a place of another kind as the parameter `input_uri` or `output_uri`",
                    cut(&shown(uri))
                ),
            ));
        }
        if !path.starts_with('/') {
            return Err(Error::params(
                input,
                format!("the artifact's place is no absolute path and no URI: {}", cut(path)),
            ));
        }
        Ok(path.to_string())
    }
}

fn cut(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(uri: &str) -> Result<Option<String>> {
        Places::default().local("dataset", &Artifact { uri: uri.into(), ..Artifact::default() })
    }

    #[test]
    fn uris_are_the_launchers_folders() {
        let cases = [
            ("gs://bucket/a/b", "/gcs/bucket/a/b"),
            (
                "minio://mlpipeline/v2/artifacts/p/dataset/",
                "/minio/mlpipeline/v2/artifacts/p/dataset",
            ),
            ("s3://bucket/a", "/s3/bucket/a"),
            ("/local/outputs/dataset", "/local/outputs/dataset"),
            ("file:///local/dataset", "/local/dataset"),
        ];
        for (uri, path) in cases {
            assert_eq!(at(uri).unwrap().as_deref(), Some(path));
        }
        assert_eq!(at("").unwrap(), None);
        let elsewhere = Places::below("/below/");
        let artifact = Artifact { uri: "minio://m/d".into(), ..Artifact::default() };
        assert_eq!(
            elsewhere.local("dataset", &artifact).unwrap().as_deref(),
            Some("/below/minio/m/d")
        );
        let custom = Artifact { custom_path: Some("/here".into()), ..artifact };
        assert_eq!(elsewhere.local("dataset", &custom).unwrap().as_deref(), Some("/here"));
    }

    #[test]
    fn other_places_are_refused_and_no_query_is_told() {
        for uri in [
            "abfss://c@a/d",
            "oci://r/m",
            "relative/path",
            "s3://b/../../etc",
            "az://c/d?sig=secret",
        ] {
            match at(uri) {
                Err(Error::Params { field, message }) => {
                    assert_eq!(field, "dataset");
                    assert!(!message.contains("secret"), "{message}");
                }
                other => panic!("{uri}: {other:?}"),
            }
        }
    }
}
