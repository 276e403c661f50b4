//! What an earlier draw said of rows that another one does not touch.

use serde_json::json;

use super::sample;

/// Ten rows of `a` and five of `b` in each of two splits, drawn before: those of `val` twice, with weights in both.
fn table() -> String {
    let mut csv = String::from("id,label,split,weight,sample.repeat\n");
    for split in ["train", "val"] {
        for row in 0..15 {
            let label = if row < 10 { "a" } else { "b" };
            let repeat = if split == "val" { 2 } else { 3 };
            csv += &format!("{split}{row},{label},{split},0.5,{repeat}\n");
        }
    }
    csv
}

#[test]
fn rows_of_other_splits_keep_their_repeats_and_weights() {
    for (params, new) in [
        (json!({}), None),
        (json!({"mode": "over"}), None),
        (json!({"mode": "both", "repeats": "rows"}), None),
        (json!({"mode": "weights"}), Some(())),
    ] {
        let drawn = sample(&table(), params.clone()).unwrap();
        let mut val = 0;
        for (id, row) in &drawn.rows {
            if id.starts_with("val") {
                assert_eq!((row.repeat, row.weight), (Some(2), Some(0.5)), "{params} {id}");
                val += 1;
            } else {
                assert_ne!(row.repeat, Some(3), "{params} {id}");
                assert_eq!(row.weight.map(|w| assert_ne!(w, 0.5)), new, "{params} {id}");
            }
        }
        assert_eq!(val, 15, "{params}");
    }
}
