//! What `filter-background` found, counted from the manifest that it made.

use std::collections::BTreeMap;

use serde_json::Value;

use super::tally::{Histogram, Tally};
use crate::manifest::{Item, Schema};

/// Most cameras that are counted each on its own; the others are counted together.
const MOST_CAMERAS: usize = 10_000;

/// What became of the photos.
#[derive(Debug, Clone, PartialEq)]
pub struct Traps {
    /// Photos in the manifest.
    pub images: u64,
    /// Verdicts.
    pub verdicts: Tally,
    /// What the verdicts rest on.
    pub bases: Tally,
    /// Marks; a photo may have several.
    pub marks: Tally,
    /// Photos by infrared light.
    pub infrared: u64,
    /// Part of the picture that the largest piece takes.
    pub largest: Histogram,
    /// Verdicts by camera (the column `group`), photos of no group under none.
    pub cameras: BTreeMap<Option<String>, Tally>,
}

/// Where the step's manifest keeps what is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrapColumns {
    verdict: Option<usize>,
    basis: Option<usize>,
    marks: Option<usize>,
    infrared: Option<usize>,
    largest: Option<usize>,
}

impl TrapColumns {
    /// In a manifest of these columns.
    pub fn of(schema: &Schema) -> Self {
        let own = |fact: &str| schema.fact(&format!("filter-background.{fact}"));
        Self {
            verdict: own("verdict"),
            basis: own("basis"),
            marks: own("marks"),
            infrared: own("infrared"),
            largest: own("largest_blob_fraction"),
        }
    }
}

impl Default for Traps {
    fn default() -> Self {
        Self {
            images: 0,
            verdicts: Tally::default(),
            bases: Tally::default(),
            marks: Tally::default(),
            infrared: 0,
            largest: Histogram::new(0.0, 1.0, 50),
            cameras: BTreeMap::new(),
        }
    }
}

impl Traps {
    /// Takes a row of the step's manifest.
    pub fn take(&mut self, columns: &TrapColumns, item: &Item) {
        let fact = |at: Option<usize>| at.and_then(|at| item.facts.get(at));
        let word = |at: Option<usize>| fact(at).and_then(Value::as_str);
        self.images += 1;
        let verdict = word(columns.verdict);
        self.verdicts.add(verdict, item.length);
        self.bases.add(word(columns.basis), item.length);
        for mark in word(columns.marks).into_iter().flat_map(str::split_whitespace) {
            self.marks.add(Some(mark), item.length);
        }
        let is_infrared = fact(columns.infrared).and_then(Value::as_bool) == Some(true);
        self.infrared += u64::from(is_infrared);
        if let Some(share) = fact(columns.largest).and_then(Value::as_f64) {
            self.largest.add(share);
        }
        if self.cameras.len() < MOST_CAMERAS || self.cameras.contains_key(&item.group) {
            self.cameras.entry(item.group.clone()).or_default().add(verdict, item.length);
        }
    }
}
