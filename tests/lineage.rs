//! `why`, `differ` and `check` over datasets that were laid down by hand.

mod tiny;

use microtome::Error;
use microtome::digest::Digest;
use microtome::lineage::{self, CheckReport, RowChange, Subject};
use microtome::record::Record;
use microtome::step::Crew;
use serde_json::json;
use tiny::{Tiny, USUAL, tiny};

fn check(tiny: &Tiny, sources: bool) -> CheckReport {
    let crew = Crew::new(2).unwrap();
    let mut last = None;
    let report = lineage::check(&tiny.root, &crew, sources, &mut |p| last = Some(p)).unwrap();
    let last = last.unwrap();
    assert_eq!((last.records, last.of_records), (3, 3));
    report
}

fn kinds(report: &CheckReport) -> Vec<&str> {
    report.problems.iter().map(|p| p.kind).collect()
}

fn path(tiny: &Tiny, below: &str) -> std::path::PathBuf {
    tiny.root.local().unwrap().join(below)
}

/// Changes one byte of a file.
fn flip(file: &std::path::Path, at: usize) {
    let mut bytes = std::fs::read(file).unwrap();
    bytes[at] ^= 1;
    std::fs::write(file, bytes).unwrap();
}

#[test]
fn an_item_leads_back_to_its_source() {
    let tiny = tiny(USUAL, 256);
    let item = &tiny.items[1];
    let loose = path(&tiny, &item.path);
    let digest = item.digest.to_string();
    // By id, by the file's path below the root, by its absolute path, by digest: the same answer.
    for query in [&item.id, &item.path, loose.to_str().unwrap(), &digest] {
        let found = lineage::why(&tiny.root, query).unwrap();
        let Subject::Item { manifest, columns } = &found.subject else { panic!("{found:?}") };
        assert_eq!(manifest, "manifest.parquet");
        assert_eq!(columns["id"], json!("case-1/a.svs/x256_y0.png"));
        assert_eq!(columns["tile.x_px"], json!(256.0));
        let [link] = &found.links[..] else { panic!("{found:?}") };
        assert_eq!((link.key, link.found, link.outputs), (tiny.keys[0], true, 5));
        assert_eq!(link.steps[0].step, "tile");
        assert_eq!(link.output.as_ref().unwrap().name, "x256_y0.png");
        let source = found.source.unwrap();
        assert_eq!(source.id, "case-1/a.svs");
        assert_eq!(source.digest, Digest::of(b"slide case-1/a.svs"));
        assert_eq!(source.manifest, "manifests/1-scan.parquet");
    }
}

#[test]
fn a_record_is_found_by_its_first_digits_and_by_what_it_made() {
    let tiny = tiny(USUAL, 256);
    let key = tiny.keys[1].to_string();
    let pack = tiny.items[5].path.clone();
    assert!(pack.starts_with("packs/"), "{pack}");
    let preview = format!("previews/{}/overlay.png", &pack["packs/".len()..pack.len() - 4]);
    let record = Record::path(&tiny.keys[1]);
    for query in [&key[..8], &key, &pack, &preview, &record] {
        let found = lineage::why(&tiny.root, query).unwrap();
        let Subject::Record { key, items, examples } = &found.subject else { panic!("{found:?}") };
        assert_eq!((*key, *items, examples.len()), (tiny.keys[1], 3, 3));
        assert_eq!(found.source.unwrap().id, "case-2/b.svs");
    }
    // A record without outputs is an answer too.
    let empty = lineage::why(&tiny.root, &tiny.keys[2].to_string()).unwrap();
    assert_eq!(empty.source.unwrap().id, "case-2/empty.svs");
    for nothing in [&key[..7], "no-such-item", "0000000000", "../../etc/passwd", ""] {
        let error = lineage::why(&tiny.root, nothing).unwrap_err();
        assert!(matches!(error, Error::Params { .. }), "{nothing}: {error}");
    }
}

#[test]
fn a_source_file_explains_itself() {
    let tiny = tiny(USUAL, 256);
    let file = tiny.folder.path().join("slides/case-2/b.svs");
    for query in ["case-2/b.svs", file.to_str().unwrap()] {
        let found = lineage::why(&tiny.root, query).unwrap();
        assert!(found.links.is_empty());
        assert_eq!(found.source.unwrap().path, file.to_str().unwrap());
    }
}

#[test]
fn words_and_json_carry_the_chain_and_steer_no_terminal() {
    let tiny = tiny(&[("a\u{1b}[2J\n.svs", 2, false)], 256);
    let found = lineage::why(&tiny.root, &tiny.items[0].id).unwrap();
    let words = found.to_string();
    for part in ["made by tile@1.0.0", "tile_px=256", "x0_y0.png of 2", "source file"] {
        assert!(words.contains(part), "{part:?} is missing in\n{words}");
    }
    assert!(!words.contains('\u{1b}'));
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!(json["subject"]["kind"], "item");
    assert_eq!(json["links"][0]["key"], json!(tiny.keys[0].to_string()));
}

#[test]
fn two_items_differ_by_their_causes() {
    let tiny = tiny(USUAL, 256);
    let (a, b) = (&tiny.items[0], &tiny.items[1]);
    let siblings = lineage::contrast(&tiny.root, &a.id, &b.id).unwrap();
    assert!(siblings.causes.is_empty(), "{:?}", siblings.causes);
    assert!(siblings.columns.iter().any(|c| c.what == "tile.x_px" && c.right == json!(256.0)));
    assert!(siblings.to_string().contains("same causes"));
    let strangers = lineage::contrast(&tiny.root, &a.id, &tiny.items[5].id).unwrap();
    let what: Vec<_> = strangers.causes.iter().map(|c| c.what.as_str()).collect();
    assert_eq!(what, ["tile input", "source file"]);
}

#[test]
fn two_datasets_differ_by_params_inputs_and_rows() {
    let a = tiny(USUAL, 256);
    let b =
        tiny(&[("case-1/a.svs", 4, false), ("case-2/b.svs", 3, true), ("new.svs", 1, false)], 512);
    let found = lineage::differ(&a.root, &b.root, &Crew::new(2).unwrap()).unwrap();
    assert_eq!(found.steps.len(), 1);
    assert_eq!(found.steps[0].step, "tile");
    let change = &found.steps[0].changes[0];
    assert_eq!(
        (change.what.as_str(), &change.left, &change.right),
        ("tile_px", &json!(256), &json!(512))
    );
    // The same slides, one gone, one new; where they lie does not matter.
    assert_eq!((found.inputs.same, found.inputs.dropped, found.inputs.added), (2, 1, 1));
    assert_eq!((found.rows.same, found.rows.dropped, found.rows.added), (7, 1, 1));
    let change = |kind, id: &str| RowChange { kind, id: id.into() };
    let expected =
        [change("added", "new.svs/x0_y0.png"), change("dropped", "case-1/a.svs/x1024_y0.png")];
    assert_eq!(found.rows.examples, expected);
    assert!(found.to_string().contains("tile_px: 256 → 512"));
    assert_ne!(a.summary.steps[1].manifest, b.summary.steps[1].manifest);
    let same = lineage::differ(&a.root, &tiny(USUAL, 256).root, &Crew::new(2).unwrap()).unwrap();
    assert!(same.is_empty(), "{same}");
}

#[test]
fn a_sound_dataset_is_found_sound() {
    let tiny = tiny(USUAL, 256);
    let report = check(&tiny, true);
    assert!(report.is_sound(), "{report}");
    // Eight patches and three previews; one pack; eight patch rows and three source rows.
    assert_eq!((report.records, report.outputs, report.packs), (3, 11, 1));
    assert_eq!((report.rows, report.sources, report.orphan_count), (11, 3, 0));
}

#[test]
fn every_kind_of_damage_is_found_where_it_is() {
    type Harm = fn(&Tiny);
    let harms: [(&str, Harm, &[&str]); 9] = [
        ("a patch changed", |t| flip(&path(t, &t.items[0].path), 60), &["digest"]),
        (
            "a patch is gone",
            |t| std::fs::remove_file(path(t, &t.items[0].path)).unwrap(),
            &["missing"],
        ),
        (
            "a patch was cut",
            |t| std::fs::write(path(t, &t.items[0].path), b"short").unwrap(),
            &["length"],
        ),
        (
            // A member of the pack and the pack as a whole.
            "a byte of a member changed",
            |t| flip(&path(t, &t.items[5].path), t.items[5].offset.unwrap() as usize + 3),
            &["digest", "digest"],
        ),
        // Between members only the pack as a whole knows.
        ("a byte of a tar header changed", |t| flip(&path(t, &t.items[5].path), 3), &["digest"]),
        (
            "a pack is gone",
            |t| std::fs::remove_file(path(t, &t.items[5].path)).unwrap(),
            &["missing"],
        ),
        (
            "a record was edited",
            |t| {
                let file = path(t, &Record::path(&t.keys[2]));
                let text = std::fs::read_to_string(&file).unwrap().replace("256", "255");
                std::fs::write(file, text).unwrap();
            },
            &["record"],
        ),
        (
            "a row names another digest",
            |t| {
                let mut items = t.items.clone();
                items[2].digest = Digest::of(b"other");
                let bytes = tiny::manifest(&tiny::tile_schema(), &items);
                t.root.replace("manifest.parquet", &bytes).unwrap();
            },
            &["manifest", "row"],
        ),
        (
            "a source changed",
            |t| std::fs::write(t.folder.path().join("slides/case-1/a.svs"), b"other").unwrap(),
            &["source"],
        ),
    ];
    for (what, harm, expected) in harms {
        let tiny = tiny(USUAL, 256);
        harm(&tiny);
        let report = check(&tiny, true);
        assert_eq!(kinds(&report), expected, "{what}: {report}");
        assert!(!report.is_sound());
        assert_eq!(report.problem_count, expected.len() as u64);
    }
}

#[test]
fn a_lost_record_leaves_orphans_and_rows_without_cause() {
    let tiny = tiny(USUAL, 256);
    std::fs::remove_file(path(&tiny, &Record::path(&tiny.keys[0]))).unwrap();
    std::fs::write(path(&tiny, "items/stray.png"), b"stray").unwrap();
    let place =
        tiny.items[5].path.trim_start_matches("packs/").trim_end_matches(".tar").to_string();
    std::fs::write(path(&tiny, &format!("previews/{place}/notes.txt")), b"stray").unwrap();
    let crew = Crew::new(1).unwrap();
    let report = lineage::check(&tiny.root, &crew, false, &mut |_| ()).unwrap();
    // One key within no reach, five rows of it.
    assert_eq!(kinds(&report), ["row", "row", "row", "row", "row", "trail"], "{report}");
    // Five patches and a preview of the lost record, and the two strays.
    assert_eq!(report.orphan_count, 8);
    assert!(report.orphans.contains(&"items/stray.png".to_string()));
    assert!(report.orphans.contains(&format!("previews/{place}/notes.txt")));
}

#[test]
fn what_is_no_dataset_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let root = microtome::dataset::Root::open(folder.path().to_str().unwrap()).unwrap();
    let crew = Crew::new(1).unwrap();
    assert!(matches!(lineage::why(&root, "x"), Err(Error::Params { .. })));
    let checked = lineage::check(&root, &crew, false, &mut |_| ());
    assert!(matches!(checked, Err(Error::Params { .. })));
}

/// The same questions to a dataset that the engine made of slides.
#[test]
fn a_real_run_checks_and_explains() {
    use microtome::engine::{self, Knobs, Layout, Plan, Silent};
    use microtome::{dataset::Root, steps};
    let folder = tempfile::tempdir().unwrap();
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/slides");
    let step = |name: &str, params| steps::find(name).unwrap().make(params).unwrap();
    let run = |out: &str, layout, tile_px: u32| {
        let out = Root::open(folder.path().join(out).to_str().unwrap()).unwrap();
        let tile = step("tile", json!({"mpp": 1.0, "tile_px": tile_px, "min_tissue": 0.5}));
        let plan = Plan {
            input: fixtures.to_str().unwrap().into(),
            steps: vec![step("scan", json!({"include": ["he-*"]})), tile],
            out: out.clone(),
        };
        let knobs = Knobs { threads: 2, layout, ..Knobs::default() };
        engine::run(&plan, &knobs, &Crew::new(2).unwrap(), &Silent).unwrap();
        out
    };
    let loose = run("loose", Layout::Loose, 128);
    let packed = run("packed", Layout::Packs { bytes: 64 << 10 }, 128);
    let other = run("other", Layout::Loose, 96);
    let crew = Crew::new(2).unwrap();
    for root in [&loose, &packed, &other] {
        let report = lineage::check(root, &crew, true, &mut |_| ()).unwrap();
        assert!(report.is_sound() && report.orphan_count == 0, "{report}");
        // The listing's record and one a slide; their rows again in the first manifest.
        assert_eq!((report.records, report.sources), (3, 2));
        let page = root.read(microtome::report::REPORT).unwrap().unwrap();
        assert!(String::from_utf8(page).unwrap().contains("Tissue coverage"));
    }
    // Where items lie is no difference.
    let same = lineage::differ(&loose, &packed, &Crew::new(2).unwrap()).unwrap();
    assert!(same.is_empty() && same.rows.same > 0, "{same}");
    let found = lineage::differ(&loose, &other, &Crew::new(2).unwrap()).unwrap();
    assert_eq!((found.steps.len(), found.steps[0].changes.len()), (1, 1), "{found}");
    assert_eq!(found.steps[0].changes[0].what, "tile_px");
    assert_eq!((found.inputs.same, found.inputs.changed), (2, 0));
    let item = packed.manifest().unwrap().read_all().unwrap().remove(0);
    let why = lineage::why(&packed, &item.id).unwrap();
    let words = why.to_string();
    for part in ["made by tile@", "mpp=1", "tile_px=128", "listed by scan@", "reads"] {
        assert!(words.contains(part), "{part:?} is missing in\n{words}");
    }
    assert_eq!(why.source.unwrap().id, "he-pyramid.tif");
}
