//! Shapes of a mask: discs that close and open, holes, pieces.

use crate::error::{Error, Result};

/// A picture of yes and no, row-major.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bitmap {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `width · height` values.
    pub bits: Vec<bool>,
}

/// Largest radius of a disc, in mask pixels: time grows with it.
const MOST_RADIUS: f64 = 128.0;

/// A disc: for each row offset from the centre, how far it reaches to either side.
#[derive(Debug, PartialEq, Eq)]
pub struct Disc(Vec<u16>);

impl Disc {
    /// The pixels whose centres lie within `radius_um` of the centre's, pixels being
    /// `pixel_um` wide and high.
    ///
    /// # Errors
    /// [`Error::Limit`] when it is more than 128 pixels in radius.
    pub fn new(field: &str, radius_um: f64, pixel_um: [f64; 2]) -> Result<Self> {
        let most = (radius_um / pixel_um[0]).max(radius_um / pixel_um[1]);
        if most > MOST_RADIUS {
            return Err(Error::limit(
                format!("`{field}`"),
                format!("{most:.0} mask pixels"),
                format!("{MOST_RADIUS} mask pixels"),
                format!("raise `mask_mpp`, or lower `{field}`"),
            ));
        }
        let inside = |x: usize, y: usize| {
            let (x, y) = (x as f64 * pixel_um[0], y as f64 * pixel_um[1]);
            x * x + y * y <= radius_um * radius_um
        };
        let reach = |y: usize| (1..).take_while(|&x| inside(x, y)).count() as u16;
        Ok(Self((0..).take_while(|&y| inside(0, y)).map(reach).collect()))
    }

    fn is_point(&self) -> bool {
        self.0.len() == 1 && self.0[0] == 0
    }
}

impl Bitmap {
    /// Sets every pixel that a disc around a set one covers. Outside the picture nothing is set.
    #[must_use]
    pub fn dilate(&self, disc: &Disc) -> Self {
        if disc.is_point() || self.bits.is_empty() {
            return self.clone();
        }
        let mut distances = Vec::with_capacity(self.bits.len());
        for row in self.bits.chunks_exact(self.width) {
            distance_along(row, &mut distances);
        }
        let mut bits = vec![false; self.bits.len()];
        for (y, target) in bits.chunks_exact_mut(self.width).enumerate() {
            for (offset, &reach) in disc.0.iter().enumerate() {
                let above = y.checked_sub(offset);
                let below = Some(y + offset).filter(|y| *y < self.height && offset > 0);
                for source in above.into_iter().chain(below) {
                    let source = &distances[source * self.width..][..self.width];
                    for (bit, &distance) in target.iter_mut().zip(source) {
                        *bit |= distance <= reach;
                    }
                }
            }
        }
        Self { bits, ..*self }
    }

    /// Clears every pixel that a disc around a clear one covers. Outside the picture all is set, so
    /// that tissue which goes on beyond the border does not shrink from it.
    #[must_use]
    pub fn erode(&self, disc: &Disc) -> Self {
        self.inverted().dilate(disc).inverted()
    }

    fn inverted(&self) -> Self {
        Self { bits: self.bits.iter().map(|b| !b).collect(), ..*self }
    }

    /// Clears the pieces (joined along sides and corners) of fewer than `least` pixels.
    pub fn remove_pieces(&mut self, least: f64) {
        let pieces = Pieces::of(self, true);
        pieces.repaint(self, |piece| f64::from(piece.pixels) < least);
    }

    /// Sets the holes (joined along sides, not touching the border) of at most `most` pixels.
    pub fn fill_holes(&mut self, most: f64) {
        let pieces = Pieces::of(self, false);
        pieces.repaint(self, |piece| !piece.at_border && f64::from(piece.pixels) <= most);
    }
}

/// Appends for each pixel of a row how far the next set one is, in pixels.
fn distance_along(row: &[bool], out: &mut Vec<u16>) {
    let begin = out.len();
    let mut distance = u16::MAX;
    for &bit in row {
        distance = if bit { 0 } else { distance.saturating_add(1) };
        out.push(distance);
    }
    distance = u16::MAX;
    for value in out[begin..].iter_mut().rev() {
        distance = if *value == 0 { 0 } else { distance.saturating_add(1) };
        *value = distance.min(*value);
    }
}

/// Pixels of one value in a row: columns from and to (exclusive). Numbers are small, because a mask
/// that is all specks has half as many runs as pixels.
struct Run {
    row: u32,
    from: u32,
    to: u32,
}

#[derive(Clone, Copy, Default)]
struct Piece {
    pixels: u32,
    at_border: bool,
}

/// The connected pieces of one value: runs, and a forest that joins them.
struct Pieces {
    value: bool,
    runs: Vec<Run>,
    parents: Vec<u32>,
}

impl Pieces {
    /// Set pieces are joined along sides and corners, clear ones along sides.
    fn of(bitmap: &Bitmap, value: bool) -> Self {
        let mut pieces = Self { value, runs: Vec::new(), parents: Vec::new() };
        let corner = u32::from(value);
        let mut above = 0..0;
        for (row, bits) in (0_u32..).zip(bitmap.bits.chunks_exact(bitmap.width.max(1))) {
            let begin = pieces.runs.len();
            let mut from = 0;
            for run in bits.chunk_by(|a, b| a == b) {
                let to = from + run.len() as u32;
                if run[0] == value {
                    pieces.parents.push(pieces.runs.len() as u32);
                    pieces.runs.push(Run { row, from, to });
                }
                from = to;
            }
            let mut upper = above.start;
            for lower in begin..pieces.runs.len() {
                let (from, to) = (pieces.runs[lower].from, pieces.runs[lower].to);
                while upper < above.end && pieces.runs[upper].to + corner <= from {
                    upper += 1;
                }
                let mut at = upper;
                while at < above.end && pieces.runs[at].from < to + corner {
                    pieces.join(at, lower);
                    at += 1;
                }
            }
            above = begin..pieces.runs.len();
        }
        pieces
    }

    fn root(&mut self, run: usize) -> usize {
        let mut run = run;
        while self.parents[run] as usize != run {
            let parent = self.parents[run] as usize;
            self.parents[run] = self.parents[parent];
            run = self.parents[run] as usize;
        }
        run
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.parents[a.max(b)] = a.min(b) as u32;
    }

    /// Turns over the pieces that are chosen.
    fn repaint(mut self, bitmap: &mut Bitmap, chosen: impl Fn(&Piece) -> bool) {
        let (width, height) = (bitmap.width as u32, bitmap.height as u32);
        let mut pieces = vec![Piece::default(); self.runs.len()];
        for run in 0..self.runs.len() {
            let root = self.root(run);
            let (piece, run) = (&mut pieces[root], &self.runs[run]);
            piece.pixels += run.to - run.from;
            piece.at_border |= run.from == 0 || run.to == width;
            piece.at_border |= run.row == 0 || run.row + 1 == height;
        }
        for run in 0..self.runs.len() {
            let root = self.root(run);
            if chosen(&pieces[root]) {
                let run = &self.runs[run];
                let start = run.row as usize * bitmap.width;
                let (from, to) = (start + run.from as usize, start + run.to as usize);
                bitmap.bits[from..to].fill(!self.value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(rows: &[&str]) -> Bitmap {
        let bits = rows.iter().flat_map(|r| r.chars().map(|c| c == '#')).collect();
        Bitmap { width: rows[0].len(), height: rows.len(), bits }
    }

    fn disc(radius: f64) -> Disc {
        Disc::new("close_um", radius, [1.0, 1.0]).unwrap()
    }

    #[test]
    fn a_point_becomes_the_disc() {
        let point = drawn(&[".....", ".....", "..#..", ".....", "....."]);
        let plus = drawn(&[".....", "..#..", ".###.", "..#..", "....."]);
        assert_eq!(point.dilate(&disc(1.0)), plus);
        assert_eq!(point.dilate(&disc(1.5)), drawn(&[".....", ".###.", ".###.", ".###.", "....."]));
        assert_eq!(point.dilate(&disc(2.0)), drawn(&["..#..", ".###.", "#####", ".###.", "..#.."]));
        assert_eq!(point.dilate(&disc(0.9)), point);
        // Pixels twice as high as wide: the disc reaches two columns, one row.
        let flat = Disc::new("open_um", 2.0, [1.0, 2.0]).unwrap();
        assert_eq!(point.dilate(&flat), drawn(&[".....", "..#..", "#####", "..#..", "....."]));
    }

    #[test]
    fn closing_fills_gaps_and_opening_removes_specks_also_at_the_border() {
        let gap = drawn(&["###.###", "###.###", "###.###"]);
        let closed = gap.dilate(&disc(1.0)).erode(&disc(1.0));
        assert_eq!(closed, drawn(&["#######", "#######", "#######"]));
        let speck = drawn(&["##..", "##..", "##.#"]);
        // The corner speck has no room for a plus; the block at the border keeps its border pixels.
        let opened = speck.erode(&disc(1.0)).dilate(&disc(1.0));
        assert_eq!(opened, drawn(&["##..", "##..", "##.."]));
    }

    #[test]
    fn pieces_are_joined_by_corners_and_holes_are_not() {
        let mut pieces = drawn(&["#....", ".#...", "....#", "#...."]);
        pieces.remove_pieces(2.0);
        assert_eq!(pieces, drawn(&["#....", ".#...", ".....", "....."]));
        // Two clear pixels that touch by a corner are two holes of one; the border's is no hole.
        let mut holes = drawn(&["####.", "#.###", "##.##", "#####"]);
        holes.fill_holes(1.0);
        assert_eq!(holes, drawn(&["####.", "#####", "#####", "#####"]));
    }

    #[test]
    fn a_spiral_is_one_piece() {
        let spiral = ["######", ".....#", "####.#", "#..#.#", "#.##.#", "#....#", "######"];
        let mut bitmap = drawn(&spiral);
        let all = bitmap.bits.iter().filter(|b| **b).count() as f64;
        bitmap.remove_pieces(all);
        assert_eq!(bitmap, drawn(&spiral));
        bitmap.remove_pieces(all + 1.0);
        assert!(bitmap.bits.iter().all(|b| !b));
    }

    #[test]
    fn a_disc_too_large_is_refused() {
        assert_eq!(Disc::new("close_um", 129.0, [1.0, 2.0]).unwrap_err().kind(), "limit");
    }
}
