//! The second look: what becomes of each row, a batch at a time.

use super::draw::{self, Bits, DROPPED};
use super::findings::Findings;
use super::levels::Levels;
use super::look::{Look, numbers, ranks};
use super::params::{Mode, Params, Repeats};
use super::several::{Several, fixed, number};
use super::{Facts, REPEAT, untouched};
use crate::error::Result;
use crate::manifest::{BATCH_ROWS, Values};
use crate::step::{Manifest, Out, Rows};

/// By what rows go on.
pub enum By<'a> {
    /// All rows of a cell so many times, and some once more.
    Draws {
        /// How often all are drawn, of each cell.
        times: Vec<u64>,
        /// Those that are drawn once more.
        more: Bits,
    },
    /// All of them, with a weight.
    Weights {
        /// The leaf of each row, where it is not its cell.
        leaves: Option<Vec<u32>>,
        /// What the rows of each leaf weigh together.
        of_leaves: Vec<f64>,
        /// How many they are.
        rows: Vec<u64>,
        /// Where rows of a leaf do not weigh the same: the sum of what they are told by.
        sums: Vec<u128>,
    },
    /// All of them, by the classes that each has.
    Several {
        /// What these are worth.
        several: &'a Several<'a>,
        /// Rows of each split.
        rows: Vec<u64>,
    },
}

impl By<'_> {
    /// Weights by the shares of cells with so many rows, divided along the levels.
    ///
    /// # Errors
    /// What reading gives.
    pub fn weights(
        params: &Params,
        manifest: &Manifest,
        look: &Look,
        (shares, available): (&[f64], &[u64]),
        levels: Option<&Levels>,
        out: &mut Out<'_, Facts>,
    ) -> Result<Self> {
        let classes = look.classes.len().max(1);
        let mut of_cells = Vec::with_capacity(shares.len());
        for (shares, available) in shares.chunks(classes).zip(available.chunks(classes)) {
            let all: u64 =
                shares.iter().zip(available).filter(|(s, _)| **s > 0.0).map(|(_, n)| n).sum();
            of_cells.extend(shares.iter().map(|share| share * all as f64));
        }
        let leaves = levels.map_or(look.cells.as_slice(), |levels| levels.leaves.as_slice());
        let of_leaves = levels.map_or(of_cells.clone(), |levels| levels.shares(&of_cells));
        let rows = draw::counts(leaves, of_leaves.len());
        let mut sums = Vec::new();
        if let Some(hard) = &params.hard {
            sums = vec![0_u128; of_leaves.len()];
            let read = |index: usize| -> Result<Vec<u64>> {
                let batch = manifest.batch(index, &[hard])?;
                let values = numbers(&batch, manifest.schema(), hard)?;
                values.into_iter().map(|v| fixed(hard, v.map(|v| v.max(0.0)))).collect()
            };
            let mut next = 0;
            out.ordered(manifest.batches(), read, |_, _, values| {
                for (leaf, value) in leaves.iter().skip(next).zip(&values) {
                    if let Some(sum) = sums.get_mut(*leaf as usize) {
                        *sum += u128::from(*value);
                    }
                }
                next += values.len();
                Ok(())
            })?;
        }
        let leaves = levels.map(|levels| levels.leaves.clone());
        Ok(Self::Weights { leaves, of_leaves, rows, sums })
    }
}

/// How often rows were drawn before, where that is known, and what they weighed.
type Before = (Vec<Option<i64>>, Vec<Option<f64>>);

/// What is needed to answer.
pub struct Answers<'a> {
    /// The params.
    pub params: &'a Params,
    /// The rows.
    pub manifest: &'a Manifest,
    /// What was seen of them.
    pub look: &'a Look,
    /// What was decided.
    pub by: &'a By<'a>,
}

impl Answers<'_> {
    /// Says what becomes of all rows, and counts equal images among those that were drawn.
    ///
    /// # Errors
    /// What reading gives.
    pub fn give(&self, said: &mut Findings, out: &mut Out<'_, Facts>) -> Result<()> {
        // Room that is never written to takes no memory.
        let mut drawn: Vec<u64> = Vec::with_capacity(self.manifest.rows());
        let (mut repeats, mut done) = (0, 0);
        let total = self.manifest.rows() as u64;
        let answer = |index: usize| self.answer(index);
        out.ordered(self.manifest.batches(), answer, |out, _, (rows, ranks, more)| {
            drawn.extend_from_slice(&ranks);
            repeats += more;
            done = total.min(done + BATCH_ROWS as u64);
            out.progress(done, total);
            out.rows(rows)
        })?;
        drawn.sort_unstable();
        let equal: usize = drawn.chunk_by(|a, b| a == b).map(|equal| equal.len() - 1).sum();
        said.duplicates_drawn = equal as u64 + repeats;
        Ok(())
    }

    /// What becomes of the rows of one batch; the ranks of those that are drawn, and how many draws
    /// repeat one.
    fn answer(&self, index: usize) -> Result<(Rows, Vec<u64>, u64)> {
        let Self { params, look, .. } = self;
        let first = index * BATCH_ROWS;
        let cells = look.cells.get(first..).unwrap_or_default();
        let cells = cells.get(..BATCH_ROWS).unwrap_or(cells);
        let mut times: Vec<u32> = cells.iter().map(|cell| u32::from(untouched(*cell))).collect();
        let (repeat, weights) = self.before(index)?;
        let weights = self.weights(index, cells, weights)?;
        match self.by {
            By::Draws { times: all, more } => {
                for ((row, cell), times) in cells.iter().enumerate().zip(&mut times) {
                    if let Some(all) = all.get(*cell as usize) {
                        let draws = all + u64::from(more.get(first + row));
                        *times = u32::try_from(draws).unwrap_or(u32::MAX);
                    }
                }
            }
            _ => times.iter_mut().zip(cells).for_each(|(times, cell)| {
                *times = u32::from(*cell != DROPPED);
            }),
        }
        let drawn = |(times, cell): (&u32, &u32)| *times > 0 && *cell < DROPPED;
        // Keys that are not ranks do not tell equal images.
        let by_rank = params.hard.is_none() && !params.several();
        let of_digests = match by_rank {
            true => Vec::new(),
            false => ranks(&self.manifest.batch(index, &["digest"])?, params.seed)?,
        };
        let of_rows = match by_rank {
            true => look.keys.get(first..first + cells.len()).unwrap_or_default(),
            false => &of_digests,
        };
        let which = times.iter().zip(cells).map(drawn);
        let ranks: Vec<u64> =
            of_rows.iter().zip(which).filter(|(_, drawn)| *drawn).map(|(rank, _)| *rank).collect();
        let repeats: u64 = times.iter().map(|times| u64::from(times.saturating_sub(1))).sum();
        let mut rows = Rows::default();
        // Rows of other splits stay as often as they were drawn before.
        let kept = |row: usize| {
            let kept = repeat.get(row).copied().flatten();
            kept.map_or(1, |n| u32::try_from(n).unwrap_or(u32::MAX).max(1))
        };
        let drawn_of = |(row, times): (usize, &u32)| match cells.get(row) {
            Some(cell) if untouched(*cell) => kept(row),
            _ => *times,
        };
        let draws: Vec<u32> = times.iter().enumerate().map(drawn_of).collect();
        let fact = |((draws, times), cell): ((&u32, &u32), &u32)| match params.repeats {
            Repeats::Rows if !untouched(*cell) => (*times > 0).then_some(1),
            _ => (*times > 0).then_some(i64::from(*draws)),
        };
        let fact = draws.iter().zip(&times).zip(cells).map(fact).collect();
        rows.columns.push(("repeat", Values::Int(fact)));
        if let Some(weights) = weights {
            rows.columns.push(("weight", Values::Float(weights)));
        }
        if params.repeats == Repeats::Column {
            times.iter_mut().for_each(|times| *times = (*times).min(1));
        }
        if draws != times {
            rows.draws = Some(draws);
        }
        rows.times = Some(times);
        Ok((rows, ranks, repeats))
    }

    /// How often the rows of one batch were drawn before, where that is known, and their weights.
    fn before(&self, index: usize) -> Result<Before> {
        let known = self.manifest.schema().kind(REPEAT.name).is_some();
        let names: &[&str] = if known { &["weight", REPEAT.name] } else { &["weight"] };
        let batch = self.manifest.batch(index, names)?;
        let repeat = if known { batch.ints(REPEAT.name)?.collect() } else { Vec::new() };
        let weights = batch.floats("weight")?.collect();
        Ok((repeat, weights))
    }

    /// The weights of the rows of one batch, where any has one. Rows of other splits keep theirs; the others have none but
    /// those that this draw gives.
    fn weights(
        &self,
        index: usize,
        cells: &[u32],
        mut weights: Vec<Option<f64>>,
    ) -> Result<Option<Vec<Option<f64>>>> {
        if self.params.mode != Mode::Weights && weights.iter().all(Option::is_none) {
            return Ok(None);
        }
        for (weight, cell) in weights.iter_mut().zip(cells) {
            *weight = weight.filter(|_| untouched(*cell));
        }
        if self.params.mode != Mode::Weights {
            return Ok(Some(weights));
        }
        let (schema, first) = (self.manifest.schema(), index * BATCH_ROWS);
        match self.by {
            By::Draws { .. } => {}
            By::Several { several, rows } => {
                let new = several.weights(index, &self.look.cells, cells.len())?;
                for ((weight, new), cell) in weights.iter_mut().zip(new).zip(cells) {
                    if let Some(rows) = rows.get(*cell as usize) {
                        *weight = Some(*rows as f64 * new);
                    }
                }
            }
            By::Weights { leaves, of_leaves, rows, sums } => {
                let leaves = match leaves {
                    Some(leaves) => leaves.get(first..).unwrap_or_default(),
                    None => cells,
                };
                let hard = match &self.params.hard {
                    Some(hard) => {
                        let batch = self.manifest.batch(index, &[hard])?;
                        let values = numbers(&batch, schema, hard)?.into_iter();
                        let fixed = |v: Option<f64>| fixed(hard, v.map(|v| v.max(0.0)));
                        values.map(fixed).collect::<Result<Vec<_>>>()?
                    }
                    None => Vec::new(),
                };
                for (row, (weight, leaf)) in weights.iter_mut().zip(leaves).enumerate() {
                    let leaf = *leaf as usize;
                    if let (Some(all), Some(rows)) = (of_leaves.get(leaf), rows.get(leaf)) {
                        let by = hard.get(row).zip(sums.get(leaf)).filter(|(_, sum)| **sum > 0);
                        *weight = Some(match by {
                            Some((of_row, sum)) => all * (number((*of_row).into()) / number(*sum)),
                            None => all / *rows as f64,
                        });
                    }
                }
            }
        }
        Ok(Some(weights))
    }
}
