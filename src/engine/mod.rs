//! The engine: one chain of steps over one input: look up, run, commit.
//!
//! **The guarantees first.** For any number of threads, any number of shards, and however often it
//! was killed on the way, a run ends with the same files: items, packs, records, previews, manifest
//! and failures, byte for byte (only `run.json` and the times in the report tell what happened
//! when). A unit is committed whole or not at all: outputs first, then the record that names them;
//! the manifest comes last. What has a record and its outputs is not done again. One bad unit never
//! stops the others.
//!
//! Bounded: units in flight by the number of threads, pieces of units by the crew, rows by the batch.

mod carry;
mod checks;
mod files;
mod group_rows;
mod grouping;
mod groups;
mod ids;
mod images;
mod legs;
mod listing;
mod merge;
mod packed;
mod partitions;
mod parts;
mod rows;
mod series;
mod share;
mod size;
mod types;
mod unit;
mod whole;

use std::time::Instant;

pub use checks::{check, check_chain};
pub use legs::{earlier_legs, merge_leg};
pub use merge::{MergeSummary, manifest_parts, merge};
pub use size::size;
pub use types::{Event, Knobs, Layout, Leg, MaxFailures, Shard, Silent, Watch};

pub use crate::summary::{Failure, StepSummary, Summary};

use crate::dataset::{MANIFEST, Root, Sealed, is_url};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::manifest::Schema;
use crate::report;
use crate::step::{AnyStep, Crew, Grain};
use checks::{check_partitions, check_shard, checked, own};
use files::Files;
use images::Tally;
use rows::RowsOut;

/// Failures of a run, a JSON line each.
pub const FAILURES: &str = "failures.jsonl";
/// The summary of a run.
pub const RUN: &str = "run.json";

/// What is to be done: a chain of steps, from an input to an output.
pub struct Plan {
    /// A dataset, or what [`crate::dataset::list_input`] takes when the first step is a listing.
    pub input: String,
    /// The chain; at least one step.
    pub steps: Vec<Box<dyn AnyStep>>,
    /// Where everything goes.
    pub out: Root,
}

/// Runs a chain.
///
/// # Errors
/// What kept the run as a whole from being done (params, schema, storage); [`Error::Stopped`] when
/// it was told to stop. Failures of single units are in the summary, not here.
pub fn run(plan: &Plan, knobs: &Knobs, crew: &Crew, watch: &dyn Watch) -> Result<Summary> {
    let behind = knobs.leg.as_ref().map(|leg| legs::behind(plan, leg)).transpose()?.flatten();
    let leads_to = checked(plan, behind.as_ref())?;
    if knobs.shard.is_some() {
        check_shard(plan)?;
    }
    if !knobs.partition_by.is_empty() {
        check_partitions(plan, &leads_to, knobs)?;
    }
    own(&plan.out)?;
    let begun = Instant::now();
    let _staging = plan.out.begin()?;
    let mut summary = Summary {
        microtome: env!("CARGO_PKG_VERSION").into(),
        input: seen_from_anywhere(&plan.input),
        shard: knobs.shard.map(|s| format!("{}/{}", s.index, s.count)),
        steps: Vec::new(),
        failures: 0,
        store_failures: 0,
        leg: knobs.leg.as_ref().map(ToString::to_string),
        given: behind.as_ref().map(|behind| behind.digest),
        units: 0,
        seconds: 0.0,
        threads: knobs.threads,
    };
    let files = Files::of(knobs);
    let earlier = earlier_run(&plan.out, &files.run())?;
    let mut failures: Vec<(u64, Failure)> = Vec::new();
    let mut schema = Schema::default();
    let mut before: Option<Before> =
        behind.map(|behind| Before { path: behind.manifest, is_part: false });
    let mut last = Rows::Kept(Digest::of(b""));
    for (index, step) in plan.steps.iter().enumerate() {
        let step_begun = Instant::now();
        let entry = step.entry();
        let (tally, follows_from, rows) = if entry.grain == Grain::Listing {
            schema = Schema { facts: entry.fields() };
            let mut rows = RowsOut::new(&plan.out, schema.clone(), knobs.shard.is_some())?
                .with_threads(knobs.threads);
            let asked = listing::Asked {
                step: &**step,
                input: &plan.input,
                out: &plan.out,
                knobs,
                crew,
                watch,
            };
            let tally = listing::run(&asked, &mut rows)?;
            let sealed = rows.finish()?;
            (tally, sealed.digest, Rows::New(sealed))
        } else {
            let is_last = index + 1 == plan.steps.len();
            let chained = Chained {
                before: before.as_ref(),
                place: if is_last {
                    files.last_manifest()
                } else {
                    files.between(index, entry.name)
                },
                earlier: earlier.as_ref().and_then(|run| run.steps.get(index)),
            };
            manifest_step(plan, &**step, &chained, &mut schema, (knobs, crew, watch))?
        };
        summary.steps.push(told(&**step, &tally, (rows.digest(), follows_from), step_begun));
        if let Some(done) = summary.steps.last() {
            watch.event(Event::StepDone(Box::new(done.clone())));
        }
        summary.units += tally.units;
        summary.failures += tally.failures.len() as u64;
        summary.store_failures +=
            tally.failures.iter().filter(|(_, failure)| failure.is_of_store()).count() as u64;
        failures.extend(tally.failures);
        if index + 1 < plan.steps.len() {
            let path = files.between(index, entry.name);
            if let Rows::New(sealed) = rows {
                plan.out.put(&path, sealed)?;
            }
            before = Some(Before { path, is_part: knobs.shard.is_some() });
        } else {
            last = rows;
        }
    }
    summary.seconds = begun.elapsed().as_secs_f64();
    if !files.is_whole() {
        // Partitions are of whole manifests.
    } else if knobs.partition_by.is_empty() {
        partitions::clear(&plan.out, last.digest())?;
    } else {
        let table = match &last {
            Rows::New(sealed) => sealed.manifest()?,
            Rows::Kept(_) => plan.out.manifest()?,
        };
        let manifest = (table.table(), last.digest());
        partitions::write(&plan.out, manifest, &knobs.partition_by, crew, knobs.threads)?;
    }
    let told_already = earlier.is_some_and(|run| says_the_same(&run, &summary));
    let stands = |name: &str| plan.out.length(name).map(|length| length.is_some());
    let report_stands = !files.is_whole()
        || (stands(report::REPORT)? && stands(report::NUMBERS)? && stands(FAILURES)?);
    // What earlier legs say may have changed where the manifest did not.
    let told_already = told_already && knobs.leg.is_none();
    if !(matches!(last, Rows::Kept(_)) && told_already && report_stands) {
        commit(plan, knobs, &summary, &failures, last)?;
    }
    Ok(summary)
}

/// Whether what an earlier run wrote down of itself holds for this one too, times and counts of what
/// was made aside.
fn says_the_same(earlier: &Summary, now: &Summary) -> bool {
    let manifests = |run: &Summary| run.steps.iter().map(|s| s.manifest).collect::<Vec<_>>();
    earlier.failures == 0
        && now.failures == 0
        && earlier.input == now.input
        && manifests(earlier) == manifests(now)
}

/// An input as it is found from any folder.
fn seen_from_anywhere(input: &str) -> String {
    let absolute = (!is_url(input)).then(|| std::path::absolute(input).ok()).flatten();
    absolute.map_or_else(|| input.to_string(), |path| path.to_string_lossy().into_owned())
}

/// A step's manifest: written now, or found as it would be written.
enum Rows {
    New(Sealed),
    Kept(Digest),
}

impl Rows {
    fn digest(&self) -> Digest {
        match self {
            Self::New(sealed) => sealed.digest,
            Self::Kept(digest) => *digest,
        }
    }
}

/// The summary that an earlier run left. One of another version, or a broken one, is no help and no
/// harm: everything is looked at again.
fn earlier_run(out: &Root, path: &str) -> Result<Option<Summary>> {
    Ok(out.read(path)?.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

/// The columns of the manifest that a step makes of another.
fn schema_after(before: &Schema, entry: &crate::step::Entry) -> Schema {
    match entry.grain {
        Grain::Image => images::schema_after(before, entry),
        Grain::Group | Grain::Listing | Grain::Manifest => before.with(&entry.fields()),
    }
}

/// A step's place in its run.
struct Chained<'a> {
    /// The manifest that it reads, where that lies in the output.
    before: Option<&'a Before>,
    /// Where its own manifest goes.
    place: String,
    /// What an earlier run said of it.
    earlier: Option<&'a StepSummary>,
}

/// A manifest in the output that a step reads: of the step before it in the same run, or of the leg before.
struct Before {
    path: String,
    /// Whether it has this shard's rows alone.
    is_part: bool,
}

/// A step that makes a manifest of another, image by image or group by group.
fn manifest_step(
    plan: &Plan,
    step: &dyn AnyStep,
    chained: &Chained<'_>,
    schema: &mut Schema,
    (knobs, crew, watch): (&Knobs, &Crew, &dyn Watch),
) -> Result<(Tally, Digest, Rows)> {
    // Behind a step of the same run, the manifest is this shard's already.
    let is_part = chained.before.is_some_and(|before| before.is_part);
    let (input, path) = match chained.before {
        Some(before) => (plan.out.clone(), before.path.as_str()),
        None => (Root::open(&plan.input)?, MANIFEST),
    };
    let shard = knobs.shard.filter(|_| !is_part);
    let reader = input.manifest_at(path)?;
    if chained.before.is_none() || knobs.leg.is_some() {
        *schema = reader.schema().clone();
    }
    let entry = step.entry();
    let begun = |units, bytes| {
        let (step, version) = (entry.name.into(), entry.version.into());
        watch.event(Event::StepBegun { step, version, units, bytes });
    };
    let after = schema_after(schema, entry);
    let bench = unit::Bench {
        step,
        input: &input,
        schema,
        out: &plan.out,
        knobs,
        crew,
        watch,
        claims: unit::Claims::default(),
        noted: false.into(),
    };
    let seat = input.seat();
    let place = |item: &str| match chained.before {
        Some(_) => item.to_string(),
        None => seat.absolute(item),
    };
    if entry.grain == Grain::Group {
        let open = || input.manifest_at(path);
        let share = grouping::share(&open, step, shard, is_part)?;
        begun(share.units, share.bytes);
        let mut rows = RowsOut::new(&plan.out, after.clone(), knobs.shard.is_some())?
            .with_threads(knobs.threads);
        let tally = groups::run(&bench, &open, &share, &mut rows, &place)?;
        *schema = after;
        return Ok((tally, share.follows_from, Rows::New(rows.finish()?)));
    }
    if entry.grain == Grain::Manifest {
        begun(1, 0);
        let place = chained.before.is_none().then_some(&place as &(dyn Fn(&str) -> String + Sync));
        let whole = whole::Whole { bench: &bench, table: reader.table().clone(), place, chained };
        let done = whole.run(path, after.clone())?;
        *schema = after;
        return Ok(done);
    }
    let share = share::share(&mut input.manifest_at(path)?, step, shard)?;
    begun(share.units, share.bytes);
    if let Some(earlier) = chained.earlier
        && earlier.follows_from == share.follows_from
        && earlier.failures == 0
        && plan.out.digest(&chained.place)? == Some(earlier.manifest)
        && let Some(tally) = images::all_done(&bench, input.manifest_at(path)?, &share)?
    {
        *schema = after;
        return Ok((tally, share.follows_from, Rows::Kept(earlier.manifest)));
    }
    let mut rows =
        RowsOut::new(&plan.out, after.clone(), knobs.shard.is_some())?.with_threads(knobs.threads);
    let tally = images::run(&bench, reader, &share, is_part, &mut rows, &place)?;
    *schema = after;
    Ok((tally, share.follows_from, Rows::New(rows.finish()?)))
}

fn told(
    step: &dyn AnyStep,
    tally: &Tally,
    (manifest, follows_from): (Digest, Digest),
    begun: Instant,
) -> StepSummary {
    StepSummary {
        step: step.entry().name.into(),
        version: step.entry().version.into(),
        params: step.params().clone(),
        units: tally.units,
        hits: tally.hits,
        made: tally.made,
        failures: tally.failures.len() as u64,
        dropped: tally.dropped,
        items: tally.items,
        balance: tally.told.balance.clone(),
        findings: tally.told.findings.clone(),
        notes: tally.told.notes.clone(),
        bytes_in: tally.bytes_in,
        bytes_out: tally.bytes_out,
        manifest,
        follows_from,
        slowest: tally.slowest.clone(),
        bytes_written: tally.bytes_written,
        seconds: begun.elapsed().as_secs_f64(),
    }
}

/// Failures, summary, report; the manifest last.
fn commit(
    plan: &Plan,
    knobs: &Knobs,
    summary: &Summary,
    failures: &[(u64, Failure)],
    rows: Rows,
) -> Result<()> {
    match (&knobs.leg, knobs.shard) {
        (None, None) => return finish(&plan.out, summary, failures, rows),
        (Some(leg), None) => return legs::commit(&plan.out, leg, summary, failures, rows),
        (_, Some(_)) => {}
    }
    let files = Files::of(knobs);
    plan.out.replace(&files.failures(), &merge::ordered_failures(failures)?)?;
    plan.out.replace(&files.run(), &pretty(summary)?)?;
    match rows {
        Rows::New(sealed) => plan.out.put(&files.last_manifest(), sealed),
        Rows::Kept(_) => Ok(()),
    }
}

/// Puts the last files of a whole dataset in place; the manifest comes last.
fn finish(out: &Root, summary: &Summary, failures: &[(u64, Failure)], rows: Rows) -> Result<()> {
    out.replace(FAILURES, &merge::plain_failures(failures)?)?;
    out.replace(RUN, &pretty(summary)?)?;
    match rows {
        Rows::Kept(_) => report::write(out, summary, out.manifest()?),
        Rows::New(sealed) => {
            report::write(out, summary, sealed.manifest()?)?;
            out.put(MANIFEST, sealed)
        }
    }
}

fn pretty(summary: &Summary) -> Result<Vec<u8>> {
    serde_json::to_vec_pretty(summary).map_err(|e| Error::Bug { message: format!("{RUN}: {e}") })
}
