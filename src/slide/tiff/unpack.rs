//! From the bytes of a decompressed chunk to samples in their places: byte order, predictors, bits,
//! planes, alpha.

use super::chunk::Plane;
use super::layout::{Extra, Layout, Photometric};
use crate::error::{Error, Result};
use crate::image::Samples;

/// Turns rows of bytes into samples: undoes the predictor, the byte order and the packing of bits.
/// Samples of 1, 2 and 4 bits are stretched to 0–255 (times 255, 85 and 17).
pub fn samples(
    layout: &Layout,
    mut bytes: Vec<u8>,
    width: usize,
    per_pixel: usize,
) -> Result<Samples> {
    let row = width * per_pixel;
    match (layout.bits, layout.float) {
        (1 | 2 | 4, _) => Ok(Samples::U8(stretch(&bytes, row, layout.bits))),
        (8, _) => {
            if layout.predictor == 2 {
                sum_up(&mut bytes, row, per_pixel, u8::wrapping_add);
            }
            Ok(Samples::U8(bytes))
        }
        (16, _) => {
            let read = if layout.little { u16::from_le_bytes } else { u16::from_be_bytes };
            let mut values: Vec<u16> = bytes.chunks_exact(2).map(|b| read([b[0], b[1]])).collect();
            if layout.predictor == 2 {
                sum_up(&mut values, row, per_pixel, u16::wrapping_add);
            }
            Ok(Samples::U16(values))
        }
        (32, true) => {
            if layout.predictor == 3 {
                return Ok(Samples::F32(float_differences(bytes, row, per_pixel)));
            }
            let read = if layout.little { u32::from_le_bytes } else { u32::from_be_bytes };
            let mut values: Vec<u32> =
                bytes.chunks_exact(4).map(|b| read([b[0], b[1], b[2], b[3]])).collect();
            if layout.predictor == 2 {
                sum_up(&mut values, row, per_pixel, u32::wrapping_add);
            }
            Ok(Samples::F32(values.into_iter().map(f32::from_bits).collect()))
        }
        (bits, _) => Err(Error::Bug { message: format!("{bits}-bit samples passed the layout") }),
    }
}

/// Undoes horizontal differences: each sample is stored less the one `step` before it in its row.
fn sum_up<T: Copy>(values: &mut [T], row: usize, step: usize, add: impl Fn(T, T) -> T) {
    for line in values.chunks_exact_mut(row) {
        for i in step..row {
            line[i] = add(line[i], line[i - step]);
        }
    }
}

/// Unpacks rows that begin at whole bytes, most significant bits first.
fn stretch(bytes: &[u8], row: usize, bits: u8) -> Vec<u8> {
    let (bits, per_byte) = (usize::from(bits), 8 / usize::from(bits));
    let mask = (1_u8 << bits) - 1;
    let factor = 255 / mask;
    let line = row.div_ceil(per_byte);
    bytes
        .chunks_exact(line)
        .flat_map(|line| {
            (0..row).map(move |i| {
                let shift = 8 - bits * (i % per_byte + 1);
                (line[i / per_byte] >> shift & mask) * factor
            })
        })
        .collect()
}

/// Predictor 3 (TIFF Technical Note 3): each row holds the highest bytes of all its samples, then the
/// next ones, …, as byte differences across the whole row.
fn float_differences(mut bytes: Vec<u8>, row: usize, per_pixel: usize) -> Vec<f32> {
    let mut values = Vec::with_capacity(bytes.len() / 4);
    sum_up(&mut bytes, row * 4, per_pixel, u8::wrapping_add);
    for line in bytes.chunks_exact(row * 4) {
        values.extend((0..row).map(|i| {
            f32::from_be_bytes([line[i], line[row + i], line[2 * row + i], line[3 * row + i]])
        }));
    }
    values
}

/// Puts planes together, drops samples without a meaning, crops to `valid` (columns, rows), turns
/// white-is-zero round and makes alpha straight.
pub fn arrange(planes: Vec<Plane>, layout: &Layout, valid: (usize, usize)) -> Result<Samples> {
    let channels = usize::from(layout.channels());
    let mismatch = || Error::Bug { message: "planes of different kinds".into() };
    let Some(first) = planes.first() else {
        return Err(mismatch());
    };
    let (width, per_pixel) = (first.width, first.per_pixel);
    if planes.iter().any(|p| p.width != width) {
        return Err(Error::format("its planes", "have different widths"));
    }
    macro_rules! gather {
        ($kind:ident) => {{
            let mut data = Vec::with_capacity(planes.len());
            for plane in planes {
                match plane.samples {
                    Samples::$kind(values) => data.push(values),
                    _ => return Err(mismatch()),
                }
            }
            join(data, width, per_pixel, channels, valid)
        }};
    }
    let mut samples = match first.samples {
        Samples::U8(_) => Samples::U8(gather!(U8)),
        Samples::U16(_) => Samples::U16(gather!(U16)),
        Samples::F32(_) => Samples::F32(gather!(F32)),
    };
    if layout.photometric == Photometric::WhiteIsZero {
        match &mut samples {
            Samples::U8(v) => v.chunks_exact_mut(channels).for_each(|p| p[0] = !p[0]),
            Samples::U16(v) => v.chunks_exact_mut(channels).for_each(|p| p[0] = !p[0]),
            Samples::F32(_) => return Err(mismatch()),
        }
    }
    if layout.extra == Extra::AssociatedAlpha {
        straighten(&mut samples, channels);
    }
    Ok(samples)
}

/// Interleaves and crops. The common case, one plane of whole rows without spare samples, moves.
fn join<T: Copy>(
    mut planes: Vec<Vec<T>>,
    width: usize,
    per_pixel: usize,
    channels: usize,
    (columns, rows): (usize, usize),
) -> Vec<T> {
    if planes.len() == 1 && per_pixel == channels {
        let mut data = planes.swap_remove(0);
        if width == columns {
            data.truncate(columns * rows * channels);
            return data;
        }
        let mut cropped = Vec::with_capacity(columns * rows * channels);
        for line in data.chunks_exact(width * channels).take(rows) {
            cropped.extend_from_slice(&line[..columns * channels]);
        }
        return cropped;
    }
    let mut data = Vec::with_capacity(columns * rows * channels);
    for y in 0..rows {
        for x in 0..columns {
            let pixel = y * width + x;
            if per_pixel == 1 {
                data.extend(planes.iter().take(channels).map(|plane| plane[pixel]));
            } else {
                let at = pixel * per_pixel;
                data.extend_from_slice(&planes[0][at..at + channels]);
            }
        }
    }
    data
}

/// Divides the colours by their alpha, downwards, as Pillow does; colours of alpha 0 stay.
fn straighten(samples: &mut Samples, channels: usize) {
    match samples {
        Samples::U8(v) => v.chunks_exact_mut(channels).for_each(|pixel| {
            if let Some((&mut alpha @ 1.., colours)) = pixel.split_last_mut() {
                for c in colours {
                    *c = (u32::from(*c) * 255 / u32::from(alpha)).min(255) as u8;
                }
            }
        }),
        Samples::U16(v) => v.chunks_exact_mut(channels).for_each(|pixel| {
            if let Some((&mut alpha @ 1.., colours)) = pixel.split_last_mut() {
                for c in colours {
                    *c = (u64::from(*c) * 65_535 / u64::from(alpha)).min(65_535) as u16;
                }
            }
        }),
        Samples::F32(v) => v.chunks_exact_mut(channels).for_each(|pixel| {
            if let Some((&mut alpha, colours)) = pixel.split_last_mut()
                && alpha > 0.0
            {
                colours.iter_mut().for_each(|c| *c /= alpha);
            }
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_stretched_and_rows_begin_at_bytes() {
        // Rows of 5 samples: 1 0 1 1 0 | padding.
        assert_eq!(
            stretch(&[0b1011_0111, 0b0100_1000], 5, 1),
            [255, 0, 255, 255, 0, 0, 255, 0, 0, 255]
        );
        assert_eq!(stretch(&[0b0001_1011], 4, 2), [0, 85, 170, 255]);
        assert_eq!(stretch(&[0x1F, 0x80], 3, 4), [17, 255, 136]);
    }

    #[test]
    fn differences_are_summed_within_rows_and_wrap() {
        // Two rows of two RGB pixels.
        let mut values = [10, 20, 30, 1, 255, 250, 1, 2, 3, 1, 1, 1];
        sum_up(&mut values, 6, 3, u8::wrapping_add);
        assert_eq!(values, [10, 20, 30, 11, 19, 24, 1, 2, 3, 2, 3, 4]);
    }

    #[test]
    fn float_differences_by_hand() {
        // 1.0 = 3F800000, 2.0 = 40000000: planes 3F 40 | 80 00 | 00 00 | 00 00, then differences.
        let row = vec![0x3F, 0x01, 0x40, 0x80, 0x00, 0x00, 0x00, 0x00];
        assert_eq!(float_differences(row, 2, 1), [1.0, 2.0]);
    }

    #[test]
    fn planes_are_interleaved_and_cropped() {
        // Three planes of 3 × 2, of which 2 × 2 are valid.
        let plane = |c: u8| vec![c, c + 1, 99, c + 2, c + 3, 99];
        let joined = join(vec![plane(10), plane(20), plane(30)], 3, 1, 3, (2, 2));
        assert_eq!(joined, [10, 20, 30, 11, 21, 31, 12, 22, 32, 13, 23, 33]);
    }

    #[test]
    fn spare_samples_are_dropped() {
        assert_eq!(join(vec![vec![1, 2, 3, 9, 4, 5, 6, 9]], 2, 4, 3, (2, 1)), [1, 2, 3, 4, 5, 6]);
        assert_eq!(join(vec![vec![1, 2, 3, 4, 5, 6]], 3, 1, 1, (2, 2)), [1, 2, 4, 5]);
    }

    #[test]
    fn alpha_becomes_straight() {
        // 64 · 255 / 128 = 127.5, downwards; alpha 0 keeps its colours.
        let mut samples = Samples::U8(vec![64, 128, 200, 128, 5, 6, 7, 0]);
        straighten(&mut samples, 4);
        assert_eq!(samples, Samples::U8(vec![127, 255, 255, 128, 5, 6, 7, 0]));
    }
}
