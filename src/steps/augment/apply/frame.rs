//! Ops that change the frame.

use super::super::picture::Picture;
use super::super::policy::frame::{Crop, Pad, RandomResizedCrop, Resize};
use super::place::edge;
use crate::error::{Error, Result};
use crate::pixels::geometry::{self, Sides};
use crate::pixels::resize::{Filter, Light, resize_from};
use crate::steps::targets::Motion;

/// The first of `length` pixels at `share` of the room that is left in `all`: each place of the room has
/// the same part of 0–1, and half an odd room is rounded down.
fn offset(all: u32, length: u32, share: f64) -> u32 {
    let room = all.saturating_sub(length);
    let place = libm::ceil(share * (f64::from(room) + 1.0)) - 1.0;
    place.clamp(0.0, room.into()) as u32
}

/// The motion of a rectangle (left, top, width, height) that becomes a frame.
fn scaled([left, top, width, height]: [f64; 4], (to_width, to_height): (u32, u32)) -> Motion {
    let (sx, sy) = (f64::from(to_width) / width, f64::from(to_height) / height);
    // (x + ½ − left)·s − ½
    Motion::affine([[sx, 0.0, (0.5 - left) * sx - 0.5], [0.0, sy, (0.5 - top) * sy - 0.5]])
}

fn resized(
    picture: &mut Picture<'_>,
    rectangle: [f64; 4],
    size: (u32, u32),
    filter: Filter,
) -> Result<()> {
    picture.moved(scaled(rectangle, size), size, |image, resizer, is_mask| {
        let filter = if is_mask { Filter::Nearest } else { filter };
        resize_from(resizer, image, rectangle, size, filter, Light::Gamma)
    })
}

pub fn random_resized_crop(op: &RandomResizedCrop, picture: &mut Picture<'_>) -> Result<()> {
    let (all_width, all_height) = picture.size();
    let area = op.area[0] * f64::from(all_width) * f64::from(all_height);
    let side = |length: f64, all: u32| libm::round(length).clamp(1.0, all.into()) as u32;
    let width = side((area * op.ratio[0]).sqrt(), all_width);
    let height = side((area / op.ratio[0]).sqrt(), all_height);
    let left = offset(all_width, width, op.x[0]);
    let top = offset(all_height, height, op.y[0]);
    let rectangle = [left, top, width, height].map(f64::from);
    resized(picture, rectangle, (op.width_px, op.height_px), op.filter)
}

pub fn resize(op: &Resize, picture: &mut Picture<'_>) -> Result<()> {
    let (width, height) = picture.size();
    let all = [0.0, 0.0, width.into(), height.into()];
    resized(picture, all, (op.width_px, op.height_px), op.filter)
}

pub fn crop(op: &Crop, picture: &mut Picture<'_>) -> Result<()> {
    let (width, height) = picture.size();
    let missing = (op.width_px.saturating_sub(width), op.height_px.saturating_sub(height));
    if missing != (0, 0) {
        let (left, top) = (missing.0 / 2, missing.1 / 2);
        let sides = Sides { left, top, right: missing.0 - left, bottom: missing.1 - top };
        padded(picture, sides, |is_mask| edge(op.border, op.fill, op.mask_fill, is_mask))?;
    }
    let (width, height) = picture.size();
    let (left, top) = (offset(width, op.width_px, op.x[0]), offset(height, op.height_px, op.y[0]));
    let rectangle = [left, top, op.width_px, op.height_px];
    let size = (op.width_px, op.height_px);
    picture.moved(scaled(rectangle.map(f64::from), size), size, |image, _, _| {
        geometry::crop(image, left, top, op.width_px, op.height_px)
    })
}

pub fn pad(op: &Pad, picture: &mut Picture<'_>) -> Result<()> {
    let (width, height) = picture.size();
    let along = |all: u32, before: u32, after: u32, least: u32, share: f64| -> Option<(u32, u32)> {
        let named = all.checked_add(before)?.checked_add(after)?;
        let goal = named.max(least).checked_next_multiple_of(op.multiple_px.max(1))?;
        let first = offset(goal, named, share);
        Some((before.checked_add(first)?, after.checked_add(goal - named - first)?))
    };
    let x = along(width, op.left_px, op.right_px, op.min_width_px, op.x[0]);
    let y = along(height, op.top_px, op.bottom_px, op.min_height_px, op.y[0]);
    let (Some((left, right)), Some((top, bottom))) = (x, y) else {
        return Err(Error::limit("a padded side", "2^32 pixels", "less", "pad less"));
    };
    padded(picture, Sides { left, top, right, bottom }, |is_mask| {
        edge(op.border, op.fill, op.mask_fill, is_mask)
    })
}

fn padded(
    picture: &mut Picture<'_>,
    sides: Sides,
    border: impl Fn(bool) -> geometry::Border,
) -> Result<()> {
    let (width, height) = picture.size();
    let sum = |a: u32, b: u32, c: u32| a.saturating_add(b).saturating_add(c);
    let size = (sum(width, sides.left, sides.right), sum(height, sides.top, sides.bottom));
    let motion = Motion::affine([[1.0, 0.0, sides.left.into()], [0.0, 1.0, sides.top.into()]]);
    picture.moved(motion, size, |image, _, is_mask| geometry::pad(image, sides, &border(is_mask)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_of_the_room_has_the_same_part() {
        // 5 places: 0–0.2, 0.2–0.4, …
        let places: Vec<u32> = [0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0].map(|s| offset(10, 6, s)).into();
        assert_eq!(places, [0, 0, 1, 2, 3, 4, 4]);
        // The centre of an odd room is to the left, as in Albumentations and torchvision's floor.
        assert_eq!(offset(5, 4, 0.5), 0);
        assert_eq!(offset(4, 4, 0.5), 0);
        assert_eq!(offset(3, 4, 1.0), 0);
    }
}
