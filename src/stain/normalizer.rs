//! One door to all that changes pixels.

use super::OdScale;
use super::concentration::Unmixing;
use super::factors::{Factors, whole_pixels};
use super::nonneg::NonNegative;
use super::profile::{Method, Profile, Stains};
use super::reinhard::Reinhard;
use crate::error::{Error, Result};

/// How a value becomes a byte.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Cast {
    /// Towards zero: part of the definition of torchstain and StainTools.
    #[default]
    Truncate,
    /// To the nearest.
    Round,
}

impl Cast {
    /// What is added to a value before its fraction is cut off.
    pub(super) fn half(self) -> f32 {
        match self {
            Self::Truncate => 0.0,
            Self::Round => 0.5,
        }
    }
}

/// How pixels are changed.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ApplyOptions {
    /// How a value becomes a byte.
    pub cast: Cast,
    /// Take negative amounts of a stain for none (Macenko, Ruifrok). The map is then no longer linear in
    /// the density, and the product of tables does not hold.
    pub clip_negative: bool,
    /// Pixels that are not tissue (density of at least this in every channel) are kept, byte for byte.
    pub keep_background: Option<f64>,
}

/// Changes pixels from the stains of one profile to those of another.
///
/// | source profile | map | |
/// |---|---|---|
/// | least squares (Macenko, Ruifrok) | linear in the density | [`Factors`] |
/// | with `lambda` (Vahadane), or `clip_negative` | amounts, not negative, and back | `nonneg` |
/// | CIELAB moments (Reinhard, modified) | three factors and three offsets | `reinhard` |
///
/// Where the profile of a source is also the target, pixels stay what they are only as far as two
/// stains make them up: what is left of a density outside the plane of the stains is lost, as it is in
/// every implementation of these methods. A scale with an `offset` gives that back on top (torchstain's
/// white of 240 becomes 241): it is added before the logarithm and, by that definition, not taken off
/// again.
#[derive(Debug, Clone)]
pub struct Normalizer {
    map: Map,
    cast: Cast,
    /// The largest samples of tissue, where pixels that are none are to be put back.
    background: Option<[Option<u8>; 3]>,
}

#[derive(Debug, Clone)]
enum Map {
    Linear(Factors),
    NonNegative(NonNegative),
    Reinhard(Reinhard),
}

/// Pixels that are mapped before the background among them is put back: they and the tables stay in
/// the first cache. A multiple of four, so that no block but the last has a remainder.
const BLOCK_PX: usize = 1024;

impl Normalizer {
    /// Two profiles with stains go together whatever their methods (each has its own scale), and so do
    /// two with CIELAB moments: then the source's method says which formula it is.
    ///
    /// # Errors
    /// [`Error::Params`] when only one of the two has stains, or one is unusable ([`Profile::check`]).
    pub fn new(source: &Profile, target: &Profile, options: &ApplyOptions) -> Result<Self> {
        source.check()?;
        target.check()?;
        let unusable =
            || Error::params("stains", "the map between the profiles has no finite numbers");
        let (map, scale) = match (is_lab(source.method), is_lab(target.method)) {
            (true, true) => {
                let moments = |profile: &Profile| profile.lab.ok_or_else(unusable);
                let map = Reinhard::new(source.method, &moments(source)?, &moments(target)?);
                (Map::Reinhard(map), OdScale::torchstain([240.0; 3]))
            }
            (false, false) => {
                let stains = |profile: &Profile| profile.stains.ok_or_else(unusable);
                let (from, to) = (stains(source)?, stains(target)?);
                let map = if options.clip_negative || from.lambda.is_some() {
                    NonNegative::new(&from, &to).map(Map::NonNegative)
                } else {
                    linear(&from, &to).map(Map::Linear)
                };
                (map.ok_or_else(unusable)?, from.scale)
            }
            _ => {
                let message = format!(
                    "the source's is {:?} and the target's {:?}: one counts stains, the other colours",
                    source.method, target.method
                );
                return Err(Error::params("method", message));
            }
        };
        let background = match options.keep_background {
            Some(beta) if !beta.is_finite() => {
                return Err(Error::params("keep_background", format!("{beta} is no density")));
            }
            beta => beta.map(|beta| scale.darkest_light(beta)),
        };
        Ok(match (map, background) {
            // The product of tables does it on the way.
            (Map::Linear(map), Some(light)) => {
                Self { map: Map::Linear(map.keeping(light)), cast: options.cast, background: None }
            }
            (map, background) => Self { map, cast: options.cast, background },
        })
    }

    /// Normalises pixels (R, G, B interleaved) into `out`. Each pixel is changed alone, whatever stands
    /// around it; nothing is allocated.
    ///
    /// # Errors
    /// [`Error::Bug`] when the two are not of one length, or not of whole pixels.
    pub fn apply(&self, rgb: &[u8], out: &mut [u8]) -> Result<()> {
        let Some(light) = self.background else {
            return self.map(rgb, out);
        };
        whole_pixels(rgb, out)?;
        for (rgb, out) in rgb.chunks(3 * BLOCK_PX).zip(out.chunks_mut(3 * BLOCK_PX)) {
            self.map(rgb, out)?;
            put_back(rgb, out, light);
        }
        Ok(())
    }

    fn map(&self, rgb: &[u8], out: &mut [u8]) -> Result<()> {
        match &self.map {
            Map::Linear(map) => map.apply(rgb, out, self.cast),
            Map::NonNegative(map) => map.apply(rgb, out, self.cast),
            Map::Reinhard(map) => map.apply(rgb, out, self.cast),
        }
    }
}

fn is_lab(method: Method) -> bool {
    matches!(method, Method::Reinhard | Method::ReinhardModified)
}

/// `od' = target.matrixᵀ · diag(ratio of the maxima) · pseudo-inverse(source.matrix) · od`.
fn linear(source: &Stains, target: &Stains) -> Option<Factors> {
    let inverse = *Unmixing::new(source.matrix, None)?.inverse();
    let part = |stain: usize, c: usize, k: usize| {
        let ratio = target.max_concentrations[stain] / source.max_concentrations[stain];
        target.matrix[stain][c] * ratio * inverse[stain][k]
    };
    let m = [0, 1, 2].map(|c| [0, 1, 2].map(|k| part(0, c, k) + part(1, c, k)));
    Factors::linear(&m, &source.scale, target.scale.io)
}

/// Copies what is no tissue.
fn put_back(rgb: &[u8], out: &mut [u8], light: [Option<u8>; 3]) {
    // A channel in which nothing is dense enough: no pixel is tissue.
    let [Some(r), Some(g), Some(b)] = light else {
        return out.copy_from_slice(rgb);
    };
    for (pixel, out) in rgb.as_chunks::<3>().0.iter().zip(out.as_chunks_mut::<3>().0) {
        // Without a branch: tissue and background alternate as they like.
        let tissue = (pixel[0] <= r) & (pixel[1] <= g) & (pixel[2] <= b);
        let word = |p: &[u8; 3]| u32::from_le_bytes([p[0], p[1], p[2], 0]);
        let keep = u32::from(tissue).wrapping_sub(1);
        let [r, g, b, _] = ((word(pixel) & keep) | (word(out) & !keep)).to_le_bytes();
        *out = [r, g, b];
    }
}
