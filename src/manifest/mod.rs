//! The manifest: the ordered table of items, ids unique, that flows between steps.
//!
//! Every manifest begins with the [`BASE`] columns; behind them stand the facts of the steps that
//! made it, `<step>.<fact>`. Rows are streamed: nothing here holds more than one batch of
//! [`BATCH_ROWS`] rows.

mod change;
mod column;
mod encode;
mod foreign;
mod list;
mod partition;
mod read;
mod table;
mod write;

use serde_json::Value;

pub use change::{Change, NULL, Values};
pub use column::{Column, Field, Kind};
pub use list::{read_csv, read_list};
pub use partition::{MOST_PARTITIONS, NO_VALUE, Part, Partitions};
pub use read::{BATCH_ROWS, ManifestReader};
pub use table::{Batch, Table, Texts};
pub use write::ManifestWriter;

use crate::digest::Digest;
use crate::error::{Error, Result};

const fn base(name: &'static str, kind: Kind, doc: &'static str) -> Column {
    Column { name, kind, made_by: "scan", doc }
}

/// The columns that every manifest has, in this order, before any fact.
pub const BASE: &[Column] = &[
    base(
        "id",
        Kind::Text,
        "unique name of the item; the file's path below the folder that was scanned, then what each step appends",
    ),
    base(
        "path",
        Kind::Text,
        "file that holds it: below the dataset's root, or an absolute path or URL",
    ),
    base("offset", Kind::Int, "first byte of the item in its file (a pack); null for a whole file"),
    base("length", Kind::Int, "bytes"),
    base("digest", Kind::Text, "BLAKE3 of exactly these bytes, 64 hex digits"),
    base(
        "media_type",
        Kind::Text,
        "what the bytes are, by their content (image/tiff, image/jpeg, …)",
    ),
    base("width_px", Kind::Int, "columns (of level 0 for slides)"),
    base("height_px", Kind::Int, "rows (of level 0 for slides)"),
    base("label", Kind::Text, "class, where known"),
    base("group", Kind::Text, "what must stay together in a split: patient, slide, camera"),
    base("split", Kind::Text, "train, val, test, …; null before `split`"),
    base("weight", Kind::Float, "sampling weight; null before `sample`"),
    base(
        "trail",
        Kind::Text,
        "keys of the records that led from the source file to this item, oldest first, separated by spaces; empty for a source file",
    ),
];

/// One row of a manifest: one image with its digest, its place and its facts.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Unique name.
    pub id: String,
    /// File that holds it: below the dataset's root, or an absolute path or URL.
    pub path: String,
    /// First byte in its file; `None` for a whole file.
    pub offset: Option<u64>,
    /// Bytes.
    pub length: u64,
    /// Digest of exactly these bytes.
    pub digest: Digest,
    /// What the bytes are.
    pub media_type: String,
    /// Columns.
    pub width_px: Option<u32>,
    /// Rows.
    pub height_px: Option<u32>,
    /// Class.
    pub label: Option<String>,
    /// What must stay together in a split.
    pub group: Option<String>,
    /// Part of the data it belongs to.
    pub split: Option<String>,
    /// Sampling weight.
    pub weight: Option<f64>,
    /// Keys of the records that led here, separated by spaces.
    pub trail: String,
    /// Values of the facts, in the order of [`Schema::facts`].
    pub facts: Vec<Value>,
}

/// The columns of a manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schema {
    /// The columns behind [`BASE`].
    pub facts: Vec<Field>,
}

impl Schema {
    /// Position of a fact among the facts.
    pub fn fact(&self, name: &str) -> Option<usize> {
        self.facts.iter().position(|f| f.name == name)
    }

    /// Type of any column, base or fact.
    pub fn kind(&self, name: &str) -> Option<Kind> {
        let base = BASE.iter().find(|c| c.name == name).map(|c| c.kind);
        base.or_else(|| self.facts.iter().find(|f| f.name == name).map(|f| f.kind))
    }

    /// These columns and those that a step adds. A column that is there already is kept where it
    /// stands and will hold the new step's values.
    pub fn with(&self, added: &[Field]) -> Self {
        let mut facts = self.facts.clone();
        for field in added {
            match facts.iter_mut().find(|f| f.name == field.name) {
                Some(old) => *old = field.clone(),
                None => facts.push(field.clone()),
            }
        }
        Self { facts }
    }

    /// Refuses a manifest that lacks a column which a step needs, or has one that it reads with other
    /// values.
    ///
    /// # Errors
    /// [`Error::Schema`] naming the column, its type and the step that makes it.
    pub fn require(&self, step: &str, reads: &[Column], needs: &[Column]) -> Result<()> {
        for column in reads {
            let message = match self.kind(column.name) {
                Some(kind) if kind == column.kind => continue,
                Some(kind) => format!(
                    "it holds {} values where {} is needed ({}); `{}` makes it",
                    kind.json_name(),
                    column.kind.json_name(),
                    column.doc,
                    column.made_by
                ),
                None if !needs.contains(column) => continue,
                None => format!("`{}` makes it ({})", column.made_by, column.doc),
            };
            return Err(Error::Schema { step: step.into(), column: column.name.into(), message });
        }
        Ok(())
    }
}

/// Columns that name a file which goes with an item, as `path` does.
const FILES: [&str; 1] = ["annotation.mask"];

/// Whether a column names a file that goes with an item, as `path` does.
pub fn names_file(column: &str) -> bool {
    FILES.contains(&column)
}

/// Whether what a column says is measured in the pixels of the item (boxes, masks), so that it does not hold
/// for an item with another grid of pixels.
pub fn lies_in_pixels(column: &str) -> bool {
    column.starts_with("annotation.") || column.starts_with("detector.")
}

impl Item {
    /// Value of any column, base or fact, as JSON; null where there is none.
    pub fn value(&self, schema: &Schema, column: &str) -> Value {
        match column {
            "id" => self.id.clone().into(),
            "path" => self.path.clone().into(),
            "offset" => self.offset.into(),
            "length" => self.length.into(),
            "digest" => self.digest.to_string().into(),
            "media_type" => self.media_type.clone().into(),
            "width_px" => self.width_px.into(),
            "height_px" => self.height_px.into(),
            "label" => self.label.clone().into(),
            "group" => self.group.clone().into(),
            "split" => self.split.clone().into(),
            "weight" => self.weight.into(),
            "trail" => self.trail.clone().into(),
            fact => match schema.fact(fact) {
                Some(index) => self.facts.get(index).cloned().unwrap_or(Value::Null),
                None => Value::Null,
            },
        }
    }

    /// The keys of the trail, oldest first.
    ///
    /// # Errors
    /// [`Error::Format`] when one is no digest.
    pub fn trail_keys(&self) -> Result<Vec<Digest>> {
        self.trail.split_whitespace().map(str::parse).collect()
    }
}
