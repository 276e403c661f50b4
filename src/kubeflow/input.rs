//! What Kubeflow hands a component: the JSON behind `--executor-input`.
//!
//! Read as strictly as it can be misread and as tolerantly as it is written: a field that we do not know is passed over, since
//! the protocol grows, and null is nothing; a field that we know and that is of another type is an error with its path.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use crate::dataset;
use crate::error::{Error, Result};

/// The flag, and how messages name the whole.
pub const FLAG: &str = "--executor-input";
/// Largest executor input in a file, in bytes. As a word of the command line it is at most 128 KiB by itself.
pub const MOST_BYTES: u64 = 64 << 20;

/// An executor input.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExecutorInput {
    /// Values of the input parameters; those that are null are left out.
    pub parameters: Map<String, Value>,
    /// Input artifacts, by name.
    pub artifacts: BTreeMap<String, Vec<Artifact>>,
    /// Where the answer goes.
    pub outputs: Outputs,
}

/// Where the answer goes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outputs {
    /// The file of each output parameter.
    pub parameters: BTreeMap<String, String>,
    /// Output artifacts, by name.
    pub artifacts: BTreeMap<String, Vec<Artifact>>,
    /// The file for the answer as a whole.
    pub file: Option<String>,
}

/// An artifact: a place, and what is known of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Artifact {
    /// Its name.
    pub name: String,
    /// Where it lies, for Kubeflow.
    pub uri: String,
    /// Where it lies in the container, if not where its URI says.
    pub custom_path: Option<String>,
    /// What the step that made it says of it.
    pub metadata: Map<String, Value>,
}

impl ExecutorInput {
    /// Reads an executor input: the JSON itself, or `@FILE`.
    ///
    /// # Errors
    /// [`Error::Params`] with the path of what is wrong; [`Error::Limit`] over [`MOST_BYTES`]; [`Error::Store`] when the file
    /// cannot be read.
    pub fn read(text: &str) -> Result<Self> {
        match text.strip_prefix('@') {
            Some(file) => Self::parse(&dataset::read_file_within(file, MOST_BYTES)?),
            None => Self::parse(text.as_bytes()),
        }
    }

    /// Reads the JSON.
    ///
    /// # Errors
    /// As [`ExecutorInput::read`].
    pub fn parse(json: &[u8]) -> Result<Self> {
        let value: Value = serde_json::from_slice(json)
            .map_err(|e| Error::params(FLAG, format!("it is no JSON: {e}")))?;
        let Value::Object(all) = &value else {
            return Err(Error::params(FLAG, "it is no JSON object with `inputs` and `outputs`"));
        };
        let inputs = object(all, "inputs", "")?;
        let outputs = object(all, "outputs", "")?;
        let mut parameters = object(inputs, "parameterValues", "inputs")?.clone();
        parameters.retain(|_, value| !value.is_null());
        let mut files = BTreeMap::new();
        let at = "outputs.parameters";
        for (name, value) in object(outputs, "parameters", "outputs")? {
            let at = format!("{at}.{name}");
            if let Some(file) = text_of(as_object(value, &at)?, "outputFile", &at)? {
                files.insert(name.clone(), file);
            }
        }
        Ok(Self {
            parameters,
            artifacts: artifacts(inputs, "inputs")?,
            outputs: Outputs {
                parameters: files,
                artifacts: artifacts(outputs, "outputs")?,
                file: text_of(outputs, "outputFile", "outputs")?,
            },
        })
    }
}

static NOTHING: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);

fn wrong(at: &str, value: &Value, wanted: &str) -> Error {
    let found: String = value.to_string().chars().take(80).collect();
    Error::params(FLAG, format!("{at} is {found}, not {wanted}"))
}

fn as_object<'a>(value: &'a Value, at: &str) -> Result<&'a Map<String, Value>> {
    match value {
        Value::Null => Ok(&NOTHING),
        Value::Object(map) => Ok(map),
        other => Err(wrong(at, other, "an object")),
    }
}

fn under(at: &str, name: &str) -> String {
    if at.is_empty() { name.into() } else { format!("{at}.{name}") }
}

/// A field that is an object; an empty one where there is none.
fn object<'a>(of: &'a Map<String, Value>, name: &str, at: &str) -> Result<&'a Map<String, Value>> {
    of.get(name).map_or(Ok(&NOTHING), |value| as_object(value, &under(at, name)))
}

/// A field that is text; an empty one is none.
fn text_of(of: &Map<String, Value>, name: &str, at: &str) -> Result<Option<String>> {
    match of.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
        Some(other) => Err(wrong(&under(at, name), other, "text")),
    }
}

/// The lists of artifacts in `inputs` or `outputs`.
fn artifacts(of: &Map<String, Value>, at: &str) -> Result<BTreeMap<String, Vec<Artifact>>> {
    let mut all = BTreeMap::new();
    for (name, value) in object(of, "artifacts", at)? {
        let at = format!("{at}.artifacts.{name}");
        let listed = match as_object(value, &at)?.get("artifacts") {
            None | Some(Value::Null) => continue,
            Some(Value::Array(listed)) => listed,
            Some(other) => return Err(wrong(&format!("{at}.artifacts"), other, "a list")),
        };
        let read = listed.iter().enumerate().map(|(index, value)| {
            let at = format!("{at}.artifacts[{index}]");
            let map = as_object(value, &at)?;
            Ok(Artifact {
                name: text_of(map, "name", &at)?.unwrap_or_default(),
                uri: text_of(map, "uri", &at)?.unwrap_or_default(),
                custom_path: text_of(map, "customPath", &at)?,
                metadata: object(map, "metadata", &at)?.clone(),
            })
        });
        all.insert(name.clone(), read.collect::<Result<Vec<_>>>()?);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_or_null_is_nothing_and_what_is_unknown_is_passed_over() {
        let empty = ExecutorInput::default();
        for text in [
            "{}",
            r#"{"inputs":null,"outputs":{}}"#,
            r#"{"inputs":{"artifacts":null,"parameterValues":null,"later":1},"more":[]}"#,
        ] {
            assert_eq!(ExecutorInput::read(text).unwrap(), empty, "{text}");
        }
        let text = r#"{"inputs":{"parameterValues":{"a":null,"b":3.0},
            "artifacts":{"dataset":{"artifacts":[{"name":"7","uri":"s3://b/x","type":{"schemaTitle":"system.Dataset"},"metadata":null,"state":"LIVE"}]},"none":{}}},
            "outputs":{"parameters":{"items":{"outputFile":"/answers/items"},"odd":{}},"outputFile":"/o.json"}}"#;
        let read = ExecutorInput::read(text).unwrap();
        assert_eq!(read.parameters.len(), 1);
        assert_eq!(read.artifacts["dataset"][0].uri, "s3://b/x");
        assert!(!read.artifacts.contains_key("none"));
        assert_eq!(read.outputs.parameters["items"], "/answers/items");
        assert_eq!(
            (read.outputs.parameters.len(), read.outputs.file.as_deref()),
            (1, Some("/o.json"))
        );
    }

    #[test]
    fn what_is_of_another_type_is_named_by_its_path() {
        let cases = [
            ("[]", "no JSON object"),
            ("{", "it is no JSON"),
            (r#"{"inputs":3}"#, "inputs is 3, not an object"),
            (r#"{"outputs":{"outputFile":{}}}"#, "outputs.outputFile is {}, not text"),
            (
                r#"{"outputs":{"parameters":{"n":"f"}}}"#,
                "outputs.parameters.n is \"f\", not an object",
            ),
            (
                r#"{"inputs":{"artifacts":{"d":{"artifacts":{}}}}}"#,
                "inputs.artifacts.d.artifacts is {}, not a list",
            ),
            (
                r#"{"inputs":{"artifacts":{"d":{"artifacts":[{"uri":1}]}}}}"#,
                "inputs.artifacts.d.artifacts[0].uri is 1, not text",
            ),
        ];
        for (text, words) in cases {
            match ExecutorInput::read(text) {
                Err(Error::Params { field, message }) => {
                    assert_eq!(field, FLAG);
                    assert!(message.contains(words), "{text}: {message}");
                }
                other => panic!("{text}: {other:?}"),
            }
        }
        // The parser stops before the stack does.
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(matches!(ExecutorInput::read(&deep), Err(Error::Params { .. })));
    }
}
