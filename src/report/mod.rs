//! `report.html`: what a person looks at after a run.
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

mod chart;
mod findings;
mod page;
mod picture;
mod run;
mod sections;
mod sheet;
mod tally;
mod words;

use std::collections::BTreeMap;
use std::io::BufRead;

pub use findings::{Card, Columns, Findings, MOST_CARDS, MOST_FAILURES, Resolution};
pub use page::render;
pub use picture::Picture;
pub use sheet::{MOST_PICTURES, Sheet, Sight};
pub use tally::{Counted, Histogram, Tally};

use crate::dataset::Root;
use crate::error::Result;
use crate::manifest::ManifestReader;
use crate::record::{Cause, StepCause};
use crate::steps;
use crate::summary::{Failure, Summary};

/// The report's file below the root.
pub const REPORT: &str = "report.html";
/// Largest file that is taken for a picture, in bytes.
const PICTURE_BYTES: u64 = 8 << 20;
/// Largest photo that is shown when nothing was made from it, in bytes: decoding is not free.
const PHOTO_BYTES: u64 = 2 << 20;
/// Bytes of overlays that the page embeds as they are, shared by its cards.
const OVERLAY_BYTES: usize = 3 << 20;

/// The pictures of a page.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pictures {
    /// Overlay (or thumbnail) of a source, by its id.
    pub overlays: BTreeMap<String, Picture>,
    /// Items of the contact sheet, in the manifest's order.
    pub sheet: Vec<(Sight, Picture)>,
}

/// Writes [`REPORT`] for a run whose last manifest this is. It need not be in its place yet: the
/// manifest is the last file of a dataset, and the report comes before it.
///
/// What is missing (a preview, a patch, an earlier manifest) is left out of the page.
///
/// # Errors
/// [`crate::Error::Format`] or [`crate::Error::Store`] when the last manifest cannot be read or the
/// page not written.
pub fn write(root: &Root, summary: &Summary, manifest: ManifestReader) -> Result<()> {
    let findings = find(root, summary, manifest)?;
    let pictures = pictures(root, summary, &findings);
    root.replace(REPORT, render(root.uri(), summary, &findings, &pictures).as_bytes())
}

/// Counts what the page says.
///
/// # Errors
/// As [`write()`].
pub fn find(root: &Root, summary: &Summary, mut manifest: ManifestReader) -> Result<Findings> {
    let mut findings = Findings::default();
    let step = summary.steps.last().map_or("", |s| s.step.as_str());
    // Without the manifest that the last step read, the page has no cards; it is still a page.
    if let Some(mut before) = manifest_before(root, summary) {
        let schema = before.schema().clone();
        let reads = steps::find(step).map_or(&[][..], |entry| entry.reads);
        while let Some(batch) = before.next_batch().ok().flatten() {
            batch.iter().for_each(|item| findings.take_source(&schema, reads, item));
        }
    }
    for line in root.read("failures.jsonl")?.unwrap_or_default().as_slice().lines() {
        // A line that is no failure is a torn write of another program; the count is in the summary.
        if let Some(failure) = line.ok().and_then(|l| serde_json::from_str::<Failure>(&l).ok()) {
            findings.take_failure(failure);
        }
    }
    let columns = Columns::of(manifest.schema(), step);
    while let Some(batch) = manifest.next_batch()? {
        batch.iter().for_each(|item| findings.take_item(&columns, item));
    }
    Ok(findings)
}

/// The manifest that the last step read; `None` for a listing, which reads none.
fn manifest_before(root: &Root, summary: &Summary) -> Option<ManifestReader> {
    match summary.steps.as_slice() {
        [.., before, _] => {
            let path = format!("manifests/{}-{}.parquet", summary.steps.len() - 1, before.step);
            root.manifest_at(&path).ok()
        }
        [only] if only.step != "scan" => Root::open(&summary.input).ok()?.manifest().ok(),
        _ => None,
    }
}

/// Brings the pictures: overlays of the cards, items of the sheet. Never fails.
pub fn pictures(root: &Root, summary: &Summary, findings: &Findings) -> Pictures {
    let mut pictures = Pictures::default();
    let keep = OVERLAY_BYTES / findings.cards.len().max(1);
    for card in &findings.cards {
        let Some(key) = card.key.or_else(|| key_of(summary, card)) else { continue };
        let place = format!("previews/{}@{}", card.digest.short(), key.short());
        let read = |name: &str| {
            let path = format!("{place}/{name}");
            let length = root.length(&path).ok()??;
            (length <= PICTURE_BYTES).then(|| root.read(&path).ok()?).flatten()
        };
        let names = ["overlay.jpg", "overlay.png", "thumbnail.jpg", "thumbnail.png"];
        if let Some(picture) =
            names.into_iter().find_map(read).and_then(|b| Picture::new(&b, Some(keep)))
        {
            pictures.overlays.insert(card.id.clone(), picture);
        }
    }
    let most_bytes = if findings.derived { PICTURE_BYTES } else { PHOTO_BYTES };
    for sight in findings.sheet.pick(MOST_PICTURES) {
        if sight.item.length > most_bytes || !sight.item.media_type.starts_with("image/") {
            continue;
        }
        let picture = root.item_bytes(&sight.item).ok().and_then(|b| Picture::new(&b, None));
        pictures.sheet.extend(picture.map(|p| (sight.clone(), p)));
    }
    pictures
}

/// The key of the record that the last step made of a source, for sources that left no row.
fn key_of(summary: &Summary, card: &Card) -> Option<crate::digest::Digest> {
    let last = summary.steps.last()?;
    let step = StepCause {
        step: last.step.clone(),
        version: last.version.clone(),
        params: last.params.clone(),
    };
    Cause::new(vec![step], card.digest, card.columns.clone()).key().ok()
}
