//! From one pipeline file to a cluster: the same steps with the same params, each in its own container, each a
//! leg ([`crate::engine::Leg`]) of one chain in one dataset. What comes out has the bytes of `microtome run`.

pub mod cluster;

pub use cluster::{Claim, Cluster, Node, Toleration};
