//! A step over a whole manifest that is no step of ours: for tests of what is said of such steps.

use microtome::Result;
use microtome::digest::Digest;
use microtome::manifest::{Column, Kind, Values};
use microtome::step::{Entry, Manifest, Out, Rows, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A step over a whole manifest, as small as one can be: leaves out, repeats, and deals groups to splits.
struct Deal(Params);

/// Deals rows.
#[derive(Serialize, Deserialize, JsonSchema, garde::Validate, Clone)]
#[serde(default, deny_unknown_fields)]
struct Params {
    /// One in so many rows of the class `normal` goes on.
    #[garde(range(min = 1, max = 100))]
    keep_one_in: u32,
    /// How often each row of the class `tumor` goes on.
    #[garde(range(min = 1, max = 9))]
    repeat: u32,
    /// Groups in a hundred that go to `test`.
    #[garde(range(min = 0, max = 100))]
    test_percent: u32,
}

impl Default for Params {
    fn default() -> Self {
        Self { keep_one_in: 1, repeat: 1, test_percent: 30 }
    }
}

/// It adds no column of its own.
#[derive(Serialize, JsonSchema)]
struct Nothing {}

const fn text(name: &'static str) -> Column {
    Column { name, kind: Kind::Text, made_by: "scan", doc: "of the test" }
}

impl Step for Deal {
    const NAME: &'static str = "deal";
    const VERSION: &'static str = "1.0.0";
    type Params = Params;
    type Input = Manifest;
    type Facts = Nothing;
    const READS: &'static [Column] = &[text("label"), text("group")];

    fn new(params: Params) -> Result<Self> {
        Ok(Self(params))
    }

    fn run(&self, input: Manifest, out: &mut Out<'_, Nothing>) -> Result<()> {
        for index in 0..input.batches() {
            let batch = input.batch(index, &["label", "group", "digest"])?;
            let (labels, groups) = (batch.text("label")?, batch.text("group")?);
            let times = labels.iter().zip(batch.digests()?).map(|(label, digest)| match label {
                Some("normal") => u32::from(u32::from(digest[0]) % self.0.keep_one_in == 0),
                Some("tumor") => self.0.repeat,
                _ => 1,
            });
            let split = |group: Option<&str>| {
                let place = Digest::of(group.unwrap_or_default().as_bytes()).as_bytes()[0];
                u32::from(u32::from(place) % 100 < self.0.test_percent)
            };
            let words = vec!["train".to_string(), "test".to_string()];
            let codes = groups.iter().map(split).collect();
            let columns = vec![("split", Values::Words { words, codes })];
            out.rows(Rows { times: Some(times.collect()), draws: None, columns })?;
        }
        Ok(())
    }
}

/// Its entry.
pub static DEAL: Entry = Entry::of::<Deal>();
