//! Tables of several dimensions: `mft1`, `mft2`, `mAB ` and `mBA `.

use super::curve::{Curve, bounded};
use super::read::{Bytes, fixed};

/// How the connection space is written as numbers of 0–1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// XYZ of 0 to 1 + 32767/32768.
    Xyz,
    /// L* of 0–100, a* and b* of −128 to 127 (8 bits, and all of version 4).
    Lab,
    /// The 16 bits of version 2, where FF00 is 100 and 8000 is 0.
    OldLab,
}

/// D50, the white of the connection space.
pub(super) const WHITE: [f64; 3] = [0.9642, 1.0, 0.8249];

impl Coding {
    /// XYZ (Y of white is 1) of coded numbers.
    pub(super) fn to_xyz(self, v: [f64; 3]) -> [f64; 3] {
        let (l, a, b) = match self {
            Self::Xyz => return v.map(|v| v * (65_535.0 / 32_768.0)),
            Self::Lab => (v[0] * 100.0, v[1] * 255.0 - 128.0, v[2] * 255.0 - 128.0),
            Self::OldLab => {
                let [l, a, b] = v.map(|v| v * 65_535.0);
                (l / 652.8, a / 256.0 - 128.0, b / 256.0 - 128.0)
            }
        };
        let y = (l + 16.0) / 116.0;
        let [x, y, z] = [y + a / 500.0, y, y - b / 200.0].map(|f| match f > 24.0 / 116.0 {
            true => f * f * f,
            false => (f - 16.0 / 116.0) * (108.0 / 841.0),
        });
        [x * WHITE[0], y * WHITE[1], z * WHITE[2]]
    }

    /// Coded numbers of black.
    pub(super) fn black(self) -> [f64; 3] {
        match self {
            Self::Xyz => [0.0; 3],
            Self::Lab => [0.0, 128.0 / 255.0, 128.0 / 255.0],
            Self::OldLab => [0.0, 32_768.0 / 65_535.0, 32_768.0 / 65_535.0],
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Stage {
    Curves(Vec<Curve>),
    /// Rows of a 3 × 3 matrix, and what is added.
    Matrix([[f64; 3]; 3], [f64; 3]),
    Grid(Grid),
}

/// A table: the first input runs slowest, outputs fastest.
#[derive(Debug, Clone, PartialEq)]
struct Grid {
    points: Vec<usize>,
    outputs: usize,
    values: Vec<f32>,
}

/// Numbers of a device to coded colours, or back.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pipeline {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) coding: Coding,
    stages: Vec<Stage>,
}

/// Most numbers of a table.
const NUMBERS: usize = 10_000_000;

/// Reads `mft1` or `mft2`: curves, table, curves. (Their matrix is for inputs of XYZ only.)
pub(super) fn lut(tag: Bytes<'_>, lab: bool) -> Option<Pipeline> {
    let wide = tag.get(..4)? == b"mft2";
    let &[inputs, outputs, points] = tag.get(8..11)?.first_chunk()?;
    let (inputs, outputs, points) = (inputs.into(), outputs.into(), usize::from(points));
    let (before, after, mut at) = match wide {
        true => (tag.u16(48)?.into(), tag.u16(50)?.into(), 52),
        false => (256, 256, 48),
    };
    if !(1..=4).contains(&inputs) || !(1..=4).contains(&outputs) || before < 2 || after < 2 {
        return None;
    }
    let mut numbers = |count: usize| {
        let values = scaled(tag, at, count, wide);
        at += count << u32::from(wide);
        values
    };
    let curves =
        |samples: usize, count: usize, numbers: &mut dyn FnMut(usize) -> Option<Vec<f32>>| {
            let all = numbers(samples.checked_mul(count)?)?;
            let table = |part: &[f32]| Curve::Table(part.iter().map(|&v| v.into()).collect());
            Some(Stage::Curves(all.chunks_exact(samples).map(table).collect()))
        };
    let first = curves(before, inputs, &mut numbers)?;
    let points = vec![points; inputs];
    let values = numbers(size(&points, outputs)?)?;
    let grid = Stage::Grid(Grid { points, outputs, values });
    let last = curves(after, outputs, &mut numbers)?;
    let coding = match (lab, wide) {
        (false, _) => Coding::Xyz,
        (true, true) => Coding::OldLab,
        (true, false) => Coding::Lab,
    };
    Some(Pipeline { inputs, outputs, coding, stages: vec![first, grid, last] })
}

/// Reads `mAB ` (A curves, table, M curves, matrix, B curves) or `mBA ` (the other way round).
pub(super) fn multi(tag: Bytes<'_>, lab: bool) -> Option<Pipeline> {
    let back = tag.get(..4)? == b"mBA ";
    let &[inputs, outputs] = tag.get(8..10)?.first_chunk()?;
    let (inputs, outputs) = (usize::from(inputs), usize::from(outputs));
    if !(1..=4).contains(&inputs) || !(1..=4).contains(&outputs) {
        return None;
    }
    let offset = |place: usize| tag.u32(place).map(|at| at as usize);
    let (b, matrix, m, grid, a) = (offset(12)?, offset(16)?, offset(20)?, offset(24)?, offset(28)?);
    // The B and M curves and the matrix stand on the side of the connection space.
    let (near, far) = if back { (inputs, outputs) } else { (outputs, inputs) };
    let mut stages = Vec::new();
    if a != 0 {
        stages.push(Stage::Curves(nested(tag, a, far)?));
    }
    if grid != 0 {
        let points: Vec<usize> =
            tag.get(grid..grid.checked_add(inputs)?)?.iter().map(|&p| p.into()).collect();
        let wide = *tag.get(grid.checked_add(16)?)? == 2;
        let values = scaled(tag, grid.checked_add(20)?, size(&points, outputs)?, wide)?;
        stages.push(Stage::Grid(Grid { points, outputs, values }));
    } else if inputs != outputs {
        return None;
    }
    if m != 0 {
        stages.push(Stage::Curves(nested(tag, m, near)?));
    }
    if matrix != 0 && near == 3 {
        let mut e = [0.0; 12];
        for (e, place) in e.iter_mut().zip((matrix..).step_by(4)) {
            *e = fixed(tag.u32(place)?);
        }
        let rows = [[e[0], e[1], e[2]], [e[3], e[4], e[5]], [e[6], e[7], e[8]]];
        stages.push(Stage::Matrix(rows, [e[9], e[10], e[11]]));
    }
    stages.push(Stage::Curves(nested(tag, b, near)?));
    if back {
        stages.reverse();
    }
    let coding = if lab { Coding::Lab } else { Coding::Xyz };
    Some(Pipeline { inputs, outputs, coding, stages })
}

/// Curves one behind the other, each at a multiple of four bytes.
fn nested(tag: Bytes<'_>, mut at: usize, count: usize) -> Option<Vec<Curve>> {
    (0..count)
        .map(|_| {
            let (curve, length) = Curve::read(Bytes(tag.get(at..)?))?;
            at += length.next_multiple_of(4);
            Some(curve)
        })
        .collect()
}

/// How many numbers a table has, if that is bearable.
fn size(points: &[usize], outputs: usize) -> Option<usize> {
    let size = points.iter().try_fold(outputs, |n, &p| n.checked_mul(p))?;
    (points.iter().all(|&p| p >= 1) && size <= NUMBERS).then_some(size)
}

/// Numbers of 8 or 16 bits as 0–1.
fn scaled(tag: Bytes<'_>, at: usize, count: usize, wide: bool) -> Option<Vec<f32>> {
    let bytes = tag.get(at..at.checked_add(count << u32::from(wide))?)?;
    Some(match wide {
        true => {
            let number = |b: &[u8]| f32::from(u16::from_be_bytes([b[0], b[1]])) / 65_535.0;
            bytes.chunks_exact(2).map(number).collect()
        }
        false => bytes.iter().map(|&b| f32::from(b) / 255.0).collect(),
    })
}

impl Pipeline {
    /// All stages, one after the other; numbers that an input or output has not are ignored or 0.
    pub(super) fn run(&self, mut v: [f64; 4]) -> [f64; 4] {
        for stage in &self.stages {
            match stage {
                Stage::Curves(curves) => {
                    for (v, curve) in v.iter_mut().zip(curves) {
                        *v = curve.at(*v);
                    }
                }
                Stage::Matrix(rows, add) => {
                    let [x, y, z, _] = v;
                    for ((v, row), add) in v.iter_mut().zip(rows).zip(add) {
                        *v = row[0] * x + row[1] * y + row[2] * z + add;
                    }
                }
                Stage::Grid(grid) => v = grid.at(v),
            }
        }
        v
    }
}

impl Grid {
    /// Between the points: straight along a fourth input (the first of four), by tetrahedra in the others,
    /// as colour engines do.
    fn at(&self, v: [f64; 4]) -> [f64; 4] {
        let inputs = self.points.len();
        // The point below, and how far to go, along each input.
        let mut base = 0;
        let mut axes = [(0.0, 0); 4];
        let mut stride = self.outputs;
        for at in (0..inputs).rev() {
            let last = self.points[at] - 1;
            let place = bounded(v[at]) * last as f64;
            let below = (place as usize).min(last.saturating_sub(1));
            base += below * stride;
            axes[at] = (place - below as f64, if last == 0 { 0 } else { stride });
            stride *= self.points[at];
        }
        let Some((&mut (outer, step), inner)) = axes[..inputs].split_first_mut() else {
            return v;
        };
        if inputs < 4 {
            return self.simplex(base, &mut axes[..inputs]);
        }
        let low = self.simplex(base, &mut inner.to_owned());
        if outer == 0.0 {
            return low;
        }
        let mut mixed = self.simplex(base + step, inner);
        for (mixed, low) in mixed.iter_mut().zip(low) {
            *mixed = low + (*mixed - low) * outer;
        }
        mixed
    }

    /// Walks from the point below to the point above, along the longest part first.
    fn simplex(&self, base: usize, axes: &mut [(f64, usize)]) -> [f64; 4] {
        axes.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut sum = [0.0; 4];
        let mut add = |at: usize, weight: f64| {
            for (sum, &value) in sum.iter_mut().zip(self.values.iter().skip(at).take(self.outputs))
            {
                *sum += f64::from(value) * weight;
            }
        };
        let (mut at, mut left) = (base, 1.0);
        for &(part, step) in axes.iter() {
            add(at, left - part);
            left = part;
            at += step;
        }
        add(at, left);
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_by_hand() {
        // Two inputs of 2 and 3 points, one output: the value is 0.5 · first + 0.4 · second.
        let grid =
            Grid { points: vec![2, 3], outputs: 1, values: vec![0.0, 0.2, 0.4, 0.5, 0.7, 0.9] };
        for (x, y) in [(0.0, 0.0), (1.0, 1.0), (0.25, 0.5), (0.5, 0.3), (0.9, 0.95)] {
            let value = grid.at([x, y, 0.0, 0.0])[0];
            assert!((value - (0.5 * x + 0.4 * y)).abs() < 1e-6, "{x} {y}: {value}");
        }
    }

    #[test]
    fn four_inputs_are_linear_along_the_first() {
        // Only the corner where all four are 1 is 1: min of the inner three, times the first.
        let mut values = vec![0.0; 16];
        values[15] = 1.0;
        let grid = Grid { points: vec![2; 4], outputs: 1, values };
        assert_eq!(grid.at([0.5, 0.75, 0.5, 1.0])[0], 0.25);
        assert_eq!(grid.at([1.0, 1.0, 1.0, 1.0])[0], 1.0);
        assert_eq!(grid.at([0.0, 1.0, 1.0, 1.0])[0], 0.0);
    }

    #[test]
    fn connection_spaces_by_hand() {
        assert_eq!(Coding::Xyz.to_xyz([0.5; 3])[0], 65_535.0 / 65_536.0);
        for (coding, white) in [
            (Coding::Lab, [1.0, 128.0 / 255.0, 128.0 / 255.0]),
            (Coding::OldLab, [65_280.0 / 65_535.0, 32_768.0 / 65_535.0, 32_768.0 / 65_535.0]),
        ] {
            for (found, expected) in coding.to_xyz(white).into_iter().zip(WHITE) {
                assert!((found - expected).abs() < 1e-12);
            }
            assert!(coding.to_xyz(coding.black()).iter().all(|v| v.abs() < 1e-12));
        }
    }
}
