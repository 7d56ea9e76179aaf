use std::collections::HashMap;

use candle_core::{DType, Tensor, Var};
use dreamwire_nets::stylegan::{StyleGan, random_tensors};

use crate::args::StyleGanArgs;
use crate::failure::Failure;
use crate::flops::gflop;
use crate::measure::{gradient, repeat};
use crate::report::Report;
use crate::tensors;

/// StyleGAN2's synthesis from `w`, `[1, layers, 512]`, to a picture, including styles, demodulation and the
/// stored noise. Nothing is clamped, as in NVIDIA's configuration for f32.
pub(crate) fn measure(args: &StyleGanArgs) -> Result<String, Failure> {
    let size = args.common.size();
    let weights = match &args.files.weights {
        Some(path) => tensors::read(path)?,
        None => random_tensors(0, size).map_err(|error| Failure::Usage(format!("--size: {error}")))?,
    };
    let work = synthesis_gflop(&weights);
    let network = StyleGan::new(weights, None, DType::F32);
    let network = network.map_err(|error| Failure::Input(error.to_string()))?.synthesis;
    if network.resolution() != size {
        let found = network.resolution();
        return Err(Failure::Usage(format!(
            "the weights make pictures of {found} pixels, found --size {size}; use --size {found}"
        )));
    }
    let shape = [1, network.layers(), network.w_width()];
    let w = tensors::inputs(args.files.input.as_deref(), &[("w", &shape)], [-1.0, 1.0])?.swap_remove(0);
    let (times, result) = if args.backward {
        let w = Var::from_tensor(&w)?;
        repeat(&args.common, || gradient(&w, |w| network.forward(w, &[])))?
    } else {
        repeat(&args.common, || network.forward(&w, &[]))?
    };
    tensors::write(args.files.output.as_deref(), &result)?;
    let passes = if args.backward { 2.0 } else { 1.0 };
    let report = Report::new("stylegan2", &args.common, times, passes * work);
    report.backward(args.backward).text(args.common.json)
}

/// Multiplications and additions of all convolutions, in 1e9.
fn synthesis_gflop(tensors: &HashMap<String, Tensor>) -> f64 {
    let mut parts: Vec<f64> =
        tensors.iter().filter_map(|(name, tensor)| layer_gflop(name, tensor.dims())).collect();
    // The sum depends on its order, which differs from process to process in the map.
    parts.sort_by(f64::total_cmp);
    parts.iter().sum()
}

/// Of the tensor `synthesis.bR.LAYER.weight`; `None` for all other tensors.
fn layer_gflop(name: &str, shape: &[usize]) -> Option<f64> {
    let name = name.strip_prefix("G_ema.").unwrap_or(name);
    let (resolution, layer) = name.strip_prefix("synthesis.b")?.split_once('.')?;
    let resolution: usize = resolution.parse().ok()?;
    let [outputs, inputs, kh, kw] = *shape else { return None };
    // conv0 reads a map of half the size, and spreads each of its pixels over the taps.
    let size = if layer.starts_with("conv0.") { resolution / 2 } else { resolution };
    Some(gflop(size * size, inputs, outputs, kh * kw))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, shape: &[usize], expected: Option<f64>) {
        assert_eq!(layer_gflop(name, shape), expected, "{name}");
    }

    #[test]
    fn only_convolutions_count() {
        check("synthesis.b8.conv0.weight", &[512, 512, 3, 3], Some(2.0 * 16.0 * 512.0 * 512.0 * 9.0 / 1e9));
        check(
            "G_ema.synthesis.b8.conv1.weight",
            &[512, 512, 3, 3],
            Some(2.0 * 64.0 * 512.0 * 512.0 * 9.0 / 1e9),
        );
        check("synthesis.b64.torgb.weight", &[3, 512, 1, 1], Some(2.0 * 4096.0 * 512.0 * 3.0 / 1e9));
        check("synthesis.b8.conv0.affine.weight", &[512, 512], None);
        check("synthesis.b4.const", &[512, 4, 4], None);
        check("mapping.fc0.weight", &[512, 512], None);
    }
}
