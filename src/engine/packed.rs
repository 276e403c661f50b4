//! Units of an image step: one image, or the images of one pack.
//!
//! Patches by the million do not become files by the million: what lies in one pack goes on as one
//! unit, with one record, into packs of its own. Each image is still worked on alone; one that fails is
//! listed and left out of the unit, whose cause then names the others.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Event;
use super::unit::{Bench, Done};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::manifest::Item;
use crate::record::Cause;
use crate::step::{AnyInput, Collected, Emitted, Made, Sink, Source, bug};

/// Most images of one unit: a pack of more is worked on in several.
const MOST_IMAGES: usize = 65_536;

/// Whether the second of two neighbours goes on with the unit of the first.
pub(super) fn goes_on(unit: &[Item], next: &Item) -> bool {
    let last = unit.last().filter(|last| last.offset.is_some() && next.offset.is_some());
    unit.len() < MOST_IMAGES && last.is_some_and(|last| last.path == next.path)
}

/// A unit that was settled.
pub(super) struct Settled {
    /// `None` when every image failed.
    pub key: Option<Digest>,
    /// `None` when its record is to be read again.
    pub done: Option<Done>,
    /// Images that failed, by their place in the unit.
    pub failed: Vec<(usize, Error)>,
}

/// The cause of a unit: of one image, or of a pack's in their order.
pub(super) fn cause(bench: &Bench<'_>, items: &[&Item]) -> Result<Cause> {
    match items {
        [one] if one.offset.is_none() => bench.cause(one),
        _ => {
            let input = Digest::of_digests(items.iter().map(|item| &item.digest));
            let values: Vec<BTreeMap<String, Value>> =
                items.iter().map(|item| bench.columns(item)).collect::<Result<_>>()?;
            let column = |name: &str| {
                together(values.iter().map(|v| v.get(name).cloned().unwrap_or_default()))
            };
            let reads = bench.step.reads().iter();
            let columns = reads.map(|c| (c.name.to_string(), column(c.name))).collect();
            Ok(bench.cause_of(input, columns))
        }
    }
}

/// The values of a column over the items of a unit: one where all are equal, else a list in the order of
/// the items. (A value is never itself a list.)
pub(super) fn together(values: impl Iterator<Item = Value>) -> Value {
    let values: Vec<Value> = values.collect();
    match values.split_first() {
        Some((first, rest)) if rest.iter().all(|value| value == first) => first.clone(),
        _ => Value::Array(values),
    }
}

/// Settles a unit. Images that fail are found in a first pass, and the others made in a second.
pub(super) fn settle(bench: &Bench<'_>, items: &[Item]) -> Result<Settled> {
    bench.crew.check()?;
    let all: Vec<&Item> = items.iter().collect();
    if let [one] = all.as_slice()
        && one.offset.is_none()
    {
        let cause = bench.cause(one)?;
        let key = cause.key()?;
        let done = bench.settle(&one.id, cause, key, |cause, sink| {
            let source = open(bench, one, cause.columns.clone())?;
            bench.step.run(AnyInput::Source(source), sink, bench.crew)
        })?;
        return Ok(Settled { key: Some(key), done: Some(done), failed: Vec::new() });
    }
    let mut failed = BTreeMap::new();
    // A file that goes with one image and cannot be read is that image's failure.
    if !bench.step.companions().is_empty() {
        let columns = items.iter().enumerate().map(|(at, item)| (at, bench.columns(item)));
        failed.extend(columns.filter_map(|(at, columns)| Some((at, columns.err()?))));
    }
    loop {
        let kept = || items.iter().enumerate().filter(|(at, _)| !failed.contains_key(at));
        let unit: Vec<&Item> = kept().map(|(_, item)| item).collect();
        let places: Vec<usize> = kept().map(|(at, _)| at).collect();
        let Some(first) = unit.first() else {
            return Ok(Settled { key: None, done: None, failed: failed.into_iter().collect() });
        };
        let cause = cause(bench, &unit)?;
        let key = cause.key()?;
        let mut newly = Vec::new();
        let result = bench.settle(&first.id, cause, key, |_, sink| {
            newly = images(bench, &unit, &places, sink)?;
            // The unit as a whole is not to be kept: the next pass leaves these out.
            if newly.is_empty() { Ok(()) } else { Err(Error::Stopped) }
        });
        if newly.is_empty() {
            let failed = failed.into_iter().collect();
            return Ok(Settled { key: Some(key), done: Some(result?), failed });
        }
        failed.extend(newly);
    }
}

fn open(bench: &Bench<'_>, item: &Item, columns: BTreeMap<String, Value>) -> Result<Source> {
    let hashed = |bytes| bench.watch.event(Event::Hashed { bytes });
    let bytes = bench.input.verified(item, &hashed)?;
    let companions = bench.companions(item, &columns)?;
    let source = Source::new(bytes, item.digest, columns, bench.knobs.limits);
    Ok(companions
        .into_iter()
        .fold(source, |source, (column, bytes)| source.with_companion(column, bytes)))
}

/// Runs the step on each image of a pack, the images side by side; gives those that failed. What an
/// image gives has its place in the pack before its name: `000012_normalized.png`.
fn images(
    bench: &Bench<'_>,
    unit: &[&Item],
    places: &[usize],
    sink: &mut dyn Sink,
) -> Result<Vec<(usize, Error)>> {
    let total = unit.len() as u64;
    let mut failed = Vec::new();
    let image = |index: usize| -> Result<Result<Collected>> {
        let mut made = Collected::default();
        let run = || {
            let source = open(bench, unit[index], bench.columns(unit[index])?)?;
            bench.step.run(AnyInput::Source(source), &mut made, &bench.crew.alone())
        };
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run))
            .unwrap_or_else(|panic| Err(bug(&*panic)));
        match result {
            Ok(()) => Ok(Ok(made)),
            Err(Error::Stopped) => Err(Error::Stopped),
            Err(error) => Ok(Err(error)),
        }
    };
    bench.crew.ordered(unit.len(), image, |index, made| {
        let place = places.get(index).copied().unwrap_or(index);
        match made {
            Err(error) => failed.push((place, error)),
            // Once one failed, nothing of this pass is kept.
            Ok(_) if !failed.is_empty() => {}
            Ok(made) => {
                let named = |mut made: Made| {
                    for (_, beside) in &mut made.beside {
                        beside.name = format!("{index:06}_{}", beside.name);
                    }
                    Made { name: format!("{index:06}_{}", made.name), ..made }
                };
                for item in made.items {
                    sink.take(Emitted::Item(named(item)))?;
                }
                for preview in made.previews {
                    sink.take(Emitted::Preview(named(preview)))?;
                }
            }
        }
        sink.progress(index as u64 + 1, total);
        Ok(())
    })?;
    Ok(failed)
}

/// Which image of a unit of so many an output came from, and the output's own name.
pub(super) fn origin(images: usize, packed: bool, name: &str) -> Option<(usize, &str)> {
    if !packed {
        return Some((0, name));
    }
    let (place, name) = name.split_once('_')?;
    Some((place.parse().ok().filter(|place| *place < images)?, name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn equal_values_stand_once_and_others_in_their_order() {
        let of = |values: Value| together(values.as_array().unwrap().iter().cloned());
        assert_eq!(of(json!(["a", "a", "a"])), json!("a"));
        assert_eq!(of(json!(["a", null, "a"])), json!(["a", null, "a"]));
        assert_eq!(of(json!([null, null])), Value::Null);
        assert_eq!(of(json!([0.5])), json!(0.5));
    }

    #[test]
    fn outputs_of_a_pack_name_their_image() {
        assert_eq!(origin(1, false, "y0_x0.png"), Some((0, "y0_x0.png")));
        assert_eq!(origin(13, true, "000012_a_b.png"), Some((12, "a_b.png")));
        assert_eq!(origin(12, true, "000012_a_b.png"), None);
        assert_eq!(origin(12, true, "normalized.png"), None);
    }
}
