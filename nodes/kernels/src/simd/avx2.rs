use std::arch::x86_64::*;

use super::{Job, Lanes};

/// # Safety
///
/// The CPU has AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn run<J: Job<f32>>(job: J) -> J::Output {
    job.run::<Avx2>()
}

/// Eight f32 in one register of AVX2.
#[derive(Clone, Copy)]
pub(super) struct Avx2(__m256);

// In all of these: values of this type exist only in a job that `run` runs, so the CPU has the instructions.
impl Lanes for Avx2 {
    type Element = f32;
    type Mask = __m256;

    const WIDTH: usize = 8;
    // 6 x 16 sums are twelve of sixteen registers; two more hold the columns, one the row.
    const ROWS: usize = 6;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        // SAFETY: the CPU has AVX2.
        Self(unsafe { _mm256_set1_ps(value) })
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller promises eight numbers.
        Self(unsafe { _mm256_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller promises eight numbers.
        unsafe { _mm256_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: the CPU has AVX2.
        Self(unsafe { _mm256_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: the CPU has AVX2.
        Self(unsafe { _mm256_sub_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: the CPU has AVX2.
        Self(unsafe { _mm256_mul_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        // SAFETY: the CPU has FMA.
        Self(unsafe { _mm256_fmadd_ps(self.0, factor.0, addend.0) })
    }

    #[inline(always)]
    fn abs(self) -> Self {
        // SAFETY: the CPU has AVX2.
        Self(unsafe { _mm256_andnot_ps(_mm256_set1_ps(-0.0), self.0) })
    }

    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        // SAFETY: the CPU has AVX2.
        Self(unsafe { _mm256_max_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn above(self, other: Self) -> __m256 {
        // SAFETY: the CPU has AVX2.
        unsafe { _mm256_cmp_ps::<_CMP_GT_OQ>(self.0, other.0) }
    }

    #[inline(always)]
    fn unordered(self, other: Self) -> __m256 {
        // SAFETY: the CPU has AVX2.
        unsafe { _mm256_cmp_ps::<_CMP_UNORD_Q>(self.0, other.0) }
    }

    #[inline(always)]
    fn select(mask: __m256, yes: Self, no: Self) -> Self {
        // SAFETY: the CPU has AVX2.
        Self(unsafe { _mm256_blendv_ps(no.0, yes.0, mask) })
    }

    #[inline(always)]
    fn bits(mask: __m256) -> u16 {
        // SAFETY: the CPU has AVX2.
        unsafe { _mm256_movemask_ps(mask) as u16 }
    }

    #[inline(always)]
    fn mask(bits: u16) -> __m256 {
        // SAFETY: the CPU has AVX2.
        unsafe {
            let lanes = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
            let own = _mm256_and_si256(_mm256_set1_epi32(i32::from(bits)), lanes);
            _mm256_castsi256_ps(_mm256_cmpeq_epi32(own, lanes))
        }
    }
}
