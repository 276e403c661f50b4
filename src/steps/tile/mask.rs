//! Where tissue is.

use super::coverage::Coverage;
use super::morphology::{Bitmap, Disc};
use super::otsu;
use super::params::{Channel, MaskKind, Params};
use super::resolution::{self, Known};
use crate::error::{Error, Result};
use crate::image::Image;
use crate::slide::Geometry;

/// How a mask is read off a slide, before a pixel is decoded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MaskPlan {
    /// The level that is read.
    pub level: usize,
    /// Pixels of the level per mask pixel: columns, rows.
    pub block: (u32, u32),
    /// Micrometres that a mask pixel is wide and high.
    pub pixel_um: [f64; 2],
    /// Level-0 pixels that a mask pixel is wide and high.
    pub scale_0: [f64; 2],
    channel: Channel,
}

impl MaskPlan {
    /// What the params ask; `None` for no mask.
    ///
    /// # Errors
    /// [`Error::Params`] when µm/px is not known, or saturation is asked of a grey slide.
    pub fn new(
        params: &Params,
        geometry: &Geometry,
        known: &Known,
        channels: u8,
    ) -> Result<Option<Self>> {
        let Some(channel) = params.channel() else { return Ok(None) };
        if channel == Channel::Saturation && channels == 1 {
            let (field, instead) = match params.mask {
                MaskKind::Fixed => ("mask_channel", "--mask-channel luminance"),
                _ => ("mask", "--mask otsu-luminance"),
            };
            return Err(Error::params(
                field,
                format!("a grey slide has no saturation: use {instead}, or --mask none"),
            ));
        }
        let mpp = known.require("mask", "the tissue mask", "; or take --mask none")?;
        let level = resolution::best_level(geometry, mpp.map(|mpp| params.mask_mpp / mpp));
        let down = resolution::downsample(&geometry.levels[level]);
        let level_mpp = [mpp[0] * down[0], mpp[1] * down[1]];
        let factor = level_mpp.map(|mpp| (params.mask_mpp / mpp + 1e-6).floor().max(1.0) as u32);
        let pixel_um = [0, 1].map(|a| level_mpp[a] * f64::from(factor[a]));
        let scale_0 = [0, 1].map(|a| down[a] * f64::from(factor[a]));
        Ok(Some(Self { level, block: (factor[0], factor[1]), pixel_um, scale_0, channel }))
    }

    /// The mask of a slide whose small copy this is.
    ///
    /// # Errors
    /// [`Error::Limit`] when a disc is too large in mask pixels.
    pub fn mask(&self, params: &Params, small: &Image) -> Result<Bitmap> {
        let values = otsu::values(small, self.channel);
        let bits = match tissue_range(params, self.channel, &values) {
            Some((from, to)) => values.iter().map(|v| (from..=to).contains(v)).collect(),
            None => vec![false; values.len()],
        };
        let (width, height) = (small.width_px() as usize, small.height_px() as usize);
        let mut mask = Bitmap { width, height, bits };
        let close = Disc::new("close_um", params.close_um, self.pixel_um)?;
        let open = Disc::new("open_um", params.open_um, self.pixel_um)?;
        mask = mask.dilate(&close).erode(&close);
        mask = mask.erode(&open).dilate(&open);
        let pixel_um2 = self.pixel_um[0] * self.pixel_um[1];
        mask.fill_holes(params.fill_holes_um2 / pixel_um2);
        mask.remove_pieces(params.min_area_um2 / pixel_um2);
        Ok(mask)
    }

    /// The sums from which coverage is read.
    pub fn coverage(&self, mask: &Bitmap, geometry: &Geometry) -> Coverage {
        let size_0 = geometry.levels.first().map_or((1, 1), |l| (l.width_px, l.height_px));
        Coverage::new(mask, self.scale_0, size_0)
    }
}

/// The values, both included, that are tissue; `None` when none are.
fn tissue_range(params: &Params, channel: Channel, values: &[u8]) -> Option<(u8, u8)> {
    let contrast = params.min_contrast;
    let fixed = params.mask_threshold.filter(|_| params.mask == MaskKind::Fixed);
    let split = match fixed {
        Some(_) => None,
        None => Some(otsu::split(&otsu::histogram(values))?),
    };
    match channel {
        // Glass is the dull class.
        Channel::Saturation => {
            let otsu = split.map(|s| s.threshold.max(s.lower_mean.saturating_add(contrast)));
            Some((fixed.or(otsu)?.checked_add(1)?, 255))
        }
        // Glass is the bright class.
        Channel::Luminance => {
            let otsu =
                split.and_then(|s| Some(s.threshold.min(s.upper_mean.checked_sub(contrast)?)));
            Some((0, fixed.or(otsu)?))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake;
    use super::super::resolution::MppSource;
    use super::*;

    fn known(mpp: f64) -> Known {
        Known { mpp: Some([mpp; 2]), source: MppSource::Header }
    }

    #[test]
    fn the_smallest_fitting_level_is_averaged_down() {
        let geometry = fake::geometry((4096, 2048), &[1, 4, 16], 64, 3);
        let plan = |mask_mpp, mpp| {
            let params = Params { mask_mpp, ..Params::default() };
            MaskPlan::new(&params, &geometry, &known(mpp), 3).unwrap().unwrap()
        };
        // Levels of 0.25, 1 and 4 µm/px.
        assert_eq!((plan(8.0, 0.25).level, plan(8.0, 0.25).block), (2, (2, 2)));
        assert_eq!((plan(3.9, 0.25).level, plan(3.9, 0.25).block), (1, (3, 3)));
        assert_eq!(plan(3.9, 0.25).pixel_um, [3.0; 2]);
        assert_eq!(plan(3.9, 0.25).scale_0, [12.0; 2]);
        // Even level 0 is too coarse: as it is.
        assert_eq!((plan(8.0, 20.0).level, plan(8.0, 20.0).block), (0, (1, 1)));
    }

    #[test]
    fn what_a_mask_needs_is_said() {
        let geometry = fake::geometry((100, 100), &[1], 64, 3);
        let unknown = Known { mpp: None, source: MppSource::None };
        let params = Params::default();
        let message = MaskPlan::new(&params, &geometry, &unknown, 3).unwrap_err().to_string();
        assert!(message.contains("--assume-mpp") && message.contains("--mask none"), "{message}");
        let message = MaskPlan::new(&params, &geometry, &known(1.0), 1).unwrap_err().to_string();
        assert!(message.contains("otsu-luminance"), "{message}");
        let none = Params { mask: MaskKind::None, ..Params::default() };
        assert_eq!(MaskPlan::new(&none, &geometry, &unknown, 1), Ok(None));
    }

    #[test]
    fn noise_on_blank_glass_is_no_tissue() {
        let glass: Vec<u8> = (0..1000).map(|i| 238 + (i * 7 % 9) as u8).collect();
        let luminance = Params { mask: MaskKind::OtsuLuminance, ..Params::default() };
        let (low, high) = tissue_range(&luminance, Channel::Luminance, &glass).unwrap();
        assert!(low == 0 && high < 238, "{high}");
        let faint: Vec<u8> = glass.iter().map(|v| v - 238).collect();
        let (low, _) = tissue_range(&Params::default(), Channel::Saturation, &faint).unwrap();
        assert!(low > 8, "{low}");
        assert_eq!(tissue_range(&Params::default(), Channel::Saturation, &[9; 50]), None);
        // A little faint tissue on much dull glass, the upper class being duller than the contrast.
        let little: Vec<u8> = (0..1000).map(|i| if i == 0 { 19 } else { (i % 3) as u8 }).collect();
        assert_eq!(
            tissue_range(&Params::default(), Channel::Saturation, &little),
            Some((17, 255)),
            "19 is more saturated than 0 + 16"
        );
    }

    #[test]
    fn a_fixed_threshold_is_taken_at_its_word() {
        let fixed = |mask_channel, t| Params {
            mask: MaskKind::Fixed,
            mask_channel,
            mask_threshold: Some(t),
            ..Params::default()
        };
        let range = |c, t| tissue_range(&fixed(c, t), c, &[]);
        assert_eq!(range(Channel::Saturation, 20), Some((21, 255)));
        assert_eq!(range(Channel::Saturation, 255), None);
        assert_eq!(range(Channel::Luminance, 20), Some((0, 20)));
    }

    #[test]
    fn tissue_is_found_closed_and_cleaned() {
        // 1 µm pixels: a coloured block of 20 × 20 with a slit and a speck beside it.
        let geometry = fake::geometry((40, 30), &[1], 64, 3);
        let params = Params {
            mask_mpp: 1.0,
            close_um: 1.0,
            open_um: 1.0,
            min_area_um2: 50.0,
            fill_holes_um2: 9.0,
            ..Params::default()
        };
        let plan = MaskPlan::new(&params, &geometry, &known(1.0), 3).unwrap().unwrap();
        let tissue = |x: u32, y: u32| (5..25).contains(&x) && (5..25).contains(&y);
        let colour = |x: u32, y: u32| {
            let hole = (x, y) == (15, 15) || (x == 10 && y < 20);
            let speck = x == 35 && y < 20;
            if (tissue(x, y) && !hole) || speck { [200, 120, 170] } else { [241, 240, 243] }
        };
        let data = (0..30).flat_map(|y| (0..40).flat_map(move |x| colour(x, y))).collect();
        let mask = plan.mask(&params, &Image::from_u8(40, 30, 3, data).unwrap()).unwrap();
        for y in 0..30 {
            for x in 0..40 {
                // The open end of the slit keeps a notch, corners are rounded by the disc.
                let corner = matches!(x, 5 | 9 | 10 | 11 | 24) && matches!(y, 5 | 24);
                if !corner {
                    assert_eq!(mask.bits[y * 40 + x], tissue(x as u32, y as u32), "{x} {y}");
                }
            }
        }
    }
}
