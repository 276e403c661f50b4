//! A difference in words: what matters first, then the tables.

use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};

use indicatif::HumanCount;

use super::words::{percent, ratio, splits};
use super::{ClassChange, Counts, Difference, Rows, Shares};
use crate::distribution::Distribution;
use crate::lineage::show::{plain, value};

/// Most ids of a kind, groups and columns that are written out; all others stand in the JSON.
const EXAMPLES: usize = 5;
/// Most classes of a split.
const CLASSES: usize = 20;
/// Most changes of the values of a column.
const TRANSITIONS: usize = 6;

impl Display for Difference {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} → {}", plain(&self.left), plain(&self.right))?;
        for note in &self.notes {
            writeln!(f, "note: {}", plain(note))?;
        }
        if self.is_empty() {
            let rows = HumanCount(self.rows.same);
            let what = match self.notes.is_empty() {
                true => "the same steps, params and source files, and",
                false => "in what could be compared:",
            };
            return writeln!(f, "no difference: {what} {rows} equal rows");
        }
        if !self.summary.is_empty() {
            writeln!(f, "\nWhat most likely matters")?;
            for (headline, number) in self.summary.iter().zip(1..) {
                writeln!(f, "{number:>3}. {}", plain(&headline.words))?;
            }
        }
        self.steps(f)?;
        if self.inputs.left + self.inputs.right > 0 {
            rows(f, "Source files", &self.inputs)?;
        }
        if self.inputs != self.rows {
            rows(f, "Rows", &self.rows)?;
        }
        shares(f, &self.shares)
    }
}

impl Difference {
    fn steps(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.counts.is_empty() {
            return Ok(());
        }
        writeln!(f, "\nSteps")?;
        if self.steps.is_empty() {
            writeln!(f, "    the same steps, versions and params")?;
        }
        for step in &self.steps {
            let nothing = match step.without_effect {
                true => " (without effect: both made the same manifest)",
                false => "",
            };
            writeln!(f, "    {}{nothing}", plain(&step.step))?;
            for change in &step.changes {
                let default = step.defaults.get(&change.what);
                let default = default.map(|d| format!("  (default {})", value(d)));
                writeln!(
                    f,
                    "        {}: {} → {}{}",
                    plain(&change.what),
                    value(&change.left),
                    value(&change.right),
                    default.unwrap_or_default()
                )?;
            }
        }
        let mut table = Table::new(&["", "items left", "right", "change", "failed left", "right"]);
        for step in &self.counts {
            let count = |side: Option<Counts>, of: fn(Counts) -> u64| {
                side.map_or("–".into(), |counts| HumanCount(of(counts)).to_string())
            };
            let change = match (step.left, step.right) {
                _ if step.same_manifest => "same".into(),
                (Some(a), Some(b)) if a.items != b.items => percent(a.items, b.items),
                _ => String::new(),
            };
            table.row(vec![
                plain(&step.step),
                count(step.left, |c| c.items),
                count(step.right, |c| c.items),
                change,
                count(step.left, |c| c.failures),
                count(step.right, |c| c.failures),
            ]);
        }
        table.fmt(f)
    }
}

fn rows(f: &mut Formatter<'_>, what: &str, rows: &Rows) -> fmt::Result {
    writeln!(f, "\n{what}")?;
    if rows.is_equal() {
        return writeln!(f, "    {} and {}: all the same", count(rows.left), count(rows.right));
    }
    let of_bytes = "changed: other bytes under the same id";
    for (kind, what, number) in [
        ("", "left", rows.left),
        ("", "right", rows.right),
        ("", "the same", rows.same),
        ("dropped", "dropped: only left", rows.dropped),
        ("added", "added: only right", rows.added),
        ("changed", of_bytes, rows.changed),
        ("revalued", "the same bytes, other values", rows.revalued),
    ] {
        writeln!(f, "    {:<width$}{:>14}", what, count(number), width = of_bytes.len() + 2)?;
        let of_kind: Vec<&str> =
            rows.examples.iter().filter(|e| e.kind == kind).map(|e| e.id.as_str()).collect();
        for id in of_kind.iter().take(EXAMPLES) {
            writeln!(f, "        {}", value(&(*id).into()))?;
        }
        if of_kind.len() > EXAMPLES || (!of_kind.is_empty() && number > of_kind.len() as u64) {
            writeln!(
                f,
                "        … and {} more",
                count(number - EXAMPLES.min(of_kind.len()) as u64)
            )?;
        }
    }
    for (side, columns) in [("left", &rows.columns_dropped), ("right", &rows.columns_added)] {
        if !columns.is_empty() {
            writeln!(f, "    columns only {side}: {}", plain(&columns.join(", ")))?;
        }
    }
    if rows.columns.is_empty() {
        return Ok(());
    }
    writeln!(f, "    columns with other values, of {} rows in both", count(rows.in_both()))?;
    // Label and split speak of what a model learns; facts of other bytes follow from these.
    let first = |name: &str| matches!(name, "label" | "split" | "group" | "weight");
    let mut columns: Vec<_> = rows.columns.iter().collect();
    columns.sort_by_key(|c| (!first(&c.column), c.rows == c.of_changed));
    let width = columns.iter().map(|c| c.column.chars().count()).max().unwrap_or(0).min(40);
    for column in columns {
        let of_changed = match column.of_changed {
            0 => String::new(),
            all if all == column.rows => "  (all of other bytes)".into(),
            some => format!("  ({} of other bytes)", count(some)),
        };
        writeln!(
            f,
            "        {:<width$}{:>14}{of_changed}",
            plain(&column.column),
            count(column.rows)
        )?;
        if column.rows == column.of_changed && !first(&column.column) {
            continue;
        }
        for change in column.transitions.iter().take(TRANSITIONS) {
            let (from, to) = (value(&change.from), value(&change.to));
            writeln!(f, "            {from} → {to}: {}", count(change.rows))?;
        }
        if column.transitions.is_empty() {
            let (from, to) = (value(&column.example.left), value(&column.example.right));
            writeln!(f, "            {from} → {to} in {}", plain(&column.example.id))?;
        }
    }
    Ok(())
}

fn shares(f: &mut Formatter<'_>, shares: &Shares) -> fmt::Result {
    let (a, b) = (&shares.left, &shares.right);
    writeln!(f, "\nClasses")?;
    if shares.classes.is_empty() {
        writeln!(f, "    the same number of rows of each class in each split")?;
    }
    let mut table = Table::new(&["", "left", "right", "difference", ""]);
    let splits_of: Vec<Option<String>> = {
        let named: BTreeSet<Option<String>> =
            shares.classes.iter().map(|c| c.split.clone()).collect();
        named.into_iter().collect()
    };
    for split in splits_of {
        let of_split: Vec<&ClassChange> =
            shares.classes.iter().filter(|c| c.split == split).collect();
        let head = match split.as_deref() {
            None => "all rows".into(),
            Some("") => "no split".into(),
            Some(name) => value(&name.into()),
        };
        let rows = |of: &Distribution| match &split {
            None => of.rows,
            Some(name) => of.splits.get(name).map_or(0, |share| share.rows),
        };
        table.counts(head, Some(rows(a)), Some(rows(b)));
        for class in of_split.iter().take(CLASSES) {
            let name = class.class.as_deref().map_or("no class".into(), |c| value(&c.into()));
            table.counts(format!("    {name}"), class.left, class.right);
        }
        if of_split.len() > CLASSES {
            let more = count((of_split.len() - CLASSES) as u64);
            table.row(vec![format!("    … and {more} more classes"), String::new()]);
        }
    }
    table.fmt(f)?;
    let mut table = Table::new(&["", "left", "right"]);
    for (name, of_split) in
        std::iter::once((None, (Some((a.rows, a.skew)), Some((b.rows, b.skew))))).chain(
            split_names(a, b).into_iter().map(|name| {
                let of = |side: &Distribution| side.splits.get(name).map(|s| (s.rows, s.skew));
                (Some(name), (of(a), of(b)))
            }),
        )
    {
        let head = name.map_or("all rows".into(), |name: &str| splits(&[name.to_string()]));
        let (x, y) = of_split;
        let imbalance = |side: Option<(u64, crate::distribution::Skew)>| {
            side.and_then(|(_, skew)| skew.imbalance_ratio).map_or("–".into(), ratio)
        };
        let effective = |side: Option<(u64, crate::distribution::Skew)>| {
            side.map_or("–".into(), |(_, skew)| count(skew.effective_rows.round() as u64))
        };
        table.row(vec![format!("{head}: commonest class by rarest"), imbalance(x), imbalance(y)]);
        table.row(vec![format!("{head}: effective rows"), effective(x), effective(y)]);
    }
    table.row(vec!["groups".into(), count(a.groups), count(b.groups)]);
    writeln!(f, "\nBalance")?;
    table.fmt(f)?;
    let moved = &shares.moved;
    if moved.groups > 0 {
        writeln!(f, "\nGroups in other splits: {}", count(moved.groups))?;
        for change in moved.transitions.iter().take(TRANSITIONS) {
            let (from, to) = (splits(&change.from), splits(&change.to));
            let (groups, rows) = (count(change.groups), count(change.rows));
            writeln!(f, "    {from} → {to}: {groups} ({rows} rows)")?;
        }
        for group in moved.examples.iter().take(EXAMPLES) {
            writeln!(
                f,
                "        {}: {} → {} ({} rows)",
                value(&group.group.as_str().into()),
                splits(&group.from),
                splits(&group.to),
                count(group.rows)
            )?;
        }
    }
    Ok(())
}

/// Names of the splits of both; none where there is only the nameless one.
fn split_names<'a>(a: &'a Distribution, b: &'a Distribution) -> BTreeSet<&'a str> {
    let names: BTreeSet<&str> =
        a.splits.keys().chain(b.splits.keys()).map(String::as_str).collect();
    if names.iter().all(|name| name.is_empty()) { BTreeSet::new() } else { names }
}

fn count(n: u64) -> String {
    HumanCount(n).to_string()
}

/// Columns of text, the first to the left and numbers to the right.
struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    fn new(head: &[&str]) -> Self {
        Self { rows: vec![head.iter().map(|cell| cell.to_string()).collect()] }
    }

    fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    fn counts(&mut self, head: String, left: Option<u64>, right: Option<u64>) {
        let side = |n: Option<u64>| n.map_or("not counted".into(), count);
        let (difference, change) = match (left, right) {
            (Some(a), Some(b)) if a == b => ("0".into(), String::new()),
            (Some(a), Some(b)) => (
                format!("{}{}", if b < a { "−" } else { "+" }, count(a.abs_diff(b))),
                if a == 0 { "new".into() } else { percent(a, b) },
            ),
            _ => (String::new(), String::new()),
        };
        self.row(vec![head, side(left), side(right), difference, change]);
    }

    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.rows.len() < 2 {
            return Ok(());
        }
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |at: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(at));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &self.rows {
            let mut line = String::from("    ");
            for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
                match at {
                    0 => line.push_str(&format!("{cell:<width$}")),
                    _ => line.push_str(&format!("  {cell:>width$}")),
                }
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}
