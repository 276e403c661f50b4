//! What differs between two datasets: how they were made, from what, and what came out.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;
use serde_json::Value;

use super::ancestry::Ancestry;
use super::contrast::{Change, maps, push};
use crate::dataset::Root;
use crate::digest::{Digest, Hasher};
use crate::error::Result;
use crate::manifest::{BASE, BATCH_ROWS, Item, ManifestReader, Schema};
use crate::summary::StepSummary;

/// Most ids that are given as examples.
const EXAMPLES: usize = 20;
/// Most rows whose digests are held at once (about 64 bytes each); more are compared in several
/// passes over both manifests.
const ROWS_A_PASS: u64 = 4 << 20;

/// What differs between two datasets.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The first dataset.
    pub left: String,
    /// The second.
    pub right: String,
    /// Steps whose version or params differ, or that only one of them has.
    pub steps: Vec<StepDifference>,
    /// The source files.
    pub inputs: Rows,
    /// The rows of the final manifests.
    pub rows: Rows,
}

impl Difference {
    /// Whether nothing differs that anybody could see in the data.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.inputs.is_equal() && self.rows.is_equal()
    }
}

/// A step that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepDifference {
    /// Its name.
    pub step: String,
    /// `step` (only one has it), `version`, or the name of a param.
    pub changes: Vec<Change>,
}

/// Rows of two manifests, compared by id.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Rows {
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
}

/// A row that differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct RowChange {
    /// `added`, `changed`, `dropped` or `revalued`.
    pub kind: &'static str,
    /// Its id.
    pub id: String,
}

/// Compares two datasets.
///
/// # Errors
/// [`crate::Error::Params`] when either is no dataset; [`crate::Error::Format`] and
/// [`crate::Error::Store`] when a manifest cannot be read.
pub fn differ(left: &Root, right: &Root) -> Result<Difference> {
    let (a, b) = (Ancestry::of(left)?, Ancestry::of(right)?);
    Ok(Difference {
        left: left.uri().into(),
        right: right.uri().into(),
        steps: steps(&a.steps(), &b.steps()),
        inputs: rows(&|| a.sources(), &|| b.sources(), ROWS_A_PASS)?,
        rows: rows(&|| left.manifest(), &|| right.manifest(), ROWS_A_PASS)?,
    })
}

fn steps(left: &[&StepSummary], right: &[&StepSummary]) -> Vec<StepDifference> {
    // The same step may stand twice in a chain: its first is compared with the other's first.
    let numbered = |steps: &[&StepSummary]| {
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        let mut all = Vec::new();
        for step in steps {
            let times = seen.entry(step.step.clone()).or_default();
            all.push(((step.step.clone(), *times), (*step).clone()));
            *times += 1;
        }
        all
    };
    let (left, right) = (numbered(left), numbered(right));
    let mut names: Vec<_> = left.iter().map(|(name, _)| name.clone()).collect();
    names.extend(
        right.iter().map(|(name, _)| name.clone()).filter(|n| !left.iter().any(|(m, _)| m == n)),
    );
    let mut different = Vec::new();
    for name in names {
        let of = |steps: &[((String, usize), StepSummary)]| {
            steps.iter().find(|(n, _)| *n == name).map(|(_, s)| s.clone())
        };
        let mut changes = Vec::new();
        match (of(&left), of(&right)) {
            (Some(a), Some(b)) => {
                push(&mut changes, "version".into(), a.version.into(), b.version.into());
                let none = serde_json::Map::new();
                let (x, y) = (a.params.as_object(), b.params.as_object());
                changes.extend(maps("", x.unwrap_or(&none), y.unwrap_or(&none)));
            }
            (a, b) => {
                let version = |s: Option<StepSummary>| Value::from(s.map(|s| s.version));
                push(&mut changes, "step".into(), version(a), version(b));
            }
        }
        if !changes.is_empty() {
            different.push(StepDifference { step: name.0, changes });
        }
    }
    different
}

/// 16 bytes of a digest: enough to tell rows apart, and half of the memory.
type Print = [u8; 16];

fn print(digest: &Digest) -> Print {
    let mut print = [0; 16];
    print.copy_from_slice(&digest.as_bytes()[..16]);
    print
}

struct Held {
    row: u64,
    bytes: Print,
    values: Print,
}

/// Streams two manifests against each other, in as many passes as memory asks for.
fn rows(
    left: &dyn Fn() -> Result<ManifestReader>,
    right: &dyn Fn() -> Result<ManifestReader>,
    rows_a_pass: u64,
) -> Result<Rows> {
    let (a, b) = (left()?, right()?);
    let names = |s: &Schema| s.facts.iter().map(|f| f.name.clone()).collect::<BTreeSet<_>>();
    let (x, y) = (names(a.schema()), names(b.schema()));
    // Where a file lies, and by which record it came, is not what it is.
    let not_values = ["id", "path", "offset", "trail", "digest"];
    let base =
        BASE.iter().map(|c| c.name.to_string()).filter(|n| !not_values.contains(&n.as_str()));
    let common: Vec<String> = base.chain(x.intersection(&y).cloned()).collect();
    let mut rows = Rows {
        columns_dropped: x.difference(&y).cloned().collect(),
        columns_added: y.difference(&x).cloned().collect(),
        ..Rows::default()
    };
    let passes = (a.rows() as u64).div_ceil(rows_a_pass.max(1)).max(1);
    let mut examples = Examples::default();
    let mut dropped: BTreeSet<u64> = BTreeSet::new();
    for pass in 0..passes {
        let mut held: HashMap<Print, Held> = HashMap::new();
        each(left()?, &mut |schema, row, item| {
            let id = print(&Digest::of(item.id.as_bytes()));
            if u64::from(id[0]) * passes / 256 == pass {
                let values = values(schema, item, &common);
                held.insert(id, Held { row, bytes: print(&item.digest), values });
            }
        })?;
        each(right()?, &mut |schema, row, item| {
            let id = print(&Digest::of(item.id.as_bytes()));
            if u64::from(id[0]) * passes / 256 != pass {
                return;
            }
            let kind = match held.remove(&id) {
                None => "added",
                Some(old) if old.bytes != print(&item.digest) => "changed",
                Some(old) if old.values != values(schema, item, &common) => "revalued",
                Some(_) => "same",
            };
            match kind {
                "added" => rows.added += 1,
                "changed" => rows.changed += 1,
                "revalued" => rows.revalued += 1,
                _ => rows.same += 1,
            }
            if kind != "same" {
                examples.offer(kind, row, &item.id);
            }
        })?;
        rows.dropped += held.len() as u64;
        // The map has no order of its own; the smallest row numbers have.
        for old in held.values() {
            dropped.insert(old.row);
            if dropped.len() > EXAMPLES {
                dropped.pop_last();
            }
        }
    }
    if !dropped.is_empty() {
        each(left()?, &mut |_, row, item| {
            if dropped.contains(&row) {
                examples.offer("dropped", row, &item.id);
            }
        })?;
    }
    rows.examples = examples.finish();
    Ok(rows)
}

fn each(mut reader: ManifestReader, take: &mut dyn FnMut(&Schema, u64, &Item)) -> Result<()> {
    let schema = reader.schema().clone();
    let mut first = 0;
    while let Some(batch) = reader.next_batch()? {
        for (index, item) in batch.iter().enumerate() {
            take(&schema, first + index as u64, item);
        }
        first += BATCH_ROWS as u64;
    }
    Ok(())
}

fn values(schema: &Schema, item: &Item, columns: &[String]) -> Print {
    let mut hasher = Hasher::new();
    for column in columns {
        // JSON text holds no control character: the separator cannot be forged.
        hasher.update(item.value(schema, column).to_string().as_bytes());
        hasher.update(&[0]);
    }
    print(&hasher.finish())
}

/// The first few rows of each kind, whatever pass they were met in.
#[derive(Default)]
struct Examples(BTreeMap<&'static str, BTreeMap<u64, String>>);

impl Examples {
    fn offer(&mut self, kind: &'static str, row: u64, id: &str) {
        let first = self.0.entry(kind).or_default();
        first.insert(row, id.to_string());
        if first.len() > EXAMPLES {
            first.pop_last();
        }
    }

    fn finish(self) -> Vec<RowChange> {
        let of_kind = |(kind, rows): (&'static str, BTreeMap<u64, String>)| {
            rows.into_values().map(move |id| RowChange { kind, id })
        };
        self.0.into_iter().flat_map(of_kind).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::manifest::ManifestWriter;

    fn manifest(rows: &[(&str, &str, Option<&str>)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = ManifestWriter::new(&mut bytes, Schema::default()).unwrap();
        for (id, content, label) in rows {
            let item = Item {
                id: (*id).into(),
                path: format!("items/{id}"),
                offset: None,
                length: content.len() as u64,
                digest: Digest::of(content.as_bytes()),
                media_type: "image/png".into(),
                width_px: None,
                height_px: None,
                label: label.map(str::to_string),
                group: None,
                split: None,
                weight: None,
                trail: String::new(),
                facts: Vec::new(),
            };
            writer.push(item).unwrap();
        }
        writer.finish().unwrap();
        bytes
    }

    fn open(bytes: &[u8]) -> impl Fn() -> Result<ManifestReader> + '_ {
        move || {
            let bytes = bytes.to_vec();
            ManifestReader::new(move || Ok(Box::new(Cursor::new(bytes.clone()))))
        }
    }

    #[test]
    fn rows_are_compared_by_id_in_any_number_of_passes() {
        let a = manifest(&[("s", "1", None), ("c", "1", None), ("v", "1", None), ("d", "1", None)]);
        let b = manifest(&[
            ("n", "1", None),
            ("v", "1", Some("x")),
            ("s", "1", None),
            ("c", "2", None),
        ]);
        let expected = [("added", "n"), ("changed", "c"), ("dropped", "d"), ("revalued", "v")]
            .map(|(kind, id)| RowChange { kind, id: id.into() });
        for rows_a_pass in [1, 2, 100] {
            let found = rows(&open(&a), &open(&b), rows_a_pass).unwrap();
            assert_eq!((found.same, found.added, found.dropped), (1, 1, 1));
            assert_eq!((found.changed, found.revalued), (1, 1));
            assert_eq!(found.examples, expected);
            assert!(!found.is_equal());
        }
        assert!(rows(&open(&a), &open(&a), 1).unwrap().is_equal());
    }
}
