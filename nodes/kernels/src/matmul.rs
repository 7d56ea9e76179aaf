use gemm::Parallelism;

use crate::element::Element;

/// `out += lhs * rhs` (or `out = lhs * rhs` when `overwrite`) on the calling thread.
///
/// `out` is `[rows, columns]` and `rhs` is `[depth, columns]`, both row-major. Row `i` of `lhs` is
/// the `depth` elements from `i * lhs_stride`: rows may overlap, which is how a convolution reads
/// neighbouring windows of a picture without copying them out.
///
/// # Panics
///
/// If a slice is too short for these sizes.
pub(crate) fn multiply<T: Element>(
    out: &mut [T],
    lhs: &[T],
    lhs_stride: usize,
    rhs: &[T],
    [rows, columns, depth]: [usize; 3],
    overwrite: bool,
) {
    if rows == 0 || columns == 0 {
        return;
    }
    assert!(depth > 0 && out.len() >= rows * columns && rhs.len() >= depth * columns);
    assert!(lhs.len() >= (rows - 1) * lhs_stride + depth);
    // SAFETY: the asserts above prove that every element which these sizes and strides name lies
    // inside of its slice; `out` is borrowed mutably, so it does not overlap the other two; T is
    // f32 or f64, both of which gemm implements, and both slices are initialised.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            depth,
            out.as_mut_ptr(),
            1,
            columns as isize,
            !overwrite,
            lhs.as_ptr(),
            1,
            lhs_stride as isize,
            rhs.as_ptr(),
            1,
            columns as isize,
            T::one(),
            T::one(),
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}
