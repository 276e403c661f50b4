//! The names of what a run leaves beside its outputs: manifests, its summary, its failures.

use super::types::{Leg, Shard};
use super::{FAILURES, Knobs, RUN, parts};
use crate::dataset::MANIFEST;

/// Names files for a run: of a whole chain or of one leg of it, of everything or of one shard.
#[derive(Clone, Copy)]
pub(super) struct Files<'a> {
    pub leg: Option<&'a Leg>,
    pub shard: Option<Shard>,
}

impl<'a> Files<'a> {
    pub fn of(knobs: &'a Knobs) -> Self {
        Self { leg: knobs.leg.as_ref(), shard: knobs.shard }
    }

    /// Whether the run gives a whole dataset, report and all, rather than a part of one.
    pub fn is_whole(&self) -> bool {
        self.shard.is_none() && self.leg.is_none_or(Leg::is_last)
    }

    /// Where the last manifest of the run goes.
    pub fn last_manifest(&self) -> String {
        match self.leg {
            Some(leg) if !self.is_whole() => part_of(&leg.manifest_stem(), self.shard, "parquet"),
            _ if self.is_whole() => MANIFEST.to_string(),
            _ => part_of("manifest", self.shard, "parquet"),
        }
    }

    /// Where the manifest of an earlier step of the run goes.
    pub fn between(&self, index: usize, step: &str) -> String {
        part_of(&format!("manifests/{}-{step}", index + 1), self.shard, "parquet")
    }

    /// Where the run says what it did. The last leg says it here for itself, and in [`RUN`] for all.
    pub fn run(&self) -> String {
        match (self.leg, self.shard) {
            (None, None) => RUN.to_string(),
            (None, shard) => part_of("runs", shard, "json"),
            (Some(leg), shard) => part_of(&format!("runs/{}", leg.stem()), shard, "json"),
        }
    }

    /// Where the run lists its failures.
    pub fn failures(&self) -> String {
        match (self.leg, self.shard) {
            (None, None) => FAILURES.to_string(),
            (None, shard) => part_of("failures", shard, "jsonl"),
            (Some(leg), shard) => part_of(&format!("failures/{}", leg.stem()), shard, "jsonl"),
        }
    }
}

impl Knobs {
    /// Where a run with these knobs lists its failures, below its root.
    pub fn failures_path(&self) -> String {
        Files::of(self).failures()
    }

    /// Where it says what it did.
    pub fn run_path(&self) -> String {
        Files::of(self).run()
    }

    /// Where its last manifest goes.
    pub fn manifest_path(&self) -> String {
        Files::of(self).last_manifest()
    }

    /// Whether it gives a whole dataset, report and all, rather than a part of one.
    pub fn is_whole(&self) -> bool {
        Files::of(self).is_whole()
    }
}

/// `stem.ending`, or the name of a shard's part of it.
fn part_of(stem: &str, shard: Option<Shard>, ending: &str) -> String {
    match shard {
        None => format!("{stem}.{ending}"),
        Some(shard) => parts::part_name(stem, shard, ending),
    }
}

impl Leg {
    /// The name of the step.
    pub fn step(&self) -> &str {
        self.chain.get(self.number.wrapping_sub(1)).map_or("", String::as_str)
    }

    /// Whether this leg ends the chain.
    pub fn is_last(&self) -> bool {
        self.number == self.chain.len()
    }

    /// The leg before this one; `None` for the first.
    pub fn before(&self) -> Option<Self> {
        (self.number > 1).then(|| self.nth(self.number - 1))
    }

    /// Another leg of the same chain.
    pub(super) fn nth(&self, number: usize) -> Self {
        Self { number, chain: self.chain.clone() }
    }

    /// `2-tile`.
    pub(super) fn stem(&self) -> String {
        format!("{}-{}", self.number, self.step())
    }

    pub(super) fn manifest_stem(&self) -> String {
        format!("manifests/{}", self.stem())
    }

    /// Where the leg's whole manifest lies.
    pub fn manifest(&self) -> String {
        Files { leg: Some(self), shard: None }.last_manifest()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legs_are_read_back_and_wrong_ones_refused() {
        let leg: Leg = "2:scan,fit-stain,split".parse().unwrap();
        assert_eq!((leg.number, leg.step(), leg.is_last()), (2, "fit-stain", false));
        assert_eq!(leg.to_string(), "2:scan,fit-stain,split");
        assert_eq!(leg.manifest(), "manifests/2-fit-stain.parquet");
        assert_eq!(leg.nth(3).manifest(), MANIFEST);
        let sharded = Files { leg: Some(&leg), shard: Some(Shard { index: 1, count: 4 }) };
        assert_eq!(sharded.last_manifest(), "manifests/2-fit-stain/part-00001-of-00004.parquet");
        assert_eq!(sharded.run(), "runs/2-fit-stain/part-00001-of-00004.json");
        let last = leg.nth(3);
        let last = Files { leg: Some(&last), shard: Some(Shard { index: 0, count: 2 }) };
        assert_eq!(last.last_manifest(), "manifests/3-split/part-00000-of-00002.parquet");
        for wrong in
            ["", "1", "0:scan", "2:scan", "1:", "1:scan,", "x:scan", "1:Scan", "1:../a", "-1:scan"]
        {
            assert!(wrong.parse::<Leg>().is_err(), "{wrong:?} was taken");
        }
        let long = format!("1:{}", vec!["scan"; 65].join(","));
        assert!(long.parse::<Leg>().is_err());
    }
}
