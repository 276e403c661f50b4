//! `tile` against other programs and on slides that other people made.

mod common;

use std::path::Path;
use std::process::Command;

use fast_image_resize::{CpuExtensions, Resizer};
use microtome::image::Image;
use microtome::step::{Collected, Crew, Made, Out, Source, Step};
use microtome::steps::tile::coverage::Coverage;
use microtome::steps::tile::morphology::Bitmap;
use microtome::steps::tile::{MaskKind, Params, Tile, otsu, resample};
use serde_json::{Value, json};

/// Numbers that look random and are the same every time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }
}

#[test]
fn all_cpu_paths_resample_to_the_same_bytes() {
    let mut numbers = Numbers(7);
    #[cfg(target_arch = "x86_64")]
    let paths = [CpuExtensions::None, CpuExtensions::Sse4_1, CpuExtensions::Avx2];
    #[cfg(target_arch = "aarch64")]
    let paths = [CpuExtensions::None, CpuExtensions::Neon];
    for channels in [1_u8, 3] {
        for (scale_x, scale_y) in
            [(1.0, 1.4), (0.97, 0.97), (1.003, 1.9), (2.004, 2.004), (7.3, 5.1)]
        {
            let (width, height) = (523_u32, 401_u32);
            let data = (0..width * height * u32::from(channels)).map(|_| numbers.next() as u8);
            let image = Image::from_u8(width, height, channels, data.collect()).unwrap();
            let size = (61, 53);
            let place = (3.37, 5.81, 61.0 * scale_x, 53.0 * scale_y);
            let mut outcomes = Vec::new();
            for path in paths.iter().filter(|path| path.is_supported()) {
                let mut resizer = Resizer::new();
                // SAFETY: only extensions that this CPU has are left.
                unsafe { resizer.set_cpu_extensions(*path) };
                outcomes.push(resample::resample(&mut resizer, &image, place, size).unwrap());
            }
            assert!(outcomes.windows(2).all(|pair| pair[0] == pair[1]), "{channels} {scale_x}");
        }
    }
}

/// Hands a JSON file to `tests/tile_peers.py`, which fails where we and the peer differ.
fn ask_peer(python: &Path, mode: &str, arguments: &[&str], question: &Value) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("question.json");
    std::fs::write(&file, question.to_string()).unwrap();
    let output = Command::new(python)
        .arg(common::root().join("tests/tile_peers.py"))
        .arg(mode)
        .arg(&file)
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    eprint!("{}", text(&output.stdout));
}

#[test]
fn otsu_is_that_of_scikit_image() {
    let test = "otsu_is_that_of_scikit_image";
    let Some(python) = common::python_or_skip(test, &["numpy", "skimage"]) else { return };
    let mut numbers = Numbers(11);
    let cases: Vec<Value> = (0..200)
        .map(|case| {
            // Two or three humps of different size, with gaps between.
            let mut histogram = [0_u64; 256];
            for _ in 0..2 + case % 2 {
                let (middle, width) = (numbers.below(256), 1 + numbers.below(40));
                let weight = 1 + numbers.below(500);
                for _ in 0..weight {
                    let value = middle + numbers.below(width) + numbers.below(width);
                    histogram[value.min(255) as usize] += 1 + numbers.below(9);
                }
            }
            let threshold = otsu::split(&histogram).map(|split| split.threshold);
            json!({"histogram": histogram.to_vec(), "threshold": threshold})
        })
        .collect();
    ask_peer(&python, "otsu", &[], &json!(cases));
}

#[test]
fn coverage_is_that_of_numpy() {
    let Some(python) = common::python_or_skip("coverage_is_that_of_numpy", &["numpy"]) else {
        return;
    };
    let mut numbers = Numbers(13);
    let cases: Vec<Value> = (0..20)
        .map(|case| {
            let (width, height) = (3 + numbers.below(60) as usize, 3 + numbers.below(60) as usize);
            let bits: Vec<bool> = (0..width * height).map(|_| numbers.below(3) > 0).collect();
            let scale = [1.0 + case as f64 * 0.37, 2.0 + case as f64 * 0.29];
            // The slide ends within the last column and row of the mask.
            let size = (
                (scale[0] * (width as f64 - 0.5)) as u32,
                (scale[1] * (height as f64 - 0.3)) as u32,
            );
            let mask = Bitmap { width, height, bits };
            let coverage = Coverage::new(&mask, scale, size);
            let places: Vec<Value> = (0..50)
                .map(|_| {
                    let mut place = |size: u32| {
                        let begin = numbers.below(u64::from(size) * 16) as f64 / 16.0;
                        (begin, 1.0 + numbers.below(400) as f64 / 7.0)
                    };
                    let (x, y) = (place(size.0), place(size.1));
                    json!([x.0, x.1, y.0, y.1, coverage.fraction(x, y)])
                })
                .collect();
            json!({"width": width, "height": height, "bits": mask.bits, "scale": scale,
                "size": [size.0, size.1], "places": places})
        })
        .collect();
    ask_peer(&python, "coverage", &[], &json!(cases));
}

fn tile(slide: &Path, params: Params) -> Vec<Made> {
    let crew = Crew::new(2).unwrap();
    let mut sink = Collected::default();
    let source = Source::from_bytes(std::fs::read(slide).unwrap());
    Tile::new(params).unwrap().run(source, &mut Out::new(&mut sink, &crew)).unwrap();
    assert_eq!(sink.previews.len(), 2);
    sink.items
}

/// Writes patches and their facts, and has OpenSlide and Pillow make the same ones.
fn compare_with_openslide(python: &Path, slide: &Path, made: &[Made], reference: &str) {
    let folder = tempfile::tempdir().unwrap();
    let facts: Vec<Value> = made
        .iter()
        .map(|m| {
            std::fs::write(folder.path().join(&m.name), &m.bytes).unwrap();
            json!({"name": m.name, "facts": m.facts})
        })
        .collect();
    let arguments = [slide.to_str().unwrap(), folder.path().to_str().unwrap()];
    ask_peer(python, reference, &arguments, &json!(facts));
}

/// Slides of 0.499 µm/px: one that a scanner made, and one of ours in the same format.
fn aperio_slides(test: &str) -> Vec<(std::path::PathBuf, (u64, u64))> {
    let ours = (common::fixture("slides/he-svs.svs"), (1800, 1400));
    let real = common::data_or_skip(test)
        .map(|data| (data.join("wsi/aperio/cmu-1-small-region.svs"), (2220, 2967)));
    std::iter::once(ours).chain(real).collect()
}

#[test]
fn patches_at_the_slides_resolution_are_openslides_regions() {
    let test = "patches_at_the_slides_resolution_are_openslides_regions";
    let Some(python) = common::python_or_skip(test, &["numpy", "openslide", "PIL"]) else { return };
    for (slide, (width, height)) in aperio_slides(test) {
        let params = Params { mpp: Some(0.499), tile_px: 240, ..Params::default() };
        let all = tile(&slide, Params { mask: MaskKind::None, ..params.clone() });
        assert_eq!(all.len() as u64, (width / 240) * (height / 240));
        for (i, made) in (0_u64..).zip(&all) {
            let (col, row) = (i % (width / 240), i / (width / 240));
            assert_eq!(made.name, format!("y{:06}_x{:06}.png", row * 240, col * 240));
            assert_eq!(made.facts["x_px"].as_f64(), Some((col * 240) as f64));
            assert_eq!(made.facts["mpp_x"].as_f64(), Some(0.499));
        }
        compare_with_openslide(&python, &slide, &all, "regions");
        let on_tissue = tile(&slide, params);
        eprintln!("{}: {} of {} patches on tissue", slide.display(), on_tissue.len(), all.len());
        assert!(!on_tissue.is_empty() && on_tissue.len() < all.len());
        let same = |m: &Made| all.iter().any(|a| (&a.name, &a.digest) == (&m.name, &m.digest));
        assert!(on_tissue.iter().all(same), "a mask chooses patches and changes none");
    }
}

#[test]
fn patches_at_another_resolution_are_pillows() {
    let test = "patches_at_another_resolution_are_pillows";
    let Some(python) = common::python_or_skip(test, &["numpy", "openslide", "PIL"]) else { return };
    for (slide, (width, height)) in aperio_slides(test) {
        let params = Params { mpp: Some(1.0), mask: MaskKind::None, ..Params::default() };
        let made = tile(&slide, params);
        let across = |px: u64| (px as f64 * 0.499 / 256.0) as u64;
        assert_eq!(made.len() as u64, across(width) * across(height));
        for (i, made) in (0_u64..).zip(&made) {
            let (col, row) = (i % across(width), i / across(width));
            let close = |name: &str, expected: f64| {
                (made.facts[name].as_f64().unwrap() - expected).abs() < 1e-9
            };
            assert!(close("x_px", (col * 256) as f64 / 0.499), "{}", made.name);
            assert!(close("y_px", (row * 256) as f64 / 0.499), "{}", made.name);
            assert!(close("w_px", 256.0 / 0.499) && close("mpp_x", 1.0), "{}", made.name);
        }
        compare_with_openslide(&python, &slide, &made, "resampled");
    }
}
