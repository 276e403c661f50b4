//! Decoding, opening and writing photos of 512 × 512 pixels, and arrays of them.

use std::collections::BTreeMap;
use std::hint::black_box;

use microtome::image::array::Numbers;
use microtome::image::jpeg::{self, Colour, Subsampling};
use microtome::image::open::{Options, open_photo};
use microtome::image::{Image, npy, png, safetensors};

const SIDE: u32 = 512;
const LIMIT: u64 = 1 << 30;

/// A picture like a photo, the same as `peers_decode.py` draws: shades, edges and the grain of a sensor.
pub fn photo() -> Image {
    let mut data = Vec::with_capacity((SIDE * SIDE * 3) as usize);
    let mut grain = 1_u32;
    for y in 0..SIDE {
        for x in 0..SIDE {
            let edge = if (x / 96 + y / 64).is_multiple_of(2) { 60 } else { 0 };
            for shade in [x / 4, y / 4, (x + y) / 8] {
                grain = grain.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                data.push((40 + shade + edge + (grain >> 29)) as u8);
            }
        }
    }
    Image::from_u8(SIDE, SIDE, 3, data).expect("a picture")
}

/// One named row for each work.
pub fn rows() -> Vec<crate::Row> {
    let picture = photo();
    let jpeg = jpeg::encode(&picture, 90, Subsampling::S420).expect("a JPEG");
    let png = png::encode(&picture).expect("a PNG");
    let floats: Vec<f32> =
        picture.as_u8().unwrap_or_default().iter().map(|&v| f32::from(v) / 255.0).collect();
    let shape = [SIDE as usize, SIDE as usize, 3];
    let (opened, stored) = (jpeg.clone(), png.clone());
    let numbers = floats.clone();
    vec![
        (
            "jpeg decode",
            Box::new(move || {
                black_box(jpeg::decode(black_box(&jpeg), Colour::Auto, LIMIT).expect("a picture"));
            }),
        ),
        (
            "jpeg open",
            Box::new(move || {
                let options = Options::default();
                black_box(open_photo(black_box(&opened), LIMIT, &options).expect("a photo"));
            }),
        ),
        (
            "png encode",
            Box::new(move || {
                black_box(png::encode(black_box(&picture)).expect("a PNG"));
            }),
        ),
        (
            "png decode",
            Box::new(move || {
                black_box(png::decode(black_box(&stored), LIMIT).expect("a picture"));
            }),
        ),
        (
            "npy encode f32",
            Box::new(move || {
                black_box(npy::encode(&shape, Numbers::F32(black_box(&floats))).expect("a file"));
            }),
        ),
        (
            "safetensors encode f32",
            Box::new(move || {
                let numbers = Numbers::F32(black_box(&numbers));
                let none = BTreeMap::new();
                black_box(safetensors::encode(&shape, numbers, &none).expect("a file"));
            }),
        ),
    ]
}
