//! Lists of files that a user brings: CSV or Parquet with any columns.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;
use std::sync::Arc;

use polars::prelude::{DataType, ParquetReader, SerReader, Series};
use polars_parquet::read::FileMetadata;

use super::read::broken;
use super::table::guarded;
use super::{Kind, foreign};
use crate::error::{Error, Result};

/// A row: column name to text; empty values are left out.
type Row = BTreeMap<String, String>;

/// The rows of a CSV file with a header (RFC 4180; a byte order mark, `LF` or `CRLF`, fields in quotes with commas, quotes and
/// line ends in them): column name to text; empty fields are left out, rows may be shorter than the header.
///
/// # Errors
/// [`Error::Format`] naming the line when it is no CSV with a header of unique names in UTF-8.
pub fn read_csv(name: &str, bytes: &[u8]) -> Result<Vec<Row>> {
    let wrong = |line: usize, what: &str| Error::format(name, format!("line {line}: {what}"));
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let before = bytes.get(..e.valid_up_to()).unwrap_or_default();
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        wrong(line, "its bytes are no UTF-8 text: save the table as CSV UTF-8")
    })?;
    let mut records = Records { rest: text, line: 1 };
    let header = match records.next().transpose().map_err(|(line, what)| wrong(line, what))? {
        Some((_, header)) if header.iter().any(|field| !field.is_empty()) => header,
        _ => return Err(wrong(1, "there is no header that names the columns")),
    };
    let mut seen = BTreeSet::new();
    if let Some(twice) = header.iter().find(|field| !field.is_empty() && !seen.insert(*field)) {
        let twice: String = twice.chars().take(80).collect();
        return Err(wrong(1, &format!("two columns have the name {twice:?}")));
    }
    let mut rows = Vec::new();
    for record in records {
        let (line, fields) = record.map_err(|(line, what)| wrong(line, what))?;
        let mut row = Row::new();
        for (at, field) in fields.into_iter().enumerate() {
            match header.get(at) {
                _ if field.is_empty() => {}
                Some(column) if !column.is_empty() => drop(row.insert(column.clone(), field)),
                _ => {
                    let field: String = field.chars().take(80).collect();
                    let what = format!(
                        "{field:?} stands in column {}, which the header does not name",
                        at + 1
                    );
                    return Err(wrong(line, &what));
                }
            }
        }
        rows.push(row);
    }
    Ok(rows)
}

/// The records of a CSV, one after the other, each with the line on which it begins.
struct Records<'a> {
    rest: &'a str,
    line: usize,
}

/// What is wrong, and on which line.
type Wrong = (usize, &'static str);

impl Iterator for Records<'_> {
    type Item = std::result::Result<(usize, Vec<String>), Wrong>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let (begun, mut fields) = (self.line, Vec::new());
        loop {
            match self.field() {
                Ok((field, more)) => {
                    fields.push(field);
                    if !more {
                        return Some(Ok((begun, fields)));
                    }
                }
                Err(wrong) => {
                    self.rest = "";
                    return Some(Err(wrong));
                }
            }
        }
    }
}

impl Records<'_> {
    /// The next field, and whether another follows on its row.
    fn field(&mut self) -> std::result::Result<(String, bool), Wrong> {
        let mut field = String::new();
        if let Some(quoted) = self.rest.strip_prefix('"') {
            let begun = self.line;
            self.rest = quoted;
            loop {
                let Some((inside, behind)) = self.rest.split_once('"') else {
                    return Err((begun, "a quote is opened and never closed"));
                };
                self.line += inside.matches('\n').count();
                field.push_str(inside);
                self.rest = behind;
                match behind.strip_prefix('"') {
                    Some(behind) => {
                        field.push('"');
                        self.rest = behind;
                    }
                    None => break,
                }
            }
        } else {
            let end = self.rest.find([',', '\n']).unwrap_or(self.rest.len());
            let (plain, behind) = self.rest.split_at(end);
            let plain = match behind.starts_with(',') {
                true => plain,
                false => plain.strip_suffix('\r').unwrap_or(plain),
            };
            if plain.contains('"') {
                return Err((
                    self.line,
                    "a quote stands within a field that does not begin with one",
                ));
            }
            field.push_str(plain);
            self.rest = behind;
        }
        let rest = self.rest.strip_prefix('\r').filter(|r| r.is_empty() || r.starts_with('\n'));
        let rest = rest.unwrap_or(self.rest);
        if let Some(behind) = rest.strip_prefix(',') {
            self.rest = behind;
            return Ok((field, true));
        }
        match rest.strip_prefix('\n') {
            Some(behind) => {
                self.rest = behind;
                self.line += 1;
            }
            None if rest.is_empty() => self.rest = rest,
            None => return Err((self.line, "something stands behind a closing quote")),
        }
        Ok((field, false))
    }
}

/// The rows of a CSV or (by its first four bytes) Parquet file, as [`read_csv`]. Numbers keep all their digits, dates and
/// times are ISO 8601 (see [`super::Table`]).
///
/// # Errors
/// [`Error::Format`] when it is neither, or a column has a type that is no number, text, boolean or time.
pub fn read_list(name: &str, bytes: &[u8]) -> Result<Vec<Row>> {
    if !bytes.starts_with(b"PAR1") {
        return read_csv(name, bytes);
    }
    guarded(|| parquet_rows(bytes)).map_err(|e| match e {
        Error::Format { message, .. } => Error::format(name, message),
        other => other,
    })
}

fn parquet_rows(bytes: &[u8]) -> Result<Vec<Row>> {
    let mut reader = ParquetReader::new(Cursor::new(bytes));
    let mut metadata = FileMetadata::clone(reader.get_metadata().map_err(broken)?);
    super::table::held(&metadata.row_groups, metadata.num_rows, bytes.len() as u64)?;
    metadata.key_value_metadata = None;
    let mut reader = ParquetReader::new(Cursor::new(bytes));
    reader.set_metadata(Arc::new(metadata));
    let arrow = reader.schema().map_err(broken)?;
    let kinds = arrow.iter_values().map(|field| foreign::kind_as(&field.name, &field.dtype, None));
    let kinds = kinds.collect::<Result<Vec<_>>>()?;
    let frame = reader.finish().map_err(broken)?;
    let mut rows = vec![Row::new(); frame.height()];
    for (column, kind) in frame.columns().iter().zip(kinds) {
        let series = column.as_materialized_series();
        let name = column.name().to_string();
        for (row, text) in rows.iter_mut().zip(texts(&name, kind, series)?) {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                row.insert(name.clone(), text);
            }
        }
    }
    Ok(rows)
}

/// Values as text.
fn texts(name: &str, kind: Kind, series: &Series) -> Result<Vec<Option<String>>> {
    fn shown<T: ToString>(values: impl Iterator<Item = Option<T>>) -> Vec<Option<String>> {
        values.map(|value| value.map(|value| value.to_string())).collect()
    }
    Ok(match series.dtype() {
        // As a float of 64 bits it would have digits that nobody wrote.
        DataType::Float32 => shown(series.f32().map_err(broken)?.iter()),
        DataType::UInt64 => shown(series.u64().map_err(broken)?.iter()),
        DataType::Decimal(..) => {
            let text = series.strict_cast(&DataType::String).map_err(broken)?;
            shown(text.str().map_err(broken)?.iter())
        }
        _ => {
            let plain = foreign::plain(name, kind, series.clone())?;
            match kind {
                Kind::Text => shown(plain.str().map_err(broken)?.iter()),
                Kind::Int => shown(plain.i64().map_err(broken)?.iter()),
                Kind::Float => shown(plain.f64().map_err(broken)?.iter()),
                Kind::Bool => shown(plain.bool().map_err(broken)?.iter()),
            }
        }
    })
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

    #[test]
    fn csv_as_spreadsheets_write_it() {
        let read = |text: &str| read_csv("t.csv", text.as_bytes());
        let rows =
            read("\u{feff}path,\"la\"\"bel\"\r\na.png,\"x, \"\"y\"\"\r\nz\"\r\n\r\nb.png\r\n,\"\"")
                .unwrap();
        assert_eq!(rows.len(), 4);
        assert_eq!(rows[0]["la\"bel"], "x, \"y\"\r\nz");
        assert!(rows[1].is_empty() && rows[3].is_empty());
        assert_eq!((rows[2]["path"].as_str(), rows[2].len()), ("b.png", 1));
        // Without a last line end, and with nothing but a header.
        assert_eq!(read("a,b\n1,2").unwrap()[0]["b"], "2");
        assert!(read("a,b\n").unwrap().is_empty());
        assert_eq!(read("a,b\n1, x ").unwrap()[0]["b"], " x ");
        assert_eq!(read("a,\n1,").unwrap()[0].len(), 1);
        let huge = "x".repeat(3 << 20);
        assert_eq!(read(&format!("a\n\"{huge}\"")).unwrap()[0]["a"], huge);
    }

    #[test]
    fn what_is_no_csv_is_refused_by_its_line() {
        for (text, told) in [
            (&b""[..], "line 1: there is no header"),
            (b"\n1,2\n", "line 1: there is no header"),
            (b"a,b,a\n", "line 1: two columns have the name \"a\""),
            (b"a,b\n1,2\n1,2,3\n", "line 3: \"3\" stands in column 3"),
            (b"a\n\"1\n2\"\n\"open\n\n", "line 4: a quote is opened"),
            (b"a\n\"1\"2\n", "line 2: something stands behind"),
            (b"a\n1\"2\n", "line 2: a quote stands within"),
            (b"a\n1\n\xff\n", "line 3: its bytes are no UTF-8"),
        ] {
            let error = read_csv("t.csv", text).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
    }
}
