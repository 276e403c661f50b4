//! Perceptual hashes that differ in few bits, found among many: multi-index hashing (Norouzi et al. 2014,
//! doi:10.1109/TPAMI.2013.231).
//!
//! 64 bits are cut into `bits + j` blocks; two hashes that differ in at most `bits` bits agree in at least `j` whole
//! blocks. For each choice of `j` blocks, hashes are sorted by them, and those that agree there are compared.

/// Work that is done before the search ends: a comparison is 1, a hash in a table that is sorted [`SORTED`].
/// Some seconds; ten million hashes that are spread evenly need less with 4 bits.
pub(super) const MOST_WORK: u64 = 1 << 33;
const SORTED: u64 = 32;
/// Blocks that agree, at most: more make more tables of fewer comparisons.
const MOST_AGREE: u32 = 3;

/// How a search went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Search {
    /// Whether all pairs were found: the work was less than allowed.
    pub complete: bool,
}

/// Tells of each pair (by their places) of different hashes that differ in at most `bits` bits, some of them several times.
/// What is told does not depend on anything but `hashes`, which are in ascending order.
pub(super) fn pairs(
    hashes: &[u64],
    bits: u32,
    most_work: u64,
    mut found: impl FnMut(usize, usize),
) -> Search {
    let n = hashes.len() as u64;
    if bits == 0 || n < 2 {
        return Search { complete: true };
    }
    let agree = (1..=MOST_AGREE).min_by_key(|agree| estimate(n, bits, *agree)).unwrap_or(1);
    let blocks = bits + agree;
    let ends: Vec<u32> = (0..=blocks).map(|block| block * 64 / blocks).collect();
    let mut sorted: Vec<(u64, u32)> = Vec::with_capacity(hashes.len());
    let mut work = 0_u64;
    for chosen in (0..1_u32 << blocks).filter(|chosen| chosen.count_ones() == agree) {
        work += n * SORTED;
        if work > most_work {
            return Search { complete: false };
        }
        let mask = (0..blocks).filter(|block| chosen >> block & 1 == 1).fold(0, |mask, block| {
            let (from, to) = (ends[block as usize], ends[block as usize + 1]);
            mask | (u64::MAX >> (64 - (to - from))) << from
        });
        sorted.clear();
        sorted.extend(hashes.iter().zip(0..).map(|(hash, place)| (hash & mask, place)));
        sorted.sort_unstable();
        for bucket in sorted.chunk_by(|a, b| a.0 == b.0) {
            for (index, (_, a)) in bucket.iter().enumerate() {
                let rest = &bucket[index + 1..];
                work += rest.len() as u64;
                if work > most_work {
                    return Search { complete: false };
                }
                let hash = hashes[*a as usize];
                for (_, b) in rest {
                    if (hash ^ hashes[*b as usize]).count_ones() <= bits {
                        found(*a as usize, *b as usize);
                    }
                }
            }
        }
    }
    Search { complete: true }
}

/// Work for hashes that are spread evenly.
fn estimate(n: u64, bits: u32, agree: u32) -> u128 {
    let blocks = bits + agree;
    let tables = (0..agree).fold(1_u128, |c, k| c * u128::from(blocks - k) / u128::from(k + 1));
    let n = u128::from(n);
    tables * (n * u128::from(SORTED) + ((n * n / 2) >> (64 * agree / blocks)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn hashes(clusters: u64, each: u64) -> Vec<u64> {
        let mut all = BTreeSet::new();
        for cluster in 0..clusters {
            let mut state = (cluster + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let center = state ^ state >> 29;
            for _ in 0..each {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let flips = (0..state >> 61).fold(0, |f, k| f | 1_u64 << (state >> (6 * k) & 63));
                all.insert(center ^ flips);
            }
        }
        all.into_iter().collect()
    }

    #[test]
    fn all_pairs_are_found_that_a_plain_search_finds() {
        let hashes = hashes(40, 12);
        for bits in 0..=10 {
            let mut found = BTreeSet::new();
            let search = pairs(&hashes, bits, MOST_WORK, |a, b| {
                found.insert((a.min(b), a.max(b)));
            });
            assert!(search.complete);
            let plain: BTreeSet<(usize, usize)> = (0..hashes.len())
                .flat_map(|a| (a + 1..hashes.len()).map(move |b| (a, b)))
                .filter(|(a, b)| (hashes[*a] ^ hashes[*b]).count_ones() <= bits)
                .collect();
            assert_eq!(found, plain, "{bits} bits");
            assert!(bits < 2 || !plain.is_empty());
        }
    }

    #[test]
    fn each_number_of_agreeing_blocks_is_chosen_somewhere() {
        let chosen = |n: u64| (1..=MOST_AGREE).min_by_key(|agree| estimate(n, 4, *agree));
        assert_eq!((chosen(10_000), chosen(10_000_000)), (Some(1), Some(2)));
    }

    #[test]
    fn a_search_ends_where_it_is_told() {
        let hashes = hashes(40, 12);
        assert!(!pairs(&hashes, 4, 20_000, |_, _| ()).complete);
    }
}
