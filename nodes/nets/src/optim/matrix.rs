use candle_core::{D, DType, Result, Tensor};

/// A linear map along one axis of pictures as a matrix: how a device resamples. Its weights are computed in f64, the
/// products in f32.
pub(super) struct Matrix {
    inputs: usize,
    outputs: usize,
    /// `[inputs, outputs]`, row by row.
    weights: Vec<f64>,
}

impl Matrix {
    /// Every output is the sum of the inputs that `taps` name, times their weights: `(output, input, weight)`.
    pub(super) fn new(
        inputs: usize,
        outputs: usize,
        taps: impl IntoIterator<Item = (usize, usize, f64)>,
    ) -> Self {
        let mut weights = vec![0.0; inputs * outputs];
        for (output, input, weight) in taps {
            weights[input * outputs + output] += weight;
        }
        Self { inputs, outputs, weights }
    }

    /// `x`, f32, mapped along a dimension.
    fn apply(&self, x: &Tensor, dimension: usize) -> Result<Tensor> {
        let weights: Vec<f32> = self.weights.iter().map(|weight| *weight as f32).collect();
        let weights = Tensor::from_vec(weights, (self.inputs, self.outputs), x.device())?;
        // One product for all images, rows and channels.
        let x = x.transpose(dimension, D::Minus1)?.contiguous()?;
        let mut shape = x.dims().to_vec();
        shape[x.rank() - 1] = self.outputs;
        let mapped = x.reshape(((), self.inputs))?.matmul(&weights)?.reshape(shape)?;
        mapped.transpose(dimension, D::Minus1)?.contiguous()
    }
}

/// Pictures `[B, H, W, C]`, mapped along their height and their width where there is a matrix: f32, without a gradient,
/// and where they were.
pub(super) fn apply_matrices(pictures: &Tensor, [rows, columns]: [Option<Matrix>; 2]) -> Result<Tensor> {
    let mut x = pictures.detach().to_dtype(DType::F32)?;
    for (matrix, dimension) in [(rows, 1), (columns, 2)] {
        if let Some(matrix) = matrix {
            x = matrix.apply(&x, dimension)?;
        }
    }
    Ok(x)
}

#[cfg(test)]
pub(super) mod tests {
    use candle_core::Device;

    use super::*;
    use crate::random::CounterRng;

    /// Numbers in 0..1, f32.
    pub(in super::super) fn pictures(shape: [usize; 4]) -> Tensor {
        let count: usize = shape.iter().product();
        let values: Vec<f32> = (0..count as u64).map(|at| CounterRng::mixed(5).uniform(at) as f32).collect();
        Tensor::from_vec(values, &shape, &Device::Cpu).unwrap()
    }

    /// The largest difference, which must not be above `limit` times the largest number.
    #[track_caller]
    pub(in super::super) fn assert_close(found: &Tensor, expected: &Tensor, limit: f32) {
        assert_eq!((found.dims(), found.dtype()), (expected.dims(), expected.dtype()));
        let largest =
            |x: Tensor| x.abs().unwrap().flatten_all().unwrap().max(0).unwrap().to_scalar::<f32>().unwrap();
        let (error, scale) = (largest((found - expected).unwrap()), largest(expected.clone()));
        assert!(error <= limit * scale, "{error:e}, largest number {scale:e}");
    }

    #[test]
    fn a_matrix_for_each_axis() {
        let x = Tensor::new(&[1f32, 2.0, 3.0, 4.0, 5.0, 6.0], &Device::Cpu).unwrap();
        let x = x.reshape((1, 2, 3, 1)).unwrap();
        // The sum of both rows; the last column twice, and the first one.
        let rows = || Matrix::new(2, 1, [(0, 0, 1.0), (0, 1, 1.0)]);
        let columns = || Matrix::new(3, 2, [(0, 2, 1.5), (0, 2, 0.5), (1, 0, 1.0)]);
        let check = |matrices, shape: [usize; 4], expected: &[f32]| {
            let found = apply_matrices(&x, matrices).unwrap();
            assert_eq!(found.dims(), shape);
            assert_eq!(found.flatten_all().unwrap().to_vec1::<f32>().unwrap(), expected);
        };
        check([Some(rows()), Some(columns())], [1, 1, 2, 1], &[18.0, 5.0]);
        check([Some(rows()), None], [1, 1, 3, 1], &[5.0, 7.0, 9.0]);
        check([None, Some(columns())], [1, 2, 2, 1], &[6.0, 1.0, 12.0, 4.0]);
        // Images and channels on their own.
        let many = pictures([2, 2, 3, 2]);
        let found = apply_matrices(&many, [Some(rows()), None]).unwrap();
        assert_close(&found, &many.sum_keepdim(1).unwrap(), 1e-6);
    }
}
