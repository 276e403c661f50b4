//! Other sizes of an image.
//!
//! Every filter but [`Filter::Nearest`] is a convolution whose width grows with the scale, so that a
//! smaller image has no aliases. Samples are 8 or 16 bits deep, sums are integers, and a pixel's weights
//! add up to 1. Colours of images with alpha (2 or 4 channels) are weighted by it.
//!
//! [`pillow`] gives the bits that Pillow's `Image.resize` gives, up to Pillow 12 (version 13 begins with
//! the rows where these shrink more than the columns, and gives other bits there).

mod filter;
mod light;
mod nearest;
mod pillow;

use fast_image_resize as fir;
use fir::images::{TypedImage, TypedImageRef};
use fir::pixels::{U8, U8x2, U8x3, U8x4, U16, U16x2, U16x3, U16x4};

use crate::error::{Error, Result};
use crate::image::{Image, Samples};
use crate::pixels::geometry::kept;
pub use filter::Filter;
pub use light::Light;
pub use pillow::pillow;

/// The memory that one resize leaves for the next: rows between the passes, tables of light. It
/// changes no result.
#[derive(Debug, Default)]
pub struct Resizer {
    inner: fir::Resizer,
    tables: Option<Box<light::Tables>>,
}

impl Resizer {
    /// One without memory yet.
    pub fn new() -> Self {
        Self::default()
    }
}

/// `image` in `size` (width, height).
///
/// The centre of the output's pixel (i, j) is the source's point
/// `((i + ½)·W/w − ½, (j + ½)·H/h − ½)`.
///
/// # Errors
/// [`Error::Params`] when a side of `size` is 0, [`Error::Limit`] for more than 2³¹ samples,
/// [`Error::Unsupported`] for samples of floats.
pub fn resize(
    resizer: &mut Resizer,
    image: &Image,
    size: (u32, u32),
    filter: Filter,
    light: Light,
) -> Result<Image> {
    let all = [0.0, 0.0, image.width_px().into(), image.height_px().into()];
    resize_from(resizer, image, all, size, filter, light)
}

/// The rectangle `[x, y, width, height]` of `image` in `size` (width, height).
///
/// The rectangle is in pixels from the upper left *corner* of the image and may begin and end between
/// pixels. Filters see what lies around it, up to the border of the image.
///
/// # Errors
/// As [`resize`]; [`Error::Params`] also when the rectangle is empty or does not lie in the image.
pub fn resize_from(
    resizer: &mut Resizer,
    image: &Image,
    rectangle: [f64; 4],
    size: (u32, u32),
    filter: Filter,
    light: Light,
) -> Result<Image> {
    kept("the resized image", size, image.channels())?;
    let rectangle = inside(image, rectangle)?;
    if filter == Filter::Nearest {
        return nearest::nearest(image, rectangle, size);
    }
    let options = fir::ResizeOptions::new()
        .resize_alg(fir::ResizeAlg::Convolution(filter.convolution()?))
        .crop(rectangle[0], rectangle[1], rectangle[2], rectangle[3]);
    let from = (image.width_px(), image.height_px());
    let Resizer { inner, tables } = resizer;
    let samples = match (image.samples(), light) {
        (Samples::F32(_), _) => {
            return Err(Error::unsupported(
                "resizing an image of floats",
                "resize before samples become floats",
            ));
        }
        (Samples::U8(data), Light::Gamma) => {
            Samples::U8(resize_bytes(inner, data, image.channels(), from, size, &options)?)
        }
        (Samples::U16(data), Light::Gamma) => {
            Samples::U16(words(inner, data, image.channels(), from, size, &options)?)
        }
        (stored, Light::Linear) => {
            let tables = tables.get_or_insert_with(Default::default);
            let linear = tables.decoded(stored, image.channels());
            let words = words(inner, &linear, image.channels(), from, size, &options)?;
            tables.encoded(&words, image.channels(), stored.bit_depth())
        }
    };
    Image::new(size.0, size.1, image.channels(), samples)
}

/// The rectangle, if it is one and lies in the image. What rounding put beyond the far border by less
/// than a millionth of a pixel is moved onto it.
fn inside(image: &Image, [x, y, width, height]: [f64; 4]) -> Result<[f64; 4]> {
    const SLACK: f64 = 1e-6;
    let all = (f64::from(image.width_px()), f64::from(image.height_px()));
    let fits = |from: f64, length: f64, all: f64| {
        from >= 0.0 && from < all && length > 0.0 && from + length <= all + SLACK
    };
    if !fits(x, width, all.0) || !fits(y, height, all.1) {
        return Err(Error::params(
            "rectangle",
            format!(
                "{width} × {height} pixels at ({x}, {y}) do not lie in an image of {} × {}",
                all.0, all.1
            ),
        ));
    }
    Ok([x, y, width.min(all.0 - x), height.min(all.1 - y)])
}

/// What the library of filters says when it cannot, which the checks above do not let happen.
fn bug(cause: impl std::fmt::Display) -> Error {
    Error::Bug { message: format!("resize: {cause}") }
}

/// 8-bit samples as `options` say. Goes by the type of pixels: asked at run time, the library brings its code for all
/// types into a binary, and that for floats is not compiled to the same bytes each time.
///
/// # Errors
/// [`Error::Bug`] when `options` cut out what does not lie in the image.
pub(crate) fn resize_bytes(
    inner: &mut fir::Resizer,
    data: &[u8],
    channels: u8,
    from: (u32, u32),
    size: (u32, u32),
    options: &fir::ResizeOptions,
) -> Result<Vec<u8>> {
    match channels {
        1 => typed_bytes::<U8>(inner, data, from, size, options),
        2 => typed_bytes::<U8x2>(inner, data, from, size, options),
        3 => typed_bytes::<U8x3>(inner, data, from, size, options),
        _ => typed_bytes::<U8x4>(inner, data, from, size, options),
    }
}

fn typed_bytes<P: fir::PixelTrait>(
    inner: &mut fir::Resizer,
    data: &[u8],
    from: (u32, u32),
    size: (u32, u32),
    options: &fir::ResizeOptions,
) -> Result<Vec<u8>> {
    let source = TypedImageRef::<P>::from_buffer(from.0, from.1, data).map_err(bug)?;
    let mut out = vec![0; size.0 as usize * size.1 as usize * P::size()];
    let mut view = TypedImage::<P>::from_buffer(size.0, size.1, &mut out).map_err(bug)?;
    inner.resize_typed(&source, &mut view, options).map_err(bug)?;
    Ok(out)
}

fn words(
    inner: &mut fir::Resizer,
    data: &[u16],
    channels: u8,
    from: (u32, u32),
    size: (u32, u32),
    options: &fir::ResizeOptions,
) -> Result<Vec<u16>> {
    match channels {
        1 => typed(inner, data, |[p]| U16::new(p), |p| [p.0], from, size, options),
        2 => typed(inner, data, U16x2::new, |p| p.0, from, size, options),
        3 => typed(inner, data, U16x3::new, |p| p.0, from, size, options),
        _ => typed(inner, data, U16x4::new, |p| p.0, from, size, options),
    }
}

/// One sort of pixels: samples are copied into the library's pixels and out of them, which the
/// compiler makes plain copies.
fn typed<P, const N: usize>(
    inner: &mut fir::Resizer,
    data: &[u16],
    pixel: impl Fn([u16; N]) -> P,
    samples: impl Fn(&P) -> [u16; N],
    from: (u32, u32),
    size: (u32, u32),
    options: &fir::ResizeOptions,
) -> Result<Vec<u16>>
where
    P: fir::PixelTrait,
{
    let pixels: Vec<P> = data.as_chunks::<N>().0.iter().map(|&p| pixel(p)).collect();
    let source = TypedImageRef::new(from.0, from.1, &pixels).map_err(bug)?;
    let made = vec![P::default(); size.0 as usize * size.1 as usize];
    let mut out = TypedImage::from_pixels(size.0, size.1, made).map_err(bug)?;
    inner.resize_typed(&source, &mut out, options).map_err(bug)?;
    let mut data = vec![0; out.pixels().len() * N];
    for (to, from) in data.as_chunks_mut::<N>().0.iter_mut().zip(out.pixels()) {
        *to = samples(from);
    }
    Ok(data)
}
