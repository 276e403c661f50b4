//! Steps: one declaration from which the CLI, the schemas, the containers and the checks are made.
//!
//! # Rules for those who write a step
//! - A step is a pure function of its input's bytes, the columns it [`Step::READS`], its params and
//!   its version. It does no I/O, reads no clock, no environment and no thread count, and does not
//!   see ids or paths.
//! - Work that can be split goes through [`Out::ordered`]: pieces run on any thread in any order,
//!   and what they made comes out in the order of their index.
//! - Floats: `+ − × ÷ sqrt` in a fixed order only; for anything else `libm` or a table.
//! - An error message names what was found and where, not the file (the engine adds it) and not the
//!   remedy (the error's variant carries it).
//! - The doc comment of the `Params` struct is the step's page for users: its first line appears in
//!   `--help`, the schema and the README. The doc comment of each field is the flag's help.
//! - Whoever changes an output moves [`Step::VERSION`]; the ledger says by how much.

mod crew;
mod entry;
mod input;
mod out;
mod whole;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub use crew::Crew;
pub(crate) use crew::bug;
pub use entry::{AnyInput, AnyStep, Entry, FactDoc, params_from};
pub use input::{Camera, Grain, Group, Grouping, Input, Listed, Listing, Member, Of, Source};
pub use out::{Collected, Emitted, Found, Made, MemberWhat, Out, Sink};
pub use whole::{Findings, Manifest, Rows, table_of};

use crate::error::Result;
use crate::manifest::{Column, Schema};

/// Params: all that may change an output. Implemented by every type that fits.
///
/// Name, type, bounds, default and words of a param stand once, on its field: `#[garde(range(…))]`
/// is the check and the schema's bounds, `Default` the defaults, the doc comment the help.
pub trait Params:
    Serialize
    + DeserializeOwned
    + JsonSchema
    + garde::Validate<Context = ()>
    + Default
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<T> Params for T where
    T: Serialize
        + DeserializeOwned
        + JsonSchema
        + garde::Validate<Context = ()>
        + Default
        + Clone
        + Send
        + Sync
        + 'static
{
}

/// Facts: the columns that a step adds, `<step>.<field>`, or `<field>` alone where its serde name has
/// a dot. A flat struct of numbers, booleans, strings and options of them; the doc comment of a field
/// is the column's description.
pub trait Facts: Serialize + JsonSchema + Send + 'static {}

impl<T> Facts for T where T: Serialize + JsonSchema + Send + 'static {}

/// A named, versioned, pure function from images (or a manifest) to images (or a manifest).
pub trait Step: Sized + Send + Sync + 'static {
    /// Verb in kebab-case: folder, binary, container, subcommand.
    const NAME: &'static str;
    /// The step's own semantic version.
    const VERSION: &'static str;
    /// All that may change an output.
    type Params: Params;
    /// What is worked on at once; gives the grain.
    type Input: Input;
    /// The columns it adds.
    type Facts: Facts;
    /// The manifest columns it looks at: they are part of the key.
    const READS: &'static [Column];
    /// Those of [`Step::READS`] that name files which go with an image (its mask): the step is given
    /// their bytes, and the key has the digest in place of the name. Steps of grain [`Grain::Image`].
    const COMPANIONS: &'static [Column] = &[];
    /// Whether what it makes has the grid of pixels of its image, so that boxes and masks go on to hold.
    const ALIGNED: bool = false;

    /// Checks the params against each other and builds tables.
    ///
    /// # Errors
    /// [`crate::Error::Params`] naming the field.
    fn new(params: Self::Params) -> Result<Self>;

    /// The columns of [`Step::READS`] that these params look at. The others stay out of the key.
    fn reads(&self) -> &'static [Column] {
        Self::READS
    }

    /// Those that a manifest must have. Where it lacks one of the others, the step sees null.
    fn needs(&self) -> &'static [Column] {
        self.reads()
    }

    /// The columns that the step looks at in a manifest with these ones, for steps of grain
    /// [`Grain::Manifest`]: those of [`Step::reads`] that are there, and those that its params name.
    ///
    /// # Errors
    /// [`crate::Error::Schema`] when one that it cannot do without is not there, or holds other values.
    fn columns(&self, schema: &Schema) -> Result<Vec<String>> {
        let there = self.reads().iter().filter(|column| schema.kind(column.name).is_some());
        Ok(there.map(|column| column.name.to_string()).collect())
    }

    /// Which items make one group, for steps of grain [`Grain::Group`].
    fn grouping(&self) -> Grouping {
        Grouping::Item
    }

    /// Whether what the groups leave may be put together ([`Out::keep`] with `joins`): such params look
    /// at a whole manifest, and no shard can have them.
    fn joins(&self) -> bool {
        false
    }

    /// Whether the step can follow these of the same chain, (name, params) oldest first: for what can be
    /// known before any work.
    ///
    /// # Errors
    /// [`crate::Error::Params`] naming the field.
    fn after(&self, earlier: &[(&str, &Value)]) -> Result<()> {
        let _ = earlier;
        Ok(())
    }

    /// The value of a param that names files of the step's own kind (`x-file: "profile"`), made from
    /// their contents before anything is keyed. `files` are (name, bytes), `given` the other params
    /// as the user wrote them.
    ///
    /// # Errors
    /// [`crate::Error::Params`], [`crate::Error::Format`].
    fn inline(
        param: &str,
        files: &[(String, Vec<u8>)],
        given: &Map<String, Value>,
    ) -> Result<Value> {
        let _ = (files, given);
        Err(crate::Error::Bug { message: format!("`{param}` cannot be read from files") })
    }

    /// Does the work on one unit.
    ///
    /// # Errors
    /// Any; the engine lists the unit in `failures.jsonl` and goes on with the others.
    fn run(&self, input: Self::Input, out: &mut Out<'_, Self::Facts>) -> Result<()>;
}
