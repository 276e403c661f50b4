//! What of a frame is not the background.
//!
//! A pixel stands out when it differs from the background, in the channel in which it differs most, by
//! more than
//! `max(least, k · 1.4826 · max(noise, spread))`:
//! `noise` is the median difference of the frame (its sensor's noise: half of the picture is taken to be
//! background), `spread` the median difference of the series at this pixel and its neighbours (leaves in
//! the wind, water). 1.4826 makes a standard deviation of a median difference of normal noise.

use multiversion::multiversion;

use super::quality::Levels;

/// How a difference is judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    /// Least difference in levels, whatever the noise.
    pub least: u8,
    /// Standard deviations of noise.
    pub k: f64,
}

/// The largest difference of any channel, pixel by pixel.
pub fn difference(frame: &[u8], background: &[u8], channels: usize) -> Vec<u8> {
    let mut made = vec![0; frame.len().min(background.len()) / channels.max(1)];
    if channels == 3 {
        difference_rgb(frame, background, &mut made);
    } else {
        difference_grey(frame, background, &mut made);
    }
    made
}

#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn difference_rgb(frame: &[u8], background: &[u8], made: &mut [u8]) {
    let pairs = frame.as_chunks::<3>().0.iter().zip(background.as_chunks::<3>().0);
    for (made, (a, b)) in made.iter_mut().zip(pairs) {
        *made = a[0].abs_diff(b[0]).max(a[1].abs_diff(b[1])).max(a[2].abs_diff(b[2]));
    }
}

#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn difference_grey(frame: &[u8], background: &[u8], made: &mut [u8]) {
    for (made, (a, b)) in made.iter_mut().zip(frame.iter().zip(background)) {
        *made = a.abs_diff(*b);
    }
}

/// The threshold for each value of the spread, in a frame of this noise.
pub fn thresholds(rule: Rule, noise: u8) -> [u8; 256] {
    std::array::from_fn(|spread| {
        let sigma = 1.4826 * f64::from(noise.max(spread as u8));
        (rule.k * sigma).max(f64::from(rule.least)).min(255.0) as u8
    })
}

/// The median of differences: what noise a frame has.
pub fn noise(difference: &[u8]) -> u8 {
    Levels::of(difference).percentile(500)
}

/// Where a difference is larger than the threshold of its spread: 1, else 0. Specks are taken away (a pixel
/// stays what at least five of the nine around it are), then gaps of up to two pixels are closed.
pub fn mask(difference: &[u8], spread: &[u8], thresholds: &[u8; 256], width: usize) -> Vec<u8> {
    let raw: Vec<u8> = difference
        .iter()
        .zip(spread)
        .map(|(d, s)| u8::from(*d > thresholds[usize::from(*s)]))
        .collect();
    let clean = despeckled(&raw, width);
    let wide = nine(&clean, width, |sum| u8::from(sum > 0));
    // What touches the border must not be eaten from there: outside counts as set.
    let inverted: Vec<u8> = wide.iter().map(|m| 1 - m).collect();
    nine(&inverted, width, |sum| u8::from(sum == 0))
}

/// A pixel stays what at least five of the nine around it are.
pub fn despeckled(mask: &[u8], width: usize) -> Vec<u8> {
    nine(mask, width, |sum| u8::from(sum >= 5))
}

/// The sums of the nine pixels around each, those outside being 0, through `then`.
fn nine(mask: &[u8], width: usize, then: impl Fn(u8) -> u8) -> Vec<u8> {
    let height = mask.len() / width.max(1);
    let mut made = vec![0; mask.len()];
    let mut columns = vec![0_u8; width + 2];
    for y in 0..height {
        let inner = &mut columns[1..=width];
        inner.fill(0);
        for row in
            mask.chunks_exact(width).skip(y.saturating_sub(1)).take(if y == 0 { 2 } else { 3 })
        {
            for (sum, value) in inner.iter_mut().zip(row) {
                *sum = sum.wrapping_add(*value);
            }
        }
        for (made, three) in made[y * width..].iter_mut().zip(columns.windows(3)) {
            *made = then(three[0].wrapping_add(three[1]).wrapping_add(three[2]));
        }
    }
    made
}

/// The largest value of the nine around each pixel.
pub fn widened(values: &[u8], width: usize) -> Vec<u8> {
    let height = values.len() / width.max(1);
    let mut made = vec![0; values.len()];
    let mut columns = vec![0_u8; width + 2];
    for y in 0..height {
        let inner = &mut columns[1..=width];
        inner.fill(0);
        for row in
            values.chunks_exact(width).skip(y.saturating_sub(1)).take(if y == 0 { 2 } else { 3 })
        {
            for (most, value) in inner.iter_mut().zip(row) {
                *most = (*most).max(*value);
            }
        }
        for (made, three) in made[y * width..].iter_mut().zip(columns.windows(3)) {
            *made = three[0].max(three[1]).max(three[2]);
        }
    }
    made
}

/// Darkest shadow, as a part of 256 of the background's brightness, and the lightest.
const SHADOW: (u32, u32) = (90, 240);
/// How far the shares of red and green in a pixel may move in a shadow, in 1000ths.
const CHROMA: u32 = 20;
/// How many levels noise may add to that.
const CHROMA_LEVELS: u32 = 4;

/// Of the pixels of `mask`, those that may be shadow: darker than the background, and of its colour (RGB;
/// there is none in grey). Source: A. Prati et al., "Detecting moving shadows", IEEE PAMI 25 (2003),
/// doi:10.1109/TPAMI.2003.1206520, the deterministic kind, with chromaticities for HSV.
pub fn shadow(frame: &[u8], background: &[u8], mask: &[u8]) -> Vec<u8> {
    let (frame, background) = (frame.as_chunks::<3>().0, background.as_chunks::<3>().0);
    let sum = |p: &[u8; 3]| p.iter().map(|&v| u32::from(v)).sum::<u32>();
    let is_shadow = |f: &[u8; 3], b: &[u8; 3]| {
        let (sf, sb) = (sum(f), sum(b));
        // Dark pixels have no colour that one could compare.
        sf >= 45
            && sf * 256 >= sb * SHADOW.0
            && sf * 256 <= sb * SHADOW.1
            && (0..2).all(|c| {
                let (a, b) = (u32::from(f[c]) * sb, u32::from(b[c]) * sf);
                a.abs_diff(b) * 1000 <= CHROMA * sf * sb + 1000 * CHROMA_LEVELS * sb
            })
    };
    let pixels = frame.iter().zip(background).zip(mask);
    pixels.map(|((f, b), m)| u8::from(*m != 0 && is_shadow(f, b))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_channel_that_differs_most_decides() {
        assert_eq!(difference(&[10, 20, 30, 0, 0, 0], &[12, 10, 33, 0, 0, 1], 3), [10, 1]);
        assert_eq!(difference(&[10, 20], &[12, 10], 1), [2, 10]);
    }

    #[test]
    fn thresholds_grow_with_noise_and_spread() {
        let of = thresholds(Rule { least: 20, k: 4.0 }, 2);
        // 4 · 1.4826 · 2 = 11.9 < 20; 4 · 1.4826 · 10 = 59.3; more than 255 is never passed.
        assert_eq!((of[0], of[10], of[100]), (20, 59, 255));
    }

    #[test]
    fn specks_go_and_gaps_close() {
        let rows = [
            "...........",
            "...........",
            "..###.###..",
            "..###.###..",
            "..###.###..",
            "...........",
            "#..........",
        ];
        let text = rows.concat();
        let difference: Vec<u8> = text.bytes().map(|b| if b == b'#' { 99 } else { 0 }).collect();
        let made = mask(&difference, &[0; 77], &thresholds(Rule { least: 20, k: 4.0 }, 0), 11);
        let made: String = made.iter().map(|&m| if m == 1 { '#' } else { '.' }).collect();
        let rows: Vec<&str> = (1..6).map(|y| &made[y * 11..][..11]).collect();
        // The corners are rounded off, the gap between the two squares is filled.
        let expected = ["...........", "...#...#...", "..#######..", "...#...#...", "..........."];
        assert_eq!(rows, expected);
        assert_eq!(made[66..].matches('#').count(), 0);
    }

    #[test]
    fn darker_of_the_same_colour_is_shadow_and_another_colour_is_not() {
        let background = [100, 80, 60].repeat(4);
        let frame = [60, 48, 36, 60, 60, 36, 10, 8, 6, 130, 104, 78];
        assert_eq!(shadow(&frame, &background, &[1; 4]), [1, 0, 0, 0]);
        assert_eq!(shadow(&frame, &background, &[0; 4]), [0; 4]);
    }

    #[test]
    fn widening_takes_the_largest_of_nine() {
        assert_eq!(widened(&[0, 0, 0, 0, 0, 0, 5, 0, 0], 3), [0, 0, 0, 5, 5, 0, 5, 5, 0]);
    }
}
