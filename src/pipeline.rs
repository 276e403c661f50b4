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
//! A step is a name alone (`- scan`) or a name with params. A param that names a file is read
//! relative to the pipeline file and inlined, so that keys know contents and never paths. YAML is
//! parsed within a budget (depth, nodes, aliases), and a key that stands twice is refused.

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
/// (`steps[1].tile.tile_px`); as `read` when a file that a param names cannot be read.
pub fn parse(
    place: &str,
    text: &[u8],
    steps: &'static [Entry],
    read: Read,
) -> Result<Vec<Box<dyn AnyStep>>> {
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
    if let Some(field) = document.keys().next() {
        return Err(Error::params(field, "no such field; there are: microtome, steps"));
    }
    let Some(Value::Array(listed)) = listed else {
        return Err(Error::params("steps", "missing, or not a list"));
    };
    if listed.is_empty() || listed.len() > MOST_STEPS {
        return Err(Error::params(
            "steps",
            format!("{} steps; a pipeline has 1 to {MOST_STEPS}", listed.len()),
        ));
    }
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
    Ok(chain)
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
}
