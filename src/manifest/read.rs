//! Manifests from Parquet, a batch of rows at a time.

use polars::io::mmap::MmapBytesReader;
use polars::prelude::DataType;
use serde_json::Value;

use super::table::Texts;
use super::{Batch, Item, Kind, Schema, Table};
use crate::error::{Error, Result};

/// Lengths and offsets stay below 2^53 (8 PiB), which JSON and floats still carry exactly.
const MOST: i64 = 1 << 53;

/// Rows of a batch, and of a Parquet row group.
pub const BATCH_ROWS: usize = 65_536;

pub(super) fn data_type(kind: Kind) -> DataType {
    match kind {
        Kind::Bool => DataType::Boolean,
        Kind::Int => DataType::Int64,
        Kind::Float => DataType::Float64,
        Kind::Text => DataType::String,
    }
}

pub(super) fn broken(e: impl std::fmt::Display) -> Error {
    Error::format("manifest", e.to_string())
}

/// Reads a manifest batch by batch.
pub struct ManifestReader {
    table: Table,
    next: usize,
    batch_rows: usize,
}

impl ManifestReader {
    /// Opens a manifest; `open` gives its bytes anew for each batch.
    ///
    /// # Errors
    /// As [`Table::new`].
    pub fn new(
        open: impl Fn() -> Result<Box<dyn MmapBytesReader>> + Send + Sync + 'static,
    ) -> Result<Self> {
        Ok(Self { table: Table::new(open)?, next: 0, batch_rows: BATCH_ROWS })
    }

    /// The same manifest, by columns.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Reads smaller batches than [`BATCH_ROWS`]: for those who hold one of many manifests each.
    #[must_use]
    pub fn with_batch_rows(mut self, rows: usize) -> Self {
        self.batch_rows = rows.clamp(1, BATCH_ROWS);
        self
    }

    /// The columns.
    pub fn schema(&self) -> &Schema {
        self.table.schema()
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.table.rows()
    }

    /// The next batch of at most [`BATCH_ROWS`] rows; `None` after the last.
    ///
    /// # Errors
    /// [`Error::Format`] when a row lacks an id, a path or a digest, or a value cannot be read.
    pub fn next_batch(&mut self) -> Result<Option<Vec<Item>>> {
        let rows = self.table.rows();
        if self.next >= rows {
            return Ok(None);
        }
        let count = self.batch_rows.min(rows - self.next);
        let batch = self.table.slice(self.next, count, None)?;
        let items = items(self.table.schema(), &batch)?;
        self.next += count;
        Ok(Some(items))
    }

    /// All rows at once: for small manifests and for tests.
    ///
    /// # Errors
    /// As [`Self::next_batch`].
    pub fn read_all(mut self) -> Result<Vec<Item>> {
        let mut all = Vec::new();
        while let Some(mut batch) = self.next_batch()? {
            all.append(&mut batch);
        }
        Ok(all)
    }
}

/// The rows of a batch of all columns.
fn items(schema: &Schema, batch: &Batch) -> Result<Vec<Item>> {
    let at = |row: usize, column: &str, what: &str| {
        Error::format("manifest", format!("row {}: `{column}` {what}", batch.first_row() + row))
    };
    let text = |name| Ok::<_, Error>(batch.text(name)?.iter());
    let (mut id, mut path, mut media_type) = (text("id")?, text("path")?, text("media_type")?);
    let (mut label, mut group, mut split) = (text("label")?, text("group")?, text("split")?);
    let (mut digest, mut trail) = (text("digest")?, text("trail")?);
    let (mut offset, mut length) = (batch.ints("offset")?, batch.ints("length")?);
    let (mut width, mut height) = (batch.ints("width_px")?, batch.ints("height_px")?);
    let mut weight = batch.floats("weight")?;
    let mut facts = schema.facts.iter().map(|f| facts(batch, f)).collect::<Result<Vec<_>>>()?;

    let mut items = Vec::with_capacity(batch.rows());
    for row in 0..batch.rows() {
        let needed = |value: Option<&str>, name| match value {
            Some(text) => Ok(text.to_string()),
            None => Err(at(row, name, "is null")),
        };
        let int = |value: Option<i64>, name| match value {
            None => Ok(None),
            Some(v @ 0..MOST) => Ok(Some(v as u64)),
            Some(_) => Err(at(row, name, "is negative or too large")),
        };
        let side = |value, name| match int(value, name)?.map(u32::try_from) {
            None => Ok(None),
            Some(Ok(side)) => Ok(Some(side)),
            Some(Err(_)) => Err(at(row, name, "is too large")),
        };
        let owned = |value: Option<&str>| value.map(str::to_string);
        let digest = digest.next().flatten().ok_or_else(|| at(row, "digest", "is null"))?;
        items.push(Item {
            id: needed(id.next().flatten(), "id")?,
            path: needed(path.next().flatten(), "path")?,
            offset: int(offset.next().flatten(), "offset")?,
            length: int(length.next().flatten(), "length")?
                .ok_or_else(|| at(row, "length", "is null"))?,
            digest: digest.parse().map_err(|e: Error| at(row, "digest", &e.to_string()))?,
            media_type: needed(media_type.next().flatten(), "media_type")?,
            width_px: side(width.next().flatten(), "width_px")?,
            height_px: side(height.next().flatten(), "height_px")?,
            label: owned(label.next().flatten()),
            group: owned(group.next().flatten()),
            split: owned(split.next().flatten()),
            weight: weight.next().flatten(),
            trail: owned(trail.next().flatten()).unwrap_or_default(),
            facts: facts
                .iter_mut()
                .map(|(name, values)| values.next(row).map_err(|what| at(row, name, what)))
                .collect::<Result<_>>()?,
        });
    }
    Ok(items)
}

/// Values of a fact, one row after the other.
enum Facts<'a> {
    Bool(Box<dyn Iterator<Item = Option<bool>> + 'a>),
    Int(Box<dyn Iterator<Item = Option<i64>> + 'a>),
    Float(Box<dyn Iterator<Item = Option<f64>> + 'a>),
    Text(Texts<'a>),
}

fn facts<'a>(batch: &'a Batch, field: &'a super::Field) -> Result<(&'a str, Facts<'a>)> {
    let name = field.name.as_str();
    let values = match field.kind {
        Kind::Bool => Facts::Bool(Box::new(batch.bools(name)?)),
        Kind::Int => Facts::Int(Box::new(batch.ints(name)?)),
        Kind::Float => Facts::Float(Box::new(batch.floats(name)?)),
        Kind::Text => Facts::Text(batch.text(name)?),
    };
    Ok((name, values))
}

impl Facts<'_> {
    fn next(&mut self, row: usize) -> std::result::Result<Value, &'static str> {
        Ok(match self {
            Self::Bool(values) => values.next().flatten().into(),
            Self::Int(values) => values.next().flatten().into(),
            Self::Float(values) => match values.next().flatten() {
                // JSON has no infinity: it would become null without a word.
                Some(value) if value.is_infinite() => return Err("is infinite"),
                value => value.into(),
            },
            Self::Text(values) => values.get(row).into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::digest::Digest;
    use crate::manifest::{Field, ManifestWriter};

    fn item(n: usize) -> Item {
        Item {
            id: format!("slide-{n}"),
            path: format!("/data/slide-{n}.svs"),
            offset: (!n.is_multiple_of(2)).then_some(512),
            length: n as u64,
            digest: Digest::of(&n.to_le_bytes()),
            media_type: "image/tiff".into(),
            width_px: Some(40_000),
            height_px: None,
            label: (n.is_multiple_of(3)).then(|| "tumor".into()),
            group: None,
            split: None,
            weight: (n == 1).then_some(0.1),
            trail: String::new(),
            facts: vec![(n as f64 * 0.25).into(), Value::Null, n.is_multiple_of(2).into()],
        }
    }

    fn schema() -> Schema {
        let field = |name: &str, kind| Field { name: name.into(), kind };
        Schema {
            facts: vec![
                field("slide.mpp_x", Kind::Float),
                field("scan.make", Kind::Text),
                field("scan.duplicate", Kind::Bool),
            ],
        }
    }

    fn write(items: &[Item]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = ManifestWriter::new(&mut bytes, schema()).unwrap();
        for item in items {
            writer.push(item.clone()).unwrap();
        }
        assert_eq!(writer.finish().unwrap(), items.len() as u64);
        bytes
    }

    fn read(bytes: Vec<u8>) -> ManifestReader {
        ManifestReader::new(move || Ok(Box::new(Cursor::new(bytes.clone())))).unwrap()
    }

    #[test]
    fn rows_come_back_as_they_went_in_and_bytes_repeat() {
        for count in [0, 1, 5] {
            let items: Vec<Item> = (0..count).map(item).collect();
            let bytes = write(&items);
            assert_eq!(bytes, write(&items));
            let reader = read(bytes);
            assert_eq!(reader.schema(), &schema());
            assert_eq!(reader.read_all().unwrap(), items);
        }
    }

    #[test]
    fn batches_follow_each_other_without_gaps() {
        let items: Vec<Item> = (0..BATCH_ROWS + 3).map(item).collect();
        let mut reader = read(write(&items));
        assert_eq!(reader.next_batch().unwrap().unwrap().len(), BATCH_ROWS);
        assert_eq!(reader.next_batch().unwrap().unwrap(), items[BATCH_ROWS..]);
        assert!(reader.next_batch().unwrap().is_none());
    }

    #[test]
    fn a_file_that_is_no_parquet_is_refused() {
        let bytes = b"PAR1 but not really PAR1".to_vec();
        assert!(ManifestReader::new(move || Ok(Box::new(Cursor::new(bytes.clone())))).is_err());
    }
}
