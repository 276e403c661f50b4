//! Boxes that a detector found, from a file in MegaDetector's batch format.
//!
//! Format: <https://github.com/agentmorris/MegaDetector>, `megadetector_batch_output` 1.0 to 1.5: `images` with
//! `file`, `detections` of `category`, `conf` and `bbox` (left, top, width, height as parts of the image,
//! 0–1), and `detection_categories`, which name the categories.

use std::collections::{BTreeMap, HashMap};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Result};

/// Most boxes of one image: detectors give some hundred of low confidence.
const MOST_BOXES: usize = 10_000;

/// What a detector found in one image.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
pub struct DetectionRow {
    /// The file as the detector named it, with `/`.
    pub file: String,
    /// Category by name, confidence 0–1, left, top, width and height of the box as parts of the image.
    pub boxes: Vec<(String, f64, f64, f64, f64, f64)>,
}

#[derive(Deserialize)]
struct Batch {
    images: Vec<Entry>,
    #[serde(default)]
    detection_categories: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Entry {
    file: String,
    /// Missing or null where the detector failed.
    #[serde(default)]
    detections: Option<Vec<Detection>>,
}

#[derive(Deserialize)]
struct Detection {
    category: Value,
    conf: f64,
    bbox: [f64; 4],
}

/// Reads detectors' files. An image that the detector failed on has no row.
pub(super) fn rows(files: &[(String, Vec<u8>)]) -> Result<Vec<DetectionRow>> {
    let mut rows = Vec::new();
    for (name, bytes) in files {
        let batch: Batch = serde_json::from_slice(bytes).map_err(|e| {
            let message = format!("no detections in MegaDetector's format: {e}");
            Error::format(name.clone(), message)
        })?;
        for entry in batch.images {
            let Some(detections) = entry.detections else { continue };
            if detections.len() > MOST_BOXES {
                return Err(Error::limit(
                    format!("the boxes of {} in {name}", entry.file),
                    detections.len().to_string(),
                    MOST_BOXES.to_string(),
                    "leave out those of low confidence",
                ));
            }
            let boxes = detections.iter().map(|found| {
                let [x, y, width, height] = found.bbox;
                let parts = [found.conf, x, y, width, height];
                // Boxes that touch an edge pass it by the last digit.
                if parts.iter().any(|part| !part.is_finite() || !(-0.01..=1.01).contains(part)) {
                    let message = format!("{}: {parts:?} are no parts of an image", entry.file);
                    return Err(Error::format(name.clone(), message));
                }
                let category = match &found.category {
                    Value::String(category) => category.clone(),
                    other => other.to_string(),
                };
                let named = batch.detection_categories.get(&category).cloned();
                Ok((named.unwrap_or(category), found.conf, x, y, width, height))
            });
            let boxes = boxes.collect::<Result<Vec<_>>>()?;
            rows.push(DetectionRow { file: entry.file.replace('\\', "/"), boxes });
        }
    }
    rows.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(rows)
}

/// Rows by the names of their files.
pub(super) struct Detections {
    rows: Vec<DetectionRow>,
    of_file: HashMap<String, usize>,
}

impl Detections {
    pub(super) fn new(rows: &[DetectionRow]) -> Result<Self> {
        let mut of_file = HashMap::new();
        for (at, row) in rows.iter().enumerate() {
            if of_file.insert(row.file.clone(), at).is_some() {
                let message = format!("the file `{}` stands there twice", row.file);
                return Err(Error::params("detections", message));
            }
        }
        Ok(Self { rows: rows.to_vec(), of_file })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The boxes of each item as the text of its column. The detector may have run in another folder: of the
    /// two names the shorter must be the end of the longer. A file belongs to one item and an item to one
    /// file: cameras count their photos from 1, and a name alone must not give one camera's animals to
    /// another.
    ///
    /// # Errors
    /// [`Error::Params`] when a file may be several items, or an item several files.
    pub(super) fn of(&self, ids: &[&str]) -> Result<Vec<Option<String>>> {
        let of_id: HashMap<&str, usize> = ids.iter().enumerate().map(|(n, id)| (*id, n)).collect();
        let mut row_of: Vec<Option<usize>> = vec![None; ids.len()];
        let mut id_of: Vec<Option<usize>> = vec![None; self.rows.len()];
        for (at, row) in self.rows.iter().enumerate() {
            if let Some(id) = of_id.get(row.file.as_str()) {
                (row_of[*id], id_of[at]) = (Some(at), Some(*id));
            }
        }
        let exact = id_of.clone();
        let mut pair = |id: usize, at: usize| -> Result<()> {
            let ambiguous = |what: &str, one: &str, other: &str| {
                let message =
                    format!("`{what}` may be `{one}` or `{other}`: give more of the path");
                Err(Error::params("detections", message))
            };
            if exact[at].is_some() {
                return Ok(());
            }
            if let Some(other) = id_of[at].filter(|other| *other != id) {
                return ambiguous(&self.rows[at].file, ids[other], ids[id]);
            }
            id_of[at] = Some(id);
            match row_of[id] {
                Some(other) if exact[other].is_some() => Ok(()),
                Some(other) if other != at => {
                    ambiguous(ids[id], &self.rows[other].file, &self.rows[at].file)
                }
                _ => {
                    row_of[id] = Some(at);
                    Ok(())
                }
            }
        };
        for (id, name) in ids.iter().enumerate() {
            for end in ends(name) {
                if let Some(at) = self.of_file.get(end) {
                    pair(id, *at)?;
                }
            }
        }
        for (at, row) in self.rows.iter().enumerate() {
            for end in ends(&row.file) {
                if let Some(id) = of_id.get(end) {
                    pair(*id, at)?;
                }
            }
        }
        let text = |at: usize| {
            serde_json::to_string(&self.rows[at].boxes)
                .map_err(|e| Error::Bug { message: e.to_string() })
        };
        row_of.into_iter().map(|at| at.map(text).transpose()).collect()
    }

    /// The error that not one file is an item.
    pub(super) fn none_fits(&self, id: &str) -> Error {
        let theirs = self.rows.first().map_or("", |row| row.file.as_str());
        let message = format!(
            "none of its {} files is one that was scanned; the first are `{theirs}` there and `{id}` here",
            self.rows.len()
        );
        Error::params("detections", message)
    }
}

/// What a path ends in, part by part, itself left out: `b/c.jpg` and `c.jpg` of `a/b/c.jpg`.
fn ends(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(json: &str) -> Result<Vec<DetectionRow>> {
        rows(&[("md.json".into(), json.as_bytes().to_vec())])
    }

    #[test]
    fn boxes_are_named_and_found_from_either_end() {
        let rows = found(
            r#"{"detection_categories": {"1": "animal"}, "images": [
                {"file": "C:\\traps\\a\\1.jpg", "detections": [
                    {"category": "1", "conf": 0.9, "bbox": [0.1, 0.2, 0.3, 0.4]}]},
                {"file": "b/1.jpg", "detections": []},
                {"file": "b/2.jpg", "failure": "unreadable"}]}"#,
        )
        .unwrap();
        let all = Detections::new(&rows).unwrap();
        let one = r#"[["animal",0.9,0.1,0.2,0.3,0.4]]"#;
        let of = |ids: &[&str]| all.of(ids);
        let found = of(&["a/1.jpg", "night/b/1.jpg", "b/2.jpg", "11.jpg"]).unwrap();
        assert_eq!(found, [Some(one.into()), Some("[]".into()), None, None]);
        // Which of the two files is meant?
        assert_eq!(of(&["1.jpg"]).unwrap_err().kind(), "params");
    }

    #[test]
    fn a_name_alone_is_not_given_to_two_cameras() {
        let bare = found(r#"{"images": [{"file": "1.jpg", "detections": []}]}"#).unwrap();
        let bare = Detections::new(&bare).unwrap();
        assert_eq!(bare.of(&["a/1.jpg"]).unwrap(), [Some("[]".to_string())]);
        let error = bare.of(&["a/1.jpg", "b/1.jpg"]).unwrap_err();
        assert!(error.to_string().contains("may be `a/1.jpg` or `b/1.jpg`"), "{error}");
        // One of them stands there by its whole name; the name alone may still be that one.
        let mixed = r#"{"images": [{"file": "1.jpg", "detections": []}, {"file": "a/1.jpg", "detections": []}]}"#;
        let mixed = Detections::new(&found(mixed).unwrap()).unwrap();
        assert!(mixed.of(&["a/1.jpg", "b/1.jpg"]).is_err());
    }

    #[test]
    fn what_is_no_box_is_refused_with_its_file() {
        for wrong in [
            r#"{"images": [{"file": "a", "detections": [{"category": "1", "conf": 2, "bbox": [0,0,1,1]}]}]}"#,
            r#"{"images": [{"file": "a", "detections": [{"category": "1", "conf": 1, "bbox": [0,0,9]}]}]}"#,
            r#"[1]"#,
            "",
        ] {
            assert_eq!(found(wrong).unwrap_err().kind(), "format", "{wrong}");
        }
        let twice =
            r#"{"images": [{"file": "a", "detections": []}, {"file": "a", "detections": []}]}"#;
        assert!(Detections::new(&found(twice).unwrap()).is_err());
    }
}
