//! Three numbers at a time.

/// Dot product.
pub fn dot(a: &[f64; 3], b: &[f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// Cross product.
pub fn cross(a: &[f64; 3], b: &[f64; 3]) -> [f64; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

/// The inverse of a matrix of rows, *transposed*: with stains as rows, the amount of stain `j` is the
/// dot product of row `j` with the densities. `None` where the rows lie in one plane.
pub fn inverse_transposed(m: &[[f64; 3]; 3]) -> Option<[[f64; 3]; 3]> {
    let [a, b, c] = m;
    let rows = [cross(b, c), cross(c, a), cross(a, b)];
    let determinant = dot(a, &rows[0]);
    let inverse = rows.map(|row| row.map(|v| v / determinant));
    let usable = determinant.abs() > 1e-9 && inverse.as_flattened().iter().all(|v| v.is_finite());
    usable.then_some(inverse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inverse_is_one() {
        let m = [[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]];
        let inverse = inverse_transposed(&m).unwrap();
        for (j, row) in inverse.iter().enumerate() {
            for (k, stain) in m.iter().enumerate() {
                let one = if j == k { 1.0 } else { 0.0 };
                assert!((dot(row, stain) - one).abs() < 1e-14);
            }
        }
        // scikit-image's hed_from_rgb, first column.
        let known = [1.87798274, -0.06590806, -0.60190736];
        assert!(inverse[0].iter().zip(known).all(|(found, known)| (found - known).abs() < 1e-8));
        assert_eq!(inverse_transposed(&[m[0], m[1], m[0]]), None);
    }
}
