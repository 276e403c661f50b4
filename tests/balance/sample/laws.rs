//! Laws of the step on whole tables.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{by_id, patches, sample, sample_with, shuffled};

/// Params that between them use everything.
fn many() -> Vec<Value> {
    vec![
        json!({}),
        json!({"mode": "over", "target": "sqrt", "repeats": "rows"}),
        json!({"mode": "both", "size": 500, "levels": ["group", "tile.source_id"], "cap": ["site=60"]}),
        json!({"size": 200, "hard": "difficulty", "cap_all": ["group=30", "tile.source_id=12"]}),
        json!({"spacing_px": 300, "target": "natural"}),
        json!({"mode": "weights", "target": "effective-number:0.99", "levels": ["site", "group"]}),
        json!({"mode": "weights", "hard": "difficulty", "levels": ["site"]}),
        json!({"soft": "share.", "size": 150, "spacing_px": 257}),
        json!({"soft": "share.", "mode": "weights", "target": "proportions",
               "proportions": ["tumor=3", "stroma=1"]}),
        json!({"separator": "o", "size": 40}),
        json!({"label_column": "site", "target": "counts", "counts": ["north=11", "coast=70"]}),
    ]
}

#[test]
fn rows_in_another_order_and_other_threads_give_the_same_rows() {
    let csv = patches();
    for params in many() {
        let first = sample_with(&csv, params.clone(), 1).unwrap();
        assert!(!first.rows.is_empty());
        for seed in 0..4 {
            let again = sample_with(&shuffled(&csv, seed), params.clone(), 3).unwrap();
            assert_eq!(again, first, "{params}");
        }
    }
}

#[test]
fn equal_images_are_told_apart_by_their_ids_wherever_they_stand() {
    // All rows have one digest, in several classes, slides and groups.
    let mut csv = "id,content,label,group,tile.source_id,tile.x_px,tile.y_px\n".to_string();
    for n in 0..200 {
        csv += &format!("r{n},blank,{},g{},s{},{},{}\n", n % 3, n % 7, n % 5, n * 37 % 100, n / 10);
    }
    for params in [
        json!({"size": 50}),
        json!({"cap": ["group=3"], "size": 20}),
        json!({"spacing_px": 20}),
        json!({"levels": ["group"], "size": 40}),
        json!({"mode": "both", "size": 500}),
    ] {
        let first = sample(&csv, params.clone()).unwrap();
        for seed in 0..5 {
            assert_eq!(sample(&shuffled(&csv, seed), params.clone()).unwrap(), first, "{params}");
        }
        let repeats = first.findings["duplicates_drawn"].as_u64().unwrap();
        let draws: i64 = first.rows.values().filter_map(|row| row.repeat).sum();
        assert_eq!(repeats as i64, draws - 1, "all but one show what another shows");
    }
}

/// 150,000 rows are three batches; the rarest class stands at the end.
#[test]
fn batches_leave_no_trace() {
    let mut csv = "id,label,group\n".to_string();
    for n in 0..150_000_u32 {
        let label = if n >= 149_000 { "rare" } else { ["a", "b", "c"][n as usize % 3] };
        csv += &format!("r{n},{label},g{}\n", n / 1000);
    }
    let params = json!({"levels": ["group"], "seed": 5});
    let drawn = sample_with(&csv, params.clone(), 2).unwrap();
    let wanted = BTreeMap::from([("a", 1000), ("b", 1000), ("c", 1000), ("rare", 1000)]);
    assert_eq!(drawn.of_classes("drawn"), wanted);
    assert_eq!(drawn.rows.len(), 4000);
    // 149 groups, 6 or 7 of each class in each.
    let level = &drawn.findings["levels"][0];
    assert_eq!((&level["min"], &level["median"]), (&json!(6), &json!(7)));
    assert_eq!(level["max"], 1000, "the rare class has one group");
    assert_eq!(sample_with(&shuffled(&csv, 1), params, 1).unwrap(), drawn);
}

#[test]
fn a_slide_that_comes_in_changes_little() {
    let csv = patches();
    let mut more = csv.clone();
    for n in 0..12 {
        let label = ["normal", "stroma", "tumor"][n % 3];
        more += &format!(
            "p24/s0.svs/{n:03}.png,,{label},patient-24,north,p24/s0.svs,{},0,0.5,0.1,0.2\n",
            n * 256
        );
    }
    let old_rows = by_id(&csv);
    // With counts fixed, exactly: none of the old rows is drawn that was not before, and at most as
    // many go as came.
    let counts = json!({"target": "counts", "counts": ["normal=150", "stroma=60", "tumor=30"]});
    for params in [
        counts,
        json!({"mode": "both", "size": 90, "target": "proportions", "proportions": ["normal=1", "stroma=1", "tumor=1"]}),
    ] {
        for seed in 0..20 {
            let mut params = params.clone();
            params["seed"] = seed.into();
            let before = sample(&csv, params.clone()).unwrap();
            let after = sample(&more, params).unwrap();
            let before: BTreeSet<&str> = before.ids().into_iter().collect();
            let after: BTreeSet<&str> = after.ids().into_iter().collect();
            assert_eq!(after.len(), before.len());
            let stayed: BTreeSet<&str> =
                after.iter().copied().filter(|id| old_rows.contains_key(id)).collect();
            assert!(stayed.is_subset(&before));
            let came = after.len() - stayed.len();
            assert!(came <= 12 && before.len() - stayed.len() == came);
        }
    }
    // Whatever else is asked for: nine of ten rows stay.
    for params in many() {
        let before = sample(&csv, params.clone()).unwrap();
        let after = sample(&more, params.clone()).unwrap();
        let stayed = before.ids().iter().filter(|id| after.rows.contains_key(**id)).count();
        assert!(stayed * 10 >= before.rows.len() * 9, "{stayed} of {} {params}", before.rows.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// What water does: of places on one level under one roof, none has two more than one that has
    /// room left.
    #[test]
    fn levels_share_as_equally_as_rows_allow(csv in tables(), size in 1..60_u64, seed in 0..50_u64) {
        let table = by_id(&csv);
        let levels = ["group", "tile.source_id"];
        let drawn = sample(&csv, json!({"seed": seed, "size": size, "levels": levels})).unwrap();
        let of_classes = drawn.of_classes("drawn");
        let quotas = drawn.of_classes("quota");
        let rows = drawn.of_classes("rows");
        for (class, n) in &of_classes {
            prop_assert_eq!(*n, quotas[class].min(rows[class]));
        }
        for (level, column) in levels.iter().enumerate() {
            let room = of_class(table.keys().copied(), &table, column);
            let got = of_class(drawn.ids().into_iter(), &table, column);
            let roof = |value: &str| if level == 0 { String::new() } else { value[..2].to_string() };
            for ((class, value), room) in &room {
                let n = got.get(&(class.clone(), value.clone())).copied().unwrap_or(0);
                prop_assert!(n <= *room);
                if n < *room && !class.is_empty() {
                    for ((_, other), more) in got.iter().filter(|((c, v), _)| c == class && roof(v) == roof(value)) {
                        prop_assert!(*more <= n + 1, "{} {}: {} and {}: {}", class, value, n, other, more);
                    }
                }
            }
        }
    }
}

#[test]
fn harder_rows_come_more_often() {
    // Two rows of weight 3 among six of weight 1: of one draw, each heavy one has 3 in 12, each
    // light one 1 in 12.
    let mut csv = "id,label,hard\n".to_string();
    for n in 0..10 {
        let hard = ["3", "1", "1", "1", "3", "1", "1", "1", "0", ""][n];
        csv += &format!("r{n},a,{hard}\n");
    }
    let mut times: BTreeMap<String, u32> = BTreeMap::new();
    for seed in 0..600 {
        let drawn = sample(&csv, json!({"hard": "hard", "size": 1, "seed": seed})).unwrap();
        drawn.rows.keys().for_each(|id| *times.entry(id.clone()).or_default() += 1);
    }
    let expected = |id: &str| if ["r0", "r4"].contains(&id) { 150.0 } else { 50.0 };
    let chi: f64 =
        times.iter().map(|(id, n)| (f64::from(*n) - expected(id)).powi(2) / expected(id)).sum();
    assert_eq!(times.len(), 8, "rows without weight are not drawn while there are others");
    assert!(chi < 24.3, "χ² of 7 degrees: {chi} {times:?}");
    let all = sample(&csv, json!({"hard": "hard", "size": 9})).unwrap();
    assert!(all.rows.len() == 9 && ["r0", "r4", "r7"].iter().all(|id| all.rows.contains_key(*id)));
}

#[test]
fn rows_of_other_splits_go_on_untouched() {
    let mut csv = "id,label,split,weight\n".to_string();
    for n in 0..90 {
        let split = ["train", "val", ""][n % 3];
        csv += &format!("r{n},{},{split},{}\n", if n < 60 { "a" } else { "b" }, n % 4);
    }
    let under = sample(&csv, json!({})).unwrap();
    assert_eq!(under.of_classes("drawn"), BTreeMap::from([("a", 10), ("b", 10)]));
    assert_eq!(under.rows.len(), 60 + 20);
    let weights = sample(&csv, json!({"mode": "weights"})).unwrap();
    assert_eq!(weights.rows.len(), 90);
    for (id, went) in &weights.rows {
        let n: usize = id[1..].parse().unwrap();
        let expected = match (n % 3, n < 60) {
            (0, true) => 0.75,
            (0, false) => 1.5,
            _ => (n % 4) as f64,
        };
        assert_eq!(went.weight, Some(expected), "{id}");
    }
    // Each split on its own.
    let both = sample(&csv, json!({"splits": ["val", "train"], "size": 6})).unwrap();
    assert_eq!(both.rows.len(), 30 + 6 + 6);
}

/// A table of some labels, groups and slides, and which params.
fn tables() -> impl Strategy<Value = String> {
    let row = (0..4_u32, 0..3_u32, 0..2_u32, 0..12_u32, 0..12_u32, 0..40_u32);
    prop::collection::vec(row, 1..80).prop_map(|rows| {
        let mut csv = "id,content,label,group,tile.source_id,tile.x_px,tile.y_px\n".to_string();
        for (n, (label, group, slide, x, y, content)) in rows.iter().enumerate() {
            let label = ["a", "b", "c=1", ""][*label as usize];
            csv += &format!("r{n},c{content},{label},g{group},g{group}/s{slide},{x},{y}\n");
        }
        csv
    })
}

fn of_class<'a>(
    rows: impl Iterator<Item = &'a str>,
    table: &BTreeMap<&str, BTreeMap<&str, &'a str>>,
    column: &str,
) -> BTreeMap<(String, String), u64> {
    let mut counts = BTreeMap::new();
    for id in rows {
        let row = &table[id];
        *counts.entry((row["label"].to_string(), row[column].to_string())).or_default() += 1;
    }
    counts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn modes_and_caps_hold_what_they_promise(csv in tables(), most in 1..6_u64, seed in 0..50_u64) {
        let table = by_id(&csv);
        let rows = table.values().filter(|row| !row["label"].is_empty());
        let labelled: BTreeSet<&str> = rows.map(|row| row["id"]).collect();
        let cap = format!("group={most}");
        let modes = [
            json!({"seed": seed, "cap": [cap]}),
            json!({"seed": seed, "cap_all": [cap]}),
            json!({"seed": seed, "mode": "over"}),
            json!({"seed": seed, "mode": "both"}),
            json!({"seed": seed, "mode": "weights", "levels": ["group", "tile.source_id"]}),
            json!({"seed": seed, "spacing_px": 3.5, "target": "natural"}),
        ];
        for (index, params) in modes.into_iter().enumerate() {
            let drawn = sample(&csv, params).unwrap();
            prop_assert!(drawn.ids().iter().all(|id| labelled.contains(id)));
            let counts = of_class(drawn.ids().into_iter(), &table, "group");
            let repeats: Vec<i64> = drawn.rows.values().filter_map(|row| row.repeat).collect();
            let split = &drawn.findings["splits"][0];
            let (of_drawn, distinct) = (split["drawn"].as_u64(), split["distinct"].as_u64());
            prop_assert_eq!(of_drawn, Some(repeats.iter().sum::<i64>() as u64));
            prop_assert_eq!(distinct, Some(drawn.rows.len() as u64));
            let of_classes = drawn.of_classes("drawn");
            let even = of_classes.values().collect::<BTreeSet<_>>().len() <= 1;
            match index {
                0 => {
                    prop_assert!(counts.values().all(|n| *n <= most));
                    prop_assert!(even && repeats.iter().all(|n| *n == 1));
                }
                1 => {
                    let mut groups: BTreeMap<String, u64> = BTreeMap::new();
                    for ((_, group), n) in counts {
                        *groups.entry(group).or_default() += n;
                    }
                    prop_assert!(groups.values().all(|n| *n <= most));
                }
                2 => {
                    prop_assert_eq!(drawn.rows.len(), labelled.len());
                    prop_assert!(even);
                    // Within a class, repeats differ by one at most.
                    for class in of_classes.keys() {
                        let of = drawn.rows.iter().filter(|(id, _)| table[id.as_str()]["label"] == *class);
                        let of: Vec<i64> = of.filter_map(|(_, row)| row.repeat).collect();
                        prop_assert!(of.iter().max().unwrap() - of.iter().min().unwrap() <= 1);
                    }
                }
                3 => {
                    prop_assert_eq!(repeats.iter().sum::<i64>() as usize, labelled.len());
                    let all: Vec<u64> = of_classes.values().copied().collect();
                    prop_assert!(all.iter().max().zip(all.iter().min()).is_none_or(|(a, b)| a - b <= 1));
                }
                4 => {
                    prop_assert_eq!(drawn.rows.len(), labelled.len());
                    let sum: f64 = drawn.rows.values().filter_map(|row| row.weight).sum();
                    prop_assert!((sum - labelled.len() as f64).abs() < 1e-9 * sum.max(1.0));
                }
                _ => {
                    let place = |id: &str| -> (f64, f64) {
                        let row = &table[id];
                        (row["tile.x_px"].parse().unwrap(), row["tile.y_px"].parse().unwrap())
                    };
                    for a in drawn.ids() {
                        for b in drawn.ids().into_iter().filter(|b| *b != a) {
                            let ((x, y), (x2, y2)) = (place(a), place(b));
                            let same = table[a]["tile.source_id"] == table[b]["tile.source_id"];
                            let far = (x - x2).powi(2) + (y - y2).powi(2) >= 3.5 * 3.5;
                            prop_assert!(!same || far, "{} {}", a, b);
                        }
                    }
                }
            }
        }
    }
}
