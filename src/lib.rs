//! microtome turns raw images into training data in small, named, versioned **steps**.
//!
//! A step is a pure function: the same input bytes, the same params and the same step version give
//! the same output bytes, on any machine, with any number of threads, in any order. Because of that,
//! everything it makes can be named by a content hash, reused, proved and explained. Each step is one
//! type in this library, one static binary and one subcommand of the `microtome` CLI: faces of one
//! declaration ([`step::Step`]).
//!
//! ```
//! use microtome::image::png;
//! use microtome::step::{Collected, Crew, Out, Source, Step};
//! use microtome::steps::tile::{Params, Tile};
//!
//! # fn main() -> microtome::Result<()> {
//! // Any slide or large image; here one that is drawn on the spot: 300 × 200 px, half of it pink.
//! let pixels: Vec<u8> =
//!     (0..300 * 200).flat_map(|n| if n % 300 < 150 { [214, 120, 170] } else { [244, 243, 245] }).collect();
//! let slide = png::encode(&microtome::image::Image::from_u8(300, 200, 3, pixels)?)?;
//!
//! let params = Params { tile_px: 64, assume_mpp: Some(8.0), level: Some(0), ..Params::default() };
//! let (step, crew, mut patches) = (Tile::new(params)?, Crew::new(2)?, Collected::default());
//! step.run(Source::from_bytes(slide), &mut Out::new(&mut patches, &crew))?;
//!
//! let first = &patches.items[0];
//! assert_eq!((patches.items.len(), first.name.as_str()), (6, "y000000_x000000.png"));
//! assert_eq!(first.facts["tissue_fraction"], 1.0);
//! # Ok(())
//! # }
//! ```
//!
//! # The map
//!
//! Arrows point only downwards; `tests/layers.rs` holds the `use` lines to this table.
//!
//! | layer | module | is |
//! |---|---|---|
//! | 5 | [`cli`] | flags from the schema, progress, exit codes; `main` of every binary |
//! | 4 | [`engine`] | one chain of steps over one input: look up, run, commit; shards and merges |
//! | 4 | [`pipeline`], [`describe`] | the pipeline file; schemas, tables and packages made from a declaration |
//! | 4 | [`compile`] | from one pipeline file to a cluster: a Kubeflow pipeline, Kubernetes Jobs |
//! | 4 | [`kubeflow`] | a component under Kubeflow Pipelines: what it is handed, what it answers |
//! | 4 | [`report`], [`lineage`] | what a person looks at; `why`, `check`, what differs |
//! | 3 | [`steps`] | the steps, and the slice that lists them |
//! | 2 | [`step`] | the trait, its inputs by grain, the way out, the crew of threads |
//! | 2 | [`dataset`] | a root URI: read, stage, commit whole, verify |
//! | 1 | [`slide`], [`image`] | pixels: pyramids of any format behind one trait; codecs, EXIF |
//! | 1 | [`pixels`], [`background`] | what is done to pixels; what stands still in a series of photos |
//! | 1 | [`stain`] | stains of pixels: estimated, separated, brought to a target |
//! | 1 | [`manifest`], [`record`] | the table of items; why outputs exist, and their key |
//! | 1 | [`distribution`] | how rows are shared out among classes, splits and groups, and how skewed that is |
//! | 1 | [`registry`] | an index of components: which versions there are, and which of them a range allows |
//! | 1 | [`summary`] | what a run leaves for people: `run.json`, `failures.jsonl` |
//! | 0 | [`digest`], [`random`], [`yaml`], [`error`] | BLAKE3 and canonical JSON; counter-based draws; what people write; errors that say who must act |
//!
//! # Architecture invariants
//!
//! - Steps do no I/O, read no clock, no environment and no thread count; they see bytes, a digest and
//!   the columns they declare, never a path or an id.
//! - Only [`engine`] writes records; only [`dataset`] knows where files lie (`std::fs` and
//!   `object_store` appear nowhere else); only [`cli`] prints and exits; nothing outside [`digest`]
//!   hashes.
//! - The list of steps is a slice that one can read ([`steps::STEPS`]): no registration.
//! - There is no `unsafe` in this crate.
//! - Outputs first, then the record, the manifest last: whatever is there, is whole.
//! - Floats that end in an output: `+ − × ÷ sqrt` in a fixed order, nothing from `std`'s `sin`, `exp`
//!   or `ln`; polars stores tables here and computes nothing.
//!
//! # Decisions that the code taught
//!
//! - `<unit>` in `items/<unit>@<key12>/` is the first 12 digits of the *input's digest*, not a name: see
//!   [`record::Cause::place`].
//! - `scan` has a grain of its own, *listing*: the whole listing is one unit, because its rows speak of
//!   each other (duplicates) and of names. Its rows begin the trail empty, so that one added slide does
//!   not change the trail of every patch of all others.
//! - All steps of a run write into one root: earlier manifests at `manifests/<n>-<step>.parquet`,
//!   records of all steps side by side.
//! - Local folders go through `std::fs`, stores through `object_store`: see [`dataset`].
//! - TIFF directories are read by our own code with the crate `tiff`'s vocabulary, for positional reads
//!   from many threads: see `slide::tiff`.
//! - JPEG is `libjpeg-turbo-rs`, whose bytes and pixels are those of libjpeg-turbo (Pillow, OpenSlide,
//!   OpenCV), tried in `tests/`; pinned to one version, as every codec that touches pixels.
//! - Patches are resampled with the Catmull–Rom cubic, not Lanczos, whose weights take a sine from
//!   `std`.
//! - `fit-stain` is a *group* step: a slide's patches are one unit, ordered by their digests (names and
//!   rows' order are in no key); items stay, facts are added. What groups leave
//!   ([`step::Out::leave`]) can be put together in a second turn of the same step: a cohort is the sum of
//!   its slides' counted colours, and a new slide is counted alone. A second turn needs all groups, so
//!   shards refuse it: run it after the merge.
//! - A group's profile goes to later steps as one text column of JSON: the key of `stain-normalize` sees the
//!   numbers. Which columns it reads depends on its params ([`step::Step::reads`]), so that a cohort's
//!   profile is in the keys of those images alone that fall back on it.
//! - `filter-background` speaks of each member of its group ([`step::Out::keep_member`] and its like): a
//!   record holds what became of each, those that are dropped included, by their place in the order of digests.
//! - A series of photos is found by the engine ([`step::Grouping::Series`]): steps see no folders. `fit-normalize` is a
//!   group step too, its second turn adds up exact sums.
//! - Files that go with an image (its mask) are columns that name a file ([`step::Step::COMPANIONS`]): keys have
//!   their digests, and what a step makes of them is named by the same column. What is measured in pixels
//!   (`annotation.*`, `detector.*`) goes on to a new item only where the step moves it or keeps the grid of pixels.
//! - A detector's boxes are read by `scan`, image by image, so that the key of a photo has its own boxes and not those of
//!   the whole file.
//! - Colour profiles are converted by our own code (`image::icc`): the crate at hand takes fused arithmetic where
//!   a processor has it, so that its bits depend on the machine.
//! - Wide instructions are chosen at run time by `multiversion` (the compiler's, from the same lines) and, for
//!   table look-ups, `archmage`: both without `unsafe` of ours.
//! - A param may name files that the step itself makes a value of ([`step::Step::inline`]): target images
//!   are fitted before anything is keyed.
//! - Images of one pack are one unit of an image step, with one record, and go on into packs; loose files
//!   are a unit each.
//! - Steps over a whole manifest (`split`, `sample`) are given columns, not rows ([`step::Manifest`]): those that they ask
//!   for, a batch at a time, from any thread, as often as they want; they answer with what becomes of each row
//!   ([`step::Rows`]), and the engine does it to all columns of that batch. So 10^8 rows need a few numbers a row in memory.
//!   polars reads, writes and casts; it aggregates nothing: its float sums differ from run to run, and integer codes are
//!   several times faster.
//! - The key of such a step has, for each column that it looks at, the digest of the column's values; its record has one
//!   output without a file ([`record::WHOLE`]). The distribution before and after stands in `run.json`: it counts columns that the
//!   step may not look at. Every row that goes on carries the key in its trail. Shards refuse such steps: run them after the merge.
//! - The report is no step, as steps see neither records nor pictures: every run writes it, and `microtome report` makes it
//!   again.
//! - Parquet is read by its own types: an Arrow schema beside them adds nothing but ways to fail (time zones, flatbuffers). Times
//!   are ISO 8601 text, instants in UTC; what a column's kind cannot carry exactly is an error, not a rounded value.
//! - Steps over whole manifests refuse ids that two rows have: 64-bit prints are sorted, and only ids whose prints meet are compared.
//! - Partitions (`--partition-by`) are the last manifest once more, made from it and never read by a step: rows and `path` are those
//!   of `manifest.parquet`, seen from the dataset's root. A run that changes the manifest and asks for none removes them.
//! - On a cluster each step of a chain is a *leg* ([`engine::Leg`]): a process of its own, in shards or not, in the one dataset
//!   that the whole chain makes. So a cluster's manifest has the bytes of a laptop's, paths included, and `why`, `check` and the
//!   report know no difference. Each leg notes which manifest it read: what does not follow from each other is refused.
//! - Exit codes go by who must act, storage apart from the rest: a cluster tries again what trying again can help.
//! - A shard's part of a manifest carries one more column, `merge.order`; a merge sorts by it and drops
//!   it.
#![warn(missing_docs)]

pub mod background;
pub mod cli;
pub mod compile;
pub mod dataset;
pub mod describe;
pub mod digest;
pub mod distribution;
pub mod engine;
pub mod error;
pub mod image;
pub mod kubeflow;
pub mod lineage;
pub mod manifest;
pub mod pipeline;
pub mod pixels;
pub mod random;
pub mod record;
pub mod registry;
pub mod report;
pub mod slide;
pub mod stain;
pub mod step;
pub mod steps;
pub mod summary;
pub mod yaml;

pub use error::{Error, Result};

/// The README's example is compiled and run like every other.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
