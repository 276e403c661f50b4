//! What is seen of each photo before it is compared with others.

use super::params::{Params, Scene};
use crate::background::banner;
use crate::background::patch::{self, Shares};
use crate::background::phash::phash;
use crate::background::quality::{Levels, coloured_share, sharpness};
use crate::background::working::{luminance, shrink};
use crate::error::{Error, Result};
use crate::image::Image;
use crate::step::Member;
use crate::steps::photo::{self, Mode, Reading};

/// Channels of a coloured pixel are further apart than this.
const COLOURED: u8 = 24;
/// The highest dark level and the lowest bright one.
const DARK_BRIGHT: (u8, u8) = (12, 245);
/// Levels that a blank picture spans at most.
const BLANK: u8 = 8;

/// Photos that can be compared with each other: infrared or not, channels, and size of the working copy.
pub(super) type Kind = (bool, usize, (usize, usize));

/// A photo as it is compared: grey by infrared light, else RGB.
pub(super) struct Frame {
    /// What it can be compared with.
    pub kind: Kind,
    /// Its samples.
    pub pixels: Vec<u8>,
}

/// What was seen of a photo.
pub(super) struct Look {
    /// Columns and rows of the upright photo itself.
    pub size: (u32, u32),
    /// What it can be compared with.
    pub kind: Kind,
    /// The working copy, where it was asked for.
    pub pixels: Option<Vec<u8>>,
    pub under: f64,
    pub over: f64,
    pub sharpness: f64,
    pub blank: bool,
    pub phash: u64,
    pub patch: Option<Shares>,
}

/// What came of looking.
pub(super) enum Seen {
    Look(Box<Look>),
    /// It cannot be decoded, for this reason.
    Corrupt(String),
    /// Its bytes could not be had, or are more than allowed: no fault of the photo.
    Failed(Error),
}

/// The upright photo, grey or RGB, 8 bits, sRGB.
///
/// # Errors
/// As [`photo::working`].
pub(super) fn read(member: &Member) -> Result<Image> {
    let reading = Reading { mode: Mode::Auto, ..Reading::default() };
    Ok(photo::working(&member.source()?, &reading)?.image)
}

/// The working copy of a photo.
///
/// # Errors
/// As [`shrink`].
pub(super) fn frame(image: &Image, params: &Params) -> Result<Frame> {
    let small = shrink(image, params.working_px)?;
    let size = (small.width_px() as usize, small.height_px() as usize);
    let pixels = small.as_u8().unwrap_or_default();
    let channels = usize::from(small.channels());
    let infrared =
        channels != 3 || coloured_share(pixels, channels, COLOURED) <= params.infrared_colour;
    if infrared {
        return Ok(Frame { kind: (true, 1, size), pixels: luminance(pixels, channels) });
    }
    Ok(Frame { kind: (false, 3, size), pixels: pixels.to_vec() })
}

/// Looks at a photo; `keeps` says whether its working copy is wanted later.
///
/// # Errors
/// What is neither the photo's fault nor the world's.
pub(super) fn look(member: &Member, params: &Params, keeps: bool) -> Result<Seen> {
    let source = match member.source() {
        Ok(source) => source,
        Err(error) => return Ok(Seen::Failed(error)),
    };
    let reading = Reading { mode: Mode::Auto, ..Reading::default() };
    let image = match photo::working(&source, &reading) {
        Ok(read) => read.image,
        Err(error @ (Error::Format { .. } | Error::Unsupported { .. })) => {
            return Ok(Seen::Corrupt(error.to_string()));
        }
        Err(error @ (Error::Limit { .. } | Error::Store { .. })) => return Ok(Seen::Failed(error)),
        Err(error) => return Err(error),
    };
    let Frame { kind, pixels } = frame(&image, params)?;
    let (_, channels, (width, _)) = kind;
    let grey = luminance(&pixels, channels);
    // A banner is sharp and black in every photo.
    let rows = if params.banners && params.scene == Scene::Camera {
        banner::picture(&grey, &grey, width)
    } else {
        0..grey.len() / width.max(1)
    };
    let inner = grey.get(rows.start * width..rows.end * width).unwrap_or(&grey);
    let levels = Levels::of(inner);
    let patch = (params.scene == Scene::Slide).then(|| shares(&image, params)).transpose()?;
    Ok(Seen::Look(Box::new(Look {
        size: (image.width_px(), image.height_px()),
        kind,
        under: levels.share(0, DARK_BRIGHT.0),
        over: levels.share(DARK_BRIGHT.1, 255),
        sharpness: sharpness(inner, width),
        blank: levels.percentile(995) - levels.percentile(5) <= BLANK,
        phash: phash(&grey, width),
        patch,
        pixels: keeps.then_some(pixels),
    })))
}

fn shares(image: &Image, params: &Params) -> Result<Shares> {
    let small = shrink(image, params.working_px)?;
    let pixels = small.as_u8().unwrap_or_default();
    if small.channels() == 3 {
        return Ok(patch::shares(pixels, params.glass_level));
    }
    let rgb: Vec<u8> = pixels.iter().flat_map(|&v| [v; 3]).collect();
    Ok(patch::shares(&rgb, params.glass_level))
}
