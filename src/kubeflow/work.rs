//! What a step's component is asked to do: from the inputs of an execution to a plan and its knobs.

use std::path::Path;

use super::heard::Heard;
use super::input::{Artifact, ExecutorInput};
use super::outcome::Outcome;
use super::places::Places;
use super::pointer::Pointer;
use super::values::{Values, whole};
use crate::dataset::{MANIFEST, Root, is_url, read_file, shown};
use crate::describe::interface::{INPUT_ARTIFACT, Input, inputs};
use crate::describe::{self, Shape};
use crate::digest::Digest;
use crate::engine::{self, Event, Knobs, Layout, Leg, Plan, Shard, Watch, size};
use crate::error::{Error, Result};
use crate::pipeline;
use crate::step::{AnyStep, Crew, Entry, Grain};

/// Most threads.
const MOST_THREADS: u32 = 4096;

/// A plan and its knobs.
pub struct Work {
    /// What is done.
    pub plan: Plan,
    /// How.
    pub knobs: Knobs,
    /// What a person should know before it begins.
    pub note: Option<String>,
}

/// A part of the input artifact's or the caller's word on a manifest: what it is called, and the digest.
type Told = (&'static str, Digest);

impl Work {
    /// What the executor input asks of a step.
    ///
    /// # Errors
    /// [`Error::Params`] naming the input that will not do; otherwise as [`pipeline::make`] and [`Pointer::of`].
    pub fn of(entry: &'static Entry, given: &ExecutorInput, places: &Places) -> Result<Self> {
        let declared = inputs(entry)?;
        let values = Values::of(given, &declared, &[INPUT_ARTIFACT.0])?;
        let step = step(entry, &values, &declared)?;
        let knobs = knobs(&values).map_err(named)?;
        let out = output(given, &values, places, knobs.leg.is_some())?;
        let artifact = one(given)?;
        let pointer = match artifact {
            Some(artifact) => Pointer::of(INPUT_ARTIFACT.0, artifact, places)?,
            None => None,
        };
        let uri = values.text("input_uri");
        // An optional artifact that was not brought is none.
        let is_there =
            |pointer: &Pointer| is_url(&pointer.root) || Path::new(&pointer.root).exists();
        let pointer = pointer
            .filter(|pointer| uri.is_none() || pointer.digest.is_some() || is_there(pointer));
        if let Some(leg) = knobs.leg.as_ref().filter(|leg| leg.number > 1) {
            behind(leg, &out, uri, pointer.as_ref(), &values)?;
            let plan = Plan { input: out.uri().into(), steps: vec![step], out };
            return Ok(Self { plan, knobs, note: None });
        }
        let input = place(entry, uri, pointer.as_ref())?;
        let mut work = Self { plan: Plan { input, steps: vec![step], out }, knobs, note: None };
        if entry.grain != Grain::Listing {
            work.read(pointer.as_ref(), &values)?;
        }
        Ok(work)
    }

    /// Refuses what cannot be done, before any work and before there are threads.
    ///
    /// # Errors
    /// As [`engine::check`].
    pub fn check(&self) -> Result<()> {
        engine::check(&self.plan, &self.knobs).map_err(named)
    }

    /// Does it. `given` is what the work was made of.
    ///
    /// # Errors
    /// As [`engine::run`].
    pub fn run(&self, given: &ExecutorInput, crew: &Crew, watch: &dyn Watch) -> Result<Outcome> {
        if let Some(message) = &self.note {
            watch.event(Event::Note { message: message.clone() });
        }
        let heard = Heard::new(watch);
        let summary = engine::run(&self.plan, &self.knobs, crew, &heard).map_err(named)?;
        // A listing begins a chain.
        let listed = self.plan.steps.first().is_some_and(|s| s.entry().grain == Grain::Listing);
        let artifact = if listed { None } else { one(given)? };
        let run = (self.plan.out.clone(), self.knobs.clone(), summary);
        Outcome::new(run, heard.failures(), artifact)
    }

    /// Holds a dataset that is read to what is told of it; images that are none yet are scanned first.
    fn read(&mut self, pointer: Option<&Pointer>, values: &Values) -> Result<()> {
        let input = &self.plan.input;
        if let Some(pointer) = pointer.filter(|pointer| pointer.manifest != MANIFEST) {
            let part =
                pointer.leg.as_ref().map_or("a shard".to_string(), |leg| format!("leg {leg}"));
            return Err(Error::params(
                INPUT_ARTIFACT.0,
                format!(
                    "it is {} of {}, which {part} made: no whole dataset yet. Merge its shards, or be the next leg of the chain (`leg`)",
                    pointer.manifest,
                    shown(&pointer.root)
                ),
            ));
        }
        let told = told(pointer, values)?;
        let is_file = !is_url(input) && Path::new(input).is_file();
        let root = (!is_file).then(|| Root::open(input)).transpose()?;
        let place = shown(input);
        if let Some(root) = root {
            let is_whole = root.length(MANIFEST)?.is_some();
            if !is_whole && root.is_dataset()? {
                let message = format!("{place} has parts of a manifest: merge the shards first");
                return Err(Error::params("input_uri", message));
            }
            if is_whole {
                return hold(&root, MANIFEST, &told);
            }
        }
        if let Some((name, digest)) = told.first() {
            return Err(Error::params(
                *name,
                format!("{place} is no dataset, so it has no manifest {}…", digest.short()),
            ));
        }
        if self.knobs.leg.is_some() {
            return Err(Error::params(
                "input_uri",
                format!("{place} is no dataset: let the chain of `leg` begin with `scan`"),
            ));
        }
        self.note = Some(format!("{place} is no dataset: `scan` with its defaults goes first"));
        self.plan.steps = pipeline::scanned_first(std::mem::take(&mut self.plan.steps))?;
        Ok(())
    }
}

/// The step with the params that were given.
fn step(entry: &'static Entry, values: &Values, declared: &[Input]) -> Result<Box<dyn AnyStep>> {
    let mut given = values.params(declared);
    for param in describe::params(entry)? {
        let Shape::File(_) = param.shape else { continue };
        let Some(text) = given.get(&param.name).and_then(|value| value.as_str()) else { continue };
        let text = text.trim();
        if text.is_empty() {
            given.remove(&param.name);
        } else if text.starts_with(['{', '[']) {
            let content = serde_json::from_str(text).map_err(|e| {
                Error::params(&param.name, format!("it begins as JSON does, and is none: {e}"))
            })?;
            given.insert(param.name.clone(), whole(content));
        }
    }
    pipeline::make(entry, given, &|field| field.to_string(), &read_file)
}

fn knobs(values: &Values) -> Result<Knobs> {
    let mut knobs = Knobs::default();
    match values.count("threads", 0, MOST_THREADS)? {
        0 => {}
        threads => knobs.threads = threads as usize,
    }
    let count = values.count("shard_count", 1, Shard::MOST)?;
    let index = values.count("shard_index", 0, Shard::MOST)?;
    if count == 0 || index >= count {
        return Err(Error::params(
            "shard_index",
            format!("{index} of {count} will not do: from 0 to shard_count - 1, of at least 1"),
        ));
    }
    knobs.shard = (count > 1).then_some(Shard { index, count });
    knobs.leg = values.text("leg").map(str::parse).transpose()?;
    if let Some(failures) = values.text("max_failures") {
        knobs.max_failures = failures.trim().parse()?;
    }
    if let Some(pack) = values.text("pack") {
        knobs.layout = Layout::Packs { bytes: size("pack", pack, 1 << 16)? };
    }
    if let Some(decoded) = values.text("max_decoded") {
        knobs.limits.decoded_bytes = size("max_decoded", decoded, 1)?;
    }
    if let Some(columns) = values.text("partition_by") {
        knobs.partition_by = columns.split(',').map(|name| name.trim().to_string()).collect();
    }
    Ok(knobs)
}

/// An error with the component's name for what the command line calls by a flag.
pub fn named(error: Error) -> Error {
    match error {
        Error::Params { field, message } => {
            let field = match field.as_str() {
                "INPUT" => "input_uri".into(),
                "PART" => "datasets".into(),
                "--output" => "output_uri".into(),
                "--shard" => "shard_count".into(),
                flag => {
                    flag.strip_prefix("--").map_or(field.clone(), |name| name.replace('-', "_"))
                }
            };
            Error::Params { field, message }
        }
        other => other,
    }
}

/// Where the dataset is made: `output_uri`, or the place of the output artifact.
pub fn output(
    given: &ExecutorInput,
    values: &Values,
    places: &Places,
    is_leg: bool,
) -> Result<Root> {
    let open = |place: &str| {
        Root::open(place).map_err(|error| match error {
            Error::Params { message, .. } => Error::params("output_uri", message),
            other => other,
        })
    };
    if let Some(uri) = values.text("output_uri") {
        return open(uri);
    }
    if is_leg {
        return Err(Error::params(
            "output_uri",
            "it is empty: the legs of a chain have one place in common",
        ));
    }
    match own_place(given, places)? {
        Some(place) => open(&place),
        None => Err(Error::params(
            "output_uri",
            "it is empty, and there is no output artifact `dataset` in whose place the dataset could be made",
        )),
    }
}

/// The folder of the output artifact `dataset`.
pub fn own_place(given: &ExecutorInput, places: &Places) -> Result<Option<String>> {
    let artifact = given.outputs.artifacts.get("dataset").and_then(|listed| listed.first());
    artifact.map_or(Ok(None), |artifact| places.local("dataset", artifact))
}

/// The input artifact, if there is one.
fn one(given: &ExecutorInput) -> Result<Option<&Artifact>> {
    let name = INPUT_ARTIFACT.0;
    match given.artifacts.get(name).map_or(&[][..], Vec::as_slice) {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        many => {
            let message =
                format!("{} artifacts where one is read: `merge` makes one of them", many.len());
            Err(Error::params(name, message))
        }
    }
}

/// What the input is: `input_uri` and the artifact are one place, where both are given.
fn place(entry: &Entry, uri: Option<&str>, pointer: Option<&Pointer>) -> Result<String> {
    let Some(uri) = uri else {
        return pointer.map(|pointer| pointer.root.clone()).ok_or_else(|| {
            Error::params(
                "input_uri",
                "it is empty, and there is no artifact `dataset`: give one of them",
            )
        });
    };
    let Some(pointer) = pointer else { return Ok(uri.into()) };
    let same = match (entry.grain, Root::open(uri), Root::open(&pointer.root)) {
        (Grain::Listing, Err(_), _) => uri == pointer.root,
        (_, Ok(a), Ok(b)) => a.is(&b),
        (_, a, b) => return a.and(b).map(|root| root.uri().to_string()),
    };
    if same {
        return Ok(uri.into());
    }
    Err(Error::params(
        "input_uri",
        format!(
            "{}, where the artifact `dataset` is at {}: give one of them",
            shown(uri),
            shown(&pointer.root)
        ),
    ))
}

/// Holds what a leg reads to what is told of it: the manifest of the leg before it, in the output.
fn behind(
    leg: &Leg,
    out: &Root,
    uri: Option<&str>,
    pointer: Option<&Pointer>,
    values: &Values,
) -> Result<()> {
    let places = [("input_uri", uri), (INPUT_ARTIFACT.0, pointer.map(|p| p.root.as_str()))];
    for (name, place) in places {
        let Some(place) = place else { continue };
        if !Root::open(place)?.is(out) {
            let message = format!(
                "{} is not {}: leg {} reads what the leg before it left there",
                shown(place),
                out.uri(),
                leg.number
            );
            return Err(Error::params(name, message));
        }
    }
    let Some(before) = leg.before() else { return Ok(()) };
    let manifest = before.manifest();
    if let Some(pointer) = pointer.filter(|pointer| pointer.manifest != manifest) {
        let message = format!(
            "it is {}, and leg {} reads {manifest}: merge the shards of the leg before, or take its artifact",
            pointer.manifest, leg.number
        );
        return Err(Error::params(INPUT_ARTIFACT.0, message));
    }
    hold(out, &manifest, &told(pointer, values)?)
}

/// What is told of the manifest that is read.
fn told(pointer: Option<&Pointer>, values: &Values) -> Result<Vec<Told>> {
    let mut told = Vec::new();
    if let Some(text) = values.text("input_digest") {
        let digest =
            text.trim().parse().map_err(|e: Error| Error::params("input_digest", e.to_string()))?;
        told.push(("input_digest", digest));
    }
    told.extend(
        pointer.and_then(|pointer| pointer.digest).map(|digest| (INPUT_ARTIFACT.0, digest)),
    );
    Ok(told)
}

/// Holds a manifest to the digests that are told of it.
pub fn hold(root: &Root, manifest: &str, told: &[Told]) -> Result<()> {
    if told.is_empty() {
        return Ok(());
    }
    let found = root.digest(manifest)?.ok_or_else(|| {
        Error::store(format!("{}/{manifest}", root.uri()), "there is no such manifest")
    })?;
    match told.iter().find(|(_, digest)| *digest != found) {
        None => Ok(()),
        Some((name, digest)) => Err(Error::params(
            *name,
            format!(
                "{}/{manifest} has the digest {}…, not {}…: it was made again since; run what comes before this step again",
                root.uri(),
                found.short(),
                digest.short()
            ),
        )),
    }
}
