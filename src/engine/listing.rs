//! A listing step: files found, hashed, and made the first manifest.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::images::Tally;
use super::rows::RowsOut;
use super::{Event, Failure, Knobs, Watch, parts};
use crate::dataset::{self, Candidate, Root};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::manifest::{Field, Item};
use crate::record::{Cause, MadeBy, Output, Record, StepCause};
use crate::step::{AnyInput, AnyStep, Crew, Emitted, Found, Listed, Listing, Sink};
use crate::steps::scan;
use crate::steps::scan::LISTED;

/// Bytes by which files of one length are told apart before they are dealt to shards.
const HEAD_BYTES: u64 = 64 << 10;

pub(super) struct Asked<'a> {
    pub step: &'a dyn AnyStep,
    pub input: &'a str,
    pub out: &'a Root,
    pub knobs: &'a Knobs,
    pub crew: &'a Crew,
    pub watch: &'a dyn Watch,
}

/// Lists, hashes and runs the step; rows go out in the order of their ids.
pub(super) fn run(asked: &Asked<'_>, rows: &mut RowsOut) -> Result<Tally> {
    let step = asked.step.entry().name;
    let found_selects = scan::selects(asked.step.params())?;
    let named_selects = scan::selects_named(asked.step.params())?;
    let selects = |id: &str, named: bool| if named { named_selects(id) } else { found_selects(id) };
    let listed = dataset::list_input(asked.input, &selects, asked.out)?;
    let mut tally = Tally::default();
    let fail = |tally: &mut Tally, order: u64, id: &str, error: &Error| {
        let failure = Failure::new(id, step, error);
        asked.watch.event(Event::Failed(failure.clone()));
        tally.failures.push((order, failure));
    };

    if listed.files.is_empty() && listed.failed.is_empty() {
        let message = format!("there is no file in {} that is wanted", asked.input);
        asked.watch.event(Event::Note { message });
    }
    let own = share(asked, &listed.files)?;
    let files: Vec<(u64, &Candidate)> =
        (0..).zip(&listed.files).zip(&own).filter(|(_, own)| **own).map(|(file, _)| file).collect();
    tally.units = files.len() as u64;
    tally.bytes_in = files.iter().filter_map(|(_, file)| file.length).sum();
    asked.watch.event(Event::StepBegun {
        step: step.into(),
        version: asked.step.entry().version.into(),
        units: tally.units,
        bytes: tally.bytes_in,
    });
    // What could not even be listed belongs to the first shard.
    if asked.knobs.shard.is_none_or(|shard| shard.index == 0) {
        for (id, error) in &listed.failed {
            fail(&mut tally, 0, id, error);
            tally.units += 1;
        }
    }

    let mut listing =
        Listing { files: Vec::with_capacity(files.len()), limits: asked.knobs.limits };
    let mut orders = HashMap::with_capacity(files.len());
    let hash = |index: usize| -> Result<(u64, Result<Digest>)> {
        let opened = files[index].1.open();
        let digest = opened.and_then(|source| {
            let digest =
                dataset::digest(&*source, &|bytes| asked.watch.event(Event::Hashed { bytes }))?;
            Ok((source.size(), digest))
        });
        Ok(match digest {
            Ok((length, digest)) => (length, Ok(digest)),
            Err(error) => (0, Err(error)),
        })
    };
    asked.crew.ordered(files.len(), hash, |index, (length, digest)| {
        let (order, file) = files[index];
        match digest {
            Ok(digest) => {
                let candidate = file.clone();
                orders.insert(file.id.clone(), order);
                listing.files.push(Listed {
                    id: file.id.clone(),
                    path: file.path.clone(),
                    length,
                    digest,
                    given: file.given.clone(),
                    open: Box::new(move || candidate.open()),
                });
            }
            Err(error) => fail(&mut tally, order, &file.id, &error),
        }
        Ok(())
    })?;

    let note = |message: String| asked.watch.event(Event::Note { message });
    if listing.files.is_empty() && tally.failures.is_empty() {
        note(
            "no file was found: is the input where it should be, and not left out by `include`?"
                .into(),
        );
    }
    let strange: BTreeSet<&str> = listing
        .files
        .iter()
        .flat_map(|file| file.given.keys().map(String::as_str))
        .filter(|column| !LISTED.contains(column))
        .collect();
    if !strange.is_empty() {
        let columns = strange.into_iter().take(12).collect::<Vec<_>>().join(", ");
        note(format!(
            "columns of the list that are not looked at: {columns} (those that are: {})",
            LISTED.join(", ")
        ));
    }
    let cause = cause(asked.step, &listing)?;
    let key = cause.key()?;
    let facts = asked.step.entry().fields();
    let mut sink = RowSink {
        rows,
        facts: &facts,
        orders: &orders,
        digests: Vec::new(),
        tally,
        step,
        watch: asked.watch,
    };
    asked.step.run(AnyInput::Listing(listing), &mut sink, asked.crew)?;
    let RowSink { digests, mut tally, .. } = sink;
    let hit = publish(asked, &key, cause, &digests)?;
    let failed = tally.failures.len() as u64;
    tally.hits = if hit { tally.units - failed.min(tally.units) } else { 0 };
    tally.made = tally.units - tally.hits - failed.min(tally.units);
    tally.failures.sort_by_key(|(order, _)| *order);
    Ok(tally)
}

/// Which files this shard does. Files of one length may be duplicates of each other, and duplicates
/// must meet in one shard to be marked: where lengths are shared, the first bytes tell.
fn share(asked: &Asked<'_>, files: &[Candidate]) -> Result<Vec<bool>> {
    if asked.knobs.shard.is_none() {
        return Ok(vec![true; files.len()]);
    }
    let mut lengths = BTreeMap::<u64, usize>::new();
    for file in files {
        *lengths.entry(file.length.unwrap_or(0)).or_default() += 1;
    }
    let head = |index: usize| -> Result<[u8; 32]> {
        let length = files[index].length.unwrap_or(0);
        if lengths[&length] == 1 {
            return Ok([0; 32]);
        }
        // A file that cannot be read is some shard's to report; any will do.
        let head = files[index].open().and_then(|f| f.read_vec(0, HEAD_BYTES.min(f.size())));
        Ok(head.map(|bytes| *Digest::of(&bytes).as_bytes()).unwrap_or_default())
    };
    let mut units = Vec::with_capacity(files.len());
    asked.crew.ordered(files.len(), head, |index, head| {
        let length = files[index].length.unwrap_or(0);
        units.push(((length, head), length));
        Ok(())
    })?;
    Ok(parts::mine(&units, asked.knobs.shard))
}

fn cause(step: &dyn AnyStep, listing: &Listing) -> Result<Cause> {
    let entry = step.entry();
    let files: Vec<_> = listing.files.iter().map(|f| (&f.id, &f.digest, &f.given)).collect();
    let steps = vec![StepCause {
        step: entry.name.into(),
        version: entry.version.into(),
        params: step.params().clone(),
    }];
    Ok(Cause::new(steps, Digest::of_json(&files)?, BTreeMap::new()))
}

/// Puts the record of the listing, or holds the rows to the one that is there.
///
/// Its one output has no file: `rows` is the digest of the ordered digests of the rows, each row
/// without its path, since the same files may be mounted elsewhere.
fn publish(asked: &Asked<'_>, key: &Digest, cause: Cause, digests: &[Digest]) -> Result<bool> {
    let output = Output {
        name: "rows".into(),
        path: None,
        offset: None,
        length: digests.len() as u64,
        digest: Digest::of_digests(digests),
        media_type: "application/vnd.apache.parquet".into(),
        width_px: None,
        height_px: None,
        facts: serde_json::Map::new(),
    };
    let record = Record {
        cause,
        outputs: vec![output],
        previews: Vec::new(),
        packs: Vec::new(),
        made_by: MadeBy::this_build(),
    };
    if asked.out.write_new(&Record::path(key), &record.to_bytes()?)? {
        return Ok(false);
    }
    match asked.out.record(key) {
        Err(error @ Error::Format { .. }) => {
            let message = format!("{error}; it is made anew");
            asked.watch.event(Event::Note { message });
            asked.out.replace(&Record::path(key), &record.to_bytes()?).map(|()| false)
        }
        Err(error) => Err(error),
        Ok(Some(first)) if first.outputs == record.outputs => Ok(true),
        Ok(_) => Err(Error::NotDeterministic {
            key: key.short(),
            message: "the same files gave other rows".into(),
        }),
    }
}

struct RowSink<'a> {
    rows: &'a mut RowsOut,
    facts: &'a [Field],
    orders: &'a HashMap<String, u64>,
    digests: Vec<Digest>,
    tally: Tally,
    step: &'static str,
    watch: &'a dyn Watch,
}

impl RowSink<'_> {
    fn order(&self, id: &str) -> u64 {
        self.orders.get(id).copied().unwrap_or(u64::MAX >> 12)
    }

    fn item(&self, found: Found) -> Item {
        let prefix = format!("{}.", self.step);
        let fact = |field: &Field| -> Value {
            let short = field.name.strip_prefix(&prefix).unwrap_or(&field.name);
            found
                .facts
                .get(short)
                .or_else(|| found.facts.get(&field.name))
                .cloned()
                .unwrap_or(Value::Null)
        };
        Item {
            facts: self.facts.iter().map(fact).collect(),
            id: found.id,
            path: found.path,
            offset: None,
            length: found.length,
            digest: found.digest,
            media_type: found.media_type,
            width_px: found.width_px,
            height_px: found.height_px,
            label: found.label,
            group: found.group,
            split: None,
            weight: None,
            trail: String::new(),
        }
    }
}

impl Sink for RowSink<'_> {
    fn take(&mut self, emitted: Emitted) -> Result<()> {
        match emitted {
            Emitted::Found(found) => {
                let order = self.order(&found.id);
                let item = self.item(found);
                let row = (
                    (&item.id, &item.digest, item.length, &item.media_type),
                    (item.width_px, item.height_px, &item.label, &item.group),
                    &item.facts,
                );
                self.digests.push(Digest::of_json(&row)?);
                self.tally.items += 1;
                self.tally.bytes_out += item.length;
                self.watch.event(Event::UnitDone {
                    id: item.id.clone(),
                    hit: false,
                    items: 1,
                    bytes_in: item.length,
                    bytes_out: 0,
                    seconds: 0.0,
                });
                self.rows.push(item, order)
            }
            Emitted::Failed(id, error) => {
                let failure = Failure::new(&id, self.step, &error);
                self.watch.event(Event::Failed(failure.clone()));
                self.tally.failures.push((self.order(&id), failure));
                Ok(())
            }
            _ => Err(Error::Bug { message: "a listing step gives rows of files only".into() }),
        }
    }
}
