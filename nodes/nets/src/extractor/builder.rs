use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor};
use dreamwire_kernels::{self as kernels, Padding, Source, Stack, TensorOptions};

use super::reach::Field;
use super::{Extractor, Layer, Normalisation};

/// Builds an extractor layer by layer.
///
/// Tensors are taken in the order in which they were given, which must be the order in which the layers are
/// added.
pub(crate) struct Builder {
    options: TensorOptions,
    tensors: std::vec::IntoIter<Tensor>,
    nodes: Vec<(kernels::Layer, Vec<Source>)>,
    layers: Vec<Layer>,
}

/// The output of a layer, or the picture.
#[derive(Clone, Copy)]
pub(crate) struct Map {
    source: Source,
    channels: usize,
    field: Field,
}

impl Map {
    /// The network's input, `[B, 3, H, W]`.
    pub(crate) const PICTURE: Self = Self { source: Source::Input, channels: 3, field: Field::PIXEL };
}

impl Builder {
    /// Of a network on `device`, in the number type of the tensors.
    pub(crate) fn new(tensors: Vec<Tensor>, device: &Device) -> Self {
        let dtype = match tensors.first().map(Tensor::dtype) {
            Some(DType::F64) => DType::F64,
            _ => DType::F32,
        };
        let options = TensorOptions::new(dtype, device.clone());
        Self { options, tensors: tensors.into_iter(), nodes: Vec::new(), layers: Vec::new() }
    }

    /// The next tensors.
    pub(crate) fn tensors<const N: usize>(&mut self) -> [Tensor; N] {
        std::array::from_fn(|_| self.tensors.next().expect("a network was given all tensors that it names"))
    }

    /// A convolution with a weight `[O, I, kh, kw]` and a bias `[O]`.
    pub(crate) fn conv(
        &mut self,
        input: Map,
        (weight, bias): (Tensor, Tensor),
        stride: usize,
        padding: Padding,
    ) -> Result<Map> {
        let (channels, _, kh, kw) = weight.dims4()?;
        let field = input.field.through([kh, kw], stride, [padding.top, padding.left]);
        let conv = kernels::Layer::Conv { weight, bias: Some(bias), stride, padding };
        Ok(Map { source: self.add(conv, vec![input.source]), channels, field })
    }

    pub(crate) fn relu(&mut self, input: Map) -> Map {
        Map { source: self.add(kernels::Layer::Relu, vec![input.source]), ..input }
    }

    /// The largest value of each `kernel x kernel` window.
    pub(crate) fn max_pool(
        &mut self,
        input: Map,
        kernel: usize,
        stride: usize,
        padding: usize,
        ceil_mode: bool,
    ) -> Map {
        let field = input.field.through([kernel; 2], stride, [padding; 2]);
        let pool = kernels::Layer::MaxPool { kernel, stride, padding, ceil_mode };
        Map { source: self.add(pool, vec![input.source]), field, ..input }
    }

    /// Concatenates the channels of maps of one size.
    pub(crate) fn concat(&mut self, inputs: &[Map]) -> Map {
        let source = self.add(kernels::Layer::Concat, inputs.iter().map(|map| map.source).collect());
        let field = inputs.iter().map(|map| map.field).reduce(Field::joined).unwrap_or(Field::PIXEL);
        Map { source, channels: inputs.iter().map(|map| map.channels).sum(), field }
    }

    /// Names a map, which makes it a layer.
    pub(crate) fn name(&mut self, name: &str, map: Map) {
        self.push(name, map, Some(map.field));
    }

    /// Names the mean over all positions of a map, which makes it a layer.
    pub(crate) fn name_mean(&mut self, name: &str, map: Map) {
        self.push(name, map, None);
    }

    /// The network.
    ///
    /// # Errors
    ///
    /// If weights do not fit each other.
    pub(crate) fn finish(self, name: &'static str, normalisation: Normalisation) -> Result<Extractor> {
        debug_assert_eq!(self.tensors.len(), 0, "{name} does not use all of its tensors");
        let stack = Stack::graph(&self.nodes, self.options)?;
        Ok(Extractor { name, normalisation, stack, layers: self.layers.into() })
    }

    fn add(&mut self, layer: kernels::Layer, inputs: Vec<Source>) -> Source {
        self.nodes.push((layer, inputs));
        Source::Layer(self.nodes.len() - 1)
    }

    fn push(&mut self, name: &str, map: Map, field: Option<Field>) {
        if let Source::Layer(node) = map.source {
            self.layers.push(Layer { name: Arc::from(name), channels: map.channels, node, field });
        }
    }
}
