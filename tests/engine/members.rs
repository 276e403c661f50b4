//! What a run promises of steps that speak of each member of a group, and of files that go with items:
//! `filter-background` over series of photos, `augment` with masks.

use std::fs;

use microtome::dataset::Root;
use microtome::engine::{Knobs, Layout, Shard, Summary, merge};
use microtome::image::{Image, png};
use microtome::manifest::Item;
use microtome::step::AnyStep;
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use crate::common::fixture;
use crate::tree::{assert_same, root, run, step, tree};

fn traps() -> String {
    fixture("traps").to_str().unwrap().into()
}

fn chain(params: Value) -> Vec<Box<dyn AnyStep>> {
    vec![step("scan", json!({"group_folder": 1})), step("filter-background", params)]
}

fn filtered(params: Value, knobs: &Knobs) -> (TempDir, Summary) {
    let out = tempdir().unwrap();
    let summary = run(&traps(), chain(params), &root(out.path()), knobs).unwrap();
    (out, summary)
}

fn rows(root: &Root) -> Vec<(Item, Value)> {
    let reader = root.manifest().unwrap();
    let schema = reader.schema().clone();
    let facts = |item: &Item| {
        let named = schema.facts.iter().map(|f| (f.name.clone(), item.value(&schema, &f.name)));
        Value::Object(named.collect())
    };
    reader.read_all().unwrap().into_iter().map(|item| (item.clone(), facts(&item))).collect()
}

#[test]
fn threads_shards_and_packs_do_not_matter_to_series() {
    for mode in ["flag", "drop", "crop", "mask"] {
        let params = json!({"mode": mode});
        let (one, summary) = filtered(params.clone(), &Knobs { threads: 1, ..Knobs::default() });
        assert_eq!(summary.failures, 0, "{mode}");
        // Two cameras; the night is no day apart from the morning.
        assert_eq!(summary.steps[1].units, 2, "{mode}");
        assert_eq!(summary.steps[1].items + summary.steps[1].dropped, 18, "{mode}");
        let (more, _) = filtered(params.clone(), &Knobs { threads: 7, ..Knobs::default() });
        assert_same(&tree(one.path()), &tree(more.path()), mode);

        let scanned = tempdir().unwrap();
        let scan = vec![step("scan", json!({"group_folder": 1}))];
        run(&traps(), scan, &root(scanned.path()), &Knobs::default()).unwrap();
        let input = scanned.path().to_str().unwrap();
        let filter = || vec![step("filter-background", params.clone())];
        let whole = tempdir().unwrap();
        run(input, filter(), &root(whole.path()), &Knobs::default()).unwrap();
        let parts: Vec<TempDir> = (0..2)
            .map(|index| {
                let part = tempdir().unwrap();
                let shard = Some(Shard { index, count: 2 });
                let knobs = Knobs { shard, ..Knobs::default() };
                run(input, filter(), &root(part.path()), &knobs).unwrap();
                part
            })
            .collect();
        let merged = tempdir().unwrap();
        let roots: Vec<Root> = parts.iter().map(|part| root(part.path())).collect();
        merge(&roots, &root(merged.path())).unwrap();
        let manifest = |folder: &TempDir| fs::read(folder.path().join("manifest.parquet")).unwrap();
        assert!(manifest(&whole) == manifest(&merged), "{mode}");

        let packed = Knobs { layout: Layout::Packs { bytes: 1 << 20 }, ..Knobs::default() };
        let (packs, _) = filtered(params, &packed);
        let digests = |folder: &TempDir| -> Vec<_> {
            rows(&root(folder.path())).into_iter().map(|(item, _)| (item.id, item.digest)).collect()
        };
        assert_eq!(digests(&one), digests(&packs), "{mode}");
    }
}

#[test]
fn deer_go_on_and_what_is_dropped_is_counted_and_recorded() {
    let (out, summary) = filtered(json!({"mode": "drop"}), &Knobs::default());
    let kept: Vec<String> = rows(&root(out.path())).into_iter().map(|(item, _)| item.id).collect();
    for deer in ["north/day-2", "north/day-3", "north/day-7", "north/night-3", "south/4"] {
        assert!(kept.contains(&format!("{deer}.jpg")), "{deer} is lost: {kept:?}");
    }
    assert!(summary.steps[1].dropped > 0, "nothing was found empty: {kept:?}");
    let dropped = fs::read_dir(out.path().join("records"))
        .unwrap()
        .map(|file| fs::read_to_string(file.unwrap().path()).unwrap())
        .map(|record| record.matches("_dropped\"").count() as u64)
        .sum::<u64>();
    assert_eq!(dropped, summary.steps[1].dropped);
    let why = microtome::lineage::why(&root(out.path()), "north/day-4.jpg").unwrap();
    assert_eq!(why.dropped.len(), 1);
    assert_eq!(why.dropped[0].facts["verdict"], "empty");
    assert!(why.to_string().contains("dropped by filter-background@"));
}

#[test]
fn another_photo_concerns_its_own_series_alone_and_a_broken_one_is_marked() {
    let input = tempdir().unwrap();
    for camera in ["north", "south"] {
        let to = input.path().join(camera);
        fs::create_dir(&to).unwrap();
        for file in fs::read_dir(fixture("traps").join(camera)).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }
    let (out, uri) = (tempdir().unwrap(), input.path().to_str().unwrap().to_string());
    let go = || run(&uri, chain(json!({})), &root(out.path()), &Knobs::default()).unwrap();
    assert_eq!(go().steps[1].made, 2);
    assert_eq!((go().steps[1].hits, go().steps[1].made), (2, 0));

    // Half a photo, with its header: it joins the series of its camera and hour.
    let whole = fs::read(fixture("traps/south/5.jpg")).unwrap();
    fs::write(input.path().join("south/6.jpg"), &whole[..whole.len() / 2]).unwrap();
    let summary = go();
    assert_eq!((summary.failures, summary.steps[1].hits, summary.steps[1].made), (0, 1, 1));
    let broken = rows(&root(out.path())).into_iter().find(|(item, _)| item.id == "south/6.jpg");
    assert_eq!(broken.unwrap().1["filter-background.corrupt"], true);

    // In another mode it can go no further, and the others do.
    let other = tempdir().unwrap();
    let chained = chain(json!({"mode": "crop"}));
    let summary = run(&uri, chained, &root(other.path()), &Knobs::default()).unwrap();
    let items: Vec<String> =
        rows(&root(other.path())).into_iter().map(|(item, _)| item.id).collect();
    assert!(items.iter().all(|id| !id.starts_with("south/6.jpg")));
    assert!(summary.steps[1].items >= 5);
}

/// A folder with a list: a photo of a white rectangle on black, its mask, its box.
fn annotated() -> TempDir {
    let folder = tempdir().unwrap();
    let inside = |n: usize| (20..50).contains(&(n % 80)) && (10..30).contains(&(n / 80));
    let grey = (0..80 * 60).map(|n| if inside(n) { 255 } else { 0 }).collect();
    let mask = (0..80 * 60).map(|n| u8::from(inside(n)) * 3).collect();
    let save = |name: &str, data: Vec<u8>| {
        let bytes = png::encode(&Image::from_u8(80, 60, 1, data).unwrap()).unwrap();
        fs::write(folder.path().join(name), bytes).unwrap();
    };
    save("photo.png", grey);
    save("mask.png", mask);
    let list = "path,mask,boxes\nphoto.png,mask.png,\"[[20,10,30,20,\"\"deer\"\"]]\"\n";
    fs::write(folder.path().join("list.csv"), list).unwrap();
    folder
}

#[test]
fn masks_and_boxes_go_along_and_a_changed_mask_is_another_input() {
    let input = annotated();
    let list = input.path().join("list.csv").to_str().unwrap().to_string();
    let policy = json!({"ops": [{"horizontal-flip": {"p": 1.0}}, {"rot90": {}}]});
    let chain =
        || vec![step("scan", json!({})), step("augment", json!({"policy": policy, "copies": 3}))];
    let out = tempdir().unwrap();
    let go = || run(&list, chain(), &root(out.path()), &Knobs::default()).unwrap();
    let summary = go();
    assert_eq!((summary.failures, summary.steps[1].items), (0, 3));
    let read =
        |path: &str| png::decode(&fs::read(out.path().join(path)).unwrap(), 1 << 20).unwrap();
    for (item, facts) in rows(&root(out.path())) {
        let (copy, mask) = (read(&item.path), read(facts["annotation.mask"].as_str().unwrap()));
        assert_eq!((copy.width_px(), copy.height_px()), (mask.width_px(), mask.height_px()));
        let white = copy.as_u8().unwrap().chunks_exact(copy.channels().into()).map(|p| p[0] > 127);
        let masked = mask.as_u8().unwrap().iter().map(|&m| m == 3);
        assert!(white.clone().eq(masked));
        let at: Vec<usize> =
            white.enumerate().filter(|(_, white)| *white).map(|(n, _)| n).collect();
        let width = copy.width_px() as usize;
        let left = at.iter().map(|n| n % width).min().unwrap();
        let right = at.iter().map(|n| n % width).max().unwrap() + 1;
        let (top, below) = (at[0] / width, at[at.len() - 1] / width + 1);
        let boxes: Value =
            serde_json::from_str(facts["annotation.boxes"].as_str().unwrap()).unwrap();
        let drawn = json!([[left, top, right - left, below - top, "deer"]]);
        assert_eq!(boxes.to_string().replace(".0", ""), drawn.to_string());
    }
    assert_eq!(go().steps[1].hits, 1);
    let mask = vec![3; 80 * 60];
    let mask = png::encode(&Image::from_u8(80, 60, 1, mask).unwrap()).unwrap();
    fs::write(input.path().join("mask.png"), mask).unwrap();
    assert_eq!(go().steps[1].made, 1);
    fs::remove_file(input.path().join("mask.png")).unwrap();
    let summary = go();
    assert_eq!((summary.failures, summary.steps[1].items), (1, 0));
}
