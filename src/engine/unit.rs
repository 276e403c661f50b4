//! One unit of an image step: look up, run, commit.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

use serde_json::{Map, Value};

use super::{Event, Knobs, Layout, Watch};
use crate::dataset::{Root, UnitStage, digest};
use crate::digest::{Digest, canonical_json};
use crate::error::{Error, Result};
use crate::manifest::{Column, Item, Schema};
use crate::record::{
    BESIDE, Cause, DROPPED_MEMBER, KEPT, KEPT_JOINED, KEPT_MEMBER, LEFT, MadeBy, Outline, Output,
    Record, StepCause,
};
use crate::slide::ReadAt;
use crate::step::{AnyStep, Crew, Emitted, Made, MemberWhat, Sink, bug};

/// All that the units of one step share.
pub(super) struct Bench<'a> {
    pub step: &'a dyn AnyStep,
    pub input: &'a Root,
    pub schema: &'a Schema,
    pub out: &'a Root,
    pub knobs: &'a Knobs,
    pub crew: &'a Crew,
    pub watch: &'a dyn Watch,
    pub claims: Claims,
    /// Whether it was said that units found done keep their layout.
    pub noted: AtomicBool,
}

/// A unit that is done.
pub(super) struct Done {
    pub record: Record,
    pub hit: bool,
    pub bytes_written: u64,
    pub seconds: f64,
}

impl Bench<'_> {
    /// The cause of this step over an item.
    pub fn cause(&self, item: &Item) -> Result<Cause> {
        Ok(self.cause_of(item.digest, self.columns(item)?))
    }

    /// Values of the columns that the step looks at; of a file that goes with the item, its digest.
    pub fn columns(&self, item: &Item) -> Result<BTreeMap<String, Value>> {
        let companions = self.step.companions();
        let mut columns = BTreeMap::new();
        for column in self.step.reads() {
            let value = match item.value(self.schema, column.name) {
                Value::String(path) if companions.contains(column) => {
                    digest(&*self.input.source(&path)?, &|_| {})?.to_string().into()
                }
                value => value,
            };
            columns.insert(column.name.to_string(), value);
        }
        Ok(columns)
    }

    /// The files that go with an item, held to the digests among `columns`.
    pub fn companions(
        &self,
        item: &Item,
        columns: &BTreeMap<String, Value>,
    ) -> Result<Vec<(&'static Column, Arc<dyn ReadAt>)>> {
        let mut companions = Vec::new();
        for column in self.step.companions() {
            let Value::String(path) = item.value(self.schema, column.name) else { continue };
            let Some(Value::String(expected)) = columns.get(column.name) else { continue };
            let source = self.input.source(&path)?;
            if digest(&*source, &|_| {})?.to_string() != *expected {
                return Err(Error::format(path, "was changed while the run was at it"));
            }
            companions.push((column, source));
        }
        Ok(companions)
    }

    /// The cause of this step over an input of this digest.
    pub fn cause_of(&self, input: Digest, columns: BTreeMap<String, Value>) -> Cause {
        let entry = self.step.entry();
        let step = StepCause {
            step: entry.name.into(),
            version: entry.version.into(),
            params: self.step.params().clone(),
        };
        Cause::new(vec![step], input, columns)
    }

    /// Finds the unit done, or does its work. `id` is its name for people.
    pub fn settle(
        &self,
        id: &str,
        cause: Cause,
        key: Digest,
        work: impl FnOnce(&Cause, &mut UnitSink<'_>) -> Result<()>,
    ) -> Result<Done> {
        let _claim = self.claims.take(key);
        self.crew.check()?;
        let (known, damaged) = match self.out.record(&key) {
            Ok(known) => (known, false),
            // Nothing is lost: what it named can be made again.
            Err(error @ Error::Format { .. }) => {
                let message = format!("{error}; it is made anew");
                self.watch.event(Event::Note { message });
                (None, true)
            }
            Err(error) => return Err(error),
        };
        if let Some(record) = &known
            && self.intact(&cause.place()?, &record.outline())?
        {
            if !record.outputs.is_empty() {
                self.note_layout(!record.packs.is_empty());
            }
            return Ok(Done { record: record.clone(), hit: true, bytes_written: 0, seconds: 0.0 });
        }
        self.watch.event(Event::UnitBegun { id: id.to_string() });
        let begun = Instant::now();
        let pack_bytes = match self.knobs.layout {
            Layout::Loose => None,
            Layout::Packs { bytes } => Some(bytes),
        };
        let place = cause.place()?;
        let mut sink = UnitSink {
            stage: self.out.unit(&place, pack_bytes)?,
            outputs: Vec::new(),
            previews: Vec::new(),
            bytes: 0,
            id,
            input: cause.input,
            members: Vec::new(),
            failed: Vec::new(),
            watch: self.watch,
        };
        catch_unwind(AssertUnwindSafe(|| work(&cause, &mut sink)))
            .unwrap_or_else(|panic| Err(bug(&*panic)))?;
        let UnitSink { stage, outputs, previews, bytes, .. } = sink;
        if let Some(known) = &known {
            same(&key, known, &outputs, &previews)?;
        }
        let packs = stage.commit()?;
        let made_by = MadeBy::this_build();
        let record = Record { cause, outputs, previews, packs, made_by };
        if damaged {
            self.out.remove(&Record::path(&key))?;
        }
        let record = self.publish(&key, record, known)?;
        let seconds = begun.elapsed().as_secs_f64();
        Ok(Done { record, hit: false, bytes_written: bytes, seconds })
    }

    /// Puts the record where the next run finds it, if nobody was faster. A unit that was mended (the
    /// same outputs, as `same` has said) lies where its new record says: in other packs, perhaps.
    pub fn publish(&self, key: &Digest, record: Record, known: Option<Record>) -> Result<Record> {
        if let Some(known) = known {
            if known != record {
                self.out.replace(&Record::path(key), &record.to_bytes()?)?;
            }
            return Ok(record);
        }
        if self.out.write_new(&Record::path(key), &record.to_bytes()?)? {
            return Ok(record);
        }
        let first = self.out.record(key)?.ok_or_else(|| {
            Error::store(Record::path(key), "the record vanished while it was written")
        })?;
        same(key, &first, &record.outputs, &record.previews)?;
        Ok(first)
    }

    /// The outline of a unit that is done and whole; `None` when there is work to do.
    pub fn found_done(&self, cause: &Cause, key: &Digest) -> Result<Option<(u64, u64)>> {
        let Some(bytes) = self.out.read(&Record::path(key))? else { return Ok(None) };
        let outline = Outline::from_bytes(key, &bytes)?;
        let done = self.intact(&cause.place()?, &outline)?;
        if done && outline.items > 0 {
            self.note_layout(!outline.packs.is_empty());
        }
        Ok(done.then_some((outline.items, outline.bytes)))
    }

    /// Says once that units found done keep the layout that they have.
    fn note_layout(&self, packed: bool) {
        let asked = matches!(self.knobs.layout, Layout::Packs { .. });
        if packed != asked && !self.noted.swap(true, Ordering::Relaxed) {
            let (is, wanted) = if packed { ("packs", "loose") } else { ("loose files", "packed") };
            let message = format!(
                "outputs that are done stay in {is}: for {wanted} ones choose another output"
            );
            self.watch.event(Event::Note { message });
        }
    }

    /// Whether everything that a record names is there, in full length. (Every byte is for `check`.)
    fn intact(&self, place: &str, outline: &Outline<'_>) -> Result<bool> {
        let mut wanted: HashMap<&str, u64> =
            outline.files.iter().map(|(path, length)| (&**path, *length)).collect();
        let mut folders = HashSet::new();
        for path in wanted.keys() {
            folders.insert(path.rsplit_once('/').map_or("", |(folder, _)| folder).to_string());
        }
        for folder in folders {
            // A record is somebody's file: it may not send us to list the whole disk.
            if !folder.ends_with(place) {
                return Err(Error::format(
                    format!("record of {place}"),
                    format!("it names outputs in {folder:?}, which is not its place"),
                ));
            }
            for stored in self.out.list(&folder)? {
                if wanted.get(stored.path.as_str()) == Some(&stored.length) {
                    wanted.remove(stored.path.as_str());
                }
            }
        }
        for pack in &outline.packs {
            if self.out.length(&pack.path)? != Some(pack.length) {
                return Ok(false);
            }
        }
        Ok(wanted.is_empty())
    }
}

/// Holds outputs to those of an earlier record of the same key: the same names, bytes and facts.
/// Where they lie (loose, packed) is not what a step decides.
pub(super) fn same(
    key: &Digest,
    record: &Record,
    outputs: &[Output],
    previews: &[Output],
) -> Result<()> {
    let differs = |message: String| Error::NotDeterministic { key: key.short(), message };
    for (old, new) in [(&record.outputs[..], outputs), (&record.previews[..], previews)] {
        if old.len() != new.len() {
            return Err(differs(format!("{} outputs, {} before", new.len(), old.len())));
        }
        for (old, new) in old.iter().zip(new) {
            if (&old.name, &old.digest) != (&new.name, &new.digest) {
                return Err(differs(format!(
                    "{} has digest {}…, before {} had {}…",
                    new.name,
                    new.digest.short(),
                    old.name,
                    old.digest.short()
                )));
            }
            // As canonical text: a record that was read back has `256` where the step said `256.0`.
            if canonical_json(&old.facts)? != canonical_json(&new.facts)? {
                return Err(differs(format!("the facts of {} differ", new.name)));
            }
        }
    }
    Ok(())
}

pub(super) struct UnitSink<'a> {
    stage: UnitStage,
    outputs: Vec<Output>,
    previews: Vec<Output>,
    bytes: u64,
    id: &'a str,
    input: Digest,
    /// Digests of the members of a group, in their order.
    pub members: Vec<Digest>,
    /// Members that could not be done.
    pub failed: Vec<(usize, Error)>,
    watch: &'a dyn Watch,
}

/// The name of what became of a member of a group: its place stands before it, as for images of a pack.
fn member(index: usize, name: &str) -> String {
    format!("{index:06}_{name}")
}

/// An output that has no file.
fn rows_only(name: String, digest: Digest, facts: Map<String, Value>) -> Output {
    Output {
        name,
        path: None,
        offset: None,
        length: 0,
        digest,
        media_type: "application/vnd.apache.parquet".into(),
        width_px: None,
        height_px: None,
        facts,
    }
}

impl UnitSink<'_> {
    /// Takes an item and the files that go with it, which its columns will name.
    fn item(&mut self, mut made: Made) -> Result<()> {
        for (column, beside) in std::mem::take(&mut made.beside) {
            let name = format!("{BESIDE}{}", beside.name);
            let placed = self.stage.companion(&name, &beside.bytes)?;
            self.bytes += beside.bytes.len() as u64;
            made.facts.insert(column.into(), placed.path.clone().into());
            self.previews.push(output(Made { name, ..beside }, placed.path, placed.offset));
        }
        let placed = self.stage.item(&made.name, &made.bytes)?;
        self.bytes += made.bytes.len() as u64;
        self.outputs.push(output(made, placed.path, placed.offset));
        Ok(())
    }
}

impl Sink for UnitSink<'_> {
    fn take(&mut self, emitted: Emitted) -> Result<()> {
        match emitted {
            Emitted::Item(made) => self.item(made)?,
            Emitted::Preview(made) => {
                let placed = self.stage.preview(&made.name, &made.bytes)?;
                self.bytes += made.bytes.len() as u64;
                self.previews.push(output(made, placed.path, placed.offset));
            }
            Emitted::Left(made) => {
                let name = format!("{LEFT}{}", made.name);
                let placed = self.stage.preview(&name, &made.bytes)?;
                self.bytes += made.bytes.len() as u64;
                self.previews.push(output(Made { name, ..made }, placed.path, placed.offset));
            }
            Emitted::Kept { facts, joins } => {
                let name = if joins { KEPT_JOINED } else { KEPT };
                self.outputs.push(rows_only(name.into(), self.input, facts));
            }
            Emitted::Member { index, what } => {
                let digest = *self.members.get(index).ok_or_else(|| Error::Bug {
                    message: format!("the group has no member {index}"),
                })?;
                match what {
                    MemberWhat::Kept(facts) => {
                        self.outputs.push(rows_only(member(index, KEPT_MEMBER), digest, facts));
                    }
                    MemberWhat::Dropped(facts) => {
                        self.outputs.push(rows_only(member(index, DROPPED_MEMBER), digest, facts));
                    }
                    MemberWhat::Made(made) => {
                        self.item(Made { name: member(index, &made.name), ..made })?;
                    }
                    MemberWhat::Failed(error) => self.failed.push((index, error)),
                }
            }
            Emitted::Found(_) | Emitted::Failed(..) => {
                return Err(Error::Bug { message: "only a listing step has such rows".into() });
            }
            Emitted::Rows(_) | Emitted::Findings(_) | Emitted::Note(_) => {
                return Err(Error::Bug { message: "only a manifest step speaks of rows".into() });
            }
        }
        Ok(())
    }

    fn progress(&mut self, done: u64, total: u64) {
        self.watch.event(Event::UnitProgress { id: self.id.to_string(), done, total });
    }
}

fn output(made: Made, path: String, offset: Option<u64>) -> Output {
    Output {
        name: made.name,
        path: Some(path),
        offset,
        length: made.bytes.len() as u64,
        digest: made.digest,
        media_type: made.media_type.to_string(),
        // What is no picture has no size.
        width_px: (made.width_px > 0).then_some(made.width_px),
        height_px: (made.height_px > 0).then_some(made.height_px),
        facts: made.facts,
    }
}

/// Keys that are being worked on: two items with the same bytes are one unit, and the second waits.
#[derive(Default)]
pub(super) struct Claims {
    taken: Mutex<HashSet<Digest>>,
    freed: Condvar,
}

pub(super) struct Claim<'a> {
    claims: &'a Claims,
    key: Digest,
}

impl Claims {
    fn take(&self, key: Digest) -> Claim<'_> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        while !taken.insert(key) {
            taken = self.freed.wait(taken).unwrap_or_else(PoisonError::into_inner);
        }
        Claim { claims: self, key }
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.claims.taken.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
        self.claims.freed.notify_all();
    }
}
