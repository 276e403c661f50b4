//! A small finished dataset, laid down through the same doors as a run's: two slides with patches,
//! one in loose files and one in packs, one slide without tissue, one that failed.

use std::collections::BTreeMap;
use std::io::Cursor;

use image::{ImageFormat, Rgb, RgbImage};
use microtome::dataset::Root;
use microtome::digest::Digest;
use microtome::engine::{Failure, StepSummary, Summary};
use microtome::manifest::{Field, Item, Kind, ManifestWriter, Schema};
use microtome::record::{Cause, MadeBy, Output, Record, StepCause};
use serde_json::{Value, json};

/// The dataset, and the folder that dies with it.
pub struct Tiny {
    /// Holds `slides/` and `out/`.
    pub folder: tempfile::TempDir,
    /// `out/`.
    pub root: Root,
    /// What stands in `run.json`.
    pub summary: Summary,
    /// Rows of `manifest.parquet`.
    pub items: Vec<Item>,
    /// Key of each slide's record, in the slides' order.
    pub keys: Vec<Digest>,
}

/// One slide of the dataset: its id, its patches, and whether they go into packs.
pub type SlideAsked<'a> = (&'a str, u32, bool);

/// Two slides with patches and one without.
pub const USUAL: &[SlideAsked<'_>] =
    &[("case-1/a.svs", 5, false), ("case-2/b.svs", 3, true), ("case-2/empty.svs", 0, false)];

/// Makes a dataset of these slides; `tile_px` goes into the params and so into the keys.
pub fn tiny(slides: &[SlideAsked<'_>], tile_px: u32) -> Tiny {
    let folder = tempfile::tempdir().unwrap();
    let root = Root::open(folder.path().join("out").to_str().unwrap()).unwrap();
    let params = json!({"tile_px": tile_px, "min_tissue": 0.5});
    let mut sources = Vec::new();
    let mut items = Vec::new();
    let mut keys = Vec::new();
    for (id, patches, packed) in slides {
        let bytes = format!("slide {id}").into_bytes();
        let path = folder.path().join("slides").join(id);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &bytes).unwrap();
        let source = source(id, path.to_str().unwrap(), &bytes);
        let record = record(&root, &source, &params, *patches, *packed);
        let key = record.cause.key().unwrap();
        root.write_new(&Record::path(&key), &record.to_bytes().unwrap()).unwrap();
        items.extend(record.outputs.iter().map(|output| patch(&source, &key, output)));
        keys.push(key);
        sources.push(source);
    }
    let failure = Failure {
        id: "bad <b>slide</b>.svs".into(),
        step: "tile".into(),
        kind: "format".into(),
        message: "TIFF directory 2: <script>alert(1)</script> & \"quotes\"".into(),
        remedy: "get a sound copy".into(),
    };
    let line = serde_json::to_string(&failure).unwrap() + "\n";
    root.replace("failures.jsonl", line.as_bytes()).unwrap();
    let scanned = manifest(&scan_schema(), &sources);
    let tiled = manifest(&tile_schema(), &items);
    let step = |step: &str, params: Value, rows: u64, bytes: &[u8]| StepSummary {
        step: step.into(),
        version: "1.0.0".into(),
        params,
        units: slides.len() as u64,
        hits: 0,
        made: slides.len() as u64,
        failures: 0,
        dropped: 0,
        balance: None,
        findings: serde_json::Map::new(),
        notes: Vec::new(),
        items: rows,
        bytes_in: 1000,
        bytes_out: 2000,
        manifest: Digest::of(bytes),
        follows_from: Digest::of(b"rows"),
        slowest: vec![(slides[0].0.into(), 1.5)],
        bytes_written: 2000,
        seconds: 2.25,
    };
    let summary = Summary {
        microtome: "0.1.0".into(),
        input: folder.path().join("slides").to_str().unwrap().into(),
        shard: None,
        steps: vec![
            step("scan", json!({}), sources.len() as u64, &scanned),
            step("tile", params, items.len() as u64, &tiled),
        ],
        failures: 1,
        store_failures: 0,
        leg: None,
        given: None,
        units: 2 * slides.len() as u64,
        seconds: 4.5,
        threads: 2,
    };
    root.replace("manifests/1-scan.parquet", &scanned).unwrap();
    root.replace("manifest.parquet", &tiled).unwrap();
    root.replace("run.json", &serde_json::to_vec_pretty(&summary).unwrap()).unwrap();
    Tiny { folder, root, summary, items, keys }
}

/// Writes a manifest.
pub fn manifest(schema: &Schema, items: &[Item]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = ManifestWriter::new(&mut bytes, schema.clone()).unwrap();
    items.iter().for_each(|item| writer.push(item.clone()).unwrap());
    writer.finish().unwrap();
    bytes
}

fn field(name: &str, kind: Kind) -> Field {
    Field { name: name.into(), kind }
}

fn scan_schema() -> Schema {
    Schema { facts: vec![field("slide.mpp_x", Kind::Float), field("slide.mpp_y", Kind::Float)] }
}

/// Columns of the last manifest.
pub fn tile_schema() -> Schema {
    scan_schema().with(&[
        field("tile.source_id", Kind::Text),
        field("tile.x_px", Kind::Float),
        field("tile.y_px", Kind::Float),
        field("tile.mpp_x", Kind::Float),
        field("tile.mpp_y", Kind::Float),
        field("tile.mpp_source", Kind::Text),
        field("tile.tissue_fraction", Kind::Float),
        field("tile.luminance_mean", Kind::Float),
    ])
}

fn source(id: &str, path: &str, bytes: &[u8]) -> Item {
    Item {
        id: id.into(),
        path: path.into(),
        offset: None,
        length: bytes.len() as u64,
        digest: Digest::of(bytes),
        media_type: "image/tiff".into(),
        width_px: Some(40_000),
        height_px: Some(30_000),
        label: Some(if id.contains("case-1") { "tumor" } else { "normal" }.into()),
        group: id.split_once('/').map(|(case, _)| case.to_string()),
        split: None,
        weight: None,
        trail: String::new(),
        facts: vec![0.25.into(), 0.25.into()],
    }
}

/// A small PNG that differs by its seed.
pub fn png(side: u32, seed: u32) -> Vec<u8> {
    let mut state = seed;
    let picture = RgbImage::from_fn(side, side, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Rgb([(state >> 24) as u8, 120, (state >> 16) as u8])
    });
    let mut bytes = Vec::new();
    picture.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
    bytes
}

fn record(root: &Root, source: &Item, params: &Value, patches: u32, packed: bool) -> Record {
    let reads = microtome::steps::find("tile").map_or(&[][..], |entry| entry.reads);
    let columns: BTreeMap<String, Value> = reads
        .iter()
        .map(|column| (column.name.to_string(), source.value(&scan_schema(), column.name)))
        .collect();
    let step = StepCause { step: "tile".into(), version: "1.0.0".into(), params: params.clone() };
    let cause = Cause::new(vec![step], source.digest, columns);
    let mut stage = root.unit(&cause.place().unwrap(), packed.then_some(1 << 20)).unwrap();
    let output =
        |name: String, bytes: &[u8], placed: microtome::dataset::Placed, facts: Value| Output {
            name,
            path: Some(placed.path),
            offset: placed.offset,
            length: bytes.len() as u64,
            digest: Digest::of(bytes),
            media_type: "image/png".into(),
            width_px: Some(16),
            height_px: Some(16),
            facts: facts.as_object().cloned().unwrap_or_default(),
        };
    let outputs = (0..patches).map(|n| {
        let bytes = png(16, n + 100 * source.id.len() as u32);
        let name = format!("x{}_y0.png", n * 256);
        let placed = stage.item(&name, &bytes).unwrap();
        let facts = json!({
            "x_px": f64::from(n) * 256.0, "y_px": 0.0, "mpp_x": 0.5, "mpp_y": 0.5,
            "mpp_source": "header", "tissue_fraction": 0.5 + f64::from(n % 5) * 0.1,
            "luminance_mean": 120.0 + f64::from(n),
        });
        output(name, &bytes, placed, facts)
    });
    let outputs: Vec<Output> = outputs.collect();
    let overlay = png(32, 7);
    let placed = stage.preview("overlay.png", &overlay).unwrap();
    let previews = vec![output("overlay.png".into(), &overlay, placed, json!({}))];
    let packs = stage.commit().unwrap();
    Record { cause, outputs, previews, packs, made_by: MadeBy::this_build() }
}

fn patch(source: &Item, key: &Digest, output: &Output) -> Item {
    let mut facts = source.facts.clone();
    facts.push(source.id.clone().into());
    facts.extend(
        ["x_px", "y_px", "mpp_x", "mpp_y", "mpp_source", "tissue_fraction", "luminance_mean"]
            .map(|name| output.facts[name].clone()),
    );
    Item {
        id: format!("{}/{}", source.id, output.name),
        path: output.path.clone().unwrap(),
        offset: output.offset,
        length: output.length,
        digest: output.digest,
        media_type: output.media_type.clone(),
        width_px: output.width_px,
        height_px: output.height_px,
        trail: key.to_string(),
        facts,
        ..source.clone()
    }
}
