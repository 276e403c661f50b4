//! The temporal median: each sample of the result is the median of that sample in all frames.
//!
//! Frames are taken 128 samples at a time through a network of comparators: Batcher's odd-even merge
//! sort, of which only what the middle needs is kept. A comparator is a minimum and a maximum of whole
//! rows of bytes, without branches, so that one instruction does as many samples as a register holds;
//! integers only, so that every machine gives the same.
//!
//! Of an even number of frames, the median is the mean of the two in the middle, rounded half up (what
//! `numpy.median` gives, rounded). Source: K. E. Batcher, "Sorting networks and their applications",
//! AFIPS 1968, doi:10.1145/1468075.1468121.

use multiversion::multiversion;

use crate::error::{Error, Result};

/// Samples that go through the network at once: the rows of 51 frames stay in the first cache.
const LANES: usize = 128;

/// One row of samples, one frame's.
type Row = [u8; LANES];

/// Most frames of one median; what more frames would add is not worth their memory.
pub const MOST_FRAMES: usize = 4096;

/// Which results of a comparator are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keeps {
    Both,
    Low,
    High,
}

/// The smaller of two rows goes to the first place, the larger to the second.
#[derive(Clone, Copy, Debug)]
struct Comparator {
    low: u16,
    high: u16,
    keeps: Keeps,
}

/// A network that brings the median of a number of frames to its middle.
#[derive(Clone, Debug)]
pub struct Median {
    frames: usize,
    comparators: Vec<Comparator>,
    rows: Vec<Row>,
}

impl Median {
    /// The network for so many frames.
    ///
    /// # Errors
    /// [`Error::Limit`] for none, or for more than [`MOST_FRAMES`].
    pub fn new(frames: usize) -> Result<Self> {
        if frames == 0 || frames > MOST_FRAMES {
            return Err(Error::limit(
                "a temporal median",
                format!("of {frames} frames"),
                format!("1 to {MOST_FRAMES}"),
                "lower `max_frames`",
            ));
        }
        let mut comparators = Vec::new();
        sort(frames, |low, high| {
            comparators.push(Comparator { low, high, keeps: Keeps::Both });
        });
        Ok(Self {
            frames,
            comparators: pruned(frames, &comparators),
            rows: vec![[0; LANES]; frames],
        })
    }

    /// Comparators of the network: what the median of one row of samples costs.
    pub fn comparators(&self) -> usize {
        self.comparators.len()
    }

    /// The median of `frames`, which are as many as the network was made for, and all of the length of
    /// `made`.
    ///
    /// # Errors
    /// [`Error::Bug`] when they are not.
    pub fn of(&mut self, frames: &[&[u8]], made: &mut [u8]) -> Result<()> {
        if frames.len() != self.frames || frames.iter().any(|f| f.len() != made.len()) {
            let message = format!("{} frames of unlike lengths for a median", frames.len());
            return Err(Error::Bug { message });
        }
        run(frames, &self.comparators, &mut self.rows, made);
        Ok(())
    }
}

/// The median of some frames of equal length.
///
/// # Errors
/// As [`Median::new`] and [`Median::of`].
pub fn median(frames: &[&[u8]]) -> Result<Vec<u8>> {
    let mut made = vec![0; frames.first().map_or(0, |f| f.len())];
    Median::new(frames.len())?.of(frames, &mut made)?;
    Ok(made)
}

/// Batcher's odd-even merge sort of any number of wires: that of the next power of two, where the wires
/// that are missing would hold the largest values and never move.
fn sort(wires: usize, mut compare: impl FnMut(u16, u16)) {
    let full = wires.next_power_of_two();
    let mut p = 1;
    while p < full {
        let mut k = p;
        while k >= 1 {
            let mut j = k % p;
            while j + k < full {
                for i in 0..k.min(full - j - k) {
                    let (low, high) = (i + j, i + j + k);
                    if low / (2 * p) == high / (2 * p) && high < wires {
                        compare(low as u16, high as u16);
                    }
                }
                j += 2 * k;
            }
            k /= 2;
        }
        p *= 2;
    }
}

/// What of a sorting network the middle needs.
fn pruned(wires: usize, comparators: &[Comparator]) -> Vec<Comparator> {
    let mut needed = vec![false; wires];
    for middle in [(wires - 1) / 2, wires / 2] {
        needed[middle] = true;
    }
    let mut kept = Vec::new();
    for comparator in comparators.iter().rev() {
        let (low, high) = (usize::from(comparator.low), usize::from(comparator.high));
        let keeps = match (needed[low], needed[high]) {
            (true, true) => Keeps::Both,
            (true, false) => Keeps::Low,
            (false, true) => Keeps::High,
            (false, false) => continue,
        };
        needed[low] = true;
        needed[high] = true;
        kept.push(Comparator { keeps, ..*comparator });
    }
    kept.reverse();
    kept
}

#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn run(frames: &[&[u8]], comparators: &[Comparator], rows: &mut [Row], made: &mut [u8]) {
    let (a, b) = ((frames.len() - 1) / 2, frames.len() / 2);
    let mut start = 0;
    for block in made.chunks_mut(LANES) {
        for (row, frame) in rows.iter_mut().zip(frames) {
            match frame[start..].first_chunk::<LANES>() {
                Some(whole) => *row = *whole,
                // What stands behind the end is never looked at.
                None => row[..block.len()].copy_from_slice(&frame[start..]),
            }
        }
        for comparator in comparators {
            compare(rows, *comparator);
        }
        let middle = mean(&rows[a], &rows[b]);
        block.copy_from_slice(&middle[..block.len()]);
        start += LANES;
    }
}

#[inline(always)]
fn compare(rows: &mut [Row], Comparator { low, high, keeps }: Comparator) {
    // The second place is always behind the first.
    let (before, behind) = rows.split_at_mut(usize::from(high));
    let (low, high) = (&mut before[usize::from(low)], &mut behind[0]);
    match keeps {
        Keeps::Both => {
            for (l, h) in low.iter_mut().zip(high) {
                (*l, *h) = ((*l).min(*h), (*l).max(*h));
            }
        }
        Keeps::Low => {
            for (l, h) in low.iter_mut().zip(high) {
                *l = (*l).min(*h);
            }
        }
        Keeps::High => {
            for (l, h) in low.iter().zip(high) {
                *h = (*l).max(*h);
            }
        }
    }
}

#[inline(always)]
fn mean(a: &Row, b: &Row) -> Row {
    let mut made = [0; LANES];
    for ((made, a), b) in made.iter_mut().zip(a).zip(b) {
        *made = (u16::from(*a).wrapping_add(u16::from(*b)).wrapping_add(1) >> 1) as u8;
    }
    made
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn by_sorting(frames: &[&[u8]]) -> Vec<u8> {
        let middle = |at: usize| {
            let mut values: Vec<u16> = frames.iter().map(|f| u16::from(f[at])).collect();
            values.sort_unstable();
            let n = values.len();
            ((values[(n - 1) / 2] + values[n / 2]).div_ceil(2)) as u8
        };
        (0..frames[0].len()).map(middle).collect()
    }

    #[test]
    fn the_median_of_few_is_what_one_counts_by_hand() {
        assert_eq!(median(&[&[7, 9]]).unwrap(), [7, 9]);
        // 1 and 4: 2.5, rounded up.
        assert_eq!(median(&[&[1], &[4]]).unwrap(), [3]);
        assert_eq!(median(&[&[200, 5], &[3, 5], &[100, 0]]).unwrap(), [100, 5]);
        assert_eq!(median(&[&[9], &[1], &[5], &[8]]).unwrap(), [7]);
    }

    #[test]
    fn the_network_of_any_size_finds_the_middle_of_zeros_and_ones() {
        // A network that sorts all of zeros and ones sorts everything: here all numbers of ones, in
        // places that a fixed walk chooses.
        for frames in 1..=67 {
            let lanes: Vec<Vec<u8>> = (0..frames)
                .map(|f| (0..=frames).map(|ones| u8::from((f * 37) % frames < ones)).collect())
                .collect();
            let lanes: Vec<&[u8]> = lanes.iter().map(Vec::as_slice).collect();
            let (two, many) = (2 * median(&lanes).unwrap()[frames / 2], by_sorting(&lanes));
            assert_eq!(median(&lanes).unwrap(), many, "{frames} frames, {two}");
        }
    }

    #[test]
    fn the_middle_needs_fewer_comparators_than_the_order() {
        // 9 frames: 19 are known to be the least.
        let few: Vec<usize> = [3, 9, 10, 51].map(|n| Median::new(n).unwrap().comparators()).into();
        assert_eq!(few[0], 3);
        assert!(few[1] < 30 && few[2] < 35 && few[3] < 420, "{few:?}");
    }

    #[test]
    fn unlike_frames_and_no_frames_are_refused() {
        assert_eq!(median(&[]).unwrap_err().kind(), "limit");
        assert!(matches!(median(&[&[1], &[1, 2]]), Err(Error::Bug { .. })));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn it_is_what_sorting_gives(n in 1_usize..130, len in 1_usize..300, seed in any::<u64>()) {
            let mut state = seed | 1;
            let mut next = || {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                (state >> 56) as u8
            };
            let frames: Vec<Vec<u8>> = (0..n).map(|_| (0..len).map(|_| next()).collect()).collect();
            let frames: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
            prop_assert_eq!(median(&frames).unwrap(), by_sorting(&frames));
        }
    }
}
