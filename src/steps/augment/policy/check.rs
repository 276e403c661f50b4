//! Whether a policy can be done.

use super::node::{Node, Part};
use super::op::Bounded;
use super::{Policy, tone::ChannelShuffle};
use crate::digest::all_finite;
use crate::error::{Error, Result};

/// Deepest nesting of containers.
pub const DEPTH_MAX: usize = 8;
/// Most nodes of a policy.
pub const OPS_MAX: usize = 256;

impl Policy {
    /// Checks version, shape and every number. `version` is that of the step.
    ///
    /// # Errors
    /// [`Error::Params`] whose field is the path of what is wrong (`policy.ops[2].one-of[0].rotate.angle_deg`).
    pub fn check(&self, version: &str) -> Result<()> {
        if let Some(written) = &self.augment
            && minor(written) != minor(version)
        {
            let message = format!(
                "it was written for `augment` {written}, and this is {version}: ops may draw other \
                 values; take that version, or look the policy through and set `augment: \"{}\"`",
                minor(version).join(".")
            );
            return Err(Error::params("policy.augment", message));
        }
        if self.ops.iter().map(count).sum::<usize>() > OPS_MAX {
            return Err(Error::params("policy.ops", format!("more than {OPS_MAX} nodes")));
        }
        nodes(&self.ops, "policy.ops", 0)
    }
}

/// MAJOR and MINOR of a version.
fn minor(version: &str) -> Vec<&str> {
    version.split('.').take(2).collect()
}

fn count(node: &Node) -> usize {
    1 + node.children().iter().map(count).sum::<usize>()
}

fn nodes(nodes: &[Node], path: &str, depth: usize) -> Result<()> {
    if depth > DEPTH_MAX {
        return Err(Error::params(path, format!("nested deeper than {DEPTH_MAX} containers")));
    }
    for (index, node) in nodes.iter().enumerate() {
        self::node(node, &format!("{path}[{index}]"), depth)?;
    }
    Ok(())
}

fn node(node: &Node, path: &str, depth: usize) -> Result<()> {
    let (name, _) = node.name();
    let wrong = |message: &str| Err(Error::params(format!("{path}.{name}"), message));
    let numbers: &dyn Bounded = match node.part() {
        Part::All(branch) => branch,
        Part::One(branch) => {
            if branch.ops.iter().all(|child| child.p() <= 0.0) {
                return wrong("none of its nodes can be drawn: give one a weight (`p`) above 0");
            }
            branch
        }
        Part::Some(some) => {
            let weighty = some.ops.iter().filter(|child| child.p() > 0.0).count();
            if weighty == 0 || (!some.replace && (some.n as usize) > weighty) {
                return wrong(&format!(
                    "{} of its nodes are to be taken, and {weighty} have a weight (`p`) above 0",
                    some.n
                ));
            }
            if some.replace && some.ops.iter().any(|child| !matches!(child.part(), Part::Op(_))) {
                return wrong("with `replace` its nodes are ops, no containers");
            }
            some
        }
        Part::Op(op) => op,
    };
    if let Err(report) = numbers.bounds() {
        let (field, message) = match report.iter().next() {
            Some((field, error)) => (format!(".{field}"), error.to_string()),
            None => (String::new(), report.to_string()),
        };
        return Err(Error::params(format!("{path}.{name}{field}"), message));
    }
    if node.children().is_empty() && !all_finite(node) {
        return wrong("a number is NaN or infinite");
    }
    if let Node::ChannelShuffle(ChannelShuffle { order: Some(order), .. }) = node {
        let mut sorted = *order;
        sorted.sort_unstable();
        if sorted != [0, 1, 2] {
            return Err(Error::params(
                format!("{path}.{name}.order"),
                format!("{order:?} are not the channels 0, 1 and 2 in some order"),
            ));
        }
    }
    nodes(node.children(), &format!("{path}.{name}"), depth + 1)
}
