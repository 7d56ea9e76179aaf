use std::sync::OnceLock;

use candle_core::{Result, Tensor};

use super::plan::Unit;
use crate::activation::Activation;
use crate::convolution::{Algorithm, Window, correlate_by, correlate_transposed, few_inputs, reach};
use crate::element::Element;
use crate::epilogue::Epilogue;
use crate::filters::Filters;
use crate::layer::Padding;
use crate::relu::{Rectified, Signs};
use crate::shared::Shared;
use crate::winograd::{self, Pool, Rounding, Sink, Source, WinnerBits};

/// A convolution with frozen weights, fused with what is applied to its outputs before they are stored.
pub(super) struct Convolution<T> {
    filters: Filters<T>,
    /// For the backward pass; created on first use.
    transposed: OnceLock<Filters<T>>,
    bias: Option<Vec<T>>,
    stride: usize,
    padding: Padding,
}

/// What the backward pass needs of a convolution and the layers fused with it.
pub(super) struct Noted<T> {
    pub(super) signs: Option<Signs<T>>,
    pub(super) winners: Option<WinnerBits>,
}

impl<T: Element> Convolution<T> {
    pub(super) fn new(
        weight: &Tensor,
        bias: Option<&Tensor>,
        stride: usize,
        padding: Padding,
    ) -> Result<Self> {
        let (outputs, inputs, kh, kw) = weight.dims4()?;
        let values = |tensor: &Tensor| tensor.to_dtype(T::DTYPE)?.flatten_all()?.to_vec1::<T>();
        Ok(Self {
            filters: Filters::from_oihw(&values(weight)?, [outputs, inputs, kh, kw]),
            transposed: OnceLock::new(),
            bias: bias.map(values).transpose()?,
            stride,
            padding,
        })
    }

    /// The output of `unit`, whose convolution gives maps of the shape `computed`, and after its pool of the
    /// shape `stored`.
    pub(super) fn forward(
        &self,
        map: &Activation<T>,
        unit: &Unit,
        rectified: Rectified<T>,
        [computed, stored]: [[usize; 4]; 2],
        keep_trace: bool,
    ) -> (Activation<T>, Noted<T>) {
        let [n, channels, h, w] = computed;
        let epilogue = Epilogue { bias: self.bias.as_deref(), rectified, ..Epilogue::none() };
        let window = Window { epilogue, ..Window::new(self.padding, self.stride) };
        let rectifier = unit.rectifier.filter(|_| keep_trace);
        let new_signs = |pixels| rectifier.map(|_| Signs::new(pixels, channels, rectified));
        match unit.algorithm {
            Algorithm::Tiles => {
                let mut out = Activation::new(stored);
                let pixels = out.n * out.h * out.w;
                let mut signs = new_signs(pixels);
                let mut winners = unit.pool.filter(|_| keep_trace).map(|_| WinnerBits::new(pixels, channels));
                let size = [out.h, out.w];
                let sink = Sink {
                    epilogue,
                    signs: signs.as_mut().map(|signs| Shared::new(&mut signs.bytes)),
                    pool: unit.pool.map(|_| Pool { size, winners: winners.as_mut().map(WinnerBits::write) }),
                    ..Sink::new(Shared::new(&mut out.data), n, [h, w], channels)
                };
                let source = Source::new(map.view(), self.padding);
                winograd::convolve(&source, &self.filters, &sink, Rounding::Fine);
                (out, Noted { signs, winners })
            }
            Algorithm::FewInputs => {
                let mut out = Activation::new(computed);
                let mut signs = new_signs(n * h * w);
                few_inputs::correlate(map.view(), &self.filters, &window, &mut out, signs.as_mut());
                (out, Noted { signs, winners: None })
            }
            algorithm => {
                let out = correlate_by(algorithm, map.view(), &self.filters, &window, Rounding::Fine);
                let signs = rectifier.map(|_| Signs::of(&out, rectified));
                (out, Noted { signs, winners: None })
            }
        }
    }

    /// The gradient with respect to the input, of the shape `input`, from that of the outputs, of the shape `computed`,
    /// or of their pool's, by the algorithm that the plan has chosen. Where a pixel's gradient is complete, it is
    /// multiplied with `slopes`, those of the rectifier that the input came from; the answer says whether that was done.
    pub(super) fn backward(
        &self,
        algorithm: Algorithm,
        gradient: &Activation<T>,
        winners: Option<&WinnerBits>,
        [input, computed]: [[usize; 4]; 2],
        slopes: Option<&Signs<T>>,
    ) -> (Activation<T>, bool) {
        let transposed = self.transposed.get_or_init(|| self.filters.transposed());
        if algorithm != Algorithm::Tiles || self.stride != 1 {
            let (padding, stride) = (self.padding, self.stride);
            let gradient = correlate_transposed(algorithm, gradient, transposed, padding, stride, input);
            return (gradient, false);
        }
        let Filters { kh, kw, outputs, .. } = *transposed;
        let [n, _, h, w] = computed;
        let (around, rest) = reach(self.padding, [kh, kw]);
        let size = |size: usize, [before, after]: [usize; 2], kernel: usize| {
            (size + before + after + 1).saturating_sub(kernel)
        };
        let size = [size(h, [around.top, around.bottom], kh), size(w, [around.left, around.right], kw)];
        let mut out = Activation::new([n, outputs, size[0], size[1]]);
        let source = Source {
            unpool: winners.map(|winners| (winners.read(), [h, w])),
            ..Source::new(gradient.view(), around)
        };
        let is_complete = rest.is_empty();
        let sink = Sink {
            keep: slopes.filter(|_| is_complete),
            ..Sink::new(Shared::new(&mut out.data), n, size, outputs)
        };
        winograd::convolve(&source, transposed, &sink, Rounding::Coarse);
        if is_complete { (out, slopes.is_some()) } else { (rest.fold(&out), false) }
    }
}
