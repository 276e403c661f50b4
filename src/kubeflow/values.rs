//! The values of input parameters, held to the types that the component declares.

use serde_json::{Map, Value};

use super::input::ExecutorInput;
use crate::describe::interface::{Input, Kind};
use crate::describe::nearest;
use crate::error::{Error, Result};

/// From here on a double no longer tells neighbouring integers apart.
const MOST_WHOLE: f64 = 9_007_199_254_740_992.0;

/// The given values of a component's inputs, each of the type that was declared.
pub struct Values {
    of: Map<String, Value>,
}

impl Values {
    /// Holds what was given to what is declared.
    ///
    /// # Errors
    /// [`Error::Params`] naming an input that is not declared, with the nearest that is, or one whose value is of another type.
    pub fn of(given: &ExecutorInput, declared: &[Input], artifacts: &[&str]) -> Result<Self> {
        let names: Vec<&str> = declared.iter().map(|input| input.name.as_str()).collect();
        let mut of = Map::new();
        for (name, value) in &given.parameters {
            let input = declared.iter().find(|input| input.name == *name);
            let input = input.ok_or_else(|| unknown(name, "parameter", &names))?;
            of.insert(name.clone(), typed(input, value)?);
        }
        match given.artifacts.keys().find(|name| !artifacts.contains(&name.as_str())) {
            Some(name) => Err(unknown(name, "artifact", artifacts)),
            None => Ok(Self { of }),
        }
    }

    /// The params among them.
    pub fn params(&self, declared: &[Input]) -> Map<String, Value> {
        let is_param = |name: &str| declared.iter().any(|i| i.is_param && i.name == name);
        self.of
            .iter()
            .filter(|(name, _)| is_param(name))
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect()
    }

    /// A text; an empty one is none.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.of.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty())
    }

    /// A whole number from 0 to `most`; `default` where there is none.
    ///
    /// # Errors
    /// [`Error::Params`] when it is out of that range.
    pub fn count(&self, name: &str, default: u32, most: u32) -> Result<u32> {
        let Some(value) = self.of.get(name) else { return Ok(default) };
        let count = value.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| *n <= most);
        count.ok_or_else(|| {
            Error::params(name, format!("{value} will not do (allowed: 0 to {most})"))
        })
    }

    /// A list of texts.
    ///
    /// # Errors
    /// [`Error::Params`] naming an element that is none.
    pub fn texts(&self, name: &str) -> Result<Vec<&str>> {
        let Some(Value::Array(listed)) = self.of.get(name) else { return Ok(Vec::new()) };
        let texts = listed.iter().enumerate().map(|(index, value)| {
            value.as_str().ok_or_else(|| {
                Error::params(format!("{name}[{index}]"), format!("{} is no text", shown(value)))
            })
        });
        texts.collect()
    }
}

fn unknown(name: &str, what: &str, known: &[&str]) -> Error {
    let name: String = name.chars().take(80).collect();
    let meant = nearest(&name, known.iter().copied())
        .map(|near| format!("; did you mean `{near}`?"))
        .unwrap_or_default();
    let message =
        format!("the component has no such input {what}{meant}; there are: {}", known.join(", "));
    Error::params(name, message)
}

fn typed(input: &Input, value: &Value) -> Result<Value> {
    let wrong =
        |wanted: &str| Error::params(&input.name, format!("{} is not {wanted}", shown(value)));
    match (input.kind, value) {
        (Kind::Text, Value::String(_))
        | (Kind::Float, Value::Number(_))
        | (Kind::Bool, Value::Bool(_)) => Ok(value.clone()),
        (Kind::Int, Value::Number(_)) => match whole(value.clone()) {
            Value::Number(n) if n.is_i64() || n.is_u64() => Ok(Value::Number(n)),
            _ => Err(wrong("a whole number")),
        },
        (Kind::List, Value::Array(_)) => Ok(whole(value.clone())),
        (Kind::Text, _) => Err(wrong("text")),
        (Kind::Int | Kind::Float, _) => Err(wrong("a number")),
        (Kind::Bool, _) => Err(wrong("true or false")),
        (Kind::List, _) => Err(wrong("a list")),
    }
}

/// All whole numbers as integers: Kubeflow's values are doubles, and `3` arrives as `3.0`.
pub fn whole(value: Value) -> Value {
    match value {
        Value::Number(n) if n.is_f64() => match n.as_f64() {
            Some(float) if float.fract() == 0.0 && float.abs() < MOST_WHOLE => {
                Value::from(float as i64)
            }
            _ => Value::Number(n),
        },
        Value::Array(all) => all.into_iter().map(whole).collect(),
        Value::Object(map) => map.into_iter().map(|(name, value)| (name, whole(value))).collect(),
        other => other,
    }
}

fn shown(value: &Value) -> String {
    value.to_string().chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn declared() -> Vec<Input> {
        let kinds = [
            ("text", Kind::Text),
            ("count", Kind::Int),
            ("share", Kind::Float),
            ("loud", Kind::Bool),
            ("list", Kind::List),
        ];
        let input = |(name, kind): (&str, Kind)| Input {
            name: name.into(),
            kind,
            default: None,
            doc: String::new(),
            is_param: true,
        };
        kinds.into_iter().map(input).collect()
    }

    fn values(parameters: Value) -> Result<Values> {
        let Value::Object(parameters) = parameters else { panic!("no object") };
        let given = ExecutorInput { parameters, ..ExecutorInput::default() };
        Values::of(&given, &declared(), &["dataset"])
    }

    #[test]
    fn whole_doubles_are_integers_also_in_lists() {
        let given = json!({"text": "a", "count": 3.0, "share": 2.0, "loud": true, "list": [1.0, 0.5, [2.0], {"a": -7.0}]});
        let read = values(given).unwrap().params(&declared());
        assert_eq!(read["count"], json!(3));
        assert_eq!(read["share"].as_f64(), Some(2.0));
        assert_eq!(read["list"], json!([1, 0.5, [2], {"a": -7}]));
        // Beyond 2^53 a double names no one integer.
        assert_eq!(whole(json!(9_007_199_254_740_992.0)), json!(9_007_199_254_740_992.0));
    }

    #[test]
    fn another_type_and_another_name_are_refused_by_name() {
        let cases = [
            (json!({"count": 3.5}), "count", "3.5 is not a whole number"),
            (json!({"count": "3"}), "count", "\"3\" is not a number"),
            (json!({"count": 1e300}), "count", "is not a whole number"),
            (json!({"text": 3.0}), "text", "3.0 is not text"),
            (json!({"loud": "true"}), "loud", "is not true or false"),
            (json!({"list": "a,b"}), "list", "is not a list"),
            (json!({"shre": 1.0}), "shre", "did you mean `share`?"),
        ];
        for (given, name, words) in cases {
            match values(given).map(|_| ()) {
                Err(Error::Params { field, message }) => {
                    assert_eq!(field, name);
                    assert!(message.contains(words), "{message}");
                }
                other => panic!("{name}: {other:?}"),
            }
        }
        let artifacts = std::collections::BTreeMap::from([("datset".to_string(), Vec::new())]);
        let given = ExecutorInput { artifacts, ..ExecutorInput::default() };
        assert!(Values::of(&given, &declared(), &["dataset"]).is_err());
    }
}
