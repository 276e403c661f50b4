//! Lists of files that a user brings: CSV or Parquet with any columns.

use std::collections::BTreeMap;
use std::io::Cursor;

use polars::frame::DataFrame;
use polars::prelude::{AnyValue, CsvReadOptions, ParquetReader, SerReader};

use crate::error::{Error, Result};

/// The rows of a CSV file with a header: column name to text; empty fields are left out.
///
/// # Errors
/// [`Error::Format`] when it is no CSV with a header of unique names.
pub fn read_csv(name: &str, bytes: &[u8]) -> Result<Vec<BTreeMap<String, String>>> {
    let broken = |e: &dyn std::fmt::Display| Error::format(name, format!("not a CSV file: {e}"));
    let frame = CsvReadOptions::default()
        .with_has_header(true)
        // Types are not guessed: an id of `007` stays `007`.
        .with_infer_schema_length(Some(0))
        .into_reader_with_file_handle(Cursor::new(bytes))
        .finish()
        .map_err(|e| broken(&e))?;
    rows(name, &frame)
}

/// The rows of a CSV or (by its first four bytes) Parquet file, as [`read_csv`].
///
/// # Errors
/// [`Error::Format`] when it is neither.
pub fn read_list(name: &str, bytes: &[u8]) -> Result<Vec<BTreeMap<String, String>>> {
    if !bytes.starts_with(b"PAR1") {
        return read_csv(name, bytes);
    }
    let frame = ParquetReader::new(Cursor::new(bytes))
        .finish()
        .map_err(|e| Error::format(name, format!("not a Parquet file: {e}")))?;
    rows(name, &frame)
}

fn rows(name: &str, frame: &DataFrame) -> Result<Vec<BTreeMap<String, String>>> {
    let mut rows = vec![BTreeMap::new(); frame.height()];
    for column in frame.columns() {
        for (index, row) in rows.iter_mut().enumerate() {
            let value = column.get(index).map_err(|e| Error::format(name, e.to_string()))?;
            let text = match value {
                AnyValue::Null => continue,
                AnyValue::String(text) => text.to_string(),
                AnyValue::StringOwned(text) => text.to_string(),
                // polars shows floats rounded for people.
                AnyValue::Float64(number) => number.to_string(),
                AnyValue::Float32(number) => number.to_string(),
                other => other.to_string(),
            };
            if !text.is_empty() {
                row.insert(column.name().to_string(), text);
            }
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_values_stay_text() {
        let rows = read_csv("labels.csv", b"id,label,n\n007,tumor,1.50\n\"a,b\",,2\n").unwrap();
        assert_eq!(rows[0]["id"], "007");
        assert_eq!(rows[0]["n"], "1.50");
        assert_eq!(rows[1]["id"], "a,b");
        assert!(!rows[1].contains_key("label"));
    }

    #[test]
    fn numbers_of_a_parquet_list_keep_all_their_digits() {
        use polars::prelude::{DataFrame, NamedFrom, ParquetWriter, Series};
        let column = Series::new("mpp".into(), [0.228_175_055_902_888_7_f64, 0.5]);
        let mut frame = DataFrame::new(2, vec![column.into()]).unwrap();
        let mut bytes = Vec::new();
        ParquetWriter::new(&mut bytes).finish(&mut frame).unwrap();
        let rows = read_list("list.parquet", &bytes).unwrap();
        assert_eq!(
            (rows[0]["mpp"].as_str(), rows[1]["mpp"].as_str()),
            ("0.2281750559028887", "0.5")
        );
    }
}
