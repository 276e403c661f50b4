//! Free maps: a point of the source for each pixel of the output.

use super::elastic;
use super::positions::{BITS, Positions, STEPS};
use crate::error::{Error, Result};
use crate::pixels::geometry::kept;
use crate::random::Stream;

/// Which point of a source each pixel of an output shows, in 1/32 pixel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Map {
    size: (u32, u32),
    xs: Vec<i32>,
    ys: Vec<i32>,
}

/// Positions beyond ±2²⁵ pixels stop there.
const FARTHEST: f64 = (1_u64 << 30) as f64;

/// A position in 1/32 pixel, half to even.
pub(super) fn position(pixels: f64) -> i32 {
    (pixels * f64::from(STEPS)).clamp(-FARTHEST, FARTHEST).round_ties_even() as i32
}

impl Map {
    /// The map of `size` (width, height) whose pixel in column x, row y shows the point `point(x, y)`.
    ///
    /// # Errors
    /// [`Error::Params`] when a side is 0, [`Error::Limit`] for more than 2³¹ positions.
    pub fn from_fn(
        size: (u32, u32),
        mut point: impl FnMut(u32, u32) -> (f64, f64),
    ) -> Result<Self> {
        let count = kept("the map", size, 2)? / 2;
        let (mut xs, mut ys) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for y in 0..size.1 {
            for x in 0..size.0 {
                let (px, py) = point(x, y);
                xs.push(position(px));
                ys.push(position(py));
            }
        }
        Ok(Self { size, xs, ys })
    }

    /// An elastic map (Simard, Steinkraus and Platt 2003, doi:10.1109/ICDAR.2003.1227801): every pixel
    /// shows a point `alpha_px · G(u)` away from it, where u is noise, uniform in (−1, 1), drawn for x
    /// and y of each pixel, and G a Gaussian mean of `sigma_px` pixels with mirrored borders
    /// ([`crate::pixels::geometry::Border::Reflect101`]).
    ///
    /// Takes one word of `stream` per pixel, row by row: the upper half for x, the lower for y. The
    /// Gaussian is three extended boxes (Gwosdek, Grewenig, Bruhn and Weickert 2011,
    /// doi:10.1007/978-3-642-24785-9_38), so the time does not depend on σ.
    ///
    /// # Errors
    /// [`Error::Params`] when a side is 0, or alpha or sigma is negative or not finite;
    /// [`Error::Limit`] for more than 2³¹ positions.
    pub fn elastic(
        size: (u32, u32),
        alpha_px: f64,
        sigma_px: f64,
        stream: &mut Stream,
    ) -> Result<Self> {
        kept("the map", size, 2)?;
        for (name, value) in [("alpha_px", alpha_px), ("sigma_px", sigma_px)] {
            if !value.is_finite() || value < 0.0 {
                return Err(Error::params(name, format!("{value} is not a length of 0 or more")));
            }
        }
        let (xs, ys) = elastic::positions(size, alpha_px, sigma_px, stream);
        Ok(Self { size, xs, ys })
    }

    /// A grid of `columns` × `rows` equal cells of the output, each of which shows a part of the source:
    /// the i-th column one that is `x_steps[i]` times as wide as the cell, beginning where the one
    /// before it ends; rows alike. Steps that add up to `columns` show the whole width.
    ///
    /// # Errors
    /// [`Error::Params`] when there are not as many steps as columns and rows, or one is not a number
    /// above 0; as [`Map::from_fn`].
    pub fn grid(
        size: (u32, u32),
        columns: u32,
        rows: u32,
        x_steps: &[f64],
        y_steps: &[f64],
    ) -> Result<Self> {
        let xs = along("x_steps", size.0, columns, x_steps)?;
        let ys = along("y_steps", size.1, rows, y_steps)?;
        let count = kept("the map", size, 2)? / 2;
        let (mut all_xs, mut all_ys) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for y in ys {
            all_xs.extend_from_slice(&xs);
            all_ys.extend(std::iter::repeat_n(y, xs.len()));
        }
        Ok(Self { size, xs: all_xs, ys: all_ys })
    }

    /// Width and height of the output.
    pub fn size(&self) -> (u32, u32) {
        self.size
    }

    /// The point of the source that the point (x, y) of the output shows: linear between pixels; beyond
    /// them as far away as from the nearest pixel.
    pub fn back(&self, x: f64, y: f64) -> (f64, f64) {
        let (last_x, last_y) = (f64::from(self.size.0 - 1), f64::from(self.size.1 - 1));
        let (inner_x, inner_y) = (x.clamp(0.0, last_x), y.clamp(0.0, last_y));
        let (left, top) = (libm::floor(inner_x), libm::floor(inner_y));
        let (fx, fy) = (inner_x - left, inner_y - top);
        let width = self.size.0 as usize;
        let columns = [left as usize, (left as usize + 1).min(width - 1)];
        let rows = [top as usize, (top as usize + 1).min(self.size.1 as usize - 1)];
        let mean = |values: &[i32]| {
            let at =
                |column: usize, row: usize| f64::from(values[rows[row] * width + columns[column]]);
            let upper = at(0, 0) + (at(1, 0) - at(0, 0)) * fx;
            let lower = at(0, 1) + (at(1, 1) - at(0, 1)) * fx;
            (upper + (lower - upper) * fy) / f64::from(STEPS)
        };
        (mean(&self.xs) + (x - inner_x), mean(&self.ys) + (y - inner_y))
    }

    /// The point of the output that shows the point (x, y) of the source, within 1/16 pixel of the
    /// source; `None` when none does. It may lie outside the output by up to the map's own reach.
    /// Where a map folds, several points show the same one: which of them is found depends on nothing
    /// but the map and the point.
    pub fn forward(&self, x: f64, y: f64) -> Option<(f64, f64)> {
        if !x.is_finite() || !y.is_finite() {
            return None;
        }
        // Most maps move their pixels less from one to the next than pixels lie apart: going by what is
        // missing arrives. Those that do not are searched for the pixel that comes nearest.
        self.walk((x, y), (x, y)).or_else(|| self.walk(self.nearest(x, y), (x, y)))
    }

    /// Goes from `at` towards the point that shows `goal`, by Newton's rule with differences over two
    /// pixels.
    fn walk(&self, mut at: (f64, f64), goal: (f64, f64)) -> Option<(f64, f64)> {
        const CLOSE: f64 = 1.0 / 16.0;
        const MOST: usize = 40;
        let reach = f64::from(self.size.0.max(self.size.1));
        let missing = |at: (f64, f64)| {
            let (x, y) = self.back(at.0, at.1);
            (goal.0 - x, goal.1 - y)
        };
        let length = |v: (f64, f64)| v.0.abs().max(v.1.abs());
        let mut rest = missing(at);
        for _ in 0..MOST {
            if length(rest) < CLOSE / 8.0 {
                break;
            }
            let (left, right) = (self.back(at.0 - 1.0, at.1), self.back(at.0 + 1.0, at.1));
            let (up, down) = (self.back(at.0, at.1 - 1.0), self.back(at.0, at.1 + 1.0));
            let [a, b] = [(right.0 - left.0) / 2.0, (down.0 - up.0) / 2.0];
            let [c, d] = [(right.1 - left.1) / 2.0, (down.1 - up.1) / 2.0];
            let determinant = a * d - b * c;
            let step = if determinant.abs() > 0.05 {
                ((d * rest.0 - b * rest.1) / determinant, (a * rest.1 - c * rest.0) / determinant)
            } else {
                rest
            };
            // Half the way, and half of that, while the whole of it leads away.
            let mut share = 1.0;
            let better = loop {
                let next = (at.0 + step.0 * share, at.1 + step.1 * share);
                let left = missing(next);
                if length(left) < length(rest) && length(next) < 4.0 * reach {
                    break Some((next, left));
                }
                share /= 2.0;
                if share < 0.01 {
                    break None;
                }
            };
            let Some(better) = better else { break };
            (at, rest) = better;
        }
        (length(rest) < CLOSE).then_some(at)
    }

    /// The pixel that shows the point nearest to (x, y); the first of several.
    fn nearest(&self, x: f64, y: f64) -> (f64, f64) {
        let goal = (i64::from(position(x)), i64::from(position(y)));
        let mut best = (i64::MAX, 0);
        for (i, (&px, &py)) in self.xs.iter().zip(&self.ys).enumerate() {
            let (dx, dy) = (i64::from(px) - goal.0, i64::from(py) - goal.1);
            let far = dx.wrapping_mul(dx).saturating_add(dy.wrapping_mul(dy));
            if far < best.0 {
                best = (far, i);
            }
        }
        let width = self.size.0 as usize;
        ((best.1 % width) as f64, (best.1 / width) as f64)
    }
}

/// Positions along one side of a grid.
fn along(name: &str, length: u32, cells: u32, steps: &[f64]) -> Result<Vec<i32>> {
    if cells == 0 || steps.len() != cells as usize {
        return Err(Error::params(name, format!("{} steps for {cells} cells", steps.len())));
    }
    if let Some(step) = steps.iter().find(|s| !s.is_finite() || **s <= 0.0) {
        return Err(Error::params(name, format!("{step} is not a number above 0")));
    }
    let cell = f64::from(length) / f64::from(cells);
    let mut edges = Vec::with_capacity(steps.len());
    let mut edge = 0.0;
    for step in steps {
        edges.push(edge);
        edge += step * cell;
    }
    let at = |x: u32| {
        let within = f64::from(x) + 0.5;
        let i = ((within / cell) as usize).min(steps.len() - 1);
        position(edges[i] + (within - i as f64 * cell) * steps[i] - 0.5)
    };
    Ok((0..length).map(at).collect())
}

impl Positions for Map {
    fn fill(&self, x: usize, y: usize, xs: &mut [i32], ys: &mut [i32]) {
        let first = y * self.size.0 as usize + x;
        let range = first..first + xs.len();
        xs.copy_from_slice(&self.xs[range.clone()]);
        ys.copy_from_slice(&self.ys[range]);
    }
}

const _: () = assert!(1 << BITS == STEPS);
