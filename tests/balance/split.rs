//! `split` over manifests: nothing is parted that belongs together, whatever the order of rows.

use std::collections::{BTreeMap, BTreeSet};

use microtome::manifest::{Field, Item, Kind, Schema, Values};
use microtome::step::{AnyInput, Collected, Crew, Entry, Manifest, Rows, table_of};
use microtome::{Error, Result};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{common, table};

fn entry() -> &'static Entry {
    microtome::steps::find("split").unwrap()
}

/// What `split` says of a manifest: the split of each row, in order, and all else.
fn split_on(parquet: Vec<u8>, params: Value, threads: usize) -> Result<(Vec<String>, Collected)> {
    let step = entry().make(params)?;
    let table = table_of(parquet)?;
    let columns = step.columns(table.schema())?;
    let input = AnyInput::Manifest(Manifest::new(table, columns));
    let mut collected = Collected::default();
    step.run(input, &mut collected, &Crew::new(threads).unwrap())?;
    let splits = collected.rows.iter().flat_map(of_rows).collect();
    Ok((splits, collected))
}

fn of_rows(rows: &Rows) -> Vec<String> {
    assert!(rows.times.is_none());
    let Some((_, Values::Words { words, codes })) = rows.columns.iter().find(|c| c.0 == "split")
    else {
        panic!("no column `split`");
    };
    codes.iter().map(|code| words[*code as usize].clone()).collect()
}

fn split(csv: &str, params: Value) -> Result<(Vec<String>, Collected)> {
    split_on(table::of_csv(csv.as_bytes()), params, 2)
}

fn fails(csv: &str, params: Value) -> Error {
    split(csv, params).map(|(splits, _)| splits).unwrap_err()
}

fn patches() -> String {
    std::fs::read_to_string(common::fixture("tables/patches.csv")).unwrap()
}

/// A column of a CSV without quotes.
fn column(csv: &str, name: &str) -> Vec<String> {
    let header = csv.lines().next().unwrap().split(',').position(|n| n == name).unwrap();
    csv.lines().skip(1).map(|line| line.split(',').nth(header).unwrap().to_string()).collect()
}

/// Splits of each value.
fn splits_of(values: &[String], splits: &[String]) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (value, split) in values.iter().zip(splits) {
        found.entry(value.clone()).or_default().insert(split.clone());
    }
    found
}

#[test]
fn patients_slides_and_identical_images_stay_together() {
    let csv = patches();
    let (splits, said) = split(&csv, Value::Null).unwrap();
    for name in ["group", "tile.source_id"] {
        let found = splits_of(&column(&csv, name), &splits);
        assert!(found.values().all(|splits| splits.len() == 1), "{name}: {found:?}");
    }
    let content: Vec<String> = column(&csv, "content")
        .iter()
        .zip(column(&csv, "id"))
        .map(|(content, id)| if content.is_empty() { id } else { content.clone() })
        .collect();
    assert!(splits_of(&content, &splits).values().all(|splits| splits.len() == 1));
    assert_eq!(said.findings["leakage"]["tile.source_id"]["across"], 0);
    assert!(said.findings["identical"]["rows"].as_u64().unwrap() > 1);
    assert_eq!(said.findings["identical"]["across"], 0);
    assert!(said.notes.iter().any(|note| note.contains("identical images hold together")));
    let reached: f64 = said.findings["splits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|split| split["reached"].as_f64().unwrap())
        .sum();
    assert!((reached - 1.0).abs() < 1e-12);
}

#[test]
fn sites_stay_together_and_folds_have_numbers() {
    // Patient 3 was seen at two sites.
    let mut csv = String::from("id,label,group,site\n");
    for n in 0..120 {
        let (patient, label) = (n / 4, n % 3);
        let site = if n == 12 { 9 } else { patient % 10 };
        csv += &format!("r{n},c{label},p{patient},s{site}\n");
    }
    let (splits, said) = split(&csv, json!({"folds": 3, "site": "site"})).unwrap();
    assert_eq!(said.findings["components"], 9);
    let found = splits_of(&column(&csv, "site"), &splits);
    assert!(found.values().all(|splits| splits.len() == 1), "{found:?}");
    let Some((_, Values::Int(folds))) = said.rows[0].columns.iter().find(|c| c.0 == "fold") else {
        panic!("no facts");
    };
    let named: Vec<String> = folds.iter().map(|f| format!("fold{}", f.unwrap())).collect();
    assert_eq!(named, splits);
}

#[test]
fn leakage_of_what_only_is_looked_at_is_told() {
    let (_, said) = split(&patches(), json!({"group": [], "folds": 4})).unwrap();
    let slides = &said.findings["leakage"]["tile.source_id"];
    assert!(slides["across"].as_u64().unwrap() > 0);
    assert_eq!(slides["examples"].as_array().unwrap().len(), 10);
    let told = said.notes.join("\n");
    assert!(told.contains("leakage: ") && told.contains("`tile.source_id`"), "{told}");
    assert!(told.contains("rows were shared out one by one"), "{told}");
}

#[test]
fn a_giant_and_a_rare_class_are_told_with_numbers() {
    let mut csv = String::from("id,label,group\n");
    for row in 0..100 {
        let group = if row < 80 { 0 } else { row };
        let label = if row == 99 { "rare" } else { "common" };
        csv += &format!("r{row},{label},g{group}\n");
    }
    let (_, said) = split(&csv, json!({"ratios": "train=0.5,test=0.5"})).unwrap();
    let told = said.notes.join("\n");
    assert!(told.contains("has 80.0 % of the rows where 50.0 % was asked for"), "{told}");
    assert!(told.contains("the largest (`g0`) has 80.0 % of all rows"), "{told}");
    assert!(told.contains("1 of 2 classes of `label` are missing in a split"), "{told}");
    assert!(told.contains("`rare`, which 1 of 21 that stay together have"), "{told}");
    // Counted in groups, the giant is one of 21.
    let params = json!({"ratios": "train=0.5,test=0.5", "measure": "groups"});
    let (_, said) = split(&csv, params).unwrap();
    let components = &said.findings["splits"][0]["components"];
    assert!([10, 11].contains(&components.as_u64().unwrap()), "{components}");
}

#[test]
fn groups_are_fixed_by_hand() {
    let csv = "id,content,label,group\na,,x,p1\nb,,x,p2\nc,same,x,p3\nd,same,x,p4\ne,,x,p5\n";
    let fixed = |rows: Value| json!({"ratios": "train=0.5,test=0.5", "fixed": rows});
    let rows = json!([{"group": "p1", "split": "test"}, {"group": "p4", "split": "test"},
        {"group": "p9", "split": "train"}]);
    let (splits, said) = split(csv, fixed(rows)).unwrap();
    assert_eq!((&*splits[0], &*splits[2], &*splits[3]), ("test", "test", "test"));
    assert_eq!(said.findings["fixed"], json!({"components": 2, "unknown": 1}));
    assert!(said.notes.iter().any(|n| n.contains("1 groups that no row has")), "{:?}", said.notes);
    let conflict = json!([{"group": "p3", "split": "test"}, {"group": "p4", "split": "train"}]);
    let told = fails(csv, fixed(conflict)).to_string();
    assert!(told.contains("`p3` is fixed to `test` and `p4` to `train`"), "{told}");
    let told = fails(csv, fixed(json!([{"group": "p1", "split": "dev"}]))).to_string();
    assert!(told.contains("no such split: train, test"), "{told}");
    let twice = json!([{"group": "p1", "split": "test"}, {"group": "p1", "split": "train"}]);
    assert!(fails(csv, fixed(twice)).to_string().contains("`p1` is fixed to two splits"));
}

#[test]
fn wrong_columns_and_params_are_refused_by_name() {
    let csv = patches();
    let schema = |params: Value| match fails(&csv, params) {
        Error::Schema { column, message, .. } => (column, message),
        other => panic!("{other}"),
    };
    let (column, told) = schema(json!({"group": ["patient"]}));
    assert_eq!(column, "patient");
    assert!(told.contains("`group` names it; there are: label, group, site"), "{told}");
    let (column, told) = schema(json!({"stratify": ["label", "difficulty"]}));
    assert!(column == "difficulty" && told.contains("fractions"), "{told}");
    assert!(schema(json!({"site": "clinic"})).1.contains("`site` names it"));
    assert!(schema(json!({"audit": ["x"]})).1.contains("`audit` names it"));
    assert!(schema(json!({"near_duplicates": "join"})).1.contains("`filter-background` makes it"));
    assert!(schema(json!({"phash": "h"})).1.contains("`phash` names it"));
    let both = fails(&csv, json!({"folds": 2, "ratios": "a=1"}));
    assert!(matches!(both, Error::Params { field, .. } if field == "folds"));
    let few = fails("id,group\na,x\nb,x\n", json!({"folds": 2}));
    assert!(few.to_string().contains("2 folds of 1 components"), "{few}");
}

#[test]
fn whole_numbers_and_booleans_are_groups_and_classes() {
    let csv = "id,patient,stage\na,1,1\nb,2,1\nc,1,2\nd,3,2\ne,4,1\nf,5,2\n";
    let params = json!({"group": ["patient"], "stratify": ["stage"], "folds": 2});
    let (splits, said) = split(csv, params).unwrap();
    assert_eq!(splits[0], splits[2]);
    assert_eq!(said.findings["classes"]["stage"]["classes"], 2);
    assert_eq!(said.findings["components"], 5);
}

#[test]
fn nothing_few_and_unlabelled_rows_are_split_too() {
    let schema = Schema { facts: Vec::new() };
    let nothing = split_on(table::of_items(&schema, &[]), json!({"folds": 3}), 2).unwrap();
    assert!(nothing.0.is_empty() && nothing.1.notes == ["there are no rows to split"]);
    let (splits, said) = split("id,group\na,x\nb,x\n", Value::Null).unwrap();
    assert_eq!(splits, ["train", "train"]);
    assert!(said.notes.iter().any(|note| note.contains("`val` is empty")), "{:?}", said.notes);
    // No labels at all: balanced by size alone.
    let csv: String = (0..40).map(|row| format!("r{row},g{}\n", row / 2)).collect();
    let (splits, said) = split(&format!("id,group\n{csv}"), json!({"folds": 4})).unwrap();
    let first = splits.iter().filter(|split| *split == "fold0").count();
    assert_eq!((first, said.notes.len()), (10, 0), "{:?}", said.notes);
}

/// Items with these labels and groups.
fn items(rows: &[(Option<String>, Option<String>)]) -> Vec<Item> {
    rows.iter()
        .enumerate()
        .map(|(n, (label, group))| Item {
            id: format!("r{n}"),
            path: format!("items/{n}"),
            offset: None,
            length: 1,
            digest: microtome::digest::Digest::of(&n.to_le_bytes()),
            media_type: "image/png".into(),
            width_px: Some(1),
            height_px: Some(1),
            label: label.clone(),
            group: group.clone(),
            split: None,
            weight: None,
            trail: String::new(),
            facts: Vec::new(),
        })
        .collect()
}

#[test]
fn long_foreign_and_very_many_labels_do_no_harm() {
    let rows: Vec<_> = (0..120_000_u32)
        .map(|n| {
            let label = match n % 3 {
                0 => format!("{} 腫瘍 {}", "long".repeat(300), n % 5),
                _ => format!("class {n}"),
            };
            (Some(label), Some(format!("グループ {}", n % 1000)))
        })
        .collect();
    let parquet = table::of_items(&Schema { facts: Vec::new() }, &items(&rows));
    let (splits, said) = split_on(parquet, json!({"folds": 5}), 2).unwrap();
    let labels = &said.findings["classes"]["label"];
    assert_eq!(labels["classes"], 80_005);
    let of = |fold: &str| splits.iter().filter(|split| *split == fold).count() as f64 / 120_000.0;
    for fold in 0..5 {
        let share = of(&format!("fold{fold}"));
        assert!((share - 0.2).abs() < 0.01, "fold{fold} has {share}");
    }
    let example = labels["examples"][0]["class"].as_str().unwrap();
    assert!(example.chars().count() <= 80);
}

/// Rows in another order, in other batches and with other threads: each goes where it went.
#[test]
fn order_batches_and_threads_change_nothing() {
    let draw = |n: u64, of: u64, salt: u64| {
        ((n ^ salt << 40).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33) % of
    };
    let rows: Vec<_> = (0..150_000_u64)
        .map(|n| {
            let group = (draw(n, 10, 3) > 0).then(|| format!("g{}", draw(n / 7, 900, 1)));
            let label = (draw(n, 20, 4) > 0).then(|| format!("c{}", draw(n, 9, 2).pow(2) / 9));
            (label, group)
        })
        .collect();
    let straight = items(&rows);
    let mut mixed = straight.clone();
    mixed.sort_by_key(|item| draw(item.id[1..].parse().unwrap(), 1 << 30, 7));
    let schema = Schema { facts: Vec::new() };
    for params in [json!({"folds": 5}), json!({"mode": "hash"}), json!({"measure": "groups"})] {
        let run = |items: &[Item], threads| -> BTreeMap<String, String> {
            let parquet = table::of_items(&schema, items);
            let (splits, _) = split_on(parquet, params.clone(), threads).unwrap();
            items.iter().map(|item| item.id.clone()).zip(splits).collect()
        };
        let first = run(&straight, 1);
        assert_eq!(run(&mixed, 3), first, "{params}");
    }
}

fn hashed(rows: &[(u64, &str)]) -> Vec<u8> {
    let facts = vec![Field { name: "filter-background.phash".into(), kind: Kind::Text }];
    let named: Vec<_> = rows.iter().map(|(_, group)| (None, Some(group.to_string()))).collect();
    let mut items = items(&named);
    for (item, (hash, _)) in items.iter_mut().zip(rows) {
        item.facts = vec![format!("{hash:016x}").into()];
    }
    table::of_items(&Schema { facts }, &items)
}

#[test]
fn images_that_look_alike_are_told_joined_or_left_alone() {
    let rows: Vec<(u64, &str)> = vec![
        (0xFF00_FF00_FF00_FF00, "a"),
        (0xFF00_FF00_FF00_FF0F, "b"),
        (0x0123_4567_89AB_CDEF, "c"),
        (0xFEDC_BA98_7654_3210, "d"),
    ];
    let fixed = json!([{"group": "a", "split": "x"}, {"group": "b", "split": "y"}]);
    let with = |extra: Value| {
        let mut params = json!({"ratios": "x=0.5,y=0.5", "fixed": fixed});
        params.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        split_on(hashed(&rows), params, 2)
    };
    let (_, said) = with(json!({})).unwrap();
    assert_eq!(said.findings["alike"]["rows_across"], 2);
    assert!(said.notes.iter().any(|n| n.contains("2 rows look like one of another split")));
    assert_eq!(said.findings["alike"]["examples"][0]["value"], "ff00ff00ff00ff00");
    let (_, said) = with(json!({"near_duplicate_bits": 3})).unwrap();
    assert_eq!(said.findings["alike"]["rows_across"], 0);
    let (_, said) = with(json!({"near_duplicates": "ignore"})).unwrap();
    assert_eq!(said.findings["alike"], Value::Null);
    // Joined, `a` and `b` are one, and cannot be fixed to two splits.
    let told = with(json!({"near_duplicates": "join"})).unwrap_err().to_string();
    assert!(told.contains("hang together"), "{told}");
    let joined = json!({"near_duplicates": "join", "folds": 3});
    let (splits, said) = split_on(hashed(&rows), joined, 2).unwrap();
    assert_eq!((&splits[0], &said.findings["components"]), (&splits[1], &json!(3)));
    let broken = table::of_csv(b"id,filter-background.phash\na,xyz\n");
    let told = split_on(broken, Value::Null, 1).unwrap_err().to_string();
    assert!(told.contains("row 0") && told.contains("16 hex digits"), "{told}");
}

type Drawn = Vec<(Option<u8>, Option<u8>, Option<u8>)>;

/// (label, patient, slide) of rows as a CSV; one row in some has the image of another.
fn drawn(rows: &Drawn) -> String {
    let name = |kind: &str, n: Option<u8>| n.map_or(String::new(), |n| format!("{kind}{n}"));
    let mut csv = String::from("id,content,label,group,slide\n");
    for (n, (label, patient, slide)) in rows.iter().enumerate() {
        let content = if n % 13 == 12 { format!("r{}", n / 2) } else { String::new() };
        let (label, patient) = (name("c", *label), name("p", *patient));
        csv += &format!("r{n},{content},{label},{patient},{}\n", name("s", *slide));
    }
    csv
}

fn some_rows() -> impl Strategy<Value = Drawn> {
    let some = |most: u8| proptest::option::weighted(0.9, 0..most);
    proptest::collection::vec((some(4), some(30), some(40)), 20..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_row_has_a_split_and_no_value_has_two(rows in some_rows(), hash in any::<bool>(), seed in 0..99_u64) {
        let csv = drawn(&rows);
        let mode = if hash { "hash" } else { "balance" };
        let params = json!({"group": ["group", "slide"], "mode": mode, "seed": seed});
        let (splits, _) = split(&csv, params).unwrap();
        prop_assert_eq!(splits.len(), rows.len());
        for name in ["group", "slide"] {
            for (value, found) in splits_of(&column(&csv, name), &splits) {
                prop_assert!(value.is_empty() || found.len() == 1, "{} {:?}", value, found);
            }
        }
    }

    /// With `mode: hash`, rows that are added move none of those that were there: here those of new patients, some of
    /// them between the old rows.
    #[test]
    fn hashes_are_stable_under_growth(rows in some_rows(), more in 1..60_usize, seed in 0..99_u64) {
        let csv = drawn(&rows);
        let mut lines: Vec<String> = csv.lines().map(String::from).collect();
        for n in 0..more {
            lines.insert(1 + (n * 7) % (lines.len() - 1), format!("new{n},,c{},q{},", n % 4, n % 9));
        }
        let grown = lines.join("\n");
        let run = |csv: &str| -> BTreeMap<String, String> {
            let (splits, _) = split(csv, json!({"mode": "hash", "seed": seed})).unwrap();
            column(csv, "id").into_iter().zip(splits).collect()
        };
        let (before, after) = (run(&csv), run(&grown));
        for (id, split) in &before {
            prop_assert_eq!(&after[id], split, "{}", id);
        }
    }
}
