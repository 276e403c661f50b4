//! Eigenvectors of a symmetric 3 × 3 matrix, the same bits on every machine.

/// Sweeps after which Jacobi's rotations stop whatever is left: a 3 × 3 matrix needs about six.
const SWEEPS: usize = 30;

/// Eigenvalues, ascending, and their unit vectors (`vectors[k]` belongs to `values[k]`) of a symmetric
/// matrix; of `matrix` only the upper triangle is read.
///
/// Cyclic Jacobi (Golub and Van Loan, *Matrix Computations*, 8.5): + − × ÷ and √ in one order, and so
/// nothing that differs between machines, as LAPACK's blocked routines do. An eigenvector has two
/// directions; given is that whose component of the largest magnitude is positive (the first of
/// several). Not finite in, not finite out; never a panic.
pub fn symmetric(matrix: [[f64; 3]; 3]) -> ([f64; 3], [[f64; 3]; 3]) {
    let mut a = matrix;
    for (row, column) in [(1, 0), (2, 0), (2, 1)] {
        a[row][column] = a[column][row];
    }
    // Columns are the vectors.
    let mut v = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    for _ in 0..SWEEPS {
        if a[0][1] == 0.0 && a[0][2] == 0.0 && a[1][2] == 0.0 {
            break;
        }
        for (p, q) in [(0, 1), (0, 2), (1, 2)] {
            rotate(&mut a, &mut v, p, q);
        }
    }
    let mut order = [0, 1, 2];
    order.sort_by(|&i, &j| a[i][i].total_cmp(&a[j][j]));
    let vectors = order.map(|k| {
        let vector = [v[0][k], v[1][k], v[2][k]];
        let largest = vector.iter().fold(0.0, |l: f64, c| if c.abs() > l.abs() { *c } else { l });
        if largest < 0.0 { vector.map(|c| -c) } else { vector }
    });
    (order.map(|k| a[k][k]), vectors)
}

/// Makes `a[p][q]` zero.
fn rotate(a: &mut [[f64; 3]; 3], v: &mut [[f64; 3]; 3], p: usize, q: usize) {
    let off = a[p][q];
    if off == 0.0 {
        return;
    }
    let theta = (a[q][q] - a[p][p]) / (2.0 * off);
    // The smaller root of t² + 2θt − 1: a rotation of at most 45°.
    let size = 1.0 / (theta.abs() + (theta * theta + 1.0).sqrt());
    let t = if theta < 0.0 { -size } else { size };
    let c = 1.0 / (t * t + 1.0).sqrt();
    let s = t * c;
    a[p][p] -= t * off;
    a[q][q] += t * off;
    a[p][q] = 0.0;
    a[q][p] = 0.0;
    let r = 3 - p - q;
    let (rp, rq) = (a[r][p], a[r][q]);
    a[r][p] = c * rp - s * rq;
    a[r][q] = s * rp + c * rq;
    a[p][r] = a[r][p];
    a[q][r] = a[r][q];
    for row in v {
        let (x, y) = (row[p], row[q]);
        row[p] = c * x - s * y;
        row[q] = s * x + c * y;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
        a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
    }

    proptest! {
        #[test]
        fn vectors_are_kept_in_direction_and_stand_at_right_angles(
            six in prop::array::uniform6(-10.0..10.0_f64), exponent in -8..3_i32,
        ) {
            let [a, b, c, d, e, f] = six.map(|v| v * 10_f64.powi(exponent));
            let matrix = [[a, b, c], [b, d, e], [c, e, f]];
            let (values, vectors) = symmetric(matrix);
            let norm = matrix.as_flattened().iter().fold(0.0, |m: f64, v| m.max(v.abs()));
            prop_assert!(values[0] <= values[1] && values[1] <= values[2]);
            for k in 0..3 {
                for row in 0..3 {
                    let error = dot(matrix[row], vectors[k]) - values[k] * vectors[k][row];
                    prop_assert!(error.abs() <= 1e-14 * norm, "{error} of {norm}");
                }
                for other in 0..3 {
                    let expected = f64::from(k == other);
                    prop_assert!((dot(vectors[k], vectors[other]) - expected).abs() < 1e-14);
                }
                let largest = vectors[k].into_iter().fold(0.0, |m: f64, v| m.max(v.abs()));
                prop_assert!(vectors[k].contains(&largest), "{:?}", vectors[k]);
            }
        }
    }

    #[test]
    fn by_hand() {
        // [[2, 1], [1, 2]] has 1 along (1, −1) and 3 along (1, 1); the third axis stands alone at 5.
        let (values, vectors) = symmetric([[2.0, 0.0, 1.0], [9.0, 5.0, 0.0], [9.0, 9.0, 2.0]]);
        let half = 0.5_f64.sqrt();
        for (found, expected) in values.iter().zip([1.0, 3.0, 5.0]) {
            assert!((found - expected).abs() < 1e-15);
        }
        let expected = [[half, 0.0, -half], [half, 0.0, half], [0.0, 1.0, 0.0]];
        for (found, expected) in vectors.as_flattened().iter().zip(expected.as_flattened()) {
            assert!((found - expected).abs() < 1e-15, "{vectors:?}");
        }
        assert_eq!(symmetric([[0.0; 3]; 3]).0, [0.0; 3]);
        assert!(symmetric([[f64::NAN; 3]; 3]).0[0].is_nan());
    }
}
