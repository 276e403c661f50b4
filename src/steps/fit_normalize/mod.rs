//! `fit-normalize`: mean and standard deviation of the samples of a data set. The page for users is
//! [`Params`].

mod params;
mod profile;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::Serialize;

pub use params::{Params, Per};
pub use profile::{Profile, Tally, together};

use super::photo::working;
use crate::digest::canonical_json;
use crate::error::{Error, Result};
use crate::manifest::{Column, Kind};
use crate::pixels::histogram::counts;
use crate::step::{Group, Grouping, Made, Member, Of, Out, Step};

/// Images that one piece of work decodes.
const PIECE: usize = 4;
/// Largest file that a group may have left.
const MOST_LEFT_BYTES: u64 = 1 << 20;

const SPLIT: Column = Column {
    name: "split",
    kind: Kind::Text,
    made_by: "scan",
    doc: "train, val or test; only items with the one named are counted",
};

/// What `fit-normalize` says of every item.
#[derive(Serialize, JsonSchema, Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Mean of red, of samples scaled to 0–1; null where nothing was counted.
    pub mean_r: Option<f64>,
    /// Mean of green.
    pub mean_g: Option<f64>,
    /// Mean of blue.
    pub mean_b: Option<f64>,
    /// Standard deviation of red, of samples scaled to 0–1; null where nothing was counted.
    pub std_r: Option<f64>,
    /// Standard deviation of green.
    pub std_g: Option<f64>,
    /// Standard deviation of blue.
    pub std_b: Option<f64>,
    /// Images that were counted.
    pub images: Option<u64>,
    /// Images that could not be decoded, and were left out.
    pub unreadable: Option<u64>,
    /// Pixels that were counted.
    pub pixels: Option<u64>,
    /// The statistics as JSON, without the counts; null where nothing was counted.
    pub profile: Option<String>,
}

/// The step.
pub struct FitNormalize {
    params: Params,
}

impl Step for FitNormalize {
    const NAME: &'static str = "fit-normalize";
    const VERSION: &'static str = "1.0.0";
    type Params = Params;
    type Input = Group;
    type Facts = Facts;
    const READS: &'static [Column] = &[SPLIT];

    fn new(params: Params) -> Result<Self> {
        params.check()?;
        Ok(Self { params })
    }

    fn reads(&self) -> &'static [Column] {
        if self.params.split.is_some() { Self::READS } else { &[] }
    }

    fn grouping(&self) -> Grouping {
        Grouping::Slide
    }

    fn joins(&self) -> bool {
        self.params.per == Per::All
    }

    fn after(&self, earlier: &[(&str, &serde_json::Value)]) -> Result<()> {
        super::arrays::no_arrays_before(earlier)
    }

    fn run(&self, group: Group, out: &mut Out<'_, Facts>) -> Result<()> {
        match group.of {
            Of::Left => {
                let tally = self.add_up(&group.members, out)?;
                if tally.images == 0 {
                    return Err(self.nothing(tally.unreadable));
                }
                self.tell(&tally, out)
            }
            Of::Items => {
                let tally = self.count(&group.members, out)?;
                if self.params.per == Per::Group {
                    return self.tell(&tally, out);
                }
                let left = json(&canonical_json(&self.profile(&tally))?)?;
                out.leave(left)?;
                out.keep(&counted(&tally), true)
            }
        }
    }
}

impl FitNormalize {
    fn profile(&self, tally: &Tally) -> Profile {
        let Params { mode, icc, background, .. } = self.params;
        Profile::of(tally, mode, icc, background)
    }

    /// Counts the images of a group.
    fn count(&self, members: &[Member], out: &mut Out<'_, Facts>) -> Result<Tally> {
        let reading = self.params.reading();
        let total = members.len() as u64;
        let piece = |index: usize| -> Result<Tally> {
            let mut tally = Tally::new(self.params.channels());
            for member in members.iter().skip(index * PIECE).take(PIECE) {
                let source = member.source()?;
                let split = source.column(&SPLIT).as_str();
                if self.params.split.as_deref().is_some_and(|wanted| split != Some(wanted)) {
                    continue;
                }
                match working(&source, &reading) {
                    Ok(read) => tally.add(&counts(&read.image)?)?,
                    // It stays an item, and whoever needs its pixels will say what is wrong with it.
                    Err(Error::Format { .. } | Error::Unsupported { .. } | Error::Limit { .. }) => {
                        tally.unreadable += 1;
                    }
                    Err(error) => return Err(error),
                }
            }
            Ok(tally)
        };
        let mut sum = Tally::new(self.params.channels());
        let mut done = 0;
        out.ordered(members.len().div_ceil(PIECE), piece, |out, _, tally| {
            done = total.min(done + PIECE as u64);
            out.progress(done, total);
            sum.merge(&tally)
        })?;
        Ok(sum)
    }

    /// The sum of what the groups left.
    fn add_up(&self, left: &[Member], out: &mut Out<'_, Facts>) -> Result<Tally> {
        let read = |index: usize| -> Result<Tally> {
            let broken = |message: String| Error::format("counts of a group", message);
            let source = left[index].source()?;
            let bytes = source.bytes();
            if bytes.size() > MOST_LEFT_BYTES {
                return Err(broken("are larger than counts are".into()));
            }
            let bytes = bytes.read_vec(0, bytes.size())?;
            let profile = Profile::from_json(&bytes).map_err(broken)?;
            profile.tally().map_err(broken)?.ok_or_else(|| broken("are not there".into()))
        };
        let mut sum = Tally::new(self.params.channels());
        out.ordered(left.len(), read, |_, _, tally| sum.merge(&tally))?;
        Ok(sum)
    }

    /// Gives the statistics as facts, and as a file for people and for other data sets.
    fn tell(&self, tally: &Tally, out: &mut Out<'_, Facts>) -> Result<()> {
        if tally.images == 0 {
            return out.keep(&counted(tally), false);
        }
        let profile = self.profile(tally);
        let channel = |of: &[f64], c: usize| of.get(c).or(of.first()).copied();
        let facts = Facts {
            mean_r: channel(&profile.mean, 0),
            mean_g: channel(&profile.mean, 1),
            mean_b: channel(&profile.mean, 2),
            std_r: channel(&profile.std, 0),
            std_g: channel(&profile.std, 1),
            std_b: channel(&profile.std, 2),
            profile: Some(canonical_json(&profile.clone().short())?),
            ..counted(tally)
        };
        out.preview(json(&canonical_json(&profile)?)?)?;
        out.keep(&facts, false)
    }

    fn nothing(&self, unreadable: u64) -> Error {
        match &self.params.split {
            Some(split) if unreadable == 0 => {
                Error::params("split", format!("no item has {split:?} as its `split`"))
            }
            _ => Error::format("images", format!("none of {unreadable} can be decoded")),
        }
    }
}

fn counted(tally: &Tally) -> Facts {
    Facts {
        images: Some(tally.images),
        unreadable: Some(tally.unreadable),
        pixels: Some(tally.pixels()),
        ..Facts::default()
    }
}

fn json(text: &str) -> Result<Made> {
    Made::new("profile.json".into(), text.as_bytes().to_vec(), "application/json", (0, 0), &())
}
