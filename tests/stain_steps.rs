//! The stain steps as a user has them: what they make of other programs' images, of real slides, and of
//! images on which other programs break.

mod common;

use std::path::{Path, PathBuf};

use microtome::digest::Digest;
use microtome::engine::{self, Knobs, Plan, Silent};
use microtome::image::{Image, photo};
use microtome::manifest::Item;
use microtome::pipeline;
use microtome::stain::{Profile, angle_deg};
use microtome::step::{AnyInput, AnyStep, Collected, Crew, Source};
use microtome::steps;
use microtome::{Error, Result};
use serde_json::{Map, Value, json};

const METHODS: [&str; 5] = ["macenko", "vahadane", "reinhard", "reinhard-modified", "ruifrok"];

/// The folder of images and reference outputs of other programs, or the report that a test is skipped.
fn stains(test: &str) -> Option<PathBuf> {
    common::stain_or_skip(test)
}

/// A step with params as a user writes them: files are named, and inlined.
fn step(name: &str, params: Value) -> Box<dyn AnyStep> {
    let Value::Object(given) = params else { panic!("{params} is no map") };
    made(name, given).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn made(name: &str, given: Map<String, Value>) -> Result<Box<dyn AnyStep>> {
    let read = |path: &str| std::fs::read(path).map_err(|e| Error::store(path, e));
    pipeline::make(steps::find(name).unwrap(), given, &|field| field.into(), &read)
}

fn run(step: &dyn AnyStep, bytes: Vec<u8>) -> Result<Collected> {
    let mut made = Collected::default();
    let source = AnyInput::Source(Source::from_bytes(bytes));
    step.run(source, &mut made, &Crew::new(1)?).map(|()| made)
}

fn decode(bytes: &[u8]) -> Image {
    photo::decode(bytes, 1 << 28).unwrap()
}

fn pixels(image: &Image) -> &[u8] {
    image.as_u8().unwrap()
}

fn text(path: &Path) -> Value {
    path.to_str().unwrap().into()
}

/// Share of equal bytes, and the largest difference.
fn difference(a: &[u8], b: &[u8]) -> (f64, u8) {
    assert_eq!(a.len(), b.len());
    let equal = a.iter().zip(b).filter(|(a, b)| a == b).count();
    let largest = a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0);
    (equal as f64 / a.len() as f64, largest)
}

#[test]
fn a_folder_of_images_towards_an_image_is_what_torchstain_makes() {
    let test = "a_folder_of_images_towards_an_image_is_what_torchstain_makes";
    let Some(stains) = stains(test) else { return };
    let pairs = [("ts_source", "ts_target"), ("cmu_512_10pct", "tia_target")];
    let peers = [
        ("macenko", "torchstain_np_macenko"),
        ("reinhard", "torchstain_np_reinhard"),
        ("reinhard-modified", "torchstain_np_reinhard_modified"),
        ("ruifrok", "tiatoolbox_ruifrok"),
    ];
    for (source, target) in pairs {
        let image = |name: &str| stains.join("images").join(format!("{name}.png"));
        for (method, peer) in peers {
            let params =
                json!({"method": method, "source": "image", "target": text(&image(target))});
            let made =
                run(&*step("stain-normalize", params), std::fs::read(image(source)).unwrap());
            let made = made.unwrap();
            assert_eq!(made.items[0].facts["source"], "image", "{source} {method}");
            let theirs = stains.join(format!("reference/{source}__to__{target}/{peer}.png"));
            let (ours, theirs) = (decode(&made.items[0].bytes), std::fs::read(theirs).unwrap());
            let (equal, largest) = difference(pixels(&ours), pixels(&decode(&theirs)));
            assert!(equal >= 0.999 && largest <= 1, "{source} {method}: {equal}, {largest}");
        }
    }
}

/// Runs every method on an image that has no stains of its own, in every way that it may be met.
fn unharmed(test: &str, name: &str) {
    let Some(stains) = stains(test) else { return };
    let bytes = std::fs::read(stains.join("images").join(name)).unwrap();
    let before = decode(&bytes);
    let target = text(&stains.join("images/tia_target.png"));
    for method in METHODS {
        let with = |on_degenerate: &str| {
            let params = json!({
                "method": method, "source": "image", "target": target, "on_degenerate": on_degenerate,
            });
            run(&*step("stain-normalize", params), bytes.clone())
        };
        let passed = with("pass").unwrap();
        let facts = &passed.items[0].facts;
        assert_eq!(facts["source"], "none", "{method}");
        assert!(facts["status"] != "ok" && facts["status"].is_string(), "{method}: {facts:?}");
        assert!(decode(&passed.items[0].bytes) == before, "{method}: it was to stay as it is");

        let failed = with("fail").unwrap_err();
        assert_eq!(failed.kind(), "unsupported", "{method}: {failed}");

        // By default the reference stands in (Reinhard has none: the image stays as it is).
        let stood_in = with("slide").unwrap();
        let is_reinhard = method.starts_with("reinhard");
        let used = if is_reinhard { "none" } else { "reference" };
        assert_eq!(stood_in.items[0].facts["source"], used, "{method}");
        let after = decode(&stood_in.items[0].bytes);
        // What was as bright as background is still: neither purple, nor pink, nor black.
        let pairs =
            pixels(&before).as_chunks::<3>().0.iter().zip(pixels(&after).as_chunks::<3>().0);
        for (before, after) in pairs {
            let bright = before.iter().all(|v| *v >= 225);
            assert!(!bright || after.iter().all(|v| *v >= 205), "{method}: {before:?} {after:?}");
            assert!(before != &[0; 3] || after.iter().all(|v| *v <= 60), "{method}: {after:?}");
        }
    }
}

macro_rules! unharmed {
    ($($test:ident: $name:literal,)*) => {$(
        #[test]
        fn $test() {
            unharmed(stringify!($test), $name);
        }
    )*};
}

// The rows on which every other program that was tried fails, or paints an empty image purple.
unharmed! {
    a_blank_real_tile_is_unharmed: "cmu_256_sparse.png",
    pure_white_is_unharmed: "syn_white.png",
    grey_glass_is_unharmed: "syn_gray240.png",
    an_almost_white_tile_is_unharmed: "histolab_almost_white_1.png",
    noisy_white_is_unharmed: "syn_noisy_white.png",
    black_is_unharmed: "syn_black.png",
    flat_purple_is_unharmed: "syn_flat_purple.png",
    one_pixel_of_tissue_is_unharmed: "syn_one_px.png",
    three_pixels_of_tissue_are_unharmed: "syn_three_px.png",
}

#[test]
fn a_tenth_of_tissue_is_enough() {
    let Some(stains) = stains("a_tenth_of_tissue_is_enough") else { return };
    let bytes = std::fs::read(stains.join("images/cmu_512_10pct.png")).unwrap();
    for method in METHODS {
        let target = text(&stains.join("images/tia_target.png"));
        let params = json!({"method": method, "source": "image", "target": target});
        let made = run(&*step("stain-normalize", params), bytes.clone()).unwrap();
        assert_eq!(made.items[0].facts["source"], "image", "{method}");
        assert_eq!(made.items[0].facts["status"], "ok", "{method}");
    }
}

#[test]
fn kept_background_is_kept_byte_for_byte() {
    let Some(stains) = stains("kept_background_is_kept_byte_for_byte") else { return };
    let bytes = std::fs::read(stains.join("images/cmu_512.png")).unwrap();
    let before = decode(&bytes);
    let is_tissue = |p: &&[u8; 3]| p.iter().all(|v| *v <= 205);
    let tissue = pixels(&before).as_chunks::<3>().0.iter().filter(is_tissue).count();
    for method in ["macenko", "reinhard"] {
        let target = text(&stains.join("images/tia_target.png"));
        let params = json!({
            "method": method, "source": "image", "target": target, "keep_background": true,
        });
        let made = run(&*step("stain-normalize", params), bytes.clone()).unwrap();
        let after = decode(&made.items[0].bytes);
        let mut changed = 0;
        let pairs =
            pixels(&before).as_chunks::<3>().0.iter().zip(pixels(&after).as_chunks::<3>().0);
        for (before, after) in pairs {
            assert!(is_tissue(&before) || before == after, "{before:?} {after:?}");
            changed += usize::from(before != after);
        }
        assert!(changed * 10 > tissue * 9, "{changed} of {tissue} tissue pixels changed");
    }
}

/// Fits of a slide's patches: items of the manifest, and the profile of one.
fn fitted(input: &str, out: &Path, params: Value) -> (Vec<Item>, Profile) {
    let root = microtome::dataset::Root::open(out.to_str().unwrap()).unwrap();
    let steps = vec![step("fit-stain", params)];
    let knobs = Knobs { threads: 2, ..Knobs::default() };
    let plan = Plan { input: input.into(), steps, out: root.clone() };
    engine::run(&plan, &knobs, &Crew::new(2).unwrap(), &Silent).unwrap();
    let reader = root.manifest().unwrap();
    let at = reader.schema().fact("fit-stain.profile").unwrap();
    let items = reader.read_all().unwrap();
    let profile = serde_json::from_str(items[0].facts[at].as_str().unwrap()).unwrap();
    (items, profile)
}

#[test]
fn a_sample_of_a_real_slide_is_within_a_degree_of_all_of_it() {
    let test = "a_sample_of_a_real_slide_is_within_a_degree_of_all_of_it";
    let Some(data) = common::data_or_skip(test) else { return };
    let slide = data.join("wsi/aperio/cmu-1-small-region.svs");
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let tiled = microtome::dataset::Root::open(at("tiled").to_str().unwrap()).unwrap();
    let steps = vec![
        step("scan", json!({})),
        step("tile", json!({"level": 0, "tile_px": 256, "min_tissue": 0.1})),
    ];
    let plan = Plan { input: slide.to_str().unwrap().into(), steps, out: tiled };
    engine::run(&plan, &Knobs::default(), &Crew::new(2).unwrap(), &Silent).unwrap();
    let input = at("tiled").to_str().unwrap().to_string();
    let (items, all) = fitted(&input, &at("all"), json!({"sample_px": 1_000_000_000}));
    let stains = |profile: &Profile| profile.stains.unwrap();
    for (name, sample_px) in [("more", 300_000), ("least", 100_000)] {
        let (_, sampled) = fitted(&input, &at(name), json!({"sample_px": sample_px}));
        assert!(sampled.tissue_px >= 100_000 && sampled.tissue_px < all.tissue_px);
        for stain in 0..2 {
            let (a, b) = (stains(&sampled), stains(&all));
            let angle = angle_deg(&a.matrix[stain], &b.matrix[stain]);
            assert!(angle < 1.0, "stain {stain} of {sample_px} pixels is off by {angle}°");
            let ratio = a.max_concentrations[stain] / b.max_concentrations[stain];
            assert!((ratio - 1.0).abs() < 0.04, "{ratio}");
        }
    }
    // The whole slide in one patch has the same pixels, and so the same profile but for the counts.
    let digests: Vec<Digest> = items.iter().map(|item| item.digest).collect();
    assert_eq!(all.images as usize, digests.len());
    let (_, cohort) =
        fitted(&input, &at("cohort"), json!({"per": "cohort", "sample_px": 1_000_000_000}));
    assert_eq!(all, cohort, "a cohort of one slide is that slide");
}

#[test]
fn several_targets_and_a_profile_are_targets() {
    let Some(stains) = stains("several_targets_and_a_profile_are_targets") else { return };
    let image = |name: &str| text(&stains.join("images").join(name));
    let profile = |step: &dyn AnyStep| -> Profile {
        serde_json::from_value(step.params()["target"].clone()).unwrap()
    };
    let two = json!([image("tia_target.png"), image("ts_target.png")]);
    for several in ["avg-post", "concat", "avg-pre"] {
        let params = json!({"source": "image", "target": two, "several": several});
        let made = profile(&*step("stain-normalize", params));
        assert_eq!((made.images, made.method), (2, microtome::stain::Method::Macenko), "{several}");
    }
    // A profile that one step shows is what another takes.
    let one = step("fit-stain", json!({"target": image("tia_target.png")}));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("profile.json");
    std::fs::write(&file, serde_json::to_vec_pretty(&one.params()["target"]).unwrap()).unwrap();
    let params = json!({"source": "image", "target": text(&file)});
    assert_eq!(profile(&*one), profile(&*step("stain-normalize", params)));

    let refused = |target: Value| -> String {
        let given = json!({"source": "image", "target": target}).as_object().unwrap().clone();
        match made("stain-normalize", given).map(|_| ()) {
            Err(error @ Error::Params { .. }) => error.to_string(),
            other => panic!("{other:?}"),
        }
    };
    assert!(refused(image("syn_white.png")).contains("too few tissue pixels"));
    assert!(
        refused(json!([image("tia_target.png"), text(&file)]))
            .contains("one profile, or one or more")
    );
    for (words, from, to) in [
        ("io", "240.0", "1e308"),
        ("matrix", "\"matrix\": [", "\"matrix\": [[0, 0, 0], [0, 0, 0]], \"x\": ["),
        ("no stain profile", "\"profile\": 1", "\"profile\": 1, \"more\": 2"),
        ("negative", "\"matrix\": [\n      [\n        0.", "\"matrix\": [\n      [\n        -9."),
    ] {
        let text_of = std::fs::read_to_string(&file).unwrap();
        let hostile = folder.path().join("hostile.json");
        std::fs::write(&hostile, text_of.replacen(from, to, 1)).unwrap();
        let message = refused(text(&hostile));
        assert!(message.contains(words) || message.contains("no stain profile"), "{message}");
    }
}

/// What a chain of these steps is told before any work.
fn checked(steps: Vec<Box<dyn AnyStep>>) -> Result<()> {
    let out = tempfile::tempdir().unwrap();
    let root = microtome::dataset::Root::open(out.path().join("out").to_str().unwrap()).unwrap();
    let input = common::fixture("stains").to_str().unwrap().into();
    engine::check(&Plan { input, steps, out: root }, &Knobs::default())
}

#[test]
fn a_chain_that_cannot_work_is_refused_before_any_work() {
    let chain = |fit: Value, normalize: Value| {
        let steps = [("scan", json!({})), ("fit-stain", fit), ("stain-normalize", normalize)];
        checked(steps.into_iter().map(|(name, params)| step(name, params)).collect())
    };
    let field = |result: Result<()>| match result {
        Err(Error::Params { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    chain(json!({}), json!({})).unwrap();
    chain(json!({"method": "vahadane"}), json!({"method": "vahadane"})).unwrap();
    assert_eq!(field(chain(json!({"method": "vahadane"}), json!({}))), "method");
    let reinhard = || json!({"method": "reinhard"});
    assert_eq!(field(chain(reinhard(), reinhard())), "target");
    let alone = checked(vec![step("scan", json!({})), step("stain-normalize", json!({}))]);
    let message = alone.unwrap_err().to_string();
    assert!(message.contains("source: image"), "{message}");
    // One that takes nothing from the fit may do as it likes.
    let Some(stains) = common::stain_or_skip("a_chain_that_cannot_work_is_refused_before_any_work")
    else {
        return;
    };
    let target = text(&stains.join("images/tia_target.png"));
    chain(json!({"method": "vahadane"}), json!({"source": "fixed", "target": target})).unwrap();
}

#[test]
fn without_a_target_reinhard_fails_and_does_not_pass_pixels_off_as_normalized() {
    let bytes = std::fs::read(common::fixture("stains/lab-a/one.png")).unwrap();
    let profile = json!({
        "profile": 1, "method": "reinhard", "version": "1.0.0",
        "lab": {"mean": [65.0, 28.0, -14.0], "std": [15.0, 9.0, 6.0]},
        "images": 1, "pixels": 1, "tissue_px": 1,
    });
    let source =
        Source::from_bytes(bytes).with_column("fit-stain.profile", profile.to_string().into());
    let normalize = step("stain-normalize", json!({"method": "reinhard"}));
    let mut made = Collected::default();
    let result = normalize.run(AnyInput::Source(source), &mut made, &Crew::new(1).unwrap());
    assert!(matches!(result, Err(Error::Params { field, .. }) if field == "target"));
    assert!(made.items.is_empty());
}

#[test]
fn items_of_another_dataset_are_checked_with_the_sources() {
    let input = tempfile::tempdir().unwrap();
    for name in ["one.png", "two.png"] {
        std::fs::copy(common::fixture("stains/lab-a").join(name), input.path().join(name)).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let root = |name: &str| {
        microtome::dataset::Root::open(folder.path().join(name).to_str().unwrap()).unwrap()
    };
    let crew = Crew::new(2).unwrap();
    let go = |input: &Path, steps, out: &str| {
        let plan = Plan { input: input.to_str().unwrap().into(), steps, out: root(out) };
        engine::run(&plan, &Knobs::default(), &crew, &Silent).unwrap();
    };
    let normalize = step("stain-normalize", json!({"source": "fixed"}));
    go(input.path(), vec![step("scan", json!({})), normalize], "normalized");
    go(&folder.path().join("normalized"), vec![step("fit-stain", json!({}))], "fitted");
    let check = || microtome::lineage::check(&root("fitted"), &crew, true, &mut |_| {}).unwrap();
    let sound = check();
    assert!(sound.is_sound() && sound.sources == 4, "{sound:?}");
    let item = &root("fitted").manifest().unwrap().read_all().unwrap()[0];
    std::fs::write(&item.path, b"something else").unwrap();
    let broken = check();
    assert_eq!(broken.problem_count, 1, "{broken:?}");
    assert_eq!(broken.problems[0].path, item.path);
}
