//! How the rows of both are shared out among classes, splits and groups.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;

use crate::distribution::{Counter, Distribution};
use crate::error::Result;
use crate::manifest::{Kind, Table};
use crate::step::Crew;

/// Most groups that are given as examples, and most transitions.
const EXAMPLES: usize = 20;
/// Column that says how often a row is drawn, where rows are not repeated.
const REPEAT: &str = "sample.repeat";

/// How the rows of both are shared out.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Shares {
    /// Counts of classes that differ: of all rows first, then of each split; largest difference first.
    pub classes: Vec<ClassChange>,
    /// Groups that both have and that lie in other splits.
    pub moved: GroupMoves,
    /// Of the left manifest.
    pub left: Distribution,
    /// Of the right one.
    pub right: Distribution,
}

/// The rows of a class in both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClassChange {
    /// The split; `None`: all rows.
    pub split: Option<String>,
    /// The class; `None`: rows without one.
    pub class: Option<String>,
    /// Rows on the left; `None` when there are so many classes that it was not counted by name.
    pub left: Option<u64>,
    /// Rows on the right.
    pub right: Option<u64>,
    /// Right less left.
    pub difference: Option<i64>,
}

/// Groups that lie in other splits than before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct GroupMoves {
    /// How many.
    pub groups: u64,
    /// From which splits to which: most groups first.
    pub transitions: Vec<GroupTransition>,
    /// The largest of them (by their rows on the right, equal ones by name).
    pub examples: Vec<GroupMove>,
}

/// Groups that moved from some splits to some others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupTransition {
    /// Splits on the left.
    pub from: Vec<String>,
    /// Splits on the right; an empty name is no split.
    pub to: Vec<String>,
    /// Groups.
    pub groups: u64,
    /// Their rows on the right.
    pub rows: u64,
}

/// A group that moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupMove {
    /// The group.
    pub group: String,
    /// Splits on the left.
    pub from: Vec<String>,
    /// Splits on the right.
    pub to: Vec<String>,
    /// Rows on the right.
    pub rows: u64,
}

/// Rows of each group in each split, by the split's place among all.
type Groups = HashMap<Box<str>, Vec<(u32, u64)>>;

#[derive(Default)]
struct Side {
    counter: Counter,
    splits: Vec<String>,
    groups: Groups,
}

/// Counts both.
pub(super) fn shares(left: &Table, right: &Table, crew: &Crew) -> Result<Shares> {
    let (a, b) = (count(left, crew)?, count(right, crew)?);
    let moved = moved(&a, &b);
    let (left, right) = (a.counter.finish(), b.counter.finish());
    Ok(Shares { classes: classes(&left, &right), moved, left, right })
}

/// The shares of two manifests that are the same.
pub(super) fn shares_of(table: &Table, crew: &Crew) -> Result<Shares> {
    let of = count(table, crew)?.counter.finish();
    Ok(Shares { left: of.clone(), right: of, ..Shares::default() })
}

fn count(table: &Table, crew: &Crew) -> Result<Side> {
    let repeats = table.schema().kind(REPEAT) == Some(Kind::Int);
    let mut columns = vec!["label", "split", "group", "weight"];
    columns.extend(repeats.then_some(REPEAT));
    let mut side = Side::default();
    crew.ordered(
        table.batches(),
        |index| table.batch(index, &columns),
        |_, batch| {
            let (labels, splits, groups) =
                (batch.text("label")?, batch.text("split")?, batch.text("group")?);
            let times: Vec<u64> = match repeats {
                true => {
                    let times = batch.ints(REPEAT)?;
                    times.map(|n| n.map_or(1, |n| u64::try_from(n).unwrap_or(0))).collect()
                }
                false => vec![1; batch.rows()],
            };
            let rows = labels.iter().zip(splits.iter()).zip(groups.iter());
            // Rows of one group follow each other.
            let mut run: Option<((Option<&str>, &str), u64)> = None;
            for ((((label, split), group), times), weight) in
                rows.zip(times).zip(batch.floats("weight")?)
            {
                side.counter.add((label, split, group), times, weight);
                match (&mut run, group) {
                    (Some((held, rows)), Some(group)) if *held == (split, group) => *rows += times,
                    (run, group) => {
                        if let Some((held, rows)) = run.take() {
                            side.grouped(held, rows);
                        }
                        *run = group.map(|group| ((split, group), times));
                    }
                }
            }
            if let Some((held, rows)) = run {
                side.grouped(held, rows);
            }
            Ok(())
        },
    )?;
    Ok(side)
}

impl Side {
    fn grouped(&mut self, (split, group): (Option<&str>, &str), rows: u64) {
        let split = split.unwrap_or_default();
        let code = self.splits.iter().position(|s| s == split).unwrap_or_else(|| {
            self.splits.push(split.into());
            self.splits.len() - 1
        }) as u32;
        if !self.groups.contains_key(group) {
            self.groups.insert(group.into(), Vec::with_capacity(1));
        }
        let Some(splits) = self.groups.get_mut(group) else { return };
        match splits.iter_mut().find(|(held, _)| *held == code) {
            Some((_, held)) => *held += rows,
            None => splits.push((code, rows)),
        }
    }

    /// The splits of a group, sorted.
    fn named(&self, splits: &[(u32, u64)]) -> Vec<String> {
        let names: BTreeSet<&String> =
            splits.iter().filter_map(|(code, _)| self.splits.get(*code as usize)).collect();
        names.into_iter().cloned().collect()
    }
}

fn moved(left: &Side, right: &Side) -> GroupMoves {
    let mut transitions: BTreeMap<(Vec<String>, Vec<String>), (u64, u64)> = BTreeMap::new();
    // Largest first, then by name.
    let mut largest: BTreeSet<(std::cmp::Reverse<u64>, &str)> = BTreeSet::new();
    let mut groups = 0;
    for (group, after) in &right.groups {
        let Some(before) = left.groups.get(group) else { continue };
        let (from, to) = (left.named(before), right.named(after));
        if from == to {
            continue;
        }
        groups += 1;
        let rows: u64 = after.iter().map(|(_, rows)| rows).sum();
        let counted = transitions.entry((from, to)).or_default();
        *counted = (counted.0 + 1, counted.1 + rows);
        largest.insert((std::cmp::Reverse(rows), group));
        if largest.len() > EXAMPLES {
            largest.pop_last();
        }
    }
    let splits = |side: &Side, group: &str| side.groups.get(group).map(|s| side.named(s));
    let examples = largest.into_iter().map(|(rows, group)| GroupMove {
        group: group.into(),
        from: splits(left, group).unwrap_or_default(),
        to: splits(right, group).unwrap_or_default(),
        rows: rows.0,
    });
    let examples = examples.collect();
    let mut transitions: Vec<GroupTransition> = transitions
        .into_iter()
        .map(|((from, to), (groups, rows))| GroupTransition { from, to, groups, rows })
        .collect();
    transitions.sort_by_key(|t| std::cmp::Reverse((t.groups, t.rows)));
    transitions.truncate(EXAMPLES);
    GroupMoves { groups, transitions, examples }
}

/// Counts of classes that differ.
fn classes(left: &Distribution, right: &Distribution) -> Vec<ClassChange> {
    let mut all = of_split(
        None,
        (&left.labels, left.other_labels > 0),
        (&right.labels, right.other_labels > 0),
    );
    if left.unlabelled != right.unlabelled {
        all.push(change(None, None, Some(left.unlabelled), Some(right.unlabelled)));
    }
    let none = BTreeMap::new();
    let names: BTreeSet<&String> = left.splits.keys().chain(right.splits.keys()).collect();
    // One nameless split is all rows once more.
    if names.iter().any(|name| !name.is_empty()) {
        for name in names {
            let of =
                |side: &'_ Distribution| side.splits.get(name).map(|share| share.labels.clone());
            let (a, b) = (of(left), of(right));
            all.extend(of_split(
                Some(name),
                (a.as_ref().unwrap_or(&none), left.other_labels > 0),
                (b.as_ref().unwrap_or(&none), right.other_labels > 0),
            ));
        }
    }
    all
}

fn of_split(
    split: Option<&str>,
    (left, left_lacks): (&BTreeMap<String, u64>, bool),
    (right, right_lacks): (&BTreeMap<String, u64>, bool),
) -> Vec<ClassChange> {
    let names: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    let count = |of: &BTreeMap<String, u64>, name: &str, lacks: bool| match of.get(name) {
        Some(rows) => Some(*rows),
        // It may be among those that are not named.
        None if lacks => None,
        None => Some(0),
    };
    let mut all: Vec<ClassChange> = names
        .into_iter()
        .map(|name| (name, count(left, name, left_lacks), count(right, name, right_lacks)))
        .filter(|(_, a, b)| a != b)
        .map(|(name, a, b)| change(split, Some(name), a, b))
        .collect();
    all.sort_by_key(|c| std::cmp::Reverse(c.difference.map_or(0, i64::unsigned_abs)));
    all
}

fn change(
    split: Option<&str>,
    class: Option<&str>,
    left: Option<u64>,
    right: Option<u64>,
) -> ClassChange {
    let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    ClassChange {
        split: split.map(String::from),
        class: class.map(String::from),
        difference: left.zip(right).map(|(a, b)| signed(b) - signed(a)),
        left,
        right,
    }
}
