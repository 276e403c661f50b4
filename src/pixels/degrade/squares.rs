//! An image in few large squares: the mean of each, and each spread again.

use crate::pixels::blur::Frame;

/// Which pixels of a line a cell covers, and by how much.
struct Cell {
    first: usize,
    /// In equal parts of a pixel; over all pixels of a cell they sum to [`Cells::whole`].
    weights: Vec<u32>,
}

/// A line of pixels cut into equal cells, whose edges may cut pixels.
struct Cells {
    cells: Vec<Cell>,
    whole: u32,
}

impl Cells {
    /// `length` pixels in `count` cells, `count` of 1 to `length`, below 2²⁴. With lengths counted in
    /// `count`ths of a pixel, every edge is a whole number.
    fn new(length: usize, count: usize) -> Self {
        let common = common_divisor(length, count);
        let (pixel, cell) = (count / common, length / common);
        let cells = (0..count).map(|index| {
            let (from, to) = (index * cell, (index + 1) * cell);
            let first = from / pixel;
            let weights = (first..to.div_ceil(pixel)).map(|x| {
                let (left, right) = ((x * pixel).max(from), ((x + 1) * pixel).min(to));
                (right - left) as u32
            });
            Cell { first, weights: weights.collect() }
        });
        Self { cells: cells.collect(), whole: cell as u32 }
    }
}

fn common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

/// The mean of each of `columns × rows` equal cells, rounded, halves up; pixels that an edge cuts count
/// by their share. Sums are exact.
pub(super) fn means(frame: &Frame<'_>, (columns, rows): (usize, usize)) -> Vec<u8> {
    let (across, down) = (Cells::new(frame.width, columns), Cells::new(frame.height, rows));
    let area = u64::from(across.whole) * u64::from(down.whole);
    let pitch = frame.pitch();
    let mut sums = vec![0_u32; pitch];
    let mut wide = vec![0_u64; columns * frame.channels];
    let mut out = vec![0; wide.len() * rows];
    for (cell, out) in down.cells.iter().zip(out.chunks_exact_mut(wide.len())) {
        sums.fill(0);
        let lines = frame.bytes[cell.first * pitch..].chunks_exact(pitch);
        for (line, &weight) in lines.zip(&cell.weights) {
            add(&mut sums, line, weight);
        }
        if frame.channels == 1 {
            gather::<1>(&across.cells, &sums, &mut wide);
        } else {
            gather::<3>(&across.cells, &sums, &mut wide);
        }
        divide(&wide, area, out);
    }
    out
}

#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn add(sums: &mut [u32], line: &[u8], weight: u32) {
    add_body(sums, line, weight);
}

#[inline(always)]
fn add_body(sums: &mut [u32], line: &[u8], weight: u32) {
    // A cell's sum is below 255 · 2²⁴.
    for (sum, &level) in sums.iter_mut().zip(line) {
        *sum = sum.wrapping_add(weight.wrapping_mul(level.into()));
    }
}

fn gather<const CHANNELS: usize>(cells: &[Cell], sums: &[u32], wide: &mut [u64]) {
    let pixels = sums.as_chunks::<CHANNELS>().0;
    for (cell, to) in cells.iter().zip(wide.as_chunks_mut::<CHANNELS>().0) {
        *to = [0; CHANNELS];
        for (pixel, &weight) in pixels[cell.first..].iter().zip(&cell.weights) {
            for (to, &sum) in to.iter_mut().zip(pixel) {
                *to = to.wrapping_add(u64::from(sum).wrapping_mul(weight.into()));
            }
        }
    }
}

#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn divide(sums: &[u64], area: u64, out: &mut [u8]) {
    divide_body(sums, area, out);
}

/// Below 2⁴⁵ quotients of whole floats are less than ½ / `area` off: they never reach the next level.
#[inline(always)]
fn divide_body(sums: &[u64], area: u64, out: &mut [u8]) {
    for (out, &sum) in out.iter_mut().zip(sums) {
        *out = (sum.wrapping_add(area / 2) as f64 / area as f64) as u8;
    }
}

/// The `columns` pixels of each row spread over `size` (width, height): column x shows column
/// `⌊(x + ½) · columns / width⌋`, and so do rows.
pub(super) fn spread(
    small: &[u8],
    (columns, rows): (usize, usize),
    (width, height): (usize, usize),
    channels: usize,
) -> Vec<u8> {
    let place = |at: usize, count: usize, length: usize| (2 * at + 1) * count / (2 * length);
    let from: Vec<usize> = (0..width).map(|x| place(x, columns, width)).collect();
    let mut out = Vec::with_capacity(width * height * channels);
    let mut line = vec![0; width * channels];
    let mut shown = None;
    for y in 0..height {
        let row = place(y, rows, height);
        if shown != Some(row) {
            let small = &small[row * columns * channels..][..columns * channels];
            if channels == 1 {
                pick::<1>(small, &from, &mut line);
            } else {
                pick::<3>(small, &from, &mut line);
            }
            shown = Some(row);
        }
        out.extend_from_slice(&line);
    }
    out
}

fn pick<const CHANNELS: usize>(small: &[u8], from: &[usize], line: &mut [u8]) {
    let pixels = small.as_chunks::<CHANNELS>().0;
    for (to, &from) in line.as_chunks_mut::<CHANNELS>().0.iter_mut().zip(from) {
        *to = pixels[from];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Image;

    #[test]
    fn cells_share_the_pixels_that_they_cut() {
        // Five pixels in three cells of 1⅔: in thirds 3 2 | 1 3 1 | 2 3.
        let cells = Cells::new(5, 3);
        assert_eq!(cells.whole, 5);
        let found: Vec<_> = cells.cells.iter().map(|c| (c.first, c.weights.clone())).collect();
        assert_eq!(found, [(0, vec![3, 2]), (1, vec![1, 3, 1]), (3, vec![2, 3])]);
        assert_eq!(Cells::new(8, 2).cells[1].weights, [1; 4]);
    }

    #[test]
    fn means_are_exact_and_wide_paths_are_the_scalar_one() {
        let bytes: Vec<u8> = (0..3 * 67 * 41_u32).map(|n| (n * n / 7) as u8).collect();
        let image = Image::from_u8(67, 41, 3, bytes.clone()).unwrap();
        let frame = Frame::of(&image).unwrap();
        // The image itself, and one cell: the rounded mean of all.
        assert_eq!(means(&frame, (67, 41)), bytes);
        let mean = |channel: usize| {
            let sum: usize = bytes.iter().skip(channel).step_by(3).map(|&x| usize::from(x)).sum();
            ((sum + 67 * 41 / 2) / (67 * 41)) as u8
        };
        assert_eq!(means(&frame, (1, 1)), [mean(0), mean(1), mean(2)]);
        let (mut a, mut b) = (vec![7_u32; bytes.len()], vec![7_u32; bytes.len()]);
        add(&mut a, &bytes, 91);
        add_body(&mut b, &bytes, 91);
        assert_eq!(a, b);
        let area = 300_000_007;
        let sums: Vec<u64> = (0..=255)
            .flat_map(|n| [n * area, n * area + area / 2, n * area + area / 2 + 1])
            .collect();
        let (mut a, mut b) = (vec![0; sums.len() - 1], vec![0; sums.len() - 1]);
        divide(&sums, area, &mut a);
        divide_body(&sums, area, &mut b);
        assert_eq!(a, b);
        let exact: Vec<u8> = sums.iter().map(|sum| ((sum + area / 2) / area) as u8).collect();
        assert_eq!(a, exact[..a.len()]);
    }
}
