//! What a training loader waits for: a photo from its bytes to numbers, and stains changed.
//!
//! The same work by its peers is in `peers_policy.py`: Albumentations, OpenCV by hand, torchvision.

use std::cell::Cell;
use std::hint::black_box;

use microtome::digest::Digest;
use microtome::image::Image;
use microtome::image::jpeg::{self, Colour, Subsampling};
use microtome::pixels::numbers::{Array, Data, Numbers};
use microtome::steps::augment::apply;
use microtome::steps::augment::picture::Picture;
use microtome::steps::augment::policy::Policy;
use microtome::steps::augment::policy::draw::{For, draw};
use serde_json::json;

/// A picture with the slopes, edges and grain of a photo, the same every time: that of `peers_policy.py`.
/// As a JPEG of quality 90 it has 53 kB, as photos of this size have.
fn picture() -> Image {
    let wave = |x: u64, period: u64| (x % period).min(period - x % period);
    let sample = |x: u64, y: u64, c: u64| {
        let fine = (wave(3 * x + y, 61) + wave(5 * y + 4096 - x, 83)) / 2;
        let hash = ((x * 2_654_435_761) ^ (y * 40_503)).wrapping_mul(2_246_822_519);
        let grain = (hash >> 16 & 255) % 10;
        grain
            + match c {
                0 => 60 + x / 6 + wave(x + 2 * y, 400) / 4 + fine,
                1 => 50 + y / 5 + wave(2 * x + y, 500) / 5 + fine,
                _ => 40 + (x + y) / 9 + fine / 2,
            }
    };
    let at = |i: u64| sample(i / 3 % 512, i / 3 / 512, i % 3).min(255) as u8;
    Image::from_u8(512, 512, 3, (0..512 * 512 * 3).map(at).collect()).expect("the size fits")
}

fn policy(ops: serde_json::Value) -> Policy {
    Policy::from_value(&json!({"ops": ops})).expect("a policy")
}

/// Draws and does the ops of the next copy.
fn augmented(policy: &Policy, image: &Image, copy: u32) -> Image {
    let drawn = draw(policy, For { seed: 7, item: &Digest::of(b"image"), copy });
    let mut picture = Picture::new(image, None, 1 << 30).expect("8 bits");
    for op in &drawn {
        apply::apply(op, &mut picture).expect("an op");
    }
    picture.finish().expect("a picture").0.into_owned()
}

/// The rows.
pub fn rows() -> Vec<crate::Row> {
    let bytes = jpeg::encode(&picture(), 90, Subsampling::S420).expect("a JPEG");
    let pipeline = policy(json!([
        {"random-resized-crop": {"width_px": 224, "height_px": 224}},
        {"horizontal-flip": {"p": 0.5}},
        {"color-jitter": {"hue": [-0.1, 0.1]}},
    ]));
    let hed = policy(json!([{"hed-jitter": {}}]));
    let next = || {
        let copy = Cell::new(0_u32);
        move || {
            copy.set(copy.get().wrapping_add(1));
            copy.get()
        }
    };
    let (first, second) = (next(), next());
    let mut numbers = Array { shape: [0; 3], data: Data::U8(Vec::new()) };
    let image = picture();
    vec![
        (
            "pipeline",
            Box::new(move || {
                let image = jpeg::decode(black_box(&bytes), Colour::Auto, 1 << 30).expect("a JPEG");
                let made = augmented(&pipeline, &image, first());
                Numbers::IMAGENET.write(&made, &mut numbers).expect("numbers");
                black_box(&numbers);
            }),
        ),
        (
            "hed jitter",
            Box::new(move || {
                black_box(augmented(&hed, black_box(&image), second()));
            }),
        ),
    ]
}
