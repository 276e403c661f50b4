//! Arrays of numbers on their way into a file: a shape and samples in C order.

use half::f16;

use crate::error::{Error, Result};

/// The numbers of an array, in C order (the last index runs fastest).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Numbers<'a> {
    /// 8-bit unsigned integers.
    U8(&'a [u8]),
    /// 16-bit floats (IEEE 754 binary16).
    F16(&'a [f16]),
    /// 32-bit floats (IEEE 754 binary32).
    F32(&'a [f32]),
}

impl Numbers<'_> {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::U8(v) => v.len(),
            Self::F16(v) => v.len(),
            Self::F32(v) => v.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of one number.
    pub fn item_bytes(&self) -> usize {
        match self {
            Self::U8(_) => 1,
            Self::F16(_) => 2,
            Self::F32(_) => 4,
        }
    }

    /// Appends them to `bytes`, each in little-endian order.
    pub(super) fn append_to(&self, bytes: &mut Vec<u8>) {
        bytes.reserve(self.len() * self.item_bytes());
        match self {
            Self::U8(v) => bytes.extend_from_slice(v),
            Self::F16(v) => bytes.extend(v.iter().flat_map(|n| n.to_le_bytes())),
            Self::F32(v) => bytes.extend(v.iter().flat_map(|n| n.to_le_bytes())),
        }
    }

    /// Holds the shape against the numbers.
    pub(super) fn check_shape(&self, shape: &[usize]) -> Result<()> {
        let expected = shape.iter().try_fold(1_usize, |n, &side| n.checked_mul(side));
        if expected != Some(self.len()) {
            return Err(Error::Bug {
                message: format!("{} numbers cannot be an array of shape {shape:?}", self.len()),
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_little_endian_and_fit_their_shape() {
        let mut bytes = Vec::new();
        Numbers::F16(&[f16::from_f32(1.0)]).append_to(&mut bytes);
        Numbers::F32(&[-2.0]).append_to(&mut bytes);
        Numbers::U8(&[7]).append_to(&mut bytes);
        assert_eq!(bytes, [0x00, 0x3C, 0, 0, 0, 0xC0, 7]);
        assert!(Numbers::U8(&[1, 2, 3, 4]).check_shape(&[2, 2]).is_ok());
        assert!(Numbers::U8(&[1, 2, 3]).check_shape(&[2, 2]).is_err());
        assert!(Numbers::U8(&[]).check_shape(&[usize::MAX, 2]).is_err());
    }
}
