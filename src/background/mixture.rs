//! A running background for series that are too long to be held in memory: a few modes for each pixel.
//!
//! Each pixel has up to three modes: a mean colour, a mean difference from it, and a weight. A sample that
//! lies near a mode (in every channel) draws the mode's mean towards itself by its share of the weight; one
//! that lies near none takes the place of the lightest mode. The background is the mean of the heaviest.
//! After Stauffer and Grimson (CVPR 1999, doi:10.1109/CVPR.1999.784637), in fixed point, with a mean of all
//! samples where they forget: a series is looked at as a whole, not as it comes in. Unlike a median, it finds
//! a background that was seen in less than half of the visits, if nothing else was seen as often.

use super::foreground::widened;
use super::still::Still;
use crate::error::{Error, Result};

/// Modes of a pixel.
const MODES: usize = 3;
/// Fractional bits of means and differences.
const FRACTION: u32 = 6;
/// The weight of a visit; its frames share it.
const VOICE: u32 = 240;
/// Nearest that a mode's reach may become, in levels, and the farthest.
const REACH: (u32, u32) = (10, 40);

#[derive(Clone, Copy, Debug)]
struct Mode<const C: usize> {
    mean: [u16; C],
    spread: u16,
    weight: u32,
}

impl<const C: usize> Mode<C> {
    fn takes(&self, sample: &[u8; C]) -> Option<u32> {
        if self.weight == 0 {
            return None;
        }
        let far = self.distance(sample);
        // Three mean differences; 1.25 of them are a standard deviation.
        let reach =
            u32::from(self.spread).wrapping_mul(3).clamp(REACH.0 << FRACTION, REACH.1 << FRACTION);
        (far <= reach).then_some(far)
    }

    fn distance(&self, sample: &[u8; C]) -> u32 {
        let far = self
            .mean
            .iter()
            .zip(sample)
            .map(|(m, s)| u32::from(*m).abs_diff(u32::from(*s) << FRACTION));
        far.max().unwrap_or(0)
    }

    fn learn(&mut self, sample: &[u8; C], far: u32, weight: u32) {
        self.weight = self.weight.saturating_add(weight);
        for (mean, sample) in self.mean.iter_mut().zip(sample) {
            *mean = drawn(*mean, u32::from(*sample) << FRACTION, weight, self.weight);
        }
        self.spread = drawn(self.spread, far, weight, self.weight);
    }
}

/// `mean + (value − mean) · weight / all`, rounded towards the mean.
fn drawn(mean: u16, value: u32, weight: u32, all: u32) -> u16 {
    let (mean, value) = (i64::from(mean), i64::from(value));
    (mean + (value - mean) * i64::from(weight) / i64::from(all.max(1))) as u16
}

/// The running background of frames with `C` channels.
#[derive(Debug)]
pub struct Mixture<const C: usize> {
    pixels: Vec<[Mode<C>; MODES]>,
}

impl<const C: usize> Mixture<C> {
    /// One of so many pixels that has seen nothing. Takes `3 · (2 C + 8)` bytes a pixel, rounded up to the
    /// machine's alignment.
    pub fn new(pixels: usize) -> Self {
        Self { pixels: vec![[Mode { mean: [0; C], spread: 0, weight: 0 }; MODES]; pixels] }
    }

    /// Looks at a frame, one of `of` of its visit.
    ///
    /// # Errors
    /// [`Error::Bug`] for a frame of another size.
    pub fn see(&mut self, frame: &[u8], of: usize) -> Result<()> {
        let (samples, rest) = frame.as_chunks::<C>();
        if samples.len() != self.pixels.len() || !rest.is_empty() {
            return Err(Error::Bug { message: "a frame of another size for a mixture".into() });
        }
        let weight = (VOICE / u32::try_from(of.max(1)).unwrap_or(u32::MAX)).max(1);
        for (modes, sample) in self.pixels.iter_mut().zip(samples) {
            let nearest = modes
                .iter()
                .enumerate()
                .filter_map(|(at, mode)| mode.takes(sample).map(|far| (far, at)))
                .min();
            if let Some((far, at)) = nearest {
                modes[at].learn(sample, far, weight);
                continue;
            }
            if let Some(lightest) = modes.iter_mut().min_by_key(|mode| mode.weight) {
                let mean = sample.map(|s| u16::from(s) << FRACTION);
                *lightest = Mode { mean, spread: 0, weight };
            }
        }
        Ok(())
    }

    /// The background as it now is.
    pub fn still(&self, width: usize) -> Still {
        let mut background = Vec::with_capacity(self.pixels.len() * C);
        let mut spread = Vec::with_capacity(self.pixels.len());
        let level = |fixed: u16| (u32::from(fixed) + (1 << (FRACTION - 1))) >> FRACTION;
        for modes in &self.pixels {
            // Of equals, the first: the one that was seen first.
            let heaviest = modes.iter().rev().max_by_key(|mode| mode.weight);
            let heaviest = heaviest.copied().unwrap_or(modes[0]);
            background.extend(heaviest.mean.map(|m| level(m).min(255) as u8));
            spread.push(level(heaviest.spread).min(255) as u8);
        }
        Still { spread: widened(&spread, width), background }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_that_was_seen_most_is_the_background() {
        // The background is seen in four of ten frames, everything else once or twice.
        let mut mixture = Mixture::<1>::new(2);
        for value in [50, 200, 52, 120, 160, 51, 201, 90, 51, 240] {
            mixture.see(&[value, 7], 1).unwrap();
        }
        assert_eq!(mixture.still(2).background, [51, 7]);
        assert!(mixture.still(2).spread[0] <= 1);
        assert!(mixture.see(&[1], 1).is_err());
    }

    #[test]
    fn the_frames_of_a_visit_share_its_weight() {
        let mut mixture = Mixture::<3>::new(1);
        for _ in 0..20 {
            mixture.see(&[200, 10, 10], 20).unwrap();
        }
        for _ in 0..2 {
            mixture.see(&[50, 60, 70], 1).unwrap();
        }
        assert_eq!(mixture.still(1).background, [50, 60, 70]);
    }
}
