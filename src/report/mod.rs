//! `report.html` and `report.json`: what a person, and a program, looks at after a run.
//!
//! One file that needs nothing else: style and pictures are inside, nothing is loaded from
//! anywhere, no script runs. It is written for those who decide whether the data are right — does
//! the tissue mask lie on tissue, which slides gave nothing, which classes are rare — and only then
//! for those who want numbers and digests.
//!
//! Ids, labels and messages are other people's text: everything goes through maud's escaping.
//! Memory is bounded: manifests are read a batch at a time, counts are integers, at most
//! [`MOST_CARDS`] slides get a card and [`MOST_PICTURES`] items a place on the contact sheet. The
//! page is a function of the dataset and the [`Summary`]: the same ones give the same bytes.

mod balance;
mod chain;
mod chart;
mod classes;
mod copies;
mod findings;
mod fits;
mod found;
mod measures;
mod numbers;
mod page;
mod pairs;
mod part;
mod photos;
mod picture;
mod pictures;
mod rows;
mod run;
mod sections;
mod sheet;
mod stains;
mod svg;
mod tally;
mod traps;
mod words;

use std::io::BufRead;

pub use chain::{Cut, earlier};
pub use classes::{Classes, MOST_BARS, Warning};
pub use copies::{Copied, Copies, CopyColumns, MOST_COPIES, MOST_ORIGINALS};
pub use findings::{Card, Findings, MOST_CARDS, MOST_FAILURES, Resolution};
pub use fits::{Counts, Fit, Fits, FitsOf, MOST_FITS, Slides, Vectors};
pub use measures::{Measure, Measured};
pub use numbers::{Bins, FORMAT, Numbers, SheetNumbers, SlideNumbers, StepNumbers};
pub use page::render;
pub use pairs::{MOST_PAIRS, MOST_SLIDES, Pair, PairColumns, Pairs};
pub use part::{render_error, render_part};
pub use picture::Picture;
pub use pictures::{Pictures, pictures};
pub use sheet::{Draw, MOST_PICTURES, Sheet, Sight};
pub use tally::{Counted, Histogram, Tally};
pub use traps::{TrapColumns, Traps};

use crate::dataset::Root;
use crate::error::{Error, Result};
use crate::manifest::ManifestReader;
use crate::steps;
use crate::summary::{Failure, Summary};

/// The report's file below the root.
pub const REPORT: &str = "report.html";
/// The same numbers for programs: [`Numbers`].
pub const NUMBERS: &str = "report.json";
/// What a run says of itself.
const RUN: &str = "run.json";

/// Writes [`REPORT`] and [`NUMBERS`] for a run whose last manifest this is. It need not be in its place yet: the
/// manifest is the last file of a dataset, and the report comes before it.
///
/// What is missing (a preview, a patch, an earlier manifest) is left out of the page.
///
/// # Errors
/// [`crate::Error::Format`] or [`crate::Error::Store`] when the last manifest cannot be read or the
/// page not written.
pub fn write(root: &Root, summary: &Summary, manifest: ManifestReader) -> Result<()> {
    let (page, numbers) = made(root, summary, manifest)?;
    root.replace(NUMBERS, &numbers)?;
    root.replace(REPORT, page.as_bytes())
}

/// The page, and the bytes of [`NUMBERS`].
fn made(root: &Root, summary: &Summary, manifest: ManifestReader) -> Result<(String, Vec<u8>)> {
    let findings = find(root, summary, manifest)?;
    let pictures = pictures(root, &findings);
    let numbers = Numbers::of(summary, &findings, &pictures);
    let mut numbers = serde_json::to_vec_pretty(&numbers)
        .map_err(|e| Error::Bug { message: format!("{NUMBERS}: {e}") })?;
    numbers.push(b'\n');
    Ok((render(root.uri(), summary, &findings, &pictures), numbers))
}

/// Writes the report of a finished dataset again: into the dataset, or as these two files of another
/// folder (page, numbers).
///
/// # Errors
/// [`Error::Params`] when `root` holds no finished dataset; otherwise as [`write()`].
pub fn again(root: &Root, to: Option<(&Root, &str, &str)>) -> Result<()> {
    let absent = |what: &str| {
        Error::params(
            "DATASET",
            format!(
                "{} holds no {what}: name the folder or URL of a finished dataset (parts of shards: `microtome merge` first)",
                root.uri()
            ),
        )
    };
    let manifest = match root.is_dataset()? {
        true => root.manifest()?,
        false => return Err(absent("manifest")),
    };
    let run = root.read(RUN)?.ok_or_else(|| absent(RUN))?;
    let summary: Summary = serde_json::from_slice(&run).map_err(|e| {
        Error::format(RUN, format!("it is not what a run of this version leaves: {e}"))
    })?;
    let Some((folder, page_name, numbers_name)) = to else {
        return write(root, &summary, manifest);
    };
    let (page, numbers) = made(root, &summary, manifest)?;
    folder.replace(numbers_name, &numbers)?;
    folder.replace(page_name, page.as_bytes())
}

/// Counts what the page says.
///
/// # Errors
/// As [`write()`].
pub fn find(root: &Root, summary: &Summary, manifest: ManifestReader) -> Result<Findings> {
    let mut findings = Findings::new(chain::cut(root, summary, manifest.schema()));
    // Without the manifest of the slides the page has no cards; it is still a page.
    if let Some((cut, mut slides)) = findings.cut.clone().and_then(|c| c.slides().map(|s| (c, s))) {
        let schema = slides.schema().clone();
        let reads = steps::find(&cut.step.step).map_or(&[][..], |entry| entry.reads);
        while let Some(batch) = slides.next_batch().ok().flatten() {
            batch.iter().for_each(|item| findings.take_source(&schema, reads, item));
        }
    }
    for line in root.read("failures.jsonl")?.unwrap_or_default().as_slice().lines() {
        // A line that is no failure is a torn write of another program; the count is in the summary.
        if let Some(failure) = line.ok().and_then(|l| serde_json::from_str::<Failure>(&l).ok()) {
            findings.take_failure(failure);
        }
    }
    let at = |name: &str| summary.steps.iter().rposition(|step| step.step == name);
    let places = Places {
        fits: at("fit-stain"),
        pairs: at("stain-normalize"),
        traps: at("filter-background"),
        copies: at("augment"),
    };
    findings.traps_at = places.traps;
    findings.earlier = chain::earlier(summary);
    findings.begin(Classes::find(summary, &manifest)?);
    rows::take(&mut findings, manifest.table())?;
    let last = summary.steps.len().saturating_sub(1);
    let sought = Sought::new(last, &places);
    if sought.is_any() {
        read(manifest, &mut findings, summary, &sought)?;
    }
    // What the steps before left is read backwards, the images after before those before.
    for index in (0..last).rev() {
        let sought = Sought::new(index, &places);
        if let Some(reader) =
            sought.is_any().then(|| chain::between(root, summary, index)).flatten()
        {
            // A manifest that breaks off half way leaves the page with what was read.
            read(reader, &mut findings, summary, &sought).ok();
        }
    }
    let mut before = |at: Option<usize>, sought: Sought| {
        let (from, reader) = chain::before(root, summary, at?)?;
        if at == Some(0) {
            read(reader, &mut findings, summary, &sought).ok();
        }
        Some(from)
    };
    let of_pairs = before(places.pairs, Sought { before: true, ..Sought::default() });
    let of_copies = before(places.copies, Sought { originals: true, ..Sought::default() });
    (findings.before, findings.originals) = (of_pairs, of_copies);
    Ok(findings)
}

/// Where in the run the steps stand of which the page says more than of others.
struct Places {
    fits: Option<usize>,
    pairs: Option<usize>,
    traps: Option<usize>,
    copies: Option<usize>,
}

/// What a manifest is read for.
#[derive(Default)]
struct Sought {
    /// The step that fitted stains, if this is its manifest.
    fits: Option<usize>,
    /// The step that normalized, if this is its manifest.
    pairs: Option<usize>,
    /// The images before.
    before: bool,
    /// What was found in photos.
    traps: bool,
    /// Copies.
    copies: bool,
    /// Their originals.
    originals: bool,
}

impl Sought {
    fn new(index: usize, places: &Places) -> Self {
        let here = |step: &usize| *step == index;
        Self {
            fits: places.fits.filter(here),
            pairs: places.pairs.filter(here),
            before: places.pairs == Some(index + 1),
            traps: places.traps == Some(index),
            copies: places.copies == Some(index),
            originals: places.copies == Some(index + 1),
        }
    }

    fn is_any(&self) -> bool {
        let counted = self.fits.is_some() || self.pairs.is_some() || self.traps;
        counted || self.before || self.copies || self.originals
    }
}

/// Reads a manifest once for all that is sought in it.
fn read(
    mut manifest: ManifestReader,
    findings: &mut Findings,
    summary: &Summary,
    sought: &Sought,
) -> Result<()> {
    let schema = manifest.schema().clone();
    let params = |at: Option<usize>| at.and_then(|at| summary.steps.get(at)).map(|s| &s.params);
    let slides = Slides::of(&schema);
    let (pair_columns, trap_columns) = (PairColumns::of(&schema), TrapColumns::of(&schema));
    let copy_columns = CopyColumns::of(&schema);
    let mut fits = params(sought.fits).map(Fits::new);
    let mut pairs = params(sought.pairs).map(|params| Pairs::new(params, per_cohort(summary)));
    let mut traps = sought.traps.then(Traps::default);
    let mut copies = sought.copies.then(Copies::default);
    while let Some(batch) = manifest.next_batch()? {
        for item in &batch {
            if let Some(fits) = &mut fits {
                fits.take(&schema, slides, item);
            }
            if let Some(pairs) = &mut pairs {
                pairs.take(&pair_columns, item);
            }
            if let Some(traps) = &mut traps {
                traps.take(&trap_columns, item);
            }
            if let Some(copies) = &mut copies {
                copies.take(&copy_columns, item);
            }
            if sought.before
                && let Some(pairs) = &mut findings.pairs
            {
                pairs.take_before(item);
            }
            if sought.originals
                && let Some(copies) = &mut findings.copies
            {
                copies.take_before(item);
            }
        }
    }
    if let Some(mut pairs) = pairs {
        pairs.look();
        findings.pairs = Some(pairs);
    }
    if let Some(mut copies) = copies {
        copies.look();
        findings.copies = Some(copies);
    }
    findings.fits = fits.or(findings.fits.take());
    findings.traps = traps.or(findings.traps.take());
    Ok(())
}

/// Whether the slides of this run have one profile, that of all of them.
fn per_cohort(summary: &Summary) -> bool {
    let mut fits = summary.steps.iter().filter(|step| step.step == "fit-stain");
    fits.any(|step| FitsOf::params(&step.params) == FitsOf::Cohort)
}
