//! A step for tests: every shape that a param and a fact can have.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::manifest::{Column, Kind};
use crate::step::{Entry, Listing, Out, Source, Step};

/// What to do at the edge.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Edge {
    /// Left out.
    SkipIt,
    /// Filled up with white.
    Pad,
}

/// Cuts an image into probes
/// of one size.
///
/// More words.
///
/// # Examples
/// ```text
/// microtome probe slides/ -o out --size-px 64
/// ```
#[derive(Serialize, Deserialize, JsonSchema, garde::Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct ProbeParams {
    /// Edge of a probe in pixels.
    ///
    /// A second paragraph.
    #[garde(range(min = 1, max = 4096))]
    pub size_px: u32,
    /// Resolution in µm/px.
    #[garde(range(min = 0.01, max = 100.0))]
    pub mpp: Option<f64>,
    /// Least share of tissue.
    #[garde(range(min = 0.0, max = 1.0))]
    pub min_tissue: f64,
    /// What happens at the edge.
    pub edge: Edge,
    /// Whether to shout.
    pub loud: bool,
    /// Globs.
    pub include: Vec<String>,
    /// Words for whoever reads it.
    ///
    /// Deprecated: nobody reads it; leave it out.
    pub note: String,
    /// Classes: a CSV with a row per class.
    #[schemars(extend("x-file" = "csv"))]
    pub classes: Vec<BTreeMap<String, String>>,
}

impl Default for ProbeParams {
    fn default() -> Self {
        Self {
            size_px: 512,
            mpp: None,
            min_tissue: 0.5,
            edge: Edge::SkipIt,
            loud: false,
            include: Vec::new(),
            note: String::new(),
            classes: Vec::new(),
        }
    }
}

/// Facts of the probe.
#[derive(Serialize, JsonSchema)]
pub struct ProbeFacts {
    /// Left edge in level-0 pixels.
    pub x_px: u32,
    /// Resolution, where known.
    pub mpp: Option<f64>,
}

/// A step of the image grain.
pub struct Probe;

impl Step for Probe {
    const NAME: &'static str = "probe";
    const VERSION: &'static str = "1.2.3";
    type Params = ProbeParams;
    type Input = Source;
    type Facts = ProbeFacts;
    const READS: &'static [Column] = &[Column {
        name: "slide.mpp_x",
        kind: Kind::Float,
        made_by: "list-it",
        doc: "µm per pixel",
    }];

    fn new(_: ProbeParams) -> Result<Self> {
        Ok(Self)
    }

    fn run(&self, _: Source, _: &mut Out<'_, ProbeFacts>) -> Result<()> {
        Ok(())
    }
}

/// A step of the listing grain.
pub struct ListIt;

/// Lists files.
#[derive(Serialize, Deserialize, JsonSchema, garde::Validate, Clone, Debug, Default)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct ListItParams {}

impl Step for ListIt {
    const NAME: &'static str = "list-it";
    const VERSION: &'static str = "0.1.0";
    type Params = ListItParams;
    type Input = Listing;
    type Facts = ProbeFacts;
    const READS: &'static [Column] = &[];

    fn new(_: ListItParams) -> Result<Self> {
        Ok(Self)
    }

    fn run(&self, _: Listing, _: &mut Out<'_, ProbeFacts>) -> Result<()> {
        Ok(())
    }
}

/// Both.
pub static STEPS: [Entry; 2] = [Entry::of::<ListIt>(), Entry::of::<Probe>()];
