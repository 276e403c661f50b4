use super::*;

/// HSV in floating point, as its definition says.
fn slowly([r, g, b]: [u8; 3], degrees: f64) -> [f64; 3] {
    let [r, g, b] = [r, g, b].map(f64::from);
    let (most, least) = (r.max(g).max(b), r.min(g).min(b));
    let chroma = most - least;
    if chroma == 0.0 {
        return [r, g, b];
    }
    let hue = if r == most {
        (g - b) / chroma
    } else if g == most {
        (b - r) / chroma + 2.0
    } else {
        (r - g) / chroma + 4.0
    };
    let sample = |n: f64| {
        let k = (n + hue + degrees / 60.0).rem_euclid(6.0);
        most - chroma * k.min(4.0 - k).clamp(0.0, 1.0)
    };
    [sample(5.0), sample(3.0), sample(1.0)]
}

fn colours() -> Vec<[u8; 3]> {
    let steps = [0_u8, 1, 2, 7, 60, 127, 128, 200, 254, 255];
    let mut all = Vec::new();
    for r in steps {
        for g in steps {
            all.extend(steps.map(|b| [r, g, b]));
        }
    }
    all
}

fn image(colours: &[[u8; 3]]) -> Image {
    Image::from_u8(colours.len() as u32, 1, 3, colours.as_flattened().to_vec()).unwrap()
}

#[test]
fn a_turn_by_hand() {
    let mut turned = image(&[[255, 0, 0], [255, 128, 0], [9, 9, 9]]);
    hue(&mut turned, 120.0).unwrap();
    assert_eq!(turned.as_u8().unwrap(), [0, 255, 0, 0, 255, 128, 9, 9, 9]);
    hue(&mut turned, -480.0).unwrap();
    assert_eq!(turned.as_u8().unwrap(), [255, 0, 0, 255, 128, 0, 9, 9, 9]);
}

#[test]
fn hue_is_that_of_hsv() {
    for degrees in [-180.0, -77.3, -0.5, 0.01, 18.0, 60.0, 123.4, 179.9, 360.0, 1000.0] {
        let colours = colours();
        let mut turned = image(&colours);
        hue(&mut turned, degrees).unwrap();
        for (found, colour) in turned.as_u8().unwrap().as_chunks::<3>().0.iter().zip(&colours) {
            for (found, expected) in found.iter().zip(slowly(*colour, degrees)) {
                let off = (f64::from(*found) - expected).abs();
                assert!(off < 0.6, "{colour:?} by {degrees}: {found} for {expected}");
            }
        }
    }
}

#[test]
fn saturation_rounds_the_exact_blend() {
    for factor in [0.0, 0.25, 0.5, 1.0, 1.3, 2.0, 7.0, 900.0] {
        let colours = colours();
        let mut changed = image(&colours);
        saturation(&mut changed, factor).unwrap();
        let factor = (factor.min(7.999) * 4096.0).round() / 4096.0;
        for (found, [r, g, b]) in changed.as_u8().unwrap().as_chunks::<3>().0.iter().zip(colours) {
            let grey = f64::from(luma(r, g, b));
            let blend = |x: u8| grey + (factor * (f64::from(x) - grey) + 0.5).floor();
            assert_eq!(found.map(f64::from), [r, g, b].map(|x| blend(x).clamp(0.0, 255.0)));
        }
    }
}

#[test]
fn one_pass_is_the_four_changes_one_after_the_other() {
    let colours = colours();
    let all = Jitter { brightness: 1.2, contrast: 0.7, saturation: 1.6, hue_deg: -40.0 };
    let mut once = image(&colours);
    all.apply(&mut once).unwrap();
    let mut often = image(&colours);
    let one = Jitter::default();
    for step in [
        Jitter { brightness: all.brightness, ..one },
        Jitter { contrast: all.contrast, ..one },
        Jitter { saturation: all.saturation, ..one },
        Jitter { hue_deg: all.hue_deg, ..one },
    ] {
        step.apply(&mut often).unwrap();
    }
    assert_eq!(once, often);
}

#[test]
fn contrast_is_about_the_mean_grey() {
    // Greys 0, 100, 200, 200: mean 125.
    let mut grey = Image::from_u8(4, 1, 1, vec![0, 100, 200, 200]).unwrap();
    let half = Jitter { contrast: 0.5, ..Jitter::default() };
    half.apply(&mut grey).unwrap();
    assert_eq!(grey.as_u8().unwrap(), [63, 113, 163, 163]); // 62.5, 112.5, 162.5
    let mut rgb = image(&[[0; 3], [100; 3], [200; 3], [200; 3]]);
    half.apply(&mut rgb).unwrap();
    assert_eq!(rgb, image(&[[63; 3], [113; 3], [163; 3], [163; 3]]));
}

#[test]
fn no_number_no_change() {
    let mut grey = Image::from_u8(1, 1, 1, vec![7]).unwrap();
    assert!(Jitter { contrast: f64::NAN, ..Jitter::default() }.apply(&mut grey).is_err());
    let mut alpha = Image::from_u8(1, 1, 4, vec![7; 4]).unwrap();
    assert!(hue(&mut alpha, 3.0).is_err());
}
