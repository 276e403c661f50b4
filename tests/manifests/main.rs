//! Manifests as tables: those that others write, those that are damaged, those that steps over whole manifests make,
//! and what they look like Hive-style.

#[path = "../common/mod.rs"]
mod common;
mod damage;
mod foreign;
mod made;
mod partitions;
mod whole;
