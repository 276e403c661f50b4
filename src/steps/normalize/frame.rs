//! Sizes: what is resized to what, where it is cut and filled, and how its points move.

use super::Params;
use super::choices::{Convention, Resize};
use crate::error::Result;
use crate::image::{Image, Samples, check_size};
use crate::pixels::geometry::{Border, Sides, crop, pad};
use crate::pixels::resize::{Filter, Light, Resizer, pillow, resize};
use crate::steps::targets::Motion;

/// What becomes of the size of an image: resized, then cut, then framed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    /// Size of the image.
    from: (u32, u32),
    /// Size after resizing.
    resized: (u32, u32),
    /// What the letterbox adds to that.
    letterbox: Sides,
    /// Upper left corner and size of what is kept.
    cut: (u32, u32, u32, u32),
    /// What is added to that.
    border: Sides,
}

impl Frame {
    /// The frame that params give an image of this size.
    pub fn new(params: &Params, (width, height): (u32, u32)) -> Self {
        let resized = resized(params, (width, height));
        let mut letterbox = Sides::default();
        let mut size = resized;
        if let (Resize::Letterbox, Some(w), Some(h)) =
            (params.resize, params.width_px, params.height_px)
        {
            (letterbox.left, letterbox.right) = halves(w.saturating_sub(size.0));
            (letterbox.top, letterbox.bottom) = halves(h.saturating_sub(size.1));
            size = (w, h);
        }
        // Along each side, what of it is kept from where, and how much is added before and behind.
        let side = |has: u32, crop: Option<u32>| {
            let wanted = crop.unwrap_or(has);
            let (before, behind) = halves(wanted.saturating_sub(has));
            let kept = wanted.min(has);
            let padded = wanted.checked_next_multiple_of(params.pad_multiple);
            let padding = padded.unwrap_or(wanted) - wanted;
            (halves(has - kept).0, kept, before, behind + padding)
        };
        let (x, w, left, right) = side(size.0, params.crop_width_px);
        let (y, h, top, bottom) = side(size.1, params.crop_height_px);
        Self {
            from: (width, height),
            resized,
            letterbox,
            cut: (x, y, w, h),
            border: Sides { left, top, right, bottom },
        }
    }

    /// Size of the result.
    pub fn size(&self) -> (u32, u32) {
        let (_, _, w, h) = self.cut;
        let Sides { left, top, right, bottom } = self.border;
        (w + left + right, h + top + bottom)
    }

    /// Factors along x and y, from pixels of the image to pixels of the result.
    pub fn scale(&self) -> (f64, f64) {
        let factor = |to: u32, from: u32| f64::from(to) / f64::from(from);
        (factor(self.resized.0, self.from.0), factor(self.resized.1, self.from.1))
    }

    /// Where the image's upper left corner lies in the result.
    pub fn offset(&self) -> (i64, i64) {
        let along = |letterbox: u32, cut: u32, border: u32| {
            i64::from(letterbox) - i64::from(cut) + i64::from(border)
        };
        let (x, y, ..) = self.cut;
        (
            along(self.letterbox.left, x, self.border.left),
            along(self.letterbox.top, y, self.border.top),
        )
    }

    /// The motions that places go through, each with the frame that cuts them.
    pub fn motions(&self) -> Vec<(Motion, (u32, u32))> {
        let (x, y, w, h) = self.cut;
        let (factor_x, factor_y) = self.scale();
        // (p + ½)·factor + start − ½: places are centres of pixels.
        let row = |factor: f64, letterbox: u32, cut: u32| {
            factor / 2.0 + (f64::from(letterbox) - f64::from(cut)) - 0.5
        };
        let Sides { left, top, .. } = self.border;
        let resized = Motion::affine([
            [factor_x, 0.0, row(factor_x, self.letterbox.left, x)],
            [0.0, factor_y, row(factor_y, self.letterbox.top, y)],
        ]);
        let framed = Motion::affine([[1.0, 0.0, left.into()], [0.0, 1.0, top.into()]]);
        vec![(resized, (w, h)), (framed, self.size())]
    }

    /// Makes the result. `limit_bytes` bounds each image on the way.
    ///
    /// # Errors
    /// [`crate::Error::Limit`] before memory is taken; [`crate::Error::Unsupported`] for samples that
    /// cannot be resized.
    pub fn apply(
        &self,
        image: Image,
        params: &Params,
        resizer: &mut Resizer,
        limit_bytes: u64,
    ) -> Result<Image> {
        // 16-bit samples are 257 times as large.
        let factor = if matches!(image.samples(), Samples::U16(_)) { 257 } else { 1 };
        let [r, g, b] = params.fill.0;
        let fill = match image.channels() {
            1 => [grey([r, g, b]), 0, 0, 0],
            _ => [r, g, b, 255],
        };
        let fill = Border::Constant(fill.map(|x| u16::from(x) * factor));
        self.framed(image, &fill, limit_bytes, |image, size| match params.convention {
            Convention::Antialias => resize(resizer, image, size, params.filter, params.light),
            Convention::Pillow => pillow(image, size, params.filter),
        })
    }

    /// The same for the values of a mask: they are never mixed, and `fill` is what lies beside them.
    ///
    /// # Errors
    /// As [`Frame::apply`].
    pub fn apply_labels(
        &self,
        labels: Image,
        fill: u8,
        resizer: &mut Resizer,
        limit_bytes: u64,
    ) -> Result<Image> {
        let fill = Border::Constant([fill.into(); 4]);
        self.framed(labels, &fill, limit_bytes, |labels, size| {
            resize(resizer, labels, size, Filter::Nearest, Light::Gamma)
        })
    }

    fn framed(
        &self,
        mut image: Image,
        fill: &Border,
        limit_bytes: u64,
        resize: impl FnOnce(&Image, (u32, u32)) -> Result<Image>,
    ) -> Result<Image> {
        let sample = u64::from(image.samples().bit_depth() / 8);
        let pixel = u64::from(image.channels()) * sample;
        let framed = |(w, h): (u32, u32), s: &Sides| (w + s.left + s.right, h + s.top + s.bottom);
        for (w, h) in [self.resized, framed(self.resized, &self.letterbox), self.size()] {
            check_size(w, h, pixel, limit_bytes)?;
        }
        if self.resized != self.from {
            image = resize(&image, self.resized)?;
        }
        if self.letterbox != Sides::default() {
            image = pad(&image, self.letterbox, fill)?;
        }
        let (x, y, w, h) = self.cut;
        if (w, h) != (image.width_px(), image.height_px()) {
            image = crop(&image, x, y, w, h)?;
        }
        if self.border != Sides::default() {
            image = pad(&image, self.border, fill)?;
        }
        Ok(image)
    }
}

/// Luma of a colour, as images get theirs.
fn grey([r, g, b]: [u8; 3]) -> u8 {
    ((9798 * u32::from(r) + 19235 * u32::from(g) + 3735 * u32::from(b) + (1 << 14)) >> 15) as u8
}

/// Half before, and the odd pixel behind.
fn halves(pixels: u32) -> (u32, u32) {
    (pixels / 2, pixels - pixels / 2)
}

fn resized(params: &Params, (width, height): (u32, u32)) -> (u32, u32) {
    let (wanted_w, wanted_h) =
        (params.width_px.unwrap_or(width), params.height_px.unwrap_or(height));
    let is_wide = width >= height;
    let side = params.side_px.unwrap_or(1);
    let size = match params.resize {
        Resize::None => (width, height),
        Resize::Exact => (wanted_w, wanted_h),
        Resize::Shortest if is_wide => (share(width, side, height), side),
        Resize::Shortest => (side, share(height, side, width)),
        Resize::Longest if is_wide => (side, share(height, side, width)),
        Resize::Longest => (share(width, side, height), side),
        // The side that fills the box first is the one whose factor is smaller.
        Resize::Letterbox
            if u64::from(wanted_w) * u64::from(height)
                <= u64::from(wanted_h) * u64::from(width) =>
        {
            (wanted_w, share(height, wanted_w, width).min(wanted_h))
        }
        Resize::Letterbox => (share(width, wanted_h, height).min(wanted_w), wanted_h),
    };
    let grows = size.0 > width || size.1 > height;
    if grows && !params.enlarge { (width, height) } else { size }
}

/// `round(length·to / from)`, halves up, at least 1.
fn share(length: u32, to: u32, from: u32) -> u32 {
    let twice = 2 * u64::from(from.max(1));
    let share = (2 * u64::from(length) * u64::from(to) + u64::from(from)) / twice;
    u32::try_from(share).unwrap_or(u32::MAX).max(1)
}
