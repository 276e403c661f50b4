//! What lies beyond the border of an image.

/// What is read where an image has no pixels. With the pixels `abcd` of a row:
///
/// | border | left | image | right |
/// |---|---|---|---|
/// | `Constant` | `kkk` | `abcd` | `kkk` |
/// | `Replicate` | `aaa` | `abcd` | `ddd` |
/// | `Reflect` | `cba` | `abcd` | `dcb` |
/// | `Reflect101` | `dcb` | `abcd` | `cba` |
/// | `Wrap` | `bcd` | `abcd` | `abc` |
///
/// These are OpenCV's border types. However far away a pixel lies, the pattern goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Border {
    /// One colour: a sample for each channel, in the image's own range. 8-bit samples stop at 255;
    /// numbers for channels that the image does not have are not looked at.
    Constant([u16; 4]),
    /// The nearest pixel.
    Replicate,
    /// The mirror image, the last pixel twice.
    Reflect,
    /// The mirror image about the centre of the last pixel, which stands once.
    Reflect101,
    /// The image again.
    Wrap,
}

impl Border {
    /// Which of `length` pixels stands at `at`; `None` is the constant colour. `length` of 0 counts as 1.
    #[inline]
    pub fn place(&self, at: i64, length: usize) -> Option<usize> {
        if at >= 0 && (at as u64) < length as u64 {
            return Some(at as usize);
        }
        self.beyond(at, length.max(1) as i64)
    }

    #[inline(never)]
    fn beyond(&self, at: i64, length: i64) -> Option<usize> {
        let last = length.wrapping_sub(1);
        let found = match self {
            Self::Constant(_) => return None,
            Self::Replicate => at.clamp(0, last),
            Self::Reflect => {
                let phase = at.rem_euclid(length.wrapping_mul(2));
                phase.min(length.wrapping_mul(2).wrapping_sub(1).wrapping_sub(phase))
            }
            Self::Reflect101 if last == 0 => 0,
            Self::Reflect101 => {
                let phase = at.rem_euclid(last.wrapping_mul(2));
                phase.min(last.wrapping_mul(2).wrapping_sub(phase))
            }
            Self::Wrap => at.rem_euclid(length),
        };
        Some(found as usize)
    }
}
