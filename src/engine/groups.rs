//! A step over the groups of a manifest: each group is a unit, its items stay, facts are added.
//!
//! The manifest is read three times, so that memory holds one small entry a row and the items of the
//! groups at work: once to see which rows belong together, once to settle the groups, once to write
//! the rows. Groups whose rows stand together, as `tile` writes them, are settled as they pass.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;

use serde_json::{Map, Value};

use super::grouping::{Open, Share, group_name, no_shard};
use super::images::Tally;
use super::rows::{ORDER, RowsOut};
use super::unit::{Bench, Done, UnitSink};
use super::{Event, Failure, packed};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::manifest::{Item, ManifestReader};
use crate::record::{Cause, KEPT_JOINED, LEFT, Record};
use crate::step::{AnyInput, Group, Member, Of};

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
    members: Vec<Placed>,
}

/// An item, its row in the manifest that is read, and its row in the whole one.
struct Placed {
    row: u64,
    order: u64,
    item: Item,
}

/// A group that was settled, and those of its items that cannot be read.
struct Settled {
    key: Digest,
    done: Done,
    lost: Vec<(Placed, Error)>,
}

/// What came of all groups.
#[derive(Default)]
struct Outcomes {
    of: Vec<Option<Outcome>>,
    left: Vec<Left>,
    /// Rows whose items cannot be read.
    lost: HashSet<u64>,
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
    let mut outcomes = Outcomes { of: vec![None; share.groups.len()], ..Outcomes::default() };
    settle_all(bench, open()?, share, &mut tally, &mut outcomes)?;
    bench.crew.check()?;
    tally.failures.sort_by_key(|(order, _)| *order);
    let left = std::mem::take(&mut outcomes.left);
    let joined = join(bench, &outcomes.of, left, &mut tally)?;
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
    outcomes: &mut Outcomes,
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
                Ok(Settled { key, done, lost }) => {
                    let step = bench.step.entry().name;
                    let whole = rows.saturating_sub(lost.len() as u64);
                    for (Placed { row, order, item }, error) in lost {
                        let failure = Failure::new(&item.id, step, &error);
                        bench.watch.event(Event::Failed(failure.clone()));
                        tally.failures.push((order, failure));
                        outcomes.lost.insert(row);
                    }
                    count(bench, tally, &unit.name, (bytes, whole), &done);
                    let files = done.record.previews.iter().filter(|p| p.name.starts_with(LEFT));
                    outcomes.left.extend(files.filter_map(|p| Some((p.digest, p.path.clone()?))));
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
            if let Some(place) = outcomes.of.get_mut(unit.group as usize) {
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
            let at = row;
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
            unit.members.push(Placed { row: at, order, item });
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
/// step reads), so that neither names nor the order of rows are in the key. Items that are gone or were
/// changed are left out, once the work has met one; the group is then that of the others.
fn settle(bench: &Bench<'_>, name: &str, mut members: Vec<Placed>) -> Result<Settled> {
    bench.crew.check()?;
    let mut lost = Vec::new();
    loop {
        let items = members.iter().map(|placed| placed.item.clone()).collect();
        match settle_whole(bench, name, items) {
            Ok((key, done)) => return Ok(Settled { key, done, lost }),
            Err(error @ (Error::Format { .. } | Error::Store { .. })) => {
                let before = members.len();
                for placed in std::mem::take(&mut members) {
                    bench.crew.check()?;
                    match bench.input.verified(&placed.item, &|_| {}) {
                        Ok(_) => members.push(placed),
                        Err(why) => lost.push((placed, why)),
                    }
                }
                // It was not the items' bytes, or nothing is left: that is the group's failure.
                if members.len() == before || members.is_empty() {
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
    }
}

fn settle_whole(bench: &Bench<'_>, name: &str, members: Vec<Item>) -> Result<(Digest, Done)> {
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
        let values = members.iter().map(|member| of(member).unwrap_or_default());
        (column.name.to_string(), packed::together(values))
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
    (outcomes, joined): (&Outcomes, Option<Joined>),
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
            let is_lost = outcomes.lost.contains(&row);
            row += 1;
            let Some(Some(Outcome::Done { key, joins })) = outcomes.of.get(group as usize) else {
                continue;
            };
            if is_lost {
                continue;
            }
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
