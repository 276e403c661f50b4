//! CIELAB in floating point, as torchstain and scikit-image define it.
//!
//! sRGB, 2° observer, D65. The 8-bit CIELAB of OpenCV is another thing: it is off by up to 2.5 units.

/// Linear RGB to XYZ: rows X, Y, Z.
pub const RGB_TO_XYZ: [[f64; 3]; 3] = [
    [0.412453, 0.357580, 0.180423],
    [0.212671, 0.715160, 0.072169],
    [0.019334, 0.119193, 0.950227],
];

/// The white point: D65, 2° observer.
pub const WHITE: [f64; 3] = [0.95047, 1.0, 1.08883];

/// Up to here the curve of CIELAB is a straight line.
pub const DARK: f64 = 0.008856;

/// Up to here the way back is a straight line: the curve's value there.
pub const DARK_BACK: f64 = 0.206_896_6;

/// Slope of that line.
pub const SLOPE: f64 = 7.787;

/// Where it begins.
pub const OFFSET: f64 = 16.0 / 116.0;

/// Light (0–1) of an sRGB sample.
pub fn light(sample: u8) -> f64 {
    let value = f64::from(sample) / 255.0;
    if value > 0.04045 { libm::pow((value + 0.055) / 1.055, 2.4) } else { value / 12.92 }
}

/// Least light (0–1) that makes an sRGB value of at least `value` (0–1).
pub fn least_light(value: f64) -> f64 {
    if value > 12.92 * 0.0031308 { libm::pow((value + 0.055) / 1.055, 2.4) } else { value / 12.92 }
}

/// The curve of CIELAB: of X, Y or Z over that of white.
pub fn curve(part: f64) -> f64 {
    if part > DARK { libm::cbrt(part) } else { SLOPE * part + OFFSET }
}

/// L* (0–100), a*, b* of an sRGB pixel.
pub fn of_rgb(rgb: [u8; 3]) -> [f64; 3] {
    let light = rgb.map(light);
    let [x, y, z] = [0, 1, 2].map(|row| {
        let m = &RGB_TO_XYZ[row];
        curve((m[0] * light[0] + m[1] * light[1] + m[2] * light[2]) / WHITE[row])
    });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// XYZ to linear RGB: the inverse of [`RGB_TO_XYZ`].
pub fn xyz_to_rgb() -> [[f64; 3]; 3] {
    let [a, b, c] = &RGB_TO_XYZ;
    let cross = |u: &[f64; 3], v: &[f64; 3]| {
        [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]]
    };
    let columns = [cross(b, c), cross(c, a), cross(a, b)];
    let determinant = a[0] * columns[0][0] + a[1] * columns[0][1] + a[2] * columns[0][2];
    [0, 1, 2].map(|row| columns.map(|column| column[row] / determinant))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_colours() {
        // skimage.color.rgb2lab 0.26.
        let known = [
            ([255, 0, 0], [53.24058794, 80.09230823, 67.20275104]),
            ([0, 255, 0], [87.73509949, -86.18302974, 83.17970318]),
            ([0, 0, 255], [32.29567257, 79.18559091, -107.85730021]),
            ([255, 255, 255], [100.0, -0.00245493786, 0.00465342115]),
            ([3, 2, 1], [0.58686892, 0.12242068, 0.47062806]),
            ([120, 60, 150], [36.79375259, 41.83008538, -38.94794345]),
        ];
        for (rgb, lab) in known {
            for (found, expected) in of_rgb(rgb).into_iter().zip(lab) {
                assert!((found - expected).abs() < 1e-7, "{rgb:?}: {found} for {expected}");
            }
        }
    }

    #[test]
    fn every_sample_comes_back() {
        for sample in 0..=255 {
            let least = least_light(f64::from(sample) / 255.0);
            assert!((least - light(sample)).abs() < 1e-6);
        }
    }
}
