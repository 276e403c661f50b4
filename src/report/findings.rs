//! What the page says: counted from the manifests, a batch of rows at a time.

use std::collections::BTreeMap;

use serde_json::Value;

use super::chain::Cut;
use super::classes::Classes;
use super::copies::Copies;
use super::fits::Fits;
use super::measures::Measured;
use super::pairs::Pairs;
use super::sheet::Sheet;
use super::tally::{Histogram, Tally};
use super::traps::Traps;
use super::words;
use crate::dataset::Root;
use crate::digest::Digest;
use crate::manifest::{Column, Item, Schema};
use crate::summary::{Failure, StepSummary};

/// Most slides that get a card.
pub const MOST_CARDS: usize = 48;
/// Most failures that are listed.
pub const MOST_FAILURES: usize = 200;

/// A slide as its card shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    /// Its id.
    pub id: String,
    /// Digest of its bytes.
    pub digest: Digest,
    /// Its bytes.
    pub length: u64,
    /// Columns of level 0.
    pub width_px: Option<u32>,
    /// Rows of level 0.
    pub height_px: Option<u32>,
    /// Its class.
    pub label: Option<String>,
    /// Its group.
    pub group: Option<String>,
    /// Values of the columns that the step read which cut it.
    pub columns: BTreeMap<String, Value>,
    /// Facts of the earlier steps that are worth a line: (words, value).
    pub lines: Vec<(&'static str, String)>,
    /// Items that were made of it.
    pub items: u64,
    /// Their bytes.
    pub item_bytes: u64,
    /// Tissue coverage of its items.
    pub coverage: Histogram,
    /// Resolution of its items in µm/px, and where it came from.
    pub resolution: Option<Resolution>,
    /// Key of the record that cut its items, once known.
    pub key: Option<Digest>,
    /// Place of that key in the trail of an item.
    pub key_at: usize,
    /// Why there is nothing, when it failed.
    pub failure: Option<Failure>,
}

/// Resolution of the items of a source.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolution {
    /// Micrometres per pixel along x.
    pub x: f64,
    /// Micrometres per pixel along y.
    pub y: f64,
    /// Where the slide's own µm/px came from: `manifest`, `header`, `assumed`, `none`.
    pub from: Option<String>,
}

/// All that the page shows, but for the pictures.
#[derive(Debug, Clone)]
pub struct Findings {
    /// Rows of the last manifest that show what was photographed.
    pub items: u64,
    /// Rows of the last manifest that show amounts of a stain.
    pub amounts: u64,
    /// Bytes of all rows.
    pub bytes: u64,
    /// Whether the rows are patches of slides, and not images of their own.
    pub derived: bool,
    /// The step that cut the patches.
    pub cut: Option<Cut>,
    /// Slides that the patches were cut from.
    pub sources: u64,
    /// Slides of which there is at least one item.
    pub sources_with_items: u64,
    /// The first [`MOST_CARDS`] slides.
    pub cards: Vec<Card>,
    /// Share of tissue in an item, 0–1.
    pub coverage: Histogram,
    /// Mean luminance of an item, 0–255.
    pub luminance: Histogram,
    /// What else was measured.
    pub measured: Vec<Measured>,
    /// How rows are shared out among classes, splits and groups.
    pub classes: Classes,
    /// Steps of the datasets that the run began from, oldest first.
    pub earlier: Vec<StepSummary>,
    /// Media types of the items.
    pub media_types: Tally,
    /// Cameras and scanners ("make model").
    pub devices: Tally,
    /// `width × height` of the items.
    pub shapes: Tally,
    /// Failures: the first [`MOST_FAILURES`].
    pub failures: Vec<Failure>,
    /// All failures that the list held.
    pub failures_found: u64,
    /// Which items stand on the contact sheet.
    pub sheet: Sheet,
    /// The same class by class, where there are several.
    pub class_sheets: Vec<(String, Sheet)>,
    /// Stains, when the run fitted them.
    pub fits: Option<Fits>,
    /// Images before and after, when the run normalized stains.
    pub pairs: Option<Pairs>,
    /// The dataset at which the paths of the images before begin.
    pub before: Option<Root>,
    /// What was found in photos, when the run looked for what moves.
    pub traps: Option<Traps>,
    /// Place in the run of the step that looked.
    pub traps_at: Option<usize>,
    /// Copies, when the run made some.
    pub copies: Option<Copies>,
    /// The dataset at which the paths of their originals begin.
    pub originals: Option<Root>,
    pub(super) last_source: Option<String>,
    pub(super) places: BTreeMap<String, usize>,
}

impl Findings {
    /// Nothing found yet; the items were cut by this step, or not at all.
    pub fn new(cut: Option<Cut>) -> Self {
        Self {
            items: 0,
            amounts: 0,
            bytes: 0,
            derived: cut.is_some(),
            cut,
            sources: 0,
            sources_with_items: 0,
            cards: Vec::new(),
            coverage: coverage(),
            luminance: Histogram::new(0.0, 256.0, 32),
            measured: Vec::new(),
            classes: Classes::default(),
            earlier: Vec::new(),
            media_types: Tally::default(),
            devices: Tally::default(),
            shapes: Tally::default(),
            failures: Vec::new(),
            failures_found: 0,
            sheet: Sheet::default(),
            class_sheets: Vec::new(),
            fits: None,
            pairs: None,
            before: None,
            traps: None,
            traps_at: None,
            copies: None,
            originals: None,
            last_source: None,
            places: BTreeMap::new(),
        }
    }
}

fn coverage() -> Histogram {
    Histogram::new(0.0, 1.0, 20)
}

fn text(schema: &Schema, item: &Item, column: &str) -> Option<String> {
    match item.value(schema, column) {
        Value::String(text) if !text.is_empty() => Some(text),
        Value::Number(number) => {
            Some(number.as_f64().map_or(number.to_string(), |n| words::number(n, 4)))
        }
        _ => None,
    }
}

impl Findings {
    /// Whether the items were made by a step, and are not the files that the run was given.
    pub fn is_made(&self) -> bool {
        self.derived || self.pairs.is_some()
    }

    /// Says how rows are shared out: classes that are shown have a row on the contact sheet.
    pub fn begin(&mut self, classes: Classes) {
        let shown = classes.sheet();
        let each = Sheet::most_of_each(shown.len());
        self.class_sheets =
            shown.into_iter().map(|class| (class, Sheet::new(each, each))).collect();
        self.classes = classes;
    }

    /// Takes a slide, a row of the manifest that was cut; `reads` are the columns that the step looked
    /// at.
    pub fn take_source(&mut self, schema: &Schema, reads: &[Column], item: &Item) {
        self.sources += 1;
        if self.cards.len() >= MOST_CARDS {
            return;
        }
        let mut lines = Vec::new();
        for (words, column) in SOURCE_LINES {
            if let Some(value) = text(schema, item, column) {
                lines.push((*words, value));
            }
        }
        self.places.insert(item.id.clone(), self.cards.len());
        self.cards.push(Card {
            id: item.id.clone(),
            digest: item.digest,
            length: item.length,
            width_px: item.width_px,
            height_px: item.height_px,
            label: item.label.clone(),
            group: item.group.clone(),
            columns: reads.iter().map(|c| (c.name.into(), item.value(schema, c.name))).collect(),
            lines,
            items: 0,
            item_bytes: 0,
            coverage: coverage(),
            resolution: None,
            key: None,
            key_at: item.trail.split_whitespace().count(),
            failure: None,
        });
    }

    /// Takes a line of `failures.jsonl`.
    pub fn take_failure(&mut self, failure: Failure) {
        self.failures_found += 1;
        if let Some(card) = self.places.get(&failure.id).and_then(|at| self.cards.get_mut(*at)) {
            card.failure = Some(failure.clone());
        }
        if self.failures.len() < MOST_FAILURES {
            self.failures.push(failure);
        }
    }
}

/// What a source's card says beyond its geometry.
const SOURCE_LINES: &[(&str, &str)] = &[
    ("format", "slide.vendor"),
    ("levels", "slide.levels"),
    ("compression", "slide.compression"),
    ("objective", "slide.objective"),
    ("µm/px in the file", "slide.mpp_x"),
    ("taken", "exif.time"),
];
