//! Small symmetric kernels, first down, then across.
//!
//! Weights are whole 256ths that sum to 256, so the sums of a column are exact in 16 bits and those of
//! a whole window exact in 24: one rounding, at the end. What a column sums to is kept as two bytes,
//! the whole levels and the 256ths, so that the second pass needs 16-bit products only:
//! `(256·A + B + 2¹⁵) >> 16 = (A + (B >> 8) + 128) >> 8`, with A the weighted sum of the levels and B
//! that of the 256ths.

use super::{Frame, mirror_sides};

/// `weights[0]` is the centre's, `weights[i]` that of the two pixels `i` away, in 256ths.
#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
pub(super) fn separable<'a>(frame: &Frame<'a>, weights: &[u16]) -> Vec<u8> {
    separable_body(frame, weights)
}

#[inline(always)]
fn separable_body(frame: &Frame<'_>, weights: &[u16]) -> Vec<u8> {
    let (radius, channels, pitch) = (weights.len() - 1, frame.channels, frame.pitch());
    let room = radius * channels;
    let (mut levels, mut parts) = (vec![0_u8; pitch + 2 * room], vec![0_u8; pitch + 2 * room]);
    // Rows are appended: memory that is zeroed first costs a fifth of a small blur.
    let (mut all, mut line) = (Vec::with_capacity(frame.bytes.len()), vec![0; pitch]);
    let mut sums = [vec![0_u16; pitch], vec![0_u16; pitch]];
    for y in 0..frame.height {
        let row = |tap: isize| frame.row(y as isize + tap);
        let (levels_in, parts_in) = (&mut levels[room..][..pitch], &mut parts[room..][..pitch]);
        match *weights {
            [a, b] => down([a, b], row, levels_in, parts_in),
            [a, b, c] => down([a, b, c], row, levels_in, parts_in),
            [a, b, c, d] => down([a, b, c, d], row, levels_in, parts_in),
            _ => {
                weighted(weights, row, &mut sums[0]);
                split(&sums[0], levels_in, parts_in);
            }
        }
        mirror_sides(&mut levels, frame.width, channels, radius);
        mirror_sides(&mut parts, frame.width, channels, radius);
        let place = |tap: isize| room.wrapping_add_signed(tap * channels as isize);
        let level = |tap: isize| &levels[place(tap)..][..pitch];
        let part = |tap: isize| &parts[place(tap)..][..pitch];
        match *weights {
            [a, b] => across([a, b], level, part, &mut line),
            [a, b, c] => across([a, b, c], level, part, &mut line),
            [a, b, c, d] => across([a, b, c, d], level, part, &mut line),
            _ => {
                let [whole, fraction] = &mut sums;
                weighted(weights, level, whole);
                weighted(weights, part, fraction);
                for ((out, &a), &b) in line.iter_mut().zip(&*whole).zip(&*fraction) {
                    *out = rounded(a, b);
                }
            }
        }
        all.extend_from_slice(&line);
    }
    all
}

#[inline(always)]
fn rounded(a: u16, b: u16) -> u8 {
    (a.wrapping_add(b >> 8).wrapping_add(128) >> 8) as u8
}

/// The columns' sums of few taps, in two bytes each.
#[inline(always)]
fn down<'a, const SIDE: usize>(
    weights: [u16; SIDE],
    row: impl Fn(isize) -> &'a [u8],
    levels: &mut [u8],
    parts: &mut [u8],
) {
    let n = levels.len();
    let before: [&[u8]; SIDE] = std::array::from_fn(|away| &row(-(away as isize))[..n]);
    let after: [&[u8]; SIDE] = std::array::from_fn(|away| &row(away as isize)[..n]);
    for (x, (level, part)) in levels.iter_mut().zip(parts).enumerate() {
        let sum = sum_at(&weights, &before, &after, x);
        (*level, *part) = ((sum >> 8) as u8, sum as u8);
    }
}

/// The rows' sums of few taps, rounded.
#[inline(always)]
fn across<'a, const SIDE: usize>(
    weights: [u16; SIDE],
    level: impl Fn(isize) -> &'a [u8],
    part: impl Fn(isize) -> &'a [u8],
    out: &mut [u8],
) {
    let n = out.len();
    let level_before: [&[u8]; SIDE] = std::array::from_fn(|away| &level(-(away as isize))[..n]);
    let level_after: [&[u8]; SIDE] = std::array::from_fn(|away| &level(away as isize)[..n]);
    let part_before: [&[u8]; SIDE] = std::array::from_fn(|away| &part(-(away as isize))[..n]);
    let part_after: [&[u8]; SIDE] = std::array::from_fn(|away| &part(away as isize)[..n]);
    for (x, out) in out.iter_mut().enumerate() {
        let a = sum_at(&weights, &level_before, &level_after, x);
        let b = sum_at(&weights, &part_before, &part_after, x);
        *out = rounded(a, b);
    }
}

#[inline(always)]
fn sum_at<const SIDE: usize>(
    weights: &[u16; SIDE],
    before: &[&[u8]; SIDE],
    after: &[&[u8]; SIDE],
    x: usize,
) -> u16 {
    let mut sum = weights[0].wrapping_mul(before[0][x].into());
    for away in 1..SIDE {
        let pair = u16::from(before[away][x]).wrapping_add(after[away][x].into());
        sum = sum.wrapping_add(weights[away].wrapping_mul(pair));
    }
    sum
}

/// Sums of many taps: four pairs go by at a time, so that a sum is fetched and put back less often.
#[inline(always)]
fn weighted<'a>(weights: &[u16], tap: impl Fn(isize) -> &'a [u8], sums: &mut [u16]) {
    for (sum, &centre) in sums.iter_mut().zip(tap(0)) {
        *sum = weights[0].wrapping_mul(centre.into());
    }
    let (fours, rest) = weights[1..].as_chunks::<4>();
    for (index, &four) in fours.iter().enumerate() {
        pairs(four, 1 + 4 * index, &tap, sums);
    }
    let first = 1 + 4 * fours.len();
    for (index, &weight) in rest.iter().enumerate() {
        pairs([weight], first + index, &tap, sums);
    }
}

#[inline(always)]
fn pairs<'a, const N: usize>(
    weights: [u16; N],
    first: usize,
    tap: impl Fn(isize) -> &'a [u8],
    sums: &mut [u16],
) {
    let n = sums.len();
    let before: [&[u8]; N] = std::array::from_fn(|i| &tap(-((first + i) as isize))[..n]);
    let after: [&[u8]; N] = std::array::from_fn(|i| &tap((first + i) as isize)[..n]);
    for (x, sum) in sums.iter_mut().enumerate() {
        let mut grown = *sum;
        for i in 0..N {
            let pair = u16::from(before[i][x]).wrapping_add(after[i][x].into());
            grown = grown.wrapping_add(weights[i].wrapping_mul(pair));
        }
        *sum = grown;
    }
}

#[inline(always)]
fn split(sums: &[u16], levels: &mut [u8], parts: &mut [u8]) {
    for ((&sum, level), part) in sums.iter().zip(levels).zip(parts) {
        (*level, *part) = ((sum >> 8) as u8, sum as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Image;

    #[test]
    fn wide_paths_are_the_scalar_one() {
        let bytes: Vec<u8> = (0..3 * 67 * 9_u32).map(|n| (n * n / 7) as u8).collect();
        for (width, channels) in [(67, 3), (201, 1)] {
            let image = Image::from_u8(width, 9, channels, bytes.clone()).unwrap();
            let frame = Frame::of(&image).unwrap();
            for weights in
                [vec![128, 64], vec![96, 64, 16], vec![56; 1], vec![30, 29, 28, 24, 20, 12]]
            {
                assert_eq!(separable(&frame, &weights), separable_body(&frame, &weights));
            }
        }
    }

    /// One bright pixel in the middle of a row of five, weights ¼ ½ ¼: 255 · ¼ = 63.75, then again
    /// down: 15.9375, 31.875; 63.75 in the middle.
    #[test]
    fn one_bright_pixel_spreads_as_the_weights_say() {
        let mut bytes = vec![0; 25];
        bytes[12] = 255;
        let image = Image::from_u8(5, 5, 1, bytes).unwrap();
        let out = separable(&Frame::of(&image).unwrap(), &[128, 64]);
        #[rustfmt::skip]
        assert_eq!(out, [
            0, 0, 0, 0, 0,
            0, 16, 32, 16, 0,
            0, 32, 64, 32, 0,
            0, 16, 32, 16, 0,
            0, 0, 0, 0, 0,
        ]);
    }
}
