//! Laws that every step obeys, whoever wrote it: read off the list of steps.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use microtome::cli;
use microtome::describe::{self, Param, Shape};
use microtome::digest::Digest;
use microtome::manifest::BASE;
use microtome::pipeline;
use microtome::record::{Cause, StepCause};
use microtome::step::{Entry, Grain};
use microtome::steps::STEPS;
use microtome::{Error, Result};
use serde_json::{Map, Value, json};

fn each(law: impl Fn(&'static Entry)) {
    assert!(!STEPS.is_empty());
    STEPS.iter().for_each(law);
}

fn each_param(law: impl Fn(&'static Entry, &Param)) {
    each(|entry| {
        for param in describe::params(entry).unwrap() {
            law(entry, &param);
        }
    });
}

/// The key of this step with these params over an input of no importance.
fn key(entry: &'static Entry, params: Value) -> Result<Digest> {
    let made = entry.make(params)?;
    let step = StepCause {
        step: entry.name.into(),
        version: entry.version.into(),
        params: made.params().clone(),
    };
    Cause::new(vec![step], Digest::of(b"input"), BTreeMap::new()).key()
}

fn one(param: &Param, value: Value) -> Value {
    Value::Object(Map::from_iter([(param.name.clone(), value)]))
}

#[test]
fn names_are_kebab_case_verbs_of_their_own() {
    let commands = cli::command_names();
    let mut seen = BTreeSet::new();
    each(|entry| {
        let letters = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
        assert!(entry.name.split('-').all(letters), "{:?} is not kebab-case", entry.name);
        assert!(!commands.contains(&entry.name.to_string()), "`{}` is a command", entry.name);
    });
    assert!(STEPS.iter().all(|entry| seen.insert(entry.name)), "a name stands twice");
}

#[test]
fn versions_are_semantic() {
    each(|entry| {
        let parts: Vec<&str> = entry.version.split('.').collect();
        let number = |p: &&str| p.parse::<u32>().is_ok_and(|n| n.to_string() == **p);
        assert!(parts.len() == 3 && parts.iter().all(number), "{} {}", entry.name, entry.version);
    });
}

#[test]
fn every_step_param_and_fact_is_documented() {
    let documented =
        |doc: &str| doc.trim().len() >= 10 && doc.trim().ends_with(['.', ':', '`', ')']);
    each(|entry| {
        let doc = describe::doc(entry);
        let first = describe::first_paragraph(&doc);
        assert!(documented(&first), "the first paragraph of `{}`: {first:?}", entry.name);
        assert!(
            first.chars().count() <= 200,
            "`{}` begins with more than a line: {first}",
            entry.name
        );
        for fact in entry.facts() {
            assert!(documented(&fact.doc), "{}: {:?}", fact.field.name, fact.doc);
        }
        for column in entry.reads {
            assert!(!column.doc.is_empty() && !column.made_by.is_empty(), "{}", column.name);
        }
    });
    each_param(|entry, param| {
        assert!(documented(&param.doc), "{} of `{}`: {:?}", param.flag(), entry.name, param.doc);
    });
}

#[test]
fn numbers_have_bounds() {
    each_param(|entry, param| {
        let shape = match &param.shape {
            Shape::List(of) => of,
            shape => shape,
        };
        if matches!(shape, Shape::Int | Shape::Float) {
            let (name, flag) = (entry.name, param.flag());
            assert!(param.min.is_some(), "{flag} of `{name}` has no least value");
            assert!(param.max.is_some(), "{flag} of `{name}` has no largest value");
        }
    });
}

#[test]
fn params_are_flat_and_their_flags_are_free() {
    let reserved = cli::reserved_flags();
    each_param(|entry, param| {
        let long = param.long();
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        assert!(long.bytes().all(fits), "{} of `{}`", param.name, entry.name);
        assert!(!reserved.contains(&long), "--{long} of `{}` is a knob", entry.name);
    });
}

#[test]
fn names_carry_units() {
    // A length in pixels ends in _px, one in micrometres in _um, a resolution is mpp.
    each_param(|entry, param| {
        let doc = describe::first_paragraph(&param.doc).to_lowercase();
        let is_number = matches!(param.shape, Shape::Int | Shape::Float);
        let in_pixels = is_number && (doc.ends_with("in pixels.") || doc.ends_with("in pixels"));
        assert!(!in_pixels || param.name.ends_with("_px"), "{} of `{}`", param.name, entry.name);
    });
}

#[test]
fn facts_are_named_columns_of_their_own() {
    each(|entry| {
        for fact in entry.facts() {
            let name = &fact.field.name;
            assert!(name.contains('.'), "{name} of `{}`", entry.name);
            assert!(BASE.iter().all(|c| c.name != name), "{name} is a base column");
            assert!(!name.ends_with(".source_id"), "{name} is the engine's own");
        }
    });
}

/// Every column that a step reads is made by a step that there is, under that name and type.
#[test]
fn what_is_read_is_made() {
    each(|entry| {
        for column in entry.reads {
            let maker = STEPS.iter().find(|e| e.name == column.made_by);
            let maker = maker.unwrap_or_else(|| panic!("no step `{}`", column.made_by));
            let base = BASE.iter().any(|b| b.name == column.name && b.kind == column.kind);
            let fact =
                maker.fields().iter().any(|f| f.name == column.name && f.kind == column.kind);
            assert!(base || fact, "`{}` makes no {} as {:?}", maker.name, column.name, column.kind);
        }
        assert!(entry.grain != Grain::Listing || entry.reads.is_empty(), "{}", entry.name);
    });
}

#[test]
fn defaults_are_valid_and_spelling_them_out_changes_nothing() {
    each(|entry| {
        let bare = key(entry, Value::Null);
        // A step may need a param that has no default; then it says which.
        let bare = match bare {
            Ok(bare) => bare,
            Err(error) => {
                assert!(matches!(error, Error::Params { .. }), "`{}`: {error}", entry.name);
                return;
            }
        };
        assert_eq!(key(entry, json!({})).unwrap(), bare);
        assert_eq!(key(entry, (entry.default_params)()).unwrap(), bare, "{}", entry.name);
        for param in describe::params(entry).unwrap() {
            let spelled = key(entry, one(&param, param.default.clone()));
            assert_eq!(spelled.unwrap(), bare, "{} {}", entry.name, param.name);
        }
    });
}

/// Another value that the param may have, for those that need no other to go with it.
fn other(param: &Param) -> Option<Value> {
    match &param.shape {
        Shape::Bool => Some((!param.default.as_bool()?).into()),
        Shape::Int | Shape::Float => {
            let (min, max) = (param.min.clone()?, param.max.clone()?);
            let is_min = min.as_f64() == param.default.as_f64();
            Some(if is_min { max } else { min })
        }
        Shape::Choice(choices) => {
            let value = choices.iter().find(|c| param.default != c.value.as_str())?;
            Some(value.value.clone().into())
        }
        Shape::Text | Shape::List(_) | Shape::File(_) => None,
    }
}

#[test]
fn each_param_changes_the_key() {
    let mut changed = 0;
    for entry in STEPS {
        let Ok(bare) = key(entry, Value::Null) else { continue };
        for param in describe::params(entry).unwrap() {
            let Some(value) = other(&param) else { continue };
            // Params that exclude each other are refused, which is an answer too.
            if let Ok(key) = key(entry, one(&param, value.clone())) {
                assert_ne!(key, bare, "{} of `{}` = {value}", param.name, entry.name);
                changed += 1;
            }
        }
    }
    assert!(changed > 0, "no param was changed");
}

#[test]
fn whole_floats_are_integers() {
    each_param(|entry, param| {
        if param.shape != Shape::Int {
            return;
        }
        let Some(least) = param.min.as_ref().and_then(Value::as_f64) else { return };
        let (whole, float) = (json!(least as i64), json!(least));
        match (key(entry, one(param, whole)), key(entry, one(param, float))) {
            (Ok(whole), Ok(float)) => assert_eq!(whole, float, "{} {}", entry.name, param.name),
            (Err(whole), Err(float)) => assert_eq!(whole, float),
            (whole, float) => panic!("{} {}: {whole:?} and {float:?}", entry.name, param.name),
        }
    });
}

#[test]
fn order_does_not_matter() {
    each(|entry| {
        let Value::Object(defaults) = (entry.default_params)() else { panic!("{}", entry.name) };
        let backwards: String = defaults
            .iter()
            .rev()
            .map(|(name, value)| format!("{}:{value}", json!(name)))
            .collect::<Vec<_>>()
            .join(",");
        let backwards: Value = serde_json::from_str(&format!("{{{backwards}}}")).unwrap();
        if let Ok(forwards) = key(entry, Value::Object(defaults)) {
            assert_eq!(key(entry, backwards).unwrap(), forwards, "{}", entry.name);
        }
    });
}

#[test]
fn what_is_out_of_range_or_of_another_type_is_refused_by_name() {
    let refused = |entry: &'static Entry, param: &Param, value: Value| match entry
        .make(one(param, value.clone()))
        .map(|_| ())
    {
        Err(Error::Params { field, .. }) => {
            assert!(field.starts_with(&param.name), "`{}`: {field} for {}", entry.name, param.name);
        }
        other => panic!("{} of `{}` = {value}: {other:?}", param.name, entry.name),
    };
    each_param(|entry, param| {
        if matches!(param.shape, Shape::Int | Shape::Float) {
            if let Some(max) = param.max.as_ref().and_then(Value::as_f64) {
                refused(entry, param, json!(max * 2.0 + 1.0));
            }
            if let Some(min) = param.min.as_ref().and_then(Value::as_f64) {
                refused(entry, param, json!(min - 1.0));
            }
            refused(entry, param, json!("many"));
        }
        if matches!(param.shape, Shape::Choice(_)) {
            refused(entry, param, json!("no-such-word"));
        }
        refused(entry, param, json!({"a": 1}));
    });
}

#[test]
fn nan_is_refused() {
    each_param(|entry, param| {
        if !matches!(param.shape, Shape::Int | Shape::Float) {
            return;
        }
        for word in [".nan", ".inf", "-.inf"] {
            let text =
                format!("microtome: 1\nsteps:\n- {}: {{{}: {word}}}\n", entry.name, param.name);
            let parsed = pipeline::parse("p.yaml", text.as_bytes(), STEPS, &|path| {
                panic!("nothing was to be read, and {path} was")
            });
            assert!(parsed.is_err(), "{} of `{}` took {word}", param.name, entry.name);
        }
    });
}

#[test]
fn unknown_params_are_refused_with_the_names_there_are() {
    each(|entry| {
        let Err(error) = entry.make(json!({"no_such_param": 1})) else {
            panic!("`{}` took no_such_param", entry.name)
        };
        let text = error.to_string();
        for param in describe::params(entry).unwrap() {
            assert!(text.contains(&param.name), "{text}");
        }
    });
}
