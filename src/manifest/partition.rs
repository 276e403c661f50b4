//! The rows of a manifest dealt out by the values of columns, as Hive, Spark, Dask, pandas and DuckDB lay tables down:
//! `split=train/label=tumor/part-00000.parquet`, without those columns in the files.
//!
//! Names: every ASCII character but letters, digits, `-`, `_`, `.` and `~` is written as `%` and two hex digits; null and
//! the empty text as [`NO_VALUE`], which pyarrow and Spark read as null, pandas where it is given a schema
//! (`partitioning=`), and DuckDB as that very text: `nullif(label, '__HIVE_DEFAULT_PARTITION__')`. Which rows come into which part depends on the rows and their order alone.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;

use polars::frame::DataFrame;
use polars::prelude::{Column as PolarsColumn, Schema as PolarsSchema};

use super::change::take;
use super::encode::Groups;
use super::read::{broken, data_type};
use super::write::together;
use super::{BASE, BATCH_ROWS, Batch, Kind, Schema};
use crate::error::{Error, Result};

/// The value of a partition whose rows have none.
pub const NO_VALUE: &str = "__HIVE_DEFAULT_PARTITION__";
/// Partitions that a manifest may be laid down in.
pub const MOST_PARTITIONS: usize = 4096;
/// Bytes of a folder's name, as most file systems have it.
const MOST_NAME: usize = 255;

/// Deals rows out.
pub struct Partitions {
    by: Vec<(String, Kind)>,
    columns: PolarsSchema,
    most_rows: usize,
    held: BTreeMap<String, Held>,
    rows: usize,
}

/// Rows of one partition that wait.
#[derive(Default)]
struct Held {
    frames: Vec<DataFrame>,
    rows: usize,
    parts: usize,
}

/// A file of a partition, ready to be written.
pub struct Part {
    /// `split=train/label=tumor/part-00000.parquet`.
    pub path: String,
    frames: Vec<DataFrame>,
    columns: PolarsSchema,
}

impl Partitions {
    /// By these columns; at most `most_rows` rows (and a batch) wait in memory.
    ///
    /// # Errors
    /// [`Error::Params`] for a column that there is not, that is named twice, or that holds floats.
    pub fn new(schema: &Schema, by: &[String], most_rows: usize) -> Result<Self> {
        let wrong = |message: String| Error::params("--partition-by", message);
        let base = BASE.iter().map(|c| (c.name, c.kind));
        let all: Vec<(&str, Kind)> =
            base.chain(schema.facts.iter().map(|f| (f.name.as_str(), f.kind))).collect();
        let mut columns = Vec::new();
        for name in by {
            let short: String = name.chars().take(80).collect();
            match all.iter().find(|(column, _)| column == name) {
                None => return Err(wrong(format!("the manifest has no column {short:?}"))),
                Some((_, Kind::Float)) => {
                    return Err(wrong(format!("`{short}` holds numbers with fractions")));
                }
                Some((name, kind)) => match columns.iter().any(|(column, _)| column == name) {
                    true => return Err(wrong(format!("`{short}` is named twice"))),
                    false => columns.push((name.to_string(), *kind)),
                },
            }
        }
        let rest = all.iter().filter(|(name, _)| !by.iter().any(|column| column == name));
        let rest = rest.map(|(name, kind)| ((*name).into(), data_type(*kind)));
        let columns_left: PolarsSchema = rest.collect();
        if columns_left.is_empty() {
            return Err(wrong("no column would be left".into()));
        }
        let held = BTreeMap::new();
        Ok(Self { by: columns, columns: columns_left, most_rows, held, rows: 0 })
    }

    /// Deals out the rows of a batch of all columns. Gives the largest partitions away while too many rows wait.
    ///
    /// # Errors
    /// [`Error::Limit`] for more than [`MOST_PARTITIONS`] partitions, or a value too long for a folder's name.
    pub fn push(&mut self, batch: Batch) -> Result<Vec<Part>> {
        let (folders, rows) = self.folders(&batch)?;
        let frame = batch.into_frame();
        for (folder, rows) in folders.into_iter().zip(rows) {
            let columns = self.columns.iter_names().map(|name| {
                let column = frame.column(name).map_err(broken)?;
                Ok(PolarsColumn::from(take(column.as_materialized_series(), &rows)?))
            });
            let columns = columns.collect::<Result<Vec<_>>>()?;
            let held = self.held.entry(folder).or_default();
            held.frames.push(DataFrame::new(rows.len(), columns).map_err(broken)?);
            held.rows += rows.len();
            self.rows += rows.len();
        }
        let mut parts = Vec::new();
        while self.rows > self.most_rows {
            // Of equal ones the first by name.
            let largest = self.held.iter_mut().rev().max_by_key(|(_, held)| held.rows);
            let Some((folder, held)) = largest else { break };
            self.rows -= held.rows;
            parts.push(given(folder, held, &self.columns));
        }
        Ok(parts)
    }

    /// The rest, in the order of the partitions' names.
    pub fn finish(mut self) -> Vec<Part> {
        let waiting = self.held.iter_mut().filter(|(_, held)| held.rows > 0);
        waiting.map(|(folder, held)| given(folder, held, &self.columns)).collect()
    }

    /// The partitions of a batch, each with its rows.
    fn folders(&self, batch: &Batch) -> Result<(Vec<String>, Vec<Vec<u32>>)> {
        let mut columns = Vec::new();
        for (name, kind) in &self.by {
            let mut words: HashMap<Option<String>, u32> = HashMap::new();
            let mut code = |value: Option<&str>| match words.get(&value.map(str::to_string)) {
                Some(code) => *code,
                None => {
                    let code = words.len() as u32;
                    words.insert(value.map(str::to_string), code);
                    code
                }
            };
            let codes: Vec<u32> = match kind {
                Kind::Int => {
                    batch.ints(name)?.map(|v| code(v.map(|v| v.to_string()).as_deref())).collect()
                }
                Kind::Bool => batch
                    .bools(name)?
                    .map(|v| code(v.map(|v| if v { "true" } else { "false" })))
                    .collect(),
                _ => {
                    let mut before: Option<(Option<&str>, u32)> = None;
                    let mut codes = Vec::with_capacity(batch.rows());
                    for value in batch.text(name)?.iter() {
                        let code = match before {
                            Some((held, code)) if held == value => code,
                            _ => code(value),
                        };
                        before = Some((value, code));
                        codes.push(code);
                    }
                    codes
                }
            };
            let mut named = vec![String::new(); words.len()];
            for (word, code) in words {
                if let Some(place) = named.get_mut(code as usize) {
                    *place = folder(name, word.as_deref())?;
                }
            }
            columns.push((named, codes));
        }
        let mut known: HashMap<Vec<u32>, usize> = HashMap::new();
        let (mut folders, mut rows) = (Vec::new(), Vec::<Vec<u32>>::new());
        let mut key = Vec::new();
        for row in 0..batch.rows() {
            key.clear();
            key.extend(columns.iter().filter_map(|(_, codes)| codes.get(row)));
            let place = match known.get(&key) {
                Some(place) => *place,
                None => {
                    let names = columns.iter().zip(&key);
                    let names: Vec<&str> = names
                        .filter_map(|((named, _), code)| named.get(*code as usize))
                        .map(String::as_str)
                        .collect();
                    known.insert(key.clone(), folders.len());
                    folders.push(names.join("/"));
                    rows.push(Vec::new());
                    folders.len() - 1
                }
            };
            if let Some(rows) = rows.get_mut(place) {
                rows.push(row as u32);
            }
        }
        // An empty text and null are one partition.
        let mut merged: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for (folder, rows) in folders.into_iter().zip(rows) {
            merged.entry(folder).or_default().extend(rows);
        }
        merged.values_mut().for_each(|rows| rows.sort_unstable());
        let new = merged.keys().filter(|folder| !self.held.contains_key(*folder)).count();
        let count = self.held.len() + new;
        if count > MOST_PARTITIONS {
            return Err(Error::limit(
                "the number of partitions (`--partition-by`)",
                format!("at least {count}"),
                MOST_PARTITIONS.to_string(),
                "name columns with fewer values",
            ));
        }
        Ok(merged.into_iter().unzip())
    }
}

fn given(folder: &str, held: &mut Held, columns: &PolarsSchema) -> Part {
    let path = format!("{folder}/part-{:05}.parquet", held.parts);
    held.parts += 1;
    held.rows = 0;
    Part { path, frames: std::mem::take(&mut held.frames), columns: columns.clone() }
}

/// `label=tumor`.
fn folder(column: &str, value: Option<&str>) -> Result<String> {
    let value = value.filter(|value| !value.is_empty()).map_or(NO_VALUE.into(), escaped);
    let name = format!("{}={value}", escaped(column));
    match name.len() {
        0..=MOST_NAME => Ok(name),
        bytes => Err(Error::limit(
            format!("the name of a folder for a value of `{column}` (`--partition-by`)"),
            format!("{bytes} bytes"),
            format!("{MOST_NAME} bytes"),
            "name a column with shorter values",
        )),
    }
}

fn escaped(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_ascii_alphanumeric() || "-_.~".contains(c) || !c.is_ascii() => name.push(c),
            c => name.push_str(&format!("%{:02X}", c as u32)),
        }
    }
    name
}

impl Part {
    /// Writes it.
    ///
    /// # Errors
    /// [`Error::Store`] when the sink refuses.
    pub fn write(self, sink: impl Write, threads: usize) -> Result<()> {
        let mut groups = Groups::new(sink, &self.columns)?;
        groups.set_threads(threads);
        let all = together(self.frames)?;
        for first in (0..all.height()).step_by(BATCH_ROWS) {
            let mut group = all.slice(first as i64, BATCH_ROWS);
            group.rechunk_mut();
            groups.write(group)?;
        }
        groups.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_as_hive_does() {
        let name = |value| folder("label", value).unwrap();
        assert_eq!(name(Some("tumor")), "label=tumor");
        assert_eq!(name(Some("a b/c=%:\"ü")), "label=a%20b%2Fc%3D%25%3A%22ü");
        assert_eq!(name(None), "label=__HIVE_DEFAULT_PARTITION__");
        assert_eq!(name(Some("")), "label=__HIVE_DEFAULT_PARTITION__");
        assert!(matches!(folder("label", Some(&"x".repeat(300))), Err(Error::Limit { .. })));
    }
}
