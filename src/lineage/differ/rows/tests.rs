use std::io::Cursor;

use serde_json::json;

use super::*;
use crate::manifest::{Field, Item, Kind, ManifestWriter};

/// A row: id, content, label, value of the fact.
type Row<'a> = (&'a str, &'a str, Option<&'a str>, Value);

fn manifest(kind: Kind, rows: &[Row<'_>]) -> Table {
    let mut bytes = Vec::new();
    let schema = Schema { facts: vec![Field { name: "scan.fact".into(), kind }] };
    let mut writer = ManifestWriter::new(&mut bytes, schema).unwrap();
    for (id, content, label, fact) in rows {
        let item = Item {
            id: (*id).into(),
            path: format!("items/{id}"),
            offset: None,
            length: content.len() as u64,
            digest: Digest::of(content.as_bytes()),
            media_type: "image/png".into(),
            width_px: None,
            height_px: None,
            label: label.map(str::to_string),
            group: None,
            split: None,
            weight: None,
            trail: String::new(),
            facts: vec![fact.clone()],
        };
        writer.push(item).unwrap();
    }
    writer.finish().unwrap();
    Table::new(move || Ok(Box::new(Cursor::new(bytes.clone())))).unwrap()
}

fn compare(left: &Table, right: &Table, rows_a_pass: u64) -> Rows {
    rows(left, right, rows_a_pass, &Crew::new(2).unwrap()).unwrap()
}

#[test]
fn rows_are_compared_by_id_in_any_number_of_passes() {
    let none = || Value::Null;
    let row = |id, content, label| (id, content, label, none());
    let a = manifest(
        Kind::Text,
        &[row("s", "1", None), row("c", "1", None), row("v", "1", None), row("d", "1", None)],
    );
    let b = manifest(
        Kind::Text,
        &[row("n", "1", None), row("v", "1", Some("x")), row("s", "1", None), row("c", "2", None)],
    );
    let expected = [("added", "n"), ("changed", "c"), ("dropped", "d"), ("revalued", "v")]
        .map(|(kind, id)| RowChange { kind, id: id.into() });
    for rows_a_pass in [1, 2, 100] {
        let found = compare(&a, &b, rows_a_pass);
        assert_eq!((found.same, found.added, found.dropped), (1, 1, 1));
        assert_eq!((found.changed, found.revalued, found.in_both()), (1, 1, 3));
        assert_eq!(found.examples, expected);
        assert!(!found.is_equal());
        let label = found.column("label").unwrap();
        assert_eq!((label.rows, label.of_changed), (1, 0));
        let transition = Transition { from: json!(null), to: json!("x"), rows: 1 };
        assert_eq!(label.transitions, [transition]);
        let example = ValueChange { id: "v".into(), left: json!(null), right: json!("x") };
        assert_eq!(label.example, example);
        assert_eq!(found.columns.len(), 1);
    }
    assert!(compare(&a, &a, 1).is_equal());
}

#[test]
fn numbers_are_the_same_whatever_they_are_stored_as() {
    let row = |id, fact: Value| (id, "1", None, fact);
    let ints =
        [row("a", json!(512)), row("b", json!(null)), row("c", json!(0)), row("d", json!(3))];
    let floats = [
        row("a", json!(512.0)),
        row("b", json!(null)),
        row("c", json!(-0.0)),
        row("d", json!(3.5)),
    ];
    let texts = [
        row("a", json!("512")),
        row("b", json!(null)),
        row("c", json!("0")),
        row("d", json!("three")),
    ];
    let (ints, floats) = (manifest(Kind::Int, &ints), manifest(Kind::Float, &floats));
    let texts = manifest(Kind::Text, &texts);
    for (a, b, to) in [(&ints, &floats, json!(3.5)), (&ints, &texts, json!("three"))] {
        let found = compare(a, b, 100);
        assert_eq!((found.same, found.revalued), (3, 1), "{found:?}");
        let fact = found.column("scan.fact").unwrap();
        assert_eq!((&fact.example.left, &fact.example.right), (&json!(3), &to));
    }
}

#[test]
fn equal_ids_are_paired_in_their_order() {
    let row = |id, content| (id, content, None, Value::Null);
    let a = manifest(Kind::Text, &[row("x", "1"), row("x", "2"), row("x", "3")]);
    let b = manifest(Kind::Text, &[row("x", "1"), row("y", "1"), row("x", "2")]);
    let found = compare(&a, &b, 100);
    assert_eq!((found.same, found.dropped, found.added), (2, 1, 1));
}

#[test]
fn a_column_of_very_many_values_is_counted_and_shown_by_example() {
    let ids: Vec<String> = (0..MOST_WORDS + 5).map(|n| format!("{n}")).collect();
    let rows = |add: usize| {
        let row = |(n, id): (usize, &'_ String)| (id.clone(), n + add);
        let rows: Vec<_> = ids.iter().enumerate().map(row).collect();
        let rows: Vec<Row<'_>> =
            rows.iter().map(|(id, n)| (id.as_str(), "1", None, json!(*n as f64))).collect();
        manifest(Kind::Float, &rows)
    };
    let found = compare(&rows(0), &rows(1), 100);
    let fact = found.column("scan.fact").unwrap();
    assert_eq!((fact.rows, fact.transitions.len()), (ids.len() as u64, 0));
    assert_eq!((&fact.example.left, &fact.example.right), (&json!(0.0), &json!(1.0)));
    // The first twenty of a kind.
    assert_eq!(found.examples.len(), EXAMPLES);
}

#[test]
fn marks_turn_without_rows_that_are_not_there() {
    for rows in [0, 1, 63, 64, 65, 130] {
        let mut marks = Marks::of(rows);
        marks.turn();
        assert_eq!(marks.count(), rows as u64);
        assert_eq!(marks.iter().collect::<Vec<_>>(), (0..rows).collect::<Vec<_>>());
        marks.leave(&{
            let mut all = Marks::of(rows);
            all.turn();
            all
        });
        assert_eq!(marks.first(), None);
    }
}
