//! What a step over a whole manifest does to its rows, a batch at a time.

use polars::frame::DataFrame;
use polars::prelude::{Column as PolarsColumn, DataType, IdxCa, NamedFrom, Series, StringChunked};

use super::read::{broken, data_type};
use super::{BASE, Batch, Field, Kind, Schema, names_file};
use crate::error::{Error, Result};

/// The code of null in [`Values::Words`].
pub const NULL: u32 = u32::MAX;

/// Values of one column, one for each row.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// true or false.
    Bool(Vec<Option<bool>>),
    /// Integers.
    Int(Vec<Option<i64>>),
    /// Floats, all finite.
    Float(Vec<Option<f64>>),
    /// Text, as a few words and for each row the word's place among them; [`NULL`] for none.
    Words {
        /// The words.
        words: Vec<String>,
        /// Places.
        codes: Vec<u32>,
    },
}

impl Values {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        match self {
            Self::Bool(values) => values.len(),
            Self::Int(values) => values.len(),
            Self::Float(values) => values.len(),
            Self::Words { codes, .. } => codes.len(),
        }
    }

    /// The kind of column that holds them.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Bool(_) => Kind::Bool,
            Self::Int(_) => Kind::Int,
            Self::Float(_) => Kind::Float,
            Self::Words { .. } => Kind::Text,
        }
    }

    fn series(&self, name: &str) -> Series {
        let name = name.into();
        match self {
            Self::Bool(values) => Series::new(name, values),
            Self::Int(values) => Series::new(name, values),
            Self::Float(values) => Series::new(name, values),
            Self::Words { words, codes } => {
                let words = codes.iter().map(|code| words.get(*code as usize).map(String::as_str));
                Series::new(name, words.collect::<Vec<_>>())
            }
        }
    }
}

/// What becomes of the rows of a batch.
pub struct Change<'a> {
    /// How often each row goes on, 0 for rows that are dropped; `None`: all of them, once.
    pub times: Option<&'a [u32]>,
    /// New values of columns, by their whole names, one for each row of the batch as it was.
    pub columns: &'a [(String, Values)],
    /// Columns of the step: those that have no new values are null, whatever an earlier run of it said.
    pub facts: &'a [Field],
    /// Where the files lie, seen from the new manifest; `None`: as before.
    pub place: Option<&'a dyn Fn(&str) -> String>,
    /// Key of the record that says so: it ends the trail of each row.
    pub key: &'a str,
}

impl Batch {
    /// The rows as a step left them, in the columns of `schema`.
    ///
    /// The second and further copies of a row have ids of their own, `<id>~<n>-2`, where n counts the records of its trail, this
    /// one included: copies of copies, made later, never have the id of one of these.
    ///
    /// # Errors
    /// [`Error::Bug`] when the change does not fit the batch or the schema.
    pub fn changed(self, schema: &Schema, change: &Change<'_>) -> Result<Self> {
        let (first_row, rows) = (self.first_row(), self.rows());
        let bug = |message: String| Error::Bug { message };
        if change.times.is_some_and(|times| times.len() != rows)
            || change.columns.iter().any(|(_, values)| values.rows() != rows)
        {
            return Err(bug(format!("a step spoke of other rows than the {rows} it was given")));
        }
        let frame = self.into_frame();
        let names = BASE.iter().map(|c| c.name).chain(schema.facts.iter().map(|f| f.name.as_str()));
        let taken: Option<Vec<u32>> = change.times.filter(|t| t.iter().any(|n| *n != 1)).map(|t| {
            (0..).zip(t).flat_map(|(row, n)| (0..*n).map(move |_| row)).collect::<Vec<u32>>()
        });
        let height = taken.as_ref().map_or(rows, Vec::len);
        let columns = names
            .map(|name| {
                let kind = schema.kind(name).unwrap_or(Kind::Text);
                let of_step = change.columns.iter().find(|(column, _)| column == name);
                let old = match of_step {
                    Some((_, values)) if values.kind() != kind => {
                        return Err(bug(format!("values of another kind for `{name}`")));
                    }
                    Some((_, values)) => values.series(name),
                    None => match frame.column(name) {
                        Ok(column) if !change.facts.iter().any(|field| field.name == name) => {
                            column.as_materialized_series().clone()
                        }
                        _ => Series::full_null(name.into(), rows, &data_type(kind)),
                    },
                };
                let new = match &taken {
                    Some(taken) => take(&old, taken)?,
                    None => old,
                };
                let trail = frame.column("trail").map_err(broken)?.as_materialized_series();
                let copies = taken.as_deref().map(|taken| (taken, trail));
                Ok(PolarsColumn::from(self::told(new, name, copies, change)?))
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Self::of(first_row, DataFrame::new(height, columns).map_err(broken)?))
    }
}

/// These rows of a column. Text is copied: a few rows must not hold the text of all others in memory.
pub(super) fn take(series: &Series, rows: &[u32]) -> Result<Series> {
    if *series.dtype() == DataType::String {
        let text = series.str().map_err(broken)?;
        let taken: StringChunked = rows.iter().map(|row| text.get(*row as usize)).collect();
        return Ok(Series::from(taken.with_name(series.name().clone())));
    }
    series.take(&IdxCa::new("".into(), rows)).map_err(broken)
}

/// A column with what the engine adds to it: places of files, the trail, ids of copies.
fn told(
    series: Series,
    name: &str,
    copies: Option<(&[u32], &Series)>,
    change: &Change<'_>,
) -> Result<Series> {
    let made: StringChunked = match name {
        "trail" => {
            let trail = series.str().map_err(broken)?.iter();
            let ended = |trail: Option<&str>| match trail {
                None | Some("") => change.key.to_string(),
                Some(trail) => format!("{trail} {}", change.key),
            };
            trail.map(|trail| Some(ended(trail))).collect()
        }
        _ if name == "path" || names_file(name) => {
            let Some(place) = change.place else { return Ok(series) };
            series.str().map_err(broken)?.iter().map(|path| path.map(place)).collect()
        }
        "id" => {
            let Some((taken, trail)) = copies else { return Ok(series) };
            let trail = trail.str().map_err(broken)?;
            let records = |row: u32| {
                1 + trail.get(row as usize).unwrap_or_default().split_ascii_whitespace().count()
            };
            let mut before = (u32::MAX, 0);
            let ids = series.str().map_err(broken)?.iter().zip(taken).map(|(id, row)| {
                before = (*row, if before.0 == *row { before.1 + 1 } else { 1 });
                id.map(|id| match before.1 {
                    1 => id.to_string(),
                    copy => format!("{id}~{}-{copy}", records(*row)),
                })
            });
            ids.collect()
        }
        _ => return Ok(series),
    };
    Ok(Series::from(made.with_name(name.into())))
}
