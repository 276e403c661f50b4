//! Manifests as tables: `cargo bench --bench manifests [-- ROWS [FILTER]]`.
//!
//! Prints `work<TAB>threads<TAB>million rows a second`, the best of three rounds by the wall clock. Rows are those of a
//! manifest of patches: ids and paths below a slide, digests, labels, groups, trails of two keys, four facts.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use microtome::dataset::Root;
use microtome::digest::Digest;
use microtome::engine::{self, Knobs, Plan, Silent};
use microtome::manifest::{
    BASE, BATCH_ROWS, Column, Field, Item, Kind, ManifestReader, ManifestWriter, Schema, Table,
    Values,
};
use microtome::step::{Crew, Entry, Manifest, Out, Rows, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Rounds of each work.
const ROUNDS: usize = 3;
/// Different batches; a larger manifest repeats them.
const DIFFERENT: usize = 16;
/// Patches of a slide.
const OF_SLIDE: usize = 20_000;

fn schema() -> Schema {
    let field = |name: &str, kind| Field { name: name.into(), kind };
    Schema {
        facts: vec![
            field("tile.x_px", Kind::Int),
            field("tile.y_px", Kind::Int),
            field("tile.mpp", Kind::Float),
            field("tile.tissue_fraction", Kind::Float),
        ],
    }
}

fn item(n: usize) -> Item {
    let (slide, patch) = (n / OF_SLIDE, n % OF_SLIDE);
    let (x, y) = (patch % 160 * 256, patch / 160 * 256);
    let name = format!("y{y:06}_x{x:06}.png");
    let unit = Digest::of(&slide.to_le_bytes()).to_string();
    let key = Digest::of(&(!slide).to_le_bytes()).to_string();
    Item {
        id: format!("case-{:04}/slide-{slide:05}.svs/{name}", slide / 3),
        path: format!("items/{}@{}/{name}", &unit[..12], &key[..12]),
        offset: None,
        length: 60_000 + (n * 7919 % 50_000) as u64,
        digest: Digest::of(&n.to_le_bytes()),
        media_type: "image/png".into(),
        width_px: Some(256),
        height_px: Some(256),
        label: (!n.is_multiple_of(5)).then(|| ["normal", "tumor", "stroma"][n / 97 % 3].into()),
        group: Some(format!("case-{:04}", slide / 3)),
        split: None,
        weight: None,
        trail: format!("{unit} {key}"),
        facts: vec![x.into(), y.into(), 0.5.into(), ((n * 31 % 1000) as f64 / 1000.0).into()],
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let rows: usize = words.first().and_then(|w| w.parse().ok()).unwrap_or(10_000_000);
    let filter = words.get(1).cloned().unwrap_or_default();
    let folder = tempfile::tempdir_in(std::env::temp_dir()).unwrap();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let schema = schema();

    let small = folder.path().join("small.parquet");
    let items: Vec<Item> = (0..DIFFERENT * BATCH_ROWS).map(item).collect();
    let by_items = |threads: usize, place: &Path| {
        let file = File::create(place).unwrap();
        let mut writer = ManifestWriter::new(file, schema.clone()).unwrap().with_threads(threads);
        let copies = items.clone();
        let begun = Instant::now();
        copies.into_iter().for_each(|item| writer.push(item).unwrap());
        writer.finish().unwrap();
        begun.elapsed().as_secs_f64()
    };
    by_items(threads, &small);
    let told = |work: &str, threads: usize, rows: usize, round: &mut dyn FnMut() -> f64| {
        if work.contains(&filter) {
            let best = (0..ROUNDS).map(|_| round()).fold(f64::MAX, f64::min);
            println!("{work}\t{threads}\t{:.2}", rows as f64 / best / 1e6);
            let _ = std::io::stdout().flush();
        }
    };
    let crews: Vec<usize> = if threads == 1 { vec![1] } else { vec![1, threads] };
    let scratch = folder.path().join("scratch.parquet");
    for &n in &crews {
        told("write items", n, items.len(), &mut || by_items(n, &scratch));
    }

    let large = folder.path().join("large.parquet");
    let table = open(&small);
    let all: Vec<String> = BASE
        .iter()
        .map(|c| c.name.to_string())
        .chain(schema.facts.iter().map(|f| f.name.clone()))
        .collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let batches: Vec<_> = (0..table.batches()).map(|i| table.batch(i, &all).unwrap()).collect();
    let by_batches = |threads: usize| {
        let begun = Instant::now();
        let mut writer = ManifestWriter::new(File::create(&large).unwrap(), schema.clone())
            .unwrap()
            .with_threads(threads);
        for index in 0..rows.div_ceil(BATCH_ROWS) {
            writer.push_batch(batches[index % DIFFERENT].clone()).unwrap();
        }
        writer.finish().unwrap();
        begun.elapsed().as_secs_f64()
    };
    let rows = rows.next_multiple_of(BATCH_ROWS);
    for &n in &crews {
        told("write columns", n, rows, &mut || by_batches(n));
    }
    if !large.exists() {
        by_batches(threads);
    }
    println!("# {} bytes a row", std::fs::metadata(&large).unwrap().len() as f64 / rows as f64);

    let table = open(&large);
    let some = ["digest", "label", "group"];
    for (work, columns) in [("read 3 columns", &some[..]), ("read all columns", &all)] {
        for &n in &crews {
            let crew = Crew::new(n).unwrap();
            told(work, n, rows, &mut || {
                let begun = Instant::now();
                let make = |index: usize| Ok(table.batch(index, columns)?.rows());
                let mut seen = 0;
                let take = |_, rows: usize| {
                    seen += rows;
                    Ok(())
                };
                crew.ordered(table.batches(), make, take).unwrap();
                assert_eq!(seen, rows);
                begun.elapsed().as_secs_f64()
            });
        }
    }
    told("read items", 1, rows, &mut || {
        let begun = Instant::now();
        let file = large.clone();
        let mut reader =
            ManifestReader::new(move || Ok(Box::new(File::open(&file).unwrap()))).unwrap();
        let mut seen = 0;
        while let Some(batch) = reader.next_batch().unwrap() {
            seen += batch.len();
        }
        assert_eq!(seen, rows);
        begun.elapsed().as_secs_f64()
    });

    // Ids are unique here.
    let input = folder.path().join("input");
    std::fs::create_dir(&input).unwrap();
    let file = File::create(input.join("manifest.parquet")).unwrap();
    let mut writer = ManifestWriter::new(file, schema.clone()).unwrap().with_threads(threads);
    (0..rows).for_each(|n| writer.push(item(n)).unwrap());
    writer.finish().unwrap();
    let out = folder.path().join("out");
    for (work, by) in [("whole run", &[][..]), ("whole run, partitioned", &["split", "label"])] {
        if work.contains(&filter) {
            let seconds = whole_run(&input, &out, threads, by);
            println!("{work}\t{threads}\t{:.2}\t# {seconds:.1} s", rows as f64 / seconds / 1e6);
        }
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    println!("# {peak}");
}

/// Looks at digests, labels and groups, and splits by the digest.
struct Halve;

#[derive(Serialize, JsonSchema)]
struct Facts {}

impl Step for Halve {
    const NAME: &'static str = "halve";
    const VERSION: &'static str = "1.0.0";
    type Params = Params;
    type Input = Manifest;
    type Facts = Facts;
    const READS: &'static [Column] = &[BASE[8], BASE[9]];

    fn new(_: Params) -> microtome::Result<Self> {
        Ok(Self)
    }

    fn run(&self, input: Manifest, out: &mut Out<'_, Facts>) -> microtome::Result<()> {
        let make = |index: usize| {
            let digests = input.batch(index, &["digest", "label", "group"])?.digests()?;
            let codes = digests.iter().map(|digest| u32::from(digest[0] % 4 == 0)).collect();
            let split = Values::Words { words: vec!["train".into(), "test".into()], codes };
            Ok(Rows { columns: vec![("split", split)], ..Rows::default() })
        };
        out.ordered(input.batches(), make, |out, _, rows| out.rows(rows))
    }
}

#[derive(Default, Clone, Serialize, Deserialize, JsonSchema, garde::Validate)]
struct Params {}

static HALVE: Entry = Entry::of::<Halve>();

/// A whole run: keyed, decided, written, counted, reported.
fn whole_run(input: &Path, out: &Path, threads: usize, by: &[&str]) -> f64 {
    let _ = std::fs::remove_dir_all(out);
    let steps = vec![HALVE.make(serde_json::json!({})).unwrap()];
    let out = Root::open(out.to_str().unwrap()).unwrap();
    let plan = Plan { input: input.to_str().unwrap().into(), steps, out };
    let partition_by = by.iter().map(|name| name.to_string()).collect();
    let knobs = Knobs { threads, partition_by, ..Knobs::default() };
    let begun = Instant::now();
    engine::run(&plan, &knobs, &Crew::new(threads).unwrap(), &Silent).unwrap();
    begun.elapsed().as_secs_f64()
}

fn open(path: &Path) -> Table {
    let path = path.to_path_buf();
    Table::new(move || Ok(Box::new(File::open(&path).unwrap()))).unwrap()
}
