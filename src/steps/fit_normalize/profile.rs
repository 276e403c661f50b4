//! What was counted, and the profile that comes of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::steps::photo::{Colour, Icc, Mode};

/// Version of the profile's own shape: its field `profile`.
const PROFILE_VERSION: u32 = 1;
/// Most pixels that can be counted: what JSON carries exactly.
const MOST_PIXELS: u64 = 1 << 53;
/// Means and deviations of samples that are scaled to 0–1 cannot be larger.
const MOST: f64 = 1.0;
/// How far what is written may be from what follows from the counts.
const SAME: f64 = 1e-9;

/// How often each value of an 8-bit sample occurs, in each channel (1 or 3), over many images. Sums of
/// whole numbers: the same in any order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Of each channel.
    pub counts: Vec<[u64; 256]>,
    /// Images that were counted.
    pub images: u64,
    /// Images that could not be decoded.
    pub unreadable: u64,
}

impl Tally {
    /// Nothing yet.
    pub fn new(channels: usize) -> Self {
        Self { counts: vec![[0; 256]; channels], images: 0, unreadable: 0 }
    }

    /// Pixels.
    pub fn pixels(&self) -> u64 {
        self.counts.first().map_or(0, |counts| counts.iter().sum())
    }

    /// Adds the counts of one image.
    ///
    /// # Errors
    /// As [`Tally::merge`].
    pub fn add(&mut self, image: &[[u32; 256]]) -> Result<()> {
        let counts = image.iter().map(|channel| channel.map(u64::from)).collect();
        self.merge(&Self { counts, images: 1, unreadable: 0 })
    }

    /// Adds other counts.
    ///
    /// # Errors
    /// [`Error::Limit`] for 2^53 pixels and more; [`Error::Bug`] when the channels differ.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        if self.counts.len() != other.counts.len() {
            return Err(Error::Bug { message: "counts of grey and of colours do not add up".into() });
        }
        let pixels = self.pixels().saturating_add(other.pixels());
        if pixels >= MOST_PIXELS {
            return Err(Error::limit(
                "what is counted",
                format!("{pixels} pixels"),
                format!("{MOST_PIXELS} pixels"),
                "fit on a part of the images (`split`)",
            ));
        }
        for (counts, more) in self.counts.iter_mut().zip(&other.counts) {
            for (count, more) in counts.iter_mut().zip(more) {
                *count = count.saturating_add(*more);
            }
        }
        self.images = self.images.saturating_add(other.images);
        self.unreadable = self.unreadable.saturating_add(other.unreadable);
        Ok(())
    }

    /// Mean and standard deviation of each channel, of samples scaled to 0–1; empty where nothing was
    /// counted.
    pub fn moments(&self) -> (Vec<f64>, Vec<f64>) {
        self.counts.iter().filter_map(moments).unzip()
    }
}

/// With n samples, s1 their sum and s2 the sum of their squares, all whole: `s1 / (255·n)` and
/// `√(n·s2 − s1²) / (255·n)`. The radicand is exact (below 2^122); it is rounded to a double once.
fn moments(counts: &[u64; 256]) -> Option<(f64, f64)> {
    let sum = |power: u32| -> u128 {
        let term = |(x, n): (u128, &u64)| x.pow(power) * u128::from(*n);
        (0..).zip(counts).map(term).sum()
    };
    let (n, s1, s2) = (sum(0), sum(1), sum(2));
    let white = (255 * n) as f64;
    (n > 0).then(|| (s1 as f64 / white, ((n * s2 - s1 * s1) as f64).sqrt() / white))
}

/// Statistics of the samples of a set of images, readable by a person, accepted as a param.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Version of this shape: 1.
    pub profile: u32,
    /// Channels: `rgb` or `grey`.
    pub mode: Mode,
    /// What was done with colour profiles; null for a profile that was written by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icc: Option<Icc>,
    /// What lay behind half-transparent pixels; null for a profile that was written by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub background: Option<Colour>,
    /// Images that were counted.
    #[serde(default)]
    pub images: u64,
    /// Images that could not be decoded.
    #[serde(default)]
    pub unreadable: u64,
    /// Pixels of those that were counted.
    #[serde(default)]
    pub pixels: u64,
    /// Mean of each channel, of samples scaled to 0–1.
    pub mean: Vec<f64>,
    /// Standard deviation of each channel, of samples scaled to 0–1.
    pub std: Vec<f64>,
    /// How often each value 0–255 occurs in each channel; not in facts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<Vec<Vec<u64>>>,
}

impl Profile {
    /// The profile of what was counted.
    pub fn of(tally: &Tally, mode: Mode, icc: Icc, background: Colour) -> Self {
        let (mean, std) = tally.moments();
        Self {
            profile: PROFILE_VERSION,
            mode,
            icc: Some(icc),
            background: Some(background),
            images: tally.images,
            unreadable: tally.unreadable,
            pixels: tally.pixels(),
            mean,
            std,
            counts: Some(tally.counts.iter().map(|counts| counts.to_vec()).collect()),
        }
    }

    /// The same without the counts.
    #[must_use]
    pub fn short(self) -> Self {
        Self { counts: None, ..self }
    }

    /// Channels that it is of.
    pub fn channels(&self) -> usize {
        if self.mode == Mode::Grey { 1 } else { 3 }
    }

    /// Reads a profile from a file.
    ///
    /// # Errors
    /// A message that says what is wrong.
    pub fn from_json(bytes: &[u8]) -> std::result::Result<Self, String> {
        let mut profile: Self = serde_json::from_slice(bytes)
            .map_err(|e| format!("is no profile of `fit-normalize`: {e}"))?;
        profile.check()?;
        // Decimals may be read as a neighbour of what was written; counts are exact.
        if let Some(tally) = profile.tally()? {
            (profile.mean, profile.std) = tally.moments();
        }
        Ok(profile)
    }

    /// Whether its parts fit each other.
    ///
    /// # Errors
    /// A message that says what is wrong.
    pub fn check(&self) -> std::result::Result<(), String> {
        if self.profile != PROFILE_VERSION {
            return Err(format!("is a profile of version {}, not {PROFILE_VERSION}", self.profile));
        }
        if self.mode == Mode::Auto {
            return Err("has the mode `auto`: a profile is of `rgb` or of `grey`".into());
        }
        if let Some(tally) = self.tally()? {
            let (mean, std) = tally.moments();
            let same = |a: &[f64], b: &[f64]| {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= SAME)
            };
            if !same(&mean, &self.mean) || !same(&std, &self.std) {
                return Err("has counts from which its mean and std do not follow".into());
            }
        } else if self.mean.len() != self.channels() || self.std.len() != self.channels() {
            let (has, wants) = ((self.mean.len(), self.std.len()), self.channels());
            return Err(format!("has {} means and {} deviations, not {wants}", has.0, has.1));
        }
        let within = |x: &f64| (0.0..=MOST).contains(x);
        if !self.mean.iter().chain(&self.std).all(within) {
            return Err("has a mean or a deviation that is not between 0 and 1".into());
        }
        Ok(())
    }

    /// What was counted; `None` where the profile does not carry it.
    ///
    /// # Errors
    /// A message that says what is wrong.
    pub fn tally(&self) -> std::result::Result<Option<Tally>, String> {
        let Some(counts) = &self.counts else { return Ok(None) };
        let wrong = || format!("has counts that are not {} lists of 256", self.channels());
        if counts.len() != self.channels() {
            return Err(wrong());
        }
        let mut tally = Tally { images: self.images, unreadable: self.unreadable, ..Tally::new(0) };
        for counts in counts {
            let counts = <[u64; 256]>::try_from(counts.as_slice()).map_err(|_| wrong())?;
            let total = counts.iter().try_fold(0_u64, |sum, n| sum.checked_add(*n));
            if total != Some(self.pixels) || self.pixels >= MOST_PIXELS {
                return Err(format!("has counts that are not of {} pixels each", self.pixels));
            }
            tally.counts.push(counts);
        }
        Ok(Some(tally))
    }
}

/// One profile of several: their counts are added up.
///
/// # Errors
/// A message that says which one does not fit, and why.
pub fn together(profiles: &[(String, Profile)]) -> std::result::Result<Profile, String> {
    let [(_, first), rest @ ..] = profiles else { return Err("it names no file".into()) };
    if rest.is_empty() {
        return Ok(first.clone());
    }
    let read = |p: &Profile| (p.mode, p.icc, p.background);
    let mut sum = Tally::new(first.channels());
    for (name, profile) in profiles {
        if read(profile) != read(first) {
            return Err(format!("{name} is of images that were read in another way than the first"));
        }
        let tally = profile.tally().map_err(|e| format!("{name} {e}"))?;
        let tally = tally.ok_or_else(|| format!("{name} has no counts that could be added up"))?;
        sum.merge(&tally).map_err(|e| format!("{name}: {e}"))?;
    }
    let (mean, std) = sum.moments();
    Ok(Profile {
        images: sum.images,
        unreadable: sum.unreadable,
        pixels: sum.pixels(),
        mean,
        std,
        counts: Some(sum.counts.iter().map(|counts| counts.to_vec()).collect()),
        ..first.clone()
    })
}
