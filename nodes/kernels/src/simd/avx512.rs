use std::arch::x86_64::*;

use super::{Job, Lanes};

/// # Safety
///
/// The CPU has AVX-512 F.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn run<J: Job<f32>>(job: J) -> J::Output {
    job.run::<Avx512>()
}

/// Sixteen f32 in one register of AVX-512.
#[derive(Clone, Copy)]
pub(super) struct Avx512(__m512);

// In all of these: values of this type exist only in a job that `run` runs, so the CPU has the instructions.
impl Lanes for Avx512 {
    type Element = f32;
    type Mask = __mmask16;

    const WIDTH: usize = 16;
    // 14 x 32 sums are 28 of 32 registers; two more hold the columns, and rows are read from memory.
    const ROWS: usize = 14;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        // SAFETY: the CPU has AVX-512 F.
        Self(unsafe { _mm512_set1_ps(value) })
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller promises sixteen numbers.
        Self(unsafe { _mm512_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller promises sixteen numbers.
        unsafe { _mm512_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: the CPU has AVX-512 F.
        Self(unsafe { _mm512_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: the CPU has AVX-512 F.
        Self(unsafe { _mm512_sub_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: the CPU has AVX-512 F.
        Self(unsafe { _mm512_mul_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        // SAFETY: the CPU has AVX-512 F.
        Self(unsafe { _mm512_fmadd_ps(self.0, factor.0, addend.0) })
    }

    #[inline(always)]
    fn abs(self) -> Self {
        // SAFETY: the CPU has AVX-512 F.
        Self(unsafe { _mm512_abs_ps(self.0) })
    }

    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        // SAFETY: the CPU has AVX-512 F.
        Self(unsafe { _mm512_max_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn above(self, other: Self) -> __mmask16 {
        // SAFETY: the CPU has AVX-512 F.
        unsafe { _mm512_cmp_ps_mask::<_CMP_GT_OQ>(self.0, other.0) }
    }

    #[inline(always)]
    fn unordered(self, other: Self) -> __mmask16 {
        // SAFETY: the CPU has AVX-512 F.
        unsafe { _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(self.0, other.0) }
    }

    #[inline(always)]
    fn select(mask: __mmask16, yes: Self, no: Self) -> Self {
        // SAFETY: the CPU has AVX-512 F.
        Self(unsafe { _mm512_mask_blend_ps(mask, no.0, yes.0) })
    }

    #[inline(always)]
    fn bits(mask: __mmask16) -> u16 {
        mask
    }

    #[inline(always)]
    fn mask(bits: u16) -> __mmask16 {
        bits
    }
}
