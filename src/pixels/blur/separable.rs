//! Small symmetric kernels, first down, then across.
//!
//! Weights are whole 256ths that sum to 256, so the sums of a column are exact in 16 bits and those of
//! a whole window exact in 24: one rounding, at the end. What a column sums to is kept in two parts,
//! the whole levels and the 256ths, so that the second pass needs 16-bit products only:
//! `(256·A + B + 2¹⁵) >> 16 = (A + (B >> 8) + 128) >> 8`, with A the weighted sum of the levels and B
//! that of the 256ths.

use super::{BLOCK, Frame, Sides, put, taken};

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
    // Loops over few taps whose number is known are no loops.
    match *weights {
        [a, b] if coarse(weights) => passes::<true>(frame, &[a / 16, b / 16]),
        [a, b, c] if coarse(weights) => passes::<true>(frame, &[a / 16, b / 16, c / 16]),
        [a, b] => passes::<false>(frame, &[a, b]),
        [a, b, c] => passes::<false>(frame, &[a, b, c]),
        [a, b, c, d] => passes::<false>(frame, &[a, b, c, d]),
        _ => passes::<false>(frame, weights),
    }
}

/// Whether weights are 16ths: then sums of a whole window fit 16 bits, and the parts are 0.
fn coarse(weights: &[u16]) -> bool {
    weights.iter().all(|weight| weight.is_multiple_of(16))
}

/// Both passes, with weights in 16ths when they are `COARSE`.
#[inline(always)]
fn passes<const COARSE: bool>(frame: &Frame<'_>, weights: &[u16]) -> Vec<u8> {
    let (radius, channels, pitch) = (weights.len() - 1, frame.channels, frame.pitch());
    let room = radius * channels;
    let (mut levels, mut parts) = (vec![0_u16; pitch + 2 * room], vec![0_u16; pitch + 2 * room]);
    // Rows are appended: memory that is zeroed first costs a fifth of a small blur.
    let (mut all, mut line) = (Vec::with_capacity(frame.bytes.len()), vec![0; pitch]);
    let sides = Sides::new(frame.width, channels, radius);
    let reach = radius as isize;
    // The rows under a window: those of the one above the first, for now.
    let mut rows: Vec<&[u8]> = (-reach - 1..reach).map(|y| frame.row(y)).collect();
    for y in 0..frame.height as isize {
        rows.copy_within(1.., 0);
        rows[2 * radius] = frame.row(y + reach);
        for at in 0..pitch / BLOCK {
            down::<COARSE, BLOCK>(weights, &rows, at * BLOCK, room, &mut levels, &mut parts);
        }
        for at in pitch / BLOCK * BLOCK..pitch {
            down::<COARSE, 1>(weights, &rows, at, room, &mut levels, &mut parts);
        }
        sides.fill(&mut levels);
        if !COARSE {
            sides.fill(&mut parts);
        }
        for at in 0..pitch / BLOCK {
            across::<COARSE, BLOCK>(weights, channels, &levels, &parts, at * BLOCK, &mut line);
        }
        for at in pitch / BLOCK * BLOCK..pitch {
            across::<COARSE, 1>(weights, channels, &levels, &parts, at, &mut line);
        }
        all.extend_from_slice(&line);
    }
    all
}

/// Sums of columns, in two bytes each.
#[inline(always)]
fn down<const COARSE: bool, const N: usize>(
    weights: &[u16],
    rows: &[&[u8]],
    at: usize,
    room: usize,
    levels: &mut [u16],
    parts: &mut [u16],
) {
    let radius = weights.len() - 1;
    let centre: [u8; N] = taken(rows[radius], at);
    let mut sums = [0_u16; N];
    for x in 0..N {
        sums[x] = weights[0].wrapping_mul(centre[x].into());
    }
    for away in 1..=radius {
        let above: [u8; N] = taken(rows[radius - away], at);
        let below: [u8; N] = taken(rows[radius + away], at);
        for x in 0..N {
            let pair = u16::from(above[x]).wrapping_add(below[x].into());
            sums[x] = sums[x].wrapping_add(weights[away].wrapping_mul(pair));
        }
    }
    if COARSE {
        return put(sums, levels, room + at);
    }
    let (mut whole, mut fraction) = ([0_u16; N], [0_u16; N]);
    for x in 0..N {
        whole[x] = sums[x] >> 8;
        fraction[x] = sums[x] & 255;
    }
    put(whole, levels, room + at);
    put(fraction, parts, room + at);
}

/// Sums of rows, rounded.
#[inline(always)]
fn across<const COARSE: bool, const N: usize>(
    weights: &[u16],
    channels: usize,
    levels: &[u16],
    parts: &[u16],
    at: usize,
    out: &mut [u8],
) {
    let radius = weights.len() - 1;
    let centre = at + radius * channels;
    let (level, part): ([u16; N], [u16; N]) = (taken(levels, centre), taken(parts, centre));
    let (mut whole, mut fraction) = ([0_u16; N], [0_u16; N]);
    for x in 0..N {
        whole[x] = weights[0].wrapping_mul(level[x]);
        fraction[x] = weights[0].wrapping_mul(part[x]);
    }
    for (away, &weight) in weights.iter().enumerate().skip(1) {
        let (left, right) = (centre - away * channels, centre + away * channels);
        let pairs: [[u16; N]; 2] = [taken(levels, left), taken(levels, right)];
        for x in 0..N {
            let pair = pairs[0][x].wrapping_add(pairs[1][x]);
            whole[x] = whole[x].wrapping_add(weight.wrapping_mul(pair));
        }
        if COARSE {
            continue;
        }
        let pairs: [[u16; N]; 2] = [taken(parts, left), taken(parts, right)];
        for x in 0..N {
            let pair = pairs[0][x].wrapping_add(pairs[1][x]);
            fraction[x] = fraction[x].wrapping_add(weight.wrapping_mul(pair));
        }
    }
    let mut rounded = [0_u8; N];
    for x in 0..N {
        rounded[x] = (whole[x].wrapping_add(fraction[x] >> 8).wrapping_add(128) >> 8) as u8;
    }
    put(rounded, out, at);
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
            for weights in [
                vec![128, 64],
                vec![96, 64, 16],
                vec![104, 62, 14],
                vec![72, 56, 28, 8],
                vec![56; 1],
                vec![30, 29, 28, 24, 20, 12],
            ] {
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
