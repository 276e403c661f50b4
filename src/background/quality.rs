//! What can be said of a single frame: exposure, sharpness, colour.

use multiversion::multiversion;

/// How often each level occurs.
#[derive(Clone, Debug)]
pub struct Levels {
    counts: [u32; 256],
    total: u64,
}

impl Levels {
    /// Counts levels.
    pub fn of(samples: &[u8]) -> Self {
        // Four tables, so that equal neighbours do not wait for each other.
        let mut tables = [[0_u32; 256]; 4];
        let (fours, rest) = samples.as_chunks::<4>();
        for four in fours {
            for (table, sample) in tables.iter_mut().zip(four) {
                let count = &mut table[usize::from(*sample)];
                *count = count.wrapping_add(1);
            }
        }
        for sample in rest {
            tables[0][usize::from(*sample)] += 1;
        }
        let counts = std::array::from_fn(|at| tables.iter().map(|t| t[at]).sum());
        Self { counts, total: samples.len() as u64 }
    }

    /// Share of samples from level `from` to level `to`, both included.
    pub fn share(&self, from: u8, to: u8) -> f64 {
        let counts = &self.counts[usize::from(from)..=usize::from(to.max(from))];
        let count: u64 = counts.iter().map(|&c| u64::from(c)).sum();
        count as f64 / self.total.max(1) as f64
    }

    /// The lowest level that at least `parts` in 1000 of the samples do not exceed.
    pub fn percentile(&self, parts: u64) -> u8 {
        let mut sum = 0;
        for (level, count) in self.counts.iter().enumerate() {
            sum += u64::from(*count);
            if sum * 1000 >= self.total * parts && sum > 0 {
                return level as u8;
            }
        }
        255
    }
}

/// The variance of the Laplacian `4 p − left − right − above − below` over all pixels that have four
/// neighbours: low where nothing has an edge. Sums are exact integers. Source: J. L. Pech-Pacheco et al.,
/// ICPR 2000, doi:10.1109/ICPR.2000.903548.
pub fn sharpness(luminance: &[u8], width: usize) -> f64 {
    let height = luminance.len() / width.max(1);
    if width < 3 || height < 3 {
        return 0.0;
    }
    let (mut sum, mut squares) = (0_i64, 0_i64);
    for y in 1..height - 1 {
        let row = |y: usize| &luminance[y * width..(y + 1) * width];
        let (s, q) = laplacian(row(y - 1), row(y), row(y + 1));
        sum += i64::from(s);
        squares += q;
    }
    let count = ((width - 2) * (height - 2)) as f64;
    let mean = sum as f64 / count;
    (squares as f64 / count - mean * mean).max(0.0)
}

#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn laplacian(above: &[u8], row: &[u8], below: &[u8]) -> (i32, i64) {
    let n = row.len();
    let (mut sum, mut squares) = (0_i32, 0_i64);
    let (left, middle, right) = (&row[..n - 2], &row[1..n - 1], &row[2..]);
    let (above, below) = (&above[1..n - 1], &below[1..n - 1]);
    // 1020² · 2000 fits 31 bits: blocks of sums that a narrow register holds.
    for start in (0..middle.len()).step_by(2000) {
        let end = middle.len().min(start + 2000);
        let mut block = 0_i32;
        for i in start..end {
            let around = i32::from(left[i])
                .wrapping_add(i32::from(right[i]))
                .wrapping_add(i32::from(above[i]))
                .wrapping_add(i32::from(below[i]));
            let value = i32::from(middle[i]).wrapping_mul(4).wrapping_sub(around);
            sum = sum.wrapping_add(value);
            block = block.wrapping_add(value.wrapping_mul(value));
        }
        squares = squares.wrapping_add(i64::from(block));
    }
    (sum, squares)
}

/// Share of RGB pixels whose largest and smallest channels are more than `least` apart: near 0 in the
/// pictures that a camera takes by infrared light, whatever logo it prints on them. 0 for grey.
pub fn coloured_share(pixels: &[u8], channels: usize, least: u8) -> f64 {
    if channels != 3 {
        return 0.0;
    }
    let (pixels, _) = pixels.as_chunks::<3>();
    let coloured = pixels
        .iter()
        .filter(|[r, g, b]| (*r).max(*g).max(*b) - (*r).min(*g).min(*b) > least)
        .count();
    coloured as f64 / pixels.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_percentiles_are_counts() {
        let levels = Levels::of(&[0, 0, 5, 10, 250, 255, 255, 255, 255, 255]);
        assert_eq!((levels.share(0, 5), levels.share(250, 255)), (0.3, 0.6));
        assert_eq!((levels.percentile(0), levels.percentile(300)), (0, 5));
        assert_eq!((levels.percentile(301), levels.percentile(1000)), (10, 255));
    }

    #[test]
    fn the_laplacian_of_a_point_by_hand() {
        // 4 × 3: the two inner pixels have 4·9 − 0 = 36 and 0 − 9 = −9; mean 13.5, variance 22.5².
        let mut picture = [0; 12];
        picture[5] = 9;
        assert_eq!(sharpness(&picture, 4), 22.5 * 22.5);
        assert_eq!(sharpness(&[7; 12], 4), 0.0);
        assert_eq!(sharpness(&[1, 2], 2), 0.0);
    }

    #[test]
    fn grey_in_three_channels_has_no_colour() {
        assert_eq!(coloured_share(&[9, 9, 9, 40, 10, 40], 3, 24), 0.5);
        assert_eq!(coloured_share(&[9, 40], 1, 24), 0.0);
    }
}
