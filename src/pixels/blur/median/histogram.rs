//! Medians of large windows in constant time for each pixel.
//!
//! Each column keeps the histogram of the pixels of the window's rows; the window's is the sum of its
//! columns' and slides by adding one and taking one away. Histograms have two levels, 16 bins of 16
//! grey levels each: the 16 sums lead to the one bin that holds the middle, and only that bin's 16
//! counts are brought up to date.

use super::super::Frame;
use super::{held, row};

type Bin = [u16; 16];

/// The counts of one column or window: at most 255² pixels.
#[derive(Clone, Copy, Default)]
struct Counts {
    coarse: Bin,
    fine: [Bin; 16],
}

impl Counts {
    #[inline(always)]
    fn change(&mut self, level: u8, by: u16) {
        let (high, low) = (usize::from(level >> 4), usize::from(level & 15));
        self.coarse[high] = self.coarse[high].wrapping_add(by);
        self.fine[high][low] = self.fine[high][low].wrapping_add(by);
    }
}

#[inline(always)]
fn add(to: &mut Bin, from: &Bin) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = to.wrapping_add(*from);
    }
}

#[inline(always)]
fn take(to: &mut Bin, from: &Bin) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = to.wrapping_sub(*from);
    }
}

/// The bin in which the count of `rank` values is passed, and what is counted before it.
#[inline(always)]
fn find(bin: &Bin, rank: u32) -> (usize, u32) {
    let (mut passed, mut before, mut sum) = (0, 0, 0_u32);
    for &count in bin {
        sum = sum.wrapping_add(count.into());
        let below = sum <= rank;
        passed = if below { passed + 1 } else { passed };
        before = if below { sum } else { before };
    }
    // The last bin passes every rank of a window.
    (passed.min(15), before)
}

#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
pub(super) fn slide<'a>(frame: &Frame<'a>, kernel: usize, out: &mut [u8]) {
    let radius = (kernel / 2) as isize;
    let mut columns = vec![Counts::default(); frame.width];
    for channel in 0..frame.channels {
        columns.fill(Counts::default());
        for y in -radius..radius {
            change(&mut columns, frame, channel, y, 1);
        }
        for (y, out) in out.chunks_exact_mut(frame.pitch()).enumerate() {
            if y > 0 {
                change(&mut columns, frame, channel, y as isize - radius - 1, 1_u16.wrapping_neg());
            }
            change(&mut columns, frame, channel, y as isize + radius, 1);
            across(&columns, kernel, &mut out[channel..], frame.channels);
        }
    }
}

#[inline(always)]
fn change(columns: &mut [Counts], frame: &Frame<'_>, channel: usize, y: isize, by: u16) {
    let levels = row(frame, y).iter().skip(channel).step_by(frame.channels);
    for (column, &level) in columns.iter_mut().zip(levels) {
        column.change(level, by);
    }
}

#[inline(always)]
fn across(columns: &[Counts], kernel: usize, out: &mut [u8], channels: usize) {
    let radius = (kernel / 2) as isize;
    let middle = (kernel * kernel / 2) as u32;
    let column = |x: isize| &columns[held(x, columns.len())];
    let mut window = Counts::default();
    // Each fine bin holds the window about this pixel; none yet.
    let mut current = [-(kernel as isize); 16];
    for x in -radius..radius {
        add(&mut window.coarse, &column(x).coarse);
    }
    for (x, out) in out.iter_mut().step_by(channels).enumerate() {
        let x = x as isize;
        add(&mut window.coarse, &column(x + radius).coarse);
        if x > 0 {
            take(&mut window.coarse, &column(x - radius - 1).coarse);
        }
        let (high, before) = find(&window.coarse, middle);
        let fine = &mut window.fine[high];
        if x - current[high] >= kernel as isize {
            *fine = Bin::default();
            for x in x - radius..=x + radius {
                add(fine, &column(x).fine[high]);
            }
        } else {
            for x in current[high] + 1..=x {
                add(fine, &column(x + radius).fine[high]);
                take(fine, &column(x - radius - 1).fine[high]);
            }
        }
        current[high] = x;
        let (low, _) = find(fine, middle.wrapping_sub(before));
        *out = (high << 4 | low) as u8;
    }
}
