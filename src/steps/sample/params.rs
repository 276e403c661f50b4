//! The params of `sample`, and its page for users.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::target::{Target, caps};
use crate::error::{Error, Result};

/// How the target is reached.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Rows are left out, none is repeated.
    Under,
    /// Rows are repeated, none is left out.
    Over,
    /// So many rows as `size` says (as there are, if it is not given): rows of common classes are
    /// left out, those of scarce ones repeated.
    Both,
    /// All rows stay, and `weight` says how often each is to be drawn.
    Weights,
}

/// What happens when a class has too few rows.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum OnShort {
    /// All there are of it are drawn, and a note gives the numbers.
    Warn,
    /// It is an error.
    Fail,
}

/// How a row says that it is drawn several times.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Repeats {
    /// It stands there once, and `sample.repeat` says how often it counts.
    Column,
    /// It stands there so many times; copies have ids of their own.
    Rows,
}

/// What becomes of rows without a class.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Unlabelled {
    /// They are dropped, and counted.
    Drop,
    /// They go on as they are.
    Keep,
    /// They are an error.
    Fail,
}

/// Draws rows so that classes have the shares that training wants: fewer, repeated or weighted,
/// with caps.
///
/// # What it does
/// Takes the rows of the training split (`splits`; rows of all others go on untouched), thins them
/// by `cap`, `cap_all` and `spacing_px`, counts what is left of each class, and brings the classes
/// to the shares that `target` asks for: by leaving rows out (`mode: under`), by repeating them
/// (`over`), by both, or by weights alone. The distribution before and after stands in `run.json`,
/// in the record and in the report. A manifest of which no row has a split is drawn from as a
/// whole, and a note says so; several splits are balanced each on its own.
///
/// # Formula
/// With `n` rows of a class, its share is proportional to: 1 (`equal`), √n (`sqrt`), n (`natural`),
/// n^A (`power:A`), `n (1 − B) / (1 − B^n)` (`effective-number:B`, so that each row has the weight
/// of Cui et al.), or what `proportions` or `counts` say by hand. Classes that are not named by
/// hand are dropped; one that is named and has no row is an error.
///
/// *under* without `size`: the largest draw in these shares that repeats nothing: the scarcest
/// class (least rows by share) goes in whole, the others get its rows times the ratio of shares,
/// rounded half up. With `size`: that number by largest remainders; a class that has fewer rows
/// gives all it has (`on_short`). *over*: the most plentiful class stays as it is, and all others
/// are repeated up to it. *both*: `size` by largest remainders. In a class of n rows of which q are
/// drawn, each row is drawn ⌊q/n⌋ times, and q mod n of them once more. *weights*: `weight = share
/// · N / n`, of mean 1 over the N rows.
///
/// *Which* rows: those with the least keys, a hash of (`seed`, the item's digest). With `hard`,
/// keys are −ln(u)/w, u from the hash and w from that column (Efraimidis and Spirakis): weighted
/// sampling without replacement; rows whose w is null or not above 0 come after all others. With
/// `levels`, a class's rows are shared out equally among the values of the first column, what each
/// has among those of the second, and so on: what one cannot use goes to the others, and what
/// cannot be divided to those with the least hash. In *weights*, shares are divided in the same
/// way, and a row's part is proportional to `hard`.
///
/// *Thinning*, in this order, each keeping those with the least keys: each entry of `cap`
/// (`group=200`: of each class 200 rows of each group), each of `cap_all` (over all classes), then
/// `spacing_px`: rows of one slide are taken by their keys, and one that lies nearer to one that
/// was taken (Euclidean, between corners, in level-0 pixels) is left out. Rows without a value are
/// not capped.
///
/// *Several classes per row*: with `separator`, `a;b` counts for both; with `soft: tile.share.`,
/// columns with that prefix hold the shares of classes named by what follows it. A row's weight is
/// Σ share · target / mass, mass being the sum of a class's shares; `under` draws `size` rows by it
/// as by `hard`, so that classes come near to the target on average, and `weights` writes it.
///
/// # Shapes and units
/// `sample.repeat` is how often a row is drawn, at least 1. A `weight` is 0 or more, for a sampler
/// that draws with replacement (torch's `WeightedRandomSampler`).
///
/// # Source
/// Y. Cui, M. Jia, T. Lin, Y. Song, S. Belongie, "Class-balanced loss based on effective number of
/// samples", CVPR 2019, doi:10.1109/CVPR.2019.00949. P. Efraimidis, P. Spirakis, "Weighted random
/// sampling with a reservoir", Information Processing Letters 97 (2006),
/// doi:10.1016/j.ipl.2005.11.003.
///
/// # Edge cases
/// A class with too few rows is a note with numbers, or an error (`on_short`); rows that are drawn
/// more than 20 times each are a note. An empty manifest stays empty. A split that is named and
/// does not occur is an error. Columns of fractions are no classes. Equal images (one digest) have
/// one key; where the limit falls between them, a hash of their ids decides. An empty text is no
/// value; in `levels`, the rows without a value stand together like those of one. With `over` and
/// `counts`, a class that has more rows than its count is an error, because `over` leaves nothing
/// out. In *weights*, `hard` must be below 2^20, and counts down to 2^-40.
///
/// # Determinism
/// The same rows for any order of rows, any division into files and any number of threads.
/// *Growth*: with the same number drawn of a class, rows that are added displace as many of the old
/// ones at most, and none is drawn that was not before; where that number follows from the counts
/// (`under` without `size`), it moves with the scarcest class.
///
/// # Cost
/// Two passes over the columns that are looked at (four where a row may have several classes). Held
/// are 16 bytes per row, 4 more for each column of caps and levels, 8 while a cap is counted, 48
/// with `spacing_px`, and 8 for each row that is drawn.
///
/// # Examples
/// ```sh
/// microtome sample splitted -o balanced
/// microtome sample splitted -o balanced --mode both --size 1000000 --levels group,tile.source_id
/// microtome sample splitted -o balanced --mode weights --target effective-number:0.999
/// microtome sample splitted -o balanced --target counts --counts tumor=500,normal=900 --cap group=50
/// ```
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Params {
    /// Shares of the classes: `equal`, `sqrt`, `natural`, `power:A`, `effective-number:B`,
    /// `proportions` or `counts`.
    pub target: String,
    /// With `target: proportions`: `label=number`, in any unit. A label with a comma needs a params
    /// file.
    pub proportions: Vec<String>,
    /// With `target: counts`: `label=number of rows`.
    pub counts: Vec<String>,
    /// How the target is reached.
    pub mode: Mode,
    /// Draws in all, of each split that is balanced. With `under` and `both`.
    #[garde(range(min = 1, max = 4_000_000_000_u64))]
    pub size: Option<u64>,
    /// What happens when a class has too few rows.
    pub on_short: OnShort,
    /// How a row says that it is drawn several times.
    pub repeats: Repeats,
    /// How often a row is drawn at most; no limit, if not given.
    #[garde(range(min = 1, max = 1_000_000))]
    pub max_repeats: Option<u64>,
    /// At most N rows of each value of a column in each class: `column=N`, several in this order.
    pub cap: Vec<String>,
    /// At most N rows of each value of a column over all classes: `column=N`, after those of `cap`.
    pub cap_all: Vec<String>,
    /// Least distance of two patches of a slide, in level-0 pixels. Needs `tile.x_px`, `tile.y_px`
    /// and `tile.source_id`.
    #[garde(range(min = 0.001, max = 1_000_000_000.0))]
    pub spacing_px: Option<f64>,
    /// Columns among whose values a class is shared out equally, the outermost first.
    pub levels: Vec<String>,
    /// Column of weights by which rows of a class are preferred, at least 0.
    pub hard: Option<String>,
    /// Splits that are balanced, each on its own; rows of all others go on untouched, with the `sample.repeat` and `weight`
    /// that they have. Those of rows that are drawn again are replaced.
    pub splits: Vec<String>,
    /// Column that holds the class: text, integers or booleans.
    pub label_column: String,
    /// What stands between the labels of a row that has several.
    pub separator: Option<String>,
    /// Prefix of the columns that hold shares of classes, as `tile.share.`: in place of
    /// `label_column`.
    pub soft: Option<String>,
    /// What becomes of rows without a class.
    pub unlabelled: Unlabelled,
    /// Seed of all draws: another seed, other rows.
    #[garde(range(max = 9_007_199_254_740_991_u64))]
    pub seed: u64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            target: "equal".into(),
            proportions: Vec::new(),
            counts: Vec::new(),
            mode: Mode::Under,
            size: None,
            on_short: OnShort::Warn,
            repeats: Repeats::Column,
            max_repeats: None,
            cap: Vec::new(),
            cap_all: Vec::new(),
            spacing_px: None,
            levels: Vec::new(),
            hard: None,
            splits: vec!["train".into()],
            label_column: "label".into(),
            separator: None,
            soft: None,
            unlabelled: Unlabelled::Drop,
            seed: 0,
        }
    }
}

/// What the params say, read.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The target.
    pub target: Target,
    /// Caps within each class.
    pub cap: Vec<(String, u64)>,
    /// Caps over all classes.
    pub cap_all: Vec<(String, u64)>,
}

impl Params {
    /// Whether a row may have several classes.
    pub fn several(&self) -> bool {
        self.separator.is_some() || self.soft.is_some()
    }

    /// Reads what has a grammar, and checks params against each other.
    ///
    /// # Errors
    /// [`Error::Params`] naming the field.
    pub fn plan(&self) -> Result<Plan> {
        let target = Target::of(self)?;
        let plan =
            Plan { cap: caps("cap", &self.cap)?, cap_all: caps("cap_all", &self.cap_all)?, target };
        let refuse = |when: bool, field: &str, message: &str| match when {
            true => Err(Error::params(field, message)),
            false => Ok(()),
        };
        let by_counts = matches!(plan.target, Target::Counts(_));
        let sized = self.size.is_some();
        refuse(
            sized && self.mode == Mode::Over,
            "size",
            "`mode: over` leaves nothing out, so that its size follows from the target; `both` takes a size",
        )?;
        refuse(sized && self.mode == Mode::Weights, "size", "`mode: weights` keeps all rows")?;
        refuse(sized && by_counts, "size", "the numbers of `counts` are the size")?;
        let repeating = matches!(self.mode, Mode::Over | Mode::Both);
        refuse(
            self.max_repeats.is_some() && !repeating,
            "max_repeats",
            "only `over` and `both` repeat rows",
        )?;
        refuse(self.splits.is_empty(), "splits", "name at least one")?;
        let empty = |list: &[String]| list.iter().any(String::is_empty);
        refuse(empty(&self.splits), "splits", "a name is empty")?;
        refuse(empty(&self.levels), "levels", "a name is empty")?;
        for (field, list) in [("splits", &self.splits), ("levels", &self.levels)] {
            let twice = list.iter().enumerate().any(|(i, name)| list[..i].contains(name));
            refuse(twice, field, "a name stands there twice")?;
        }
        refuse(self.separator.as_deref() == Some(""), "separator", "it is empty")?;
        refuse(self.soft.as_deref() == Some(""), "soft", "it is empty")?;
        if !self.several() {
            return Ok(plan);
        }
        refuse(
            self.separator.is_some() && self.soft.is_some(),
            "separator",
            "shares (`soft`) have no separator",
        )?;
        let several = "rows with several classes (`separator`, `soft`)";
        let only =
            |field: &str, when: bool, why: &str| refuse(when, field, &format!("{several} {why}"));
        only("mode", repeating, "are drawn with `under` or `weights` alone")?;
        only("size", self.mode == Mode::Under && !sized, "need it with `mode: under`")?;
        only("target", by_counts, "cannot meet counts: give `proportions` and `size`")?;
        only("cap", !self.cap.is_empty(), "are in no one class: take `cap_all`")?;
        only("levels", !self.levels.is_empty(), "are in no one class, which levels divide")?;
        only("hard", self.hard.is_some(), "have weights already")?;
        Ok(plan)
    }
}
