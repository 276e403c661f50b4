//! `sample`: laws of the draw, and what other programs make of the same tables.

mod core;
mod input;
mod kept;
mod laws;
mod peers;

use std::collections::BTreeMap;

use microtome::Result;
use microtome::manifest::Values;
use microtome::step::{AnyInput, Collected, Crew, Findings, Manifest, table_of};
use microtome::steps;
use serde_json::Value;

use crate::common;
use crate::table::of_csv;

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Went {
    /// How often it stands there.
    pub times: u32,
    /// `sample.repeat`.
    pub repeat: Option<i64>,
    /// `weight`, where it was given.
    pub weight: Option<f64>,
}

/// What became of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// The rows that went on, by id.
    pub rows: BTreeMap<String, Went>,
    pub findings: Findings,
    pub notes: Vec<String>,
}

impl Drawn {
    pub fn ids(&self) -> Vec<&str> {
        self.rows.keys().map(String::as_str).collect()
    }

    /// The number of draws of the classes of the only split.
    pub fn of_classes(&self, field: &str) -> BTreeMap<&str, u64> {
        // Where there is no class, there is no list.
        let classes = self.findings["splits"][0]["classes"].as_array();
        let classes = classes.map(Vec::as_slice).unwrap_or_default();
        classes.iter().map(|c| (c["class"].as_str().unwrap(), c[field].as_u64().unwrap())).collect()
    }
}

/// Runs `sample` on a manifest of these CSV rows.
pub fn sample_with(csv: &str, params: Value, threads: usize) -> Result<Drawn> {
    let step = steps::find("sample").unwrap().make(params)?;
    let table = table_of(of_csv(csv.as_bytes()))?;
    let mut ids = Vec::new();
    for index in 0..table.batches() {
        let batch = table.batch(index, &["id"])?;
        ids.push(batch.text("id")?.iter().map(|id| id.unwrap().to_string()).collect::<Vec<_>>());
    }
    let columns = step.columns(table.schema())?;
    let input = AnyInput::Manifest(Manifest::new(table, columns));
    let mut collected = Collected::default();
    step.run(input, &mut collected, &Crew::new(threads)?)?;
    assert_eq!(collected.rows.len(), ids.len(), "each batch is answered");
    let mut rows = BTreeMap::new();
    for (said, ids) in collected.rows.iter().zip(&ids) {
        let times = said.times.as_ref().unwrap();
        let mut went: Vec<Went> =
            times.iter().map(|n| Went { times: *n, repeat: None, weight: None }).collect();
        for (name, values) in &said.columns {
            match (*name, values) {
                ("repeat", Values::Int(of)) => {
                    went.iter_mut().zip(of).for_each(|(went, n)| went.repeat = *n);
                }
                ("weight", Values::Float(of)) => {
                    went.iter_mut().zip(of).for_each(|(went, w)| went.weight = *w);
                }
                other => panic!("{other:?}"),
            }
        }
        for (row, (id, went)) in ids.iter().zip(&went).enumerate() {
            // How often a row counts is said to whoever counts, as it is said in the column.
            let draws = said.draws.as_ref().map_or(went.times, |draws| draws[row]);
            assert_eq!(went.repeat.unwrap_or(0) as u32 * went.times, draws, "{id}");
            if went.times > 0 {
                rows.insert(id.clone(), *went);
            }
        }
    }
    Ok(Drawn { rows, findings: collected.findings, notes: collected.notes })
}

/// The same with two threads.
pub fn sample(csv: &str, params: Value) -> Result<Drawn> {
    sample_with(csv, params, 2)
}

/// The table of the cases.
pub fn patches() -> String {
    std::fs::read_to_string(common::fixture("tables/patches.csv")).unwrap()
}

/// The rows of a CSV in another order.
pub fn shuffled(csv: &str, seed: u64) -> String {
    let (header, rows) = csv.split_once('\n').unwrap();
    let mut rows: Vec<&str> = rows.lines().collect();
    rows.sort_by_key(|row| {
        let digest = microtome::digest::Digest::of(row.as_bytes());
        microtome::random::rank(seed, digest.as_bytes())
    });
    format!("{header}\n{}\n", rows.join("\n"))
}

/// The columns of a row, by id: of a CSV without quotes.
pub fn by_id(csv: &str) -> BTreeMap<&str, BTreeMap<&str, &str>> {
    let mut lines = csv.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    lines
        .map(|line| {
            let row: BTreeMap<&str, &str> = header.iter().copied().zip(line.split(',')).collect();
            (row["id"], row)
        })
        .collect()
}
