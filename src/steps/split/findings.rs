//! What is said of a split as a whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::audit::{Across, Alike, EXAMPLES, Identical};
use super::counts::Counts;
use super::targets::Target;

/// How far a share may be from its ratio before it is told.
const OFF: f64 = 0.05;

/// What `split` says of the whole manifest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Findings {
    /// Components: what stays together as a whole.
    pub components: u64,
    /// Rows without a value in any column that holds rows together.
    pub rows_alone: u64,
    /// The largest component, by rows.
    pub largest: Option<Largest>,
    /// The splits, in their order.
    pub splits: Vec<Found>,
    /// For each column of `stratify`, how its classes are shared out.
    pub classes: BTreeMap<String, Balance>,
    /// For each column that holds rows together or is audited, what lies in several splits.
    pub leakage: BTreeMap<String, Across>,
    /// Identical images.
    pub identical: Identical,
    /// Images that look alike; null where they were not looked for.
    pub alike: Option<Alike>,
    /// Groups that were fixed by hand.
    pub fixed: Fixed,
}

/// A component.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Largest {
    /// Its name; null for identical images without a value.
    pub name: Option<String>,
    /// Its rows.
    pub rows: u64,
    /// Its share of all rows.
    pub share: f64,
    /// Where it went.
    pub split: String,
}

/// What one split got.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Found {
    /// Its name.
    pub name: String,
    /// Rows.
    pub rows: u64,
    /// Components.
    pub components: u64,
    /// The share that was asked for.
    pub target: f64,
    /// The share that it has, of rows or components as `measure` says.
    pub reached: f64,
}

/// How the classes of one column are shared out. Rows without a class are not counted here.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Balance {
    /// Different classes.
    pub classes: u64,
    /// Largest difference between the share of a class that a split has and its ratio.
    pub max_deviation: f64,
    /// Mean of these differences, over classes and splits.
    pub mean_deviation: f64,
    /// Classes that some split has nothing of.
    pub missing: u64,
    /// The largest ten of them.
    pub examples: Vec<Missing>,
}

/// A class that some split has nothing of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Missing {
    /// Its name, the first 80 characters.
    pub class: String,
    /// Components that have it.
    pub components: u64,
    /// Splits that have nothing of it.
    pub splits: Vec<String>,
}

/// What was fixed by hand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Fixed {
    /// Components.
    pub components: u64,
    /// Groups that no row has.
    pub unknown: u64,
}

/// A column of classes by its name, with theirs.
pub(super) type Named<'a> = (&'a str, &'a [Arc<str>]);

/// Rows, components and shares of splits.
pub(super) fn splits(counts: &Counts, splits: &[u8], targets: &[Target]) -> Vec<Found> {
    let mut found: Vec<Found> = targets
        .iter()
        .map(|t| Found {
            name: t.name.clone(),
            rows: 0,
            components: 0,
            target: t.share,
            reached: 0.0,
        })
        .collect();
    let mut sizes = vec![0_u64; targets.len()];
    for (component, split) in splits.iter().enumerate() {
        let split = *split as usize;
        found[split].rows += u64::from(counts.rows[component]);
        found[split].components += 1;
        sizes[split] += u64::from(counts.sizes[component]);
    }
    let all: u64 = sizes.iter().sum();
    for (found, size) in found.iter_mut().zip(sizes).filter(|_| all > 0) {
        found.reached = size as f64 / all as f64;
    }
    found
}

/// How the classes of each column are shared out.
pub(super) fn balances(
    counts: &Counts,
    splits: &[u8],
    targets: &[Target],
    columns: &[Named<'_>],
) -> BTreeMap<String, Balance> {
    let width = targets.len();
    let mut have = vec![0_u64; counts.totals.len() * width];
    let mut components = vec![0_u64; counts.totals.len()];
    for (component, split) in splits.iter().enumerate() {
        for (class, n) in counts.of_component(component) {
            have[*class as usize * width + *split as usize] += u64::from(*n);
            components[*class as usize] += 1;
        }
    }
    let mut found = BTreeMap::new();
    for ((name, classes), first) in columns.iter().zip(&counts.columns) {
        let mut balance = Balance::default();
        let (mut sum, mut missing) = (0.0, Vec::new());
        for (class, word) in (*first as usize..).zip(*classes) {
            let all = counts.totals[class];
            if all == 0 {
                continue;
            }
            let have = &have[class * width..(class + 1) * width];
            for (n, target) in have.iter().zip(targets) {
                let off = (*n as f64 / all as f64 - target.share).abs();
                balance.max_deviation = balance.max_deviation.max(off);
                sum += off;
            }
            balance.classes += 1;
            if have.contains(&0) {
                missing.push((std::cmp::Reverse(all), class, word));
            }
        }
        if balance.classes > 0 {
            balance.mean_deviation = sum / (balance.classes as f64 * width as f64);
        }
        balance.missing = missing.len() as u64;
        missing.sort_unstable();
        let example = |(_, class, word): &(std::cmp::Reverse<u64>, usize, &Arc<str>)| {
            let have = have[class * width..].iter().zip(targets).filter(|(n, _)| **n == 0);
            Missing {
                class: word.chars().take(80).collect(),
                components: components[*class],
                splits: have.map(|(_, target)| target.name.clone()).collect(),
            }
        };
        balance.examples = missing.iter().take(EXAMPLES).map(example).collect();
        found.insert(name.to_string(), balance);
    }
    found
}

/// What a person should know of it, beside leakage.
pub(super) fn notes(found: &Findings, measure: &str) -> Vec<String> {
    let mut notes = Vec::new();
    let rows: u64 = found.splits.iter().map(|split| split.rows).sum();
    if rows == 0 {
        return vec!["there are no rows to split".into()];
    }
    if found.fixed.unknown > 0 {
        let unknown = found.fixed.unknown;
        notes.push(format!("`fixed` names {unknown} groups that no row has"));
    }
    if found.rows_alone == rows {
        notes.push(
            "no row has a value in a column of `group`: rows were shared out one by one, and patches of one slide lie in several splits"
                .into(),
        );
    } else if found.rows_alone > 0 {
        let alone = found.rows_alone;
        notes.push(format!("{alone} rows without a group were shared out one by one"));
    }
    if let Some(image) = found.identical.commonest.as_ref().filter(|_| found.identical.joins > 0) {
        notes.push(format!(
            "identical images hold together what would be apart, {} times; the commonest ({image}…) is that of {} rows: if it is a blank one, drop such before (`filter-background`)",
            found.identical.joins, found.identical.commonest_rows
        ));
    }
    let largest = found.largest.as_ref();
    let why = largest.map_or(String::new(), |largest| {
        let name = largest.name.as_deref().unwrap_or("without a name");
        let percent = percent(largest.share);
        format!(
            "; of {} that stay together, the largest (`{name}`) has {percent} of all rows",
            found.components
        )
    });
    for split in &found.splits {
        let (name, target) = (&split.name, percent(split.target));
        if split.rows == 0 {
            notes.push(format!("split `{name}` is empty where {target} was asked for{why}"));
        } else if (split.reached - split.target).abs() > OFF {
            let reached = percent(split.reached);
            notes.push(format!(
                "split `{name}` has {reached} of {measure} where {target} was asked for{why}"
            ));
        }
    }
    for (column, balance) in &found.classes {
        let Some(first) = balance.examples.first() else { continue };
        notes.push(format!(
            "{} of {} classes of `{column}` are missing in a split; the largest is `{}`, which {} of {} that stay together have: it is not in {}",
            balance.missing,
            balance.classes,
            first.class,
            first.components,
            found.components,
            first.splits.join(", ")
        ));
    }
    notes
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}
