//! Shadow.

use super::{check, towards};
use crate::error::{Error, Result};
use crate::image::Image;
use crate::pixels::blur::Frame;
use crate::random::Stream;

/// Dark polygons.
#[derive(Debug, Clone, PartialEq)]
pub struct Shadow {
    /// Corners (x, y) in pixels of each polygon; the last is joined to the first.
    pub polygons: Vec<Vec<(f64, f64)>>,
    /// What is taken from the levels inside, 0–1.
    pub darkness: f64,
}

/// Most corners of all polygons together.
const CORNERS: usize = 10_000;

impl Shadow {
    /// Draws `count` polygons of `corners` corners, each anywhere in the part `(left, top, right, bottom)`,
    /// in fractions of the sides, of an image of `size` (width, height). Four words of the stream for
    /// each corner: its x, then its y.
    pub fn draw(
        size: (u32, u32),
        (left, top, right, bottom): (f64, f64, f64, f64),
        count: u32,
        corners: u32,
        darkness: f64,
        stream: &mut Stream,
    ) -> Self {
        let (width, height) = (f64::from(size.0), f64::from(size.1));
        let mut corner = || {
            let x = stream.uniform_in(left * width, right * width) - 0.5;
            (x, stream.uniform_in(top * height, bottom * height) - 0.5)
        };
        let polygons = (0..count).map(|_| (0..corners).map(|_| corner()).collect()).collect();
        Self { polygons, darkness }
    }
}

/// Darkens what lies in any of the polygons: `level · (1 − darkness)`, rounded.
///
/// A pixel lies inside a polygon when a line from its centre to the left crosses an odd number of edges;
/// inside two polygons it is as dark as inside one. Edges are sharp. Albumentations' `RandomShadow` does
/// the same to one polygon after another.
///
/// # Errors
/// [`Error::Params`] when `darkness` is not in `0..=1`, a corner is not finite or there are more than
/// 10,000, [`Error::Unsupported`] for what is not 8-bit grey or RGB.
pub fn shadow(image: &Image, shadow: &Shadow) -> Result<Image> {
    let frame = Frame::of(image)?;
    check("darkness", shadow.darkness, 0.0, 1.0)?;
    let corners = || shadow.polygons.iter().flatten();
    if corners().count() > CORNERS || corners().any(|(x, y)| !x.is_finite() || !y.is_finite()) {
        return Err(Error::params(
            "polygons",
            format!("they have {} corners, or one that is not finite", corners().count()),
        ));
    }
    let share = (shadow.darkness * 65_536.0).round() as u32;
    let dark: [u8; 256] = std::array::from_fn(|level| towards(level as u8, 0, share));
    let mut out = frame.bytes.to_vec();
    let mut inside = vec![false; frame.width];
    let mut crossings = Vec::new();
    for (y, row) in out.chunks_exact_mut(frame.pitch()).enumerate() {
        inside.fill(false);
        for polygon in &shadow.polygons {
            cross(polygon, y as f64, &mut crossings);
            for pair in crossings.chunks_exact(2) {
                // From the first centre at or right of one edge to the last left of the other.
                let column = |x: f64| x.ceil().clamp(0.0, frame.width as f64) as usize;
                let (from, to) = (column(pair[0]), column(pair[1]));
                inside[from..to.max(from)].fill(true);
            }
        }
        for (pixel, _) in
            row.chunks_exact_mut(frame.channels).zip(&inside).filter(|(_, inside)| **inside)
        {
            for level in pixel {
                *level = dark[usize::from(*level)];
            }
        }
    }
    frame.filled(out)
}

/// Where the edges of a polygon cross the row `y`, from left to right.
fn cross(polygon: &[(f64, f64)], y: f64, crossings: &mut Vec<f64>) {
    crossings.clear();
    let ends = polygon.iter().skip(1).chain(polygon.first());
    for (&(x0, y0), &(x1, y1)) in polygon.iter().zip(ends) {
        // An edge holds its upper end and not its lower one, so that no corner counts twice.
        if (y0 <= y) != (y1 <= y) {
            crossings.push(x0 + (y - y0) * (x1 - x0) / (y1 - y0));
        }
    }
    crossings.sort_unstable_by(f64::total_cmp);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_triangle_is_dark() {
        let image = Image::from_u8(5, 4, 1, vec![100; 20]).unwrap();
        let dark =
            Shadow { polygons: vec![vec![(0.0, 0.0), (4.0, 0.0), (0.0, 4.0)]], darkness: 0.5 };
        let found = shadow(&image, &dark).unwrap();
        #[rustfmt::skip]
        assert_eq!(found.as_u8().unwrap(), [
            50, 50, 50, 50, 100,
            50, 50, 50, 100, 100,
            50, 50, 100, 100, 100,
            50, 100, 100, 100, 100,
        ]);
        let twice =
            Shadow { polygons: [dark.polygons.clone(), dark.polygons.clone()].concat(), ..dark };
        assert_eq!(shadow(&image, &twice).unwrap(), found);
    }

    #[test]
    fn corners_are_drawn_where_they_are_asked_for() {
        let mut stream = Stream::from_key([2; 16]);
        let drawn = Shadow::draw((100, 50), (0.0, 0.5, 1.0, 1.0), 3, 5, 0.4, &mut stream);
        assert!(drawn.polygons.len() == 3 && drawn.polygons.iter().all(|p| p.len() == 5));
        let inside = |&(x, y): &(f64, f64)| (-0.5..99.5).contains(&x) && (24.5..49.5).contains(&y);
        assert!(drawn.polygons.iter().flatten().all(inside));
        let image = Image::from_u8(1, 1, 1, vec![0]).unwrap();
        let wrong = Shadow { polygons: vec![vec![(f64::NAN, 0.0)]], darkness: 0.5 };
        assert_eq!(shadow(&image, &wrong).unwrap_err().kind(), "params");
    }
}
