use dreamwire_nets::stylegan1::Generator;

use crate::args::StyleGanArgs;
use crate::failure::Failure;
use crate::flops::gflop;
use crate::stylegan::{options, sum, timed};
use crate::tensors;

/// The first StyleGAN's synthesis from `w`, `[1, layers, w]`, to a picture, including styles and noise. The file may
/// have blocks beyond the requested size. The planes of noise come with `w`; without a file they are the network's own.
pub(crate) fn measure(args: &StyleGanArgs) -> Result<String, Failure> {
    let Some(path) = &args.files.weights else {
        let text = "--weights: there is no random StyleGAN of the first kind, name a file";
        return Err(Failure::Usage(text.to_owned()));
    };
    let weights = tensors::read(path)?;
    let size = args.common.size();
    let work = sum(weights.iter().filter_map(|(name, tensor)| layer_gflop(name, tensor.dims(), size)));
    let options = options(args)?;
    let generator = Generator::new(weights).map_err(|error| Failure::Input(error.to_string()))?;
    let network = generator.build(Some(size), 1.0, options.clone());
    let network = network.map_err(|error| Failure::Usage(format!("--size: {error}")))?.synthesis;
    let noise = match args.files.input.as_deref() {
        Some(file) => {
            let planes = network.noise_sizes().into_iter().enumerate();
            let planes: Vec<_> =
                planes.map(|(index, side)| (format!("noise_{index}"), [1, 1, side, side])).collect();
            let expected: Vec<(&str, &[usize])> =
                planes.iter().map(|(name, shape)| (name.as_str(), shape.as_slice())).collect();
            tensors::inputs(Some(file), &expected, [-1.0, 1.0], &options.device)?
        }
        None => Vec::new(),
    };
    let sizes = [network.resolution(), network.layers(), network.w_width()];
    timed(args, "stylegan1", work, sizes, &options.device, |w| network.forward(w, &noise))
}

/// Of a convolution that a picture of `size` pixels takes; `None` for all other tensors.
fn layer_gflop(name: &str, shape: &[usize], size: usize) -> Option<f64> {
    let [a, b, kh, kw] = *shape else { return None };
    let name = name.strip_prefix("g_running.").unwrap_or(name);
    let (kind, name) = name.strip_prefix("generator.")?.split_once('.')?;
    let (index, layer) = name.split_once('.')?;
    let index: u32 = index.parse().ok()?;
    let side = 4usize.checked_shl(index).filter(|side| *side <= size)?;
    // The first layer reads a map of half the size: repeating pixels and a convolution are a transposed one.
    let read = match (kind, layer) {
        ("progression", "conv1.0.weight" | "conv1.1.conv.weight_orig") => side / 2,
        ("progression", "conv2.conv.weight_orig") => side,
        ("to_rgb", "conv.weight_orig") if side == size => side,
        _ => return None,
    };
    Some(gflop(read * read, a, b, kh * kw))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, shape: &[usize], positions: Option<usize>) {
        let expected =
            positions.map(|positions| 2.0 * (positions * shape.iter().product::<usize>()) as f64 / 1e9);
        assert_eq!(layer_gflop(name, shape, 128), expected, "{name}");
    }

    #[test]
    fn only_convolutions_of_the_blocks_in_use_count() {
        check("generator.progression.0.conv2.conv.weight_orig", &[512, 512, 3, 3], Some(16));
        check("g_running.generator.progression.4.conv1.1.conv.weight_orig", &[256, 512, 3, 3], Some(1024));
        check("generator.progression.5.conv1.0.weight", &[256, 128, 3, 3], Some(4096));
        check("generator.to_rgb.5.conv.weight_orig", &[3, 128, 1, 1], Some(16384));
        check("generator.to_rgb.4.conv.weight_orig", &[3, 256, 1, 1], None);
        check("generator.progression.6.conv2.conv.weight_orig", &[64, 64, 3, 3], None);
        check("generator.progression.5.conv1.1.weight", &[128, 1, 3, 3], None);
        check("generator.progression.0.conv1.input", &[1, 512, 4, 4], None);
        check("generator.progression.5.noise1.weight_orig", &[1, 128, 1, 1], None);
        check("generator.progression.5.adain1.style.linear.weight_orig", &[256, 512], None);
        check("generator.progression.99.conv2.conv.weight_orig", &[4, 4, 3, 3], None);
    }
}
