//! What files that params name become: references of matching, statistics for numbers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Params;
use crate::error::{Error, Result};
use crate::image::media;
use crate::pixels::histogram::{Counts, counts};
use crate::step::params_from;
use crate::steps::fit_normalize::{Profile, Tally, together};
use crate::steps::photo::{Mode, working_of};
use crate::steps::stain::without;

/// How often each level occurs in the reference of histogram matching.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// For each channel (three, or one of grey), how often each level 0–255 occurs.
    pub counts: Vec<Vec<u64>>,
}

impl Reference {
    fn of(tally: &Tally) -> Self {
        Self { counts: tally.counts.iter().map(|counts| counts.to_vec()).collect() }
    }

    /// Counts that matching can work with: of so many pixels that 32 bits do not hold them, shares as
    /// exact as 32 bits allow. A level that occurs goes on to occur.
    ///
    /// # Errors
    /// [`Error::Params`] when there are not `channels` lists of 256, or nothing was counted.
    pub fn levels(&self, channels: usize) -> Result<Vec<Counts>> {
        let wrong = |message: String| Error::params("match_to", message);
        if self.counts.len() != channels {
            let message = format!("it is of {} channels, and `mode` has {channels}", self.counts.len());
            return Err(wrong(message));
        }
        let mut all = Vec::with_capacity(channels);
        for counts in &self.counts {
            let counts = <[u64; 256]>::try_from(counts.as_slice())
                .map_err(|_| wrong(format!("it has {} levels, not 256", counts.len())))?;
            let total = counts.iter().map(|n| u128::from(*n)).sum::<u128>();
            if total == 0 {
                return Err(wrong("nothing was counted in it".into()));
            }
            // Halved until the sum, every level rounded up to 1, is below 2^32.
            let mut halvings = 0;
            while (total >> halvings) + 256 > u128::from(u32::MAX) {
                halvings += 1;
            }
            all.push(counts.map(|n| ((n >> halvings).max(u64::from(n > 0))) as u32));
        }
        Ok(all)
    }
}

/// The value of a param that names files.
pub(super) fn inline(
    param: &str,
    files: &[(String, Vec<u8>)],
    given: &Map<String, Value>,
) -> Result<Value> {
    let params: Params = params_from(without(given, &["match_to", "profile"]))?;
    let wrong = |message: String| Error::params(param, message);
    let mut profiles = Vec::new();
    let mut images = Vec::new();
    for (name, bytes) in files {
        if bytes.trim_ascii_start().starts_with(b"{") {
            let profile = Profile::from_json(bytes).map_err(|e| wrong(format!("{name} {e}")))?;
            profiles.push((name.clone(), profile));
        } else if media::sniff(bytes).is_some() && param == "match_to" {
            images.push((name, bytes));
        } else {
            let kinds = if param == "match_to" { " nor an image" } else { "" };
            let message = format!("{name} is no profile (the JSON of `fit-normalize`){kinds}");
            return Err(wrong(message));
        }
    }
    if param == "profile" {
        return as_value(&together(&profiles).map_err(wrong)?.short());
    }
    let mut sum = Tally::new(params.channels());
    if !profiles.is_empty() {
        let profile = together(&profiles).map_err(wrong)?;
        check_read(&profile, &params, param)?;
        let tally = profile.tally().map_err(wrong)?;
        sum.merge(&tally.ok_or_else(|| wrong("it has no counts: take the whole profile.json".into()))?)?;
    }
    for (name, bytes) in images {
        let named = |e: Error| wrong(format!("{name}: {e}"));
        let read = working_of(bytes.clone(), &params.reading_8_bit()).map_err(named)?;
        sum.add(&counts(&read.image)?).map_err(named)?;
    }
    as_value(&Reference::of(&sum))
}

/// Whether a profile is of images that were read as these params read them.
pub(super) fn check_read(profile: &Profile, params: &Params, param: &str) -> Result<()> {
    let differs = |what: &str| {
        let message = format!("it is of images that were read with another `{what}` than the one here");
        Err(Error::params(param, message))
    };
    if params.mode == Mode::Auto || profile.mode != params.mode {
        return differs("mode");
    }
    if profile.icc.is_some_and(|icc| icc != params.icc) {
        return differs("icc");
    }
    if profile.background.is_some_and(|background| background != params.background) {
        return differs("background");
    }
    Ok(())
}

fn as_value(value: &impl Serialize) -> Result<Value> {
    serde_json::to_value(value).map_err(|e| Error::Bug { message: e.to_string() })
}
