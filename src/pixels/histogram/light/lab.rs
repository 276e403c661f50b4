//! Lightness L* of CIELAB, read and written without a transcendental call per pixel.

use std::sync::LazyLock;

use multiversion::multiversion;

use crate::stain::lab;

/// Pixels that are worked on at once.
const BLOCK: usize = 64;

/// Steps of light between black and white, in the tables that are read by it.
const STEPS: usize = 1 << 14;

/// What is read from tables.
struct Tables {
    /// Light (0–1) of a sample.
    light: [f32; 256],
    /// Share of Y of a sample's light, for red, green and blue: whole steps times 2¹⁶.
    y: [[u32; 256]; 3],
    /// L* in 256 steps of Y in whole steps.
    lightness: Vec<u8>,
    /// The sample of light in whole steps.
    sample: Vec<u8>,
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
        lightness: (0..=STEPS).map(|step| (lightness(step) + 0.5) as u8).collect(),
        sample: (0..=STEPS).map(sample).collect(),
    }
});

/// L* of each pixel in 256 steps.
pub(super) fn lightness(rgb: &[u8]) -> Vec<u8> {
    let Tables { y: [r, g, b], lightness, .. } = &*TABLES;
    let of = |pixel: &[u8; 3]| {
        let [x, y, z] = pixel.map(usize::from);
        let sum = r[x].wrapping_add(g[y]).wrapping_add(b[z]).wrapping_add(1 << 15);
        lightness[((sum >> 16) as usize).min(STEPS)]
    };
    rgb.as_chunks::<3>().0.iter().map(of).collect()
}

/// Adds to L* of each pixel what it gained in 256 steps; a* and b* stay.
pub(super) fn relight(rgb: &mut [u8], before: &[u8], after: &[u8]) {
    let Tables { light, sample, .. } = &*TABLES;
    let pixels = rgb.as_chunks_mut::<3>().0.chunks_mut(BLOCK);
    for ((pixels, before), after) in pixels.zip(before.chunks(BLOCK)).zip(after.chunks(BLOCK)) {
        let mut planes = [[0.0; BLOCK]; 3];
        let mut gains = [0.0; BLOCK];
        for (at, pixel) in pixels.iter().enumerate() {
            for (plane, x) in planes.iter_mut().zip(pixel) {
                plane[at] = light[usize::from(*x)];
            }
            // 1/116 of L* in its own unit, which is what the curves of X, Y and Z gain.
            gains[at] = (f32::from(after[at]) - f32::from(before[at])) * (1.0 / (2.55 * 116.0));
        }
        let mut steps = [[0_u16; BLOCK]; 3];
        lift(&planes, &gains, &mut steps);
        for (at, pixel) in pixels.iter_mut().enumerate() {
            if before[at] != after[at] {
                for (x, steps) in pixel.iter_mut().zip(&steps) {
                    *x = sample[usize::from(steps[at]).min(STEPS)];
                }
            }
        }
    }
}

/// Light of red, green and blue to XYZ, along the curves by `gains`, and back to light in whole steps.
#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn lift(planes: &[[f32; BLOCK]; 3], gains: &[f32; BLOCK], steps: &mut [[u16; BLOCK]; 3]) {
    let over_white = |row: usize| lab::RGB_TO_XYZ[row].map(|m| (m / lab::WHITE[row]) as f32);
    let to_xyz = [over_white(0), over_white(1), over_white(2)];
    let back = lab::xyz_to_rgb();
    let from_white = |row: usize| {
        let column = |k: usize| (back[row][k] * lab::WHITE[k]) as f32;
        [column(0), column(1), column(2)]
    };
    let to_rgb = [from_white(0), from_white(1), from_white(2)];
    for at in 0..BLOCK {
        let light = [planes[0][at], planes[1][at], planes[2][at]];
        let xyz = to_xyz.map(|m| {
            let part = m[0] * light[0] + m[1] * light[1] + m[2] * light[2];
            uncurve(curve(part) + gains[at])
        });
        for (row, m) in to_rgb.iter().enumerate() {
            let light = m[0] * xyz[0] + m[1] * xyz[1] + m[2] * xyz[2];
            let light = light.max(0.0).min(1.0);
            steps[row][at] = (light * STEPS as f32 + 0.5) as i32 as u16;
        }
    }
}

/// The curve of CIELAB: a cube root by two steps of Halley's from a first guess out of the exponent,
/// to the last bits of `f32`.
#[inline(always)]
fn curve(part: f32) -> f32 {
    let guess = f32::from_bits((part.max(1e-3).to_bits() / 3).wrapping_add(709_921_077));
    let a = part.max(1e-3);
    let halley = |x: f32| {
        let cube = x * x * x;
        x * ((cube + 2.0 * a) / (2.0 * cube + a))
    };
    let root = halley(halley(guess));
    let line = lab::SLOPE as f32 * part + lab::OFFSET as f32;
    if part > lab::DARK as f32 { root } else { line }
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
