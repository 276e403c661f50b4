//! Rows of two manifests, paired by id and compared column by column.
//!
//! Ids are paired in as many passes as memory asks for (a sorted list of 16 bytes a row on either side);
//! then one column after the other is read on both sides: 8 bytes a row of the left one are held, and 4 bytes a
//! row of the right one for its partner. All reading and hashing is spread over the crew, a batch a piece.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use serde_json::Value;

use super::prints::{Form, MOST_WORDS, Words, prints};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::lineage::links::value_at;
use crate::manifest::{BASE, BATCH_ROWS, Schema, Table};
use crate::step::Crew;

/// Most ids that are given as examples of a kind, and most transitions of a column.
const EXAMPLES: usize = 20;
/// Most rows of a side whose ids are held at once (16 bytes each); more are paired in several passes.
pub(super) const ROWS_A_PASS: u64 = 16 << 20;
/// Most different transitions of a column; with more, its changes are only counted.
const MOST_TRANSITIONS: usize = 100_000;
/// The partner of a row that has none.
const NONE: u32 = u32::MAX;

/// Rows of two manifests, compared by id.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Rows {
    /// Rows of the left manifest.
    pub left: u64,
    /// Rows of the right one.
    pub right: u64,
    /// Rows with the same bytes and the same values.
    pub same: u64,
    /// Ids that only the right one has.
    pub added: u64,
    /// Ids that only the left one has.
    pub dropped: u64,
    /// Ids whose bytes differ.
    pub changed: u64,
    /// Ids whose bytes are the same and whose values (label, split, facts) differ.
    pub revalued: u64,
    /// Columns that only the left one has.
    pub columns_dropped: Vec<String>,
    /// Columns that only the right one has.
    pub columns_added: Vec<String>,
    /// Columns of both whose values differ in some row that both have: most rows first.
    pub columns: Vec<ColumnDifference>,
    /// The first rows of each kind that is not `same`, in the manifests' order.
    pub examples: Vec<RowChange>,
}

impl Rows {
    /// Whether the two are the same.
    pub fn is_equal(&self) -> bool {
        self.added + self.dropped + self.changed + self.revalued == 0
            && self.columns_dropped.is_empty()
            && self.columns_added.is_empty()
    }

    /// Ids that both have.
    pub fn in_both(&self) -> u64 {
        self.same + self.changed + self.revalued
    }

    /// What differs in a column, if anything does.
    pub fn column(&self, name: &str) -> Option<&ColumnDifference> {
        self.columns.iter().find(|column| column.column == name)
    }

    /// Two manifests whose files are the same.
    pub(super) fn same(rows: u64) -> Self {
        Self { left: rows, right: rows, same: rows, ..Self::default() }
    }
}

/// A column whose values differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnDifference {
    /// Its name.
    pub column: String,
    /// Rows that both have, and whose values in it differ.
    pub rows: u64,
    /// Those of them whose bytes differ too.
    pub of_changed: u64,
    /// The commonest changes, most rows first; empty for a column of very many values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub transitions: Vec<Transition>,
    /// The first row that differs, in the order of the right one.
    pub example: ValueChange,
}

/// One value that became another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Transition {
    /// On the left.
    pub from: Value,
    /// On the right.
    pub to: Value,
    /// In how many rows.
    pub rows: u64,
}

/// A row in which a value differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ValueChange {
    /// Its id.
    pub id: String,
    /// On the left.
    pub left: Value,
    /// On the right.
    pub right: Value,
}

/// A row that differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct RowChange {
    /// `added`, `changed`, `dropped` or `revalued`.
    pub kind: &'static str,
    /// Its id.
    pub id: String,
}

/// Compares two manifests.
pub(super) fn rows(left: &Table, right: &Table, rows_a_pass: u64, crew: &Crew) -> Result<Rows> {
    let (x, y) = (facts(left.schema()), facts(right.schema()));
    let mut rows = Rows {
        left: left.rows() as u64,
        right: right.rows() as u64,
        columns_dropped: x.difference(&y).cloned().collect(),
        columns_added: y.difference(&x).cloned().collect(),
        ..Rows::default()
    };
    // Where a file lies, and by which record it came, is not what it is; its length follows from its digest.
    let not_values = ["id", "path", "offset", "length", "digest", "trail"];
    let base = BASE.iter().map(|c| c.name).filter(|name| !not_values.contains(name));
    let common: Vec<String> = base.map(String::from).chain(x.intersection(&y).cloned()).collect();
    let partner = pair(left, right, rows_a_pass, crew)?;
    let sides = Sides { left, right, partner: &partner, crew };
    let changed = sides.compare("digest")?.rows;
    let mut revalued = Marks::of(right.rows());
    for name in &common {
        let found = sides.compare(name)?;
        let Some(first) = found.rows.first() else { continue };
        rows.columns.push(ColumnDifference {
            column: name.clone(),
            rows: found.rows.count(),
            of_changed: found.rows.count_both(&changed),
            transitions: found.transitions(),
            example: sides.example(name, first)?,
        });
        revalued.join(&found.rows);
    }
    rows.columns.sort_by(|a, b| b.rows.cmp(&a.rows).then_with(|| a.column.cmp(&b.column)));
    revalued.leave(&changed);
    let mut held = Marks::of(left.rows());
    let mut added = Marks::of(right.rows());
    for (row, partner) in partner.iter().enumerate() {
        if *partner == NONE { added.mark(row) } else { held.mark(*partner as usize) }
    }
    held.turn();
    (rows.added, rows.dropped) = (added.count(), held.count());
    (rows.changed, rows.revalued) = (changed.count(), revalued.count());
    rows.same = rows.right - rows.added - rows.changed - rows.revalued;
    for (kind, table, marks) in [
        ("added", right, &added),
        ("changed", right, &changed),
        ("dropped", left, &held),
        ("revalued", right, &revalued),
    ] {
        rows.examples.extend(examples(kind, table, marks)?);
    }
    Ok(rows)
}

fn facts(schema: &Schema) -> BTreeSet<String> {
    schema.facts.iter().map(|f| f.name.clone()).collect()
}

/// For each row of the right manifest the row of the left one that has its id. The second of equal ids is paired
/// with the second.
fn pair(left: &Table, right: &Table, rows_a_pass: u64, crew: &Crew) -> Result<Vec<u32>> {
    let most = left.rows().max(right.rows()) as u64;
    if most >= u64::from(NONE) {
        return Err(Error::limit(
            "rows of a manifest",
            format!("{most}"),
            format!("{}", NONE - 1),
            "compare parts of the datasets",
        ));
    }
    let passes = most.div_ceil(rows_a_pass.max(1)).clamp(1, 256);
    let mut partner = vec![NONE; right.rows()];
    for pass in 0..passes {
        let (a, b) = (ids(left, pass, passes, crew)?, ids(right, pass, passes, crew)?);
        let (mut at, row) = (0, |id: u128| id as u32);
        for id in b {
            while a.get(at).is_some_and(|held| held >> 32 < id >> 32) {
                at += 1;
            }
            if let Some(held) = a.get(at)
                && held >> 32 == id >> 32
            {
                partner[row(id) as usize] = row(*held);
                at += 1;
            }
        }
    }
    Ok(partner)
}

/// Ids that are looked at in this pass, sorted: 12 bytes of a digest, then 4 of the row.
fn ids(table: &Table, pass: u64, passes: u64, crew: &Crew) -> Result<Vec<u128>> {
    let mut all = Vec::new();
    let make = |index: usize| {
        let batch = table.batch(index, &["id"])?;
        let mut ids = Vec::new();
        for (row, id) in batch.text("id")?.iter().enumerate() {
            let row = batch.first_row() + row;
            let id =
                id.ok_or_else(|| Error::format("manifest", format!("row {row}: `id` is null")))?;
            let digest = Digest::of(id.as_bytes());
            let [first, ..] = digest.as_bytes();
            if u64::from(*first) * passes / 256 == pass {
                let print = digest.as_bytes().iter().take(12);
                ids.push(print.fold(0, |n, b| n << 8 | u128::from(*b)) << 32 | row as u128);
            }
        }
        Ok(ids)
    };
    crew.ordered(table.batches(), make, |_, mut ids| {
        all.append(&mut ids);
        Ok(())
    })?;
    all.sort_unstable();
    Ok(all)
}

/// Two manifests whose rows are paired.
struct Sides<'a> {
    left: &'a Table,
    right: &'a Table,
    partner: &'a [u32],
    crew: &'a Crew,
}

/// What was found in a column.
struct Found {
    /// Rows of the right manifest.
    rows: Marks,
    /// How often a print became another; `None` when there are too many.
    changes: Option<HashMap<(u64, u64), u64>>,
    words: Option<Words>,
}

impl Sides<'_> {
    fn compare(&self, name: &str) -> Result<Found> {
        let (a, b) = (self.left.schema(), self.right.schema());
        let form = match (a.kind(name), b.kind(name)) {
            (Some(a), Some(b)) => Form::of(a, b),
            _ => return Err(Error::Bug { message: format!("`{name}` is not in both") }),
        };
        let mut words: Option<Words> = (name != "digest").then(HashMap::new);
        // Whether words are still worth collecting. It never changes what is found.
        let wanted = AtomicBool::new(words.is_some());
        let keep = |words: &mut Option<Words>, found: Option<Words>| {
            match (words.as_mut(), found) {
                (Some(all), Some(found)) => all.extend(found),
                _ => *words = None,
            }
            if words.as_ref().is_none_or(|all| all.len() > MOST_WORDS) {
                *words = None;
                wanted.store(false, Ordering::Relaxed);
            }
        };
        let mut held: Vec<u64> = Vec::with_capacity(self.left.rows());
        let read = |index: usize| {
            let batch = self.left.batch(index, &[name])?;
            prints(&batch, a, name, form, wanted.load(Ordering::Relaxed))
        };
        self.crew.ordered(self.left.batches(), read, |_, (mut prints, found)| {
            held.append(&mut prints);
            keep(&mut words, found);
            Ok(())
        })?;
        let mut rows = Marks::of(self.right.rows());
        let mut changes = Some(HashMap::new());
        let read = |index: usize| {
            let batch = self.right.batch(index, &[name])?;
            let (prints, found) = prints(&batch, b, name, form, wanted.load(Ordering::Relaxed))?;
            let mut different: Vec<(usize, u64, u64)> = Vec::new();
            for (row, print) in prints.into_iter().enumerate() {
                let row = batch.first_row() + row;
                let partner = self.partner.get(row).copied().unwrap_or(NONE);
                if let Some(old) = held.get(partner as usize).filter(|old| **old != print) {
                    different.push((row, *old, print));
                }
            }
            Ok((different, found))
        };
        self.crew.ordered(self.right.batches(), read, |_, (different, found)| {
            keep(&mut words, found);
            for (row, old, new) in different {
                rows.mark(row);
                if let Some(all) = &mut changes {
                    *all.entry((old, new)).or_default() += 1;
                    if all.len() > MOST_TRANSITIONS {
                        changes = None;
                    }
                }
            }
            Ok(())
        })?;
        Ok(Found { rows, changes, words })
    }

    fn example(&self, name: &str, row: usize) -> Result<ValueChange> {
        let of = |table: &Table, row: usize| -> Result<(Value, Value)> {
            let batch = table.batch(row / BATCH_ROWS, &["id", name])?;
            let (schema, row) = (table.schema(), row % BATCH_ROWS);
            Ok((value_at(&batch, schema, "id", row)?, value_at(&batch, schema, name, row)?))
        };
        let partner = self.partner.get(row).copied().unwrap_or(NONE);
        let (id, right) = of(self.right, row)?;
        let (_, left) = of(self.left, partner as usize)?;
        Ok(ValueChange { id: id.as_str().unwrap_or_default().into(), left, right })
    }
}

impl Found {
    /// The commonest changes.
    fn transitions(&self) -> Vec<Transition> {
        let (Some(changes), Some(words)) = (&self.changes, &self.words) else { return Vec::new() };
        let word = |print: &u64| words.get(print).cloned().unwrap_or(Value::Null);
        let mut all: Vec<(u64, String, Transition)> = changes
            .iter()
            .map(|((from, to), rows)| {
                let (from, to) = (word(from), word(to));
                (*rows, format!("{from} {to}"), Transition { from, to, rows: *rows })
            })
            .collect();
        // The map has no order of its own.
        all.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        all.into_iter().take(EXAMPLES).map(|(_, _, transition)| transition).collect()
    }
}

/// The ids of the first marked rows.
fn examples(kind: &'static str, table: &Table, marks: &Marks) -> Result<Vec<RowChange>> {
    let mut of_batch: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for row in marks.iter().take(EXAMPLES) {
        of_batch.entry(row / BATCH_ROWS).or_default().push(row % BATCH_ROWS);
    }
    let mut examples = Vec::new();
    for (index, rows) in of_batch {
        let batch = table.batch(index, &["id"])?;
        let ids = batch.text("id")?;
        let of = |row: usize| RowChange { kind, id: ids.get(row).unwrap_or_default().into() };
        examples.extend(rows.into_iter().map(of));
    }
    Ok(examples)
}

/// A bit for each row.
struct Marks {
    bits: Vec<u64>,
    rows: usize,
}

impl Marks {
    fn of(rows: usize) -> Self {
        Self { bits: vec![0; rows.div_ceil(64)], rows }
    }

    fn mark(&mut self, row: usize) {
        if let Some(bits) = self.bits.get_mut(row / 64) {
            *bits |= 1 << (row % 64);
        }
    }

    fn count(&self) -> u64 {
        self.bits.iter().map(|bits| u64::from(bits.count_ones())).sum()
    }

    fn count_both(&self, other: &Self) -> u64 {
        self.bits.iter().zip(&other.bits).map(|(a, b)| u64::from((a & b).count_ones())).sum()
    }

    fn join(&mut self, other: &Self) {
        self.bits.iter_mut().zip(&other.bits).for_each(|(a, b)| *a |= b);
    }

    fn leave(&mut self, other: &Self) {
        self.bits.iter_mut().zip(&other.bits).for_each(|(a, b)| *a &= !b);
    }

    /// Marks what was not marked.
    fn turn(&mut self) {
        self.bits.iter_mut().for_each(|bits| *bits = !*bits);
        if let Some(last) = self.bits.last_mut().filter(|_| !self.rows.is_multiple_of(64)) {
            *last &= (1 << (self.rows % 64)) - 1;
        }
    }

    fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.bits.iter().enumerate().filter(|(_, bits)| **bits != 0).flat_map(|(at, bits)| {
            (0..64).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| at * 64 + bit)
        })
    }

    fn first(&self) -> Option<usize> {
        self.iter().next()
    }
}

#[cfg(test)]
mod tests;
