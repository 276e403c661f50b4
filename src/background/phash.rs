//! A hash that pictures of the same look share: pHash of 64 bits.
//!
//! The luminance is averaged to 32 × 32, its two-dimensional cosine transform (DCT-II) is taken in
//! integers, and of the 8 × 8 coefficients of the lowest frequencies but zero (rows and columns 1–8)
//! each gives a bit: 1 where it is larger than their median. The first bit is the highest. Two
//! pictures are alike when few bits differ (Hamming distance). Source: C. Zauner, "Implementation and
//! benchmarking of perceptual image hash functions", 2010. Not bit for bit what other programs
//! give: they blur and shrink in other ways.

use std::sync::LazyLock;

/// Side of the averaged picture.
const SIDE: usize = 32;
/// Frequencies along each axis.
const KEPT: usize = 8;

/// Cosines of the frequencies 1–8 in 2^14ths.
static COSINES: LazyLock<[[i64; SIDE]; KEPT]> = LazyLock::new(|| {
    std::array::from_fn(|k| {
        std::array::from_fn(|x| {
            let angle = std::f64::consts::PI * (2 * x + 1) as f64 * (k + 1) as f64 / 64.0;
            libm::round(libm::cos(angle) * 16384.0) as i64
        })
    })
});

/// The hash of a picture's luminance. Pictures smaller than 32 pixels are enlarged by repeating pixels.
pub fn phash(luminance: &[u8], width: usize) -> u64 {
    let height = luminance.len() / width.max(1);
    if height == 0 {
        return 0;
    }
    let span = |i: usize, n: usize| {
        let from = i * n / SIDE;
        (from, ((i + 1) * n / SIDE).max(from + 1))
    };
    // In 16ths of a level, so that flat areas do not fall to one value.
    let mut small = [[0_i64; SIDE]; SIDE];
    for (y, row) in small.iter_mut().enumerate() {
        let (top, bottom) = span(y, height);
        for (x, value) in row.iter_mut().enumerate() {
            let (left, right) = span(x, width);
            let sum: u64 = luminance[top * width..bottom * width]
                .chunks_exact(width)
                .flat_map(|row| &row[left..right])
                .map(|&v| u64::from(v))
                .sum();
            *value = (sum * 16 / ((bottom - top) * (right - left)) as u64) as i64;
        }
    }
    let along: Vec<[i64; KEPT]> = small
        .iter()
        .map(|row| COSINES.map(|cosine| row.iter().zip(cosine).map(|(v, c)| v * c).sum()))
        .collect();
    let mut found = [0_i64; KEPT * KEPT];
    for (v, cosine) in COSINES.iter().enumerate() {
        for u in 0..KEPT {
            // Below 32² · 4080 · 2^28 = 2^50.
            found[v * KEPT + u] = along.iter().zip(cosine).map(|(row, c)| row[u] * c).sum();
        }
    }
    let mut sorted = found;
    sorted.sort_unstable();
    // Of 64, the mean of the two in the middle; doubled, so that nothing is rounded.
    let median = sorted[31] + sorted[32];
    found.iter().fold(0, |bits, &value| bits << 1 | u64::from(2 * value > median))
}

/// Bits in which two hashes differ, 0–64.
pub fn distance(a: u64, b: u64) -> u32 {
    (a ^ b).count_ones()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scene(width: usize, height: usize, add: u8) -> Vec<u8> {
        let at = |x: usize, y: usize| {
            let (x, y) = (x * 256 / width, y * 256 / height);
            ((x * y / 400) % 160 + usize::from(x > 128 && y < 90) * 60) as u8 + add
        };
        (0..height).flat_map(|y| (0..width).map(move |x| at(x, y))).collect()
    }

    #[test]
    fn size_and_light_change_few_bits_and_another_picture_many() {
        let a = phash(&scene(256, 256, 0), 256);
        assert_eq!(a, phash(&scene(256, 256, 30), 256));
        assert!(distance(a, phash(&scene(512, 384, 0), 512)) <= 6);
        let other: Vec<u8> = scene(256, 256, 0).into_iter().rev().collect();
        assert!(distance(a, phash(&other, 256)) > 20);
    }

    #[test]
    fn half_of_the_bits_are_set() {
        assert!((28..=32).contains(&phash(&scene(300, 200, 0), 300).count_ones()));
        assert_eq!(phash(&[7; 64], 8), phash(&[9; 64], 8));
        assert_eq!(phash(&[], 8), 0);
    }
}
