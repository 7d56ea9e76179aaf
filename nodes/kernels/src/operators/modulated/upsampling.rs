use candle_core::{Result, Tensor};

use crate::layer::Padding;
use crate::operators::constant::constant;
use crate::operators::convolution::conv2d;
use crate::options::TensorOptions;

/// The transposed convolution of stride 2 with 3x3 kernels, and the filter behind it, as one convolution of
/// stride 1.
///
/// Both together are a transposed convolution whose kernel `K` is the convolution of the two kernels, and
/// which is cut at the edges: along an axis, `y[p] = sum_t K[t] x[(p + cut - t) / 2]`. Outputs at odd and at
/// even positions, `p = 2 a + r`, read neighbours of `x[a]`: with `t = r + cut - 2 d`, `y[2 a + r] = sum_d
/// K[r + cut - 2 d] x[a + d]`. So the four kinds of outputs are four times as many channels of a map of half
/// the size.
#[derive(Clone)]
pub(super) struct Upsampling {
    /// `[4 o, i, k, k]`: outputs of even rows and even columns, even rows and odd columns, and so on.
    weight: Tensor,
    outputs: usize,
    /// How far an output reads before and after its place.
    reach: [usize; 2],
}

impl Upsampling {
    /// From `weight`, `[o, i, 3, 3]`, and a filter, rows of `taps` taps. `before` zeros are above and on the
    /// left of the map that it smooths.
    ///
    /// All four kernels are linear in the weights: a product with a matrix.
    pub(super) fn new(
        weight: &Tensor,
        filter: &[f64],
        before: usize,
        options: &TensorOptions,
    ) -> Result<Self> {
        let (outputs, inputs, _, _) = weight.dims4()?;
        let taps = filter.len().isqrt();
        let (kernel, cut) = (taps + 2, taps - 1 - before);
        // The least and the largest `d` of a tap.
        let reach = [(kernel - 1 - cut) / 2, cut.div_ceil(2)];
        let size = reach[0] + 1 + reach[1];
        // By weight of a kernel, phase and place.
        let mut matrix = vec![0.0; 9 * 4 * size * size];
        for (at, row) in matrix.chunks_exact_mut(4 * size * size).enumerate() {
            let combined = combined(at, filter, taps);
            for (place, number) in row.iter_mut().enumerate() {
                let (phase, place) = (place / (size * size), place % (size * size));
                let tap = |remainder: usize, place: usize| {
                    (remainder + cut + 2 * reach[0]).checked_sub(2 * place).filter(|tap| *tap < kernel)
                };
                let (v, u) = (tap(phase / 2, place / size), tap(phase % 2, place % size));
                if let (Some(v), Some(u)) = (v, u) {
                    *number = combined[v * kernel + u];
                }
            }
        }
        let matrix = constant(matrix, (9, 4 * size * size), weight.dtype(), weight.device())?;
        let phases = weight.contiguous()?.reshape((outputs * inputs, 9))?.matmul(&matrix)?;
        let phases = phases.reshape((outputs * inputs, 4, size * size))?.transpose(0, 1)?.contiguous()?;
        let weight = options.place(&phases.reshape((4 * outputs, inputs, size, size))?)?;
        Ok(Self { weight, outputs, reach })
    }

    /// From `x`, `[n, i, h, w]`, to `[n, h', w', o]` with `size = [h', w']`; the outputs are multiplied by
    /// `factors`, `[n, o]`.
    pub(super) fn apply(&self, x: &Tensor, factors: Option<&Tensor>, size: [usize; 2]) -> Result<Tensor> {
        let (n, _, h, w) = x.dims4()?;
        let o = self.outputs;
        let [rows, columns] = size.map(|size| size.div_ceil(2));
        let [before, after] = self.reach;
        let padding = Padding::sides(before, rows + after - h, before, columns + after - w);
        let mut map = conv2d(x, &self.weight, 1, padding)?.reshape((n, 4, o, rows * columns))?;
        if let Some(factors) = factors {
            map = map.broadcast_mul(&factors.reshape((n, 1, o, 1))?)?;
        }
        let map = map.reshape((n, 2, 2, o, rows, columns))?.permute((0, 4, 1, 5, 2, 3))?;
        let map = map.reshape((n, 2 * rows, 2 * columns, o))?;
        map.narrow(1, 0, size[0])?.narrow(2, 0, size[1])?.contiguous()
    }
}

/// The convolution of a 3x3 kernel that is 1 at number `at` and 0 elsewhere with a filter of `taps` x `taps`.
fn combined(at: usize, filter: &[f64], taps: usize) -> Vec<f64> {
    let kernel = taps + 2;
    let mut combined = vec![0.0; kernel * kernel];
    for (place, tap) in filter.iter().enumerate() {
        combined[(place / taps + at / 3) * kernel + place % taps + at % 3] = *tap;
    }
    combined
}
