//! Histograms against OpenCV, scikit-image and numpy.

use microtome::pixels::histogram::{self, Over};

use crate::common::{data_or_skip, python_or_skip};
use crate::peer;

#[test]
fn clahe_is_opencvs_to_the_bit() {
    let name = "histogram::clahe_is_opencvs_to_the_bit";
    let (Some(data), Some(python)) = (data_or_skip(name), python_or_skip(name, &["cv2"])) else {
        return;
    };
    let mut given = peer::run(
        &python,
        &data.join("generic/photo"),
        "
for grey in greys():
    give(grey)
    for limit in [0.0, 0.5, 2.0, 4.0, 40.0]:
        for tiles in [(8, 8), (1, 1), (3, 5), (16, 2), (7, 7)]:
            give(cv2.createCLAHE(limit, tiles).apply(grey))
",
    );
    while let Some(grey) = given.next() {
        let grey = grey.image();
        for limit in [0.0, 0.5, 2.0, 4.0, 40.0] {
            for tiles in [(8, 8), (1, 1), (3, 5), (16, 2), (7, 7)] {
                let found = histogram::clahe(&grey, limit, tiles, Over::Lab).unwrap();
                let size = (grey.width_px(), grey.height_px());
                let expected = given.next().unwrap().image();
                assert_eq!(peer::differ(&found, &expected).0, 0, "{size:?} {limit} {tiles:?}");
            }
        }
    }
}

#[test]
fn equalize_is_opencvs_to_the_bit() {
    let name = "histogram::equalize_is_opencvs_to_the_bit";
    let (Some(data), Some(python)) = (data_or_skip(name), python_or_skip(name, &["cv2"])) else {
        return;
    };
    let script = "
for grey in list(greys()) + [np.full((5, 4), 9, np.uint8)]:
    give(grey)
    give(cv2.equalizeHist(grey))
";
    let mut given = peer::run(&python, &data.join("generic/photo"), script);
    while let Some(grey) = given.next() {
        let mut grey = grey.image();
        histogram::equalize(&mut grey, Over::Lab).unwrap();
        assert_eq!(grey, given.next().unwrap().image());
    }
}

/// Over luma it is what OpenCV's CLAHE of OpenCV's grey gains, added.
#[test]
fn what_luma_gains_is_added() {
    let name = "histogram::what_luma_gains_is_added";
    let (Some(data), Some(python)) = (data_or_skip(name), python_or_skip(name, &["cv2"])) else {
        return;
    };
    let script = "
for rgb in photos():
    give(rgb)
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    gain = cv2.createCLAHE(2.0, (8, 8)).apply(grey).astype(int) - grey
    give(np.clip(rgb + gain[..., None], 0, 255).astype(np.uint8))
";
    let mut given = peer::run(&python, &data.join("generic/photo"), script);
    while let Some(rgb) = given.next() {
        let found = histogram::clahe(&rgb.image(), 2.0, (8, 8), Over::Luma).unwrap();
        assert_eq!(peer::differ(&found, &given.next().unwrap().image()).0, 0);
    }
}

/// Over lightness it is what OpenCV's CLAHE of the exact L* gains, added to the exact L*. Up to 2 % of all
/// pixels have an L* so near to half a step that it is another step here, which CLAHE then stretches.
#[test]
fn what_lightness_gains_is_added() {
    let name = "histogram::what_lightness_gains_is_added";
    let modules = ["cv2", "skimage"];
    let (Some(data), Some(python)) = (data_or_skip(name), python_or_skip(name, &modules)) else {
        return;
    };
    let script = "
from skimage.color import rgb2lab, lab2rgb
import warnings
warnings.simplefilter('ignore')
for rgb in photos():
    give(rgb)
    lab = rgb2lab(rgb)
    light = np.floor(lab[..., 0] * 2.55 + 0.5).astype(np.uint8)
    lab[..., 0] += (cv2.createCLAHE(4.0, (8, 8)).apply(light).astype(float) - light) / 2.55
    give(np.floor(lab2rgb(lab) * 255 + 0.5).astype(np.uint8))
";
    let mut given = peer::run(&python, &data.join("generic/photo"), script);
    while let Some(rgb) = given.next() {
        let found = histogram::clahe(&rgb.image(), 4.0, (8, 8), Over::Lab).unwrap();
        let expected = given.next().unwrap().image();
        let (found, expected) = (found.as_u8().unwrap(), expected.as_u8().unwrap());
        let off: Vec<u8> = found.iter().zip(expected).map(|(a, b)| a.abs_diff(*b)).collect();
        let far = off.iter().filter(|off| **off > 1).count();
        let mean = off.iter().map(|off| f64::from(*off)).sum::<f64>() / off.len() as f64;
        assert!(far * 10 <= off.len() && mean < 0.3, "{far} of {} are far: {mean}", off.len());
    }
}

#[test]
fn matching_is_scikit_images_rounded() {
    let name = "histogram::matching_is_scikit_images_rounded";
    let modules = ["cv2", "skimage"];
    let (Some(data), Some(python)) = (data_or_skip(name), python_or_skip(name, &modules)) else {
        return;
    };
    let script = "
from skimage.exposure import match_histograms
greys = list(greys())
for image, reference in zip(greys, greys[1:] + greys[:1]):
    give(image)
    give(reference)
    give(match_histograms(image, reference).astype(np.float32))
    give(np.percentile(image, [0, 1.5, 50, 98, 100]).astype(np.float32)[None])
";
    let mut given = peer::run(&python, &data.join("generic/photo"), script);
    while let Some(image) = given.next() {
        let (mut image, reference) = (image.image(), given.next().unwrap().image());
        let of = |image| histogram::counts(image).unwrap()[0];
        let counts = of(&image);
        histogram::match_to(&counts, &of(&reference)).apply(&mut image).unwrap();
        let expected = given.next().unwrap().floats();
        for (found, expected) in image.as_u8().unwrap().iter().zip(expected) {
            assert!((f32::from(*found) - expected).abs() <= 0.501, "{found} for {expected}");
        }
        let percentiles = [0.0, 1.5, 50.0, 98.0, 100.0];
        for (percent, expected) in percentiles.into_iter().zip(given.next().unwrap().floats()) {
            let found = histogram::percentile(&counts, percent) as f32;
            assert!((found - expected).abs() < 1e-4, "{percent}: {found} for {expected}");
        }
    }
}
