use std::arch::x86_64::{
    _mm256_add_ps, _mm256_broadcast_ss, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_setzero_ps, _mm256_storeu_ps,
};

use super::{COLUMNS, ROWS, Tile};

pub(super) fn is_available() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

/// Two vectors of 8 sums per row, kept in registers over the whole depth.
///
/// # Panics
///
/// If the CPU lacks AVX2 or FMA, or a slice is too short for the tile's sizes.
pub(super) fn multiply(tile: Tile<'_, f32>) {
    assert!(is_available());
    let depth = tile.rhs.len() / COLUMNS;
    assert!(depth > 0 && (1..=ROWS).contains(&tile.rows));
    assert!(tile.lhs.len() >= (tile.rows - 1) * tile.lhs_stride + depth);
    if tile.columns < COLUMNS {
        let mut sums = [[0.0; COLUMNS]; ROWS];
        let whole = Tile {
            out: sums.as_flattened_mut(),
            out_stride: COLUMNS,
            columns: COLUMNS,
            overwrite: true,
            ..tile
        };
        multiply(whole);
        return tile.store(&sums);
    }
    assert!(tile.out.len() >= (tile.rows - 1) * tile.out_stride + COLUMNS);
    let kernel = [rows::<1>, rows::<2>, rows::<3>, rows::<4>, rows::<5>, rows::<6>][tile.rows - 1];
    // SAFETY: the asserts above are what `rows` asks for: the CPU has AVX2 and FMA, and the slices
    // are as long as it reads and writes.
    unsafe { kernel(tile, depth) }
}

/// # Safety
///
/// The CPU has AVX2 and FMA. `lhs` holds `R - 1` strides and `depth` numbers, `rhs` `depth` rows of
/// 16, and `out` `R - 1` strides and 16 numbers.
#[target_feature(enable = "avx2,fma")]
unsafe fn rows<const R: usize>(tile: Tile<'_, f32>, depth: usize) {
    let (lhs, rhs, out) = (tile.lhs.as_ptr(), tile.rhs.as_ptr(), tile.out.as_mut_ptr());
    let mut sums = [[_mm256_setzero_ps(); 2]; R];
    for k in 0..depth {
        // SAFETY: k < depth, so the 16 numbers of row k of `rhs` and number k of every row of `lhs`
        // are inside of the slices by this function's contract.
        unsafe {
            let panel = [_mm256_loadu_ps(rhs.add(16 * k)), _mm256_loadu_ps(rhs.add(16 * k + 8))];
            for (row, sums) in sums.iter_mut().enumerate() {
                let value = _mm256_broadcast_ss(&*lhs.add(row * tile.lhs_stride + k));
                sums[0] = _mm256_fmadd_ps(value, panel[0], sums[0]);
                sums[1] = _mm256_fmadd_ps(value, panel[1], sums[1]);
            }
        }
    }
    for (row, sums) in sums.iter().enumerate() {
        for (half, sum) in sums.iter().enumerate() {
            // SAFETY: the 16 numbers of row `row` of `out` are inside of the slice by this
            // function's contract, and nothing else refers to them while `tile` is borrowed.
            unsafe {
                let to = out.add(row * tile.out_stride + 8 * half);
                let value = if tile.overwrite { *sum } else { _mm256_add_ps(_mm256_loadu_ps(to), *sum) };
                _mm256_storeu_ps(to, value);
            }
        }
    }
}
