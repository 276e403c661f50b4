//! EXIF of real cameras, against Pillow.

use std::fmt::Write as _;

use microtome::image::exif;
use serde_json::Value;

use crate::{common, data};

#[test]
fn cameras_are_read_as_pillow_does() {
    let test = "cameras_are_read_as_pillow_does";
    let Some(folder) = common::data_or_skip(test) else { return };
    let mut listing = String::new();
    for path in data::files(&folder.join("camtrap")) {
        if std::fs::read(&path).unwrap().starts_with(b"\xFF\xD8") {
            writeln!(listing, "{}", path.display()).unwrap();
        }
    }
    let file = data::scratch("exif").join("ask.txt");
    std::fs::write(&file, listing).unwrap();
    let Some(answers) = data::python(test, &["exif", &file.to_string_lossy()]) else { return };
    let (mut times, mut wrong) = (0, Vec::new());
    for answer in answers.lines() {
        let theirs: Value = serde_json::from_str(answer).unwrap();
        let ours = exif::read(&std::fs::read(theirs["file"].as_str().unwrap()).unwrap());
        let text = |key: &str| {
            let text = theirs[key].as_str()?.trim_matches(|c: char| c == '\0' || c.is_whitespace());
            (!text.is_empty()).then(|| text.to_owned())
        };
        let time = text("time").map(|t| {
            let (date, time) = t.split_once(' ').unwrap();
            format!("{}T{time}", date.replace(':', "-"))
        });
        times += usize::from(ours.time.is_some());
        let same = ours.time == time
            && ours.make == text("make")
            && ours.model == text("model")
            && ours.serial == text("serial")
            && ours.orientation.map(u64::from) == theirs["orientation"].as_u64().filter(|&o| o > 0);
        if !same {
            wrong.push(format!("{ours:?}, Pillow {answer}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(times > 30, "only {times} photos have a time");
}

#[test]
fn broken_exif_is_no_error() {
    let Some(folder) = common::data_or_skip("broken_exif_is_no_error") else { return };
    for name in ["bad", "generic"] {
        for path in data::files(&folder.join(name)) {
            // Nothing to compare with: whatever is found has its shape.
            let found = exif::read(&std::fs::read(&path).unwrap());
            assert!(found.time.is_none_or(|time| time.len() == 19 && time.as_bytes()[10] == b'T'));
            assert!(found.orientation.is_none_or(|o| (1..=8).contains(&o)));
        }
    }
}
