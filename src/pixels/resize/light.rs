//! Samples as amounts of light.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::image::Samples;

/// In which numbers pixels are averaged.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Light {
    /// The numbers as stored. What nearly every program does, and what models were trained on.
    #[default]
    Gamma,
    /// Amounts of light: sRGB's curve is undone in 16 bits before and applied afterwards. Fine bright
    /// detail on dark ground keeps its brightness.
    Linear,
}

/// sRGB's curve (IEC 61966-2-1) and its inverse, for 16 bits.
#[derive(Debug)]
pub(super) struct Tables {
    /// Light of each stored number, 0–65535 for 0–65535.
    decode: Vec<u16>,
    /// Stored number of each amount of light.
    encode: Vec<u16>,
    /// The same in 8 bits.
    encode8: Vec<u8>,
}

const TOP: f64 = 65535.0;

impl Default for Tables {
    fn default() -> Self {
        let rounded = |v: f64| (v * TOP + 0.5) as u16;
        let encoded: Vec<f64> = (0..=u16::MAX).map(|l| encoded(f64::from(l) / TOP)).collect();
        Self {
            decode: (0..=u16::MAX).map(|s| rounded(decoded(f64::from(s) / TOP))).collect(),
            encode8: encoded.iter().map(|&s| (s * 255.0 + 0.5) as u8).collect(),
            encode: encoded.into_iter().map(rounded).collect(),
        }
    }
}

fn decoded(stored: f64) -> f64 {
    if stored <= 0.04045 { stored / 12.92 } else { libm::pow((stored + 0.055) / 1.055, 2.4) }
}

fn encoded(light: f64) -> f64 {
    if light <= 0.003_130_8 { light * 12.92 } else { 1.055 * libm::pow(light, 1.0 / 2.4) - 0.055 }
}

impl Tables {
    /// The light of samples. Alpha, the last of 2 or 4 channels, is no light and keeps its share.
    pub(super) fn decoded(&self, samples: &Samples, channels: u8) -> Vec<u16> {
        let mut light: Vec<u16> = match samples {
            Samples::U8(v) => v.iter().map(|&s| u16::from(s).wrapping_mul(257)).collect(),
            Samples::U16(v) => v.clone(),
            Samples::F32(_) => Vec::new(),
        };
        for pixel in light.chunks_exact_mut(channels.into()) {
            for sample in &mut pixel[..colours(channels)] {
                *sample = self.decode[usize::from(*sample)];
            }
        }
        light
    }

    /// The samples of `bits` (8 or 16) whose light is given.
    pub(super) fn encoded(&self, light: &[u16], channels: u8, bits: u8) -> Samples {
        let (channels, colours) = (usize::from(channels), colours(channels));
        if bits == 8 {
            let mut out = vec![0_u8; light.len()];
            for (to, from) in out.chunks_exact_mut(channels).zip(light.chunks_exact(channels)) {
                for (c, (to, &from)) in to.iter_mut().zip(from).enumerate() {
                    *to = if c < colours {
                        self.encode8[usize::from(from)]
                    } else {
                        ((u32::from(from) + 128) / 257) as u8
                    };
                }
            }
            return Samples::U8(out);
        }
        let mut out = light.to_vec();
        for pixel in out.chunks_exact_mut(channels) {
            for sample in &mut pixel[..colours] {
                *sample = self.encode[usize::from(*sample)];
            }
        }
        Samples::U16(out)
    }
}

/// How many of an image's channels are colours.
fn colours(channels: u8) -> usize {
    if channels < 3 { 1 } else { 3 }
}
