//! The first pass over a manifest: what hangs together, and which classes rows have.

use super::Split;
use super::components::{Components, Joined, Twins, by_digest, few_enough};
use super::near::{MOST_WORK, pairs};
use super::params::{NearDuplicates, PHASH, Params, SOURCE};
use crate::error::{Error, Result};
use crate::manifest::{Batch, Kind, Schema};
use crate::step::{Manifest, Out, Step};
use crate::steps::codes::{Classes, Coded, Merged};

/// The columns of a manifest that params look at, each with its kind.
pub(super) struct Plan<'a> {
    pub joined: Vec<(&'a str, Kind)>,
    pub stratified: Vec<(&'a str, Kind)>,
    pub audited: Vec<(&'a str, Kind)>,
    pub phash: Option<&'a str>,
}

impl<'a> Plan<'a> {
    /// # Errors
    /// [`Error::Schema`] for a column that is not there or holds other values.
    pub fn new(params: &'a Params, schema: &Schema) -> Result<Self> {
        let of = |param: &str, names: Vec<&'a str>| -> Result<Vec<(&'a str, Kind)>> {
            names.into_iter().map(|name| Ok((name, kind_of(schema, param, name)?))).collect()
        };
        let site = params.site.as_deref();
        let param = |name: &str| if site == Some(name) { "site" } else { "group" };
        let joined = params.joined_by().into_iter();
        let joined = joined.map(|name| Ok((name, kind_of(schema, param(name), name)?)));
        let mut joined = joined.collect::<Result<Vec<_>>>()?;
        // Whoever keeps anything together keeps the patches of a slide together.
        let slides = (SOURCE, Kind::Text);
        if !joined.is_empty()
            && schema.kind(SOURCE) == Some(Kind::Text)
            && !joined.contains(&slides)
        {
            joined.push(slides);
        }
        let mut audited = params.audited();
        audited.retain(|name| *name != SOURCE || schema.kind(name).is_some());
        Ok(Self {
            joined,
            stratified: of("stratify", params.stratified())?,
            audited: of("audit", audited)?,
            phash: phash(params, schema)?,
        })
    }

    /// All names, each once.
    pub fn names(&self) -> Vec<&'a str> {
        let columns = self.joined.iter().chain(&self.stratified).chain(&self.audited);
        let mut names: Vec<&str> = columns.map(|(name, _)| *name).chain(self.phash).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// The kind of a column that may be coded.
///
/// # Errors
/// [`Error::Schema`] naming the column, and those that there are.
fn kind_of(schema: &Schema, param: &str, name: &str) -> Result<Kind> {
    let message = match schema.kind(name) {
        Some(Kind::Float) => format!(
            "`{param}` names it, and it holds numbers with fractions: text, integers and booleans can be told apart"
        ),
        Some(kind) => return Ok(kind),
        None => absent(schema, param),
    };
    let column = name.chars().take(80).collect();
    Err(Error::Schema { step: Split::NAME.into(), column, message })
}

/// What is said of a column that is not there.
fn absent(schema: &Schema, param: &str) -> String {
    let mut facts: Vec<&str> = schema.facts.iter().map(|field| field.name.as_str()).collect();
    let more = facts.len().saturating_sub(40);
    facts.truncate(40);
    let mut names: Vec<String> =
        ["label", "group"].iter().chain(&facts).map(|n| n.chars().take(80).collect()).collect();
    if more > 0 {
        names.push(format!("{more} more"));
    }
    format!("`{param}` names it; there are: {}", names.join(", "))
}

/// The column of perceptual hashes, where it is looked at.
fn phash<'a>(params: &'a Params, schema: &Schema) -> Result<Option<&'a str>> {
    let name = params.phash.as_str();
    let message = match (params.near_duplicates, schema.kind(name)) {
        (NearDuplicates::Ignore, _) => return Ok(None),
        (NearDuplicates::Warn, None) if name == PHASH => return Ok(None),
        (_, Some(Kind::Text)) => return Ok(Some(name)),
        (_, Some(kind)) => format!("it holds {} values, not hex digits", kind.json_name()),
        (_, None) if name == PHASH => {
            format!("{}; `filter-background` makes it", absent(schema, "phash"))
        }
        (_, None) => absent(schema, "phash"),
    };
    let column = name.chars().take(80).collect();
    Err(Error::Schema { step: Split::NAME.into(), column, message })
}

/// What the first pass found.
pub(super) struct Gathered {
    pub components: Components,
    pub classes: Vec<Classes>,
    /// Rows of the same digest.
    pub twins: Twins,
    /// Rows without a value in any column that joins.
    pub alone: u64,
    /// For each row that has one its perceptual hash, then its place; in order.
    pub hashes: Vec<u128>,
}

/// What one batch gives.
struct Part {
    joined: Vec<Coded>,
    stratified: Vec<Coded>,
    digests: Vec<u128>,
    hashes: Vec<u128>,
}

/// Reads all rows once.
pub(super) fn gather(
    params: &Params,
    manifest: &Manifest,
    out: &mut Out<'_, super::Facts>,
) -> Result<Gathered> {
    let plan = Plan::new(params, manifest.schema())?;
    let rows = manifest.rows();
    few_enough(rows, plan.joined.len())?;
    let columns = plan.joined.iter().chain(&plan.stratified).map(|(name, _)| *name);
    let mut names: Vec<&str> = columns.chain(plan.phash).chain(["digest"]).collect();
    names.sort_unstable();
    names.dedup();
    let mut joined = Joined::new(plan.joined.len(), rows);
    let mut classes: Vec<Merged> =
        plan.stratified.iter().map(|_| Merged::with_room(rows)).collect();
    let mut hashes = Vec::new();
    let make = |index: usize| part(&manifest.batch(index, &names)?, &plan);
    out.ordered(manifest.batches(), make, |_, _, part| {
        joined.push(&part.joined, &part.digests);
        classes.iter_mut().zip(&part.stratified).for_each(|(classes, coded)| classes.push(coded));
        hashes.extend_from_slice(&part.hashes);
        Ok(())
    })?;
    let classes = classes.into_iter().map(Merged::sorted).collect();
    let twins = joined.join_twins();
    hashes.sort();
    if params.near_duplicates == NearDuplicates::Join {
        join_alike(&mut joined, &hashes, params.near_duplicate_bits.into())?;
        hashes = Vec::new();
    }
    let alone = joined.alone;
    let names: Vec<&str> = plan.joined.iter().map(|(name, _)| *name).collect();
    let components = joined.finish(&names, params.seed);
    Ok(Gathered { components, classes, twins, alone, hashes })
}

fn part(batch: &Batch, plan: &Plan<'_>) -> Result<Part> {
    let of = |columns: &[(&str, Kind)]| -> Result<Vec<Coded>> {
        columns.iter().map(|(name, kind)| Coded::of(batch, *kind, name)).collect()
    };
    let first_row = batch.first_row();
    let digests = batch.digests()?;
    // The order of rows is kept apart from the sorting: rows are in the lower half.
    let mut digests: Vec<u128> =
        (first_row as u32..).zip(&digests).map(|(row, digest)| by_digest(digest, row)).collect();
    digests.sort_unstable();
    let mut hashes = Vec::new();
    if let Some(name) = plan.phash {
        for (row, text) in (first_row..).zip(batch.text(name)?.iter()) {
            let Some(text) = text else { continue };
            let hash = Some(text)
                .filter(|t| t.len() == 16 && t.bytes().all(|b| b.is_ascii_hexdigit()))
                .and_then(|t| u64::from_str_radix(t, 16).ok())
                .ok_or_else(|| {
                    let found: String = text.chars().take(80).collect();
                    let message = format!("row {row}: `{name}` {found:?} is not 16 hex digits");
                    Error::format("manifest", message)
                })?;
            hashes.push(u128::from(hash) << 32 | row as u128);
        }
        hashes.sort_unstable();
    }
    Ok(Part { joined: of(&plan.joined)?, stratified: of(&plan.stratified)?, digests, hashes })
}

/// Joins rows whose images look alike.
fn join_alike(joined: &mut Joined, hashes: &[u128], bits: u32) -> Result<()> {
    let (mut distinct, mut first) = (Vec::new(), Vec::new());
    for run in hashes.chunk_by(|a, b| a >> 32 == b >> 32) {
        distinct.push((run[0] >> 32) as u64);
        first.push(run[0] as u32);
        for row in run {
            joined.join(run[0] as u32, *row as u32);
        }
    }
    let search = pairs(&distinct, bits, MOST_WORK, |a, b| {
        joined.join(first[a], first[b]);
    });
    if !search.complete {
        return Err(Error::limit(
            "the work of finding images that look alike",
            format!("more than {MOST_WORK} comparisons for {} different hashes", distinct.len()),
            format!("{MOST_WORK} comparisons"),
            "take fewer `near_duplicate_bits`, or drop blank images before (`filter-background`)",
        ));
    }
    Ok(())
}
