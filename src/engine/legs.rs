//! Legs: a chain whose steps run one by one, each in a process of its own, all in one dataset.
//!
//! A leg says in `runs/<n>-<step>.json` what it did, and of which manifest it did it ([`Summary::given`]). Whoever comes
//! next holds all of that together: a leg that was done again without those behind it is found, not built upon.

use super::files::Files;
use super::types::Leg;
use super::{Failure, Plan, Rows, Summary, merge, partitions};
use crate::dataset::{Root, Sealed};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::manifest::Schema;
use crate::steps;

/// What a leg finds of the legs before it.
pub(super) struct Behind {
    /// Where the manifest lies that it reads.
    pub manifest: String,
    pub digest: Digest,
    pub schema: Schema,
    /// What each earlier leg did.
    pub legs: Vec<Summary>,
}

/// What stands before this leg; `None` for the first, which reads an input like every run.
///
/// # Errors
/// [`Error::Params`] when the plan is not this leg, when an earlier leg is missing, or does not follow from the one before it.
pub(super) fn behind(plan: &Plan, leg: &Leg) -> Result<Option<Behind>> {
    if let Some(unknown) = leg.chain.iter().find(|name| steps::find(name).is_none()) {
        return Err(Error::params("--leg", format!("there is no step {unknown:?}")));
    }
    let names: Vec<&str> = plan.steps.iter().map(|step| step.entry().name).collect();
    if names != [leg.step()] {
        return Err(Error::params(
            "--leg",
            format!("leg {} of {leg} is `{}`, not `{}`", leg.number, leg.step(), names.join(", ")),
        ));
    }
    if leg.number == 1 {
        return Ok(None);
    }
    let root = &plan.out;
    if !Root::open(&plan.input)?.is(root) {
        return Err(Error::params(
            "--leg",
            format!(
                "leg {} reads what the leg before it left in the output: give {} as input too",
                leg.number,
                root.uri()
            ),
        ));
    }
    let legs = earlier_legs(root, leg)?;
    let before = leg.nth(leg.number - 1);
    let manifest = before.manifest();
    let told = made_by(&legs);
    match root.digest(&manifest)? {
        Some(digest) if Some(digest) == told => {
            let schema = root.manifest_at(&manifest)?.schema().clone();
            Ok(Some(Behind { manifest, digest, schema, legs }))
        }
        found => {
            let found = if found.is_some() { "is not the one that" } else { "is gone, though" };
            Err(Error::params(
                "--leg",
                format!(
                    "{}/{manifest} {found} leg {} tells of: run that leg again",
                    root.uri(),
                    before.number
                ),
            ))
        }
    }
}

/// What the legs before this one did, each following from the one before it.
///
/// # Errors
/// [`Error::Params`] when one is missing, or was done on another manifest than the one before it gives.
pub fn earlier_legs(root: &Root, leg: &Leg) -> Result<Vec<Summary>> {
    let mut legs: Vec<Summary> = Vec::new();
    for number in 1..leg.number {
        let before = leg.nth(number);
        let path = Files { leg: Some(&before), shard: None }.run();
        let bytes = root.read(&path)?.ok_or_else(|| {
            Error::params(
                "--leg",
                format!(
                    "leg {number} (`{}`) was not done in {}: there is no {path}. Run the legs in order, and the merge behind shards",
                    before.step(),
                    root.uri()
                ),
            )
        })?;
        let one: Summary = serde_json::from_slice(&bytes)
            .map_err(|e| Error::format(format!("{}/{path}", root.uri()), e.to_string()))?;
        if one.leg.as_deref() != Some(before.to_string().as_str()) {
            let chain =
                one.leg.as_deref().and_then(|leg| leg.split_once(':')).map_or("", |(_, c)| c);
            return Err(Error::params(
                "--leg",
                format!(
                    "leg {number} (`{}`) in {} was done as part of the chain {chain:?}, not of {:?}: run it again, or choose another folder",
                    before.step(),
                    root.uri(),
                    leg.chain.join(",")
                ),
            ));
        }
        let made = made_by(&legs);
        if number > 1 && one.given != made {
            return Err(Error::params(
                "--leg",
                format!(
                    "leg {number} (`{}`) in {} was done on another manifest than leg {} gives now: run it again",
                    before.step(),
                    root.uri(),
                    number - 1
                ),
            ));
        }
        legs.push(one);
    }
    Ok(legs)
}

/// The manifest of the last of these legs.
fn made_by(legs: &[Summary]) -> Option<Digest> {
    legs.last().and_then(|run| run.steps.last()).map(|step| step.manifest)
}

/// Lays down what a leg leaves, or what its shards leave once they are joined: the last leg ends the dataset.
pub(super) fn commit(
    root: &Root,
    leg: &Leg,
    summary: &Summary,
    failures: &[(u64, Failure)],
    rows: Rows,
) -> Result<()> {
    let files = Files { leg: Some(leg), shard: None };
    root.replace(&files.failures(), &merge::ordered_failures(failures)?)?;
    root.replace(&files.run(), &super::pretty(summary)?)?;
    if !leg.is_last() {
        return match rows {
            Rows::New(sealed) => root.put(&files.last_manifest(), sealed),
            Rows::Kept(_) => Ok(()),
        };
    }
    let mut legs = earlier_legs(root, leg)?;
    legs.push(summary.clone());
    let whole = joined(&legs)?;
    let mut all = Vec::new();
    for number in 1..leg.number {
        let before = leg.nth(number);
        let path = Files { leg: Some(&before), shard: None }.failures();
        all.append(&mut merge::read_failures(root, &path)?);
    }
    all.extend(failures.iter().cloned());
    super::finish(root, &whole, &all, rows)
}

/// The summary of a run of the whole chain.
fn joined(legs: &[Summary]) -> Result<Summary> {
    let no_leg = || Error::Bug { message: "a chain without legs".into() };
    let mut whole = legs.first().ok_or_else(no_leg)?.clone();
    for leg in legs.iter().skip(1) {
        whole.steps.extend(leg.steps.iter().cloned());
        whole.failures += leg.failures;
        whole.store_failures += leg.store_failures;
        whole.units += leg.units;
        whole.seconds += leg.seconds;
    }
    whole.microtome = legs.last().ok_or_else(no_leg)?.microtome.clone();
    whole.shard = None;
    whole.leg = None;
    whole.given = None;
    Ok(whole)
}

/// Joins the shards of a leg, all of which lie in `root`, to what one run of the leg would have made.
///
/// `shards`: how many there are; 0 for those that are found. `given`: the digests of their manifests in the
/// order of the shards, where they are known from elsewhere; those that lie there are held to them.
///
/// # Errors
/// [`Error::Params`] when a shard is missing, ran another step, or read another manifest than the others;
/// [`Error::Store`] when a shard is just being written; [`Error::Format`].
pub fn merge_leg(
    root: &Root,
    leg: &Leg,
    shards: u32,
    given: &[Digest],
) -> Result<merge::MergeSummary> {
    let _staging = root.begin()?;
    let here = std::slice::from_ref(root);
    let collect = |folder: &str, ending: &str| {
        let stem = format!("{folder}/{}", leg.stem());
        merge::collect(here, &stem, ending, (shards > 0).then_some(shards))
    };
    let (manifests, runs) = (collect("manifests", ".parquet")?, collect("runs", ".json")?);
    let parts = merge::summaries(&runs)?;
    // The shards agree with each other: do they with what the leg before gives now?
    let made = made_by(&earlier_legs(root, leg)?);
    for (index, ((_, path), part)) in manifests.iter().zip(&parts).enumerate() {
        let told = part.steps.last().map(|step| step.manifest);
        let found = root.digest(path)?;
        if found != told {
            let uri = root.uri();
            let message = "it is not the one that its run tells of; is the shard being written?";
            return Err(Error::store(format!("{uri}/{path}"), message));
        }
        if given.get(index).is_some_and(|digest| Some(*digest) != found) {
            return Err(Error::params(
                "input_digests",
                format!("shard {index} of leg {leg} has other bytes than it was said to have"),
            ));
        }
        if part.leg.as_deref() != Some(leg.to_string().as_str()) {
            return Err(Error::params(
                "--leg",
                format!(
                    "shard {index} was done as leg {}, not as {leg}: run it again",
                    part.leg.as_deref().unwrap_or("of no chain")
                ),
            ));
        }
        if part.given != parts.first().and_then(|first| first.given) {
            return Err(Error::params(
                "--leg",
                format!(
                    "shard {index} of leg {leg} read another manifest than shard 0: run it again"
                ),
            ));
        }
    }
    if parts.first().is_some_and(|first| first.given != made) {
        return Err(Error::params(
            "--leg",
            format!(
                "the shards of leg {leg} read another manifest than leg {} gives now: run them again",
                leg.number.saturating_sub(1)
            ),
        ));
    }
    if !given.is_empty() && given.len() != parts.len() {
        return Err(Error::params(
            "input_digests",
            format!("{} digests for {} shards", given.len(), parts.len()),
        ));
    }
    let mut summary = merge::join_summaries(&runs, parts)?;
    if summary.steps.len() != 1 || summary.steps.iter().any(|step| step.step != leg.step()) {
        return Err(Error::params("--leg", format!("the shards of leg {leg} ran other steps")));
    }
    let failures = merge::join_failures(&collect("failures", ".jsonl")?, &summary)?;
    let (sealed, items): (Sealed, u64) = merge::join(&manifests, root)?;
    let manifest = sealed.digest;
    if let Some(step) = summary.steps.last_mut() {
        step.manifest = manifest;
    }
    if leg.is_last() {
        partitions::clear(root, manifest)?;
    }
    commit(root, leg, &summary, &failures, Rows::New(sealed))?;
    Ok(merge::MergeSummary {
        shards: manifests.len() as u32,
        items,
        failures: failures.len() as u64,
        units: summary.units,
        files_brought: 0,
        manifest,
    })
}
