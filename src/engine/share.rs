//! Which rows of a manifest an image step works on, and what its own manifest follows from.

use super::{Shard, packed, parts};
use crate::digest::{Digest, Hasher, canonical_json};
use crate::error::Result;
use crate::manifest::{Item, ManifestReader};
use crate::step::AnyStep;

/// Which rows of a manifest this run does, how many, their bytes, and what their outputs follow from.
pub(super) struct Share {
    /// By row; `None` for all of them.
    pub own: Option<Vec<bool>>,
    pub units: u64,
    pub bytes: u64,
    pub follows_from: Digest,
}

/// The digest of all that a step's manifest follows from: the step, the columns, the rows.
pub(super) struct FollowsFrom(Hasher);

impl FollowsFrom {
    pub fn new(reader: &ManifestReader, step: &dyn AnyStep, shard: Option<Shard>) -> Result<Self> {
        let mut hasher = Hasher::new();
        let head = (
            (step.entry().name, step.entry().version, step.params()),
            (&reader.schema().facts, step.entry().fields()),
            shard.map(|shard| (shard.index, shard.count)),
        );
        hasher.update(canonical_json(&head)?.as_bytes());
        Ok(Self(hasher))
    }

    pub fn row(&mut self, item: &Item) -> Result<()> {
        let row = (
            (&item.id, &item.digest, &item.label, &item.group, &item.split),
            (item.weight, &item.trail, &item.facts),
        );
        self.0.update(canonical_json(&row)?.as_bytes());
        Ok(())
    }

    pub fn finish(self) -> Digest {
        self.0.finish()
    }
}

/// Looks through a manifest for the rows of this shard. Only digests and lengths are held, and only
/// for a shard.
pub(super) fn share(
    reader: &mut ManifestReader,
    step: &dyn AnyStep,
    shard: Option<Shard>,
) -> Result<Share> {
    let (mut all, mut unit_of_row, mut before) = (Vec::new(), Vec::<u32>::new(), Vec::new());
    let (mut units, mut bytes) = (0, 0);
    let mut from = FollowsFrom::new(reader, step, shard)?;
    while let Some(batch) = reader.next_batch()? {
        for item in batch {
            units += 1;
            bytes = u64::saturating_add(bytes, item.length);
            from.row(&item)?;
            if shard.is_some() {
                let digest = *item.digest.as_bytes();
                // Images of one pack are one unit, and go to one shard.
                if packed::goes_on(before.as_slice(), &item) {
                    let unit: &mut ([u8; 32], u64) =
                        all.last_mut().ok_or_else(super::images::no_unit)?;
                    unit.0.iter_mut().zip(digest).for_each(|(sum, byte)| *sum ^= byte);
                    unit.1 = unit.1.saturating_add(item.length);
                } else {
                    all.push((digest, item.length));
                    before.clear();
                }
                unit_of_row.push(all.len() as u32 - 1);
                before.push(Item { facts: Vec::new(), ..item });
            }
        }
    }
    if shard.is_none() {
        return Ok(Share { own: None, units, bytes, follows_from: from.finish() });
    }
    let units_own = parts::mine(&all, shard);
    let bytes = all.iter().zip(&units_own).filter(|(_, own)| **own);
    let bytes = bytes.fold(0, |sum: u64, ((_, length), _)| sum.saturating_add(*length));
    let is_own = |unit: &u32| units_own.get(*unit as usize) == Some(&true);
    let own: Vec<bool> = unit_of_row.iter().map(is_own).collect();
    let units = own.iter().filter(|own| **own).count() as u64;
    Ok(Share { own: Some(own), units, bytes, follows_from: from.finish() })
}
