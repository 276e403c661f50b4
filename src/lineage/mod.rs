//! Lineage: why an item exists, what differs between two of them, and whether a dataset still is
//! what its records say.
//!
//! Everything is read from the dataset itself: rows carry the keys of the records that led to them
//! (`trail`), records carry causes, causes carry digests of inputs, and earlier manifests say which
//! file a digest was. Where a run began from another dataset, that one is asked too, as long as it
//! can be reached. Nothing is written.

mod ancestry;
mod check;
mod contrast;
mod differ;
mod dropped;
mod links;
mod params;
mod show;
mod whole;
mod why;

pub use ancestry::{Ancestry, Made};
pub use check::{CheckReport, Problem, Progress, check};
pub use contrast::{Change, Contrast, contrast};
pub use differ::{
    ClassChange, ColumnDifference, Counts, Difference, GroupMove, GroupMoves, GroupTransition,
    Headline, RowChange, Rows, Shares, StepCounts, StepDifference, Transition, ValueChange, differ,
};
pub use dropped::Dropped;
pub use links::{Link, Origin, StepWords};
pub use params::{Param, params_by_interest};
pub use whole::{CopyOf, WholeWords};
pub use why::{Explanation, Subject, why};
