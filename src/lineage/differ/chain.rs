//! The two chains of steps: what differs in them, how many items each step left, and up to where both made the same.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::super::contrast::{Change, maps, push};
use super::super::params::params_by_interest;
use crate::summary::StepSummary;

/// A step that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepDifference {
    /// Its name; `steps` for the order of all.
    pub step: String,
    /// `step` (only one has it), `order`, `version`, or the name of a param.
    pub changes: Vec<Change>,
    /// Defaults of this build of the params that differ, where it knows the step.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub defaults: Map<String, Value>,
    /// Whether both made the same manifest all the same, so that nothing further on can come of it.
    pub without_effect: bool,
}

/// What a step left, in each of the two.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepCounts {
    /// The step.
    pub step: String,
    /// On the left; `None`: there is no such step.
    pub left: Option<Counts>,
    /// On the right.
    pub right: Option<Counts>,
    /// Whether both made the same manifest, byte for byte.
    pub same_manifest: bool,
}

/// What a step left.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Counts {
    /// Items in its manifest.
    pub items: u64,
    /// Items that it left out.
    pub dropped: u64,
    /// Units that failed.
    pub failures: u64,
    /// Commonest class by the rarest, of a step over a whole manifest.
    pub imbalance_ratio: Option<f64>,
}

/// The same step in both chains; one of them may lack it.
#[derive(Clone, Copy)]
pub(super) struct Both<'a> {
    pub name: &'a str,
    pub left: Option<&'a StepSummary>,
    pub right: Option<&'a StepSummary>,
    /// Whether the manifests of this step are the same.
    pub same_manifest: bool,
    /// Whether those of this or a later step are, so that what differs here came to nothing.
    pub without_effect: bool,
}

/// The two chains, step by step: in the order of the left one, then what only the right one has.
pub(super) fn both<'a>(left: &[&'a StepSummary], right: &[&'a StepSummary]) -> Vec<Both<'a>> {
    // The same step may stand twice in a chain: its first is compared with the other's first.
    fn numbered<'a>(steps: &[&'a StepSummary]) -> Vec<((&'a str, usize), &'a StepSummary)> {
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        let mut number = |step: &'a StepSummary| {
            let times = seen.entry(step.step.as_str()).or_default();
            *times += 1;
            ((step.step.as_str(), *times), step)
        };
        steps.iter().map(|step| number(step)).collect()
    }
    // How far both made the same: manifests name the records of all steps before.
    let same = left.iter().zip(right).rposition(|(a, b)| a.manifest == b.manifest && a.items > 0);
    let (a, b) = (numbered(left), numbered(right));
    let mut names: Vec<_> = a.iter().map(|(name, _)| *name).collect();
    // A step that only the right one has stands behind the one before it.
    let mut after = 0;
    for (name, _) in &b {
        match names.iter().position(|n| n == name) {
            Some(at) => after = at + 1,
            None => {
                names.insert(after, *name);
                after += 1;
            }
        }
    }
    let of = |steps: &[((&'a str, usize), &'a StepSummary)], name| {
        let at = steps.iter().position(|(n, _)| *n == name);
        at.and_then(|at| steps.get(at).map(|(_, step)| (at, *step)))
    };
    names
        .into_iter()
        .map(|name| {
            let (left, right) = (of(&a, name), of(&b, name));
            let before = |side: Option<(usize, _)>| {
                side.is_none_or(|(at, _)| same.is_some_and(|same| at <= same))
            };
            Both {
                name: name.0,
                same_manifest: match (left, right) {
                    (Some((_, a)), Some((_, b))) => a.manifest == b.manifest,
                    _ => false,
                },
                without_effect: before(left) && before(right),
                left: left.map(|(_, step)| step),
                right: right.map(|(_, step)| step),
            }
        })
        .collect()
}

/// Steps whose version or params differ, or that only one of them has.
pub(super) fn steps(
    both: &[Both<'_>],
    left: &[&StepSummary],
    right: &[&StepSummary],
) -> Vec<StepDifference> {
    let mut different = Vec::new();
    for step in both {
        let mut changes = Vec::new();
        let params = match (step.left, step.right) {
            (Some(a), Some(b)) => {
                push(
                    &mut changes,
                    "version".into(),
                    a.version.clone().into(),
                    b.version.clone().into(),
                );
                let none = Map::new();
                let (x, y) = (a.params.as_object(), b.params.as_object());
                changes.extend(maps("", x.unwrap_or(&none), y.unwrap_or(&none)));
                Some(&a.params)
            }
            (a, b) => {
                let version = |s: Option<&StepSummary>| Value::from(s.map(|s| s.version.clone()));
                push(&mut changes, "step".into(), version(a), version(b));
                a.or(b).map(|s| &s.params)
            }
        };
        if changes.is_empty() {
            continue;
        }
        let known = params.map(|params| params_by_interest(step.name, params)).unwrap_or_default();
        let defaults = known.into_iter().filter_map(|p| Some((p.name, p.default?)));
        different.push(StepDifference {
            step: step.name.into(),
            defaults: defaults.filter(|(n, _)| changes.iter().any(|c| c.what == *n)).collect(),
            changes,
            without_effect: step.without_effect,
        });
    }
    different.extend(order(both, left, right));
    different
}

/// The order of steps that both have, where it differs.
fn order(
    both: &[Both<'_>],
    left: &[&StepSummary],
    right: &[&StepSummary],
) -> Option<StepDifference> {
    let common = |steps: &[&StepSummary]| -> Vec<String> {
        let in_both = |name: &str| {
            both.iter().any(|b| b.name == name && b.left.is_some() && b.right.is_some())
        };
        steps.iter().map(|s| s.step.clone()).filter(|name| in_both(name)).collect()
    };
    let (a, b) = (common(left), common(right));
    (a.len() == b.len() && a != b).then(|| StepDifference {
        step: "steps".into(),
        changes: vec![Change {
            what: "order".into(),
            left: a.join(", ").into(),
            right: b.join(", ").into(),
        }],
        defaults: Map::new(),
        without_effect: false,
    })
}

/// What each step left.
pub(super) fn counts(both: &[Both<'_>]) -> Vec<StepCounts> {
    let of = |step: &StepSummary| Counts {
        items: step.items,
        dropped: step.dropped,
        failures: step.failures,
        imbalance_ratio: step.balance.as_ref().and_then(|b| b.after.skew.imbalance_ratio),
    };
    let counts = |step: &Both<'_>| StepCounts {
        step: step.name.into(),
        left: step.left.map(of),
        right: step.right.map(of),
        same_manifest: step.same_manifest,
    };
    both.iter().map(counts).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::digest::Digest;

    fn step(name: &str, version: &str, params: Value, manifest: &str) -> StepSummary {
        StepSummary {
            step: name.into(),
            version: version.into(),
            params,
            units: 1,
            hits: 0,
            made: 1,
            failures: 0,
            dropped: 0,
            items: 5,
            bytes_in: 0,
            bytes_out: 0,
            balance: None,
            findings: Map::new(),
            notes: Vec::new(),
            manifest: Digest::of(manifest.as_bytes()),
            follows_from: Digest::of(b""),
            slowest: Vec::new(),
            bytes_written: 0,
            seconds: 0.0,
        }
    }

    fn differ(left: &[StepSummary], right: &[StepSummary]) -> Vec<StepDifference> {
        let (a, b): (Vec<_>, Vec<_>) = (left.iter().collect(), right.iter().collect());
        steps(&both(&a, &b), &a, &b)
    }

    #[test]
    fn what_differs_before_equal_manifests_came_to_nothing() {
        let left = [step("scan", "1.0.0", json!({"a": 1}), "s"), step("x", "1", json!({}), "l")];
        let right = [step("scan", "1.0.1", json!({"a": 1}), "s"), step("x", "2", json!({}), "r")];
        let found = differ(&left, &right);
        let shown: Vec<_> = found.iter().map(|s| (s.step.as_str(), s.without_effect)).collect();
        assert_eq!(shown, [("scan", true), ("x", false)]);
    }

    #[test]
    fn a_step_of_one_chain_stands_where_it_ran_and_the_order_is_told() {
        let (a, b, c) = (
            step("a", "1", json!({}), "1"),
            step("b", "1", json!({"n": 1}), "2"),
            step("c", "1", json!({}), "3"),
        );
        let (left, right) = ([&a, &c], [&a, &b, &c]);
        let names: Vec<_> = both(&left, &right).iter().map(|b| b.name.to_string()).collect();
        assert_eq!(names, ["a", "b", "c"]);
        let found = steps(&both(&left, &right), &left, &right);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (&found[0].changes[0].left, &found[0].changes[0].right),
            (&json!(null), &json!("1"))
        );
        let turned = differ(&[a.clone(), c.clone()], &[c, a]);
        assert_eq!(turned[0].changes[0].what, "order");
        assert_eq!(turned[0].changes[0].right, json!("c, a"));
    }

    #[test]
    fn defaults_that_this_build_knows_stand_beside_the_params_that_differ() {
        let left = [step("tile", "1.0.0", json!({"tile_px": 128, "mpp": 1.0}), "a")];
        let right = [step("tile", "1.0.0", json!({"tile_px": 96, "mpp": 1.0}), "b")];
        let found = differ(&left, &right);
        assert_eq!(found[0].defaults.keys().collect::<Vec<_>>(), ["tile_px"]);
        let same = [step("tile", "1.0.0", json!({"tile_px": 128.0, "mpp": 1}), "a")];
        assert!(differ(&left, &same).is_empty());
    }
}
