//! The whole step on images in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::digest::Digest;
use crate::image::{Image, png};
use crate::slide::Limits;
use crate::slide::memory::Bytes;
use crate::step::{Collected, Crew};
use crate::steps::photo::Mode;

fn rgb(width: u32, samples: Vec<u8>) -> Vec<u8> {
    let height = (samples.len() / 3) as u32 / width;
    png::encode(&Image::from_u8(width, height, 3, samples).unwrap()).unwrap()
}

fn member(bytes: Vec<u8>, split: Option<&str>) -> Member {
    let columns = BTreeMap::from([("split".to_string(), split.map_or(Value::Null, Value::from))]);
    let digest = Digest::of(&bytes);
    let bytes = Arc::new(Bytes(bytes));
    Member::new(digest, columns, Limits::default(), Box::new(move || Ok(bytes.clone())))
}

fn run(params: &Params, of: Of, members: Vec<Member>, threads: usize) -> Result<Collected> {
    let crew = Crew::new(threads).unwrap();
    let mut sink = Collected::default();
    let step = FitNormalize::new(params.clone())?;
    step.run(Group { members, of }, &mut Out::new(&mut sink, &crew))?;
    Ok(sink)
}

/// What comes of all groups together.
fn joined(params: &Params, groups: Vec<Vec<Member>>) -> Result<Collected> {
    let mut left = Vec::new();
    for members in groups {
        let sink = run(params, Of::Items, members, 2)?;
        assert!(sink.kept[0].1, "it waits for the others");
        assert_eq!(sink.kept[0].0["mean_r"], Value::Null);
        left.extend(sink.left.into_iter().map(|made| member(made.bytes, None)));
    }
    run(params, Of::Left, left, 2)
}

fn images() -> [Vec<u8>; 3] {
    let noise = |seed: u32, n: usize| -> Vec<u8> {
        (0..n as u32).map(|i| ((i * 2_654_435 + seed * 97) >> 7) as u8).collect()
    };
    [rgb(2, vec![0, 10, 20, 255, 30, 40]), rgb(5, noise(1, 150)), rgb(7, noise(2, 210))]
}

#[test]
fn two_pixels_by_hand() {
    let [two, ..] = images();
    let per = Params { per: Per::Group, ..Params::default() };
    let sink = run(&per, Of::Items, vec![member(two, None)], 1).unwrap();
    let (facts, joins) = &sink.kept[0];
    assert!(!joins && sink.left.is_empty());
    // Red: 0 and 255, n·s2 − s1² = 2·65025 − 65025; green: 10 and 30; blue: 20 and 40.
    let expected = json!({
        "mean_r": 0.5, "mean_g": 40.0 / 510.0, "mean_b": 60.0 / 510.0,
        "std_r": 0.5, "std_g": 20.0 / 510.0, "std_b": 20.0 / 510.0,
        "images": 1, "unreadable": 0, "pixels": 2, "profile": facts["profile"],
    });
    assert_eq!(Value::Object(facts.clone()), expected);
    let short: Value = serde_json::from_str(facts["profile"].as_str().unwrap()).unwrap();
    assert!(short.get("counts").is_none(), "256 counts do not belong into every row");
    let whole = Profile::from_json(&sink.previews[0].bytes).unwrap();
    let counts = whole.counts.clone().unwrap();
    assert_eq!((counts[0][0], counts[0][255], counts[1][30], counts[2][0]), (1, 1, 1, 0));
    assert_eq!(serde_json::to_value(whole.short()).unwrap(), short);
}

#[test]
fn any_division_into_groups_and_any_order_gives_the_same_bits() {
    let all = Params::default();
    let [a, b, c] = images();
    let m = |bytes: &Vec<u8>| member(bytes.clone(), None);
    let one = joined(&all, vec![vec![m(&a), m(&b), m(&c)]]).unwrap();
    for groups in
        [vec![vec![m(&c)], vec![m(&a)], vec![m(&b)]], vec![vec![m(&b), m(&a)], vec![m(&c)]]]
    {
        let other = joined(&all, groups).unwrap();
        assert_eq!(other.kept, one.kept);
        assert_eq!(other.previews, one.previews);
    }
    // What groups say alone adds up to the same profile.
    let per = Params { per: Per::Group, ..Params::default() };
    let parts: Vec<(String, Profile)> = [&c, &a, &b]
        .map(|image| {
            let made = run(&per, Of::Items, vec![m(image)], 1).unwrap();
            ("part".to_string(), Profile::from_json(&made.previews[0].bytes).unwrap())
        })
        .into();
    let sum = together(&parts).unwrap();
    assert_eq!(sum, Profile::from_json(&one.previews[0].bytes).unwrap());
    assert_eq!(one.kept[0].0["pixels"], 2 + 50 + 70);
}

#[test]
fn what_cannot_be_decoded_is_counted_and_stops_nothing() {
    let [a, b, _] = images();
    let mut cut = b.clone();
    cut.truncate(b.len() / 2);
    let members =
        || vec![member(a.clone(), None), member(cut.clone(), None), member(b"text".to_vec(), None)];
    let with = joined(&Params::default(), vec![members()]).unwrap().kept.remove(0).0;
    let without = joined(&Params::default(), vec![vec![member(a.clone(), None)]]).unwrap();
    assert_eq!((&with["images"], &with["unreadable"]), (&json!(1), &json!(2)));
    assert_eq!(with["mean_g"], without.kept[0].0["mean_g"]);
    // Alone, such an image is a group without statistics, and no failure.
    let per = Params { per: Per::Group, ..Params::default() };
    let alone = run(&per, Of::Items, vec![member(cut.clone(), None)], 1).unwrap();
    assert_eq!(alone.kept[0].0["unreadable"], 1);
    assert_eq!(alone.kept[0].0["profile"], Value::Null);
    let none = joined(&Params::default(), vec![vec![member(cut, None)]]).unwrap_err();
    assert!(none.to_string().contains("none of 1 can be decoded"), "{none}");
}

#[test]
fn only_the_split_named_is_counted() {
    let [a, b, c] = images();
    let train = Params { split: Some("train".into()), ..Params::default() };
    let members = || {
        vec![
            member(a.clone(), Some("train")),
            member(b.clone(), Some("test")),
            member(c.clone(), None),
        ]
    };
    let some = joined(&train, vec![members()]).unwrap().kept.remove(0).0;
    let alone = joined(&Params::default(), vec![vec![member(a.clone(), None)]]).unwrap();
    assert_eq!(some, alone.kept[0].0);
    let none = Params { split: Some("val".into()), ..Params::default() };
    let error = joined(&none, vec![members()]).unwrap_err();
    assert_eq!(error.to_string(), "split: no item has \"val\" as its `split`");
    let reads = |params: &Params| FitNormalize::new(params.clone()).unwrap().reads().len();
    assert_eq!((reads(&train), reads(&Params::default())), (1, 0));
}

#[test]
fn grey_has_one_channel_and_says_it_three_times() {
    let grey = Params { mode: Mode::Grey, per: Per::Group, ..Params::default() };
    let [a, ..] = images();
    let sink = run(&grey, Of::Items, vec![member(a, None)], 1).unwrap();
    // (19235·10 + 3735·20 + 2^14) >> 15 = 8, (9798·255 + 19235·30 + 3735·40 + 2^14) >> 15 = 98.
    let facts = &sink.kept[0].0;
    for name in ["mean_r", "mean_g", "mean_b"] {
        assert_eq!(facts[name], 106.0 / 510.0, "{name}");
    }
    assert_eq!(facts["std_r"], 90.0 / 510.0);
    let profile = Profile::from_json(&sink.previews[0].bytes).unwrap();
    assert_eq!((profile.mean.len(), profile.channels()), (1, 1));
    let auto = Params { mode: Mode::Auto, ..Params::default() };
    assert_eq!(FitNormalize::new(auto).err().unwrap().kind(), "params");
}

#[test]
fn profiles_that_contradict_themselves_are_refused() {
    let [_, b, _] = images();
    let per = Params { per: Per::Group, ..Params::default() };
    let sink = run(&per, Of::Items, vec![member(b, None)], 1).unwrap();
    let good: Value = serde_json::from_slice(&sink.previews[0].bytes).unwrap();
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut value = good.clone();
        change(&mut value);
        Profile::from_json(value.to_string().as_bytes()).err().unwrap_or_default()
    };
    assert_eq!(changed(&|_| {}), "");
    assert!(changed(&|v| v["mean"][1] = 0.2.into()).contains("do not follow"));
    assert!(changed(&|v| v["pixels"] = 3.into()).contains("not of 3 pixels"));
    assert!(changed(&|v| v["counts"][0][0] = u64::MAX.into()).contains("not of 50 pixels"));
    assert!(changed(&|v| v["counts"][2] = json!([1])).contains("3 lists of 256"));
    assert!(changed(&|v| v["profile"] = 2.into()).contains("version 2"));
    assert!(changed(&|v| v["mode"] = "grey".into()).contains("1 lists of 256"));
    assert!(changed(&|v| v["more"] = 1.into()).contains("unknown field"));
    let by_hand = |std: &str| {
        let text = format!(r#"{{"profile":1,"mode":"grey","mean":[0.5],"std":{std}}}"#);
        Profile::from_json(text.as_bytes()).err().unwrap_or_default()
    };
    assert_eq!(by_hand("[0.25]"), "");
    assert!(by_hand("[0.25, 0.25]").contains("2 deviations"));
    assert!(by_hand("[1.5]").contains("not between 0 and 1"));
}

#[test]
fn counts_of_a_petapixel_are_a_limit_not_an_overflow() {
    let mut half = Tally::new(3);
    for counts in &mut half.counts {
        counts[255] = 1 << 52;
    }
    let (mean, std) = half.moments();
    assert_eq!((mean, std), (vec![1.0; 3], vec![0.0; 3]));
    let mut sum = half.clone();
    assert_eq!(sum.merge(&half).unwrap_err().kind(), "limit");
    assert_eq!(sum.merge(&Tally::new(1)).unwrap_err().kind(), "bug");
}
