//! A step over a whole manifest: one unit, whose answer is what becomes of each row.
//!
//! Its key has the digest of the ordered item digests as input and, for each column that the step looks at, the BLAKE3 of its
//! values as lines of JSON. The step reads its own columns as often as it wants; what it says of a batch of rows
//! is carried out on all columns of that batch by two further threads (one decodes, one changes, counts and encodes), so
//! that memory holds a few batches whatever the manifest's length.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;

use serde_json::{Value, json};

use super::images::{Tally, Told};
use super::rows::RowsOut;
use super::unit::{Bench, same};
use super::{Chained, Event, Rows as Written};
use crate::digest::{Digest, Hasher, canonical_json};
use crate::distribution::{Balance, Counter, SKEW_WARNING};
use crate::error::{Error, Result};
use crate::manifest::{Batch, Change, Kind, NULL, Schema, Table, Values};
use crate::record::{MadeBy, Output, Record, WHOLE};
use crate::step::{AnyInput, Emitted, Findings, Manifest, Rows, Sink, bug};

/// Batches that wait between two threads.
const WAITING: usize = 2;

/// Where files lie, seen from the output.
pub(super) type Place<'a> = &'a (dyn Fn(&str) -> String + Sync);

/// A step over a whole manifest, about to run.
pub(super) struct Whole<'a> {
    pub bench: &'a Bench<'a>,
    pub table: Table,
    /// `None`: files lie where the rows say.
    pub place: Option<Place<'a>>,
    pub chained: &'a Chained<'a>,
}

/// What was written and counted.
struct Carried {
    rows: RowsOut,
    counts: Counts,
}

/// Counts of a run over all rows.
#[derive(Default)]
struct Counts {
    before: Counter,
    after: Counter,
    rows_in: u64,
    dropped: u64,
    rows_out: u64,
    bytes_in: u64,
    bytes_out: u64,
}

impl Whole<'_> {
    /// Finds the manifest as it would be written, or makes it. `path` is where the rows come from.
    pub fn run(&self, path: &str, after: Schema) -> Result<(Tally, Digest, Written)> {
        let bench = self.bench;
        let follows_from = self.follows_from(path)?;
        let columns = bench.step.columns(bench.schema)?;
        if let Some(earlier) = self.chained.earlier
            && earlier.follows_from == follows_from
            && bench.out.digest(&self.chained.place)? == Some(earlier.manifest)
        {
            let told = Told {
                balance: earlier.balance.clone(),
                findings: earlier.findings.clone(),
                notes: earlier.notes.clone(),
            };
            told.notes.iter().for_each(|note| self.say(note));
            let tally = Tally {
                units: 1,
                hits: 1,
                items: earlier.items,
                dropped: earlier.dropped,
                bytes_in: earlier.bytes_in,
                bytes_out: earlier.bytes_out,
                told,
                ..Tally::default()
            };
            return Ok((tally, follows_from, Written::Kept(earlier.manifest)));
        }
        let (input, of_columns) = self.content(&columns)?;
        let cause = bench.cause_of(input, of_columns);
        let key = cause.key()?;
        let known = match bench.out.record(&key) {
            Ok(known) => known,
            Err(error @ Error::Format { .. }) => {
                self.say(&format!("{error}; it is made anew"));
                bench.out.remove(&Record::path(&key))?;
                None
            }
            Err(error) => return Err(error),
        };
        let (carried, said) = self.carry_out(&key, after, columns)?;
        let Carried { rows, counts } = carried;
        let Counts { before, after, rows_in, dropped, rows_out, bytes_in, bytes_out } = counts;
        let balance = Balance { before: before.finish(), after: after.finish() };
        let mut notes = said.notes;
        notes.extend(skew_note(&balance));
        let facts = json!({
            "rows_in": rows_in,
            "rows_out": rows_out,
            "balance": balance,
            "findings": said.findings,
            "notes": notes,
        });
        let output = Output {
            name: WHOLE.into(),
            path: None,
            offset: None,
            length: rows_out,
            digest: said.decisions.finish(),
            media_type: "application/vnd.apache.parquet".into(),
            width_px: None,
            height_px: None,
            facts: facts.as_object().cloned().unwrap_or_default(),
        };
        let outputs = vec![output];
        let hit = known.is_some();
        match known {
            Some(known) => same(&key, &known, &outputs, &[])?,
            None => {
                let record = Record {
                    cause,
                    outputs,
                    previews: Vec::new(),
                    packs: Vec::new(),
                    made_by: MadeBy::this_build(),
                };
                bench.publish(&key, record, None)?;
            }
        }
        // Those of the step were said as they came.
        notes.iter().skip(said.spoken).for_each(|note| self.say(note));
        let sealed = rows.finish()?;
        let tally = Tally {
            units: 1,
            hits: u64::from(hit),
            made: u64::from(!hit),
            items: rows_out,
            dropped,
            bytes_in,
            bytes_out,
            bytes_written: sealed.length,
            told: Told { balance: Some(balance), findings: said.findings, notes },
            ..Tally::default()
        };
        bench.watch.event(Event::UnitDone {
            id: "the manifest".into(),
            hit,
            items: rows_out,
            bytes_in: 0,
            bytes_out: sealed.length,
            seconds: 0.0,
        });
        Ok((tally, follows_from, Written::New(sealed)))
    }

    fn say(&self, note: &str) {
        self.bench.watch.event(Event::Note { message: note.into() });
    }

    /// The digest of all that the step's manifest follows from: the step, the file before, where its files lie.
    fn follows_from(&self, path: &str) -> Result<Digest> {
        let bench = self.bench;
        let (entry, params) = (bench.step.entry(), bench.step.params());
        let manifest = bench
            .input
            .digest(path)?
            .ok_or_else(|| Error::store(path, "the manifest vanished while it was read"))?;
        let seen_from = self.place.map(|place| place("."));
        let step = (entry.name, entry.version, params, entry.fields());
        Digest::of_json(&(step, manifest, seen_from))
    }

    /// Digest of the items, and of each column that the step looks at.
    fn content(&self, columns: &[String]) -> Result<(Digest, BTreeMap<String, Value>)> {
        let mut names: Vec<&str> = columns.iter().map(String::as_str).collect();
        if !names.contains(&"digest") {
            names.push("digest");
        }
        let mut items = Hasher::new();
        let mut hashers: Vec<Hasher> = columns.iter().map(|_| Hasher::new()).collect();
        let schema = self.table.schema();
        let make = |index: usize| {
            let batch = self.table.batch(index, &names)?;
            let lines = columns.iter().map(|name| lines(&batch, schema, name));
            Ok((batch.digests()?, lines.collect::<Result<Vec<_>>>()?))
        };
        self.bench.crew.ordered(self.table.batches(), make, |_, (digests, lines)| {
            items.update(digests.as_flattened());
            hashers.iter_mut().zip(&lines).for_each(|(hasher, lines)| hasher.update(lines));
            Ok(())
        })?;
        let of_columns = columns.iter().zip(hashers);
        let of_columns = of_columns.map(|(name, h)| (name.clone(), h.finish().to_string().into()));
        Ok((items.finish(), of_columns.collect()))
    }

    /// Runs the step and does to all columns what it says.
    fn carry_out(
        &self,
        key: &Digest,
        after: Schema,
        columns: Vec<String>,
    ) -> Result<(Carried, Said<'_>)> {
        let bench = self.bench;
        let (batches_in, batches) = mpsc::sync_channel::<Result<Batch>>(WAITING);
        let (answers_in, answers) = mpsc::sync_channel::<Rows>(WAITING);
        let table = &self.table;
        let names = names(table.schema());
        thread::scope(|scope| {
            scope.spawn(move || {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                for index in 0..table.batches() {
                    // Nobody listens any more: whoever stopped listening says why.
                    if batches_in.send(table.batch(index, &names)).is_err() {
                        break;
                    }
                }
            });
            let carrying = scope.spawn(move || self.carry(&answers, &batches, key, after));
            let mut said = Said {
                step: bench.step.entry().name,
                answers: Some(answers_in),
                answered: 0,
                decisions: Hasher::new(),
                findings: Findings::new(),
                notes: Vec::new(),
                spoken: 0,
                bench,
                rows: table.rows() as u64,
            };
            let input = AnyInput::Manifest(Manifest::new(table.clone(), columns));
            let ran =
                catch_unwind(AssertUnwindSafe(|| bench.step.run(input, &mut said, bench.crew)))
                    .unwrap_or_else(|panic| Err(bug(&*panic)));
            // The other threads end when nobody speaks any more.
            said.answers = None;
            let carried = carrying.join().unwrap_or_else(|panic| Err(bug(&*panic)));
            // A step that ran into a closed channel says less than the thread that closed it.
            let carried = match (ran, carried) {
                (Err(Error::Stopped) | Ok(()), carried) => carried?,
                (Err(error), _) => return Err(error),
            };
            if said.answered != table.batches() || carried.counts.rows_in != table.rows() as u64 {
                return Err(Error::Bug { message: "a step did not speak of all rows".into() });
            }
            said.spoken = said.notes.len();
            Ok((carried, said))
        })
    }

    /// Takes what the step says of one batch after the other, and does it.
    fn carry(
        &self,
        answers: &Receiver<Rows>,
        batches: &Receiver<Result<Batch>>,
        key: &Digest,
        after: Schema,
    ) -> Result<Carried> {
        let mut rows = RowsOut::new(self.bench.out, after, false)?;
        let mut counts = Counts::default();
        let key = key.to_string();
        let step = self.bench.step.entry().name;
        while let Ok(answer) = answers.recv() {
            let batch = batches.recv().map_err(|_| Error::Bug {
                message: "a step spoke of more rows than there are".into(),
            })??;
            let Rows { times, draws, columns } = answer;
            let columns: Vec<(String, Values)> = columns
                .into_iter()
                .map(|(name, values)| (whole_name(step, name), values))
                .collect();
            count(&mut counts, &batch, (times.as_deref(), draws.as_deref()), &columns)?;
            let place = self.place.map(|place| place as &dyn Fn(&str) -> String);
            let change = Change { times: times.as_deref(), columns: &columns, place, key: &key };
            rows.push_batch(batch.changed(rows.schema(), &change)?)?;
        }
        Ok(Carried { rows, counts })
    }
}

/// The column of a fact, or one of those that every manifest has.
fn whole_name(step: &str, name: &str) -> String {
    let base = matches!(name, "split" | "weight");
    if base || name.contains('.') { name.to_string() } else { format!("{step}.{name}") }
}

/// All columns of a manifest.
fn names(schema: &Schema) -> Vec<String> {
    let base = crate::manifest::BASE.iter().map(|c| c.name.to_string());
    base.chain(schema.facts.iter().map(|f| f.name.clone())).collect()
}

/// A column's values as lines of JSON.
fn lines(batch: &Batch, schema: &Schema, name: &str) -> Result<Vec<u8>> {
    let mut lines = Vec::with_capacity(batch.rows() * 16);
    let mut line = |value: &dyn Fn() -> Result<Option<String>>| -> Result<()> {
        lines.extend_from_slice(value()?.as_deref().unwrap_or("null").as_bytes());
        lines.push(b'\n');
        Ok(())
    };
    match schema.kind(name) {
        Some(Kind::Text) => {
            // Rows of one slide follow each other.
            let mut before: (Option<&str>, String) = (None, String::new());
            for value in batch.text(name)?.iter() {
                if value.is_some() && before.0 != value {
                    before = (value, canonical_json(&value)?);
                }
                line(&|| Ok(value.map(|_| before.1.clone())))?;
            }
        }
        Some(Kind::Int) => {
            for value in batch.ints(name)? {
                line(&|| Ok(value.map(|v| v.to_string())))?;
            }
        }
        Some(Kind::Float) => {
            for value in batch.floats(name)? {
                line(&|| value.map(|v| canonical_json(&v)).transpose())?;
            }
        }
        Some(Kind::Bool) => {
            for value in batch.bools(name)? {
                line(&|| Ok(value.map(|v| v.to_string())))?;
            }
        }
        None => return Err(Error::Bug { message: format!("there is no column `{name}`") }),
    }
    Ok(lines)
}

/// Counts the rows of a batch before and after.
fn count(
    counts: &mut Counts,
    batch: &Batch,
    (times, draws): (Option<&[u32]>, Option<&[u32]>),
    columns: &[(String, Values)],
) -> Result<()> {
    let (labels, splits, groups) =
        (batch.text("label")?, batch.text("split")?, batch.text("group")?);
    let new = |name: &str| columns.iter().find(|(column, _)| column == name).map(|(_, v)| v);
    let (new_splits, new_weights) = (new("split"), new("weight"));
    let lengths = batch.ints("length")?;
    let weights = batch.floats("weight")?;
    for (row, (length, weight)) in lengths.zip(weights).enumerate() {
        let (label, split, group) = (labels.get(row), splits.get(row), groups.get(row));
        let length = length.map_or(0, |l| u64::try_from(l).unwrap_or(0));
        counts.before.add((label, split, group), 1, weight);
        counts.rows_in += 1;
        counts.bytes_in = counts.bytes_in.saturating_add(length);
        let times = times.map_or(1, |t| t.get(row).copied().unwrap_or(0));
        counts.dropped += u64::from(times == 0);
        counts.rows_out += u64::from(times);
        counts.bytes_out = counts.bytes_out.saturating_add(length.saturating_mul(times.into()));
        let split = match new_splits {
            Some(Values::Words { words, codes }) => {
                let code = codes.get(row).copied().unwrap_or(NULL);
                words.get(code as usize).map(String::as_str)
            }
            _ => split,
        };
        let weight = match new_weights {
            Some(Values::Float(values)) => values.get(row).copied().flatten(),
            _ => weight,
        };
        let drawn =
            if times == 0 { 0 } else { draws.and_then(|d| d.get(row).copied()).unwrap_or(times) };
        counts.after.add((label, split, group), drawn.into(), weight);
    }
    Ok(())
}

/// What is said of classes that are far from balance.
fn skew_note(balance: &Balance) -> Option<String> {
    let ratio = balance.after.skew.imbalance_ratio.filter(|ratio| *ratio > SKEW_WARNING)?;
    let named = &balance.after.labels;
    let most = named.iter().max_by_key(|(_, rows)| **rows)?;
    let least = named.iter().min_by_key(|(_, rows)| **rows)?;
    Some(format!(
        "classes are skewed {ratio:.0} to 1: `{}` has {} rows, `{}` has {}",
        most.0, most.1, least.0, least.1
    ))
}

/// What a step says, on its way.
struct Said<'a> {
    step: &'static str,
    answers: Option<SyncSender<Rows>>,
    answered: usize,
    decisions: Hasher,
    findings: Findings,
    notes: Vec<String>,
    spoken: usize,
    bench: &'a Bench<'a>,
    rows: u64,
}

impl Sink for Said<'_> {
    fn take(&mut self, emitted: Emitted) -> Result<()> {
        match emitted {
            Emitted::Rows(rows) => {
                decided(&mut self.decisions, &rows)?;
                self.answered += 1;
                let sent = self.answers.as_ref().is_some_and(|answers| answers.send(rows).is_ok());
                let done = (self.answered * crate::manifest::BATCH_ROWS) as u64;
                self.progress(done.min(self.rows), self.rows);
                if sent { Ok(()) } else { Err(Error::Stopped) }
            }
            Emitted::Findings(findings) => {
                self.findings.extend(findings);
                Ok(())
            }
            Emitted::Note(note) => {
                self.bench.watch.event(Event::Note { message: note.clone() });
                self.notes.push(note);
                Ok(())
            }
            _ => Err(Error::Bug {
                message: format!("`{}` gave something else than rows of a manifest", self.step),
            }),
        }
    }

    fn progress(&mut self, done: u64, total: u64) {
        let id = "the manifest".to_string();
        self.bench.watch.event(Event::UnitProgress { id, done, total });
    }
}

/// Adds what a step says of a batch to the digest of all that it says.
fn decided(hasher: &mut Hasher, rows: &Rows) -> Result<()> {
    let words = |hasher: &mut Hasher, words: &[u32]| {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        hasher.update(&bytes);
    };
    for (name, of) in [("times", &rows.times), ("draws", &rows.draws)] {
        if let Some(of) = of {
            hasher.update(name.as_bytes());
            words(hasher, of);
        }
    }
    for (name, values) in &rows.columns {
        hasher.update(name.as_bytes());
        let bits = |values: &mut dyn Iterator<Item = Option<u64>>| -> Vec<u8> {
            values
                .flat_map(|v| [u64::from(v.is_some()), v.unwrap_or(0)])
                .flat_map(u64::to_le_bytes)
                .collect()
        };
        match values {
            Values::Words { words: of, codes } => {
                hasher.update(canonical_json(of)?.as_bytes());
                words(hasher, codes);
            }
            Values::Int(v) => hasher.update(&bits(&mut v.iter().map(|v| v.map(|v| v as u64)))),
            Values::Float(v) => {
                if v.iter().flatten().any(|v| !v.is_finite()) {
                    return Err(Error::Bug { message: format!("`{name}` is not a finite number") });
                }
                hasher.update(&bits(&mut v.iter().map(|v| v.map(f64::to_bits))));
            }
            Values::Bool(v) => hasher.update(&bits(&mut v.iter().map(|v| v.map(u64::from)))),
        }
    }
    Ok(())
}
