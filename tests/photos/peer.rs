//! Images and what other programs make of them, by way of Python.

use std::path::Path;
use std::process::Command;

use microtome::image::Image;

/// Photos of many kinds, and small pieces of odd sizes.
const PRELUDE: &str = "
import sys, struct, os
import numpy as np, cv2
def give(a):
    a = np.ascontiguousarray(a)
    a = a[:, :, None] if a.ndim == 2 else a
    kind = {'uint8': 0, 'float32': 1}[a.dtype.name]
    sys.stdout.buffer.write(struct.pack('<4I', *a.shape, kind) + a.tobytes())
def photos():
    for name in ['chelsea.png', 'coffee.png', 'kodim17.png', 'nasa-852x567.png', 'retina.jpg', 'brick.png']:
        rgb = cv2.cvtColor(cv2.imread(os.path.join(sys.argv[1], name)), cv2.COLOR_BGR2RGB)
        yield rgb[:500, :640]
    rng = np.random.default_rng(4)
    for h, w in [(1, 1), (1, 9), (7, 3), (31, 64), (200, 123)]:
        yield rng.integers(0, 256, (h, w, 3), dtype=np.uint8)
def greys():
    for rgb in photos():
        yield cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
";

/// What a script gave.
pub enum Given {
    /// 8-bit samples.
    Image(Image),
    /// Floats, in C order.
    Floats(Vec<f32>),
}

impl Given {
    /// The image.
    pub fn image(self) -> Image {
        match self {
            Self::Image(image) => image,
            Self::Floats(_) => panic!("floats are no image"),
        }
    }

    /// The floats.
    pub fn floats(self) -> Vec<f32> {
        match self {
            Self::Floats(floats) => floats,
            Self::Image(_) => panic!("an image is no floats"),
        }
    }
}

/// Runs a script, which calls `give` for each array.
pub fn run(python: &Path, photos: &Path, script: &str) -> std::vec::IntoIter<Given> {
    let output = Command::new(python)
        .args(["-c", &format!("{PRELUDE}{script}")])
        .arg(photos)
        .output()
        .expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut rest = &*output.stdout;
    let mut given = Vec::new();
    while !rest.is_empty() {
        let (head, tail) = rest.split_at(16);
        let [h, w, c, kind] =
            [0, 4, 8, 12].map(|at| u32::from_le_bytes(head[at..at + 4].try_into().unwrap()));
        let (bytes, tail) = tail.split_at((h * w * c) as usize * if kind == 0 { 1 } else { 4 });
        given.push(if kind == 0 {
            Given::Image(Image::from_u8(w, h, c as u8, bytes.to_vec()).unwrap())
        } else {
            let floats = bytes.as_chunks::<4>().0.iter().map(|x| f32::from_le_bytes(*x));
            Given::Floats(floats.collect())
        });
        rest = tail;
    }
    assert!(!given.is_empty());
    given.into_iter()
}

/// Largest difference of two images' samples, and share of samples that differ.
pub fn differ(a: &Image, b: &Image) -> (u8, f64) {
    assert_eq!(
        (a.width_px(), a.height_px(), a.channels()),
        (b.width_px(), b.height_px(), b.channels())
    );
    let (a, b) = (a.as_u8().unwrap(), b.as_u8().unwrap());
    let off: Vec<u8> = a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).collect();
    let many = off.iter().filter(|off| **off > 0).count() as f64 / off.len() as f64;
    (off.into_iter().max().unwrap(), many)
}
