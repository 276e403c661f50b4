//! `components/index.json`: the registry of what is in this repository.

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use semver::Version;
use serde_json::Value;

use super::interface::{Component, MERGE, OUTPUT_ARTIFACTS, OUTPUT_PARAMETERS};
use super::{first_paragraph, kfp, pretty, schema};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::registry::{self, Added, Deprecation, Read, Registry, Stability};
use crate::step::Entry;

/// With what a paragraph begins that says that a step or a param is on its way out.
pub const DEPRECATED: &str = "Deprecated:";

/// The index of these steps and the merge. `image` names the image of a component, by its digest when it is released;
/// `ledger` reads `components/<step>/golden.lock`.
///
/// # Errors
/// As `ledger`; [`Error::Bug`] when a step cannot be described.
pub fn index(
    steps: &'static [Entry],
    image: &dyn Fn(&Component) -> String,
    ledger: &dyn Fn(&str) -> Result<Vec<u8>>,
) -> Result<Registry> {
    let mut components = Vec::with_capacity(steps.len() + 1);
    for entry in steps {
        let component = Component::of(entry)?;
        let mut line = line(&component, image(&component))?;
        line.grain = Some(entry.grain.name().into());
        for (name, schema) in [
            ("params", schema::params(entry)),
            ("input", schema::input(entry)),
            ("output", schema::output(entry)),
        ] {
            line.digests.insert(name.into(), Digest::of(pretty(&schema).as_bytes()));
        }
        line.digests.insert("ledger".into(), Digest::of(&ledger(entry.name)?));
        let made = entry.make(Value::Null)?;
        let needed: Vec<&str> = made.needs().iter().map(|column| column.name).collect();
        line.reads = entry
            .reads
            .iter()
            .map(|column| Read {
                column: column.name.into(),
                kind: column.kind.json_name().into(),
                made_by: column.made_by.into(),
                needed: needed.contains(&column.name),
            })
            .collect();
        line.adds = entry
            .facts()
            .into_iter()
            .map(|fact| Added {
                column: fact.field.name,
                kind: fact.field.kind.json_name().into(),
                nullable: fact.nullable,
            })
            .collect();
        components.push(line);
    }
    let merge = Component::merge();
    components.push(line(&merge, image(&merge))?);
    Ok(Registry { version: registry::VERSION, components })
}

/// What every component has.
fn line(component: &Component, image: String) -> Result<registry::Component> {
    let version = Version::parse(&component.version)
        .map_err(|e| Error::Bug { message: format!("version of `{}`: {e}", component.name) })?;
    let mut deprecations: Vec<Deprecation> =
        deprecation(None, &component.doc).into_iter().collect();
    let inputs = component.inputs.iter();
    deprecations.extend(inputs.filter_map(|input| deprecation(Some(&input.name), &input.doc)));
    let (artifact, title, _) = component.artifact;
    let title = if component.is_list { format!("list of {title}") } else { title.into() };
    let inputs = component.inputs.iter();
    let mut takes: BTreeMap<String, String> =
        inputs.map(|input| (input.name.clone(), input.kind.python_name().into())).collect();
    takes.insert(artifact.into(), title);
    let artifacts = OUTPUT_ARTIFACTS.iter().map(|(name, title, _)| (*name, *title));
    let parameters = OUTPUT_PARAMETERS.iter().map(|(name, kind, _)| (*name, kind.python_name()));
    let gives = artifacts.chain(parameters).map(|(n, t)| (n.to_string(), t.to_string())).collect();
    let file = Digest::of(kfp::component_yaml(component)?.as_bytes());
    Ok(registry::Component {
        name: component.name.clone(),
        stability: Stability::of(&version),
        version,
        image,
        does: first_paragraph(&component.doc),
        grain: None,
        deprecations,
        digests: BTreeMap::from([("component".to_string(), file)]),
        reads: Vec::new(),
        adds: Vec::new(),
        takes,
        gives,
    })
}

/// What a doc comment says about being on its way out: a paragraph that begins with [`DEPRECATED`].
fn deprecation(input: Option<&str>, doc: &str) -> Option<Deprecation> {
    let words = doc.split("\n\n").find_map(|paragraph| paragraph.strip_prefix(DEPRECATED))?;
    Some(Deprecation { input: input.map(str::to_string), words: first_paragraph(words.trim()) })
}

/// Whether a doc comment says that a param is on its way out.
pub(super) fn is_deprecated(doc: &str) -> bool {
    deprecation(None, doc).is_some()
}

/// The index as it is committed.
///
/// # Errors
/// [`Error::Bug`] when it is no JSON.
pub fn index_text(registry: &Registry) -> Result<String> {
    let value = serde_json::to_value(registry)
        .map_err(|e| Error::Bug { message: format!("the index is no JSON: {e}") })?;
    Ok(pretty(&value))
}

/// `schemas/index.json`: JSON Schema of an index.
pub fn index_schema() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|s| s.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<Registry>().to_value();
    schema["$id"] = format!("urn:microtome:index:{}", registry::VERSION).into();
    schema["title"] = "Index of microtome components".into();
    schema
}

/// What a step in a registry has otherwise than the step of the same name here; empty where they are one.
///
/// # Errors
/// [`Error::Bug`] when a step cannot be described.
pub fn differs(there: &registry::Component, entry: Option<&Entry>) -> Result<Vec<String>> {
    let (version, digests) = match entry {
        Some(entry) => {
            let digest = |schema: Value| Digest::of(pretty(&schema).as_bytes());
            let digests = vec![
                ("params", digest(schema::params(entry))),
                ("input", digest(schema::input(entry))),
                ("output", digest(schema::output(entry))),
            ];
            (entry.version.to_string(), digests)
        }
        None if there.name == MERGE => (Component::merge().version, Vec::new()),
        None => return Ok(vec!["not in this program".into()]),
    };
    let here = Version::parse(&version)
        .map_err(|e| Error::Bug { message: format!("version of `{}`: {e}", there.name) })?;
    if here != there.version {
        let age = if here < there.version { "older" } else { "newer" };
        return Ok(vec![format!("{here} here, {age}")]);
    }
    let other = digests.into_iter().filter(|(name, digest)| {
        there.digests.get(*name).is_some_and(|of_index| of_index != digest)
    });
    Ok(other.map(|(name, _)| format!("another schema of {name} here")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::describe::probe::STEPS;

    fn made() -> Registry {
        index(&STEPS, &|c| format!("{}@sha256:{}", c.name, "0".repeat(64)), &|_| {
            Ok(b"1.0.0".to_vec())
        })
        .unwrap()
    }

    #[test]
    fn an_index_is_read_back_as_it_was_made() {
        let registry = made();
        let text = index_text(&registry).unwrap();
        assert_eq!(Registry::parse("index.json", text.as_bytes()).unwrap(), registry);
        let probe = registry.find("probe").unwrap();
        assert_eq!(probe.stability, Stability::Stable);
        assert_eq!(registry.find("list-it").unwrap().stability, Stability::Experimental);
        assert!(registry.find("merge").is_ok());
        assert_eq!(probe.image, format!("probe@sha256:{}", "0".repeat(64)));
        assert_eq!((probe.reads[0].column.as_str(), probe.reads[0].needed), ("slide.mpp_x", true));
        assert_eq!(probe.takes["size_px"], "int");
        assert_eq!(probe.digests["ledger"], Digest::of(b"1.0.0"));
        assert_eq!(
            probe.digests["params"],
            Digest::of(pretty(&schema::params(&STEPS[1])).as_bytes())
        );
    }

    #[test]
    fn what_is_on_its_way_out_is_listed() {
        let registry = made();
        let probe = registry.find("probe").unwrap();
        let words = "nobody reads it; leave it out.".to_string();
        assert_eq!(probe.deprecations, [Deprecation { input: Some("note".into()), words }]);
        let params = schema::params(&STEPS[1]);
        assert_eq!(params["properties"]["note"]["deprecated"], true);
        assert_eq!(params["properties"]["loud"].get("deprecated"), None);
    }

    #[test]
    fn a_registry_is_compared_with_what_is_here() {
        let registry = made();
        let mut probe = registry.find("probe").unwrap().clone();
        let entry = Some(&STEPS[1]);
        assert!(differs(&probe, entry).unwrap().is_empty());
        probe.digests.insert("output".into(), Digest::of(b"other"));
        assert_eq!(differs(&probe, entry).unwrap(), ["another schema of output here"]);
        probe.version = Version::new(1, 3, 0);
        assert_eq!(differs(&probe, entry).unwrap(), ["1.2.3 here, older"]);
        assert_eq!(differs(&probe, None).unwrap(), ["not in this program"]);
    }
}
