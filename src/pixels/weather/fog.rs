//! Fog.

use super::{check, towards};
use crate::error::{Error, Result};
use crate::image::Image;
use crate::pixels::blur::Frame;
use crate::random::Stream;

/// How thick fog is, and how patchy.
#[derive(Debug, Clone, PartialEq)]
pub struct Fog {
    /// Share of the fog's colour where it is thickest, 0–1.
    pub density: f64,
    /// How much thinner it is where it is thinnest, 0–1 of `density`.
    pub patchiness: f64,
    /// Size of a patch in pixels: 2 and more.
    pub patch_px: u32,
    /// The fog's colour; grey images take the first value.
    pub colour: [u8; 3],
}

/// Draws fog over an image: `level + (colour − level) · density · (1 − patchiness · n)`.
///
/// n in 0–1 is value noise: a byte for each crossing of a grid of `patch_px`, between which it runs with
/// the weights `3t² − 2t³`, and a second such grid of half the size that counts half. The stream gives a
/// word for each crossing, row by row, the coarse grid first; the same stream gives the same patches.
///
/// Albumentations' `RandomFog` draws many pale circles and blurs.
///
/// # Errors
/// [`Error::Params`] when a field is out of its range, [`Error::Unsupported`] for what is not 8-bit grey
/// or RGB.
pub fn fog(image: &Image, fog: &Fog, stream: &mut Stream) -> Result<Image> {
    let frame = Frame::of(image)?;
    check("density", fog.density, 0.0, 1.0)?;
    check("patchiness", fog.patchiness, 0.0, 1.0)?;
    if !(2..=65_536).contains(&fog.patch_px) {
        return Err(Error::params(
            "patch_px",
            format!("{} is not a number of 2 to 65536", fog.patch_px),
        ));
    }
    let patch = fog.patch_px as usize;
    let grids = [Grid::draw(&frame, patch, stream), Grid::draw(&frame, patch / 2, stream)];
    let density = (fog.density * 65_536.0).round() as u32;
    // Noise is 0–65280 twice and once: scaled so that all of it together is `patchiness`.
    let thinning = (fog.patchiness * 65_536.0 * 65_536.0 / (3.0 * 65_280.0)).round() as u64;
    let mut out = frame.bytes.to_vec();
    let mut noise = [vec![0_u16; frame.width], vec![0_u16; frame.width]];
    let mut shares = vec![0_u32; frame.width];
    for (y, row) in out.chunks_exact_mut(frame.pitch()).enumerate() {
        for (grid, noise) in grids.iter().zip(&mut noise) {
            grid.row(y, noise);
        }
        let [coarse, fine] = &noise;
        for ((share, &coarse), &fine) in shares.iter_mut().zip(coarse).zip(fine) {
            let thin = (2 * u64::from(coarse)).wrapping_add(fine.into()).wrapping_mul(thinning);
            let left = 65_536_u64.saturating_sub(thin >> 16);
            *share = (u64::from(density).wrapping_mul(left) >> 16) as u32;
        }
        blend(row, frame.channels, &shares, fog.colour);
    }
    frame.filled(out)
}

#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn blend(row: &mut [u8], channels: usize, shares: &[u32], colour: [u8; 3]) {
    if channels == 1 {
        for (level, &share) in row.iter_mut().zip(shares) {
            *level = towards(*level, colour[0], share);
        }
    } else {
        for (pixel, &share) in row.as_chunks_mut::<3>().0.iter_mut().zip(shares) {
            for channel in 0..3 {
                pixel[channel] = towards(pixel[channel], colour[channel], share);
            }
        }
    }
}

/// Bytes at the crossings of a grid.
struct Grid {
    size: usize,
    columns: usize,
    bytes: Vec<u8>,
    /// For each place within a cell the share of its end, `3t² − 2t³` in 256ths.
    ease: Vec<u32>,
}

impl Grid {
    fn draw(frame: &Frame<'_>, size: usize, stream: &mut Stream) -> Self {
        let columns = frame.width / size + 2;
        let mut words = vec![0; columns * (frame.height / size + 2)];
        stream.fill_u32(&mut words);
        let ease = (0..size).map(|at| {
            let t = at as f64 / size as f64;
            (256.0 * t * t * (3.0 - 2.0 * t)).round() as u32
        });
        Self {
            size,
            columns,
            bytes: words.iter().map(|word| (word >> 24) as u8).collect(),
            ease: ease.collect(),
        }
    }

    /// Noise of a row of pixels, 0–65280.
    fn row(&self, y: usize, noise: &mut [u16]) {
        let ease = self.ease[y % self.size];
        let line = |row: usize| &self.bytes[row * self.columns..][..self.columns];
        let (above, below) = (line(y / self.size), line(y / self.size + 1));
        let knots = above.iter().zip(below).map(|(&a, &b)| {
            (256 - ease).wrapping_mul(a.into()).wrapping_add(ease.wrapping_mul(b.into()))
        });
        let ends = knots.clone().skip(1);
        for ((cell, from), to) in noise.chunks_mut(self.size).zip(knots).zip(ends) {
            for (noise, &ease) in cell.iter_mut().zip(&self.ease) {
                let sum = (256 - ease).wrapping_mul(from).wrapping_add(ease.wrapping_mul(to));
                *noise = (sum >> 8) as u16;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_fog_is_a_blend_and_patches_only_thin_it() {
        let image = Image::from_u8(40, 30, 3, vec![100; 3600]).unwrap();
        let mut stream = Stream::from_key([3; 16]);
        let even = Fog { density: 0.5, patchiness: 0.0, patch_px: 8, colour: [200, 220, 240] };
        let found = fog(&image, &even, &mut stream.clone()).unwrap();
        assert!(found.as_u8().unwrap().chunks(3).all(|p| p == [150, 160, 170]));
        let patchy = Fog { patchiness: 1.0, ..even };
        let found = fog(&image, &patchy, &mut stream).unwrap();
        let red: Vec<u8> = found.as_u8().unwrap().iter().step_by(3).copied().collect();
        assert!(red.iter().all(|level| (100..=150).contains(level)));
        let (least, most) = (red.iter().min().unwrap(), red.iter().max().unwrap());
        assert!(most - least > 15, "{least} {most}");
        // Smooth: neighbours differ by little.
        assert!(red.windows(2).enumerate().all(|(x, w)| x % 40 == 39 || w[0].abs_diff(w[1]) < 16));
    }
}
