//! What lies in several splits and should not: counted on the result, whatever was meant.

use std::collections::BTreeMap;

use serde::Serialize;

use super::components::Twins;
use super::near::{MOST_WORK, pairs};
use crate::distribution::Words;
use crate::manifest::NULL;
use crate::steps::codes::Coded;

/// Examples that are named.
pub(super) const EXAMPLES: usize = 10;

/// A set of splits: the bit of each. There are at most 100 (folds).
pub(super) type Set = u128;

/// The set of one split.
pub(super) fn only(split: u8) -> Set {
    1 << split
}

/// Whether a set has more than one.
pub(super) fn several(set: Set) -> bool {
    set & set.wrapping_sub(1) != 0
}

/// Splits of a set by their names.
fn named(set: Set, names: &[String]) -> Vec<String> {
    names.iter().zip(0..).filter(|(_, bit)| set >> bit & 1 == 1).map(|(n, _)| n.clone()).collect()
}

/// A value that lies in several splits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Example {
    /// The value, its first 80 characters.
    pub value: String,
    /// The splits.
    pub splits: Vec<String>,
}

/// What is found of one column.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Across {
    /// Different values.
    pub values: u64,
    /// Those that lie in several splits.
    pub across: u64,
    /// The first ten of them, by their bytes.
    pub examples: Vec<Example>,
}

/// In which splits the values of one column lie.
#[derive(Default)]
pub(super) struct Places {
    words: Words,
    sets: Vec<Set>,
}

/// The sets of the words of one batch.
pub(super) fn sets(coded: &Coded, splits: &[u8]) -> Vec<Set> {
    let mut sets = vec![0; coded.words.len()];
    for (code, split) in coded.codes.iter().zip(splits).filter(|(code, _)| **code != NULL) {
        sets[*code as usize] |= only(*split);
    }
    sets
}

impl Places {
    /// Takes the words of the next batch.
    pub fn push(&mut self, words: &[String], sets: &[Set]) {
        for (word, set) in words.iter().zip(sets) {
            let place = self.words.code(Some(word));
            if place as usize == self.sets.len() {
                self.sets.push(0);
            }
            self.sets[place as usize] |= set;
        }
    }

    /// What is found, with the splits by these names.
    pub fn finish(&self, names: &[String]) -> Across {
        let sets = self.words.all().iter().zip(&self.sets);
        let mut across: Vec<(&str, Set)> =
            sets.filter(|(_, set)| several(**set)).map(|(word, set)| (&**word, *set)).collect();
        across.sort_unstable();
        let example = |(word, set): &(&str, Set)| Example {
            value: word.chars().take(80).collect(),
            splits: named(*set, names),
        };
        Across {
            values: self.sets.len() as u64,
            across: across.len() as u64,
            examples: across.iter().take(EXAMPLES).map(example).collect(),
        }
    }
}

/// What is found of identical images.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Identical {
    /// Rows whose image another row has too.
    pub rows: u64,
    /// Different images of them.
    pub images: u64,
    /// How often such an image holds together what would be apart.
    pub joins: u64,
    /// First digits of the commonest image's digest.
    pub commonest: Option<String>,
    /// Rows that have it.
    pub commonest_rows: u64,
    /// Images that lie in several splits: none, or the run fails.
    pub across: u64,
}

/// Looks at the splits of rows of the same digest.
pub(super) fn identical(twins: &Twins, split_of: impl Fn(u32) -> u8) -> Identical {
    let (commonest_rows, commonest) = twins.commonest.clone();
    let commonest = (commonest_rows > 0).then_some(commonest);
    let mut found =
        Identical { joins: twins.joins, commonest, commonest_rows, ..Identical::default() };
    for run in twins.rows.split(|row| *row == NULL).filter(|run| !run.is_empty()) {
        found.rows += run.len() as u64;
        found.images += 1;
        let set = run.iter().fold(0, |set, row| set | only(split_of(*row)));
        found.across += u64::from(several(set));
    }
    found
}

/// What is found of images that look alike.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Alike {
    /// Bits in which their hashes may differ.
    pub bits: u8,
    /// Rows that have a hash.
    pub rows: u64,
    /// Different hashes.
    pub hashes: u64,
    /// Rows that look like one of another split.
    pub rows_across: u64,
    /// Whether all were compared that had to be; else there may be more.
    pub complete: bool,
    /// The first ten hashes of them, and the splits of what looks like them.
    pub examples: Vec<Example>,
}

/// Looks for images of different splits that look alike. `hashes` are in order, each with its row in the lower 32 bits.
pub(super) fn alike(
    hashes: &[u128],
    bits: u8,
    split_of: impl Fn(u32) -> u8,
    names: &[String],
) -> Alike {
    let (mut distinct, mut own) = (Vec::new(), Vec::new());
    for run in hashes.chunk_by(|a, b| a >> 32 == b >> 32) {
        distinct.push((run[0] >> 32) as u64);
        own.push(run.iter().fold(0, |set, row| set | only(split_of(*row as u32))));
    }
    let mut near = own.clone();
    let search = pairs(&distinct, bits.into(), MOST_WORK, |a, b| {
        near[a] |= own[b];
        near[b] |= own[a];
    });
    let mut rows_across = 0;
    let mut examples = Vec::new();
    let runs = hashes.chunk_by(|a, b| a >> 32 == b >> 32);
    for ((run, hash), set) in runs.zip(&distinct).zip(&near).filter(|(_, set)| several(**set)) {
        // All that are of a run look like each other: only rows of the only split could be apart.
        let apart = |row: &&u128| *set & !only(split_of(**row as u32)) != 0;
        rows_across += run.iter().filter(apart).count() as u64;
        if examples.len() < EXAMPLES {
            examples.push(Example { value: format!("{hash:016x}"), splits: named(*set, names) });
        }
    }
    Alike {
        bits,
        rows: hashes.len() as u64,
        hashes: distinct.len() as u64,
        rows_across,
        complete: search.complete,
        examples,
    }
}

/// What is said of columns that lie in several splits, of those that only are looked at.
pub(super) fn notes(columns: &BTreeMap<String, Across>, alike: Option<&Alike>) -> Vec<String> {
    let examples = |examples: &[Example]| {
        let shown = examples.iter().take(3);
        let shown = shown.map(|e| format!("`{}` in {}", e.value, e.splits.join(", ")));
        shown.collect::<Vec<_>>().join("; ")
    };
    let mut notes = Vec::new();
    for (name, found) in columns.iter().filter(|(_, found)| found.across > 0) {
        notes.push(format!(
            "leakage: {} of {} values of `{name}` lie in several splits ({}); name it in `group` to keep them together",
            found.across,
            found.values,
            examples(&found.examples)
        ));
    }
    if let Some(found) = alike {
        if found.rows_across > 0 {
            notes.push(format!(
                "leakage: {} rows look like one of another split (up to {} of 64 bits differ; {}); `near_duplicates: join` keeps them together",
                found.rows_across,
                found.bits,
                examples(&found.examples)
            ));
        }
        if !found.complete {
            notes.push(format!(
                "not all images were compared by look: {} different hashes need more than {MOST_WORK} comparisons; there may be more that look alike",
                found.hashes
            ));
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        ["train", "val", "test"].map(String::from).to_vec()
    }

    #[test]
    fn values_of_several_splits_are_named() {
        let coded = |words: &[&str], codes: &[u32]| Coded {
            words: words.iter().map(ToString::to_string).collect(),
            codes: codes.to_vec(),
        };
        let mut places = Places::default();
        let first = coded(&["s2", "s1"], &[0, 1, NULL]);
        places.push(&first.words, &sets(&first, &[0, 1, 2]));
        let second = coded(&["s1", "s3"], &[0, 1]);
        places.push(&second.words, &sets(&second, &[2, 0]));
        let found = places.finish(&names());
        assert_eq!((found.values, found.across), (3, 1));
        let example = Example { value: "s1".into(), splits: vec!["val".into(), "test".into()] };
        assert_eq!(found.examples, [example]);
        let told = notes(&BTreeMap::from([("slide".to_string(), found)]), None);
        assert!(told[0].contains("1 of 3 values of `slide`"), "{told:?}");
    }

    #[test]
    fn identical_images_in_two_splits_are_seen() {
        let split_of = |row: u32| (row % 2) as u8;
        let twins = Twins { rows: vec![0, 2, NULL, 1, 2, NULL], ..Twins::default() };
        let found = identical(&twins, split_of);
        assert_eq!((found.rows, found.images, found.across), (4, 2, 1));
    }

    #[test]
    fn rows_that_look_like_one_of_another_split_are_counted() {
        // Hashes 0 (rows 0, 1), 1 (row 2) and one far away (rows 3, 4).
        let far = u64::MAX << 20;
        let hashes: Vec<u128> = [(0, 0), (0, 1), (1, 2), (far, 3), (far, 4)]
            .map(|(hash, row): (u64, u32)| u128::from(hash) << 32 | u128::from(row))
            .to_vec();
        let split_of = |row: u32| [0, 0, 1, 2, 2][row as usize];
        let found = alike(&hashes, 4, split_of, &names());
        assert_eq!((found.rows, found.hashes, found.rows_across), (5, 3, 3));
        assert_eq!(found.examples[0].splits, ["train", "val"]);
        assert_eq!(alike(&hashes, 0, split_of, &names()).rows_across, 0);
    }
}
