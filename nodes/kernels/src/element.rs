use std::cell::RefCell;
use std::sync::Mutex;

use candle_core::WithDType;

use crate::memory::Spares;
use crate::simd::{self, Job};

/// The number types that kernels compute in: `f32` for work, `f64` for finite differences.
pub(crate) trait Element: WithDType {
    const ZERO: Self;
    /// How far values in a pool's window may differ and still tie, relative to the size of the summed terms:
    /// a few epsilon. The error grows from layer to layer: f64 has room for that; in f32 values that truly
    /// differ would soon tie.
    const TIE: Self;

    /// Runs a hot loop with the widest vectors of this CPU.
    fn run<J: Job<Self>>(job: J) -> J::Output;

    /// Buffers that wait for their next user.
    fn spares() -> &'static Spares<Self>;

    /// Lends this thread's scratch, `len` numbers with unspecified contents. `body` must not wait for other
    /// tasks: one of them might use it too.
    fn with_scratch<R>(len: usize, body: impl FnOnce(&mut [Self]) -> R) -> R;
}

macro_rules! element {
    ($type:ident, $run:path, $roundings:literal) => {
        impl Element for $type {
            const ZERO: Self = 0.0;
            const TIE: Self = $roundings * $type::EPSILON;

            #[inline(always)]
            fn run<J: Job<Self>>(job: J) -> J::Output {
                $run(job)
            }

            fn spares() -> &'static Spares<Self> {
                static SPARES: Spares<$type> = Mutex::new(Vec::new());
                &SPARES
            }

            fn with_scratch<R>(len: usize, body: impl FnOnce(&mut [Self]) -> R) -> R {
                thread_local! {
                    static SCRATCH: RefCell<Vec<$type>> = const { RefCell::new(Vec::new()) };
                }
                SCRATCH.with_borrow_mut(|scratch| {
                    if scratch.len() < len {
                        scratch.resize(len, Self::ZERO);
                    }
                    body(&mut scratch[..len])
                })
            }
        }
    };
}

element!(f32, simd::run_f32, 8.0);
element!(f64, simd::run_f64, 64.0);
