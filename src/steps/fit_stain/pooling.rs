//! Pixels of many patches, counted together.

use super::{Facts, Params};
use crate::error::{Error, Result};
use crate::stain::{FitOptions, Over, Pool};
use crate::step::{Member, Out};
use crate::steps::stain::{light, rgb};

/// Tissue pixels that a slide must give, if it has them.
const LEAST_SAMPLED_PX: u64 = 100_000;
/// Patches that one piece of work decodes.
const PIECE: usize = 16;
/// Largest file that a slide may have left: 2^24 colours in full.
const MOST_POOL_BYTES: u64 = 256 << 20;

/// Counted pixels, and how many there were.
#[derive(Default)]
pub(super) struct Pooled {
    pub pool: Pool,
    pub tissue_px: u64,
    unreadable: u64,
}

impl Pooled {
    fn merge(&mut self, other: &Self) {
        self.pool.merge(&other.pool);
        self.tissue_px += other.tissue_px;
        self.unreadable += other.unreadable;
    }

    /// The counts as facts.
    pub fn facts(&self) -> Facts {
        Facts {
            images: Some(self.pool.images()),
            unreadable: Some(self.unreadable),
            pixels: Some(self.pool.pixels()),
            tissue_px: Some(self.tissue_px),
            sampled_px: Some(self.pool.counted().min(self.tissue_px)),
            ..Facts::default()
        }
    }
}

/// All pixels of one image that a fit looks at.
pub(super) fn of_image(rgb: &[u8], options: &FitOptions) -> Pooled {
    let (tissue, tissue_px) = Pool::of_tissue(rgb, light(options), u64::MAX);
    let pool = match options.over {
        Over::Tissue => tissue,
        Over::All => Pool::of_rgb(rgb),
    };
    Pooled { pool, tissue_px, unreadable: 0 }
}

/// Samples tissue pixels of all patches of a slide, evenly.
pub(super) fn pool_members(
    members: &[Member],
    params: &Params,
    out: &mut Out<'_, Facts>,
) -> Result<Pooled> {
    let patches = members.len().max(1) as u64;
    let mut most = params.sample_px.div_ceil(patches);
    loop {
        let pooled = pass(members, most, &params.options(), out)?;
        let sampled = pooled.pool.counted();
        if sampled >= LEAST_SAMPLED_PX || sampled == pooled.tissue_px {
            return Ok(pooled);
        }
        most = most.saturating_mul(8);
    }
}

fn pass(
    members: &[Member],
    most: u64,
    options: &FitOptions,
    out: &mut Out<'_, Facts>,
) -> Result<Pooled> {
    let light = light(options);
    let total = members.len() as u64;
    let mut sums = Sums::default();
    let mut done = 0;
    let count = |piece: usize| -> Result<Pooled> {
        let mut sum = Sums::default();
        for member in members.iter().skip(piece * PIECE).take(PIECE) {
            let source = member.source()?;
            sum.push(match rgb(&source) {
                Ok(image) => {
                    let bytes = image.as_u8().unwrap_or_default();
                    let (pool, tissue_px) = Pool::of_tissue(bytes, light, most);
                    Pooled { pool, tissue_px, unreadable: 0 }
                }
                // It stays an item, and whoever needs its pixels will say what is wrong with it.
                Err(Error::Format { .. } | Error::Unsupported { .. } | Error::Limit { .. }) => {
                    Pooled { unreadable: 1, ..Pooled::default() }
                }
                Err(error) => return Err(error),
            });
        }
        Ok(sum.finish())
    };
    out.ordered(members.len().div_ceil(PIECE), count, |out, _, pooled| {
        sums.push(pooled);
        done = total.min(done + PIECE as u64);
        out.progress(done, total);
        Ok(())
    })?;
    Ok(sums.finish())
}

/// The sum of what slides left.
pub(super) fn pool_left(left: &[Member], out: &mut Out<'_, Facts>) -> Result<Pool> {
    let mut sums = Sums::default();
    let read = |index: usize| -> Result<Pool> {
        let source = left[index].source()?;
        let bytes = source.bytes();
        if bytes.size() > MOST_POOL_BYTES {
            return Err(Error::format("pool of colours", "is larger than all colours are"));
        }
        Pool::from_bytes(&bytes.read_vec(0, bytes.size())?)
    };
    out.ordered(left.len(), read, |_, _, pool| {
        sums.push(Pooled { pool, ..Pooled::default() });
        Ok(())
    })?;
    Ok(sums.finish().pool)
}

/// Adds up many pools: equals with equals, so that n of them cost n·log n and not n².
#[derive(Default)]
struct Sums {
    /// (how many were added up, their sum), each at least twice the next.
    stack: Vec<(u64, Pooled)>,
}

impl Sums {
    fn push(&mut self, pooled: Pooled) {
        let mut top = (1, pooled);
        while let Some((count, sum)) = self.stack.pop_if(|(count, _)| *count <= top.0) {
            top.0 += count;
            top.1.merge(&sum);
        }
        self.stack.push(top);
    }

    fn finish(mut self) -> Pooled {
        let mut sum = Pooled::default();
        while let Some((_, next)) = self.stack.pop() {
            sum.merge(&next);
        }
        sum
    }
}
