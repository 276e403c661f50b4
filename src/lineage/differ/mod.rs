//! What differs between two datasets: how they were made, from what, and what came out.
//!
//! The question is "recall fell between these two runs: what changed in the data?". The answer begins with a few
//! [`Headline`]s, most likely ones first: what was done differently (versions, params, source files), then what came
//! of it (classes, splits, labels, rows). What was done is blamed for what came of it only where the
//! runs' own words show it: where nothing else differs.

mod chain;
mod headlines;
mod prints;
mod rows;
mod shares;
mod show;
mod words;

use serde::Serialize;

use super::ancestry::Ancestry;
use crate::dataset::{MANIFEST, Root};
use crate::error::{Error, Result};
use crate::manifest::ManifestReader;
use crate::step::Crew;
use crate::summary::StepSummary;

pub use chain::{Counts, StepCounts, StepDifference};
pub use headlines::Headline;
pub use rows::{ColumnDifference, RowChange, Rows, Transition, ValueChange};
pub use shares::{ClassChange, GroupMove, GroupMoves, GroupTransition, Shares};

/// What differs between two datasets.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The first dataset.
    pub left: String,
    /// The second.
    pub right: String,
    /// Whether nothing differs that anybody could see in the data.
    pub equal: bool,
    /// What most likely matters, first things first.
    pub summary: Vec<Headline>,
    /// Steps whose version or params differ, or that only one of them has.
    pub steps: Vec<StepDifference>,
    /// What each step of the two chains left.
    pub counts: Vec<StepCounts>,
    /// The source files.
    pub inputs: Rows,
    /// The rows of the final manifests.
    pub rows: Rows,
    /// How they are shared out among classes, splits and groups.
    pub shares: Shares,
    /// What could not be compared, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl Difference {
    /// Whether nothing differs that anybody could see in the data.
    pub fn is_empty(&self) -> bool {
        self.equal
    }
}

/// Compares two datasets. Reading and hashing is spread over the crew; the answer does not depend on it. Memory: about
/// 12 bytes a row of both, and 32 a row while ids are paired (16 million rows at a time).
///
/// # Errors
/// [`Error::Params`] when either is no dataset, or the part of one; [`Error::Format`] and
/// [`Error::Store`] when a manifest cannot be read; [`Error::Limit`] over 2^32 − 2 rows; [`Error::Stopped`].
pub fn differ(left: &Root, right: &Root, crew: &Crew) -> Result<Difference> {
    let (a, b) = (Ancestry::of(left)?, Ancestry::of(right)?);
    let (x, y) = (manifest(left)?, manifest(right)?);
    let mut notes = Vec::new();
    for side in [&a, &b] {
        if side.own_steps().is_empty() {
            let root = side.root().uri();
            notes.push(format!("{root} has no run.json: its steps and params are not known"));
        }
    }
    let known = notes.is_empty();
    let (p, q) = (a.steps(), b.steps());
    let both = if known { chain::both(&p, &q) } else { Vec::new() };
    let steps = chain::steps(&both, &p, &q);
    let begins = |steps: &[&StepSummary]| steps.first().map(|step| step.step.clone());
    let inputs = if known && begins(&p) == begins(&q) {
        of((a.sources_at()?, a.sources()?), (b.sources_at()?, b.sources()?), crew)?
    } else {
        notes.push(
            "the two do not go back to the same step: their source files are not compared".into(),
        );
        Rows::default()
    };
    let (i, j) = ((left.clone(), MANIFEST.to_string()), (right.clone(), MANIFEST.to_string()));
    let same = same_file(&i, &j)?;
    let shares = match same {
        true => shares::shares_of(y.table(), crew)?,
        false => shares::shares(x.table(), y.table(), crew)?,
    };
    let rows = match same {
        true => Rows::same(y.rows() as u64),
        false => rows::rows(x.table(), y.table(), rows::ROWS_A_PASS, crew)?,
    };
    let equal = steps.is_empty() && inputs.is_equal() && rows.is_equal();
    let counts = chain::counts(&both);
    let mut difference = Difference {
        left: left.uri().into(),
        right: right.uri().into(),
        equal,
        summary: Vec::new(),
        steps,
        counts,
        inputs,
        rows,
        shares,
        notes,
    };
    if !equal {
        difference.summary = headlines::headlines(&difference, &both);
    }
    Ok(difference)
}

/// The manifest of a finished dataset.
fn manifest(root: &Root) -> Result<ManifestReader> {
    if root.length(MANIFEST)?.is_none() {
        return Err(Error::params(
            "dataset",
            format!(
                "{} holds parts of a manifest, as a shard leaves them: merge the shards first",
                root.uri()
            ),
        ));
    }
    root.manifest().map_err(|error| match error {
        Error::Format { message, .. } => {
            Error::format(format!("{}/{MANIFEST}", root.uri().trim_end_matches('/')), message)
        }
        other => other,
    })
}

/// A manifest: whose it is, and its path there.
type At = (Root, String);

fn same_file((a, p): &At, (b, q): &At) -> Result<bool> {
    Ok(a.length(p)? == b.length(q)? && a.digest(p)? == b.digest(q)?)
}

fn of(left: (At, ManifestReader), right: (At, ManifestReader), crew: &Crew) -> Result<Rows> {
    if same_file(&left.0, &right.0)? {
        return Ok(Rows::same(right.1.rows() as u64));
    }
    rows::rows(left.1.table(), right.1.table(), rows::ROWS_A_PASS, crew)
}
