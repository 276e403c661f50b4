//! Noise of counted light.

use super::check;
use crate::error::Result;
use crate::image::Image;
use crate::pixels::blur::Frame;
use crate::random::Stream;

/// Samples that are worked on at once.
const BLOCK: usize = 4096;

/// Replaces each sample x by `levels_per_photon · n`, rounded and kept in 0–255, with n of the Poisson
/// distribution of mean `x / levels_per_photon`: x on average, with the variance
/// `levels_per_photon · x`.
///
/// Draws are exact to 2⁻²⁴: for each grey level that occurs an alias table of the 256 levels that may
/// come of it (Vose 1991, doi:10.1109/32.92917), so that a draw is one look-up. One word of the stream
/// for each sample. Albumentations' `ShotNoise` counts in linear light; here, levels count.
///
/// # Errors
/// [`crate::Error::Params`] when `levels_per_photon` is not in `0.01..=255`,
/// [`crate::Error::Unsupported`] for what is not 8-bit grey or RGB.
pub fn shot(image: &Image, levels_per_photon: f64, stream: &mut Stream) -> Result<Image> {
    let frame = Frame::of(image)?;
    check("levels_per_photon", levels_per_photon, 0.01, 255.0)?;
    let mut seen = [false; 256];
    for &level in frame.bytes {
        seen[usize::from(level)] = true;
    }
    let mut tables = vec![[0_u32; 256]; 256];
    for (level, table) in tables.iter_mut().enumerate().filter(|(level, _)| seen[*level]) {
        *table = alias(&outcomes(level as f64 / levels_per_photon, levels_per_photon));
    }
    let mut out = frame.bytes.to_vec();
    let mut words = vec![0; BLOCK];
    for levels in out.chunks_mut(BLOCK) {
        let words = &mut words[..levels.len()];
        stream.fill_u32(words);
        for (level, &word) in levels.iter_mut().zip(&*words) {
            let column = word & 0xFF;
            let entry = tables[usize::from(*level)][column as usize];
            // The word's upper 24 bits choose between the column's own level and the other one.
            *level = if word >> 8 < entry >> 8 { column as u8 } else { entry as u8 };
        }
    }
    frame.filled(out)
}

/// How likely each level is after counting photons of which `mean` come on average.
fn outcomes(mean: f64, levels_per_photon: f64) -> [f64; 256] {
    let mut likely = [0.0; 256];
    let mut put = |count: f64, p: f64| {
        let level = (count * levels_per_photon).round_ties_even().clamp(0.0, 255.0);
        likely[level as usize] += p;
    };
    // From the most likely count both ways, until nothing is left that 24 bits could show.
    let mode = mean.floor();
    let peak = if mean > 0.0 {
        libm::exp(mode * libm::log(mean) - mean - libm::lgamma(mode + 1.0))
    } else {
        1.0
    };
    put(mode, peak);
    let (mut count, mut p) = (mode, peak);
    while count > 0.0 && p > 1e-14 * peak {
        p *= count / mean;
        count -= 1.0;
        put(count, p);
    }
    (count, p) = (mode, peak);
    while mean > 0.0 && p > 1e-14 * peak {
        count += 1.0;
        p *= mean / count;
        put(count, p);
    }
    let sum: f64 = likely.iter().sum();
    likely.map(|p| p / sum)
}

/// Vose's table: entry i is `threshold << 8 | other`: below the threshold (in 2⁻²⁴) it is i, else the
/// other.
fn alias(likely: &[f64; 256]) -> [u32; 256] {
    const ONE: f64 = 16_777_216.0;
    let mut share = likely.map(|p| p * 256.0);
    let (mut small, mut large): (Vec<usize>, Vec<usize>) =
        (0..256).partition(|&level| share[level] < 1.0);
    // A column that is full is its own alias, so that no threshold of 2²⁴ is needed.
    let mut table: [u32; 256] = std::array::from_fn(|level| level as u32);
    while let (Some(low), Some(&high)) = (small.pop(), large.last()) {
        let threshold = (share[low] * ONE).round_ties_even().min(ONE - 1.0) as u32;
        table[low] = threshold << 8 | high as u32;
        share[high] -= 1.0 - share[low];
        if share[high] < 1.0 {
            large.pop();
            small.push(high);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_poissons() {
        // Mean 2, ten levels for each photon: e⁻² = 0.135335 of none, twice that of one and of two.
        let likely = outcomes(2.0, 10.0);
        for (level, expected) in [(0, 0.135_335), (10, 0.270_671), (20, 0.270_671), (30, 0.180_447)]
        {
            assert!((likely[level] - expected).abs() < 1e-6);
        }
        assert_eq!(outcomes(0.0, 1.0)[0], 1.0);
        assert!((outcomes(25_500.0, 0.01).iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn alias_tables_hold_what_they_were_made_of() {
        for (mean, levels) in
            [(0.0, 1.0), (0.3, 100.0), (7.5, 10.0), (200.0, 1.0), (20_000.0, 0.01)]
        {
            let likely = outcomes(mean, levels);
            let mut found = [0_u64; 256];
            for (column, entry) in alias(&likely).into_iter().enumerate() {
                found[column] += u64::from(entry >> 8);
                found[(entry & 255) as usize] += (1 << 24) - u64::from(entry >> 8);
            }
            for level in 0..256 {
                let p = found[level] as f64 / 4_294_967_296.0;
                assert!((p - likely[level]).abs() < 1e-5, "{mean} {level}: {p} {}", likely[level]);
            }
        }
    }
}
