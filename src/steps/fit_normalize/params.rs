//! The params of `fit-normalize`, and its page for users.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::steps::photo::{Colour, Icc, Mode, Reading};

/// Over which images statistics are taken.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Per {
    /// Over all images of the manifest. Not with `--shard`.
    All,
    /// Over each group alone: the patches of a slide, the photos that share a `group`, else each image.
    Group,
}

/// Measures mean and standard deviation of each channel over a data set, exactly.
///
/// # What it does
/// Counts how often each of the 256 values of a sample occurs in each channel, over all pixels of all
/// images (or of those whose `split` is the one named: means that have seen the test images are a
/// leak). Items stay as they are; each gets the statistics as facts, and as JSON in
/// `fit-normalize.profile`, where `normalize --numbers profile` reads them. For people and for other data
/// sets, `profile.json` comes besides, with the counts: `normalize` takes it as `profile` (mean and
/// standard deviation) and as `match_to` (reference of histogram matching), and takes several, whose
/// counts it adds up.
///
/// Images are counted upright, after the colour profile, over the background, with three channels
/// (`mode: rgb`; grey files count as three equal channels) or one (`mode: grey`): give `normalize` the
/// same `icc`, `background` and `mode`. Nothing that `normalize` does after that (white balance,
/// contrast, size) is in the numbers. If you want numbers of what comes out of these, run `normalize`
/// to PNG first, then this step on its output, then `normalize` again with `numbers: profile` alone.
///
/// # Formula
/// With n samples in a channel, S₁ their sum and S₂ the sum of their squares (integers):
/// `mean = S₁ / (255·n)`, `std = √(n·S₂ − S₁²) / (255·n)`. These are `x.mean()` and `x.std()` of numpy (of
/// the population: n, not n − 1) for `x = samples / 255`, without rounding on the way: sums, products and
/// the difference are exact integers, and each of the results is rounded three times in all. 16-bit
/// images are counted as 8-bit ones.
///
/// Each *pixel* has the same weight, so large images speak louder than small ones.
///
/// # Edge cases
/// An image that cannot be decoded is left out and counted in `unreadable`; it stays an item, and
/// whoever needs its pixels will say what is wrong with it. If no image is left, the run says so and
/// gives no statistics; with `per: group`, the facts of that group are null. `mode: grey` gives the same
/// number for red, green and blue. A channel that is constant has a standard deviation of 0, by which
/// nothing can be divided: `normalize` refuses it.
///
/// # Determinism
/// Counts are integers: the same bits for any order of images, any number of threads, and any division
/// into groups. Profiles of parts, added up, equal the profile of the whole.
///
/// # Cost
/// Each image is decoded once. Memory is that of the images at work, and 6 KiB for each group.
///
/// # Examples
/// ```sh
/// microtome fit-normalize photos -o fitted
/// microtome fit-normalize splitted -o fitted --split train
/// microtome fit-normalize photos -o nights --mode grey --per group
/// ```
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Params {
    /// Over which images statistics are taken.
    pub per: Per,
    /// Only images whose column `split` has this value are counted; all, if not given. The facts are
    /// those of all items.
    pub split: Option<String>,
    /// Which channels are counted: `rgb` or `grey`; `auto` has no common statistics and is refused.
    pub mode: Mode,
    /// What is done with a colour profile.
    pub icc: Icc,
    /// What lies behind half-transparent pixels, as `#rrggbb`.
    pub background: Colour,
}

impl Default for Params {
    fn default() -> Self {
        let Reading { background, icc, mode, .. } = Reading::default();
        Self { per: Per::All, split: None, mode, icc, background }
    }
}

impl Params {
    /// How images are read.
    pub fn reading(&self) -> Reading {
        let Self { background, icc, mode, .. } = *self;
        Reading { background, icc, mode, keep_16_bit: false }
    }

    /// Channels that are counted.
    pub fn channels(&self) -> usize {
        if self.mode == Mode::Grey { 1 } else { 3 }
    }

    /// Checks params against each other.
    ///
    /// # Errors
    /// [`Error::Params`] naming the field.
    pub fn check(&self) -> Result<()> {
        if self.mode == Mode::Auto {
            let message = "images of one and of three channels have no common mean: take rgb or grey";
            return Err(Error::params("mode", message));
        }
        if self.split.as_ref().is_some_and(String::is_empty) {
            return Err(Error::params("split", "it is empty: leave it out to count all images"));
        }
        Ok(())
    }
}
