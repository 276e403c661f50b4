//! Blurs beside OpenCV's, on photos and on small images of odd sides, in colour and in grey.

use microtome::image::Image;
use microtome::pixels::blur;

use crate::{common, peer};

/// What OpenCV makes of each image, in the order of [`cases`].
const SCRIPT: &str = r#"
for rgb in photos():
    # Sides that are not whole registers.
    rgb = np.ascontiguousarray(rgb[:243, :317])
    for image in [rgb, cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)]:
        give(image)
        for side in [3, 5, 7, 9, 11, 13, 15, 17, 63]:
            give(cv2.blur(image, (side, side)))
        for side in [3, 5, 7, 9, 31]:
            give(cv2.medianBlur(image, side))
        for sigma in [0.4, 1, 2.5, 8]:
            give(cv2.GaussianBlur(image, (0, 0), sigma))
        for side in [3, 5, 7, 9, 11]:
            give(cv2.GaussianBlur(image, (side, side), 0))
        give(cv2.GaussianBlur(image, (9, 9), 1.7))
        # In floats, without the 8-bit weights of the above.
        for sigma in [1, 2.5, 8, 8.5, 20, 60]:
            exact = cv2.GaussianBlur(image.astype(np.float32), (0, 0), sigma)
            give(np.rint(exact).astype(np.uint8))
        sharp = np.full((3, 3), -0.4)
        sharp[1, 1] = 0.6 + 0.4 * 9
        give(cv2.filter2D(image, -1, sharp))
        give(cv2.filter2D(image, -1, np.arange(-3.0, 12).reshape(5, 3) / 80))
        give(cv2.filter2D(image, -1, np.full((1, 9), 1 / 9)))
        give(cv2.filter2D(image, -1, np.full((9, 1), 1 / 9)))
        # 45 degrees: points on whole pixels would stand √2 apart; these stand 1 apart.
        line = np.zeros((9, 9))
        for along in range(-4, 5):
            x, y = 4 + along * 0.5 ** 0.5, 4 - along * 0.5 ** 0.5
            left, top = int(x), int(y)
            for px in (left, left + 1):
                for py in (top, top + 1):
                    share = (1 - abs(x - px)) * (1 - abs(y - py))
                    if share > 0:
                        line[py, px] += share / 9
        give(cv2.filter2D(image, -1, line))
        a = np.arange(-5, 6)
        disc = (a[:, None] ** 2 + a[None, :] ** 2 <= 30).astype(np.float64)
        give(cv2.filter2D(image, -1, disc / disc.sum()))
"#;

/// Name, largest difference in levels, the largest share of samples that may differ, result.
type Case = (String, u8, f64, Image);

fn cases(image: &Image) -> microtome::Result<Vec<Case>> {
    let mut cases = Vec::new();
    for side in [3, 5, 7, 9, 11, 13, 15, 17, 63] {
        cases.push((format!("box {side}"), 0, 0.0, blur::box_blur(image, side)?));
    }
    for side in [3, 5, 7, 9, 31] {
        cases.push((format!("median {side}"), 0, 0.0, blur::median(image, side)?));
    }
    for sigma in [0.4, 1.0, 2.5, 8.0] {
        cases.push((format!("gaussian {sigma}"), 0, 0.0, blur::gaussian(image, sigma)?));
    }
    for side in [3, 5, 7, 9, 11] {
        let found = blur::gaussian_kernel(image, side, 0.0)?;
        cases.push((format!("gaussian of side {side}"), 0, 0.0, found));
    }
    let found = blur::gaussian_kernel(image, 9, 1.7)?;
    cases.push(("gaussian of side 9, 1.7".into(), 0, 0.0, found));
    // Weights of 256ths up to σ = 8, boxes above: both stay as near to the Gaussian.
    for (sigma, share) in
        [(1.0, 0.65), (2.5, 0.65), (8.0, 0.65), (8.5, 0.4), (20.0, 0.4), (60.0, 0.4)]
    {
        let name = format!("gaussian {sigma} in floats");
        cases.push((name, 3, share, blur::gaussian(image, sigma)?));
    }
    let weights: Vec<f64> = (-3..12).map(|weight| f64::from(weight) / 80.0).collect();
    let any = blur::convolve(image, &blur::Kernel::new(3, 5, &weights)?)?;
    // OpenCV sums floats of few bits, and rounds halves to even.
    for (name, found) in [
        ("sharpen", blur::sharpen(image, 0.4, 1.0)?),
        ("any kernel", any),
        ("motion to the right", blur::motion(image, 9, 0.0)?),
        ("motion upwards", blur::motion(image, 9, 90.0)?),
        ("motion at 45°", blur::motion(image, 9, 45.0)?),
        ("defocus", blur::defocus(image, 5, 0.0)?),
    ] {
        cases.push((name.into(), 1, 0.01, found));
    }
    Ok(cases)
}

#[test]
fn blurs_are_opencvs() {
    let test = "blurs_are_opencvs";
    let Some(data) = common::data_or_skip(test) else { return };
    let Some(python) = common::python_or_skip(test, &["cv2", "numpy"]) else { return };
    let mut given = peer::run(&python, &data.join("generic/photo"), SCRIPT);
    let mut wrong = Vec::new();
    while let Some(image) = given.next() {
        let image = image.image();
        for (name, most, share, found) in cases(&image).unwrap() {
            let expected = given.next().unwrap().image();
            let (largest, differing) = peer::differ(&found, &expected);
            // A small image has few samples: one may differ.
            let samples = found.samples().len() as f64;
            if largest > most || differing * samples > (share * samples).max(1.0) {
                let (w, h, c) = (image.width_px(), image.height_px(), image.channels());
                wrong.push(format!("{name}, {w} × {h} × {c}: {largest} levels, {differing:.4}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
