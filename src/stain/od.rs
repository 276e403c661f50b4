//! Optical density of 8-bit samples.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How an 8-bit sample becomes an optical density (natural logarithm):
/// `od = −ln(max(sample + offset, 1) / io)`, and not below `floor` where there is one.
///
/// Beer–Lambert: stains attenuate light exponentially, so that densities of stains add up. Only 256
/// values per channel exist; they are computed once, in `f64`, with `libm`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OdScale {
    /// Light that passes where there is nothing, per channel (R, G, B), 1–512.
    pub io: [f64; 3],
    /// What is added to a sample before the logarithm, 0 or 1.
    pub offset: f64,
    /// Least density; null where negative ones (brighter than `io`) are kept.
    pub floor: Option<f64>,
}

impl OdScale {
    /// That of torchstain, HEnorm and mitkovetta: `−ln((sample + 1) / io)`, negative ones kept;
    /// `io` is 240 there.
    pub fn torchstain(io: [f64; 3]) -> Self {
        Self { io, offset: 1.0, floor: None }
    }

    /// That of StainTools and tiatoolbox: `max(−ln(max(sample, 1) / 255), 1e-6)`.
    pub fn staintools() -> Self {
        Self { io: [255.0; 3], offset: 0.0, floor: Some(1e-6) }
    }

    /// Density of a sample of a channel (0 red, 1 green, 2 blue).
    pub fn density(&self, channel: usize, sample: u8) -> f64 {
        let light = (f64::from(sample) + self.offset).max(1.0);
        let density = -libm::log(light / self.io[channel]);
        self.floor.map_or(density, |floor| density.max(floor))
    }

    /// Densities of all samples, by channel.
    pub fn table(&self) -> [[f64; 256]; 3] {
        let mut table = [[0.0; 256]; 3];
        for (channel, row) in table.iter_mut().enumerate() {
            for (sample, value) in (0..=255).zip(row.iter_mut()) {
                *value = self.density(channel, sample);
            }
        }
        table
    }

    /// For each channel the largest sample whose density is at least `beta`: a pixel is tissue when
    /// none of its samples is larger (torchstain's rule: all channels dense). `None` where no sample is
    /// that dense.
    pub fn darkest_light(&self, beta: f64) -> [Option<u8>; 3] {
        [0, 1, 2]
            .map(|channel| (0..=255).rev().find(|&sample| self.density(channel, sample) >= beta))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tissue_of_the_torchstain_rule_is_at_most_205() {
        let scale = OdScale::torchstain([240.0; 3]);
        assert_eq!(scale.darkest_light(0.15), [Some(205); 3]);
        assert!((scale.density(0, 255) + 0.064_538_521).abs() < 1e-9);
        assert!((scale.density(2, 0) - 5.480_638_923).abs() < 1e-9);
    }

    #[test]
    fn staintools_never_goes_below_its_floor() {
        let table = OdScale::staintools().table();
        assert_eq!(table[1][255], 1e-6);
        assert_eq!(table[1][0], table[1][1]);
        assert!(table.iter().flatten().all(|od| od.is_finite() && *od >= 1e-6));
    }
}
