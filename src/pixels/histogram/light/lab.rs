//! Lightness L* of CIELAB, read and written without a transcendental call per pixel.

use std::sync::LazyLock;

use multiversion::multiversion;

use crate::pixels::table::planes::{join, split};
use crate::stain::lab;

/// Pixels that are worked on at once.
const BLOCK: usize = 256;

/// Steps of light between black and white, in the tables that are read by it.
const STEPS: usize = 1 << 14;

/// Entries of such a table: a power of two, so that no place has to be checked.
const TABLE: usize = 2 * STEPS;

/// What is read from tables.
struct Tables {
    /// Light (0–1) of a sample.
    light: [f32; 256],
    /// Share of Y of a sample's light, for red, green and blue: whole steps times 2¹⁶.
    y: [[u32; 256]; 3],
    /// L* in 256 steps of Y in whole steps.
    lightness: Box<[u8; TABLE]>,
    /// The sample of light in whole steps.
    sample: Box<[u8; TABLE]>,
    matrices: Matrices,
}

/// Light of red, green and blue to X, Y and Z over those of white, and back.
struct Matrices {
    to_xyz: [[f32; 3]; 3],
    to_rgb: [[f32; 3]; 3],
}

impl Matrices {
    fn new() -> Self {
        let rows = [0, 1, 2];
        let back = lab::xyz_to_rgb();
        Self {
            to_xyz: rows.map(|row| lab::RGB_TO_XYZ[row].map(|m| (m / lab::WHITE[row]) as f32)),
            to_rgb: rows.map(|row| rows.map(|k| (back[row][k] * lab::WHITE[k]) as f32)),
        }
    }
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let light = std::array::from_fn(|x| lab::light(x as u8));
    let y = lab::RGB_TO_XYZ[1]
        .map(|share| light.map(|l: f64| libm::round(share * l * (STEPS << 16) as f64) as u32));
    let fraction = |step: usize| step as f64 / STEPS as f64;
    let lightness = |step| 2.55 * (116.0 * lab::curve(fraction(step)) - 16.0);
    // Light that makes at least half a sample more: the least of the next.
    let edges: Vec<f64> =
        (0..255).map(|x| lab::least_light((f64::from(x) + 0.5) / 255.0)).collect();
    let sample = |step| edges.partition_point(|edge| *edge <= fraction(step)) as u8;
    Tables {
        light: light.map(|l| l as f32),
        y,
        lightness: by_step(|step| (lightness(step) + 0.5) as u8),
        sample: by_step(sample),
        matrices: Matrices::new(),
    }
});

/// A table by whole steps of light; behind the last, that of the last.
fn by_step(of: impl Fn(usize) -> u8) -> Box<[u8; TABLE]> {
    let mut table = Box::new([0; TABLE]);
    for (step, entry) in table.iter_mut().enumerate() {
        *entry = of(step.min(STEPS));
    }
    table
}

/// L* of each pixel in 256 steps.
pub(super) fn lightness(rgb: &[u8]) -> Vec<u8> {
    let Tables { y: [r, g, b], lightness, .. } = &*TABLES;
    let mut out = vec![0; rgb.len() / 3];
    for (pixel, out) in rgb.as_chunks::<3>().0.iter().zip(&mut out) {
        let [x, y, z] = pixel.map(usize::from);
        let sum = r[x].wrapping_add(g[y]).wrapping_add(b[z]).wrapping_add(1 << 15);
        *out = lightness[(sum >> 16) as usize % TABLE];
    }
    out
}

/// Adds to L* of each pixel what it gained in 256 steps; a* and b* stay.
pub(super) fn relight(rgb: &mut [u8], before: &[u8], after: &[u8]) {
    let Tables { light, sample, matrices, .. } = &*TABLES;
    let mut bytes = [[0; BLOCK]; 3];
    let mut lights = [[0.0; BLOCK]; 3];
    let mut gains = [0.0; BLOCK];
    let mut steps = [[0_u16; BLOCK]; 3];
    let parts = rgb.chunks_mut(3 * BLOCK);
    for ((part, before), after) in parts.zip(before.chunks(BLOCK)).zip(after.chunks(BLOCK)) {
        let n = before.len();
        split(part, bytes.each_mut().map(|plane| &mut plane[..n]));
        for (lights, plane) in lights.iter_mut().zip(&bytes) {
            for (out, x) in lights.iter_mut().zip(plane) {
                *out = light[usize::from(*x)];
            }
        }
        for ((gain, after), before) in gains.iter_mut().zip(after).zip(before) {
            // 1/116 of L* in its own unit, which is what the curves of X, Y and Z gain.
            *gain = (f32::from(*after) - f32::from(*before)) * (1.0 / (2.55 * 116.0));
        }
        lift(&lights, &gains, matrices, &mut steps);
        for (plane, steps) in bytes.iter_mut().zip(&steps) {
            let pairs = before.iter().zip(after);
            for ((x, step), (before, after)) in plane.iter_mut().zip(steps).zip(pairs) {
                let lit = sample[usize::from(*step) % TABLE];
                // A choice of values, not a branch: which pixels change cannot be foretold.
                *x = if before == after { *x } else { lit };
            }
        }
        join(bytes.each_ref().map(|plane| &plane[..n]), part);
    }
}

/// Light of red, green and blue to XYZ, along the curves by `gains`, and back to light in whole steps.
#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn lift(
    planes: &[[f32; BLOCK]; 3],
    gains: &[f32; BLOCK],
    matrices: &Matrices,
    steps: &mut [[u16; BLOCK]; 3],
) {
    let Matrices { to_xyz, to_rgb } = matrices;
    let [red, green, blue] = planes;
    let mut xyz = [[0.0_f32; BLOCK]; 3];
    for (out, m) in xyz.iter_mut().zip(to_xyz) {
        for at in 0..BLOCK {
            let part = m[0] * red[at] + m[1] * green[at] + m[2] * blue[at];
            out[at] = uncurve(curve(part) + gains[at]);
        }
    }
    let [x, y, z] = &xyz;
    for (out, m) in steps.iter_mut().zip(to_rgb) {
        for at in 0..BLOCK {
            let light = m[0] * x[at] + m[1] * y[at] + m[2] * z[at];
            // No NaN, and within 0 to 1: the lowest bits of this sum are the rounded step.
            let light = if light > 0.0 { light } else { 0.0 };
            let light = if light < 1.0 { light } else { 1.0 };
            out[at] = (light * STEPS as f32 + 12_582_912.0).to_bits() as u16;
        }
    }
}

/// The curve of CIELAB. Its cube root is the part times the square of one over the root, which a first
/// guess out of the exponent and two steps of a series find without a division, to the last bits of
/// `f32`: with c = 1 − a·y³, one over the root is y·(1 − c)^(−1/3) = y·(1 + c/3 + 2c²/9 + 14c³/81 + …).
#[inline(always)]
fn curve(part: f32) -> f32 {
    let a = if part > 1e-3 { part } else { 1e-3 };
    // A third of the bits (1365/4096), which wide registers have no division for.
    let third = (a.to_bits() >> 10).wrapping_mul(1365) >> 2;
    let y = f32::from_bits(0x5493_0000_u32.wrapping_sub(third));
    let c = 1.0 - a * (y * (y * y));
    let y = y + y * (c * (1.0 / 3.0 + c * (2.0 / 9.0 + c * (14.0 / 81.0))));
    let c = 1.0 - a * (y * (y * y));
    let y = y + y * (c * (1.0 / 3.0 + c * (2.0 / 9.0)));
    let line = lab::SLOPE as f32 * part + lab::OFFSET as f32;
    if part > lab::DARK as f32 { a * (y * y) } else { line }
}

/// The way back.
#[inline(always)]
fn uncurve(value: f32) -> f32 {
    let line = (value - lab::OFFSET as f32) * (1.0 / lab::SLOPE) as f32;
    if value > lab::DARK_BACK as f32 { value * value * value } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_a_root() {
        for step in 1..=STEPS {
            let part = step as f64 / STEPS as f64;
            assert!((f64::from(curve(part as f32)) - lab::curve(part)).abs() < 1e-6, "{part}");
            let back = f64::from(uncurve(lab::curve(part) as f32));
            assert!((back - part).abs() < 1e-6, "{part}: {back}");
        }
    }

    #[test]
    fn lightness_is_l_star_and_a_and_b_are_kept() {
        let steps = [0_u8, 1, 5, 40, 90, 128, 200, 255];
        for r in steps {
            for g in steps {
                for b in steps {
                    let exact = lab::of_rgb([r, g, b]);
                    let found = lightness(&[r, g, b])[0];
                    assert!((f64::from(found) - 2.55 * exact[0]).abs() < 0.65, "{r} {g} {b}");
                    let mut still = [r, g, b];
                    relight(&mut still, &[found], &[found]);
                    assert_eq!(still, [r, g, b]);
                    let mut lit = [r, g, b];
                    relight(&mut lit, &[found], &[found.saturating_add(20)]);
                    // Where nothing is clipped, half a level of each sample is all that is lost.
                    if found < 230 && lit.iter().all(|x| (60..255).contains(x)) {
                        let [l, a, b] = lab::of_rgb(lit);
                        assert!((l - exact[0] - 20.0 / 2.55).abs() < 0.3, "{lit:?}: {l}");
                        assert!(
                            (a - exact[1]).abs() < 1.0 && (b - exact[2]).abs() < 1.0,
                            "{lit:?}"
                        );
                    }
                }
            }
        }
    }
}
