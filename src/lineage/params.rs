//! Params as people want them: what was asked for first, defaults after.

use serde::Serialize;
use serde_json::Value;

use crate::steps;

/// A param of a step that ran.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// What it was.
    pub value: Value,
    /// The default of this build; `None` for a step or param that this build does not know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
}

impl Param {
    /// Whether it differs from its default (or has none that we know).
    pub fn is_changed(&self) -> bool {
        self.default.as_ref().is_none_or(|default| !same(default, &self.value))
    }
}

/// Whether two values are the same to a key: `512` and `512.0` are.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => x == y || x.as_f64() == y.as_f64(),
        (Value::Array(x), Value::Array(y)) => {
            x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same(x, y))
        }
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len() && x.iter().all(|(k, v)| y.get(k).is_some_and(|w| same(v, w)))
        }
        _ => a == b,
    }
}

/// The params of a step, those that differ from their defaults first, then by name.
pub fn params_by_interest(step: &str, params: &Value) -> Vec<Param> {
    let defaults = steps::find(step).map(|entry| (entry.default_params)());
    let Some(fields) = params.as_object() else { return Vec::new() };
    let mut all: Vec<Param> = fields
        .iter()
        .map(|(name, value)| Param {
            name: name.clone(),
            value: value.clone(),
            default: defaults.as_ref().and_then(|d| d.get(name)).cloned(),
        })
        .collect();
    all.sort_by(|a, b| (!a.is_changed(), &a.name).cmp(&(!b.is_changed(), &b.name)));
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_whole_float_is_the_integer_that_it_keys_as() {
        assert!(same(&json!({"a": [512.0, "x"]}), &json!({"a": [512, "x"]})));
        assert!(!same(&json!(512.5), &json!(512)));
        assert!(!same(&json!({"a": 1}), &json!({"a": 1, "b": 2})));
        assert!(!same(&json!(null), &json!(0)));
    }

    #[test]
    fn params_of_a_step_that_nobody_knows_are_all_of_interest() {
        let params = params_by_interest("no-such-step", &json!({"b": 1, "a": 2}));
        assert_eq!(params.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert!(params.iter().all(Param::is_changed));
        assert!(params_by_interest("no-such-step", &json!(null)).is_empty());
    }
}
