//! One unit of an image step: look up, run, commit.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

use serde_json::Value;

use super::{Event, Knobs, Layout, Watch};
use crate::dataset::{Root, UnitStage};
use crate::digest::{Digest, canonical_json};
use crate::error::{Error, Result};
use crate::manifest::{Item, Schema};
use crate::record::{Cause, KEPT, KEPT_JOINED, LEFT, MadeBy, Outline, Output, Record, StepCause};
use crate::step::{AnyStep, Crew, Emitted, Made, Sink, bug};

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
        Ok(self.cause_of(item.digest, self.columns(item)))
    }

    /// Values of the columns that the step looks at.
    pub fn columns(&self, item: &Item) -> BTreeMap<String, Value> {
        let reads = self.step.reads().iter();
        reads.map(|c| (c.name.to_string(), item.value(self.schema, c.name))).collect()
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
    fn publish(&self, key: &Digest, record: Record, known: Option<Record>) -> Result<Record> {
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
fn same(key: &Digest, record: &Record, outputs: &[Output], previews: &[Output]) -> Result<()> {
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
    watch: &'a dyn Watch,
}

impl Sink for UnitSink<'_> {
    fn take(&mut self, emitted: Emitted) -> Result<()> {
        match emitted {
            Emitted::Item(made) => {
                let placed = self.stage.item(&made.name, &made.bytes)?;
                self.bytes += made.bytes.len() as u64;
                self.outputs.push(output(made, placed.path, placed.offset));
            }
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
            Emitted::Kept { facts, joins } => self.outputs.push(Output {
                name: if joins { KEPT_JOINED } else { KEPT }.into(),
                path: None,
                offset: None,
                length: 0,
                digest: self.input,
                media_type: "application/vnd.apache.parquet".into(),
                width_px: None,
                height_px: None,
                facts,
            }),
            Emitted::Found(_) | Emitted::Failed(..) => {
                return Err(Error::Bug { message: "only a listing step has such rows".into() });
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
