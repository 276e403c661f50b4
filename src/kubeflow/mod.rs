//! A component under Kubeflow Pipelines: what it is handed, what it answers.
//!
//! `microtome-<step> --executor-input JSON` (and `microtome <step>`, and `microtome merge`) takes the place of all flags: the inputs are
//! those of [`crate::describe::interface`], read by [`ExecutorInput`], held to their types and turned into a plan and knobs by [`Work`],
//! run by the engine as ever, and answered by [`Outcome`].
//!
//! # The protocol
//! - In: the JSON itself or `@FILE`, since a word of a command line holds 128 KiB. `3.0` is the integer 3; null and what is missing are
//!   not given; what we do not know is passed over, but for an input of another name, which is refused with the nearest.
//! - A param that names a file is a path or URL that the container sees, or the content itself where the text begins with `{` or `[`.
//! - `dataset` (an artifact) or `input_uri`: what is read. An artifact is the dataset itself, or points to it ([`Pointer`]). Both may be
//!   given where they are one place. What is told of the manifest (`input_digest`, the artifact) is held to it.
//! - `output_uri`: where the dataset is made; the artifact then holds a copy of the manifest and points there. Without it the artifact's
//!   own place is the dataset. Chains whose later steps keep the items of earlier ones (`split`, `sample`, `fit-stain`) need it: the
//!   launcher brings each step the artifacts that it reads, and not those behind them.
//! - Out: every output artifact and parameter of ours that is listed, in `outputFile`; each parameter also in its own file.
//! - Log and nothing else goes to stderr, a JSON line each; stdout stays empty, as the two are interleaved in mid-line.
//!
//! # How it ends
//! Exit codes are those of the command line; the launcher makes 1 of them all. So the log's last line says `class` (`usage`, `data`,
//! `storage`, `fault`, `units`), `kind`, `message` and `remedy`, Kubernetes' termination message says the same in words, and the report
//! is a page that says so. No answer is written then, as the run gave none. Where more units failed than `max_failures`, the run gave
//! something: all outputs are written, and the exit code says that it is not enough.

mod heard;
mod input;
mod merge;
mod metadata;
mod outcome;
mod places;
mod pointer;
mod values;
pub mod words;
mod work;

pub use heard::Heard;
pub use input::{Artifact, ExecutorInput, FLAG, MOST_BYTES, Outputs};
pub use merge::merge;
pub use metadata::{Before, Metadata};
pub use outcome::{Outcome, check_outputs, write_error};
pub use places::Places;
pub use pointer::{FILE, Pointer};
pub use work::Work;
