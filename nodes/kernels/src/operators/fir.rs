//! Resampling with a finite impulse response: rows and columns are multiplied by small matrices, which is
//! fast on every device.

use candle_core::{DType, Result, Tensor, bail};

use super::attach::attach1;
use crate::fir::Separable;

mod blocks;

use blocks::Blocks;

/// The resampling of one axis: with a filter of `len` taps, `y[o] = sum_i filter[len - 1 - t] x[i]` over the
/// inputs whose place under the flipped filter, `t = i up - o down + before`, is one of `0..len`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Axis {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) up: usize,
    pub(crate) down: usize,
    /// Zeros before the first of the upsampled pixels; negative numbers crop.
    pub(crate) before: isize,
}

impl Axis {
    /// The adjoint, whose filter is reversed.
    fn transposed(self, len: usize) -> Self {
        let Self { inputs, outputs, up, down, before } = self;
        Self { inputs: outputs, outputs: inputs, up: down, down: up, before: len as isize - 1 - before }
    }
}

/// `x`, `[n, h, w, c]` of f32 or f64, resampled by `[rows, columns]` with one filter for all channels. A
/// number that is not finite may reach more pixels than the filter does.
///
/// # Errors
///
/// If `x` has another shape or type.
pub(crate) fn resample(x: &Tensor, axes: [Axis; 2], filter: &Separable) -> Result<Tensor> {
    let [kh, kw] = filter.size();
    let back = [axes[0].transposed(kh), axes[1].transposed(kw)];
    let reversed = filter.reversed();
    attach1(
        "resample",
        x,
        |x| resampled(x, axes, filter),
        move |_, gradient| resample(gradient, back, &reversed),
    )
}

fn resampled(x: &Tensor, [rows, columns]: [Axis; 2], filter: &Separable) -> Result<Tensor> {
    let (n, h, w, c) = x.dims4()?;
    if !matches!(x.dtype(), DType::F32 | DType::F64) {
        bail!("a map must be f32 or f64 to be resampled, found {:?}", x.dtype())
    }
    if [h, w] != [rows.inputs, columns.inputs] {
        bail!("a resampling of {}x{} maps does not match a map of {h}x{w}", rows.inputs, columns.inputs)
    }
    let shape = (n, rows.outputs, columns.outputs, c);
    if x.elem_count() == 0 {
        return Tensor::zeros(shape, x.dtype(), x.device());
    }
    let x = x.contiguous()?.reshape((n, h, w * c))?;
    let product = |[column, row]: &[Vec<f64>; 2]| {
        let y = along(&x, rows, column)?.reshape((n * rows.outputs, w, c))?;
        along(&y, columns, row)
    };
    let [first, others @ ..] = filter.terms() else { bail!("a filter needs taps") };
    let mut sum = product(first)?;
    for term in others {
        sum = (sum + product(term)?)?;
    }
    sum.reshape(shape)
}

/// `x`, `[outer, inputs, inner]`, as `[outer, outputs, inner]`.
fn along(x: &Tensor, axis: Axis, taps: &[f64]) -> Result<Tensor> {
    let (outer, _, inner) = x.dims3()?;
    let blocks = Blocks::new(axis, taps.len());
    let matrix = blocks.matrix(axis, taps, x.dtype(), x.device())?;
    let windows = blocks.windows(x)?;
    let (count, window, _) = windows.dims3()?;
    let (rows, _) = matrix.dims2()?;
    let y = if inner == 1 {
        windows.reshape((count, window))?.matmul(&matrix.t()?)?
    } else {
        matrix.broadcast_as((count, rows, window))?.matmul(&windows)?
    };
    y.reshape((outer, count / outer * rows, inner))?.narrow(1, 0, axis.outputs)?.contiguous()
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    /// Whole axes and blocks, as the definition says, with and without other numbers in a row.
    #[test]
    fn an_axis_is_what_the_definition_says() {
        let sizes = [(1, 1), (2, 1), (1, 2), (4, 1), (1, 4), (3, 2), (4, 2), (2, 3)];
        for (case, (up, down)) in sizes.into_iter().enumerate() {
            for (inputs, len) in [(5, 1), (9, 4), (131, 3), (200, 12), (300, 24), (517, 2)] {
                for before in [-7, -1, 0, 2, 11] {
                    for inner in [1, 3] {
                        check(
                            Axis { inputs, outputs: (inputs * up).div_ceil(down), up, down, before },
                            len,
                            inner,
                        );
                    }
                    // Other sizes than fit, as an adjoint has.
                    let outputs = inputs * up / down + 7 * case;
                    check(Axis { inputs, outputs, up, down, before }, len, 2);
                }
            }
        }
    }

    fn check(axis: Axis, len: usize, inner: usize) {
        let Axis { inputs, outputs, up, down, before } = axis;
        let number = |place: usize| ((place * 7919 + 13) % 1009) as f64 / 1009.0 - 0.5;
        let taps: Vec<f64> = (0..len).map(|tap| number(tap + 5000)).collect();
        let numbers: Vec<f64> = (0..2 * inputs * inner).map(number).collect();
        let x = Tensor::from_vec(numbers.clone(), (2, inputs, inner), &Device::Cpu).unwrap();
        let found = along(&x, axis, &taps).unwrap();
        assert_eq!(found.dims(), [2, outputs, inner]);
        let found = found.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        for (place, found) in found.into_iter().enumerate() {
            let (outer, output) = (place / inner / outputs, place / inner % outputs);
            let mut expected = 0.0;
            for input in 0..inputs {
                let tap = (input * up) as isize - (output * down) as isize + before;
                if (0..len as isize).contains(&tap) {
                    let x = numbers[(outer * inputs + input) * inner + place % inner];
                    expected += taps[len - 1 - tap as usize] * x;
                }
            }
            assert!((found - expected).abs() < 1e-12, "{axis:?}, {len} taps: {found} for {expected}");
        }
    }

    /// `sum y other = sum x gradient`, where `gradient` is the adjoint's result for `other`.
    #[test]
    fn the_adjoint_is_the_transpose() {
        let random = |shape: (usize, usize, usize)| Tensor::rand(-1f64, 1.0, shape, &Device::Cpu).unwrap();
        let dot = |a: &Tensor, b: &Tensor| (a * b).unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap();
        let taps = [0.3, -1.0, 0.5, 0.25, 2.0];
        let reversed: Vec<f64> = taps.iter().rev().copied().collect();
        for (up, down, before) in [(2, 1, 2), (1, 2, 1), (3, 2, -4), (1, 1, 0)] {
            let axis = Axis { inputs: 301, outputs: 297 * up / down, up, down, before };
            let (x, other) = (random((2, 301, 3)), random((2, axis.outputs, 3)));
            let there = dot(&along(&x, axis, &taps).unwrap(), &other);
            let back = dot(&along(&other, axis.transposed(5), &reversed).unwrap(), &x);
            assert!((there - back).abs() < 1e-9, "{axis:?}: {there} and {back}");
        }
    }
}
