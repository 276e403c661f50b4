//! The rows of the last manifest, column by column: of a hundred million rows, what the page says is in a
//! dozen columns, and a few dozen rows are shown.

use super::findings::{Findings, Resolution};
use super::measures::measured;
use super::pairs::is_amount;
use super::sheet::Sight;
use super::tally::Tally;
use super::words;
use crate::error::Result;
use crate::manifest::{Batch, Item, Kind, Schema, Table, Texts};

/// Base columns that the page reads.
const BASE: [&str; 10] = [
    "id",
    "path",
    "offset",
    "length",
    "digest",
    "media_type",
    "width_px",
    "height_px",
    "label",
    "trail",
];
/// Facts that it reads, where they are there.
const FACTS: [&str; 12] = [
    "tile.source_id",
    "stain-normalize.shows",
    "tile.tissue_fraction",
    "stain-normalize.tissue_fraction",
    "tile.luminance_mean",
    "tile.mpp_source",
    "tile.mpp_x",
    "tile.mpp_y",
    "tile.x_px",
    "tile.y_px",
    "exif.make",
    "exif.model",
];

/// Rows with the same word that follow each other.
#[derive(Default)]
struct Run {
    word: Option<String>,
    items: u64,
    bytes: u64,
}

impl Run {
    fn add(&mut self, tally: &mut Tally, word: Option<&str>, bytes: u64) {
        if self.word.as_deref() != word {
            self.end(tally);
            self.word = word.map(str::to_string);
        }
        self.items += 1;
        self.bytes += bytes;
    }

    fn end(&mut self, tally: &mut Tally) {
        tally.add_many(self.word.as_deref(), self.items, self.bytes);
        (self.items, self.bytes) = (0, 0);
    }
}

/// Numbers of a column, whole or not; none where there is no such column.
fn numbers(batch: &Batch, name: &str) -> Vec<Option<f64>> {
    if let Ok(floats) = batch.floats(name) {
        return floats.collect();
    }
    batch.ints(name).map(|ints| ints.map(|n| n.map(|n| n as f64)).collect()).unwrap_or_default()
}

fn whole(batch: &Batch, name: &str) -> Vec<Option<u64>> {
    let ints = batch.ints(name).map(|ints| ints.map(|n| n.and_then(|n| u64::try_from(n).ok())));
    ints.map(Iterator::collect).unwrap_or_default()
}

fn at<T: Copy>(column: &[Option<T>], row: usize) -> Option<T> {
    column.get(row).copied().flatten()
}

fn word<'a>(column: Option<Texts<'a>>, row: usize) -> Option<&'a str> {
    column.and_then(|column| column.get(row))
}

/// Takes all rows of the last manifest.
///
/// # Errors
/// [`crate::Error::Format`] when the manifest is broken or a digest is none.
pub fn take(findings: &mut Findings, table: &Table) -> Result<()> {
    let schema = table.schema();
    findings.measured = measured(schema);
    // The earliest step's stands first, and names the file that was there before any step.
    let is_image_id =
        |name: &str| name.ends_with(".source_id") && schema.kind(name) == Some(Kind::Text);
    let image_id = schema.facts.iter().map(|f| f.name.as_str()).find(|name| is_image_id(name));
    let measured = findings.measured.iter().map(|m| m.measure.column);
    let mut columns: Vec<&str> =
        BASE.into_iter().chain(FACTS).chain(measured).chain(image_id).collect();
    columns.retain(|name| schema.kind(name).is_some());
    columns.sort_unstable();
    columns.dedup();
    for index in 0..table.batches() {
        take_batch(findings, &table.batch(index, &columns)?, schema, image_id)?;
    }
    Ok(())
}

fn take_batch(
    findings: &mut Findings,
    batch: &Batch,
    schema: &Schema,
    image_id: Option<&str>,
) -> Result<()> {
    let text = |name: &str| batch.text(name).ok();
    let (ids, paths, labels) = (text("id"), text("path"), text("label"));
    let (digests, types, trails) = (text("digest"), text("media_type"), text("trail"));
    let (lengths, offsets) = (whole(batch, "length"), whole(batch, "offset"));
    let (widths, heights) = (whole(batch, "width_px"), whole(batch, "height_px"));
    let (sources, shows) = (text("tile.source_id"), text("stain-normalize.shows"));
    let (image_ids, mpp_source) = (image_id.and_then(text), text("tile.mpp_source"));
    let (makes, models) = (text("exif.make"), text("exif.model"));
    let own = schema.fact("tile.tissue_fraction").is_some();
    let tissue = numbers(
        batch,
        if own { "tile.tissue_fraction" } else { "stain-normalize.tissue_fraction" },
    );
    let luminance = numbers(batch, "tile.luminance_mean");
    let [mpp_x, mpp_y, x_px, y_px] =
        ["tile.mpp_x", "tile.mpp_y", "tile.x_px", "tile.y_px"].map(|name| numbers(batch, name));
    for measured in &mut findings.measured {
        let values = numbers(batch, measured.measure.column);
        // Amounts of a stain are no photographs.
        let shown = values.iter().enumerate().filter(|(row, _)| !is_amount(word(shows, *row)));
        shown.filter_map(|(_, value)| *value).for_each(|value| measured.add(value));
    }
    let (mut of_type, mut of_shape, mut of_device) = <(Run, Run, Run)>::default();
    let (mut shape, mut device) = ((None, None), (None, None));
    let (mut shape_words, mut device_words): (Option<String>, Option<String>) = (None, None);
    let mut place = None;
    for row in 0..batch.rows() {
        let length = at(&lengths, row).unwrap_or(0);
        findings.bytes = findings.bytes.saturating_add(length);
        if is_amount(word(shows, row)) {
            findings.amounts += 1;
            continue;
        }
        let position = findings.items;
        findings.items += 1;
        let source = word(sources, row);
        findings.derived |= source.is_some();
        of_type.add(&mut findings.media_types, word(types, row), length);
        let size = (at(&widths, row), at(&heights, row));
        if size != shape {
            shape = size;
            shape_words = size.0.zip(size.1).map(|(w, h)| format!("{w} × {h}"));
        }
        of_shape.add(&mut findings.shapes, shape_words.as_deref(), length);
        let made = (word(makes, row), word(models, row));
        if made != device {
            device = made;
            let words: Vec<&str> = [made.0, made.1].into_iter().flatten().collect();
            device_words = (!words.is_empty()).then(|| words.join(" "));
        }
        of_device.add(&mut findings.devices, device_words.as_deref(), length);
        let covered = at(&tissue, row);
        covered.into_iter().for_each(|share| findings.coverage.add(share));
        at(&luminance, row).into_iter().for_each(|value| findings.luminance.add(value));
        let is_next = source != findings.last_source.as_deref();
        if is_next || row == 0 {
            place = source.and_then(|source| findings.places.get(source)).copied();
        }
        if is_next {
            findings.sources_with_items += u64::from(source.is_some());
            findings.last_source = source.map(str::to_string);
        }
        if let Some(card) = place.and_then(|place| findings.cards.get_mut(place)) {
            card.items += 1;
            card.item_bytes = card.item_bytes.saturating_add(length);
            covered.into_iter().for_each(|share| card.coverage.add(share));
            if card.items == 1 {
                let from = word(mpp_source, row).map(str::to_string);
                let mpp = at(&mpp_x, row).zip(at(&mpp_y, row));
                card.resolution = mpp.map(|(x, y)| Resolution { x, y, from });
                let mut keys = word(trails, row).unwrap_or_default().split_whitespace();
                card.key = keys.nth(card.key_at).and_then(|key| key.parse().ok());
            }
        }
        let label = word(labels, row);
        let sheet = match findings.class_sheets.is_empty() {
            true => Some(&mut findings.sheet),
            // Few classes have a row on the sheet: a walk along them is short.
            false => label.and_then(|label| {
                let mut all = findings.class_sheets.iter_mut();
                all.find(|(class, _)| class == label).map(|(_, sheet)| sheet)
            }),
        };
        let Some(sheet) = sheet else { continue };
        let digest = word(digests, row).unwrap_or_default().parse()?;
        sheet.offer(source.unwrap_or_default(), &digest, || {
            let id = word(ids, row).unwrap_or_default().to_string();
            let mut caption = Vec::new();
            if let (Some(x), Some(y)) = (at(&x_px, row), at(&y_px, row)) {
                caption.push(format!("x {}, y {}", words::number(x, 1), words::number(y, 1)));
            }
            caption.extend(covered.map(|c| format!("{} tissue", words::percent(c, 1.0))));
            caption.extend(label.map(str::to_string));
            let name = source.or(word(image_ids, row)).unwrap_or(&id).to_string();
            let side = |px: Option<u64>| px.and_then(|px| u32::try_from(px).ok());
            let item = Item {
                id,
                path: word(paths, row).unwrap_or_default().to_string(),
                offset: at(&offsets, row),
                length,
                digest,
                media_type: word(types, row).unwrap_or_default().to_string(),
                width_px: side(size.0),
                height_px: side(size.1),
                label: label.map(str::to_string),
                group: None,
                split: None,
                weight: None,
                trail: String::new(),
                facts: Vec::new(),
            };
            Sight { row: position, item, name, caption }
        });
    }
    of_type.end(&mut findings.media_types);
    of_shape.end(&mut findings.shapes);
    of_device.end(&mut findings.devices);
    Ok(())
}
