//! What most likely matters, first things first.
//!
//! Causes come before what came of them. A cause weighs what its step changed in the number of rows and in the shares of
//! classes, seen from the runs' own counts; what came of it weighs its relative change, less where few rows
//! are concerned. "Because" is said only where one thing alone differs between the runs.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::chain::Both;
use super::shares::{ClassChange, GroupTransition};
use super::words::{class_words, counted, n, ratio, splits, word};
use super::{Difference, Rows};
use crate::distribution::{Balance, Distribution, Skew};
use crate::lineage::show::value;
use crate::summary::StepSummary;

/// Most causes that are told first.
const CAUSES: usize = 6;
/// Most things that came of them.
const EFFECTS: usize = 8;
/// Most classes among these.
const CLASSES: usize = 4;
/// Relative change below which a class is not worth a headline.
const LEAST: f64 = 0.01;
/// Rows at which a count weighs half: three rows that became one are chance, three thousand are not.
const FEW_ROWS: f64 = 30.0;
/// Weight of what differs in other splits than those that a model learns from.
const OTHER_SPLIT: f64 = 0.6;

/// One thing that most likely matters.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Headline {
    /// Of causes: `version`, `param`, `step`, `order`, `source-files`, `failures`. Of what came of them: `class`,
    /// `split`, `label`, `bytes`, `rows`, `balance`, `weights`, `column`.
    pub kind: &'static str,
    /// Whether it is a cause: something that was done or given differently.
    pub cause: bool,
    /// The step, for causes that are of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// In words.
    pub words: String,
    /// How much it weighs among its like, 0 to 1.
    pub weight: f64,
}

impl Headline {
    fn effect(kind: &'static str, words: String, weight: f64) -> Self {
        Self { kind, cause: false, step: None, words, weight: weight.clamp(0.0, 1.0) }
    }
}

/// The headlines of a difference.
pub(super) fn headlines(found: &Difference, both: &[Both<'_>]) -> Vec<Headline> {
    let mut causes = causes(found, both);
    // Where nothing is known of the runs, nothing is blamed.
    let blame = match causes.as_slice() {
        [one] if found.notes.is_empty() => Some(one.short.clone()),
        _ => None,
    };
    causes.sort_by(|a, b| b.headline.weight.total_cmp(&a.headline.weight));
    causes.truncate(CAUSES);
    let mut all: Vec<Headline> = causes.into_iter().map(|cause| cause.headline).collect();
    let mut effects = effects(found, both, blame.as_deref());
    effects.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    effects.truncate(EFFECTS);
    all.extend(effects);
    all
}

/// A cause, and how it is called where something is said to come of it.
struct Cause {
    headline: Headline,
    short: String,
}

impl Cause {
    fn new(kind: &'static str, step: Option<&str>, short: String, weight: f64) -> Self {
        let (step, words) = (step.map(String::from), short.clone());
        let headline = Headline { kind, cause: true, step, words, weight: weight.clamp(0.0, 1.0) };
        Self { headline, short }
    }
}

fn causes(found: &Difference, both: &[Both<'_>]) -> Vec<Cause> {
    let mut causes = Vec::new();
    let of_bytes = found.rows.changed as f64 / found.rows.in_both().max(1) as f64;
    for step in found.steps.iter().filter(|step| !step.without_effect) {
        let pair = both.iter().find(|b| b.name == step.step);
        let weight = pair.map_or(0.0, impact).max(of_bytes / 2.0);
        for change in &step.changes {
            let name = step.step.as_str();
            let (left, right) = (value(&change.left), value(&change.right));
            let (kind, words) = match (change.what.as_str(), &change.left) {
                ("order", _) => ("order", format!("the order of the steps: {left} → {right}")),
                ("step", Value::Null) => {
                    ("step", format!("step `{name}` {right} stands only in the second"))
                }
                ("step", _) => ("step", format!("step `{name}` {left} stands only in the first")),
                ("version", _) => ("version", format!("`{name}` {left} → {right}")),
                (param, _) => ("param", format!("`{name}.{param}` {left} → {right}")),
            };
            let of = (kind != "order").then_some(name);
            let mut cause = Cause::new(kind, of, words, weight);
            if let Some(default) = step.defaults.get(&change.what) {
                cause.headline.words.push_str(&format!(" (default {})", value(default)));
            }
            causes.push(cause);
        }
    }
    if !found.inputs.is_equal() {
        let rows = &found.inputs;
        let differ = rows.added + rows.dropped + rows.changed + rows.revalued;
        let weight = differ as f64 / rows.left.max(rows.right).max(1) as f64;
        let mut cause = Cause::new("source-files", None, sources(rows), weight);
        cause.short = "the source files".into();
        causes.push(cause);
    }
    for step in &found.counts {
        let failures = |side: Option<super::Counts>| side.map_or(0, |c| c.failures);
        let (a, b) = (failures(step.left), failures(step.right));
        if a != b {
            let items = step.left.or(step.right).map_or(1, |c| c.items.max(1));
            let words = format!("failures of `{}`: {} → {}", step.step, n(a), n(b));
            let weight = a.abs_diff(b) as f64 / (a.max(b) + items) as f64;
            causes.push(Cause::new("failures", Some(&step.step), words, weight));
        }
    }
    causes
}

/// What differs among source files, in one line.
fn sources(rows: &Rows) -> String {
    let mut parts = Vec::new();
    for (count, what) in
        [(rows.dropped, "dropped"), (rows.added, "added"), (rows.changed, "with other bytes")]
    {
        if count > 0 {
            let kind = if what == "with other bytes" { "changed" } else { what };
            let example = rows.examples.iter().find(|e| e.kind == kind);
            let example = example.map(|e| format!(" ({})", value(&e.id.clone().into())));
            parts.push(format!("{} {what}{}", n(count), example.unwrap_or_default()));
        }
    }
    if rows.revalued > 0 {
        let columns = rows.columns.iter().filter(|c| c.rows > c.of_changed);
        let named: Vec<String> =
            columns.take(3).map(|c| format!("`{}` in {}", c.column, n(c.rows))).collect();
        parts.push(format!("{} with other values ({})", n(rows.revalued), named.join(", ")));
    }
    if parts.is_empty() {
        parts.push("other columns".into());
    }
    format!("source files: {}", parts.join(", "))
}

/// How differently a step changed the number of rows and the shares of classes, 0 to 1.
fn impact(both: &Both<'_>) -> f64 {
    let (Some(a), Some(b)) = (both.left, both.right) else { return 1.0 };
    let most = a.items.max(b.items).max(1);
    let rows = a.items.abs_diff(b.items) as f64 / most as f64;
    rows.max(classes_moved(a, b))
}

/// How much farther apart the shares of classes in splits are behind a step over a whole manifest than before it.
fn classes_moved(a: &StepSummary, b: &StepSummary) -> f64 {
    let (Some(a), Some(b)) = (&a.balance, &b.balance) else { return 0.0 };
    (apart(&a.after, &b.after) - apart(&a.before, &b.before)).max(0.0)
}

/// Half the sum of the differences of shares of (split, class): 0 the same, 1 nothing in common.
fn apart(a: &Distribution, b: &Distribution) -> f64 {
    let shares = |of: &Distribution| -> BTreeMap<(String, String), f64> {
        let cells = of.splits.iter().flat_map(|(split, share)| {
            share.labels.iter().map(move |(label, rows)| ((split.clone(), label.clone()), *rows))
        });
        cells.map(|(cell, rows)| (cell, rows as f64 / of.rows.max(1) as f64)).collect()
    };
    let (a, b) = (shares(a), shares(b));
    let mut sum = 0.0;
    for (cell, share) in &a {
        sum += (share - b.get(cell).copied().unwrap_or(0.0)).abs();
    }
    sum += b.iter().filter(|(cell, _)| !a.contains_key(*cell)).map(|(_, share)| share).sum::<f64>();
    sum / 2.0
}

fn effects(found: &Difference, both: &[Both<'_>], blame: Option<&str>) -> Vec<Headline> {
    let (rows, shares) = (&found.rows, &found.shares);
    let mut effects = Vec::new();
    let because = |blame: Option<&str>| match blame {
        Some(cause) => format!(", because of {cause}"),
        None => String::new(),
    };
    let mut classes: Vec<(f64, &ClassChange)> = worth(&shares.classes);
    classes.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (weight, class) in classes.into_iter().take(CLASSES) {
        let place = blame.is_none().then(|| parting(class, both)).flatten();
        let words =
            format!("{}{}{}", class_words(class), because(blame), place.unwrap_or_default());
        effects.push(Headline::effect("class", words, weight));
    }
    let most = rows.left.max(rows.right).max(1) as f64;
    let in_both = rows.in_both().max(1) as f64;
    if rows.added + rows.dropped > 0 {
        let words = format!(
            "{} → {}: {} dropped, {} added{}",
            counted(rows.left, "row", "rows"),
            n(rows.right),
            n(rows.dropped),
            n(rows.added),
            because(blame)
        );
        effects.push(Headline::effect("rows", words, (rows.added.max(rows.dropped)) as f64 / most));
    }
    if rows.changed > 0 {
        let words = format!(
            "{} other bytes under the same id{}",
            if rows.changed == 1 {
                "1 row has".into()
            } else {
                format!("{} rows have", n(rows.changed))
            },
            because(blame)
        );
        effects.push(Headline::effect("bytes", words, rows.changed as f64 / in_both));
    }
    for column in &rows.columns {
        let share = column.rows as f64 / in_both;
        let mostly = column
            .transitions
            .first()
            .map(|t| format!(", mostly {} → {} ({})", word(&t.from), word(&t.to), n(t.rows)));
        let mostly = mostly.unwrap_or_default();
        let counted = counted(column.rows, "row", "rows");
        match column.column.as_str() {
            "split" => {
                let groups = match shares.moved.groups {
                    0 => String::new(),
                    groups => {
                        format!("; {} with them", super::words::counted(groups, "group", "groups"))
                    }
                };
                let verb = if column.rows == 1 { "lies" } else { "lie" };
                let words = format!("{counted} {verb} in another split{mostly}{groups}");
                effects.push(Headline::effect("split", words, share.sqrt()));
            }
            "label" => {
                let words = format!("`label` differs in {counted}{mostly}");
                effects.push(Headline::effect("label", words, share.sqrt()));
            }
            // Facts of other bytes are other facts.
            _ if column.rows == column.of_changed => {}
            name => {
                let words = format!("`{}` differs in {counted}{mostly}", value(&name.into()));
                effects.push(Headline::effect("column", words, share / 4.0));
            }
        }
    }
    if rows.column("split").is_none() && shares.moved.groups > 0 {
        let mostly = shares.moved.transitions.first().map(transition).unwrap_or_default();
        let groups = counted(shares.moved.groups, "group lies", "groups lie");
        let words = format!("{groups} in other splits{mostly}");
        effects.push(Headline::effect("split", words, 0.5));
    }
    effects.extend(skews(&shares.left, &shares.right));
    effects
}

fn transition(moved: &GroupTransition) -> String {
    let (from, to) = (splits(&moved.from), splits(&moved.to));
    format!(", mostly {from} → {to} ({})", n(moved.groups))
}

/// Classes that are worth a headline: of splits where there are any, else of all rows.
fn worth(classes: &[ClassChange]) -> Vec<(f64, &ClassChange)> {
    let splits = classes.iter().any(|c| c.split.is_some());
    let weigh = |class: &ClassChange| {
        let (a, b) = (class.left? as f64, class.right? as f64);
        let relative = (a - b).abs() / a.max(b).max(1.0);
        let learnt = matches!(class.split.as_deref(), None | Some("" | "train" | "training"));
        let weight = relative * a.max(b) / (a.max(b) + FEW_ROWS);
        (relative >= LEAST).then_some(if learnt { weight } else { weight * OTHER_SPLIT })
    };
    let of_level = classes.iter().filter(|c| c.split.is_some() == splits);
    of_level.filter_map(|class| Some((weigh(class)?, class))).collect()
}

/// At which step over a whole manifest the two counts of a class part, where the runs say so.
fn parting(class: &ClassChange, both: &[Both<'_>]) -> Option<String> {
    let name = class.class.as_ref()?;
    let balances = |b: &Both<'_>| -> Option<(Balance, Balance)> {
        Some((b.left?.balance.clone()?, b.right?.balance.clone()?))
    };
    let rows = |of: &Distribution| of.labels.get(name).copied();
    for step in both {
        let Some((a, b)) = balances(step) else { continue };
        let in_split = |of: &Distribution| match &class.split {
            Some(split) => of.splits.get(split).and_then(|s| s.labels.get(name).copied()),
            None => rows(of),
        };
        let before = (rows(&a.before), rows(&b.before));
        if before.0.is_some() && before.0 == before.1 && in_split(&a.after) != in_split(&b.after) {
            return Some(format!(
                "; both had {} of it before `{}`",
                n(before.0.unwrap_or(0)),
                step.name
            ));
        }
    }
    None
}

/// Balance and effective rows of splits, where they differ.
fn skews(left: &Distribution, right: &Distribution) -> Vec<Headline> {
    let mut effects = Vec::new();
    let names = left.splits.keys().filter(|name| right.splits.contains_key(*name));
    for name in names {
        let (Some(a), Some(b)) = (left.splits.get(name), right.splits.get(name)) else { continue };
        let place = if name.is_empty() {
            String::new()
        } else {
            format!(" in {}", value(&name.as_str().into()))
        };
        let learnt = matches!(name.as_str(), "" | "train" | "training");
        let share = if learnt { 1.0 } else { OTHER_SPLIT };
        if let (Some(x), Some(y)) = (a.skew.imbalance_ratio, b.skew.imbalance_ratio)
            && (x - y).abs() / x.max(y) > 0.05
        {
            let words = format!(
                "imbalance of classes{place} (commonest by rarest) {} → {}",
                ratio(x),
                ratio(y)
            );
            let weight = (x - y).abs() / x.max(y) * 0.8 * share;
            effects.push(Headline::effect("balance", words, weight));
        }
        let of = |skew: &Skew, rows: u64| skew.effective_rows / rows.max(1) as f64;
        let (x, y) = (of(&a.skew, a.rows), of(&b.skew, b.rows));
        if (x - y).abs() > 0.05 {
            let words = format!(
                "effective rows{place} (weights and repeats) {} of {} → {} of {}",
                n(a.skew.effective_rows.round() as u64),
                n(a.rows),
                n(b.skew.effective_rows.round() as u64),
                n(b.rows)
            );
            effects.push(Headline::effect("weights", words, (x - y).abs() * share));
        }
    }
    effects
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lineage::differ::words::tests::class;

    #[test]
    fn few_rows_and_other_splits_weigh_less() {
        let classes = [
            class(Some("test"), 1000, 500),
            class(Some("train"), 2, 1),
            class(Some("train"), 1000, 500),
            class(Some("train"), 100_000, 99_999),
            class(None, 9, 1),
        ];
        let mut found = worth(&classes);
        found.sort_by(|a, b| b.0.total_cmp(&a.0));
        let order: Vec<_> = found.iter().map(|(_, c)| (c.split.as_deref(), c.left)).collect();
        let expected = [(Some("train"), 1000), (Some("test"), 1000), (Some("train"), 2)];
        assert_eq!(order, expected.map(|(split, left)| (split, Some(left))));
    }
}
