//! What is taken out of the bytes of a profile (ICC.1:2022, versions 2 and 4).
//!
//! Only the header and the tags that the conversion needs are looked at: a damaged description does not
//! spoil a sound profile.

use super::curve::Curve;
use super::pipeline::{Pipeline, lut, multi};

/// A model of how device numbers become colours.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Model {
    /// A curve to the luminance (or, in profiles whose connection space is Lab, to L* / 100).
    Grey { curve: Curve, lightness: bool },
    /// Curves, then a matrix whose columns are the XYZ of the three lights.
    Matrix { curves: Box<[Curve; 3]>, columns: [[f64; 3]; 3] },
    /// Tables of several dimensions. `back` is the way from colours to device numbers (perceptual), which
    /// tells how dark a press prints.
    Tables { there: Box<Pipeline>, back: Option<Box<Pipeline>>, press: bool },
}

/// A profile that can be applied.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Profile {
    /// Numbers of a device colour: 1 (grey), 3 (RGB) or 4 (CMYK).
    pub(super) channels: usize,
    pub(super) model: Model,
}

/// Big-endian numbers at places that may not be there.
#[derive(Clone, Copy)]
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn get<I: std::slice::SliceIndex<[u8]>>(self, at: I) -> Option<&'a I::Output> {
        self.0.get(at)
    }

    pub(super) fn u16(self, at: usize) -> Option<u16> {
        self.0.get(at..)?.first_chunk().map(|b| u16::from_be_bytes(*b))
    }

    pub(super) fn u32(self, at: usize) -> Option<u32> {
        self.0.get(at..)?.first_chunk().map(|b| u32::from_be_bytes(*b))
    }
}

/// A number in s15Fixed16.
pub(super) fn fixed(stored: u32) -> f64 {
    f64::from(stored as i32) / 65_536.0
}

/// Reads a profile; `None` when it is damaged, or of a kind that says nothing about the colours of
/// pictures.
pub(super) fn profile(bytes: &[u8]) -> Option<Profile> {
    let bytes = Bytes(bytes);
    if bytes.get(36..40)? != b"acsp" {
        return None;
    }
    let class = bytes.get(12..16)?;
    if !matches!(class, b"scnr" | b"mntr" | b"prtr" | b"spac") {
        return None;
    }
    let channels = match bytes.get(16..20)? {
        b"GRAY" => 1,
        b"RGB " => 3,
        b"CMYK" => 4,
        _ => return None,
    };
    let lab = match bytes.get(20..24)? {
        b"Lab " => true,
        b"XYZ " => false,
        _ => return None,
    };
    // Relative colorimetric, else the tables for all intents.
    let there = tag(bytes, b"A2B1").or_else(|| tag(bytes, b"A2B0"));
    let model = if let Some(there) = there {
        let there = Box::new(tables(there, channels, 3, lab)?);
        let back = tag(bytes, b"B2A0").and_then(|t| tables(t, 3, channels, lab)).map(Box::new);
        Model::Tables { there, back, press: channels == 4 && class == b"prtr" }
    } else if channels == 1 {
        Model::Grey { curve: Curve::read(tag(bytes, b"kTRC")?)?.0, lightness: lab }
    } else if channels == 3 && !lab {
        let curve = |name| Curve::read(tag(bytes, name)?).map(|(curve, _)| curve);
        let curves = Box::new([curve(b"rTRC")?, curve(b"gTRC")?, curve(b"bTRC")?]);
        let columns =
            [xyz(tag(bytes, b"rXYZ")?)?, xyz(tag(bytes, b"gXYZ")?)?, xyz(tag(bytes, b"bXYZ")?)?];
        Model::Matrix { curves, columns }
    } else {
        return None;
    };
    Some(Profile { channels, model })
}

/// The bytes of a tag.
fn tag<'a>(bytes: Bytes<'a>, name: &[u8; 4]) -> Option<Bytes<'a>> {
    let count = bytes.u32(128)?.min(256) as usize;
    let table = bytes.get(132..)?;
    let entry = table.chunks_exact(12).take(count).find(|entry| entry.starts_with(name))?;
    let entry = Bytes(entry);
    let (at, size) = (entry.u32(4)? as usize, entry.u32(8)? as usize);
    bytes.get(at..at.checked_add(size)?).map(Bytes)
}

fn xyz(tag: Bytes<'_>) -> Option<[f64; 3]> {
    if tag.get(..4)? != b"XYZ " {
        return None;
    }
    Some([fixed(tag.u32(8)?), fixed(tag.u32(12)?), fixed(tag.u32(16)?)])
}

fn tables(tag: Bytes<'_>, from: usize, to: usize, lab: bool) -> Option<Pipeline> {
    let pipeline = match tag.get(..4)? {
        b"mft1" | b"mft2" => lut(tag, lab)?,
        b"mAB " | b"mBA " => multi(tag, lab)?,
        _ => return None,
    };
    (pipeline.inputs == from && pipeline.outputs == to).then_some(pipeline)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_profile_is_none() {
        assert_eq!(profile(b""), None);
        assert_eq!(profile(&[0; 4096]), None);
        let mut bytes = vec![0; 132];
        bytes[12..16].copy_from_slice(b"mntr");
        bytes[16..24].copy_from_slice(b"RGB XYZ ");
        bytes[36..40].copy_from_slice(b"acsp");
        assert_eq!(profile(&bytes), None, "no tags");
        // A tag that lies outside, with a sum that overflows 32 bits.
        bytes[128..132].copy_from_slice(&1_u32.to_be_bytes());
        bytes.extend(b"A2B0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF");
        assert_eq!(profile(&bytes), None);
    }
}
