//! A dataset on disk with a manifest of any length, and a step over whole manifests that drops, repeats, splits and says.

use std::path::Path;

use microtome::dataset::Root;
use microtome::digest::Digest;
use microtome::engine::{self, Knobs, Plan, Silent, Summary};
use microtome::manifest::{
    BASE, BATCH_ROWS, Column, Field, Item, Kind, ManifestWriter, Schema, Values,
};
use microtome::step::{AnyStep, Crew, Entry, Manifest, Out, Rows, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Rows of more than one batch.
pub const ROWS: usize = BATCH_ROWS + 1000;

pub fn schema() -> Schema {
    let field = |name: &str, kind| Field { name: name.into(), kind };
    Schema { facts: vec![field("tile.x_px", Kind::Int), field("tile.mpp", Kind::Float)] }
}

pub fn item(n: usize) -> Item {
    Item {
        id: format!("case-{}/s.svs/{n:06}.png", n / 5000),
        path: format!("items/{n:06}.png"),
        offset: None,
        length: 1000 + n as u64 % 7,
        digest: Digest::of(&n.to_le_bytes()),
        media_type: "image/png".into(),
        width_px: Some(256),
        height_px: Some(256),
        label: (!n.is_multiple_of(11)).then(|| ["tumor", "normal", "a b/c=%"][n % 3].into()),
        group: Some(format!("case-{}", n / 5000)),
        split: None,
        weight: None,
        trail: if n.is_multiple_of(2) { String::new() } else { "ab".repeat(32) },
        facts: vec![n.into(), (n as f64 * 0.25).into()],
    }
}

pub fn write(folder: &Path, items: impl IntoIterator<Item = Item>) {
    std::fs::create_dir_all(folder).unwrap();
    let file = std::fs::File::create(folder.join("manifest.parquet")).unwrap();
    let mut writer = ManifestWriter::new(file, schema()).unwrap();
    items.into_iter().for_each(|item| writer.push(item).unwrap());
    writer.finish().unwrap();
}

/// What is done to each item, by the first byte of its digest.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema, garde::Validate)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Params {
    /// Bytes that this divides are dropped, 0 for none.
    pub drop: u8,
    /// Bytes above this go on three times, 0 for none.
    pub repeat_above: u8,
}

#[derive(Serialize, JsonSchema)]
pub struct Facts {
    /// The byte.
    byte: Option<i64>,
}

pub struct Thin(Params);

const LABEL: Column = BASE[8];

/// What becomes of a byte.
pub fn times(params: &Params, byte: u8) -> u32 {
    match byte {
        b if params.drop > 0 && b % params.drop == 0 => 0,
        b if params.repeat_above > 0 && b > params.repeat_above => 3,
        _ => 1,
    }
}

impl Step for Thin {
    const NAME: &'static str = "thin";
    const VERSION: &'static str = "1.2.3";
    type Params = Params;
    type Input = Manifest;
    type Facts = Facts;
    const READS: &'static [Column] = &[LABEL];

    fn new(params: Params) -> microtome::Result<Self> {
        Ok(Self(params))
    }

    fn run(&self, input: Manifest, out: &mut Out<'_, Facts>) -> microtome::Result<()> {
        let make = |index: usize| {
            let batch = input.batch(index, &["digest", "label"])?;
            let bytes: Vec<u8> = batch.digests()?.iter().map(|digest| digest[0]).collect();
            let code = |b: &u8| u32::from(*b >= 128);
            Ok(Rows {
                times: Some(bytes.iter().map(|b| times(&self.0, *b)).collect()),
                draws: None,
                columns: vec![
                    (
                        "split",
                        Values::Words {
                            words: vec!["train".into(), "test".into()],
                            codes: bytes.iter().map(code).collect(),
                        },
                    ),
                    ("byte", Values::Int(bytes.iter().map(|b| Some(i64::from(*b))).collect())),
                ],
            })
        };
        out.ordered(input.batches(), make, |out, _, rows| out.rows(rows))?;
        out.findings(&json!({ "rows": input.rows() }))
    }
}

pub static THIN: Entry = Entry::of::<Thin>();

pub fn thin(params: Value) -> Box<dyn AnyStep> {
    THIN.make(params).unwrap()
}

pub fn run(
    input: &Path,
    out: &Root,
    steps: Vec<Box<dyn AnyStep>>,
    knobs: &Knobs,
) -> microtome::Result<Summary> {
    let plan = Plan { input: input.to_str().unwrap().into(), steps, out: out.clone() };
    engine::run(&plan, knobs, &Crew::new(knobs.threads).unwrap(), &Silent)
}

pub fn root(folder: &Path) -> Root {
    Root::open(folder.to_str().unwrap()).unwrap()
}
