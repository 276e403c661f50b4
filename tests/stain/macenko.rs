//! Macenko's fit against torchstain's numpy backend: what was written down of it, and live.

use std::path::Path;

use microtome::error::Error;
use microtome::stain::macenko::{Macenko, REFERENCE, REFERENCE_MAXIMA, reference};
use microtome::stain::several::{Several, fit_several};
use microtome::stain::{
    FastFit, FitOptions, Fitted, Method, OdScale, Over, Pool, Stains, Status, WhitePoint,
    angle_deg, fit, white_point,
};
use ndarray::{Array3, ArrayView3, Axis, s};
use proptest::prelude::*;
use serde_json::Value;

use crate::common::{data_or_skip, python_or_skip, stain_or_skip};
use crate::reference::{
    Rgb, assert_whole, columns, fit_all_ways, no_gates, numbers, python, scratch, vector,
};

/// What the exact fit is held to; the fast one gives the same bits ([`fit_all_ways`]).
const MOST_DEGREES: f64 = 0.001;
const MOST_SHARE: f64 = 1e-6;

fn open() -> FitOptions {
    FitOptions { gates: no_gates(), ..FitOptions::default() }
}

fn stains(fitted: &Fitted) -> Stains {
    fitted.profile.as_ref().and_then(|p| p.stains).unwrap_or_else(|| panic!("{fitted:?}"))
}

/// Compares, and says how close it was.
fn assert_same(name: &str, found: &Stains, matrix: [[f64; 3]; 2], maxima: [f64; 2]) {
    let degrees = [0, 1].map(|k| angle_deg(&found.matrix[k], &matrix[k]));
    let shares = [0, 1].map(|k| (found.max_concentrations[k] / maxima[k] - 1.0).abs());
    println!("{name}: {:.1e}° {:.1e}", degrees[0].max(degrees[1]), shares[0].max(shares[1]));
    assert!(degrees.iter().all(|d| *d <= MOST_DEGREES), "{name}: {degrees:?}");
    assert!(shares.iter().all(|s| *s <= MOST_SHARE), "{name}: {shares:?}");
}

#[test]
fn as_written_down() {
    let Some(stain) = stain_or_skip("macenko::as_written_down") else { return };
    let numbers = numbers(&stain);
    for (source, target) in [("ts_source", "ts_target"), ("cmu_512_10pct", "tia_target")] {
        let of = &numbers[format!("{source}__to__{target}/torchstain_np_macenko")]["info"];
        for (name, matrix, maxima) in
            [(source, "HE_cols_H_E", "maxC"), (target, "HERef", "maxCRef")]
        {
            let fitted = fit_all_ways(&Rgb::stained(&stain, name).bytes, &open());
            assert_same(name, &stains(&fitted), columns(&of[matrix]), vector(&of[maxima]));
            assert_eq!(
                fit_all_ways(&Rgb::stained(&stain, name).bytes, &FitOptions::default()),
                fitted
            );
        }
        let source = fit(&Pool::of_rgb(&Rgb::stained(&stain, source).bytes), &open());
        assert_eq!(source.measured.tissue_px, of["n_tissue"].as_u64().unwrap());
        assert_eq!(source.measured.pixels, of["n"].as_u64().unwrap());
    }
}

/// Arguments: raw images, as `path:width:height`.
const TORCHSTAIN: &str = r#"
import json, sys
import numpy as np
from torchstain.numpy.normalizers import NumpyMacenkoNormalizer
found = []
for place in sys.argv[1:]:
    path, width, height = place.rsplit(":", 2)
    image = np.fromfile(path, np.uint8).reshape(int(height), int(width), 3)
    normalizer = NumpyMacenkoNormalizer()
    normalizer.fit(image)
    found.append([normalizer.HERef.tolist(), normalizer.maxCRef.tolist()])
print(json.dumps(found))
"#;

fn put(folder: &Path, name: &str, image: &Rgb) -> String {
    let path = folder.join(name);
    std::fs::write(&path, &image.bytes).unwrap();
    format!("{}:{}:{}", path.display(), image.width, image.height)
}

#[test]
fn as_torchstain_now() {
    let test = "macenko::as_torchstain_now";
    let Some(stain) = stain_or_skip(test) else { return };
    let Some(run) = python_or_skip(test, &["torchstain.numpy.normalizers"]) else { return };
    let tia = Rgb::stained(&stain, "tia_target");
    let cmu = Rgb::stained(&stain, "cmu_512");
    let crops = [
        ("tia left", tia.crop((0, 0), (400, 500))),
        ("tia middle", tia.crop((370, 290), (256, 256))),
        ("tia odd", tia.crop((611, 557), (301, 157))),
        ("cmu whole", cmu.clone()),
        ("cmu corner", cmu.crop((256, 256), (256, 256))),
        ("cmu strip", cmu.crop((3, 100), (500, 41))),
        ("almost white", Rgb::stained(&stain, "cmu_512_10pct").crop((0, 0), (300, 300))),
    ];
    let folder = scratch("as_torchstain_now");
    let places: Vec<String> = crops.iter().map(|(name, crop)| put(&folder, name, crop)).collect();
    let arguments: Vec<&str> = places.iter().map(String::as_str).collect();
    let theirs = python(&run, TORCHSTAIN, &arguments);
    assert_eq!(theirs.as_array().unwrap().len(), crops.len());
    for ((name, crop), theirs) in crops.iter().zip(theirs.as_array().unwrap()) {
        let ours = stains(&fit_all_ways(&crop.bytes, &open()));
        assert_same(name, &ours, columns(&theirs[0]), vector(&theirs[1]));
    }
}

/// Arguments: slide, folder; then `x:y:width:height` of level 0. Writes the regions, and fits them.
const REGIONS: &str = r#"
import json, sys
import numpy as np
import openslide
from torchstain.numpy.normalizers import NumpyMacenkoNormalizer
slide = openslide.OpenSlide(sys.argv[1])
found = []
for number, place in enumerate(sys.argv[3:]):
    x, y, width, height = map(int, place.split(":"))
    image = np.ascontiguousarray(np.asarray(slide.read_region((x, y), 0, (width, height)))[..., :3])
    image.tofile(f"{sys.argv[2]}/{number}.rgb")
    normalizer = NumpyMacenkoNormalizer()
    normalizer.fit(image)
    found.append([normalizer.HERef.tolist(), normalizer.maxCRef.tolist()])
print(json.dumps(found))
"#;

#[test]
fn as_torchstain_on_a_slide() {
    let test = "macenko::as_torchstain_on_a_slide";
    let Some(data) = data_or_skip(test) else { return };
    let Some(run) = python_or_skip(test, &["torchstain.numpy.normalizers", "openslide"]) else {
        return;
    };
    let slide = data.join("wsi/aperio/cmu-1-small-region.svs");
    let folder = scratch("as_torchstain_on_a_slide");
    let mut arguments = vec![slide.to_str().unwrap(), folder.to_str().unwrap()];
    let regions = ["0:0:2220:2967", "600:1100:1024:1024", "900:1500:256:256", "200:900:333:777"];
    arguments.extend(regions);
    let theirs = python(&run, REGIONS, &arguments);
    for (number, theirs) in theirs.as_array().unwrap().iter().enumerate() {
        let bytes = std::fs::read(folder.join(format!("{number}.rgb"))).unwrap();
        let ours = stains(&fit_all_ways(&bytes, &open()));
        assert_same(regions[number], &ours, columns(&theirs[0]), vector(&theirs[1]));
    }
}

/// The three ways of torchstain's `MultiMacenkoNormalizer` (arXiv 2406.02077), its numpy backend being
/// in no release. Eigenvectors are turned to the side of those of all targets before they are averaged.
const SEVERAL: &str = r#"
import json, sys
import numpy as np

def densities(image):
    od = -np.log((image.reshape(-1, 3).astype(float) + 1) / 240)
    return od, od[~np.any(od < 0.15, axis=1)]

def vectors(tissue):
    return np.linalg.eigh(np.cov(tissue.T))[1][:, 1:3]

def stains(tissue, v):
    t = tissue @ v
    phi = np.arctan2(t[:, 1], t[:, 0])
    low, high = (v @ np.array([np.cos(p), np.sin(p)]) for p in np.percentile(phi, [1, 99]))
    return np.array((low, high) if low[0] > high[0] else (high, low)).T

def maxima(od, he):
    return np.percentile(np.linalg.lstsq(he, od.T, rcond=None)[0], 99, axis=1)

targets = []
for place in sys.argv[1:]:
    path, width, height = place.rsplit(":", 2)
    targets.append(densities(np.fromfile(path, np.uint8).reshape(int(height), int(width), 3)))
od, tissue = (np.concatenate(parts) for parts in zip(*targets))
whole = vectors(tissue)
whole *= np.sign((tissue @ whole).mean(axis=0))

each = [stains(t, vectors(t)) for _, t in targets]
post = np.mean(each, axis=0), np.mean([maxima(o, he) for (o, _), he in zip(targets, each)], axis=0)
concat = stains(tissue, whole)
turned = [v * np.sign((v * whole).sum(axis=0)) for v in (vectors(t) for _, t in targets)]
pre = stains(tissue, np.mean(turned, axis=0))
found = [post, (concat, maxima(od, concat)), (pre, maxima(od, pre))]
print(json.dumps([[he.tolist(), most.tolist()] for he, most in found]))
"#;

#[test]
fn several_targets() {
    let test = "macenko::several_targets";
    let Some(stain) = stain_or_skip(test) else { return };
    let Some(run) = python_or_skip(test, &["numpy"]) else { return };
    let tia = Rgb::stained(&stain, "tia_target");
    let targets = [
        Rgb::stained(&stain, "ts_target"),
        tia.crop((0, 0), (400, 300)),
        tia.crop((500, 500), (256, 256)),
        Rgb::stained(&stain, "cmu_512"),
    ];
    let folder = scratch("several_targets");
    let places: Vec<String> =
        targets.iter().enumerate().map(|(n, t)| put(&folder, &n.to_string(), t)).collect();
    let arguments: Vec<&str> = places.iter().map(String::as_str).collect();
    let theirs: Value = python(&run, SEVERAL, &arguments);
    let mut pools: Vec<Pool> = targets.iter().map(|t| Pool::of_rgb(&t.bytes)).collect();
    let ways = [Several::AvgPost, Several::Concat, Several::AvgPre];
    let fitted = ways.map(|how| fit_several(&pools, how, &open()));
    for (number, (how, fitted)) in ways.iter().zip(&fitted).enumerate() {
        assert_whole(fitted);
        let ours = stains(fitted);
        let (matrix, maxima) = (columns(&theirs[number][0]), vector(&theirs[number][1]));
        assert_same(&format!("{how:?}"), &ours, matrix, maxima);
        // Not brought to unit length: the entries themselves, not the directions only.
        for (ours, theirs) in ours.matrix.as_flattened().iter().zip(matrix.as_flattened()) {
            assert!((ours - theirs).abs() < 1e-7, "{how:?}");
        }
        assert_eq!(fitted.profile.as_ref().unwrap().images, 4);
    }
    assert!(fitted[0].profile != fitted[1].profile && fitted[1].profile != fitted[2].profile);
    pools.reverse();
    pools.swap(0, 2);
    assert_eq!(ways.map(|how| fit_several(&pools, how, &open())), fitted);
}

#[test]
fn a_bad_target_is_not_averaged_away() {
    let Some(stain) = stain_or_skip("macenko::a_bad_target_is_not_averaged_away") else { return };
    let good = Pool::of_rgb(&Rgb::stained(&stain, "ts_target").bytes);
    let blank = Pool::of_rgb(&[243; 3 * 100]);
    let (one, options) = (fit(&good, &open()), open());
    for how in [Several::AvgPost, Several::Concat, Several::AvgPre] {
        assert_eq!(fit_several(std::slice::from_ref(&good), how, &options), one);
        assert_eq!(fit_several(&[], how, &options).status, Status::TooFewTissue);
        // In a fit of all pixels together a few white ones are what they are; an image is not.
        let status = fit_several(&[good.clone(), blank.clone()], how, &options).status;
        let expected = if how == Several::Concat { Status::Ok } else { Status::TooFewTissue };
        assert_eq!(status, expected, "{how:?}");
    }
}

#[test]
fn options_move_what_they_name() {
    let Some(stain) = stain_or_skip("macenko::options_move_what_they_name") else { return };
    let image = Rgb::stained(&stain, "ts_source");
    let of = |options: FitOptions| fit_all_ways(&image.bytes, &options);
    let plain = of(open());
    // A tenth of this image is tissue: the 99th percentile over all of it is the 90th of tissue.
    let tissue = of(FitOptions { over: Over::Tissue, ..open() });
    assert_eq!(stains(&tissue).matrix, stains(&plain).matrix);
    for k in 0..2 {
        let [all, tissue] = [&plain, &tissue].map(|f| stains(f).max_concentrations[k]);
        assert!(tissue > all * 1.1, "{tissue} {all}");
    }
    let lower = of(FitOptions { max_percentile: 95.0, ..open() });
    assert!(stains(&lower).max_concentrations[0] < stains(&plain).max_concentrations[0]);
    let inner = of(FitOptions { alpha: 5.0, ..open() });
    assert!(inner.measured.angle_deg < plain.measured.angle_deg);
    let dense = of(FitOptions { beta: 0.5, ..open() });
    assert!(dense.measured.tissue_px < plain.measured.tissue_px);
    let white = of(FitOptions { white: WhitePoint::Estimated, ..open() });
    let channels = *Pool::of_rgb(&image.bytes).channels();
    assert_eq!(stains(&white).scale, OdScale::torchstain(white_point(&channels)));
    assert_ne!(stains(&white).scale, stains(&plain).scale);
    // 0 and 50 are extremes that no sample is near enough to: the exact fit answers.
    of(FitOptions { alpha: 0.0, max_percentile: 100.0, ..open() });
    of(FitOptions { max_percentile: 50.0, ..open() });
}

#[test]
fn the_white_point_is_that_of_the_background() {
    let counted = |samples: &[(u8, u64)]| {
        let mut channel = [0; 256];
        samples.iter().for_each(|(sample, count)| channel[usize::from(*sample)] = *count);
        channel
    };
    // 100 pixels, the 99th of them (in order) has 243; one speck is brighter.
    let background = counted(&[(90, 60), (243, 39), (255, 1)]);
    let tinted = counted(&[(90, 60), (231, 40)]);
    assert_eq!(white_point(&[background, tinted, background]), [244.0, 232.0, 244.0]);
    let full = counted(&[(90, 60), (179, 40)]);
    assert_eq!(white_point(&[background, full, background]), [240.0; 3]);
    assert_eq!(white_point(&[[0; 256]; 3]), [240.0; 3]);
    assert_eq!(white_point(&[counted(&[(255, u64::MAX)]); 3]), [256.0; 3]);
}

#[test]
fn the_reference_is_torchstains() {
    let profile = reference();
    profile.check().unwrap();
    let found = profile.stains.unwrap();
    assert_eq!((found.matrix, found.max_concentrations), (REFERENCE, REFERENCE_MAXIMA));
    assert_eq!(profile.method, Method::Macenko);
}

/// Tissue in the colours of two stains, mixed at random.
fn tissue() -> impl Strategy<Value = Vec<[u8; 3]>> {
    let pixel = (0.0..1.8_f64, 0.0..1.2_f64, 0_u8..6).prop_map(|(h, e, noise)| {
        [0, 1, 2].map(|c| {
            let light = 240.0 * (-h * REFERENCE[0][c] - e * REFERENCE[1][c]).exp();
            light as u8 + noise
        })
    });
    prop::collection::vec(pixel, 2000..6000)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// No order of pixels is another fit, and no parts of an image are.
    #[test]
    fn order_and_parts_change_no_bit(
        pixels in tissue(),
        keys in prop::collection::vec(any::<u64>(), 6000),
        cuts in prop::collection::vec(0_usize..6000, 0..5),
    ) {
        let options = open();
        let exact = fit_all_ways(pixels.as_flattened(), &options);
        let fast = FastFit::new(&options).fit(pixels.as_flattened());
        prop_assert_eq!(exact.status, Status::Ok);

        let mut keyed: Vec<(u64, [u8; 3])> = keys.into_iter().zip(pixels.iter().copied()).collect();
        keyed.sort_unstable();
        let shuffled: Vec<u8> = keyed.iter().flat_map(|(_, pixel)| *pixel).collect();
        prop_assert_eq!(&fit_all_ways(&shuffled, &options), &exact);
        prop_assert_eq!(&FastFit::new(&options).fit(&shuffled), &fast);
        // Sorted by colour: the worst that can happen to a sample at equal steps.
        let mut sorted = pixels.clone();
        sorted.sort_unstable();
        prop_assert_eq!(&FastFit::new(&options).fit(sorted.as_flattened()), &fast);

        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(pixels.len())).collect();
        cuts.extend([0, pixels.len()]);
        cuts.sort_unstable();
        let parts = cuts.windows(2).map(|w| Pool::of_rgb(pixels[w[0]..w[1]].as_flattened()));
        let mut merged = [Pool::default(), Pool::default()];
        let parts: Vec<Pool> = parts.collect();
        parts.iter().for_each(|part| merged[0].merge(part));
        parts.iter().rev().for_each(|part| merged[1].merge(part));
        for pool in merged {
            let fitted = fit(&pool, &options);
            prop_assert_eq!(fitted.measured, exact.measured);
            prop_assert_eq!(stains(&fitted), stains(&exact));
        }
    }

    /// The stains that pixels were mixed of are found again: the extremes of what was mixed, of which
    /// little is of one stain alone.
    #[test]
    fn what_was_mixed_is_found(pixels in tissue()) {
        let found = stains(&fit_all_ways(pixels.as_flattened(), &open()));
        for (vector, mixed) in found.matrix.iter().zip(&REFERENCE) {
            prop_assert!(angle_deg(vector, mixed) < 6.0, "{:?}", found);
        }
    }
}

#[test]
fn arrays_of_any_strides_and_never_written_to() {
    let Some(stain) = stain_or_skip("macenko::arrays_of_any_strides_and_never_written_to") else {
        return;
    };
    let image = Rgb::stained(&stain, "ts_target");
    let array =
        Array3::from_shape_vec((image.height, image.width, 3), image.bytes.clone()).unwrap();
    let macenko = Macenko::default();
    let of = |view: ArrayView3<'_, u8>| macenko.fit(view).unwrap().stains.unwrap();
    let plain = of(array.view());
    assert_eq!(plain, stains(&fit(&Pool::of_rgb(&image.bytes), &FitOptions::default())));
    // Rows and columns exchanged, turned over, and channels first: the same pixels.
    let mut view = array.view();
    view.swap_axes(0, 1);
    view.invert_axis(Axis(0));
    assert_eq!(of(view), plain);
    let planar = array.view().permuted_axes([2, 0, 1]).as_standard_layout().into_owned();
    assert_eq!(of(planar.view().permuted_axes([1, 2, 0])), plain);
    let part = image.crop((100, 50), (200, 301));
    let slice = array.slice(s![50..351, 100..300, ..]);
    assert_eq!(of(slice), stains(&fit(&Pool::of_rgb(&part.bytes), &FitOptions::default())));
    assert_eq!(array.as_slice().unwrap(), image.bytes);

    for shape in [(3, 20, 20), (20, 20, 4), (20, 20, 1), (0, 0, 0)] {
        let wrong = Array3::<u8>::zeros(shape);
        assert!(matches!(macenko.fit(wrong.view()), Err(Error::Format { .. })), "{shape:?}");
        let profile = reference();
        let normalized = macenko.normalize(wrong.view(), &profile, &profile);
        assert!(matches!(normalized, Err(Error::Format { .. })), "{shape:?}");
    }
    let Err(Error::Format { message, .. }) = macenko.fit(Array3::zeros((0, 0, 3)).view()) else {
        panic!("fitted nothing")
    };
    assert_eq!(message, Status::TooFewTissue.words());
}
