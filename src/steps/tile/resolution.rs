//! Which level patches are read from, and by how much it is resampled.

use schemars::JsonSchema;
use serde::Serialize;

use super::params::Params;
use crate::error::{Error, Result};
use crate::slide::{Geometry, Level};

/// Two scales that differ by less than this are the same.
const SAME: f64 = 1e-6;

/// How much coarser than asked for a level may be and still be the one that is read: the sides of a
/// level are whole pixels, so that a level of "1.0" has 1.0004 µm/px. What is left is resampled, to
/// exactly what was asked for; reading the next level instead costs 4 to 16 times the pixels.
const COARSER: f64 = 1e-3;

/// Where the resolution of level 0 came from.
#[derive(Serialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum MppSource {
    /// The manifest's columns, which differ from the header.
    Manifest,
    /// The file's header.
    Header,
    /// The param `assume_mpp`.
    Assumed,
    /// Nobody knows it.
    None,
}

/// Resolution of level 0, and where it came from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Known {
    /// Micrometres per level-0 pixel along x and y.
    pub mpp: Option<[f64; 2]>,
    /// Where it came from.
    pub source: MppSource,
}

impl Known {
    /// Decides between the manifest's columns, the header and `assume_mpp`. A column without its
    /// fellow stands for that axis alone; the other axis is the header's, else the same.
    ///
    /// # Errors
    /// [`Error::Params`] when a column is not a positive number.
    pub fn decide(
        columns: [Option<f64>; 2],
        header: Option<(f64, f64)>,
        assumed: Option<f64>,
    ) -> Result<Self> {
        for (name, column) in ["slide.mpp_x", "slide.mpp_y"].iter().zip(columns) {
            if let Some(mpp) = column.filter(|c| !(c.is_finite() && *c > 0.0)) {
                return Err(Error::params(
                    "mpp",
                    format!("the manifest column `{name}` is {mpp}; µm/px is greater than 0"),
                ));
            }
        }
        let positive = |v: f64| v.is_finite() && v > 0.0;
        let header = header.filter(|h| positive(h.0) && positive(h.1)).map(|h| [h.0, h.1]);
        let given = match columns {
            [None, None] => None,
            [x, y] => {
                let x_or = x.or(header.map(|h| h[0])).or(y);
                let y_or = y.or(header.map(|h| h[1])).or(x);
                x_or.zip(y_or).map(|(x, y)| [x, y])
            }
        };
        let (mpp, source) = match (given, header, assumed) {
            (Some(given), header, _) if header != Some(given) => (Some(given), MppSource::Manifest),
            (_, Some(header), _) => (Some(header), MppSource::Header),
            (_, None, Some(assumed)) => (Some([assumed; 2]), MppSource::Assumed),
            (_, None, None) => (None, MppSource::None),
        };
        Ok(Self { mpp, source })
    }

    /// The resolution, for something that cannot do without.
    ///
    /// # Errors
    /// [`Error::Params`] on the field `field`, saying how to give it.
    pub fn require(&self, field: &str, what: &str, or: &str) -> Result<[f64; 2]> {
        self.mpp.ok_or_else(|| {
            Error::params(
                field,
                format!(
                    "{what} needs the slide's µm/px, which neither its header nor the manifest \
                     knows: give --assume-mpp, or fill the manifest columns `slide.mpp_x` and \
                     `slide.mpp_y`{or}"
                ),
            )
        })
    }
}

/// Level-0 pixels per pixel of a level, along x and y.
pub fn downsample(level: &Level) -> [f64; 2] {
    [level.downsample_x, level.downsample_y]
}

/// The coarsest level that takes at most `most` level-0 pixels per pixel on both axes; level 0 when
/// all are coarser.
pub fn best_level(geometry: &Geometry, most: [f64; 2]) -> usize {
    let fits = |level: &Level| {
        downsample(level).iter().zip(most).all(|(d, most)| *d <= most * (1.0 + COARSER))
    };
    geometry.levels.iter().rposition(fits).unwrap_or(0)
}

/// How patches come from a level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resolution {
    /// The level that is read.
    pub level: usize,
    /// Level-0 pixels per patch pixel, along x and y.
    pub scale_0: [f64; 2],
    /// Pixels of the level per patch pixel, along x and y; exactly 1 when pixels are copied.
    pub scale_level: [f64; 2],
    /// Micrometres per patch pixel along x and y, where known.
    pub mpp: Option<[f64; 2]>,
}

impl Resolution {
    /// What the params ask of this slide.
    ///
    /// # Errors
    /// [`Error::Params`] when the slide lacks what the param needs (µm/px, a magnification, a level),
    /// or when the patches would be finer than level 0 by more than `max_upsampling`.
    pub fn of(params: &Params, geometry: &Geometry, known: &Known) -> Result<Self> {
        let (field, scale_0) = if let Some(target) = params.mpp {
            let mpp = known.require("mpp", "`mpp`", "; or ask for --level or --objective")?;
            ("mpp", mpp.map(|mpp| target / mpp))
        } else if let Some(target) = params.objective {
            let native = geometry.objective.filter(|o| o.is_finite() && *o > 0.0);
            let native = native.ok_or_else(|| {
                Error::params(
                    "objective",
                    "the slide's header names no objective magnification: ask for --mpp or --level",
                )
            })?;
            ("objective", [native / target; 2])
        } else {
            let index = params.level.unwrap_or(0) as usize;
            let level = geometry.levels.get(index).ok_or_else(|| {
                Error::params(
                    "level",
                    format!("{index} will not do: the slide has {} levels", geometry.levels.len()),
                )
            })?;
            return Ok(Self::copied(index, level, known));
        };
        let finest = scale_0[0].min(scale_0[1]);
        if finest * params.max_upsampling < 1.0 - SAME {
            return Err(Error::params(
                field,
                format!(
                    "the patches would be {:.3} times finer than level 0 of the slide; at most {} is \
                     allowed (--max-upsampling)",
                    1.0 / finest,
                    params.max_upsampling
                ),
            ));
        }
        let index = best_level(geometry, scale_0);
        let level = &geometry.levels[index];
        let down = downsample(level);
        let scale_level = [scale_0[0] / down[0], scale_0[1] / down[1]];
        if scale_level.iter().all(|s| (s - 1.0).abs() < SAME) {
            return Ok(Self::copied(index, level, known));
        }
        let mpp = known.mpp.map(|mpp| [mpp[0] * scale_0[0], mpp[1] * scale_0[1]]);
        // What was asked for, not what comes back out of a division and a multiplication.
        let mpp = params.mpp.map_or(mpp, |target| Some([target; 2]));
        Ok(Self { level: index, scale_0, scale_level, mpp })
    }

    fn copied(index: usize, level: &Level, known: &Known) -> Self {
        let scale_0 = downsample(level);
        let mpp = known.mpp.map(|mpp| [mpp[0] * scale_0[0], mpp[1] * scale_0[1]]);
        Self { level: index, scale_0, scale_level: [1.0; 2], mpp }
    }

    /// Whether pixels are computed rather than copied.
    pub fn is_resampled(&self) -> bool {
        self.scale_level != [1.0; 2]
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake;
    use super::*;

    fn known(mpp: f64) -> Known {
        Known { mpp: Some([mpp; 2]), source: MppSource::Header }
    }

    fn of(params: Params, geometry: &Geometry, known: Known) -> Result<Resolution> {
        Resolution::of(&params, geometry, &known)
    }

    #[test]
    fn manifest_before_header_before_assumption() {
        let header = Some((0.25, 0.25));
        let decide = |c, h, a| Known::decide(c, h, a).unwrap();
        let at = |mpp, source| Known { mpp: Some(mpp), source };
        assert_eq!(
            decide([Some(0.25); 2], header, Some(1.0)),
            at([0.25; 2], MppSource::Header),
            "a column that repeats the header is the header"
        );
        assert_eq!(decide([Some(0.5); 2], header, None), at([0.5; 2], MppSource::Manifest));
        assert_eq!(decide([Some(0.5), None], header, None), at([0.5, 0.25], MppSource::Manifest));
        assert_eq!(decide([Some(0.5), None], None, None), at([0.5, 0.5], MppSource::Manifest));
        assert_eq!(decide([None, None], None, Some(1.0)), at([1.0; 2], MppSource::Assumed));
        assert_eq!(decide([None; 2], None, None), Known { mpp: None, source: MppSource::None });
        assert!(Known::decide([Some(0.0), None], header, None).is_err());
    }

    #[test]
    fn the_coarsest_level_that_is_not_too_coarse_is_read() {
        // Levels of 0.25, 0.5, 2 µm/px.
        let geometry = fake::geometry((800, 600), &[1, 2, 8], 64, 3);
        let ask = |mpp| {
            of(Params { mpp: Some(mpp), ..Params::default() }, &geometry, known(0.25)).unwrap()
        };
        assert_eq!((ask(0.25).level, ask(0.25).scale_level), (0, [1.0; 2]));
        assert_eq!((ask(0.5).level, ask(0.5).scale_level), (1, [1.0; 2]));
        assert_eq!((ask(1.0).level, ask(1.0).scale_level), (1, [2.0; 2]));
        assert_eq!(ask(1.0).scale_0, [4.0; 2]);
        assert_eq!((ask(4.0).level, ask(4.0).scale_level), (2, [2.0; 2]));
        // Never snapped: 0.499 stays 0.499.
        assert_eq!(ask(0.499).level, 0);
        assert_eq!(ask(0.499).scale_level, [0.499 / 0.25; 2]);
        assert_eq!(ask(0.499).mpp, Some([0.499; 2]));
    }

    #[test]
    fn each_axis_has_its_own_scale() {
        let geometry = fake::geometry((800, 600), &[1, 2], 64, 3);
        let known = Known { mpp: Some([0.25, 0.5]), source: MppSource::Header };
        let got = of(Params { mpp: Some(0.5), ..Params::default() }, &geometry, known).unwrap();
        assert_eq!((got.level, got.scale_level), (0, [2.0, 1.0]));
    }

    #[test]
    fn what_a_slide_lacks_is_said() {
        let geometry = fake::geometry((800, 600), &[1], 64, 3);
        let unknown = Known { mpp: None, source: MppSource::None };
        let error = of(Params { mpp: Some(0.5), ..Params::default() }, &geometry, unknown);
        let message = error.unwrap_err().to_string();
        assert!(message.contains("--assume-mpp") && message.contains("`slide.mpp_x`"), "{message}");
        let objective = Params { objective: Some(20.0), ..Params::default() };
        let message = of(objective, &geometry, unknown).unwrap_err().to_string();
        assert!(message.contains("--mpp") && message.contains("--level"), "{message}");
        let level = Params { level: Some(1), ..Params::default() };
        assert!(of(level, &geometry, unknown).unwrap_err().to_string().contains("has 1 levels"));
        let finer = Params { mpp: Some(0.2), ..Params::default() };
        let message = of(finer.clone(), &geometry, known(0.25)).unwrap_err().to_string();
        assert!(message.contains("1.250 times finer"), "{message}");
        let allowed = Params { max_upsampling: 1.25, ..finer };
        assert_eq!(of(allowed, &geometry, known(0.25)).unwrap().scale_level, [0.2 / 0.25; 2]);
    }

    #[test]
    fn an_objective_is_relative_to_the_header() {
        let mut geometry = fake::geometry((800, 600), &[1, 2], 64, 3);
        geometry.objective = Some(40.0);
        let unknown = Known { mpp: None, source: MppSource::None };
        let ask = |m| of(Params { objective: Some(m), ..Params::default() }, &geometry, unknown);
        assert_eq!(ask(40.0).unwrap().scale_level, [1.0; 2]);
        assert_eq!((ask(20.0).unwrap().level, ask(20.0).unwrap().scale_level), (1, [1.0; 2]));
        assert_eq!((ask(10.0).unwrap().level, ask(10.0).unwrap().scale_level), (1, [2.0; 2]));
        assert_eq!(ask(10.0).unwrap().mpp, None);
    }
}
