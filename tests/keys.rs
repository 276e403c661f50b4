//! Keys are frozen: by vectors that Python recomputes, and by laws that hold for every cause.

mod common;

use std::collections::BTreeMap;
use std::process::Command;

use microtome::Error;
use microtome::digest::{Digest, canonical_json};
use microtome::record::{Cause, MadeBy, Output, PackFile, Record, StepCause};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Map, Number, Value};

#[derive(Deserialize)]
struct Frozen {
    name: String,
    cause: Cause,
    key: String,
}

fn frozen() -> Vec<Frozen> {
    let text = std::fs::read_to_string(common::root().join("tests/frozen_keys.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Never change a key here: a dataset made by an earlier release would not be found again.
#[test]
fn keys_are_frozen() {
    for Frozen { name, cause, key } in frozen() {
        assert_eq!(cause.key().unwrap().to_string(), key, "{name}");
    }
}

#[test]
fn python_computes_the_same_keys() {
    let test = "python_computes_the_same_keys";
    let Some(python) = common::python_or_skip(test, &["blake3", "rfc8785"]) else { return };
    let tests = common::root().join("tests");
    let output = Command::new(python)
        .arg(tests.join("frozen_keys.py"))
        .arg(tests.join("frozen_keys.json"))
        .env("PYTHONIOENCODING", "utf-8")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let wanted: Vec<String> =
        frozen().into_iter().map(|f| format!("{} {}", f.key, f.name)).collect();
    let found: Vec<String> =
        String::from_utf8(output.stdout).unwrap().lines().map(String::from).collect();
    assert_eq!(found, wanted);
}

/// RFC 8785 writes a whole float below 1e21 without point or exponent, and a reader takes that for an
/// integer. What is written must be read back, so what would not be is not written.
#[test]
fn a_whole_float_is_refused_or_reads_back() {
    let mut refused = 0;
    for float in [9007199254740991.0, 9007199254740992.0, 1e16, -6.2e16, 1e20, 9.9e20, 1e21, 1e300]
    {
        match canonical_json(&float) {
            Ok(text) => {
                let back: Value = serde_json::from_str(&text).unwrap();
                assert_eq!(back.as_f64(), Some(float), "{text}");
                assert_eq!(canonical_json(&back).as_deref(), Ok(text.as_str()));
            }
            Err(Error::Params { .. }) => refused += 1,
            Err(other) => panic!("{float}: {other:?}"),
        }
    }
    assert!(refused < 6, "2^53 − 1, 1e21 and 1e300 can be carried");
}

/// The numbers that canonical JSON takes: whole ones below 2^53, and floats.
fn number() -> impl Strategy<Value = Number> {
    const MOST: i64 = (1 << 53) - 1;
    prop_oneof![
        (-MOST..=MOST).prop_map(Number::from),
        (-1000_i64..1000).prop_map(Number::from),
        any::<f64>()
            .prop_filter("taken", |float| canonical_json(float).is_ok())
            .prop_filter_map("finite", Number::from_f64),
        // What people write: 0.499, 0.25, 1.5.
        (-100_000_i32..100_000).prop_map(|n| Number::from_f64(f64::from(n) / 1000.0).unwrap()),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number().prop_map(Value::Number),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".{0,6}", inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 8]>().prop_map(|bytes| Digest::of(&bytes))
}

fn step() -> impl Strategy<Value = StepCause> {
    let params = prop::collection::btree_map("[a-z_]{1,8}", value(), 0..5);
    ("[a-z]{1,8}(-[a-z]{1,8})?", "[0-9]\\.[0-9]\\.[0-9]", params).prop_map(
        |(step, version, params)| StepCause {
            step,
            version,
            params: Value::Object(params.into_iter().collect()),
        },
    )
}

fn cause() -> impl Strategy<Value = Cause> {
    let columns = prop::collection::btree_map("[a-z]{1,6}(\\.[a-z_]{1,8})?", value(), 0..4);
    (prop::collection::vec(step(), 1..4), digest(), columns)
        .prop_map(|(steps, input, columns)| Cause::new(steps, input, columns))
}

fn output() -> impl Strategy<Value = Output> {
    let facts = prop::collection::btree_map("[a-z_]{1,8}", value(), 0..4);
    let size = || prop::option::of(1_u32..100_000);
    let place = (prop::option::of("[a-z/]{1,12}"), prop::option::of(0_u64..1 << 53));
    (".{1,12}", place, 0_u64..1 << 53, digest(), size(), size(), facts).prop_map(
        |(name, (path, offset), length, digest, width_px, height_px, facts)| Output {
            name,
            path,
            offset,
            length,
            digest,
            media_type: "image/png".into(),
            width_px,
            height_px,
            facts: facts.into_iter().collect(),
        },
    )
}

fn record() -> impl Strategy<Value = Record> {
    let outputs = || prop::collection::vec(output(), 0..4);
    let pack = ("[a-z/]{1,12}", 0_u64..1 << 53, digest())
        .prop_map(|(path, length, digest)| PackFile { path, length, digest });
    (cause(), outputs(), outputs(), prop::collection::vec(pack, 0..2)).prop_map(
        |(cause, outputs, previews, packs)| Record {
            cause,
            outputs,
            previews,
            packs,
            made_by: MadeBy::this_build(),
        },
    )
}

/// Another value: one that no reader of JSON would take for the old one.
fn other(old: &Value) -> Value {
    match old {
        Value::Null => Value::Bool(false),
        Value::Bool(b) => Value::Bool(!b),
        Value::Number(n) => Value::String(n.to_string()),
        Value::String(s) => Value::String(format!("{s} ")),
        Value::Array(items) => [items.as_slice(), &[Value::Null]].concat().into(),
        Value::Object(fields) => Value::Array(vec![Value::Object(fields.clone())]),
    }
}

/// Every cause that differs from this one in one thing, with that thing's name.
fn neighbours(cause: &Cause) -> Vec<(String, Cause)> {
    let mut all = Vec::new();
    let mut differing = |what: String, change: &dyn Fn(&mut Cause)| {
        let mut neighbour = cause.clone();
        change(&mut neighbour);
        all.push((what, neighbour));
    };
    differing("cause".into(), &|c| c.cause += 1);
    differing("input".into(), &|c| c.input = Digest::of(c.input.as_bytes()));
    for i in 0..cause.steps.len() {
        differing(format!("steps[{i}].step"), &|c| c.steps[i].step.push('x'));
        differing(format!("steps[{i}].version"), &|c| c.steps[i].version.push_str("-rc.1"));
        differing(format!("steps[{i}] twice"), &|c| c.steps.insert(i, c.steps[i].clone()));
        differing(format!("steps[{i}] gone"), &|c| drop(c.steps.remove(i)));
        differing(format!("steps[{i}]: one param more"), &|c| {
            c.steps[i].params["NEW"] = Value::Null;
        });
        for name in cause.steps[i].params.as_object().unwrap().keys() {
            differing(format!("steps[{i}].params.{name}"), &|c| {
                let param = &mut c.steps[i].params[name];
                *param = other(param);
            });
            differing(format!("steps[{i}].params.{name} renamed"), &|c| {
                let params = c.steps[i].params.as_object_mut().unwrap();
                let param = params.remove(name).unwrap();
                params.insert(name.to_uppercase() + "X", param);
            });
            differing(format!("steps[{i}].params.{name} gone"), &|c| {
                c.steps[i].params.as_object_mut().unwrap().remove(name);
            });
        }
        if i > 0 && cause.steps[i] != cause.steps[i - 1] {
            differing(format!("steps[{i}] before steps[{}]", i - 1), &|c| c.steps.swap(i, i - 1));
        }
    }
    differing("one column more".into(), &|c| drop(c.columns.insert("NEW".into(), Value::Null)));
    for name in cause.columns.keys() {
        differing(format!("columns.{name}"), &|c| {
            let column = c.columns.get_mut(name).unwrap();
            *column = other(column);
        });
        differing(format!("columns.{name} gone"), &|c| drop(c.columns.remove(name)));
    }
    all
}

/// JSON text of a value with the fields of every object backwards, and space wherever it may stand.
fn backwards(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(backwards).collect();
            format!("[ {} ]", items.join(" , "))
        }
        Value::Object(fields) => {
            let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            let fields: Vec<String> = fields
                .into_iter()
                .rev()
                .map(|(name, value)| {
                    format!("{} : {}", Value::from(name.as_str()), backwards(value))
                })
                .collect();
            format!("{{ {} }}", fields.join(" ,\n"))
        }
        leaf => leaf.to_string(),
    }
}

/// Every whole number spelled as a float: 512 as 512.0.
fn with_points(value: &Value) -> Value {
    match value {
        Value::Number(n) => {
            n.as_f64().and_then(Number::from_f64).map_or(Value::Null, Value::Number)
        }
        Value::Array(items) => items.iter().map(with_points).collect(),
        Value::Object(fields) => {
            let fields: Map<String, Value> =
                fields.iter().map(|(name, value)| (name.clone(), with_points(value))).collect();
            Value::Object(fields)
        }
        leaf => leaf.clone(),
    }
}

proptest! {
    #[test]
    fn every_field_changes_the_key(cause in cause()) {
        let mut seen = BTreeMap::from([(cause.key().unwrap(), "nothing".to_string())]);
        for (what, neighbour) in neighbours(&cause) {
            // Two neighbours may well be the same cause ("twice" before and after); none may be this one.
            let before = seen.insert(neighbour.key().unwrap(), what.clone());
            prop_assert!(before.as_deref() != Some("nothing"), "{what} does not change the key");
        }
    }

    #[test]
    fn the_spelling_of_a_cause_does_not_change_its_key(cause in cause()) {
        let key = cause.key().unwrap();
        let as_json = serde_json::to_value(&cause).unwrap();
        let respelled: Cause = serde_json::from_str(&backwards(&as_json)).unwrap();
        prop_assert_eq!(respelled.key().unwrap(), key);

        let mut pointed = cause.clone();
        for step in &mut pointed.steps {
            step.params = with_points(&step.params);
        }
        for column in pointed.columns.values_mut() {
            *column = with_points(column);
        }
        prop_assert_eq!(pointed.key().unwrap(), key);
    }

    #[test]
    fn a_key_reads_back(cause in cause()) {
        let key = cause.key().unwrap();
        prop_assert_eq!(key.to_string().parse::<Digest>().unwrap(), key);
        prop_assert_eq!(cause.place().unwrap(), format!("{}@{}", cause.input.short(), key.short()));
    }

    #[test]
    fn a_cause_means_the_same_after_a_journey_through_text(cause in cause()) {
        let text = canonical_json(&cause).unwrap();
        let back: Cause = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(back.key().unwrap(), cause.key().unwrap());
        prop_assert_eq!(canonical_json(&back).unwrap(), text);
    }

    #[test]
    fn a_record_reads_back(record in record()) {
        let key = record.cause.key().unwrap();
        let bytes = record.to_bytes().unwrap();
        let back = Record::from_bytes(&key, &bytes).unwrap();
        prop_assert_eq!(back.to_bytes().unwrap(), bytes);
        prop_assert_eq!(&back.cause.input, &record.cause.input);
        prop_assert_eq!(back.outputs.len(), record.outputs.len());
        for (back, output) in back.outputs.iter().zip(&record.outputs) {
            prop_assert_eq!(&back.digest, &output.digest);
            prop_assert_eq!(&back.name, &output.name);
        }
    }

    #[test]
    fn a_record_of_another_cause_is_refused(record in record()) {
        let key = record.cause.key().unwrap();
        for (what, cause) in neighbours(&record.cause) {
            let changed = Record { cause, ..record.clone() }.to_bytes().unwrap();
            let refused = Record::from_bytes(&key, &changed);
            prop_assert!(matches!(refused, Err(Error::Format { .. })), "{what}: {refused:?}");
        }
    }

    #[test]
    fn a_damaged_record_is_refused_or_has_its_cause_still(
        record in record(), at in any::<prop::sample::Index>(), flip in 1_u8..=255,
    ) {
        let key = record.cause.key().unwrap();
        let mut bytes = record.to_bytes().unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if let Ok(read) = Record::from_bytes(&key, &bytes) {
            prop_assert_eq!(read.cause.key().unwrap(), key);
        }
        bytes.truncate(at);
        prop_assert!(Record::from_bytes(&key, &bytes).is_err());
    }
}
