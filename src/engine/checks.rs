//! What is refused before any work.

use super::legs::{self, Behind};
use super::{Knobs, Plan, RUN, earlier_run, grouping, schema_after};
use crate::dataset::{self, MANIFEST, Root};
use crate::error::{Error, Result};
use crate::manifest::{Partitions, Schema};
use crate::report;
use crate::step::{AnyStep, Grain, Grouping};

/// Checks a whole chain before any work: each step's columns against what comes before it.
///
/// # Errors
/// [`Error::Params`] when a listing is not first, or input and output are one; [`Error::Schema`]
/// naming the column and the step that makes it; [`Error::Store`] when the input is not there.
pub fn check(plan: &Plan, knobs: &Knobs) -> Result<()> {
    let behind = knobs.leg.as_ref().map(|leg| legs::behind(plan, leg)).transpose()?.flatten();
    checked(plan, behind.as_ref()).map(drop)
}

/// The columns that a whole chain leads to, after [`check`].
pub(super) fn checked(plan: &Plan, behind: Option<&Behind>) -> Result<Schema> {
    let Some(first) = plan.steps.first() else {
        return Err(Error::params("steps", "there is none: name at least one"));
    };
    let mut schema = Schema::default();
    if first.entry().grain == Grain::Listing {
        let is_folder = dataset::is_url(&plan.input) || std::path::Path::new(&plan.input).is_dir();
        if is_folder && Root::open(&plan.input).is_ok_and(|root| root.is(&plan.out)) {
            return Err(Error::params("--output", "it is the input itself: choose another folder"));
        }
    } else if let Some(behind) = behind {
        schema = behind.schema.clone();
    } else {
        let input = Root::open(&plan.input)?;
        schema = input.manifest()?.schema().clone();
        if input.is(&plan.out) {
            return Err(Error::params(
                "--output",
                "it is the input dataset itself: choose another folder",
            ));
        }
    }
    columns(&plan.steps, schema, behind)
}

/// Checks a chain of which only the steps are known: what its steps say of each other, and, where it begins with a
/// listing, the columns of each.
///
/// # Errors
/// As [`check`].
pub fn check_chain(steps: &[Box<dyn AnyStep>]) -> Result<()> {
    match steps.first() {
        Some(first) if first.entry().grain == Grain::Listing => {
            columns(steps, Schema::default(), None).map(drop)
        }
        // Which columns its dataset has is known when it runs.
        _ => (0..steps.len()).try_for_each(|index| after(steps, index, None)),
    }
}

/// The columns that steps lead to, each checked against what comes before it.
fn columns(
    steps: &[Box<dyn AnyStep>],
    mut schema: Schema,
    behind: Option<&Behind>,
) -> Result<Schema> {
    for (index, step) in steps.iter().enumerate() {
        let entry = step.entry();
        match entry.grain {
            Grain::Listing if index > 0 || behind.is_some() => {
                return Err(Error::params(
                    format!("steps[{index}]"),
                    format!("`{}` makes the first manifest: it can only stand first", entry.name),
                ));
            }
            Grain::Listing => schema = Schema { facts: entry.fields() },
            Grain::Image | Grain::Group | Grain::Manifest => {
                schema.require(entry.name, entry.reads, step.needs())?;
                step.columns(&schema)?;
                schema = schema_after(&schema, entry);
            }
        }
        after(steps, index, behind)?;
    }
    Ok(schema)
}

/// What a step says of those before it: earlier legs, and earlier steps of its own chain.
fn after(steps: &[Box<dyn AnyStep>], index: usize, behind: Option<&Behind>) -> Result<()> {
    let legs = behind.into_iter().flat_map(|behind| &behind.legs);
    let legs = legs.flat_map(|leg| &leg.steps).map(|s| (s.step.as_str(), &s.params));
    let (earlier, rest) = steps.split_at(index);
    let earlier = earlier.iter().map(|s| (s.entry().name, s.params()));
    let earlier: Vec<_> = legs.chain(earlier).collect();
    rest.first().map_or(Ok(()), |step| step.after(&earlier))
}

/// Refuses what no shard can do, before it has done anything else.
pub(super) fn check_shard(plan: &Plan) -> Result<()> {
    for (index, step) in plan.steps.iter().enumerate() {
        match step.entry().grain {
            Grain::Group => {}
            Grain::Manifest => return Err(grouping::no_shard(&**step, "it looks at all rows")),
            Grain::Listing | Grain::Image => continue,
        }
        if step.joins() {
            return Err(grouping::no_shard(&**step, "its params look at all groups"));
        }
        // Behind another step, files were dealt to shards one by one: only a slide's patches are sure
        // to be all in one.
        let has_slides = plan.steps.iter().take(index).any(|s| s.entry().name == "tile");
        if index > 0 && step.grouping() != Grouping::Item && !has_slides {
            return Err(grouping::no_shard(&**step, "a group may lie in several shards"));
        }
    }
    Ok(())
}

/// Refuses partitions of what is no whole manifest, or by columns that it will not have.
pub(super) fn check_partitions(plan: &Plan, schema: &Schema, knobs: &Knobs) -> Result<()> {
    let last = plan.steps.last().map(|step| step.entry());
    if let Some(last) = last.filter(|last| last.grain != Grain::Manifest) {
        return Err(Error::params(
            "--partition-by",
            format!(
                "`{}` does not look at a whole manifest: only the last manifest of steps that do is laid down so",
                last.name
            ),
        ));
    }
    Partitions::new(schema, &knobs.partition_by, 0).map(drop)
}

/// Refuses an output that holds somebody else's files under our names: a table without our columns, or a broken
/// one that no run of ours stands beside.
pub(super) fn own(out: &Root) -> Result<()> {
    let foreign = match out.length(MANIFEST)? {
        // Files that people keep under these names, in a folder in which no run of ours began.
        None => {
            let mut theirs = false;
            for name in [RUN, report::REPORT, report::NUMBERS] {
                theirs |= out.length(name)?.is_some();
            }
            theirs && out.list("records")?.is_empty() && earlier_run(out, RUN)?.is_none()
        }
        Some(_) => match out.manifest() {
            Ok(_) => false,
            Err(Error::Format { .. }) => earlier_run(out, RUN)?.is_none(),
            Err(Error::Schema { .. }) => true,
            Err(other) => return Err(other),
        },
    };
    if foreign {
        return Err(Error::params(
            "--output",
            format!(
                "{} holds a {MANIFEST}, run.json, report.html or report.json that microtome did not write: choose another folder",
                out.uri()
            ),
        ));
    }
    Ok(())
}
