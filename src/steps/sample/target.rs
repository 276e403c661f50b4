//! What a draw aims at: the share of each class, and how many rows of each that makes.

use std::collections::BTreeMap;

use super::params::{Mode, Params};
use crate::error::{Error, Result};

/// Draws that there may be in all.
pub const MOST_DRAWS: u64 = 4_000_000_000;

/// A target, read from its param.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// A class of `n` rows has a share proportional to `n^a`.
    Power(f64),
    /// Proportional to `n (1 − β) / (1 − β^n)`.
    EffectiveNumber(f64),
    /// By hand: proportions.
    Proportions(BTreeMap<String, f64>),
    /// By hand: numbers of rows.
    Counts(BTreeMap<String, u64>),
}

/// A text as a message shows it.
pub fn shown(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("`{}…`", text.get(..end).unwrap_or_default()),
        None => format!("`{text}`"),
    }
}

impl Target {
    /// Reads the params.
    ///
    /// # Errors
    /// [`Error::Params`] naming the field.
    pub fn of(params: &Params) -> Result<Self> {
        let Params { target, proportions, counts, .. } = params;
        let (word, number) = match target.split_once(':') {
            Some((word, number)) => (word.trim(), Some(number.trim())),
            None => (target.trim(), None),
        };
        let refused = |why: &str| {
            let allowed = "equal, sqrt, natural, power:A (A from -2 to 2), effective-number:B (B from 0 \
                           to below 1), proportions, counts";
            Err(Error::params("target", format!("{}: {why} (allowed: {allowed})", shown(target))))
        };
        let number_of = |low: f64, high: f64| {
            let number = number.and_then(|n| n.parse::<f64>().ok());
            number.filter(|n| (low..=high).contains(n))
        };
        let read = match (word, number) {
            ("equal", None) => Self::Power(0.0),
            ("sqrt", None) => Self::Power(0.5),
            ("natural", None) => Self::Power(1.0),
            ("power", _) => match number_of(-2.0, 2.0) {
                Some(a) => Self::Power(a),
                None => return refused("a number from -2 to 2 must follow, as in `power:0.5`"),
            },
            ("effective-number", _) => match number_of(0.0, 1.0).filter(|b| *b < 1.0) {
                Some(beta) => Self::EffectiveNumber(beta),
                None => {
                    return refused(
                        "a number from 0 to below 1 must follow, as in `effective-number:0.999`",
                    );
                }
            },
            ("proportions", None) => Self::Proportions(by_hand("proportions", proportions)?),
            ("counts", None) => Self::Counts(by_hand("counts", counts)?),
            ("equal" | "sqrt" | "natural" | "proportions" | "counts", Some(_)) => {
                return refused("nothing may follow");
            }
            _ => return refused("no such target"),
        };
        for (name, list) in [("proportions", proportions), ("counts", counts)] {
            if !list.is_empty() && word != name {
                let message = format!("it is given, and `target` is {}", shown(target));
                return Err(Error::params(name, message));
            }
        }
        match &read {
            Self::Proportions(of) if of.values().any(|p| !(0.0..=1e12).contains(p)) => {
                Err(Error::params("proportions", "a number is below 0 or above 10^12"))
            }
            Self::Counts(of) if of.values().any(|n| *n > MOST_DRAWS) => {
                Err(Error::params("counts", format!("a number is above {MOST_DRAWS}")))
            }
            read if read.named().is_some_and(|mut named| !named.any(|(_, share)| share > 0.0)) => {
                Err(Error::params(word, "nothing is to be drawn: name a class, as in `tumor=1`"))
            }
            _ => Ok(read),
        }
    }

    /// The classes that were named by hand, with their numbers.
    fn named(&self) -> Option<Box<dyn Iterator<Item = (&str, f64)> + '_>> {
        Some(match self {
            Self::Proportions(of) => Box::new(of.iter().map(|(class, p)| (class.as_str(), *p))),
            Self::Counts(of) => Box::new(of.iter().map(|(class, n)| (class.as_str(), *n as f64))),
            _ => return None,
        })
    }

    /// The share of each class, by its name and what there is of it; they add up to 1 (all are 0
    /// where there is nothing).
    ///
    /// # Errors
    /// [`Error::Params`] when a class is named by hand and there is nothing of it.
    pub fn shares<'a>(
        &self,
        split: Option<&str>,
        classes: impl Iterator<Item = (&'a str, f64)> + Clone,
    ) -> Result<Vec<f64>> {
        if let Some(named) = self.named() {
            let there: BTreeMap<&str, f64> = classes.clone().filter(|(_, n)| *n > 0.0).collect();
            for (class, number) in named {
                if number > 0.0 && !there.contains_key(class) {
                    let field = match self {
                        Self::Counts(_) => "counts",
                        _ => "proportions",
                    };
                    let split = split.map_or(String::new(), |s| format!(" of split {}", shown(s)));
                    let some = there.iter().take(20);
                    let some: Vec<String> =
                        some.map(|(name, n)| format!("{} ({n})", shown(name))).collect();
                    let more = match there.len().saturating_sub(20) {
                        0 => String::new(),
                        more => format!(" and {more} more"),
                    };
                    let message = format!(
                        "{} is to have {number}, and no row{split} has it; there are {}{more}",
                        shown(class),
                        some.join(", ")
                    );
                    return Err(Error::params(field, message));
                }
            }
        }
        let mut masses: Vec<f64> = classes.map(|(name, n)| self.mass(name, n)).collect();
        let all: f64 = masses.iter().fold(0.0, |sum, mass| sum + mass);
        if all > 0.0 {
            masses.iter_mut().for_each(|mass| *mass /= all);
        }
        Ok(masses)
    }

    /// What a class weighs against the others, by its name and its number of rows.
    fn mass(&self, class: &str, n: f64) -> f64 {
        if n <= 0.0 {
            return 0.0;
        }
        match self {
            Self::Power(0.0) => 1.0,
            Self::Power(0.5) => n.sqrt(),
            Self::Power(1.0) => n,
            Self::Power(a) => libm::pow(n, *a),
            Self::EffectiveNumber(beta) => {
                // 1 − β^n, exact also where β^n is near 1; β = 0 gives 1.
                let one_less = -libm::expm1(n * libm::log(*beta));
                n * (1.0 - beta) / one_less
            }
            Self::Proportions(of) => of.get(class).copied().unwrap_or(0.0),
            Self::Counts(of) => of.get(class).copied().unwrap_or(0) as f64,
        }
    }

    /// How many draws each class is to have: of those with `rows` and `shares`, in the order of
    /// classes' names.
    ///
    /// # Errors
    /// [`Error::Params`] when that cannot be.
    pub fn quotas(&self, params: &Params, rows: &[u64], shares: &[f64]) -> Result<Vec<u64>> {
        let of_size = |size: u64| apportion(size, shares);
        let quotas = match (self, params.mode, params.size) {
            (_, Mode::Weights, _) => rows.to_vec(),
            (Self::Counts(_), _, Some(_)) => {
                return Err(Error::params("size", "the numbers of `counts` are the size"));
            }
            (Self::Counts(of), ..) => {
                let total = of.values().fold(0, |sum: u64, n| sum.saturating_add(*n));
                // The shares are exact enough to find the numbers again.
                shares.iter().map(|share| (share * total as f64 + 0.5) as u64).collect()
            }
            (_, Mode::Under | Mode::Both, Some(size)) => of_size(size),
            (_, Mode::Under, None) => in_proportion(rows, shares, u64::min),
            (_, Mode::Over, _) => in_proportion(rows, shares, u64::max),
            (_, Mode::Both, None) => {
                let there = rows.iter().zip(shares).filter(|(_, share)| **share > 0.0);
                of_size(there.map(|(n, _)| n).sum())
            }
        };
        let all = quotas.iter().fold(0, |sum: u64, quota| sum.saturating_add(*quota));
        if all > MOST_DRAWS {
            let message = format!("it asks for {all} draws; {MOST_DRAWS} are the most");
            return Err(Error::params("target", message));
        }
        Ok(quotas)
    }
}

/// Divides a number in these proportions: the whole parts, and one more for those with the largest
/// remainders (of equals, for the first).
pub fn apportion(size: u64, shares: &[f64]) -> Vec<u64> {
    let exact: Vec<f64> = shares.iter().map(|share| share * size as f64).collect();
    let mut parts: Vec<u64> = exact.iter().map(|part| part.floor() as u64).collect();
    let given = parts.iter().fold(0, |sum: u64, part| sum.saturating_add(*part));
    let mut order: Vec<usize> = (0..shares.len()).filter(|class| shares[*class] > 0.0).collect();
    let rest = |class: usize| exact[class] - exact[class].floor();
    order.sort_by(|a, b| rest(*b).total_cmp(&rest(*a)).then(a.cmp(b)));
    let more = usize::try_from(size.saturating_sub(given)).unwrap_or(usize::MAX);
    for class in order.into_iter().cycle().take(more) {
        parts[class] += 1;
    }
    parts
}

/// The numbers in the proportions of the shares in which one class has exactly its rows and each of
/// the others, rounded, no more (`bound` is the least of two) or no less (the greatest) than its
/// own.
fn in_proportion(rows: &[u64], shares: &[f64], bound: fn(u64, u64) -> u64) -> Vec<u64> {
    let there = || rows.iter().zip(shares).filter(|(_, share)| **share > 0.0);
    let scale = |(n, share): (&u64, &f64)| *n as f64 / share;
    let least = bound(0, 1) == 0;
    let pivot =
        there().reduce(|a, b| match (scale(b) < scale(a)) == least && scale(a) != scale(b) {
            true => b,
            false => a,
        });
    let Some((n, of)) = pivot else { return vec![0; rows.len()] };
    let quota = |(rows, share): (&u64, &f64)| match *share > 0.0 {
        true => bound((*n as f64 * (share / of) + 0.5) as u64, *rows),
        false => 0,
    };
    rows.iter().zip(shares).map(quota).collect()
}

/// Numbers that can be read from an entry `label=number`.
trait Number: std::str::FromStr + Copy {}
impl Number for f64 {}
impl Number for u64 {}

/// Entries `label=number`; a label may contain `=`.
fn by_hand<N: Number>(field: &str, entries: &[String]) -> Result<BTreeMap<String, N>> {
    let mut read = BTreeMap::new();
    for entry in entries {
        let (label, number) = entry_of(field, entry)?;
        if read.insert(label.to_string(), number).is_some() {
            return Err(Error::params(field, format!("{} stands there twice", shown(label))));
        }
    }
    if read.is_empty() {
        let message = format!("`target: {field}` needs entries, as in `tumor=2,normal=1`");
        return Err(Error::params(field, message));
    }
    Ok(read)
}

/// An entry `name=number`, divided at its last `=`.
fn entry_of<'a, N: Number>(field: &str, entry: &'a str) -> Result<(&'a str, N)> {
    let parts = entry.rsplit_once('=');
    let read = parts.and_then(|(name, number)| Some((name, number.trim().parse().ok()?)));
    read.filter(|(name, _)| !name.is_empty()).ok_or_else(|| {
        Error::params(field, format!("{} is not a name, `=` and a number", shown(entry)))
    })
}

/// Entries `column=N` of caps, in their order.
///
/// # Errors
/// [`Error::Params`] for what is none, and for a cap of 0.
pub fn caps(field: &str, entries: &[String]) -> Result<Vec<(String, u64)>> {
    let mut caps: Vec<(String, u64)> = Vec::new();
    for entry in entries {
        let (column, most) = entry_of(field, entry)?;
        if most == 0 {
            let message = format!("{}: a cap of 0 leaves nothing", shown(entry));
            return Err(Error::params(field, message));
        }
        if caps.iter().any(|(other, _)| other == column) {
            return Err(Error::params(field, format!("{} stands there twice", shown(column))));
        }
        caps.push((column.to_string(), most));
    }
    Ok(caps)
}
