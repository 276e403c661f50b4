//! From what was found to what is said.

use super::compare::Found;
use super::detector::Detected;
use super::facts::{Basis, Facts, Verdict};
use super::params::{Background, Mode, Params, Scene};
use super::series::{Compared, Photo};

/// Left, top, width and height in pixels of the upright photo.
type Area = (u32, u32, u32, u32);

/// What is said of a photo, and what follows.
pub(super) struct Judged {
    pub facts: Facts,
    /// Whether it goes no further, in modes that drop.
    pub drops: bool,
    /// What is cut out, margin included.
    pub area: Option<Area>,
}

/// The facts of a photo that cannot be decoded.
pub(super) fn corrupt(reason: String) -> Facts {
    let marks = Some("corrupt".into());
    Facts { corrupt: true, corrupt_reason: Some(reason), marks, ..nothing() }
}

fn nothing() -> Facts {
    Facts {
        verdict: Verdict::Uncertain,
        basis: Basis::Image,
        marks: None,
        corrupt: false,
        corrupt_reason: None,
        frames: 1,
        visits: 1,
        infrared: None,
        foreground_fraction: None,
        largest_blob_fraction: None,
        shadowed_blob_fraction: None,
        blind_fraction: None,
        motion_score: None,
        box_x_px: None,
        box_y_px: None,
        box_w_px: None,
        box_h_px: None,
        detector_confidence: None,
        gain: None,
        offset: None,
        under_fraction: None,
        over_fraction: None,
        sharpness: None,
        phash: None,
        duplicate_of: None,
        near_duplicate_of: None,
        tissue_fraction: None,
        pen_fraction: None,
    }
}

/// Judges a photo.
pub(super) fn judge(
    params: &Params,
    photo: &Photo,
    compared: &Compared,
    detected: Option<&Detected>,
    twin: Option<String>,
    near: Option<String>,
) -> Judged {
    let look = &photo.look;
    let found = compared.found.as_ref();
    let (verdict, basis) = match (detected, found) {
        (Some(detected), _) => (detected.verdict, Basis::Detector),
        (None, Some(found)) => (by_background(params, found, compared), Basis::Background),
        (None, None) => (by_itself(params, photo), Basis::Image),
    };
    let likely = verdict == Verdict::AnimalLikely;
    let is = |d: fn(&Detected) -> bool| detected.is_some_and(d);
    let dark = look.under > params.under_exposed;
    let bright = look.over > params.over_exposed;
    let blurred = look.sharpness < params.blurred_below;
    let people = is(|d| d.person) || is(|d| d.vehicle);
    let slide = params.scene == Scene::Slide;
    let marks = [
        ("blank", look.blank),
        ("blurred", blurred),
        ("changed", found.is_some_and(|f| f.foreground > params.max_foreground)),
        ("duplicate", twin.is_some()),
        ("glass", look.patch.is_some_and(|p| p.tissue < params.min_tissue && p.glass >= 0.5)),
        ("near-duplicate", near.is_some()),
        // A patch on glass is bright, and that is as it should be.
        ("over-exposed", bright && !slide),
        ("pen", look.patch.is_some_and(|p| p.pen > params.max_pen)),
        ("person", is(|d| d.person)),
        ("under-exposed", dark),
        ("vehicle", is(|d| d.vehicle)),
    ];
    let marks: Vec<&str> = marks.iter().filter(|m| m.1).map(|m| m.0).collect();
    let drops = (verdict == Verdict::Empty && params.mode != Mode::Mask)
        || (params.drop_blurred && blurred && !likely)
        || (params.drop_exposure && (dark || bright && !slide) && !likely)
        || (params.drop_duplicates && twin.is_some())
        || (params.drop_near_duplicates && near.is_some())
        || (params.drop_people && people);
    let area = box_of(photo, found, detected);
    let light = found.map(|f| f.light).filter(|_| params.lighting);
    let facts = Facts {
        verdict,
        basis,
        marks: (!marks.is_empty()).then(|| marks.join(" ")),
        frames: compared.frames.max(1) as u64,
        visits: compared.visits.max(1) as u64,
        infrared: (!slide).then_some(look.kind.0),
        foreground_fraction: found.map(|f| f.foreground),
        largest_blob_fraction: found.map(|f| f.solid),
        shadowed_blob_fraction: found.map(|f| f.shadowed),
        blind_fraction: found.map(|f| f.blind),
        motion_score: found.and_then(|f| f.motion),
        box_x_px: area.map(|a| a.0.into()),
        box_y_px: area.map(|a| a.1.into()),
        box_w_px: area.map(|a| a.2.into()),
        box_h_px: area.map(|a| a.3.into()),
        detector_confidence: detected.map(|d| d.confidence),
        gain: light.map(|l| l.gain),
        offset: light.map(|l| l.offset),
        under_fraction: Some(look.under),
        over_fraction: Some(look.over),
        sharpness: Some(look.sharpness),
        phash: Some(format!("{:016x}", look.phash)),
        duplicate_of: twin,
        near_duplicate_of: near,
        tissue_fraction: look.patch.map(|p| p.tissue),
        pen_fraction: look.patch.map(|p| p.pen),
        ..nothing()
    };
    let area = area.filter(|_| likely).map(|area| with_margin(area, look.size, params.margin));
    Judged { facts, drops, area }
}

fn by_background(params: &Params, found: &Found, compared: &Compared) -> Verdict {
    let quiet = found.shadowed < params.empty_blob
        && found.motion.is_none_or(|motion| motion < params.empty_blob);
    let sees = found.blind <= params.max_blind;
    let suffices = compared.frames >= params.min_frames as usize
        && compared.visits >= params.min_visits as usize;
    if found.foreground > params.max_foreground {
        Verdict::Uncertain
    } else if found.solid >= params.animal_blob {
        Verdict::AnimalLikely
    } else if quiet && sees && suffices {
        Verdict::Empty
    } else {
        Verdict::Uncertain
    }
}

fn by_itself(params: &Params, photo: &Photo) -> Verdict {
    match photo.look.patch {
        Some(p) if p.tissue < params.min_tissue || p.pen > params.max_pen => Verdict::Empty,
        Some(_) => Verdict::TissueLikely,
        // In a series, a picture that shows nothing may be a lens that an animal covers.
        None if photo.look.blank && params.background == Background::None => Verdict::Empty,
        None => Verdict::Uncertain,
    }
}

/// The box of the detector's animal, or of the largest piece.
fn box_of(photo: &Photo, found: Option<&Found>, detected: Option<&Detected>) -> Option<Area> {
    let (width, height) = photo.look.size;
    let along = |from: f64, length: f64, side: u32| {
        let side = f64::from(side);
        let low = (from * side).clamp(0.0, side - 1.0) as u32;
        // Upwards, so that nothing is cut off.
        let high = ((from + length) * side).clamp(f64::from(low) + 1.0, side);
        (low, libm::ceil(high) as u32 - low)
    };
    if let Some(detected) = detected {
        let [x, y, w, h] = detected.animal?;
        let ((x, w), (y, h)) = (along(x, w, width), along(y, h, height));
        return Some((x, y, w, h));
    }
    let piece = found?.piece?;
    let (_, _, (w, h)) = photo.look.kind;
    let scaled = |from: u32, length: u32, small: usize, side: u32| {
        let (small, side) = (small as u64, u64::from(side));
        let low = u64::from(from) * side / small;
        let high = (u64::from(from + length) * side).div_ceil(small);
        (low as u32, (high - low) as u32)
    };
    let (x, w) = scaled(piece.left, piece.width, w, width);
    let (y, h) = scaled(piece.top, piece.height, h, height);
    Some((x, y, w, h))
}

/// A box with a margin, as far as the photo goes.
fn with_margin((x, y, w, h): Area, size: (u32, u32), margin: f64) -> Area {
    let add = (margin * f64::from(w.max(h))) as u32;
    let (left, top) = (x.saturating_sub(add), y.saturating_sub(add));
    let right = x.saturating_add(w).saturating_add(add).min(size.0);
    let bottom = y.saturating_add(h).saturating_add(add).min(size.1);
    (left, top, right - left, bottom - top)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn margins_end_at_the_border() {
        assert_eq!(with_margin((10, 20, 100, 50), (400, 300), 0.1), (0, 10, 120, 70));
        assert_eq!(with_margin((350, 250, 50, 50), (400, 300), 0.5), (325, 225, 75, 75));
    }

    #[test]
    fn what_cannot_be_known_is_not_empty() {
        let params = Params::default();
        let quiet = |frames, visits| Compared { frames, visits, found: Some(Found::default()) };
        let of = |frames, visits| {
            let compared = quiet(frames, visits);
            by_background(&params, compared.found.as_ref().unwrap(), &compared)
        };
        assert_eq!(of(5, 4), Verdict::Empty);
        assert_eq!((of(4, 4), of(50, 3)), (Verdict::Uncertain, Verdict::Uncertain));
    }
}
