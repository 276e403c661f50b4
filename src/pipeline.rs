//! The pipeline file: a list of steps with their params, checked as a whole before anything starts.
//!
//! ```yaml
//! microtome: 1
//! steps:
//!   - scan: {include: ["*.svs"]}
//!   - tile:
//!       mpp: 0.5
//! ```
//!
//! `versions:` beside `steps:` says which versions of them will do, as semantic-version ranges; a program whose step is
//! of another version refuses the file, and a compiled pipeline takes from a registry what is allowed:
//!
//! ```yaml
//! versions: {scan: ^1.0, tile: ">=1.1, <1.4"}
//! ```
//!
//! A step is a name alone (`- scan`) or a name with params. A param that names a file is read
//! relative to the pipeline file and inlined, so that keys know contents and never paths. YAML is
//! parsed within a budget (depth, nodes, aliases), and a key that stands twice is refused.

use std::collections::BTreeMap;

use semver::{Version, VersionReq};
use serde_json::{Map, Value};

use crate::describe::{self, FileFormat, Param, Shape, nearest};
use crate::error::{Error, Result};
use crate::manifest;
use crate::step::{AnyStep, Entry, Grain};
use crate::yaml;

/// The version of the file's own shape: `microtome: 1`.
pub const VERSION: u64 = 1;

/// Most steps of a chain.
const MOST_STEPS: usize = 64;

/// Reads one file, by path or URL.
pub type Read<'a> = &'a dyn Fn(&str) -> Result<Vec<u8>>;

/// The steps of a pipeline file, ready to run.
///
/// `place` is the path or URL of the file; `steps` the steps there are.
///
/// # Errors
/// [`Error::Params`] with the line of what is no YAML, or the path of what is wrong
/// (`steps[1].tile.tile_px`, `versions.tile`); as `read` when a file that a param names cannot be read.
pub fn parse(
    place: &str,
    text: &[u8],
    steps: &'static [Entry],
    read: Read,
) -> Result<Vec<Box<dyn AnyStep>>> {
    let Document { steps: listed, versions } = document(place, text)?;
    let chain = listed
        .into_iter()
        .enumerate()
        .map(|(index, value)| step(place, index, value, steps, read))
        .collect::<Result<Vec<_>>>()?;
    for (index, step) in chain.iter().enumerate().skip(1) {
        if step.entry().grain == Grain::Listing {
            let name = step.entry().name;
            return Err(Error::params(
                format!("steps[{index}].{name}"),
                format!("`{name}` lists files and can only come first"),
            ));
        }
    }
    for (name, range) in &versions {
        allows(name, range, &chain, steps)?;
    }
    Ok(chain)
}

/// The versions that a pipeline file allows, by step; a step that is not there may have any.
///
/// Whether they fit the steps of this program is not asked here: [`parse`] does.
///
/// # Errors
/// [`Error::Params`] as [`parse`], of the file's frame and its `versions`.
pub fn versions(place: &str, text: &[u8]) -> Result<BTreeMap<String, VersionReq>> {
    Ok(document(place, text)?.versions)
}

/// The frame of a pipeline file.
struct Document {
    steps: Vec<Value>,
    versions: BTreeMap<String, VersionReq>,
}

fn document(place: &str, text: &[u8]) -> Result<Document> {
    let document = yaml::document(place, text)?;
    let Value::Object(mut document) = document else {
        return Err(Error::params(
            place,
            "a pipeline file is a map with `microtome: 1` and `steps:`",
        ));
    };
    match document.remove("microtome") {
        Some(version) if version.as_u64() == Some(VERSION) => {}
        Some(other) => {
            return Err(Error::params("microtome", format!("{other} where {VERSION} is known")));
        }
        None => {
            return Err(Error::params(
                "microtome",
                format!("missing: begin with `microtome: {VERSION}`"),
            ));
        }
    }
    let listed = document.remove("steps");
    let versions = document.remove("versions");
    if let Some(field) = document.keys().next() {
        return Err(Error::params(field, "no such field; there are: microtome, steps, versions"));
    }
    let Some(Value::Array(steps)) = listed else {
        return Err(Error::params("steps", "missing, or not a list"));
    };
    if steps.is_empty() || steps.len() > MOST_STEPS {
        return Err(Error::params(
            "steps",
            format!("{} steps; a pipeline has 1 to {MOST_STEPS}", steps.len()),
        ));
    }
    Ok(Document { steps, versions: ranges(versions)? })
}

/// `versions:` as it stands in the file.
fn ranges(given: Option<Value>) -> Result<BTreeMap<String, VersionReq>> {
    let given = match given {
        None => return Ok(BTreeMap::new()),
        Some(Value::Object(map)) => map,
        Some(other) => {
            let message = format!("{} is not a map of steps to ranges: `tile: ^1.2`", cut(&other));
            return Err(Error::params("versions", message));
        }
    };
    let range = |(name, value): (String, Value)| {
        let field = || format!("versions.{}", cut(&name.clone().into()));
        let range = match &value {
            Value::String(text) => VersionReq::parse(text)
                .map_err(|e| Error::params(field(), format!("{} is no range: {e}", cut(&value))))?,
            // 1.10 is the number 1.1.
            other => {
                let message =
                    format!("{} is not text: quote it, as in `\"1.2\"` or `^1.2`", cut(other));
                return Err(Error::params(field(), message));
            }
        };
        Ok((name, range))
    };
    given.into_iter().map(range).collect()
}

/// Whether the step of this chain is of a version that is allowed.
fn allows(
    name: &str,
    range: &VersionReq,
    chain: &[Box<dyn AnyStep>],
    steps: &'static [Entry],
) -> Result<()> {
    let field = format!("versions.{}", cut(&name.into()));
    let entry = find(steps, name).map_err(|message| Error::params(&field, message))?;
    if !chain.iter().any(|step| step.entry().name == name) {
        let names: Vec<&str> = chain.iter().map(|step| step.entry().name).collect();
        let message =
            format!("`{name}` is no step of this pipeline, whose steps are: {}", names.join(", "));
        return Err(Error::params(field, message));
    }
    let version = Version::parse(entry.version)
        .map_err(|e| Error::Bug { message: format!("version of `{name}`: {e}") })?;
    if range.matches(&version) {
        return Ok(());
    }
    let message = format!(
        "this program has {name} {version}, and the pipeline allows `{range}`: use a program with such a version \
         (`microtome steps` lists them), or allow {version}"
    );
    Err(Error::params(field, message))
}

fn step(
    place: &str,
    index: usize,
    value: Value,
    steps: &'static [Entry],
    read: Read,
) -> Result<Box<dyn AnyStep>> {
    let at = format!("steps[{index}]");
    let (name, params) = match value {
        Value::String(name) => (name, Value::Null),
        Value::Object(map) if map.len() == 1 => map.into_iter().next().unwrap_or_default(),
        other => {
            return Err(Error::params(
                at,
                format!(
                    "{} is not a step: write `- name` or `- name: {{param: value}}`",
                    cut(&other)
                ),
            ));
        }
    };
    let entry = find(steps, &name)
        .map_err(|message| Error::params(format!("{at}.{}", cut(&name.clone().into())), message))?;
    let params = match params {
        Value::Null => Map::new(),
        Value::Object(map) => map,
        other => {
            let message = format!("{} is not a map of params", cut(&other));
            return Err(Error::params(format!("{at}.{name}"), message));
        }
    };
    make(entry, params, &|field| format!("{at}.{name}.{field}"), &|path| read(&beside(place, path)))
}

/// The step of this name, or what to say.
///
/// # Errors
/// A message with the nearest name and all names.
pub fn find(steps: &'static [Entry], name: &str) -> std::result::Result<&'static Entry, String> {
    steps.iter().find(|entry| entry.name == name).ok_or_else(|| {
        let names: Vec<_> = steps.iter().map(|entry| entry.name).collect();
        format!("no such step{}; there are: {}", meant(name, &names), names.join(", "))
    })
}

fn meant(written: &str, names: &[&str]) -> String {
    nearest(written, names.iter().copied())
        .map(|name| format!("; did you mean `{name}`?"))
        .unwrap_or_default()
}

/// A chain that begins with images, with `scan` and its defaults in front: for an input that is no dataset yet.
///
/// # Errors
/// [`Error::Bug`] when there is no such step.
pub fn scanned_first(mut steps: Vec<Box<dyn AnyStep>>) -> Result<Vec<Box<dyn AnyStep>>> {
    let scan = crate::steps::find("scan")
        .ok_or_else(|| Error::Bug { message: "there is no step `scan`".into() })?;
    steps.insert(0, scan.make(Value::Null)?);
    Ok(steps)
}

/// A step from params as a person writes them: unknown names are answered with the nearest, files
/// are read and inlined, and messages carry the field under the name that the person used.
///
/// # Errors
/// As [`Entry::make`], and as `read`.
pub fn make(
    entry: &'static Entry,
    given: Map<String, Value>,
    named: &dyn Fn(&str) -> String,
    read: Read,
) -> Result<Box<dyn AnyStep>> {
    let params = describe::params(entry)?;
    let names: Vec<&str> = params.iter().map(|p| p.name.as_str()).collect();
    let mut filled = Map::new();
    let all = given.clone();
    for (name, value) in given {
        let Some(param) = params.iter().find(|p| p.name == name) else {
            let field = named(&cut(&name.clone().into()));
            return Err(Error::params(
                field,
                format!(
                    "`{}` has no such param{}; there are: {}",
                    entry.name,
                    meant(&name, &names),
                    names.join(", ")
                ),
            ));
        };
        let value = match (&param.shape, files_of(&value)) {
            (Shape::File(format), Some(paths)) if format.is_made() => {
                let files = paths.into_iter().map(|path| Ok((path.to_string(), read(path)?)));
                let files = files.collect::<Result<Vec<_>>>()?;
                entry.inline(&name, &files, &all).map_err(|e| renamed(e, &names, named))?
            }
            _ => inline(param, value, read)?,
        };
        filled.insert(name, value);
    }
    entry.make(Value::Object(filled)).map_err(|error| renamed(error, &names, named))
}

/// An error with the field under the name that the person used.
fn renamed(error: Error, names: &[&str], named: &dyn Fn(&str) -> String) -> Error {
    match error {
        // The path of a nested value begins with the param's name.
        Error::Params { field, message } => {
            let head = field.split(['.', '[']).next().unwrap_or_default();
            let known = names.contains(&head);
            Error::Params { field: if known { named(&field) } else { field }, message }
        }
        other => other,
    }
}

/// The files that a value names: a path or a list of paths.
fn files_of(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(path) => Some(vec![path]),
        Value::Array(paths) if !paths.is_empty() => paths.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

/// The content of the file that a param names; any other value as it is.
///
/// # Errors
/// As `read`; [`Error::Format`] when the file is not what the param asks for.
fn inline(param: &Param, value: Value, read: Read) -> Result<Value> {
    let (Shape::File(format), Value::String(path)) = (&param.shape, &value) else {
        return Ok(value);
    };
    let bytes = read(path)?;
    match format {
        FileFormat::Csv => {
            let rows = manifest::read_csv(path, &bytes)?;
            serde_json::to_value(rows).map_err(|e| Error::format(path, e.to_string()))
        }
        FileFormat::Profile | FileFormat::Policy | FileFormat::Detections => {
            Err(Error::params(path, "names no file"))
        }
        FileFormat::Json => serde_json::from_slice(&bytes)
            .map_err(|e| Error::format(path, format!("not JSON: {e}"))),
    }
}

/// A path that stands in a file, seen from where that file lies.
fn beside(place: &str, path: &str) -> String {
    let absolute = path.starts_with('/') || path.contains("://");
    match place.rsplit_once('/') {
        Some((folder, _)) if !absolute => format!("{folder}/{path}"),
        _ => path.to_string(),
    }
}

fn cut(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_string);
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::describe::probe::STEPS;

    fn read(path: &str) -> Result<Vec<u8>> {
        match path {
            "/p/classes.csv" | "s3://bucket/p/classes.csv" => Ok(b"name\ntumor\n".to_vec()),
            _ => Err(Error::store(path, "not there")),
        }
    }

    fn parsed(place: &str, steps: &str) -> Result<Vec<Value>> {
        let text = format!("microtome: 1\nsteps:\n{steps}");
        let chain = parse(place, text.as_bytes(), &STEPS, &read)?;
        Ok(chain.iter().map(|step| step.params().clone()).collect())
    }

    #[test]
    fn files_lie_beside_the_pipeline() {
        let steps = "- list-it\n- probe: {classes: classes.csv, size_px: 64.0}\n";
        for place in ["/p/tile.yaml", "s3://bucket/p/tile.yaml"] {
            let params = parsed(place, steps).unwrap();
            assert_eq!(params[1]["classes"], serde_json::json!([{"name": "tumor"}]));
            assert_eq!(params[1]["size_px"], 64);
        }
        assert!(
            matches!(parsed("tile.yaml", steps), Err(Error::Store { path, .. }) if path == "classes.csv")
        );
        let absolute = "- probe: {classes: /p/classes.csv}\n";
        assert!(parsed("elsewhere/tile.yaml", absolute).is_ok());
        // What is inlined already stays as it is.
        let inline = "- probe: {classes: [{name: tumor}]}\n";
        assert_eq!(parsed("x.yaml", inline).unwrap()[0]["classes"][0]["name"], "tumor");
    }

    #[test]
    fn messages_carry_the_path() {
        let field = |steps: &str| match parsed("p.yaml", steps) {
            Err(Error::Params { field, .. }) => field,
            other => panic!("{steps}: {other:?}"),
        };
        assert_eq!(field("- list-it\n- probe: {size_px: 0}\n"), "steps[1].probe.size_px");
        assert_eq!(field("- probe: {sizepx: 1}\n"), "steps[0].probe.sizepx");
        assert_eq!(field("- prob\n"), "steps[0].prob");
        assert_eq!(field("- probe\n- list-it\n"), "steps[1].list-it");
        assert_eq!(field("- [probe]\n"), "steps[0]");
        assert!(parsed("p.yaml", &"- probe\n".repeat(65)).is_err());
    }

    #[test]
    fn versions_are_held_to() {
        let refused =
            |versions: &str| match parsed("p.yaml", &format!("- probe\nversions: {versions}\n")) {
                Err(Error::Params { field, message }) => (field, message),
                other => panic!("{versions}: {other:?}"),
            };
        // The probe is 1.2.3.
        for versions in
            ["{probe: ^1.2}", "{probe: '1'}", "{probe: '>=1.2.3, <1.3'}", "{}", "{probe: '*'}"]
        {
            let steps = format!("- probe\nversions: {versions}\n");
            assert!(parsed("p.yaml", &steps).is_ok(), "{versions}: {:?}", parsed("p.yaml", &steps));
        }
        let (field, message) = refused("{probe: ^1.3}");
        assert_eq!(field, "versions.probe");
        assert!(
            message.contains("has probe 1.2.3") && message.contains("allows `^1.3`"),
            "{message}"
        );
        assert!(message.contains("or allow 1.2.3"), "{message}");
        let (field, message) = refused("{prob: ^1.2}");
        assert!(field == "versions.prob" && message.contains("did you mean `probe`?"), "{message}");
        let (field, message) = refused("{list-it: ^0.1}");
        assert!(
            field == "versions.list-it" && message.contains("no step of this pipeline"),
            "{message}"
        );
        for (versions, words) in [
            ("{probe: 1.10}", "is not text"),
            ("{probe: newest}", "is no range"),
            ("[probe]", "not a map"),
            ("null", "not a map"),
        ] {
            assert!(refused(versions).1.contains(words), "{versions}: {:?}", refused(versions));
        }
        let text = b"microtome: 1\nversions: {probe: ^9}\nsteps: [probe]\n";
        assert_eq!(versions("p.yaml", text).unwrap()["probe"], VersionReq::parse("^9").unwrap());
    }
}
