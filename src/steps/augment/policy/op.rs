//! What all ops have.

use garde::{Report, Validate};

use super::draw::Draws;
use super::node::Node;

/// The bounds of an op's numbers, without its type.
pub trait Bounded {
    /// Looks at all numbers.
    ///
    /// # Errors
    /// What is out of its bounds, by field.
    fn bounds(&self) -> std::result::Result<(), Report>;
}

impl<T: Validate<Context = ()>> Bounded for T {
    fn bounds(&self) -> std::result::Result<(), Report> {
        self.validate()
    }
}

/// An op: numbers and ranges, and what is drawn from them.
pub trait Op: Bounded {
    /// Its probability, or weight.
    fn p(&self) -> f64;

    /// The same op with one number for each range and `p: 1`. Of such an op, it gives the op itself,
    /// whatever the draws: a record replays.
    fn drawn(&self, draws: &mut Draws) -> Node;
}
