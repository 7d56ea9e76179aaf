/// Rows of a 3x3 matrix.
pub(super) type Matrix = [[f64; 3]; 3];

/// A power of a positive definite symmetric matrix: 0.5 is its square root.
pub(super) fn power(matrix: &Matrix, exponent: f64) -> Matrix {
    let (values, vectors) = eigen(*matrix);
    let powers = values.map(|value| value.powf(exponent));
    std::array::from_fn(|i| {
        std::array::from_fn(|j| (0..3).fold(0.0, |sum, k| sum + vectors[i][k] * powers[k] * vectors[j][k]))
    })
}

/// The matrix product `a b`.
pub(super) fn product(a: &Matrix, b: &Matrix) -> Matrix {
    a.map(|row| {
        std::array::from_fn(|j| row.iter().zip(b).fold(0.0, |sum, (value, line)| sum + value * line[j]))
    })
}

/// Eigenvalues of a symmetric matrix, and orthonormal eigenvectors in columns, by Jacobi rotations (Golub &
/// Van Loan, "Matrix Computations", section 8.5).
fn eigen(mut a: Matrix) -> ([f64; 3], Matrix) {
    // Off-diagonal elements decrease quadratically: a few sweeps suffice.
    const SWEEPS: usize = 12;
    let mut vectors = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    let planes: [(usize, usize); 3] = [(0, 1), (0, 2), (1, 2)];
    for (p, q) in planes.repeat(SWEEPS) {
        if a[p][q] == 0.0 {
            continue;
        }
        // The smaller of the two rotations that make a[p][q] zero.
        let slope = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
        let tangent = slope.signum() / (slope.abs() + slope.hypot(1.0));
        let cosine = tangent.hypot(1.0).recip();
        let sine = tangent * cosine;
        let turn = |row: &mut [f64; 3]| {
            (row[p], row[q]) = (cosine * row[p] - sine * row[q], sine * row[p] + cosine * row[q]);
        };
        a.iter_mut().for_each(turn);
        vectors.iter_mut().for_each(turn);
        let (above, below) = (a[p], a[q]);
        a[p] = std::array::from_fn(|k| cosine * above[k] - sine * below[k]);
        a[q] = std::array::from_fn(|k| sine * above[k] + cosine * below[k]);
    }
    (std::array::from_fn(|k| a[k][k]), vectors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_close(found: &Matrix, expected: &Matrix) {
        let pairs = found.iter().flatten().zip(expected.iter().flatten());
        let scale = expected.iter().flatten().fold(0.0, |scale: f64, x| scale.max(x.abs()));
        let error = pairs.fold(0.0, |error: f64, (a, b)| error.max((a - b).abs()));
        assert!(error <= 1e-12 * scale, "{found:?} instead of {expected:?}");
    }

    const MATRICES: [Matrix; 4] = [
        [[4.0, 1.0, -2.0], [1.0, 3.0, 0.5], [-2.0, 0.5, 6.0]],
        [[9.0, 0.0, 0.0], [0.0, 0.25, 0.0], [0.0, 0.0, 1.0]],
        // Equal eigenvalues, and one that is small beside the others.
        [[2.0, 1.0, 1.0], [1.0, 2.0, 1.0], [1.0, 1.0, 2.0]],
        [[1.0, 1.0, 0.5], [1.0, 1.0 + 1e-6, 0.5], [0.5, 0.5, 1.0]],
    ];

    #[test]
    fn roots_squared_are_the_matrix() {
        for matrix in MATRICES {
            let root = power(&matrix, 0.5);
            assert_close(&product(&root, &root), &matrix);
            assert_close(&power(&matrix, 1.0), &matrix);
        }
        assert_close(&power(&MATRICES[1], 0.5), &[[3.0, 0.0, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 1.0]]);
    }

    #[test]
    fn inverse_roots_undo_roots() {
        let identity = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        for matrix in &MATRICES[..3] {
            assert_close(&product(&power(matrix, 0.5), &power(matrix, -0.5)), &identity);
        }
    }
}
