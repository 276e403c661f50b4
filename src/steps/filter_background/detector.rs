//! What a detector said of an image.

use serde_json::Value;

use super::facts::Verdict;
use super::params::Params;
use crate::error::{Error, Result};

/// A box: left, top, width and height as parts of the image.
pub(super) type Part = [f64; 4];

/// What a detector found.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Detected {
    /// Highest confidence of any box.
    pub confidence: f64,
    /// What follows.
    pub verdict: Verdict,
    /// The most confident animal.
    pub animal: Option<Part>,
    /// Whether a person was found.
    pub person: bool,
    /// Whether a vehicle was found.
    pub vehicle: bool,
}

/// Reads the text of `detector.boxes`; `None` for null. MegaDetector's numbers stand for its names.
///
/// # Errors
/// [`Error::Schema`] for what is not such a text.
pub(super) fn detected(column: &Value, params: &Params) -> Result<Option<Detected>> {
    let Some(text) = column.as_str() else { return Ok(None) };
    let unusable = |message: String| Error::Schema {
        step: "filter-background".into(),
        column: "detector.boxes".into(),
        message,
    };
    let boxes: Vec<(String, f64, f64, f64, f64, f64)> =
        serde_json::from_str(text).map_err(|e| unusable(e.to_string()))?;
    let mut found = Detected {
        confidence: 0.0,
        verdict: Verdict::Empty,
        animal: None,
        person: false,
        vehicle: false,
    };
    let mut best = params.detector_animal;
    for (category, confidence, x, y, w, h) in boxes {
        if ![confidence, x, y, w, h].iter().all(|v| v.is_finite()) {
            return Err(unusable("a box has a number that is none".into()));
        }
        found.confidence = found.confidence.max(confidence);
        let sure = confidence >= params.detector_animal;
        match category.as_str() {
            "2" | "person" | "human" => found.person |= sure,
            "3" | "vehicle" => found.vehicle |= sure,
            // Of equals the first.
            _ if confidence > best || (confidence == best && found.animal.is_none()) => {
                best = confidence;
                found.animal = Some([x, y, w, h]);
            }
            _ => (),
        }
    }
    found.verdict = if found.animal.is_some() {
        Verdict::AnimalLikely
    } else if found.confidence >= params.detector_empty && found.confidence > 0.0 {
        Verdict::Uncertain
    } else {
        Verdict::Empty
    };
    Ok(Some(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<Detected> {
        detected(&Value::from(text), &Params::default()).unwrap()
    }

    #[test]
    fn the_most_confident_animal_decides() {
        let found =
            of(r#"[["animal",0.3,0,0,0.1,0.1],["1",0.9,0.5,0.5,0.2,0.2],["person",0.95,0,0,1,1]]"#)
                .unwrap();
        assert_eq!(
            (found.verdict, found.animal),
            (Verdict::AnimalLikely, Some([0.5, 0.5, 0.2, 0.2]))
        );
        assert!(found.person && !found.vehicle);
        assert_eq!(found.confidence, 0.95);
    }

    #[test]
    fn people_and_doubts_are_not_nothing() {
        assert_eq!(of("[]").unwrap().verdict, Verdict::Empty);
        assert_eq!(of(r#"[["1",0.04,0,0,1,1]]"#).unwrap().verdict, Verdict::Empty);
        assert_eq!(of(r#"[["1",0.1,0,0,1,1]]"#).unwrap().verdict, Verdict::Uncertain);
        assert_eq!(of(r#"[["vehicle",0.9,0,0,1,1]]"#).unwrap().verdict, Verdict::Uncertain);
        assert_eq!(detected(&Value::Null, &Params::default()).unwrap(), None);
        assert!(detected(&Value::from("{}"), &Params::default()).is_err());
    }
}
