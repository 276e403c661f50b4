//! Rectangles that are blotted out.

use crate::error::Result;
use crate::image::Image;
use crate::pixels::blur::Frame;
use crate::random::Stream;

/// A rectangle of pixels: columns `x..x + width`, rows `y..y + height`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rect {
    /// Its leftmost column.
    pub x: u32,
    /// Its uppermost row.
    pub y: u32,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// What a hole is filled with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// One colour; grey images take the first value.
    Colour([u8; 3]),
    /// The mean of the image, each channel's by itself, rounded to the nearest level, halves up.
    Mean,
}

/// Fills rectangles with a colour. What of them lies outside the image is left out; none changes
/// nothing.
///
/// # Errors
/// [`crate::Error::Unsupported`] for what is not 8-bit grey or RGB.
pub fn coarse(image: &Image, holes: &[Rect], fill: Fill) -> Result<Image> {
    let frame = Frame::of(image)?;
    let (pitch, channels) = (frame.pitch(), frame.channels);
    let colour = match fill {
        Fill::Colour(colour) => colour,
        Fill::Mean => means(&frame),
    };
    let mut out = frame.bytes.to_vec();
    for hole in holes {
        let columns = within(hole.x, hole.width, frame.width);
        let rows = within(hole.y, hole.height, frame.height);
        for row in out.chunks_exact_mut(pitch).take(rows.end).skip(rows.start) {
            let row = &mut row[columns.start * channels..columns.end * channels];
            for pixel in row.chunks_exact_mut(channels) {
                pixel.copy_from_slice(&colour[..channels]);
            }
        }
    }
    frame.filled(out)
}

/// Draws `count` holes for an image of `size` (width, height): sides from `least` to `most` pixels
/// (width, height), cut to the image's, each as likely, then each place in which the hole lies inside.
/// Four words of the stream and more for each.
pub fn draw(
    size: (u32, u32),
    count: u32,
    least: (u32, u32),
    most: (u32, u32),
    stream: &mut Stream,
) -> Vec<Rect> {
    let mut side = |least: u32, most: u32, length: u32| {
        let most = most.min(length);
        let least = least.min(most);
        let side = least + stream.below((most - least).saturating_add(1));
        (stream.below((length - side).saturating_add(1)), side)
    };
    (0..count)
        .map(|_| {
            let (x, width) = side(least.0, most.0, size.0);
            let (y, height) = side(least.1, most.1, size.1);
            Rect { x, y, width, height }
        })
        .collect()
}

fn within(start: u32, length: u32, limit: usize) -> std::ops::Range<usize> {
    let end = (start as usize).saturating_add(length as usize).min(limit);
    (start as usize).min(end)..end
}

fn means(frame: &Frame<'_>) -> [u8; 3] {
    let mut sums = [0_u64; 3];
    for pixel in frame.bytes.chunks_exact(frame.channels) {
        for (sum, &level) in sums.iter_mut().zip(pixel) {
            *sum = sum.wrapping_add(level.into());
        }
    }
    let pixels = (frame.width * frame.height) as u64;
    sums.map(|sum| ((2 * sum + pixels) / (2 * pixels)) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_filled_and_cut_to_the_image() {
        let image = Image::from_u8(4, 3, 1, (1..=12).collect()).unwrap();
        let holes = [
            Rect { x: 1, y: 1, width: 2, height: 1 },
            Rect { x: 3, y: 2, width: u32::MAX, height: 9 },
            Rect { x: 9, y: 9, width: 1, height: 1 },
        ];
        let found = coarse(&image, &holes, Fill::Colour([0, 7, 7])).unwrap();
        assert_eq!(found.as_u8().unwrap(), [1, 2, 3, 4, 5, 0, 0, 8, 9, 10, 11, 0]);
        // The mean is 6.5: 7.
        let found = coarse(&image, &holes[..1], Fill::Mean).unwrap();
        assert_eq!(found.as_u8().unwrap(), [1, 2, 3, 4, 5, 7, 7, 8, 9, 10, 11, 12]);
    }

    #[test]
    fn drawn_holes_lie_inside() {
        let mut stream = Stream::from_key([1; 16]);
        let holes = draw((40, 20), 200, (3, 3), (10, 50), &mut stream);
        assert!(holes.iter().all(|h| h.x + h.width <= 40 && h.y + h.height <= 20));
        assert!(holes.iter().all(|h| (3..=10).contains(&h.width) && h.height >= 3));
        assert!((3..=10).all(|width| holes.iter().any(|h| h.width == width)));
        assert!(holes.iter().any(|h| h.height == 20));
    }
}
