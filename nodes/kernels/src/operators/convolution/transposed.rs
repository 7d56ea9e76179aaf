use candle_core::{Result, Tensor};

use super::correlate;
use crate::layer::Padding;
use crate::operators::edges::interleaved;

/// The transposed convolution to a map of `size`. Those of its pixels whose positions have the same remainder by
/// `stride` are a plain convolution of the gradient with the filter's numbers that reach them, flipped: no zeros are
/// multiplied.
pub(super) fn transposed(
    gradient: &Tensor,
    weight: &Tensor,
    stride: usize,
    padding: Padding,
    size: [usize; 2],
) -> Result<Tensor> {
    let (n, _, h, w) = gradient.dims4()?;
    let (_, c, kh, kw) = weight.dims4()?;
    let weight = weight.transpose(0, 1)?.contiguous()?;
    // The same number of rows, and of columns, for every remainder; cut to `size` in the end.
    let [rows, columns] = size.map(|size| size.div_ceil(stride));
    let by_row = (0..stride).map(|remainder| {
        let vertical = Phase::new(remainder + padding.top, kh, stride);
        let by_column = (0..stride).map(|remainder| {
            let horizontal = Phase::new(remainder + padding.left, kw, stride);
            if vertical.taps.is_empty() || horizontal.taps.is_empty() {
                return Tensor::zeros((n, c, rows, columns), gradient.dtype(), gradient.device());
            }
            let filter = horizontal.of(&vertical.of(&weight, 2)?, 3)?;
            correlate(gradient, &filter, 1, 1, [vertical.sides(h, rows), horizontal.sides(w, columns)])
        });
        interleaved(&by_column.collect::<Result<Vec<_>>>()?, 3)
    });
    let map = interleaved(&by_row.collect::<Result<Vec<_>>>()?, 2)?;
    map.narrow(2, 0, size[0])?.narrow(3, 0, size[1])?.contiguous()
}

/// What one remainder along one axis needs: pixel `i` of it is `sum_t gradient[i + offset - t] taps[t]`.
struct Phase {
    /// Positions in the filter.
    taps: Vec<u32>,
    offset: usize,
}

impl Phase {
    /// For the pixel at `position` of the padded map and every `stride`-th after it.
    fn new(position: usize, kernel: usize, stride: usize) -> Self {
        let taps = (position % stride..kernel).step_by(stride).map(|tap| tap as u32).collect();
        Self { taps, offset: position / stride }
    }

    /// The filter, with the last tap first: a correlation.
    fn of(&self, weight: &Tensor, dim: usize) -> Result<Tensor> {
        let flipped: Vec<u32> = self.taps.iter().rev().copied().collect();
        weight.index_select(&Tensor::new(flipped, weight.device())?, dim)
    }

    /// Zeros before and after `size` gradients that make `outputs` of them.
    fn sides(&self, size: usize, outputs: usize) -> [isize; 2] {
        let before = self.taps.len() as isize - 1 - self.offset as isize;
        [before, (outputs + self.offset) as isize - size as isize]
    }
}
