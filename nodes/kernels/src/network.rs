use candle_core::Result;

use crate::activation::Activation;
use crate::average_pool::AveragePool;
use crate::element::Element;
use crate::layer::{Layer, Node, Source};
use crate::local_response::LocalResponseNorm;
use crate::max_pool::Places;
use crate::relu::Rectified;
use crate::windows::Windows;

mod backward;
mod convolution;
mod forward;
mod peak;
mod plan;

use convolution::{Convolution, Noted};
pub use peak::Peak;
pub(crate) use plan::{Plan, output_shape};

/// The layers of a stack in one number type, each with what it reads.
pub(crate) struct Network<T> {
    steps: Vec<(Step<T>, Vec<Source>)>,
}

/// A [`Layer`] with packed weights.
enum Step<T> {
    Conv(Box<Convolution<T>>),
    Rectify(Rectified<T>),
    MaxPool(Windows),
    AveragePool(AveragePool),
    LocalResponseNorm(LocalResponseNorm),
    Upsample(usize),
    Concat,
}

/// What the backward pass needs of one run, by layer; fused layers store it with the first of them.
pub(crate) struct Trace<T: Element>(Vec<Saved<T>>);

enum Saved<T: Element> {
    Nothing,
    Noted(Noted<T>),
    Places(Places),
    Input(Activation<T>),
}

impl<T: Element> Network<T> {
    pub(crate) fn new(nodes: &[Node]) -> Result<Self> {
        let steps = nodes.iter().map(|(layer, inputs)| Ok((Step::new(layer)?, inputs.clone())));
        Ok(Self { steps: steps.collect::<Result<_>>()? })
    }
}

impl<T: Element> Step<T> {
    fn new(layer: &Layer) -> Result<Self> {
        Ok(match layer {
            Layer::Conv { weight, bias, stride, padding } => {
                Step::Conv(Box::new(Convolution::new(weight, bias.as_ref(), *stride, *padding)?))
            }
            Layer::Relu => Step::Rectify(Rectified::Relu),
            Layer::LeakyRelu { slope } => Step::Rectify(Rectified::Leaky(T::from_f64(*slope))),
            Layer::MaxPool { kernel, stride, padding, .. } => {
                Step::MaxPool(Windows { kernel: *kernel, stride: *stride, padding: *padding })
            }
            Layer::AveragePool { kernel, stride, padding, count_padding, .. } => {
                let windows = Windows { kernel: *kernel, stride: *stride, padding: *padding };
                Step::AveragePool(AveragePool { windows, count_padding: *count_padding })
            }
            Layer::LocalResponseNorm { size, alpha, beta, k } => {
                Step::LocalResponseNorm(LocalResponseNorm { size: *size, alpha: *alpha, beta: *beta, k: *k })
            }
            Layer::UpsampleNearest { factor } => Step::Upsample(*factor),
            Layer::Concat => Step::Concat,
        })
    }
}
