//! Where places of an image go: what a geometric op does to boxes and keypoints.

use std::sync::Arc;

/// A move of places, from the image before an op to the image after. Places are in pixels, and the centre
/// of the pixel in column x, row y is the point (x, y): the frame reaches from −0.5 to side − 0.5. Boxes,
/// whose edges are counted from the left edge of the frame, lie 0.5 beside: `edge = place + 0.5`.
#[derive(Debug, Clone)]
pub enum Motion {
    /// `[x', y'] = M·[x, y, 1]`: flips, turns, crops, pads, sizes and what is affine.
    Affine([[f64; 3]; 2]),
    /// `[x', y', w'] = M·[x, y, 1]`, divided by w'.
    Homography([[f64; 3]; 3]),
    /// Pixel (x, y) of the image after is taken from (x + dx, y + dy) of the image before.
    Map(Arc<Field>),
}

/// Moves of all pixels of a frame, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Columns.
    pub width_px: u32,
    /// Rows.
    pub height_px: u32,
    /// (dx, dy) in pixels.
    pub moves: Vec<[f32; 2]>,
}

impl Motion {
    /// Where a place goes. `None` where it goes nowhere (behind the horizon of a homography).
    pub fn forward(&self, [x, y]: [f64; 2]) -> Option<[f64; 2]> {
        let along = |row: &[f64; 3]| row[0] * x + row[1] * y + row[2];
        match self {
            Self::Affine([a, b]) => Some([along(a), along(b)]),
            Self::Homography([a, b, c]) => {
                let w = along(c);
                (w > 1e-9).then(|| [along(a) / w, along(b) / w])
            }
            Self::Map(field) => {
                // The field says where a pixel comes from; where one goes is the place whose origin it
                // is: a fixed point of `place − move(goal)`, found by repetition.
                let mut goal = [x, y];
                for _ in 0..20 {
                    let [dx, dy] = field.at(goal);
                    goal = [x - dx, y - dy];
                }
                Some(goal)
            }
        }
    }

    /// Whether straight lines stay straight and parallel.
    pub fn is_affine(&self) -> bool {
        matches!(self, Self::Affine(_))
    }
}

impl Field {
    /// The move at a place, bilinear between pixels, that of the edge beyond.
    pub fn at(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let (last_x, last_y) = (self.width_px.saturating_sub(1), self.height_px.saturating_sub(1));
        let (x, y) = (x.clamp(0.0, last_x.into()), y.clamp(0.0, last_y.into()));
        let (left, top) = (x.floor(), y.floor());
        let (right_part, bottom_part) = (x - left, y - top);
        let (left, top) = (left as u32, top as u32);
        let of = |column: u32, row: u32| {
            let at =
                row.min(last_y) as usize * self.width_px as usize + column.min(last_x) as usize;
            self.moves.get(at).copied().unwrap_or_default().map(f64::from)
        };
        let (a, b) = (of(left, top), of(left + 1, top));
        let (c, d) = (of(left, top + 1), of(left + 1, top + 1));
        [0, 1].map(|k| {
            let above = a[k] + (b[k] - a[k]) * right_part;
            let below = c[k] + (d[k] - c[k]) * right_part;
            above + (below - above) * bottom_part
        })
    }
}
