//! What differs between the causes of two items or records.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};

use super::ancestry::Ancestry;
use super::links::Link;
use super::params::same;
use super::why::{Explanation, Subject, explain};
use crate::dataset::Root;
use crate::error::Result;

/// Two explanations side by side.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contrast {
    /// The first subject, as it was asked for.
    pub left: String,
    /// The second.
    pub right: String,
    /// Why they may differ: versions, params, columns and inputs of their records, oldest first.
    pub causes: Vec<Change>,
    /// How they do differ: columns of the two rows; empty when a record was asked for.
    pub columns: Vec<Change>,
    /// The two explanations.
    pub explanations: [Explanation; 2],
}

/// One thing that differs. Null stands for "not there".
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// What: `tile version`, `tile.tile_px`, `tile input`, `tile.luminance`.
    pub what: String,
    /// On the left.
    pub left: Value,
    /// On the right.
    pub right: Value,
}

/// Compares the causes of two items or records, each named as for [`super::why`].
///
/// # Errors
/// As [`super::why`], for either.
pub fn contrast(root: &Root, left: &str, right: &str) -> Result<Contrast> {
    let ancestry = Ancestry::of(root)?;
    let explanations = [explain(&ancestry, left)?, explain(&ancestry, right)?];
    let [a, b] = &explanations;
    let mut causes = Vec::new();
    let depth = a.links.len().max(b.links.len());
    for at in 0..depth {
        let from_oldest = |links: &[Link]| links.iter().rev().nth(at).cloned();
        causes.extend(links(from_oldest(&a.links), from_oldest(&b.links)));
    }
    let source = |e: &Explanation| e.source.as_ref().map(|s| s.digest.to_string());
    push(&mut causes, "source file".into(), source(a).into(), source(b).into());
    let columns = match (&a.subject, &b.subject) {
        (Subject::Item { columns: x, .. }, Subject::Item { columns: y, .. }) => maps("", x, y),
        _ => Vec::new(),
    };
    Ok(Contrast { left: left.into(), right: right.into(), causes, columns, explanations })
}

pub(super) fn push(changes: &mut Vec<Change>, what: String, left: Value, right: Value) {
    if !same(&left, &right) {
        changes.push(Change { what, left, right });
    }
}

/// What differs between two objects, by name.
pub(super) fn maps(prefix: &str, a: &Map<String, Value>, b: &Map<String, Value>) -> Vec<Change> {
    let mut changes = Vec::new();
    for name in a.keys().chain(b.keys()).collect::<BTreeSet<_>>() {
        let of = |map: &Map<String, Value>| map.get(name).cloned().unwrap_or(Value::Null);
        push(&mut changes, format!("{prefix}{name}"), of(a), of(b));
    }
    changes
}

fn links(a: Option<Link>, b: Option<Link>) -> Vec<Change> {
    let mut changes = Vec::new();
    let names = |link: &Option<Link>| -> Option<String> {
        let steps = link.as_ref()?.steps.iter().map(|s| s.step.as_str());
        Some(steps.collect::<Vec<_>>().join(" + "))
    };
    let (left, right) = (names(&a), names(&b));
    let name = left.clone().or(right.clone()).unwrap_or_default();
    push(&mut changes, "step".into(), left.into(), right.into());
    let (Some(a), Some(b)) = (a, b) else { return changes };
    for (x, y) in a.steps.iter().zip(&b.steps) {
        let version = format!("{} version", x.step);
        push(&mut changes, version, x.version.clone().into(), y.version.clone().into());
        let params = |s: &super::links::StepWords| -> Map<String, Value> {
            s.params.iter().map(|p| (p.name.clone(), p.value.clone())).collect()
        };
        if x.step == y.step {
            changes.extend(maps(&format!("{}.", x.step), &params(x), &params(y)));
        }
    }
    let columns = |link: &Link| link.columns.clone().into_iter().collect::<Map<_, _>>();
    changes.extend(maps("column ", &columns(&a), &columns(&b)));
    let input = |link: &Link| link.input.map(|d| d.to_string());
    push(&mut changes, format!("{name} input"), input(&a).into(), input(&b).into());
    changes
}
