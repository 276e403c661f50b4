//! Pieces of a mask that hang together, along sides and corners.

/// A piece of a mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blob {
    /// Its pixels.
    pub area: u32,
    /// Its first column.
    pub left: u32,
    /// Its first row.
    pub top: u32,
    /// Columns of its box.
    pub width: u32,
    /// Rows of its box.
    pub height: u32,
}

/// A run of set pixels in a row.
struct Run {
    row: u32,
    from: u32,
    /// Behind its end.
    to: u32,
}

/// The pieces of a mask (0 is nothing, all else is something), the largest first; of equals, the one whose
/// first pixel comes first. Memory goes with the runs of the mask, of which a row has at most half its
/// pixels.
pub fn blobs(mask: &[u8], width: usize) -> Vec<Blob> {
    let mut runs: Vec<Run> = Vec::new();
    let mut parents: Vec<u32> = Vec::new();
    let mut above = 0..0;
    for (y, row) in mask.chunks_exact(width.max(1)).enumerate() {
        let first = runs.len();
        let mut candidate = above.start;
        let mut x = 0;
        while let Some(start) = row[x..].iter().position(|&m| m != 0) {
            let from = x + start;
            let length = row[from..].iter().position(|&m| m == 0).unwrap_or(row.len() - from);
            let run = Run { row: y as u32, from: from as u32, to: (from + length) as u32 };
            parents.push(runs.len() as u32);
            // Those above that end before this one begins touch none that follows.
            while candidate < above.end && runs[candidate].to < run.from {
                candidate += 1;
            }
            let mut touching = candidate;
            while touching < above.end && runs[touching].from <= run.to {
                join(&mut parents, touching, runs.len());
                touching += 1;
            }
            x = run.to as usize;
            runs.push(run);
        }
        above = first..runs.len();
    }
    let mut found: Vec<Option<(u32, [u32; 4])>> = vec![None; runs.len()];
    for (at, run) in runs.iter().enumerate() {
        let root = root(&mut parents, at);
        let (area, [left, top, right, bottom]) =
            found[root].get_or_insert((0, [u32::MAX, run.row, 0, 0]));
        *area += run.to - run.from;
        *left = (*left).min(run.from);
        *right = (*right).max(run.to);
        *top = (*top).min(run.row);
        *bottom = run.row + 1;
    }
    let mut blobs: Vec<Blob> = found
        .into_iter()
        .flatten()
        .map(|(area, [left, top, right, bottom])| Blob {
            area,
            left,
            top,
            width: right - left,
            height: bottom - top,
        })
        .collect();
    // Stable: roots are the first runs of their pieces.
    blobs.sort_by_key(|blob| std::cmp::Reverse(blob.area));
    blobs
}

fn root(parents: &mut [u32], mut at: usize) -> usize {
    while parents[at] as usize != at {
        let next = parents[parents[at] as usize];
        parents[at] = next;
        at = next as usize;
    }
    at
}

fn join(parents: &mut [u32], a: usize, b: usize) {
    let (a, b) = (root(parents, a), root(parents, b));
    parents[a.max(b)] = a.min(b) as u32;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rows: &[&str]) -> Vec<Blob> {
        let mask: Vec<u8> = rows.concat().bytes().map(|b| u8::from(b == b'#')).collect();
        blobs(&mask, rows[0].len())
    }

    #[test]
    fn corners_hang_together_and_the_largest_comes_first() {
        let found = of(&["#....##", ".#...##", "..#....", "......#"]);
        let blob = |area, left, top, width, height| Blob { area, left, top, width, height };
        assert_eq!(found, [blob(4, 5, 0, 2, 2), blob(3, 0, 0, 3, 3), blob(1, 6, 3, 1, 1)]);
        assert_eq!(of(&["....", "...."]), []);
    }

    #[test]
    fn a_comb_and_a_spiral_are_one_piece() {
        let comb = of(&["#.#.#", "#.#.#", "#####"]);
        assert_eq!((comb.len(), comb[0].area), (1, 11));
        let spiral = of(&["######", "#....#", "#.##.#", "#.#..#", "#.####"]);
        assert_eq!((spiral.len(), spiral[0].area), (1, 20));
    }
}
