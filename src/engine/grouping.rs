//! Which rows of a manifest make one group, and which groups a shard has.

use std::collections::HashMap;

use serde_json::Value;

use super::share::FollowsFrom;
use super::{Shard, parts, series};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::manifest::{Item, ManifestReader, Schema};
use crate::step::{AnyStep, Grouping};

/// Gives the manifest from its beginning.
pub(super) type Open<'a> = &'a dyn Fn() -> Result<ManifestReader>;

/// Which rows belong together, and which groups this run does.
pub(super) struct Share {
    /// Group of each row.
    pub of_row: Vec<u32>,
    pub groups: Vec<Extent>,
    pub own: Vec<bool>,
    pub units: u64,
    pub bytes: u64,
    pub follows_from: Digest,
}

#[derive(Default)]
pub(super) struct Extent {
    pub rows: u64,
    pub last_row: u64,
    pub bytes: u64,
    /// Digests of the members, added up bit by bit: the same for the same content.
    content: [u8; 32],
}

impl Share {
    /// The next row: of a group that is known, or of the next new one.
    fn add(&mut self, group: u32, digest: &[u8; 32], length: u64) {
        if group as usize == self.groups.len() {
            self.groups.push(Extent::default());
        }
        if let Some(extent) = self.groups.get_mut(group as usize) {
            extent.rows += 1;
            extent.last_row = self.of_row.len() as u64;
            extent.bytes = extent.bytes.saturating_add(length);
            for (sum, byte) in extent.content.iter_mut().zip(digest) {
                *sum ^= byte;
            }
        }
        self.of_row.push(group);
    }
}

/// The name of an item's group, for people; `None` where it is a group of its own.
pub(super) fn group_name(item: &Item, schema: &Schema, grouping: Grouping) -> Option<String> {
    match grouping {
        Grouping::Item => None,
        Grouping::Series { .. } => Some(format!("the series of {}", item.id)),
        Grouping::Slide => match item.value(schema, SLIDE) {
            Value::String(slide) => Some(slide),
            _ => item.group.clone(),
        },
    }
}

/// The column that says from which slide a patch was cut.
const SLIDE: &str = "tile.source_id";

/// Looks through a manifest for groups. `whole_slides`: the rows are a shard's, dealt by slides, so
/// that only a slide's patches are sure to be all there.
pub(super) fn share(
    open: Open<'_>,
    step: &dyn AnyStep,
    shard: Option<Shard>,
    whole_slides: bool,
) -> Result<Share> {
    let mut reader = open()?;
    let mut from = FollowsFrom::new(&reader, step, shard)?;
    let schema = reader.schema().clone();
    let grouping = step.grouping();
    let mut known: HashMap<String, u32> = HashMap::new();
    let mut share = Share {
        of_row: Vec::new(),
        groups: Vec::new(),
        own: Vec::new(),
        units: 0,
        bytes: 0,
        follows_from: Digest::of(b""),
    };
    let mut photos = Vec::new();
    while let Some(batch) = reader.next_batch()? {
        for item in batch {
            from.row(&item)?;
            if whole_slides && grouping != Grouping::Item && item.value(&schema, SLIDE).is_null() {
                return Err(no_shard(step, &format!("{} has no `{SLIDE}`", item.id)));
            }
            if let Grouping::Series { camera, .. } = grouping {
                photos.push(series::photo(&item, &schema, camera, &mut known)?);
                continue;
            }
            let next = u32::try_from(share.groups.len()).map_err(|_| too_many())?;
            let group = match group_name(&item, &schema, grouping) {
                Some(name) => *known.entry(name).or_insert(next),
                None => next,
            };
            share.add(group, item.digest.as_bytes(), item.length);
        }
    }
    if let Grouping::Series { gap_s, most, .. } = grouping {
        for (group, photo) in series::cut(&photos, gap_s, most).into_iter().zip(&photos) {
            share.add(group, &photo.digest, photo.length);
        }
    }
    let sizes: Vec<_> = share.groups.iter().map(|g| (g.content, g.bytes)).collect();
    share.own = parts::mine(&sizes, shard);
    for (extent, own) in share.groups.iter().zip(&share.own) {
        share.units += u64::from(*own);
        share.bytes = share.bytes.saturating_add(if *own { extent.bytes } else { 0 });
    }
    share.follows_from = from.finish();
    Ok(share)
}

pub(super) fn too_many() -> Error {
    Error::limit(
        "the number of groups",
        "more than 2^32",
        "2^32",
        "run the step over parts of the manifest",
    )
}

/// Why a shard cannot have this step.
pub(super) fn no_shard(step: &dyn AnyStep, because: &str) -> Error {
    Error::params(
        "--shard",
        format!(
            "`{}` cannot run in a shard here: {because}; run the steps before it in shards, merge, \
             and run it on the whole",
            step.entry().name
        ),
    )
}
