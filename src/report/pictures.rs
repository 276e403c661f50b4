//! The pictures of a page: brought from the dataset, made small, and left out where they are missing.

use std::collections::BTreeMap;

use super::findings::{Card, Findings};
use super::fits::{Fit, FitsOf};
use super::picture::Picture;
use super::sheet::{MOST_PICTURES, Sheet, Sight};
use crate::dataset::Root;
use crate::digest::Digest;
use crate::manifest::Item;
use crate::record::{Cause, Record, StepCause};

/// Largest file that is taken for a picture, in bytes.
const PICTURE_BYTES: u64 = 8 << 20;
/// Largest photo that is shown when nothing was made from it, in bytes: decoding is not free.
const PHOTO_BYTES: u64 = 2 << 20;
/// Bytes of overlays that the page embeds as they are, shared by its cards.
const OVERLAY_BYTES: usize = 3 << 20;
/// Largest record of a fit, in bytes: it names a few files.
const RECORD_BYTES: u64 = 1 << 20;
/// Bytes of drawings that the page embeds; the first cards have them.
const DRAWING_BYTES: u64 = 6 << 20;
/// Sides of a drawing that says nothing of its own, in pixels.
const DRAWING_PX: (u32, u32) = (440, 440);

/// The pictures of a page.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pictures {
    /// Overlay (or thumbnail) of a source, by its id.
    pub overlays: BTreeMap<String, Picture>,
    /// Items of the contact sheet, in the manifest's order or, where there are several classes, class by class.
    pub sheet: Vec<(Sight, Picture)>,
    /// What a fit drew, by its slide, group or image.
    pub drawings: BTreeMap<String, Picture>,
    /// What the fit of all slides drew, where it stands in for some.
    pub cohort: Option<Picture>,
    /// Images before and after, by the id of the image before.
    pub pairs: BTreeMap<String, [Picture; 2]>,
    /// Copies, by their ids.
    pub copies: BTreeMap<String, Picture>,
    /// Originals of copies, by their ids.
    pub originals: BTreeMap<String, Picture>,
}

/// Brings the pictures. Never fails.
pub fn pictures(root: &Root, findings: &Findings) -> Pictures {
    let mut pictures = Pictures::default();
    overlays(findings, &mut pictures);
    drawings(root, findings, &mut pictures);
    pairs(root, findings, &mut pictures);
    copies(root, findings, &mut pictures);
    let most_bytes = if findings.is_made() { PICTURE_BYTES } else { PHOTO_BYTES };
    // Class by class, in the order of the classes.
    let by_class = (findings.class_sheets.iter())
        .flat_map(|(_, sheet)| sheet.pick(Sheet::most_of_each(findings.class_sheets.len())));
    for sight in findings.sheet.pick(MOST_PICTURES).into_iter().chain(by_class) {
        let picture = bytes(root, &sight.item, most_bytes).and_then(|b| Picture::new(&b, None));
        pictures.sheet.extend(picture.map(|p| (sight.clone(), p)));
    }
    pictures
}

fn bytes(root: &Root, item: &Item, most: u64) -> Option<Vec<u8>> {
    let is_picture = item.length <= most && item.media_type.starts_with("image/");
    is_picture.then(|| root.item_bytes(item).ok()).flatten()
}

fn overlays(findings: &Findings, pictures: &mut Pictures) {
    let Some(cut) = &findings.cut else { return };
    let keep = OVERLAY_BYTES / findings.cards.len().max(1);
    let step = StepCause {
        step: cut.step.step.clone(),
        version: cut.step.version.clone(),
        params: cut.step.params.clone(),
    };
    // A source that left no row tells no key: it follows from what the step was asked for.
    let key_of =
        |card: &Card| Cause::new(vec![step.clone()], card.digest, card.columns.clone()).key().ok();
    for card in &findings.cards {
        let Some(key) = card.key.or_else(|| key_of(card)) else { continue };
        let place = format!("previews/{}@{}", card.digest.short(), key.short());
        let read = |name: &str| {
            let path = format!("{place}/{name}");
            let length = cut.root.length(&path).ok()??;
            (length <= PICTURE_BYTES).then(|| cut.root.read(&path).ok()?).flatten()
        };
        let names = ["overlay.jpg", "overlay.png", "thumbnail.jpg", "thumbnail.png"];
        if let Some(picture) =
            names.into_iter().find_map(read).and_then(|b| Picture::new(&b, Some(keep)))
        {
            pictures.overlays.insert(card.id.clone(), picture);
        }
    }
}

fn drawings(root: &Root, findings: &Findings, pictures: &mut Pictures) {
    let Some(fits) = &findings.fits else { return };
    let mut left = DRAWING_BYTES;
    // The keys of a fit end with its own and, where all slides were put together, with theirs.
    let of_all = |fit: &Fit| fit_record(root, fit.keys.last()?);
    let own = |fit: &Fit| fit.keys.iter().find_map(|key| fit_record(root, key));
    let cohort = fits.cohort.as_ref().and_then(of_all);
    pictures.cohort = cohort.and_then(|record| drawing(root, &record, &mut left));
    for fit in fits.shown() {
        let record = if fits.of == FitsOf::Cohort { of_all(fit) } else { own(fit) };
        if let Some(picture) = record.and_then(|record| drawing(root, &record, &mut left)) {
            pictures.drawings.insert(fit.name.clone(), picture);
        }
    }
}

/// The record of this key, if it is that of a fit.
fn fit_record(root: &Root, key: &Digest) -> Option<Record> {
    if root.length(&Record::path(key)).ok()?? > RECORD_BYTES {
        return None;
    }
    let record = root.record(key).ok()??;
    (record.cause.steps.last()?.step == "fit-stain").then_some(record)
}

/// The plane of densities that a record names.
fn drawing(root: &Root, record: &Record, left: &mut u64) -> Option<Picture> {
    let preview = record.previews.iter().find(|p| p.name == "od-plane.svg")?;
    let path = preview.path.as_deref().filter(|path| path.starts_with("previews/"))?;
    if preview.length > *left || root.length(path).ok()?? != preview.length {
        return None;
    }
    let bytes = root.read(path).ok()??;
    // Nobody but the step draws on this page.
    let is_own = Digest::of(&bytes) == preview.digest;
    let picture = is_own.then(|| Picture::drawing(&bytes, DRAWING_PX)).flatten()?;
    *left -= preview.length;
    Some(picture)
}

fn pairs(root: &Root, findings: &Findings, pictures: &mut Pictures) {
    let Some((pairs, from)) = findings.pairs.as_ref().zip(findings.before.as_ref()) else { return };
    for pair in pairs.by_slide().into_iter().flatten() {
        let small = |root: &Root, item: &Item| Picture::small(&bytes(root, item, PICTURE_BYTES)?);
        let before = pairs.before.get(&pair.source_id).and_then(Option::as_ref);
        if let Some(before) = before.and_then(|item| small(from, item))
            && let Some(after) = small(root, &pair.after)
        {
            pictures.pairs.insert(pair.source_id.clone(), [before, after]);
        }
    }
}

fn copies(root: &Root, findings: &Findings, pictures: &mut Pictures) {
    let Some((copies, from)) = findings.copies.as_ref().zip(findings.originals.as_ref()) else {
        return;
    };
    let small = |root: &Root, item: &Item| Picture::small(&bytes(root, item, PICTURE_BYTES)?);
    for of in copies.by_original() {
        let original = of.first().and_then(|copy| copies.originals.get(&copy.original_id));
        if let Some(item) = original.and_then(Option::as_ref) {
            let picture = small(from, item);
            pictures.originals.extend(picture.map(|picture| (item.id.clone(), picture)));
        }
        for copy in of {
            let picture = small(root, &copy.item);
            pictures.copies.extend(picture.map(|picture| (copy.item.id.clone(), picture)));
        }
    }
}
