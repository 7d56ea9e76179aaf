//! Times every convolution of VGG16 alone.
//!
//! A stack converts its input from channels first to channels last, and its outputs back, and candle adds its
//! own passes over the gradients at both ends. In a network that happens at the ends of the whole stack, so
//! it must not count for a layer: the time of an identity layer on maps of the same sizes is subtracted.
//! These are the shortest times of all repetitions, because the difference of two medians is mostly noise.

use candle_core::{DType, Result, Tensor, Var, bail};
use dreamwire_kernels::{Layer, Padding, Stack, simd_level};
use serde::Serialize;

use crate::args::{Common, VggArgs};
use crate::failure::Failure;
use crate::flops::{Convolution, convolutions};
use crate::measure::milliseconds;
use crate::report::{as_json, f4_percent};
use crate::tensors::uniform;

#[derive(Serialize)]
struct Report {
    name: &'static str,
    /// Height and width of the network's pictures in pixels.
    size: usize,
    threads: usize,
    simd: &'static str,
    layers: Vec<Row>,
}

/// Shortest times of one convolution and its ReLU, without the ends of the run.
#[derive(Serialize)]
struct Row {
    layer: String,
    /// Height and width of its maps.
    size: usize,
    inputs: usize,
    outputs: usize,
    /// Of one direction.
    gflop: f64,
    forward_ms: f64,
    backward_ms: f64,
    /// The time subtracted from the forward pass, and from both passes together.
    ends_ms: [f64; 2],
    f4_percent: Option<[f64; 2]>,
}

/// Forward pass, and forward and backward pass.
type Passes = [f64; 2];

/// VGG16's convolutions up to the requested layer.
pub(crate) fn measure(args: &VggArgs) -> std::result::Result<String, Failure> {
    let common = &args.common;
    let rows =
        convolutions(common.size(), &args.layer).into_iter().map(|convolution| row(common, &convolution));
    let report = Report {
        name: "vgg16",
        size: common.size(),
        threads: common.threads(),
        simd: simd_level(),
        layers: rows.collect::<std::result::Result<_, _>>()?,
    };
    if common.json { as_json(&report) } else { Ok(report.table()) }
}

fn row(common: &Common, convolution: &Convolution) -> std::result::Result<Row, Failure> {
    let Convolution { layer, size, inputs, outputs } = convolution;
    let (size, inputs, outputs) = (*size, *inputs, *outputs);
    if size == 0 {
        let least = common.size();
        return Err(Failure::Usage(format!("--size {least} is too small for `{layer}`; use at least 16")));
    }
    let bound = (6.0 / (inputs * 9) as f64).sqrt();
    let weight = uniform(0, &[outputs, inputs, 3, 3], -bound, bound)?;
    let bias = Some(uniform(1, &[outputs], -0.1, 0.1)?);
    let conv = Layer::Conv { weight, bias, stride: 1, padding: Padding::zeros(1) };
    let nothing = [Layer::UpsampleNearest { factor: 1 }];
    let [[forward, both], before, behind] = passes(
        common,
        [
            Candidate::new(&[conv, Layer::Relu], inputs, size)?,
            Candidate::new(&nothing, inputs, size)?,
            Candidate::new(&nothing, outputs, size)?,
        ],
    )?;
    let ends: Passes = std::array::from_fn(|pass| (before[pass] + behind[pass]) / 2.0);
    let forward_ms = (forward - ends[0]).max(0.0);
    let backward_ms = (both - ends[1] - forward_ms).max(0.0);
    let gflop = convolution.gflop();
    let percent = |peak| [forward_ms, backward_ms].map(|ms| f4_percent(gflop, peak, ms));
    Ok(Row {
        layer: layer.clone(),
        size,
        inputs,
        outputs,
        gflop,
        forward_ms,
        backward_ms,
        ends_ms: ends,
        f4_percent: common.peak.map(percent),
    })
}

/// Layers to be timed on a map.
struct Candidate {
    stack: Stack,
    last: usize,
    x: Var,
}

impl Candidate {
    fn new(layers: &[Layer], channels: usize, size: usize) -> Result<Self> {
        let x = Var::from_tensor(&uniform(2, &[1, channels, size, size], -1.0, 1.0)?)?;
        Ok(Self { stack: Stack::new(layers, DType::F32)?, last: layers.len() - 1, x })
    }
}

/// Shortest times in milliseconds. The candidates alternate, so that a slow period affects all.
fn passes<const N: usize>(
    common: &Common,
    candidates: [Candidate; N],
) -> std::result::Result<[Passes; N], Failure> {
    let mut least = [[f64::INFINITY; 2]; N];
    for repetition in 0..common.warmup + common.repeat.get() {
        for (least, Candidate { stack, last, x }) in least.iter_mut().zip(&candidates) {
            let still = x.as_detached_tensor();
            let times = [
                milliseconds(|| stack.apply(&still, &[*last]))?,
                milliseconds(|| gradient_of_sum(stack, x, *last))?,
            ];
            if repetition >= common.warmup {
                *least = [least[0].min(times[0]), least[1].min(times[1])];
            }
        }
    }
    Ok(least)
}

/// The gradient of the sum of all outputs: candle starts with ones for an output that is not scalar.
fn gradient_of_sum(stack: &Stack, x: &Var, last: usize) -> Result<Tensor> {
    let y = stack.apply(x.as_tensor(), &[last])?.swap_remove(0);
    match y.backward()?.remove(x.as_tensor()) {
        Some(gradient) => Ok(gradient),
        None => bail!("the layer has no gradient by its input"),
    }
}

impl Report {
    fn table(&self) -> String {
        let Self { name, size, threads, simd, .. } = self;
        let mut text = format!("{name} {size}, each layer alone, {threads} threads, {simd}\n\n");
        text +=
            "| layer | map | channels | GFLOP | forward ms | % of F4 bound | backward ms | % of F4 bound |\n";
        text += "|---|---:|---:|---:|---:|---:|---:|---:|\n";
        for row in &self.layers {
            let Row { layer, size, inputs, outputs, gflop, forward_ms, backward_ms, .. } = row;
            let percent = |pass: usize| match row.f4_percent {
                Some(percent) => format!("{:.0}", percent[pass]),
                None => "-".to_owned(),
            };
            text += &format!(
                "| {layer} | {size} | {inputs}-{outputs} | {gflop:.2} | {forward_ms:.2} | {} | {backward_ms:.2} | {} |\n",
                percent(0),
                percent(1),
            );
        }
        let sum = |part: fn(&Row) -> f64| self.layers.iter().map(part).sum::<f64>();
        text += &format!(
            "| sum | | | {:.2} | {:.2} | | {:.2} | |\n",
            sum(|row| row.gflop),
            sum(|row| row.forward_ms),
            sum(|row| row.backward_ms),
        );
        text
    }
}
