//! Their ops that change pixels where they are.

use serde_json::{Value, json};

use super::fields::Fields;
use crate::steps::augment::policy::Node;
use crate::steps::augment::policy::blur::{Defocus, GaussianBlur, MedianBlur, MotionBlur};
use crate::steps::augment::policy::field::{CoarseDropout, Fog, Rain, Shadow};
use crate::steps::augment::policy::noise::{Downscale, GaussNoise, IsoNoise, Jpeg, ShotNoise};
use crate::steps::augment::policy::stain::{ConcentrationJitter, StainVectors};
use crate::steps::augment::policy::tone::{
    BrightnessContrast, ChannelShuffle, Clahe, ColorJitter, Equalize, Gamma, Invert, Posterize,
    Sharpen, Solarize, ToGrey,
};

/// The node that is the op `name`; `None` when it is not of these.
pub fn node(name: &str, f: &mut Fields<'_>) -> Option<Node> {
    tone(name, f).or_else(|| grain(name, f)).or_else(|| field(name, f))
}

fn tone(name: &str, f: &mut Fields<'_>) -> Option<Node> {
    Some(match name {
        "RandomBrightnessContrast" => {
            f.only("brightness_by_max", &json!(true), "brightness is a share of white");
            f.only("ensure_safe_range", &json!(false), "what is drawn is done");
            Node::BrightnessContrast(BrightnessContrast {
                p: f.p(),
                brightness: f.range("brightness_limit"),
                contrast: f.range("contrast_limit"),
            })
        }
        "ColorJitter" => Node::ColorJitter(ColorJitter {
            p: f.p(),
            brightness: f.range("brightness"),
            contrast: f.range("contrast"),
            saturation: f.range("saturation"),
            hue: f.range("hue"),
        }),
        "RandomGamma" => {
            let gamma = f.range("gamma_limit").map(|percent| percent / 100.0);
            Node::Gamma(Gamma { p: f.p(), gamma })
        }
        "ToGray" => {
            f.only("method", &json!("weighted_average"), "grey is BT.601's luma");
            f.only("num_output_channels", &3.into(), "channels stay as many");
            Node::ToGrey(ToGrey { p: f.p() })
        }
        "ChannelShuffle" => Node::ChannelShuffle(ChannelShuffle { p: f.p(), order: None }),
        "CLAHE" => {
            let [tiles_y, tiles_x] = clahe_tiles(f);
            Node::Clahe(Clahe { p: f.p(), clip_limit: f.range("clip_limit"), tiles_x, tiles_y })
        }
        "Posterize" => Node::Posterize(Posterize { p: f.p(), bits: f.wholes("num_bits") }),
        "Solarize" => {
            // A sample is inverted when it reaches the threshold: the next whole one.
            let threshold = f.range("threshold_range").map(|t| (t * 255.0).ceil());
            if threshold.iter().any(|t| !(0.0..=255.0).contains(t)) {
                f.refuse("`threshold_range` is not within 0–1");
            }
            Node::Solarize(Solarize { p: f.p(), threshold: threshold.map(|t| t as u32) })
        }
        "Equalize" => {
            f.only("mode", &json!("cv"), "the histogram is equalised as in OpenCV");
            f.only("by_channels", &json!(true), "each channel is equalised");
            f.only("mask", &Value::Null, "the whole image is looked at");
            Node::Equalize(Equalize { p: f.p() })
        }
        "InvertImg" => Node::Invert(Invert { p: f.p() }),
        "Sharpen" => {
            f.only("method", &json!("kernel"), "the filter is 3 × 3");
            f.value("kernel_size");
            f.value("sigma");
            Node::Sharpen(Sharpen {
                p: f.p(),
                alpha: f.range("alpha"),
                lightness: f.range("lightness"),
            })
        }
        "HEStain" => stain(f),
        _ => return None,
    })
}

/// OpenCV's grid is given as (columns, rows).
fn clahe_tiles(f: &mut Fields<'_>) -> [u32; 2] {
    let [x, y] = f.wholes("tile_grid_size");
    [y, x]
}

fn stain(f: &mut Fields<'_>) -> Node {
    f.only("method", &json!("macenko"), "the image's own stains are taken");
    f.value("preset");
    let (scale, shift) = (f.range("intensity_scale_range"), f.range("intensity_shift_range"));
    if !f.flag("augment_background") && shift != [0.0; 2] {
        f.refuse(
            "`augment_background: false` with a shift has no equal here: amounts of all pixels \
             change; set `intensity_shift_range` to [0, 0], or `augment_background`",
        );
    }
    Node::ConcentrationJitter(ConcentrationJitter {
        p: f.p(),
        stains: StainVectors::Image,
        h_scale: scale,
        e_scale: scale,
        h_shift: shift,
        e_shift: shift,
    })
}

/// Blur, noise, and what encoders do.
fn grain(name: &str, f: &mut Fields<'_>) -> Option<Node> {
    Some(match name {
        "GaussianBlur" => {
            if f.wholes("blur_limit") != [0, 0] {
                f.refuse(
                    "`blur_limit` has no equal here: the window follows from `sigma_limit` (0 has)",
                );
            }
            Node::GaussianBlur(GaussianBlur { p: f.p(), sigma_px: f.range("sigma_limit") })
        }
        "MedianBlur" => Node::MedianBlur(MedianBlur { p: f.p(), size_px: f.wholes("blur_limit") }),
        "MotionBlur" => {
            // The line always lies about its pixel here.
            f.range("direction_range");
            f.flag("allow_shifted");
            Node::MotionBlur(MotionBlur {
                p: f.p(),
                length_px: f.wholes("blur_limit"),
                angle_deg: f.range("angle_range"),
            })
        }
        "Defocus" => Node::Defocus(Defocus {
            p: f.p(),
            radius_px: f.wholes("radius"),
            alias_px: f.range("alias_blur"),
        }),
        "GaussNoise" => {
            if f.range("mean_range") != [0.0; 2] {
                f.refuse("`mean_range` has no equal here: 0 has");
            }
            f.only("noise_scale_factor", &1.into(), "each pixel has noise of its own");
            Node::GaussNoise(GaussNoise {
                p: f.p(),
                std: f.range("std_range"),
                per_channel: f.flag("per_channel"),
                key: None,
            })
        }
        "ISONoise" => Node::IsoNoise(IsoNoise {
            p: f.p(),
            color_shift: f.range("color_shift"),
            intensity: f.range("intensity"),
            key: None,
        }),
        "ShotNoise" => {
            Node::ShotNoise(ShotNoise { p: f.p(), scale: f.range("scale_range"), key: None })
        }
        "ImageCompression" => {
            f.only("compression_type", &json!("jpeg"), "the codec is JPEG");
            Node::Jpeg(Jpeg { p: f.p(), quality: f.wholes("quality_range") })
        }
        "Downscale" => {
            let nearest = json!({"upscale": 0, "downscale": 0});
            f.only("interpolation_pair", &nearest, "both ways by the nearest pixel");
            Node::Downscale(Downscale { p: f.p(), scale: f.range("scale_range") })
        }
        _ => return None,
    })
}

/// What lies before the lens.
fn field(name: &str, f: &mut Fields<'_>) -> Option<Node> {
    Some(match name {
        "CoarseDropout" => {
            f.only("fill_mask", &Value::Null, "masks stay");
            Node::CoarseDropout(CoarseDropout {
                p: f.p(),
                holes: f.wholes("num_holes_range"),
                height: shares(f, "hole_height_range"),
                width: shares(f, "hole_width_range"),
                fill: f.fill("fill"),
                key: None,
            })
        }
        "RandomFog" => {
            f.number("alpha_coef");
            Node::Fog(Fog { p: f.p(), density: f.range("fog_coef_range"), key: None })
        }
        "RandomRain" => rain(f),
        "RandomShadow" => {
            f.only("shadow_roi", &json!([0.0, 0.0, 1.0, 1.0]), "shadows lie anywhere in the frame");
            f.whole("shadow_dimension");
            Node::Shadow(Shadow {
                p: f.p(),
                shadows: f.wholes("num_shadows_limit"),
                intensity: f.range("shadow_intensity_range"),
                key: None,
            })
        }
        _ => return None,
    })
}

/// Whole numbers are pixels there.
fn shares<'a>(f: &mut Fields<'a>, name: &'a str) -> [f64; 2] {
    let pixels = |value: &Value| value.is_u64() || value.is_i64();
    if f.value(name).as_array().is_some_and(|range| range.iter().any(pixels)) {
        f.refuse(format!("`{name}` in pixels has no equal here: shares (0.0–1.0) have"));
    }
    f.range(name)
}

fn rain(f: &mut Fields<'_>) -> Node {
    f.only("rain_type", &json!("default"), "the number of drops is a param");
    f.value("drop_color");
    f.value("drop_width");
    f.value("blur_value");
    let length = f.value("drop_length");
    let length_px = if length.is_null() {
        // An eighth of the height there, which is not known before the image is.
        f.refuse("`drop_length: null` is an eighth of the height: say how many pixels");
        [1.0; 2]
    } else {
        [f.number("drop_length"); 2]
    };
    let behind = f.number("brightness_coefficient");
    Node::Rain(Rain {
        p: f.p(),
        drops: Rain::default().drops,
        length_px,
        slant_deg: f.range("slant_range"),
        darken: [behind; 2],
        key: None,
    })
}
