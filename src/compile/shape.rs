//! Whether a document has the shape of a schema: unknown fields and wrong types, named by their path.
//!
//! `serde` would say the same without the path, and a person looks for the path.

use serde_json::Value;

use crate::describe::nearest;
use crate::error::{Error, Result};

/// Most entries of a map, and most elements of a list.
const MOST_ENTRIES: usize = 256;
/// Longest text.
const MOST_TEXT: usize = 32 << 10;

/// Holds a value to a schema as schemars writes it for plain structs. Where text is asked for, numbers are taken as
/// people write them (`cpu: 2`).
///
/// # Errors
/// [`Error::Params`] with the path of what does not fit.
pub fn fit(schema: &Value, value: &mut Value, path: &str) -> Result<()> {
    let types = types(schema);
    if value.is_null() && types.contains(&"null") {
        return Ok(());
    }
    if types.contains(&"string") && value.is_number() {
        *value = value.to_string().into();
    }
    let fits = |name: &&&str| match **name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        _ => false,
    };
    let Some(found) = types.iter().find(fits) else {
        return Err(Error::params(
            path,
            format!("{} where {} is asked for", cut(value), said(&types)),
        ));
    };
    match *found {
        "integer" => within(schema, value, path),
        "string" if value.as_str().is_some_and(|text| text.len() > MOST_TEXT) => {
            Err(Error::params(path, format!("a text of more than {MOST_TEXT} bytes")))
        }
        "array" => {
            let elements = value.as_array_mut().map_or(&mut [][..], Vec::as_mut_slice);
            few(elements.len(), path)?;
            let each =
                |(index, element)| fit(&schema["items"], element, &format!("{path}[{index}]"));
            elements.iter_mut().enumerate().try_for_each(each)
        }
        "object" => {
            few(value.as_object().map_or(0, serde_json::Map::len), path)?;
            object(schema, value, path)
        }
        _ => Ok(()),
    }
}

fn object(schema: &Value, value: &mut Value, path: &str) -> Result<()> {
    let below = |name: &str| match path {
        "" => name.to_string(),
        path => format!("{path}.{name}"),
    };
    let properties = schema["properties"].as_object();
    for (name, inner) in value.as_object_mut().into_iter().flatten() {
        let short: String = name.chars().take(80).collect();
        match properties.and_then(|known| known.get(name)) {
            Some(property) => fit(property, inner, &below(&short))?,
            None if schema["additionalProperties"].is_object() => {
                fit(&schema["additionalProperties"], inner, &below(&short))?;
            }
            None => {
                let known: Vec<&str> =
                    properties.into_iter().flat_map(|p| p.keys()).map(String::as_str).collect();
                let meant = nearest(name, known.iter().copied())
                    .map(|name| format!("; did you mean `{name}`?"))
                    .unwrap_or_default();
                let message = format!("no such field{meant}; there are: {}", known.join(", "));
                return Err(Error::params(below(&short), message));
            }
        }
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.get(name).is_none() {
            return Err(Error::params(below(name), "missing"));
        }
    }
    Ok(())
}

/// An integer within `minimum` and `maximum`.
fn within(schema: &Value, value: &Value, path: &str) -> Result<()> {
    let bound = |name: &str| schema[name].as_f64();
    let (least, most) = (bound("minimum"), bound("maximum"));
    let number = value.as_f64().unwrap_or_default();
    if least.is_some_and(|least| number < least) || most.is_some_and(|most| number > most) {
        let allowed = match (least, most) {
            (Some(least), Some(most)) => format!("{least} to {most}"),
            (Some(least), None) => format!("at least {least}"),
            (None, most) => format!("at most {}", most.unwrap_or_default()),
        };
        return Err(Error::params(path, format!("{value} will not do (allowed: {allowed})")));
    }
    Ok(())
}

fn few(count: usize, path: &str) -> Result<()> {
    if count > MOST_ENTRIES {
        let path = if path.is_empty() { "the file" } else { path };
        return Err(Error::params(path, format!("{count} entries, more than {MOST_ENTRIES}")));
    }
    Ok(())
}

fn types(schema: &Value) -> Vec<&str> {
    if let Some(any) = schema["anyOf"].as_array() {
        return any.iter().flat_map(types).collect();
    }
    match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn said(types: &[&str]) -> String {
    let word = |name: &&str| match *name {
        "object" => "a map",
        "array" => "a list",
        "string" => "text",
        "integer" => "a whole number",
        "boolean" => "true or false",
        _ => "nothing",
    };
    types.iter().filter(|name| **name != "null").map(word).collect::<Vec<_>>().join(" or ")
}

/// What was found, without its content: it may be a secret in a wrong place.
fn cut(value: &Value) -> String {
    match value {
        Value::String(_) => "text".into(),
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "a map".into(),
        Value::Null => "nothing".into(),
        other => other.to_string().chars().take(40).collect(),
    }
}
