use std::collections::HashMap;

use candle_core::{Device, Result, Tensor, Var};
use dreamwire_nets::PaddingMode;
use dreamwire_nets::extractor::Extractor;
use dreamwire_nets::vgg::{self, Variant, parameter_shapes};

use crate::args::{Engine, VggArgs};
use crate::failure::Failure;
use crate::flops::vgg_gflop;
use crate::measure::{computed, gradient, repeat};
use crate::report::Report;
use crate::{candle_vgg, tensors};

/// Standard deviation of the random input: a normalised picture is in about -2..2.
const RANGE: [f64; 2] = [-2.0, 2.0];

/// The layer's output for an input.
type Network = Box<dyn Fn(&Tensor) -> Result<Tensor>>;

/// VGG16 from the normalised picture `[1, 3, N, N]` to a layer, and its gradient.
pub(crate) fn measure(args: &VggArgs) -> std::result::Result<String, Failure> {
    let (size, layer) = (args.common.size(), args.layer.as_str());
    let weights = match &args.files.weights {
        Some(path) => tensors::read(path)?,
        None => tensors::he(&parameter_shapes(Variant::Vgg16))?,
    };
    let device = args.common.device.open()?;
    let x = tensors::inputs(args.files.input.as_deref(), &[("x", &[1, 3, size, size])], RANGE, &device)?;
    let x = x.into_iter().next().expect("one was asked for");
    let network: Network = match args.engine {
        Engine::Kernels => {
            let vgg = vgg16(weights, PaddingMode::Zeros, &device)?;
            let layer = [vgg.layer(layer).expect("the arguments name a layer of VGG16").clone()];
            Box::new(move |x: &Tensor| Ok(vgg.apply(x, &layer)?.swap_remove(0)))
        }
        Engine::Candle => {
            let (layer, weights) = (layer.to_owned(), tensors::on(weights, &device)?);
            Box::new(move |x: &Tensor| candle_vgg::features(&weights, x, &layer))
        }
    };
    let (times, result) = if args.backward {
        let x = Var::from_tensor(&x)?;
        repeat(&args.common, || computed(gradient(&x, &network)?))?
    } else {
        repeat(&args.common, || computed(network(&x)?))?
    };
    tensors::write(args.files.output.as_deref(), &result)?;
    let passes = if args.backward { 2.0 } else { 1.0 };
    let report = Report::new("vgg16", &args.common, times, passes * vgg_gflop(size, layer));
    let report = report.backward(args.backward);
    let report = if args.engine == Engine::Candle { report.of_candle() } else { report };
    report.text(args.common.json)
}

/// VGG16 with these weights on a device.
///
/// # Errors
///
/// If they are those of another network, even of another VGG.
pub(crate) fn vgg16(
    weights: HashMap<String, Tensor>,
    padding: PaddingMode,
    device: &Device,
) -> std::result::Result<Extractor, Failure> {
    let vgg = vgg::extractor(weights, padding, device).map_err(|error| Failure::Input(error.to_string()))?;
    match vgg.name() {
        "vgg16" => Ok(vgg),
        other => Err(Failure::Input(format!("expected the weights of vgg16, found those of {other}"))),
    }
}
