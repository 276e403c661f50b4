//! Lists of rows in JSON text, read so that an error names the row.

use serde_json::{Number, Value};

use super::MOST;
use crate::error::{Error, Result};

/// Longest text of one image's list, bytes.
const LONGEST: usize = 32 << 20;

/// The rows of a JSON array. `one` and `many` are the words for what the rows are.
pub fn read(text: &str, one: &str, many: &str) -> Result<Vec<Value>> {
    if text.len() > LONGEST {
        return Err(Error::limit(
            format!("the text of an image's {many}"),
            format!("{} bytes", text.len()),
            format!("{LONGEST} bytes"),
            format!("split the image, or leave some of its {many} out"),
        ));
    }
    let value: Value = serde_json::from_str(text).map_err(|error| {
        let (row, near) = place(text, error.line(), error.column());
        let what = if row == 0 { many.to_owned() } else { format!("{one} {row}") };
        Error::format(what, format!("not JSON near `{near}` ({error})"))
    })?;
    let Value::Array(rows) = value else {
        return Err(Error::format(many, format!("not a list but {}", kind(&value))));
    };
    if rows.len() > MOST {
        return Err(Error::limit(
            format!("an image's number of {many}"),
            rows.len().to_string(),
            MOST.to_string(),
            format!("split the image, or leave some of its {many} out"),
        ));
    }
    Ok(rows)
}

/// Which row (from 1; 0 outside of any) holds the place of a syntax error, and the word that stands there.
fn place(text: &str, line: usize, column: usize) -> (usize, String) {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let end = (before + column).min(text.len());
    let (mut depth, mut row, mut quoted, mut escaped) = (0_usize, 0_usize, false, false);
    for byte in text.bytes().take(end.saturating_sub(1)) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'[' | b'{' => {
                depth += 1;
                row += usize::from(depth == 2);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    let word = |c: char| c.is_ascii_alphanumeric() || "+-._".contains(c);
    let mut start = end.saturating_sub(1);
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let (head, tail) = text.split_at(start);
    let left: usize =
        head.chars().rev().take_while(|c| word(*c)).take(20).map(char::len_utf8).sum();
    let head = &head[head.len().saturating_sub(left)..];
    let right: String = tail.chars().take_while(|c| word(*c)).take(20).collect();
    let near = format!("{head}{right}");
    let near = if near.is_empty() { tail.chars().take(1).collect() } else { near };
    (row, near)
}

/// What a value is, in words.
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// A finite number.
pub fn number(value: Option<&Value>, name: &str) -> std::result::Result<f64, String> {
    match value {
        None => Err(format!("{name} is missing")),
        Some(value) => match value.as_f64() {
            Some(number) if number.is_finite() => Ok(number),
            _ => Err(format!("{name} is {} and not a finite number", shown(value))),
        },
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) if text.chars().count() <= 20 => format!("`{text}`"),
        other => kind(other).into(),
    }
}

/// A coordinate as JSON: whole numbers without a point, so that whole pixels stay so.
pub fn coordinate(number: f64) -> Value {
    if number == number.trunc() && number.abs() < 9e15 {
        return Value::from(number as i64);
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}
