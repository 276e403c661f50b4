//! A slide in memory that counts its decodes: for this step's tests.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::error::{Error, Result};
use crate::image::Image;
use crate::slide::{Geometry, Level, Slide};

/// A geometry without pixels: level 0 of `size`, and one level per whole downsample.
pub fn geometry(size: (u32, u32), downsamples: &[u32], tile_px: u32, channels: u8) -> Geometry {
    let levels = downsamples.iter().map(|d| Level {
        width_px: size.0 / d,
        height_px: size.1 / d,
        tile_width_px: tile_px,
        tile_height_px: tile_px,
        downsample_x: f64::from(size.0) / f64::from(size.0 / d),
        downsample_y: f64::from(size.1) / f64::from(size.1 / d),
        compression: "none".into(),
    });
    Geometry {
        vendor: "fake".into(),
        levels: levels.collect(),
        mpp: None,
        objective: None,
        channels,
        bit_depth: 8,
        associated: Vec::new(),
    }
}

type Colour = fn(u32, u32) -> [u8; 3];

/// A slide whose pixels are computed.
pub struct Fake {
    pub geometry: Geometry,
    colour: Colour,
    decodes: Mutex<BTreeMap<(usize, u32, u32), u32>>,
}

/// Something in every pixel.
fn busy(x: u32, y: u32) -> [u8; 3] {
    let v = x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503) ^ (x * y);
    [(v >> 8) as u8, (v >> 16) as u8, (x / 2 + y) as u8]
}

impl Fake {
    /// A slide with something in every pixel.
    pub fn new(size: (u32, u32), downsamples: &[u32], tile_px: u32, channels: u8) -> Self {
        Self::painted(size, downsamples, tile_px, channels, busy)
    }

    /// A slide whose level-0 pixel at (x, y) is `colour(x, y)`; smaller levels take every n-th.
    pub fn painted(
        size: (u32, u32),
        downsamples: &[u32],
        tile_px: u32,
        channels: u8,
        colour: Colour,
    ) -> Self {
        let geometry = geometry(size, downsamples, tile_px, channels);
        Self { geometry, colour, decodes: Mutex::default() }
    }

    /// Pixels of left, top, right, bottom (exclusive) of a level.
    pub fn part(&self, level: usize, (left, top, right, bottom): (u32, u32, u32, u32)) -> Vec<u8> {
        let step = self.geometry.levels[level].downsample_x as u32;
        let mut data = Vec::new();
        for y in top..bottom {
            for x in left..right {
                let colour = (self.colour)(x * step, y * step);
                data.extend(&colour[..usize::from(self.geometry.channels)]);
            }
        }
        data
    }

    /// All pixels of a level.
    pub fn whole(&self, level: usize) -> Vec<u8> {
        let l = &self.geometry.levels[level];
        self.part(level, (0, 0, l.width_px, l.height_px))
    }

    /// How often each tile of a level was decoded.
    pub fn decodes(&self, level: usize) -> Vec<((u32, u32), u32)> {
        let (columns, rows) = self.geometry.levels[level].grid();
        let counts = self.decodes.lock().unwrap();
        let count = |c, r| counts.get(&(level, c, r)).copied().unwrap_or(0);
        (0..rows)
            .flat_map(|r| (0..columns).map(move |c| (c, r)))
            .map(|(c, r)| ((c, r), count(c, r)))
            .collect()
    }

    /// Forgets the decodes.
    pub fn reset(&self) {
        self.decodes.lock().unwrap().clear();
    }
}

impl Slide for Fake {
    fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    fn read_tile(&self, level: usize, col: u32, row: u32) -> Result<Image> {
        *self.decodes.lock().unwrap().entry((level, col, row)).or_default() += 1;
        let place = super::pixels::place(&self.geometry.levels[level], (col, row));
        let data = self.part(level, place);
        Image::from_u8(place.2 - place.0, place.3 - place.1, self.geometry.channels, data)
    }

    fn associated(&self, name: &str) -> Result<Image> {
        Err(Error::unsupported(format!("the picture {name}"), "use another"))
    }
}
