//! Keypoints in JSON, and through motions.

use serde_json::Value;

use super::rules::{OutsidePoints, PointOrigin, PointRules};
use super::{Leg, rows};
use crate::error::{Error, Result};

/// A place with a name.
#[derive(Debug, Clone, PartialEq)]
pub struct Keypoint {
    /// In the pixel centres of [`super`]: (0, 0) is the middle of the top left pixel.
    pub place: [f64; 2],
    /// Its name, if its row has one.
    pub name: Option<Value>,
    /// Whether it is seen, if its row says so: true, false, or COCO's 0 (not labelled), 1 (hidden), 2.
    pub visible: Option<Value>,
}

impl Keypoint {
    fn labelled(&self) -> bool {
        self.visible.as_ref().and_then(Value::as_u64) != Some(0)
    }
}

/// What became of keypoints.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MovedPoints {
    /// Those that are kept, in the order in which they came.
    pub kept: Vec<Keypoint>,
    /// Of those, how many were flagged invisible because they left the frame.
    pub flagged: usize,
    /// The places in the list (from 0) of those that were dropped.
    pub dropped: Vec<usize>,
}

/// Reads `[[x, y, "name"?, visible?], …]`. Where a row has no name but says `visible`, the third value is
/// null (or is the visibility itself, as in COCO, when it is true, false, 0, 1 or 2).
///
/// # Errors
/// [`Error::Format`] that names the keypoint (from 1): not two finite numbers, a place outside of the
/// image (other than of a point that is not labelled, or is hidden: COCO allows both), a visibility that
/// is none. [`Error::Limit`] above 100,000 points or 32 MiB of text.
pub fn read_points(text: &str, size: (u32, u32), origin: PointOrigin) -> Result<Vec<Keypoint>> {
    let rows = rows::read(text, "keypoint", "keypoints")?;
    let read = |(index, row)| {
        one(row, size, origin)
            .map_err(|message| Error::format(format!("keypoint {}", index + 1), message))
    };
    rows.into_iter().enumerate().map(read).collect()
}

fn one(row: Value, size: (u32, u32), origin: PointOrigin) -> std::result::Result<Keypoint, String> {
    let Value::Array(row) = row else {
        return Err(format!("is not a list but {}", rows::kind(&row)));
    };
    let (x, y) = (rows::number(row.first(), "x")?, rows::number(row.get(1), "y")?);
    let is_visibility =
        |value: &Value| value.is_boolean() || value.as_u64().is_some_and(|number| number <= 2);
    let (name, visible) = match row.get(2..).unwrap_or_default() {
        [] => (None, None),
        [one] if is_visibility(one) => (None, Some(one.clone())),
        [name] => (Some(name.clone()), None),
        [name, visible] if is_visibility(visible) => (Some(name.clone()), Some(visible.clone())),
        [_, other] => return Err(format!("its visibility is {other}: true, false, 0, 1 or 2")),
        more => return Err(format!("has {} values, more than four", more.len() + 2)),
    };
    if let Some(name) = &name
        && !(name.is_string() || name.is_null())
    {
        return Err(format!("its name is {}", rows::kind(name)));
    }
    let shift = half(origin);
    let point = Keypoint { place: [x - shift, y - shift], name, visible };
    let hidden = matches!(point.visible.as_ref(), Some(Value::Bool(false)))
        || point.visible.as_ref().and_then(Value::as_u64).is_some_and(|v| v < 2);
    if !hidden && !inside(point.place, size) {
        let (w, h) = (f64::from(size.0) - 0.5 + shift, f64::from(size.1) - 0.5 + shift);
        let low = shift - 0.5;
        return Err(format!("({x}, {y}) is outside of the image: x {low}–{w}, y {low}–{h}"));
    }
    Ok(point)
}

fn half(origin: PointOrigin) -> f64 {
    match origin {
        PointOrigin::Centres => 0.0,
        PointOrigin::Edges => 0.5,
    }
}

fn inside([x, y]: [f64; 2], size: (u32, u32)) -> bool {
    (-0.5..=f64::from(size.0) - 0.5).contains(&x) && (-0.5..=f64::from(size.1) - 0.5).contains(&y)
}

/// Moves keypoints through `legs`. One that leaves a frame on the way stays out, even where a later pad
/// would make room for it: its pixel is gone. One that has no place after an op is dropped whatever the
/// rule. Points that were hidden before are moved alike, and are not counted as flagged.
pub fn move_points(points: Vec<Keypoint>, legs: &[Leg<'_>], rules: &PointRules) -> MovedPoints {
    let mut moved = MovedPoints::default();
    for (index, mut point) in points.into_iter().enumerate() {
        if !point.labelled() {
            moved.kept.push(point);
            continue;
        }
        let mut out = false;
        let mut place = Some(point.place);
        for leg in legs {
            place = place.and_then(|at| leg.motion.forward(at));
            out |= place.is_some_and(|at| !inside(at, leg.after));
        }
        let place = place.filter(|at| at.iter().all(|number| number.is_finite()));
        let Some(place) = place.filter(|_| !out || rules.outside == OutsidePoints::Flag) else {
            moved.dropped.push(index);
            continue;
        };
        point.place = place;
        if out && hide(&mut point.visible) {
            moved.flagged += 1;
        }
        moved.kept.push(point);
    }
    moved
}

/// Flags a point invisible, in the form in which its row says it. Whether it was visible.
fn hide(visible: &mut Option<Value>) -> bool {
    let (was, now) = match visible {
        Some(Value::Number(number)) => (number.as_u64() == Some(2), Value::from(1)),
        Some(Value::Bool(seen)) => (*seen, Value::Bool(false)),
        _ => (true, Value::Bool(false)),
    };
    *visible = Some(now);
    was
}

/// Writes keypoints in the form in which they were read.
pub fn write_points(points: &[Keypoint], origin: PointOrigin) -> String {
    let row = |point: &Keypoint| {
        let shift = half(origin);
        let place = point.place.map(|number| rows::coordinate(number + shift));
        let mut row = place.to_vec();
        match (&point.name, &point.visible) {
            (Some(name), Some(visible)) => row.extend([name.clone(), visible.clone()]),
            (None, Some(visible)) => row.push(visible.clone()),
            (Some(name), None) => row.push(name.clone()),
            (None, None) => {}
        }
        Value::Array(row)
    };
    Value::Array(points.iter().map(row).collect()).to_string()
}
