//! Their ops that move pixels or change the frame.

use serde_json::{Value, json};

use super::fields::Fields;
use crate::steps::augment::policy::frame::{Crop, Pad, RandomResizedCrop, Resize};
use crate::steps::augment::policy::place::{
    Affine, Elastic, GridDistortion, HorizontalFlip, Perspective, Rot90, Rotate, Transpose,
    VerticalFlip,
};
use crate::steps::augment::policy::{Branch, Node};

/// The node that is the op `name`; `None` when it is not of these.
pub fn node(name: &str, f: &mut Fields<'_>) -> Option<Node> {
    Some(match name {
        "HorizontalFlip" => Node::HorizontalFlip(HorizontalFlip { p: f.p() }),
        "VerticalFlip" => Node::VerticalFlip(VerticalFlip { p: f.p() }),
        "Transpose" => Node::Transpose(Transpose { p: f.p() }),
        "RandomRotate90" => Node::Rot90(Rot90 { p: f.p(), turns: [0, 3] }),
        "D4" | "SquareSymmetry" => symmetries(f),
        "Rotate" => rotate(f),
        "Affine" => affine(f),
        "ShiftScaleRotate" => shift_scale_rotate(f),
        "Perspective" => perspective(f),
        "ElasticTransform" => elastic(f),
        "GridDistortion" => grid(f),
        "RandomResizedCrop" => resized_crop(f),
        "RandomCrop" => crop(f, [0.0, 1.0]),
        "CenterCrop" => crop(f, [0.5, 0.5]),
        "Crop" => corner_crop(f),
        "Pad" => pad(f),
        "PadIfNeeded" => pad_if_needed(f),
        "Resize" => Node::Resize(Resize {
            p: f.p(),
            width_px: f.whole("width"),
            height_px: f.whole("height"),
            filter: f.filter(),
        }),
        _ => return None,
    })
}

/// Four turns with or without a flip are the eight symmetries, each as likely.
fn symmetries(f: &mut Fields<'_>) -> Node {
    let turns = Node::Rot90(Rot90 { p: 1.0, turns: [0, 3] });
    let flip = Node::HorizontalFlip(HorizontalFlip { p: 0.5 });
    Node::Sequential(Branch { p: f.p(), ops: vec![turns, flip] })
}

fn rotate(f: &mut Fields<'_>) -> Node {
    f.rotate_method();
    f.only("crop_border", &json!(false), "the frame stays as large as it is");
    Node::Rotate(Rotate {
        p: f.p(),
        angle_deg: f.range("limit"),
        interpolation: f.interpolation(),
        border: f.border(),
        fill: f.fill("fill"),
        mask_fill: f.mask_fill(),
    })
}

fn affine(f: &mut Fields<'_>) -> Node {
    f.rotate_method();
    f.only("balanced_scale", &json!(false), "scales are drawn evenly");
    f.only("fit_output", &json!(false), "the frame stays as large as it is");
    let [scale, scale_y] = f.ranges("scale");
    let together = f.flag("keep_ratio");
    if together && scale != scale_y {
        f.refuse("with `keep_ratio` the range of y has no meaning: give x and y the same");
    }
    let shear = f.ranges("shear");
    let mut translate = [[0.0; 2]; 2];
    if f.value("translate_percent").is_null() {
        if !f.value("translate_px").is_null() && f.ranges("translate_px") != translate {
            f.refuse("`translate_px` has no equal here: moves are shares of the frame");
        }
    } else {
        translate = f.ranges("translate_percent");
        f.only("translate_px", &Value::Null, "moves are shares of the frame");
    }
    // The sign that they give to a shear, and the one here, differ.
    let [shear_x_deg, shear_y_deg] = shear.map(|[low, high]| [-high, -low]);
    if shear_x_deg != [0.0; 2] && shear_y_deg != [0.0; 2] {
        f.refuse(
            "`shear` of both x and y has no equal here: y is sheared after x; \
             take two ops, each with one",
        );
    }
    Node::Affine(Affine {
        p: f.p(),
        scale,
        scale_y: (!together && (!same(scale) || scale != scale_y)).then_some(scale_y),
        angle_deg: f.range("rotate"),
        shear_x_deg,
        shear_y_deg,
        translate_x: translate[0],
        translate_y: translate[1],
        interpolation: f.interpolation(),
        border: f.border(),
        fill: f.fill("fill"),
        mask_fill: f.mask_fill(),
    })
}

fn same([low, high]: [f64; 2]) -> bool {
    low == high
}

fn shift_scale_rotate(f: &mut Fields<'_>) -> Node {
    f.rotate_method();
    let scale = f.range("scale_limit").map(|limit| 1.0 + limit);
    Node::Affine(Affine {
        p: f.p(),
        scale,
        scale_y: (!same(scale)).then_some(scale),
        angle_deg: f.range("rotate_limit"),
        shear_x_deg: [0.0; 2],
        shear_y_deg: [0.0; 2],
        translate_x: f.range("shift_limit_x"),
        translate_y: f.range("shift_limit_y"),
        interpolation: f.interpolation(),
        border: f.border(),
        fill: f.fill("fill"),
        mask_fill: f.mask_fill(),
    })
}

fn perspective(f: &mut Fields<'_>) -> Node {
    f.only("fit_output", &json!(false), "the frame stays as large as it is");
    f.only("keep_size", &json!(true), "the frame stays as large as it is");
    Node::Perspective(Perspective {
        p: f.p(),
        scale: f.range("scale"),
        interpolation: f.interpolation(),
        border: f.border(),
        fill: f.fill("fill"),
        mask_fill: f.mask_fill(),
        key: None,
    })
}

fn elastic(f: &mut Fields<'_>) -> Node {
    f.only("approximate", &json!(false), "the field is smoothed by the whole Gaussian");
    f.only("same_dxdy", &json!(false), "x and y move apart");
    f.value("keypoint_remapping_method");
    let mut alpha = f.number("alpha");
    match f.text("noise_distribution") {
        "uniform" => {}
        "gaussian" => {
            // A normal field over its largest value, which is 4.81 on average in two fields of 512 × 512
            // (4.49 at 224 × 224, 5.46 at 2048 × 2048), has the deviation 1/4.81; an even one 1/√3.
            alpha *= 3_f64.sqrt() / 4.81;
        }
        other => f.refuse(format!("`noise_distribution` {other} has no equal here")),
    }
    Node::Elastic(Elastic {
        p: f.p(),
        alpha_px: [alpha; 2],
        sigma_px: [f.number("sigma"); 2],
        interpolation: f.interpolation(),
        border: f.border(),
        fill: f.fill("fill"),
        mask_fill: f.mask_fill(),
        key: None,
    })
}

fn grid(f: &mut Fields<'_>) -> Node {
    f.only("normalized", &json!(true), "nodes stay within the frame");
    f.value("keypoint_remapping_method");
    let [low, high] = f.range("distort_limit");
    if low != -high {
        f.refuse(format!("`distort_limit` [{low}, {high}] has no equal here: −a to a has"));
    }
    Node::GridDistortion(GridDistortion {
        p: f.p(),
        cells: f.whole("num_steps"),
        stretch: [high; 2],
        interpolation: f.interpolation(),
        border: f.border(),
        fill: f.fill("fill"),
        mask_fill: f.mask_fill(),
        key: None,
    })
}

fn resized_crop(f: &mut Fields<'_>) -> Node {
    // Height comes first.
    let [height_px, width_px] = f.wholes("size");
    Node::RandomResizedCrop(RandomResizedCrop {
        p: f.p(),
        width_px,
        height_px,
        area: f.range("scale"),
        ratio: f.range("ratio"),
        x: [0.0, 1.0],
        y: [0.0, 1.0],
        filter: f.filter(),
    })
}

fn crop(f: &mut Fields<'_>, at: [f64; 2]) -> Node {
    if f.flag("pad_if_needed") {
        f.only("pad_position", &json!("center"), "small images are padded evenly");
    } else {
        f.value("pad_position");
    }
    Node::Crop(Crop {
        p: f.p(),
        width_px: f.whole("width"),
        height_px: f.whole("height"),
        x: at,
        y: at,
        border: f.border(),
        fill: f.fill("fill"),
        mask_fill: f.mask_fill(),
    })
}

fn corner_crop(f: &mut Fields<'_>) -> Node {
    let why = "a crop is placed by a share of what is left over: 0 is the corner";
    f.only("x_min", &0.into(), why);
    f.only("y_min", &0.into(), why);
    if f.flag("pad_if_needed") {
        f.refuse("`pad_if_needed` has no equal here in the corner");
    }
    f.value("pad_position");
    Node::Crop(Crop {
        p: f.p(),
        width_px: f.whole("x_max"),
        height_px: f.whole("y_max"),
        x: [0.0; 2],
        y: [0.0; 2],
        border: f.border(),
        fill: f.fill("fill"),
        mask_fill: f.mask_fill(),
    })
}

fn pad(f: &mut Fields<'_>) -> Node {
    let value = f.value("padding");
    let px = |value: &Value| value.as_u64().and_then(|n| u32::try_from(n).ok());
    let sides = match value.as_array().map(Vec::as_slice) {
        None => px(value).map(|all| [all; 4]),
        Some([x, y]) => px(x).zip(px(y)).map(|(x, y)| [x, y, x, y]),
        Some([l, t, r, b]) => {
            px(l).zip(px(t)).zip(px(r).zip(px(b))).map(|((l, t), (r, b))| [l, t, r, b])
        }
        _ => None,
    };
    if sides.is_none() {
        f.refuse(format!("`padding` {value} is not one, two or four whole numbers"));
    }
    let [left_px, top_px, right_px, bottom_px] = sides.unwrap_or_default();
    Node::Pad(Pad {
        p: f.p(),
        left_px,
        top_px,
        right_px,
        bottom_px,
        border: f.border(),
        fill: f.fill("fill"),
        mask_fill: f.mask_fill(),
        ..Pad::default()
    })
}

fn pad_if_needed(f: &mut Fields<'_>) -> Node {
    f.only("padding", &0.into(), "the sides are padded for size alone");
    let divisors = ["pad_width_divisor", "pad_height_divisor"].map(|name| f.value(name));
    let (mut least, mut multiple_px) = ([0, 0], 1);
    if divisors.iter().all(|divisor| divisor.is_null()) {
        least = ["min_width", "min_height"].map(|name| f.whole(name));
    } else {
        for name in ["min_width", "min_height"] {
            f.only(name, &Value::Null, "either both divisors or both least sides");
        }
        let [x, y] = ["pad_width_divisor", "pad_height_divisor"].map(|name| f.whole(name));
        if x != y {
            f.refuse(format!("divisors {x} and {y} have no equal here: one for both sides has"));
        }
        multiple_px = x;
    }
    // Where the image lies: what is missing is on the other side.
    let (x, y) = match f.text("position") {
        "center" => ([0.5; 2], [0.5; 2]),
        "top_left" => ([0.0; 2], [0.0; 2]),
        "top_right" => ([1.0; 2], [0.0; 2]),
        "bottom_left" => ([0.0; 2], [1.0; 2]),
        "bottom_right" => ([1.0; 2], [1.0; 2]),
        "random" => ([0.0, 1.0], [0.0, 1.0]),
        other => {
            f.refuse(format!("`position` {other} has no equal here"));
            ([0.0; 2], [0.0; 2])
        }
    };
    Node::Pad(Pad {
        p: f.p(),
        min_width_px: least[0],
        min_height_px: least[1],
        multiple_px,
        x,
        y,
        border: f.border(),
        fill: f.fill("fill"),
        mask_fill: f.mask_fill(),
        ..Pad::default()
    })
}
