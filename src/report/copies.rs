//! What `augment` did, counted from the manifest that it made, and a few originals beside their copies.

use std::collections::BTreeMap;

use serde_json::Value;

use super::sheet::Draw;
use super::tally::Tally;
use crate::manifest::{Item, Schema};

/// Most originals that are shown.
pub const MOST_ORIGINALS: usize = 16;
/// Most copies of each.
pub const MOST_COPIES: usize = 6;
/// Most ops that a caption names.
const MOST_OPS: usize = 16;

/// Params of ops that say nothing of the draw: probability, stream of the pixels, how gaps are filled.
const SETTLED: [&str; 6] = ["p", "key", "border", "fill", "interpolation", "mask_fill"];

/// A copy, and what was drawn for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Copied {
    /// Id of the original.
    pub original_id: String,
    /// Row in the manifest.
    pub row: u64,
    /// Which copy it is.
    pub number: u64,
    /// The copy.
    pub item: Item,
    /// What was done, op by op.
    pub ops: Vec<String>,
}

/// Copies that were made.
#[derive(Debug, Clone, PartialEq)]
pub struct Copies {
    /// Images in the manifest, originals that were put in among them.
    pub images: u64,
    /// Boxes and keypoints that left the frame.
    pub lost: u64,
    /// How many of them each op was done to.
    pub ops: Tally,
    /// The originals by their ids, as far as they were found.
    pub originals: BTreeMap<String, Option<Item>>,
    drawn: Draw<Copied>,
}

/// Where the step's manifest keeps what is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyColumns {
    source_id: Option<usize>,
    copy: Option<usize>,
    ops: Option<usize>,
    lost: [Option<usize>; 2],
}

impl CopyColumns {
    /// In a manifest of these columns.
    pub fn of(schema: &Schema) -> Self {
        let own = |fact: &str| schema.fact(&format!("augment.{fact}"));
        Self {
            source_id: own("source_id"),
            copy: own("copy"),
            ops: own("ops"),
            lost: [own("boxes_dropped"), own("keypoints_dropped")],
        }
    }
}

impl Default for Copies {
    fn default() -> Self {
        Self {
            images: 0,
            lost: 0,
            ops: Tally::default(),
            originals: BTreeMap::new(),
            drawn: Draw::new(MOST_ORIGINALS, MOST_COPIES),
        }
    }
}

impl Copies {
    /// Takes a row of the step's manifest.
    pub fn take(&mut self, columns: &CopyColumns, item: &Item) {
        let fact = |at: Option<usize>| at.and_then(|at| item.facts.get(at));
        let row = self.images;
        self.images += 1;
        for lost in columns.lost {
            let lost = fact(lost).and_then(Value::as_u64).unwrap_or_default();
            self.lost = self.lost.saturating_add(lost);
        }
        let policy = fact(columns.ops).and_then(Value::as_str).unwrap_or_default();
        let policy: Value = serde_json::from_str(policy).unwrap_or_default();
        let ops = policy.get("ops").and_then(Value::as_array).cloned().unwrap_or_default();
        // An op may be done twice to one image.
        let mut names: Vec<&str> = ops.iter().filter_map(name).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            self.ops.add(Some(name), item.length);
        }
        let number = fact(columns.copy).and_then(Value::as_u64);
        let original = fact(columns.source_id).and_then(Value::as_str);
        let (Some(number), Some(original)) = (number, original) else { return };
        self.drawn.offer(original, &item.digest, || Copied {
            original_id: original.to_string(),
            row,
            number,
            item: item.clone(),
            ops: ops.iter().take(MOST_OPS).map(words).collect(),
        });
    }

    /// Begins to look for the originals: all rows were taken.
    pub fn look(&mut self) {
        let ids = self.drawn.sources().flatten().map(|copy| (copy.original_id.clone(), None));
        self.originals = ids.collect();
    }

    /// Takes a row of the manifest that the step read.
    pub fn take_before(&mut self, item: &Item) {
        if let Some(place) = self.originals.get_mut(&item.id) {
            *place = Some(item.clone());
        }
    }

    /// The copies, original by original, both in the manifest's order.
    pub fn by_original(&self) -> Vec<Vec<&Copied>> {
        let mut all: Vec<Vec<&Copied>> = self.drawn.sources().map(Iterator::collect).collect();
        all.iter_mut().for_each(|copies| copies.sort_by_key(|copy| copy.row));
        all.sort_by_key(|copies| copies.first().map(|copy| copy.row));
        all
    }
}

/// The name of an op: `{"rotate": {…}}`.
fn name(op: &Value) -> Option<&str> {
    op.as_object()?.keys().next().map(String::as_str)
}

/// An op in a line: its name and what was drawn, `rotate: angle_deg 12.31`. What says nothing of the draw
/// is left out; ranges that were narrowed to one value are that
/// value.
fn words(op: &Value) -> String {
    let Some((name, params)) = op.as_object().and_then(|op| op.iter().next()) else {
        return op.to_string();
    };
    let drawn: Vec<String> = params
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(param, _)| !SETTLED.contains(&param.as_str()))
        .filter_map(|(param, value)| Some(format!("{param} {}", value_words(value)?)))
        .take(6)
        .collect();
    match drawn.is_empty() {
        true => name.clone(),
        false => format!("{name}: {}", drawn.join(", ")),
    }
}

fn value_words(value: &Value) -> Option<String> {
    match value {
        Value::Array(both) => match both.as_slice() {
            [low, high] if low == high => value_words(low),
            values if values.len() <= 4 => {
                let words: Option<Vec<String>> = values.iter().map(value_words).collect();
                Some(words?.join("/"))
            }
            _ => None,
        },
        Value::Number(number) if number.is_f64() => Some(super::words::number(number.as_f64()?, 3)),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::String(text) if text.len() <= 24 => Some(text.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ops_are_told_by_what_was_drawn() {
        let of = |op: Value| words(&op);
        assert_eq!(of(json!({"horizontal-flip": {"p": 1.0}})), "horizontal-flip");
        assert_eq!(
            of(
                json!({"rotate": {"p": 1.0, "angle_deg": [12.3456, 12.3456], "border": "reflect101"}})
            ),
            "rotate: angle_deg 12.346"
        );
        assert_eq!(of(json!({"crop": {"x": [3, 3], "key": "00ff"}})), "crop: x 3");
        assert_eq!(of(json!("odd")), "\"odd\"");
    }
}
