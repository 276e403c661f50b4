//! Histograms, and what is made from them: equalisation, CLAHE, percentile stretch, matching.

mod clahe;
mod light;
mod match_to;

pub use clahe::clahe;
pub use light::{Over, by_histogram};
pub use match_to::match_to;

use super::table::{self, Table};
use crate::error::{Error, Result};
use crate::image::Image;

/// How often each value of a sample occurs in a channel.
pub type Counts = [u32; 256];

/// How often each value occurs, for each channel (1 or 3).
///
/// # Errors
/// [`Error::Unsupported`] for anything but 8-bit grey or RGB; [`Error::Limit`] for 2³² pixels and more.
pub fn counts(image: &Image) -> Result<Vec<Counts>> {
    let samples = table::bytes(image)?;
    let channels = usize::from(image.channels());
    countable(samples.len() / channels)?;
    let mut all = vec![[0; 256]; channels];
    match &mut *all {
        [grey] => count_one(samples, grey),
        [r, g, b] => count_three(samples, [r, g, b]),
        _ => {}
    }
    Ok(all)
}

/// Several counters of each value: a run of one value would else wait for itself. They are added up,
/// so that how many there are changes nothing.
fn count_one(samples: &[u8], counts: &mut Counts) {
    let mut several = [[0_u32; 256]; 4];
    let (fours, rest) = samples.as_chunks::<8>();
    for eight in fours {
        for (at, x) in eight.iter().enumerate() {
            let n = &mut several[at % 4][usize::from(*x)];
            *n = n.wrapping_add(1);
        }
    }
    for x in rest {
        several[0][usize::from(*x)] = several[0][usize::from(*x)].wrapping_add(1);
    }
    add_up(&several, counts);
}

fn add_up(several: &[Counts], counts: &mut Counts) {
    for one in several {
        for (sum, n) in counts.iter_mut().zip(one) {
            *sum = sum.wrapping_add(*n);
        }
    }
}

fn count_three(samples: &[u8], counts: [&mut Counts; 3]) {
    let mut several = [[[0_u32; 256]; 2]; 3];
    let (pairs, rest) = samples.as_chunks::<6>();
    for pair in pairs {
        for (at, x) in pair.iter().enumerate() {
            let n = &mut several[at % 3][at / 3][usize::from(*x)];
            *n = n.wrapping_add(1);
        }
    }
    for (x, several) in rest.iter().zip(&mut several) {
        several[0][usize::from(*x)] = several[0][usize::from(*x)].wrapping_add(1);
    }
    for (several, counts) in several.iter().zip(counts) {
        add_up(several, counts);
    }
}

fn countable(pixels: usize) -> Result<()> {
    if u32::try_from(pixels).is_ok() {
        return Ok(());
    }
    Err(Error::limit(
        "an image whose values are counted",
        format!("{pixels} pixels"),
        format!("{} pixels", u32::MAX),
        "tile the image first",
    ))
}

/// The level below or at which `percent` (0–100, clipped) of the samples lie, between the samples in
/// a straight line: numpy's `percentile`. 0 when nothing was counted.
pub fn percentile(counts: &Counts, percent: f64) -> f64 {
    let total: u64 = counts.iter().map(|n| u64::from(*n)).sum();
    if total == 0 {
        return 0.0;
    }
    let at = percent.clamp(0.0, 100.0) / 100.0 * (total - 1) as f64;
    let below = at as u64;
    let value = |rank: u64| {
        let mut seen = 0;
        let found = counts.iter().position(|n| {
            seen += u64::from(*n);
            seen > rank
        });
        found.unwrap_or(255) as f64
    };
    let low = value(below);
    low + (value((below + 1).min(total - 1)) - low) * (at - below as f64)
}

/// Table that equalises a histogram as OpenCV's `equalizeHist` does.
pub fn equalizing(counts: &Counts) -> Table {
    let total: u64 = counts.iter().map(|n| u64::from(*n)).sum();
    let Some(first) = counts.iter().position(|n| *n > 0) else { return Table::identity() };
    let lowest = u64::from(counts[first]);
    if lowest == total {
        // One level alone stays as it is.
        return Table::from_fn(|_| first as u8);
    }
    let scale = 255.0_f32 / (total - lowest) as f32;
    let mut sum = 0_u32;
    Table::from_fn(|x| {
        if usize::from(x) <= first {
            return 0;
        }
        sum = sum.wrapping_add(counts[usize::from(x)]);
        // OpenCV's saturating cast: to the nearest, halves to even.
        (sum as f32 * scale).round_ties_even() as u8
    })
}

/// Equalises the histogram. A grey image becomes what OpenCV's `equalizeHist` makes of it.
///
/// # Errors
/// As [`counts`].
pub fn equalize(image: &mut Image, over: Over) -> Result<()> {
    light::by_histogram(image, over, equalizing)
}

/// Spreads what lies between two percentiles (0–100) over 0–255; see [`percentile`] and
/// [`Table::stretch`].
///
/// # Errors
/// As [`counts`].
pub fn stretch(image: &mut Image, low_percent: f64, high_percent: f64, over: Over) -> Result<()> {
    light::by_histogram(image, over, |counts| {
        Table::stretch(percentile(counts, low_percent), percentile(counts, high_percent))
    })
}

#[cfg(test)]
mod tests;
