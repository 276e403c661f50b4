//! What hangs together: components of rows that share values, images, or looks.

use std::sync::Arc;

use crate::digest::Digest;
use crate::distribution::Words;
use crate::error::{Error, Result};
use crate::manifest::NULL;
use crate::random::rank;
use crate::steps::codes::Coded;

/// Sets of numbers that are joined, each known by one of its own (union by least number, paths halved).
#[derive(Debug, Default)]
pub(super) struct Union {
    parents: Vec<u32>,
}

impl Union {
    /// A new number, in a set of its own.
    pub fn push(&mut self) -> u32 {
        let node = self.parents.len() as u32;
        self.parents.push(node);
        node
    }

    /// The number that the set of this one is known by.
    pub fn find(&mut self, mut node: u32) -> u32 {
        loop {
            let parent = self.parents[node as usize];
            if parent == node {
                return node;
            }
            let above = self.parents[parent as usize];
            self.parents[node as usize] = above;
            node = above;
        }
    }

    /// Joins the sets of two numbers; tells whether they were two.
    pub fn join(&mut self, a: u32, b: u32) -> bool {
        let (a, b) = (self.find(a), self.find(b));
        if a != b {
            self.parents[a.max(b) as usize] = a.min(b);
        }
        a != b
    }
}

/// The values of one column that holds rows together, each with its number in the union.
#[derive(Default)]
struct Joining {
    words: Words,
    nodes: Vec<u32>,
}

/// Rows on their way to components.
pub(super) struct Joined {
    union: Union,
    columns: Vec<Joining>,
    /// Number in the union of each row.
    rows: Vec<u32>,
    /// For each row the first 12 bytes of its digest, then its place.
    digests: Vec<u128>,
    /// Rows without a value in any column.
    pub alone: u64,
}

/// Rows that have an image which other rows have too.
#[derive(Default)]
pub(super) struct Twins {
    /// Rows of one digest follow each other, and [`NULL`] stands behind the last of them.
    pub rows: Vec<u32>,
    /// How often that joined what was apart.
    pub joins: u64,
    /// The commonest of these images: rows, and the front of its digest.
    pub commonest: (u64, String),
}

/// The bytes of a digest that tell images apart here: two of 10^8 have the same by a chance of 10^-13.
const DIGEST_BYTES: usize = 12;

/// What a row is sorted by: the front of its digest, then its place.
pub(super) fn by_digest(digest: &[u8; 32], row: u32) -> u128 {
    let mut bytes = [0; 16];
    bytes[..DIGEST_BYTES].copy_from_slice(&digest[..DIGEST_BYTES]);
    u128::from_be_bytes(bytes) | u128::from(row)
}

impl Joined {
    /// For so many columns and rows.
    pub fn new(columns: usize, rows: usize) -> Self {
        Self {
            union: Union::default(),
            columns: (0..columns).map(|_| Joining::default()).collect(),
            rows: Vec::with_capacity(rows),
            digests: Vec::with_capacity(rows),
            alone: 0,
        }
    }

    /// Takes the rows of the next batch: what each column has of them, and [`by_digest`].
    pub fn push(&mut self, columns: &[Coded], digests: &[u128]) {
        let nodes: Vec<Vec<u32>> = columns
            .iter()
            .zip(&mut self.columns)
            .map(|(coded, joining)| {
                let node = |word: &String| {
                    let place = joining.words.code(Some(word));
                    if place as usize == joining.nodes.len() {
                        joining.nodes.push(self.union.push());
                    }
                    joining.nodes[place as usize]
                };
                coded.words.iter().map(node).collect()
            })
            .collect();
        let mut before = (NULL, NULL);
        for row in 0..digests.len() {
            let mut of_row = NULL;
            for (coded, nodes) in columns.iter().zip(&nodes) {
                let Some(node) = nodes.get(coded.codes[row] as usize) else { continue };
                if of_row == NULL {
                    of_row = *node;
                } else if before != (of_row, *node) {
                    self.union.join(of_row, *node);
                    before = (of_row, *node);
                }
            }
            if of_row == NULL {
                of_row = self.union.push();
                self.alone += 1;
            }
            self.rows.push(of_row);
        }
        self.digests.extend_from_slice(digests);
    }

    /// Joins two rows; tells whether they were apart.
    pub fn join(&mut self, a: u32, b: u32) -> bool {
        self.union.join(self.rows[a as usize], self.rows[b as usize])
    }

    /// Joins rows of the same digest.
    pub fn join_twins(&mut self) -> Twins {
        // Runs that the batches sorted are merged.
        self.digests.sort();
        let digests = std::mem::take(&mut self.digests);
        let mut twins = Twins::default();
        for run in digests.chunk_by(|a, b| a >> 32 == b >> 32).filter(|run| run.len() > 1) {
            for twin in run {
                twins.joins += u64::from(self.join(run[0] as u32, *twin as u32));
                twins.rows.push(*twin as u32);
            }
            twins.rows.push(NULL);
            if run.len() as u64 > twins.commonest.0 {
                twins.commonest = (run.len() as u64, format!("{:032x}", run[0])[..12].to_string());
            }
        }
        self.digests = digests;
        twins
    }

    /// Numbers the components in the order of their names.
    pub fn finish(mut self, columns: &[&str], seed: u64) -> Components {
        let mut numbers = vec![NULL; self.union.parents.len()];
        let (mut names, mut ranks) = (Vec::new(), Vec::new());
        for (column, joining) in columns.iter().zip(&self.columns) {
            for place in joining.words.sorted() {
                let root = self.union.find(joining.nodes[place as usize]);
                if numbers[root as usize] == NULL {
                    let word = &joining.words.all()[place as usize];
                    numbers[root as usize] = ranks.len() as u32;
                    let name = [column.as_bytes(), &[0], word.as_bytes()].concat();
                    ranks.push(rank(seed, Digest::of(&name).as_bytes()));
                    names.push(word.clone());
                }
            }
        }
        for digest in &self.digests {
            let root = self.union.find(self.rows[*digest as u32 as usize]);
            if numbers[root as usize] == NULL {
                numbers[root as usize] = ranks.len() as u32;
                let mut name = [0; 32];
                name[..DIGEST_BYTES].copy_from_slice(&digest.to_be_bytes()[..DIGEST_BYTES]);
                ranks.push(rank(seed, &name));
            }
        }
        self.digests = Vec::new();
        for row in &mut self.rows {
            *row = numbers[self.union.find(*row) as usize];
        }
        let first = self.columns.into_iter().next().unwrap_or_default();
        let of_first = first.nodes.iter().map(|node| numbers[self.union.find(*node) as usize]);
        let of_first = of_first.collect();
        Components { rows: self.rows, ranks, names, first: first.words, of_first }
    }
}

/// Components, numbered in the order of their names: those that have a value by the first column in which they have one and its
/// least value, then those of images without any by digest.
pub(super) struct Components {
    /// Component of each row.
    pub rows: Vec<u32>,
    /// Keyed hash of each component's name.
    pub ranks: Vec<u64>,
    /// Names of those that have a value.
    names: Vec<Arc<str>>,
    first: Words,
    of_first: Vec<u32>,
}

impl Components {
    /// Number of components.
    pub fn len(&self) -> usize {
        self.ranks.len()
    }

    /// What a component is called; `None` for images without any value.
    pub fn name(&self, component: usize) -> Option<String> {
        self.names.get(component).map(|name| name.chars().take(80).collect())
    }

    /// The component that has this value in the first column.
    pub fn find(&self, value: &str) -> Option<u32> {
        self.first.get(value).map(|place| self.of_first[place as usize])
    }
}

/// Refuses more rows than codes of 32 bits can tell apart.
///
/// # Errors
/// [`Error::Limit`].
pub(super) fn few_enough(rows: usize, columns: usize) -> Result<()> {
    // Each row may bring a value of its own in each column.
    let most = u32::MAX as usize / (columns + 1) - 1;
    if rows > most {
        return Err(Error::limit(
            "the number of rows",
            rows.to_string(),
            most.to_string(),
            "split with fewer columns in `group`, or the parts of the manifest one by one",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coded(values: &[Option<u32>]) -> Coded {
        let used: Vec<u32> = values.iter().flatten().copied().collect();
        let code = |v: &u32| used.iter().position(|u| u == v).map_or(NULL, |p| p as u32);
        Coded {
            words: used.iter().map(|n| format!("v{n}")).collect(),
            codes: values.iter().map(|v| v.as_ref().map_or(NULL, code)).collect(),
        }
    }

    #[test]
    fn rows_that_share_a_value_or_an_image_hang_together() {
        let mut joined = Joined::new(2, 6);
        let columns = [
            coded(&[Some(1), Some(2), None, Some(3), None, None]),
            coded(&[Some(7), None, Some(7), None, None, None]),
        ];
        // The images of rows 1 and 4 are the same.
        let digests: Vec<u128> = [5_u8, 9, 1, 7, 9, 2]
            .iter()
            .zip(0..)
            .map(|(first, row)| by_digest(&[*first; 32], row))
            .collect();
        joined.push(&columns, &digests);
        let twins = joined.join_twins();
        assert_eq!((&twins.rows[..], twins.joins), (&[1, 4, NULL][..], 1));
        assert_eq!(twins.commonest, (2, "090909090909".into()));
        assert_eq!(joined.alone, 2);
        let found = joined.finish(&["a", "b"], 0);
        assert_eq!(found.rows, [0, 1, 0, 2, 1, 3]);
        assert_eq!(found.name(1).as_deref(), Some("v2"));
        assert_eq!((found.name(3), found.len()), (None, 4));
        assert_eq!((found.find("v3"), found.find("v8")), (Some(2), None));
    }
}
