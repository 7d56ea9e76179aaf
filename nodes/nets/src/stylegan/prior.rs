use candle_core::{DType, Device, Result as Candle, Tensor};
use dreamwire_kernels::{Layer, Stack, TensorOptions};
use nalgebra::{DMatrix, DVector};

use super::layer::dense;
use super::{SLOPE, StyleGanError};

/// Added to the variance of every direction, relative to their mean. Styles of a trained network hardly vary along half of
/// them; a search that had to be exact there would not get anywhere else.
const RIDGE: f64 = 1e-3;

/// How far styles are from those that a mapping makes, in the space "P" (Zhu et al., "Improved StyleGAN Embedding: Where
/// are the Good Latents?", arXiv:2012.09036). Cloning shares its matrix.
///
/// The last step of a mapping is a leaky ReLU, which folds what was about normally distributed. Undone (slope 5 instead
/// of 0.2), styles form a cloud like an ellipsoid; centred and scaled to a variance of 1 in all directions (less where they
/// hardly vary), their mean square is a little under 1 for what the mapping makes, and grows with the square of the
/// distance from the middle. The paper
/// scales along principal axes; here the Cholesky factor of the covariance does, which gives the same lengths.
#[derive(Clone)]
pub struct Prior {
    /// From a style, `[N, w, 1, 1]`, to its place in the cloud.
    whitening: Stack,
    width: usize,
}

impl Prior {
    /// The cloud of these styles, `[N, w]`, on their device. A few times as many as a style has numbers are needed.
    ///
    /// # Errors
    ///
    /// If there are fewer than two styles, all are alike, or their numbers are not finite.
    pub fn new(styles: &Tensor) -> Result<Self, StyleGanError> {
        let (count, width) = styles.dims2()?;
        let folded = styles.to_device(&Device::Cpu)?.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?;
        let unfolded = folded.iter().map(|value| if *value < 0.0 { value / SLOPE } else { *value });
        // Column-major: a column is a style.
        let mut cloud = DMatrix::from_iterator(width, count, unfolded);
        let mean: DVector<f64> = cloud.column_mean();
        cloud.column_iter_mut().for_each(|mut style| style -= &mean);
        let mut covariance = (&cloud * cloud.transpose()) / count.max(1) as f64;
        let ridge = RIDGE * covariance.trace() / width.max(1) as f64;
        // What rounding leaves of styles that are all alike is far less.
        let varies = covariance.trace() > 1e-12 * mean.norm_squared();
        (0..width).for_each(|index| covariance[(index, index)] += ridge);
        let factor = covariance.cholesky().filter(|_| varies).ok_or(StyleGanError::NoCloud { count })?;
        let inverse = factor
            .l()
            .solve_lower_triangular(&DMatrix::identity(width, width))
            .ok_or(StyleGanError::NoCloud { count })?;

        let offset = -(&inverse * mean);
        let bias = Tensor::from_iter(offset.iter().copied(), &Device::Cpu)?;
        // The transpose, because the matrix is column-major.
        let rows = inverse.transpose();
        let weight = Tensor::from_iter(rows.iter().copied(), &Device::Cpu)?.reshape((width, width))?;
        let unfold = Layer::LeakyRelu { slope: 1.0 / SLOPE };
        let gain = (width as f64).sqrt();
        let whiten = dense(&weight, &bias, [gain, 1.0])?;
        let options = TensorOptions::new(DType::F32, styles.device().clone());
        Ok(Self { whitening: Stack::new(&[unfold, whiten], options)?, width })
    }

    /// Width of a style.
    pub fn w_width(&self) -> usize {
        self.width
    }

    /// The mean square of the whitened numbers of `w`, `[B, layers, w]`, over all layers: `[B]`, f32. It is
    /// differentiable.
    ///
    /// # Errors
    ///
    /// If `w` has another shape or type, or is on another device.
    pub fn distance(&self, w: &Tensor) -> Candle<Tensor> {
        let (batch, layers, width) = w.dims3()?;
        if width != self.width {
            candle_core::bail!("styles must have {} numbers, found {width}", self.width)
        }
        let styles = w.reshape((batch * layers, width, 1, 1))?;
        let whitened = self.whitening.apply(&styles, &[1])?.swap_remove(0);
        whitened.reshape((batch, layers, width))?.sqr()?.mean(2)?.mean(1)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Var;

    use super::*;
    use crate::random::CounterRng;

    const WIDTH: usize = 6;

    /// Correlated normal numbers, not around 0.
    fn pre_activations(seed: u64, count: usize) -> Vec<f64> {
        let rng = CounterRng::mixed(seed);
        let mut values = Vec::new();
        for row in 0..count {
            let normal: Vec<f64> = (0..WIDTH).map(|i| rng.normal((row * WIDTH + i) as u64)).collect();
            values.extend(
                (0..WIDTH).map(|i| {
                    0.3 * i as f64 - 0.5 + (i + 1) as f64 * normal[i] + 2.0 * normal[(i + 1) % WIDTH]
                }),
            );
        }
        values
    }

    /// What a leaky ReLU makes of it.
    fn styles(seed: u64, count: usize) -> Tensor {
        let fold = |value: f64| (value * if value < 0.0 { 0.2 } else { 1.0 }) as f32;
        let values: Vec<f32> = pre_activations(seed, count).into_iter().map(fold).collect();
        Tensor::from_vec(values, (count, WIDTH), &Device::Cpu).unwrap()
    }

    fn distances(prior: &Prior, styles: &Tensor) -> Vec<f32> {
        prior.distance(&styles.unsqueeze(1).unwrap()).unwrap().to_vec1().unwrap()
    }

    #[test]
    fn styles_are_about_as_far_as_normal_numbers() {
        let prior = Prior::new(&styles(1, 4000)).unwrap();
        let found = distances(&prior, &styles(2, 2000));
        let mean = found.iter().sum::<f32>() / 2000.0;
        // Squares of normal numbers have a variance of 2; twice their standard error of 2000 means of 6, and the same
        // for the covariance of 4000.
        assert!((mean - 1.0).abs() < 0.05, "{mean}");
        // A typical style is hardly further than others; ten deviations away it is.
        assert!(found.iter().all(|distance| *distance < 8.0));
        let far = (styles(2, 1).affine(1.0, 40.0)).unwrap();
        assert!(distances(&prior, &far)[0] > 20.0);
    }

    /// The middle of the cloud is a style of its own: the folded mean.
    #[test]
    fn the_middle_is_the_nearest() {
        let (count, values) = (4000, pre_activations(1, 4000));
        let mean = (0..WIDTH).map(|i| values.iter().skip(i).step_by(WIDTH).sum::<f64>() / count as f64);
        let fold = |value: f64| (value * if value < 0.0 { 0.2 } else { 1.0 }) as f32;
        let middle = Tensor::from_iter(mean.map(fold), &Device::Cpu).unwrap().unsqueeze(0).unwrap();
        let found = distances(&Prior::new(&styles(1, count)).unwrap(), &middle)[0];
        assert!(found < 1e-8, "{found}");
    }

    #[test]
    fn layers_are_averaged() {
        let prior = Prior::new(&styles(1, 500)).unwrap();
        let two = styles(3, 2);
        let each = distances(&prior, &two);
        let both = prior.distance(&two.unsqueeze(0).unwrap()).unwrap().to_vec1::<f32>().unwrap();
        assert!((both[0] - (each[0] + each[1]) / 2.0).abs() < 1e-5);
    }

    #[test]
    fn gradients_are_those_of_differences() {
        const STEP: f64 = 0.1;
        let prior = Prior::new(&styles(1, 500)).unwrap();
        let w = Var::from_tensor(&styles(5, 4).reshape((2, 2, WIDTH)).unwrap()).unwrap();
        let gradients = prior.distance(&w).unwrap().sum_all().unwrap().backward().unwrap();
        let gradient = gradients.get(&w).unwrap();
        // Away from the kinks.
        let direction = w.sign().unwrap();
        let value = |step: f64| {
            let moved = (w.as_tensor() + (&direction * step).unwrap()).unwrap();
            f64::from(prior.distance(&moved).unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap())
        };
        // Exact for a square, which the function is between its kinks.
        let expected = (4.0 * value(STEP) - 3.0 * value(0.0) - value(2.0 * STEP)) / (2.0 * STEP);
        let found = f64::from((gradient * direction).unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap());
        assert!((found - expected).abs() < 1e-3 * found.abs(), "{found}, {expected}");
        assert!(found.abs() > 1e-3);
    }

    #[test]
    fn styles_that_form_no_cloud_are_refused() {
        let check = |styles: &Tensor| {
            let error = Prior::new(styles).err().expect("refused").to_string();
            assert!(error.starts_with("no distribution"), "{error}");
        };
        check(&styles(1, 1));
        check(&styles(1, 1).repeat((5, 1)).unwrap());
        check(&(styles(1, 9) * f64::NAN).unwrap());
        let narrow = Tensor::zeros((1, 2, 5), DType::F32, &Device::Cpu).unwrap();
        let error = Prior::new(&styles(1, 9)).unwrap().distance(&narrow).unwrap_err();
        assert!(error.to_string().contains("styles must have 6 numbers, found 5"));
    }
}
