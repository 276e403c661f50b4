//! `merge` as a component: the shards of a step, joined.

use super::input::ExecutorInput;
use super::outcome::Outcome;
use super::places::Places;
use super::pointer::Pointer;
use super::values::Values;
use super::work::{hold, named, output};
use crate::dataset::{Root, shown};
use crate::describe::interface::{MERGE_ARTIFACT, merge_inputs};
use crate::digest::Digest;
use crate::engine::{self, Knobs, Leg, Shard, Summary};
use crate::error::{Error, Result};

/// Joins shards, as the executor input asks.
///
/// With a leg, its shards lie in `output_uri`, all in one dataset. Without, they lie where the artifacts point to, or in the place in
/// which the dataset is made. Either way they are held to the digests that are told of them: by `input_digests`, in the order of the
/// shards, or else by the artifacts.
///
/// # Errors
/// [`Error::Params`] for inputs that will not do; otherwise as [`engine::merge`] and [`engine::merge_leg`].
pub fn merge(given: &ExecutorInput, places: &Places) -> Result<Outcome> {
    let values = Values::of(given, &merge_inputs(), &[MERGE_ARTIFACT.0])?;
    let leg: Option<Leg> = values.text("leg").map(str::parse).transpose().map_err(named)?;
    let shards = values.count("shard_count", 0, Shard::MOST)?;
    let digests = values.texts("input_digests")?.into_iter().enumerate().map(|(index, text)| {
        let wrong = |e: Error| Error::params(format!("input_digests[{index}]"), e.to_string());
        text.trim().parse::<Digest>().map_err(wrong)
    });
    let digests = digests.collect::<Result<Vec<_>>>()?;
    let out = output(given, &values, places, leg.is_some())?;
    let pointers = pointers(given, places)?;
    match &leg {
        Some(leg) => of_leg(&out, leg, shards, digests, pointers).map_err(named)?,
        None => of_roots(&out, shards, &digests, &pointers).map_err(named)?,
    }
    let knobs = Knobs { leg, ..Knobs::default() };
    let path = knobs.run_path();
    let bytes = out.read(&path)?.unwrap_or_default();
    let summary: Summary = serde_json::from_slice(&bytes)
        .map_err(|e| Error::format(format!("{}/{path}", out.uri()), e.to_string()))?;
    Outcome::new((out, knobs, summary), Vec::new(), None)
}

fn pointers(given: &ExecutorInput, places: &Places) -> Result<Vec<Pointer>> {
    let name = MERGE_ARTIFACT.0;
    let listed = given.artifacts.get(name).map_or(&[][..], Vec::as_slice);
    let read = listed.iter().filter_map(|artifact| Pointer::of(name, artifact, places).transpose());
    read.collect()
}

fn of_leg(
    out: &Root,
    leg: &Leg,
    shards: u32,
    mut digests: Vec<Digest>,
    mut pointers: Vec<Pointer>,
) -> Result<()> {
    if let Some(pointer) =
        pointers.iter().find(|p| !Root::open(&p.root).is_ok_and(|root| root.is(out)))
    {
        return Err(Error::params(
            MERGE_ARTIFACT.0,
            format!(
                "one is at {}, and the shards of a leg are all in `output_uri`, {}",
                shown(&pointer.root),
                out.uri()
            ),
        ));
    }
    if digests.is_empty() {
        // The names of the parts are in their order.
        pointers.sort_by(|a, b| a.manifest.cmp(&b.manifest));
        digests = pointers.iter().map_while(|pointer| pointer.digest).collect();
        if digests.len() < pointers.len() {
            digests.clear();
        }
    }
    engine::merge_leg(out, leg, shards, &digests).map(drop)
}

fn of_roots(out: &Root, shards: u32, digests: &[Digest], pointers: &[Pointer]) -> Result<()> {
    let mut roots: Vec<Root> = Vec::new();
    for pointer in pointers {
        let root = Root::open(&pointer.root)?;
        if let Some(digest) = pointer.digest {
            hold(&root, &pointer.manifest, &[(MERGE_ARTIFACT.0, digest)])?;
        }
        if !roots.iter().any(|known| known.is(&root)) {
            roots.push(root);
        }
    }
    if roots.is_empty() {
        roots.push(out.clone());
    }
    if shards > 0 || !digests.is_empty() {
        let parts = engine::manifest_parts(&roots)?;
        if shards > 0 && parts.len() != shards as usize {
            return Err(Error::params(
                "shard_count",
                format!("{shards}, and there are {} parts", parts.len()),
            ));
        }
        if !digests.is_empty() && parts.len() != digests.len() {
            let message = format!("{} digests for {} parts", digests.len(), parts.len());
            return Err(Error::params("input_digests", message));
        }
        for ((root, path), digest) in parts.iter().zip(digests) {
            hold(root, path, &[("input_digests", *digest)])?;
        }
    }
    engine::merge(&roots, out).map(drop)
}
