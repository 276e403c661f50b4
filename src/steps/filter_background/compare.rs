//! A photo compared with the background of its series.

use super::looks::Kind;
use super::params::Params;
use crate::background::blobs::{Blob, blobs};
use crate::background::foreground::{
    despeckled, difference, mask, noise, shadow, thresholds, widened,
};
use crate::background::lighting::{Light, fit, relight};
use crate::background::still::Still;
use crate::error::Result;
use crate::image::{Image, png};

/// Who must differ by more levels than this to stand out is not seen.
const BLIND: u8 = 40;

/// The background that photos of one kind are compared with.
pub(super) struct Scenery {
    pub kind: Kind,
    pub still: Still,
    /// Rows that are picture, not banner.
    pub rows: std::ops::Range<usize>,
}

/// What of a photo is not background.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub foreground: f64,
    pub solid: f64,
    pub shadowed: f64,
    /// What is too restless to be compared.
    pub blind: f64,
    /// The box of the largest piece, in pixels of the working copy.
    pub piece: Option<Blob>,
    pub light: Light,
    pub motion: Option<f64>,
    /// The mask as a PNG of the photo's own size, where it was asked for.
    pub mask: Option<Vec<u8>>,
}

impl Scenery {
    /// Brings a photo to the light of the background; gives the light it had (green's, or grey's).
    pub fn relit(&self, pixels: &mut [u8], params: &Params) -> Light {
        let (_, channels, (width, _)) = self.kind;
        if !params.lighting {
            return Light::default();
        }
        let lights = fit(pixels, &self.still.background, width, channels, self.rows.clone());
        relight(pixels, &lights);
        lights.get(channels / 2).copied().unwrap_or_default()
    }

    /// Compares a photo that was brought to the light of the background. With `size`, the mask is made in that
    /// size.
    ///
    /// # Errors
    /// As the PNG codec.
    pub fn compare(
        &self,
        pixels: &[u8],
        params: &Params,
        size: Option<(u32, u32)>,
    ) -> Result<Found> {
        let (_, channels, (width, _)) = self.kind;
        let Still { background, spread } = &self.still;
        let apart = difference(pixels, background, channels);
        let rule = thresholds(params.rule(), noise(&self.picture(&apart)));
        let mut whole = mask(&apart, spread, &rule, width);
        self.clear_banners(&mut whole);
        let mut solid = whole.clone();
        if channels == 3 && params.shadows {
            let shadowed = shadow(pixels, background, &whole);
            for (solid, shadowed) in solid.iter_mut().zip(shadowed) {
                *solid &= 1 - shadowed;
            }
            solid = despeckled(&solid, width);
        }
        let all = self.area();
        let restless = |s: &&u8| rule[usize::from(**s)] > BLIND;
        let blind = self.picture(spread).iter().filter(restless).count();
        let share = |blob: Option<&Blob>| blob.map_or(0.0, |b| f64::from(b.area) / all);
        let (pieces, shadowed) = (blobs(&solid, width), blobs(&whole, width));
        let mask = size.map(|size| enlarged(&whole, width, size)).transpose()?;
        Ok(Found {
            foreground: whole.iter().map(|&m| u64::from(m)).sum::<u64>() as f64 / all,
            solid: share(pieces.first()),
            shadowed: share(shadowed.first()),
            blind: blind as f64 / all,
            piece: pieces.first().or(shadowed.first()).copied(),
            light: Light::default(),
            motion: None,
            mask,
        })
    }

    /// The part of the picture in which a photo differs from both of its neighbours in time (from the one that
    /// it has, at the ends of a series). All were brought to the same light.
    pub fn motion(&self, pixels: &[u8], neighbours: &[&[u8]], params: &Params) -> Option<f64> {
        let (_, channels, (width, _)) = self.kind;
        let masks = neighbours.iter().map(|other| {
            // An edge that lies half a pixel further is no motion: the neighbours' spread, once more.
            let apart = difference(pixels, other, channels);
            let rule = thresholds(params.rule(), noise(&self.picture(&apart)));
            mask(&apart, &widened(&self.still.spread, width), &rule, width)
        });
        let mut both = masks.reduce(|mut a, b| {
            for (a, b) in a.iter_mut().zip(b) {
                *a &= b;
            }
            a
        })?;
        self.clear_banners(&mut both);
        Some(both.iter().map(|&m| u64::from(m)).sum::<u64>() as f64 / self.area())
    }

    fn picture(&self, values: &[u8]) -> Vec<u8> {
        let (_, _, (width, _)) = self.kind;
        values.get(self.rows.start * width..self.rows.end * width).unwrap_or(values).to_vec()
    }

    fn area(&self) -> f64 {
        let (_, _, (width, _)) = self.kind;
        (self.rows.len() * width).max(1) as f64
    }

    fn clear_banners(&self, mask: &mut [u8]) {
        let (_, _, (width, _)) = self.kind;
        for (y, row) in mask.chunks_exact_mut(width.max(1)).enumerate() {
            if !self.rows.contains(&y) {
                row.fill(0);
            }
        }
    }
}

/// A mask of 0 and 1 as a PNG of 0 and 255 in another size, by repeating pixels.
///
/// # Errors
/// As the PNG codec.
pub(super) fn enlarged(mask: &[u8], width: usize, size: (u32, u32)) -> Result<Vec<u8>> {
    let height = mask.len() / width.max(1);
    let (w, h) = (size.0 as usize, size.1 as usize);
    let columns: Vec<usize> = (0..w).map(|x| x * width / w).collect();
    let mut made = Vec::with_capacity(w * h);
    for y in 0..h {
        let row = &mask[y * height / h * width..][..width];
        made.extend(columns.iter().map(|&x| if row[x] == 0 { 0 } else { 255 }));
    }
    png::encode(&Image::from_u8(size.0, size.1, 1, made)?)
}
