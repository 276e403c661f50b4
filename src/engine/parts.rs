//! Shards: disjoint, complete, balanced parts of the units.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::Shard;

/// Which of `units` a shard does. A unit is (what must stay together, bytes).
///
/// Units with the same bytes go to the same shard, so that nothing is done twice and duplicates are
/// seen by whoever marks them. Groups are dealt largest first, each to the shard that has least
/// (ties: the lower index): no shard exceeds the ideal by more than one group. The answer depends
/// on the set of units alone, not on their order.
pub(super) fn mine<K: Ord + Clone>(units: &[(K, u64)], shard: Option<Shard>) -> Vec<bool> {
    let Some(shard) = shard else { return vec![true; units.len()] };
    let mut groups: BTreeMap<&K, u64> = BTreeMap::new();
    for (key, bytes) in units {
        // A unit costs something even if it is empty.
        let sum = groups.entry(key).or_default();
        *sum = sum.saturating_add(bytes.saturating_add(4096));
    }
    let mut by_size: Vec<(&K, u64)> = groups.into_iter().collect();
    by_size.sort_by_key(|(_, bytes)| Reverse(*bytes));
    let mut loads: BinaryHeap<Reverse<(u64, u32)>> =
        (0..shard.count).map(|index| Reverse((0, index))).collect();
    let mut own = std::collections::BTreeSet::new();
    for (key, bytes) in by_size {
        if let Some(Reverse((load, index))) = loads.pop() {
            if index == shard.index {
                own.insert(key);
            }
            loads.push(Reverse((load.saturating_add(bytes), index)));
        }
    }
    units.iter().map(|(key, _)| own.contains(key)).collect()
}

/// Name of a shard's part of a file: `manifest/part-00007-of-00064.parquet`.
pub(super) fn part_name(stem: &str, shard: Shard, ending: &str) -> String {
    format!("{stem}/part-{:05}-of-{:05}.{ending}", shard.index, shard.count)
}

/// Reads a part's name back: (index, count).
pub(super) fn parse_part(path: &str) -> Option<(u32, u32)> {
    let name = path.rsplit('/').next()?.strip_prefix("part-")?.split('.').next()?;
    let (index, count) = name.split_once("-of-")?;
    Some((index.parse().ok()?, count.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn shards_are_disjoint_complete_balanced_and_keep_duplicates_together(
            units in prop::collection::vec((0_u32..60, 0_u64..1_000_000), 0..200),
            count in 1_u32..9,
        ) {
            let units: Vec<(u32, u64)> = units.into_iter().map(|(k, _)| (k, u64::from(k) * 10_007)).collect();
            let parts: Vec<Vec<bool>> =
                (0..count).map(|index| mine(&units, Some(Shard { index, count }))).collect();
            for unit in 0..units.len() {
                prop_assert_eq!(parts.iter().filter(|p| p[unit]).count(), 1);
            }
            for part in &parts {
                for a in 0..units.len() {
                    for b in 0..units.len() {
                        if units[a].0 == units[b].0 {
                            prop_assert_eq!(part[a], part[b]);
                        }
                    }
                }
            }
            let load = |p: &Vec<bool>| -> u64 {
                units.iter().zip(p).filter(|(_, own)| **own).map(|((_, b), _)| b + 4096).sum()
            };
            let loads: Vec<u64> = parts.iter().map(load).collect();
            let mut sums = std::collections::BTreeMap::new();
            for (key, bytes) in &units {
                *sums.entry(key).or_insert(0) += bytes + 4096;
            }
            let largest: u64 = sums.values().copied().max().unwrap_or(0);
            let ideal = loads.iter().sum::<u64>() / u64::from(count);
            prop_assert!(loads.iter().all(|l| *l <= ideal + largest));
        }
    }

    #[test]
    fn part_names_read_back() {
        let name = part_name("manifest", Shard { index: 7, count: 64 }, "parquet");
        assert_eq!(name, "manifest/part-00007-of-00064.parquet");
        assert_eq!(parse_part(&name), Some((7, 64)));
        assert_eq!(parse_part("manifest/notes.txt"), None);
    }
}
