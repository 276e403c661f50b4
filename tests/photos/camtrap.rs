//! `filter-background` on real photos of camera traps, against what the files' own tables say.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use microtome::image::jpeg::{self, Subsampling};
use microtome::image::{Image, exif};
use microtome::step::MemberWhat;
use microtome::steps::filter_background::{Background, Params, Scene};
use microtome::steps::photo;
use serde_json::{Value, json};

use super::background::{Photo, Walk, facts, run};
use super::common::data_or_skip;

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("jpg")) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// A photo with the time that `scan` would give it.
fn photo_of(path: &Path) -> Photo {
    let bytes = std::fs::read(path).unwrap();
    let time = exif::read(&bytes).time.unwrap_or_default();
    Photo::new(bytes, &time)
}

fn verdicts(params: &Params, photos: &[Photo]) -> Vec<String> {
    run(params, photos, 2).iter().map(|w| facts(w)["verdict"].as_str().unwrap().into()).collect()
}

/// How many of the photos with and without an animal were called what.
fn table(name: &str, truth: &[bool], said: &[String]) -> [[usize; 3]; 2] {
    let words = ["animal-likely", "uncertain", "empty"];
    let count = |animal: bool, word: &str| {
        truth.iter().zip(said).filter(|(t, s)| **t == animal && s.as_str() == word).count()
    };
    let counts = [true, false].map(|animal| words.map(|word| count(animal, word)));
    let [[hit, unsure, lost], [alarm, kept, right]] = counts;
    let share = |a: usize, b: usize| {
        if b == 0 { "-".into() } else { format!("{:.3}", a as f64 / b as f64) }
    };
    let line = format!(
        "{name}\tanimals: {hit} likely, {unsure} uncertain, {lost} lost; without: {alarm} alarms, {kept} uncertain, \
         {right} empty; recall kept {}, recall likely {}, precision likely {}, precision empty {}\n",
        share(hit + unsure, hit + unsure + lost),
        share(hit, hit + unsure + lost),
        share(hit, hit + alarm),
        share(right, right + lost),
    );
    // Past the harness's capture: the numbers are the point.
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    counts
}

/// All composed scenes together.
fn table_of(shake: f64, sum: [[usize; 3]; 2]) {
    let words = ["animal-likely", "uncertain", "empty"];
    let (mut truth, mut said) = (Vec::new(), Vec::new());
    for (counts, animal) in sum.iter().zip([true, false]) {
        for (count, word) in counts.iter().zip(words) {
            truth.extend(vec![animal; *count]);
            said.extend(vec![word.to_string(); *count]);
        }
    }
    table(&format!("all composed, shake {shake}"), &truth, &said);
}

/// The fields of a line of CSV.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut quoted) = (vec![String::new()], false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => fields.last_mut().unwrap().push(other),
        }
    }
    fields
}

fn csv(path: &Path) -> Vec<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let head = fields(lines.next().unwrap());
    lines.map(|line| head.iter().cloned().zip(fields(line)).collect()).collect()
}

#[test]
fn the_herons_of_a_camtrap_dp_burst_are_not_lost() {
    let Some(data) = data_or_skip("the_herons_of_a_camtrap_dp_burst_are_not_lost") else { return };
    let dp = data.join("camtrap/camtrap-dp");
    let media: BTreeMap<String, String> = csv(&dp.join("media.csv"))
        .into_iter()
        .map(|r| (r["fileName"].clone(), r["mediaID"].clone()))
        .collect();
    let seen: BTreeMap<String, bool> = csv(&dp.join("observations.csv"))
        .into_iter()
        .filter(|r| r["observationLevel"] == "media")
        .map(|r| (r["mediaID"].clone(), r["observationType"] == "animal"))
        .collect();
    let files = files(&dp.join("media"));
    let truth: Vec<bool> =
        files.iter().map(|f| seen[&media[f.file_name().unwrap().to_str().unwrap()]]).collect();
    let photos: Vec<Photo> = files.iter().map(|f| photo_of(f)).collect();
    assert_eq!(truth.len(), 10);
    for background in [Background::Median, Background::Mixture] {
        let all = run(&Params { background, ..Params::default() }, &photos, 2);
        let said: Vec<String> =
            all.iter().map(|w| facts(w)["verdict"].as_str().unwrap().into()).collect();
        let [[hit, _, lost], _] = table(&format!("Camtrap DP, {background:?}"), &truth, &said);
        // It stands still for nine of ten frames; the tenth has its wings open.
        assert_eq!(lost, 0);
        assert!(hit >= 1, "{said:?}");
    }
    let infrared = run(&Params::default(), &photos, 2);
    assert!(infrared.iter().all(|w| facts(w)["infrared"] == true), "in spite of the green logo");
}

#[test]
fn the_bursts_of_peru_are_not_lost() {
    let Some(data) = data_or_skip("the_bursts_of_peru_are_not_lost") else { return };
    let photos: Vec<Photo> =
        files(&data.join("camtrap/animl-peru-S90-1")).iter().map(|f| photo_of(f)).collect();
    let said = run(&Params::default(), &photos, 2);
    // By sight: a person sets up the camera by day, a deer passes by night.
    let words: Vec<String> =
        said.iter().map(|w| facts(w)["verdict"].as_str().unwrap().into()).collect();
    let [[_, _, lost], _] = table("Peru S90", &[true; 6], &words);
    assert_eq!(lost, 0);
    let infrared: Vec<&Value> = said.iter().map(|w| &facts(w)["infrared"]).collect();
    assert_eq!(
        infrared,
        [&json!(false), &json!(false), &json!(false), &json!(true), &json!(true), &json!(true)]
    );
    assert_eq!(facts(&said[0])["frames"], 3);
}

#[test]
fn the_animals_of_camtrapr_are_found_against_each_other() {
    let Some(data) = data_or_skip("the_animals_of_camtrapr_are_found_against_each_other") else {
        return;
    };
    for (station, least) in [("StationA", 0.2), ("StationC", 0.2)] {
        let files = files(&data.join("camtrap/camtrapR").join(station));
        let photos: Vec<Photo> = files.iter().map(|f| photo_of(f)).collect();
        // Folders are species: all of them are animals. Thumbnails of 100 × 75 pixels.
        let said = verdicts(&Params::default(), &photos);
        let [[hit, unsure, lost], _] =
            table(&format!("camtrapR {station}"), &vec![true; files.len()], &said);
        assert_eq!(lost, 0, "{said:?}");
        assert!(hit as f64 >= least * (hit + unsure) as f64, "{said:?}");
    }
}

#[test]
fn single_photos_are_uncertain_and_a_detector_decides() {
    let Some(data) = data_or_skip("single_photos_are_uncertain_and_a_detector_decides") else {
        return;
    };
    let folder = data.join("camtrap/zamba/ena24_small");
    let text = std::fs::read_to_string(folder.join("md_annotations.json")).unwrap();
    let detected: Value = serde_json::from_str(&text).unwrap();
    let labelled: Vec<String> =
        csv(&folder.join("labels.csv")).into_iter().map(|r| r["filepath"].clone()).collect();
    let (mut alone, mut with, mut count) = (Vec::new(), Vec::new(), 0);
    for path in files(&folder) {
        let name = path.file_name().unwrap().to_str().unwrap().to_string();
        assert!(labelled.contains(&name));
        let mut photo = photo_of(&path);
        alone.extend(verdicts(&Params::default(), std::slice::from_ref(&photo)));
        let found = detected["images"]
            .as_array()
            .unwrap()
            .iter()
            .find(|i| i["file"] == name.as_str())
            .unwrap();
        let boxes: Vec<Value> = found["detections"]
            .as_array()
            .unwrap()
            .iter()
            .map(|d| {
                let b = &d["bbox"];
                json!([d["category"], d["conf"], b[0], b[1], b[2], b[3]])
            })
            .collect();
        photo.columns.insert("detector.boxes".into(), json!(json!(boxes).to_string()));
        with.extend(verdicts(&Params::default(), &[photo]));
        count += 1;
    }
    assert_eq!(table("ENA24, each alone", &vec![true; count], &alone)[0], [0, count, 0]);
    assert_eq!(table("ENA24, MegaDetector", &vec![true; count], &with)[0], [count, 0, 0]);
}

/// Real scenes with real animals laid into them: what a series has that the files at hand do not, photos in
/// which nothing is. The light, the sensor's noise and the camera's shake are drawn.
fn composed(
    data: &Path,
    scene: &str,
    animal: (&str, [f64; 4]),
    seed: u64,
    shake: f64,
) -> (Vec<Photo>, Vec<bool>) {
    let read = |name: &str| {
        let bytes = std::fs::read(data.join("camtrap").join(name)).unwrap();
        let image = photo::working_of(bytes, &photo::Reading::default()).unwrap().image;
        microtome::background::working::shrink(&image, 800).unwrap()
    };
    let (scene, from) = (read(scene), read(animal.0));
    let (w, h) = (scene.width_px() as usize, scene.height_px() as usize);
    let (fw, fh) = (from.width_px() as usize, from.height_px() as usize);
    let [bx, by, bw, bh] = animal.1;
    let pixel = |image: &Image, x: usize, y: usize| {
        let at = (y * image.width_px() as usize + x) * 3;
        let p = &image.as_u8().unwrap()[at..at + 3];
        [p[0], p[1], p[2]].map(f64::from)
    };
    // Bilinear, so that a camera may move by less than a pixel.
    let between = |image: &Image, x: f64, y: f64| {
        let (x, y) = (x.clamp(0.0, w as f64 - 1.001), y.clamp(0.0, h as f64 - 1.001));
        let (at, part) = ((x as usize, y as usize), (x.fract(), y.fract()));
        let corner = |i: usize, j: usize| pixel(image, at.0 + i, at.1 + j);
        let corners = [corner(0, 0), corner(1, 0), corner(0, 1), corner(1, 1)];
        [0, 1, 2].map(|c| {
            let above = corners[0][c] * (1.0 - part.0) + corners[1][c] * part.0;
            let below = corners[2][c] * (1.0 - part.0) + corners[3][c] * part.0;
            above * (1.0 - part.1) + below * part.1
        })
    };
    let mut walk = Walk(seed);
    let (mut photos, mut truth) = (Vec::new(), Vec::new());
    for visit in 0..10 {
        let shows = visit % 3 == 1;
        // From an eighth of the picture's width down to a 32nd.
        let side = w / 8 / (1 << (visit / 3 % 3));
        let (mut ax, ay) =
            (walk.below((w - 4 * side) as i32), h as i32 / 4 + walk.below((h / 2 - side) as i32));
        let (gain, offset) =
            (0.8 + f64::from(walk.below(40)) / 100.0, f64::from(walk.below(16)) - 8.0);
        for shot in 0..3 {
            let (dx, dy) = (
                shake * walk.noise(1.0).clamp(-1.0, 1.0),
                shake * walk.noise(1.0).clamp(-1.0, 1.0),
            );
            let mut pixels = Vec::with_capacity(w * h * 3);
            for y in 0..h {
                for x in 0..w {
                    let mut p = between(&scene, x as f64 + dx, y as f64 + dy);
                    let u = (x as f64 - f64::from(ax)) / side as f64;
                    let v = (y as f64 - f64::from(ay)) / side as f64;
                    let within = (u - 0.5) * (u - 0.5) + (v - 0.5) * (v - 0.5) < 0.25;
                    if shows && within {
                        let fx = ((bx + bw * u) * fw as f64) as usize;
                        let fy = ((by + bh * v) * fh as f64) as usize;
                        p = pixel(&from, fx.min(fw - 1), fy.min(fh - 1));
                    }
                    let noise = walk.noise(3.0);
                    pixels.extend(p.map(|v| (v * gain + offset + noise).clamp(0.0, 255.0) as u8));
                }
            }
            ax += side as i32 + walk.below(side as i32);
            let image = Image::from_u8(w as u32, h as u32, 3, pixels).unwrap();
            let bytes = jpeg::encode(&image, 85, Subsampling::S420).unwrap();
            photos.push(Photo::new(bytes, &format!("2021-05-01T{:02}:00:{shot:02}", visit)));
            truth.push(shows);
        }
    }
    (photos, truth)
}

#[test]
fn in_real_scenes_no_animal_is_lost() {
    let Some(data) = data_or_skip("in_real_scenes_no_animal_is_lost") else {
        return;
    };
    let bear = ("speciesnet/american_black_bear.jpg", [0.42, 0.42, 0.25, 0.4]);
    let opossum = ("zamba/ena24_small/2480.jpg", [0.35, 0.35, 0.3, 0.3]);
    let cougar = ("animl-southwest/2021-06-30_SYFR0218_cougar.JPG", [0.55, 0.37, 0.2, 0.3]);
    let scenes = [
        ("speciesnet/blank.jpg", opossum, 1),
        ("animl-southwest/IMAG0004_cougar.JPG", bear, 2),
        ("animl-southwest/2021-08-08_RCNX0063_fox.JPG", cougar, 3),
        ("animl-buow/IMG_1435.JPG", opossum, 4),
        ("megadetector/sample-snapshotsafari-02.jpg", bear, 5),
    ];
    // Of 800: a pixel of the sensor, as a fixed camera moves, and the swaying of a thin tree.
    for shake in [0.4, 2.0] {
        let mut sum = [[0; 3]; 2];
        for (scene, animal, seed) in scenes {
            let (photos, truth) = composed(&data, scene, animal, seed, shake);
            let said = run(&Params::default(), &photos, 2);
            let blind = said.iter().filter_map(|w| facts(w)["blind_fraction"].as_f64());
            let blind = blind.fold(0.0, f64::max);
            let said: Vec<String> =
                said.iter().map(|w| facts(w)["verdict"].as_str().unwrap().into()).collect();
            let name = format!("{scene}, composed, shake {shake}, blind {blind:.3}");
            let counts = table(&name, &truth, &said);
            for (sum, counts) in sum.iter_mut().flatten().zip(counts.iter().flatten()) {
                *sum += counts;
            }
        }
        table_of(shake, sum);
        let [[hit, unsure, lost], [alarm, kept, right]] = sum;
        assert_eq!(lost, 0, "{sum:?}");
        assert!(alarm * 10 <= hit, "{sum:?}");
        if shake < 1.0 {
            assert!(hit * 2 >= hit + unsure && right * 10 >= (alarm + kept + right) * 6, "{sum:?}");
        }
    }
}

#[test]
fn glass_pen_and_tissue_of_real_patches_are_told_apart() {
    let Some(data) = data_or_skip("glass_pen_and_tissue_of_real_patches_are_told_apart") else {
        return;
    };
    let params = Params { background: Background::None, scene: Scene::Slide, ..Params::default() };
    let folder = data.join("he_patches");
    for (name, empty) in [
        ("histolab-tiles/almost-white-1.png", true),
        ("histolab-tiles/almost-white-2.png", true),
        ("histolab-tiles/no-tissue.png", true),
        ("histolab-tiles/no-tissue-green-pen.png", true),
        ("histolab-tiles/tissue-level0-4302-10273-4814-10785.png", false),
        ("histolab-tiles/tissue-level0-7352-11762-7864-12274.png", false),
        ("histolab-tiles/kidney-ihc-level0-330-480-380-510.png", false),
        ("histolab-tiles/liver-level2-10907-7808-11707-8608.png", false),
        ("nct-crc-he/BACK-AAQSHYMA.tif", true),
        ("nct-crc-he/LYM-AATTSRNN.tif", false),
        ("nct-crc-he/MUC-AAQTMGMA.tif", false),
        ("nct-crc-he/NORM-AAAWMSFI.tif", false),
        ("nct-crc-he/STR-AACRYYNQ.tif", false),
    ] {
        let photo = Photo::new(std::fs::read(folder.join(name)).unwrap(), "");
        let said = run(&params, &[photo], 1);
        let facts = facts(&said[0]);
        let line = format!(
            "{name}\t{} tissue {} pen {}\n",
            facts["verdict"], facts["tissue_fraction"], facts["pen_fraction"]
        );
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        assert_eq!(facts["verdict"] == "empty", empty, "{name}: {facts:?}");
        assert!(matches!(said[0], MemberWhat::Kept(_)));
    }
}
