//! The engine: one chain of steps over one manifest: look up, run, commit.

mod types;

pub use types::{
    Event, Failure, Knobs, Layout, MaxFailures, Shard, Silent, StepSummary, Summary, Watch,
};
