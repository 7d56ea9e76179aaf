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
    /// Stride 1, zeros around the picture so that it keeps its size.
    Same {
        filters: Filters<T>,
        /// Filters of the way back; made when they are first needed.
        transposed: OnceLock<Filters<T>>,
    },
    /// Transposed, stride 2.
    Upsampling(Box<Upsampling<T>>),
}

/// By what a layer was applied to. That by the noise is zeros if nobody wants it.
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
        // The gain is above 0, so it may come before the rectifier: it is part of all that is added up there.
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

    /// The gradients by what the layer was applied to. The demodulation's share in that by the styles takes the sum over
    /// pixels of the convolution's outputs times the gradient by them, which a filter behind them does not change: there
    /// it is the sum of its outputs times the gradient by those.
    pub(super) fn backward(
        &self,
        x: View<'_, T>,
        styles: &[T],
        slopes: &Slopes<'_, T>,
        smoothing: &Smoothing,
        wants_noise: bool,
    ) -> Gradients<T> {
        let factors = self.energy.as_ref().map(|energy| energy.factors(styles));
        // By the scaled map; what is left is the scale itself.
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
