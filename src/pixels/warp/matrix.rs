//! Motions of points as matrices. Everything is computed in a fixed order; sines come from `libm`.

/// An affine motion: `x' = m00 x + m01 y + m02`, `y' = m10 x + m11 y + m12`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Affine {
    /// The two rows.
    pub rows: [[f64; 3]; 2],
}

impl Affine {
    /// Nothing moves.
    pub const IDENTITY: Self = Self { rows: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]] };

    /// Everything moves right by `dx` and down by `dy` pixels.
    pub fn translate(dx: f64, dy: f64) -> Self {
        Self { rows: [[1.0, 0.0, dx], [0.0, 1.0, dy]] }
    }

    /// A linear motion that leaves `centre` where it is.
    fn about(centre: (f64, f64), [[a, b], [c, d]]: [[f64; 2]; 2]) -> Self {
        let (x, y) = centre;
        Self { rows: [[a, b, x - (a * x + b * y)], [c, d, y - (c * x + d * y)]] }
    }

    /// A turn about `centre`, counter-clockwise as one sees it (y points down). Quarter turns are exact.
    pub fn rotate(centre: (f64, f64), degrees: f64) -> Self {
        let (sin, cos) = sine_and_cosine(degrees);
        Self::about(centre, [[cos, sin], [-sin, cos]])
    }

    /// Distances from `centre` grow `factors`-fold along x and y.
    pub fn scale(centre: (f64, f64), factors: (f64, f64)) -> Self {
        Self::about(centre, [[factors.0, 0.0], [0.0, factors.1]])
    }

    /// Rows slide right by `tan(degrees.0)` per pixel that they lie below `centre`, columns down by
    /// `tan(degrees.1)` per pixel that they lie to its right.
    pub fn shear(centre: (f64, f64), degrees: (f64, f64)) -> Self {
        let tangent = |degrees: f64| {
            let (sin, cos) = sine_and_cosine(degrees);
            sin / cos
        };
        Self::about(centre, [[1.0, tangent(degrees.0)], [tangent(degrees.1), 1.0]])
    }

    /// This motion, and `next` afterwards.
    pub fn then(&self, next: &Self) -> Self {
        let [top, bottom] = &self.rows;
        let row = |m: &[f64; 3]| {
            [
                m[0] * top[0] + m[1] * bottom[0],
                m[0] * top[1] + m[1] * bottom[1],
                m[0] * top[2] + m[1] * bottom[2] + m[2],
            ]
        };
        Self { rows: [row(&next.rows[0]), row(&next.rows[1])] }
    }

    /// The motion back; `None` when this one flattens the plane.
    pub fn inverse(&self) -> Option<Self> {
        let [[a, b, e], [c, d, f]] = self.rows;
        let determinant = a * d - b * c;
        if !determinant.is_normal() {
            return None;
        }
        let [a, b, c, d] = [d / determinant, -b / determinant, -c / determinant, a / determinant];
        let back = Self { rows: [[a, b, -(a * e + b * f)], [c, d, -(c * e + d * f)]] };
        back.rows.iter().flatten().all(|m| m.is_finite()).then_some(back)
    }

    /// Where a point goes.
    pub fn apply(&self, x: f64, y: f64) -> (f64, f64) {
        let along = |m: &[f64; 3]| m[0] * x + m[1] * y + m[2];
        (along(&self.rows[0]), along(&self.rows[1]))
    }
}

/// Sine and cosine of an angle in degrees, exact for quarter turns.
fn sine_and_cosine(degrees: f64) -> (f64, f64) {
    let turn = degrees % 360.0;
    let turn = if turn < 0.0 { turn + 360.0 } else { turn };
    let quarters = libm::floor(turn / 90.0 + 0.5);
    // Within 45° of a quarter turn: the rest is small, and 0 for the quarter turn itself.
    let rest = (turn - quarters * 90.0) * (std::f64::consts::PI / 180.0);
    let (sin, cos) = (libm::sin(rest), libm::cos(rest));
    match quarters as u8 % 4 {
        0 => (sin, cos),
        1 => (cos, -sin),
        2 => (-sin, -cos),
        _ => (-cos, sin),
    }
}

/// A projective motion: `x' = u/w`, `y' = v/w` with `(u, v, w) = rows · (x, y, 1)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Homography {
    /// The three rows.
    pub rows: [[f64; 3]; 3],
}

impl Homography {
    /// The motion that takes each of four points `from` to the one in `to`; `None` when three of
    /// either lie on one line.
    pub fn from_points(from: &[(f64, f64); 4], to: &[(f64, f64); 4]) -> Option<Self> {
        let mut system = [[0.0; 9]; 8];
        for (i, (&(x, y), &(u, v))) in from.iter().zip(to).enumerate() {
            system[i] = [x, y, 1.0, 0.0, 0.0, 0.0, -x * u, -y * u, u];
            system[i + 4] = [0.0, 0.0, 0.0, x, y, 1.0, -x * v, -y * v, v];
        }
        let [a, b, c, d, e, f, g, h] = solved(system)?;
        let found = Self { rows: [[a, b, c], [d, e, f], [g, h, 1.0]] };
        found.inverse().map(|_| found)
    }

    /// The same motion as an affine one.
    pub fn from_affine(affine: &Affine) -> Self {
        Self { rows: [affine.rows[0], affine.rows[1], [0.0, 0.0, 1.0]] }
    }

    /// This motion, and `next` afterwards.
    pub fn then(&self, next: &Self) -> Self {
        let m = &self.rows;
        let row =
            |n: &[f64; 3]| [0, 1, 2].map(|i| n[0] * m[0][i] + n[1] * m[1][i] + n[2] * m[2][i]);
        Self { rows: [row(&next.rows[0]), row(&next.rows[1]), row(&next.rows[2])] }
    }

    /// The motion back; `None` when this one flattens the plane. Its scale is such that points on the
    /// near side of this motion's horizon have w > 0 there too.
    pub fn inverse(&self) -> Option<Self> {
        let m = &self.rows;
        let minor = |r: [usize; 2], c: [usize; 2]| {
            m[r[0]][c[0]] * m[r[1]][c[1]] - m[r[0]][c[1]] * m[r[1]][c[0]]
        };
        let adjugate = [
            [minor([1, 2], [1, 2]), -minor([0, 2], [1, 2]), minor([0, 1], [1, 2])],
            [-minor([1, 2], [0, 2]), minor([0, 2], [0, 2]), -minor([0, 1], [0, 2])],
            [minor([1, 2], [0, 1]), -minor([0, 2], [0, 1]), minor([0, 1], [0, 1])],
        ];
        let determinant =
            m[0][0] * adjugate[0][0] + m[0][1] * adjugate[1][0] + m[0][2] * adjugate[2][0];
        let largest = m.iter().flatten().fold(0.0_f64, |a, b| a.max(b.abs()));
        let smallest = largest * largest * largest * 1e-14;
        if !determinant.is_normal() || determinant.abs() <= smallest {
            return None;
        }
        let back = Self { rows: adjugate.map(|row| row.map(|v| v / determinant)) };
        back.rows.iter().flatten().all(|m| m.is_finite()).then_some(back)
    }

    /// Where a point goes; `None` for one on the horizon or behind it (w ≤ 0).
    pub fn apply(&self, x: f64, y: f64) -> Option<(f64, f64)> {
        let along = |m: &[f64; 3]| m[0] * x + m[1] * y + m[2];
        let w = along(&self.rows[2]);
        let (x, y) = (along(&self.rows[0]) / w, along(&self.rows[1]) / w);
        (w > 0.0 && x.is_finite() && y.is_finite()).then_some((x, y))
    }
}

/// The solution of eight equations (the last column is the right side), by elimination with the largest
/// pivot of each column; `None` when they have no single one.
fn solved(mut system: [[f64; 9]; 8]) -> Option<[f64; 8]> {
    for column in 0..8 {
        let mut pivot = column;
        for row in column..8 {
            if system[row][column].abs() > system[pivot][column].abs() {
                pivot = row;
            }
        }
        system.swap(column, pivot);
        let top = system[column];
        if !top[column].is_normal() {
            return None;
        }
        for row in system.iter_mut().skip(column + 1) {
            let factor = row[column] / top[column];
            for (v, t) in row.iter_mut().zip(&top).skip(column) {
                *v -= factor * t;
            }
        }
    }
    let mut found = [0.0; 8];
    for row in (0..8).rev() {
        let mut rest = system[row][8];
        for column in row + 1..8 {
            rest -= system[row][column] * found[column];
        }
        found[row] = rest / system[row][row];
    }
    found.iter().all(|v| v.is_finite()).then_some(found)
}
