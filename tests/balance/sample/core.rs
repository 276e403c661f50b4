//! The core on numbers, against the plainest code that does the same.

use std::collections::BTreeMap;

use microtome::digest::Digest;
use microtome::random::rank;
use microtome::steps::sample::draw::{DROPPED, UNTOUCHED, cap, least, pairs};
use microtome::steps::sample::levels::share_out;
use microtome::steps::sample::spacing::{NOWHERE, apart};
use microtome::steps::sample::target::apportion;
use proptest::prelude::*;

/// Numbers by which ties are settled here: the row's place, turned round.
fn ties(rows: &[u32]) -> microtome::Result<Vec<u128>> {
    Ok(rows.iter().map(|row| u128::from(u32::MAX - row)).collect())
}

/// All rows of each cell sorted by (key, tie), the first of them taken.
fn sorted(cells: &[u32], keys: &[u64], quotas: &[u64]) -> Vec<usize> {
    let mut of_cells: BTreeMap<u32, Vec<(u64, u32, usize)>> = BTreeMap::new();
    for (row, (cell, key)) in cells.iter().zip(keys).enumerate() {
        of_cells.entry(*cell).or_default().push((*key, u32::MAX - row as u32, row));
    }
    let mut taken = Vec::new();
    for (cell, mut rows) in of_cells {
        rows.sort_unstable();
        let quota = quotas.get(cell as usize).copied().unwrap_or(0) as usize;
        taken.extend(rows.iter().take(quota).map(|(_, _, row)| *row));
    }
    taken.sort_unstable();
    taken
}

fn cell() -> impl Strategy<Value = u32> {
    prop_oneof![8 => 0..5_u32, 1 => Just(UNTOUCHED), 1 => Just(DROPPED)]
}

/// Keys as a hash gives them, keys that are few and often equal, and keys that lie at the ends.
fn key() -> impl Strategy<Value = u64> {
    prop_oneof![4 => any::<u64>(), 4 => 0..6_u64, 1 => Just(u64::MAX), 1 => Just(u64::MAX - 1)]
}

proptest! {
    #[test]
    fn the_least_are_those_that_sorting_gives(
        rows in prop::collection::vec((cell(), key()), 0..300),
        quotas in prop::collection::vec(prop_oneof![0..40_u64, Just(u64::MAX)], 5),
    ) {
        let (cells, keys): (Vec<u32>, Vec<u64>) = rows.into_iter().unzip();
        // The largest key and the one below it count as equal, so that a bound above all keys
        // exists.
        let keys: Vec<u64> = keys.iter().map(|key| (*key).min(u64::MAX - 1)).collect();
        let drawn = least(&cells, &keys, &quotas, &mut ties).unwrap();
        prop_assert_eq!(drawn.rows().collect::<Vec<_>>(), sorted(&cells, &keys, &quotas));
        prop_assert_eq!(drawn.count() as usize, drawn.rows().count());
    }

    #[test]
    fn a_cap_leaves_the_least_of_each_pair_and_what_has_no_value(
        rows in prop::collection::vec((cell(), prop_oneof![6 => 0..7_u32, 1 => Just(u32::MAX)], key()), 0..300),
        most in 1..9_u64,
    ) {
        let cells: Vec<u32> = rows.iter().map(|r| r.0).collect();
        let values: Vec<u32> = rows.iter().map(|r| r.1).collect();
        let keys: Vec<u64> = rows.iter().map(|r| r.2.min(u64::MAX - 1)).collect();
        let kept = cap(&cells, &values, &keys, most, &mut ties).unwrap();
        let pair = |row: usize| match (cells[row], values[row]) {
            (cell, _) if cell >= DROPPED => 999,
            (cell, value) if value >= DROPPED => 500 + cell,
            (cell, value) => cell * 10 + value,
        };
        let numbered: Vec<u32> = (0..rows.len()).map(pair).collect();
        let quotas: Vec<u64> = (0..600).map(|n| if n >= 500 { u64::MAX } else { most }).collect();
        prop_assert_eq!(kept.rows().collect::<Vec<_>>(), sorted(&numbered, &keys, &quotas));
    }

    #[test]
    fn shares_are_those_of_giving_one_after_the_other(
        room in prop::collection::vec((0..30_u64, any::<u64>()), 1..12),
        quota in 0..200_u64,
    ) {
        let (room, order): (Vec<u64>, Vec<u64>) = room.into_iter().unzip();
        let mut by_order: Vec<usize> = (0..room.len()).collect();
        by_order.sort_by_key(|place| (order[*place], *place));
        let (mut given, mut left) = (vec![0; room.len()], quota);
        while left > 0 && given.iter().zip(&room).any(|(n, room)| n < room) {
            for place in &by_order {
                if left > 0 && given[*place] < room[*place] {
                    given[*place] += 1;
                    left -= 1;
                }
            }
        }
        prop_assert_eq!(share_out(quota, &room, &order), given);
    }

    #[test]
    fn patches_keep_their_distance_and_none_is_left_out_for_nothing(
        patches in prop::collection::vec((0..3_u32, 0..40_i32, 0..40_i32, 0..50_u64), 0..120),
        spacing_px in prop_oneof![Just(1.0), Just(2.5), Just(8.0), Just(100.0)],
    ) {
        let slides: Vec<u32> = patches.iter().map(|p| p.0).collect();
        let points: Vec<[f64; 2]> =
            patches.iter().map(|p| [f64::from(p.1 - 20), f64::from(p.2 - 20) / 2.0]).collect();
        let keys: Vec<u64> = patches.iter().map(|p| p.3).collect();
        let taken = apart(&slides, &points, &keys, spacing_px, &mut ties).unwrap();
        let near = |a: usize, b: usize| {
            let (dx, dy) = (points[a][0] - points[b][0], points[a][1] - points[b][1]);
            slides[a] == slides[b] && dx * dx + dy * dy < spacing_px * spacing_px
        };
        let all = || 0..patches.len();
        for a in all() {
            let first = |b: usize| (keys[b], u32::MAX - b as u32) < (keys[a], u32::MAX - a as u32);
            let in_the_way = all().any(|b| b != a && taken.get(b) && near(a, b) && first(b));
            prop_assert_eq!(taken.get(a), !in_the_way, "patch {}", a);
        }
    }

    #[test]
    fn parts_add_up_and_lie_next_to_the_exact_ones(
        weights in prop::collection::vec(0..50_u32, 1..9),
        size in 0..100_000_u64,
    ) {
        let all: u32 = weights.iter().sum();
        prop_assume!(all > 0);
        let shares: Vec<f64> = weights.iter().map(|w| f64::from(*w) / f64::from(all)).collect();
        let parts = apportion(size, &shares);
        prop_assert_eq!(parts.iter().sum::<u64>(), size);
        for (part, share) in parts.iter().zip(&shares) {
            prop_assert!((*part as f64 - share * size as f64).abs() < 1.0 + 1e-6);
            prop_assert!(*share > 0.0 || *part == 0);
        }
    }
}

#[test]
fn a_patch_without_a_place_is_taken_and_is_in_nobodys_way() {
    let points = [NOWHERE, [0.0, 0.0], NOWHERE, [0.5, 0.0]];
    let taken = apart(&[0, 0, 0, DROPPED], &points, &[0, 1, 2, 3], 9.0, &mut ties).unwrap();
    assert_eq!(taken.count(), 4);
}

#[test]
fn pairs_have_one_number_each_whether_few_or_many() {
    // Codes that are far apart have no table.
    for spread in [1, 1 << 20] {
        let first: Vec<u32> = (0..500).map(|n| (n % 7) * spread).collect();
        let second: Vec<u32> = (0..500).map(|n| (n % 11) * spread).collect();
        let (numbers, found) = pairs(&first, &second).unwrap();
        assert_eq!(found.len(), 77);
        for ((number, a), b) in numbers.iter().zip(&first).zip(&second) {
            assert_eq!(found[*number as usize], (*a, *b));
        }
    }
}

/// Of 60 rows, 15 are drawn under each of 600 seeds: each row is drawn 150 times on average. The
/// sum of squared deviations by variance is χ² of 59 degrees: mean 59, standard deviation 10.9.
/// Seeds are fixed, so it passes always or never.
#[test]
fn each_row_of_a_class_is_drawn_as_often() {
    let items: Vec<Digest> = (0..60_u32).map(|n| Digest::of(&n.to_le_bytes())).collect();
    let (mut times, cells) = (vec![0_u32; 60], vec![0; 60]);
    let mut together = 0;
    for seed in 0..600 {
        let keys: Vec<u64> = items.iter().map(|item| rank(seed, item.as_bytes())).collect();
        let drawn = least(&cells, &keys, &[15], &mut ties).unwrap();
        drawn.rows().for_each(|row| times[row] += 1);
        together += u32::from(drawn.get(3) && drawn.get(4));
    }
    let variance = 600.0 * 0.25 * 0.75 * 60.0 / 59.0;
    let chi: f64 = times.iter().map(|n| (f64::from(*n) - 150.0).powi(2) / variance).sum();
    assert!((59.0 - 44.0..59.0 + 44.0).contains(&chi), "{chi}");
    // Two rows are drawn together as independent draws without replacement would: 15·14/(60·59) of
    // 600 = 35.6 ± 5.8.
    assert!((13..59).contains(&together), "{together}");
}
