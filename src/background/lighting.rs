//! The light of a frame, compared with that of a background: a gain and an offset for each channel.
//!
//! Frame and background are averaged over the cells of a grid, in exact integers. The gain is the median
//! slope of all pairs of cells whose backgrounds are at least eight levels apart, the offset the
//! median of what is then left (Theil–Sen): up to 29 % of the cells may hold an animal and change neither by
//! much. Source: P. K. Sen, JASA 63 (1968), doi:10.1080/01621459.1968.10480934.

/// Cells along the two sides.
const GRID: (usize, usize) = (12, 9);
/// Levels between two cells that make a slope.
const LEAST_APART: f64 = 8.0;
/// Slopes that a gain needs; with fewer, the scene is flat and the gain 1.
const LEAST_SLOPES: usize = 24;
/// Gains beyond this and its inverse say that something else was seen.
const MOST_GAIN: f64 = 4.0;

/// `frame ≈ gain · background + offset`, in levels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Light {
    /// Gain, ¼–4.
    pub gain: f64,
    /// Offset, −255–255.
    pub offset: f64,
}

impl Default for Light {
    /// The background's own.
    fn default() -> Self {
        Self { gain: 1.0, offset: 0.0 }
    }
}

/// The light of a frame for each of `channels` channels. `rows` are those that count (what a camera prints
/// lies outside).
pub fn fit(
    frame: &[u8],
    background: &[u8],
    width: usize,
    channels: usize,
    rows: std::ops::Range<usize>,
) -> Vec<Light> {
    let stride = width * channels;
    let (from, to) = (rows.start * stride, rows.end * stride);
    let (Some(frame), Some(background)) = (frame.get(from..to), background.get(from..to)) else {
        return vec![Light::default(); channels];
    };
    let (seen, expected) = (cells(frame, width, channels), cells(background, width, channels));
    (0..channels).map(|c| line(&expected[c], &seen[c])).collect()
}

/// The means of the cells, channel by channel.
fn cells(pixels: &[u8], width: usize, channels: usize) -> Vec<Vec<f64>> {
    let stride = width * channels;
    let height = pixels.len() / stride.max(1);
    let (columns, lines) = (GRID.0.min(width), GRID.1.min(height));
    let mut means = vec![Vec::with_capacity(columns * lines); channels];
    for line in 0..lines {
        let (top, bottom) = (line * height / lines, (line + 1) * height / lines);
        let mut sums = vec![0_u64; columns * channels];
        for row in pixels[top * stride..bottom * stride].chunks_exact(stride) {
            for column in 0..columns {
                let (left, right) = (column * width / columns, (column + 1) * width / columns);
                let cell = &row[left * channels..right * channels];
                for (c, sum) in sums[column * channels..][..channels].iter_mut().enumerate() {
                    *sum +=
                        cell.iter().skip(c).step_by(channels).map(|&v| u64::from(v)).sum::<u64>();
                }
            }
        }
        for (at, sum) in sums.iter().enumerate() {
            let column = at / channels;
            let across = (column + 1) * width / columns - column * width / columns;
            means[at % channels].push(*sum as f64 / (across * (bottom - top)) as f64);
        }
    }
    means
}

fn line(x: &[f64], y: &[f64]) -> Light {
    let mut slopes = Vec::with_capacity(x.len() * x.len() / 2);
    for (i, (xi, yi)) in x.iter().zip(y).enumerate() {
        for (xj, yj) in x.iter().zip(y).take(i) {
            if (xi - xj).abs() >= LEAST_APART {
                slopes.push((yi - yj) / (xi - xj));
            }
        }
    }
    let gain = if slopes.len() < LEAST_SLOPES { 1.0 } else { middle(&mut slopes) };
    let gain = gain.clamp(1.0 / MOST_GAIN, MOST_GAIN);
    let mut left: Vec<f64> = x.iter().zip(y).map(|(x, y)| y - gain * x).collect();
    Light { gain, offset: middle(&mut left).clamp(-255.0, 255.0) }
}

/// The lower median.
fn middle(values: &mut [f64]) -> f64 {
    let at = values.len().saturating_sub(1) / 2;
    if values.is_empty() {
        return 0.0;
    }
    *values.select_nth_unstable_by(at, f64::total_cmp).1
}

/// Brings a frame to the background's light: `(sample − offset) / gain`, rounded half up, by a table for
/// each channel.
pub fn relight(frame: &mut [u8], lights: &[Light]) {
    let tables: Vec<[u8; 256]> = lights
        .iter()
        .map(|light| {
            std::array::from_fn(|level| {
                let value = (level as f64 - light.offset) / light.gain + 0.5;
                value.clamp(0.0, 255.0) as u8
            })
        })
        .collect();
    for pixel in frame.chunks_exact_mut(lights.len().max(1)) {
        for (sample, table) in pixel.iter_mut().zip(&tables) {
            *sample = table[usize::from(*sample)];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: (usize, usize) = (120, 90);

    fn scene() -> Vec<u8> {
        (0..SIZE.0 * SIZE.1)
            .flat_map(|at| {
                let (x, y) = (at % SIZE.0, at / SIZE.0);
                [(30 + x) as u8, (40 + y) as u8, 90 + ((x / 10 + y / 10) % 4 * 20) as u8]
            })
            .collect()
    }

    #[test]
    fn an_animal_over_a_fifth_of_the_picture_does_not_change_the_light() {
        let background = scene();
        let mut frame: Vec<u8> =
            background.iter().map(|&v| (u16::from(v) * 5 / 4 + 7) as u8).collect();
        for (at, pixel) in frame.chunks_exact_mut(3).enumerate() {
            if at % SIZE.0 < 48 && at / SIZE.0 < 45 {
                pixel.fill(10);
            }
        }
        for light in fit(&frame, &background, SIZE.0, 3, 0..SIZE.1) {
            assert!((light.gain - 1.25).abs() < 0.03, "{light:?}");
            assert!((light.offset - 7.0).abs() < 3.0, "{light:?}");
        }
    }

    #[test]
    fn a_relit_frame_is_the_background_again() {
        let background = scene();
        let mut frame: Vec<u8> = background.iter().map(|&v| v / 2 + 20).collect();
        let lights = fit(&frame, &background, SIZE.0, 3, 0..SIZE.1);
        relight(&mut frame, &lights);
        let worst = frame.iter().zip(&background).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        assert!(worst <= 3, "{worst}, {lights:?}");
    }

    #[test]
    fn a_flat_scene_has_an_offset_only() {
        let lights = fit(&[50; 100], &[60; 100], 10, 1, 0..10);
        assert_eq!(lights, [Light { gain: 1.0, offset: -10.0 }]);
        assert_eq!(fit(&[50; 100], &[60; 100], 10, 1, 0..11), [Light::default()]);
    }
}
