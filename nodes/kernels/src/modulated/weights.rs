use std::sync::OnceLock;

use candle_core::{Result, Tensor};

use super::Behind;
use super::slopes::Slopes;
use super::smoothing::Smoothing;
use super::styles::unscale;
use crate::activation::View;
use crate::convolution::{Window, correlate};
use crate::demodulation::Energy;
use crate::element::Element;
use crate::epilogue::Epilogue;
use crate::filters::Filters;
use crate::layer::Padding;
use crate::rectifier::Rectifier;
use crate::relu::Rectified;
use crate::transposed::Upsampling;
use crate::winograd::Rounding;

/// Weights in the kernels' layout.
pub(super) struct Weights<T> {
    form: Form<T>,
    energy: Option<Energy>,
    outputs: usize,
}

enum Form<T> {
    /// Stride 1, with zeros around the picture so that it keeps its size.
    Same {
        filters: Filters<T>,
        /// Filters of the backward pass; created on first use.
        transposed: OnceLock<Filters<T>>,
    },
    /// Transposed, stride 2.
    Upsampling(Box<Upsampling<T>>),
}

/// With respect to the inputs of a layer. `noise` is zeros unless requested.
pub(super) struct Gradients<T> {
    pub(super) x: Vec<T>,
    pub(super) styles: Vec<T>,
    pub(super) noise: Vec<T>,
}

impl<T: Element> Weights<T> {
    pub(super) fn new(weight: &Tensor, demodulate: bool, is_upsampling: bool) -> Result<Self> {
        let (outputs, inputs, kh, kw) = weight.dims4()?;
        let values = weight.to_dtype(T::DTYPE)?.flatten_all()?.to_vec1::<T>()?;
        let form = if is_upsampling {
            Form::Upsampling(Box::new(Upsampling::from_oihw(&values, [outputs, inputs])))
        } else {
            let filters = Filters::from_oihw(&values, [outputs, inputs, kh, kw]);
            Form::Same { filters, transposed: OnceLock::new() }
        };
        let energy = demodulate.then(|| Energy::of(&values, inputs, kh * kw));
        Ok(Self { form, energy, outputs })
    }

    /// The outputs, and their shape `[n, h, w, c]`.
    pub(super) fn forward(
        &self,
        x: View<'_, T>,
        styles: &[T],
        noise: &[T],
        behind: &Behind,
    ) -> (Vec<T>, [usize; 4]) {
        let Rectifier { slope, gain, clamp } = behind.rectifier;
        // The gain is positive, so it commutes with the rectifier and multiplies everything that is added
        // before it.
        let noise: Vec<T> = noise.iter().map(|noise| *noise * T::from_f64(gain)).collect();
        let bias: Vec<T> = behind.bias.iter().map(|bias| T::from_f64(bias * gain)).collect();
        let epilogue = Epilogue {
            scale: None,
            noise: (!noise.is_empty()).then_some(&noise[..]),
            bias: Some(&bias),
            rectified: if slope == 1.0 { Rectified::No } else { Rectified::Leaky(T::from_f64(slope)) },
            clamp: clamp.map(T::from_f64),
        };
        let factors = self.energy.as_ref().map(|energy| energy.factors(styles));
        match &self.form {
            Form::Same { filters, .. } => {
                let factors = factors.unwrap_or_else(|| vec![T::from_f64(1.0); x.n * self.outputs]);
                let scale: Vec<T> = factors.iter().map(|factor| *factor * T::from_f64(gain)).collect();
                let window = Window {
                    input_scale: Some(styles),
                    epilogue: Epilogue { scale: Some(&scale), ..epilogue },
                    ..Window::new(Padding::zeros(filters.kh / 2), 1)
                };
                let y = correlate(x, filters, &window, Rounding::Fine);
                let shape = [y.n, y.h, y.w, y.c];
                (y.data.into_vec(), shape)
            }
            Form::Upsampling(filters) => {
                let map = filters.apply(x, styles, factors.as_deref());
                behind.smoothing.apply(map.view(), gain, epilogue)
            }
        }
    }

    /// The gradients of the layer's inputs. The contribution of the demodulation to that of the styles needs
    /// the sum over pixels of the convolution's outputs times their gradient. A filter after them does not
    /// change this sum: then it is that of the filter's outputs times their gradient.
    pub(super) fn backward(
        &self,
        x: View<'_, T>,
        styles: &[T],
        slopes: &Slopes<'_, T>,
        smoothing: &Smoothing,
        wants_noise: bool,
    ) -> Gradients<T> {
        let factors = self.energy.as_ref().map(|energy| energy.factors(styles));
        // The gradient of the scaled map; the scale itself is still missing.
        let (mut to_x, totals) = match &self.form {
            Form::Same { filters, transposed } => {
                let (gradient, totals) = slopes.gradient(wants_noise);
                let transposed = transposed.get_or_init(|| filters.transposed());
                let padding = Padding::zeros(filters.kh / 2);
                let window = Window { input_scale: factors.as_deref(), ..Window::new(padding, 1) };
                (correlate(gradient.view(), transposed, &window, Rounding::Coarse), totals)
            }
            Form::Upsampling(filters) => {
                let size = [2 * x.h + 1, 2 * x.w + 1];
                let (gradient, totals) = smoothing.gradient(slopes, size, wants_noise);
                (filters.apply_transposed(gradient.view(), factors.as_deref()), totals)
            }
        };
        let mut to_styles = unscale(&mut to_x.data, x, styles);
        if let (Some(energy), Some(factors)) = (&self.energy, &factors) {
            energy.add_gradient(styles, factors, &totals.products, &mut to_styles);
        }
        Gradients { x: to_x.data.into_vec(), styles: to_styles, noise: totals.noise }
    }
}
