//! Rows that have several classes: labels with a separator, or shares in columns.

use std::collections::HashMap;

use super::draw::{self, Bits, DROPPED, Ties};
use super::findings::{self, OfMass, OfSplit};
use super::look::{Look, key_of, numbers, ranks};
use super::params::{Mode, Params};
use super::target::{Target, shown};
use crate::distribution::Words;
use crate::error::{Error, Result};
use crate::manifest::{Batch, Kind, NULL, Schema};
use crate::step::{Facts, Manifest, Out};
use crate::steps::codes::Coded;

/// Sums of shares and weights are exact, so that no order of rows is in them: in units of 2⁻⁴⁰.
const UNIT: f64 = 1_099_511_627_776.0;
/// Above every share and weight.
const LARGEST: f64 = 1_048_576.0;

/// A share or weight in units of 2⁻⁴⁰; null counts as 0.
///
/// # Errors
/// [`Error::Format`] when it is below 0 or too large.
pub fn fixed(column: &str, value: Option<f64>) -> Result<u64> {
    match value.unwrap_or(0.0) {
        value if (0.0..LARGEST).contains(&value) => Ok((value * UNIT + 0.5) as u64),
        value => Err(Error::format(
            "manifest",
            format!("{} holds {value}: it must lie between 0 and {LARGEST}", shown(column)),
        )),
    }
}

/// The number that a sum stands for.
pub fn number(sum: u128) -> f64 {
    sum as f64 / UNIT
}

/// The columns that hold shares.
pub fn columns(params: &Params, schema: &Schema) -> Vec<String> {
    let Some(prefix) = &params.soft else { return Vec::new() };
    let number = |kind: Kind| matches!(kind, Kind::Int | Kind::Float);
    let facts = schema.facts.iter().filter(|f| number(f.kind) && f.name.len() > prefix.len());
    let mut names: Vec<String> =
        facts.filter(|f| f.name.starts_with(prefix.as_str())).map(|f| f.name.clone()).collect();
    names.sort();
    names
}

/// Speaks of each class of each row, in the order of rows.
fn each(
    params: &Params,
    schema: &Schema,
    batch: &Batch,
    soft: &[String],
    mut take: impl FnMut(usize, &str, u64),
) -> Result<()> {
    if let Some(prefix) = &params.soft {
        let read = |name: &String| -> Result<Vec<u64>> {
            let values = numbers(batch, schema, name)?;
            values.into_iter().map(|value| fixed(name, value)).collect()
        };
        let shares = soft.iter().map(read).collect::<Result<Vec<_>>>()?;
        for row in 0..batch.rows() {
            for (name, shares) in soft.iter().zip(&shares) {
                if let Some(share) = shares.get(row).filter(|share| **share > 0) {
                    take(row, name.get(prefix.len()..).unwrap_or_default(), *share);
                }
            }
        }
        return Ok(());
    }
    let separator = params.separator.as_deref().unwrap_or(";");
    let mut seen: Vec<&str> = Vec::new();
    for (row, text) in batch.text(&params.label_column)?.iter().enumerate() {
        seen.clear();
        for label in text.unwrap_or_default().split(separator).map(str::trim) {
            if !label.is_empty() && !seen.contains(&label) {
                seen.push(label);
                take(row, label, UNIT as u64);
            }
        }
    }
    Ok(())
}

/// The classes that occur in a batch, and one of those of each row.
pub fn seen(params: &Params, schema: &Schema, batch: &Batch, soft: &[String]) -> Result<Coded> {
    let (mut words, mut codes) = (Words::default(), vec![NULL; batch.rows()]);
    if let Some(prefix) = &params.soft {
        soft.iter().for_each(|name| {
            words.code(name.get(prefix.len()..));
        });
    }
    each(params, schema, batch, soft, |row, class, _| {
        codes[row] = words.code(Some(class));
    })?;
    Ok(Coded { words: words.all().iter().map(ToString::to_string).collect(), codes })
}

/// What rows with several classes are drawn by.
pub struct Several<'a> {
    params: &'a Params,
    manifest: &'a Manifest,
    soft: Vec<String>,
    numbers: HashMap<&'a str, usize>,
    /// The sum of shares of each class of each split.
    masses: Vec<u128>,
    /// The share of each class of each split that is aimed at.
    shares: Vec<f64>,
    /// Share by mass.
    factors: Vec<f64>,
    splits: &'a [Option<String>],
}

impl<'a> Several<'a> {
    /// Adds up shares, and finds what each class is worth.
    ///
    /// # Errors
    /// [`Error::Params`] for classes that were named and do not occur; what reading gives.
    pub fn new<F: Facts>(
        params: &'a Params,
        target: &Target,
        manifest: &'a Manifest,
        (splits, classes, cells): (&'a [Option<String>], &'a [String], &[u32]),
        out: &mut Out<'_, F>,
    ) -> Result<Self> {
        let numbers = classes.iter().enumerate().map(|(number, name)| (name.as_str(), number));
        let mut several = Self {
            params,
            manifest,
            soft: columns(params, manifest.schema()),
            numbers: numbers.collect(),
            masses: vec![0; splits.len() * classes.len()],
            shares: Vec::new(),
            factors: Vec::new(),
            splits,
        };
        let mut masses = vec![0_u128; several.masses.len()];
        let of = |index: usize| -> Result<Vec<u128>> {
            let mut sums = vec![0; several.masses.len()];
            several.each(index, cells, |_, class, share| sums[class] += u128::from(share))?;
            Ok(sums)
        };
        out.ordered(manifest.batches(), of, |_, _, sums| {
            masses.iter_mut().zip(sums).for_each(|(all, sum)| *all += sum);
            Ok(())
        })?;
        for (split, masses) in splits.iter().zip(masses.chunks(classes.len().max(1))) {
            let there = classes.iter().zip(masses).map(|(c, mass)| (c.as_str(), number(*mass)));
            several.shares.extend(target.shares(split.as_deref(), there)?);
        }
        let factor = |(share, mass): (&f64, &u128)| match *mass > 0 {
            true => share / number(*mass),
            false => 0.0,
        };
        several.factors = several.shares.iter().zip(&masses).map(factor).collect();
        several.masses = masses;
        Ok(several)
    }

    /// Speaks of each class (by split and class) of each row of a batch that is in a cell.
    fn each(
        &self,
        index: usize,
        cells: &[u32],
        mut take: impl FnMut(usize, usize, u64),
    ) -> Result<()> {
        let names: Vec<&str> = match self.params.soft {
            Some(_) => self.soft.iter().map(String::as_str).collect(),
            None => vec![&self.params.label_column],
        };
        let batch = self.manifest.batch(index, &names)?;
        let first = batch.first_row();
        let classes = self.numbers.len();
        each(self.params, self.manifest.schema(), &batch, &self.soft, |row, class, share| {
            let split = cells.get(first + row).copied().unwrap_or(DROPPED) as usize;
            if let (true, Some(class)) = (split < self.splits.len(), self.numbers.get(class)) {
                take(row, split * classes + class, share);
            }
        })
    }

    /// What each row of a batch weighs: the sum of share · target / mass; 0 for rows in no cell.
    ///
    /// # Errors
    /// What reading gives.
    pub fn weights(&self, index: usize, cells: &[u32], rows: usize) -> Result<Vec<f64>> {
        let mut weights = vec![0.0; rows];
        self.each(index, cells, |row, class, share| {
            weights[row] += number(share.into()) * self.factors[class];
        })?;
        Ok(weights)
    }

    /// Takes rows out whose classes have no share, and draws `size` rows of each split by weight.
    ///
    /// # Errors
    /// What reading gives.
    pub fn draw<F: Facts>(
        &self,
        look: &mut Look,
        out: &mut Out<'_, F>,
        ties: &mut Ties<'_>,
    ) -> Result<Bits> {
        let (cells, mut keys) = (&look.cells, std::mem::take(&mut look.keys));
        let mut worthless: Vec<u32> = Vec::new();
        let under = self.params.mode == Mode::Under;
        let of = |index: usize| -> Result<(Vec<f64>, Vec<u64>)> {
            let batch = self.manifest.batch(index, &["digest"])?;
            let weights = self.weights(index, cells, batch.rows())?;
            let ranks = if under { ranks(&batch, self.params.seed)? } else { Vec::new() };
            let keys = ranks.iter().zip(&weights).map(|(rank, w)| key_of(*rank, Some(*w)));
            let keys = keys.collect();
            Ok((weights, keys))
        };
        let mut next = 0;
        out.ordered(self.manifest.batches(), of, |_, _, (weights, new)| {
            for (row, weight) in weights.iter().enumerate() {
                let in_cell = cells.get(next + row).is_some_and(|cell| *cell < DROPPED);
                if in_cell && *weight <= 0.0 {
                    worthless.push((next + row) as u32);
                }
            }
            if let Some(keys) = keys.get_mut(next..next + new.len()) {
                keys.copy_from_slice(&new);
            }
            next += weights.len();
            Ok(())
        })?;
        worthless.iter().for_each(|row| look.cells[*row as usize] = DROPPED);
        let quota = if under { self.params.size.unwrap_or(0) } else { u64::MAX };
        let quotas = vec![quota; self.splits.len()];
        let drawn = draw::least(&look.cells, &keys, &quotas, ties)?;
        look.keys = keys;
        Ok(drawn)
    }

    /// What each class has of the rows of a batch that are drawn.
    ///
    /// # Errors
    /// What reading gives.
    pub fn drawn(&self, index: usize, cells: &[u32], drawn: &Bits) -> Result<Vec<u128>> {
        let mut sums = vec![0; self.masses.len()];
        let first = index * crate::manifest::BATCH_ROWS;
        self.each(index, cells, |row, class, share| {
            sums[class] += if drawn.get(first + row) { u128::from(share) } else { 0 };
        })?;
        Ok(sums)
    }

    /// What is said of the classes of each split.
    pub fn tell(&self, classes: &[String], drawn: &[u128], splits: &mut [OfSplit]) {
        for (index, split) in splits.iter_mut().enumerate() {
            let first = index * classes.len();
            let of = |class: usize| OfMass {
                class: findings::cut(&classes[class]),
                mass: number(self.masses[first + class]),
                share: self.shares[first + class],
                drawn_mass: number(drawn.get(first + class).copied().unwrap_or(0)),
            };
            let mut all: Vec<OfMass> = (0..classes.len()).map(of).collect();
            all.sort_by(|a, b| b.mass.total_cmp(&a.mass).then_with(|| a.class.cmp(&b.class)));
            split.more_classes = all.len().saturating_sub(findings::MOST_CLASSES) as u64;
            all.truncate(findings::MOST_CLASSES);
            split.masses = all;
        }
    }
}
