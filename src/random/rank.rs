//! A number for each item under a seed.

use super::philox4x32;

/// A number for each item under a seed, by which rows of a manifest are drawn and ordered: the first two words,
/// little-endian, of Philox4x32-10 with the seed as key and the first 16 bytes of the item's digest as counter. For one seed,
/// items with other digests have other counters, and numbers that are uniform and independent.
pub fn rank(seed: u64, item: &[u8; 32]) -> u64 {
    let word = |at: usize| u32::from_le_bytes([item[at], item[at + 1], item[at + 2], item[at + 3]]);
    let counter = [word(0), word(4), word(8), word(12)];
    let [low, high, _, _] = philox4x32(counter, [seed as u32, (seed >> 32) as u32]);
    u64::from(high) << 32 | u64::from(low)
}

#[cfg(test)]
mod tests {
    use super::*;

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
