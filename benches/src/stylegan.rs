use std::collections::{BTreeMap, HashMap};

use candle_core::{DType, Device, Error, Tensor, Var};
use dreamwire_kernels::TensorOptions;
use dreamwire_nets::stylegan::{StyleGan, check_resolution, random_tensors};
use dreamwire_nets::stylegan3::{self, Settings, StyleGan3};

use crate::args::StyleGanArgs;
use crate::failure::Failure;
use crate::flops::gflop;
use crate::measure::{computed, gradient, repeat};
use crate::report::Report;
use crate::tensors;

/// StyleGAN2's synthesis from `w`, `[1, layers, 512]`, to a picture, including styles, demodulation and the
/// stored noise. Nothing is clamped, as in NVIDIA's configuration for f32.
pub(crate) fn measure(args: &StyleGanArgs) -> Result<String, Failure> {
    let weights = match &args.files.weights {
        Some(path) => tensors::read(path)?,
        None => random_tensors(0, args.common.size())
            .map_err(|error| Failure::Usage(format!("--size: {error}")))?,
    };
    let work = sum(weights.iter().filter_map(|(name, tensor)| layer_gflop(name, tensor.dims())));
    let options = options(args)?;
    let network = StyleGan::new(weights, None, options.clone());
    let network = network.map_err(|error| Failure::Input(error.to_string()))?.synthesis;
    let sizes = [network.resolution(), network.layers(), network.w_width()];
    timed(args, "stylegan2", work, sizes, &options.device, |w| network.forward(w, &[]))
}

/// StyleGAN3's synthesis from `w`, `[1, layers, w]`, to a picture that is not moved. The work is that of the
/// convolutions; the filters come on top. The random network is one of configuration R with 128 channels.
pub(crate) fn measure_three(args: &StyleGanArgs) -> Result<String, Failure> {
    let weights = match &args.files.weights {
        Some(path) => tensors::read(path)?,
        None => {
            let size = args.common.size();
            let refused = |error: &dyn std::fmt::Display| Failure::Usage(format!("--size: {error}"));
            check_resolution(size).map_err(|error| refused(&error))?;
            stylegan3::random_tensors(0, size).map_err(|error| refused(&error))?
        }
    };
    let work = sum(convolutions_three(&weights).into_iter());
    let options = options(args)?;
    let network = StyleGan3::new(weights, &Settings::default(), Some(256.0), options.clone());
    let network = network.map_err(|error| Failure::Input(error.to_string()))?.synthesis;
    let sizes = [network.resolution(), network.layers(), network.w_width()];
    timed(args, "stylegan3", work, sizes, &options.device, |w| network.forward(w, None))
}

/// The number type of all measurements, on the device that was asked for.
pub(crate) fn options(args: &StyleGanArgs) -> Result<TensorOptions, Failure> {
    Ok(TensorOptions::new(DType::F32, args.common.device.open()?))
}

/// The times of `forward` from `w`, `[1, layers, width]`, or of its gradient.
pub(crate) fn timed(
    args: &StyleGanArgs,
    name: &'static str,
    work: f64,
    [found, layers, width]: [usize; 3],
    device: &Device,
    forward: impl Fn(&Tensor) -> Result<Tensor, Error>,
) -> Result<String, Failure> {
    let size = args.common.size();
    if found != size {
        return Err(Failure::Usage(format!(
            "the weights make pictures of {found} pixels, found --size {size}; use --size {found}"
        )));
    }
    let shape = [1, layers, width];
    let inputs = tensors::inputs(args.files.input.as_deref(), &[("w", &shape)], [-1.0, 1.0], device)?;
    let w = inputs.into_iter().next().expect("one was asked for");
    let (times, result) = if args.backward {
        let w = Var::from_tensor(&w)?;
        repeat(&args.common, || computed(gradient(&w, &forward)?))?
    } else {
        repeat(&args.common, || computed(forward(&w)?))?
    };
    tensors::write(args.files.output.as_deref(), &result)?;
    let passes = if args.backward { 2.0 } else { 1.0 };
    let report = Report::new(name, &args.common, times, passes * work);
    report.backward(args.backward).text(args.common.json)
}

/// The sum of what a map gives in any order: it is always the same.
pub(crate) fn sum(parts: impl Iterator<Item = f64>) -> f64 {
    let mut parts: Vec<f64> = parts.collect();
    parts.sort_by(f64::total_cmp);
    parts.iter().sum()
}

/// Multiplications and additions of every convolution of a StyleGAN3, in 1e9.
fn convolutions_three(tensors: &HashMap<String, Tensor>) -> Vec<f64> {
    let layer = |(name, tensor): (&String, &Tensor)| {
        let name = name.strip_prefix("G_ema.").unwrap_or(name);
        let mut numbers = name.strip_prefix("synthesis.L")?.strip_suffix(".weight")?.split('_');
        let index: usize = numbers.next()?.parse().ok()?;
        let size: usize = numbers.next()?.parse().ok()?;
        let [outputs, inputs, kernel, _] = *tensor.dims() else { return None };
        Some((index, (size, [inputs, outputs, kernel])))
    };
    let layers: BTreeMap<usize, (usize, [usize; 3])> = tensors.iter().filter_map(layer).collect();
    // A layer reads the map of the one before, the first one a map of its own size; the convolution is a full one.
    let read = layers.values().take(1).chain(layers.values()).map(|(size, _)| *size);
    let work = |(read, (_, [inputs, outputs, kernel])): (usize, &(usize, [usize; 3]))| {
        let made = read + kernel - 1;
        gflop(made * made, *inputs, *outputs, kernel * kernel)
    };
    read.zip(layers.values()).map(work).collect()
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

    /// 36 pixels behind a frame of two zeros, twice, then 16 pixels.
    #[test]
    fn convolutions_of_a_stylegan3() {
        let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
        let tensors = HashMap::from([
            ("G_ema.synthesis.L0_36_4.weight".to_owned(), zeros(&[4, 4, 3, 3])),
            ("G_ema.synthesis.L1_16_5.weight".to_owned(), zeros(&[5, 4, 3, 3])),
            ("G_ema.synthesis.L2_16_3.weight".to_owned(), zeros(&[3, 5, 1, 1])),
            ("G_ema.synthesis.L0_36_4.affine.weight".to_owned(), zeros(&[4, 8])),
            ("G_ema.synthesis.input.weight".to_owned(), zeros(&[4, 4])),
        ]);
        let expected = [gflop(38 * 38, 4, 4, 9), gflop(38 * 38, 4, 5, 9), gflop(16 * 16, 5, 3, 1)];
        assert_eq!(convolutions_three(&tensors), expected);
    }
}
