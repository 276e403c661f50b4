//! A line over the 256 values of a sample, each number rounded once from `f64` to `f32`.
//!
//! `x·coarse + start` are multiples of one power of two and have at most 24 bits, so that `f32` works
//! them out exactly; what is missing, `x·fine + offset`, is smaller than they are by a factor of some
//! 2¹⁴, and its own rounding by as much below that of the sum: which then is the only one. Now and
//! then it still tips a number that lies in the middle between two floats, and other powers are tried;
//! if all fail, the table is read.

use multiversion::multiversion;

use super::planes::spread;
use crate::pixels::table::planes::{PART, split};

/// The 256 numbers, and a way to work them out if there is one.
pub(super) struct Line {
    table: [f32; 256],
    parts: Option<Parts>,
}

#[derive(Clone, Copy)]
struct Parts {
    coarse: f32,
    start: f32,
    fine: f32,
    offset: f32,
}

impl Parts {
    /// Split at multiples of `grain`.
    fn new((slope, constant): (f64, f64), grain: f64) -> Self {
        let whole = |x: f64| libm::round(x / grain) * grain;
        let (coarse, start) = (whole(slope), whole(constant));
        Self {
            coarse: coarse as f32,
            start: start as f32,
            fine: (slope - coarse) as f32,
            offset: (constant - start) as f32,
        }
    }

    #[inline(always)]
    fn of(&self, x: u8) -> f32 {
        let x = f32::from(x);
        (x * self.coarse + self.start) + (x * self.fine + self.offset)
    }
}

impl Line {
    /// Of slope and constant.
    pub(super) fn new((slope, constant): (f64, f64)) -> Self {
        let table = std::array::from_fn(|x| (x as f64 * slope + constant) as f32);
        // The largest number that is met on the way, and the power of two above it.
        let most = (255.0 * slope).abs().max(constant.abs()).max((255.0 * slope + constant).abs());
        let above = libm::ldexp(1.0, libm::ilogb(most) + 1);
        let parts =
            (20..=24).rev().map(|bits| Parts::new((slope, constant), libm::ldexp(above, -bits)));
        let equal = |parts: &Parts| {
            (0..=255).zip(&table).all(|(x, y)| parts.of(x).to_bits() == y.to_bits())
        };
        let parts = if most.is_normal() { parts.into_iter().find(equal) } else { None };
        Self { table, parts }
    }

    #[cfg(test)]
    pub(super) fn is_worked_out(&self) -> bool {
        self.parts.is_some()
    }
}

/// Samples to numbers, by the line of their channel, over whatever a vector holds. What lies in one row is
/// made in the first cache and appended, so that memory is not written twice.
pub(super) fn apply(
    lines: &[Line; 3],
    samples: &[u8],
    out: &mut Vec<f32>,
    channels: usize,
    planes: bool,
) {
    let mut made = [0.0; 3 * PART];
    match lines.each_ref().map(|line| line.parts) {
        [Some(grey), _, _] if channels == 1 => {
            emptied(out, samples.len());
            samples.chunks(PART).for_each(|part| append(&grey, part, &mut made, out));
        }
        [Some(r), Some(g), Some(b)] if channels == 3 && planes => {
            emptied(out, samples.len());
            // Green and blue wait as bytes, a quarter of what their numbers take.
            let mut green = vec![0; samples.len() / 3];
            let mut blue = green.clone();
            let mut red = [0; PART];
            let waiting = green.chunks_mut(PART).zip(blue.chunks_mut(PART));
            for (samples, (green, blue)) in samples.chunks(3 * PART).zip(waiting) {
                let red = &mut red[..green.len()];
                split(samples, [red, green, blue]);
                append(&r, red, &mut made, out);
            }
            green.chunks(PART).for_each(|part| append(&g, part, &mut made, out));
            blue.chunks(PART).for_each(|part| append(&b, part, &mut made, out));
        }
        [Some(r), Some(g), Some(b)] if channels == 3 => {
            emptied(out, samples.len());
            for samples in samples.chunks(3 * PART) {
                let made = &mut made[..samples.len()];
                interleaved(&[r, g, b], samples, made);
                out.extend_from_slice(made);
            }
        }
        _ => {
            out.resize(samples.len(), 0.0);
            spread(samples, out, channels, planes, |c, x: u8| lines[c].table[usize::from(x)]);
        }
    }
}

/// Appends the numbers of at most [`PART`] samples of one channel.
fn append(parts: &Parts, samples: &[u8], made: &mut [f32], out: &mut Vec<f32>) {
    let made = &mut made[..samples.len()];
    plane(parts, samples, made);
    out.extend_from_slice(made);
}

fn emptied(out: &mut Vec<f32>, n: usize) {
    out.clear();
    out.reserve_exact(n);
}

#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn plane(parts: &Parts, samples: &[u8], out: &mut [f32]) {
    for (out, x) in out.iter_mut().zip(samples) {
        *out = parts.of(*x);
    }
}

/// Sixteen pixels with their parts laid out alike: no sample is moved.
#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn interleaved(parts: &[Parts; 3], samples: &[u8], out: &mut [f32]) {
    const LANES: usize = 48;
    let mut laid = [[0.0; LANES]; 4];
    for at in 0..LANES {
        let Parts { coarse, start, fine, offset } = parts[at % 3];
        for (lanes, part) in laid.iter_mut().zip([coarse, start, fine, offset]) {
            lanes[at] = part;
        }
    }
    let [coarse, start, fine, offset] = laid;
    let (blocks, rest) = samples.as_chunks::<LANES>();
    let (outs, out_rest) = out.as_chunks_mut::<LANES>();
    for (samples, out) in blocks.iter().zip(outs) {
        for at in 0..LANES {
            let x = f32::from(samples[at]);
            out[at] = (x * coarse[at] + start[at]) + (x * fine[at] + offset[at]);
        }
    }
    for (at, (x, out)) in rest.iter().zip(out_rest).enumerate() {
        *out = parts[at % 3].of(*x);
    }
}
