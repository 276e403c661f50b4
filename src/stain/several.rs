//! One target out of several images.
//!
//! **Source.** Ivanov et al., *Multi-target stain normalization for histology slides*, 2024
//! (arXiv 2406.02077), as torchstain's `MultiMacenkoNormalizer` does it, with two differences. Its
//! *avg-pre* averages eigenvectors with whatever signs they come, so that two targets can cancel each
//! other out; here each is turned first to the side of that of all targets together. And nothing here
//! depends on the order of targets: each number is averaged over its sorted values.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fit::{FitOptions, Fitted, Measured, fit};
use super::gates::{Status, judge_maxima};
use super::macenko::{self, Counted, Pixels};
use super::profile::{Method, Moments, Stains};
use super::{Pool, Profile};
use crate::digest::Digest;

/// How several targets become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Several {
    /// Each is fitted; stain vectors and maximum concentrations are averaged (and, as in the paper,
    /// not brought to unit length again). Each target weighs the same.
    #[default]
    AvgPost,
    /// All pixels together are fitted. Each pixel weighs the same.
    Concat,
    /// The eigenvectors of each are averaged; all pixels together are fitted in the plane of the
    /// average. Macenko only: other methods have no eigenvectors, and do as `concat`.
    AvgPre,
}

/// Fits several targets. All must pass the gates on their own in `avg-post`: a bad target is not
/// averaged away in silence; the first that fails gives the status. One target is [`fit`] of it.
///
/// `fitted_on` is the digest of the sorted digests of the pools in the averages, of the pool of all in
/// `concat`.
pub fn fit_several(pools: &[Pool], how: Several, options: &FitOptions) -> Fitted {
    if let [pool] = pools {
        return fit(pool, options);
    }
    match how {
        Several::AvgPost => average(pools, options),
        Several::AvgPre if options.method == Method::Macenko => in_average_plane(pools, options),
        Several::Concat | Several::AvgPre => fit(&together(pools), options),
    }
}

fn together(pools: &[Pool]) -> Pool {
    let mut all = Pool::default();
    for pool in pools {
        all.merge(pool);
    }
    all
}

fn digest(pools: &[Pool]) -> Option<String> {
    let mut digests: Vec<Digest> = pools.iter().map(Pool::digest).collect();
    digests.sort_unstable_by_key(|digest| *digest.as_bytes());
    Some(Digest::of_digests(&digests).to_string())
}

/// Mean of numbers, whatever order they come in. Of nothing: not a number.
fn mean(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut numbers: Vec<f64> = numbers.collect();
    numbers.sort_unstable_by(f64::total_cmp);
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

fn mean_rows<const N: usize>(rows: &[[[f64; 3]; N]]) -> [[f64; 3]; N] {
    std::array::from_fn(|k| [0, 1, 2].map(|c| mean(rows.iter().map(|row| row[k][c]))))
}

fn average(pools: &[Pool], options: &FitOptions) -> Fitted {
    let mut measured = Measured::default();
    let (mut stains, mut lab, mut images) = (Vec::new(), Vec::new(), 0_u64);
    for pool in pools {
        let Fitted { profile, status, measured: one } = fit(pool, options);
        let Some(Profile { stains: s, lab: l, .. }) = profile else {
            return Fitted { profile: None, status, measured: one };
        };
        stains.extend(s);
        lab.extend(l);
        images = images.saturating_add(pool.images());
        measured.pixels = measured.pixels.saturating_add(one.pixels);
        measured.tissue_px = measured.tissue_px.saturating_add(one.tissue_px);
    }
    let source = (images, digest(pools));
    if !lab.is_empty() {
        let rows: Vec<[[f64; 3]; 2]> = lab.iter().map(|lab| [lab.mean, lab.std]).collect();
        let [mean, std] = mean_rows(&rows);
        let lab = Some(Moments { mean, std });
        return Fitted::with(options.method, (None, lab), measured, source);
    }
    let stains = average_stains(&stains, options, &mut measured);
    Fitted::of(options.method, stains, measured, source)
}

fn average_stains(
    stains: &[Stains],
    options: &FitOptions,
    measured: &mut Measured,
) -> Result<Stains, Status> {
    let first = stains.first().ok_or(Status::TooFewTissue)?;
    let matrices: Vec<[[f64; 3]; 2]> = stains.iter().map(|s| s.matrix).collect();
    let matrix = mean_rows(&matrices);
    options.gates.judge(&matrix, measured)?;
    let max_concentrations =
        [0, 1].map(|stain| mean(stains.iter().map(|s| s.max_concentrations[stain])));
    judge_maxima(max_concentrations)?;
    // White points, where they are estimated, are those of each image.
    let mut scale = first.scale;
    scale.io = [0, 1, 2].map(|channel| mean(stains.iter().map(|s| s.scale.io[channel])));
    Ok(Stains { scale, matrix, max_concentrations, over: options.over, lambda: first.lambda })
}

fn in_average_plane(pools: &[Pool], options: &FitOptions) -> Fitted {
    let all = together(pools);
    let mut measured = Measured::default();
    let stains = stains_in_average_plane(pools, &all, options, &mut measured);
    Fitted::of(Method::Macenko, stains, measured, (all.images(), digest(pools)))
}

fn stains_in_average_plane(
    pools: &[Pool],
    all: &Pool,
    options: &FitOptions,
    measured: &mut Measured,
) -> Result<Stains, Status> {
    let mut counted = Counted::new(all, options.scale(all.channels()), options);
    let sums = counted.sums();
    (measured.pixels, measured.tissue_px) = (all.pixels(), sums.count);
    options.gates.admit(&sums, all.counted())?;
    let whole = macenko::principal(&sums).ok_or(Status::OneColour)?;
    let scale = *counted.scale().0;
    let mut bases = Vec::with_capacity(pools.len());
    for pool in pools {
        let sums = Counted::new(pool, scale, options).sums();
        options.gates.admit(&sums, pool.counted())?;
        let mut basis = macenko::principal(&sums).ok_or(Status::OneColour)?;
        for (vector, side) in basis.iter_mut().zip(&whole) {
            if vector.iter().zip(side).map(|(a, b)| a * b).sum::<f64>() < 0.0 {
                *vector = vector.map(|c| -c);
            }
        }
        bases.push(basis);
    }
    macenko::fit_in_plane(&mut counted, &mean_rows(&bases), &sums, options, measured)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stain::{Gates, angle_deg};

    /// Tissue that is spread along grey, and less along `across`.
    fn pool(across: [f64; 3]) -> Pool {
        let mut rgb = Vec::new();
        for (t, s) in (-10..=10).flat_map(|t| (-10..=10).map(move |s| (f64::from(t), f64::from(s))))
        {
            let light = across.map(|c| 240.0 * libm::exp(-(1.0 + 0.05 * t + 0.02 * s * c)) - 0.5);
            rgb.extend(light.map(|light| light as u8));
        }
        Pool::of_rgb(&rgb)
    }

    #[test]
    fn eigenvectors_that_point_apart_do_not_cancel() {
        // The largest component is red here and green there, of opposite signs: by the rule of
        // `eigen` their second vectors point opposite ways.
        let pools = [pool([1.1, -1.0, 0.0]), pool([1.0, -1.1, 0.0])];
        let options = FitOptions {
            gates: Gates {
                min_tissue_px: 100,
                max_condition: 1e3,
                stain_angle_deg: (0.0, 180.0),
                max_reference_angle_deg: 180.0,
                ..Gates::default()
            },
            ..FitOptions::default()
        };
        let seconds = pools.each_ref().map(|pool| {
            let scale = options.scale(pool.channels());
            macenko::principal(&Counted::new(pool, scale, &options).sums()).unwrap()[0]
        });
        assert!(angle_deg(&seconds[0], &seconds[1]) > 160.0, "{seconds:?}");
        let [pre, concat] = [Several::AvgPre, Several::Concat]
            .map(|how| fit_several(&pools, how, &options).profile.unwrap().stains.unwrap());
        for (a, b) in pre.matrix.iter().zip(&concat.matrix) {
            assert!(angle_deg(a, b) < 0.5, "{pre:?} {concat:?}");
        }
    }
}
