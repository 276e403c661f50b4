//! Every file of the collection matches what others read in it, or is refused with a reason.

use std::fmt::Write as _;
use std::path::Path;

use microtome::error::Error;
use microtome::slide::{Slide, read_region};
use serde_json::{Value, json};

use crate::{common, data};

/// Grey levels by which a lossy file may differ from Pillow's or tifffile's decoder.
const LOSSY_TOLERANCE: f64 = 2.0;

/// What became of one file.
enum Outcome {
    /// Equal to an oracle; which, and with what reservation.
    Match(String),
    /// Refused for a reason.
    Unsupported(String),
    /// Its pixels are still to be compared by Python.
    Ask { lossy: bool },
    /// Anything else.
    Wrong(String),
}

#[test]
fn every_file_matches_its_oracle_or_is_unsupported() {
    let test = "every_file_matches_its_oracle_or_is_unsupported";
    let Some(folder) = common::data_or_skip(test) else { return };
    let scratch = data::scratch("wsi");
    let oracles = data::oracles(&folder);
    let listing = scratch.join("ask.jsonl");
    let mut asked = String::new();
    let mut rows: Vec<(String, Outcome, String)> = Vec::new();
    for path in data::files(&folder.join("wsi")) {
        let name = path.strip_prefix(&folder).unwrap().to_string_lossy().into_owned();
        let none = json!({});
        let oracle = oracles.iter().find(|(file, _)| *file == name).map_or(&none, |(_, o)| o);
        let (outcome, note) = judge(&path, oracle, &scratch, &mut asked);
        rows.push((name, outcome, note));
    }
    std::fs::write(&listing, &asked).unwrap();
    if let Some(answers) = data::python(test, &["compare", &listing.to_string_lossy()]) {
        for answer in answers.lines() {
            let answer: Value = serde_json::from_str(answer).unwrap();
            let file = Path::new(answer["file"].as_str().unwrap());
            let name = file.strip_prefix(&folder).unwrap().to_string_lossy();
            let (_, outcome, _) = rows.iter_mut().find(|(n, _, _)| *n == name).unwrap();
            *outcome = verdict(&answer, matches!(outcome, Outcome::Ask { lossy: true }));
        }
    }
    let mut table = String::from("file\toutcome\twhy\n");
    let mut wrong = Vec::new();
    let mut counts = [0; 4];
    for (name, outcome, note) in &rows {
        let (kind, word, why) = match outcome {
            Outcome::Match(why) => (0, "match", why.as_str()),
            Outcome::Unsupported(why) => (1, "unsupported", why.as_str()),
            Outcome::Ask { .. } => (2, "not compared", "no Python"),
            Outcome::Wrong(why) => (3, "WRONG", why.as_str()),
        };
        counts[kind] += 1;
        writeln!(table, "{name}\t{word}\t{why}{note}").unwrap();
        if kind == 3 {
            wrong.push(format!("{name}: {why}"));
        }
    }
    let path = scratch.join("table.tsv");
    std::fs::write(&path, table).unwrap();
    let [matching, unsupported, open, _] = counts;
    eprintln!(
        "{matching} match, {unsupported} unsupported, {open} not compared: {}",
        path.display()
    );
    assert!(wrong.is_empty(), "{} files are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(matching + open > 100, "far fewer files are read than there should be");
}

/// Reads a file and compares what can be compared without Python.
fn judge(path: &Path, oracle: &Value, scratch: &Path, asked: &mut String) -> (Outcome, String) {
    let slide = match data::open(path) {
        Ok(slide) => slide,
        Err(error) => return (refused(path, &error), String::new()),
    };
    let mut note = String::new();
    if oracle["openslide"].is_object() {
        let found = data::differs(slide.geometry(), &oracle["openslide"]);
        if !found.is_empty() {
            note = format!("; {}", found.join("; "));
            if !may_differ(path) {
                return (Outcome::Wrong(format!("geometry: {}", found.join("; "))), note);
            }
        }
        let compared = if turned(path) { Ok(0) } else { regions(&*slide, &oracle["openslide"]) };
        match compared {
            Ok(count) => write!(note, "; {count} OpenSlide regions equal").unwrap(),
            Err(why) => return (Outcome::Wrong(why), note),
        }
    }
    let image = match data::whole(&*slide, 0) {
        Ok(image) => image,
        Err(error) => return (refused(path, &error), note),
    };
    let ours = data::sha256(&data::bytes(&image));
    for key in ["tifffile_page0", "pillow_frame0"] {
        if oracle[key]["sha256"] == ours && oracle[key]["dtype"] == data::dtype(&image) {
            return (Outcome::Match(format!("exactly {key}")), note);
        }
    }
    let raw = scratch.join(format!("{}.raw", data::sha256(path.to_string_lossy().as_bytes())));
    std::fs::write(&raw, data::bytes(&image)).unwrap();
    let shape = [image.height_px(), image.width_px(), image.channels().into()];
    let entry = json!({
        "file": path, "raw": raw, "shape": shape, "dtype": data::dtype(&image)
    });
    writeln!(asked, "{entry}").unwrap();
    let lossy = matches!(slide.geometry().levels[0].compression.as_str(), "jpeg" | "webp");
    (Outcome::Ask { lossy }, note)
}

/// A refusal must say what is missing and what to do.
fn refused(path: &Path, error: &Error) -> Outcome {
    match error {
        Error::Unsupported { what, instead } if !instead.is_empty() => {
            Outcome::Unsupported(what.clone())
        }
        other => Outcome::Wrong(format!("{}: {}: {other}", path.display(), other.kind())),
    }
}

/// Cloud-optimised TIFFs with masks: OpenSlide takes the masks for levels.
fn may_differ(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_string_lossy();
    matches!(&*name, "cogeo.tif" | "cog_uint8_rgb_mask.tif")
}

/// TIFFs with an orientation other than upright: OpenSlide turns the pixels within each tile and
/// leaves the tiles where they are; we give the pixels as they are stored, as tifffile does.
fn turned(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_string_lossy();
    name.starts_with("test_orient") && !matches!(&*name, "test_orient0.tif" | "test_orient1.tif")
}

/// Compares the regions that OpenSlide was asked for, at every level; says how many were equal.
fn regions(slide: &dyn Slide, openslide: &Value) -> Result<usize, String> {
    let mut equal = 0;
    for region in openslide["regions"].as_array().into_iter().flatten() {
        let number = |key: &str| region[key].as_i64().unwrap();
        let level = number("level") as usize;
        let Some(shape) = slide.geometry().levels.get(level) else { continue };
        if openslide["levels"][level] != json!([shape.width_px, shape.height_px]) {
            continue;
        }
        // OpenSlide places regions at fractions of a pixel on smaller levels.
        let x = number("x0") as f64 / shape.downsample_x;
        let y = number("y0") as f64 / shape.downsample_y;
        if x.fract() != 0.0 || y.fract() != 0.0 {
            continue;
        }
        let (width, height) = (number("w") as u32, number("h") as u32);
        let ours = read_region(slide, level, x as i64, y as i64, width, height, 0)
            .map_err(|e| format!("region of level {level}: {e}"))?;
        let Some(rgba) = data::rgba(&ours.image) else { continue };
        if ours.valid_fraction == 1.0 {
            if region["rgba_sha256"] != data::sha256(&rgba) {
                return Err(format!("region at ({x}, {y}) of level {level} is not OpenSlide's"));
            }
            equal += 1;
        }
    }
    Ok(equal)
}

/// Judges what Python found.
fn verdict(answer: &Value, lossy: bool) -> Outcome {
    let tolerance = if lossy { LOSSY_TOLERANCE } else { 0.0 };
    for key in ["tifffile", "pillow"] {
        if let Some(most) = answer[key].as_f64().filter(|&d| d <= tolerance) {
            let share = answer[format!("{key}_share")].as_f64().unwrap_or(0.0);
            return Outcome::Match(format!(
                "{key}, largest difference {most} on {:.3} % of samples",
                100.0 * share
            ));
        }
    }
    Outcome::Wrong(answer.to_string())
}
