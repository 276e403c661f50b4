//! Medians of 9 and of 25 by comparing and exchanging.
//!
//! Columns are sorted first, once for all windows that share them; what is left of a window is sorted
//! columns side by side, and most of it is known to lie above or below the middle.

use super::super::{BLOCK, Frame, put, taken};
use super::row;

/// Sorted columns of a row, `N` deep, one rank after the other, with room for the pixels beside it.
struct Columns<const N: usize> {
    sorted: [Vec<u8>; N],
    room: usize,
    channels: usize,
}

impl<const N: usize> Columns<N> {
    fn new(frame: &Frame<'_>) -> Self {
        let room = N / 2 * frame.channels;
        let sorted = std::array::from_fn(|_| vec![0; frame.pitch() + 2 * room]);
        Self { sorted, room, channels: frame.channels }
    }

    /// Sorts `SIZE` columns from `at` on.
    #[inline(always)]
    fn sort<const SIZE: usize>(
        &mut self,
        rows: &[&[u8]; N],
        at: usize,
        sort: impl Fn([[u8; SIZE]; N]) -> [[u8; SIZE]; N],
    ) {
        let mut columns = [[0; SIZE]; N];
        for (column, row) in columns.iter_mut().zip(rows) {
            *column = taken(row, at);
        }
        let columns = sort(columns);
        for (column, line) in columns.into_iter().zip(&mut self.sorted) {
            put(column, line, self.room + at);
        }
    }

    /// Repeats the first and the last column beside the row.
    fn hold_sides(&mut self) {
        let (room, channels) = (self.room, self.channels);
        for line in &mut self.sorted {
            let end = line.len() - room;
            for side in (0..room).step_by(channels) {
                line.copy_within(room..room + channels, side);
                line.copy_within(end - channels..end, end + side);
            }
        }
    }

    /// The values of a rank in the `N` columns under each of `SIZE` windows from `at` on.
    #[inline(always)]
    fn windows<const SIZE: usize>(&self, rank: usize, at: usize) -> [[u8; SIZE]; N] {
        let mut columns = [[0; SIZE]; N];
        for (dx, column) in columns.iter_mut().enumerate() {
            *column = taken(&self.sorted[rank], at + dx * self.channels);
        }
        columns
    }
}

#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
pub(super) fn three<'a>(frame: &Frame<'a>, out: &mut [u8]) {
    three_body(frame, out);
}

#[inline(always)]
fn three_body(frame: &Frame<'_>, out: &mut [u8]) {
    let mut columns = Columns::<3>::new(frame);
    let (pitch, whole) = (frame.pitch(), frame.pitch() / BLOCK * BLOCK);
    for (y, out) in out.chunks_exact_mut(pitch).enumerate() {
        let y = y as isize;
        let rows = [row(frame, y - 1), row(frame, y), row(frame, y + 1)];
        for at in (0..whole).step_by(BLOCK) {
            columns.sort::<BLOCK>(&rows, at, sort3);
        }
        for at in whole..pitch {
            columns.sort::<1>(&rows, at, sort3);
        }
        columns.hold_sides();
        for at in (0..whole).step_by(BLOCK) {
            put(middle_of_nine::<BLOCK>(&columns, at), out, at);
        }
        for at in whole..pitch {
            put(middle_of_nine::<1>(&columns, at), out, at);
        }
    }
}

#[inline(always)]
fn middle_of_nine<const N: usize>(columns: &Columns<3>, at: usize) -> [u8; N] {
    let [a, b, c] = columns.windows::<N>(0, at);
    let low = greater(greater(a, b), c);
    let [_, middle, _] = sort3(columns.windows::<N>(1, at));
    let [a, b, c] = columns.windows::<N>(2, at);
    let high = lesser(lesser(a, b), c);
    sort3([low, middle, high])[1]
}

#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
pub(super) fn five<'a>(frame: &Frame<'a>, out: &mut [u8]) {
    five_body(frame, out);
}

#[inline(always)]
fn five_body(frame: &Frame<'_>, out: &mut [u8]) {
    let mut columns = Columns::<5>::new(frame);
    let (pitch, whole) = (frame.pitch(), frame.pitch() / BLOCK * BLOCK);
    for (y, out) in out.chunks_exact_mut(pitch).enumerate() {
        let mut rows = [frame.bytes; 5];
        for (dy, to) in (y as isize - 2..).zip(&mut rows) {
            *to = row(frame, dy);
        }
        for at in (0..whole).step_by(BLOCK) {
            columns.sort::<BLOCK>(&rows, at, sort5);
        }
        for at in whole..pitch {
            columns.sort::<1>(&rows, at, sort5);
        }
        columns.hold_sides();
        for at in (0..whole).step_by(BLOCK) {
            put(middle_of_25::<BLOCK>(&columns, at), out, at);
        }
        for at in whole..pitch {
            put(middle_of_25::<1>(&columns, at), out, at);
        }
    }
}

/// After columns, ranks are sorted across. In such a 5 × 5 square the value of rank `i` of a column
/// that came `j`-th has `(i + 1)(j + 1) − 1` values that are not above it and `(5 − i)(5 − j) − 1` that
/// are not below: thirteen places can hold the middle one, six lie below it and six above, so it is
/// the middle of the thirteen.
#[inline(always)]
fn middle_of_25<const N: usize>(columns: &Columns<5>, at: usize) -> [u8; N] {
    let [_, _, _, a3, a4] = sort5(columns.windows::<N>(0, at));
    let [_, _, b2, b3, b4] = sort5(columns.windows::<N>(1, at));
    let [_, c1, c2, c3, _] = sort5(columns.windows::<N>(2, at));
    let [d0, d1, d2, _, _] = sort5(columns.windows::<N>(3, at));
    let [e0, e1, _, _, _] = sort5(columns.windows::<N>(4, at));
    // Of 2n − 1 values, neither the least nor the greatest of n + 1 is the middle one: both go,
    // another comes in, until three are left.
    let [a, b, c, d, e, f] = inner8([a3, a4, b2, b3, c1, c3, e0, e1]);
    let [a, b, c, d, e] = inner7([a, b, c, d, e, f, b4]);
    let [a, b, c, d] = inner6([a, b, c, d, e, d0]);
    let [a, b, c] = inner5([a, b, c, d, d1]);
    let [a, b] = inner4([a, b, c, d2]);
    sort3([a, b, c2])[1]
}

#[inline(always)]
fn lesser<const N: usize>(a: [u8; N], b: [u8; N]) -> [u8; N] {
    let mut out = [0; N];
    for x in 0..N {
        out[x] = a[x].min(b[x]);
    }
    out
}

#[inline(always)]
fn greater<const N: usize>(a: [u8; N], b: [u8; N]) -> [u8; N] {
    let mut out = [0; N];
    for x in 0..N {
        out[x] = a[x].max(b[x]);
    }
    out
}

#[inline(always)]
fn order<const N: usize>(a: [u8; N], b: [u8; N]) -> ([u8; N], [u8; N]) {
    (lesser(a, b), greater(a, b))
}

#[inline(always)]
fn sort3<const N: usize>([a, b, c]: [[u8; N]; 3]) -> [[u8; N]; 3] {
    let (a, b) = order(a, b);
    let (b, c) = order(b, c);
    let (a, b) = order(a, b);
    [a, b, c]
}

#[inline(always)]
fn sort5<const N: usize>([a, b, c, d, e]: [[u8; N]; 5]) -> [[u8; N]; 5] {
    let ((a, b), (d, e)) = (order(a, b), order(d, e));
    let (c, e) = order(c, e);
    let (c, d) = order(c, d);
    let (a, d) = order(a, d);
    let (a, c) = order(a, c);
    let (b, e) = order(b, e);
    let (b, d) = order(b, d);
    let (b, c) = order(b, c);
    [a, b, c, d, e]
}

/// The values but for the least and the greatest.
///
/// Written out for each length: in a loop over places, the compiler sees no straight line to widen.
#[inline(always)]
fn inner8<const N: usize>([a, b, c, d, e, f, g, h]: [[u8; N]; 8]) -> [[u8; N]; 6] {
    let ((a, h), (b, g), (c, f), (d, e)) = (order(a, h), order(b, g), order(c, f), order(d, e));
    let ((a, b), (c, d)) = (order(a, b), order(c, d));
    let ((e, f), (g, h)) = (order(e, f), order(g, h));
    [b, greater(a, c), d, e, lesser(f, h), g]
}

#[inline(always)]
fn inner7<const N: usize>([a, b, c, d, e, f, g]: [[u8; N]; 7]) -> [[u8; N]; 5] {
    let ((a, g), (b, f), (c, e)) = (order(a, g), order(b, f), order(c, e));
    let ((a, b), (c, d)) = (order(a, b), order(c, d));
    let ((e, f), (d, g)) = (order(e, f), order(d, g));
    [b, greater(a, c), d, e, lesser(f, g)]
}

#[inline(always)]
fn inner6<const N: usize>([a, b, c, d, e, f]: [[u8; N]; 6]) -> [[u8; N]; 4] {
    let ((a, f), (b, e), (c, d)) = (order(a, f), order(b, e), order(c, d));
    let (a, b) = order(a, b);
    let (e, f) = order(e, f);
    [b, greater(a, c), lesser(d, f), e]
}

#[inline(always)]
fn inner5<const N: usize>([a, b, c, d, e]: [[u8; N]; 5]) -> [[u8; N]; 3] {
    let ((a, e), (b, d)) = (order(a, e), order(b, d));
    let (a, b) = order(a, b);
    let (d, e) = order(d, e);
    [b, lesser(greater(a, c), e), d]
}

#[inline(always)]
fn inner4<const N: usize>([a, b, c, d]: [[u8; N]; 4]) -> [[u8; N]; 2] {
    let ((a, b), (c, d)) = (order(a, b), order(c, d));
    [greater(a, c), lesser(b, d)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Image;

    #[test]
    fn wide_paths_are_the_scalar_one() {
        let bytes: Vec<u8> = (0..3 * 67 * 9_u32).map(|n| (n * n / 7) as u8).collect();
        for (width, channels) in [(67, 3), (201, 1), (3, 3)] {
            let bytes = bytes[..width as usize * channels as usize * 9].to_vec();
            let image = Image::from_u8(width, 9, channels, bytes).unwrap();
            let frame = Frame::of(&image).unwrap();
            let (mut a, mut b) = (vec![0; frame.bytes.len()], vec![0; frame.bytes.len()]);
            three(&frame, &mut a);
            three_body(&frame, &mut b);
            assert_eq!(a, b);
            five(&frame, &mut a);
            five_body(&frame, &mut b);
            assert_eq!(a, b);
        }
    }
}
