use rayon::prelude::*;

use crate::element::Element;

/// Convolution weights as `[kh, kw, inputs, outputs]`: the rows of one kernel row follow each other
/// as the channels-last pixels do that they are multiplied with.
pub(crate) struct Filters<T> {
    pub(crate) kh: usize,
    pub(crate) kw: usize,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) data: Vec<T>,
}

impl<T: Element> Filters<T> {
    /// From PyTorch's `[outputs, inputs, kh, kw]`.
    pub(crate) fn from_oihw(weight: &[T], [outputs, inputs, kh, kw]: [usize; 4]) -> Self {
        let mut data = vec![T::ZERO; weight.len()];
        if !data.is_empty() {
            data.par_chunks_mut(outputs).enumerate().for_each(|(row, to)| {
                let (tap, input) = (row / inputs, row % inputs);
                for (output, to) in to.iter_mut().enumerate() {
                    *to = weight[(output * inputs + input) * kh * kw + tap];
                }
            });
        }
        Self { kh, kw, inputs, outputs, data }
    }

    /// The filters of the transposed convolution: flipped in both directions, inputs and outputs
    /// exchanged.
    pub(crate) fn transposed(&self) -> Self {
        let Self { kh, kw, inputs, outputs, .. } = *self;
        let mut data = vec![T::ZERO; self.data.len()];
        if !data.is_empty() {
            let taps = kh * kw;
            data.par_chunks_mut(inputs * outputs).enumerate().for_each(|(tap, to)| {
                let from = &self.data[(taps - 1 - tap) * inputs * outputs..][..inputs * outputs];
                for (output, to) in to.chunks_exact_mut(inputs).enumerate() {
                    for (input, to) in to.iter_mut().enumerate() {
                        *to = from[input * outputs + output];
                    }
                }
            });
        }
        Self { kh, kw, inputs: outputs, outputs: inputs, data }
    }
}
