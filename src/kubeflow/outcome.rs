//! The answer: artifacts, output parameters, and the file that tells Kubeflow of both.
//!
//! The launcher reads the file strictly, so it has what the protocol names and nothing else; what is not in the executor input's
//! `outputs` (or is there and is none of ours: `executor-logs`) is not answered. The answer comes last: where it is, all else is.

use serde_json::{Map, Value, json};

use super::input::{Artifact, ExecutorInput};
use super::metadata::{self, Before, Metadata, Told};
use super::places::Places;
use super::pointer::{FILE, Pointer};
use super::work::own_place;
use crate::dataset::{MANIFEST, Root, write_file};
use crate::describe::interface::{OUTPUT_ARTIFACTS, OUTPUT_PARAMETERS};
use crate::digest::Digest;
use crate::engine::{self, Knobs, RUN, Summary};
use crate::error::{Error, Result};
use crate::report;
use crate::summary::Failure;

/// A run or a merge that came to its end.
pub struct Outcome {
    /// Where the dataset is.
    pub out: Root,
    /// How it ran.
    pub knobs: Knobs,
    /// What it did.
    pub summary: Summary,
    /// The first of its failures.
    pub failures: Vec<Failure>,
    /// The steps that came before.
    pub before: Before,
}

impl Outcome {
    /// An outcome, and what came before it: told by the summaries of earlier legs, by the metadata of the artifact that was read, or
    /// by the summary of the dataset that was read.
    ///
    /// # Errors
    /// As [`engine::earlier_legs`].
    pub fn new(
        (out, knobs, summary): (Root, Knobs, Summary),
        failures: Vec<Failure>,
        artifact: Option<&Artifact>,
    ) -> Result<Self> {
        let told = artifact.and_then(|artifact| Before::of(&artifact.metadata));
        let legs = match &knobs.leg {
            // Many shards need not each read what all of them have behind them: they do not tell it.
            Some(leg) if summary.shard.is_none() => engine::earlier_legs(&out, leg)?,
            _ => Vec::new(),
        };
        let before = match (legs.first(), told) {
            (Some(first), _) => {
                let mut steps = report::earlier(first);
                steps.extend(legs.into_iter().flat_map(|leg| leg.steps));
                Before::Ran(steps)
            }
            (None, Some(told)) => told,
            (None, None) if summary.shard.is_some() => Before::Nothing,
            (None, None) => Before::Ran(report::earlier(&summary)),
        };
        Ok(Self { out, knobs, summary, failures, before })
    }

    /// Items of the manifest.
    pub fn items(&self) -> u64 {
        self.summary.steps.last().map_or(0, |step| step.items)
    }

    /// Digest of the manifest.
    pub fn manifest(&self) -> Option<Digest> {
        self.summary.steps.last().map(|step| step.manifest)
    }

    /// Writes everything that the executor input asks for.
    ///
    /// # Errors
    /// [`Error::Store`] when something cannot be written, or the manifest is not the one that was made.
    pub fn write(&self, given: &ExecutorInput, places: &Places) -> Result<()> {
        let mut pointer = Pointer {
            root: self.out.uri().into(),
            manifest: self.knobs.manifest_path(),
            digest: self.manifest(),
            leg: self.knobs.leg.as_ref().map(ToString::to_string),
        };
        let rows = match self.summary.shard {
            Some(_) => None,
            None => {
                let manifest = self.out.manifest_at(&pointer.manifest)?;
                Some(report::Classes::find(&self.summary, &manifest)?.now)
            }
        };
        if let Some(place) = own_place(given, places)? {
            let folder = Root::open(&place)?;
            if folder.is(&self.out) {
                pointer.root =
                    first(given, "dataset").map_or(place, |artifact| artifact.uri.clone());
            } else {
                self.lay_down(&folder, &pointer)?;
            }
        }
        if let Some(artifact) = first(given, "report")
            && let Some(place) = places.local("report", artifact)?
        {
            write_file(&place, &self.page()?)?;
        }
        let told = Told {
            summary: &self.summary,
            knobs: &self.knobs,
            pointer: &pointer,
            rows: rows.as_ref(),
            before: &self.before,
        };
        let of_dataset = metadata::dataset(&told)?;
        let of_metrics = metadata::metrics(&self.summary, rows.as_ref());
        answer(given, &self.parameters(), &|name| match name {
            "dataset" => of_dataset.clone(),
            "metrics" => of_metrics.clone(),
            _ => Metadata::new(),
        })
    }

    /// The artifact of a dataset that lies elsewhere: the manifest, the run's summary, and where the dataset is.
    fn lay_down(&self, folder: &Root, pointer: &Pointer) -> Result<()> {
        let found = folder.copy(&self.out, &pointer.manifest, MANIFEST)?;
        if Some(found) != pointer.digest {
            return Err(Error::store(
                format!("{}/{}", pointer.root, pointer.manifest),
                "another run wrote it over just now: run this one again",
            ));
        }
        if self.knobs.is_whole() && self.out.length(RUN)?.is_some() {
            folder.copy(&self.out, RUN, RUN)?;
        }
        folder.replace(FILE, &pointer.bytes())
    }

    /// The report of the whole, or a page on the part.
    fn page(&self) -> Result<Vec<u8>> {
        if self.knobs.is_whole()
            && let Some(page) = self.out.read(report::REPORT)?
        {
            return Ok(page);
        }
        let leg = self.knobs.leg.as_ref().map(|leg| format!("leg {leg}"));
        let shard = self.summary.shard.as_ref().map(|shard| format!("shard {shard}"));
        let part: Vec<String> = leg.into_iter().chain(shard).collect();
        let path = self.knobs.failures_path();
        let page = report::render_part(
            self.out.uri(),
            &part.join(", "),
            &self.summary,
            &self.failures,
            &path,
        );
        Ok(page.into_bytes())
    }

    fn parameters(&self) -> Metadata {
        let digest = self.manifest().map(|digest| digest.to_string()).unwrap_or_default();
        let values = [
            ("manifest_digest", Value::from(digest)),
            ("items", self.items().into()),
            ("failures", self.summary.failures.into()),
        ];
        values.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
    }
}

fn first<'a>(given: &'a ExecutorInput, name: &str) -> Option<&'a Artifact> {
    given.outputs.artifacts.get(name).and_then(|listed| listed.first())
}

/// Refuses, before any work, an output that could not be written after it.
///
/// # Errors
/// As [`Places::local`].
pub fn check_outputs(given: &ExecutorInput, places: &Places) -> Result<()> {
    for (name, _, _) in OUTPUT_ARTIFACTS {
        if let Some(artifact) = first(given, name) {
            places.local(name, artifact)?;
        }
    }
    Ok(())
}

/// Writes the output parameters, each to its file, and the answer.
fn answer(given: &ExecutorInput, values: &Metadata, of: &dyn Fn(&str) -> Metadata) -> Result<()> {
    let mut parameters = Map::new();
    for (name, _, _) in OUTPUT_PARAMETERS {
        let (Some(file), Some(value)) = (given.outputs.parameters.get(*name), values.get(*name))
        else {
            continue;
        };
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_string);
        write_file(file, text.as_bytes())?;
        parameters.insert((*name).into(), value.clone());
    }
    let mut artifacts = Map::new();
    for (name, _, _) in OUTPUT_ARTIFACTS {
        if let Some(artifact) = first(given, name) {
            let one = json!({"name": artifact.name, "uri": artifact.uri, "metadata": of(name)});
            artifacts.insert((*name).into(), json!({ "artifacts": [one] }));
        }
    }
    let Some(file) = &given.outputs.file else { return Ok(()) };
    let all = json!({"parameterValues": parameters, "artifacts": artifacts});
    write_file(file, all.to_string().as_bytes())
}

/// Says on the page of the report, where there is one to be, what kept `what` from being done.
///
/// # Errors
/// As [`write_file`].
pub fn write_error(
    given: &ExecutorInput,
    places: &Places,
    what: &str,
    error: &Error,
) -> Result<()> {
    let Some(artifact) = first(given, "report") else { return Ok(()) };
    match places.local("report", artifact)? {
        Some(place) => write_file(&place, report::render_error(what, error).as_bytes()),
        None => Ok(()),
    }
}
