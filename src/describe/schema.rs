//! JSON Schemas (2020-12) of what goes into a step and what comes out.

use serde_json::{Map, Value, json};

use crate::manifest::{BASE, Column, Kind};
use crate::step::{Entry, Grain};

/// Base columns that are never null.
const NEVER_NULL: &[&str] = &["id", "path", "length", "digest", "media_type", "trail"];

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

fn id(entry: &Entry, what: &str) -> Value {
    format!("urn:microtome:{}:{}:{what}", entry.name, entry.version).into()
}

/// The params: what schemars read from the struct, under a name of its own.
pub fn params(entry: &Entry) -> Value {
    let mut schema = (entry.params_schema)();
    schema["$schema"] = DIALECT.into();
    schema["$id"] = id(entry, "params");
    schema["title"] = format!("Params of microtome {} {}", entry.name, entry.version).into();
    for property in schema["properties"].as_object_mut().into_iter().flat_map(Map::values_mut) {
        if property["description"].as_str().is_some_and(super::index::is_deprecated) {
            property["deprecated"] = true.into();
        }
    }
    schema
}

fn property(kind: Kind, nullable: bool, doc: &str) -> Value {
    let name = kind.json_name();
    let kind = if nullable { json!([name, "null"]) } else { json!(name) };
    json!({"type": kind, "description": doc})
}

fn base() -> Map<String, Value> {
    BASE.iter()
        .map(|c| (c.name.to_string(), property(c.kind, !NEVER_NULL.contains(&c.name), c.doc)))
        .collect()
}

fn rows(id: Value, title: String, description: String, properties: Map<String, Value>) -> Value {
    let required: Vec<&String> = properties.keys().collect();
    json!({
        "$schema": DIALECT,
        "$id": id,
        "title": title,
        "description": description,
        "type": "object",
        "required": required,
        "properties": properties,
        // Facts of earlier steps travel along.
        "additionalProperties": true,
    })
}

fn read(column: &Column) -> (String, Value) {
    let mut property = property(column.kind, true, column.doc);
    property["x-made-by"] = column.made_by.into();
    (column.name.to_string(), property)
}

/// A row of what the step reads: the manifest's base columns and those in `READS`; for a listing
/// step, a row of the list that a user may bring.
pub fn input(entry: &Entry) -> Value {
    let title = format!("Input of microtome {} {}", entry.name, entry.version);
    match entry.grain {
        Grain::Listing => json!({
            "$schema": DIALECT,
            "$id": id(entry, "input"),
            "title": title,
            "description": "A row of the CSV or Parquet list of files that may stand in for a folder, \
                a prefix or a file. All values are text; an empty value is none.",
            "type": "object",
            "required": ["path"],
            "properties": {
                "path": property(Kind::Text, false,
                    "file, absolute, or relative to the list; or a URL"),
                "id": property(Kind::Text, true, "unique name of the item; the path where none is given"),
                "label": property(Kind::Text, true, "class, where known"),
                "group": property(Kind::Text, true,
                    "what must stay together in a split: patient, slide, camera"),
            },
            "additionalProperties": true,
        }),
        Grain::Image | Grain::Group | Grain::Manifest => {
            let mut properties = base();
            properties.extend(entry.reads.iter().map(read));
            let description = format!(
                "A row of the manifest that `{}` reads. A manifest without one of these columns is \
                 refused before any work.",
                entry.name
            );
            rows(id(entry, "input"), title, description, properties)
        }
    }
}

/// A row of what the step gives: the base columns and every column that it adds.
pub fn output(entry: &Entry) -> Value {
    let mut properties = base();
    for fact in entry.facts() {
        let mut property = property(fact.field.kind, fact.nullable, &super::reflow(&fact.doc));
        property["x-made-by"] = entry.name.into();
        properties.insert(fact.field.name, property);
    }
    if entry.grain == Grain::Image {
        let mut property = property(Kind::Text, false, "id of the row that the item was made from");
        property["x-made-by"] = entry.name.into();
        properties.insert(format!("{}.source_id", entry.name), property);
    }
    let title = format!("Output of microtome {} {}", entry.name, entry.version);
    let description = format!("A row of the manifest that `{}` gives.", entry.name);
    rows(id(entry, "output"), title, description, properties)
}
