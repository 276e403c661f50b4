//! Their params of boxes and keypoints.

use serde_json::{Value, json};

use super::fields::{Fields, Findings};
use crate::steps::augment::targets::{
    BoxFormat, BoxRules, Outline, OutsideBoxes, OutsidePoints, PointOrigin, PointRules,
};

/// The rules that `bbox_params` describes.
pub fn boxes(value: &Value, findings: &mut Findings) -> Option<BoxRules> {
    let Value::Object(object) = value else {
        if !value.is_null() {
            findings.refused.push("bbox_params: is not an object".into());
        }
        return None;
    };
    let outline = match findings.outlines.as_slice() {
        all if all.iter().all(|one| *one == Outline::Corners) => Outline::Corners,
        all if all.iter().all(|one| *one == Outline::Ellipse) => Outline::Ellipse,
        _ => {
            let why = "bbox_params: ops differ in `rotate_method`, and boxes have one outline here";
            findings.refused.push(why.into());
            Outline::Corners
        }
    };
    let mut f = Fields::of(object, "bbox_params".into(), findings);
    let format = match f.text("format") {
        "coco" => BoxFormat::Coco,
        "pascal_voc" => BoxFormat::Voc,
        "yolo" => BoxFormat::Yolo,
        "albumentations" => BoxFormat::Albumentations,
        other => {
            f.refuse(format!("`format` {other} has no equal here"));
            BoxFormat::Coco
        }
    };
    f.value("label_fields");
    f.only("check_each_transform", &json!(true), "every frame on the way cuts");
    let clip = f.flag("clip");
    let max_ratio = if f.value("max_accept_ratio").is_null() {
        f64::INFINITY
    } else {
        f.number("max_accept_ratio")
    };
    let rules = BoxRules {
        format,
        outline,
        outside: if clip { OutsideBoxes::Clip } else { OutsideBoxes::Refuse },
        min_visibility: f.number("min_visibility"),
        min_width_px: f.number("min_width"),
        min_height_px: f.number("min_height"),
        min_area_px2: f.number("min_area"),
        max_ratio,
    };
    if rules.min_visibility > 0.0 {
        f.note("`min_visibility` is the share of the given box here, of each op's box there");
    }
    f.finish();
    Some(rules)
}

/// The rules that `keypoint_params` describes.
pub fn points(value: &Value, findings: &mut Findings) -> Option<PointRules> {
    let Value::Object(object) = value else {
        if !value.is_null() {
            findings.refused.push("keypoint_params: is not an object".into());
        }
        return None;
    };
    let mut f = Fields::of(object, "keypoint_params".into(), findings);
    f.only("format", &json!("xy"), "a keypoint is a place");
    if f.value("label_fields").as_array().is_some_and(|fields| fields.len() > 1) {
        f.refuse("`label_fields`: a keypoint has one name here");
    }
    f.flag("angle_in_degrees");
    f.only("check_each_transform", &json!(true), "every frame on the way cuts");
    let outside =
        if f.flag("remove_invisible") { OutsidePoints::Drop } else { OutsidePoints::Flag };
    if outside == OutsidePoints::Flag {
        f.note("keypoints outside of the frame are flagged here");
    }
    f.finish();
    Some(PointRules { origin: PointOrigin::Centres, outside })
}
