//! What a camera prints above and below a picture: time, temperature, its maker.
//!
//! Printed digits change from frame to frame and would be taken for motion. A banner is a run of rows from
//! the upper or lower edge in which most pixels are of a pure black or white that never changes, and that
//! ends within a tenth of the picture: a black sky that goes on is not one, so that nothing is left out of a
//! picture but what surely is no picture.

/// Levels that count as black, and as white.
const PURE: (u8, u8) = (6, 249);
/// How far a pixel of a banner may move over the series.
const STEADY: u8 = 6;

/// Rows that are picture: between the banners.
///
/// `low` and `high` are the least and the largest luminance of each pixel over the series.
pub fn picture(low: &[u8], high: &[u8], width: usize) -> std::ops::Range<usize> {
    let width = width.max(1);
    let height = low.len().min(high.len()) / width;
    let pure = |y: usize| {
        let (low, high) = (&low[y * width..][..width], &high[y * width..][..width]);
        let printed = low
            .iter()
            .zip(high)
            .filter(|(l, h)| (**h <= PURE.0 || **l >= PURE.1) && **h - **l <= STEADY)
            .count();
        // Text takes its part.
        printed * 10 >= width * 5
    };
    let most = height / 10;
    let run = |rows: &mut dyn Iterator<Item = usize>| {
        let length = rows.take_while(|&y| pure(y)).count();
        // The row in which the banner ends is a mixture.
        if (2..most).contains(&length) { length + 1 } else { 0 }
    };
    let top = run(&mut (0..height));
    let bottom = run(&mut (0..height).rev());
    top..height - bottom
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(spec: &[(usize, u8, u8)]) -> (Vec<u8>, Vec<u8>) {
        let make = |pick: fn(&(usize, u8, u8)) -> u8| {
            spec.iter().flat_map(|s| vec![pick(s); s.0 * 10]).collect()
        };
        (make(|s| s.1), make(|s| s.2))
    }

    #[test]
    fn a_black_strip_above_and_a_white_one_below_are_no_picture() {
        let (low, high) = rows(&[(4, 0, 2), (90, 30, 90), (6, 250, 255)]);
        assert_eq!(picture(&low, &high, 10), 5..93);
    }

    #[test]
    fn a_black_sky_is_picture() {
        let (low, high) = rows(&[(40, 0, 2), (60, 30, 90)]);
        assert_eq!(picture(&low, &high, 10), 0..100);
        let (low, high) = rows(&[(5, 0, 40), (95, 30, 90)]);
        assert_eq!(picture(&low, &high, 10), 0..100);
    }
}
