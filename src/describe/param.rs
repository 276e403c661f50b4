//! A param as flags, tables and ledgers see it.

use serde_json::Value;

use crate::error::{Error, Result};
use crate::step::Entry;

/// One param of a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// The field (`tile_px`).
    pub name: String,
    /// What its values are.
    pub shape: Shape,
    /// Whether it may be null: "not given" is a value of its own.
    pub nullable: bool,
    /// The default, as JSON.
    pub default: Value,
    /// Least value, of each element for lists.
    pub min: Option<Value>,
    /// Largest value, of each element for lists.
    pub max: Option<Value>,
    /// The doc comment.
    pub doc: String,
}

/// What the values of a param are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// true or false.
    Bool,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// Text.
    Text,
    /// One of some words.
    Choice(Vec<Choice>),
    /// A list of the above.
    List(Box<Shape>),
    /// The content of a file, which is read and inlined before anything is keyed.
    File(FileFormat),
}

/// A word that a param may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The word.
    pub value: String,
    /// The doc comment of the variant.
    pub doc: String,
}

/// How a file that a param names is read: the `x-file` of its schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// A CSV with a header, inlined as a list of rows (objects of text).
    Csv,
    /// A JSON document, inlined as it is.
    Json,
    /// One file or several of the step's own kind, made a value by the step
    /// ([`crate::step::Step::inline`]): a stain profile, or images to fit one on.
    Profile,
    /// As [`FileFormat::Profile`]: a policy of augmentations.
    Policy,
    /// As [`FileFormat::Profile`]: what a detector found.
    Detections,
}

impl FileFormat {
    /// Whether the step makes the value ([`crate::step::Step::inline`]).
    pub fn is_made(self) -> bool {
        matches!(self, Self::Profile | Self::Policy | Self::Detections)
    }
}

impl Param {
    /// The flag: `--tile-px`.
    pub fn flag(&self) -> String {
        format!("--{}", self.long())
    }

    /// The flag without its dashes: `tile-px`.
    pub fn long(&self) -> String {
        self.name.replace('_', "-")
    }

    /// The range in words: `1 to 4096`, `at least 0`; `None` where there is none.
    pub fn range(&self) -> Option<String> {
        let (min, max) = (self.min.as_ref().map(plain), self.max.as_ref().map(plain));
        match (min, max) {
            (Some(min), Some(max)) => Some(format!("{min} to {max}")),
            (Some(min), None) => Some(format!("at least {min}")),
            (None, Some(max)) => Some(format!("at most {max}")),
            (None, None) => None,
        }
    }

    /// The default in words; `None` where it is null (nothing given).
    pub fn default_text(&self) -> Option<String> {
        match &self.default {
            Value::Null => None,
            Value::String(text) if text.is_empty() => Some("empty".into()),
            Value::String(text) => Some(text.clone()),
            Value::Array(items) if items.is_empty() => Some("none".into()),
            Value::Array(items) => Some(items.iter().map(plain).collect::<Vec<_>>().join(",")),
            other => Some(plain(other)),
        }
    }
}

/// A value as a person would write it: `32`, not `32.0`; `1e12`, not its zeros.
fn plain(value: &Value) -> String {
    match (value, value.as_f64()) {
        (Value::String(text), _) => text.clone(),
        (_, Some(number)) if number.abs() >= 1e7 && number % 1e6 == 0.0 => format!("{number:e}"),
        (_, Some(number)) if value.is_f64() => number.to_string(),
        _ => value.to_string(),
    }
}

impl Shape {
    /// The word for it in tables.
    pub fn name(&self) -> String {
        match self {
            Self::Bool => "true or false".into(),
            Self::Int => "integer".into(),
            Self::Float => "number".into(),
            Self::Text => "text".into(),
            Self::Choice(choices) => {
                choices.iter().map(|c| c.value.as_str()).collect::<Vec<_>>().join(", ")
            }
            Self::List(of) => format!("list of {}", of.name()),
            Self::File(FileFormat::Csv) => "CSV file".into(),
            Self::File(FileFormat::Json) => "JSON file".into(),
            Self::File(FileFormat::Profile) => "profile or images".into(),
            Self::File(FileFormat::Policy) => "policy file".into(),
            Self::File(FileFormat::Detections) => "detections file".into(),
        }
    }
}

/// The params of a step, sorted by name.
///
/// # Errors
/// [`Error::Bug`] when one has a shape that no flag can have.
pub fn params(entry: &Entry) -> Result<Vec<Param>> {
    let schema = (entry.params_schema)();
    let Some(properties) = schema["properties"].as_object() else { return Ok(Vec::new()) };
    let defaults = (entry.default_params)();
    let mut params = Vec::with_capacity(properties.len());
    for (name, property) in properties {
        let (inner, nullable) = without_null(property);
        let file = file(property).map_err(|format| Error::Bug {
            message: format!("`{name}` of `{}`: no reader for files of {format}", entry.name),
        })?;
        let shape = file.map(Shape::File).or_else(|| shape(inner)).ok_or_else(|| Error::Bug {
            message: format!(
                "the param `{name}` of `{}` has a shape that no flag can have: {property}",
                entry.name
            ),
        })?;
        let bounded = if matches!(shape, Shape::List(_)) { &inner["items"] } else { inner };
        let bound = |key: &str| bounded.get(key).filter(|v| v.is_number()).cloned();
        params.push(Param {
            name: name.clone(),
            shape,
            nullable,
            default: defaults[name].clone(),
            min: bound("minimum"),
            max: bound("maximum"),
            doc: property["description"].as_str().unwrap_or_default().to_string(),
        });
    }
    params.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(params)
}

/// The schema under `anyOf: [schema, null]` or `type: [type, null]`, and whether null is allowed.
fn without_null(property: &Value) -> (&Value, bool) {
    if let Some(any) = property["anyOf"].as_array() {
        let null = any.iter().any(|s| s["type"] == "null");
        if let (true, Some(inner)) = (null, any.iter().find(|s| s["type"] != "null")) {
            return (inner, true);
        }
    }
    let null = property["type"].as_array().is_some_and(|t| t.iter().any(|t| t == "null"));
    (property, null)
}

fn shape(schema: &Value) -> Option<Shape> {
    if let Some(choices) = choices(schema) {
        return Some(Shape::Choice(choices));
    }
    let name = match &schema["type"] {
        Value::Array(types) => types.iter().find(|t| *t != "null")?.as_str()?,
        one => one.as_str()?,
    };
    match name {
        "boolean" => Some(Shape::Bool),
        "integer" => Some(Shape::Int),
        "number" => Some(Shape::Float),
        "string" => Some(Shape::Text),
        "array" => match shape(&schema["items"])? {
            Shape::List(_) => None,
            of => Some(Shape::List(Box::new(of))),
        },
        _ => None,
    }
}

fn file(property: &Value) -> std::result::Result<Option<FileFormat>, String> {
    match property.get("x-file").map(|v| v.as_str().unwrap_or_default()) {
        None => Ok(None),
        Some("csv") => Ok(Some(FileFormat::Csv)),
        Some("json") => Ok(Some(FileFormat::Json)),
        Some("profile") => Ok(Some(FileFormat::Profile)),
        Some("policy") => Ok(Some(FileFormat::Policy)),
        Some("detections") => Ok(Some(FileFormat::Detections)),
        Some(other) => Err(format!("{other:?}")),
    }
}

/// `enum: […]`, or `oneOf` of constants (documented variants) and enums (the others).
fn choices(schema: &Value) -> Option<Vec<Choice>> {
    let words = |values: &Value| -> Option<Vec<Choice>> {
        let choice = |v: &Value| Some(Choice { value: v.as_str()?.into(), doc: String::new() });
        values.as_array()?.iter().filter(|v| !v.is_null()).map(choice).collect()
    };
    if schema.get("enum").is_some() {
        return words(&schema["enum"]);
    }
    let mut all = Vec::new();
    for one in schema["oneOf"].as_array()? {
        if let Some(value) = one["const"].as_str() {
            let doc = one["description"].as_str().unwrap_or_default().to_string();
            all.push(Choice { value: value.into(), doc });
        } else {
            all.append(&mut words(&one["enum"])?);
        }
    }
    Some(all)
}

/// The first paragraph of a doc comment, on one line.
pub fn first_paragraph(doc: &str) -> String {
    reflow(doc.split("\n\n").next().unwrap_or_default())
}

/// A doc comment with the lines of each paragraph and of each entry of a list joined; headings,
/// other indented lines and code blocks keep their own lines.
pub fn reflow(doc: &str) -> String {
    let mut text = String::new();
    let (mut own_line, mut code, mut listed) = (true, false, false);
    for line in doc.lines() {
        let fence = line.starts_with("```");
        let entry = line.starts_with(['-', '*'])
            || line.starts_with(|c: char| c.is_ascii_digit()) && line.contains(". ");
        let indented = line.starts_with(' ');
        let goes_on = listed && indented && !code;
        let begins = code || fence || entry || line.is_empty() || line.starts_with([' ', '#', '|']);
        if !text.is_empty() {
            text.push(if !goes_on && (begins || own_line) { '\n' } else { ' ' });
        }
        text.push_str(if goes_on { line.trim_start() } else { line });
        code ^= fence;
        listed = !code && (entry || goes_on || listed && !begins);
        own_line = code
            || fence
            || line.is_empty()
            || line.starts_with(['#', '|'])
            || indented && !goes_on;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn shapes_are_read_from_what_schemars_writes() {
        let read = |property: Value| {
            let (inner, nullable) = without_null(&property);
            (shape(inner), nullable)
        };
        assert_eq!(read(json!({"type": "integer", "minimum": 1})), (Some(Shape::Int), false));
        assert_eq!(read(json!({"type": ["number", "null"]})), (Some(Shape::Float), true));
        let list = Shape::List(Box::new(Shape::Text));
        assert_eq!(
            read(json!({"type": "array", "items": {"type": "string"}})),
            (Some(list), false)
        );
        let edge = |value: &str, doc: &str| Choice { value: value.into(), doc: doc.into() };
        let documented = json!({"oneOf": [
            {"const": "skip", "description": "left out", "type": "string"},
            {"enum": ["pad"], "type": "string"},
        ]});
        let both = vec![edge("skip", "left out"), edge("pad", "")];
        assert_eq!(read(documented.clone()), (Some(Shape::Choice(both.clone())), false));
        assert_eq!(
            read(json!({"anyOf": [documented, {"type": "null"}]})),
            (Some(Shape::Choice(both)), true)
        );
        assert_eq!(read(json!({"type": "object"})), (None, false));
    }

    #[test]
    fn paragraphs_are_joined_and_lists_are_kept() {
        let doc = "Edge of a patch\nin pixels.\n\nNotes:\n- one\n- two\n  more\n\nLast\nline.";
        assert_eq!(first_paragraph(doc), "Edge of a patch in pixels.");
        assert_eq!(
            reflow(doc),
            "Edge of a patch in pixels.\n\nNotes:\n- one\n- two more\n\nLast line."
        );
        let ticked = "Endings (`md`,\n`parquet`).\n\n```sh\na\n``b``\n```\nAfter\nit.";
        assert_eq!(reflow(ticked), "Endings (`md`, `parquet`).\n\n```sh\na\n``b``\n```\nAfter it.");
    }
}
