//! The draw itself, on numbers alone: of each cell (a class, a patient's rows of a class, …) the rows with the
//! least keys.
//!
//! Keys are uniform and keyed by content, so that the rows with the `n` least keys are a uniform sample without
//! replacement, the same for any order of rows: a reservoir that needs no state. With the same `n`, a row that
//! comes in displaces at most one other, and one that goes makes room for one.
//!
//! Time is linear. Where keys are uniform, only those below a bound that holds with near certainty are looked at closely; a
//! cell in which that bound does not hold is looked at in whole, so the result is exact either way.

use std::collections::HashMap;

use crate::error::{Error, Result};

/// A row that is in no cell and goes on as it is.
pub const UNTOUCHED: u32 = u32::MAX;
/// A row that is in no cell and goes no further.
pub const DROPPED: u32 = u32::MAX - 1;
/// Cells that there may be.
pub const MOST_CELLS: usize = DROPPED as usize;

/// Settles ties: for rows (by place) with equal keys, numbers by which they are drawn instead.
pub type Ties<'a> = dyn FnMut(&[u32]) -> Result<Vec<u128>> + 'a;

/// One bit for each row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bits {
    words: Vec<u64>,
    rows: usize,
}

impl Bits {
    /// No row.
    pub fn none(rows: usize) -> Self {
        Self { words: vec![0; rows.div_ceil(64)], rows }
    }

    /// Whether the row is among them.
    pub fn get(&self, row: usize) -> bool {
        self.words.get(row / 64).is_some_and(|word| word >> (row % 64) & 1 == 1)
    }

    /// Takes a row in.
    pub fn set(&mut self, row: usize) {
        if let Some(word) = self.words.get_mut(row / 64) {
            *word |= 1 << (row % 64);
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.words.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// Their places, in order.
    pub fn rows(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.rows).filter(|row| self.get(*row))
    }
}

/// Rows of each of the cells `0..cells`; other codes are not counted.
pub fn counts(cells_of_rows: &[u32], cells: usize) -> Vec<u64> {
    let mut counts = vec![0; cells];
    for cell in cells_of_rows {
        if let Some(count) = counts.get_mut(*cell as usize) {
            *count += 1;
        }
    }
    counts
}

/// The key as it is compared: one less than the largest, so that every bound has a number above it.
fn below_all(key: u64) -> u64 {
    key.min(u64::MAX - 1)
}

/// Which rows of a cell are drawn: those with keys below the bound, and some of those that have exactly `tied`.
#[derive(Debug, Clone, Copy, Default)]
struct Bound {
    below: u64,
    /// How many of those with the key `below` are drawn besides, where not all are.
    of_tied: u64,
}

/// The rows with the least keys of each cell, as many as `quotas` says (all, where it has no more). Rows whose cell has no
/// quota are not drawn.
///
/// # Errors
/// Those of `ties`.
pub fn least(cells: &[u32], keys: &[u64], quotas: &[u64], ties: &mut Ties<'_>) -> Result<Bits> {
    let counts = counts(cells, quotas.len());
    let mut bounds = vec![Bound::default(); quotas.len()];
    // A first look at keys below a bound that about 1 in 10^9 cells with uniform keys fails.
    let looks: Vec<u64> = quotas
        .iter()
        .zip(&counts)
        .map(|(quota, count)| if *quota == 0 || quota >= count { 0 } else { look(*quota, *count) })
        .collect();
    for (bound, (quota, count)) in bounds.iter_mut().zip(quotas.iter().zip(&counts)) {
        if *quota > 0 && quota >= count {
            bound.below = u64::MAX;
        }
    }
    let failed = bounds_of(cells, keys, quotas, &looks, &mut bounds);
    if failed.iter().any(|look| *look > 0) {
        bounds_of(cells, keys, quotas, &failed, &mut bounds);
    }
    let mut drawn = Bits::none(cells.len());
    let mut tied: Vec<u32> = Vec::new();
    for (index, (some_cells, some_keys)) in cells.chunks(64).zip(keys.chunks(64)).enumerate() {
        let mut word = 0_u64;
        for (bit, (cell, key)) in some_cells.iter().zip(some_keys).enumerate() {
            if let Some(bound) = bounds.get(*cell as usize) {
                let key = below_all(*key);
                word |= u64::from(key < bound.below) << bit;
                if bound.of_tied > 0 && key == bound.below {
                    tied.push((index * 64 + bit) as u32);
                }
            }
        }
        if let Some(to) = drawn.words.get_mut(index) {
            *to = word;
        }
    }
    if !tied.is_empty() {
        let order = ties(&tied)?;
        let mut tied: Vec<(u32, u128, u32)> = tied
            .iter()
            .zip(order)
            .map(|(row, order)| (cells.get(*row as usize).copied().unwrap_or(DROPPED), order, *row))
            .collect();
        tied.sort_unstable();
        for (cell, _, row) in tied {
            if let Some(bound) = bounds.get_mut(cell as usize).filter(|bound| bound.of_tied > 0) {
                bound.of_tied -= 1;
                drawn.set(row as usize);
            }
        }
    }
    Ok(drawn)
}

/// A key below which there are almost certainly `quota` of `count` uniform keys: the mean and six standard deviations.
fn look(quota: u64, count: u64) -> u64 {
    let (k, n) = (quota as f64, count as f64);
    let share = (k + 6.0 * k.sqrt() + 20.0) / n;
    if share >= 0.9 { u64::MAX } else { (share * 18_446_744_073_709_551_616.0) as u64 }
}

/// Finds the bounds of cells that are looked at (those with a look above 0), from keys up to the look. Gives the looks of
/// those where that did not suffice.
fn bounds_of(
    cells: &[u32],
    keys: &[u64],
    quotas: &[u64],
    looks: &[u64],
    bounds: &mut [Bound],
) -> Vec<u64> {
    let mut failed = vec![0; looks.len()];
    let mut ends = vec![0_usize; looks.len()];
    for (cell, key) in cells.iter().zip(keys) {
        if looks.get(*cell as usize).is_some_and(|look| *key <= *look && *look > 0) {
            ends[*cell as usize] += 1;
        }
    }
    let mut all = 0;
    for end in &mut ends {
        (*end, all) = (all, all + *end);
    }
    let mut gathered = vec![0_u64; all];
    for (cell, key) in cells.iter().zip(keys) {
        if looks.get(*cell as usize).is_some_and(|look| *key <= *look && *look > 0) {
            let end = &mut ends[*cell as usize];
            gathered[*end] = below_all(*key);
            *end += 1;
        }
    }
    let mut rest: &mut [u64] = &mut gathered;
    let mut begun = 0;
    for (cell, end) in ends.iter().enumerate() {
        let (these, others) = std::mem::take(&mut rest).split_at_mut(end - begun);
        (rest, begun) = (others, *end);
        if looks[cell] == 0 {
            continue;
        }
        let quota = quotas[cell] as usize;
        if these.len() < quota {
            failed[cell] = u64::MAX;
            continue;
        }
        let (before, last, after) = these.select_nth_unstable(quota - 1);
        let last = *last;
        let tied_before = before.iter().filter(|key| **key == last).count() as u64 + 1;
        let tied_after = after.iter().any(|key| *key == last);
        bounds[cell] = match tied_after {
            false => Bound { below: last + 1, of_tied: 0 },
            true => Bound { below: last, of_tied: tied_before },
        };
    }
    failed
}

/// Numbers for the pairs of two codes that occur together, from 0 in the order in which they come; rows that are in no cell of
/// `first` keep their code. Gives the number of each row's pair, and the pairs.
///
/// # Errors
/// [`Error::Limit`] when there are more pairs than [`MOST_CELLS`].
pub fn pairs(first: &[u32], second: &[u32]) -> Result<(Vec<u32>, Vec<(u32, u32)>)> {
    let mut found: Vec<(u32, u32)> = Vec::new();
    let codes = |codes: &[u32]| codes.iter().filter(|c| **c < DROPPED).max().map_or(0, |c| c + 1);
    let (rows, columns) = (codes(first) as usize, codes(second) as usize + 1);
    // Few enough pairs have a table, the others a map.
    let in_table = rows.saturating_mul(columns) <= (4 * first.len()).max(1 << 16);
    let mut table = vec![DROPPED; if in_table { rows * columns } else { 0 }];
    let mut map: HashMap<(u32, u32), u32> = HashMap::new();
    let mut last = ((DROPPED, DROPPED), DROPPED);
    let mut numbers = Vec::with_capacity(first.len());
    for (a, b) in first.iter().zip(second) {
        if *a >= DROPPED {
            numbers.push(*a);
            continue;
        }
        // Rows of one slide follow each other.
        if last.0 != (*a, *b) {
            let next = found.len() as u32;
            let place = (*b as usize).min(columns - 1);
            let number = match table.get_mut(*a as usize * columns + place) {
                Some(number) => number,
                None => map.entry((*a, *b)).or_insert(DROPPED),
            };
            if *number == DROPPED {
                *number = next;
                found.push((*a, *b));
            }
            last = ((*a, *b), *number);
        }
        numbers.push(last.1);
    }
    match found.len() < MOST_CELLS {
        true => Ok((numbers, found)),
        false => Err(Error::limit(
            "the number of different values that are drawn from",
            found.len().to_string(),
            MOST_CELLS.to_string(),
            "sample parts of the manifest",
        )),
    }
}

/// The rows that a cap of `most` rows of each pair (cell, value) leaves; those without a value (a code from [`DROPPED`] up) are
/// not capped. Rows in no cell are not among them.
///
/// # Errors
/// As [`pairs`] and [`least`].
pub fn cap(
    cells: &[u32],
    values: &[u32],
    keys: &[u64],
    most: u64,
    ties: &mut Ties<'_>,
) -> Result<Bits> {
    let (numbers, found) = pairs(cells, values)?;
    let quota = |(_, value): &(u32, u32)| if *value >= DROPPED { u64::MAX } else { most };
    let quotas: Vec<u64> = found.iter().map(quota).collect();
    least(&numbers, keys, &quotas, ties)
}
