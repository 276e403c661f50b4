//! Which point of the source each pixel of a row shows.

use super::Interpolation;

/// Steps of a position within a pixel, as a power of 2: 1/32.
pub(super) const BITS: u32 = 5;
/// Positions of one pixel.
pub(super) const STEPS: i32 = 1 << BITS;
/// Numbers farther out than this are brought here: sums of two still fit 32 bits. All borders look the
/// same from there on, but for the phase of `Wrap` and the mirrors.
const FAR: f64 = ((1_i64 << 30) - 1024) as f64;

/// Points of the source, row by row of the output.
pub(super) trait Positions {
    /// Fills `xs` and `ys` with the positions, in 1/32 pixel, that the pixels of row `y` from column
    /// `x` on show. Their lengths are the same.
    fn fill(&self, x: usize, y: usize, xs: &mut [i32], ys: &mut [i32]);
}

/// The nearest integer, half to even, of what lies within ±`far` (< 2³¹): the sum has no bits behind
/// the point. No call, so that it runs wide everywhere; what is no number goes to `-far`.
#[inline(always)]
fn rounded(v: f64, far: f64) -> i32 {
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    let v = if v > -far { v } else { -far };
    let v = if v < far { v } else { far };
    (v + SHIFT).to_bits() as i32
}

/// Affine positions: what a column and what a row adds, each rounded to 1/1024 pixel.
pub(super) struct AffineRows {
    inverse: [[f64; 3]; 2],
    columns: [Vec<i32>; 2],
    /// What makes the last shift round: half of 1/32, or of a whole pixel for the nearest.
    half: i32,
    /// How many bits of a position are dropped from 1/1024, and put back as zeros.
    shift: (u32, u32),
}

/// Steps of what columns and rows add.
const FINE: f64 = 1024.0;

impl AffineRows {
    pub(super) fn new(inverse: &[[f64; 3]; 2], width: usize, interpolation: Interpolation) -> Self {
        let column = |m: f64| (0..width).map(|x| rounded(m * x as f64 * FINE, FAR)).collect();
        let (half, shift) = match interpolation {
            Interpolation::Nearest => (512, (10, BITS)),
            Interpolation::Bilinear => (16, (5, 0)),
        };
        Self {
            columns: [column(inverse[0][0]), column(inverse[1][0])],
            inverse: *inverse,
            half,
            shift,
        }
    }

    /// One coordinate of the positions.
    fn along(&self, axis: usize, x: usize, y: usize, out: &mut [i32]) {
        let m = &self.inverse[axis];
        let row = (m[1] * y as f64 + m[2]) * FINE;
        let columns = &self.columns[axis][x..x + out.len()];
        // Both are far where an image shrinks a thousandfold: their sum may still lie in the source.
        let far = |v: &i32| f64::from(*v).abs() >= FAR;
        if row.abs() < FAR && !columns.first().is_some_and(far) && !columns.last().is_some_and(far)
        {
            let row = rounded(row, FAR).wrapping_add(self.half);
            affine_row(columns, row, self.shift, out);
            return;
        }
        for (i, out) in out.iter_mut().enumerate() {
            let sum = m[0] * (x + i) as f64 * FINE + row + f64::from(self.half);
            let pixel = libm::floor(sum / f64::from(1_i32 << self.shift.0));
            *out = rounded(pixel, FAR / f64::from(1_i32 << self.shift.1)) << self.shift.1;
        }
    }
}

impl Positions for AffineRows {
    fn fill(&self, x: usize, y: usize, xs: &mut [i32], ys: &mut [i32]) {
        self.along(0, x, y, xs);
        self.along(1, x, y, ys);
    }
}

#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn affine_row(columns: &[i32], row: i32, shift: (u32, u32), out: &mut [i32]) {
    for (out, &column) in out.iter_mut().zip(columns) {
        *out = (column.wrapping_add(row) >> shift.0) << shift.1;
    }
}

/// Perspective positions.
pub(super) struct PerspectiveRows {
    inverse: [[f64; 3]; 3],
    scale: f64,
    shift: u32,
}

impl PerspectiveRows {
    pub(super) fn new(inverse: &[[f64; 3]; 3], interpolation: Interpolation) -> Self {
        let (scale, shift) = match interpolation {
            Interpolation::Nearest => (1.0, BITS),
            Interpolation::Bilinear => (f64::from(STEPS), 0),
        };
        Self { inverse: *inverse, scale, shift }
    }
}

impl Positions for PerspectiveRows {
    fn fill(&self, x: usize, y: usize, xs: &mut [i32], ys: &mut [i32]) {
        let start = self.inverse.map(|m| m[0] * x as f64 + m[1] * y as f64 + m[2]);
        let step = self.inverse.map(|m| m[0]);
        perspective_row(start, step, self.scale, self.shift, xs, ys);
    }
}

#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn perspective_row(
    start: [f64; 3],
    step: [f64; 3],
    scale: f64,
    shift: u32,
    xs: &mut [i32],
    ys: &mut [i32],
) {
    let far = FAR / f64::from(1_i32 << shift);
    for (i, (x, y)) in xs.iter_mut().zip(ys).enumerate() {
        let at = f64::from(i as i32);
        let w = start[2] + step[2] * at;
        let w = if w == 0.0 { 0.0 } else { scale / w };
        *x = rounded((start[0] + step[0] * at) * w, far) << shift;
        *y = rounded((start[1] + step[1] * at) * w, far) << shift;
    }
}
