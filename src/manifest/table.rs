//! A manifest as columns: some of them, a batch of rows at a time, from any thread.
//!
//! [`Item`](super::Item)s are what steps over images want; steps over a whole manifest look at three columns
//! of a hundred million rows. Here those columns alone are read, decoded and nothing else.

use std::sync::Arc;

use polars::frame::DataFrame;
use polars::io::mmap::MmapBytesReader;
use polars::prelude::{
    BooleanChunked, Column as PolarsColumn, DataType, FileMetadataRef, Float64Chunked,
    Int64Chunked, ParallelStrategy, ParquetReader, SerReader, StringChunked,
};

use super::parquet::{broken, data_type};
use super::{BASE, BATCH_ROWS, Field, Kind, Schema};
use crate::error::{Error, Result};

/// Opens the bytes of a manifest.
type Open = dyn Fn() -> Result<Box<dyn MmapBytesReader>> + Send + Sync;

/// A manifest that is read by columns. Clones read the same file.
#[derive(Clone)]
pub struct Table {
    open: Arc<Open>,
    metadata: FileMetadataRef,
    schema: Schema,
    rows: usize,
}

impl Table {
    /// Opens a manifest; `open` gives its bytes anew for each batch.
    ///
    /// # Errors
    /// [`Error::Format`] when it is no Parquet file or a column has a type that no step reads;
    /// [`Error::Schema`] when it lacks a base column.
    pub fn new(
        open: impl Fn() -> Result<Box<dyn MmapBytesReader>> + Send + Sync + 'static,
    ) -> Result<Self> {
        let mut reader = ParquetReader::new(open()?);
        let rows = reader.num_rows().map_err(broken)?;
        let arrow = reader.schema().map_err(broken)?;
        let metadata = reader.get_metadata().map_err(broken)?.clone();
        let mut facts = Vec::new();
        let mut found = Vec::new();
        for field in arrow.iter_values() {
            let name = field.name.to_string();
            let kind = kind(&name, &DataType::from_arrow_field(field))?;
            match BASE.iter().any(|c| c.name == name) {
                true => found.push(Field { name, kind }),
                false => facts.push(Field { name, kind }),
            }
        }
        Schema { facts: found }.require("a manifest", BASE, BASE)?;
        Ok(Self { open: Arc::new(open), metadata, schema: Schema { facts }, rows })
    }

    /// The columns.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of batches of [`BATCH_ROWS`] rows; the last may be shorter.
    pub fn batches(&self) -> usize {
        self.rows.div_ceil(BATCH_ROWS)
    }

    /// These columns of one batch of [`BATCH_ROWS`] rows.
    ///
    /// # Errors
    /// [`Error::Format`] when the file is not what its footer says; [`Error::Bug`] for a column that it has not.
    pub fn batch(&self, index: usize, columns: &[&str]) -> Result<Batch> {
        let first = index * BATCH_ROWS;
        self.slice(first, BATCH_ROWS.min(self.rows.saturating_sub(first)), Some(columns))
    }

    /// Some rows; of all columns where none are named.
    pub(super) fn slice(
        &self,
        first_row: usize,
        rows: usize,
        columns: Option<&[&str]>,
    ) -> Result<Batch> {
        if let Some(name) =
            columns.unwrap_or_default().iter().find(|name| self.schema.kind(name).is_none())
        {
            return Err(Error::Bug { message: format!("the manifest has no column `{name}`") });
        }
        let mut reader = ParquetReader::new((self.open)()?);
        reader.set_metadata(self.metadata.clone());
        let frame = reader
            .with_slice(Some((first_row, rows)))
            .with_columns(columns.map(|names| names.iter().map(|n| n.to_string()).collect()))
            .read_parallel(ParallelStrategy::None)
            .finish()
            .map_err(broken)?;
        if frame.height() != rows {
            return Err(broken(format!("{} rows where its footer says {rows}", frame.height())));
        }
        Ok(Batch { first_row, frame: plain(&self.schema, frame)? })
    }
}

/// The kind of a column of this type.
fn kind(name: &str, found: &DataType) -> Result<Kind> {
    Ok(match found {
        DataType::Boolean => Kind::Bool,
        d if d.is_integer() => Kind::Int,
        d if d.is_float() || d.is_decimal() => Kind::Float,
        DataType::String | DataType::Categorical(..) | DataType::Enum(..) => Kind::Text,
        d if d.is_temporal() => Kind::Text,
        // A column that holds nothing but nulls has no type of its own.
        DataType::Null => {
            BASE.iter().find(|c| c.name == name).map_or(Kind::Text, |column| column.kind)
        }
        other => {
            return Err(Error::format(
                "manifest",
                format!(
                    "column `{name}` is of type {other}, which no step reads: make it a number, text or boolean"
                ),
            ));
        }
    })
}

/// Columns in the types that [`Kind`]s stand for, each in one piece: whatever wrote the file (categories, dates,
/// 8-bit integers).
fn plain(schema: &Schema, frame: DataFrame) -> Result<DataFrame> {
    let rows = frame.height();
    let columns = frame
        .into_columns()
        .into_iter()
        .map(|column| {
            let name = column.name().to_string();
            let kind = schema.kind(&name).unwrap_or(Kind::Text);
            let wanted = data_type(kind);
            let column = if *column.dtype() == wanted {
                column
            } else {
                column.strict_cast(&wanted).map_err(|e| {
                    broken(format!("column `{name}` is no {}: {e}", kind.json_name()))
                })?
            };
            Ok(PolarsColumn::from(column.take_materialized_series().rechunk()))
        })
        .collect::<Result<Vec<_>>>()?;
    DataFrame::new(rows, columns).map_err(broken)
}

/// Some columns of some rows that follow each other.
#[derive(Clone)]
pub struct Batch {
    first_row: usize,
    frame: DataFrame,
}

impl Batch {
    pub(super) fn of(first_row: usize, frame: DataFrame) -> Self {
        Self { first_row, frame }
    }

    /// Which row of the manifest the first of these is.
    pub fn first_row(&self) -> usize {
        self.first_row
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.frame.height()
    }

    /// Columns of polars.
    pub(super) fn frame(&self) -> &DataFrame {
        &self.frame
    }

    /// The same by value.
    pub(super) fn into_frame(self) -> DataFrame {
        self.frame
    }

    fn column(&self, name: &str, kind: Kind) -> Result<&PolarsColumn> {
        let column = self.frame.column(name).map_err(|_| Error::Bug {
            message: format!("the column `{name}` was not asked for"),
        })?;
        if *column.dtype() != data_type(kind) {
            let message = format!("the column `{name}` is of type {}", column.dtype());
            return Err(Error::Bug { message });
        }
        Ok(column)
    }

    /// A column of text.
    ///
    /// # Errors
    /// [`Error::Bug`] when it was not asked for or is of another kind; so for the others.
    pub fn text(&self, name: &str) -> Result<Texts<'_>> {
        Ok(Texts(self.column(name, Kind::Text)?.str().map_err(broken)?))
    }

    /// A column of integers.
    ///
    /// # Errors
    /// As [`Batch::text`].
    pub fn ints(&self, name: &str) -> Result<impl Iterator<Item = Option<i64>> + '_> {
        let ints: &Int64Chunked = self.column(name, Kind::Int)?.i64().map_err(broken)?;
        Ok(ints.iter())
    }

    /// A column of floats; not a number counts as null.
    ///
    /// # Errors
    /// As [`Batch::text`].
    pub fn floats(&self, name: &str) -> Result<impl Iterator<Item = Option<f64>> + '_> {
        let floats: &Float64Chunked = self.column(name, Kind::Float)?.f64().map_err(broken)?;
        Ok(floats.iter().map(|value| value.filter(|v| !v.is_nan())))
    }

    /// A column of booleans.
    ///
    /// # Errors
    /// As [`Batch::text`].
    pub fn bools(&self, name: &str) -> Result<impl Iterator<Item = Option<bool>> + '_> {
        let bools: &BooleanChunked = self.column(name, Kind::Bool)?.bool().map_err(broken)?;
        Ok(bools.iter())
    }

    /// The column `digest`, as bytes.
    ///
    /// # Errors
    /// [`Error::Format`] naming the row that has none; [`Error::Bug`] when it was not asked for.
    pub fn digests(&self) -> Result<Vec<[u8; 32]>> {
        let texts = self.text("digest")?;
        let mut digests = Vec::with_capacity(self.rows());
        for (row, text) in texts.iter().enumerate() {
            digests.push(text.and_then(hex).ok_or_else(|| {
                let found: String = text.unwrap_or("null").chars().take(80).collect();
                let message = format!(
                    "row {}: `digest` {found:?} is not 64 hex digits",
                    self.first_row + row
                );
                Error::format("manifest", message)
            })?);
        }
        Ok(digests)
    }
}

/// A column of text.
#[derive(Clone, Copy)]
pub struct Texts<'a>(&'a StringChunked);

impl<'a> Texts<'a> {
    /// The value of one of the batch's rows.
    pub fn get(self, row: usize) -> Option<&'a str> {
        self.0.get(row)
    }

    /// All values, in order.
    pub fn iter(self) -> impl Iterator<Item = Option<&'a str>> {
        self.0.iter()
    }
}

/// 64 lower-case hex digits as bytes.
fn hex(text: &str) -> Option<[u8; 32]> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |d: u8| match d {
        b'0'..=b'9' => Some(d - b'0'),
        b'a'..=b'f' => Some(d - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; 32];
    if pairs.len() != 32 || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}
