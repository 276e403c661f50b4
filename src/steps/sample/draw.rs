//! The draw itself, on numbers alone: of each cell (a class, a patient's rows of a class, …) the
//! rows with the least keys.
//!
//! Keys are uniform and keyed by content, so that the rows with the `n` least keys are a uniform
//! sample without replacement, the same for any order of rows: a reservoir that needs no state.
//! With the same `n`, a row that comes in displaces at most one other, and one that goes makes room
//! for one.
//!
//! Time is linear. Where keys are uniform, only those below a bound that holds with near certainty
//! are looked at closely; a cell in which that bound does not hold is looked at in whole, so the
//! result is exact either way.

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

/// Pairs of codes, by their numbers.
pub type Pairs = Vec<(u32, u32)>;

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

/// Which rows of a cell are drawn: those with keys below the bound, and some of those that have
/// exactly `tied`.
#[derive(Debug, Clone, Copy, Default)]
struct Bound {
    below: u64,
    /// How many of those with the key `below` are drawn besides, where not all are.
    of_tied: u64,
}

/// The rows with the least keys of each cell, as many as `quotas` says (all, where it has no more).
/// Rows whose cell has no quota are not drawn.
///
/// # Errors
/// Those of `ties`.
pub fn least(cells: &[u32], keys: &[u64], quotas: &[u64], ties: &mut Ties<'_>) -> Result<Bits> {
    let counts = counts(cells, quotas.len());
    let mut bounds = vec![Bound::default(); quotas.len()];
    let mut looks = vec![None; quotas.len()];
    for (cell, (quota, count)) in quotas.iter().zip(&counts).enumerate() {
        match *quota >= *count {
            true => bounds[cell].below = if *quota > 0 { u64::MAX } else { 0 },
            false if *quota > 0 => looks[cell] = Some(Look::at(*quota, *count)),
            false => {}
        }
    }
    let failed = bounds_of(cells, keys, quotas, &looks, &mut bounds);
    if failed.iter().any(|failed| *failed) {
        let all = |(failed, count): (&bool, &u64)| failed.then_some(Look::all(*count));
        let looks: Vec<_> = failed.iter().zip(&counts).map(all).collect();
        bounds_of(cells, keys, quotas, &looks, &mut bounds);
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

/// Which keys of a cell are looked at closely.
#[derive(Debug, Clone, Copy)]
struct Look {
    /// Keys up to this one.
    up_to: u64,
    /// How many they are at most.
    most: usize,
}

impl Look {
    /// Of `count` uniform keys, almost certainly the `quota` least, and not many more: the mean and
    /// six standard deviations, then as many again. A cell fails that about once in 10^9.
    fn at(quota: u64, count: u64) -> Self {
        let (k, n) = (quota as f64, count as f64);
        let slack = 6.0 * k.sqrt() + 20.0;
        let share = (k + slack) / n;
        if share >= 0.9 {
            return Self::all(count);
        }
        let up_to = (share * 18_446_744_073_709_551_616.0) as u64;
        Self { up_to, most: ((k + 3.0 * slack).min(n)) as usize }
    }

    /// All of them.
    fn all(count: u64) -> Self {
        Self { up_to: u64::MAX, most: count as usize }
    }
}

/// A place where the keys of a cell are gathered.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    up_to: u64,
    next: usize,
    end: usize,
}

/// Finds the bounds of the cells that are looked at. Gives those in which the look did not suffice.
fn bounds_of(
    cells: &[u32],
    keys: &[u64],
    quotas: &[u64],
    looks: &[Option<Look>],
    bounds: &mut [Bound],
) -> Vec<bool> {
    let mut places = Vec::with_capacity(looks.len());
    let mut all = 0;
    for look in looks {
        let (up_to, most) = look.map_or((0, 0), |look| (look.up_to, look.most));
        places.push(Place { up_to, next: all, end: all + most });
        all += most;
    }
    let mut failed = vec![false; looks.len()];
    let mut gathered = vec![0_u64; all];
    for (cell, key) in cells.iter().zip(keys) {
        if let Some(place) = places.get_mut(*cell as usize)
            && *key <= place.up_to
        {
            match gathered.get_mut(place.next).filter(|_| place.next < place.end) {
                Some(to) => {
                    *to = below_all(*key);
                    place.next += 1;
                }
                // More than there should be, or a cell that is not looked at.
                None => failed[*cell as usize] = true,
            }
        }
    }
    let mut rest: &mut [u64] = &mut gathered;
    let mut begun = 0;
    for (cell, place) in places.iter().enumerate() {
        let (these, others) = std::mem::take(&mut rest).split_at_mut(place.end - begun);
        let found = place.next - begun;
        (rest, begun) = (others, place.end);
        let quota = quotas[cell] as usize;
        failed[cell] &= looks[cell].is_some();
        if looks[cell].is_none() || failed[cell] {
            continue;
        }
        if found < quota {
            failed[cell] = true;
            continue;
        }
        let (before, last, after) = these[..found].select_nth_unstable(quota - 1);
        let last = *last;
        let tied_before = before.iter().filter(|key| **key == last).count() as u64 + 1;
        let tied_after = after.contains(&last);
        bounds[cell] = match tied_after {
            false => Bound { below: last + 1, of_tied: 0 },
            true => Bound { below: last, of_tied: tied_before },
        };
    }
    failed
}

/// Codes below this one stand for all that occur.
fn codes(codes: &[u32]) -> usize {
    codes.iter().map(|code| if *code < DROPPED { code + 1 } else { 0 }).max().unwrap_or(0) as usize
}

/// Numbers for the pairs of two codes that occur together, from 0 in the order in which they come;
/// rows that are in no cell of `first` keep their code. Gives the number of each row's pair, and
/// the pairs.
///
/// # Errors
/// [`Error::Limit`] when there are more pairs than [`MOST_CELLS`].
pub fn pairs(first: &[u32], second: &[u32]) -> Result<(Vec<u32>, Pairs)> {
    let mut found = Pairs::new();
    let (rows, columns) = (codes(first), codes(second) + 1);
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

/// The rows that a cap of `most` rows of each pair (cell, value) leaves; those without a value (a
/// code from [`DROPPED`] up) are not capped. Rows in no cell are not among them.
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
    let (rows, columns) = (codes(cells), codes(values) + 1);
    // Few possible pairs are numbered as they are, whether they occur or not.
    if rows.saturating_mul(columns) <= (cells.len() / 8).max(1 << 16) {
        let number = |(cell, value): (&u32, &u32)| match *cell < DROPPED {
            true => cell * columns as u32 + (*value).min(columns as u32 - 1),
            false => *cell,
        };
        let numbers: Vec<u32> = cells.iter().zip(values).map(number).collect();
        let of_cell = (0..columns).map(|value| if value + 1 < columns { most } else { u64::MAX });
        let quotas: Vec<u64> = (0..rows).flat_map(|_| of_cell.clone()).collect();
        return least(&numbers, keys, &quotas, ties);
    }
    let (numbers, found) = pairs(cells, values)?;
    let quota = |(_, value): &(u32, u32)| if *value >= DROPPED { u64::MAX } else { most };
    let quotas: Vec<u64> = found.iter().map(quota).collect();
    least(&numbers, keys, &quotas, ties)
}
