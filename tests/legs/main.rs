//! A chain whose steps run one by one, in processes and shards of their own, as a cluster runs them: what they leave
//! is what one run leaves, whatever befalls the processes.

#[path = "../common/mod.rs"]
mod common;

#[path = "../common/left.rs"]
mod left;

mod bytes;
mod mishaps;
mod refusals;
mod relay;
