//! Counted colours: what every fit is made from.

use crate::digest::Digest;
use crate::error::{Error, Result};

/// First bytes of a pool's file, its version in the last.
const MAGIC: &[u8; 8] = b"MTpool\0\x01";

/// A multiset of colours, and counts by channel of all pixels that they were chosen from.
///
/// Pools add up: the pool of a slide is the sum of those of its patches, whoever counted them, in any
/// order. All counts are integers, so the sum has one value, and so has whatever is fitted on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// `r << 16 | g << 8 | b`, ascending, each once, with its count (at least 1).
    colours: Vec<(u32, u64)>,
    /// How often each sample value stood in each channel, over all pixels that were looked at.
    channels: [[u64; 256]; 3],
    images: u64,
}

impl Default for Pool {
    /// Nothing.
    fn default() -> Self {
        Self { colours: Vec::new(), channels: [[0; 256]; 3], images: 0 }
    }
}

impl Pool {
    /// All pixels of one image: `rgb` holds R, G, B of each pixel, interleaved; an incomplete last
    /// pixel is left out.
    pub fn of_rgb(rgb: &[u8]) -> Self {
        let packed = rgb.as_chunks::<3>().0.iter().map(pack).collect();
        Self { colours: Self::of_packed(packed).colours, ..Self::seen(rgb) }
    }

    /// All tissue pixels of one image: those with no sample above `light` (see
    /// [`super::OdScale::darkest_light`]).
    pub fn of_tissue(rgb: &[u8], light: [Option<u8>; 3]) -> Self {
        let [Some(r), Some(g), Some(b)] = light else { return Self::seen(rgb) };
        let is_tissue = |p: &&[u8; 3]| p[0] <= r && p[1] <= g && p[2] <= b;
        let packed = rgb.as_chunks::<3>().0.iter().filter(is_tissue).map(pack).collect();
        Self { colours: Self::of_packed(packed).colours, ..Self::seen(rgb) }
    }

    /// What was looked at of one image: its pixels by channel, no colour yet.
    pub(super) fn seen(rgb: &[u8]) -> Self {
        let mut channels = [[0_u64; 256]; 3];
        for pixel in rgb.as_chunks::<3>().0 {
            for (row, sample) in channels.iter_mut().zip(pixel) {
                row[usize::from(*sample)] += 1;
            }
        }
        Self { colours: Vec::new(), channels, images: 1 }
    }

    /// Counted colours alone.
    pub(super) fn of_packed(mut packed: Vec<u32>) -> Self {
        packed.sort_unstable();
        let mut colours: Vec<(u32, u64)> = Vec::new();
        for colour in packed {
            match colours.last_mut() {
                Some((last, count)) if *last == colour => *count += 1,
                _ => colours.push((colour, 1)),
            }
        }
        Self { colours, ..Self::default() }
    }

    /// Adds another pool.
    pub fn merge(&mut self, other: &Self) {
        let (mine, theirs) = (std::mem::take(&mut self.colours), &other.colours);
        let mut sum = Vec::with_capacity(mine.len().max(theirs.len()));
        let (mut a, mut b) = (mine.into_iter().peekable(), theirs.iter().copied().peekable());
        loop {
            let next = match (a.peek(), b.peek()) {
                (None, None) => break,
                (Some(x), Some(y)) if x.0 == y.0 => {
                    let count = x.1.saturating_add(y.1);
                    b.next();
                    a.next().map(|(colour, _)| (colour, count))
                }
                (Some(x), Some(y)) if x.0 > y.0 => b.next(),
                (None, Some(_)) => b.next(),
                _ => a.next(),
            };
            sum.extend(next);
        }
        self.colours = sum;
        for (mine, theirs) in
            self.channels.iter_mut().flatten().zip(other.channels.iter().flatten())
        {
            *mine = mine.saturating_add(*theirs);
        }
        self.images = self.images.saturating_add(other.images);
    }

    /// The colours, ascending, each once: (R, G, B), and how many pixels have it.
    pub fn colours(&self) -> impl ExactSizeIterator<Item = ([u8; 3], u64)> + '_ {
        self.colours.iter().map(|(colour, count)| {
            let [_, r, g, b] = colour.to_be_bytes();
            ([r, g, b], *count)
        })
    }

    /// Pixels that were counted by colour.
    pub fn counted(&self) -> u64 {
        self.colours.iter().fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// Pixels that were looked at.
    pub fn pixels(&self) -> u64 {
        self.channels[0].iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Images that were looked at.
    pub fn images(&self) -> u64 {
        self.images
    }

    /// How often each sample value stood in each channel (red, green, blue) of all pixels that were
    /// looked at.
    pub fn channels(&self) -> &[[u64; 256]; 3] {
        &self.channels
    }

    /// Digest of [`Pool::to_bytes`].
    pub fn digest(&self) -> Digest {
        Digest::of(&self.to_bytes())
    }

    /// The pool as a file: magic, then LEB128 integers: images, the 3 × 256 channel counts, the number
    /// of colours, and each as the difference to the one before it and its count.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        put(&mut bytes, self.images);
        for count in self.channels.iter().flatten() {
            put(&mut bytes, *count);
        }
        put(&mut bytes, self.colours.len() as u64);
        let mut before = 0;
        for (colour, count) in &self.colours {
            put(&mut bytes, u64::from(colour - before));
            put(&mut bytes, *count);
            before = *colour;
        }
        bytes
    }

    /// Reads what [`Pool::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`Error::Format`] for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Self::read(bytes)
            .ok_or_else(|| Error::format("pool of colours", "is damaged or of another version"))
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(MAGIC)?;
        let mut pool = Self { images: take(&mut rest)?, ..Self::default() };
        for count in pool.channels.iter_mut().flatten() {
            *count = take(&mut rest)?;
        }
        let colours = take(&mut rest)?;
        let mut colour = 0_u64;
        for index in 0..colours {
            let step = take(&mut rest)?;
            if index > 0 && step == 0 {
                return None;
            }
            colour = colour.checked_add(step).filter(|colour| *colour < 1 << 24)?;
            pool.colours.push((colour as u32, take(&mut rest).filter(|count| *count > 0)?));
        }
        rest.is_empty().then_some(pool)
    }
}

/// `r << 16 | g << 8 | b`.
pub(super) fn pack(pixel: &[u8; 3]) -> u32 {
    u32::from_be_bytes([0, pixel[0], pixel[1], pixel[2]])
}

fn put(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let bits = u64::from(byte & 0x7F);
        if bits << shift >> shift != bits {
            return None;
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_sum_of_parts_is_the_pool_of_the_whole(
            pixels in prop::collection::vec(prop::array::uniform3(0_u8..6), 1..200),
            cut in 0_usize..200,
        ) {
            let cut = cut.min(pixels.len());
            let (a, b) = (pixels[..cut].as_flattened(), pixels[cut..].as_flattened());
            let mut sum = Pool::of_rgb(b);
            sum.merge(&Pool::of_rgb(a));
            let mut whole = Pool::of_rgb(pixels.as_flattened());
            whole.images = 2;
            prop_assert_eq!(&sum, &whole);
            prop_assert_eq!(sum.counted(), pixels.len() as u64);
            let bytes = sum.to_bytes();
            prop_assert_eq!(Pool::from_bytes(&bytes).unwrap(), sum);
            prop_assert!(Pool::from_bytes(&bytes[..bytes.len() - 1]).is_err());
        }

        #[test]
        fn hostile_bytes_are_an_error(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let hostile = [MAGIC.to_vec(), bytes].concat();
            if let Ok(pool) = Pool::from_bytes(&hostile) {
                prop_assert_eq!(Pool::from_bytes(&pool.to_bytes()).unwrap(), pool);
            }
        }
    }

    #[test]
    fn tissue_is_what_is_dark_in_all_channels() {
        let rgb: Vec<u8> = (0..100).flat_map(|n| [n, n, n]).chain([250, 3, 3]).collect();
        let pool = Pool::of_tissue(&rgb, [Some(205), Some(60), Some(205)]);
        assert_eq!((pool.counted(), pool.pixels(), pool.images()), (61, 101, 1));
        assert_eq!(Pool::of_tissue(&rgb, [Some(205), None, Some(205)]).counted(), 0);
    }
}
