//! Where the manifests of a run's steps lie, and where its slides were cut.

use crate::dataset::Root;
use crate::manifest::{ManifestReader, Schema};
use crate::summary::{StepSummary, Summary};

/// Largest `run.json` of an earlier dataset that is read, in bytes.
const RUN_BYTES: u64 = 64 << 20;
/// What a run says of itself.
const RUN: &str = "run.json";
/// Most datasets that are followed back.
const MOST_ROOTS: usize = 8;

/// The step that cut patches out of slides.
#[derive(Debug, Clone)]
pub struct Cut {
    /// The dataset that it was run into.
    pub root: Root,
    /// What it did.
    pub step: StepSummary,
    /// Whether it was a step of the run that is reported, and not of one before.
    pub is_own: bool,
    run: Summary,
    at: usize,
}

/// Finds the step that cut the rows of a manifest: in this run or, where it began with patches, in the
/// datasets that it was made from.
pub fn cut(root: &Root, summary: &Summary, schema: &Schema) -> Option<Cut> {
    let found = |root: &Root, run: Summary, is_own| {
        let at = run.steps.iter().rposition(|step| step.step == "tile")?;
        let step = run.steps.get(at)?.clone();
        Some(Cut { root: root.clone(), step, is_own, run, at })
    };
    if let Some(cut) = found(root, summary.clone(), true) {
        return Some(cut);
    }
    schema.fact("tile.source_id")?;
    let mut input = summary.input.clone();
    for _ in 0..MOST_ROOTS {
        let (root, run) = run_at(&input)?;
        input.clone_from(&run.input);
        if let Some(cut) = found(&root, run, false) {
            return Some(cut);
        }
    }
    None
}

/// Steps of the datasets that a run began from, oldest first, as far as they can be reached.
pub fn earlier(summary: &Summary) -> Vec<StepSummary> {
    let mut runs = Vec::new();
    let mut input = summary.input.clone();
    while runs.len() < MOST_ROOTS
        && let Some((_, run)) = run_at(&input)
    {
        input.clone_from(&run.input);
        runs.push(run);
    }
    runs.into_iter().rev().flat_map(|run| run.steps).collect()
}

/// What the run said that made the dataset at this place.
fn run_at(place: &str) -> Option<(Root, Summary)> {
    let root = Root::open(place).ok()?;
    let length = root.length(RUN).ok()??;
    let bytes = (length <= RUN_BYTES).then(|| root.read(RUN).ok()?).flatten()?;
    Some((root, serde_json::from_slice(&bytes).ok()?))
}

impl Cut {
    /// The manifest of the slides.
    pub fn slides(&self) -> Option<ManifestReader> {
        before(&self.root, &self.run, self.at).map(|(_, reader)| reader)
    }
}

/// The manifest of a step that is not the last.
pub fn between(root: &Root, summary: &Summary, at: usize) -> Option<ManifestReader> {
    let step = summary.steps.get(at)?;
    root.manifest_at(&format!("manifests/{}-{}.parquet", at + 1, step.step)).ok()
}

/// The manifest that a step read, and the dataset that its paths begin at; `None` for a listing, which
/// reads none.
pub fn before(root: &Root, summary: &Summary, at: usize) -> Option<(Root, ManifestReader)> {
    match at.checked_sub(1) {
        Some(before) => Some((root.clone(), between(root, summary, before)?)),
        None if summary.steps.first().is_some_and(|step| step.step != "scan") => {
            let input = Root::open(&summary.input).ok()?;
            let reader = input.manifest().ok()?;
            Some((input, reader))
        }
        None => None,
    }
}
