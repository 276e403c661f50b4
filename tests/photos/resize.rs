//! Other sizes: against Pillow bit by bit, against the convolution library's own filters and without
//! its wide paths.

use fast_image_resize as fir;
use microtome::image::{Image, Samples};
use microtome::pixels::resize::{Filter, Light, Resizer, pillow, resize, resize_from};

use crate::exchange;

const FILTERS: [Filter; 8] = [
    Filter::Nearest,
    Filter::Box,
    Filter::Bilinear,
    Filter::Hamming,
    Filter::CatmullRom,
    Filter::Mitchell,
    Filter::Gaussian,
    Filter::Lanczos3,
];

fn resized(image: &Image, size: (u32, u32), filter: Filter, light: Light) -> Image {
    resize(&mut Resizer::new(), image, size, filter, light).unwrap()
}

#[test]
fn two_pixels_make_their_mean() {
    let image = Image::from_u8(4, 1, 1, vec![10, 20, 200, 101]).unwrap();
    let half = resized(&image, (2, 1), Filter::Box, Light::Gamma);
    assert_eq!(half.as_u8().unwrap(), [15, 151]);
    let near = resized(&image, (2, 1), Filter::Nearest, Light::Gamma);
    assert_eq!(near.as_u8().unwrap(), [20, 101]);
    // Black and white make sRGB's 188 in amounts of light, 128 in stored numbers.
    let checks = Image::from_u8(2, 1, 1, vec![0, 255]).unwrap();
    assert_eq!(resized(&checks, (1, 1), Filter::Box, Light::Gamma).as_u8().unwrap(), [128]);
    assert_eq!(resized(&checks, (1, 1), Filter::Box, Light::Linear).as_u8().unwrap(), [188]);
    let part = [1.0, 0.0, 2.0, 1.0];
    let cut =
        resize_from(&mut Resizer::new(), &image, part, (1, 1), Filter::Box, Light::Gamma).unwrap();
    assert_eq!(cut.as_u8().unwrap(), [110]);
    for part in [[-1.0, 0.0, 2.0, 1.0], [3.0, 0.0, 2.0, 1.0], [0.0, 0.0, f64::NAN, 1.0]] {
        let cut = resize_from(&mut Resizer::new(), &image, part, (1, 1), Filter::Box, Light::Gamma);
        assert_eq!(cut.unwrap_err().kind(), "params");
    }
}

#[test]
fn one_colour_stays_that_colour() {
    for channels in 1..=4_u8 {
        let pixel = [200_u8, 3, 77, 255];
        let data = pixel[..channels.into()].repeat(37 * 23);
        let image = Image::from_u8(37, 23, channels, data).unwrap();
        let deep =
            Samples::U16(image.as_u8().unwrap().iter().map(|&v| u16::from(v) * 257).collect());
        let deep = Image::new(37, 23, channels, deep).unwrap();
        for filter in FILTERS {
            for size in [(11, 9), (80, 61)] {
                // Straight alpha of 3 of 255 keeps little of a colour; opaque and grey images are tried.
                if channels == 2 {
                    continue;
                }
                let made = resized(&image, size, filter, Light::Gamma);
                let all = pixel[..channels.into()].repeat(size.0 as usize * size.1 as usize);
                assert_eq!(made.as_u8().unwrap(), all, "{filter:?} {channels}");
                let light = resized(&image, size, filter, Light::Linear);
                assert!(exchange::difference(light.as_u8().unwrap(), &all).1 <= 1, "{filter:?}");
                let Samples::U16(made) = resized(&deep, size, filter, Light::Gamma).into_samples()
                else {
                    panic!("16 bits stay 16 bits");
                };
                assert!(made.iter().zip(&all).all(|(&a, &b)| a == u16::from(b) * 257));
            }
        }
    }
}

/// The convolution library's own filters (over std's `sin` and `exp`) on one of its paths.
fn of_library(
    image: &Image,
    size: (u32, u32),
    filter: Filter,
    machine: Option<fir::CpuExtensions>,
) -> Vec<u8> {
    let kind = match image.channels() {
        1 => fir::PixelType::U8,
        2 => fir::PixelType::U8x2,
        3 => fir::PixelType::U8x3,
        _ => fir::PixelType::U8x4,
    };
    let built_in = match filter {
        Filter::Nearest | Filter::Box => fir::FilterType::Box,
        Filter::Bilinear => fir::FilterType::Bilinear,
        Filter::Hamming => fir::FilterType::Hamming,
        Filter::CatmullRom => fir::FilterType::CatmullRom,
        Filter::Mitchell => fir::FilterType::Mitchell,
        Filter::Gaussian => fir::FilterType::Gaussian,
        Filter::Lanczos3 => fir::FilterType::Lanczos3,
    };
    let (width, height) = (image.width_px(), image.height_px());
    let source = fir::images::ImageRef::new(width, height, image.as_u8().unwrap(), kind).unwrap();
    let mut out = fir::images::Image::new(size.0, size.1, kind);
    let mut resizer = fir::Resizer::new();
    if let Some(machine) = machine {
        // SAFETY: the caller names only extensions that this machine has.
        unsafe { resizer.set_cpu_extensions(machine) };
    }
    let options = fir::ResizeOptions::new().resize_alg(fir::ResizeAlg::Convolution(built_in));
    resizer.resize(&source, &mut out, &options).unwrap();
    out.into_vec()
}

/// The extensions that this machine has, none of them first; `None` leaves the choice to the library.
fn machines() -> Vec<Option<fir::CpuExtensions>> {
    let mut all = vec![None, Some(fir::CpuExtensions::None)];
    #[cfg(target_arch = "x86_64")]
    for machine in [fir::CpuExtensions::Sse4_1, fir::CpuExtensions::Avx2] {
        if machine.is_supported() {
            all.push(Some(machine));
        }
    }
    all
}

#[test]
fn the_machine_and_the_sine_make_no_difference() {
    for channels in 1..=4 {
        let image = exchange::noisy(151, 97, channels);
        for filter in &FILTERS[1..] {
            for size in [(64, 40), (75, 97), (200, 133), (1, 1)] {
                let ours = resized(&image, size, *filter, Light::Gamma);
                for machine in machines() {
                    let theirs = of_library(&image, size, *filter, machine);
                    let difference = exchange::difference(ours.as_u8().unwrap(), &theirs);
                    assert_eq!(difference, (0, 0), "{filter:?} {size:?} {channels} {machine:?}");
                }
            }
        }
    }
}

#[test]
fn pillow_is_met_bit_for_bit() {
    const SCRIPT: &str = r"
import sys, numpy as np
from PIL import Image
w, h, c = map(int, sys.argv[1:4])
a = np.frombuffer(sys.stdin.buffer.read(), np.uint8).reshape((h, w, c) if c > 1 else (h, w))
i = Image.fromarray(a)
for size in sys.argv[4:]:
    size = tuple(map(int, size.split('x')))
    for f in (Image.NEAREST, Image.BOX, Image.BILINEAR, Image.HAMMING, Image.BICUBIC, Image.LANCZOS):
        # Pillow 13 begins with the rows where these shrink more. In two steps it keeps to the old order.
        turned = size[1] < h and size[1] * w < size[0] * h and f != Image.NEAREST
        first = i.resize((size[0], h), f) if turned else i
        sys.stdout.buffer.write(np.asarray(first.resize(size, f)).tobytes())
";
    let Some(python) =
        crate::common::python_or_skip("pillow_is_met_bit_for_bit", &["PIL", "numpy"])
    else {
        return;
    };
    let sizes = [(1, 1), (64, 48), (63, 41), (150, 97), (151, 30), (31, 97), (400, 301), (13, 500)];
    for channels in [1, 3] {
        for (width, height) in [(151, 97), (64, 64), (1, 9), (300, 2)] {
            let image = exchange::noisy(width, height, channels);
            let mut ours = Vec::new();
            for size in sizes {
                for filter in [
                    Filter::Nearest,
                    Filter::Box,
                    Filter::Bilinear,
                    Filter::Hamming,
                    Filter::CatmullRom,
                    Filter::Lanczos3,
                ] {
                    let made = pillow(&image, size, filter).unwrap();
                    assert_eq!((made.width_px(), made.height_px()), size);
                    ours.extend_from_slice(made.as_u8().unwrap());
                }
            }
            let mut arguments: Vec<String> =
                [width, height, channels.into()].map(|v: u32| v.to_string()).into();
            arguments.extend(sizes.map(|(w, h)| format!("{w}x{h}")));
            let theirs = exchange::run(&python, SCRIPT, &arguments, image.as_u8().unwrap());
            assert_eq!(
                exchange::difference(&ours, &theirs),
                (0, 0),
                "{width} × {height} × {channels}"
            );
        }
    }
    assert_eq!(
        pillow(&exchange::noisy(4, 4, 4), (2, 2), Filter::Box).unwrap_err().kind(),
        "unsupported"
    );
}
