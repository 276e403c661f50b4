//! What holds for every map.

use std::process::Command;

use microtome::stain::amounts::{Amounts, Third};
use microtome::stain::brightness::{self, Brightness};
use microtome::stain::{
    ApplyOptions, Cast, Factors, Method, Moments, Normalizer, OdScale, Profile, hed, lab,
};
use proptest::prelude::*;

use super::{HE, OTHER, apply, moments, noise, profile_of, stains};
use crate::common;

#[test]
fn source_equal_to_target_changes_nothing_that_two_stains_explain() {
    let rgb = noise(100_000, 7);
    let round = ApplyOptions { cast: Cast::Round, ..ApplyOptions::default() };
    // CIELAB: exactly the same with rounding; with truncation a value just below goes one level down.
    // (Roy's contrast always grows, by 5 % at least: there is no identity to be had.)
    let profile = moments(Method::Reinhard, &rgb);
    assert_eq!(apply(&profile, &profile, round, &rgb), rgb);
    let truncated = apply(&profile, &profile, ApplyOptions::default(), &rgb);
    assert!(truncated.iter().zip(&rgb).all(|(a, b)| b.checked_sub(*a).is_some_and(|d| d <= 1)));
    // The linear map that is the identity: exact with rounding where a density is not bounded, which
    // is 0 (as dark as 1); torchstain's scale adds its 1 for good.
    let one = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    let mut out = vec![0; rgb.len()];
    let scale = hed::scale();
    let map = Factors::linear(&one, &scale, scale.io).unwrap();
    map.apply(&rgb, &mut out, Cast::Round).unwrap();
    assert!(out.iter().zip(&rgb).all(|(out, rgb)| out == rgb.max(&1)));
    map.apply(&rgb, &mut out, Cast::Truncate).unwrap();
    assert!(out.iter().zip(&rgb).all(|(out, rgb)| rgb.max(&1) - out <= 1));
    let scale = OdScale::torchstain([240.0; 3]);
    Factors::linear(&one, &scale, scale.io).unwrap().apply(&rgb, &mut out, Cast::Round).unwrap();
    assert!(out.iter().zip(&rgb).all(|(out, rgb)| *out == rgb.saturating_add(1)));
    // Two stains: a pixel that they make up, to the rounding of its three samples, comes back.
    let profile = stains(OdScale::staintools(), HE, [1.9, 1.0], None);
    let made: Vec<u8> = (0..40_u8)
        .flat_map(|h| (0..40_u8).map(move |e| [f64::from(h) * 0.04, f64::from(e) * 0.03]))
        .flat_map(|[h, e]| {
            [0, 1, 2].map(|c| (255.0 * libm::exp(-h * HE[0][c] - e * HE[1][c]) + 0.5) as u8)
        })
        .collect();
    for options in [round, ApplyOptions { clip_negative: true, ..round }] {
        let found = apply(&profile, &profile, options, &made);
        assert!(found.iter().zip(&made).all(|(a, b)| a.abs_diff(*b) <= 1));
    }
}

#[test]
fn background_is_kept_byte_for_byte() {
    let rgb = noise(5_003, 9);
    let options = ApplyOptions { keep_background: Some(0.15), ..ApplyOptions::default() };
    let from = |lambda| stains(OdScale::torchstain([240.0; 3]), OTHER, [1.0, 1.0], lambda);
    let to = stains(OdScale::staintools(), HE, [1.9705, 1.0308], None);
    for (from, to) in [
        (from(None), to.clone()),
        (from(Some(0.01)), to),
        (moments(Method::Reinhard, &rgb), moments(Method::Reinhard, &rgb[..60])),
    ] {
        let changed = apply(&from, &to, ApplyOptions::default(), &rgb);
        let kept = apply(&from, &to, options, &rgb);
        let pixels = rgb.as_chunks::<3>().0.iter().zip(changed.as_chunks::<3>().0);
        for ((pixel, changed), kept) in pixels.zip(kept.as_chunks::<3>().0) {
            // 205 is the largest sample of tissue: −ln(206/240) ≥ 0.15.
            let tissue = pixel.iter().all(|sample| *sample <= 205);
            assert_eq!(kept, if tissue { changed } else { pixel });
        }
        // No sample is as dense as that: all is background.
        let all = ApplyOptions { keep_background: Some(50.0), ..options };
        assert_eq!(apply(&from, &to, all, &rgb), rgb);
        let no_number = ApplyOptions { keep_background: Some(f64::NAN), ..options };
        assert!(Normalizer::new(&from, &to, &no_number).is_err());
    }
}

#[test]
fn flat_images_meet_reinhard() {
    let target = moments(Method::Reinhard, &noise(1000, 2));
    for colour in [[0, 0, 0], [255, 255, 255], [120, 60, 150], [240, 240, 240]] {
        let flat = [colour; 9].concat();
        let source = moments(Method::Reinhard, &flat);
        // Moved to the target's mean, not stretched.
        let mean = target.lab.unwrap().mean;
        let out = apply(
            &source,
            &target,
            ApplyOptions { cast: Cast::Round, ..Default::default() },
            &flat,
        );
        let found = lab::of_rgb([out[0], out[1], out[2]]);
        assert!(found.iter().zip(mean).all(|(a, b)| (a - b).abs() < 1.0), "{found:?} for {mean:?}");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let he = stains(OdScale::staintools(), HE, [1.0, 1.0], None);
    let colours = moments(Method::Reinhard, &noise(10, 1));
    let options = ApplyOptions::default();
    assert!(Normalizer::new(&he, &colours, &options).is_err());
    assert!(Normalizer::new(&colours, &he, &options).is_err());
    let flat = stains(OdScale::staintools(), [HE[0], HE[0]], [1.0, 1.0], None);
    assert!(Normalizer::new(&flat, &he, &options).is_err());
    let mut out = [0; 6];
    for (from, to) in [(&he, &he), (&colours, &colours)] {
        for keep_background in [None, Some(0.15)] {
            let map =
                Normalizer::new(from, to, &ApplyOptions { keep_background, ..options }).unwrap();
            assert!(map.apply(&[0; 9], &mut out).is_err());
            assert!(map.apply(&[0; 5], &mut out[..5]).is_err());
            assert!(map.apply(&[], &mut []).is_ok());
        }
    }
    let scale = OdScale::staintools();
    assert!(Factors::linear(&[[f64::NAN; 3]; 3], &scale, [255.0; 3]).is_none());
    assert!(Factors::affine(&[[1.0; 3]; 3], [f64::INFINITY; 3], &scale, [255.0; 3]).is_none());
    assert!(Factors::linear(&[[1.0; 3]; 3], &scale, [0.0; 3]).is_none());
}

#[test]
fn brightness_is_numpy() {
    let Some(python) = common::python_or_skip("brightness_is_numpy", &["numpy"]) else { return };
    let rgb: Vec<u8> = noise(9_999, 4).iter().map(|v| v / 2 + 30).collect();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("in"), &rgb).unwrap();
    let code = "
import sys, numpy as np
place = sys.argv[1]
i = np.fromfile(place + '/in', np.uint8)
np.clip(i * 255.0 / np.percentile(i, 90), 0, 255).astype(np.uint8).tofile(place + '/out')
";
    assert!(Command::new(python).args(["-c", code]).arg(folder.path()).status().unwrap().success());
    let mut out = vec![0; rgb.len()];
    Brightness::of_rgb(&rgb, brightness::PERCENT).apply(&rgb, &mut out).unwrap();
    assert_eq!(out, std::fs::read(folder.path().join("out")).unwrap());
}

/// One digest for all machines: what four lanes of SSE2, of AVX, of NEON or none at all give.
#[test]
fn every_machine_gives_these_bytes() {
    let rgb = noise(100_003, 1);
    let he = |lambda| stains(OdScale::torchstain([240.0; 3]), HE, [1.9705, 1.0308], lambda);
    let other = |lambda| stains(OdScale::staintools(), OTHER, [1.2, 1.3], lambda);
    let clip = ApplyOptions { clip_negative: true, ..ApplyOptions::default() };
    let keep = ApplyOptions { keep_background: Some(0.15), ..ApplyOptions::default() };
    let (from, to) = (moments(Method::Reinhard, &rgb), moments(Method::Reinhard, &rgb[..999]));
    let plain = ApplyOptions::default();
    let mut found = vec![
        ("linear", apply(&other(None), &he(None), plain, &rgb)),
        ("linear, background kept", apply(&other(None), &he(None), keep, &rgb)),
        ("clipped", apply(&other(None), &he(None), clip, &rgb)),
        ("lasso", apply(&other(Some(0.01)), &he(None), plain, &rgb)),
        ("reinhard", apply(&from, &to, plain, &rgb)),
    ];
    let amounts = Amounts::new(&other(Some(0.01)).stains.unwrap(), Third::Residual).unwrap();
    let mut planes = [(); 3].map(|()| vec![0; rgb.len() / 3]);
    amounts.planes(&rgb, planes.each_mut().map(|plane| &mut plane[..])).unwrap();
    found.push(("planes", planes.concat().iter().flat_map(|value| value.to_le_bytes()).collect()));
    let found: Vec<(&str, String)> = found
        .into_iter()
        .map(|(name, bytes)| (name, microtome::digest::Digest::of(&bytes).to_string()))
        .collect();
    let known: Vec<(&str, String)> =
        KNOWN.iter().map(|(name, digest)| (*name, String::from(*digest))).collect();
    assert_eq!(found, known);
}

/// Of [`every_machine_gives_these_bytes`].
const KNOWN: [(&str, &str); 6] = [
    ("linear", "3430801ff47e131ce5edffb25eb504abcbdb87dd35d0c6a2f6e11770adf75b25"),
    ("linear, background kept", "e493e704468c14c7843b4bc1fa742b0340c4237b5db57bdbdc5c9d21a7973e2c"),
    ("clipped", "54f01365dc807f5f880968652cf22eb568c7db229169c5314cb2bca94ee070d7"),
    ("lasso", "b904f88aa5d90c4a7491a361237dbde5803853c7ee05b860e2e8e77d7bf36e10"),
    ("reinhard", "3bef6249d60a77e66c4c463f27441ae51dd5edae640ed47b396a7d57dfdf7df4"),
    ("planes", "6d857bd5ebe58c90e5c3ad39017b6c4d71f55e245f8420fa0903da98a4b4bcfd"),
];

/// Any stains that a profile may have, the extremes among them.
fn any_stains() -> impl Strategy<Value = Profile> {
    let entry = || prop_oneof![Just(10.0), Just(-10.0), Just(0.0), -10.0..10.0_f64, 0.0..1.0_f64];
    let row = move || prop::array::uniform3(entry());
    let max = || prop_oneof![Just(1e-3), Just(1000.0), 0.1..3.0_f64];
    let scale = (
        prop::array::uniform3(prop_oneof![Just(1.0), Just(512.0), 200.0..256.0_f64]),
        0.0..=1.0_f64,
        prop::option::of(-1.0..=1.0_f64),
    )
        .prop_map(|(io, offset, floor)| OdScale { io, offset, floor });
    let lambda = prop::option::of(prop_oneof![Just(0.0), Just(1.0), 0.0..1.0_f64]);
    (scale, [row(), row()], [max(), max()], lambda)
        .prop_map(|(scale, matrix, max, lambda)| stains(scale, matrix, max, lambda))
        .prop_filter("passes", |profile| profile.check().is_ok())
}

fn any_moments() -> impl Strategy<Value = Profile> {
    let mean = || prop_oneof![Just(1000.0), Just(-1000.0), -100.0..100.0_f64];
    let std = || prop_oneof![Just(0.0), Just(1e-300), Just(0.01), Just(1000.0), 0.0..50.0_f64];
    let three = (prop::array::uniform3(mean()), prop::array::uniform3(std()), any::<bool>());
    three.prop_map(|(mean, std, modified)| {
        let method = if modified { Method::ReinhardModified } else { Method::Reinhard };
        profile_of(method, None, Some(Moments { mean, std }))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// The four-lane path is the plain one, bit for bit, for any map; tables are finite and no product
    /// of three is NaN.
    #[test]
    fn factors_are_a_plain_product(
        m in prop::array::uniform3(prop::array::uniform3(
            prop_oneof![-1e12..1e12_f64, -9.0..9.0_f64, -1.0..2.0_f64])),
        b in prop::array::uniform3(-3.0..3.0_f64),
        seed in any::<u32>(),
        pixels in 0_usize..70,
    ) {
        let scale = OdScale::torchstain([240.0; 3]);
        let map = Factors::affine(&m, b, &scale, [240.0, 512.0, 1.0]).unwrap();
        let rgb = noise(pixels, seed);
        for (cast, half) in [(Cast::Truncate, 0.0_f32), (Cast::Round, 0.5)] {
            let mut out = vec![0; rgb.len()];
            map.apply(&rgb, &mut out, cast).unwrap();
            for (pixel, out) in rgb.as_chunks::<3>().0.iter().zip(out.as_chunks::<3>().0) {
                let parts = [0, 1, 2].map(|k| map.of(k, pixel[k]).unwrap());
                prop_assert!(parts.as_flattened().iter().all(|f| f.is_finite() && *f > 0.0));
                for c in 0..3 {
                    let product = parts[0][c] * parts[1][c] * parts[2][c];
                    prop_assert!(!product.is_nan());
                    prop_assert_eq!(out[c], (product.min(255.0) + half) as u8);
                }
            }
        }
    }

    /// A pixel is changed alone: one by one, in patches or as a whole; and whatever passes for a profile
    /// gives a number: where it is NaN, the cast would make it 0 in one path and not in the other.
    #[test]
    fn patches_are_the_whole(
        (from, to) in prop_oneof![(any_stains(), any_stains()), (any_moments(), any_moments())],
        clip_negative in any::<bool>(),
        keep_background in prop::option::of(0.0..1.0_f64),
        seed in any::<u32>(),
        cut in 1_usize..50,
    ) {
        let cast = if clip_negative { Cast::Round } else { Cast::Truncate };
        let options = ApplyOptions { cast, clip_negative, keep_background };
        let mut rgb = noise(60, seed);
        rgb[..9].copy_from_slice(&[0, 0, 0, 255, 255, 255, 0, 255, 0]);
        let whole = apply(&from, &to, options, &rgb);
        let parts: Vec<u8> =
            rgb.chunks(cut * 3).flat_map(|part| apply(&from, &to, options, part)).collect();
        prop_assert_eq!(&whole, &parts);
    }
}
