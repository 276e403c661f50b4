//! An executor input that is damaged anywhere is read or refused, and never ends in a panic.

use microtome::Error;
use microtome::kubeflow::{ExecutorInput, Places, Work, check_outputs};
use microtome::steps;
use proptest::prelude::*;
use serde_json::{Value, json};

fn whole() -> Value {
    let artifact = json!({"name": "7", "uri": "minio://b/d", "metadata": {"microtome": "0.1.0", "root": "/nowhere/at/all", "manifest": "manifest.parquet", "rows": 3}});
    json!({
        "inputs": {
            "parameterValues": {"tile_px": 256.0, "mpp": 0.5, "edges": "skip", "pack": "1MB", "max_failures": "3%", "input_digest": "", "threads": 2.0, "leg": "", "shard_index": 0.0, "shard_count": 2.0},
            "artifacts": {"dataset": {"artifacts": [artifact]}},
        },
        "outputs": {
            "parameters": {"items": {"outputFile": "/nowhere/items"}},
            "artifacts": {"report": {"artifacts": [{"name": "report", "uri": "/nowhere/report"}]}, "dataset": {"artifacts": [{"name": "dataset", "uri": "/nowhere/out"}]}},
            "outputFile": "/nowhere/answer.json",
        },
    })
}

/// All places in a value, as JSON pointers.
fn places(value: &Value, at: String, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(name, value)| places(value, format!("{at}/{name}"), found))
        }
        Value::Array(all) => {
            all.iter().enumerate().for_each(|(n, value)| places(value, format!("{at}/{n}"), found))
        }
        _ => {}
    }
    found.push(at);
}

/// Reads it and makes a plan of it, without running.
fn take(text: &[u8]) -> Result<(), Error> {
    let given = ExecutorInput::parse(text)?;
    let at = Places::below("/nowhere");
    check_outputs(&given, &at)?;
    Work::of(steps::find("tile").unwrap(), &given, &at).map(drop)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_value_of_another_kind_anywhere_is_read_or_refused(pick in any::<prop::sample::Index>(), kind in 0_usize..9) {
        let mut value = whole();
        let mut all = Vec::new();
        places(&value, String::new(), &mut all);
        let other = [
            Value::Null, json!(true), json!(-1), json!(1e300), json!(0.5), json!("\u{0}../é"), json!([[]]), json!({"": {}}), json!("9:tile"),
        ];
        if let Some(place) = value.pointer_mut(&all[pick.index(all.len())]) {
            *place = other[kind].clone();
        }
        let _ = take(value.to_string().as_bytes());
    }

    #[test]
    fn damaged_text_is_read_or_refused(at in any::<prop::sample::Index>(), bytes in prop::collection::vec(any::<u8>(), 0..6), cut in any::<bool>()) {
        let mut text = whole().to_string().into_bytes();
        let at = at.index(text.len());
        match cut {
            true => text.truncate(at),
            false => drop(text.splice(at..at, bytes)),
        }
        let _ = take(&text);
    }
}

/// The input that is damaged above is sound: its dataset is looked for, and is not there.
#[test]
fn the_undamaged_one_gets_as_far_as_its_dataset() {
    let ended = take(whole().to_string().as_bytes());
    assert!(matches!(&ended, Ok(()) | Err(Error::Store { .. })), "{ended:?}");
}
