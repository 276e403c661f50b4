//! Colour profiles (ICC): from the colours of a file to sRGB.

use super::Image;
use super::open::IccStatus;
use crate::error::Result;

/// Brings colours to sRGB.
pub(super) fn to_srgb(image: Image, _inks: bool, _profile: &[u8]) -> Result<(Image, IccStatus)> {
    Ok((image, IccStatus::Broken))
}
