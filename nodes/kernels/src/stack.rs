use std::ops::Range;
use std::sync::{Arc, OnceLock};

use candle_core::{CpuStorage, CustomOp1, DType, Device, Layout, Result, Shape, Tensor, bail};
use candle_nn::VarBuilder;

use crate::element::Element;
use crate::layer::{Layer, Node, Source};
use crate::network::{Network, Peak, Plan, Trace, output_shape};
use crate::op::{Values, operand};
use crate::operators;
use crate::options::TensorOptions;

/// Layers as a chain or a graph. With fixed weights and on the CPU they are one operation of candle's graph.
///
/// The weights are copied into the kernels' layout, or to the device, once; cloning is cheap and shares them.
#[derive(Clone)]
pub struct Stack {
    // Without weights: only what shapes and plans are made of.
    nodes: Arc<[Node]>,
    executor: Executor,
}

/// What computes the layers of a stack, chosen when the stack is made: the kernels, in one of two number types, or the
/// portable operators. An executor follows a [`Plan`].
#[derive(Clone)]
enum Executor {
    F32(Arc<Network<f32>>),
    F64(Arc<Network<f64>>),
    Portable(Arc<operators::Network>),
}

impl Executor {
    fn kernels(nodes: &[Node], options: &TensorOptions) -> Result<Self> {
        if !options.device.is_cpu() {
            bail!("the kernels run on the CPU only")
        }
        Ok(match options.dtype {
            DType::F32 => Self::F32(Arc::new(Network::new(nodes)?)),
            DType::F64 => Self::F64(Arc::new(Network::new(nodes)?)),
            other => bail!("a stack needs f32 or f64, found {other:?}"),
        })
    }

    fn portable(nodes: &[Node], options: &TensorOptions) -> Result<Self> {
        Ok(Self::Portable(Arc::new(operators::Network::of_layers(nodes, options)?)))
    }

    fn dtype(&self) -> DType {
        match self {
            Self::F32(_) => DType::F32,
            Self::F64(_) => DType::F64,
            Self::Portable(network) => network.options.dtype,
        }
    }

    fn device(&self) -> &Device {
        match self {
            Self::F32(_) | Self::F64(_) => &Device::Cpu,
            Self::Portable(network) => &network.options.device,
        }
    }

    /// The taps of `plan` for `x`, which is contiguous and of the type, the device and the shape that they are for, as
    /// operations of candle's graph.
    fn apply(&self, x: &Tensor, plan: &Arc<Plan>) -> Result<Vec<Tensor>> {
        let flat = match self {
            Self::F32(network) => x.apply_op1(Run::new(network, plan, x.track_op()))?,
            Self::F64(network) => x.apply_op1(Run::new(network, plan, x.track_op()))?,
            Self::Portable(network) => return network.apply(x, plan),
        };
        let output = |(tap, place): (usize, Range<usize>)| {
            flat.narrow(0, place.start, place.len())?.reshape(&plan.shapes[tap + 1][..])
        };
        plan.outputs().map(output).collect()
    }
}

impl Stack {
    /// Prepares `layers` to compute with `options`, in `F32` or `F64`; each reads the one before it.
    ///
    /// # Errors
    ///
    /// As [`Stack::graph`].
    pub fn new(layers: &[Layer], options: impl Into<TensorOptions>) -> Result<Self> {
        let node = |(index, layer): (usize, &Layer)| {
            let before = index.checked_sub(1).map_or(Source::Input, Source::Layer);
            (layer.clone(), vec![before])
        };
        Self::graph(&layers.iter().enumerate().map(node).collect::<Vec<_>>(), options)
    }

    /// Prepares layers that read the input or any earlier layers, to compute with `options`, in `F32` or `F64`.
    /// Several layers may read one.
    ///
    /// With `requires_grad` the weights and biases may be variables, or computed from some: outputs are differentiable with
    /// respect to those. What is computed from a variable has the value that it had then.
    ///
    /// # Errors
    ///
    /// If a layer's weights, stride or window are invalid; if it reads a layer that is not before it, none at
    /// all, or several without being a [`Layer::Concat`]; if a convolution's channels differ from those of
    /// the layers before it.
    pub fn graph(nodes: &[(Layer, Vec<Source>)], options: impl Into<TensorOptions>) -> Result<Self> {
        let options = options.into();
        if options.is_portable() {
            Self::with(nodes, |nodes| Executor::portable(nodes, &options))
        } else {
            Self::with(nodes, |nodes| Executor::kernels(nodes, &options))
        }
    }

    /// As [`Stack::graph`], with the weights `{index}.weight` and `{index}.bias` of `weights`, in its number type and on
    /// its device: portable operators, whose outputs are differentiable with respect to them too. Those of the layers
    /// only say which there are, and give their shapes. From a [`VarMap`](candle_nn::VarMap) that does not have them,
    /// they are initialised as those of [`candle_nn::conv2d`].
    ///
    /// # Errors
    ///
    /// As [`Stack::graph`], and if `weights` does not have them, or in another shape.
    pub fn from_weights(nodes: &[(Layer, Vec<Source>)], weights: &VarBuilder) -> Result<Self> {
        let executor =
            |nodes: &[Node]| Ok(Executor::Portable(Arc::new(operators::Network::new(nodes, weights)?)));
        Self::with(nodes, executor)
    }

    /// With an executor for these nodes.
    fn with(nodes: &[Node], executor: impl FnOnce(&[Node]) -> Result<Executor>) -> Result<Self> {
        check(nodes)?;
        let executor = executor(nodes)?;
        let nodes = nodes.iter().map(|(layer, inputs)| Ok((without_values(layer)?, inputs.clone())));
        Ok(Self { nodes: nodes.collect::<Result<_>>()?, executor })
    }

    /// The number type that inputs must have.
    pub fn dtype(&self) -> DType {
        self.executor.dtype()
    }

    /// Shapes of the input and of the outputs of the first `depth` layers, `[n, c, h, w]` each.
    ///
    /// # Errors
    ///
    /// If a map becomes too small, has the wrong number of channels, or there are fewer layers.
    pub fn shapes(&self, input: [usize; 4], depth: usize) -> Result<Vec<[usize; 4]>> {
        if depth > self.nodes.len() {
            bail!("cannot give the shapes of {depth} layers: there are {}", self.nodes.len())
        }
        let mut shapes = vec![input];
        for index in 0..depth {
            shapes.push(output_shape(&self.nodes, index, &shapes)?);
        }
        Ok(shapes)
    }

    /// The memory that [`Stack::apply`] needs for the layers `taps` of an input `[n, c, h, w]`, with the kernels.
    /// Portable operators need more: every map for a backward pass, and what the device's convolutions take.
    ///
    /// # Errors
    ///
    /// As [`Stack::apply`], about shapes and `taps`.
    pub fn peak(&self, input: [usize; 4], taps: &[usize]) -> Result<Peak> {
        self.check_taps(taps)?;
        let plan = Plan::new(&self.nodes, input, taps)?;
        Ok(plan.peak(&self.nodes, self.dtype().size_in_bytes()))
    }

    /// The outputs of the layers `taps` (by index, in the order given) for `x`, `[n, c, h, w]`.
    ///
    /// Only layers that a tap depends on are computed. The outputs are differentiable with respect to `x`
    /// alone, unless the stack is one of [`Stack::from_weights`] or has `requires_grad`.
    ///
    /// # Errors
    ///
    /// If `x` does not have the stack's type, has a shape that these layers cannot take, or is on another device; if
    /// `taps` is empty or names a layer that does not exist.
    pub fn apply(&self, x: &Tensor, taps: &[usize]) -> Result<Vec<Tensor>> {
        let (n, c, h, w) = x.dims4()?;
        self.check_taps(taps)?;
        if x.dtype() != self.dtype() {
            bail!("a stack of {:?} needs an input of the same type, found {:?}", self.dtype(), x.dtype())
        }
        let (device, found) = (self.executor.device().location(), x.device().location());
        if found != device {
            bail!("a stack on {device:?} needs an input on the same device, found {found:?}")
        }
        let plan = Arc::new(Plan::new(&self.nodes, [n, c, h, w], taps)?);
        self.executor.apply(&x.contiguous()?, &plan)
    }

    fn check_taps(&self, taps: &[usize]) -> Result<()> {
        let Some(deepest) = taps.iter().max() else { bail!("no layers were requested") };
        if *deepest >= self.nodes.len() {
            bail!("there is no layer {deepest}: there are {} layers", self.nodes.len())
        }
        Ok(())
    }
}

/// Refuses layers that are invalid by themselves or after those that they read.
fn check(nodes: &[Node]) -> Result<()> {
    // By value: its channels, if known from a convolution.
    let mut channels: Vec<Option<usize>> = vec![None];
    for (index, (layer, inputs)) in nodes.iter().enumerate() {
        layer.validate(index)?;
        match (layer, inputs.len()) {
            (Layer::Concat, 0) => bail!("layer {index}: a concat needs at least one input, found none"),
            (Layer::Concat, _) | (_, 1) => {}
            (_, count) => {
                bail!("layer {index}: expected one input, found {count}; only a concat takes several")
            }
        }
        for source in inputs {
            if let Source::Layer(found) = source
                && *found >= index
            {
                bail!("layer {index}: reads layer {found}, which is not before it")
            }
        }
        let given = inputs.iter().map(|source| channels[source.value()]).sum::<Option<usize>>();
        channels.push(match layer {
            Layer::Conv { weight, .. } => {
                let (outputs, wanted, _, _) = weight.dims4()?;
                if let Some(given) = given
                    && given != wanted
                {
                    bail!("layer {index}: the convolution needs {wanted} channels, its inputs have {given}")
                }
                Some(outputs)
            }
            _ => given,
        });
    }
    Ok(())
}

/// The layer with weights that take no memory: the shapes are still needed, the numbers are packed elsewhere.
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
struct Run<T: Element> {
    network: Arc<Network<T>>,
    plan: Arc<Plan>,
    tracked: bool,
    trace: OnceLock<Trace<T>>,
}

impl<T: Element> Run<T> {
    fn new(network: &Arc<Network<T>>, plan: &Arc<Plan>, tracked: bool) -> Self {
        Self { network: Arc::clone(network), plan: Arc::clone(plan), tracked, trace: OnceLock::new() }
    }
}

impl<T: Element> CustomOp1 for Run<T> {
    fn name(&self) -> &'static str {
        "frozen-stack"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (outputs, trace) = self.network.forward(&self.plan, operand(storage, layout)?, self.tracked);
        if let Some(trace) = trace {
            // One run, one forward pass: the cell is still empty.
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
        let out = self.network.backward(&self.plan, trace, &Values::of(&gradient)?);
        Tensor::from_vec(out, &self.plan.shapes[0][..], gradient.device()).map(Some)
    }
}
