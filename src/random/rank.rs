//! A number for each item under a seed.

use super::philox::{LANES, philox4x32, rounds};

/// A number for each item under a seed, by which rows of a manifest are drawn and ordered: the first two words,
/// little-endian, of Philox4x32-10 with the seed as key and the first 16 bytes of the item's digest as counter. For one seed,
/// items with other digests have other counters, and numbers that are uniform and independent.
pub fn rank(seed: u64, item: &[u8; 32]) -> u64 {
    let word = |at: usize| u32::from_le_bytes([item[at], item[at + 1], item[at + 2], item[at + 3]]);
    let counter = [word(0), word(4), word(8), word(12)];
    let [low, high, _, _] = philox4x32(counter, [seed as u32, (seed >> 32) as u32]);
    u64::from(high) << 32 | u64::from(low)
}

/// [`rank`] of many items, several at once.
pub fn ranks(seed: u64, items: &[[u8; 32]]) -> Vec<u64> {
    let mut ranks = Vec::with_capacity(items.len());
    of_lanes(seed, items, &mut ranks);
    ranks
}

#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn of_lanes(seed: u64, items: &[[u8; 32]], ranks: &mut Vec<u64>) {
    let (lanes, rest) = items.as_chunks::<LANES>();
    for items in lanes {
        let (mut a, mut b, mut c, mut d) = ([0; LANES], [0; LANES], [0; LANES], [0; LANES]);
        for (lane, item) in items.iter().enumerate() {
            let words = item.as_chunks::<4>().0;
            let word = |at: usize| words.get(at).map_or(0, |word| u32::from_le_bytes(*word));
            (a[lane], b[lane], c[lane], d[lane]) = (word(0), word(1), word(2), word(3));
        }
        rounds([seed as u32, (seed >> 32) as u32], [&mut a, &mut b, &mut c, &mut d]);
        ranks.extend(a.iter().zip(&b).map(|(low, high)| u64::from(*high) << 32 | u64::from(*low)));
    }
    ranks.extend(rest.iter().map(|item| rank(seed, item)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_are_each_as_one() {
        let item = |n: u64| *crate::digest::Digest::of(&n.to_le_bytes()).as_bytes();
        for count in [0, 1, 31, 32, 33, 200] {
            let items: Vec<[u8; 32]> = (0..count).map(item).collect();
            let one_by_one: Vec<u64> = items.iter().map(|item| rank(9 << 33, item)).collect();
            assert_eq!(ranks(9 << 33, &items), one_by_one, "{count}");
        }
    }

    #[test]
    fn it_is_philox_of_the_digest_under_the_seed() {
        // The known answer of Philox4x32-10 for all bits set (Random123's kat_vectors): 408f276d 41c83b0e.
        assert_eq!(rank(u64::MAX, &[0xff; 32]), 0x41c8_3b0e_408f_276d);
        let mut other = [0xff; 32];
        other[15] = 0xfe;
        assert_ne!(rank(u64::MAX, &other), rank(u64::MAX, &[0xff; 32]));
        assert_ne!(rank(1, &[0xff; 32]), rank(u64::MAX, &[0xff; 32]));
        // Only the first 16 bytes are looked at.
        other = [0xff; 32];
        other[16] = 0;
        assert_eq!(rank(7, &other), rank(7, &[0xff; 32]));
    }
}
