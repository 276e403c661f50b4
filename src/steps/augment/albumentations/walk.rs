//! Their containers, and the walk through them.

use serde_json::{Map, Value, json};

use super::fields::{Fields, Findings};
use super::{geometry, pixels};
use crate::steps::augment::policy::op::Bounded;
use crate::steps::augment::policy::{Branch, DEPTH_MAX, Node, Part, SomeOf};

/// Ops that belong to other steps, and which.
const ELSEWHERE: &[(&str, &str)] = &[
    ("Normalize", "`normalize` after `augment` makes numbers of pixels"),
    ("ToFloat", "`normalize` after `augment` makes numbers of pixels"),
    ("FromFloat", "images stay 8-bit"),
    ("ToTensorV2", "`normalize` after `augment` writes arrays"),
    ("ToTensor3D", "`normalize` after `augment` writes arrays"),
    ("LongestMaxSize", "`normalize` before `augment` has the longest side"),
    ("SmallestMaxSize", "`normalize` before `augment` has the shortest side"),
    ("ReplayCompose", "each copy's drawn ops are recorded anyway: take `Compose`"),
    ("RandomSunFlare", "`src_radius` is in pixels there; write `sun-flare` with a share"),
    ("Blur", "take `GaussianBlur` or `Defocus`"),
    ("RandomOrder", "nodes are done in order: take `SomeOf`"),
];

/// The node that an object describes. What has no equal is added to the refused.
pub fn node(value: &Value, path: &str, depth: usize, findings: &mut Findings) -> Option<Node> {
    let Value::Object(object) = value else {
        findings.refused.push(format!("{path}: {value} is no op of theirs"));
        return None;
    };
    let name = match object.get("__class_fullname__") {
        Some(Value::String(name)) => name.as_str(),
        _ => {
            findings.refused.push(format!("{path}: has no `__class_fullname__`"));
            return None;
        }
    };
    let place = format!("{path} {name}");
    if depth > DEPTH_MAX {
        findings.refused.push(format!("{place}: nested deeper than {DEPTH_MAX} containers"));
        return None;
    }
    let before = findings.refused.len();
    let node = if object.contains_key("transforms") {
        container(name, object, path, depth, findings)
    } else {
        let mut f = Fields::of(object, place.clone(), findings);
        f.value("__class_fullname__");
        match geometry::node(name, &mut f).or_else(|| pixels::node(name, &mut f)) {
            Some(node) => {
                f.finish();
                Some(node)
            }
            None if name == "NoOp" => {
                let p = f.p();
                f.finish();
                Some(Node::Sequential(Branch { p, ops: Vec::new() }))
            }
            None => {
                f.refuse(unknown(name));
                None
            }
        }
    };
    let node = node.filter(|_| findings.refused.len() == before)?;
    if let Err(report) = bounds(&node) {
        findings.refused.push(format!("{place}: {report}"));
        return None;
    }
    Some(node)
}

fn unknown(name: &str) -> String {
    let elsewhere = ELSEWHERE.iter().find(|(theirs, _)| *theirs == name);
    elsewhere.map_or_else(
        || "no op here does the same".to_owned(),
        |(_, what)| format!("no op here does the same: {what}"),
    )
}

/// What of the numbers is out of bounds here.
fn bounds(node: &Node) -> Result<(), String> {
    let numbers: &dyn Bounded = match node.part() {
        Part::All(branch) | Part::One(branch) => branch,
        Part::Some(some) => some,
        Part::Op(op) => op,
    };
    let shown = |report: garde::Report| {
        let all = report.iter().map(|(field, error)| format!("{field}: {error}"));
        format!("out of bounds here: {}", all.collect::<Vec<_>>().join("; "))
    };
    numbers.bounds().map_err(shown)
}

fn container(
    name: &str,
    object: &Map<String, Value>,
    path: &str,
    depth: usize,
    findings: &mut Findings,
) -> Option<Node> {
    let place = format!("{path} {name}");
    let mut ops = Vec::new();
    let mut whole = true;
    match object.get("transforms") {
        Some(Value::Array(children)) => {
            for (index, child) in children.iter().enumerate() {
                let path = format!("{path}.transforms[{index}]");
                match node(child, &path, depth + 1, findings) {
                    Some(node) => ops.push(node),
                    None => whole = false,
                }
            }
        }
        _ => findings.refused.push(format!("{place}.transforms: is not a list")),
    }
    let mut f = Fields::of(object, place, findings);
    f.value("__class_fullname__");
    f.value("transforms");
    let node = match name {
        "Compose" => {
            compose(&mut f, depth);
            Some(Node::Compose(Branch { p: f.p(), ops }))
        }
        "Sequential" => Some(Node::Sequential(Branch { p: f.p(), ops })),
        "OneOf" => Some(Node::OneOf(Branch { p: f.p(), ops })),
        "OneOrOther" => one_or_other(&mut f, ops),
        "SomeOf" => some_of(&mut f, ops),
        "RandomOrder" if f.has("n") && object.get("n").and_then(Value::as_u64) == Some(1) => {
            some_of(&mut f, ops)
        }
        _ => {
            f.refuse(unknown(name));
            return None;
        }
    };
    f.finish();
    node.filter(|_| whole)
}

/// The fields that only `Compose` has; those of targets are read by [`super::targets`].
fn compose(f: &mut Fields<'_>, depth: usize) {
    f.flag("is_check_shapes");
    for name in ["bbox_params", "keypoint_params"] {
        let value = f.value(name);
        if depth > 0 && !value.is_null() {
            f.refuse(format!("`{name}` stands in the outermost `Compose`"));
        }
    }
    f.only("additional_targets", &json!({}), "an item has one image");
    for name in ["seed", "mask_interpolation"] {
        if f.has(name) {
            f.only(
                name,
                &Value::Null,
                "`seed` is a param of the step, masks move by the nearest pixel",
            );
        }
    }
}

/// The first with probability `p`, else the last: weights here.
fn one_or_other(f: &mut Fields<'_>, ops: Vec<Node>) -> Option<Node> {
    let p = f.p();
    let pair: [Node; 2] = match ops.try_into() {
        Ok(pair) => pair,
        Err(_) => {
            f.refuse("takes two ops");
            return None;
        }
    };
    let weights = [p, 1.0 - p];
    // Their own probabilities do not count: what is taken is done.
    let ops = pair.into_iter().zip(weights).map(|(node, p)| always(node, p)).collect();
    Some(Node::OneOf(Branch { p: 1.0, ops }))
}

/// A branch of probability (or weight) `p` in which `node` is done whatever its own: one of one.
fn always(node: Node, p: f64) -> Node {
    if node.p() <= 0.0 {
        // Of one node without weight nothing can be drawn, and so it is: it has no effect there either.
        return Node::Sequential(Branch { p, ops: Vec::new() });
    }
    Node::Sequential(Branch { p, ops: vec![Node::OneOf(Branch { p: 1.0, ops: vec![node] })] })
}

/// Taken evenly there, and then done with their own probability; by weight here, and then done. So each
/// is wrapped: the wrap has weight 1, and what is in it keeps its probability.
fn some_of(f: &mut Fields<'_>, ops: Vec<Node>) -> Option<Node> {
    let (p, n, replace) = (f.p(), f.whole("n"), f.flag("replace"));
    if replace && ops.iter().any(|node| node.p() < 1.0 || node.is_container()) {
        f.refuse("`replace: true` has an equal here only for ops with p 1");
        return None;
    }
    let wrap = |node: Node| {
        if node.p() >= 1.0 { node } else { Node::Sequential(Branch { p: 1.0, ops: vec![node] }) }
    };
    let ops: Vec<Node> = ops.into_iter().map(wrap).collect();
    Some(Node::SomeOf(SomeOf { p, n, replace, ops }))
}
