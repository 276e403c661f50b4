//! Our half: draws, caps and folds of rows that are in memory as codes and digests.

use std::time::Instant;

use microtome::Result;
use microtome::random::rank;
use microtome::steps::sample::draw::{cap, counts, least};
use microtome::steps::split::{Classes, Counts, assign};

use super::rows::{CLASSES, PATIENTS, Row, row};

const DRAWS: u64 = 1_000_000;
const CAP: u64 = 200;
const EACH: u64 = 1000;
const FOLDS: usize = 5;

/// The columns as a step has them.
struct Table {
    classes: Vec<u32>,
    patients: Vec<u32>,
    digests: Vec<[u8; 32]>,
}

/// Times all works over a table of so many rows.
pub fn all(rows: u64) {
    let mut table = Table { classes: Vec::new(), patients: Vec::new(), digests: Vec::new() };
    for Row { class, patient, digest, .. } in (0..rows).map(row) {
        table.classes.push(class);
        table.patients.push(patient);
        table.digests.push(digest);
    }
    timed("balanced draw of 1 M", || balanced(&table));
    timed("cap of 200 per (patient, class)", || capped(&table));
    timed("1000 of each class", || each(&table));
    let mut folds = Vec::new();
    timed(&format!("stratified group folds, {FOLDS}"), || {
        folds = folded(&table);
        folds.len() as u64
    });
    println!("largest deviation of a class in a fold\tours\t{:.6}", deviation(&table, &folds));
}

/// The best of three runs, by the wall clock; one that took long is not done again.
fn timed(work: &str, mut run: impl FnMut() -> u64) {
    let mut best = f64::MAX;
    for _ in 0..3 {
        let begun = Instant::now();
        let found = run();
        best = best.min(begun.elapsed().as_secs_f64());
        assert!(found > 0, "{work} gave nothing");
        if best > 20.0 {
            break;
        }
    }
    println!("{work}\tours\t{best:.3}");
}

fn ranks(table: &Table) -> Vec<u64> {
    microtome::random::ranks(1, &table.digests)
}

/// No two digests are equal here.
fn no_ties(rows: &[u32]) -> Result<Vec<u128>> {
    Ok(rows.iter().map(|row| u128::from(*row)).collect())
}

/// As many of each class, repeats where a class has fewer.
fn balanced(table: &Table) -> u64 {
    let there = counts(&table.classes, CLASSES as usize);
    let quota = DRAWS / u64::from(CLASSES);
    let times: Vec<u64> = there.iter().map(|n| quota.checked_div(*n).unwrap_or(0)).collect();
    let rest: Vec<u64> = there.iter().map(|n| quota.checked_rem(*n).unwrap_or(0)).collect();
    let keys = ranks(table);
    let more = least(&table.classes, &keys, &rest, &mut no_ties).expect("a draw");
    let drawn = table.classes.iter().enumerate();
    drawn.map(|(row, class)| times[*class as usize] + u64::from(more.get(row))).sum()
}

fn capped(table: &Table) -> u64 {
    let kept = cap(&table.classes, &table.patients, &ranks(table), CAP, &mut no_ties);
    kept.expect("a draw").count()
}

fn each(table: &Table) -> u64 {
    let quotas = vec![EACH; CLASSES as usize];
    least(&table.classes, &ranks(table), &quotas, &mut no_ties).expect("a draw").count()
}

fn folded(table: &Table) -> Vec<u8> {
    let columns = [Classes { codes: &table.classes, classes: CLASSES }];
    let counts = Counts::of(&table.patients, PATIENTS as usize, &columns, false);
    let ranks: Vec<u64> = (0..u64::from(PATIENTS)).map(|n| rank(1, &row(n).digest)).collect();
    let fixed = vec![microtome::steps::split::OPEN; PATIENTS as usize];
    assign(&counts, &[1.0 / FOLDS as f64; FOLDS], &ranks, fixed)
}

/// By how much the share of a class's rows that a fold has is off at most.
fn deviation(table: &Table, folds: &[u8]) -> f64 {
    let mut cells = vec![0_u64; FOLDS * CLASSES as usize];
    for (class, patient) in table.classes.iter().zip(&table.patients) {
        cells[usize::from(folds[*patient as usize]) * CLASSES as usize + *class as usize] += 1;
    }
    let all = counts(&table.classes, CLASSES as usize);
    let shares = cells.iter().zip(all.iter().cycle()).filter(|(_, all)| **all > 0);
    shares.map(|(n, all)| (*n as f64 / *all as f64 - 1.0 / FOLDS as f64).abs()).fold(0.0, f64::max)
}
