//! Table look-ups, histograms, colours and numbers, on 512 × 512 pixels.

use std::hint::black_box;

use microtome::image::Image;
use microtome::pixels::colour::{self, Jitter};
use microtome::pixels::histogram::{self, Over};
use microtome::pixels::numbers::{Kind, Layout, Numbers};
use microtome::pixels::table::{Table, apply_channels};

/// A picture with slopes and a fine texture, the same every time.
fn picture(channels: u8) -> Image {
    let n = 512_usize;
    let sample = |y: usize, x: usize, c: usize| {
        (x * (c + 1) + y * (3 - c) + (x * 37 + y * 91 + c * 53) % 41) as u8
    };
    let samples = (0..n * n)
        .flat_map(|at| (0..usize::from(channels)).map(move |c| sample(at / n, at % n, c)))
        .collect();
    Image::from_u8(n as u32, n as u32, channels, samples).expect("the size fits")
}

/// A row that changes its own copy of the picture in place, over and over.
fn in_place(channels: u8, mut change: impl FnMut(&mut Image) + 'static) -> Box<dyn FnMut()> {
    let mut image = picture(channels);
    Box::new(move || change(black_box(&mut image)))
}

/// A row that makes something new from the picture.
fn anew<T>(channels: u8, make: impl Fn(&Image) -> T + 'static) -> Box<dyn FnMut()> {
    let image = picture(channels);
    Box::new(move || {
        black_box(make(black_box(&image)));
    })
}

/// A row that changes a fresh copy of the picture.
fn copied(channels: u8, change: impl Fn(&mut Image) + 'static) -> Box<dyn FnMut()> {
    anew(channels, move |image| {
        let mut image = image.clone();
        change(&mut image);
        image
    })
}

/// Name of the work, and the work itself.
pub type Row = (&'static str, Box<dyn FnMut()>);

/// The works.
pub fn rows() -> Vec<Row> {
    let table = Table::linear(1.3, 20.0);
    let (three, copy) = ([table.clone(), Table::gamma(0.7), Table::invert()], table.clone());
    let jitter = Jitter { brightness: 1.2, contrast: 1.2, saturation: 1.3, hue_deg: 18.0 };
    let (alpha, beta) = ([1.1, 0.9, 1.05], [0.01, -0.02, 0.0]);
    let numbers = |layout, kind| {
        anew(3, move |image| {
            Numbers { layout, kind, ..Numbers::IMAGENET }.of(image).expect("an RGB image")
        })
    };
    let mut array = Numbers::IMAGENET.of(&picture(3)).expect("an RGB image");
    let image = picture(3);
    let again = Box::new(move || {
        Numbers::IMAGENET.write(black_box(&image), black_box(&mut array)).expect("an RGB image");
    });
    // As many bytes as the numbers take: copied, and written without being read.
    let floats = vec![0.5_f32; 3 * 512 * 512];
    let copy_of_floats = Box::new(move || {
        black_box(black_box(&floats).clone());
    });
    vec![
        ("table", copied(3, move |image| copy.apply(image).expect("8 bit"))),
        ("table in place", in_place(3, move |image| table.apply(image).expect("8 bit"))),
        ("three tables", in_place(3, move |image| apply_channels(&three, image).expect("RGB"))),
        ("grey", anew(3, |image| colour::to_grey(image).expect("RGB"))),
        ("counts", anew(3, |image| histogram::counts(image).expect("RGB"))),
        ("counts grey", anew(1, |image| histogram::counts(image).expect("grey"))),
        ("equalize grey", copied(1, |i| histogram::equalize(i, Over::Lab).expect("grey"))),
        ("equalize luma", copied(3, |i| histogram::equalize(i, Over::Luma).expect("RGB"))),
        ("clahe grey", anew(1, |i| histogram::clahe(i, 4.0, (8, 8), Over::Lab).expect("grey"))),
        ("clahe luma", anew(3, |i| histogram::clahe(i, 4.0, (8, 8), Over::Luma).expect("RGB"))),
        ("clahe lab", anew(3, |i| histogram::clahe(i, 4.0, (8, 8), Over::Lab).expect("RGB"))),
        ("saturation", copied(3, |image| colour::saturation(image, 1.3).expect("RGB"))),
        ("hue", copied(3, |image| colour::hue(image, 18.0).expect("RGB"))),
        ("jitter", copied(3, move |image| jitter.apply(image).expect("RGB"))),
        ("hed", copied(3, move |i| colour::hed_jitter(i, alpha, beta).expect("RGB"))),
        ("shades of grey", anew(3, |image| colour::shades_of_grey(image, 6.0).expect("RGB"))),
        ("3 MB copied", copy_of_floats),
        ("3 MB filled", anew(1, |_| vec![black_box(0.5_f32); 3 * 512 * 512])),
        ("normalize", numbers(Layout::Chw, Kind::F32)),
        ("normalize again", again),
        ("normalize hwc", numbers(Layout::Hwc, Kind::F32)),
        ("normalize f16", numbers(Layout::Chw, Kind::F16)),
        ("to chw u8", numbers(Layout::Chw, Kind::U8)),
    ]
}
