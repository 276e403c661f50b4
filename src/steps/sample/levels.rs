//! Quotas that are shared out equally from level to level: class, patient, slide.

use super::draw::{self, DROPPED};
use crate::digest::Digest;
use crate::distribution::Words;
use crate::error::Result;
use crate::random::rank;

/// Shares `quota` among places that hold so many each: as equally as can be, what one cannot hold
/// goes to the others, and what cannot be divided to those with the least order. The sum is the
/// quota, or all that there is room for.
///
/// It is what comes of giving one to each that has room, round by round, the last round in order.
pub fn share_out(quota: u64, room: &[u64], order: &[u64]) -> Vec<u64> {
    let mut given = vec![0; room.len()];
    let mut by_room: Vec<usize> = (0..room.len()).collect();
    by_room.sort_unstable_by_key(|place| room[*place]);
    let mut left = quota;
    for (done, place) in by_room.iter().enumerate() {
        let each = left / (room.len() - done) as u64;
        if room[*place] <= each {
            given[*place] = room[*place];
            left -= room[*place];
            continue;
        }
        // All that remain have room for one more than `each`.
        let mut others = by_room[done..].to_vec();
        others.sort_unstable_by_key(|place| (order[*place], *place));
        let more = (left % others.len() as u64) as usize;
        for (index, place) in others.iter().enumerate() {
            given[*place] = each + u64::from(index < more);
        }
        break;
    }
    given
}

/// One level: for each of its nodes, the node above, and a number by which equals are ordered.
struct Level {
    above: Vec<u32>,
    order: Vec<u64>,
}

/// The nodes below the cells: one for each (cell, value of the first column, …) that occurs.
pub(super) struct Levels {
    levels: Vec<Level>,
    cells: usize,
    /// The lowest node of each row; rows in no cell keep their code.
    pub leaves: Vec<u32>,
}

/// A column that makes a level: the values, and each row's code. No value is a value of its own.
pub(super) type Column<'a> = (&'a Words, &'a [u32]);

impl Levels {
    /// The levels that these columns make below the cells.
    ///
    /// # Errors
    /// [`crate::Error::Limit`] when there are too many nodes.
    pub fn new(cells: &[u32], names: &[String], columns: &[Column<'_>], seed: u64) -> Result<Self> {
        let mut levels: Vec<Level> = Vec::new();
        let mut leaves = cells.to_vec();
        // Nodes are ordered by what they are, not by where their rows stand.
        let mut digests = Vec::with_capacity(names.len());
        for name in names {
            digests.push(Digest::of(name.as_bytes()));
        }
        for (words, codes) in columns {
            let (numbers, found) = draw::pairs(&leaves, codes)?;
            let mut below = Vec::with_capacity(found.len());
            for (above, value) in &found {
                let value = (*value < DROPPED).then(|| words.word(*value));
                let above = digests.get(*above as usize).map(ToString::to_string);
                below.push(Digest::of_json(&(above, value))?);
            }
            let order = below.iter().map(|digest| rank(seed, digest.as_bytes())).collect();
            levels.push(Level { above: found.iter().map(|(above, _)| *above).collect(), order });
            (leaves, digests) = (numbers, below);
        }
        Ok(Self { levels, cells: names.len(), leaves })
    }

    /// Number of lowest nodes.
    pub fn leaves(&self) -> usize {
        self.levels.last().map_or(self.cells, |level| level.above.len())
    }

    /// Sums of numbers of the lowest nodes, for each level from the cells down to the lowest.
    pub fn sums(&self, of_leaves: Vec<u64>) -> Vec<Vec<u64>> {
        let mut sums = vec![of_leaves];
        for (index, level) in self.levels.iter().enumerate().rev() {
            let nodes = match index.checked_sub(1).and_then(|i| self.levels.get(i)) {
                Some(above) => above.above.len(),
                None => self.cells,
            };
            let mut above = vec![0; nodes];
            if let Some(last) = sums.last() {
                level.above.iter().zip(last).for_each(|(to, n)| above[*to as usize] += n);
            }
            sums.push(above);
        }
        sums.reverse();
        sums
    }

    /// The quotas of the cells, shared out to the lowest nodes that have so many rows.
    pub fn quotas(&self, cells: &[u64], rows_of_leaves: Vec<u64>) -> Vec<u64> {
        let room = self.sums(rows_of_leaves);
        let mut quotas = cells.to_vec();
        for (level, room) in self.levels.iter().zip(room.iter().skip(1)) {
            let mut shared = vec![0; level.above.len()];
            for (above, nodes) in quotas.iter().zip(level.children(quotas.len())) {
                let of = |values: &[u64]| -> Vec<u64> {
                    nodes.iter().map(|node| values[*node as usize]).collect()
                };
                let given = share_out(*above, &of(room), &of(&level.order));
                nodes.iter().zip(given).for_each(|(node, n)| shared[*node as usize] = n);
            }
            quotas = shared;
        }
        quotas
    }

    /// Shares of the cells, divided equally from level to level.
    pub fn shares(&self, cells: &[f64]) -> Vec<f64> {
        let mut shares = cells.to_vec();
        for level in &self.levels {
            let mut shared = vec![0.0; level.above.len()];
            for (above, nodes) in shares.iter().zip(level.children(shares.len())) {
                let each = above / nodes.len() as f64;
                nodes.iter().for_each(|node| shared[*node as usize] = each);
            }
            shares = shared;
        }
        shares
    }
}

impl Level {
    /// The nodes below each of so many.
    fn children(&self, above: usize) -> Vec<Vec<u32>> {
        let mut children = vec![Vec::new(); above];
        for (node, above) in self.above.iter().enumerate() {
            if let Some(children) = children.get_mut(*above as usize) {
                children.push(node as u32);
            }
        }
        children
    }
}
