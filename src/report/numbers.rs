//! `report.json`: the numbers of the page, for programs.
//!
//! Everything is written from what the page is written from. Names of fields stay; new ones may come, and
//! [`FORMAT`] is counted up when one goes or changes its meaning. Numbers are plain (rows, bytes, seconds, shares from 0 to 1), digests are 64
//! hex digits.

use serde::{Serialize, Serializer, ser::SerializeStruct};
use serde_json::{Map, Value};

use super::classes::Classes;
use super::findings::{Card, Findings};
use super::pictures::Pictures;
use super::tally::{Counted, Histogram, Tally};
use crate::digest::Digest;
use crate::distribution::{Balance, SKEW_WARNING};
use crate::lineage::{Param, params_by_interest};
use crate::summary::{Failure, StepSummary, Summary};

/// The shape of `report.json`.
pub const FORMAT: u32 = 1;
/// Words of a tally that are written out; the others are added up.
const MOST_WORDS: usize = 1000;

/// The file as a whole.
#[derive(Debug, Serialize)]
pub struct Numbers<'a> {
    /// [`FORMAT`].
    pub report: u32,
    /// Version of the microtome crate that ran the steps.
    pub microtome: &'a str,
    /// Where the items came from.
    pub input: &'a str,
    /// `I/N`, for a shard.
    pub shard: Option<&'a str>,
    /// The inputs of the run: files, slides or patches.
    pub inputs: u64,
    /// Rows of the last manifest that show what was photographed.
    pub items: u64,
    /// Rows of the last manifest that show amounts of a stain.
    pub amounts: u64,
    /// Bytes of all rows.
    pub bytes: u64,
    /// Failures of all steps.
    pub failures: u64,
    /// Seconds of the whole run.
    pub seconds: f64,
    /// Threads it had.
    pub threads: usize,
    /// Imbalance ratio above which the page warns.
    pub skew_warning: f64,
    /// Classes, splits and groups, before the last step over a whole manifest and now; warnings.
    pub classes: &'a Classes,
    /// Steps of the run, with their params, counts, times and digests.
    pub steps: Vec<StepNumbers<'a>>,
    /// Steps of the datasets that the run began from, oldest first.
    pub earlier_steps: Vec<StepNumbers<'a>>,
    /// Histograms.
    pub histograms: Vec<Bins<'a>>,
    /// Slides that patches were cut from, in all.
    pub slides: u64,
    /// Slides of which there is at least one patch.
    pub slides_with_items: u64,
    /// The slides that have a card.
    pub slide_cards: Vec<SlideNumbers<'a>>,
    /// Media types.
    pub media_types: &'a Tally,
    /// Cameras and scanners.
    pub devices: &'a Tally,
    /// Sizes in pixels.
    pub shapes: &'a Tally,
    /// Verdicts, marks and bases of `filter-background`.
    pub verdicts: Option<[&'a Tally; 3]>,
    /// Ops of `augment`.
    pub ops: Option<&'a Tally>,
    /// How fits of stains fared.
    pub fits: Option<&'a Tally>,
    /// What became of images that were normalized: (from which profile, why, images).
    pub normalized: Vec<(&'a str, &'a str, u64)>,
    /// The first failures, with what was found and what to do.
    pub failure_list: &'a [Failure],
    /// What stands on the contact sheet.
    pub sheet: Vec<SheetNumbers<'a>>,
}

/// A step.
#[derive(Debug, Serialize)]
pub struct StepNumbers<'a> {
    /// Its name.
    pub step: &'a str,
    /// Its version.
    pub version: &'a str,
    /// Names of the params that differ from their defaults.
    pub changed: Vec<String>,
    /// All params, those first.
    pub params: Vec<Param>,
    /// Units in this run.
    pub units: u64,
    /// Units that a record answered.
    pub hits: u64,
    /// Units that were worked on and done.
    pub made: u64,
    /// Units that failed.
    pub failures: u64,
    /// Items that were left out as asked.
    pub dropped: u64,
    /// Items in the step's manifest.
    pub items: u64,
    /// Bytes of the inputs.
    pub bytes_in: u64,
    /// Bytes of all outputs.
    pub bytes_out: u64,
    /// Bytes written by this run.
    pub bytes_written: u64,
    /// Wall-clock seconds of this run.
    pub seconds: f64,
    /// Digest of its manifest.
    pub manifest: Digest,
    /// Digest of what the manifest's rows follow from.
    pub follows_from: Digest,
    /// The slowest units: (id, seconds).
    pub slowest: &'a [(String, f64)],
    /// How rows were shared out before and after.
    pub balance: Option<&'a Balance>,
    /// What the step says of the whole.
    pub findings: &'a Map<String, Value>,
    /// What it says that a person should know.
    pub notes: &'a [String],
}

/// A histogram.
#[derive(Debug, Serialize)]
pub struct Bins<'a> {
    /// The column that holds the values.
    pub column: &'a str,
    /// Its heading on the page.
    pub title: &'a str,
    /// Whether ends, bins and mean are `log2(1 + value)`.
    pub doubling: bool,
    /// Counts and ends.
    #[serde(flatten)]
    pub histogram: &'a Histogram,
}

/// A slide.
#[derive(Debug, Serialize)]
pub struct SlideNumbers<'a> {
    /// Its id.
    pub id: &'a str,
    /// Digest of its bytes.
    pub digest: &'a Digest,
    /// Its bytes.
    pub bytes: u64,
    /// Columns of level 0.
    pub width_px: Option<u32>,
    /// Rows of level 0.
    pub height_px: Option<u32>,
    /// Its class.
    pub label: Option<&'a str>,
    /// Its group.
    pub group: Option<&'a str>,
    /// Patches that were cut.
    pub items: u64,
    /// Their bytes.
    pub item_bytes: u64,
    /// Mean share of tissue in a patch.
    pub tissue_mean: Option<f64>,
    /// Whether it failed.
    pub failed: bool,
}

/// An item of the contact sheet.
#[derive(Debug, Serialize)]
pub struct SheetNumbers<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its class.
    pub label: Option<&'a str>,
    /// Its row in the manifest.
    pub row: u64,
    /// Its digest.
    pub digest: &'a Digest,
}

impl<'a> Numbers<'a> {
    /// Of what was found.
    pub fn of(summary: &'a Summary, findings: &'a Findings, pictures: &'a Pictures) -> Self {
        let bins = |column, title, doubling, histogram| Bins { column, title, doubling, histogram };
        let mut histograms = vec![
            bins("tile.tissue_fraction", "Tissue coverage", false, &findings.coverage),
            bins("tile.luminance_mean", "Mean luminance", false, &findings.luminance),
        ];
        histograms.extend(
            findings.measured.iter().map(|m| {
                bins(m.measure.column, m.measure.title, m.measure.doubles(), &m.histogram)
            }),
        );
        histograms.retain(|bins| bins.histogram.count() > 0);
        let outcomes = findings.pairs.iter().flat_map(|pairs| &pairs.outcomes);
        Self {
            report: FORMAT,
            microtome: &summary.microtome,
            input: &summary.input,
            shard: summary.shard.as_deref(),
            inputs: summary.inputs(),
            items: findings.items,
            amounts: findings.amounts,
            bytes: findings.bytes,
            failures: summary.failures,
            seconds: summary.seconds,
            threads: summary.threads,
            skew_warning: SKEW_WARNING,
            classes: &findings.classes,
            steps: summary.steps.iter().map(step).collect(),
            earlier_steps: findings.earlier.iter().map(step).collect(),
            histograms,
            slides: findings.sources,
            slides_with_items: findings.sources_with_items,
            slide_cards: findings.cards.iter().map(slide).collect(),
            media_types: &findings.media_types,
            devices: &findings.devices,
            shapes: &findings.shapes,
            verdicts: findings.traps.as_ref().map(|t| [&t.verdicts, &t.marks, &t.bases]),
            ops: findings.copies.as_ref().map(|copies| &copies.ops),
            fits: findings.fits.as_ref().map(|fits| &fits.statuses),
            normalized: outcomes
                .map(|((from, why), n)| (from.as_str(), why.as_str(), *n))
                .collect(),
            failure_list: &findings.failures,
            sheet: pictures
                .sheet
                .iter()
                .map(|(sight, _)| SheetNumbers {
                    id: &sight.item.id,
                    label: sight.item.label.as_deref(),
                    row: sight.row,
                    digest: &sight.item.digest,
                })
                .collect(),
        }
    }
}

fn step(step: &StepSummary) -> StepNumbers<'_> {
    let params = params_by_interest(&step.step, &step.params);
    let changed = params.iter().filter(|p| p.is_changed()).map(|p| p.name.clone()).collect();
    StepNumbers {
        step: &step.step,
        version: &step.version,
        changed,
        params,
        units: step.units,
        hits: step.hits,
        made: step.made,
        failures: step.failures,
        dropped: step.dropped,
        items: step.items,
        bytes_in: step.bytes_in,
        bytes_out: step.bytes_out,
        bytes_written: step.bytes_written,
        seconds: step.seconds,
        manifest: step.manifest,
        follows_from: step.follows_from,
        slowest: &step.slowest,
        balance: step.balance.as_ref(),
        findings: &step.findings,
        notes: &step.notes,
    }
}

fn slide(card: &Card) -> SlideNumbers<'_> {
    SlideNumbers {
        id: &card.id,
        digest: &card.digest,
        bytes: card.length,
        width_px: card.width_px,
        height_px: card.height_px,
        label: card.label.as_deref(),
        group: card.group.as_deref(),
        items: card.items,
        item_bytes: card.item_bytes,
        tissue_mean: card.coverage.mean(),
        failed: card.failure.is_some(),
    }
}

impl Serialize for Histogram {
    /// Low, high, bins, count and mean.
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut all = to.serialize_struct("Histogram", 5)?;
        all.serialize_field("low", &self.low)?;
        all.serialize_field("high", &self.high)?;
        all.serialize_field("count", &self.count())?;
        all.serialize_field("mean", &self.mean())?;
        all.serialize_field("bins", &self.bins)?;
        all.end()
    }
}

impl Serialize for Tally {
    /// The commonest words with their items and bytes, what is left over, and items without a word.
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let (top, (left_words, left_items)): (Vec<Counted>, _) = self.top(MOST_WORDS);
        let mut all = to.serialize_struct("Tally", 4)?;
        all.serialize_field("words", &top)?;
        all.serialize_field("other_words", &left_words)?;
        all.serialize_field("other_items", &left_items)?;
        all.serialize_field("without", &self.without())?;
        all.end()
    }
}
