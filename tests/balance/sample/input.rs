//! What people write and what they have: targets, names, bad tables.

use std::collections::BTreeMap;

use microtome::Error;
use serde_json::{Value, json};

use super::{patches, sample};

/// 40 of `a`, 10 of `b=c`, 1 of `rare`.
fn skewed() -> String {
    let mut csv = "id,label\n".to_string();
    for n in 0..51 {
        let label = if n < 40 {
            "a"
        } else if n < 50 {
            "b=c"
        } else {
            "rare"
        };
        csv += &format!("r{n},{label}\n");
    }
    csv
}

fn refused(csv: &str, params: Value) -> (String, String) {
    match sample(csv, params.clone()) {
        Err(Error::Params { field, message }) => (field, message),
        other => panic!("{params}: {other:?}"),
    }
}

/// By hand: equal 1:1:1; sqrt √40 : √10 : 1 = 6.32 : 3.16 : 1; power 0.25 40^¼ : 10^¼ : 1 = 2.51 :
/// 1.78 : 1; natural 40 : 10 : 1; effective number of β = 0.9: n / (1 − 0.9^n) = 40.6 : 15.4 : 10 =
/// 4.06 : 1.54 : 1.
#[test]
fn targets_are_as_worked_out_by_hand() {
    let under = |target: &str| {
        let drawn = sample(&skewed(), json!({"target": target})).unwrap();
        drawn.of_classes("drawn").into_values().collect::<Vec<_>>()
    };
    assert_eq!(under("equal"), [1, 1, 1]);
    assert_eq!(under("sqrt"), [6, 3, 1]);
    assert_eq!(under("power:0.25"), [3, 2, 1]);
    assert_eq!(under("natural"), [40, 10, 1]);
    assert_eq!(under("effective-number:0.9"), [4, 2, 1]);
    let over = |target: &str| {
        let drawn = sample(&skewed(), json!({"target": target, "mode": "over"})).unwrap();
        drawn.of_classes("drawn").into_values().collect::<Vec<_>>()
    };
    assert_eq!(over("equal"), [40, 40, 40]);
    assert_eq!(over("sqrt"), [40, 20, 6]);
    let by_hand = json!({"target": "proportions", "proportions": ["b=c=1", "a=2"]});
    let drawn = sample(&skewed(), by_hand).unwrap();
    assert_eq!(drawn.of_classes("drawn"), BTreeMap::from([("a", 20), ("b=c", 10), ("rare", 0)]));
    assert!(
        drawn.notes.iter().any(|n| n.contains("1 rows of classes that have no share")),
        "{:?}",
        drawn.notes
    );
    let both = json!({"target": "counts", "counts": ["b=c=25", "a=7"], "mode": "both"});
    let drawn = sample(&skewed(), both).unwrap();
    assert_eq!(drawn.of_classes("drawn"), BTreeMap::from([("a", 7), ("b=c", 25), ("rare", 0)]));
    assert_eq!(drawn.of_classes("distinct")["b=c"], 10);
}

#[test]
fn targets_that_cannot_be_are_errors_or_notes_with_the_numbers() {
    let (field, message) =
        refused(&skewed(), json!({"target": "counts", "counts": ["a=4", "tumour=9"]}));
    assert_eq!(field, "counts");
    assert!(message.contains("`tumour`") && message.contains("`a` (40)"), "{message}");
    let short = json!({"size": 30});
    let drawn = sample(&skewed(), short).unwrap();
    assert_eq!(drawn.of_classes("drawn").into_values().collect::<Vec<_>>(), [10, 10, 1]);
    assert!(
        drawn.notes.iter().any(|n| n.contains("`rare` has 1 of the 10 draws")),
        "{:?}",
        drawn.notes
    );
    let (field, message) = refused(&skewed(), json!({"size": 30, "on_short": "fail"}));
    assert!(field == "on_short" && message.contains("`rare` has 1 of the 10"), "{message}");
    let capped = json!({"mode": "over", "max_repeats": 3});
    let drawn = sample(&skewed(), capped).unwrap();
    assert_eq!(drawn.of_classes("drawn").into_values().collect::<Vec<_>>(), [40, 30, 3]);
    let often = sample(&skewed(), json!({"mode": "over"})).unwrap();
    assert!(
        often.notes.iter().any(|n| n.contains("`rare` (1 rows, 40 draws)")),
        "{:?}",
        often.notes
    );
    let less = json!({"mode": "over", "target": "counts", "counts": ["a=50", "b=c=9"]});
    let (field, message) = refused(&skewed(), less);
    assert!(
        field == "counts" && message.contains("`b=c` is to have 9 draws and has 10"),
        "{message}"
    );
    let many = json!({"mode": "over", "target": "proportions", "proportions": ["a=1", "rare=1000000000000"]});
    assert_eq!(refused(&skewed(), many).0, "target");
}

#[test]
fn what_is_not_understood_is_refused_by_name() {
    for (params, field) in [
        (json!({"target": "equals"}), "target"),
        (json!({"target": "power"}), "target"),
        (json!({"target": "power:nan"}), "target"),
        (json!({"target": "power:9"}), "target"),
        (json!({"target": "effective-number:1"}), "target"),
        (json!({"target": "equal:1"}), "target"),
        (json!({"target": "counts"}), "counts"),
        (json!({"target": "counts", "counts": ["a"]}), "counts"),
        (json!({"target": "counts", "counts": ["a=-1"]}), "counts"),
        (json!({"target": "counts", "counts": ["a=1", "a=2"]}), "counts"),
        (json!({"target": "counts", "counts": ["a=0"]}), "counts"),
        (json!({"target": "counts", "counts": ["a=1"], "size": 5}), "size"),
        (json!({"target": "proportions", "proportions": ["a=-0.1"]}), "proportions"),
        (json!({"target": "proportions", "proportions": ["a=inf"]}), "proportions"),
        (json!({"proportions": ["a=1"]}), "proportions"),
        (json!({"mode": "over", "size": 5}), "size"),
        (json!({"mode": "weights", "size": 5}), "size"),
        (json!({"size": 0}), "size"),
        (json!({"cap": ["group=0"]}), "cap"),
        (json!({"cap": ["group"]}), "cap"),
        (json!({"cap_all": ["=3"]}), "cap_all"),
        (json!({"max_repeats": 2}), "max_repeats"),
        (json!({"splits": []}), "splits"),
        (json!({"splits": ["train", "train"]}), "splits"),
        (json!({"soft": "share.", "separator": ";"}), "separator"),
        (json!({"soft": "share.", "mode": "both", "size": 3}), "mode"),
        (json!({"soft": "share."}), "size"),
        (json!({"separator": ";", "size": 5, "cap": ["group=3"]}), "cap"),
        (json!({"separator": ";", "size": 5, "levels": ["group"]}), "levels"),
        (json!({"separator": ";", "size": 5, "hard": "difficulty"}), "hard"),
    ] {
        assert_eq!(refused(&patches(), params.clone()).0, field, "{params}");
    }
}

#[test]
fn columns_that_are_not_there_or_hold_fractions_are_named() {
    let refused = |params: Value, name: &str| match sample(&patches(), params) {
        Err(Error::Schema { column, message, .. }) => assert_eq!(column, name, "{message}"),
        other => panic!("{name}: {other:?}"),
    };
    refused(json!({"label_column": "klass"}), "klass");
    refused(json!({"label_column": "difficulty"}), "difficulty");
    refused(json!({"separator": ";", "size": 3, "label_column": "tile.x_px"}), "tile.x_px");
    refused(json!({"soft": "tile.share.", "size": 3}), "tile.share.…");
    refused(json!({"cap": ["difficulty=3"]}), "difficulty");
    refused(json!({"levels": ["patient"]}), "patient");
    refused(json!({"hard": "site"}), "site");
    match sample("id,label\nx,a\n", json!({"spacing_px": 5})) {
        Err(Error::Schema { column, .. }) => assert_eq!(column, "tile.source_id"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn splits_that_do_not_occur_are_errors_with_those_that_do() {
    let csv = "id,label,split\nx,a,fit\ny,b,test\n";
    for splits in [json!(["train"]), json!(["fit", "val"])] {
        let (field, message) = refused(csv, json!({"splits": splits}));
        assert!(field == "splits" && message.contains("`fit`, `test`"), "{message}");
    }
    let (_, message) = refused("id,label\nx,a\n", json!({"splits": ["val"]}));
    assert!(message.contains("no row has a split"), "{message}");
    let drawn = sample("id,label\nx,a\ny,b\n", json!({})).unwrap();
    assert!(drawn.rows.len() == 2 && drawn.notes[0].contains("no row has a split: all 2"));
}

#[test]
fn rows_without_a_class_are_dropped_kept_or_refused() {
    let csv = "id,label\nx,a\ny,b\nz,\nw,b\n";
    let dropped = sample(csv, json!({})).unwrap();
    assert!(
        dropped.rows.len() == 2 && dropped.notes[1].contains("1 of 4 rows"),
        "{:?}",
        dropped.notes
    );
    let kept = sample(csv, json!({"unlabelled": "keep"})).unwrap();
    assert!(kept.rows.len() == 3 && kept.rows.contains_key("z"));
    let (field, message) = refused(csv, json!({"unlabelled": "fail"}));
    assert!(field == "unlabelled" && message.starts_with("1 rows"), "{message}");
    let none = sample("id,label\nx,\n", json!({})).unwrap();
    assert!(none.rows.is_empty() && none.notes.iter().any(|n| n.contains("can be drawn")));
}

#[test]
fn an_empty_manifest_stays_empty() {
    for params in [json!({}), json!({"mode": "weights"}), json!({"splits": ["val"]})] {
        let drawn = sample("id,label\n", params).unwrap();
        assert!(drawn.rows.is_empty() && !drawn.notes.is_empty());
    }
}

#[test]
fn a_hundred_thousand_classes_and_very_long_labels() {
    let long = "ä".repeat(20_000);
    let mut csv = "id,label\n".to_string();
    for n in 0..100_000 {
        csv += &format!("r{n},class {n}\n");
    }
    csv += &format!("x,{long}\ny,{long}\n");
    let drawn = sample(&csv, json!({})).unwrap();
    assert_eq!(drawn.rows.len(), 100_001);
    let split = &drawn.findings["splits"][0];
    assert_eq!(split["classes"].as_array().unwrap().len(), 1000);
    assert_eq!(
        (&split["more_classes"], &split["others"]["rows"]),
        (&json!(99_001), &json!(99_001))
    );
    assert_eq!(split["classes"][0]["class"].as_str().unwrap().chars().count(), 81);
    assert!(drawn.notes.iter().all(|note| note.len() < 1000));
}

/// `tumor` has 2.0, `stroma` 1.5 of 4 rows; equal shares make 0.25 and 1/3 of each unit.
#[test]
fn weights_of_shares_are_as_worked_out_by_hand() {
    let csv = "id,s.tumor,s.stroma\na,1,0\nb,0.75,0.25\nc,0.25,0.75\nd,0,0.5\ne,0,\n";
    let drawn = sample(csv, json!({"soft": "s.", "mode": "weights"})).unwrap();
    assert_eq!(drawn.findings["splits"][0]["unlabelled"], 1);
    for (id, tumor, stroma) in
        [("a", 1.0, 0.0), ("b", 0.75, 0.25), ("c", 0.25, 0.75), ("d", 0.0, 0.5)]
    {
        let expected = 4.0 * (tumor * 0.5 / 2.0 + stroma * 0.5 / 1.5);
        let found = drawn.rows[id].weight.unwrap();
        assert!((found - expected).abs() < 1e-12, "{id}: {found} {expected}");
    }
    match sample("id,s.a\nx,-1.5\n", json!({"soft": "s.", "size": 1})) {
        Err(Error::Format { message, .. }) => assert!(message.contains("-1.5"), "{message}"),
        other => panic!("{other:?}"),
    }
    // Labels with a separator: one that is repeated counts once.
    let csv = "id,label\na,x; y;x\nb,x\nc,;\n";
    let drawn = sample(csv, json!({"separator": ";", "mode": "weights"})).unwrap();
    assert_eq!(drawn.findings["splits"][0]["masses"][0]["mass"], 2.0);
    assert_eq!(drawn.rows["a"].weight, Some(1.5));
    assert_eq!(drawn.rows["b"].weight, Some(0.5));
}

#[test]
fn drawing_by_shares_brings_classes_towards_the_target() {
    let params = json!({"soft": "share.", "size": 150});
    let drawn = sample(&patches(), params).unwrap();
    let masses = drawn.findings["splits"][0]["masses"].as_array().unwrap();
    let ratio =
        |field: &str| masses[0][field].as_f64().unwrap() / masses[1][field].as_f64().unwrap();
    assert!(ratio("mass") > 2.0 && ratio("drawn_mass") < ratio("mass") * 0.8, "{masses:?}");
    assert_eq!(drawn.rows.len(), 150);
}
