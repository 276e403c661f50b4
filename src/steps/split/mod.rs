//! `split`: rows to train, val and test, or to folds, without leakage. The page for users is [`Params`].
//!
//! What needs no manifest can be called alone: [`Counts::of`] on codes, then [`assign`].

mod assign;
mod audit;
mod components;
mod counts;
mod findings;
mod gather;
mod improve;
mod near;
mod params;
mod targets;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

pub use assign::{OPEN, assign, assign_by_hash};
pub use audit::{Across, Alike, Example, Identical};
pub use counts::{Column as Classes, Counts};
pub use findings::{Balance, Findings, Fixed, Found, Largest, Missing};
pub use params::{FixedRow, Measure, Mode, NearDuplicates, Params};
pub use targets::{MOST_SPLITS, Target, folds, parse};

use self::audit::Places;
use self::components::Components;
use self::gather::{Gathered, Plan, gather};
use crate::error::{Error, Result};
use crate::manifest::{Column, Kind, Schema, Values};
use crate::step::{Manifest, Out, Rows, Step};
use crate::steps::codes::Coded;

const READ_PHASH: Column = Column {
    name: params::PHASH,
    kind: Kind::Text,
    made_by: "filter-background",
    doc: "perceptual hash, by which images are found that look alike; where it is there",
};

/// What `split` says of every row, beside the column `split`.
#[derive(Serialize, JsonSchema, Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Number of the fold that the row is in, from 0; null with `ratios`.
    pub fold: Option<u32>,
}

/// The step.
pub struct Split {
    params: Params,
    targets: Vec<Target>,
}

impl Step for Split {
    const NAME: &'static str = "split";
    const VERSION: &'static str = "1.0.0";
    type Params = Params;
    type Input = Manifest;
    type Facts = Facts;
    const READS: &'static [Column] = &[READ_PHASH];

    fn new(params: Params) -> Result<Self> {
        params.check()?;
        let targets = params.targets()?;
        let step = Self { params, targets };
        step.fixed()?;
        Ok(step)
    }

    fn needs(&self) -> &'static [Column] {
        &[]
    }

    fn columns(&self, schema: &Schema) -> Result<Vec<String>> {
        let names = Plan::new(&self.params, schema)?.names();
        Ok(names.into_iter().map(String::from).collect())
    }

    fn run(&self, manifest: Manifest, out: &mut Out<'_, Facts>) -> Result<()> {
        let gathered = gather(&self.params, &manifest, out)?;
        let (splits, counts, fixed) = self.share_out(&gathered)?;
        let leakage = self.write(&manifest, &gathered, &splits, out)?;
        self.tell(&gathered, (&splits, &counts), leakage, fixed, out)
    }
}

impl Split {
    /// The number of the split that each fixed group goes to.
    fn fixed(&self) -> Result<BTreeMap<&str, u8>> {
        let wrong = |message: String| Error::params("fixed", message);
        let mut fixed = BTreeMap::new();
        for row in &self.params.fixed {
            let (group, shown) = (row.group.as_str(), cut(&row.group));
            let Some(split) = self.targets.iter().position(|t| t.name == row.split) else {
                let names: Vec<&str> = self.targets.iter().map(|t| t.name.as_str()).collect();
                return Err(wrong(format!(
                    "`{shown}` is to go to `{}`, and there is no such split: {}",
                    cut(&row.split),
                    names.join(", ")
                )));
            };
            let earlier = fixed.insert(group, split as u8);
            if earlier.is_some_and(|earlier| usize::from(earlier) != split) {
                return Err(wrong(format!("`{shown}` is fixed to two splits")));
            }
        }
        Ok(fixed)
    }

    /// The components that `fixed` puts somewhere.
    fn place_fixed(&self, components: &Components) -> Result<(Vec<u8>, Fixed)> {
        let mut splits = vec![OPEN; components.len()];
        let mut by: BTreeMap<u32, &str> = BTreeMap::new();
        let mut found = Fixed::default();
        for (group, split) in self.fixed()? {
            let Some(component) = components.find(group) else {
                found.unknown += 1;
                continue;
            };
            let place = &mut splits[component as usize];
            if *place != OPEN && *place != split {
                let name = |split: u8| &self.targets[usize::from(split)].name;
                return Err(Error::params(
                    "fixed",
                    format!(
                        "`{}` is fixed to `{}` and `{}` to `{}`, and they hang together: they share a value or an image, directly or through others",
                        cut(by.get(&component).copied().unwrap_or_default()),
                        name(*place),
                        cut(group),
                        name(split)
                    ),
                ));
            }
            found.components += u64::from(*place == OPEN);
            *place = split;
            by.insert(component, group);
        }
        Ok((splits, found))
    }

    /// The split of each component.
    fn share_out(&self, gathered: &Gathered) -> Result<(Vec<u8>, Counts, Fixed)> {
        let Gathered { components, classes, .. } = gathered;
        let count = components.len();
        if let Some(folds) = self.params.folds
            && count > 0
            && count < folds as usize
        {
            return Err(Error::params(
                "folds",
                format!(
                    "{folds} folds of {count} components: what hangs together goes to one fold, and some would stay empty"
                ),
            ));
        }
        let (fixed, found) = self.place_fixed(components)?;
        let columns: Vec<counts::Column<'_>> = classes
            .iter()
            .map(|of| counts::Column { codes: &of.codes, classes: of.names.len() as u32 })
            .collect();
        let by_groups = self.params.measure == Measure::Groups;
        let counts = Counts::of(&components.rows, count, &columns, by_groups);
        let shares: Vec<f64> = self.targets.iter().map(|target| target.share).collect();
        let splits = match self.params.mode {
            Mode::Balance => assign(&counts, &shares, &components.ranks, fixed),
            Mode::Hash => assign_by_hash(&shares, &components.ranks, fixed),
        };
        Ok((splits, counts, found))
    }

    /// The second pass: says of each row where it goes, and sees where the values of columns lie.
    fn write(
        &self,
        manifest: &Manifest,
        gathered: &Gathered,
        splits: &[u8],
        out: &mut Out<'_, Facts>,
    ) -> Result<BTreeMap<String, Across>> {
        let audited = Plan::new(&self.params, manifest.schema())?.audited;
        let mut names: Vec<&str> = audited.iter().map(|(name, _)| *name).collect();
        // A batch without columns would have no rows.
        names.push("digest");
        names.sort_unstable();
        names.dedup();
        let words: Vec<String> = self.targets.iter().map(|target| target.name.clone()).collect();
        let mut places: Vec<Places> = audited.iter().map(|_| Places::default()).collect();
        let make = |index: usize| {
            let batch = manifest.batch(index, &names)?;
            let first = batch.first_row();
            let components = &gathered.components.rows[first..first + batch.rows()];
            let of_rows: Vec<u8> = components.iter().map(|c| splits[*c as usize]).collect();
            let seen = audited.iter().map(|(name, kind)| {
                let coded = Coded::of(&batch, *kind, name)?;
                let sets = audit::sets(&coded, &of_rows);
                Ok((coded.words, sets))
            });
            let seen = seen.collect::<Result<Vec<_>>>()?;
            let codes = of_rows.iter().map(|split| u32::from(*split)).collect();
            let mut columns = vec![("split", Values::Words { words: words.clone(), codes })];
            if self.params.folds.is_some() {
                let folds = of_rows.iter().map(|split| Some(i64::from(*split))).collect();
                columns.push(("fold", Values::Int(folds)));
            }
            Ok((Rows { columns, ..Rows::default() }, seen))
        };
        out.ordered(manifest.batches(), make, |out, _, (rows, seen)| {
            for (places, (words, sets)) in places.iter_mut().zip(&seen) {
                places.push(words, sets);
            }
            out.rows(rows)
        })?;
        let found = audited.iter().zip(&places);
        Ok(found.map(|((name, _), places)| (name.to_string(), places.finish(&words))).collect())
    }

    /// Says what came of it, and refuses what must not be.
    fn tell(
        &self,
        gathered: &Gathered,
        (splits, counts): (&[u8], &Counts),
        leakage: BTreeMap<String, Across>,
        fixed: Fixed,
        out: &mut Out<'_, Facts>,
    ) -> Result<()> {
        let Gathered { components, classes, twins, hashes, alone } = gathered;
        let split_of = |row: u32| splits[components.rows[row as usize] as usize];
        let names: Vec<String> = self.targets.iter().map(|target| target.name.clone()).collect();
        let identical = audit::identical(twins, split_of);
        let joined: BTreeSet<&str> = self.params.joined_by().into_iter().collect();
        let crossing =
            leakage.iter().find(|(n, found)| joined.contains(n.as_str()) && found.across > 0);
        if let Some((name, _)) = crossing {
            let message = format!("values of `{name}` lie in several splits");
            return Err(Error::Bug { message });
        }
        if identical.across > 0 {
            return Err(Error::Bug { message: "identical images lie in several splits".into() });
        }
        let looked = self.params.near_duplicates == NearDuplicates::Warn && !hashes.is_empty();
        let bits = self.params.near_duplicate_bits;
        let alike = looked.then(|| audit::alike(hashes, bits, split_of, &names));
        let largest = (0..counts.len()).max_by_key(|c| (counts.rows[*c], std::cmp::Reverse(*c)));
        let stratified = self.params.stratified();
        let columns: Vec<findings::Named<'_>> =
            stratified.iter().zip(classes).map(|(name, of)| (*name, &*of.names)).collect();
        let found = Findings {
            components: components.len() as u64,
            rows_alone: *alone,
            largest: largest.map(|component| Largest {
                name: components.name(component),
                rows: counts.rows[component].into(),
                share: f64::from(counts.rows[component]) / components.rows.len() as f64,
                split: names[usize::from(splits[component])].clone(),
            }),
            splits: findings::splits(counts, splits, &self.targets),
            classes: findings::balances(counts, splits, &self.targets, &columns),
            leakage,
            identical,
            alike,
            fixed,
        };
        let measure = match self.params.measure {
            Measure::Items => "the rows",
            Measure::Groups => "what stays together",
        };
        let notes = findings::notes(&found, measure);
        for note in audit::notes(&found.leakage, found.alike.as_ref()).into_iter().chain(notes) {
            out.note(note)?;
        }
        out.findings(&found)
    }
}

fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}
