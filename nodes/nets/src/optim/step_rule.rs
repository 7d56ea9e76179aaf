use candle_core::{Result, Tensor};

/// How a gradient becomes a step. One stepper serves one picture size, because [`Adam`] has state.
#[derive(Debug, Clone)]
pub enum Stepper {
    /// `g / mean|g|`: Google's notebook. A step moves pixels by `rate` on average.
    MeanAbs,
    /// `(g - mean g) / std g` with the unbiased deviation: gordicaleksa's pytorch-deepdream.
    Std,
    /// `g`, unchanged.
    Plain,
    /// PyTorch's Adam.
    Adam(Adam),
}

/// Adam (Kingma & Ba, arXiv:1412.6980) as `torch.optim.Adam` computes it: `m / (sqrt(v) + 1e-8)`, with
/// both moments corrected for their start at zero and decay rates 0.9 and 0.999.
#[derive(Debug, Clone, Default)]
pub struct Adam {
    step: i32,
    moments: Option<(Tensor, Tensor)>,
}

impl Stepper {
    /// The step of length 1 for `gradient`, `[B, ...]`, each image independently. The new picture is `x +
    /// rate * direction` to ascend, `x - rate * direction` to descend.
    ///
    /// Where an image's gradient is zero (or constant, for [`Stepper::Std`]), so is its step.
    ///
    /// # Errors
    ///
    /// If an Adam stepper is given another shape than before.
    pub fn direction(&mut self, gradient: &Tensor) -> Result<Tensor> {
        match self {
            Stepper::MeanAbs => {
                let size = gradient.abs()?.flatten_from(1)?.mean_keepdim(1)?;
                divide_images(gradient, &size)
            }
            Stepper::Std => {
                let flat = gradient.flatten_from(1)?;
                let count = flat.dim(1)?;
                let centred = flat.broadcast_sub(&flat.mean_keepdim(1)?)?;
                let square = (centred.sqr()?.sum_keepdim(1)? / count.saturating_sub(1).max(1) as f64)?;
                divide_images(&centred.reshape(gradient.shape())?, &square.sqrt()?)
            }
            Stepper::Plain => Ok(gradient.clone()),
            Stepper::Adam(adam) => adam.direction(gradient),
        }
    }
}

/// `x / size` per image, `size` `[B, 1]`; zero where `size` is zero.
fn divide_images(x: &Tensor, size: &Tensor) -> Result<Tensor> {
    let inverse = size.eq(0f64)?.where_cond(&size.zeros_like()?, &size.recip()?)?;
    let mut shape = vec![1; x.rank()];
    shape[0] = x.dim(0)?;
    x.broadcast_mul(&inverse.reshape(shape)?)
}

impl Adam {
    const DECAY: (f64, f64) = (0.9, 0.999);
    const EPSILON: f64 = 1e-8;

    fn direction(&mut self, gradient: &Tensor) -> Result<Tensor> {
        let (first, second) = match self.moments.take() {
            Some(moments) => moments,
            None => (gradient.zeros_like()?, gradient.zeros_like()?),
        };
        let (decay1, decay2) = Self::DECAY;
        let first = ((first * decay1)? + (gradient * (1.0 - decay1))?)?;
        let second = ((second * decay2)? + (gradient.sqr()? * (1.0 - decay2))?)?;
        self.step += 1;
        let corrected1 = (&first / (1.0 - decay1.powi(self.step)))?;
        let corrected2 = (&second / (1.0 - decay2.powi(self.step)))?;
        self.moments = Some((first, second));
        corrected1 / (corrected2.sqrt()? + Self::EPSILON)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};
    use candle_nn::{AdamW, Optimizer, ParamsAdamW};

    /// Steps for a batch of two images of four values.
    fn check(stepper: &mut Stepper, gradient: [[f32; 4]; 2], expected: [[f32; 4]; 2]) {
        let gradient = Tensor::new(&gradient, &Device::Cpu).unwrap().reshape((2, 2, 2, 1)).unwrap();
        let found = stepper.direction(&gradient).unwrap().flatten_from(1).unwrap().to_vec2::<f32>().unwrap();
        for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
            assert!((found - expected).abs() < 1e-5, "{found} instead of {expected}");
        }
    }

    const GRADIENT: [[f32; 4]; 2] = [[1.0, -3.0, 2.0, 2.0], [10.0, 0.0, 0.0, -10.0]];

    #[test]
    fn mean_abs_is_per_image() {
        check(&mut Stepper::MeanAbs, GRADIENT, [[0.5, -1.5, 1.0, 1.0], [2.0, 0.0, 0.0, -2.0]]);
        check(&mut Stepper::MeanAbs, [[0.0; 4], [1.0; 4]], [[0.0; 4], [1.0; 4]]);
    }

    #[test]
    fn std_is_unbiased_and_per_image() {
        // Deviations: sqrt((0.25 + 12.25 + 2.25 + 2.25) / 3) and sqrt(200 / 3).
        let (first, second) = ((17.0f32 / 3.0).sqrt(), (200.0f32 / 3.0).sqrt());
        check(
            &mut Stepper::Std,
            GRADIENT,
            [[0.5, -3.5, 1.5, 1.5].map(|x| x / first), [10.0, 0.0, 0.0, -10.0].map(|x| x / second)],
        );
        check(&mut Stepper::Std, [[7.0; 4], [0.0; 4]], [[0.0; 4]; 2]);
    }

    #[test]
    fn plain_is_the_gradient() {
        check(&mut Stepper::Plain, GRADIENT, GRADIENT);
    }

    /// By hand: the first step of Adam is the sign; the second with gradient -g has
    /// m = -0.01 g / 0.19 and v = g^2.
    #[test]
    fn adam_corrects_its_moments() {
        let mut adam = Stepper::Adam(Adam::default());
        check(&mut adam, GRADIENT, [[1.0, -1.0, 1.0, 1.0], [1.0, 0.0, 0.0, -1.0]]);
        let second = -0.01 / 0.19;
        let reversed = GRADIENT.map(|image| image.map(|g| -g));
        let expected = [[second, -second, second, second], [second, 0.0, 0.0, -second]];
        check(&mut adam, reversed, expected);
    }

    /// candle-nn's AdamW without decay of weights, whose steps have a length of 1 here.
    #[test]
    fn adam_is_that_of_candle_nn() {
        let x = Var::zeros((2, 4), candle_core::DType::F64, &Device::Cpu).unwrap();
        let params = ParamsAdamW { lr: 1.0, weight_decay: 0.0, ..ParamsAdamW::default() };
        let mut theirs = AdamW::new(vec![x.clone()], params).unwrap();
        let mut ours = Stepper::Adam(Adam::default());
        for step in 1..8 {
            let gradient = Tensor::new(&GRADIENT, &Device::Cpu).unwrap();
            let gradient = (gradient.to_dtype(x.dtype()).unwrap() * f64::from(step * step % 5 - 2)).unwrap();
            let before = x.as_tensor().copy().unwrap();
            let gradients = (x.as_tensor() * &gradient).unwrap().sum_all().unwrap().backward().unwrap();
            theirs.step(&gradients).unwrap();
            let expected = (before - x.as_tensor()).unwrap();
            let error = (ours.direction(&gradient).unwrap() - expected).unwrap().abs().unwrap();
            assert!(error.max_all().unwrap().to_scalar::<f64>().unwrap() < 1e-12, "step {step}");
        }
    }
}
