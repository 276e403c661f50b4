//! A line over the 256 values of a sample, each number rounded once from `f64` to `f32`.
//!
//! `x·coarse + start` are multiples of one power of two and have at most 24 bits, so that `f32` works
//! them out exactly; what is missing, `x·fine + offset`, is smaller than they are by a factor of some
//! 2¹⁴, and its own rounding by as much below that of the sum: which then is the only one. Now and
//! then it still tips a number that lies in the middle between two floats, and other powers are tried;
//! if all fail, the table is read.

use multiversion::multiversion;

use super::planes::spread;

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

/// Samples to numbers, by the line of their channel.
pub(super) fn apply(
    lines: &[Line; 3],
    samples: &[u8],
    out: &mut [f32],
    channels: usize,
    planes: bool,
) {
    match lines.each_ref().map(|line| line.parts) {
        [Some(r), Some(g), Some(b)] => work_out(&[r, g, b], samples, out, channels, planes),
        [Some(grey), _, _] if channels == 1 => work_out(&[grey; 3], samples, out, 1, planes),
        _ => {
            spread(samples, out, channels, planes, |c, x: u8| lines[c].table[usize::from(x)]);
        }
    }
}

#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn work_out(parts: &[Parts; 3], samples: &[u8], out: &mut [f32], channels: usize, planes: bool) {
    if channels == 3 && !planes {
        // Sixteen pixels with their parts laid out alike: no sample is moved.
        let lay =
            |of: fn(&Parts) -> f32| -> [f32; 48] { std::array::from_fn(|at| of(&parts[at % 3])) };
        let (coarse, start) = (lay(|p| p.coarse), lay(|p| p.start));
        let (fine, offset) = (lay(|p| p.fine), lay(|p| p.offset));
        for (out, samples) in out.chunks_mut(48).zip(samples.chunks(48)) {
            for (at, (out, x)) in out.iter_mut().zip(samples).enumerate().take(48) {
                let parts = Parts {
                    coarse: coarse[at],
                    start: start[at],
                    fine: fine[at],
                    offset: offset[at],
                };
                *out = parts.of(*x);
            }
        }
        return;
    }
    spread(samples, out, channels, planes, |c, x: u8| parts[c].of(x));
}
