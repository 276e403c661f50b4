//! Boxes as rectangles of pixel edges, and their four formats in JSON.

use serde_json::{Map, Value};

use super::rows;
use super::rules::{BoxFormat, OutsideBoxes};
use crate::error::{Error, Result};

/// Shares of an image written with seven decimals may miss its border by this much of a side.
const SLACK: f64 = 1e-6;

/// Fields of a COCO annotation that would no longer be true of a moved box.
const BOUND_TO_PLACE: &[&str] = &["segmentation", "area", "keypoints", "num_keypoints"];

/// A rectangle, in pixel edges: `right − left` is its width in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// The smallest x.
    pub left: f64,
    /// The smallest y.
    pub top: f64,
    /// The largest x.
    pub right: f64,
    /// The largest y.
    pub bottom: f64,
}

impl Bounds {
    /// Its width, px.
    pub fn width(&self) -> f64 {
        self.right - self.left
    }

    /// Its height, px.
    pub fn height(&self) -> f64 {
        self.bottom - self.top
    }

    /// Its four numbers in a format, for an image of `size` (width, height) px.
    pub fn to(&self, format: BoxFormat, size: (u32, u32)) -> [f64; 4] {
        let (w, h) = (f64::from(size.0), f64::from(size.1));
        match format {
            BoxFormat::Coco => [self.left, self.top, self.width(), self.height()],
            BoxFormat::Voc => [self.left, self.top, self.right, self.bottom],
            BoxFormat::Yolo => [
                (self.left + self.right) / 2.0 / w,
                (self.top + self.bottom) / 2.0 / h,
                self.width() / w,
                self.height() / h,
            ],
            BoxFormat::Albumentations => {
                [self.left / w, self.top / h, self.right / w, self.bottom / h]
            }
        }
    }

    fn from([a, b, c, d]: [f64; 4], format: BoxFormat, size: (u32, u32)) -> Self {
        let (w, h) = (f64::from(size.0), f64::from(size.1));
        let [left, top, right, bottom] = match format {
            BoxFormat::Coco => [a, b, a + c, b + d],
            BoxFormat::Voc => [a, b, c, d],
            BoxFormat::Yolo => {
                [(a - c / 2.0) * w, (b - d / 2.0) * h, (a + c / 2.0) * w, (b + d / 2.0) * h]
            }
            BoxFormat::Albumentations => [a * w, b * h, c * w, d * h],
        };
        Self { left, top, right, bottom }
    }
}

/// A box and all else that its row says.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledBox {
    /// Where it is.
    pub bounds: Bounds,
    /// The rest of its row, given back as it came.
    pub rest: Rest,
}

/// The rest of a row: what is not coordinates.
#[derive(Debug, Clone, PartialEq)]
pub enum Rest {
    /// The values after the four numbers: a label, a score.
    Row(Vec<Value>),
    /// The fields beside `bbox`.
    Object(Map<String, Value>),
}

/// Reads `[[a, b, c, d, "label"?, …], …]` or `[{"bbox": [a, b, c, d], …}, …]`; both may be mixed. What
/// else a row holds is kept as it is. Under [`OutsideBoxes::Clip`] boxes are cut at the border, and
/// those without area in the image come back with sides of 0, for [`super::move_boxes`] to count.
///
/// # Errors
/// [`Error::Format`] that names the box (from 1) for what is no box: not four finite numbers, sides
/// that are not positive, shares outside of 0–1, edges outside of the image by more than a millionth
/// of its side (so much is cut off in silence: shares are written with few digits), pixels of which none is
/// above 1, and objects with
/// fields that would be wrong of a moved box (`segmentation`, `area`, `keypoints`, `num_keypoints`).
/// [`Error::Limit`] above 100,000 boxes or 32 MiB of text.
pub fn read_boxes(
    text: &str,
    format: BoxFormat,
    size: (u32, u32),
    outside: OutsideBoxes,
) -> Result<Vec<LabelledBox>> {
    let rows = rows::read(text, "box", "boxes")?;
    if matches!(format, BoxFormat::Coco | BoxFormat::Voc) && !rows.is_empty() && shares(&rows) {
        let message =
            "no number is above 1: these are shares of the image; say so with `box_format`";
        return Err(Error::format("boxes", message));
    }
    let read = |(index, row)| {
        one(row, format, size, outside)
            .map_err(|message| Error::format(format!("box {}", index + 1), message))
    };
    rows.into_iter().enumerate().map(read).collect()
}

/// Whether no box reaches beyond the first pixel, and some end within it: then they are shares of the image,
/// and not pixels.
fn shares(rows: &[Value]) -> bool {
    let numbers = |row: &Value| -> Option<Vec<f64>> {
        let numbers = row.as_array().or_else(|| row.get("bbox")?.as_array())?;
        numbers.iter().take(4).map(Value::as_f64).collect()
    };
    let all: Option<Vec<Vec<f64>>> = rows.iter().map(numbers).collect();
    all.is_some_and(|all| {
        let mut all = all.iter().flatten();
        all.clone().all(|n| *n <= 1.0) && all.any(|n| n.fract() != 0.0)
    })
}

fn one(
    row: Value,
    format: BoxFormat,
    size: (u32, u32),
    outside: OutsideBoxes,
) -> std::result::Result<LabelledBox, String> {
    let (numbers, rest) = match row {
        Value::Array(mut row) => {
            let rest = row.split_off(row.len().min(4));
            if let Some(bad) = rest.iter().find(|v| v.is_array() || v.is_object()) {
                return Err(format!("after its four numbers stands {}", rows::kind(bad)));
            }
            (row, Rest::Row(rest))
        }
        Value::Object(mut fields) => {
            let Some(Value::Array(numbers)) = fields.remove("bbox") else {
                return Err("has no list `bbox`".into());
            };
            if numbers.len() > 4 {
                return Err(format!("`bbox` has {} values and not four", numbers.len()));
            }
            if let Some(name) = BOUND_TO_PLACE.iter().find(|name| fields.contains_key(**name)) {
                return Err(format!(
                    "has `{name}`, which would no longer be true of the moved box: leave it out"
                ));
            }
            (numbers, Rest::Object(fields))
        }
        other => return Err(format!("is neither a list nor an object but {}", rows::kind(&other))),
    };
    let names = match format {
        BoxFormat::Coco => ["left", "top", "width", "height"],
        BoxFormat::Voc | BoxFormat::Albumentations => ["left", "top", "right", "bottom"],
        BoxFormat::Yolo => ["centre x", "centre y", "width", "height"],
    };
    let mut four = [0.0; 4];
    for ((slot, name), index) in four.iter_mut().zip(names).zip(0..) {
        *slot = rows::number(numbers.get(index), name)?;
        let relative = matches!(format, BoxFormat::Yolo | BoxFormat::Albumentations);
        let strict = outside == OutsideBoxes::Refuse;
        if relative && strict && !(-SLACK..=1.0 + SLACK).contains(slot) {
            return Err(format!("{name} is {slot}, a share outside of 0–1"));
        }
    }
    let mut bounds = Bounds::from(four, format, size);
    if !has_size(bounds.width()) {
        return Err(format!("its width is {} px: right must lie beyond left", bounds.width()));
    }
    if !has_size(bounds.height()) {
        return Err(format!("its height is {} px: bottom must lie beyond top", bounds.height()));
    }
    let (w, h) = (f64::from(size.0), f64::from(size.1));
    let edges = [
        ("left", &mut bounds.left, w),
        ("top", &mut bounds.top, h),
        ("right", &mut bounds.right, w),
        ("bottom", &mut bounds.bottom, h),
    ];
    for (name, edge, side) in edges {
        if outside == OutsideBoxes::Refuse && !(-SLACK * side..=(1.0 + SLACK) * side).contains(edge)
        {
            return Err(format!(
                "its {name} edge is at {edge} px, outside of the image's 0–{side}"
            ));
        }
        *edge = edge.clamp(0.0, side);
    }
    Ok(LabelledBox { bounds, rest })
}

/// Whether a length or an area is one: above 0, and no NaN (as a difference of infinities is).
pub(super) fn has_size(number: f64) -> bool {
    number > 0.0
}

/// Writes boxes in the form in which each was read. Whole numbers are written without a point, all
/// others with the fewest digits that give the same number again.
pub fn write_boxes(boxes: &[LabelledBox], format: BoxFormat, size: (u32, u32)) -> String {
    let row = |it: &LabelledBox| {
        let mut numbers: Vec<Value> =
            it.bounds.to(format, size).into_iter().map(rows::coordinate).collect();
        match &it.rest {
            Rest::Row(rest) => {
                numbers.extend(rest.iter().cloned());
                Value::Array(numbers)
            }
            Rest::Object(fields) => {
                let mut fields = fields.clone();
                fields.insert("bbox".into(), Value::Array(numbers));
                Value::Object(fields)
            }
        }
    };
    Value::Array(boxes.iter().map(row).collect()).to_string()
}
