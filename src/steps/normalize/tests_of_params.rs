//! Params that do not go together, and files that become params.

use serde_json::{Map, Value, json};

use super::*;
use crate::image::png;
use crate::step::params_from;

fn refused(params: Value) -> String {
    let step = params_from(params).and_then(Normalize::new);
    step.err().map_or_else(|| "it was taken".into(), |e| e.to_string())
}

#[test]
fn params_that_do_not_go_together_are_refused_by_name() {
    for (params, field) in [
        (json!({"resize": "exact", "width_px": 5}), "height_px"),
        (json!({"resize": "shortest"}), "side_px"),
        (json!({"resize": "longest", "side_px": 5, "width_px": 5}), "width_px"),
        (json!({"side_px": 5}), "side_px"),
        (json!({"side_px": 0, "resize": "longest"}), "side_px"),
        (json!({"resize": "exact", "width_px": 0, "height_px": 5}), "width_px"),
        (json!({"crop_width_px": 70000}), "crop_width_px"),
        (json!({"pad_multiple": 0}), "pad_multiple"),
        (json!({"resize": "exact", "width_px": 5, "height_px": 5, "enlarge": false}), "enlarge"),
        (json!({"convention": "pillow", "light": "linear"}), "light"),
        (json!({"convention": "pillow", "filter": "mitchell"}), "filter"),
        (json!({"contrast": "match"}), "match_to"),
        (json!({"contrast": "stretch", "low_percentile": 99}), "low_percentile"),
        (json!({"contrast": "match", "match_to": {"counts": [[1, 2]]}}), "match_to"),
        (json!({"match_to": {"counts": []}}), "match_to"),
        (json!({"white_balance": "grey-world", "mode": "grey"}), "white_balance"),
        (json!({"depth": 16, "gamma": 2}), "depth"),
        (json!({"depth": "keep", "contrast": "clahe"}), "depth"),
        (json!({"depth": "keep", "format": "jpeg"}), "depth"),
        (json!({"depth": 16, "format": "npy"}), "depth"),
        (json!({"depth": 12}), "depth"),
        (json!({"numbers": "unit"}), "format"),
        (json!({"numbers": "own", "format": "npy", "std": [0.1, 0.1, 0.1]}), "mean"),
        (json!({"numbers": "own", "format": "npy", "mean": [0.1], "std": [0.1]}), "mean"),
        (json!({"numbers": "own", "format": "npy", "mean": [0, 0, 0], "std": [1, 0, 1]}), "std[1]"),
        (json!({"numbers": "unit", "format": "npy", "mean": [0.1]}), "mean"),
        (json!({"numbers": "imagenet", "format": "npy", "mode": "grey"}), "numbers"),
        (json!({"numbers": "profile", "format": "npy", "mode": "auto"}), "numbers"),
        (json!({"numbers": "unit", "format": "npy", "dtype": "u8"}), "dtype"),
        (json!({"format": "npy", "dtype": "f16"}), "dtype"),
        (json!({"dtype": "u8"}), "dtype"),
        (json!({"background": "white"}), "background"),
        (json!({"fill": "#+1+2+3"}), "fill"),
        (json!({"fill": "#12345é"}), "fill"),
    ] {
        let message = refused(params.clone());
        assert!(message.starts_with(&format!("{field}: ")), "{params}: {message}");
    }
}

fn profile(mean: &str, std: &str) -> Vec<u8> {
    format!(r#"{{"profile":1,"mode":"rgb","mean":{mean},"std":{std}}}"#).into_bytes()
}

#[test]
fn a_profile_is_a_file_or_a_column() {
    let file = |bytes: Vec<u8>| vec![("profile.json".to_string(), bytes)];
    let inline = |files: &[_]| Normalize::inline("profile", files, &Map::new());
    let read = inline(&file(profile("[0.5, 0.4, 0.3]", "[0.2, 0.2, 0.2]"))).unwrap();
    let params = json!({"numbers": "profile", "format": "npy", "profile": read});
    let step = Normalize::new(params_from(params.clone()).unwrap()).unwrap();
    assert_eq!(step.moments.as_ref().unwrap().mean, [0.5, 0.4, 0.3]);
    assert!(!step.reads().contains(&PROFILE), "the manifest is not asked");
    let constant = inline(&file(profile("[0.5, 0.4, 0.3]", "[0.2, 0, 0.2]"))).unwrap();
    let params = json!({"numbers": "profile", "format": "npy", "profile": constant});
    assert!(refused(params).starts_with("profile: 0 is no deviation to divide by"));
    let grey = json!({"numbers": "profile", "format": "npy", "mode": "grey", "profile": read});
    assert!(refused(grey).contains("another `mode`"));
    let image = png::encode(&Image::from_u8(1, 1, 1, vec![7]).unwrap()).unwrap();
    assert!(inline(&file(image)).unwrap_err().to_string().contains("is no profile"));

    let column = json!({"numbers": "profile", "format": "npy"});
    let step = Normalize::new(params_from(column).unwrap()).unwrap();
    assert!(step.reads().contains(&PROFILE) && step.needs() == [PROFILE]);
    let source = |value: Value| Source::from_bytes(vec![]).with_column(PROFILE.name, value);
    let text = String::from_utf8(profile("[0.5, 0.4, 0.3]", "[0.2, 0.2, 0.2]")).unwrap();
    assert_eq!(step.column(&source(text.into())).unwrap().std, [0.2; 3]);
    assert_eq!(step.column(&source(Value::Null)).unwrap_err().kind(), "schema");
    assert_eq!(step.column(&source("{}".into())).unwrap_err().kind(), "schema");
    let fit = |mode: &str| json!({"mode": mode, "icc": "to-srgb", "background": "#ffffff"});
    assert!(step.after(&[("fit-normalize", &fit("rgb"))]).is_ok());
    assert!(
        step.after(&[("fit-normalize", &fit("grey"))]).unwrap_err().to_string().starts_with("mode")
    );
}

#[test]
fn a_reference_is_images_or_counts() {
    let image = |grey: u8| {
        let image = Image::from_u8(2, 1, 3, vec![grey, 1, 2, grey, 1, 3]).unwrap();
        (format!("{grey}.png"), png::encode(&image).unwrap())
    };
    let inline = |files: &[_]| Normalize::inline("match_to", files, &Map::new());
    let read = inline(&[image(5), image(9)]).unwrap();
    let counts = |channel: usize, level: usize| read["counts"][channel][level].as_u64().unwrap();
    assert_eq!((counts(0, 5), counts(0, 9), counts(1, 1), counts(2, 3)), (2, 2, 4, 2));
    let bare = ("p.json".to_string(), profile("[0.5, 0.4, 0.3]", "[0.2, 0.2, 0.2]"));
    assert!(inline(&[bare]).unwrap_err().to_string().contains("it has no counts"));
    let text = ("t".to_string(), b"text".to_vec());
    assert!(inline(&[text]).unwrap_err().to_string().contains("nor an image"));
    // Of more than 2^32 pixels, shares remain, and no level is lost.
    let mut many = vec![0_u64; 256];
    (many[0], many[7], many[255]) = (1, 1 << 40, 3 << 40);
    let levels = Reference { counts: vec![many] }.levels(1).unwrap();
    assert_eq!((levels[0][0], levels[0][7], levels[0][255]), (1, 1 << 29, 3 << 29));
}
