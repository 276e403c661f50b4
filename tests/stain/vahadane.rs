//! Vahadane: against spams, and by itself.

use std::path::{Path, PathBuf};
use std::process::Command;

use microtome::stain::concentration::Unmixing;
use microtome::stain::vahadane::stains;
use microtome::stain::{OdScale, Pool, angle_deg};
use proptest::prelude::*;

use crate::common::{data_or_skip, python_or_skip};

const BETA: f64 = 0.15;
const LAMBDA: f64 = 0.1;

/// Pixels of an image of the stain references: `side` pixels from its upper left corner.
fn pixels(data: &Path, name: &str, side: u32) -> Vec<u8> {
    let place = data.join("../stain/images").join(name);
    let image = image::open(&place).unwrap_or_else(|e| panic!("{}: {e}", place.display()));
    let image = image.to_rgb8();
    let (w, h) = image.dimensions();
    image::imageops::crop_imm(&image, 0, 0, w.min(side), h.min(side)).to_image().into_raw()
}

fn spams(python: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(python)
        .args(["-c", include_str!("vahadane.py")])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn file_of(folder: &Path, rgb: &[u8]) -> PathBuf {
    let file = folder.join("pixels");
    std::fs::write(&file, rgb).unwrap();
    file
}

/// Four images on which spams settles; the objective of both by the same lines of numpy.
#[test]
fn no_worse_than_spams_run_to_its_end() {
    let test = "vahadane::no_worse_than_spams_run_to_its_end";
    let Some(data) = data_or_skip(test) else { return };
    let Some(python) = python_or_skip(test, &["numpy", "spams"]) else { return };
    let folder = tempfile::tempdir().unwrap();
    for name in ["tia_target.png", "cmu_512.png", "ts_source.png", "cmu_512_10pct.png"] {
        let rgb = pixels(&data, name, 512);
        let ours = stains(&Pool::of_rgb(&rgb), &OdScale::staintools(), BETA, LAMBDA).unwrap();
        let file = file_of(folder.path(), &rgb);
        let answer = spams(
            &python,
            &[
                "train",
                file.to_str().unwrap(),
                &BETA.to_string(),
                &LAMBDA.to_string(),
                &serde_json::to_string(&ours).unwrap(),
            ],
        );
        let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
        let (theirs, own) = (answer["theirs"].as_f64().unwrap(), answer["ours"].as_f64().unwrap());
        let vectors: [[f64; 3]; 2] = serde_json::from_value(answer["vectors"].clone()).unwrap();
        let angles = [0, 1].map(|stain| angle_deg(&ours[stain], &vectors[stain]));
        println!("{name}: objective {own} of {theirs} ({:+.2e}), {angles:?}°", own / theirs - 1.0);
        assert!(own <= theirs * (1.0 + 1e-6), "{name}: {own} where spams has {theirs}");
        assert!(angles.iter().all(|angle| *angle <= 4.0), "{name}: {angles:?}");
    }
}

/// In three pairs of vectors, one that stains never have: entries below zero, products below zero.
#[test]
fn concentrations_are_those_of_spams() {
    let test = "vahadane::concentrations_are_those_of_spams";
    let Some(data) = data_or_skip(test) else { return };
    let Some(python) = python_or_skip(test, &["numpy", "spams"]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut rgb = pixels(&data, "tia_target.png", 256);
    rgb.extend(pixels(&data, "cmu_512_10pct.png", 256));
    rgb.extend((0..=255).flat_map(|v: u8| [v, 255 - v, v.wrapping_mul(7)]));
    let file = file_of(folder.path(), &rgb);
    let table = OdScale::staintools().table();
    for (matrix, lambda) in [
        ([[0.499, 0.762, 0.412], [0.294, 0.813, 0.503]], 0.01),
        ([[0.606, 0.775, 0.178], [0.425, 0.886, 0.184]], 0.1),
        ([[0.9, 0.1, -0.424], [-0.5, 0.86, 0.1]], 0.01),
    ] {
        // spams wants rows of length 1.
        let matrix = matrix.map(|v: [f64; 3]| {
            let length = (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]).sqrt();
            v.map(|value| value / length)
        });
        let unmixing = Unmixing::new(matrix, Some(lambda)).unwrap();
        let json = serde_json::to_string(&matrix).unwrap();
        let theirs = spams(&python, &["lasso", file.to_str().unwrap(), &json, &lambda.to_string()]);
        assert_eq!(theirs.len(), rgb.len() / 3 * 16);
        let (mut worst, mut cases) = (0.0_f64, [0_u32; 4]);
        for (pixel, theirs) in rgb.as_chunks::<3>().0.iter().zip(theirs.as_chunks::<16>().0) {
            let c = unmixing.amounts([0, 1, 2].map(|k| table[k][usize::from(pixel[k])]));
            let (a, b) = theirs.split_at(8);
            for (ours, theirs) in c.iter().zip([a, b]) {
                worst = worst.max((ours - f64::from_le_bytes(theirs.try_into().unwrap())).abs());
            }
            cases[usize::from(c[0] > 0.0) + 2 * usize::from(c[1] > 0.0)] += 1;
        }
        println!("{matrix:.3?}: at most {worst:.2e} apart; none/first/second/both {cases:?}");
        assert!(worst <= 1e-6, "{matrix:?}: {worst}");
        assert!(cases[1] > 0 && cases[2] > 0 && cases[3] > 0, "{cases:?}");
    }
}

#[test]
fn identical_bits_whatever_the_order() {
    let Some(data) = data_or_skip("vahadane::identical_bits_whatever_the_order") else { return };
    let rgb = pixels(&data, "ts_source.png", 256);
    let bits = |rgb: &[u8]| {
        let found = stains(&Pool::of_rgb(rgb), &OdScale::staintools(), BETA, LAMBDA).unwrap();
        found.map(|row| row.map(f64::to_bits))
    };
    let first = bits(&rgb);
    assert_eq!(bits(&rgb), first, "run to run");
    let mut reversed = rgb.as_chunks::<3>().0.to_vec();
    reversed.reverse();
    assert_eq!(bits(reversed.as_flattened()), first, "backwards");
    reversed.sort_by_key(|p| u32::from(p[0]).wrapping_mul(2_654_435_761) ^ u32::from(p[2]) << 7);
    assert_eq!(bits(reversed.as_flattened()), first, "shuffled");
    // Counted in parts.
    let (a, b) = rgb.split_at(rgb.len() / 9 * 3);
    let mut parts = Pool::of_rgb(b);
    parts.merge(&Pool::of_rgb(a));
    let found = stains(&parts, &OdScale::staintools(), BETA, LAMBDA).unwrap();
    assert_eq!(found.map(|row| row.map(f64::to_bits)), first, "in parts");
}

/// Drawn tissue of two known stains, each alone in places: both are found, but for what 8 bits and the
/// weight of sparsity take.
#[test]
fn finds_the_stains_that_it_was_drawn_with() {
    let truth = [[0.65, 0.70, 0.29], [0.20, 0.90, 0.38]].map(|v: [f64; 3]| {
        let length = (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]).sqrt();
        v.map(|value| value / length)
    });
    let mut rgb = Vec::new();
    for h in 0..40 {
        for e in 0..40 {
            let (h, e) = (f64::from(h) * 0.04, f64::from(e) * 0.04);
            rgb.extend(
                [0, 1, 2]
                    .map(|k| (255.0 * libm::exp(-h * truth[0][k] - e * truth[1][k])).round() as u8),
            );
        }
    }
    let pool = Pool::of_rgb(&rgb);
    let found = stains(&pool, &OdScale::staintools(), 0.05, 1e-3).unwrap();
    for stain in [0, 1] {
        let angle = angle_deg(&found[stain], &truth[stain]);
        assert!(angle < 1.0, "{angle}°: {found:?}");
    }
}

/// What has no two stains: nothing, blank, one colour, one line of greys.
#[test]
fn nothing_is_found_where_nothing_is() {
    let scale = OdScale::staintools();
    let grey: Vec<u8> = (0..=255).flat_map(|v| [v; 3]).collect();
    let nearly_white: Vec<u8> = (0..30_000_u32).map(|n| 235 + (n * 7 % 21) as u8).collect();
    for (name, rgb) in [
        ("nothing", vec![]),
        ("white", vec![255; 300]),
        ("black", vec![0; 300]),
        ("grey", vec![128; 300]),
        ("purple", [120, 40, 140].repeat(100)),
        ("one pixel", [[255; 300].as_slice(), &[120, 40, 140]].concat()),
        ("greys", grey),
        ("nearly white", nearly_white),
    ] {
        assert_eq!(stains(&Pool::of_rgb(&rgb), &scale, BETA, LAMBDA), None, "{name}");
    }
    let fine = Pool::of_rgb(&[120, 40, 140, 150, 40, 90, 200, 90, 160]);
    assert!(stains(&fine, &scale, BETA, LAMBDA).is_some());
    for (beta, lambda) in [(f64::NAN, 0.1), (0.15, f64::NAN), (0.15, -0.1), (0.15, f64::INFINITY)] {
        assert_eq!(stains(&fine, &scale, beta, lambda), None, "{beta} {lambda}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn never_nan(
        pixels in prop_oneof![
            prop::collection::vec(any::<[u8; 3]>(), 0..60),
            prop::collection::vec(prop::array::uniform3(100_u8..104), 0..60),
            prop::collection::vec(any::<u8>().prop_map(|v| [v; 3]), 0..60),
        ],
        torchstain: bool,
        beta in prop_oneof![Just(0.15), -1.0..2.0_f64],
        lambda in prop_oneof![Just(0.1), Just(0.0), 0.0..5.0_f64],
    ) {
        let scale =
            if torchstain { OdScale::torchstain([240.0; 3]) } else { OdScale::staintools() };
        if let Some(found) = stains(&Pool::of_rgb(pixels.as_flattened()), &scale, beta, lambda) {
            for row in &found {
                let length = (row[0] * row[0] + row[1] * row[1] + row[2] * row[2]).sqrt();
                prop_assert!((length - 1.0).abs() < 1e-12 && row.iter().all(|v| *v >= 0.0));
            }
            prop_assert!(found[0][0] >= found[1][0]);
            prop_assert!(angle_deg(&found[0], &found[1]) > 0.05);
        }
    }
}
