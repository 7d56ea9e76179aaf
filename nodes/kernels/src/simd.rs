//! Vectors of numbers, and the choice of the fastest instructions of this CPU.
//!
//! Hot loops are written once, as a [`Job`] over any type of [`Lanes`]. [`Element::run`] runs a job with the
//! widest vectors of this CPU, detected at run time, so one program is fast everywhere. Whatever a job calls
//! must be inlined into it, because only there may the compiler use the instructions.

use std::sync::LazyLock;

use crate::element::Element;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

pub(crate) use portable::Portable;

/// A hot loop over vectors of any width.
pub(crate) trait Job<T> {
    type Output;

    /// Implementations are `#[inline(always)]`, as is all that they call.
    fn run<V: Lanes<Element = T>>(self) -> Self::Output;
}

/// A vector of numbers.
///
/// Values exist only inside of a [`Job`], which runs only on CPUs that have the instructions.
pub(crate) trait Lanes: Copy {
    type Element: Element;
    /// One truth value per lane.
    type Mask: Copy;

    /// Number of lanes: 8 or 16.
    const WIDTH: usize;
    /// Rows of a matrix product that keeps its sums in registers; its columns are two vectors.
    const ROWS: usize;

    fn splat(value: Self::Element) -> Self;

    /// # Safety
    ///
    /// `from` points to `WIDTH` numbers.
    unsafe fn load(from: *const Self::Element) -> Self;

    /// # Safety
    ///
    /// `to` points to `WIDTH` numbers that nobody else reads or writes.
    unsafe fn store(self, to: *mut Self::Element);

    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    /// `self * factor + addend`; whether the product is rounded depends on the CPU.
    fn mul_add(self, factor: Self, addend: Self) -> Self;
    fn abs(self) -> Self;
    /// The larger of the two, and `other` where either is NaN.
    fn larger(self, other: Self) -> Self;

    /// Lanes where `self > other`; false for NaN.
    fn above(self, other: Self) -> Self::Mask;
    /// Lanes where either is NaN.
    fn unordered(self, other: Self) -> Self::Mask;
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self;
    /// The lowest bit is the first lane's.
    fn bits(mask: Self::Mask) -> u16;
    fn mask(bits: u16) -> Self::Mask;

    /// As many numbers as `from` has, at most `WIDTH`, followed by zeros.
    #[inline(always)]
    fn load_part(from: &[Self::Element]) -> Self {
        let mut whole = [Self::Element::ZERO; 16];
        let count = from.len().min(Self::WIDTH);
        whole[..count].copy_from_slice(&from[..count]);
        // SAFETY: 16 numbers are at least `WIDTH`.
        unsafe { Self::load(whole.as_ptr()) }
    }

    /// Stores the first numbers, as many as `to` has.
    #[inline(always)]
    fn store_part(self, to: &mut [Self::Element]) {
        let mut whole = [Self::Element::ZERO; 16];
        // SAFETY: 16 numbers are at least `WIDTH`.
        unsafe { self.store(whole.as_mut_ptr()) }
        let count = to.len().min(Self::WIDTH);
        to[..count].copy_from_slice(&whole[..count]);
    }

    /// The sum of the lanes.
    #[inline(always)]
    fn sum(self) -> Self::Element {
        let mut lanes = [Self::Element::ZERO; 16];
        // SAFETY: 16 numbers are at least `WIDTH`.
        unsafe { self.store(lanes.as_mut_ptr()) };
        for half in [8, 4, 2, 1] {
            for lane in 0..half {
                let other = lanes[lane + half];
                lanes[lane] += other;
            }
        }
        lanes[0]
    }
}

/// What the jobs are compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Level {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Level::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => "avx512",
        }
    }

    /// The best first.
    fn available() -> Vec<Self> {
        #[allow(unused_mut)]
        let mut levels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                levels.push(Level::Avx512);
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                levels.push(Level::Avx2);
            }
        }
        levels.push(Level::Portable);
        levels
    }
}

/// The level of this process: the best that the CPU has, or at most the one that `DREAMWIRE_SIMD` names.
static LEVEL: LazyLock<Level> = LazyLock::new(|| {
    let levels = Level::available();
    let wanted = std::env::var("DREAMWIRE_SIMD").ok();
    let named = levels.iter().find(|level| Some(level.name()) == wanted.as_deref());
    *named.unwrap_or(&levels[0])
});

/// The SIMD level of the kernels in this process: `"avx512"`, `"avx2"` or `"portable"`.
///
/// It is the best that the CPU has, unless the environment variable `DREAMWIRE_SIMD` named a lower one when
/// the first kernel ran. The variable is for tests and comparisons: results agree up to rounding.
pub fn simd_level() -> &'static str {
    LEVEL.name()
}

/// Runs a job in f32 with this process's vectors.
pub(crate) fn run_f32<J: Job<f32>>(job: J) -> J::Output {
    match *LEVEL {
        Level::Portable => job.run::<Portable<f32>>(),
        // SAFETY: the level is only ever one of those that were found on this CPU.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { avx2::run(job) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { avx512::run(job) },
    }
}

/// Runs a job in f64, which is for finite differences and not for speed.
pub(crate) fn run_f64<J: Job<f64>>(job: J) -> J::Output {
    job.run::<Portable<f64>>()
}
