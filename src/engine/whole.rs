//! A step over a whole manifest: one unit, whose answer is what becomes of each row.
//!
//! Its key has the digest of the ordered item digests as input and, for each column that the step looks at, the BLAKE3 of its
//! values as lines of JSON. The step reads its own columns as often as it wants; what it says of a batch of rows
//! is carried out on all columns of that batch elsewhere ([`super::carry`]), so that memory holds a few batches whatever the
//! manifest's length, and 8 bytes for each id ([`super::ids`]).

use std::collections::BTreeMap;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, SyncSender};
use std::thread;

use serde_json::{Value, json};

use super::carry::{Carried, Carry, Counts};
use super::ids::{self, Ids};
use super::images::{Tally, Told};
use super::unit::{Bench, same};
use super::{Chained, Event, Rows as Written};
use crate::digest::{Digest, Hasher, canonical_json};
use crate::distribution::{Balance, SKEW_WARNING};
use crate::error::{Error, Result};
use crate::manifest::{Batch, Kind, Schema, Table, Values};
use crate::record::{MadeBy, Output, Record, WHOLE};
use crate::step::{AnyInput, Emitted, Findings, Manifest, Rows, Sink, bug};

/// Answers that wait to be carried out.
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
        let (Carried { rows, counts }, said) = self.carry_out(&key, after, columns)?;
        let Counts { before, after, rows_in, dropped, rows_out, bytes_in, bytes_out, weighted } =
            counts;
        let balance = Balance { before: before.finish(), after: after.finish() };
        // Nothing of the balance: it counts columns that the step may not look at, and so are in no key.
        let facts = json!({
            "rows_in": rows_in,
            "rows_out": rows_out,
            "findings": said.findings,
            "notes": said.notes,
        });
        let mut notes = said.notes;
        notes.extend(skew_note(&balance).filter(|_| !weighted));
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
        self.bench.watch.event(Event::Warning { message: note.into() });
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
        for always in ["id", "digest"] {
            if !names.contains(&always) {
                names.push(always);
            }
        }
        let mut items = Hasher::new();
        let mut hashers: Vec<Hasher> = columns.iter().map(|_| Hasher::new()).collect();
        let mut ids = Ids::new(self.table.rows());
        let schema = self.table.schema();
        let make = |index: usize| {
            let batch = self.table.batch(index, &names)?;
            let lines = columns.iter().map(|name| lines(&batch, schema, name));
            let lines = lines.collect::<Result<Vec<_>>>()?;
            Ok((batch.digests()?, lines, ids::prints(&batch)?))
        };
        let take = |_, (digests, lines, prints): (Vec<[u8; 32]>, Vec<Vec<u8>>, Vec<u64>)| {
            items.update(digests.as_flattened());
            hashers.iter_mut().zip(&lines).for_each(|(hasher, lines)| hasher.update(lines));
            ids.add(&prints);
            Ok(())
        };
        self.bench.crew.ordered(self.table.batches(), make, take)?;
        ids.check(&self.table, self.bench.crew)?;
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
        let (answers_in, answers) = mpsc::sync_channel::<Rows>(WAITING);
        let table = &self.table;
        let facts = bench.step.entry().fields();
        thread::scope(|scope| {
            let carry = Carry {
                out: bench.out,
                table,
                step: bench.step.entry().name,
                facts: &facts,
                place: self.place,
                key: key.to_string(),
                threads: bench.knobs.threads,
            };
            let carrying = scope.spawn(move || carry.run(&answers, after));
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
}

/// A column's values as lines of JSON.
fn lines(batch: &Batch, schema: &Schema, name: &str) -> Result<Vec<u8>> {
    let mut lines = Lines(Vec::with_capacity(batch.rows() * 16));
    match schema.kind(name) {
        Some(Kind::Text) => {
            // Rows of one slide follow each other.
            let mut before: (Option<&str>, String) = (None, String::new());
            for value in batch.text(name)?.iter() {
                if value.is_some() && before.0 != value {
                    before = (value, canonical_json(&value)?);
                }
                lines.add(value.map(|_| &before.1))?;
            }
        }
        Some(Kind::Int) => batch.ints(name)?.try_for_each(|value| lines.add(value))?,
        Some(Kind::Float) => {
            for value in batch.floats(name)? {
                if value.is_some_and(f64::is_infinite) {
                    let short: String = name.chars().take(80).collect();
                    return Err(Error::format("manifest", format!("`{short}` holds infinity")));
                }
                lines.add(value.map(|v| canonical_json(&v)).transpose()?)?;
            }
        }
        Some(Kind::Bool) => batch.bools(name)?.try_for_each(|value| lines.add(value))?,
        None => return Err(Error::Bug { message: format!("there is no column `{name}`") }),
    }
    Ok(lines.0)
}

struct Lines(Vec<u8>);

impl Lines {
    fn add(&mut self, value: Option<impl std::fmt::Display>) -> Result<()> {
        let added = match value {
            Some(value) => writeln!(self.0, "{value}"),
            None => self.0.write_all(b"null\n"),
        };
        added.map_err(|e| Error::Bug { message: e.to_string() })
    }
}

/// What is said of classes that are far from balance: of those of `train`, where there is one.
fn skew_note(balance: &Balance) -> Option<String> {
    let after = &balance.after;
    let train = after.splits.get("train");
    let (skew, labels) = train.map_or((&after.skew, &after.labels), |t| (&t.skew, &t.labels));
    let ratio = skew.imbalance_ratio.filter(|ratio| *ratio > SKEW_WARNING)?;
    let most = labels.iter().max_by_key(|(_, rows)| **rows)?;
    let least = labels.iter().min_by_key(|(_, rows)| **rows)?;
    let (place, what) = (
        if train.is_some() { " of `train`" } else { "" },
        if after.repeats > 0 { "draws" } else { "rows" },
    );
    let short = |label: &str| label.chars().take(80).collect::<String>();
    Some(format!(
        "classes{place} are skewed {ratio:.0} to 1: `{}` has {} {what}, `{}` has {}",
        short(most.0),
        most.1,
        short(least.0),
        least.1
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
                self.bench.watch.event(Event::Warning { message: note.clone() });
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
