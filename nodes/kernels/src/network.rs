use std::sync::OnceLock;

use candle_core::Result;

use crate::activation::Activation;
use crate::convolution::{self, correlate, correlate_transposed};
use crate::element::Element;
use crate::filters::Filters;
use crate::layer::{Layer, Padding};
use crate::max_pool::{self, Places};
use crate::relu::{Mask, leaky_relu, relu};
use crate::upsample::{sum_blocks, upsample};

/// A [`Layer`] whose weights are laid out for the kernels.
enum Step<T> {
    Conv(Box<Convolution<T>>),
    Relu,
    LeakyRelu(T),
    MaxPool(max_pool::Window),
    Upsample(usize),
}

struct Convolution<T> {
    filters: Filters<T>,
    /// For the backward pass; made when it is first needed.
    transposed: OnceLock<Filters<T>>,
    bias: Option<Vec<T>>,
    stride: usize,
    padding: Padding,
}

/// The layers of a stack in one number type.
pub(crate) struct Network<T> {
    steps: Vec<Step<T>>,
}

/// What the backward pass needs of one layer.
enum Saved {
    Nothing,
    Mask(Mask),
    Places(Places),
}

/// What the backward pass needs of one run: `shapes[i]` is the input of layer `i`.
pub(crate) struct Trace {
    shapes: Vec<[usize; 4]>,
    saved: Vec<Saved>,
}

impl<T: Element> Network<T> {
    pub(crate) fn new(layers: &[Layer]) -> Result<Self> {
        let steps = layers.iter().map(Step::new).collect::<Result<_>>()?;
        Ok(Self { steps })
    }

    /// Runs up to the deepest tap. `shapes` holds the input's shape and that of every layer's
    /// output. Returns the tapped outputs, `[n, c, h, w]` each, one after the other in the order of
    /// `taps`.
    pub(crate) fn forward(
        &self,
        input: &[T],
        shapes: &[[usize; 4]],
        taps: &[usize],
        keep_trace: bool,
    ) -> (Vec<T>, Option<Trace>) {
        let depth = taps.iter().max().map_or(0, |deepest| deepest + 1);
        let is_tapped = |index| taps.contains(&index);
        let lengths: Vec<usize> = taps.iter().map(|tap| shapes[tap + 1].iter().product()).collect();
        let mut outputs = vec![T::ZERO; lengths.iter().sum()];
        let mut saved = Vec::with_capacity(depth);
        let mut map = Activation::from_nchw(input, shapes[0]);
        let mut rectified = false;
        for (index, step) in self.steps[..depth].iter().enumerate() {
            let mut state = Saved::Nothing;
            match step {
                Step::Conv(conv) => {
                    rectified = matches!(self.steps.get(index + 1), Some(Step::Relu))
                        && index + 1 < depth
                        && !is_tapped(index);
                    map = conv.forward(&map, rectified);
                }
                Step::Relu => {
                    if !rectified {
                        relu(&mut map.data);
                    }
                    rectified = false;
                    if keep_trace {
                        state = Saved::Mask(Mask::of(&map.data));
                    }
                }
                Step::LeakyRelu(slope) => {
                    leaky_relu(&mut map.data, *slope);
                    if keep_trace {
                        state = Saved::Mask(Mask::of(&map.data));
                    }
                }
                Step::MaxPool(window) => {
                    let [_, _, h, w] = shapes[index + 1];
                    let (pooled, places) = window.pool(&map, h, w);
                    map = pooled;
                    if keep_trace {
                        state = Saved::Places(places);
                    }
                }
                Step::Upsample(factor) => map = upsample(&map, *factor),
            }
            saved.push(state);
            let mut rest = &mut outputs[..];
            for (tap, length) in taps.iter().zip(&lengths) {
                let (output, after) = rest.split_at_mut(*length);
                if *tap == index {
                    map.write_nchw(output);
                }
                rest = after;
            }
        }
        let trace = keep_trace.then(|| Trace { shapes: shapes[..=depth].to_vec(), saved });
        (outputs, trace)
    }

    /// The gradient with respect to the input, `[n, c, h, w]`, for `gradients` laid out as
    /// [`Network::forward`] laid out its outputs.
    pub(crate) fn backward(&self, trace: &Trace, gradients: &[T], taps: &[usize]) -> Vec<T> {
        let shapes = &trace.shapes;
        let mut gradient: Option<Activation<T>> = None;
        for index in (0..trace.saved.len()).rev() {
            let mut offset = 0;
            for tap in taps {
                let shape = shapes[tap + 1];
                let length: usize = shape.iter().product();
                if *tap == index {
                    let own = Activation::from_nchw(&gradients[offset..][..length], shape);
                    match &mut gradient {
                        Some(gradient) => gradient.accumulate(&own),
                        None => gradient = Some(own),
                    }
                }
                offset += length;
            }
            gradient = gradient.map(|gradient| self.steps[index].backward(gradient, trace, index));
        }
        let mut out = vec![T::ZERO; shapes[0].iter().product()];
        if let Some(gradient) = gradient {
            gradient.write_nchw(&mut out);
        }
        out
    }
}

impl<T: Element> Step<T> {
    fn new(layer: &Layer) -> Result<Self> {
        Ok(match layer {
            Layer::Conv { weight, bias, stride, padding } => {
                let (outputs, inputs, kh, kw) = weight.dims4()?;
                let values =
                    |tensor: &candle_core::Tensor| tensor.to_dtype(T::DTYPE)?.flatten_all()?.to_vec1::<T>();
                Step::Conv(Box::new(Convolution {
                    filters: Filters::from_oihw(&values(weight)?, [outputs, inputs, kh, kw]),
                    transposed: OnceLock::new(),
                    bias: bias.as_ref().map(values).transpose()?,
                    stride: *stride,
                    padding: *padding,
                }))
            }
            Layer::Relu => Step::Relu,
            Layer::LeakyRelu { slope } => Step::LeakyRelu(T::from_f64(*slope)),
            Layer::MaxPool { kernel, stride, .. } => {
                Step::MaxPool(max_pool::Window { kernel: *kernel, stride: *stride })
            }
            Layer::UpsampleNearest { factor } => Step::Upsample(*factor),
        })
    }

    fn backward(&self, mut gradient: Activation<T>, trace: &Trace, index: usize) -> Activation<T> {
        let input = trace.shapes[index];
        match (self, &trace.saved[index]) {
            (Step::Conv(conv), _) => conv.backward(&gradient, input),
            (Step::Relu, Saved::Mask(mask)) => {
                mask.apply(&mut gradient.data);
                gradient
            }
            (Step::LeakyRelu(slope), Saved::Mask(mask)) => {
                mask.apply_leaky(&mut gradient.data, *slope);
                gradient
            }
            (Step::MaxPool(window), Saved::Places(places)) => window.scatter(&gradient, places, input),
            (Step::Upsample(factor), _) => sum_blocks(&gradient, *factor),
            (Step::Relu | Step::LeakyRelu(_) | Step::MaxPool(_), _) => {
                unreachable!("a traced run saves masks and places")
            }
        }
    }
}

impl<T: Element> Convolution<T> {
    fn forward(&self, map: &Activation<T>, relu: bool) -> Activation<T> {
        let window = convolution::Window {
            bias: self.bias.as_deref(),
            relu,
            ..convolution::Window::new(self.padding, self.stride)
        };
        correlate(map.view(), &self.filters, &window)
    }

    fn backward(&self, gradient: &Activation<T>, input: [usize; 4]) -> Activation<T> {
        let transposed = self.transposed.get_or_init(|| self.filters.transposed());
        correlate_transposed(gradient, transposed, self.padding, self.stride, input)
    }
}
