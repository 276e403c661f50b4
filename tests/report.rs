//! `report.html` of a dataset that was laid down by hand: what it says, that it loads nothing, that
//! other people's text cannot get out of its place, and that it stays small.

mod common;
mod tiny;

use std::process::Command;

use microtome::report;
use tiny::{USUAL, tiny};

fn page(tiny: &tiny::Tiny) -> String {
    report::write(&tiny.root, &tiny.summary, tiny.root.manifest().unwrap()).unwrap();
    String::from_utf8(tiny.root.read(report::REPORT).unwrap().unwrap()).unwrap()
}

#[test]
fn the_page_shows_slides_charts_pictures_and_failures() {
    let tiny = tiny(USUAL, 300);
    let page = page(&tiny);
    for words in [
        "case-1/a.svs",
        "case-2/b.svs",
        "case-2/empty.svs",
        "no patches",
        "40,000 × 30,000 px",
        "0.5 µm/px (by the slide",
        "Tissue coverage",
        "Mean luminance",
        "tumor",
        "get a sound copy",
        "tile_px = 300",
        "none from 1 of 3",
        " of slides</a>",
    ] {
        assert!(page.contains(words), "{words:?} is missing");
    }
    // Three overlays (the slide without patches has one too) and eight patches.
    assert_eq!((tiny.keys.len(), tiny.items.len()), (3, 8));
    assert_eq!(page.matches("<img ").count(), 11);
    assert_eq!(page.matches("src=\"data:image/png;base64,").count(), 11);
    assert_eq!(page.matches(" alt=\"").count(), 11);
    let digest = tiny.summary.steps[1].manifest.to_string();
    assert!(page.contains(&digest));
}

#[test]
fn the_same_dataset_gives_the_same_bytes() {
    let tiny = tiny(USUAL, 256);
    assert_eq!(page(&tiny), page(&tiny));
}

#[test]
fn hostile_text_stays_text() {
    let hostile = "<img src=x onerror=alert(1)>\"'&.svs";
    let tiny = tiny(&[(hostile, 2, false)], 256);
    let page = page(&tiny);
    assert!(!page.contains("<img src=x"));
    assert!(!page.contains("<script"));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;quotes&quot;"));
    assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;&quot;'&amp;.svs"));
    assert!(page.contains("bad &lt;b&gt;slide&lt;/b&gt;.svs"));
}

#[test]
fn nothing_is_loaded_from_anywhere() {
    let page = page(&tiny(USUAL, 256));
    for way_out in
        ["http://", "https://", "//cdn", "url(", "@import", "<link", "<script", "<iframe"]
    {
        assert!(!page.contains(way_out), "{way_out}");
    }
    let sources = page.split(" src=\"").skip(1);
    assert!(sources.clone().count() > 0);
    sources.for_each(|s| assert!(s.starts_with("data:image/"), "{}", &s[..40]));
    let links = page.split(" href=\"").skip(1);
    links.for_each(|l| assert!(l.starts_with('#'), "{}", &l[..40]));
}

#[test]
fn missing_pictures_and_manifests_leave_a_page() {
    let tiny = tiny(USUAL, 256);
    let out = tiny.root.local().unwrap();
    for folder in ["previews", "items", "packs", "manifests"] {
        std::fs::remove_dir_all(out.join(folder)).unwrap();
    }
    let page = page(&tiny);
    assert_eq!(page.matches("<img ").count(), 0);
    assert!(page.contains("Tissue coverage"));
}

#[test]
fn a_listing_shows_types_sizes_and_cameras() {
    use microtome::digest::Digest;
    use microtome::manifest::{Field, Item, Kind, Schema};
    let mut tiny = tiny(USUAL, 256);
    let schema = Schema {
        facts: ["exif.make", "exif.model"]
            .map(|name| Field { name: name.into(), kind: Kind::Text })
            .to_vec(),
    };
    let photo = tiny::png(64, 3);
    let path = tiny.folder.path().join("photo.png");
    std::fs::write(&path, &photo).unwrap();
    let item = |n: u32| Item {
        id: format!("IMG_{n}.png"),
        path: path.to_str().unwrap().into(),
        offset: None,
        length: photo.len() as u64,
        digest: Digest::of(&n.to_le_bytes()),
        media_type: "image/png".into(),
        width_px: Some(64),
        height_px: Some(64),
        label: None,
        group: Some("camera-7".into()),
        split: None,
        weight: None,
        trail: String::new(),
        facts: vec!["RECONYX".into(), "HC600".into()],
    };
    let bytes = tiny::manifest(&schema, &[item(1), item(2)]);
    tiny.root.replace("manifest.parquet", &bytes).unwrap();
    tiny.summary.steps.truncate(1);
    let page = page(&tiny);
    for words in ["RECONYX HC600", "64 × 64", "image/png", "camera-7", "Media types"] {
        assert!(page.contains(words), "{words:?} is missing");
    }
    assert_eq!(page.matches("<img ").count(), 2);
    assert!(!page.contains("Tissue coverage"));
}

#[test]
fn many_slides_and_patches_stay_bounded() {
    let ids: Vec<String> = (0..70).map(|n| format!("slide-{n:03}.svs")).collect();
    let slides: Vec<_> = ids.iter().map(|id| (id.as_str(), 6, true)).collect();
    let page = page(&tiny(&slides, 256));
    assert_eq!(page.matches("class=\"card\"").count(), report::MOST_CARDS);
    assert!(page.contains("and 22 slides more in the manifest"));
    assert_eq!(page.matches("<img ").count(), report::MOST_CARDS + report::MOST_PICTURES);
    assert!(page.len() < 6 << 20, "{} bytes", page.len());
}

/// Python's parser walks the page; every tag that is opened is closed, in order, ids are unique,
/// links lead to them, every image has words and every table a head.
#[test]
fn the_page_is_well_formed_and_accessible() {
    let test = "the_page_is_well_formed_and_accessible";
    let Some(python) = common::python_or_skip(test, &["html.parser"]) else { return };
    let tiny = tiny(USUAL, 256);
    page(&tiny);
    let file = tiny.root.local().unwrap().join(report::REPORT);
    let script = common::root().join("tests/well_formed.py");
    let output = Command::new(python).arg(script).arg(file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
