//! A manifest as columns: some of them, a batch of rows at a time, from any thread.
//!
//! [`Item`](super::Item)s are what steps over images want; steps over a whole manifest look at three columns
//! of a hundred million rows. Here those columns alone are read, decoded and nothing else.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use polars::frame::DataFrame;
use polars::io::mmap::MmapBytesReader;
use polars::prelude::{
    BooleanChunked, Column as PolarsColumn, Float64Chunked, Int64Chunked, ParallelStrategy,
    ParquetReader, SerReader, Series, StringChunked,
};
use polars_parquet::read::{FileMetadata, RowGroupMetadata};

use super::encode::words;
use super::read::{broken, data_type};
use super::{BASE, BATCH_ROWS, Field, Kind, Schema, foreign};
use crate::error::{Error, Result};

/// Opens the bytes of a manifest.
type Open = dyn Fn() -> Result<Box<dyn MmapBytesReader>> + Send + Sync;

/// The base columns that no manifest can be without; where it lacks one of the others, it is null.
const NEEDED: [&str; 5] = ["id", "path", "length", "digest", "media_type"];

/// A manifest that is read by columns. Clones read the same file.
///
/// Whoever wrote it: columns of other types are read where a [`Kind`] carries their values exactly (see the errors), and base
/// columns but `id`, `path`, `length`, `digest` and `media_type` may be missing.
#[derive(Clone)]
pub struct Table {
    open: Arc<Open>,
    file: Arc<Layout>,
    schema: Schema,
    rows: usize,
}

/// Where the parts of a Parquet file lie.
struct Layout {
    /// What the footer says of the whole, without its row groups.
    common: FileMetadata,
    groups: Vec<RowGroupMetadata>,
    /// The first row of each row group.
    firsts: Vec<usize>,
    /// Names of the columns that are there.
    names: Vec<String>,
}

impl Table {
    /// Opens a manifest; `open` gives its bytes anew for each batch.
    ///
    /// # Errors
    /// [`Error::Format`] when it is no Parquet file, is damaged, or a column has a type that no step reads;
    /// [`Error::Schema`] when it lacks a base column or has one with other values.
    pub fn new(
        open: impl Fn() -> Result<Box<dyn MmapBytesReader>> + Send + Sync + 'static,
    ) -> Result<Self> {
        guarded(|| Self::opened(Arc::new(open)))
    }

    fn opened(open: Arc<Open>) -> Result<Self> {
        let mut bytes = open()?;
        let length = bytes.seek(std::io::SeekFrom::End(0)).map_err(broken)?;
        bytes.rewind().map_err(broken)?;
        let mut reader = ParquetReader::new(bytes);
        let mut common = FileMetadata::clone(reader.get_metadata().map_err(broken)?);
        // Types are those of Parquet: see `foreign`.
        common.key_value_metadata = None;
        let groups = std::mem::take(&mut common.row_groups);
        let firsts = held(&groups, common.num_rows, length)?;
        let rows = common.num_rows;
        let mut reader = ParquetReader::new(std::io::Cursor::new([]));
        reader.set_metadata(Arc::new(common.clone()));
        let arrow = reader.schema().map_err(broken)?;
        let mut facts = Vec::new();
        let mut found = Vec::new();
        let mut names = Vec::new();
        for field in arrow.iter_values() {
            let name = field.name.to_string();
            let kind = foreign::kind(&name, &field.dtype)?;
            names.push(name.clone());
            match BASE.iter().any(|c| c.name == name) {
                true => found.push(Field { name, kind }),
                false => facts.push(Field { name, kind }),
            }
        }
        require(&found)?;
        let file = Arc::new(Layout { common, groups, firsts, names });
        Ok(Self { open, file, schema: Schema { facts }, rows })
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
    /// [`Error::Format`] when the file is not what its footer says, or a value cannot be carried exactly; [`Error::Bug`] for a
    /// column that it has not.
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
        let base = BASE.iter().map(|c| c.name);
        let all = || base.chain(self.schema.facts.iter().map(|f| f.name.as_str())).collect();
        let names: Vec<&str> = columns.map_or_else(all, <[&str]>::to_vec);
        if let Some(name) = names.iter().find(|name| self.schema.kind(name).is_none()) {
            return Err(Error::Bug { message: format!("the manifest has no column `{name}`") });
        }
        guarded(|| {
            let frame = self.read(first_row, rows, &names)?;
            let columns = names.iter().map(|name| {
                let kind = self.schema.kind(name).unwrap_or(Kind::Text);
                Ok(PolarsColumn::from(match frame.column(name) {
                    Ok(column) => {
                        let series = column.as_materialized_series().rechunk();
                        foreign::plain(name, kind, series)?
                    }
                    Err(_) => Series::full_null((*name).into(), rows, &data_type(kind)),
                }))
            });
            let columns = columns.collect::<Result<Vec<_>>>()?;
            Ok(Batch { first_row, frame: DataFrame::new(rows, columns).map_err(broken)? })
        })
    }

    /// Those of the columns that are in the file, in its types.
    fn read(&self, first_row: usize, rows: usize, names: &[&str]) -> Result<DataFrame> {
        let file = &*self.file;
        let there: Vec<String> = names
            .iter()
            .filter(|name| file.names.iter().any(|n| n == *name))
            .map(|name| name.to_string())
            .collect();
        if there.is_empty() || rows == 0 {
            return Ok(DataFrame::empty());
        }
        let mut all: Option<DataFrame> = None;
        let end = first_row + rows;
        let mut group = file.firsts.partition_point(|first| *first <= first_row).saturating_sub(1);
        while let (Some(first), Some(found)) = (file.firsts.get(group), file.groups.get(group)) {
            if *first >= end {
                break;
            }
            group += 1;
            let (from, to) = (first_row.max(*first), end.min(first + found.num_rows()));
            if from >= to {
                continue;
            }
            // The other row groups are not so much as looked at.
            let alone = FileMetadata {
                row_groups: vec![found.clone()],
                num_rows: found.num_rows(),
                max_row_group_height: found.num_rows(),
                ..file.common.clone()
            };
            let mut reader = ParquetReader::new((self.open)()?);
            reader.set_metadata(Arc::new(alone));
            let part = reader
                .with_slice(Some((from - first, to - from)))
                .with_columns(Some(there.clone()))
                .read_parallel(ParallelStrategy::None)
                .finish()
                .map_err(broken)?;
            all = Some(match all {
                None => part,
                Some(mut all) => {
                    all.vstack_mut_owned(part).map_err(broken)?;
                    all
                }
            });
        }
        let frame = all.unwrap_or_else(DataFrame::empty);
        let whole = frame.columns().iter().all(|column| column.len() == rows);
        if frame.height() != rows || !whole {
            return Err(broken(format!("{} rows where its footer says {rows}", frame.height())));
        }
        Ok(frame)
    }
}

/// The first row of each row group, where they are all within a file of this length and have as many rows as it says.
pub(super) fn held(groups: &[RowGroupMetadata], rows: usize, length: u64) -> Result<Vec<usize>> {
    let mut first = 0_usize;
    let mut firsts = Vec::with_capacity(groups.len());
    for group in groups {
        firsts.push(first);
        first = first
            .checked_add(group.num_rows())
            .filter(|first| *first <= rows)
            .ok_or_else(|| broken(format!("its row groups have more than its {rows} rows")))?;
        for column in group.parquet_columns() {
            let range = column.byte_range();
            if range.start > range.end || range.end > length {
                return Err(broken(format!("it ends at byte {length}, within its rows")));
            }
            let flat = column.descriptor().descriptor.max_rep_level == 0;
            let values = usize::try_from(column.num_values());
            if flat && values.ok() != Some(group.num_rows()) {
                return Err(broken("its columns are not equally long"));
            }
        }
    }
    if first != rows {
        return Err(broken(format!("its row groups have {first} rows where it says {rows}")));
    }
    Ok(firsts)
}

/// Refuses base columns that hold other values, or are missing and needed.
fn require(found: &[Field]) -> Result<()> {
    for column in BASE {
        let message = match found.iter().find(|f| f.name == column.name) {
            Some(found) if found.kind == column.kind => continue,
            Some(found) => format!(
                "it holds {} values where {} is needed ({})",
                found.kind.json_name(),
                column.kind.json_name(),
                column.doc
            ),
            None if !NEEDED.contains(&column.name) => continue,
            None => format!("every manifest has it ({})", column.doc),
        };
        let (step, column) = ("a manifest".into(), column.name.into());
        return Err(Error::Schema { step, column, message });
    }
    Ok(())
}

/// What polars makes of a damaged file: an error, where it panics too.
pub(super) fn guarded<T>(read: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|panic| Err(broken(format!("it is damaged: {}", words(&*panic)))))
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

    /// Refuses nulls in these columns.
    ///
    /// # Errors
    /// [`Error::Format`] naming the row and the column; [`Error::Bug`] for one that was not asked for.
    pub fn require(&self, columns: &[&str]) -> Result<()> {
        for name in columns {
            let column = self.frame.column(name).map_err(|_| Error::Bug {
                message: format!("the column `{name}` was not asked for"),
            })?;
            if column.null_count() > 0 {
                let row = (0..self.rows()).find(|row| column.get(*row).is_ok_and(|v| v.is_null()));
                let row = self.first_row + row.unwrap_or(0);
                return Err(Error::format("manifest", format!("row {row}: `{name}` is null")));
            }
        }
        Ok(())
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
