//! `report.html` of runs that fitted and normalized stains, laid down by hand: what is counted, which
//! images stand side by side, and what is left out when files are gone.

mod common;
mod tiny;

use std::process::Command;

use microtome::dataset::Root;
use microtome::digest::Digest;
use microtome::engine::{StepSummary, Summary};
use microtome::manifest::{Field, Item, Kind, ManifestReader, Schema};
use microtome::record::{Cause, KEPT, MadeBy, Output, Record, StepCause};
use microtome::report;
use microtome::stain::Status;
use serde_json::{Value, json};
use tiny::{Tiny, USUAL, manifest, png, tile_schema, tiny};

/// A run's last dataset.
struct Stained {
    tiny: Tiny,
    root: Root,
    summary: Summary,
    before: Vec<Item>,
    after: Vec<Item>,
}

const NUMBERS: [&str; 9] =
    ["h_r", "h_g", "h_b", "e_r", "e_g", "e_b", "max_h", "max_e", "angle_deg"];

fn fit_schema() -> Schema {
    let field = |name: &str, kind| Field { name: format!("fit-stain.{name}"), kind };
    let mut facts: Vec<Field> = ["status", "cohort"].map(|name| field(name, Kind::Text)).to_vec();
    facts.extend(
        ["images", "unreadable", "pixels", "tissue_px", "sampled_px"].map(|n| field(n, Kind::Int)),
    );
    facts.extend(NUMBERS.map(|name| field(name, Kind::Float)));
    tile_schema().with(&facts)
}

fn normal_schema() -> Schema {
    let text = ["source_id", "shows", "source", "status"];
    let mut facts: Vec<Field> = text
        .iter()
        .map(|name| Field { name: format!("stain-normalize.{name}"), kind: Kind::Text })
        .collect();
    facts.push(Field { name: "stain-normalize.tissue_fraction".into(), kind: Kind::Float });
    fit_schema().with(&facts)
}

/// The record of a fit, with its drawing.
fn fit_record(root: &Root, slide: &str, params: &Value) -> Record {
    let step =
        StepCause { step: "fit-stain".into(), version: "1.0.0".into(), params: params.clone() };
    let cause = Cause::new(vec![step], Digest::of(slide.as_bytes()), [].into());
    let mut stage = root.unit(&cause.place().unwrap(), None).unwrap();
    let svg = drawing(slide);
    let placed = stage.preview("od-plane.svg", svg.as_bytes()).unwrap();
    let output = |name: &str, path: Option<String>, bytes: &[u8]| Output {
        name: name.into(),
        path,
        offset: None,
        length: bytes.len() as u64,
        digest: Digest::of(bytes),
        media_type: "image/svg+xml".into(),
        width_px: Some(0),
        height_px: Some(0),
        facts: serde_json::Map::new(),
    };
    let previews = vec![output("od-plane.svg", Some(placed.path), svg.as_bytes())];
    let packs = stage.commit().unwrap();
    let outputs = vec![output(KEPT, None, b"")];
    let record = Record { cause, outputs, previews, packs, made_by: MadeBy::this_build() };
    let key = record.cause.key().unwrap();
    root.write_new(&Record::path(&key), &record.to_bytes().unwrap()).unwrap();
    record
}

fn drawing(slide: &str) -> String {
    format!("<svg xmlns=\"http://www.w3.org/2000/svg\"><title>{}</title></svg>", slide.len())
}

/// Fits and normalizes the patches of a tiny dataset: the second slide's fit fails with `failing`.
/// `apart`: in a dataset of its own, which begins with the tiny one's patches.
fn stained(slides: &[tiny::SlideAsked<'_>], per: &str, failing: &str, apart: bool) -> Stained {
    let tiny = tiny(slides, 256);
    let root = match apart {
        true => Root::open(tiny.folder.path().join("stained").to_str().unwrap()).unwrap(),
        false => tiny.root.clone(),
    };
    let fit_params = json!({"per": per, "method": "macenko"});
    let mut before = tiny.items.clone();
    let mut after = Vec::new();
    for (n, item) in before.iter_mut().enumerate() {
        let at = tile_schema().fact("tile.source_id").unwrap();
        let slide = item.facts[at].as_str().unwrap().to_string();
        let failed = slides.get(1).is_some_and(|(id, ..)| *id == slide);
        let fitted = if per == "cohort" { "all" } else { &slide };
        let key = fit_record(&root, fitted, &fit_params).cause.key().unwrap();
        if apart {
            item.path = tiny.root.absolute(&item.path);
        }
        item.trail = format!("{} {key}", item.trail);
        item.facts.push(if failed { failing } else { "ok" }.into());
        item.facts.push(Value::Null);
        item.facts.extend([5, 1, 2000, 1000, 500].map(Value::from));
        let numbers = [0.65, 0.701, 0.29, 0.15, 0.89, 0.44, 1.75, 1.25, 30.5];
        item.facts.extend(numbers.map(|n| if failed { Value::Null } else { n.into() }));
        let bytes = png(16, 7000 + n as u32);
        let mut stage = root.unit(&format!("unit-{n}@0"), None).unwrap();
        let placed = stage.item("normalized.png", &bytes).unwrap();
        stage.commit().unwrap();
        let mut facts = item.facts.clone();
        facts.extend([item.id.clone().into(), "rgb".into()]);
        facts.extend(match failed {
            true => ["reference".into(), Value::Null],
            false => ["slide".into(), "ok".into()],
        });
        facts.push(0.75.into());
        after.push(Item {
            id: format!("{}/normalized.png", item.id),
            path: placed.path,
            offset: None,
            length: bytes.len() as u64,
            digest: Digest::of(&bytes),
            trail: format!("{} {}", item.trail, Digest::of(&bytes)),
            facts,
            ..item.clone()
        });
    }
    let mut summary = tiny.summary.clone();
    let step = |name: &str, params: Value| StepSummary {
        step: name.into(),
        params,
        units: after.len() as u64,
        made: after.len() as u64,
        ..tiny.summary.steps[1].clone()
    };
    let added =
        [step("fit-stain", fit_params), step("stain-normalize", json!({"source": "slide"}))];
    if apart {
        summary.input = tiny.root.uri().into();
        summary.steps.clear();
    } else {
        let tiled = root.read("manifest.parquet").unwrap().unwrap();
        root.replace("manifests/2-tile.parquet", &tiled).unwrap();
    }
    summary.steps.extend(added);
    let fitted = format!("manifests/{}-fit-stain.parquet", summary.steps.len() - 1);
    root.replace(&fitted, &manifest(&fit_schema(), &before)).unwrap();
    root.replace("manifest.parquet", &manifest(&normal_schema(), &after)).unwrap();
    Stained { tiny, root, summary, before, after }
}

fn usual() -> Stained {
    stained(USUAL, "slide", "too-few-tissue", false)
}

fn page(stained: &Stained) -> String {
    let manifest: ManifestReader = stained.root.manifest().unwrap();
    report::write(&stained.root, &stained.summary, manifest).unwrap();
    String::from_utf8(stained.root.read(report::REPORT).unwrap().unwrap()).unwrap()
}

/// What stands behind `<img src="` in the section of this id.
fn pictures(page: &str, section: &str) -> Vec<String> {
    let Some((_, rest)) = page.split_once(&format!("<section id=\"{section}\"")) else {
        return Vec::new();
    };
    let text = rest.split("</section>").next().unwrap();
    let sources = text.split("<img src=\"").skip(1);
    sources.map(|s| s.split('"').next().unwrap().to_string()).collect()
}

fn url(media_type: &str, bytes: &[u8]) -> String {
    // As a page shows it: the smallest pictures go in as they are.
    let picture = match media_type {
        "image/svg+xml" => report::Picture::drawing(bytes, (1, 1)),
        _ => report::Picture::small(bytes),
    };
    let url = picture.unwrap().url;
    assert!(url.starts_with(&format!("data:{media_type};base64,")), "{url}");
    url
}

#[test]
fn a_chain_shows_slides_stains_and_images_before_and_after() {
    let stained = usual();
    let page = page(&stained);
    let too_few = Status::TooFewTissue.words();
    for words in [
        // The slides' cards, as without the steps behind `tile`.
        "40,000 × 30,000 px",
        "0.5 µm/px (by the slide",
        "none from 1 of 3",
        "<dt>slides</dt><dd>3",
        "<dt>patches</dt><dd>8",
        "Tissue coverage",
        // Stains.
        "Macenko, 2 slides, each on its own. 2,000 tissue pixels, 1,000 of them sampled.",
        "(0.650, 0.701, 0.290), at most 1.75",
        "<dt>between them</dt><dd>30.5°",
        "1,000 of 2,000 px (50 %)",
        "500 px of 5 images, 1 unreadable",
        // Before and after.
        "from its slide's profile</th><td data-name=\"why\">its slide's fit passed all gates</td><td class=\"number\" data-name=\"patches\">5</td><td class=\"number\" data-name=\"share\">62 %</td>",
        "<th scope=\"row\">from the method's reference</th>",
        &format!("its slide's fit failed: {too_few}"),
    ] {
        assert!(page.contains(words), "{words:?} is missing");
    }
    let counts = ["slides", "stains", "normalized", "sheet"].map(|s| pictures(&page, s).len());
    // Three overlays, two drawings, 4 + 3 pairs, eight patches.
    assert_eq!(counts, [stained.tiny.keys.len(), 2, 14, stained.tiny.items.len()]);
    assert_eq!(page.matches("<img ").count(), 27);
    assert_eq!(page.matches(" alt=\"").count(), 27);
    // The slide whose fit failed comes first, with its own drawing.
    let drawings = ["case-2/b.svs", "case-1/a.svs"].map(drawing);
    let drawings = drawings.map(|svg| url("image/svg+xml", svg.as_bytes()));
    assert_eq!(pictures(&page, "stains"), drawings);
}

#[test]
fn the_pairs_are_an_image_and_what_became_of_it() {
    let stained = usual();
    let page = page(&stained);
    let mut expected = Vec::new();
    for slide in ["case-1/a.svs", "case-2/b.svs"] {
        let of_slide = |item: &&(&Item, &Item)| item.1.id.starts_with(slide);
        let rows: Vec<_> = stained.before.iter().zip(&stained.after).collect();
        let mut rows: Vec<_> = rows.iter().filter(of_slide).collect();
        // The four smallest digests of the images after, back in the manifest's order.
        rows.sort_by_key(|(_, after)| after.digest);
        rows.truncate(4);
        rows.sort_by_key(|(before, _)| stained.before.iter().position(|b| b.id == before.id));
        for (before, after) in rows {
            expected.push(url("image/png", &stained.root.item_bytes(before).unwrap()));
            expected.push(url("image/png", &stained.root.item_bytes(after).unwrap()));
        }
    }
    assert_eq!(pictures(&page, "normalized"), expected);
}

#[test]
fn patches_of_an_earlier_dataset_have_their_slides_and_images_before() {
    let stained = stained(USUAL, "slide", "one-colour", true);
    let page = page(&stained);
    let counts = ["slides", "stains", "normalized", "sheet"].map(|s| pictures(&page, s).len());
    assert_eq!(counts, [3, 2, 14, 8]);
    assert!(page.contains("<dt>slides</dt><dd>2<small>cut before this run"), "{page}");
}

#[test]
fn a_cohort_has_one_card() {
    let page = page(&stained(USUAL, "cohort", "ok", false));
    assert_eq!(pictures(&page, "stains").len(), 1);
    assert!(page.contains("<h3>All slides together</h3>"));
    assert!(page.contains("Macenko, all 2 slides together"));
    // Both slides' counts.
    assert!(page.contains("2,000 of 4,000 px (50 %)"));
    assert!(page.contains("from the cohort's profile"));
}

#[test]
fn amounts_of_stains_are_no_patches() {
    let mut stained = usual();
    let shows = normal_schema().fact("stain-normalize.shows").unwrap();
    let amounts: Vec<Item> = stained
        .after
        .iter()
        .map(|item| {
            let mut item = Item { id: item.id.replace("normalized", "eosin"), ..item.clone() };
            item.facts[shows] = "eosin".into();
            item
        })
        .collect();
    stained.after.extend(amounts);
    let bytes = manifest(&normal_schema(), &stained.after);
    stained.root.replace("manifest.parquet", &bytes).unwrap();
    let page = page(&stained);
    assert!(page.contains("<dt>patches</dt><dd>8"));
    assert!(page.contains("<dt>amounts</dt><dd>8"));
    assert_eq!(pictures(&page, "normalized").len(), 14);
}

#[test]
fn missing_files_leave_out_what_they_were_for() {
    let gone = |what: &[&str]| {
        let stained = usual();
        for path in what {
            let path = stained.root.local().unwrap().join(path);
            match path.is_dir() {
                true => std::fs::remove_dir_all(path).unwrap(),
                false => std::fs::remove_file(path).unwrap(),
            }
        }
        let page = page(&stained);
        let has = |id: &str| page.contains(&format!("<section id=\"{id}\""));
        let sections = (has("slides"), has("stains"), has("normalized"));
        let counts = ["slides", "stains", "normalized", "sheet"].map(|s| pictures(&page, s).len());
        (sections, counts)
    };
    assert_eq!(gone(&["previews"]), ((true, true, true), [0, 0, 14, 8]));
    // The cards find their pictures by their keys alone; the drawings are named by records.
    assert_eq!(gone(&["records"]), ((true, true, true), [3, 0, 14, 8]));
    assert_eq!(gone(&["manifests/3-fit-stain.parquet"]), ((true, false, true), [3, 0, 0, 8]));
    assert_eq!(gone(&["manifests/1-scan.parquet"]), ((false, true, true), [0, 2, 14, 8]));
    assert_eq!(gone(&["manifests"]), ((false, false, true), [0, 0, 0, 8]));
    assert_eq!(gone(&["items"]).1[2], 0);
}

#[test]
fn a_drawing_that_somebody_changed_is_not_shown() {
    let stained = usual();
    let previews = stained.root.list("previews").unwrap();
    let mut changed = 0;
    for stored in previews.iter().filter(|p| p.path.ends_with("od-plane.svg")) {
        let bytes = stained.root.read(&stored.path).unwrap().unwrap();
        let other = String::from_utf8(bytes).unwrap().replace("title>", "xitle>");
        stained.root.replace(&stored.path, other.as_bytes()).unwrap();
        changed += 1;
    }
    assert_eq!(changed, 2);
    assert_eq!(pictures(&page(&stained), "stains").len(), 0);
}

#[test]
fn hostile_text_stays_text_and_nothing_is_loaded() {
    let hostile = "<img src=x onerror=alert(1)>\"'&.svs";
    let second = "b\"><script>alert(2)</script>.svs";
    let slides = [(hostile, 2, false), (second, 1, false)];
    let page = page(&stained(&slides, "slide", "<script>alert(3)</script>", false));
    assert!(!page.contains("<img src=x"));
    assert!(page.contains("its slide's fit failed: &lt;script&gt;alert(3)&lt;/script&gt;"));
    assert!(page.contains("<h3>&lt;img src=x onerror=alert(1)&gt;&quot;'&amp;.svs</h3>"));
    let ways_out = [
        "http://", "https://", "//cdn", "url(", "@import", "<link", "<script", "<iframe", "<object",
    ];
    for way_out in ways_out {
        assert!(!page.contains(way_out), "{way_out}");
    }
    let sources = page.split(" src=\"").skip(1);
    assert!(sources.clone().count() > 0);
    sources.for_each(|s| assert!(s.starts_with("data:image/"), "{}", &s[..40]));
}

#[test]
fn many_slides_stay_bounded() {
    let ids: Vec<String> = (0..40).map(|n| format!("slide-{n:03}.svs")).collect();
    let slides: Vec<_> = ids.iter().map(|id| (id.as_str(), 6, false)).collect();
    let page = page(&stained(&slides, "slide", "stain-angle", false));
    assert_eq!(page.matches("class=\"card fit\"").count(), report::MOST_FITS);
    assert!(page.contains("and 16 slides more in the manifest"), "{page}");
    let most = 2 * report::MOST_SLIDES * report::MOST_PAIRS;
    assert_eq!(pictures(&page, "normalized").len(), most);
    assert!(page.len() < 6 << 20, "{} bytes", page.len());
}

/// Python's parser walks the page, as it does for runs without stains.
#[test]
fn the_page_is_well_formed_and_accessible() {
    let test = "the_page_is_well_formed_and_accessible";
    let Some(python) = common::python_or_skip(test, &["html.parser"]) else { return };
    let stained = usual();
    page(&stained);
    let file = stained.root.local().unwrap().join(report::REPORT);
    let script = common::root().join("tests/well_formed.py");
    let output = Command::new(python).arg(script).arg(file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(stained.tiny.folder.path().is_dir());
}
