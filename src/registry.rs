//! A registry of components: which versions of which steps there are, where their images lie, and what they take
//! and give. `components/index.json` is the one of this repository; others are read from wherever they are kept.
//!
//! An index may list several versions of a step. It was written elsewhere, so everything in it that is shown or put
//! into another file is checked here first.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::error::{Error, Result};

/// The version of the index's own shape: `"microtome-index": 1`.
pub const VERSION: u64 = 1;
/// Largest index that is read.
pub const MOST_BYTES: u64 = 16 << 20;
/// Most components of an index.
const MOST_COMPONENTS: usize = 10_000;
/// Longest name, image or line of words.
const MOST_LETTERS: usize = 4096;

/// An index of components.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Registry {
    /// Version of this file's shape: 1.
    #[serde(rename = "microtome-index")]
    #[schemars(extend("const" = 1))]
    pub version: u64,
    /// The components, each version of a step on its own.
    pub components: Vec<Component>,
}

/// One version of a component.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Component {
    /// The step's name, or `merge`.
    pub name: String,
    /// Its version.
    #[schemars(with = "String")]
    pub version: Version,
    /// The image: `…@sha256:…` when released, a tag when local.
    pub image: String,
    /// What it does, in one paragraph.
    #[serde(default)]
    pub does: String,
    /// What is worked on at once: listing, image, group or manifest; null for `merge`.
    #[serde(default)]
    pub grain: Option<String>,
    /// How much may change before the next major version.
    pub stability: Stability,
    /// What is on its way out: the component, or some of its inputs.
    #[serde(default)]
    pub deprecations: Vec<Deprecation>,
    /// BLAKE3 digests of files of the release: `params`, `input` and `output` (the JSON Schemas), `component`
    /// (component.yaml) and `ledger` (golden.lock).
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub digests: BTreeMap<String, Digest>,
    /// The manifest columns that it looks at.
    #[serde(default)]
    pub reads: Vec<Read>,
    /// The manifest columns that it adds.
    #[serde(default)]
    pub adds: Vec<Added>,
    /// Its inputs and their types, as Python has them; artifacts by their schema title.
    #[serde(default)]
    pub takes: BTreeMap<String, String>,
    /// Its outputs and their types.
    #[serde(default)]
    pub gives: BTreeMap<String, String>,
}

/// How much may change before the next major version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stability {
    /// Version 0, or a pre-release: anything may change with the next.
    Experimental,
    /// Version 1 or later: what it gives changes with the major version alone.
    Stable,
}

impl Stability {
    /// That of a version.
    pub fn of(version: &Version) -> Self {
        match version.major > 0 && version.pre.is_empty() {
            true => Self::Stable,
            false => Self::Experimental,
        }
    }

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Experimental => "experimental",
            Self::Stable => "stable",
        }
    }
}

/// What is on its way out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Deprecation {
    /// The input; null: the whole component.
    #[serde(default)]
    pub input: Option<String>,
    /// Why, and what to use.
    pub words: String,
}

/// A column that a step looks at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Read {
    /// The column.
    pub column: String,
    /// Its type in the schemas.
    #[serde(rename = "type")]
    pub kind: String,
    /// The step that makes it.
    pub made_by: String,
    /// Whether a manifest must have it when all params are defaults.
    pub needed: bool,
}

/// A column that a step adds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Added {
    /// The column.
    pub column: String,
    /// Its type in the schemas.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it may be null.
    pub nullable: bool,
}

impl Registry {
    /// Reads an index; `place` is its path or URL.
    ///
    /// Fields that are not known are passed over: an index that is newer by a field can be read.
    ///
    /// # Errors
    /// [`Error::Limit`] when it is larger than any index; [`Error::Format`] when it is none, or has a version of a
    /// component twice, or names and images that cannot be such; [`Error::Unsupported`] when it is of a later shape.
    pub fn parse(place: &str, bytes: &[u8]) -> Result<Self> {
        let length = bytes.len() as u64;
        if length > MOST_BYTES {
            return Err(too_large(place, format!("{length} bytes"), format!("{MOST_BYTES} bytes")));
        }
        let wrong = |message: String| Error::format(place, message);
        let head: Head = serde_json::from_slice(bytes)
            .map_err(|e| wrong(format!("no index of components: {e}")))?;
        match head.version {
            Some(VERSION) => {}
            Some(other) => {
                return Err(Error::unsupported(
                    format!("{place}: an index of version {other}"),
                    format!("this program reads version {VERSION}: use a newer microtome"),
                ));
            }
            None => {
                let wanted = format!("\"microtome-index\": {VERSION}");
                return Err(wrong(format!("no index of components: it has no {wanted}")));
            }
        }
        let registry: Self = serde_json::from_slice(bytes)
            .map_err(|e| wrong(format!("no index of components: {e}")))?;
        let count = registry.components.len();
        if count > MOST_COMPONENTS {
            return Err(too_large(
                place,
                format!("{count} components"),
                MOST_COMPONENTS.to_string(),
            ));
        }
        let mut seen = BTreeSet::new();
        for component in &registry.components {
            component.check().map_err(wrong)?;
            if !seen.insert((&component.name, &component.version)) {
                let Component { name, version, .. } = component;
                return Err(wrong(format!("{name} {version} stands there twice")));
            }
        }
        Ok(registry)
    }

    /// The newest version of a component; pre-releases only where there is nothing else.
    ///
    /// # Errors
    /// [`Error::Params`] with the names there are.
    pub fn find(&self, name: &str) -> Result<&Component> {
        self.newest(name, |_| true).ok_or_else(|| self.unknown(name))
    }

    /// The newest version of a component that a range allows.
    ///
    /// # Errors
    /// [`Error::Params`] with the names, or the versions, that there are.
    pub fn pin(&self, name: &str, range: &VersionReq) -> Result<&Component> {
        if let Some(found) = self.newest(name, |component| range.matches(&component.version)) {
            return Ok(found);
        }
        let versions: Vec<String> =
            self.versions(name).map(|component| component.version.to_string()).collect();
        if versions.is_empty() {
            return Err(self.unknown(name));
        }
        Err(Error::params(
            name,
            format!(
                "no version that `{range}` allows; the registry has {}: allow one of them, or use another registry",
                listed(&versions)
            ),
        ))
    }

    fn versions<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Component> {
        self.components.iter().filter(move |component| component.name == name)
    }

    fn newest<'a>(
        &'a self,
        name: &str,
        admits: impl Fn(&Component) -> bool,
    ) -> Option<&'a Component> {
        self.versions(name)
            .filter(|component| admits(component))
            .max_by_key(|component| (component.version.pre.is_empty(), &component.version))
    }

    fn unknown(&self, name: &str) -> Error {
        let names: BTreeSet<String> = self.components.iter().map(|c| c.name.clone()).collect();
        let names = listed(&names.into_iter().collect::<Vec<_>>());
        let there = if names.is_empty() { "it is empty".into() } else { format!("it has {names}") };
        Error::params(name, format!("the registry has no such component; {there}"))
    }
}

/// What is read first: whether it is an index at all, and of which shape.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "microtome-index")]
    version: Option<u64>,
}

impl Component {
    /// Whether everything that is shown, or written into another file, can be.
    fn check(&self) -> std::result::Result<(), String> {
        let name = &self.name;
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
            return Err(format!("{} is no component's name", quoted(name)));
        }
        let image = &self.image;
        let graphic = image.chars().all(|c| c.is_ascii_graphic() && !"\"'\\`$<>".contains(c));
        if image.is_empty() || image.len() > MOST_LETTERS || !graphic {
            return Err(format!("{name}: {} is no image", quoted(image)));
        }
        let mut words: Vec<&str> = vec![&self.does];
        words.extend(self.grain.as_deref());
        words.extend(
            self.deprecations.iter().flat_map(|d| [Some(&*d.words), d.input.as_deref()]).flatten(),
        );
        words.extend(self.reads.iter().flat_map(|r| [&*r.column, &*r.kind, &*r.made_by]));
        words.extend(self.adds.iter().flat_map(|a| [&*a.column, &*a.kind]));
        words.extend(self.takes.iter().chain(&self.gives).flat_map(|(a, b)| [&**a, &**b]));
        words.extend(self.digests.keys().map(String::as_str));
        // A terminal obeys control characters.
        match words.iter().find(|w| w.len() > MOST_LETTERS || w.chars().any(char::is_control)) {
            Some(word) => Err(format!("{name}: {} is no line of words", quoted(word))),
            None => Ok(()),
        }
    }
}

fn quoted(text: &str) -> String {
    format!("{:?}", text.chars().take(80).collect::<String>())
}

fn listed(words: &[String]) -> String {
    const SHOWN: usize = 30;
    let more = if words.len() > SHOWN {
        format!(" and {} more", words.len() - SHOWN)
    } else {
        String::new()
    };
    format!("{}{more}", words.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", "))
}

fn too_large(place: &str, found: String, allowed: String) -> Error {
    let raise = "an index of components is smaller: is this the right file?";
    Error::limit(format!("the index {place}"), found, allowed, raise)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn component(name: &str, version: &str) -> Value {
        json!({
            "name": name, "version": version, "image": format!("localhost/{name}:{version}"),
            "stability": "stable", "a field of later times": 1,
        })
    }

    fn parsed(components: &[Value]) -> Result<Registry> {
        let index = json!({"microtome-index": 1, "components": components});
        Registry::parse("index.json", index.to_string().as_bytes())
    }

    fn refused(bytes: &[u8]) -> String {
        Registry::parse("index.json", bytes).expect_err("refused").to_string()
    }

    #[test]
    fn the_newest_version_that_is_allowed_is_taken() {
        let versions = ["1.2.0", "1.10.0", "1.9.3", "2.0.0-rc.1", "0.9.0"];
        let all: Vec<Value> = versions.iter().map(|v| component("tile", v)).collect();
        let registry = parsed(&all).unwrap();
        let pin = |range: &str| {
            let range = VersionReq::parse(range).unwrap();
            registry.pin("tile", &range).map(|c| c.version.to_string()).map_err(|e| e.to_string())
        };
        assert_eq!(registry.find("tile").unwrap().version.to_string(), "1.10.0");
        assert_eq!(pin("^1.2").unwrap(), "1.10.0");
        assert_eq!(pin("~1.9").unwrap(), "1.9.3");
        assert_eq!(pin(">=2.0.0-rc.1").unwrap(), "2.0.0-rc.1");
        let missing = pin("^3").unwrap_err();
        assert!(missing.contains("`^3`") && missing.contains("1.2.0, 1.10.0"), "{missing}");
        let unknown = registry.pin("till", &VersionReq::STAR).unwrap_err().to_string();
        assert!(unknown.contains("no such component; it has tile"), "{unknown}");
    }

    #[test]
    fn what_is_no_index_is_refused() {
        assert!(refused(b"<html>").contains("no index of components"));
        assert!(refused(b"{}").contains("\"microtome-index\": 1"));
        assert!(refused(br#"{"microtome-index": 2, "components": "?"}"#).contains("version 2"));
        assert!(refused(br#"{"microtome-index": 1}"#).contains("components"));
        assert!(refused("[".repeat(100_000).as_bytes()).contains("no index of components"));
        let huge = vec![b' '; MOST_BYTES as usize + 1];
        assert!(matches!(Registry::parse("index.json", &huge), Err(Error::Limit { .. })));
        let twice = [component("tile", "1.0.0"), component("tile", "1.0.0")];
        assert!(parsed(&twice).unwrap_err().to_string().contains("tile 1.0.0 stands there twice"));
        for (field, value) in [
            ("version", json!("1.0")),
            ("name", json!("../tile")),
            ("image", json!("a b")),
            ("image", json!("")),
            ("does", json!("red \u{1b}[31m")),
            ("stability", json!("fine")),
            ("digests", json!({"params": "12"})),
        ] {
            let mut one = component("tile", "1.0.0");
            one[field] = value.clone();
            assert!(parsed(&[one]).is_err(), "{field}: {value}");
        }
    }

    #[test]
    fn stability_is_read_from_the_version() {
        let of = |text: &str| Stability::of(&Version::parse(text).unwrap()).name();
        assert_eq!(
            (of("0.9.0"), of("1.0.0-rc.1"), of("1.0.0")),
            ("experimental", "experimental", "stable")
        );
    }
}
