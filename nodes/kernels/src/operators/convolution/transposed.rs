use candle_core::{Result, Tensor};

use super::correlate;
use crate::layer::Padding;

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
    let weight = weight.transpose(0, 1)?;
    // The same number of rows, and of columns, for every remainder; cut to `size` in the end.
    let [rows, columns] = size.map(|size| size.div_ceil(stride));
    let mut parts = Vec::with_capacity(stride * stride);
    for vertical in 0..stride {
        let vertical = Phase::new(vertical + padding.top, kh, stride);
        for horizontal in 0..stride {
            let horizontal = Phase::new(horizontal + padding.left, kw, stride);
            parts.push(if vertical.taps.is_empty() || horizontal.taps.is_empty() {
                Tensor::zeros((n, c, rows, columns), gradient.dtype(), gradient.device())?
            } else {
                let filter = horizontal.of(&vertical.of(&weight, 2)?, 3)?;
                let sides = [vertical.sides(h, rows), horizontal.sides(w, columns)];
                correlate(gradient, &filter, 1, 1, sides)?
            });
        }
    }
    if stride == 1 {
        return Ok(parts.swap_remove(0));
    }
    let parts = Tensor::stack(&parts, 4)?.reshape(vec![n, c, rows, columns, stride, stride])?;
    let map = parts.permute(vec![0, 1, 2, 4, 3, 5])?.reshape((n, c, rows * stride, columns * stride))?;
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
        weight.contiguous()?.index_select(&Tensor::new(flipped, weight.device())?, dim)
    }

    /// Zeros before and after `size` gradients that make `outputs` of them.
    fn sides(&self, size: usize, outputs: usize) -> [isize; 2] {
        let before = self.taps.len() as isize - 1 - self.offset as isize;
        [before, (outputs + self.offset) as isize - size as isize]
    }
}
