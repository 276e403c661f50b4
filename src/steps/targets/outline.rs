//! Boxes through motions: outlines that are moved, cut by frames, and bounded in the end.

use super::Leg;
use super::boxes::{Bounds, LabelledBox, has_size};
use super::rules::{BoxRules, Outline};

/// Points on an ellipse. Its polygon misses the bound by less than r/6,600; the four outermost points are
/// exact, so flips and turns are too.
const ON_ELLIPSE: u32 = 256;
/// Longest piece of a side before a bent map, px.
const PIECE_PX: f64 = 4.0;
/// Most pieces of one side.
const PIECES: f64 = 64.0;

/// Why a box was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Nothing of it is in the frame, or was in one on the way.
    Outside,
    /// Less of it is left than `min_visibility`.
    Hidden,
    /// It lost its width or height, or is smaller than the least of them.
    Small,
}

/// What became of boxes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Moved {
    /// Those that are kept, where they are now, in the order in which they came.
    pub kept: Vec<LabelledBox>,
    /// Those that are not: the place in the list (from 0), and why.
    pub dropped: Vec<(usize, Why)>,
}

/// Moves boxes of an image through `legs`: see the module for the rule.
pub fn move_boxes(boxes: Vec<LabelledBox>, legs: &[Leg<'_>], rules: &BoxRules) -> Moved {
    let mut moved = Moved::default();
    for (index, mut it) in boxes.into_iter().enumerate() {
        match through(&it.bounds, legs, rules) {
            Ok(bounds) => {
                it.bounds = bounds;
                moved.kept.push(it);
            }
            Err(why) => moved.dropped.push((index, why)),
        }
    }
    moved
}

fn through(bounds: &Bounds, legs: &[Leg<'_>], rules: &BoxRules) -> Result<Bounds, Why> {
    if !has_size(bounds.width()) || !has_size(bounds.height()) {
        // Cut at the border of the image it was given for.
        return Err(Why::Outside);
    }
    let mut points = match rules.outline {
        Outline::Corners => corners(bounds),
        Outline::Ellipse => ellipse(bounds),
    };
    let mut share = 1.0;
    for leg in legs {
        if !leg.motion.is_straight() {
            points = divided(&points);
        }
        for point in &mut points {
            let [x, y] = *point;
            let [x, y] = leg.motion.forward([x - 0.5, y - 0.5]).ok_or(Why::Outside)?;
            if !(x.is_finite() && y.is_finite()) {
                return Err(Why::Outside);
            }
            *point = [x + 0.5, y + 0.5];
        }
        let whole = area(&points);
        if !has_size(whole) {
            return Err(Why::Small);
        }
        let frame = (f64::from(leg.after.0), f64::from(leg.after.1));
        let inside =
            |p: &[f64; 2]| (0.0..=frame.0).contains(&p[0]) && (0.0..=frame.1).contains(&p[1]);
        if !points.iter().all(inside) {
            points = cut(&points, frame);
            let left = area(&points);
            if !has_size(left) {
                return Err(Why::Outside);
            }
            share *= left / whole;
        }
    }
    let bounds = bound(&points).ok_or(Why::Outside)?;
    let (w, h) = (bounds.width(), bounds.height());
    if share < rules.min_visibility {
        return Err(Why::Hidden);
    }
    if !has_size(w) || !has_size(h) || w < rules.min_width_px || h < rules.min_height_px {
        return Err(Why::Small);
    }
    Ok(bounds)
}

fn corners(b: &Bounds) -> Vec<[f64; 2]> {
    vec![[b.left, b.top], [b.right, b.top], [b.right, b.bottom], [b.left, b.bottom]]
}

fn ellipse(b: &Bounds) -> Vec<[f64; 2]> {
    let (cx, cy) = ((b.left + b.right) / 2.0, (b.top + b.bottom) / 2.0);
    let quarter = ON_ELLIPSE / 4;
    let point = |step: u32| match (step % quarter, step / quarter) {
        (0, 0) => [b.right, cy],
        (0, 1) => [cx, b.bottom],
        (0, 2) => [b.left, cy],
        (0, _) => [cx, b.top],
        _ => {
            let angle = std::f64::consts::TAU * f64::from(step) / f64::from(ON_ELLIPSE);
            let (sin, cos) = libm::sincos(angle);
            [cx + b.width() / 2.0 * cos, cy + b.height() / 2.0 * sin]
        }
    };
    (0..ON_ELLIPSE).map(point).collect()
}

/// The same outline with more points on its sides, for maps that bend them.
fn divided(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let mut out = Vec::with_capacity(points.len() * 16);
    for ([x0, y0], [x1, y1]) in sides(points) {
        let (dx, dy) = (x1 - x0, y1 - y0);
        let pieces = ((dx * dx + dy * dy).sqrt() / PIECE_PX).ceil().clamp(1.0, PIECES);
        for piece in 0..pieces as u32 {
            let along = f64::from(piece) / pieces;
            out.push([x0 + dx * along, y0 + dy * along]);
        }
    }
    out
}

fn sides(points: &[[f64; 2]]) -> impl Iterator<Item = ([f64; 2], [f64; 2])> + '_ {
    points.iter().copied().zip(points.iter().copied().cycle().skip(1))
}

/// The area within, by the shoelace formula, taken about the first point so that it loses no digits.
fn area(points: &[[f64; 2]]) -> f64 {
    let Some(&[ox, oy]) = points.first() else { return 0.0 };
    let twice = sides(points).fold(0.0, |sum, ([x0, y0], [x1, y1])| {
        sum + ((x0 - ox) * (y1 - oy) - (x1 - ox) * (y0 - oy))
    });
    twice.abs() / 2.0
}

/// What of an outline lies in the frame (Sutherland and Hodgman, doi:10.1145/360767.360802): cut at one
/// border after the other. Points on the border have exactly its coordinate.
fn cut(points: &[[f64; 2]], (w, h): (f64, f64)) -> Vec<[f64; 2]> {
    let borders = [(0, 0.0, 1.0), (0, w, -1.0), (1, 0.0, 1.0), (1, h, -1.0)];
    let mut points = points.to_vec();
    for (axis, border, sign) in borders {
        let mut left = Vec::with_capacity(points.len() + 4);
        for (from, to) in sides(&points) {
            let [before, after] = [from, to].map(|p| (p[axis] - border) * sign);
            if before >= 0.0 {
                left.push(from);
            }
            if (before > 0.0 && after < 0.0) || (before < 0.0 && after > 0.0) {
                let along = before / (before - after);
                let mut point = [0, 1].map(|k| from[k] + (to[k] - from[k]) * along);
                point[axis] = border;
                left.push(point);
            }
        }
        points = left;
    }
    points
}

fn bound(points: &[[f64; 2]]) -> Option<Bounds> {
    let &[x, y] = points.first()?;
    let all = Bounds { left: x, top: y, right: x, bottom: y };
    Some(points.iter().fold(all, |b, &[x, y]| Bounds {
        left: b.left.min(x),
        top: b.top.min(y),
        right: b.right.max(x),
        bottom: b.bottom.max(y),
    }))
}
