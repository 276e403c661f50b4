//! A step over the groups of a manifest: each group is a unit, its items stay, facts are added.
//!
//! The manifest is read three times, so that memory holds one small entry a row and the items of the
//! groups at work: once to see which rows belong together, once to settle the groups, once to write
//! the rows. Groups whose rows stand together, as `tile` writes them, are settled as they pass.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;

use serde_json::{Map, Value};

use super::group_rows::Writing;
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
pub(super) enum Outcome {
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
    /// Rows of the members in their order.
    rows: Vec<u64>,
}

/// What came of all groups.
#[derive(Default)]
pub(super) struct Outcomes {
    pub of: Vec<Option<Outcome>>,
    left: Vec<Left>,
    /// Rows whose items cannot be read.
    pub lost: HashSet<u64>,
    /// Place of each row's item among the members of its group.
    pub place: Vec<u32>,
}

impl Outcomes {
    /// Notes the place of each member of a group.
    fn seat(&mut self, rows: &[u64], all: usize) {
        self.place.resize(all, u32::MAX);
        for (place, row) in rows.iter().enumerate() {
            if let Some(seat) = self.place.get_mut(*row as usize) {
                *seat = u32::try_from(place).unwrap_or(u32::MAX);
            }
        }
    }
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
    let write = Writing { bench, share, outcomes: &outcomes, joined, place };
    write.all(open()?, rows, &mut tally)?;
    Ok(tally)
}

/// A file that a group left: its digest and its path below the output.
type Left = (Digest, String);

/// What came of putting all groups together: the record's key, and the facts that are not null.
pub(super) type Joined = (Digest, Map<String, Value>);

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
                Ok(Settled { key, done, lost, rows: of_members }) => {
                    outcomes.seat(&of_members, share.of_row.len());
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
/// step reads), so that neither names nor the order of rows are in the key; where both are equal, names
/// decide which is which. Items that are gone or were changed are left out, once the work has met one, and
/// so are those that the step could not do; the group is then that of the others.
fn settle(bench: &Bench<'_>, name: &str, members: Vec<Placed>) -> Result<Settled> {
    bench.crew.check()?;
    let mut members: Vec<(Placed, Map<String, Value>)> = members
        .into_iter()
        .map(|placed| {
            let columns = bench.columns(&placed.item)?.into_iter().collect();
            Ok((placed, columns))
        })
        .collect::<Result<_>>()?;
    members.sort_by_cached_key(|(placed, columns)| {
        let columns = serde_json::to_string(columns).unwrap_or_default();
        (*placed.item.digest.as_bytes(), columns, placed.item.id.clone())
    });
    let mut lost = Vec::new();
    loop {
        let before = members.len();
        let error = match settle_whole(bench, name, &members) {
            Ok(Turn::Done(key, done)) => {
                let rows = members.iter().map(|(placed, _)| placed.row).collect();
                return Ok(Settled { key, done: *done, lost, rows });
            }
            Ok(Turn::Failed(failed)) => {
                let mut failed: HashMap<usize, Error> = failed.into_iter().collect();
                let mut index = 0..;
                for (placed, columns) in std::mem::take(&mut members) {
                    match index.next().and_then(|index| failed.remove(&index)) {
                        Some(error) => lost.push((placed, error)),
                        None => members.push((placed, columns)),
                    }
                }
                Error::Bug { message: "no member of the group could be done".into() }
            }
            Err(error @ (Error::Format { .. } | Error::Store { .. })) => {
                for (placed, columns) in std::mem::take(&mut members) {
                    bench.crew.check()?;
                    match bench.input.verified(&placed.item, &|_| {}) {
                        Ok(_) => members.push((placed, columns)),
                        Err(why) => lost.push((placed, why)),
                    }
                }
                error
            }
            Err(error) => return Err(error),
        };
        // It was not the items' bytes, or nothing is left: that is the group's failure.
        if members.len() == before || members.is_empty() {
            return Err(match lost.pop() {
                Some((_, only)) if before == 1 => only,
                _ => error,
            });
        }
    }
}

/// What came of a turn of work on a group.
enum Turn {
    Done(Digest, Box<Done>),
    /// Members that could not be done, by their place.
    Failed(Vec<(usize, Error)>),
}

fn settle_whole(
    bench: &Bench<'_>,
    name: &str,
    members: &[(Placed, Map<String, Value>)],
) -> Result<Turn> {
    let digests: Vec<Digest> = members.iter().map(|(placed, _)| placed.item.digest).collect();
    let input = Digest::of_digests(digests.iter());
    let columns = bench.step.reads().iter().map(|column| {
        let values = members.iter().map(|(_, of)| of.get(column.name).cloned().unwrap_or_default());
        (column.name.to_string(), packed::together(values))
    });
    let cause = bench.cause_of(input, columns.collect());
    let key = cause.key()?;
    let mut failed = Vec::new();
    let work = |_: &Cause, sink: &mut UnitSink<'_>| {
        let members = members.iter().map(|(placed, columns)| {
            let (root, item) = (bench.input.clone(), placed.item.clone());
            let digest = item.digest;
            let open = move || root.verified(&item, &|_| {});
            let columns = columns.clone().into_iter().collect();
            Member::new(digest, columns, bench.knobs.limits, Box::new(open))
        });
        let group = Group { members: members.collect(), of: Of::Items };
        sink.members = digests;
        bench.step.run(AnyInput::Group(group), sink, bench.crew)?;
        failed = std::mem::take(&mut sink.failed);
        // The group as it is now is not to be kept: the next turn leaves these out.
        if failed.is_empty() { Ok(()) } else { Err(Error::Stopped) }
    };
    match bench.settle(name, cause, key, work) {
        Err(Error::Stopped) if !failed.is_empty() => Ok(Turn::Failed(failed)),
        done => Ok(Turn::Done(key, Box::new(done?))),
    }
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
pub(super) fn kept(record: &Record) -> Result<Map<String, Value>> {
    let output = record.outputs.first().ok_or_else(|| Error::Bug {
        message: "a group step said nothing of the items of a group".into(),
    })?;
    Ok(output.facts.clone())
}
