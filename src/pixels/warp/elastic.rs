//! Smooth random displacements.

use super::positions::STEPS;
use crate::pixels::geometry::Border;
use crate::random::Stream;

/// Lines that are smoothed at once, side by side.
const LANES: usize = 16;
/// One step along that many lines.
type Lanes = [f32; LANES];
/// How often a box is applied for a Gaussian.
const PASSES: usize = 3;

/// Positions in 1/32 pixel along x and y; see [`super::Map::elastic`].
pub(super) fn positions(
    size: (u32, u32),
    alpha_px: f64,
    sigma_px: f64,
    stream: &mut Stream,
) -> (Vec<i32>, Vec<i32>) {
    let (width, height) = (size.0 as usize, size.1 as usize);
    let (mut dx, mut dy) = (vec![0.0; width * height], vec![0.0; width * height]);
    let mut words = vec![0; width];
    for (dx, dy) in dx.chunks_exact_mut(width).zip(dy.chunks_exact_mut(width)) {
        stream.fill_u32(&mut words);
        noise(&words, dx, dy);
    }
    let along = Boxes::new(sigma_px, width);
    let down = Boxes::new(sigma_px, height);
    let strength = (alpha_px * f64::from(STEPS)) as f32;
    let finished = |mut field: Vec<f32>, is_x: bool| {
        smooth_rows(&mut field, width, &along);
        smooth_columns(&mut field, width, &down);
        let mut out = vec![0; field.len()];
        for (y, (out, field)) in
            out.chunks_exact_mut(width).zip(field.chunks_exact(width)).enumerate()
        {
            // Of x a column starts at its own place, of y all start at the row's.
            let (start, step) = if is_x { (0, STEPS) } else { (y as i32 * STEPS, 0) };
            place(field, strength, start, step, out);
        }
        out
    };
    (finished(dx, true), finished(dy, false))
}

/// Numbers in (−1, 1) from the halves of words: odd multiples of 2⁻¹⁶.
#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn noise(words: &[u32], dx: &mut [f32], dy: &mut [f32]) {
    let number = |half: u32| (half as i32).wrapping_mul(2).wrapping_sub(65535) as f32 / 65536.0;
    for ((&word, dx), dy) in words.iter().zip(dx).zip(dy) {
        *dx = number(word >> 16);
        *dy = number(word & 0xffff);
    }
}

/// Displacements into positions, half to even.
#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn place(field: &[f32], strength: f32, start: i32, step: i32, out: &mut [i32]) {
    // A sum with 1.5 · 2²³ has no bits behind the point: it is rounded, without a call.
    const SHIFT: f32 = 12_582_912.0;
    const MOST: f32 = 4_194_000.0;
    for (i, (&v, out)) in field.iter().zip(out).enumerate() {
        let v = v * strength;
        let v = if v > -MOST { v } else { -MOST };
        let v = if v < MOST { v } else { MOST };
        let rounded = ((v + SHIFT).to_bits() as i32).wrapping_sub(SHIFT.to_bits() as i32);
        *out = rounded.wrapping_add(start).wrapping_add(step.wrapping_mul(i as i32));
    }
}

/// A box of 2r + 1 ones with `edge` at both ends, whose variance is a third of σ².
struct Boxes {
    radius: usize,
    edge: f32,
    /// 1 / the sum of weights.
    share: f32,
    /// Which step of a line stands at −(r + 1), … length + r.
    places: Vec<u32>,
}

impl Boxes {
    fn new(sigma_px: f64, length: usize) -> Self {
        // A wider mean of a mirrored line of this length is the mean of all of it.
        let sigma = sigma_px.min(length as f64 * 4.0);
        let variance = sigma * sigma / PASSES as f64;
        let radius = libm::floor(0.5 * (12.0 * variance + 1.0).sqrt() - 0.5).max(0.0);
        let ones = 2.0 * radius + 1.0;
        let next = (radius + 1.0) * (radius + 1.0);
        let edge = ones * (3.0 * variance - radius * (radius + 1.0)) / (6.0 * (next - variance));
        let beyond = radius as i64 + 1;
        let places = (-beyond..length as i64 + beyond)
            .map(|at| Border::Reflect101.place(at, length).unwrap_or(0) as u32)
            .collect();
        Self {
            radius: radius as usize,
            edge: edge as f32,
            share: (1.0 / (ones + 2.0 * edge)) as f32,
            places,
        }
    }
}

/// All passes along the lines of `a`; `b` is room for as many.
#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn smooth(a: &mut [Lanes], b: &mut [Lanes], boxes: &Boxes) {
    pass(a, b, boxes);
    pass(b, a, boxes);
    pass(a, b, boxes);
    a.copy_from_slice(b);
}

#[inline(always)]
fn pass(from: &[Lanes], to: &mut [Lanes], boxes: &Boxes) {
    let wide = boxes.radius.wrapping_mul(2).wrapping_add(2);
    let mut sum = [0.0; LANES];
    for &place in &boxes.places[1..wide] {
        let line = from[place as usize];
        for lane in 0..LANES {
            sum[lane] += line[lane];
        }
    }
    // The step before the box, the first and the last in it are told from where they stand.
    let before = boxes.places.iter();
    let (first, after) = (boxes.places[1..].iter(), boxes.places[wide..].iter());
    for (to, ((&before, &first), &after)) in to.iter_mut().zip(before.zip(first).zip(after)) {
        let (before, first, after) =
            (from[before as usize], from[first as usize], from[after as usize]);
        for lane in 0..LANES {
            to[lane] = (sum[lane] + (before[lane] + after[lane]) * boxes.edge) * boxes.share;
            sum[lane] += after[lane] - first[lane];
        }
    }
}

fn smooth_rows(field: &mut [f32], width: usize, boxes: &Boxes) {
    let (mut a, mut b) = (vec![[0.0; LANES]; width], vec![[0.0; LANES]; width]);
    for rows in field.chunks_mut(width * LANES) {
        for (lane, row) in rows.chunks_exact(width).enumerate() {
            for (line, &v) in a.iter_mut().zip(row) {
                line[lane] = v;
            }
        }
        smooth(&mut a, &mut b, boxes);
        for (lane, row) in rows.chunks_exact_mut(width).enumerate() {
            for (v, line) in row.iter_mut().zip(&a) {
                *v = line[lane];
            }
        }
    }
}

fn smooth_columns(field: &mut [f32], width: usize, boxes: &Boxes) {
    let height = field.len() / width;
    let (mut a, mut b) = (vec![[0.0; LANES]; height], vec![[0.0; LANES]; height]);
    for left in (0..width).step_by(LANES) {
        let count = LANES.min(width - left);
        for (line, row) in a.iter_mut().zip(field.chunks_exact(width)) {
            line[..count].copy_from_slice(&row[left..left + count]);
        }
        smooth(&mut a, &mut b, boxes);
        for (line, row) in a.iter().zip(field.chunks_exact_mut(width)) {
            row[left..left + count].copy_from_slice(&line[..count]);
        }
    }
}
