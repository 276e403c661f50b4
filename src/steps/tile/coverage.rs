//! How much of a rectangle lies on tissue, exactly.

use super::morphology::Bitmap;

/// Number of set pixels above and left of every corner of a mask.
pub struct Coverage {
    width: usize,
    sums: Vec<u32>,
    /// Mask pixels, with fractions, that the slide is wide and high: its last ones may be cut.
    extent: [f64; 2],
    /// Level-0 pixels per mask pixel.
    scale: [f64; 2],
}

/// A stretch of mask pixels that count alike: from, to (exclusive), weight of each.
type Stretch = (u64, u64, f64);

/// Cuts `begin..end` into a first pixel, whole ones and a last pixel.
fn stretches(begin: f64, end: f64) -> [Stretch; 3] {
    let (first, last) = (begin.floor(), end.floor());
    let (a, b) = (first as u64, last as u64);
    if a == b {
        return [(a, a + 1, end - begin), (a, a, 1.0), (a, a, 0.0)];
    }
    [(a, a + 1, first + 1.0 - begin), (a + 1, b, 1.0), (b, b + 1, end - last)]
}

impl Coverage {
    /// Sums up a mask whose pixels are `scale` level-0 pixels wide and high, over a slide of `size_0`
    /// level-0 pixels.
    pub fn new(mask: &Bitmap, scale: [f64; 2], size_0: (u32, u32)) -> Self {
        let width = mask.width + 1;
        let mut sums = vec![0_u32; width * (mask.height + 1)];
        for y in 0..mask.height {
            let mut along = 0;
            for x in 0..mask.width {
                along += u32::from(mask.bits[y * mask.width + x]);
                sums[(y + 1) * width + x + 1] = sums[y * width + x + 1] + along;
            }
        }
        let extent = [
            (f64::from(size_0.0) / scale[0]).min(mask.width as f64),
            (f64::from(size_0.1) / scale[1]).min(mask.height as f64),
        ];
        Self { width, sums, extent, scale }
    }

    fn count(&self, x: (u64, u64), y: (u64, u64)) -> u32 {
        let height = self.sums.len() / self.width - 1;
        let column = |x: u64| (x as usize).min(self.width - 1);
        let row = |y: u64| (y as usize).min(height) * self.width;
        let at = |x: u64, y: u64| self.sums[row(y) + column(x)];
        at(x.1, y.1) + at(x.0, y.0) - at(x.0, y.1) - at(x.1, y.0)
    }

    /// The part, 0–1, of a rectangle that is tissue; the rectangle is (begin, length) along x and y in
    /// level-0 pixels. What lies outside the slide is no tissue.
    ///
    /// Whole mask pixels are counted in integers; only the cut ones at the rim are weighted. Area and
    /// tissue are summed in the same way, so that full coverage is exactly 1.
    pub fn fraction(&self, x: (f64, f64), y: (f64, f64)) -> f64 {
        let along = |axis: usize, place: (f64, f64)| {
            let (begin, end) = (place.0 / self.scale[axis], (place.0 + place.1) / self.scale[axis]);
            // A border that is missed by rounding only is met.
            let extent = self.extent[axis];
            let end = if (end - extent).abs() < 1e-6 { extent } else { end };
            (stretches(begin, end), stretches(begin.min(extent), end.min(extent)))
        };
        let ((area_x, tissue_x), (area_y, tissue_y)) = (along(0, x), along(1, y));
        let (mut area, mut tissue) = (0.0, 0.0);
        for ((ax, tx), (ay, ty)) in pairs(&area_x, &tissue_x, &area_y, &tissue_y) {
            area += ax.2 * ay.2 * ((ax.1 - ax.0) * (ay.1 - ay.0)) as f64;
            tissue += tx.2 * ty.2 * f64::from(self.count((tx.0, tx.1), (ty.0, ty.1)));
        }
        if area > 0.0 { (tissue / area).clamp(0.0, 1.0) } else { 0.0 }
    }
}

/// All nine pairs of stretches, of the rectangle and of its part on the slide.
fn pairs<'a>(
    area_x: &'a [Stretch; 3],
    tissue_x: &'a [Stretch; 3],
    area_y: &'a [Stretch; 3],
    tissue_y: &'a [Stretch; 3],
) -> impl Iterator<Item = ((&'a Stretch, &'a Stretch), (&'a Stretch, &'a Stretch))> {
    let x = move || area_x.iter().zip(tissue_x);
    area_y.iter().zip(tissue_y).flat_map(move |y| x().map(move |x| (x, y)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(width: usize, height: usize, set: impl Fn(usize, usize) -> bool) -> Bitmap {
        let bits = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        Bitmap { width, height, bits: bits.map(|(x, y)| set(x, y)).collect() }
    }

    #[test]
    fn by_hand() {
        // 4 × 2 mask pixels of 10 × 10, the left half tissue.
        let coverage = Coverage::new(&mask(4, 2, |x, _| x < 2), [10.0; 2], (40, 20));
        assert_eq!(coverage.fraction((0.0, 20.0), (0.0, 20.0)), 1.0);
        assert_eq!(coverage.fraction((20.0, 20.0), (0.0, 20.0)), 0.0);
        assert_eq!(coverage.fraction((15.0, 10.0), (5.0, 10.0)), 0.5);
        assert_eq!(coverage.fraction((17.5, 5.0), (1.0, 2.0)), 0.5);
        // Inside one mask pixel.
        assert_eq!(coverage.fraction((11.0, 2.0), (3.0, 3.0)), 1.0);
        // Half of the patch lies outside the slide, above nothing.
        assert_eq!(coverage.fraction((0.0, 20.0), (10.0, 20.0)), 0.5);
        assert_eq!(coverage.fraction((0.0, 80.0), (0.0, 20.0)), 0.25);
    }

    #[test]
    fn full_is_one_wherever_the_patch_lies() {
        let coverage = Coverage::new(&mask(37, 29, |_, _| true), [8.016; 2], (296, 232));
        for i in 0..200 {
            let x = f64::from(i) * 1.17;
            assert_eq!(coverage.fraction((x, 51.3), (f64::from(i) * 0.7, 33.7)), 1.0, "{i}");
        }
        // The last mask column is cut by the slide's border: a patch that ends there is full.
        assert_eq!(coverage.fraction((296.0 - 64.0, 64.0), (232.0 - 64.0, 64.0)), 1.0);
    }

    #[test]
    fn it_is_the_sum_over_all_mask_pixels() {
        let bitmap = mask(23, 17, |x, y| (x * 7 + y * 13 + x * y) % 3 == 0);
        let (scale, size) = ([5.3, 4.7], (120, 78));
        let coverage = Coverage::new(&bitmap, scale, size);
        let overlap = |i: usize, scale: f64, size: f64, place: (f64, f64)| {
            let (from, to) = (i as f64 * scale, ((i + 1) as f64 * scale).min(size));
            (to.min(place.0 + place.1) - from.max(place.0)).max(0.0)
        };
        for i in 0..60 {
            let (x, y) = ((f64::from(i) * 1.9, 31.4), (f64::from(i) * 1.3, 25.1));
            let mut tissue = 0.0;
            for row in 0..17 {
                for col in (0..23).filter(|col| bitmap.bits[row * 23 + col]) {
                    tissue += overlap(col, scale[0], 120.0, x) * overlap(row, scale[1], 78.0, y);
                }
            }
            let got = coverage.fraction(x, y);
            assert!((got - tissue / (31.4 * 25.1)).abs() < 1e-12, "{i}: {got}");
        }
    }
}
