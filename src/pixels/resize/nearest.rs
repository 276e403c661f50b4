//! The pixel in which a centre falls.

use crate::error::Result;
use crate::image::{Image, Samples};

/// `rectangle` (x, y, width, height; lies in the image) of `image` in `size`: output column i shows
/// source column `⌊x + (i + ½) · width / w⌋`.
pub(super) fn nearest(image: &Image, rectangle: [f64; 4], size: (u32, u32)) -> Result<Image> {
    let channels = usize::from(image.channels());
    let columns = places(rectangle[0], rectangle[2], image.width_px(), size.0);
    let rows = places(rectangle[1], rectangle[3], image.height_px(), size.1);
    let width = image.width_px() as usize;
    let samples = match image.samples() {
        Samples::U8(v) => Samples::U8(picked(v, width, channels, &columns, &rows)),
        Samples::U16(v) => Samples::U16(picked(v, width, channels, &columns, &rows)),
        Samples::F32(v) => Samples::F32(picked(v, width, channels, &columns, &rows)),
    };
    Image::new(size.0, size.1, image.channels(), samples)
}

fn places(from: f64, length: f64, all: u32, count: u32) -> Vec<usize> {
    let step = length / f64::from(count);
    let last = all.saturating_sub(1) as usize;
    (0..count).map(|i| ((from + (f64::from(i) + 0.5) * step) as usize).min(last)).collect()
}

fn picked<T: Copy>(
    source: &[T],
    width: usize,
    channels: usize,
    columns: &[usize],
    rows: &[usize],
) -> Vec<T> {
    match channels {
        1 => picked_of::<T, 1>(source, width, columns, rows),
        2 => picked_of::<T, 2>(source, width, columns, rows),
        3 => picked_of::<T, 3>(source, width, columns, rows),
        _ => picked_of::<T, 4>(source, width, columns, rows),
    }
}

fn picked_of<T: Copy, const N: usize>(
    source: &[T],
    width: usize,
    columns: &[usize],
    rows: &[usize],
) -> Vec<T> {
    let pixels = source.as_chunks::<N>().0;
    let mut out = Vec::with_capacity(columns.len() * rows.len() * N);
    let mut before = None;
    for &y in rows {
        if before == Some(y) {
            out.extend_from_within(out.len() - columns.len() * N..);
            continue;
        }
        let row = &pixels[y * width..(y + 1) * width];
        for &x in columns {
            out.extend_from_slice(&row[x]);
        }
        before = Some(y);
    }
    out
}
