//! The nearest pixel of each position.

use super::blend::{Shape, colour, strips};
use super::positions::{BITS, Positions, STEPS};
use crate::pixels::geometry::{Border, Sample};

pub(super) fn nearest<T: Sample>(
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

fn of<T: Sample, const N: usize>(
    source: &[T],
    shape: &Shape,
    positions: &impl Positions,
    border: &Border,
) -> Vec<T> {
    let pixels = source.as_chunks::<N>().0;
    let colour = colour::<T, N>(border);
    let (width, height) = (shape.width, shape.height);
    let round = |v: i32| v.wrapping_add(STEPS / 2) >> BITS;
    strips(shape, positions, |xs, ys, out: &mut [T]| {
        for ((&x, &y), to) in xs.iter().zip(ys).zip(out.as_chunks_mut::<N>().0) {
            let (x, y) = (round(x), round(y));
            if (x as u32 as usize) < width && (y as u32 as usize) < height {
                *to = pixels[y as usize * width + x as usize];
                continue;
            }
            let place = border.place(x.into(), width).zip(border.place(y.into(), height));
            *to = place.map_or(colour, |(x, y)| pixels[y * width + x]);
        }
    })
}
