//! Small symmetric kernels, first down, then across.
//!
//! Weights are whole 256ths that sum to 256, so the sums of a column are exact in 16 bits and those of
//! a whole window exact in 24: one rounding, at the end. What a column sums to is kept as two bytes,
//! the whole levels and the 256ths, so that the second pass needs 16-bit products only:
//! `(256·A + B + 2¹⁵) >> 16 = (A + (B >> 8) + 128) >> 8`, with A the weighted sum of the levels and B
//! that of the 256ths.

use super::{Frame, mirror_sides};

/// Samples that are summed at once: they stay in registers while the taps go by.
const BLOCK: usize = 64;

/// `weights[0]` is the centre's, `weights[i]` that of the two pixels `i` away, in 256ths.
#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
pub(super) fn separable<'a>(frame: &Frame<'a>, weights: &[u16], out: &mut [u8]) {
    separable_body(frame, weights, out);
}

#[inline(always)]
fn separable_body(frame: &Frame<'_>, weights: &[u16], out: &mut [u8]) {
    match weights {
        [a, b] => passes::<2>(frame, &[*a, *b], out),
        [a, b, c] => passes::<3>(frame, &[*a, *b, *c], out),
        [a, b, c, d] => passes::<4>(frame, &[*a, *b, *c, *d], out),
        _ => passes::<0>(frame, weights, out),
    }
}

/// `SIDE` is the number of weights when the compiler is to know it, else 0.
#[inline(always)]
fn passes<const SIDE: usize>(frame: &Frame<'_>, weights: &[u16], out: &mut [u8]) {
    let side = if SIDE == 0 { weights.len() } else { SIDE };
    let weights = &weights[..side];
    let (radius, channels, pitch) = (side - 1, frame.channels, frame.pitch());
    let room = radius * channels;
    // Whole blocks are computed; what lies behind the row is never used.
    let padded = pitch.next_multiple_of(BLOCK) + 2 * room;
    let (mut levels, mut parts) = (vec![0_u8; padded], vec![0_u8; padded]);
    let mut tail = vec![[0_u8; BLOCK]; 2 * radius + 1];
    let whole = pitch / BLOCK * BLOCK;
    for (y, out) in out.chunks_exact_mut(pitch).enumerate() {
        let row = |dy: isize| frame.row(y as isize + dy);
        for at in (0..whole).step_by(BLOCK) {
            let sums = weighted(weights, |tap| block(row(tap), at));
            split(&sums, &mut levels[room + at..], &mut parts[room + at..]);
        }
        if whole < pitch {
            for (dy, tail) in tail.iter_mut().enumerate() {
                let row = row(dy as isize - radius as isize);
                tail[..pitch - whole].copy_from_slice(&row[whole..]);
            }
            let sums = weighted(weights, |tap| &tail[(tap + radius as isize) as usize]);
            split(&sums, &mut levels[room + whole..], &mut parts[room + whole..]);
        }
        mirror_sides(&mut levels, frame.width, channels, radius);
        mirror_sides(&mut parts, frame.width, channels, radius);
        let place =
            |at: usize, tap: isize| (at + room).wrapping_add_signed(tap * channels as isize);
        for (index, out) in out.chunks_mut(BLOCK).enumerate() {
            let at = index * BLOCK;
            let a = weighted(weights, |tap| block(&levels, place(at, tap)));
            let b = weighted(weights, |tap| block(&parts, place(at, tap)));
            let mut rounded = [0_u8; BLOCK];
            for x in 0..BLOCK {
                rounded[x] = (a[x].wrapping_add(b[x] >> 8).wrapping_add(128) >> 8) as u8;
            }
            out.copy_from_slice(&rounded[..out.len()]);
        }
    }
}

#[inline(always)]
fn block(row: &[u8], at: usize) -> &[u8; BLOCK] {
    // Rows are long enough for whole blocks; an empty block would show in every test.
    row[at..].first_chunk().unwrap_or(&[0; BLOCK])
}

#[inline(always)]
fn weighted<'a>(weights: &[u16], tap: impl Fn(isize) -> &'a [u8; BLOCK]) -> [u16; BLOCK] {
    let mut sums = [0_u16; BLOCK];
    let centre = tap(0);
    for x in 0..BLOCK {
        sums[x] = weights[0].wrapping_mul(centre[x].into());
    }
    for (away, &weight) in weights.iter().enumerate().skip(1) {
        let (before, after) = (tap(-(away as isize)), tap(away as isize));
        for x in 0..BLOCK {
            let pair = u16::from(before[x]).wrapping_add(after[x].into());
            sums[x] = sums[x].wrapping_add(weight.wrapping_mul(pair));
        }
    }
    sums
}

#[inline(always)]
fn split(sums: &[u16; BLOCK], levels: &mut [u8], parts: &mut [u8]) {
    if let (Some(levels), Some(parts)) =
        (levels.first_chunk_mut::<BLOCK>(), parts.first_chunk_mut::<BLOCK>())
    {
        for x in 0..BLOCK {
            (levels[x], parts[x]) = ((sums[x] >> 8) as u8, sums[x] as u8);
        }
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
                let (mut a, mut b) = (vec![0; bytes.len()], vec![0; bytes.len()]);
                separable(&frame, &weights, &mut a);
                separable_body(&frame, &weights, &mut b);
                assert_eq!(a, b);
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
        let mut out = vec![0; 25];
        separable(&Frame::of(&image).unwrap(), &[128, 64], &mut out);
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
