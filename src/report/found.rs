//! What a step says of itself in its own words, as tables: objects by name, lists of objects by column.

use std::collections::BTreeSet;

use maud::{Markup, html};
use serde_json::{Map, Value};

use super::chart::cut;
use super::words::{count, number};

/// Rows of a table.
const MOST_FOUND: usize = 64;
/// Columns of a table.
const MOST_COLUMNS: usize = 16;
/// Tables within tables.
const MOST_DEPTH: usize = 4;

/// Names and values, as deep as they are.
pub fn found(values: &Map<String, Value>) -> Markup {
    named(values, 0)
}

fn named(values: &Map<String, Value>, depth: usize) -> Markup {
    let left = values.len().saturating_sub(MOST_FOUND);
    html! {
        table.found {
            thead { tr { th scope="col" { "what" } th scope="col" { "value" } } }
            tbody {
                @for (name, value) in values.iter().take(MOST_FOUND) { tr {
                    th scope="row" title=(name) { (heading(name)) }
                    td { (cell(value, depth)) }
                } }
                @if left > 0 { tr.rest { th scope="row" { "and " (count(left as u64)) " more" } td { "in " code { "report.json" } } } }
            }
        }
    }
}

fn heading(name: &str) -> String {
    cut(&name.replace('_', " "), 80)
}

fn cell(value: &Value, depth: usize) -> Markup {
    html! { @match value {
        Value::Object(inside) if depth < MOST_DEPTH && !inside.is_empty() => { (named(inside, depth + 1)) }
        Value::Array(all) if depth < MOST_DEPTH && !all.is_empty() && all.iter().all(Value::is_object) => { (listed(all, depth + 1)) }
        other => { (plain(other)) }
    } }
}

/// A list of objects: a row each, a column for each name that any of them has.
fn listed(all: &[Value], depth: usize) -> Markup {
    let objects = || all.iter().take(MOST_FOUND).filter_map(Value::as_object);
    let names: BTreeSet<&String> = objects().flat_map(Map::keys).collect();
    // Words first: they say what a row is about.
    let is_word = |name: &&String| {
        objects().any(|object| object.get(name.as_str()).is_some_and(Value::is_string))
    };
    let (first, others): (Vec<&String>, Vec<&String>) = names.into_iter().partition(is_word);
    let columns: Vec<&String> = first.into_iter().chain(others).take(MOST_COLUMNS).collect();
    let left = all.len().saturating_sub(MOST_FOUND);
    html! {
        table.found {
            thead { tr { @for name in &columns { th scope="col" title=(name) { (heading(name)) } } } }
            tbody {
                @for object in objects() { tr { @for (at, name) in columns.iter().enumerate() {
                    @let value = object.get(*name).unwrap_or(&Value::Null);
                    @if at == 0 { th scope="row" { (cell(value, depth)) } }
                    @else { td class=[value.is_number().then_some("number")] { (cell(value, depth)) } }
                } } }
                @if left > 0 { tr.rest { th scope="row" { "and " (count(left as u64)) " more in " code { "report.json" } } } }
            }
        }
    }
}

fn plain(value: &Value) -> String {
    let text = match value {
        Value::Null => "–".into(),
        Value::Array(all) if all.is_empty() => "none".into(),
        Value::Bool(true) => "yes".into(),
        Value::Bool(false) => "no".into(),
        Value::String(text) => text.clone(),
        Value::Number(n) => match (n.as_u64(), n.as_f64()) {
            (Some(n), _) => count(n),
            (None, Some(x)) => number(x, 6),
            _ => n.to_string(),
        },
        Value::Array(all) => {
            let shown: Vec<String> = all.iter().take(MOST_FOUND).map(plain).collect();
            let more = if all.len() > MOST_FOUND { ", …" } else { "" };
            format!("{}{more}", shown.join(", "))
        }
        other => other.to_string(),
    };
    cut(&text, 400)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_of_objects_are_rows_and_columns() {
        let values = json!({"all_classes": [{"n": 1200, "name": "a<b"}, {"name": "c", "x": true}], "none": []});
        let shown = found(values.as_object().unwrap()).into_string();
        for words in [
            "all classes",
            "<th scope=\"col\" title=\"name\">name</th><th scope=\"col\" title=\"n\">n</th>",
            "<th scope=\"row\">a&lt;b</th><td class=\"number\">1,200</td><td>–</td>",
            "<th scope=\"row\">c</th><td>–</td><td>yes</td>",
            "<td>none</td>",
        ] {
            assert!(shown.contains(words), "{words} is missing in {shown}");
        }
    }
}
