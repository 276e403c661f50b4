//! Manifests that others wrote (pandas, pyarrow, DuckDB, polars, Spark): their types as [`Kind`]s.
//!
//! A value comes out as it went in or not at all: what a [`Kind`] cannot carry exactly is an error that names
//! the column. Dates and times become ISO 8601 text in their full resolution: `2024-02-29`,
//! `2024-02-29T13:07:00.000000001`, instants (columns with a time zone) in UTC with a `Z` behind. Types are read
//! from the Parquet schema alone: an Arrow schema beside it names no other values.

use polars::prelude::{
    ArrowDataType, DataType, Float64Chunked, Int64Chunked, NamedFrom, Series, StringChunked,
    TimeUnit,
};

use super::read::{broken, data_type};
use super::{BASE, Kind};
use crate::error::{Error, Result};

/// Digits that a decimal may have: every one of them comes back from a float.
const DECIMAL_DIGITS: usize = 15;
/// Integers up to here are floats too.
const MOST_EXACT: i64 = 1 << 53;

/// The kind of a column of this type in a manifest.
pub(super) fn kind(name: &str, found: &ArrowDataType) -> Result<Kind> {
    let base = BASE.iter().find(|column| column.name == name).map(|column| column.kind);
    kind_as(name, found, base)
}

/// The kind of a column of this type, where it is meant to have this one.
pub(super) fn kind_as(name: &str, found: &ArrowDataType, base: Option<Kind>) -> Result<Kind> {
    use ArrowDataType as A;
    let kind = match found {
        A::Boolean => Kind::Bool,
        A::Int8 | A::Int16 | A::Int32 | A::Int64 => Kind::Int,
        A::UInt8 | A::UInt16 | A::UInt32 | A::UInt64 => Kind::Int,
        A::Decimal(_, 0) => Kind::Int,
        A::Float32 | A::Float64 | A::Decimal(..) => Kind::Float,
        A::Utf8 | A::LargeUtf8 | A::Utf8View => Kind::Text,
        // Some writers do not say that their bytes are text: that is seen when they are read.
        A::Binary | A::LargeBinary | A::BinaryView => Kind::Text,
        A::Date32 | A::Date64 | A::Timestamp(..) | A::Time32(_) | A::Time64(_) => Kind::Text,
        // A column that holds nothing but nulls has no type of its own.
        A::Null => base.unwrap_or(Kind::Text),
        other => {
            let other: String = format!("{other:?}").chars().take(80).collect();
            return Err(Error::format(
                "manifest",
                format!(
                    "column `{name}` is of type {other}, which no step reads: make it a number, text or boolean"
                ),
            ));
        }
    };
    // Classes and patients may be numbers, and pandas makes floats of integers where some are missing.
    Ok(match (base, kind) {
        (Some(Kind::Text), _) => Kind::Text,
        (Some(Kind::Int), Kind::Float) => Kind::Int,
        (Some(Kind::Float), Kind::Int) => Kind::Float,
        _ => kind,
    })
}

/// A column in the type that its kind stands for.
pub(super) fn plain(name: &str, kind: Kind, series: Series) -> Result<Series> {
    let wanted = data_type(kind);
    if *series.dtype() == wanted {
        return Ok(series);
    }
    let short: String = name.chars().take(80).collect();
    let fails = |e: &dyn std::fmt::Display| {
        let e: String = e.to_string().chars().take(200).collect();
        broken(format!("column `{short}` is no {}: {e}", kind.json_name()))
    };
    let made = match (kind, series.dtype()) {
        (_, DataType::Null) => Ok(Series::full_null(name.into(), series.len(), &wanted)),
        (Kind::Text, DataType::Date | DataType::Datetime(..) | DataType::Time) => times(&series),
        (Kind::Text, DataType::Float32 | DataType::Float64) => {
            let floats = series.cast(&DataType::Float64).map_err(|e| fails(&e))?;
            // pandas writes whole numbers with a gap among them as floats.
            let is_whole = |v: f64| v == v.trunc() && v.abs() <= MOST_EXACT as f64;
            let floats = floats.f64().map_err(broken)?;
            match floats.iter().flatten().find(|v| !v.is_nan() && !is_whole(*v)) {
                None => {
                    let text = |v: f64| format!("{}", v as i64);
                    let texts = floats.iter().map(|v| v.filter(|v| !v.is_nan()).map(text));
                    Ok(Series::from(texts.collect::<StringChunked>()))
                }
                Some(value) => Err(broken(format!(
                    "column `{short}` is read as text, and holds numbers with fractions ({value}): write text there"
                ))),
            }
        }
        (Kind::Text, found) if found.is_decimal() => Err(fails(&"it holds decimals")),
        (Kind::Int, DataType::Float32 | DataType::Float64) => {
            let floats = series.cast(&DataType::Float64).map_err(|e| fails(&e))?;
            whole(floats.f64().map_err(broken)?).map_err(|e| fails(&e))
        }
        (Kind::Float, DataType::Decimal(..)) => decimals(&series, &fails),
        (Kind::Float, found) if found.is_integer() => {
            let ints = series.strict_cast(&DataType::Int64).map_err(|e| fails(&e))?;
            match ints.i64().map_err(broken)?.iter().flatten().find(|v| v.abs() > MOST_EXACT) {
                None => ints.cast(&wanted).map_err(|e| fails(&e)),
                Some(value) => Err(fails(&format!("{value} is more than a float can carry"))),
            }
        }
        _ => series.strict_cast(&wanted).map_err(|e| fails(&e)),
    };
    Ok(made?.with_name(name.into()))
}

/// Floats that are integers; not a number is null.
fn whole(floats: &Float64Chunked) -> std::result::Result<Series, String> {
    let mut ints = Vec::with_capacity(floats.len());
    for value in floats.iter() {
        ints.push(match value {
            Some(v) if v.is_nan() => None,
            Some(v) if v.fract() == 0.0 && v.abs() <= MOST_EXACT as f64 => Some(v as i64),
            Some(v) => return Err(format!("it holds {v}")),
            None => None,
        });
    }
    Ok(Series::new(floats.name().clone(), ints))
}

/// Decimals as the floats that print the same digits.
fn decimals(series: &Series, fails: &dyn Fn(&dyn std::fmt::Display) -> Error) -> Result<Series> {
    let texts = series.strict_cast(&DataType::String).map_err(|e| fails(&e))?;
    let mut floats = Vec::with_capacity(texts.len());
    for text in texts.str().map_err(broken)?.iter() {
        let Some(text) = text else {
            floats.push(None);
            continue;
        };
        let digits = text.trim_start_matches(['-', '0', '.']).replace('.', "");
        let digits = if text.contains('.') { digits.trim_end_matches('0') } else { &digits };
        match text.parse::<f64>() {
            Ok(value) if digits.len() <= DECIMAL_DIGITS => floats.push(Some(value)),
            _ => return Err(fails(&format!("{text} has more digits than a float can carry"))),
        }
    }
    Ok(Series::new(series.name().clone(), floats))
}

/// Dates and times as text.
fn times(series: &Series) -> Result<Series> {
    let days = |days: i64| date(days);
    let physical = series.to_physical_repr().cast(&DataType::Int64).map_err(broken)?;
    let values: &Int64Chunked = physical.i64().map_err(broken)?;
    let text: StringChunked = match series.dtype() {
        DataType::Date => values.iter().map(|v| v.map(days)).collect(),
        DataType::Time => values.iter().map(|v| v.map(|v| clock(v, 1_000_000_000))).collect(),
        DataType::Datetime(unit, zone) => {
            let second = match unit {
                TimeUnit::Milliseconds => 1000,
                TimeUnit::Microseconds => 1_000_000,
                TimeUnit::Nanoseconds => 1_000_000_000,
            };
            let ends = if zone.is_some() { "Z" } else { "" };
            let day = 86_400 * second;
            let one = |v: i64| {
                format!("{}T{}{ends}", date(v.div_euclid(day)), clock(v.rem_euclid(day), second))
            };
            values.iter().map(|v| v.map(one)).collect()
        }
        other => return Err(broken(format!("{other} is no time"))),
    };
    Ok(Series::from(text.with_name(series.name().clone())))
}

/// A day by its number since 1970-01-01, in the Gregorian calendar (Hinnant's `civil_from_days`).
fn date(days: i64) -> String {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    match year {
        0..=9999 => format!("{year:04}-{month:02}-{day:02}"),
        _ => format!("{year:+07}-{month:02}-{day:02}"),
    }
}

/// The time of day, of units of which `second` make a second: no fraction where it is zero, else three, six or
/// nine digits.
fn clock(time: i64, second: i64) -> String {
    let (seconds, rest) = (time.div_euclid(second), time.rem_euclid(second));
    let nanos = rest * (1_000_000_000 / second);
    let hms = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    match nanos {
        0 => hms,
        n if n % 1_000_000 == 0 => format!("{hms}.{:03}", n / 1_000_000),
        n if n % 1000 == 0 => format!("{hms}.{:06}", n / 1000),
        n => format!("{hms}.{n:09}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (days, text) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (19_782, "2024-02-29"),
            (-719_528, "0000-01-01"),
            (2_932_896, "9999-12-31"),
            (2_932_897, "+010000-01-01"),
            (-719_529, "-000001-12-31"),
        ] {
            assert_eq!(date(days), text);
        }
        assert_eq!(clock(86_399_999, 1000), "23:59:59.999");
        assert_eq!(clock(1, 1_000_000_000), "00:00:00.000000001");
        assert_eq!(clock(61_000_001, 1_000_000), "00:01:01.000001");
    }
}
