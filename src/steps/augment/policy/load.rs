//! Policies from text, with the path of what is wrong.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{DEPTH_MAX, Node, OPS_MAX, Policy};
use crate::error::{Error, Result};

impl Policy {
    /// The policy that a value describes: types and names only; see [`Policy::check`].
    ///
    /// # Errors
    /// [`Error::Params`] whose field is the path of what is wrong.
    pub fn from_value(value: &Value) -> Result<Self> {
        let Value::Object(fields) = value else {
            return Err(Error::params("policy", "it is an object with `ops`, a list of ops"));
        };
        for name in fields.keys() {
            if name != "augment" && name != "ops" {
                let message = "no such field; there are: augment, ops";
                return Err(Error::params(format!("policy.{name}"), message));
            }
        }
        let augment = match fields.get("augment") {
            None | Some(Value::Null) => None,
            Some(Value::String(version)) => Some(version.clone()),
            Some(other) => {
                let message = format!("{other} is no version: write it as text (\"1.0\")");
                return Err(Error::params("policy.augment", message));
            }
        };
        let mut left = OPS_MAX;
        let ops = fields.get("ops").unwrap_or(&Value::Null);
        Ok(Self { augment, ops: nodes(ops, "policy.ops", 0, &mut left)? })
    }
}

/// `left`: how many nodes a policy may still have.
fn nodes(value: &Value, path: &str, depth: usize, left: &mut usize) -> Result<Vec<Node>> {
    let Value::Array(list) = value else {
        return Err(Error::params(path, "it is a list of ops"));
    };
    if depth > DEPTH_MAX {
        return Err(Error::params(path, format!("nested deeper than {DEPTH_MAX} containers")));
    }
    list.iter()
        .enumerate()
        .map(|(index, value)| {
            *left = left
                .checked_sub(1)
                .ok_or_else(|| Error::params(path, format!("more than {OPS_MAX} nodes")))?;
            node(value, &format!("{path}[{index}]"), depth, left)
        })
        .collect()
}

fn node(value: &Value, path: &str, depth: usize, left: &mut usize) -> Result<Node> {
    let (name, fields) = match value {
        // `- equalize` is `- equalize: {}`.
        Value::String(name) => (name, Map::new()),
        Value::Object(object) => match object.iter().collect::<Vec<_>>().as_slice() {
            [(name, Value::Object(fields))] => (*name, fields.clone()),
            [(name, Value::Null)] => (*name, Map::new()),
            [(name, _)] => {
                let message = "after the name of an op come its fields ({p: 0.5, …})";
                return Err(Error::params(format!("{path}.{name}"), message));
            }
            _ => {
                let message = "it is an object of one field, the op's name; a list holds several";
                return Err(Error::params(path, message));
            }
        },
        _ => return Err(Error::params(path, "it is an object of one field, the op's name")),
    };
    let path = format!("{path}.{name}");
    let of = |fields: Map<String, Value>| {
        let value = Value::Object(Map::from_iter([(name.clone(), Value::Object(fields))]));
        serde_json::from_value::<Node>(value)
    };
    let plain = of(Map::new()).map_err(|e| Error::params(&path, e.to_string()))?;
    let mut whole = Map::new();
    let mut children = None;
    let has_children = plain.is_container();
    for (field, mut value) in fields {
        if has_children && field == "ops" {
            children = Some(nodes(&value, &path, depth + 1, left)?);
            continue;
        }
        integers(&mut value);
        // One field at a time, so that the message can name it.
        if let Err(e) = of(Map::from_iter([(field.clone(), value.clone())])) {
            let found: String = value.to_string().chars().take(100).collect();
            return Err(Error::params(
                format!("{path}.{field}"),
                format!("{found} will not do: {e}"),
            ));
        }
        whole.insert(field, value);
    }
    let node = of(whole).map_err(|e| Error::params(&path, e.to_string()))?;
    Ok(node.with_children(children))
}

/// Whole floats as integers: YAML and spreadsheets write `3.0`.
fn integers(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(integers),
        Value::Number(number) => {
            if let Some(float) = number.as_f64().filter(|_| number.is_f64())
                && float.fract() == 0.0
                && float.abs() < 9_007_199_254_740_992.0
            {
                *value = (float as i64).into();
            }
        }
        _ => {}
    }
}

impl<'de> Deserialize<'de> for Policy {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        let value = Value::deserialize(from)?;
        Self::from_value(&value).map_err(serde::de::Error::custom)
    }
}
