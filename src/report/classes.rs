//! How the rows of a dataset are shared out, before its last step over a whole manifest and now.

use std::collections::BTreeMap;

use serde::Serialize;

use super::words::{count, counted, ratio};
use crate::distribution::{Counter, Distribution, SKEW_WARNING};
use crate::error::Result;
use crate::manifest::ManifestReader;
use crate::summary::{StepSummary, Summary};

/// Classes that a chart names; of more, the commonest and the rarest.
pub const MOST_BARS: usize = 12;
/// The rarest among them.
const RAREST: usize = 3;
/// Classes that have a row on the contact sheet.
pub const MOST_CLASS_ROWS: usize = 8;
/// Most warnings of the page's own.
const MOST_WARNINGS: usize = 12;

/// What is said of classes, splits and groups.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Classes {
    /// The last step over a whole manifest: its place in the run.
    pub step: Option<usize>,
    /// Rows before that step.
    pub before: Option<Distribution>,
    /// Rows of the last manifest; draws, where that step is the last one.
    pub now: Distribution,
    /// What a person should know: notes of steps, and what is out of balance.
    pub warnings: Vec<Warning>,
}

/// Something that a person should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// The step that says so; none where the report does.
    pub step: Option<String>,
    /// What it is.
    pub message: String,
}

/// Classes in the order of a chart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Order {
    /// The commonest, commonest first.
    pub common: Vec<String>,
    /// Classes that are not named.
    pub left: u64,
    /// The rarest that are named, commonest first.
    pub rare: Vec<String>,
}

impl Order {
    /// All classes where there are at most `most`; else the commonest and the `rarest` rarest.
    pub fn of(classes: u64, counts: &[&BTreeMap<String, u64>], most: usize, rarest: usize) -> Self {
        let mut of: BTreeMap<&str, u64> = BTreeMap::new();
        // Order by what was there first: a class that a step left out still has its bar.
        for (at, labels) in counts.iter().enumerate() {
            for (label, rows) in *labels {
                let rows = if at == 0 { *rows } else { 0 };
                *of.entry(label).or_default() += rows;
            }
        }
        let mut all: Vec<(&str, u64)> = of.into_iter().collect();
        all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        let words = |part: &[(&str, u64)]| part.iter().map(|(w, _)| w.to_string()).collect();
        if all.len() <= most {
            let left = classes.saturating_sub(all.len() as u64);
            return Self { common: words(&all), left, rare: Vec::new() };
        }
        let common = all.get(..most.saturating_sub(rarest)).unwrap_or_default();
        let rare = all.get(all.len().saturating_sub(rarest)..).unwrap_or_default();
        let left = classes.max(all.len() as u64).saturating_sub((common.len() + rare.len()) as u64);
        Self { common: words(common), left, rare: words(rare) }
    }

    /// All that are named.
    pub fn named(&self) -> impl Iterator<Item = &String> {
        self.common.iter().chain(&self.rare)
    }
}

impl Classes {
    /// Of a run whose last manifest this is: counted there, unless its last step has counted it.
    ///
    /// # Errors
    /// As [`ManifestReader::next_batch`].
    pub fn find(summary: &Summary, manifest: &ManifestReader) -> Result<Self> {
        let balanced = |step: &StepSummary| step.balance.is_some();
        let step = summary.steps.iter().rposition(balanced);
        let balance = step.and_then(|at| summary.steps.get(at)?.balance.as_ref());
        let is_last = step.is_some_and(|at| at + 1 == summary.steps.len());
        let now = match balance.filter(|_| is_last) {
            Some(balance) => balance.after.clone(),
            None => counted_in(manifest)?,
        };
        let before = balance.map(|balance| balance.before.clone());
        let mut classes = Self { step, before, now, warnings: Vec::new() };
        classes.warnings = classes.warned(summary, is_last);
        Ok(classes)
    }

    fn warned(&self, summary: &Summary, told: bool) -> Vec<Warning> {
        let mut all = Vec::new();
        for step in &summary.steps {
            let said = |message: &String| Warning {
                step: Some(step.step.clone()),
                message: message.clone(),
            };
            all.extend(step.notes.iter().map(said));
        }
        let mut own = Vec::new();
        // A step over the whole manifest has said so itself.
        if !told && let Some(words) = skewed(&self.now.labels, self.now.skew.imbalance_ratio) {
            own.push(words);
        }
        let several = self.now.splits.len() > 1;
        for (split, share) in self.now.splits.iter().filter(|_| several) {
            let name = split_name(split);
            if let Some(words) = skewed(&share.labels, share.skew.imbalance_ratio) {
                own.push(format!("{name}: {words}"));
            }
            let absent: Vec<&str> = (self.now.labels.keys())
                .filter(|label| !share.labels.contains_key(*label))
                .map(String::as_str)
                .collect();
            if let Some(first) = absent.first() {
                own.push(match absent.len() {
                    1 => format!("{name}: no row of class `{first}`"),
                    n => format!("{name}: no row of {n} classes, `{first}` among them"),
                });
            }
        }
        own.truncate(MOST_WARNINGS);
        all.extend(own.into_iter().map(|message| Warning { step: None, message }));
        all
    }

    /// Classes of the chart.
    pub fn order(&self) -> Order {
        let counts: Vec<_> = self.before.iter().chain([&self.now]).map(|d| &d.labels).collect();
        let classes = self.before.as_ref().map_or(0, |d| d.classes).max(self.now.classes);
        Order::of(classes, &counts, MOST_BARS, RAREST)
    }

    /// Classes that have a row on the contact sheet: of many the commonest and the rarest. None, where
    /// there are not several.
    pub fn sheet(&self) -> Vec<String> {
        let order = Order::of(self.now.classes, &[&self.now.labels], MOST_CLASS_ROWS, RAREST);
        let named: Vec<String> = order.named().cloned().collect();
        if named.len() > 1 { named } else { Vec::new() }
    }
}

/// The empty name is that of rows without a split.
pub fn split_name(split: &str) -> &str {
    if split.is_empty() { "no split" } else { split }
}

fn skewed(labels: &BTreeMap<String, u64>, found: Option<f64>) -> Option<String> {
    let found = found.filter(|ratio| *ratio > SKEW_WARNING)?;
    let (most, least) = extremes(labels)?;
    Some(format!(
        "the commonest class has {} times the rows of the rarest: `{}` {}, `{}` {}",
        ratio(found),
        most.0,
        count(most.1),
        least.0,
        counted(least.1, "row", "rows")
    ))
}

/// A class and its rows.
pub type Named<'a> = (&'a String, u64);

/// The commonest and the rarest class of those that are named, with their rows; of equal ones the first
/// by name.
pub fn extremes(labels: &BTreeMap<String, u64>) -> Option<(Named<'_>, Named<'_>)> {
    let mut all: Vec<_> = labels.iter().map(|(label, rows)| (label, *rows)).collect();
    all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    let least = all.iter().map(|(_, rows)| *rows).min()?;
    let rarest = all.iter().find(|(_, rows)| *rows == least)?;
    Some((*all.first()?, *rarest))
}

/// Counts the rows of a manifest, column by column.
fn counted_in(manifest: &ManifestReader) -> Result<Distribution> {
    let table = manifest.table();
    let mut counter = Counter::default();
    for index in 0..table.batches() {
        let batch = table.batch(index, &["label", "split", "group", "weight"])?;
        let (labels, splits) = (batch.text("label")?, batch.text("split")?);
        let groups = batch.text("group")?;
        for (row, weight) in batch.floats("weight")?.enumerate() {
            counter.add((labels.get(row), splits.get(row), groups.get(row)), 1, weight);
        }
    }
    Ok(counter.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_classes_the_rarest_are_named_too() {
        let labels: BTreeMap<String, u64> =
            (0..1000_u64).map(|n| (format!("class {n:04}"), 5000 - n)).collect();
        let order = Order::of(1200, &[&labels], 12, 3);
        assert_eq!((order.common.len(), order.rare.len(), order.left), (9, 3, 1188));
        assert_eq!(
            (order.common[0].as_str(), order.rare[2].as_str()),
            ("class 0000", "class 0999")
        );
        // What a step left out is still there; what it added comes last.
        let before = BTreeMap::from([("a".to_string(), 5), ("b".to_string(), 9)]);
        let after = BTreeMap::from([("b".to_string(), 1), ("c".to_string(), 100)]);
        let order = Order::of(3, &[&before, &after], 12, 3);
        assert_eq!((order.common.join(" "), order.left), ("b a c".to_string(), 0));
    }
}
