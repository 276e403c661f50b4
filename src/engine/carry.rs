//! What a step said of the rows of a manifest, carried out: batches are read and changed on several threads, and counted and
//! written in their order. Memory holds a few batches for each thread.

use std::collections::VecDeque;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::rows::RowsOut;
use super::whole::Place;
use crate::dataset::Root;
use crate::distribution::Counter;
use crate::error::{Error, Result};
use crate::manifest::{BASE, Batch, Change, Field, Kind, NULL, Schema, Table, Values};
use crate::step::Rows;

/// How a step's answers are carried out.
pub(super) struct Carry<'a> {
    pub out: &'a Root,
    pub table: &'a Table,
    /// The step's name.
    pub step: &'static str,
    /// The step's columns.
    pub facts: &'a [Field],
    /// `None`: files lie where the rows say.
    pub place: Option<Place<'a>>,
    /// Of the record, to end each trail.
    pub key: String,
    /// Threads that read, change and encode.
    pub threads: usize,
}

/// What was written and counted.
pub(super) struct Carried {
    pub rows: RowsOut,
    pub counts: Counts,
}

/// Counts of a run over all rows.
#[derive(Default)]
pub(super) struct Counts {
    pub before: Counter,
    pub after: Counter,
    pub rows_in: u64,
    pub dropped: u64,
    pub rows_out: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    /// Whether a row that goes on has a weight: then counts do not say how often a class is seen.
    pub weighted: bool,
}

/// A batch on its way to a thread, and where it goes from there.
type Errand = (usize, Rows, SyncSender<Result<Changed>>);

/// A batch as it was, what was said of it, and as it is now.
struct Changed {
    before: Batch,
    times: Option<Vec<u32>>,
    draws: Option<Vec<u32>>,
    columns: Vec<(String, Values)>,
    after: Batch,
}

impl Carry<'_> {
    /// Takes what the step says of one batch after the other, and does it.
    pub fn run(&self, answers: &Receiver<Rows>, after: Schema) -> Result<Carried> {
        let mut rows = RowsOut::new(self.out, after.clone(), false)?.with_threads(self.threads);
        let mut counts = Counts::default();
        let (errands_in, errands) = mpsc::channel::<Errand>();
        let errands = Mutex::new(errands);
        let names = names(self.table.schema());
        thread::scope(|scope| {
            for _ in 0..self.threads {
                scope.spawn(|| self.work(&errands, &names, &after));
            }
            let run = self.in_order(answers, errands_in, |changed| {
                count(&mut counts, &changed, self.table.schema())?;
                rows.push_batch(changed.after)
            });
            // Whoever waits for the lock finds nobody who sends.
            run
        })?;
        Ok(Carried { rows, counts })
    }

    /// Deals answers out to the threads and takes what they make in the order of the answers.
    fn in_order(
        &self,
        answers: &Receiver<Rows>,
        errands: Sender<Errand>,
        mut take: impl FnMut(Changed) -> Result<()>,
    ) -> Result<()> {
        let gone = || Error::Bug { message: "a thread that changes rows is gone".into() };
        let mut under_way: VecDeque<Receiver<Result<Changed>>> = VecDeque::new();
        let mut index = 0;
        loop {
            let answer = answers.recv().ok();
            let most = if answer.is_some() { self.threads } else { 0 };
            if let Some(answer) = answer {
                if index >= self.table.batches() {
                    let message = "a step spoke of more rows than there are".into();
                    return Err(Error::Bug { message });
                }
                let (done, changed) = mpsc::sync_channel(1);
                errands.send((index, answer, done)).map_err(|_| gone())?;
                under_way.push_back(changed);
                index += 1;
            }
            while under_way.len() > most {
                let Some(next) = under_way.pop_front() else { break };
                take(next.recv().map_err(|_| gone())??)?;
            }
            if most == 0 {
                return Ok(());
            }
        }
    }

    fn work(&self, errands: &Mutex<Receiver<Errand>>, names: &[String], schema: &Schema) {
        loop {
            let next = errands.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok((index, rows, done)) = next else { break };
            // Nobody waits for it any more where another batch has failed.
            let _ = done.send(self.change(index, rows, names, schema));
        }
    }

    fn change(&self, index: usize, rows: Rows, names: &[String], to: &Schema) -> Result<Changed> {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let before = self.table.batch(index, &names)?;
        before.require(&["id", "path"])?;
        let Rows { times, draws, columns } = rows;
        let columns: Vec<(String, Values)> = columns
            .into_iter()
            .map(|(name, values)| (whole_name(self.step, name), values))
            .collect();
        let place = self.place.map(|place| place as &dyn Fn(&str) -> String);
        let (times_of, facts) = (times.as_deref(), self.facts);
        let change = Change { times: times_of, columns: &columns, facts, place, key: &self.key };
        let after = before.clone().changed(to, &change)?;
        Ok(Changed { before, times, draws, columns, after })
    }
}

/// The column that says how often a row is drawn.
const REPEAT: &str = "sample.repeat";

/// The column of a fact, or one of those that every manifest has.
fn whole_name(step: &str, name: &str) -> String {
    let base = matches!(name, "split" | "weight");
    if base || name.contains('.') { name.to_string() } else { format!("{step}.{name}") }
}

/// All columns of a manifest.
fn names(schema: &Schema) -> Vec<String> {
    let base = BASE.iter().map(|c| c.name.to_string());
    base.chain(schema.facts.iter().map(|f| f.name.clone())).collect()
}

/// Counts the rows of a batch before and after.
fn count(counts: &mut Counts, changed: &Changed, schema: &Schema) -> Result<()> {
    let Changed { before: batch, columns, .. } = changed;
    let (times, draws) = (changed.times.as_deref(), changed.draws.as_deref());
    let (labels, splits, groups) =
        (batch.text("label")?, batch.text("split")?, batch.text("group")?);
    let new = |name: &str| columns.iter().find(|(column, _)| column == name).map(|(_, v)| v);
    let (new_splits, new_weights) = (new("split"), new("weight"));
    // How often rows are drawn already, and whether that still holds.
    let repeats: Vec<Option<i64>> = match schema.kind(REPEAT) {
        Some(Kind::Int) => batch.ints(REPEAT)?.collect(),
        _ => Vec::new(),
    };
    let repeat = |row: usize| {
        let repeat = repeats.get(row).copied().flatten();
        repeat.map_or(1, |n| u32::try_from(n).unwrap_or(u32::MAX).max(1))
    };
    let stand = new(REPEAT).is_none();
    let lengths = batch.ints("length")?;
    let weights = batch.floats("weight")?;
    for (row, (length, weight)) in lengths.zip(weights).enumerate() {
        let (label, split, group) = (labels.get(row), splits.get(row), groups.get(row));
        let length = length.map_or(0, |l| u64::try_from(l).unwrap_or(0));
        counts.before.add((label, split, group), repeat(row).into(), weight);
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
        let drawn = match draws.and_then(|draws| draws.get(row)) {
            _ if times == 0 => 0,
            Some(draws) => u64::from(*draws),
            None if stand => u64::from(times) * u64::from(repeat(row)),
            None => times.into(),
        };
        counts.weighted |= weight.is_some() && times > 0;
        counts.after.add((label, split, group), drawn, weight);
    }
    Ok(())
}
