//! A step over the groups of a manifest: each group is a unit, its items stay, facts are added.
//!
//! The manifest is read three times, so that memory holds one small entry a row and the items of the
//! groups at work: once to see which rows belong together, once to settle the groups, once to write
//! the rows. Groups whose rows stand together, as `tile` writes them, are settled as they pass.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;

use serde_json::{Map, Value};

use super::images::Tally;
use super::rows::{ORDER, RowsOut};
use super::share::FollowsFrom;
use super::unit::{Bench, Done, UnitSink};
use super::{Event, Failure, Shard, parts};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::manifest::{Item, ManifestReader, Schema};
use crate::record::{Cause, KEPT_JOINED, LEFT, Record};
use crate::step::{AnyInput, AnyStep, Group, Grouping, Member, Of};

/// Gives the manifest from its beginning.
pub(super) type Open<'a> = &'a dyn Fn() -> Result<ManifestReader>;

/// Which rows belong together, and which groups this run does.
pub(super) struct Share {
    of_row: Vec<u32>,
    groups: Vec<Extent>,
    own: Vec<bool>,
    pub units: u64,
    pub bytes: u64,
    pub follows_from: Digest,
}

#[derive(Default)]
struct Extent {
    rows: u64,
    last_row: u64,
    bytes: u64,
    /// Digests of the members, added up bit by bit: the same for the same content.
    content: [u8; 32],
}

/// The name of an item's group, for people; `None` where it is a group of its own.
fn group_name(item: &Item, schema: &Schema, grouping: Grouping) -> Option<String> {
    match grouping {
        Grouping::Item => None,
        Grouping::Slide => match item.value(schema, SLIDE) {
            Value::String(slide) => Some(slide),
            _ => item.group.clone(),
        },
    }
}

/// The column that says from which slide a patch was cut.
pub(super) const SLIDE: &str = "tile.source_id";

/// Looks through a manifest for groups. `whole_slides`: the rows are a shard's, dealt by slides, so
/// that only a slide's patches are sure to be all there.
pub(super) fn share(
    open: Open<'_>,
    step: &dyn AnyStep,
    shard: Option<Shard>,
    whole_slides: bool,
) -> Result<Share> {
    let mut reader = open()?;
    let mut from = FollowsFrom::new(&reader, step, shard)?;
    let schema = reader.schema().clone();
    let grouping = step.grouping();
    let mut known: HashMap<String, u32> = HashMap::new();
    let mut share = Share {
        of_row: Vec::new(),
        groups: Vec::new(),
        own: Vec::new(),
        units: 0,
        bytes: 0,
        follows_from: Digest::of(b""),
    };
    while let Some(batch) = reader.next_batch()? {
        for item in batch {
            from.row(&item)?;
            if whole_slides && grouping != Grouping::Item && item.value(&schema, SLIDE).is_null() {
                return Err(no_shard(step, &format!("{} has no `{SLIDE}`", item.id)));
            }
            let next = u32::try_from(share.groups.len()).map_err(|_| too_many())?;
            let group = match group_name(&item, &schema, grouping) {
                Some(name) => *known.entry(name).or_insert(next),
                None => next,
            };
            if group == next {
                share.groups.push(Extent::default());
            }
            if let Some(extent) = share.groups.get_mut(group as usize) {
                extent.rows += 1;
                extent.last_row = share.of_row.len() as u64;
                extent.bytes = extent.bytes.saturating_add(item.length);
                for (sum, byte) in extent.content.iter_mut().zip(item.digest.as_bytes()) {
                    *sum ^= byte;
                }
            }
            share.of_row.push(group);
        }
    }
    let sizes: Vec<_> = share.groups.iter().map(|g| (g.content, g.bytes)).collect();
    share.own = parts::mine(&sizes, shard);
    for (extent, own) in share.groups.iter().zip(&share.own) {
        share.units += u64::from(*own);
        share.bytes = share.bytes.saturating_add(if *own { extent.bytes } else { 0 });
    }
    share.follows_from = from.finish();
    Ok(share)
}

fn too_many() -> Error {
    Error::limit(
        "the number of groups",
        "more than 2^32",
        "2^32",
        "run the step over parts of the manifest",
    )
}

/// Why a shard cannot have this step.
pub(super) fn no_shard(step: &dyn AnyStep, because: &str) -> Error {
    Error::params(
        "--shard",
        format!(
            "`{}` cannot run in a shard here: {because}; run the steps before it in shards, merge, \
             and run it on the whole",
            step.entry().name
        ),
    )
}

/// What became of a group.
#[derive(Clone, Copy)]
enum Outcome {
    Done { key: Digest, joins: bool },
    Failed,
}

struct Unit {
    group: u32,
    order: u64,
    name: String,
    members: Vec<Item>,
}

/// Settles all groups of this run, puts together what they left, and writes the rows in their order.
pub(super) fn run(
    bench: &Bench<'_>,
    open: Open<'_>,
    share: &Share,
    rows: &mut RowsOut,
    // How paths of items are written, seen from the output.
    place: &dyn Fn(&str) -> String,
) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut outcomes = vec![None; share.groups.len()];
    let mut left = Vec::new();
    settle_all(bench, open()?, share, &mut tally, &mut outcomes, &mut left)?;
    bench.crew.check()?;
    tally.failures.sort_by_key(|(order, _)| *order);
    let joined = join(bench, &outcomes, left, &mut tally)?;
    write(bench, open()?, share, (&outcomes, joined), rows, place, &mut tally)?;
    Ok(tally)
}

/// A file that a group left: its digest and its path below the output.
type Left = (Digest, String);

/// What came of putting all groups together: the record's key, and the facts that are not null.
type Joined = (Digest, Map<String, Value>);

fn settle_all(
    bench: &Bench<'_>,
    reader: ManifestReader,
    share: &Share,
    tally: &mut Tally,
    outcomes: &mut [Option<Outcome>],
    left: &mut Vec<Left>,
) -> Result<()> {
    let (units_in, units_out) = mpsc::sync_channel::<Unit>(bench.knobs.threads);
    let units_out = Mutex::new(units_out);
    let (done_in, done_out) = mpsc::channel();
    thread::scope(|scope| {
        let reading = scope.spawn(move || read(bench, reader, share, &units_in));
        for _ in 0..bench.knobs.threads.max(1) {
            let (units_out, done_in) = (&units_out, done_in.clone());
            scope.spawn(move || {
                loop {
                    let next = units_out.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(mut unit) = next else { break };
                    let result = settle(bench, &unit.name, std::mem::take(&mut unit.members));
                    if done_in.send((unit, result)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(done_in);
        let mut stopped = false;
        while let Ok((unit, result)) = done_out.recv() {
            let extent = share.groups.get(unit.group as usize);
            let (bytes, rows) = extent.map_or((0, 0), |e| (e.bytes, e.rows));
            tally.units += 1;
            tally.bytes_in = tally.bytes_in.saturating_add(bytes);
            let outcome = match result {
                Ok((key, done)) => {
                    count(bench, tally, &unit.name, (bytes, rows), &done);
                    let files = done.record.previews.iter().filter(|p| p.name.starts_with(LEFT));
                    left.extend(files.filter_map(|p| Some((p.digest, p.path.clone()?))));
                    let joins = done.record.outputs.iter().any(|o| o.name == KEPT_JOINED);
                    Outcome::Done { key, joins }
                }
                Err(Error::Stopped) => {
                    stopped = true;
                    continue;
                }
                Err(error) => {
                    let step = bench.step.entry().name;
                    let failure = Failure::new(&unit.name, step, &error);
                    bench.watch.event(Event::Failed(failure.clone()));
                    tally.failures.push((unit.order, failure));
                    Outcome::Failed
                }
            };
            if let Some(place) = outcomes.get_mut(unit.group as usize) {
                *place = Some(outcome);
            }
        }
        let read = reading.join().unwrap_or_else(|_| {
            Err(Error::Bug { message: "the reader of the manifest panicked".into() })
        });
        if stopped { Err(Error::Stopped) } else { read }
    })
}

fn count(bench: &Bench<'_>, tally: &mut Tally, name: &str, (bytes, rows): (u64, u64), done: &Done) {
    tally.hits += u64::from(done.hit);
    tally.made += u64::from(!done.hit);
    tally.bytes_written += done.bytes_written;
    if !done.hit {
        tally.slowest.push((name.to_string(), done.seconds));
        tally.slowest.sort_by(|a, b| b.1.total_cmp(&a.1));
        tally.slowest.truncate(20);
    }
    bench.watch.event(Event::UnitDone {
        id: name.to_string(),
        hit: done.hit,
        items: rows,
        bytes_in: bytes,
        bytes_out: done.bytes_written,
        seconds: done.seconds,
    });
}

/// Gathers the items of each group and sends it on when its last row has passed.
fn read(
    bench: &Bench<'_>,
    mut reader: ManifestReader,
    share: &Share,
    units: &mpsc::SyncSender<Unit>,
) -> Result<()> {
    let order_at = reader.schema().fact(ORDER);
    let grouping = bench.step.grouping();
    let mut gathered: HashMap<u32, Unit> = HashMap::new();
    let mut row = 0_u64;
    while let Some(batch) = reader.next_batch()? {
        for mut item in batch {
            let group = share.of_row.get(row as usize).copied().unwrap_or(u32::MAX);
            let order = match order_at {
                Some(at) => item.facts.remove(at).as_u64().unwrap_or(row),
                None => row,
            };
            let last = share.groups.get(group as usize).is_some_and(|g| g.last_row == row);
            row += 1;
            if share.own.get(group as usize) != Some(&true) {
                continue;
            }
            let unit = gathered.entry(group).or_insert_with(|| Unit {
                group,
                order,
                name: group_name(&item, bench.schema, grouping).unwrap_or_else(|| item.id.clone()),
                members: Vec::new(),
            });
            unit.members.push(item);
            if last
                && let Some(unit) = gathered.remove(&group)
                && units.send(unit).is_err()
            {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Settles one group. Its members are put in the order of their digests (and of the columns that the
/// step reads), so that neither names nor the order of rows are in the key.
fn settle(bench: &Bench<'_>, name: &str, members: Vec<Item>) -> Result<(Digest, Done)> {
    bench.crew.check()?;
    let mut members: Vec<(Item, Map<String, Value>)> = members
        .into_iter()
        .map(|item| {
            let columns = bench.columns(&item).into_iter().collect();
            (item, columns)
        })
        .collect();
    members.sort_by_cached_key(|(item, columns)| {
        (*item.digest.as_bytes(), serde_json::to_string(columns).unwrap_or_default())
    });
    let input = Digest::of_digests(members.iter().map(|(item, _)| &item.digest));
    let columns = bench.step.reads().iter().map(|column| {
        let of = |(_, columns): &(Item, Map<String, Value>)| columns.get(column.name).cloned();
        let values = members.iter().map(|member| of(member).unwrap_or_default()).collect();
        (column.name.to_string(), Value::Array(values))
    });
    let cause = bench.cause_of(input, columns.collect());
    let key = cause.key()?;
    let work = |_: &Cause, sink: &mut UnitSink<'_>| {
        let members = members.into_iter().map(|(item, columns)| {
            let root = bench.input.clone();
            let digest = item.digest;
            let open = move || root.verified(&item, &|_| {});
            Member::new(digest, columns.into_iter().collect(), bench.knobs.limits, Box::new(open))
        });
        let group = Group { members: members.collect(), of: Of::Items };
        bench.step.run(AnyInput::Group(group), sink, bench.crew)
    };
    Ok((key, bench.settle(name, cause, key, work)?))
}

/// Puts together what the groups left, where any of them asks for it.
fn join(
    bench: &Bench<'_>,
    outcomes: &[Option<Outcome>],
    mut left: Vec<Left>,
    tally: &mut Tally,
) -> Result<Option<Joined>> {
    let asked =
        |outcome: &Option<Outcome>| matches!(outcome, Some(Outcome::Done { joins: true, .. }));
    if !outcomes.iter().any(asked) {
        return Ok(None);
    }
    if bench.knobs.shard.is_some() {
        return Err(no_shard(bench.step, "its params look at all groups"));
    }
    left.sort();
    let cause =
        bench.cause_of(Digest::of_digests(left.iter().map(|(digest, _)| digest)), [].into());
    let key = cause.key()?;
    let work = |_: &Cause, sink: &mut UnitSink<'_>| {
        let members = left.into_iter().map(|(digest, path)| {
            let root = bench.out.clone();
            let open = move || {
                let bytes = root.read(&path)?.unwrap_or_default();
                if Digest::of(&bytes) != digest {
                    return Err(Error::format(path.clone(), "was changed since it was written"));
                }
                Ok(Arc::new(crate::slide::memory::Bytes(bytes)) as Arc<dyn crate::slide::ReadAt>)
            };
            Member::new(digest, [].into(), bench.knobs.limits, Box::new(open))
        });
        let group = Group { members: members.collect(), of: Of::Left };
        bench.step.run(AnyInput::Group(group), sink, bench.crew)
    };
    let done = bench.settle("all groups", cause, key, work)?;
    tally.bytes_written += done.bytes_written;
    let facts = kept(&done.record)?.into_iter().filter(|(_, value)| !value.is_null()).collect();
    Ok(Some((key, facts)))
}

/// The facts of all items of a group.
fn kept(record: &Record) -> Result<Map<String, Value>> {
    let output = record.outputs.first().ok_or_else(|| Error::Bug {
        message: "a group step said nothing of the items of a group".into(),
    })?;
    Ok(output.facts.clone())
}

/// Writes all rows of this run's groups, each with the facts of its group.
fn write(
    bench: &Bench<'_>,
    mut reader: ManifestReader,
    share: &Share,
    (outcomes, joined): (&[Option<Outcome>], Option<Joined>),
    rows: &mut RowsOut,
    place: &dyn Fn(&str) -> String,
    tally: &mut Tally,
) -> Result<()> {
    let prefix = format!("{}.", bench.step.entry().name);
    let order_at = reader.schema().fact(ORDER);
    let mut held: Option<(u32, Map<String, Value>)> = None;
    let mut row = 0_u64;
    while let Some(batch) = reader.next_batch()? {
        bench.crew.check()?;
        for mut item in batch {
            let group = share.of_row.get(row as usize).copied().unwrap_or(u32::MAX);
            let order = match order_at {
                Some(at) => item.facts.remove(at).as_u64().unwrap_or(row),
                None => row,
            };
            row += 1;
            let Some(Some(Outcome::Done { key, joins })) = outcomes.get(group as usize) else {
                continue;
            };
            if held.as_ref().is_none_or(|(of, _)| *of != group) {
                let record = bench.out.record(key)?.ok_or_else(|| {
                    let message = "the record vanished while the manifest was written";
                    Error::store(Record::path(key), message)
                })?;
                held = Some((group, kept(&record)?));
            }
            let of_group = held.as_ref().map(|(_, facts)| facts);
            let of_all = joined.as_ref().filter(|_| *joins);
            let fact = |field: &crate::manifest::Field| -> Value {
                let short = field.name.strip_prefix(&prefix);
                let from =
                    |facts: &Map<String, Value>| facts.get(short.unwrap_or(&field.name)).cloned();
                let own =
                    of_all.and_then(|(_, facts)| from(facts)).or_else(|| of_group.and_then(from));
                match own {
                    Some(value) => value,
                    None if short.is_some() => Value::Null,
                    None => item.value(bench.schema, &field.name),
                }
            };
            let facts = rows.schema().facts.iter().map(fact).collect();
            let keys = std::iter::once(key).chain(of_all.map(|(key, _)| key));
            for key in keys {
                let gap = if item.trail.is_empty() { "" } else { " " };
                item.trail.push_str(&format!("{gap}{key}"));
            }
            tally.items += 1;
            tally.bytes_out = tally.bytes_out.saturating_add(item.length);
            item.path = place(&item.path);
            item.facts = facts;
            rows.push(item, order)?;
        }
    }
    Ok(())
}
