//! Which files a listing takes.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde_json::Value;

use super::Params;
use crate::error::{Error, Result};
use crate::step::params_from;

/// Endings (lower case) of files that lie beside images and are none. Everything else is looked at,
/// videos too: a file that cannot be read is to be listed as a failure, not passed over.
const BESIDE: &[&str] = &[
    "7z",
    "arrow",
    "bz2",
    "cfg",
    "conf",
    "css",
    "csv",
    "db",
    "doc",
    "docx",
    "feather",
    "geojson",
    "gz",
    "htm",
    "html",
    "ini",
    "ipynb",
    "js",
    "json",
    "jsonl",
    "lock",
    "log",
    "md",
    "md5",
    "ndjson",
    "ndpa",
    "npy",
    "npz",
    "parquet",
    "pdf",
    "pt",
    "pth",
    "py",
    "r",
    "rst",
    "safetensors",
    "sh",
    "sha1",
    "sha256",
    "sqlite",
    "tar",
    "tgz",
    "toml",
    "tsv",
    "txt",
    "xls",
    "xlsx",
    "xml",
    "xmp",
    "xz",
    "yaml",
    "yml",
    "zip",
    "zst",
];

/// Which files below a folder or prefix are scanned, by their ids: `include`, `exclude` and the rule
/// for hidden and foreign files, as [`Params`] documents them.
///
/// # Errors
/// [`Error::Params`] for params that are wrong, a glob that is none among them.
pub fn selects(params: &Value) -> Result<impl Fn(&str) -> bool + Send + Sync + use<>> {
    let rule = Rule::new(&params_from(params.clone())?)?;
    Ok(move |id: &str| rule.selects(id))
}

/// As [`selects`] for files that the user named one by one (a list, a single file): whatever was
/// named is taken, hidden or not, unless `include` or `exclude` speak against it.
///
/// # Errors
/// As [`selects`].
pub fn selects_named(params: &Value) -> Result<impl Fn(&str) -> bool + Send + Sync + use<>> {
    let rule = Rule::new(&params_from(params.clone())?)?;
    Ok(move |id: &str| rule.globs_admit(id))
}

/// The rule, compiled.
pub(super) struct Rule {
    include: Option<GlobSet>,
    exclude: GlobSet,
}

impl Rule {
    pub(super) fn new(params: &Params) -> Result<Self> {
        let include = match params.include.is_empty() {
            true => None,
            false => Some(globs("include", &params.include)?),
        };
        Ok(Self { include, exclude: globs("exclude", &params.exclude)? })
    }

    pub(super) fn selects(&self, id: &str) -> bool {
        let hidden = id.split('/').any(|part| part.starts_with('.'));
        let beside = || {
            let name = id.rsplit('/').next().unwrap_or_default();
            name.rsplit_once('.').is_some_and(|(_, ending)| {
                BESIDE.binary_search(&ending.to_ascii_lowercase().as_str()).is_ok()
            })
        };
        !hidden && (self.include.is_some() || !beside()) && self.globs_admit(id)
    }

    pub(super) fn globs_admit(&self, id: &str) -> bool {
        self.include.as_ref().is_none_or(|set| set.is_match(id)) && !self.exclude.is_match(id)
    }
}

fn globs(field: &str, patterns: &[String]) -> Result<GlobSet> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let wrong =
            |e: globset::Error| Error::params(field, format!("`{pattern}` is no glob: {e}"));
        // A bare name is meant at any depth.
        let anywhere = match pattern.contains('/') {
            true => pattern.clone(),
            false => format!("**/{pattern}"),
        };
        let glob = GlobBuilder::new(&anywhere)
            .literal_separator(true)
            .case_insensitive(true)
            // The same on every system.
            .backslash_escape(true)
            .build()
            .map_err(wrong)?;
        set.add(glob);
    }
    set.build().map_err(|e| Error::params(field, format!("too many or too large globs: {e}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn selected<'a>(params: &Value, ids: &[&'a str]) -> Vec<&'a str> {
        let selects = selects(params).unwrap();
        ids.iter().copied().filter(|id| selects(id)).collect()
    }

    const IDS: &[&str] = &[
        "a.svs",
        "a.xml",
        "b/c.JPG",
        "b/.DS_Store",
        ".cache/d.png",
        "b/labels.CSV",
        "b/e.mp4",
        "b/deep/f.svs",
        "noending",
        "csv",
    ];

    #[test]
    fn endings_are_sorted_for_the_search() {
        assert!(BESIDE.is_sorted());
    }

    #[test]
    fn by_default_all_but_hidden_and_foreign_files() {
        let expected = ["a.svs", "b/c.JPG", "b/e.mp4", "b/deep/f.svs", "noending", "csv"];
        assert_eq!(selected(&Value::Null, IDS), expected);
    }

    #[test]
    fn include_replaces_the_endings_but_not_the_hidden_rule() {
        assert_eq!(selected(&json!({"include": ["*.svs"]}), IDS), ["a.svs", "b/deep/f.svs"]);
        assert_eq!(
            selected(&json!({"include": ["b/*"]}), IDS),
            ["b/c.JPG", "b/labels.CSV", "b/e.mp4"]
        );
        assert_eq!(selected(&json!({"include": ["*.jpg", "*.png"]}), IDS), ["b/c.JPG"]);
        assert_eq!(selected(&json!({"include": ["b/**/*.svs"]}), IDS), ["b/deep/f.svs"]);
    }

    #[test]
    fn exclude_wins() {
        let params = json!({"include": ["*.svs"], "exclude": ["b/**"]});
        assert_eq!(selected(&params, IDS), ["a.svs"]);
        assert_eq!(
            selected(&json!({"exclude": ["*.mp4", "noending", "csv"]}), IDS),
            ["a.svs", "b/c.JPG", "b/deep/f.svs"]
        );
    }

    #[test]
    fn what_was_named_is_taken() {
        let named = selects_named(&json!({"exclude": ["*.mp4"]})).unwrap();
        assert!(named(".cache/d.png") && named("b/labels.CSV") && !named("b/e.mp4"));
        let named = selects_named(&json!({"include": ["*.png"]})).unwrap();
        assert!(named(".cache/d.png") && !named("a.svs"));
    }

    #[test]
    fn a_wrong_glob_names_its_param() {
        let error = selects(&json!({"exclude": ["a[b"]})).err().unwrap();
        assert!(error.to_string().starts_with("exclude: `a[b` is no glob"), "{error}");
    }
}
