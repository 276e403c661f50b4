//! Columns and the types of their values.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// true or false.
    Bool,
    /// 64-bit signed integer.
    Int,
    /// 64-bit float.
    Float,
    /// UTF-8 text.
    Text,
}

impl Kind {
    /// The word for it in messages and schemas (JSON Schema's own).
    pub fn json_name(self) -> &'static str {
        match self {
            Self::Bool => "boolean",
            Self::Int => "integer",
            Self::Float => "number",
            Self::Text => "string",
        }
    }

    /// Whether a value (or null) may stand in such a column.
    pub fn admits(self, value: &Value) -> bool {
        match (self, value) {
            (_, Value::Null) | (Self::Bool, Value::Bool(_)) | (Self::Text, Value::String(_)) => {
                true
            }
            (Self::Int, Value::Number(n)) => n.is_i64(),
            (Self::Float, Value::Number(_)) => true,
            _ => false,
        }
    }
}

/// A column that a step reads or that every manifest has: a constant of the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Name, as in the Parquet file.
    pub name: &'static str,
    /// Type of its values. Any value may be null.
    pub kind: Kind,
    /// The step that makes it.
    pub made_by: &'static str,
    /// What it says, with units and range.
    pub doc: &'static str,
}

/// A column of a manifest at hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Name, as in the Parquet file.
    pub name: String,
    /// Type of its values.
    pub kind: Kind,
}
