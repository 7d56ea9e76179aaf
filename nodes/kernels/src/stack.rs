use std::sync::{Arc, OnceLock};

use candle_core::{CpuStorage, CustomOp1, DType, Layout, Result, Shape, Tensor, bail};

use crate::element::Element;
use crate::layer::Layer;
use crate::network::{Network, Trace};

/// A run of layers with frozen weights, applied as one operation of candle's graph.
///
/// The weights are copied into the kernels' layout once; cloning is cheap and shares them.
#[derive(Clone)]
pub struct Stack {
    // Without weights: only what shapes are computed from.
    layers: Arc<[Layer]>,
    network: AnyNetwork,
}

#[derive(Clone)]
enum AnyNetwork {
    F32(Arc<Network<f32>>),
    F64(Arc<Network<f64>>),
}

impl Stack {
    /// Prepares `layers` to compute in `dtype`, which is `F32` or `F64`.
    ///
    /// # Errors
    ///
    /// If a layer's weights, stride or window make no sense, or two neighbouring convolutions do
    /// not agree about channels.
    pub fn new(layers: &[Layer], dtype: DType) -> Result<Self> {
        let mut channels = None;
        for (index, layer) in layers.iter().enumerate() {
            layer.validate(index)?;
            if let Layer::Conv { weight, .. } = layer {
                let (outputs, inputs, _, _) = weight.dims4()?;
                match channels {
                    Some(found) if found != inputs => {
                        bail!(
                            "layer {index}: convolution wants {inputs} channels, the layers before it give {found}"
                        )
                    }
                    _ => channels = Some(outputs),
                }
            }
        }
        let network = match dtype {
            DType::F32 => AnyNetwork::F32(Arc::new(Network::new(layers)?)),
            DType::F64 => AnyNetwork::F64(Arc::new(Network::new(layers)?)),
            other => bail!("a stack computes in f32 or f64, not {other:?}"),
        };
        let layers = layers.iter().map(without_values).collect::<Result<Vec<_>>>()?;
        Ok(Self { layers: layers.into(), network })
    }

    /// The number type that inputs must have.
    pub fn dtype(&self) -> DType {
        match self.network {
            AnyNetwork::F32(_) => DType::F32,
            AnyNetwork::F64(_) => DType::F64,
        }
    }

    /// Shapes of the input and of the outputs of the first `depth` layers, `[n, c, h, w]` each.
    ///
    /// # Errors
    ///
    /// If a map becomes too small on the way, or has the wrong number of channels.
    pub fn shapes(&self, input: [usize; 4], depth: usize) -> Result<Vec<[usize; 4]>> {
        let mut shapes = vec![input];
        for (index, layer) in self.layers[..depth].iter().enumerate() {
            shapes.push(layer.output_shape(index, shapes[index])?);
        }
        Ok(shapes)
    }

    /// The outputs of the layers `taps` (by index, in the order asked for) for `x`, `[n, c, h, w]`.
    ///
    /// Layers behind the deepest tap are not computed. The outputs know their gradient with respect
    /// to `x`, and to nothing else.
    ///
    /// # Errors
    ///
    /// If `x` has another type than the stack, a shape that its layers cannot take, or lives on a
    /// device other than the CPU; if `taps` is empty or names a layer that is not there.
    pub fn apply(&self, x: &Tensor, taps: &[usize]) -> Result<Vec<Tensor>> {
        let (n, c, h, w) = x.dims4()?;
        let Some(deepest) = taps.iter().max() else { bail!("a stack was asked for no layer at all") };
        if *deepest >= self.layers.len() {
            bail!("layer {deepest} asked for, but there are {}", self.layers.len())
        }
        if x.dtype() != self.dtype() {
            bail!("a stack of {:?} was given a tensor of {:?}", self.dtype(), x.dtype())
        }
        let shapes = self.shapes([n, c, h, w], deepest + 1)?;
        let x = x.contiguous()?;
        let tracked = x.track_op();
        let flat = match &self.network {
            AnyNetwork::F32(network) => x.apply_op1(Run::new(network, &shapes, taps, tracked))?,
            AnyNetwork::F64(network) => x.apply_op1(Run::new(network, &shapes, taps, tracked))?,
        };
        let mut start = 0;
        let output = |tap: &usize| {
            let shape = shapes[tap + 1];
            let length = shape.iter().product();
            let output = flat.narrow(0, start, length)?.reshape(&shape[..]);
            start += length;
            output
        };
        taps.iter().map(output).collect()
    }
}

/// The layer with weights that take no memory: its shapes are still needed, its numbers are packed.
fn without_values(layer: &Layer) -> Result<Layer> {
    Ok(match layer {
        Layer::Conv { weight, stride, padding, .. } => {
            let zero = Tensor::zeros((), weight.dtype(), weight.device())?;
            let weight = zero.broadcast_as(weight.shape())?;
            Layer::Conv { weight, bias: None, stride: *stride, padding: *padding }
        }
        other => other.clone(),
    })
}

/// One application of a stack.
struct Run<T> {
    network: Arc<Network<T>>,
    shapes: Vec<[usize; 4]>,
    taps: Vec<usize>,
    tracked: bool,
    trace: OnceLock<Trace>,
}

impl<T> Run<T> {
    fn new(network: &Arc<Network<T>>, shapes: &[[usize; 4]], taps: &[usize], tracked: bool) -> Self {
        Self {
            network: Arc::clone(network),
            shapes: shapes.to_vec(),
            taps: taps.to_vec(),
            tracked,
            trace: OnceLock::new(),
        }
    }
}

impl<T: Element> CustomOp1 for Run<T> {
    fn name(&self) -> &'static str {
        "frozen-stack"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let Some((start, end)) = layout.contiguous_offsets() else {
            bail!("a stack was given a strided tensor")
        };
        let input = &T::cpu_storage_as_slice(storage)?[start..end];
        let (outputs, trace) = self.network.forward(input, &self.shapes, &self.taps, self.tracked);
        if let Some(trace) = trace {
            // One run, one forward: the cell is still empty.
            let _ = self.trace.set(trace);
        }
        let length = outputs.len();
        Ok((T::to_cpu_storage_owned(outputs), Shape::from(length)))
    }

    fn bwd(&self, _x: &Tensor, _outputs: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let Some(trace) = self.trace.get() else {
            bail!("no backward pass for a run whose input had no gradient")
        };
        let gradient = gradient.contiguous()?;
        let (storage, layout) = gradient.storage_and_layout();
        let (start, end) = layout.contiguous_offsets().unwrap_or((0, 0));
        let candle_core::Storage::Cpu(storage) = &*storage else { bail!("a stack runs on the cpu only") };
        let values = &T::cpu_storage_as_slice(storage)?[start..end];
        let out = self.network.backward(trace, values, &self.taps);
        Tensor::from_vec(out, &self.shapes[0][..], gradient.device()).map(Some)
    }
}
