//! Blurs beside OpenCV's, on photos.

use std::path::Path;
use std::process::Command;

use microtome::image::{Image, png};
use microtome::pixels::blur;

use crate::common;

/// Grey and RGB photos of `generic/photo`, and what OpenCV makes of them.
const SCRIPT: &str = r#"
import sys, cv2, numpy as np
photos, out = sys.argv[1:]
for name in ["chelsea", "coffee", "coins", "kodim17"]:
    image = cv2.imread(f"{photos}/{name}.png", cv2.IMREAD_UNCHANGED)
    if image.ndim == 3:
        image = np.ascontiguousarray(image[:, :, :3][:, :, ::-1])
    # Sides that are not whole registers.
    image = np.ascontiguousarray(image[:243, :317])
    rng = np.random.default_rng(1)
    kernel = rng.normal(size=(5, 3))
    kernel = kernel / np.abs(kernel).sum()
    made = {"image": image, "convolve": cv2.filter2D(image, -1, kernel)}
    for side in [3, 5, 15, 17, 63]:
        made[f"box {side}"] = cv2.blur(image, (side, side))
    for side in [3, 5, 7, 31]:
        made[f"median {side}"] = cv2.medianBlur(image, side)
    for sigma in ["0.4", "1", "2.5", "8", "8.5", "20", "60"]:
        made[f"gaussian {sigma}"] = cv2.GaussianBlur(image, (0, 0), float(sigma))
    made["kernel 5"] = cv2.GaussianBlur(image, (5, 5), 0)
    made["kernel 9"] = cv2.GaussianBlur(image, (9, 9), 1.7)
    sharp = np.full((3, 3), -0.4)
    sharp[1, 1] = 0.6 + 0.4 * 9
    made["sharpen"] = cv2.filter2D(image, -1, sharp)
    for what, pixels in made.items():
        cv2.imwrite(f"{out}/{name} {what}.png", pixels if pixels.ndim == 2 else pixels[:, :, ::-1])
    np.savetxt(f"{out}/{name} kernel.txt", kernel.ravel(), fmt="%.17g")
"#;

fn read(folder: &Path, name: &str, what: &str) -> Image {
    let bytes = std::fs::read(folder.join(format!("{name} {what}.png"))).unwrap();
    png::decode(&bytes, 1 << 26).unwrap()
}

/// The largest difference, and the share of samples that differ.
fn distance(a: &Image, b: &Image) -> (u8, f64) {
    let (a, b) = (a.as_u8().unwrap(), b.as_u8().unwrap());
    assert_eq!(a.len(), b.len());
    let differences = || a.iter().zip(b).map(|(a, b)| a.abs_diff(*b));
    let differ = differences().filter(|&d| d > 0).count();
    (differences().max().unwrap(), differ as f64 / a.len() as f64)
}

#[test]
fn blurs_are_opencvs() {
    let test = "blurs_are_opencvs";
    let Some(data) = common::data_or_skip(test) else { return };
    let Some(python) = common::python_or_skip(test, &["cv2", "numpy"]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(python)
        .args(["-c", SCRIPT])
        .args([&data.join("generic/photo"), folder.path()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut wrong = Vec::new();
    for name in ["chelsea", "coffee", "coins", "kodim17"] {
        let image = read(folder.path(), name, "image");
        let mut compare = |what: &str, found: Image, most: u8, share: f64| {
            let (largest, differing) = distance(&found, &read(folder.path(), name, what));
            if largest > most || differing > share {
                wrong.push(format!("{name} {what}: {largest} levels, {differing:.4} of all"));
            }
        };
        for side in [3, 5, 15, 17, 63] {
            compare(&format!("box {side}"), blur::box_blur(&image, side).unwrap(), 0, 0.0);
        }
        for side in [3, 5, 7, 31] {
            compare(&format!("median {side}"), blur::median(&image, side).unwrap(), 0, 0.0);
        }
        for sigma in ["0.4", "1", "2.5", "8"] {
            let found = blur::gaussian(&image, sigma.parse().unwrap()).unwrap();
            compare(&format!("gaussian {sigma}"), found, 0, 0.0);
        }
        for sigma in ["8.5", "20", "60"] {
            let found = blur::gaussian(&image, sigma.parse().unwrap()).unwrap();
            compare(&format!("gaussian {sigma}"), found, 2, 0.6);
        }
        compare("kernel 5", blur::gaussian_kernel(&image, 5, 0.0).unwrap(), 0, 0.0);
        compare("kernel 9", blur::gaussian_kernel(&image, 9, 1.7).unwrap(), 0, 0.0);
        compare("sharpen", blur::sharpen(&image, 0.4, 1.0).unwrap(), 1, 0.01);
        let text =
            std::fs::read_to_string(folder.path().join(format!("{name} kernel.txt"))).unwrap();
        let weights: Vec<f64> = text.split_whitespace().map(|w| w.parse().unwrap()).collect();
        let kernel = blur::Kernel::new(3, 5, &weights).unwrap();
        compare("convolve", blur::convolve(&image, &kernel).unwrap(), 1, 0.01);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
