//! Pixels brought from one profile to another: against the peers whose definitions these are, against
//! the definitions written out in `f64`. The laws that hold for every map are in `laws`.

mod laws;

use std::path::PathBuf;
use std::process::Command;

use microtome::stain::amounts::{self, Amounts, Third};
use microtome::stain::concentration::Unmixing;
use microtome::stain::{
    ApplyOptions, Cast, FitOptions, Method, Moments, Normalizer, OdScale, Over, Pool, Profile,
    Stains, fit, hed, reinhard, ruifrok,
};

use crate::common;

/// Source and target of the pairs of which references exist.
const PAIRS: [[&str; 2]; 2] = [["ts_source", "ts_target"], ["cmu_512_10pct", "tia_target"]];

/// Images, references and their numbers, beside the real data; or the report that `test` is skipped.
fn stain_data(test: &str) -> Option<PathBuf> {
    let place = common::data().map(|data| data.join("../stain")).filter(|place| place.is_dir());
    if place.is_none() {
        common::skip(test, "no real data");
    }
    place
}

fn read(place: PathBuf) -> Vec<u8> {
    image::open(place).unwrap().to_rgb8().into_raw()
}

/// Source, target and a peer's result, and what the peer said of its fit.
struct Pair {
    source: Vec<u8>,
    target: Vec<u8>,
    result: Vec<u8>,
    info: serde_json::Value,
}

fn pairs(test: &str, peer: &str) -> Option<[Pair; 2]> {
    let place = stain_data(test)?;
    let numbers = std::fs::read(place.join("reference/reference.json")).unwrap();
    let numbers: serde_json::Value = serde_json::from_slice(&numbers).unwrap();
    Some(PAIRS.map(|[source, target]| {
        let pair = format!("{source}__to__{target}");
        Pair {
            source: read(place.join(format!("images/{source}.png"))),
            target: read(place.join(format!("images/{target}.png"))),
            result: read(place.join(format!("reference/{pair}/{peer}.png"))),
            info: numbers[format!("{pair}/{peer}")]["info"].clone(),
        }
    }))
}

fn numbers<const N: usize>(value: &serde_json::Value) -> [f64; N] {
    std::array::from_fn(|at| value[at].as_f64().unwrap())
}

fn profile_of(method: Method, stains: Option<Stains>, lab: Option<Moments>) -> Profile {
    Profile {
        profile: 1,
        method,
        version: "1".into(),
        stains,
        lab,
        images: 1,
        pixels: 1,
        tissue_px: 1,
        angle_deg: None,
        fitted_on: None,
    }
}

fn stains(scale: OdScale, matrix: [[f64; 3]; 2], max: [f64; 2], lambda: Option<f64>) -> Profile {
    let stains = Stains { scale, matrix, max_concentrations: max, over: Over::All, lambda };
    let method = if lambda.is_some() { Method::Vahadane } else { Method::Macenko };
    profile_of(method, Some(stains), None)
}

fn moments(method: Method, rgb: &[u8]) -> Profile {
    profile_of(method, None, reinhard::moments(&Pool::of_rgb(rgb)))
}

fn apply(source: &Profile, target: &Profile, options: ApplyOptions, rgb: &[u8]) -> Vec<u8> {
    let before = rgb.to_vec();
    let mut out = vec![77; rgb.len()];
    Normalizer::new(source, target, &options).unwrap().apply(rgb, &mut out).unwrap();
    assert_eq!(rgb, before, "the caller's pixels are not written to");
    out
}

/// Share of equal bytes, largest difference, mean difference; printed, as they are worth knowing.
fn difference(what: &str, a: &[u8], b: &[u8]) -> (f64, u8, f64) {
    assert_eq!(a.len(), b.len());
    let n = a.len() as f64;
    let apart = || a.iter().zip(b).map(|(a, b)| a.abs_diff(*b));
    let equal = apart().filter(|d| *d == 0).count() as f64 / n;
    let largest = apart().max().unwrap_or(0);
    let mean = apart().map(f64::from).sum::<f64>() / n;
    println!("{what}: {:.5} % of bytes equal, at most {largest}, mean {mean:.6}", equal * 100.0);
    (equal, largest, mean)
}

/// Bytes without an order: all values, dark and bright and in between.
fn noise(pixels: usize, seed: u32) -> Vec<u8> {
    let mut state = seed;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(pixels * 3).collect()
}

const HE: [[f64; 3]; 2] = [[0.5626, 0.7201, 0.4062], [0.2159, 0.8012, 0.5581]];
const OTHER: [[f64; 3]; 2] = [[0.658, 0.685, 0.314], [0.152, 0.902, 0.404]];

// ---- Against peers.

#[test]
fn macenko_is_torchstain() {
    let Some(pairs) = pairs("macenko_is_torchstain", "torchstain_np_macenko") else { return };
    for pair in &pairs {
        let columns = |key: &str| {
            let rows: [[f64; 2]; 3] = [0, 1, 2].map(|c| numbers(&pair.info[key][c]));
            [0, 1].map(|stain| rows.map(|row| row[stain]))
        };
        let scale = OdScale::torchstain([240.0; 3]);
        let side = |matrix: &str, max: &str| {
            stains(scale, columns(matrix), numbers(&pair.info[max]), None)
        };
        let (from, to) = (side("HE_cols_H_E", "maxC"), side("HERef", "maxCRef"));
        let found = apply(&from, &to, ApplyOptions::default(), &pair.source);
        let (equal, largest, _) = difference("macenko", &found, &pair.result);
        assert!(equal >= 0.999 && largest <= 1);
    }
}

#[test]
fn the_lasso_is_that_of_staintools() {
    // Its Macenko has the same concentrations as its Vahadane, and a fit that is the same every time.
    let test = "the_lasso_is_that_of_staintools";
    let Some(pairs) = pairs(test, "staintools_macenko") else { return };
    for pair in &pairs {
        let side = |rows: &str, max: &str| {
            let rows = [0, 1].map(|stain| numbers(&pair.info[rows][stain]));
            stains(OdScale::staintools(), rows, numbers(&pair.info[max]), Some(0.01))
        };
        let from = side("stain_rows_H_E", "maxC");
        let to = side("target_stain_rows_H_E", "target_maxC");
        let found = apply(&from, &to, ApplyOptions::default(), &pair.source);
        let (equal, largest, _) = difference("lasso", &found, &pair.result);
        assert!(equal >= 0.999 && largest <= 1);
    }
}

#[test]
fn reinhard_and_roy_are_torchstain() {
    for (method, peer) in [
        (Method::Reinhard, "torchstain_np_reinhard"),
        (Method::ReinhardModified, "torchstain_np_reinhard_modified"),
    ] {
        let Some(pairs) = pairs("reinhard_and_roy_are_torchstain", peer) else { return };
        for pair in &pairs {
            let (from, to) = (moments(method, &pair.source), moments(method, &pair.target));
            let found = to.lab.unwrap();
            // torchstain sums in single precision.
            let near = |a: &[f64; 3], key: &str| {
                let b: [f64; 3] = numbers(&pair.info[key]);
                a.iter().zip(b).all(|(a, b)| (a - b).abs() < 2e-4)
            };
            assert!(
                near(&found.mean, "target_means") && near(&found.std, "target_stds"),
                "{found:?}"
            );
            let found = apply(&from, &to, ApplyOptions::default(), &pair.source);
            let (_, largest, mean) = difference(peer, &found, &pair.result);
            assert!(largest <= 1 && mean <= 0.001);
        }
    }
}

#[test]
fn ruifrok_is_tiatoolbox() {
    let Some(pairs) = pairs("ruifrok_is_tiatoolbox", "tiatoolbox_ruifrok") else { return };
    for pair in &pairs {
        let side = |rgb: &[u8], key: &str| {
            let options = FitOptions { method: Method::Ruifrok, ..FitOptions::default() };
            let profile = fit(&Pool::of_rgb(rgb), &options).profile.unwrap();
            let (found, known) = (profile.stains.unwrap().max_concentrations, &pair.info[key]);
            for (found, known) in found.into_iter().zip(numbers::<2>(known)) {
                assert!((found / known - 1.0).abs() < 1e-9, "{found} for {known}");
            }
            profile
        };
        let (from, to) = (side(&pair.source, "maxC"), side(&pair.target, "target_maxC"));
        let found = apply(&from, &to, ApplyOptions::default(), &pair.source);
        let (equal, largest, _) = difference("ruifrok", &found, &pair.result);
        assert!(equal >= 0.999 && largest <= 1);
    }
}

#[test]
fn jitter_is_scikit_image_unclipped() {
    let test = "jitter_is_scikit_image_unclipped";
    let Some(python) = common::python_or_skip(test, &["numpy", "skimage"]) else { return };
    let rgb = noise(40_000, 5);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("in"), &rgb).unwrap();
    // skimage's own matrices and unit; without its max(0, ·) on amounts, and dark samples from 1 on.
    let code = "
import sys, numpy as np
from skimage.color import rgb_from_hed, hed_from_rgb
place = sys.argv[1]
rgb = np.maximum(np.fromfile(place + '/in', np.uint8).reshape(-1, 3), 1) / 255.0
hed = (np.log(rgb) / np.log(1e-6)) @ hed_from_rgb
hed = hed * np.array([1.05, 0.93, 1.02]) + np.array([0.01, -0.015, 0.02])
out = np.clip(np.exp(-(hed * -np.log(1e-6)) @ rgb_from_hed), 0, 1) * 255
out.astype(np.uint8).tofile(place + '/out')
";
    let status = Command::new(python).args(["-c", code]).arg(folder.path()).status().unwrap();
    assert!(status.success());
    let known = std::fs::read(folder.path().join("out")).unwrap();
    let beta = [0.01, -0.015, 0.02].map(|beta| beta * hed::SKIMAGE_UNIT);
    let map = hed::jitter(&hed::HED, [1.05, 0.93, 1.02], beta, &hed::scale()).unwrap();
    let mut out = vec![0; rgb.len()];
    map.apply(&rgb, &mut out, Cast::Truncate).unwrap();
    let (equal, largest, _) = difference("jitter", &out, &known);
    assert!(equal >= 0.999 && largest <= 1);
    // Nothing added, nothing multiplied: nothing changed.
    let none = hed::jitter(&hed::HED, [1.0; 3], [0.0; 3], &hed::scale()).unwrap();
    none.apply(&rgb, &mut out, Cast::Round).unwrap();
    assert!(out.iter().zip(&rgb).all(|(out, rgb)| out == rgb.max(&1)));
}

// ---- Against definitions.

/// Amounts, both maxima, the other's vectors, the light: in `f64`, as the definition reads.
fn defined(from: &Stains, to: &Stains, clip: bool, rgb: &[u8]) -> Vec<f64> {
    let unmixing = Unmixing::new(from.matrix, from.lambda).unwrap();
    let mut values = Vec::with_capacity(rgb.len());
    for pixel in rgb.as_chunks::<3>().0 {
        let od = [0, 1, 2].map(|c| from.scale.density(c, pixel[c]));
        let amounts = unmixing.amounts(od).map(|a| if clip { a.max(0.0) } else { a });
        let scaled =
            [0, 1].map(|k| amounts[k] * to.max_concentrations[k] / from.max_concentrations[k]);
        values.extend([0, 1, 2].map(|c| {
            let od = scaled[0] * to.matrix[0][c] + scaled[1] * to.matrix[1][c];
            (to.scale.io[c] * libm::exp(-od)).min(255.0)
        }));
    }
    values
}

#[test]
fn every_path_is_its_definition() {
    let rgb = noise(300_001, 11);
    for (lambda, clip_negative) in
        [(None, false), (None, true), (Some(0.01), false), (Some(0.0), true)]
    {
        for io in [[240.0; 3], [231.0, 244.5, 250.0]] {
            let from = stains(OdScale::torchstain(io), OTHER, [1.2, 1.3], lambda);
            let to = stains(OdScale::staintools(), HE, [1.9705, 1.0308], None);
            let values = defined(&from.stains.unwrap(), &to.stains.unwrap(), clip_negative, &rgb);
            for (cast, half) in [(Cast::Truncate, 0.0), (Cast::Round, 0.5)] {
                let options = ApplyOptions { cast, clip_negative, keep_background: None };
                let known: Vec<u8> = values.iter().map(|value| (value + half) as u8).collect();
                let what = format!("lambda {lambda:?}, clip {clip_negative}, {cast:?}");
                let found = apply(&from, &to, options, &rgb);
                let (equal, largest, _) = difference(&what, &found, &known);
                assert!(equal >= 0.999 && largest <= 1);
            }
        }
    }
}

#[test]
fn planes_hold_amounts() {
    let rgb = noise(10_001, 3);
    let n = rgb.len() / 3;
    let profile = stains(OdScale::staintools(), HE, [1.0, 1.0], None).stains.unwrap();
    let cross = [
        HE[0][1] * HE[1][2] - HE[0][2] * HE[1][1],
        HE[0][2] * HE[1][0] - HE[0][0] * HE[1][2],
        HE[0][0] * HE[1][1] - HE[0][1] * HE[1][0],
    ];
    let length = cross.iter().map(|v| v * v).sum::<f64>().sqrt();
    let dot = |a: &[f64; 3], b: &[f64; 3]| a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
    for lambda in [None, Some(0.01)] {
        let of = Amounts::new(&Stains { lambda, ..profile }, Third::Residual).unwrap();
        let mut planes = [vec![0; n], vec![0; n], vec![0; n]];
        of.planes(&rgb, planes.each_mut().map(|plane| &mut plane[..])).unwrap();
        let unmixing = Unmixing::new(HE, lambda).unwrap();
        for (at, pixel) in rgb.as_chunks::<3>().0.iter().enumerate() {
            let od = [0, 1, 2].map(|c| profile.scale.density(c, pixel[c]));
            let [h, e] = unmixing.amounts(od);
            for (plane, amount) in planes.iter().zip([h, e, dot(&od, &cross) / length]) {
                let value = (amount * amounts::SCALE).clamp(0.0, 65_535.0);
                assert!((f64::from(plane[at]) - value).abs() <= 0.51, "{pixel:?}");
            }
        }
        let [a, b, _] = planes.each_mut().map(|plane| &mut plane[..]);
        assert!(of.planes(&rgb, [a, b, &mut [0; 7]]).is_err());
    }
    // Three stains: amounts times their vectors are the densities.
    let three = Stains { matrix: ruifrok::MATRIX, ..profile };
    let of = Amounts::new(&three, Third::Stain(ruifrok::DAB)).unwrap();
    let (mut h, mut e, mut dab) = ([0; 1], [0; 1], [0; 1]);
    // 0.5·H + 0.25·E + 1·DAB, as light of 255: densities 0.6125, 1.1675, 0.9525.
    of.planes(&[138, 79, 98], [&mut h, &mut e, &mut dab]).unwrap();
    for (found, known) in [(h, 0.5), (e, 0.25), (dab, 1.0)] {
        assert!((f64::from(found[0]) / amounts::SCALE - known).abs() < 0.02, "{found:?}");
    }
    assert!(
        Amounts::new(&Stains { lambda: Some(0.1), ..three }, Third::Stain(ruifrok::DAB)).is_err()
    );
    assert!(Amounts::new(&three, Third::Stain(ruifrok::MATRIX[0])).is_err());
}
