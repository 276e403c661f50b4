//! Their params of boxes and keypoints.

use serde_json::{Value, json};

use super::fields::{Fields, Findings};
use crate::steps::targets::{
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
    f.only("max_accept_ratio", &Value::Null, "boxes may have any shape");
    f.only("min_area", &0.into(), "least sides are a param, least areas are not");
    let [min_width_px, min_height_px] = ["min_width", "min_height"].map(|name| f.number(name));
    if min_width_px != min_height_px {
        f.refuse("`min_width` and `min_height` have one param here: give both the same");
    }
    let rules = BoxRules {
        format,
        outline,
        outside: if clip { OutsideBoxes::Clip } else { OutsideBoxes::Refuse },
        min_visibility: f.number("min_visibility"),
        min_width_px,
        min_height_px,
    };
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
    f.finish();
    Some(PointRules { origin: PointOrigin::Centres, outside })
}

/// The params of `augment` that say the same as the rules.
pub fn box_params(rules: &BoxRules) -> Vec<(&'static str, Value)> {
    vec![
        ("box_format", json!(rules.format)),
        ("box_outline", json!(rules.outline)),
        ("outside_boxes", json!(rules.outside)),
        ("min_box_visibility", json!(rules.min_visibility)),
        ("min_box_px", json!(rules.min_width_px)),
    ]
}

/// The params of `augment` that say the same as the rules.
pub fn point_params(rules: &PointRules) -> Vec<(&'static str, Value)> {
    vec![("keypoint_origin", json!(rules.origin)), ("outside_keypoints", json!(rules.outside))]
}
