//! What the page says: counted from the manifests, a batch of rows at a time.

use std::collections::BTreeMap;

use serde_json::Value;

use super::chain::Cut;
use super::classes::Classes;
use super::copies::Copies;
use super::fits::Fits;
use super::measures::{Measured, measured};
use super::pairs::{Pairs, is_amount};
use super::sheet::{Sheet, Sight};
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
    /// Classes of the items.
    pub labels: Tally,
    /// Groups of the items.
    pub groups: Tally,
    /// Splits of the items.
    pub splits: Tally,
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
    last_source: Option<String>,
    places: BTreeMap<String, usize>,
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
            labels: Tally::default(),
            groups: Tally::default(),
            splits: Tally::default(),
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

/// Where the last manifest keeps what the page shows: looked up once, not for each of its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    source_id: Option<usize>,
    image_id: Option<usize>,
    shows: Option<usize>,
    tissue_fraction: Option<usize>,
    luminance_mean: Option<usize>,
    mpp_source: Option<usize>,
    mpp: [Option<usize>; 2],
    corner: [Option<usize>; 2],
    device: [Option<usize>; 2],
}

impl Columns {
    /// In a manifest of these columns: what `tile` said of patches, or later steps of images.
    pub fn of(schema: &Schema) -> Self {
        let cut = |fact: &str| schema.fact(&format!("tile.{fact}"));
        Self {
            source_id: cut("source_id"),
            // The earliest step's stands first, and names the file that was there before any step.
            image_id: schema.facts.iter().position(|field| field.name.ends_with(".source_id")),
            shows: schema.fact("stain-normalize.shows"),
            tissue_fraction: cut("tissue_fraction")
                .or_else(|| schema.fact("stain-normalize.tissue_fraction")),
            luminance_mean: cut("luminance_mean"),
            mpp_source: cut("mpp_source"),
            mpp: [cut("mpp_x"), cut("mpp_y")],
            corner: [cut("x_px"), cut("y_px")],
            device: ["exif.make", "exif.model"].map(|name| schema.fact(name)),
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

    /// Begins with the last manifest: its columns, and the classes that have a row on the contact sheet.
    pub fn begin(&mut self, schema: &Schema, classes: Classes) {
        self.measured = measured(schema);
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

    /// Takes a row of the last manifest.
    pub fn take_item(&mut self, columns: &Columns, item: &Item) {
        let fact = |at: Option<usize>| at.and_then(|at| item.facts.get(at));
        let number = |at: Option<usize>| fact(at).and_then(Value::as_f64);
        let word = |at: Option<usize>| fact(at).and_then(Value::as_str);
        let source = word(columns.source_id);
        let covered = number(columns.tissue_fraction);
        let row = self.items;
        self.bytes = self.bytes.saturating_add(item.length);
        if is_amount(word(columns.shows)) {
            self.amounts += 1;
            return;
        }
        self.items += 1;
        self.derived |= source.is_some();
        self.labels.add(item.label.as_deref(), item.length);
        self.groups.add(item.group.as_deref(), item.length);
        self.splits.add(item.split.as_deref(), item.length);
        self.media_types.add(Some(&item.media_type), item.length);
        let shape = item.width_px.zip(item.height_px).map(|(w, h)| format!("{w} × {h}"));
        self.shapes.add(shape.as_deref(), item.length);
        let device: Vec<&str> = columns.device.iter().filter_map(|at| word(*at)).collect();
        let device = (!device.is_empty()).then(|| device.join(" "));
        self.devices.add(device.as_deref(), item.length);
        if let Some(share) = covered {
            self.coverage.add(share);
        }
        if let Some(luminance) = number(columns.luminance_mean) {
            self.luminance.add(luminance);
        }
        self.measured.iter_mut().for_each(|measured| measured.take(item));
        if source.is_some() && source != self.last_source.as_deref() {
            self.sources_with_items += 1;
        }
        if let Some(card) =
            source.and_then(|s| self.places.get(s)).and_then(|at| self.cards.get_mut(*at))
        {
            card.items += 1;
            card.item_bytes = card.item_bytes.saturating_add(item.length);
            covered.into_iter().for_each(|share| card.coverage.add(share));
            if card.items == 1 {
                let from = word(columns.mpp_source).map(str::to_string);
                let [x, y] = columns.mpp;
                let mpp = number(x).zip(number(y));
                card.resolution = mpp.map(|(x, y)| Resolution { x, y, from });
                let mut keys = item.trail.split_whitespace();
                card.key = keys.nth(card.key_at).and_then(|k| k.parse().ok());
            }
        }
        let sheet = match self.class_sheets.is_empty() {
            true => Some(&mut self.sheet),
            // Few classes have a row: a walk along them is short.
            false => item.label.as_ref().and_then(|label| {
                self.class_sheets
                    .iter_mut()
                    .find(|(class, _)| class == label)
                    .map(|(_, sheet)| sheet)
            }),
        };
        let sight = || {
            let mut caption = Vec::new();
            let [x, y] = columns.corner;
            if let (Some(x), Some(y)) = (number(x), number(y)) {
                caption.push(format!("x {}, y {}", words::number(x, 1), words::number(y, 1)));
            }
            caption.extend(covered.map(|c| format!("{} tissue", words::percent(c, 1.0))));
            caption.extend(item.label.clone());
            let name = source.or(word(columns.image_id)).unwrap_or(&item.id).to_string();
            Sight { row, item: item.clone(), name, caption }
        };
        if let Some(sheet) = sheet {
            sheet.offer(source.unwrap_or_default(), &item.digest, sight);
        }
        if source != self.last_source.as_deref() {
            self.last_source = source.map(str::to_string);
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
