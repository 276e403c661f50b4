//! The generator: Philox4x32-10, a block and many at once.

/// The multipliers of Philox4x32.
const MULTIPLIER: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
/// What is added to the key each round: the golden ratio and √3 − 1.
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const ROUNDS: u32 = 10;
/// Blocks that bulk draws work on at once: a few registers of the widest machines.
pub(super) const LANES: usize = 32;

#[inline(always)]
fn wide_product(a: u32, b: u32) -> (u32, u32) {
    let product = u64::from(a).wrapping_mul(u64::from(b));
    ((product >> 32) as u32, product as u32)
}

/// One block: Philox4x32 of ten rounds.
#[inline(always)]
pub(super) fn philox4x32(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let ([mut a, mut b, mut c, mut d], [mut k, mut l]) = (counter, key);
    for _ in 0..ROUNDS {
        let (high0, low0) = wide_product(MULTIPLIER[0], a);
        let (high1, low1) = wide_product(MULTIPLIER[1], c);
        (a, b, c, d) = (high1 ^ b ^ k, low1, high0 ^ d ^ l, low0);
        (k, l) = (k.wrapping_add(WEYL[0]), l.wrapping_add(WEYL[1]));
    }
    [a, b, c, d]
}

/// [`philox4x32`] of the words of many counters.
#[inline(always)]
pub(super) fn rounds(key: [u32; 2], [a, b, c, d]: [&mut [u32; LANES]; 4]) {
    let [mut k, mut l] = key;
    for _ in 0..ROUNDS {
        for lane in 0..LANES {
            let (high0, low0) = wide_product(MULTIPLIER[0], a[lane]);
            let (high1, low1) = wide_product(MULTIPLIER[1], c[lane]);
            (a[lane], b[lane]) = (high1 ^ b[lane] ^ k, low1);
            (c[lane], d[lane]) = (high0 ^ d[lane] ^ l, low0);
        }
        (k, l) = (k.wrapping_add(WEYL[0]), l.wrapping_add(WEYL[1]));
    }
}

/// Blocks from `first` on into `words`, whose length is a multiple of 4.
#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
pub(super) fn philox_bulk(key: [u32; 2], high: [u32; 2], first: u64, words: &mut [u32]) {
    philox_bulk_body(key, high, first, words);
}

#[inline(always)]
pub(super) fn philox_bulk_body(key: [u32; 2], high: [u32; 2], first: u64, words: &mut [u32]) {
    for (index, chunk) in words.chunks_mut(4 * LANES).enumerate() {
        let start = first.wrapping_add((index as u64).wrapping_mul(LANES as u64));
        let (mut a, mut b) = ([0; LANES], [0; LANES]);
        let (mut c, mut d) = ([high[0]; LANES], [high[1]; LANES]);
        for lane in 0..LANES {
            let counter = start.wrapping_add(lane as u64);
            (a[lane], b[lane]) = (counter as u32, (counter >> 32) as u32);
        }
        rounds(key, [&mut a, &mut b, &mut c, &mut d]);
        if let Ok(whole) = <&mut [u32; 4 * LANES]>::try_from(&mut *chunk) {
            for lane in 0..LANES {
                whole[4 * lane] = a[lane];
                whole[4 * lane + 1] = b[lane];
                whole[4 * lane + 2] = c[lane];
                whole[4 * lane + 3] = d[lane];
            }
        } else {
            for (lane, block) in chunk.as_chunks_mut::<4>().0.iter_mut().enumerate() {
                *block = [a[lane], b[lane], c[lane], d[lane]];
            }
        }
    }
}
