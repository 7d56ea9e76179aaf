use rayon::prelude::*;

use crate::element::Element;

/// Which outputs of a ReLU are positive, one bit each.
pub(crate) struct Mask(Vec<u64>);

/// Words per task.
const WORDS: usize = 256;

impl Mask {
    pub(crate) fn of<T: Element>(outputs: &[T]) -> Self {
        let mut words = vec![0; outputs.len().div_ceil(64)];
        words.par_chunks_mut(WORDS).zip(outputs.par_chunks(64 * WORDS)).for_each(|(words, outputs)| {
            for (word, outputs) in words.iter_mut().zip(outputs.chunks(64)) {
                for (bit, output) in outputs.iter().enumerate() {
                    *word |= u64::from(*output > T::ZERO) << bit;
                }
            }
        });
        Self(words)
    }

    /// Zeroes the gradient wherever the output was not positive.
    pub(crate) fn apply<T: Element>(&self, gradient: &mut [T]) {
        self.change(gradient, |_| T::ZERO);
    }

    /// Scales the gradient by `slope` wherever the output was not positive.
    pub(crate) fn apply_leaky<T: Element>(&self, gradient: &mut [T], slope: T) {
        self.change(gradient, |value| value * slope);
    }

    /// Changes the values whose bits are not set.
    fn change<T: Element>(&self, gradient: &mut [T], unset: impl Fn(T) -> T + Sync) {
        let chunks = gradient.par_chunks_mut(64 * WORDS).zip(self.0.par_chunks(WORDS));
        chunks.for_each(|(gradient, words)| {
            for (gradient, word) in gradient.chunks_mut(64).zip(words) {
                for (bit, value) in gradient.iter_mut().enumerate() {
                    *value = if word >> bit & 1 == 1 { *value } else { unset(*value) };
                }
            }
        });
    }
}

/// `max(x, 0)`; NaN stays NaN.
pub(crate) fn relu<T: Element>(values: &mut [T]) {
    values.par_chunks_mut(64 * WORDS).for_each(|values| {
        for value in values {
            *value = rectify(*value);
        }
    });
}

/// `x` where it is positive, `slope x` elsewhere. With a positive slope the signs stay, so that the mask of
/// the outputs is that of the inputs.
pub(crate) fn leaky_relu<T: Element>(values: &mut [T], slope: T) {
    values.par_chunks_mut(64 * WORDS).for_each(|values| {
        for value in values {
            *value = if *value > T::ZERO { *value } else { *value * slope };
        }
    });
}

/// `max(x, 0)`; NaN stays NaN.
#[inline(always)]
pub(crate) fn rectify<T: Element>(value: T) -> T {
    if value < T::ZERO { T::ZERO } else { value }
}
