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

/// Rows by the names of their files, ready to be asked by id.
pub(super) struct Detections {
    rows: Vec<DetectionRow>,
    /// Rows by the last part of their names.
    by_name: HashMap<String, Vec<usize>>,
}

impl Detections {
    pub(super) fn new(rows: &[DetectionRow]) -> Result<Self> {
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, row) in rows.iter().enumerate() {
            let alike = by_name.entry(last(&row.file).to_string()).or_default();
            if alike.iter().any(|other| rows[*other].file == row.file) {
                let message = format!("the file `{}` stands there twice", row.file);
                return Err(Error::params("detections", message));
            }
            alike.push(at);
        }
        Ok(Self { rows: rows.to_vec(), by_name })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The boxes of an item as the text of its column. The detector may have run in another folder: of the
    /// two names the shorter must be the end of the longer.
    ///
    /// # Errors
    /// [`Error::Params`] when more than one file is meant.
    pub(super) fn of(&self, id: &str) -> Result<Option<String>> {
        let alike = self.by_name.get(last(id)).map_or(&[][..], Vec::as_slice);
        let rows = || alike.iter().filter_map(|at| self.rows.get(*at));
        let exact = rows().find(|row| row.file == id);
        let mut meant = rows().filter(|row| ends(&row.file, id) || ends(id, &row.file));
        let row = match (exact, meant.next(), meant.next()) {
            (Some(row), ..) | (None, Some(row), None) => row,
            (None, None, _) => return Ok(None),
            (None, Some(one), Some(other)) => {
                let message = format!("`{id}` may be {} or {} there", one.file, other.file);
                return Err(Error::params("detections", message));
            }
        };
        serde_json::to_string(&row.boxes)
            .map(Some)
            .map_err(|e| Error::Bug { message: e.to_string() })
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

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn ends(long: &str, short: &str) -> bool {
    long.strip_suffix(short).is_some_and(|head| head.is_empty() || head.ends_with('/'))
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
        assert_eq!(all.of("a/1.jpg").unwrap().as_deref(), Some(one));
        assert_eq!(all.of("night/b/1.jpg").unwrap().as_deref(), Some("[]"));
        assert_eq!(all.of("b/2.jpg").unwrap(), None);
        assert_eq!(all.of("11.jpg").unwrap(), None);
        let error = all.of("1.jpg").unwrap_err();
        assert_eq!((error.kind(), error.to_string().contains("may be")), ("params", true));
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
