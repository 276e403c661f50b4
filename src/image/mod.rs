//! Pixels in memory, and the codecs that bring them there and back.

pub mod array;
mod container;
pub mod exif;
mod icc;
pub mod jpeg;
pub mod media;
pub mod npy;
pub mod open;
pub mod photo;
pub mod png;
pub mod safetensors;
pub mod time;

use crate::error::{Error, Result};

/// The samples of an [`Image`]: row-major, channels interleaved (C-order `height × width × channels`).
#[derive(Debug, Clone, PartialEq)]
pub enum Samples {
    /// 8-bit unsigned, 0–255.
    U8(Vec<u8>),
    /// 16-bit unsigned, 0–65535, in the machine's byte order.
    U16(Vec<u16>),
    /// 32-bit float; the range is the file's own.
    F32(Vec<f32>),
}

impl Samples {
    /// Number of samples.
    pub fn len(&self) -> usize {
        match self {
            Self::U8(v) => v.len(),
            Self::U16(v) => v.len(),
            Self::F32(v) => v.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bits of one sample: 8, 16 or 32.
    pub fn bit_depth(&self) -> u8 {
        match self {
            Self::U8(_) => 8,
            Self::U16(_) => 16,
            Self::F32(_) => 32,
        }
    }
}

/// An image in memory: `height_px × width_px × channels`, C-order.
///
/// Channels are 1 (grey), 2 (grey + alpha), 3 (RGB) or 4 (RGB + alpha). Colours are as stored: no
/// ICC profile is applied. Alpha is straight, not premultiplied.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    width_px: u32,
    height_px: u32,
    channels: u8,
    samples: Samples,
}

/// Compares the size of a picture with a limit, before memory is taken for it. `pixel_bytes` is what
/// one pixel takes.
///
/// # Errors
/// [`Error::Limit`].
pub fn check_size(width_px: u32, height_px: u32, pixel_bytes: u64, limit_bytes: u64) -> Result<()> {
    let bytes = u64::from(width_px).saturating_mul(height_px.into()).saturating_mul(pixel_bytes);
    if bytes > limit_bytes {
        return Err(Error::limit(
            format!("a picture of {width_px} × {height_px} pixels"),
            format!("{bytes} bytes"),
            format!("{limit_bytes} bytes"),
            "raise the limit of decoded bytes (`--max-decoded`) if the file is to be trusted",
        ));
    }
    Ok(())
}

impl Image {
    /// Puts samples and shape together.
    ///
    /// # Errors
    /// [`Error::Bug`] when the number of samples is not `width_px · height_px · channels`, a side is
    /// zero, or `channels` is not 1–4.
    pub fn new(width_px: u32, height_px: u32, channels: u8, samples: Samples) -> Result<Self> {
        let expected = (width_px as usize)
            .checked_mul(height_px as usize)
            .and_then(|n| n.checked_mul(channels.into()));
        if channels == 0 || channels > 4 || samples.is_empty() || expected != Some(samples.len()) {
            return Err(Error::Bug {
                message: format!(
                    "{} samples cannot be a {width_px} × {height_px} image of {channels} channels",
                    samples.len()
                ),
            });
        }
        Ok(Self { width_px, height_px, channels, samples })
    }

    /// An 8-bit image. Errors as [`Image::new`].
    pub fn from_u8(width_px: u32, height_px: u32, channels: u8, data: Vec<u8>) -> Result<Self> {
        Self::new(width_px, height_px, channels, Samples::U8(data))
    }

    /// Columns.
    pub fn width_px(&self) -> u32 {
        self.width_px
    }

    /// Rows.
    pub fn height_px(&self) -> u32 {
        self.height_px
    }

    /// Samples per pixel, 1–4.
    pub fn channels(&self) -> u8 {
        self.channels
    }

    /// The samples.
    pub fn samples(&self) -> &Samples {
        &self.samples
    }

    /// The samples, given away.
    pub fn into_samples(self) -> Samples {
        self.samples
    }

    /// The samples of an 8-bit image; `None` for deeper ones.
    pub fn as_u8(&self) -> Option<&[u8]> {
        match &self.samples {
            Samples::U8(v) => Some(v),
            _ => None,
        }
    }

    /// The samples of an 8-bit image, to be changed in place; `None` for deeper ones.
    pub fn as_u8_mut(&mut self) -> Option<&mut [u8]> {
        match &mut self.samples {
            Samples::U8(v) => Some(v),
            _ => None,
        }
    }

    /// An 8-bit image as an ndarray view of shape `(height, width, channels)`; `None` for deeper ones.
    pub fn view(&self) -> Option<ndarray::ArrayView3<'_, u8>> {
        let shape = (self.height_px as usize, self.width_px as usize, self.channels as usize);
        ndarray::ArrayView3::from_shape(shape, self.as_u8()?).ok()
    }
}
