//! Where profiles lead to: sRGB (IEC 61966-2-1), from XYZ relative to D50.

use std::sync::LazyLock;

/// The three lights of sRGB, as XYZ after adaptation to D50 (Bradford; Lindbloom's numbers): rows X, Y, Z.
const LIGHTS: [[f64; 3]; 3] = [
    [0.436_074_7, 0.385_064_9, 0.143_080_4],
    [0.222_504_5, 0.716_878_6, 0.060_616_9],
    [0.013_932_2, 0.097_104_5, 0.714_173_3],
];

/// XYZ to linear light, the inverse of [`LIGHTS`]: rows R, G, B.
static FROM_XYZ: LazyLock<[[f64; 3]; 3]> = LazyLock::new(|| {
    let m = &LIGHTS;
    let minor = |r: [usize; 2], c: [usize; 2]| {
        m[r[0]][c[0]] * m[r[1]][c[1]] - m[r[0]][c[1]] * m[r[1]][c[0]]
    };
    let others = [[1, 2], [0, 2], [0, 1]];
    let sign = |row: usize, column: usize| if (row + column) % 2 == 0 { 1.0 } else { -1.0 };
    let cofactor =
        |row: usize, column: usize| sign(row, column) * minor(others[row], others[column]);
    let determinant: f64 =
        m[0][0] * cofactor(0, 0) + m[0][1] * cofactor(0, 1) + m[0][2] * cofactor(0, 2);
    std::array::from_fn(|row| std::array::from_fn(|column| cofactor(column, row) / determinant))
});

/// Linear light (0–1, and beyond for colours that sRGB has not) of XYZ.
pub(super) fn linear(xyz: [f64; 3]) -> [f64; 3] {
    FROM_XYZ.map(|row| row[0] * xyz[0] + row[1] * xyz[1] + row[2] * xyz[2])
}

/// The sRGB curve, of linear light of 0–1.
fn encoded(linear: f64) -> f64 {
    match linear <= 0.003_130_8 {
        true => linear * 12.92,
        false => 1.055 * libm::pow(linear, 1.0 / 2.4) - 0.055,
    }
}

/// Steps of linear light in [`bytes`].
pub(super) const STEPS: usize = 1 << 14;

/// The sRGB byte of linear light in steps of 2⁻¹⁴: at most a tenth of a level beside the exact one before
/// rounding.
pub(super) fn bytes() -> &'static [u8; STEPS + 1] {
    static BYTES: LazyLock<Box<[u8; STEPS + 1]>> = LazyLock::new(|| {
        let mut bytes = Box::new([0; STEPS + 1]);
        for (step, byte) in bytes.iter_mut().enumerate() {
            *byte = (encoded(step as f64 / STEPS as f64) * 255.0 + 0.5) as u8;
        }
        bytes
    });
    &BYTES
}

/// The sRGB value, 0–1, of linear light, by a table of 65,537 samples with straight lines between them:
/// within 10⁻⁷ of the curve.
pub(super) fn value(linear: f64) -> f64 {
    static VALUES: LazyLock<Vec<f64>> =
        LazyLock::new(|| (0..=65_536).map(|at| encoded(f64::from(at) / 65_536.0)).collect());
    super::curve::table(&VALUES, linear)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_is_white_and_lights_are_pure() {
        for (light, pure) in [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]].iter().enumerate()
        {
            let found = linear([LIGHTS[0][light], LIGHTS[1][light], LIGHTS[2][light]]);
            assert!(found.iter().zip(pure).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}");
        }
        let white = linear(super::super::pipeline::WHITE);
        assert!(white.iter().all(|v| (v - 1.0).abs() < 1e-3), "{white:?}");
    }

    #[test]
    fn the_tables_are_the_curve() {
        for at in 0..=1_000_000 {
            let x = f64::from(at) / 1e6;
            let exact = encoded(x);
            assert!((value(x) - exact).abs() < 1e-6, "{x}");
            let step = (x * STEPS as f64 + 0.5) as usize;
            let byte = f64::from(bytes()[step]);
            assert!((byte - exact * 255.0).abs() < 0.61, "{x}: {byte}, {}", exact * 255.0);
        }
        assert_eq!((bytes()[0], bytes()[STEPS]), (0, 255));
    }
}
