//! Whether the ids of a manifest are unique: 8 bytes of memory for each row.
//!
//! Each id has a print of 64 bits. Prints that occur twice are looked at again, by the ids themselves: of
//! 10^8 ids there are some 0.0003 such pairs by chance.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::manifest::{Batch, Table};
use crate::step::Crew;

/// Parts in which prints are sorted.
const PARTS: usize = 256;
/// Prints of a part that are looked at again: one of them is enough.
const MOST: usize = 16;

/// The prints of all ids.
pub(super) struct Ids(Vec<Vec<u64>>);

/// The prints of the ids of a batch.
pub(super) fn prints(batch: &Batch) -> Result<Vec<u64>> {
    batch.require(&["id"])?;
    Ok(batch.text("id")?.iter().map(|id| print(id.unwrap_or_default())).collect())
}

fn print(id: &str) -> u64 {
    let digest = Digest::of(id.as_bytes());
    let [a, b, c, d, e, f, g, h, ..] = *digest.as_bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

impl Ids {
    /// For a manifest of so many rows.
    pub fn new(rows: usize) -> Self {
        // A little more than each part's share, within what a footer may lie.
        let share = (rows / PARTS + rows / PARTS / 16).min(1 << 20);
        Self((0..PARTS).map(|_| Vec::with_capacity(share)).collect())
    }

    /// Adds the prints of a batch.
    pub fn add(&mut self, prints: &[u64]) {
        for print in prints {
            self.0[(print >> 56) as usize].push(*print);
        }
    }

    /// # Errors
    /// [`Error::Format`] naming an id that two rows have.
    pub fn check(self, table: &Table, crew: &Crew) -> Result<()> {
        let parts: Vec<Mutex<Vec<u64>>> = self.0.into_iter().map(Mutex::new).collect();
        let sorted = |part: usize| {
            let mut held = parts[part].lock().unwrap_or_else(PoisonError::into_inner);
            let mut prints = std::mem::take(&mut *held);
            prints.sort_unstable();
            let twice = prints.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]);
            Ok(twice.take(MOST).collect::<Vec<_>>())
        };
        let mut twice = BTreeSet::new();
        crew.ordered(PARTS, sorted, |_, prints| {
            twice.extend(prints);
            Ok(())
        })?;
        if twice.is_empty() {
            return Ok(());
        }
        let again = |index: usize| {
            let batch = table.batch(index, &["id"])?;
            let ids = batch.text("id")?.iter().flatten().enumerate();
            let found = ids.filter(|(_, id)| twice.contains(&print(id)));
            Ok(found.map(|(row, id)| (batch.first_row() + row, id.to_string())).collect::<Vec<_>>())
        };
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        crew.ordered(table.batches(), again, |_, found| {
            for (row, id) in found {
                if let Some(first) = seen.insert(id.clone(), row) {
                    let id: String = id.chars().take(80).collect();
                    let message = format!("rows {first} and {row} have one id, {id:?}: ids name items and must be unique");
                    return Err(Error::format("manifest", message));
                }
            }
            Ok(())
        })
    }
}
