//! How rows are shared out among classes, splits and groups, and how skewed that is.
//!
//! Every step over a whole manifest has its distribution before and after counted and kept in
//! `run.json` and in the report: an under-sampled class is seen by whoever looks at
//! one of them.
//!
//! # Measures, over the classes that have rows
//! With `n_i` rows of class `i` of `k`, `N` in all, `p_i = n_i / N`:
//! - *imbalance ratio*: `max n / min n`; 1 is balance;
//! - *entropy*, normalised: `−Σ p ln p / ln k` (Pielou's evenness, doi:10.1016/0022-5193(66)90013-0);
//!   1 is balance, 0 one class alone;
//! - *Gini*: the Gini coefficient of the counts, `Σ_i (2i − k − 1) n_(i) / (k N)` with counts in
//!   ascending order; 0 is balance, `(k − 1) / k` the utmost;
//! - *effective rows*: Kish's effective sample size `(Σ w)² / Σ w²` (Survey Sampling, 1965), where `w` is
//!   how often a row is drawn, times its weight where it has one.
//!
//! A row that is drawn several times counts as often. Sums of floats run in the order of rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Classes that are named; what is rarer is added up.
pub const MOST_CLASSES: usize = 1000;
/// Groups that are named.
pub const MOST_GROUPS: usize = 48;
/// Splits that are named.
pub const MOST_SPLITS: usize = 256;
/// Imbalance ratio above which a run says so: the commonest class has more than ten times the rows of the
/// rarest.
pub const SKEW_WARNING: f64 = 10.0;

/// How rows are shared out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// Draws: rows, each as often as it is drawn.
    pub rows: u64,
    /// Those of them that only repeat a row.
    pub repeats: u64,
    /// Rows without a class.
    pub unlabelled: u64,
    /// Different classes.
    pub classes: u64,
    /// Rows of each class: the [`MOST_CLASSES`] commonest.
    pub labels: BTreeMap<String, u64>,
    /// Rows of all other classes.
    pub other_labels: u64,
    /// Shares of the splits; rows without one stand under the empty name.
    pub splits: BTreeMap<String, Share>,
    /// Different groups.
    pub groups: u64,
    /// Rows without a group.
    pub ungrouped: u64,
    /// The [`MOST_GROUPS`] largest groups, largest first (equal ones by name).
    pub largest_groups: Vec<GroupShare>,
    /// How skewed the classes are.
    pub skew: Skew,
}

/// What one split has.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// Rows.
    pub rows: u64,
    /// Rows of each class, of those that [`Distribution::labels`] names.
    pub labels: BTreeMap<String, u64>,
    /// Different groups.
    pub groups: u64,
    /// How skewed its classes are.
    pub skew: Skew,
}

/// What one group has.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GroupShare {
    /// The group.
    pub group: String,
    /// Rows.
    pub rows: u64,
    /// Rows of each class, of those that [`Distribution::labels`] names.
    pub labels: BTreeMap<String, u64>,
}

/// How skewed some counts are: see the module's page. Null where fewer than one (ratio) or two classes
/// have rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Skew {
    /// Largest count by the smallest.
    pub imbalance_ratio: Option<f64>,
    /// Normalised entropy, 0 to 1.
    pub entropy: Option<f64>,
    /// Gini coefficient, 0 to 1.
    pub gini: Option<f64>,
    /// Kish's effective sample size, in rows.
    pub effective_rows: f64,
}

/// The distribution before and after a step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Balance {
    /// Of the rows that came in.
    pub before: Distribution,
    /// Of the rows that went on.
    pub after: Distribution,
}

impl Skew {
    /// The measures of some counts (zeros are left out), and of sums of weights and of their squares.
    pub fn of(counts: impl IntoIterator<Item = u64>, weights: f64, squares: f64) -> Self {
        let mut counts: Vec<u64> = counts.into_iter().filter(|n| *n > 0).collect();
        counts.sort_unstable();
        let effective_rows = if squares > 0.0 { weights * weights / squares } else { 0.0 };
        let (Some(least), Some(most)) = (counts.first(), counts.last()) else {
            return Self { effective_rows, ..Self::default() };
        };
        let ratio = *most as f64 / *least as f64;
        let (k, all) = (counts.len() as f64, counts.iter().sum::<u64>() as f64);
        let (mut entropy, mut gini) = (0.0, 0.0);
        for (index, n) in counts.iter().enumerate() {
            let p = *n as f64 / all;
            entropy -= p * libm::log(p);
            gini += (2.0 * (index + 1) as f64 - k - 1.0) * *n as f64;
        }
        let several = counts.len() > 1;
        Self {
            imbalance_ratio: Some(ratio),
            entropy: several.then(|| (entropy / libm::log(k)).clamp(0.0, 1.0)),
            gini: several.then(|| gini / (k * all)),
            effective_rows,
        }
    }
}

/// Words, each with a number: how rows name their class, split or group.
#[derive(Debug, Default)]
pub(crate) struct Words {
    codes: std::collections::HashMap<Arc<str>, u32>,
    words: Vec<Arc<str>>,
    last: u32,
}

/// The code of what has no word.
const NONE: u32 = u32::MAX;

impl Words {
    /// The number of a word: a new one, if it has none yet.
    pub(crate) fn code(&mut self, word: Option<&str>) -> u32 {
        let Some(word) = word else { return NONE };
        // Rows of one slide follow each other.
        if self.words.get(self.last as usize).is_some_and(|last| **last == *word) {
            return self.last;
        }
        self.last = match self.codes.get(word) {
            Some(code) => *code,
            None => {
                let (word, code): (Arc<str>, _) = (word.into(), self.words.len() as u32);
                self.codes.insert(word.clone(), code);
                self.words.push(word);
                code
            }
        };
        self.last
    }

    /// The number of a word that may have one.
    pub(crate) fn get(&self, word: &str) -> Option<u32> {
        self.codes.get(word).copied()
    }

    /// The word of a number; empty for [`NONE`].
    pub(crate) fn word(&self, code: u32) -> &str {
        self.words.get(code as usize).map_or("", |word| word)
    }

    /// All words, by their numbers.
    pub(crate) fn all(&self) -> &[Arc<str>] {
        &self.words
    }

    /// All numbers, in the order of their words, by bytes.
    pub(crate) fn sorted(&self) -> Vec<u32> {
        let mut codes: Vec<u32> = (0..self.words.len() as u32).collect();
        codes.sort_unstable_by(|a, b| self.words[*a as usize].cmp(&self.words[*b as usize]));
        codes
    }
}

#[derive(Debug, Default, Clone, Copy)]
struct Sums {
    rows: u64,
    weights: f64,
    squares: f64,
}

/// An empty text is no value.
fn value(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

/// Counts rows into a [`Distribution`]. Memory: what is different (classes × splits × groups that occur), not rows.
#[derive(Debug, Default)]
pub struct Counter {
    labels: Words,
    splits: Words,
    groups: Words,
    /// Rows of each (split, group, label).
    cells: std::collections::HashMap<(u32, u32, u32), u64>,
    cell: Option<((u32, u32, u32), u64)>,
    all: Sums,
    of_splits: BTreeMap<u32, Sums>,
    repeats: u64,
}

impl Counter {
    /// Counts a row that is drawn so many times.
    pub fn add(
        &mut self,
        (label, split, group): (Option<&str>, Option<&str>, Option<&str>),
        times: u64,
        weight: Option<f64>,
    ) {
        if times == 0 {
            return;
        }
        let split = self.splits.code(value(split));
        let cell = (split, self.groups.code(value(group)), self.labels.code(value(label)));
        match &mut self.cell {
            Some((held, rows)) if *held == cell => *rows += times,
            other => {
                if let Some((held, rows)) = other.replace((cell, times)) {
                    *self.cells.entry(held).or_default() += rows;
                }
            }
        }
        self.repeats += times - 1;
        let w = times as f64 * weight.unwrap_or(1.0);
        for sums in [&mut self.all, self.of_splits.entry(cell.0).or_default()] {
            sums.rows += times;
            sums.weights += w;
            sums.squares += w * w;
        }
    }

    /// What was counted.
    pub fn finish(mut self) -> Distribution {
        if let Some((held, rows)) = self.cell.take() {
            *self.cells.entry(held).or_default() += rows;
        }
        let mut cells: Vec<_> = self.cells.iter().map(|(cell, rows)| (*cell, *rows)).collect();
        cells.sort_unstable();
        let mut of_label: BTreeMap<u32, u64> = BTreeMap::new();
        let mut of_group: BTreeMap<u32, u64> = BTreeMap::new();
        let mut split_labels: BTreeMap<(u32, u32), u64> = BTreeMap::new();
        let mut split_groups: BTreeMap<u32, (u32, u64)> = BTreeMap::new();
        for ((split, group, label), rows) in &cells {
            *of_label.entry(*label).or_default() += rows;
            *of_group.entry(*group).or_default() += rows;
            *split_labels.entry((*split, *label)).or_default() += rows;
            if *group != NONE {
                let seen = split_groups.entry(*split).or_insert((NONE, 0));
                if seen.0 != *group {
                    *seen = (*group, seen.1 + 1);
                }
            }
        }
        let unlabelled = of_label.remove(&NONE).unwrap_or(0);
        let ungrouped = of_group.remove(&NONE).unwrap_or(0);
        let largest = |of: &BTreeMap<u32, u64>, words: &Words, most: usize| {
            let mut all: Vec<(u32, u64)> = of.iter().map(|(code, rows)| (*code, *rows)).collect();
            all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| words.word(a.0).cmp(words.word(b.0))));
            all.truncate(most);
            all
        };
        let named: BTreeMap<u32, u64> =
            largest(&of_label, &self.labels, MOST_CLASSES).into_iter().collect();
        let skew_of = |counts: &BTreeMap<u32, u64>, sums: &Sums| {
            Skew::of(counts.values().copied(), sums.weights, sums.squares)
        };
        let mut splits = BTreeMap::new();
        let mut in_order: Vec<_> = self.of_splits.iter().collect();
        in_order.sort_by(|a, b| {
            b.1.rows.cmp(&a.1.rows).then_with(|| self.splits.word(*a.0).cmp(self.splits.word(*b.0)))
        });
        for (split, sums) in in_order.into_iter().take(MOST_SPLITS) {
            let labels: BTreeMap<u32, u64> = split_labels
                .range((*split, 0)..(*split, NONE))
                .map(|((_, label), rows)| (*label, *rows))
                .collect();
            let share = Share {
                rows: sums.rows,
                skew: skew_of(&labels, sums),
                labels: self.labelled(labels, &named),
                groups: split_groups.get(split).map_or(0, |(_, groups)| *groups),
            };
            splits.insert(self.splits.word(*split).to_string(), share);
        }
        let groups = largest(&of_group, &self.groups, MOST_GROUPS);
        let mut group_labels: BTreeMap<u32, BTreeMap<u32, u64>> =
            groups.iter().map(|(group, _)| (*group, BTreeMap::new())).collect();
        for ((_, group, label), rows) in &cells {
            if let Some(labels) = group_labels.get_mut(group).filter(|_| *label != NONE) {
                *labels.entry(*label).or_default() += rows;
            }
        }
        let largest_groups = groups
            .into_iter()
            .map(|(group, rows)| GroupShare {
                group: self.groups.word(group).to_string(),
                rows,
                labels: self.labelled(group_labels.remove(&group).unwrap_or_default(), &named),
            })
            .collect();
        let labelled: u64 = of_label.values().sum();
        Distribution {
            rows: self.all.rows,
            repeats: self.repeats,
            unlabelled,
            classes: of_label.len() as u64,
            other_labels: labelled - named.values().sum::<u64>(),
            labels: self.labelled(named.clone(), &named),
            splits,
            groups: of_group.len() as u64,
            ungrouped,
            largest_groups,
            skew: skew_of(&of_label, &self.all),
        }
    }

    fn labelled(
        &self,
        counts: BTreeMap<u32, u64>,
        named: &BTreeMap<u32, u64>,
    ) -> BTreeMap<String, u64> {
        let named = counts.into_iter().filter(|(label, _)| named.contains_key(label));
        named.map(|(label, rows)| (self.labels.word(label).to_string(), rows)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_are_those_of_the_books() {
        let even = Skew::of([5, 5, 5, 0], 15.0, 15.0);
        assert_eq!((even.imbalance_ratio, even.gini), (Some(1.0), Some(0.0)));
        assert!((even.entropy.unwrap() - 1.0).abs() < 1e-12);
        assert_eq!(even.effective_rows, 15.0);
        // Counts 1 and 3: Gini (2·1−2−1)·1 + (2·2−2−1)·3 = 2, by k·N = 8.
        let odd = Skew::of([3, 1], 4.0, 8.0);
        assert_eq!((odd.imbalance_ratio, odd.gini), (Some(3.0), Some(0.25)));
        let entropy = -(0.25_f64 * 0.25_f64.ln() + 0.75 * 0.75_f64.ln()) / 2_f64.ln();
        assert!((odd.entropy.unwrap() - entropy).abs() < 1e-12);
        assert_eq!(odd.effective_rows, 2.0);
        let one = Skew::of([7], 7.0, 7.0);
        assert_eq!((one.imbalance_ratio, one.entropy, one.gini), (Some(1.0), None, None));
        assert_eq!(Skew::of([], 0.0, 0.0), Skew::default());
    }

    #[test]
    fn rows_are_counted_by_class_split_and_group() {
        let mut counter = Counter::default();
        let mut add = |label: &str, split, group, times| {
            counter.add((Some(label).filter(|l| !l.is_empty()), split, group), times, None);
        };
        add("tumor", Some("train"), Some("p1"), 1);
        add("normal", Some("train"), Some("p1"), 2);
        add("normal", Some("test"), Some("p2"), 1);
        add("", None, None, 1);
        add("tumor", Some("train"), Some("p3"), 0);
        let found = counter.finish();
        assert_eq!((found.rows, found.repeats, found.unlabelled), (5, 1, 1));
        assert_eq!((found.classes, found.groups, found.ungrouped), (2, 2, 1));
        let counts = |pairs: &[(&str, u64)]| -> BTreeMap<String, u64> {
            pairs.iter().map(|(word, rows)| (word.to_string(), *rows)).collect()
        };
        assert_eq!(found.labels, counts(&[("normal", 3), ("tumor", 1)]));
        assert_eq!(found.splits["train"].labels, counts(&[("normal", 2), ("tumor", 1)]));
        assert_eq!((found.splits["train"].groups, found.splits[""].rows), (1, 1));
        let largest = &found.largest_groups[0];
        assert_eq!((largest.group.as_str(), largest.rows), ("p1", 3));
        assert_eq!(found.skew.imbalance_ratio, Some(3.0));
        // Draws 1, 2, 1, 1: 25 / 7.
        assert_eq!(found.skew.effective_rows, 25.0 / 7.0);
    }

    #[test]
    fn rare_classes_are_added_up() {
        let mut counter = Counter::default();
        for n in 0..MOST_CLASSES + 5 {
            let label = format!("class {n:05}");
            counter.add((Some(&label), None, None), 1 + u64::from(n < 3), None);
        }
        let found = counter.finish();
        assert_eq!((found.classes, found.other_labels), (MOST_CLASSES as u64 + 5, 5));
        assert_eq!(found.labels.len(), MOST_CLASSES);
        assert_eq!(found.skew.imbalance_ratio, Some(2.0));
    }
}
