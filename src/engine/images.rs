//! A step over the items of a manifest: units side by side, rows out in manifest order.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, PoisonError, mpsc};
use std::thread;

use serde_json::Value;

use super::rows::RowsOut;
use super::share::Share;
use super::unit::Bench;
use super::{Event, Failure, packed};
use crate::digest::Digest;
use crate::distribution::Balance;
use crate::error::{Error, Result};
use crate::manifest::{Field, Item, Kind, ManifestReader, Schema, lies_in_pixels, names_file};
use crate::record::{Output, Record};

/// How far the workers may run ahead of the row that is written next, in units. What waits beyond
/// [`RECORDS_WAITING`] is read again from its record, so this bounds keys, not rows.
const UNITS_AHEAD: u64 = 4096;
/// Outputs of records that wait in memory for their turn.
const OUTPUTS_WAITING: usize = 4096;

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
    pub dropped: u64,
    pub items: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub bytes_written: u64,
    pub failures: Vec<(u64, Failure)>,
    pub slowest: Vec<(String, f64)>,
    /// What a step over a whole manifest says.
    pub told: Told,
}

/// What a step over a whole manifest says of it.
#[derive(Debug, Default, Clone)]
pub(super) struct Told {
    pub balance: Option<Balance>,
    pub findings: crate::step::Findings,
    pub notes: Vec<String>,
}

/// Images that are worked on together (mostly one), and where their rows stand.
#[derive(Default)]
struct Unit {
    turn: u64,
    orders: Vec<u64>,
    items: Vec<Item>,
}

impl Unit {
    fn push(&mut self, order: u64, item: Item) {
        self.orders.push(order);
        self.items.push(item);
    }
}

struct Settled {
    unit: Unit,
    result: Result<packed::Settled>,
}

impl Settled {
    /// Outputs that are held in memory.
    fn held(&self) -> usize {
        let done = self.result.as_ref().ok().and_then(|settled| settled.done.as_ref());
        done.map_or(0, |done| done.record.outputs.len().max(1))
    }
}

/// Looks whether every unit is done and whole; `None` at the first that is not.
pub(super) fn all_done(
    bench: &Bench<'_>,
    mut reader: ManifestReader,
    share: &Share,
) -> Result<Option<Tally>> {
    let mut tally = Tally::default();
    let mut row = 0;
    let mut unit: Vec<Item> = Vec::new();
    let mut look = |unit: &mut Vec<Item>| -> Result<bool> {
        let items: Vec<&Item> = unit.iter().collect();
        // A record that cannot be read, and a file that is gone, are for the run itself to report.
        let Ok(cause) = packed::cause(bench, &items) else { return Ok(false) };
        let key = cause.key()?;
        let Ok(Some((items, bytes))) = bench.found_done(&cause, &key) else { return Ok(false) };
        tally.units += unit.len() as u64;
        tally.hits += unit.len() as u64;
        tally.items += items;
        tally.bytes_out += bytes;
        for item in unit.drain(..) {
            tally.bytes_in = tally.bytes_in.saturating_add(item.length);
        }
        Ok(true)
    };
    while let Some(batch) = reader.next_batch()? {
        for item in batch {
            bench.crew.check()?;
            let own = share.own.as_ref().is_none_or(|own| own.get(row) == Some(&true));
            row += 1;
            if !own {
                continue;
            }
            if !unit.is_empty() && !packed::goes_on(&unit, &item) && !look(&mut unit)? {
                return Ok(None);
            }
            unit.push(item);
        }
    }
    if !unit.is_empty() && !look(&mut unit)? {
        return Ok(None);
    }
    Ok(Some(tally))
}

pub(super) fn no_unit() -> Error {
    Error::Bug { message: "a row goes on with a unit that there is not".into() }
}

/// Runs the step of a bench over a manifest; rows go out in order.
pub(super) fn run(
    bench: &Bench<'_>,
    reader: ManifestReader,
    share: &Share,
    orders: bool,
    rows: &mut RowsOut,
    // How paths of items are written, seen from the output.
    place: &dyn Fn(&str) -> String,
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
                    let result = packed::settle(bench, &unit.items);
                    if settled_in.send((unit.turn, Settled { unit, result })).is_err() {
                        break;
                    }
                }
            });
        }
        drop(settled_in);
        let result = assemble(bench, &settled_out, pace, rows, place);
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
    let mut unit = Unit::default();
    // Gives the gathered unit away; `false` when nobody wants more.
    let mut send = |unit: &mut Unit| {
        let unit = Unit { turn, ..std::mem::take(unit) };
        turn += 1;
        pace.wait(unit.turn) && units.send(unit).is_ok()
    };
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
            let ends = !unit.items.is_empty() && !packed::goes_on(&unit.items, &item);
            if ends && !send(&mut unit) {
                return Ok(());
            }
            unit.push(order, item);
        }
    }
    if !unit.items.is_empty() {
        send(&mut unit);
    }
    Ok(())
}

fn assemble(
    bench: &Bench<'_>,
    settled: &mpsc::Receiver<(u64, Settled)>,
    pace: &Pace,
    rows: &mut RowsOut,
    place: &dyn Fn(&str) -> String,
) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut waiting: BTreeMap<u64, Settled> = BTreeMap::new();
    let (mut turn, mut held) = (0, 0);
    while let Ok((number, mut unit)) = settled.recv() {
        tell(bench, &mut tally, &unit);
        if number != turn
            && held + unit.held() > OUTPUTS_WAITING
            && let Ok(settled) = &mut unit.result
        {
            settled.done = None;
        }
        held += unit.held();
        waiting.insert(number, unit);
        while let Some(unit) = waiting.remove(&turn) {
            held -= unit.held();
            write(bench, &mut tally, unit, rows, place)?;
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
    let items = &unit.unit.items;
    let failed = |item: &Item, error: &Error| {
        let step = bench.step.entry().name;
        bench.watch.event(Event::Failed(Failure::new(&item.id, step, error)));
    };
    let settled = match &unit.result {
        Ok(settled) => settled,
        Err(Error::Stopped) => return,
        Err(error) => return items.iter().for_each(|item| failed(item, error)),
    };
    for (at, error) in &settled.failed {
        items.get(*at).into_iter().for_each(|item| failed(item, error));
    }
    let Some(done) = &settled.done else { return };
    let whole = items.len() - settled.failed.len().min(items.len());
    tally.hits += if done.hit { whole as u64 } else { 0 };
    tally.made += if done.hit { 0 } else { whole as u64 };
    tally.bytes_written += done.bytes_written;
    if !done.hit {
        let name = items.first().map_or_else(String::new, |item| item.id.clone());
        tally.slowest.push((name, done.seconds));
        tally.slowest.sort_by(|a, b| b.1.total_cmp(&a.1));
        tally.slowest.truncate(20);
    }
    let outputs = done.record.outputs.len() as u64;
    for (at, item) in items.iter().enumerate() {
        if settled.failed.iter().any(|(failed, _)| *failed == at) {
            continue;
        }
        // What a pack took is told with its first image.
        let first = at == 0;
        bench.watch.event(Event::UnitDone {
            id: item.id.clone(),
            hit: done.hit,
            items: if items.len() == 1 { outputs } else { outputs / whole.max(1) as u64 },
            bytes_in: item.length,
            bytes_out: if first { done.bytes_written } else { 0 },
            seconds: if first { done.seconds } else { 0.0 },
        });
    }
}

/// Writes the rows of a unit whose turn has come.
fn write(
    bench: &Bench<'_>,
    tally: &mut Tally,
    settled: Settled,
    rows: &mut RowsOut,
    place: &dyn Fn(&str) -> String,
) -> Result<()> {
    let Unit { items, orders, .. } = settled.unit;
    tally.units += items.len() as u64;
    for item in &items {
        tally.bytes_in = tally.bytes_in.saturating_add(item.length);
    }
    let step = bench.step.entry().name;
    let order = |at: usize| orders.get(at).copied().unwrap_or_default();
    let packed::Settled { key, done, failed } = match settled.result {
        Ok(settled) => settled,
        // A stop is no failure of the unit: nothing is written, the next run goes on.
        Err(Error::Stopped) => return Err(Error::Stopped),
        Err(error) => {
            let fail =
                |(at, item): (usize, &Item)| (order(at), Failure::new(&item.id, step, &error));
            tally.failures.extend(items.iter().enumerate().map(fail));
            return Ok(());
        }
    };
    for (at, error) in &failed {
        let item = items.get(*at).map_or("", |item| item.id.as_str());
        tally.failures.push((order(*at), Failure::new(item, step, error)));
    }
    let Some(key) = key else { return Ok(()) };
    let record = match done {
        Some(done) => done.record,
        None => bench.out.record(&key)?.ok_or_else(|| {
            Error::store(Record::path(&key), "the record vanished while the manifest was written")
        })?,
    };
    let kept = |(at, _): &(usize, &Item)| failed.iter().all(|(failed, _)| failed != at);
    let (places, unit): (Vec<usize>, Vec<&Item>) = items.iter().enumerate().filter(kept).unzip();
    for output in &record.outputs {
        tally.items += 1;
        tally.bytes_out += output.length;
        let (at, name) = packed::origin(unit.len(), packed_unit(&unit), &output.name)
            .ok_or_else(|| Error::format(Record::path(&key), "an output is of no image"))?;
        let source = unit.get(at).ok_or_else(no_unit)?;
        let order = order(places.get(at).copied().unwrap_or_default());
        let row = row(bench, rows.schema(), source, &key, (output, name), place);
        rows.push(row, order)?;
    }
    Ok(())
}

fn packed_unit(unit: &[&Item]) -> bool {
    unit.first().is_some_and(|item| item.offset.is_some())
}

/// What a new item, or one that stays, has of an earlier step: a name of a file is seen from the output.
pub(super) fn inherited(value: Value, field: &Field, place: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(path) if names_file(&field.name) => place(&path).into(),
        value => value,
    }
}

/// A new item: place and facts of the output, everything else inherited from the source. What lies in the
/// pixels of the source (boxes, masks) lies elsewhere in those of the item, unless the step keeps the grid
/// of pixels or says where.
pub(super) fn row(
    bench: &Bench<'_>,
    after: &Schema,
    source: &Item,
    key: &Digest,
    (output, name): (&Output, &str),
    place: &dyn Fn(&str) -> String,
) -> Item {
    let step = bench.step.entry();
    let prefix = format!("{}.", step.name);
    let from = source_id(step.name);
    let fact = |field: &Field| -> Value {
        if field.name == from {
            return source.id.clone().into();
        }
        let own = field.name.strip_prefix(&prefix).and_then(|short| output.facts.get(short));
        // A fact may carry its whole name (`slide.mpp_x`), as its declaration says.
        match own.or_else(|| output.facts.get(&field.name)) {
            Some(value) => value.clone(),
            None if field.name.starts_with(&prefix) => Value::Null,
            None if lies_in_pixels(&field.name) && !step.aligned => Value::Null,
            None => inherited(source.value(bench.schema, &field.name), field, place),
        }
    };
    Item {
        id: format!("{}/{name}", source.id),
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
