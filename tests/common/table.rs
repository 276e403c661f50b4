//! Manifests in memory for steps over whole manifests: made from a CSV, and what a step said of one.

use std::collections::BTreeMap;

use microtome::digest::Digest;
use microtome::manifest::{
    BASE, Field, Item, Kind, ManifestWriter, NULL, Schema, Values, read_csv,
};
use microtome::step::Rows;
use serde_json::{Value, json};

/// A manifest as Parquet. Columns of the CSV are `id`, `content` (what the digest is of; the id where there is none), base columns, and
/// facts: numbers where all values are, else text.
pub fn of_csv(csv: &[u8]) -> Vec<u8> {
    let rows = read_csv("table.csv", csv).unwrap();
    let header = String::from_utf8_lossy(csv);
    let header = header.lines().next().unwrap_or_default().trim_start_matches('\u{feff}');
    let known = |name: &str| name == "content" || BASE.iter().any(|c| c.name == name);
    let facts: Vec<Field> = header
        .split(',')
        .filter(|name| !known(name))
        .map(|name| Field { name: name.into(), kind: kind(&rows, name) })
        .collect();
    let schema = Schema { facts };
    let items: Vec<Item> = rows.iter().map(|row| item(&schema, row)).collect();
    of_items(&schema, &items)
}

/// A manifest of these rows as Parquet.
pub fn of_items(schema: &Schema, items: &[Item]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = ManifestWriter::new(&mut bytes, schema.clone()).unwrap();
    items.iter().for_each(|item| writer.push(item.clone()).unwrap());
    writer.finish().unwrap();
    bytes
}

fn kind(rows: &[BTreeMap<String, String>], name: &str) -> Kind {
    let values: Vec<&str> = rows.iter().filter_map(|r| r.get(name).map(String::as_str)).collect();
    let all = |is: &dyn Fn(&str) -> bool| !values.is_empty() && values.iter().all(|v| is(v));
    match () {
        () if all(&|v| v.parse::<i64>().is_ok()) => Kind::Int,
        () if all(&|v| v.parse::<f64>().is_ok()) => Kind::Float,
        () => Kind::Text,
    }
}

fn item(schema: &Schema, row: &BTreeMap<String, String>) -> Item {
    let text = |name: &str| row.get(name).cloned();
    let id = text("id").unwrap();
    let fact = |field: &Field| match (row.get(&field.name), field.kind) {
        (None, _) => Value::Null,
        (Some(text), Kind::Int) => text.parse::<i64>().unwrap().into(),
        (Some(text), Kind::Float) => text.parse::<f64>().unwrap().into(),
        (Some(text), _) => text.clone().into(),
    };
    Item {
        path: format!("items/{id}"),
        offset: None,
        length: 1000,
        digest: Digest::of(text("content").unwrap_or_else(|| id.clone()).as_bytes()),
        media_type: "image/png".into(),
        width_px: Some(256),
        height_px: Some(256),
        label: text("label"),
        group: text("group"),
        split: text("split"),
        weight: text("weight").map(|w| w.parse().unwrap()),
        trail: String::new(),
        facts: schema.facts.iter().map(fact).collect(),
        id,
    }
}

/// What was said of a batch, for a ledger: only of facts that `known` admits.
pub fn said(rows: &Rows, known: &dyn Fn(&str) -> bool) -> Value {
    let column = |values: &Values| match values {
        Values::Bool(values) => json!(values),
        Values::Int(values) => json!(values),
        Values::Float(values) => json!(values),
        Values::Words { words, codes } => {
            let word = |code: &u32| (*code != NULL).then(|| words[*code as usize].clone());
            json!(codes.iter().map(word).collect::<Vec<_>>())
        }
    };
    let columns = rows.columns.iter().filter(|(n, _)| known(n) || ["split", "weight"].contains(n));
    let columns: BTreeMap<_, _> = columns.map(|(name, values)| (*name, column(values))).collect();
    json!([rows.times, rows.draws, columns])
}

/// Rows that went on.
pub fn went_on(all: &[Rows]) -> usize {
    let of = |rows: &Rows| match &rows.times {
        Some(times) => times.iter().map(|n| *n as usize).sum(),
        None => rows.columns.first().map_or(0, |(_, values)| values.rows()),
    };
    all.iter().map(of).sum()
}

// As in `common`: each test file takes what it needs.
const _: () = {
    let _ = (of_csv, of_items, said, went_on);
};
