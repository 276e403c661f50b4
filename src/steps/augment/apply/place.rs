//! Ops that move pixels within the frame.

use super::super::motion::Motion;
use super::super::picture::Picture;
use super::super::policy::draw::own;
use super::super::policy::place::{
    Affine, Border, Elastic, GridDistortion, Interpolation, Perspective, Rot90, Rotate,
};
use crate::error::{Error, Result};
use crate::pixels::{geometry, warp};

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
    let motion = Motion::Affine([[-1.0, 0.0, x], [0.0, 1.0, 0.0]]);
    picture.moved(motion, picture.size(), |image, _, _| geometry::flip_horizontal(image))
}

pub fn vertical_flip(picture: &mut Picture<'_>) -> Result<()> {
    let (_, y) = last(picture);
    let motion = Motion::Affine([[1.0, 0.0, 0.0], [0.0, -1.0, y]]);
    picture.moved(motion, picture.size(), |image, _, _| geometry::flip_vertical(image))
}

pub fn transpose(picture: &mut Picture<'_>) -> Result<()> {
    let (width, height) = picture.size();
    let motion = Motion::Affine([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]);
    picture.moved(motion, (height, width), |image, _, _| geometry::transpose(image))
}

pub fn rot90(op: &Rot90, picture: &mut Picture<'_>) -> Result<()> {
    let ((width, height), (x, y)) = (picture.size(), last(picture));
    let turns = op.turns[0] % 4;
    // Anticlockwise: what was at the right is at the top.
    let (motion, size) = match turns {
        0 => return Ok(()),
        1 => ([[0.0, 1.0, 0.0], [-1.0, 0.0, x]], (height, width)),
        2 => ([[-1.0, 0.0, x], [0.0, -1.0, y]], (width, height)),
        _ => ([[0.0, -1.0, y], [1.0, 0.0, 0.0]], (height, width)),
    };
    // Pixels count quarter turns clockwise.
    let clockwise = (4 - turns) as u8;
    picture.moved(Motion::Affine(motion), size, |image, _, _| {
        geometry::rotate_quarter(image, clockwise)
    })
}

pub fn rotate(op: &Rotate, picture: &mut Picture<'_>) -> Result<()> {
    let linear = turn(op.angle_deg[0]);
    let border = |is_mask| edge(op.border, op.fill, op.mask_fill, is_mask);
    warped(picture, linear, [0.0; 2], op.interpolation, border)
}

pub fn affine(op: &Affine, picture: &mut Picture<'_>) -> Result<()> {
    let (sx, sy) = (op.scale[0], op.scale_y.unwrap_or(op.scale)[0]);
    let [[a, b], [c, d]] = turn(op.angle_deg[0]);
    let [[a, b], [c, d]] = [[a * sx, b * sy], [c * sx, d * sy]];
    let tan = |degrees: f64| libm::tan(degrees.to_radians());
    let (shear_x, shear_y) = (tan(op.shear_x_deg[0]), tan(op.shear_y_deg[0]));
    let linear = [[a + shear_x * c, b + shear_x * d], [c + shear_y * a, d + shear_y * b]];
    let (width, height) = picture.size();
    let by = [op.translate_x[0] * f64::from(width), op.translate_y[0] * f64::from(height)];
    let border = |is_mask| edge(op.border, op.fill, op.mask_fill, is_mask);
    warped(picture, linear, by, op.interpolation, border)
}

/// A turn anticlockwise, y pointing down.
fn turn(degrees: f64) -> [[f64; 2]; 2] {
    let radians = degrees.to_radians();
    let (sin, cos) = (libm::sin(radians), libm::cos(radians));
    [[cos, sin], [-sin, cos]]
}

/// Maps about the centre of the frame, then moves.
fn warped(
    picture: &mut Picture<'_>,
    [[a, b], [c, d]]: [[f64; 2]; 2],
    [dx, dy]: [f64; 2],
    interpolation: Interpolation,
    border: impl Fn(bool) -> geometry::Border,
) -> Result<()> {
    let (last_x, last_y) = last(picture);
    let (x, y) = (last_x / 2.0, last_y / 2.0);
    let forward = [[a, b, x - a * x - b * y + dx], [c, d, y - c * x - d * y + dy]];
    let determinant = a * d - b * c;
    if determinant.abs() < 1e-6 {
        return Err(Error::params("policy", "its shears lay the image flat: take smaller ones"));
    }
    let [e, f, g, h] = [d, -b, -c, a].map(|part| part / determinant);
    let (x, y) = (forward[0][2], forward[1][2]);
    let inverse = [[e, f, -e * x - f * y], [g, h, -g * x - h * y]];
    let size = picture.size();
    picture.moved(Motion::Affine(forward), size, |image, _, is_mask| {
        warp::affine(image, &inverse, size, between(interpolation, is_mask), &border(is_mask))
    })
}

pub fn perspective(op: &Perspective, picture: &mut Picture<'_>) -> Result<()> {
    let mut stream = own(&op.key)?;
    let (width, height) = picture.size();
    let (width, height) = (f64::from(width), f64::from(height));
    let mut corner = |x: f64, y: f64| {
        let mut off = || stream.uniform_in(-op.scale[0], op.scale[0]);
        let (x, y) = (x + off(), y + off());
        [x * width - 0.5, y * height - 0.5]
    };
    let quad = [corner(0.0, 0.0), corner(1.0, 0.0), corner(1.0, 1.0), corner(0.0, 1.0)];
    let from_unit = square_to(quad);
    // From pixels to the unit square: (x + ½)/width.
    let forward = from_unit.map(|[a, b, c]| {
        let (a, b) = (a / width, b / height);
        [a, b, c + 0.5 * a + 0.5 * b]
    });
    let inverse = inverted(&forward)?;
    let size = picture.size();
    picture.moved(Motion::Homography(forward), size, |image, _, is_mask| {
        let border = edge(op.border, op.fill, op.mask_fill, is_mask);
        warp::perspective(image, &inverse, size, between(op.interpolation, is_mask), &border)
    })
}

/// The homography that takes the corners of the unit square, clockwise from (0, 0), to those of a convex
/// quadrilateral (Heckbert 1989, Fundamentals of texture mapping).
fn square_to([p, q, r, s]: [[f64; 2]; 4]) -> [[f64; 3]; 3] {
    let [dx1, dy1] = [q[0] - r[0], q[1] - r[1]];
    let [dx2, dy2] = [s[0] - r[0], s[1] - r[1]];
    let [sx, sy] = [p[0] - q[0] + r[0] - s[0], p[1] - q[1] + r[1] - s[1]];
    let determinant = dx1 * dy2 - dx2 * dy1;
    let g = (sx * dy2 - dx2 * sy) / determinant;
    let h = (dx1 * sy - sx * dy1) / determinant;
    let row = |k: usize| [q[k] - p[k] + g * q[k], s[k] - p[k] + h * s[k], p[k]];
    [row(0), row(1), [g, h, 1.0]]
}

fn inverted(m: &[[f64; 3]; 3]) -> Result<[[f64; 3]; 3]> {
    let [[a, b, c], [d, e, f], [g, h, i]] = *m;
    let cofactors = [
        [e * i - f * h, c * h - b * i, b * f - c * e],
        [f * g - d * i, a * i - c * g, c * d - a * f],
        [d * h - e * g, b * g - a * h, a * e - b * d],
    ];
    let determinant = a * cofactors[0][0] + b * cofactors[1][0] + c * cofactors[2][0];
    let inverse = cofactors.map(|row| row.map(|part| part / determinant));
    if inverse.as_flattened().iter().all(|part| part.is_finite()) {
        return Ok(inverse);
    }
    Err(Error::Bug { message: "a perspective without an inverse".into() })
}

pub fn elastic(op: &Elastic, picture: &mut Picture<'_>) -> Result<()> {
    let _ = (op, picture);
    Ok(())
}

pub fn grid_distortion(op: &GridDistortion, picture: &mut Picture<'_>) -> Result<()> {
    let _ = (op, picture);
    Ok(())
}
