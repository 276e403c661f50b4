//! What `fit-stain` found, counted from the manifest that it made.

use std::collections::BTreeSet;

use serde_json::Value;

use super::tally::Tally;
use crate::digest::Digest;
use crate::manifest::{Item, Schema};
use crate::stain::{Profile, Status};

/// Most fits that get a card.
pub const MOST_FITS: usize = 24;
/// Most names of slides that are told apart when their rows do not stand together.
const MOST_NAMES: usize = 100_000;

/// What the fits are of: the param `per`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FitsOf {
    /// Each image alone.
    Images,
    /// Slides, or groups of images where no slides were cut.
    Slides,
    /// All slides together; the rows of a slide carry what was counted in it.
    Cohort,
}

impl FitsOf {
    /// By the params of the step.
    pub fn params(params: &Value) -> Self {
        match params.get("per").and_then(Value::as_str) {
            Some("image") => Self::Images,
            Some("cohort") => Self::Cohort,
            _ => Self::Slides,
        }
    }

    /// What one fit is of.
    pub fn nouns(self) -> (&'static str, &'static str) {
        if self == Self::Images { ("image", "images") } else { ("slide", "slides") }
    }
}

/// The two stains of a profile.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Vectors {
    /// Hematoxylin and eosin: densities in red, green and blue.
    pub matrix: [[f64; 3]; 2],
    /// Their maximum concentrations.
    pub max: [Option<f64>; 2],
}

/// What was counted on the way to a fit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Images that were looked at.
    pub images: u64,
    /// Images that could not be decoded.
    pub unreadable: u64,
    /// Pixels of all of them.
    pub pixels: u64,
    /// Tissue pixels among them.
    pub tissue_px: u64,
    /// Tissue pixels that were sampled.
    pub sampled_px: u64,
}

/// A fit as its card shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// The slide, group or image.
    pub name: String,
    /// How it fared at the gates, in words.
    pub status: String,
    /// Whether there is a profile.
    pub passed: bool,
    /// What was counted.
    pub counts: Counts,
    /// The stains; `None` where there are none.
    pub vectors: Option<Vectors>,
    /// Means and standard deviations of L*, a*, b*, with the Reinhard methods.
    pub lab: Option<[[f64; 3]; 2]>,
    /// Angle between the stains in degrees.
    pub angle_deg: Option<f64>,
    /// Angles of the stains to the reference in degrees.
    pub reference_deg: [Option<f64>; 2],
    /// The last keys of the trail, oldest first: that of the fit's record is among them.
    pub keys: Vec<Digest>,
    /// The profile of the cohort, where it stands in.
    pub cohort: Option<Profile>,
}

/// All fits of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Fits {
    /// What they are of.
    pub of: FitsOf,
    /// The step's `method`.
    pub method: String,
    /// How they fared, in words.
    pub statuses: Tally,
    /// Number of slides (or images).
    pub groups: u64,
    /// Sums over all of them.
    pub total: Counts,
    /// The first fit whose items have the cohort's profile besides.
    pub cohort: Option<Fit>,
    passed: Vec<Fit>,
    failed: Vec<Fit>,
    names: BTreeSet<String>,
    last: String,
}

/// Whose patch or image an item is: the slide it was cut from, else its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slides(Option<usize>);

impl Slides {
    /// In a manifest of these columns.
    pub fn of(schema: &Schema) -> Self {
        Self(schema.fact("tile.source_id"))
    }

    /// The slide's or group's name; `None` for an image that stands for itself.
    pub fn name<'a>(&self, item: &'a Item) -> Option<&'a str> {
        let slide = self.0.and_then(|at| item.facts.get(at)).and_then(Value::as_str);
        slide.or(item.group.as_deref())
    }
}

/// A status in words; what is no status of ours, as it stands.
pub fn status_words(status: &str) -> String {
    match serde_json::from_value(status.into()) {
        Ok(Status::Ok) => "it passed all gates".into(),
        Ok(status) => status.words().into(),
        Err(_) => status.into(),
    }
}

impl Fits {
    /// None yet, of a step with these params.
    pub fn new(params: &Value) -> Self {
        Self {
            of: FitsOf::params(params),
            method: params.get("method").and_then(Value::as_str).unwrap_or_default().into(),
            statuses: Tally::default(),
            groups: 0,
            total: Counts::default(),
            cohort: None,
            passed: Vec::new(),
            failed: Vec::new(),
            names: BTreeSet::new(),
            last: String::new(),
        }
    }

    /// Takes a row of the step's manifest. All rows of a slide carry the same facts: one counts.
    pub fn take(&mut self, schema: &Schema, slides: Slides, item: &Item) {
        let name = match self.of {
            FitsOf::Images => None,
            FitsOf::Slides | FitsOf::Cohort => slides.name(item),
        };
        if name.is_some_and(|name| !self.is_new(name)) {
            return;
        }
        let value = |fact: &str| item.value(schema, &format!("fit-stain.{fact}"));
        let number = |fact: &str| value(fact).as_u64().unwrap_or(0);
        let counts = Counts {
            images: number("images"),
            unreadable: number("unreadable"),
            pixels: number("pixels"),
            tissue_px: number("tissue_px"),
            sampled_px: number("sampled_px"),
        };
        let sum = |a: &mut u64, b: u64| *a = a.saturating_add(b);
        sum(&mut self.groups, 1);
        sum(&mut self.total.images, counts.images);
        sum(&mut self.total.unreadable, counts.unreadable);
        sum(&mut self.total.pixels, counts.pixels);
        sum(&mut self.total.tissue_px, counts.tissue_px);
        sum(&mut self.total.sampled_px, counts.sampled_px);
        let status = value("status");
        let words = status.as_str().map(status_words);
        self.statuses.add(words.as_deref(), 0);
        let passed = status == "ok";
        let list = if passed { &mut self.passed } else { &mut self.failed };
        if list.len() < MOST_FITS {
            let status = words.unwrap_or_else(|| "it was not told".into());
            let fit = fit(schema, item, name.unwrap_or(&item.id), (status, passed), counts);
            if self.cohort.is_none() && fit.cohort.is_some() {
                self.cohort = Some(fit.clone());
            }
            list.push(fit);
        }
    }

    /// Whether this slide was not seen before. Beyond [`MOST_NAMES`] of them, rows of one slide must
    /// stand together to be counted once.
    fn is_new(&mut self, name: &str) -> bool {
        if self.last == name || self.names.contains(name) {
            return false;
        }
        self.last = name.to_string();
        if self.names.len() < MOST_NAMES {
            self.names.insert(name.to_string());
        }
        true
    }

    /// The fits that get a card: those that did not pass come first, and leave half of the room to
    /// those that did.
    pub fn shown(&self) -> impl Iterator<Item = &Fit> {
        let most = if self.of == FitsOf::Cohort { 1 } else { MOST_FITS };
        let room = (most / 2).max(most.saturating_sub(self.passed.len()));
        self.failed.iter().take(room).chain(&self.passed).take(most)
    }
}

fn fit(
    schema: &Schema,
    item: &Item,
    name: &str,
    (status, passed): (String, bool),
    counts: Counts,
) -> Fit {
    let value = |fact: &str| item.value(schema, &format!("fit-stain.{fact}"));
    let float = |fact: &str| value(fact).as_f64();
    let profile =
        |fact: &str| -> Option<Profile> { serde_json::from_str(value(fact).as_str()?).ok() };
    let vector = |names: [&str; 3]| {
        let [r, g, b] = names.map(float);
        Some([r?, g?, b?])
    };
    let matrix = vector(["h_r", "h_g", "h_b"]).zip(vector(["e_r", "e_g", "e_b"]));
    let mut keys: Vec<Digest> =
        item.trail.split_whitespace().rev().take(2).filter_map(|key| key.parse().ok()).collect();
    keys.reverse();
    Fit {
        name: name.into(),
        status,
        passed,
        counts,
        vectors: matrix
            .map(|(h, e)| Vectors { matrix: [h, e], max: [float("max_h"), float("max_e")] }),
        lab: profile("profile").and_then(|p| p.lab).map(|lab| [lab.mean, lab.std]),
        angle_deg: float("angle_deg"),
        reference_deg: [float("h_reference_deg"), float("e_reference_deg")],
        keys,
        cohort: profile("cohort"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::manifest::{Field, Kind};

    fn schema() -> Schema {
        let field = |name: &str, kind| Field { name: name.into(), kind };
        Schema {
            facts: vec![
                field("tile.source_id", Kind::Text),
                field("fit-stain.status", Kind::Text),
                field("fit-stain.tissue_px", Kind::Int),
            ],
        }
    }

    fn item(n: usize, slide: &str, status: &str) -> Item {
        Item {
            id: format!("{slide}/{n}"),
            path: "x".into(),
            offset: None,
            length: 1,
            digest: Digest::of(&n.to_le_bytes()),
            media_type: "image/png".into(),
            width_px: None,
            height_px: None,
            label: None,
            group: None,
            split: None,
            weight: None,
            trail: format!("{} {}", Digest::of(b"tile"), Digest::of(slide.as_bytes())),
            facts: vec![slide.into(), status.into(), 7.into()],
        }
    }

    fn fits(params: &Value, rows: &[Item]) -> Fits {
        let mut fits = Fits::new(params);
        rows.iter().for_each(|row| fits.take(&schema(), Slides::of(&schema()), row));
        fits
    }

    #[test]
    fn slides_count_once_wherever_their_rows_stand() {
        let rows = [
            item(0, "a", "ok"),
            item(1, "a", "ok"),
            item(2, "b", "stain-angle"),
            item(3, "a", "ok"),
        ];
        let found = fits(&json!({"per": "slide"}), &rows);
        assert_eq!((found.groups, found.total.tissue_px), (2, 14));
        let shown: Vec<_> = found.shown().map(|f| (f.name.as_str(), f.passed)).collect();
        assert_eq!(shown, [("b", false), ("a", true)]);
        assert_eq!(found.shown().next().unwrap().keys.len(), 2);
        let found = fits(&json!({"per": "image"}), &rows);
        assert_eq!((found.groups, found.statuses.items()), (4, 4));
        assert_eq!(fits(&json!({"per": "cohort"}), &rows).shown().count(), 1);
    }

    #[test]
    fn failed_fits_leave_half_of_the_room() {
        let rows = |failed: usize, passed: usize| -> Vec<Item> {
            let failed = (0..failed).map(|n| item(n, &format!("f{n}"), "one-colour"));
            failed.chain((0..passed).map(|n| item(n, &format!("p{n}"), "ok"))).collect()
        };
        let shown = |failed, passed| {
            let fits = fits(&json!({}), &rows(failed, passed));
            let failed = fits.shown().filter(|fit| !fit.passed).count();
            (failed, fits.shown().count() - failed)
        };
        assert_eq!(shown(100, 100), (12, 12));
        assert_eq!(shown(100, 3), (21, 3));
        assert_eq!(shown(3, 100), (3, 21));
        assert_eq!(shown(0, 2), (0, 2));
    }

    #[test]
    fn a_status_that_nobody_knows_is_told_as_it_stands() {
        assert_eq!(status_words("ok"), "it passed all gates");
        assert_eq!(status_words("<b>odd"), "<b>odd");
        assert_eq!(status_words("one-colour"), Status::OneColour.words());
    }
}
