//! Ops that move pixels within the frame.

use super::super::picture::Picture;
use super::super::policy::draw::own;
use super::super::policy::place::{
    Affine, Border, Elastic, GridDistortion, Interpolation, Perspective, Rot90, Rotate,
};
use crate::error::{Error, Result};
use crate::pixels::{geometry, warp};
use crate::steps::targets::Motion;
use std::sync::Arc;

/// A border as pixels know it.
pub fn edge(border: Border, fill: [u8; 3], mask_fill: u8, is_mask: bool) -> geometry::Border {
    match border {
        Border::Constant if is_mask => geometry::Border::Constant([mask_fill.into(); 4]),
        Border::Constant => {
            let [r, g, b] = fill.map(u16::from);
            geometry::Border::Constant([r, g, b, 255])
        }
        Border::Replicate => geometry::Border::Replicate,
        Border::Reflect101 => geometry::Border::Reflect101,
        Border::Reflect => geometry::Border::Reflect,
        Border::Wrap => geometry::Border::Wrap,
    }
}

fn between(interpolation: Interpolation, is_mask: bool) -> warp::Interpolation {
    match interpolation {
        Interpolation::Bilinear if !is_mask => warp::Interpolation::Bilinear,
        _ => warp::Interpolation::Nearest,
    }
}

/// Last column and row.
fn last(picture: &Picture<'_>) -> (f64, f64) {
    let (width, height) = picture.size();
    (f64::from(width) - 1.0, f64::from(height) - 1.0)
}

pub fn horizontal_flip(picture: &mut Picture<'_>) -> Result<()> {
    let (x, _) = last(picture);
    let motion = Motion::affine([[-1.0, 0.0, x], [0.0, 1.0, 0.0]]);
    picture.moved(motion, picture.size(), |image, _, _| geometry::flip_horizontal(image))
}

pub fn vertical_flip(picture: &mut Picture<'_>) -> Result<()> {
    let (_, y) = last(picture);
    let motion = Motion::affine([[1.0, 0.0, 0.0], [0.0, -1.0, y]]);
    picture.moved(motion, picture.size(), |image, _, _| geometry::flip_vertical(image))
}

pub fn transpose(picture: &mut Picture<'_>) -> Result<()> {
    let (width, height) = picture.size();
    let motion = Motion::affine([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]);
    picture.moved(motion, (height, width), |image, _, _| geometry::transpose(image))
}

pub fn rot90(op: &Rot90, picture: &mut Picture<'_>) -> Result<()> {
    let ((width, height), (x, y)) = (picture.size(), last(picture));
    // Anticlockwise: what was at the right is at the top.
    let (turns, motion, size) = match op.turns[0] % 4 {
        0 => return Ok(()),
        1 => (1, [[0.0, 1.0, 0.0], [-1.0, 0.0, x]], (height, width)),
        2 => (2, [[-1.0, 0.0, x], [0.0, -1.0, y]], (width, height)),
        _ => (3, [[0.0, -1.0, y], [1.0, 0.0, 0.0]], (height, width)),
    };
    picture
        .moved(Motion::affine(motion), size, |image, _, _| geometry::rotate_quarter(image, turns))
}

fn centre(picture: &Picture<'_>) -> (f64, f64) {
    let (x, y) = last(picture);
    (x / 2.0, y / 2.0)
}

pub fn rotate(op: &Rotate, picture: &mut Picture<'_>) -> Result<()> {
    let motion = warp::Affine::rotate(centre(picture), op.angle_deg[0]);
    let border = |is_mask| edge(op.border, op.fill, op.mask_fill, is_mask);
    warped(picture, motion, op.interpolation, border)
}

pub fn affine(op: &Affine, picture: &mut Picture<'_>) -> Result<()> {
    let (centre, (width, height)) = (centre(picture), picture.size());
    let factors = (op.scale[0], op.scale_y.unwrap_or(op.scale)[0]);
    let move_x = op.translate_x[0] * f64::from(width);
    let move_y = op.translate_y[0] * f64::from(height);
    let motion = warp::Affine::scale(centre, factors)
        .then(&warp::Affine::rotate(centre, op.angle_deg[0]))
        .then(&warp::Affine::shear(centre, (op.shear_x_deg[0], op.shear_y_deg[0])))
        .then(&warp::Affine::translate(move_x, move_y));
    let border = |is_mask| edge(op.border, op.fill, op.mask_fill, is_mask);
    warped(picture, motion, op.interpolation, border)
}

fn warped(
    picture: &mut Picture<'_>,
    motion: warp::Affine,
    interpolation: Interpolation,
    border: impl Fn(bool) -> geometry::Border,
) -> Result<()> {
    let Some(back) = motion.inverse() else {
        let message = "the shears that were drawn lay the image flat: take smaller ones";
        return Err(Error::params("policy", message));
    };
    let size = picture.size();
    picture.moved(Motion::Affine(motion), size, |image, _, is_mask| {
        warp::affine(image, &back.rows, size, between(interpolation, is_mask), &border(is_mask))
    })
}

pub fn perspective(op: &Perspective, picture: &mut Picture<'_>) -> Result<()> {
    let mut stream = own(&op.key)?;
    let (width, height) = picture.size();
    let (width, height) = (f64::from(width), f64::from(height));
    let corners = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)];
    let place = |(x, y): (f64, f64)| (x * width - 0.5, y * height - 0.5);
    let drawn = corners.map(|(x, y)| {
        let mut off = || stream.uniform_in(-op.scale[0], op.scale[0]);
        let (x, y) = (x + off(), y + off());
        place((x, y))
    });
    let motion = warp::Homography::from_points(&corners.map(place), &drawn);
    let Some((motion, back)) = motion.and_then(|motion| Some((motion, motion.inverse()?))) else {
        return Err(Error::Bug { message: "four corners that make no perspective".into() });
    };
    let size = picture.size();
    picture.moved(Motion::Homography(motion), size, |image, _, is_mask| {
        let border = edge(op.border, op.fill, op.mask_fill, is_mask);
        warp::perspective(image, &back.rows, size, between(op.interpolation, is_mask), &border)
    })
}

pub fn elastic(op: &Elastic, picture: &mut Picture<'_>) -> Result<()> {
    let map =
        warp::Map::elastic(picture.size(), op.alpha_px[0], op.sigma_px[0], &mut own(&op.key)?)?;
    let border = |is_mask| edge(op.border, op.fill, op.mask_fill, is_mask);
    bent(picture, map, op.interpolation, border)
}

pub fn grid_distortion(op: &GridDistortion, picture: &mut Picture<'_>) -> Result<()> {
    let mut stream = own(&op.key)?;
    let mut steps = || {
        let drawn = |_| stream.uniform_in(1.0 - op.stretch[0], 1.0 + op.stretch[0]);
        let steps: Vec<f64> = (0..op.cells).map(drawn).collect();
        // Together they show the whole image.
        let mean = steps.iter().sum::<f64>() / f64::from(op.cells);
        steps.iter().map(|step| step / mean).collect::<Vec<f64>>()
    };
    let (x, y) = (steps(), steps());
    let map = warp::Map::grid(picture.size(), op.cells, op.cells, &x, &y)?;
    let border = |is_mask| edge(op.border, op.fill, op.mask_fill, is_mask);
    bent(picture, map, op.interpolation, border)
}

fn bent(
    picture: &mut Picture<'_>,
    map: warp::Map,
    interpolation: Interpolation,
    border: impl Fn(bool) -> geometry::Border,
) -> Result<()> {
    let (map, size) = (Arc::new(map), picture.size());
    picture.moved(Motion::Map(map.clone()), size, |image, _, is_mask| {
        warp::remap(image, &map, between(interpolation, is_mask), &border(is_mask))
    })
}
