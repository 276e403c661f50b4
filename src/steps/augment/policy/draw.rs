//! Draws: which ops of a policy fire for one copy of one item, and with which numbers.
//!
//! Each node draws from a stream of its own, named by the seed, the item, the copy, and the node: its
//! kind and how many of the kind stand before it in the policy. So what one op draws depends neither on
//! what others drew, nor on whether they are there (but for those of its own kind before it, and for a
//! container that chooses).

use std::collections::BTreeMap;

use super::Policy;
use super::node::{Node, Part};
use super::stain::Normal;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::random::Stream;

/// For what is drawn.
#[derive(Debug, Clone, Copy)]
pub struct For<'a> {
    /// Seed of the run.
    pub seed: u64,
    /// The item.
    pub item: &'a Digest,
    /// Which copy.
    pub copy: u32,
}

/// The numbers that one node draws.
pub struct Draws(Stream);

impl Draws {
    /// Of a node: its kind ([`Node::name`]), how many of the kind stand before it, and which time it is
    /// taken by a `some-of` that may take it several times.
    fn new(at: For<'_>, kind: u32, occurrence: u32, round: u32) -> Self {
        // 12 bits of kind, 12 of occurrence (at most 256), 8 of round (at most 32).
        let op = kind << 20 | (occurrence & 0xFFF) << 8 | (round & 0xFF);
        Self(Stream::of(at.seed, at.item, at.copy, op))
    }

    /// Whether something of probability `p` happens: never for 0, always for 1.
    fn happens(&mut self, p: f64) -> bool {
        self.0.chance(p)
    }

    /// Uniform in the range; a fixed number draws too, and is itself to the last bit.
    pub fn between(&mut self, [low, high]: [f64; 2]) -> [f64; 2] {
        let drawn = low + (high - low) * self.0.uniform();
        // Rounding may reach the bound, and must not go beyond it.
        [drawn.clamp(low, high); 2]
    }

    /// Uniform in the logarithm, for ranges above 0.
    pub fn between_logs(&mut self, [low, high]: [f64; 2]) -> [f64; 2] {
        let unit = self.0.uniform();
        let (from, to) = (libm::log(low), libm::log(high));
        [libm::exp(from + (to - from) * unit).clamp(low, high); 2]
    }

    /// A whole number of the range, both ends included.
    pub fn whole(&mut self, [low, high]: [u32; 2]) -> [u32; 2] {
        [low + self.0.below(high.saturating_sub(low).saturating_add(1)); 2]
    }

    /// An odd number of the range, whose ends are odd.
    pub fn odd(&mut self, [low, high]: [u32; 2]) -> [u32; 2] {
        let [steps, _] = self.whole([0, high.saturating_sub(low) / 2]);
        [low + 2 * steps; 2]
    }

    /// Normally distributed; without deviation, the mean.
    pub fn normal(&mut self, Normal { mean, std }: Normal) -> Normal {
        Normal { mean: mean + std * self.0.normal(), std: 0.0 }
    }

    /// An order of three.
    pub fn order(&mut self) -> [u8; 3] {
        let [which, _] = self.whole([0, 5]);
        const ORDERS: [[u8; 3]; 6] =
            [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        ORDERS[which as usize % 6]
    }

    /// Name of the stream that an op's own randomness (of each pixel, each drop) is drawn from: as given, or
    /// the node's own, from [`OWN`] on.
    pub fn key(&mut self, given: &Option<String>) -> String {
        given.clone().unwrap_or_else(|| self.0.key_text())
    }
}

/// The ops that fire, in order, each with fixed numbers.
pub fn draw(policy: &Policy, at: For<'_>) -> Vec<Node> {
    let mut drawing = Drawing { at, seen: BTreeMap::new(), drawn: Vec::new() };
    for node in &policy.ops {
        drawing.node(node, Fires::ByChance);
    }
    drawing.drawn
}

/// Words of a node's stream that are kept for its numbers; its own randomness begins after them.
pub const OWN: u64 = 256;

/// The stream of an op's own randomness.
///
/// # Errors
/// [`crate::Error::Bug`] for an op that was not drawn; [`crate::Error::Params`] for a key that is none.
pub fn own(key: &Option<String>) -> Result<Stream> {
    let key = key.as_ref().ok_or_else(|| Error::Bug { message: "an op without a key".into() })?;
    Ok(Stream::from_key_text(key)?.at(OWN))
}

/// Whether a node is done.
#[derive(Clone, Copy, PartialEq)]
enum Fires {
    /// As its `p` says.
    ByChance,
    /// It was chosen: its `p` was the weight.
    Chosen,
    /// Not: it is only counted.
    Not,
}

struct Drawing<'a> {
    at: For<'a>,
    /// How many of each kind were met.
    seen: BTreeMap<u32, u32>,
    drawn: Vec<Node>,
}

impl Drawing<'_> {
    /// Counts a node of a kind.
    fn next(&mut self, kind: u32) -> u32 {
        let seen = self.seen.entry(kind).or_insert(0);
        *seen += 1;
        *seen - 1
    }

    fn node(&mut self, node: &Node, fires: Fires) {
        self.times(node, fires, &[0]);
    }

    /// `rounds`: the times that it is done when it is.
    fn times(&mut self, node: &Node, fires: Fires, rounds: &[u32]) {
        let (_, kind) = node.name();
        let occurrence = self.next(kind);
        for (index, round) in rounds.iter().enumerate() {
            let mut draws = Draws::new(self.at, kind, occurrence, *round);
            let lucky = draws.happens(node.p());
            let fires = match fires {
                Fires::ByChance if lucky => Fires::Chosen,
                Fires::ByChance => Fires::Not,
                given => given,
            };
            match node.part() {
                Part::Op(op) if fires == Fires::Chosen => {
                    let drawn = op.drawn(&mut draws);
                    self.drawn.push(drawn);
                }
                Part::Op(_) => {}
                // Children are counted once, whatever happens.
                _ if index > 0 => {}
                Part::All(branch) => {
                    let each = if fires == Fires::Chosen { Fires::ByChance } else { Fires::Not };
                    branch.ops.iter().for_each(|child| self.node(child, each));
                }
                Part::One(branch) => {
                    let weights: Vec<f64> = branch.ops.iter().map(Node::p).collect();
                    let chosen = draws.0.choose(&weights);
                    for (index, child) in branch.ops.iter().enumerate() {
                        let is = fires == Fires::Chosen && Some(index) == chosen;
                        self.node(child, if is { Fires::Chosen } else { Fires::Not });
                    }
                }
                Part::Some(some) => {
                    let mut weights: Vec<f64> = some.ops.iter().map(Node::p).collect();
                    let mut times = vec![Vec::new(); weights.len()];
                    for round in 0..some.n {
                        let Some(chosen) = draws.0.choose(&weights) else { break };
                        if let Some(times) = times.get_mut(chosen) {
                            times.push(if some.replace { round } else { 0 });
                        }
                        if !some.replace
                            && let Some(weight) = weights.get_mut(chosen)
                        {
                            *weight = 0.0;
                        }
                    }
                    for (child, times) in some.ops.iter().zip(&times) {
                        let is = fires == Fires::Chosen && !times.is_empty();
                        if is {
                            self.times(child, Fires::Chosen, times);
                        } else {
                            self.node(child, Fires::Not);
                        }
                    }
                }
            }
        }
    }
}
