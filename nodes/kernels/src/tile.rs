#[cfg(target_arch = "x86_64")]
mod avx2;
mod portable;

use crate::element::Element;

/// Most rows of a tile: 6 x 16 sums fill 12 of AVX2's 16 registers.
pub(crate) const ROWS: usize = 6;
/// Columns of a panel of filters.
pub(crate) const COLUMNS: usize = 16;

/// `out[rows, columns] += lhs[rows, depth] * rhs[depth, 16]`, or `=` with `overwrite`.
///
/// Row `i` of `lhs` starts at `i * lhs_stride`, row `i` of `out` at `i * out_stride`; `rows` is 1 to 6,
/// `columns` 1 to 16, and the depth is that of `rhs`.
pub(crate) struct Tile<'a, T> {
    pub(crate) lhs: &'a [T],
    pub(crate) lhs_stride: usize,
    pub(crate) rhs: &'a [T],
    pub(crate) out: &'a mut [T],
    pub(crate) out_stride: usize,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) overwrite: bool,
}

pub(crate) type TileKernel<T> = fn(Tile<'_, T>);

/// The fastest kernel that this CPU can run.
pub(crate) fn kernel_f32() -> TileKernel<f32> {
    #[cfg(target_arch = "x86_64")]
    if avx2::is_available() {
        return avx2::multiply;
    }
    portable::multiply
}

/// f64 is for finite differences, not for speed.
pub(crate) fn kernel_f64() -> TileKernel<f64> {
    portable::multiply
}

impl<T: Element> Tile<'_, T> {
    /// Adds (or writes) `sums`, `[rows, 16]`, to the output.
    fn store(self, sums: &[[T; COLUMNS]]) {
        for (out, sums) in self.out.chunks_mut(self.out_stride).zip(sums).take(self.rows) {
            for (out, sum) in out[..self.columns].iter_mut().zip(sums) {
                *out = if self.overwrite { *sum } else { *out + *sum };
            }
        }
    }
}
