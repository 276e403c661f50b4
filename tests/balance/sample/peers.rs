//! What other programs make of the same table.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::{Value, json};

use super::{Drawn, by_id, patches, sample};
use crate::common;

#[test]
fn weights_and_caps_are_those_of_numpy_scikit_learn_and_pandas() {
    let test = "weights_and_caps_are_those_of_numpy_scikit_learn_and_pandas";
    let Some(python) = common::python_or_skip(test, &["numpy", "sklearn", "pandas"]) else {
        return;
    };
    let script = common::root().join("tests/balance/sample/peers.py");
    let output = Command::new(python)
        .arg(script)
        .arg(common::fixture("tables/patches.csv"))
        .args(["3", "0.9", "0.999", "0.999999"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let peers: Value = serde_json::from_slice(&output.stdout).unwrap();
    let (csv, csv_again) = (patches(), patches());
    let table = by_id(&csv_again);
    let compare = |drawn: &Drawn, expected: &Value, what: &str| {
        assert!(drawn.rows.len() > 500);
        for (id, went) in &drawn.rows {
            let (found, expected) = (went.weight.unwrap(), &expected[table[id.as_str()]["label"]]);
            let expected = expected.as_f64().unwrap();
            // 1 − β^n loses digits in numpy where β^n is near 1.
            assert!((found / expected - 1.0).abs() < 1e-9, "{what} {id}: {found} {expected}");
        }
    };
    let equal = sample(&csv, json!({"mode": "weights"})).unwrap();
    compare(&equal, &peers["balanced"], "balanced");
    for (beta, expected) in
        ["0.9", "0.999", "0.999999"].iter().zip(peers["effective"].as_array().unwrap())
    {
        let target = format!("effective-number:{beta}");
        let drawn = sample(&csv, json!({"mode": "weights", "target": target})).unwrap();
        compare(&drawn, expected, beta);
    }
    let capped = sample(&csv, json!({"target": "natural", "cap": ["group=3"]})).unwrap();
    let mut counts: BTreeMap<(String, String), u64> = BTreeMap::new();
    for id in capped.ids() {
        let row = &table[id];
        *counts.entry((row["group"].into(), row["label"].into())).or_default() += 1;
    }
    let expected = peers["capped"].as_array().unwrap().iter().map(|cell| {
        let text = |at: usize| cell[at].as_str().unwrap().to_string();
        ((text(0), text(1)), cell[2].as_u64().unwrap())
    });
    assert_eq!(counts, expected.collect());
}
