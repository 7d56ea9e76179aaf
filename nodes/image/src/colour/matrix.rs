//! 3 x 3 matrices, by rows.

pub(crate) type Matrix = [[f64; 3]; 3];

/// `m v`.
pub(crate) fn apply(m: &Matrix, v: [f64; 3]) -> [f64; 3] {
    m.map(|row| row[0] * v[0] + row[1] * v[1] + row[2] * v[2])
}

pub(crate) fn product(a: &Matrix, b: &Matrix) -> Matrix {
    a.map(|row| std::array::from_fn(|j| (0..3).map(|k| row[k] * b[k][j]).sum()))
}

pub(crate) fn transposed(m: &Matrix) -> Matrix {
    std::array::from_fn(|i| std::array::from_fn(|j| m[j][i]))
}

/// The inverse of a matrix that has one, by its adjugate.
pub(crate) fn inverse(m: &Matrix) -> Matrix {
    let cofactor = |i: usize, j: usize| {
        let at = |di: usize, dj: usize| m[(i + di) % 3][(j + dj) % 3];
        at(1, 1) * at(2, 2) - at(1, 2) * at(2, 1)
    };
    let determinant: f64 = (0..3).map(|j| m[0][j] * cofactor(0, j)).sum();
    std::array::from_fn(|i| std::array::from_fn(|j| cofactor(j, i) / determinant))
}

/// `f` of a symmetric matrix: with the same eigenvectors, and `f` of each eigenvalue.
pub(crate) fn of_symmetric(m: &Matrix, f: impl Fn(f64) -> f64) -> Matrix {
    let (values, vectors) = eigen(m);
    let scaled: Matrix = std::array::from_fn(|i| std::array::from_fn(|j| vectors[i][j] * f(values[j])));
    product(&scaled, &transposed(&vectors))
}

/// Eigenvalues, and eigenvectors as columns, of a symmetric matrix: cyclic Jacobi rotations (Golub and Van Loan, Matrix
/// Computations, 4th edition, section 8.5).
fn eigen(m: &Matrix) -> ([f64; 3], Matrix) {
    /// Convergence is quadratic: a handful is enough.
    const SWEEPS: usize = 16;
    let mut a = *m;
    let mut vectors = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    for _ in 0..SWEEPS {
        for (p, q) in [(0, 1), (0, 2), (1, 2)] {
            if a[p][q] == 0.0 {
                continue;
            }
            let tau = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
            let tangent = tau.signum() / (tau.abs() + tau.hypot(1.0));
            let cosine = 1.0 / tangent.hypot(1.0);
            let sine = tangent * cosine;
            let mut turn = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
            (turn[p][p], turn[p][q], turn[q][p], turn[q][q]) = (cosine, sine, -sine, cosine);
            a = product(&transposed(&turn), &product(&a, &turn));
            // Exactly, or rounding keeps the loop busy.
            (a[p][q], a[q][p]) = (0.0, 0.0);
            vectors = product(&vectors, &turn);
        }
    }
    (std::array::from_fn(|i| a[i][i]), vectors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(found: &Matrix, expected: &Matrix) {
        let mut pairs = found.iter().flatten().zip(expected.iter().flatten());
        assert!(pairs.all(|(a, b)| (a - b).abs() < 1e-12), "{found:?} for {expected:?}");
    }

    const IDENTITY: Matrix = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

    #[test]
    fn an_inverse_undoes() {
        let m = [[2.0, 0.0, 1.0], [0.0, 4.0, 0.0], [1.0, 0.0, 1.0]];
        check(&inverse(&m), &[[1.0, 0.0, -1.0], [0.0, 0.25, 0.0], [-1.0, 0.0, 2.0]]);
        let skew = [[1.0, 2.0, 3.0], [0.0, 1.0, 4.0], [5.0, 6.0, 0.0]];
        check(&inverse(&skew), &[[-24.0, 18.0, 5.0], [20.0, -15.0, -4.0], [-5.0, 4.0, 1.0]]);
        check(&product(&skew, &inverse(&skew)), &IDENTITY);
    }

    #[test]
    fn eigenvalues_by_hand() {
        // Eigenvalues 1, 3 and 5.
        let (mut values, vectors) = eigen(&[[2.0, 1.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, 5.0]]);
        check(&product(&transposed(&vectors), &vectors), &IDENTITY);
        values.sort_by(f64::total_cmp);
        for (found, expected) in values.iter().zip([1.0, 3.0, 5.0]) {
            assert!((found - expected).abs() < 1e-12, "{values:?}");
        }
    }

    #[test]
    fn a_square_root_squared_is_the_matrix() {
        for m in [
            [[2.0, 1.0, 0.5], [1.0, 3.0, -0.7], [0.5, -0.7, 1.0]],
            [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0]],
            [[1e-9, 0.0, 0.0], [0.0, 1.0, 1e-5], [0.0, 1e-5, 2.0]],
            [[0.0; 3]; 3],
        ] {
            let root = of_symmetric(&m, |value| value.max(0.0).sqrt());
            check(&root, &transposed(&root));
            check(&product(&root, &root), &m);
        }
    }

    #[test]
    fn nonsense_ends() {
        let (values, _) = eigen(&[[f64::NAN; 3]; 3]);
        assert!(values[0].is_nan());
    }
}
