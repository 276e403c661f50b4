//! The weighted mean of the four neighbours of each position.

use super::positions::{BITS, Positions, STEPS};
use crate::pixels::geometry::{Border, Sample};

/// The source's size and channels, and the output's `size`.
pub(super) struct Shape {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) channels: usize,
    pub(super) size: (usize, usize),
}

/// Columns that are worked on at once. Their positions and neighbours stay in the nearest cache.
const STRIP: usize = 128;
/// Rows of a strip before the next one begins: a turned image reads the source along columns, and the
/// lines of the cache that it touches are used up before they are lost.
const BAND: usize = 64;

/// The samples that `read` gives for the positions of each piece of a row: xs, ys, and the samples to
/// be written.
pub(super) fn strips<T: Sample>(
    shape: &Shape,
    positions: &impl Positions,
    mut read: impl FnMut(&[i32], &[i32], &mut [T]),
) -> Vec<T> {
    let (width, height) = shape.size;
    let mut out = vec![T::default(); width * height * shape.channels];
    let (mut xs, mut ys) = ([0; STRIP], [0; STRIP]);
    for top in (0..height).step_by(BAND) {
        for left in (0..width).step_by(STRIP) {
            let count = STRIP.min(width - left);
            for y in top..height.min(top + BAND) {
                let (xs, ys) = (&mut xs[..count], &mut ys[..count]);
                positions.fill(left, y, xs, ys);
                let first = (y * width + left) * shape.channels;
                read(xs, ys, &mut out[first..first + count * shape.channels]);
            }
        }
    }
    out
}

/// What a constant border shows.
pub(super) fn colour<T: Sample, const N: usize>(border: &Border) -> [T; N] {
    let mut colour = [T::default(); N];
    if let Border::Constant(levels) = border {
        for (to, &level) in colour.iter_mut().zip(levels) {
            *to = T::from_level(level);
        }
    }
    colour
}

/// The source with its border: what stands at any place.
pub(super) struct Bordered<'a, T, const N: usize> {
    pixels: &'a [[T; N]],
    width: usize,
    height: usize,
    border: &'a Border,
    colour: [T; N],
}

impl<T: Sample, const N: usize> Bordered<'_, T, N> {
    /// The four pixels of which the upper left one stands at (x, y).
    #[inline(never)]
    fn four(&self, x: i32, y: i32) -> [[T; N]; 4] {
        let xs = [x, x.wrapping_add(1)].map(|x| self.border.place(x.into(), self.width));
        let ys = [y, y.wrapping_add(1)].map(|y| self.border.place(y.into(), self.height));
        let at = |x: Option<usize>, y: Option<usize>| match (x, y) {
            (Some(x), Some(y)) => self.pixels[y * self.width + x],
            _ => self.colour,
        };
        [at(xs[0], ys[0]), at(xs[1], ys[0]), at(xs[0], ys[1]), at(xs[1], ys[1])]
    }
}

/// Samples that are blended.
pub(super) trait Blend: Sample {
    /// Four neighbours of each position of a piece of a row, blended.
    fn blend<const N: usize>(
        source: &[Self],
        bordered: &Bordered<'_, Self, N>,
        xs: &[i32],
        ys: &[i32],
        out: &mut [Self],
    );
}

pub(super) fn bilinear<T: Blend>(
    source: &[T],
    shape: &Shape,
    positions: &impl Positions,
    border: &Border,
) -> Vec<T> {
    match shape.channels {
        1 => of::<T, 1>(source, shape, positions, border),
        2 => of::<T, 2>(source, shape, positions, border),
        3 => of::<T, 3>(source, shape, positions, border),
        _ => of::<T, 4>(source, shape, positions, border),
    }
}

fn of<T: Blend, const N: usize>(
    source: &[T],
    shape: &Shape,
    positions: &impl Positions,
    border: &Border,
) -> Vec<T> {
    let bordered = Bordered {
        pixels: source.as_chunks::<N>().0,
        width: shape.width,
        height: shape.height,
        border,
        colour: colour::<T, N>(border),
    };
    strips(shape, positions, |xs, ys, out: &mut [T]| T::blend(source, &bordered, xs, ys, out))
}

impl Blend for u16 {
    fn blend<const N: usize>(
        _: &[u16],
        bordered: &Bordered<'_, u16, N>,
        xs: &[i32],
        ys: &[i32],
        out: &mut [u16],
    ) {
        let (width, height) = (bordered.width, bordered.height);
        for ((&x, &y), to) in xs.iter().zip(ys).zip(out.as_chunks_mut::<N>().0) {
            let (ix, iy) = (x >> BITS, y >> BITS);
            let fx = (x & (STEPS - 1)) as u32;
            let fy = (y & (STEPS - 1)) as u32;
            let inside = ix >= 0
                && iy >= 0
                && (ix as usize).wrapping_add(1) < width
                && (iy as usize).wrapping_add(1) < height;
            let [a, b, c, d] = if inside {
                let at = (iy as usize).wrapping_mul(width).wrapping_add(ix as usize);
                let below = at.wrapping_add(width);
                let p = bordered.pixels;
                [p[at], p[at.wrapping_add(1)], p[below], p[below.wrapping_add(1)]]
            } else {
                bordered.four(ix, iy)
            };
            let along = |a: u16, b: u16| {
                let (a, b) = (u32::from(a), u32::from(b));
                (a << BITS).wrapping_add(b.wrapping_sub(a).wrapping_mul(fx))
            };
            for i in 0..N {
                let (top, bottom) = (along(a[i], b[i]), along(c[i], d[i]));
                let sum = (top << BITS).wrapping_add(bottom.wrapping_sub(top).wrapping_mul(fy));
                to[i] = (sum.wrapping_add(512) >> (2 * BITS)) as u16;
            }
        }
    }
}

impl Blend for u8 {
    fn blend<const N: usize>(
        source: &[u8],
        bordered: &Bordered<'_, u8, N>,
        xs: &[i32],
        ys: &[i32],
        out: &mut [u8],
    ) {
        // Neighbours are gathered first, a pair in 64 bits, and blended wide afterwards.
        let (mut top, mut bottom) = ([0_u64; STRIP], [0_u64; STRIP]);
        let count = xs.len();
        let (top, bottom) = (&mut top[..count], &mut bottom[..count]);
        gather(source, bordered, xs, ys, top, bottom);
        let mut mixed = [0_u32; STRIP];
        mix::<N>(xs, ys, top, bottom, &mut mixed[..count]);
        for (to, from) in out.as_chunks_mut::<N>().0.iter_mut().zip(&mixed) {
            let bytes = from.to_le_bytes();
            for (to, from) in to.iter_mut().zip(bytes) {
                *to = from;
            }
        }
    }
}

/// Two neighbours, the left one in the lower bits.
fn pair<const N: usize>(a: [u8; N], b: [u8; N]) -> u64 {
    let mut bytes = [0; 8];
    bytes[..N].copy_from_slice(&a);
    bytes[N..2 * N].copy_from_slice(&b);
    u64::from_le_bytes(bytes)
}

#[inline(always)]
fn gather<const N: usize>(
    source: &[u8],
    bordered: &Bordered<'_, u8, N>,
    xs: &[i32],
    ys: &[i32],
    top: &mut [u64],
    bottom: &mut [u64],
) {
    let (width, height) = (bordered.width, bordered.height);
    let stride = width.wrapping_mul(N);
    // Positions that have all four neighbours: compared as unsigned, so that negative ones are large.
    let (right, low) = ((width as u32).wrapping_sub(1), (height as u32).wrapping_sub(1));
    for (((&x, &y), top), bottom) in xs.iter().zip(ys).zip(top).zip(bottom) {
        let (ix, iy) = (x >> BITS, y >> BITS);
        if (ix as u32) < right && (iy as u32) < low {
            let at = (iy as usize).wrapping_mul(stride).wrapping_add((ix as usize).wrapping_mul(N));
            let below = at.wrapping_add(stride);
            let eight = |at: usize| source.get(at..).and_then(|s| s.first_chunk::<8>());
            if let (Some(a), Some(b)) = (eight(at), eight(below)) {
                *top = u64::from_le_bytes(*a);
                *bottom = u64::from_le_bytes(*b);
                continue;
            }
        }
        let [a, b, c, d] = bordered.four(ix, iy);
        *top = pair(a, b);
        *bottom = pair(c, d);
    }
}

/// Blends pairs of pixels of N bytes: the result's bytes in the lower bits.
#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn mix<const N: usize>(xs: &[i32], ys: &[i32], top: &[u64], bottom: &[u64], mixed: &mut [u32]) {
    const EVEN: u32 = 0x00ff_00ff;
    let shift = 8 * N as u32;
    let inputs = xs.iter().zip(ys).zip(top.iter().zip(bottom));
    for (((&x, &y), (&top, &bottom)), mixed) in inputs.zip(mixed) {
        let fx = (x & (STEPS - 1)) as u32;
        let fy = (y & (STEPS - 1)) as u32;
        let (a, b) = (top as u32, (top >> shift) as u32);
        let (c, d) = (bottom as u32, (bottom >> shift) as u32);
        // Two channels, 16 bits each, are multiplied at once: 32 · 255 fits. The difference may
        // borrow from the upper one, and the sum gives it back.
        let along = |a: u32, b: u32| (a << BITS).wrapping_add(b.wrapping_sub(a).wrapping_mul(fx));
        let down = |t: u32, b: u32| {
            let sum = (t << BITS).wrapping_add(b.wrapping_sub(t).wrapping_mul(fy));
            sum.wrapping_add(512) >> (2 * BITS)
        };
        let (top, bottom) = (along(a & EVEN, b & EVEN), along(c & EVEN, d & EVEN));
        let mut all = down(top & 0xffff, bottom & 0xffff);
        if N > 2 {
            all |= down(top >> 16, bottom >> 16) << 16;
        }
        if N > 1 {
            let odd = |v: u32| (v >> 8) & EVEN;
            let (top, bottom) = (along(odd(a), odd(b)), along(odd(c), odd(d)));
            all |= down(top & 0xffff, bottom & 0xffff) << 8;
            if N > 3 {
                all |= down(top >> 16, bottom >> 16) << 24;
            }
        }
        *mixed = all;
    }
}
