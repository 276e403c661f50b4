//! Pixels of many patches, counted together.

use std::sync::atomic::{AtomicU8, Ordering};

use super::{Facts, Params};
use crate::error::{Error, Result};
use crate::stain::{FitOptions, Over, Pool, Sample};
use crate::step::{Member, Out};
use crate::steps::stain::{light, rgb};

/// Patches that one piece of work decodes.
const PIECE: usize = 16;
/// Largest file that a slide may have left: 2^24 colours in full.
const MOST_POOL_BYTES: u64 = 256 << 20;

/// Counted pixels, and how many there were.
#[derive(Default)]
pub(super) struct Pooled {
    pub pool: Pool,
    tissue_px: u64,
    unreadable: u64,
}

impl Pooled {
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
    let tissue = Pool::of_tissue(rgb, light(options));
    let tissue_px = tissue.counted();
    let pool = match options.over {
        Over::Tissue => tissue,
        Over::All => Pool::of_rgb(rgb),
    };
    Pooled { pool, tissue_px, unreadable: 0 }
}

/// Samples tissue pixels of all patches of a slide, each with the same chance. Patches that cannot be
/// decoded are counted; if none can, that is an error.
pub(super) fn pool_members(
    members: &[Member],
    params: &Params,
    out: &mut Out<'_, Facts>,
) -> Result<Pooled> {
    let light = light(&params.options());
    let total = members.len() as u64;
    let mut sums = Sums::<Sample>::default();
    let (mut done, mut unreadable) = (0, 0);
    // Levels below this are dropped in any case: not to draw them saves work and changes nothing.
    let least = AtomicU8::new(0);
    let mut why = None;
    let count = |piece: usize| -> Result<(Sample, Vec<Error>)> {
        let (mut sum, mut unreadable) = (Sample::default(), Vec::new());
        for member in members.iter().skip(piece * PIECE).take(PIECE) {
            let source = member.source()?;
            match rgb(&source) {
                Ok(image) => {
                    let bytes = image.as_u8().unwrap_or_default();
                    let [a, b, c, d, e, f, g, h, ..] = *member.digest().as_bytes();
                    let seed = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
                    sum.merge(&Sample::of_rgb(bytes, light, seed, least.load(Ordering::Relaxed)));
                }
                // It stays an item, and whoever needs its pixels will say what is wrong with it.
                Err(
                    error
                    @ (Error::Format { .. } | Error::Unsupported { .. } | Error::Limit { .. }),
                ) => unreadable.push(error),
                Err(error) => return Err(error),
            }
        }
        Ok((sum, unreadable))
    };
    out.ordered(members.len().div_ceil(PIECE), count, |out, _, (sample, failed)| {
        unreadable += failed.len() as u64;
        why = why.take().or_else(|| failed.into_iter().next());
        let lowest = sums.push(sample).thin(params.sample_px);
        least.fetch_max(lowest, Ordering::Relaxed);
        done = total.min(done + PIECE as u64);
        out.progress(done, total);
        Ok(())
    })?;
    if let Some(error) = why.filter(|_| unreadable == total) {
        return Err(error);
    }
    let mut sample = sums.finish();
    sample.thin(params.sample_px);
    let tissue_px = sample.tissue_px();
    Ok(Pooled { pool: sample.into_pool(), tissue_px, unreadable })
}

/// The sum of what slides left.
pub(super) fn pool_left(left: &[Member], out: &mut Out<'_, Facts>) -> Result<Pool> {
    let read = |index: usize| -> Result<Pool> {
        let source = left[index].source()?;
        let bytes = source.bytes();
        if bytes.size() > MOST_POOL_BYTES {
            return Err(Error::format("pool of colours", "is larger than all colours are"));
        }
        Pool::from_bytes(&bytes.read_vec(0, bytes.size())?)
    };
    let mut sums = Sums::<Pool>::default();
    out.ordered(left.len(), read, |_, _, pool| {
        sums.push(pool);
        Ok(())
    })?;
    Ok(sums.finish())
}

/// What can be added up.
trait Sum: Default {
    fn add(&mut self, other: &Self);
}

impl Sum for Pool {
    fn add(&mut self, other: &Self) {
        self.merge(other);
    }
}

impl Sum for Sample {
    fn add(&mut self, other: &Self) {
        self.merge(other);
    }
}

/// Adds up many: equals with equals, so that n of them cost n·log n and not n².
#[derive(Default)]
struct Sums<T> {
    /// (how many were added up, their sum), each more than the next.
    stack: Vec<(u64, T)>,
}

impl<T: Sum> Sums<T> {
    /// Adds one, and gives the sum that it became part of.
    fn push(&mut self, one: T) -> &mut T {
        let mut top = (1, one);
        while let Some((count, sum)) = self.stack.pop_if(|(count, _)| *count <= top.0) {
            top.0 += count;
            top.1.add(&sum);
        }
        let at = self.stack.len();
        self.stack.push(top);
        &mut self.stack[at].1
    }

    fn finish(mut self) -> T {
        let mut sum = T::default();
        while let Some((_, next)) = self.stack.pop() {
            sum.add(&next);
        }
        sum
    }
}
