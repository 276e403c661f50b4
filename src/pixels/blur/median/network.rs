//! Medians of 9 and of 25 by comparing and exchanging.
//!
//! Columns are sorted first, once for all windows that share them; what is left of a window is sorted
//! columns side by side, and most of it is known to lie above or below the middle.

use super::super::Frame;
use super::row;

/// Sorted columns of a row, `N` deep, with room for the pixels beside it.
struct Columns<const N: usize> {
    sorted: [Vec<u8>; N],
    room: usize,
}

impl<const N: usize> Columns<N> {
    fn new(frame: &Frame<'_>) -> Self {
        let room = N / 2 * frame.channels;
        Self { sorted: std::array::from_fn(|_| vec![0; frame.pitch() + 2 * room]), room }
    }

    #[inline(always)]
    fn fill(&mut self, frame: &Frame<'_>, y: usize, sort: impl Fn([u8; N]) -> [u8; N]) {
        let (pitch, room) = (frame.pitch(), self.room);
        let rows: [&[u8]; N] =
            std::array::from_fn(|dy| row(frame, y as isize + dy as isize - N as isize / 2));
        let to = self.sorted.each_mut().map(|line| &mut line[room..room + pitch]);
        for x in 0..pitch {
            let sorted = sort(std::array::from_fn(|dy| rows[dy][x]));
            for rank in 0..N {
                to[rank][x] = sorted[rank];
            }
        }
        let channels = frame.channels;
        for line in &mut self.sorted {
            for side in (0..room).step_by(channels) {
                line.copy_within(room..room + channels, side);
                line.copy_within(room + pitch - channels..room + pitch, room + pitch + side);
            }
        }
    }

    /// For each rank the `N` columns under a window, as slices of one value for each sample.
    #[inline(always)]
    fn windows(&self, frame: &Frame<'_>) -> [[&[u8]; N]; N] {
        let (pitch, channels) = (frame.pitch(), frame.channels);
        std::array::from_fn(|rank| {
            std::array::from_fn(|dx| &self.sorted[rank][dx * channels..][..pitch])
        })
    }
}

#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
pub(super) fn three<'a>(frame: &Frame<'a>, out: &mut [u8]) {
    let mut columns = Columns::<3>::new(frame);
    for (y, out) in out.chunks_exact_mut(frame.pitch()).enumerate() {
        columns.fill(frame, y, sort3);
        let [low, middle, high] = columns.windows(frame);
        let n = out.len();
        for x in 0..n {
            let low = low[0][x].max(low[1][x]).max(low[2][x]);
            let high = high[0][x].min(high[1][x]).min(high[2][x]);
            let [_, middle, _] = sort3([middle[0][x], middle[1][x], middle[2][x]]);
            out[x] = sort3([low, middle, high])[1];
        }
    }
}

/// After columns, ranks are sorted across. In such a 5 × 5 square the value of rank `i` of a column
/// that came `j`-th has `(i + 1)(j + 1) − 1` values that are not above it and `(5 − i)(5 − j) − 1` that
/// are not below: thirteen places can hold the middle one, six lie below it and six above, so it is
/// the middle of the thirteen.
#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
pub(super) fn five<'a>(frame: &Frame<'a>, out: &mut [u8]) {
    let mut columns = Columns::<5>::new(frame);
    for (y, out) in out.chunks_exact_mut(frame.pitch()).enumerate() {
        columns.fill(frame, y, sort5);
        let windows = columns.windows(frame);
        let n = out.len();
        for x in 0..n {
            let ranked = |rank: usize| {
                let [a, b, c, d, e] = windows[rank];
                sort5([a[x], b[x], c[x], d[x], e[x]])
            };
            let [_, _, _, a3, a4] = ranked(0);
            let [_, _, b2, b3, b4] = ranked(1);
            let [_, c1, c2, c3, _] = ranked(2);
            let [d0, d1, d2, _, _] = ranked(3);
            let [e0, e1, _, _, _] = ranked(4);
            // Of 2n − 1 values, neither the least nor the greatest of n + 1 is the middle one: both
            // go, another comes in, until three are left.
            let [_, a, b, c, d, e, f, _] = ends([a3, a4, b2, b3, c1, c3, e0, e1]);
            let [_, a, b, c, d, e, _] = ends([a, b, c, d, e, f, b4]);
            let [_, a, b, c, d, _] = ends([a, b, c, d, e, d0]);
            let [_, a, b, c, _] = ends([a, b, c, d, d1]);
            let [_, a, b, _] = ends([a, b, c, d2]);
            out[x] = sort3([a, b, c2])[1];
        }
    }
}

#[inline(always)]
fn order(a: u8, b: u8) -> (u8, u8) {
    (a.min(b), a.max(b))
}

#[inline(always)]
fn sort3([a, b, c]: [u8; 3]) -> [u8; 3] {
    let (a, b) = order(a, b);
    let (b, c) = order(b, c);
    let (a, b) = order(a, b);
    [a, b, c]
}

#[inline(always)]
fn sort5([a, b, c, d, e]: [u8; 5]) -> [u8; 5] {
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

/// Brings the least value to the front and the greatest to the end.
#[inline(always)]
fn ends<const N: usize>(mut v: [u8; N]) -> [u8; N] {
    for i in 0..N / 2 {
        (v[i], v[N - 1 - i]) = order(v[i], v[N - 1 - i]);
    }
    for i in 1..N.div_ceil(2) {
        (v[0], v[i]) = order(v[0], v[i]);
    }
    for i in N / 2..N - 1 {
        (v[i], v[N - 1]) = order(v[i], v[N - 1]);
    }
    v
}
