//! The same code, compiled with AVX2 and FMA: eight channels are one register.

use super::transform::{self, Target};

pub(super) fn is_available() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

/// # Panics
///
/// If the CPU lacks AVX2 or FMA.
pub(super) fn input(rows: &[f32], pitch: usize, size: [usize; 2], tiles: &mut [f32]) {
    #[target_feature(enable = "avx2,fma")]
    fn compiled(rows: &[f32], pitch: usize, size: [usize; 2], tiles: &mut [f32]) {
        transform::input(rows, pitch, size, tiles);
    }
    assert!(is_available());
    // SAFETY: the CPU has what it was compiled for.
    unsafe { compiled(rows, pitch, size, tiles) }
}

/// # Panics
///
/// If the CPU lacks AVX2 or FMA.
pub(super) fn output(products: &[f32], product_len: usize, columns: usize, out: &mut [f32], target: Target) {
    #[target_feature(enable = "avx2,fma")]
    fn compiled(products: &[f32], product_len: usize, columns: usize, out: &mut [f32], target: Target) {
        transform::output(products, product_len, columns, out, target);
    }
    assert!(is_available());
    // SAFETY: the CPU has what it was compiled for.
    unsafe { compiled(products, product_len, columns, out, target) }
}
