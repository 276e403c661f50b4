//! A step over the items of a manifest: units side by side, rows out in manifest order.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, PoisonError, mpsc};
use std::thread;

use serde_json::Value;

use super::rows::RowsOut;
use super::unit::{Bench, Done};
use super::{Event, Failure, parts};
use crate::digest::{Digest, Hasher, canonical_json};
use crate::error::{Error, Result};
use crate::manifest::{Field, Item, Kind, ManifestReader, Schema};
use crate::record::{Cause, Output, Record};
use crate::step::{AnyInput, AnyStep, Source};

/// How far the workers may run ahead of the row that is written next, in units. What waits beyond
/// [`RECORDS_WAITING`] is read again from its record, so this bounds keys, not rows.
const UNITS_AHEAD: u64 = 4096;
/// Records that wait in memory for their turn.
const RECORDS_WAITING: usize = 64;

/// The columns of an image step's manifest.
pub(super) fn schema_after(before: &Schema, step: &crate::step::Entry) -> Schema {
    let mut added = vec![Field { name: source_id(step.name), kind: Kind::Text }];
    added.extend(step.fields());
    before.with(&added)
}

fn source_id(step: &str) -> String {
    format!("{step}.source_id")
}

/// What the step did, for the summary.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub units: u64,
    pub hits: u64,
    pub made: u64,
    pub items: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub bytes_written: u64,
    pub failures: Vec<(u64, Failure)>,
    pub slowest: Vec<(String, f64)>,
}

struct Unit {
    turn: u64,
    order: u64,
    item: Item,
}

struct Settled {
    order: u64,
    item: Item,
    result: Result<(Digest, Option<Done>)>,
}

/// Which rows of a manifest this run does, how many, their bytes, and what their outputs follow from.
pub(super) struct Share {
    own: Option<Vec<bool>>,
    pub units: u64,
    pub bytes: u64,
    pub follows_from: Digest,
}

/// The digest of all that a step's manifest follows from: the step, the columns, the rows.
pub(super) struct FollowsFrom(Hasher);

impl FollowsFrom {
    pub fn new(
        reader: &ManifestReader,
        step: &dyn AnyStep,
        shard: Option<super::Shard>,
    ) -> Result<Self> {
        let mut hasher = Hasher::new();
        let head = (
            (step.entry().name, step.entry().version, step.params()),
            (&reader.schema().facts, step.entry().fields()),
            shard.map(|shard| (shard.index, shard.count)),
        );
        hasher.update(canonical_json(&head)?.as_bytes());
        Ok(Self(hasher))
    }

    pub fn row(&mut self, item: &Item) -> Result<()> {
        let row = (
            (&item.id, &item.digest, &item.label, &item.group, &item.split),
            (item.weight, &item.trail, &item.facts),
        );
        self.0.update(canonical_json(&row)?.as_bytes());
        Ok(())
    }

    pub fn finish(self) -> Digest {
        self.0.finish()
    }
}

/// Looks through a manifest for the rows of this shard. Only digests and lengths are held, and only
/// for a shard.
pub(super) fn share(
    reader: &mut ManifestReader,
    step: &dyn AnyStep,
    shard: Option<super::Shard>,
) -> Result<Share> {
    let mut all = Vec::new();
    let (mut units, mut bytes) = (0, 0);
    let mut from = FollowsFrom::new(reader, step, shard)?;
    while let Some(batch) = reader.next_batch()? {
        for item in batch {
            units += 1;
            bytes = u64::saturating_add(bytes, item.length);
            from.row(&item)?;
            if shard.is_some() {
                all.push((*item.digest.as_bytes(), item.length));
            }
        }
    }
    if shard.is_none() {
        return Ok(Share { own: None, units, bytes, follows_from: from.finish() });
    }
    let own = parts::mine(&all, shard);
    let mine = || all.iter().zip(&own).filter(|(_, own)| **own);
    let (units, bytes) = (
        mine().count() as u64,
        mine().fold(0, |sum: u64, ((_, length), _)| sum.saturating_add(*length)),
    );
    Ok(Share { own: Some(own), units, bytes, follows_from: from.finish() })
}

/// Looks whether every unit is done and whole; `None` at the first that is not.
pub(super) fn all_done(
    bench: &Bench<'_>,
    mut reader: ManifestReader,
    share: &Share,
) -> Result<Option<Tally>> {
    let mut tally = Tally::default();
    let mut row = 0;
    while let Some(batch) = reader.next_batch()? {
        for item in batch {
            bench.crew.check()?;
            let own = share.own.as_ref().is_none_or(|own| own.get(row) == Some(&true));
            row += 1;
            if !own {
                continue;
            }
            let cause = bench.cause(&item)?;
            let key = cause.key()?;
            // A record that cannot be read is for the run itself to report.
            let Ok(Some((items, bytes))) = bench.found_done(&cause, &key) else { return Ok(None) };
            tally.units += 1;
            tally.hits += 1;
            tally.items += items;
            tally.bytes_in = tally.bytes_in.saturating_add(item.length);
            tally.bytes_out += bytes;
        }
    }
    Ok(Some(tally))
}

/// Runs the step of a bench over a manifest; rows go out in order.
pub(super) fn run(
    bench: &Bench<'_>,
    reader: ManifestReader,
    share: &Share,
    orders: bool,
    rows: &mut RowsOut,
) -> Result<Tally> {
    let (units_in, units_out) = mpsc::sync_channel::<Unit>(bench.knobs.threads);
    let units_out = Mutex::new(units_out);
    let (settled_in, settled_out) = mpsc::channel::<(u64, Settled)>();
    let pace = Pace::default();
    thread::scope(|scope| {
        let pace = &pace;
        let reading = scope.spawn(move || {
            let result = read(reader, share, orders, &units_in, pace);
            drop(units_in);
            result
        });
        for _ in 0..bench.knobs.threads.max(1) {
            let (units_out, settled_in) = (&units_out, settled_in.clone());
            scope.spawn(move || {
                loop {
                    let next = units_out.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(unit) = next else { break };
                    let result = settle(bench, &unit.item);
                    let settled = Settled { order: unit.order, item: unit.item, result };
                    if settled_in.send((unit.turn, settled)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(settled_in);
        let result = assemble(bench, &settled_out, pace, rows);
        // Whatever happened here, the others must not wait for us.
        pace.open();
        drop(settled_out);
        let read = reading.join().unwrap_or_else(|_| {
            Err(Error::Bug { message: "the reader of the manifest panicked".into() })
        });
        let tally = result?;
        read?;
        Ok(tally)
    })
}

fn settle(bench: &Bench<'_>, item: &Item) -> Result<(Digest, Option<Done>)> {
    bench.crew.check()?;
    let cause = bench.cause(item)?;
    let key = cause.key()?;
    let open = |cause: &Cause| {
        let hashed = |bytes| bench.watch.event(Event::Hashed { bytes });
        let source = bench.input.verified(item, &hashed)?;
        let columns = cause.columns.clone();
        Ok(AnyInput::Source(Source::new(source, item.digest, columns, bench.knobs.limits)))
    };
    Ok((key, Some(bench.settle(&item.id, cause, key, open)?)))
}

/// Holds the reader back when it is too far ahead.
#[derive(Default)]
struct Pace {
    state: Mutex<(u64, bool)>,
    moved: Condvar,
}

impl Pace {
    fn wait(&self, turn: u64) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while !state.1 && turn >= state.0 + UNITS_AHEAD {
            state = self.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        !state.1
    }

    fn advance(&self, turn: u64) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).0 = turn;
        self.moved.notify_all();
    }

    fn open(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).1 = true;
        self.moved.notify_all();
    }
}

/// `orders`: the manifest is itself a shard's, and carries the order of its rows in the whole.
fn read(
    mut reader: ManifestReader,
    share: &Share,
    orders: bool,
    units: &mpsc::SyncSender<Unit>,
    pace: &Pace,
) -> Result<()> {
    let order_at = if orders { reader.schema().fact(super::rows::ORDER) } else { None };
    let (mut row, mut turn) = (0_u64, 0_u64);
    while let Some(batch) = reader.next_batch()? {
        for mut item in batch {
            let own = share.own.as_ref().is_none_or(|own| own.get(row as usize) == Some(&true));
            let order = match order_at {
                Some(at) => item.facts.remove(at).as_u64().unwrap_or(row),
                None => row,
            };
            row += 1;
            if !own {
                continue;
            }
            if !pace.wait(turn) || units.send(Unit { turn, order, item }).is_err() {
                return Ok(());
            }
            turn += 1;
        }
    }
    Ok(())
}

fn assemble(
    bench: &Bench<'_>,
    settled: &mpsc::Receiver<(u64, Settled)>,
    pace: &Pace,
    rows: &mut RowsOut,
) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut waiting: BTreeMap<u64, Settled> = BTreeMap::new();
    let mut turn = 0;
    while let Ok((number, mut unit)) = settled.recv() {
        tell(bench, &mut tally, &unit);
        if number != turn
            && waiting.len() >= RECORDS_WAITING
            && let Ok((_, done)) = &mut unit.result
        {
            *done = None;
        }
        waiting.insert(number, unit);
        while let Some(unit) = waiting.remove(&turn) {
            write(bench, &mut tally, unit, rows)?;
            turn += 1;
            pace.advance(turn);
        }
    }
    if bench.crew.check().is_err() || !waiting.is_empty() {
        return Err(Error::Stopped);
    }
    tally.failures.sort_by_key(|(order, _)| *order);
    Ok(tally)
}

/// Counts a unit and tells the watcher, as soon as it is settled.
fn tell(bench: &Bench<'_>, tally: &mut Tally, unit: &Settled) {
    match &unit.result {
        Ok((_, Some(done))) => {
            tally.hits += u64::from(done.hit);
            tally.made += u64::from(!done.hit);
            tally.bytes_written += done.bytes_written;
            if !done.hit {
                tally.slowest.push((unit.item.id.clone(), done.seconds));
                tally.slowest.sort_by(|a, b| b.1.total_cmp(&a.1));
                tally.slowest.truncate(20);
            }
            bench.watch.event(Event::UnitDone {
                id: unit.item.id.clone(),
                hit: done.hit,
                items: done.record.outputs.len() as u64,
                bytes_in: unit.item.length,
                bytes_out: done.bytes_written,
                seconds: done.seconds,
            });
        }
        Ok((_, None)) | Err(Error::Stopped) => {}
        Err(error) => {
            let step = bench.step.entry().name;
            bench.watch.event(Event::Failed(Failure::new(&unit.item.id, step, error)));
        }
    }
}

/// Writes the rows of a unit whose turn has come.
fn write(bench: &Bench<'_>, tally: &mut Tally, unit: Settled, rows: &mut RowsOut) -> Result<()> {
    tally.units += 1;
    tally.bytes_in = tally.bytes_in.saturating_add(unit.item.length);
    let step = bench.step.entry().name;
    let (key, done) = match unit.result {
        Ok(settled) => settled,
        // A stop is no failure of the unit: nothing is written, the next run goes on.
        Err(Error::Stopped) => return Err(Error::Stopped),
        Err(error) => {
            tally.failures.push((unit.order, Failure::new(&unit.item.id, step, &error)));
            return Ok(());
        }
    };
    let record = match done {
        Some(done) => done.record,
        None => bench.out.record(&key)?.ok_or_else(|| {
            Error::store(Record::path(&key), "the record vanished while the manifest was written")
        })?,
    };
    for output in &record.outputs {
        tally.items += 1;
        tally.bytes_out += output.length;
        rows.push(row(bench.schema, rows.schema(), step, &unit.item, &key, output), unit.order)?;
    }
    Ok(())
}

/// A new item: place and facts of the output, everything else inherited from the source.
fn row(
    before: &Schema,
    after: &Schema,
    step: &str,
    source: &Item,
    key: &Digest,
    output: &Output,
) -> Item {
    let prefix = format!("{step}.");
    let from = source_id(step);
    let fact = |field: &Field| -> Value {
        if field.name == from {
            return source.id.clone().into();
        }
        let own = field.name.strip_prefix(&prefix).and_then(|short| output.facts.get(short));
        // A fact may carry its whole name (`slide.mpp_x`), as its declaration says.
        match own.or_else(|| output.facts.get(&field.name)) {
            Some(value) => value.clone(),
            None if field.name.starts_with(&prefix) => Value::Null,
            None => before
                .fact(&field.name)
                .and_then(|at| source.facts.get(at))
                .cloned()
                .unwrap_or(Value::Null),
        }
    };
    Item {
        id: format!("{}/{}", source.id, output.name),
        path: output.path.clone().unwrap_or_default(),
        offset: output.offset,
        length: output.length,
        digest: output.digest,
        media_type: output.media_type.clone(),
        width_px: output.width_px,
        height_px: output.height_px,
        label: source.label.clone(),
        group: source.group.clone(),
        split: source.split.clone(),
        weight: source.weight,
        trail: if source.trail.is_empty() {
            key.to_string()
        } else {
            format!("{} {key}", source.trail)
        },
        facts: after.facts.iter().map(fact).collect(),
    }
}
