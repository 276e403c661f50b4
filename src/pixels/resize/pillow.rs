//! Pillow's resize, bit for bit.

use super::filter::{Filter, hamming_single, lanczos3};
use crate::error::{Error, Result};
use crate::image::Image;
use crate::pixels::geometry::kept;

/// `image` in `size` (width, height) with the bits that `PIL.Image.resize(size, resample)` gives, for
/// `nearest`, `box`, `bilinear`, `hamming`, `catmull-rom` (Pillow's `BICUBIC`) and `lanczos3`
/// (`LANCZOS`), on 8-bit grey (mode `L`) and RGB.
///
/// Two passes, along rows and then along columns, with 8 bits between them; weights have 22 bits
/// behind the point; a pass whose length does not change is left out. The weight of source pixel k in
/// output pixel i is `f((k + ½ − c) / s)` with `s = max(W/w, 1)`, `c = (i + ½)·W/w`, for
/// `⌊c − r·s + ½⌋ ≤ k < ⌊c + r·s + ½⌋`, r the radius of the filter, divided by the sum of these.
///
/// # Errors
/// [`Error::Unsupported`] for deep samples, alpha, and the filters that Pillow lacks; [`Error::Params`]
/// and [`Error::Limit`] as [`super::resize`].
pub fn pillow(image: &Image, size: (u32, u32), filter: Filter) -> Result<Image> {
    let channels = image.channels();
    let samples = kept("the resized image", size, channels)?;
    let grey_or_rgb = channels == 1 || channels == 3;
    let Some(data) = image.as_u8().filter(|_| grey_or_rgb) else {
        return Err(Error::unsupported(
            "resizing other than 8-bit grey or RGB images as Pillow does",
            "use the library's own filters",
        ));
    };
    let (width, height) = (image.width_px() as usize, image.height_px() as usize);
    let (to_width, to_height) = (size.0 as usize, size.1 as usize);
    if (width, height) == (to_width, to_height) {
        return Ok(image.clone());
    }
    let bytes = usize::from(channels);
    if filter == Filter::Nearest {
        let columns = steps(width, to_width);
        let mut out = Vec::with_capacity(samples);
        for y in steps(height, to_height) {
            let row = &data[y * width * bytes..(y + 1) * width * bytes];
            for &x in &columns {
                out.extend_from_slice(&row[x * bytes..(x + 1) * bytes]);
            }
        }
        return Image::from_u8(size.0, size.1, channels, out);
    }
    let (function, radius) = kernel(filter)?;
    let down = (height != to_height).then(|| Weights::new(height, to_height, function, radius));
    let mut narrow = Vec::new();
    let mut first = 0;
    if width != to_width {
        let across = Weights::new(width, to_width, function, radius);
        // Rows that no output row looks at are left out.
        let rows = down.as_ref().map_or(0..height, Weights::reach);
        first = rows.start;
        narrow = vec![0; rows.len() * to_width * bytes];
        let source = &data[rows.start * width * bytes..rows.end * width * bytes];
        for (row, to) in
            source.chunks_exact(width * bytes).zip(narrow.chunks_exact_mut(to_width * bytes))
        {
            if bytes == 3 { along_rgb(row, to, &across) } else { along_grey(row, to, &across) }
        }
    }
    let between = if width == to_width { data } else { &narrow };
    let Some(down) = down else {
        return Image::from_u8(size.0, size.1, channels, narrow);
    };
    let stride = to_width * bytes;
    let mut out = vec![0; samples];
    let mut sums = vec![0; stride];
    for (to, (start, weights)) in out.chunks_exact_mut(stride).zip(down.iter()) {
        sums.fill(HALF);
        for (k, &weight) in weights.iter().enumerate() {
            let from = (start - first + k) * stride;
            add(&between[from..from + stride], weight, &mut sums);
        }
        round(&sums, to);
    }
    Image::from_u8(size.0, size.1, channels, out)
}

/// Source pixels of a nearest neighbour: the position is stepped on, not multiplied, and so carries
/// Pillow's rounding.
fn steps(length: usize, count: usize) -> Vec<usize> {
    let step = length as f64 / count as f64;
    let mut at = step * 0.5;
    let mut places = Vec::with_capacity(count);
    for _ in 0..count {
        places.push((at as usize).min(length - 1));
        at += step;
    }
    places
}

/// A filter, and the distance from which it is 0.
type Kernel = (fn(f64) -> f64, f64);

fn kernel(filter: Filter) -> Result<Kernel> {
    let kernel: Kernel = match filter {
        Filter::Box => (|x| if x > -0.5 && x <= 0.5 { 1.0 } else { 0.0 }, 0.5),
        Filter::Bilinear => (|x| (1.0 - x.abs()).max(0.0), 1.0),
        Filter::Hamming => (hamming_single, 1.0),
        Filter::CatmullRom => (cubic, 2.0),
        Filter::Lanczos3 => (lanczos3, 3.0),
        Filter::Nearest | Filter::Mitchell | Filter::Gaussian => {
            return Err(Error::unsupported(
                "a filter that Pillow does not have",
                "use box, bilinear, hamming, catmull-rom or lanczos3",
            ));
        }
    };
    Ok(kernel)
}

fn cubic(x: f64) -> f64 {
    const A: f64 = -0.5;
    let x = x.abs();
    if x < 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * A
    } else {
        0.0
    }
}

/// Bits of weights behind the point.
const BITS: u32 = 22;
const HALF: i32 = 1 << (BITS - 1);

/// The weights of every output pixel along one axis.
struct Weights {
    /// Room for weights per output pixel; what an output pixel does not use is 0.
    room: usize,
    weights: Vec<i32>,
    /// First source pixel, and how many.
    spans: Vec<(usize, usize)>,
}

impl Weights {
    fn new(length: usize, count: usize, function: fn(f64) -> f64, radius: f64) -> Self {
        let scale = length as f64 / count as f64;
        let wide = scale.max(1.0);
        let support = radius * wide;
        let room = support.ceil() as usize * 2 + 1;
        let mut weights = vec![0; room * count];
        let mut spans = Vec::with_capacity(count);
        let mut exact = Vec::with_capacity(room);
        for (i, to) in weights.chunks_exact_mut(room).enumerate() {
            let centre = (i as f64 + 0.5) * scale;
            let start = (centre - support + 0.5).max(0.0) as usize;
            let end = ((centre + support + 0.5) as usize).min(length);
            let step = 1.0 / wide;
            exact.clear();
            exact.extend((start..end).map(|k| function((k as f64 - centre + 0.5) * step)));
            let sum: f64 = exact.iter().fold(0.0, |sum, w| sum + w);
            for (to, &w) in to.iter_mut().zip(&exact) {
                let w = if sum == 0.0 { w } else { w / sum } * f64::from(1 << BITS);
                *to = (if w < 0.0 { w - 0.5 } else { w + 0.5 }) as i32;
            }
            spans.push((start, exact.len().min(room)));
        }
        Self { room, weights, spans }
    }

    /// First source pixel and weights of each output pixel.
    fn iter(&self) -> impl Iterator<Item = (usize, &[i32])> {
        self.spans
            .iter()
            .zip(self.weights.chunks_exact(self.room))
            .map(|(&(start, count), weights)| (start, &weights[..count]))
    }

    /// The source pixels that are looked at.
    fn reach(&self) -> std::ops::Range<usize> {
        let start = self.spans.first().map_or(0, |s| s.0);
        start..self.spans.last().map_or(start, |s| s.0 + s.1)
    }
}

#[inline(always)]
fn clipped(sum: i32) -> u8 {
    (sum >> BITS).clamp(0, 255) as u8
}

#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn along_rgb(row: &[u8], to: &mut [u8], weights: &Weights) {
    let pixels = row.as_chunks::<3>().0;
    for (to, (start, weights)) in to.as_chunks_mut::<3>().0.iter_mut().zip(weights.iter()) {
        let mut sums = [HALF; 3];
        for (pixel, &weight) in pixels[start..start + weights.len()].iter().zip(weights) {
            for (sum, &v) in sums.iter_mut().zip(pixel) {
                *sum = sum.wrapping_add(i32::from(v).wrapping_mul(weight));
            }
        }
        *to = sums.map(clipped);
    }
}

#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn along_grey(row: &[u8], to: &mut [u8], weights: &Weights) {
    for (to, (start, weights)) in to.iter_mut().zip(weights.iter()) {
        let products = row[start..start + weights.len()].iter().zip(weights);
        let sum =
            products.fold(HALF, |sum, (&v, &w)| sum.wrapping_add(i32::from(v).wrapping_mul(w)));
        *to = clipped(sum);
    }
}

#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn add(row: &[u8], weight: i32, sums: &mut [i32]) {
    for (sum, &v) in sums.iter_mut().zip(row) {
        *sum = sum.wrapping_add(i32::from(v).wrapping_mul(weight));
    }
}

#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn round(sums: &[i32], to: &mut [u8]) {
    for (to, &sum) in to.iter_mut().zip(sums) {
        *to = clipped(sum);
    }
}
