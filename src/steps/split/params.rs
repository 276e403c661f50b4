//! The params of `split`, and its page for users.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::targets::{Target, folds, parse};
use crate::error::{Error, Result};

/// Ratios where neither `ratios` nor `folds` is given.
pub const RATIOS: &str = "train=0.7,val=0.15,test=0.15";
/// Audited where it is there.
pub const SOURCE: &str = "tile.source_id";
/// Where perceptual hashes are looked for.
pub const PHASH: &str = "filter-background.phash";
/// Columns that one list may name.
const MOST_COLUMNS: usize = 16;

/// How components are shared out.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// So that shares and classes come as near to the ratios as they can. New data may move old groups.
    Balance,
    /// Each by a hash of its own name: new data never moves an old group, and ratios hold on average only.
    Hash,
}

/// What ratios are counted in.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// Rows.
    Items,
    /// What stays together: a patient of a thousand patches counts as much as one of ten, and a class once for each
    /// that has it.
    Groups,
}

/// What is done about images that look alike.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum NearDuplicates {
    /// Those that lie in different splits are counted and named.
    Warn,
    /// They stay together, as identical images do.
    Join,
    /// Nothing: the column is not looked at.
    Ignore,
}

/// One row of the file of fixed groups. Other columns are not looked at, and do not meet the key.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
pub struct FixedRow {
    /// Value of the first column of `group`.
    pub group: String,
    /// The split that it goes to.
    pub split: String,
}

/// Shares rows out to train, val and test, or to folds, so that nothing that belongs together is parted.
///
/// # What it does
/// Fills the column `split`. Rows that share a value in *any* of the columns of `group` (patient, slide, camera) or in
/// `site` stay together, and so do rows whose images have the same bytes: what hangs together in this way,
/// directly or through others, is a *component*, and goes to one split as a whole. So do the patches of a slide
/// (`tile.source_id`), unless `group` is empty and there is no `site`. A row without a value (an empty text is none) in
/// a column is not joined through it; one without any is a component of its own. Among the ways to share components
/// out, one is looked for in which each split has its ratio of the rows and of each class of the columns of
/// `stratify`. Then the result is audited: whether values of `group` and `audit`, identical images or images that look
/// alike lie in several splits.
///
/// With `site`, no site is in two splits (preserved-site cross-validation), so that a model is tested on
/// scanners and stains that it has not seen. It is one more column that holds rows together; that it is named apart says why.
///
/// # Ratios
/// `NAME=SHARE` with commas between; names are unique, of 1 to 64 characters other than `,`, `=` and control characters; shares
/// are above 0 and sum to 1 (within 1e-9); at most 64 splits. `folds: K` gives K equal splits named `fold0`, `fold1`, …, and
/// their number in `split.fold`: fold k is what a model is tested on that was trained on the others.
///
/// # Formula
/// With n_sc rows of class c in split s, N_c in all and r_s the ratio of s, the deviation of a class is
/// `D_c = √(Σ_s (n_sc − r_s N_c)² / r_s) / N_c`; with K folds, K times the standard deviation of its shares. The least value is looked for
/// of `Σ_columns (Σ_c D_c + W D) / (C + 1)`, C being the number of classes of a column and D the deviation of all rows. They
/// weigh `W = 0.1 + 30 Σ_c max(0, b_c − min(2 b, 1/3))²`, where b_c is the sum of squares of what components have of class c by N_c²
/// (1 where it lies in a single component, 1/k in k equal ones) and b the same of all rows: classes that lie in few components cannot
/// have their ratios, and the more there are of them, the more the ratios of rows count.
/// *Greedy*, as scikit-learn's `StratifiedGroupKFold`: components in
/// descending order of the variance of their class counts (exact integers; equal ones by size, then by a
/// hash of name and `seed`) each go where the sum becomes least. *Improved*, which scikit-learn does not do: components are
/// moved, and pairs swapped, as long as the sum falls and a fixed amount of work is not used up; small tables are begun anew in
/// up to 100 other orders, and the best result is taken. A split that would stay
/// empty takes the component whose move costs least. Rows without a label are a class of their own. Several columns of
/// `stratify` are balanced each for itself, for which Sechidis's iterative stratification is known.
///
/// *Hash.* A component goes to the split in whose part of [0, 1) its number lies: parts are as long as the ratios, in their
/// order; the number is Philox4x32-10 of the BLAKE3 of its name under `seed`. Its name is the least value (by bytes) of the first column
/// in which it has one, or of an image without any, the first 12 bytes of its digest.
///
/// # What new data does
/// With `mode: hash`, rows that are added never move a row that was there, unless they join two components
/// or give one a lesser name. With `mode: balance` they may move any group: name the groups whose place must
/// hold (all of the test split, for one) in `fixed`.
///
/// # Source
/// F. Howard et al., "The impact of site-specific digital histology signatures on deep learning model
/// accuracy and bias", Nature Communications 12 (2021), doi:10.1038/s41467-021-24698-1. K. Sechidis et al., "On the stratification of multi-label
/// data", ECML PKDD 2011, doi:10.1007/978-3-642-23808-6_10. M. Norouzi et al., "Fast exact search in Hamming space with
/// multi-index hashing", IEEE TPAMI 36 (2014), doi:10.1109/TPAMI.2013.231: how images that look alike are found.
///
/// # Edge cases
/// Fewer components than folds are an error; with ratios, splits that stay empty are told. So is a split that is off its ratio by more than
/// 0.05, a class that a split lacks, and a value of `audit` in several splits. If no row has a value in any
/// column of `group`, rows are shared out one by one, which is told too.
/// Blank images of the same bytes join all groups that have one, which is told with their number: drop them before. Columns of `group`,
/// `site`, `stratify` and `audit` may hold text, integers or booleans. Values are compared byte by byte: `é` of one
/// code point is not `é` of two. With `near_duplicates: join`, images that look alike hang together in chains; blank ones all look
/// alike.
///
/// # Determinism
/// The same split for each row whatever the order of rows and the number of threads: values are put in their
/// own order before anything is decided.
///
/// # Cost
/// Two passes over the columns named. Memory is 32 bytes for each row (64 where rows have no group), 4 more for each column of `stratify` after the first, 16 more
/// (and 24 for each different hash) where perceptual hashes are looked at, and the different values.
///
/// # Examples
/// ```sh
/// microtome split patches -o splitted
/// microtome split patches -o splitted --ratios train=0.8,test=0.2 --group group,tile.source_id --seed 7
/// microtome split patches -o folds --folds 5 --site site --stratify label,stage
/// microtome split patches -o splitted --mode hash --fixed test-patients.csv
/// ```
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Params {
    /// Names of the splits and their shares, `train=0.7,val=0.15,test=0.15` where neither this nor `folds` is given.
    pub ratios: Option<String>,
    /// Number of equal splits, in place of `ratios`.
    #[garde(range(min = 2, max = 100))]
    pub folds: Option<u32>,
    /// Columns whose values no two splits may share: patient, slide, camera.
    pub group: Vec<String>,
    /// Column of the site that data comes from: no two splits share a site either.
    pub site: Option<String>,
    /// Columns whose values each split has its ratio of.
    pub stratify: Vec<String>,
    /// How components are shared out.
    pub mode: Mode,
    /// What ratios are counted in.
    pub measure: Measure,
    /// CSV file with the columns `group` (values of the first column of `group`) and `split`: those go there, with all
    /// that hangs together with them.
    #[schemars(extend("x-file" = "csv"))]
    pub fixed: Vec<FixedRow>,
    /// More columns of which it is told when a value lies in several splits. `tile.source_id` may be missing.
    pub audit: Vec<String>,
    /// Column of the perceptual hash, 16 hex digits; the default may be missing.
    pub phash: String,
    /// What is done about images that look alike.
    pub near_duplicates: NearDuplicates,
    /// Bits of 64 in which the hashes of images that look alike may differ.
    #[garde(range(max = 10))]
    pub near_duplicate_bits: u8,
    /// Seed of all that is left to chance: another seed, another split.
    #[garde(range(max = 9_007_199_254_740_991_u64))]
    pub seed: u64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            ratios: None,
            folds: None,
            group: vec!["group".into()],
            site: None,
            stratify: vec!["label".into()],
            mode: Mode::Balance,
            measure: Measure::Items,
            fixed: Vec::new(),
            audit: vec![SOURCE.into()],
            phash: PHASH.into(),
            near_duplicates: NearDuplicates::Warn,
            near_duplicate_bits: 4,
            seed: 0,
        }
    }
}

impl Params {
    /// The splits, in order.
    ///
    /// # Errors
    /// [`Error::Params`] naming `ratios`, or `folds` where both are given.
    pub fn targets(&self) -> Result<Vec<Target>> {
        match (&self.ratios, self.folds) {
            (Some(_), Some(_)) => {
                Err(Error::params("folds", "`ratios` is given too: rows are shared out once"))
            }
            (_, Some(k)) => Ok(folds(k)),
            (ratios, None) => parse(ratios.as_deref().unwrap_or(RATIOS)),
        }
    }

    /// Columns that hold rows together: those of `group`, then `site`, each once.
    pub fn joined_by(&self) -> Vec<&str> {
        once(self.group.iter().chain(&self.site))
    }

    /// Columns of which values in several splits are told: [`Params::joined_by`], then those of `audit`.
    pub fn audited(&self) -> Vec<&str> {
        once(self.group.iter().chain(&self.site).chain(&self.audit))
    }

    /// Columns of `stratify`, each once.
    pub fn stratified(&self) -> Vec<&str> {
        once(&self.stratify)
    }

    /// Checks params against each other.
    ///
    /// # Errors
    /// [`Error::Params`] naming the field.
    pub fn check(&self) -> Result<()> {
        self.targets()?;
        let lists = [("group", &self.group), ("stratify", &self.stratify), ("audit", &self.audit)];
        for (field, list) in lists {
            if list.iter().any(String::is_empty) {
                return Err(Error::params(field, "a column has no empty name"));
            }
            if list.len() > MOST_COLUMNS {
                let message = format!("{} columns; at most {MOST_COLUMNS}", list.len());
                return Err(Error::params(field, message));
            }
        }
        for (field, name) in [("site", self.site.as_deref()), ("phash", Some(&*self.phash))] {
            if name == Some("") {
                return Err(Error::params(field, "a column has no empty name"));
            }
        }
        if !self.fixed.is_empty() && self.group.is_empty() {
            let message = "it names values of the first column of `group`, which is empty";
            return Err(Error::params("fixed", message));
        }
        Ok(())
    }
}

fn once<'a>(names: impl IntoIterator<Item = &'a String>) -> Vec<&'a str> {
    let mut found: Vec<&str> = Vec::new();
    for name in names {
        if !found.contains(&name.as_str()) {
            found.push(name);
        }
    }
    found
}
