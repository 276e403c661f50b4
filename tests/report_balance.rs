//! What the report says of classes, splits and groups: on the page, in `report.json`, and as a browser shows
//! it.

mod browser;
mod common;
mod skewed;
mod tiny;

use std::path::Path;
use std::process::Command;

use microtome::report;
use serde_json::Value;
use skewed::{CELLS, Cell, at, balance, plain, sampled};
use tiny::Tiny;

fn written(tiny: &Tiny) -> (String, Value) {
    report::write(&tiny.root, &tiny.summary, tiny.root.manifest().unwrap()).unwrap();
    let page = String::from_utf8(tiny.root.read(report::REPORT).unwrap().unwrap()).unwrap();
    let numbers = tiny.root.read(report::NUMBERS).unwrap().unwrap();
    (page, serde_json::from_slice(&numbers).unwrap())
}

/// The section of the page with this id.
fn section<'a>(page: &'a str, id: &str) -> &'a str {
    let from = page.find(&format!("<section id=\"{id}\"")).unwrap_or_else(|| panic!("no {id}"));
    page[from..].split("</section>").next().unwrap()
}

#[test]
fn skew_is_shown_before_and_after_in_words_and_in_bars() {
    let (page, _) = written(&sampled());
    let shown = section(&page, "balance");
    for words in [
        // 760 normal, 106 necrosis, 25 tumor: 30.4 to 1; then 250, 101, 95.
        "<b>Before sample: </b>891 rows in 3 classes; the commonest (“normal”, 760) has 30.4 times the rows of the rarest (“tumor”, 25).",
        "<b>Now: </b>446 rows in 3 classes; the commonest (“normal”, 250) has 2.63 times the rows of the rarest (“tumor”, 95).",
        "30.4 : 1",
        "2.63 : 1",
        // The step's own note, its text untouched and out of harm's way.
        "<b>sample: </b>the class <code>tumor</code> has 90 rows where 200 were &lt;wanted&gt;",
        "val: the commonest class has 30 times the rows of the rarest: <code>normal</code> 90, <code>tumor</code> 3 rows",
        "val: no row of class <code>necrosis</code>",
        "What sample says",
        "its &lt;cap&gt; was met",
        "298",
    ] {
        assert!(shown.contains(words), "{words:?} is missing in {shown}");
    }
    // One chart for all rows, one for each split, one for each of six groups.
    let charts = shown.matches("role=\"img\"").count();
    assert_eq!(charts, 1 + 3 + 6, "{shown}");
    assert_eq!(shown.matches("aria-label=\"patient-").count(), 6);
    assert_eq!(shown.matches("<svg ").count(), charts);
    // Two colours of bars, and nothing else that draws.
    assert!(shown.contains("fill=\"#5A3D8C\"") && shown.contains("fill=\"#B0A8BE\""));
}

#[test]
fn a_run_that_balanced_nothing_shows_its_rare_class_all_the_same() {
    let cells: Vec<Cell<'_>> = CELLS.iter().map(|(cell, _)| (cell.0, "", cell.2, cell.3)).collect();
    let (page, numbers) = written(&plain(&cells));
    let shown = section(&page, "balance");
    assert!(shown.contains("class=\"warnings\""));
    assert!(shown.contains("<code>normal</code> 760, <code>tumor</code> 25 rows"), "{shown}");
    assert!(shown.contains("No step of this run balanced classes"));
    assert!(!shown.contains("Before"));
    assert!(page.contains("skewed 30.4 to 1"));
    assert_eq!(*at(&numbers, "/classes/now/labels/tumor"), 25);
    assert_eq!(*at(&numbers, "/classes/before"), Value::Null);
    // A balanced one says nothing of the kind.
    let even = [("a", "", "g", 20), ("b", "", "h", 30)];
    let (page, numbers) = written(&plain(&even));
    assert!(!page.contains("class=\"warnings\"") && !page.contains("#balance\">skewed"));
    assert_eq!(at(&numbers, "/classes/warnings").as_array().unwrap().len(), 0);
}

#[test]
fn the_numbers_are_those_of_the_page_and_of_the_run() {
    let tiny = sampled();
    let (page, numbers) = written(&tiny);
    assert_eq!(*at(&numbers, "/report"), report::FORMAT);
    let same = |path: &str, wanted: &dyn erased::Json| {
        assert_eq!(*at(&numbers, path), wanted.json(), "{path}");
    };
    same("/classes/before", &balance().before);
    same("/classes/now", &balance().after);
    same("/items", &446);
    same("/failures", &1);
    for (index, step) in tiny.summary.steps.iter().enumerate() {
        let path = |name: &str| format!("/steps/{index}/{name}");
        same(&path("manifest"), &step.manifest);
        same(&path("follows_from"), &step.follows_from);
        same(&path("seconds"), &step.seconds);
        same(&path("bytes_out"), &step.bytes_out);
        same(&path("notes"), &step.notes);
        same(&path("findings"), &step.findings);
        for digest in [step.manifest, step.follows_from] {
            assert!(page.contains(&digest.to_string()));
        }
    }
    // Rows of the page's tables: every class, split and group with its count.
    let cell = |name: &str, n: u64| {
        let row = format!("<th scope=\"row\">{name}</th>");
        let rows = section(&page, "balance").split(&row).skip(1);
        let mut rows = rows.map(|rest| rest.split("</tr>").next().unwrap());
        assert!(rows.any(|row| row.contains(&format!(">{n}<"))), "{name} {n}");
    };
    for (label, rows) in at(&numbers, "/classes/now/labels").as_object().unwrap() {
        cell(label, rows.as_u64().unwrap());
    }
    for (label, rows) in at(&numbers, "/classes/before/labels").as_object().unwrap() {
        cell(label, rows.as_u64().unwrap());
    }
    for group in at(&numbers, "/classes/now/largest_groups").as_array().unwrap() {
        cell(group["group"].as_str().unwrap(), group["rows"].as_u64().unwrap());
    }
    for (split, share) in at(&numbers, "/classes/now/splits").as_object().unwrap() {
        let n = share["rows"].as_u64().unwrap();
        let head = format!("<th scope=\"row\">{split}</th>");
        let mut rows = section(&page, "balance").split(&head).skip(1);
        let of_row = |rest: &str| rest.split("</tr>").next().unwrap().contains(&n.to_string());
        assert!(rows.any(of_row), "{split}");
    }
    // Histograms hold every row that was measured, and their bins are the page's.
    let coverage = &at(&numbers, "/histograms").as_array().unwrap()[0];
    assert_eq!(coverage["column"], "tile.tissue_fraction");
    assert_eq!(coverage["count"], 446);
    for n in coverage["bins"].as_array().unwrap().iter().filter(|n| **n != 0) {
        assert!(
            section(&page, "distributions").contains(&format!("<td class=\"number\">{n}</td>"))
        );
    }
    let failure = &at(&numbers, "/failure_list").as_array().unwrap()[0];
    assert_eq!(failure["remedy"], "get a sound copy");
    let changed = at(&numbers, "/steps/1/changed").as_array().unwrap();
    assert!(
        changed.contains(&Value::from("tile_px")) || tiny.summary.steps[1].params["tile_px"] == 256
    );
    // The same dataset and summary: the same bytes.
    assert_eq!((page, numbers), written(&tiny));
}

/// What any value is as JSON.
mod erased {
    pub trait Json {
        fn json(&self) -> serde_json::Value;
    }
    impl<T: serde::Serialize> Json for T {
        fn json(&self) -> serde_json::Value {
            serde_json::to_value(self).unwrap()
        }
    }
}

#[test]
fn the_contact_sheet_has_a_row_for_the_rarest_class_and_for_the_commonest() {
    let names: Vec<String> = (0..40).map(|n| format!("class-{n:02}")).collect();
    let cells: Vec<Cell<'_>> = names
        .iter()
        .enumerate()
        .map(|(n, name)| (name.as_str(), "", "", 2 + 3 * (39 - n)))
        .collect();
    let tiny = plain(&cells);
    let (page, numbers) = written(&tiny);
    let shown = section(&page, "sheet");
    let rows: Vec<&str> = shown.split("<div class=\"class\">").skip(1).collect();
    assert_eq!(rows.len(), 8);
    for (row, class) in rows.iter().zip([0, 1, 2, 3, 4, 37, 38, 39]) {
        assert!(row.starts_with(&format!("<h3 title=\"class-{class:02}\">")), "{row}");
        // Six of each, and of the rarest the two that there are.
        let pictures = row.matches("<img ").count();
        assert_eq!(pictures, if class == 39 { 2 } else { 6.min(2 + 3 * (39 - class)) }, "{class}");
    }
    assert!(shown.contains("and 32 classes between"));
    let sheet = at(&numbers, "/sheet").as_array().unwrap();
    assert_eq!(sheet.len(), shown.matches("<img ").count());
    // Rows in another order: the same pictures.
    let mut turned = tiny.items.clone();
    turned.reverse();
    tiny.root.replace("manifest.parquet", &tiny::manifest(&tiny::tile_schema(), &turned)).unwrap();
    let ids = |numbers: &Value| {
        let mut ids: Vec<String> =
            at(numbers, "/sheet").as_array().unwrap().iter().map(|s| s["id"].to_string()).collect();
        ids.sort();
        ids
    };
    assert_eq!(ids(&written(&tiny).1), ids(&numbers));
}

#[test]
fn a_thousand_long_hostile_names_stay_bounded_whole_and_harmless() {
    let names: Vec<String> = (0..1500)
        .map(|n| format!("{n:04} <script>alert(\"x\")</script> & \u{202e}{}", "ö".repeat(300)))
        .collect();
    let cells: Vec<Cell<'_>> = names
        .iter()
        .enumerate()
        .map(|(n, name)| {
            (name.as_str(), ["train", "val"][n % 2], name.as_str(), 1 + 20_usize.saturating_sub(n))
        })
        .collect();
    let (page, numbers) = written(&plain(&cells));
    assert!(!page.contains("<script"));
    let shown = section(&page, "balance");
    // The chart names the commonest and the rarest, cut; their whole names stand in titles.
    let whole = |n: usize| maud_escaped(&names[n]);
    assert!(
        shown.contains(&format!("<title>{}</title>0000 &lt;script…", whole(0))),
        "{}",
        &shown[..3000]
    );
    assert!(shown.contains("and 1,488 classes between"));
    assert_eq!(*at(&numbers, "/classes/now/classes"), 1500);
    assert_eq!(at(&numbers, "/classes/now/labels").as_object().unwrap().len(), 1000);
    assert!(page.len() < 3 << 20, "{} bytes", page.len());
}

fn maud_escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn microtome(args: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_microtome")).args(args).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_command_writes_what_the_run_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    let slides = common::fixture("slides").to_str().unwrap().to_string();
    let (code, _, err) = microtome(&["tile", &slides, "-o", &place("out"), "--max-failures", "5"]);
    assert_eq!(code, Some(0), "{err}");
    let names = ["report.html", "report.json"];
    let by_the_run = names.map(|name| read(&format!("out/{name}")));
    for name in names {
        std::fs::write(folder.path().join("out").join(name), "lost").unwrap();
    }
    let (code, out, err) = microtome(&["report", &place("out")]);
    assert_eq!((code, out.lines().count()), (Some(0), 2), "{err}");
    assert!(names.map(|name| read(&format!("out/{name}"))) == by_the_run);
    // Into another folder, and under another name.
    let (code, _, err) = microtome(&["report", &place("out"), "-o", &place("other")]);
    assert_eq!(code, Some(0), "{err}");
    assert!(read("other/report.json") == by_the_run[1]);
    let (code, _, err) = microtome(&["report", &place("out"), "-o", &place("other/mine.html")]);
    assert_eq!(code, Some(0), "{err}");
    assert!(read("other/mine.html") == by_the_run[0] && read("other/mine.json") == by_the_run[1]);
    // The files belong to the dataset: nothing that checks it stumbles over them.
    let (code, out, err) = microtome(&["check", &place("out"), "--json"]);
    assert_eq!(code, Some(0), "{err}");
    assert_eq!(*at(&serde_json::from_str(&out).unwrap(), "/orphan_count"), 0);
    // What is no dataset is said to be none.
    let (code, _, err) = microtome(&["report", &slides]);
    assert_eq!(code, Some(2));
    assert!(err.contains("holds no manifest"), "{err}");
    // Somebody's own report.json is not written over.
    std::fs::create_dir(folder.path().join("theirs")).unwrap();
    std::fs::write(folder.path().join("theirs/report.json"), "{}").unwrap();
    let (code, _, err) = microtome(&["tile", &slides, "-o", &place("theirs")]);
    assert_eq!(code, Some(2));
    assert!(err.contains("choose another folder"), "{err}");
    assert_eq!(read("theirs/report.json"), b"{}");
}

#[test]
fn the_page_of_a_balanced_run_is_well_formed_and_accessible() {
    let test = "the_page_of_a_balanced_run_is_well_formed_and_accessible";
    let Some(python) = common::python_or_skip(test, &["html.parser"]) else { return };
    let tiny = sampled();
    written(&tiny);
    let file = tiny.root.local().unwrap().join(report::REPORT);
    let script = common::root().join("tests/well_formed.py");
    let output = Command::new(python).arg(script).arg(file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Frames of the widths of a phone and of a desk around a report.
fn frames(folder: &Path) -> std::path::PathBuf {
    let script = std::fs::read_to_string(common::root().join("tests/report_look.js")).unwrap();
    let frame = |width: u32| {
        format!(
            "<iframe src=\"report.html\" width=\"{width}\" height=\"4000\" style=\"border:0\"></iframe>"
        )
    };
    let page = format!(
        "<!doctype html><meta charset=utf-8><style>body{{margin:0}}</style><pre id=result></pre>{}{}<script>{script}</script>",
        frame(390),
        frame(1280)
    );
    let file = folder.join("frames.html");
    std::fs::write(&file, page).unwrap();
    file
}

/// A browser lays the page out: nothing sticks out at the width of a phone or of a desk, folds open, bars have
/// the colours of light and of dark, all words can be read, and nothing is loaded.
#[test]
fn a_browser_shows_it_on_a_phone_and_on_a_desk_in_light_and_in_dark() {
    let test = "a_browser_shows_it_on_a_phone_and_on_a_desk_in_light_and_in_dark";
    let Some(browser) = browser::or_skip(test) else { return };
    let tiny = sampled();
    written(&tiny);
    let folder = tiny.root.local().unwrap();
    let file = frames(folder);
    let schemes =
        [(1, false, [90, 61, 140], [251, 250, 248]), (0, true, [169, 139, 224], [21, 19, 24])];
    for (scheme, dark, bar, ground) in schemes {
        let setting = format!("--blink-settings=preferredColorScheme={scheme}");
        let dom =
            browser::open(&browser, &file, &[&setting, "--dump-dom", "--window-size=1700,4200"]);
        let result =
            dom.split("<pre id=\"result\">").nth(1).unwrap().split("</pre>").next().unwrap();
        let result = result.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">");
        let looks: Value =
            serde_json::from_str(&result).unwrap_or_else(|e| panic!("{e}: {result}"));
        assert_eq!(looks.as_array().map(Vec::len), Some(2));
        for (look, width) in looks.as_array().unwrap().iter().zip([390, 1280]) {
            let is = |name: &str, wanted: Value| {
                assert_eq!(look[name], wanted, "{name} {dark} {look:#}")
            };
            is("width", width.into());
            is("dark", dark.into());
            for state in ["folded", "open"] {
                assert!(look[state]["scroll"].as_u64().unwrap() <= width, "{state} {look:#}");
                assert_eq!(look[state]["wide"], Value::Array(vec![]), "{state} {look:#}");
            }
            assert!(look["details"].as_u64().unwrap() > 5, "{look:#}");
            is("opened", look["details"].clone());
            is("outside", Value::Array(vec![]));
            assert!(look["texts"].as_u64().unwrap() > 60, "{look:#}");
            assert!(look["smallest"].as_f64().unwrap() >= 11.0, "{look:#}");
            is("bar", bar.to_vec().into());
            is("ground", ground.to_vec().into());
            assert!(look["bar_contrast"].as_f64().unwrap() >= 3.0, "{look:#}");
            assert!(look["between"].as_f64().unwrap() >= 1.5, "{look:#}");
            is("faint", Value::Array(vec![]));
            is("skip", serde_json::json!(["skip", true, true]));
            is("loaded", Value::Array(vec![]));
        }
        // What is really painted: bars in their colour, and nothing but the ground at the right edge.
        let shot = folder.join("shot.png");
        let flag = format!("--screenshot={}", shot.display());
        let phone = folder.join("phone.html");
        std::fs::write(&phone, "<!doctype html><style>body{margin:0}</style><iframe src=\"report.html\" width=\"390\" height=\"3000\" style=\"border:0\"></iframe>").unwrap();
        browser::open(&browser, &phone, &[&setting, &flag, "--window-size=600,3000"]);
        let picture = image::open(&shot).unwrap().to_rgb8();
        let painted = picture.pixels().filter(|p| p.0.map(i32::from) == bar).count();
        assert!(painted > 2000, "{painted} pixels of the bars' colour, dark: {dark}");
        let edge = (0..picture.height().min(3000))
            .filter(|y| picture.get_pixel(388, *y).0.map(i32::from) != ground);
        assert_eq!(edge.count(), 0, "something is painted at the right edge, dark: {dark}");
    }
}
