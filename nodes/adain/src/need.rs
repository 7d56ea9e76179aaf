//! The memory that a style transfer needs.

use dreamwire_nets::adain::Decoder;
use dreamwire_sdk::memory;
use dreamwire_sdk::prelude::*;

/// Pictures of the content's size that there are at once, besides what the networks need: the input here and in the
/// host, mirrored, the result, and its steps.
const PICTURES: u64 = 8;
/// In a descent also Adam's moments, and the graph of the differences between neighbours.
const DESCENT_PICTURES: u64 = 22;
/// Copies of the layers that a descent has at once: as received, as plain numbers, their gradients, and the last one's
/// target.
const LAYER_COPIES: u64 = 4;
/// The side of the features whose need stands for that of all.
const SIDE: usize = 128;

/// Refuses a pass through encoder and decoder that needs more memory than there is on `device`.
///
/// # Errors
///
/// Says how much it needs.
pub(crate) fn check_pass(
    features: &Function,
    decoder: &Decoder,
    content: &Tensor,
    style: &Tensor,
    device: &Device,
) -> Result<()> {
    let Some(needed) = pass(features, decoder, content.dims(), style.dims()) else { return Ok(()) };
    let (what, port) = (said("painting", content)?, larger(content, style));
    memory::check(&what, needed, device)
        .map_err(|error| error.at(port).hint(format!("use a smaller `{port}`: Resize it first")))
}

/// Refuses a descent that needs more memory than there is on `device`.
///
/// # Errors
///
/// Says how much it needs.
pub(crate) fn check_descent(
    features: &Function,
    content: &Tensor,
    style: &Tensor,
    device: &Device,
) -> Result<()> {
    let Some(needed) = descent(features, content.dims(), style.dims()) else { return Ok(()) };
    let (what, port) = (said("a descent", content)?, larger(content, style));
    memory::check(&what, needed, device).map_err(|error| {
        let hint =
            format!("use a smaller `{port}`: Resize it first; or fewer or later `layers` of the features");
        error.at(port).hint(hint)
    })
}

fn pass(features: &Function, decoder: &Decoder, content: &[usize], style: &[usize]) -> Option<u64> {
    let peak = features.peak()?;
    let of_decoder = decoder.peak(SIDE).ok()?.forward;
    let per_pixel = of_decoder.div_ceil((SIDE * SIDE * decoder.scale() * decoder.scale()) as u64);
    let encoding = peak.of_value(content).max(peak.of_value(style));
    let decoding = per_pixel.saturating_mul(pixels(content));
    // The content's layer and the target.
    let layers = peak.of_outputs(content).saturating_mul(2).saturating_add(peak.of_outputs(style));
    let live = encoding.max(decoding).saturating_add(layers).saturating_add(pictures(content, PICTURES));
    // Two plugins, one after the other.
    Some(live.saturating_add(memory::spares(encoding)).saturating_add(memory::spares(decoding)))
}

fn descent(features: &Function, content: &[usize], style: &[usize]) -> Option<u64> {
    let peak = features.peak()?;
    let step =
        peak.of_gradient(content).saturating_add(peak.of_outputs(content).saturating_mul(LAYER_COPIES));
    // Before the first step the layers of both pictures.
    let encoding = peak.of_value(style).max(peak.of_value(content));
    let layers = peak.of_outputs(content).saturating_mul(3).saturating_add(peak.of_outputs(style));
    let start = encoding.saturating_add(layers);
    Some(memory::with_spares(step.max(start).saturating_add(pictures(content, DESCENT_PICTURES))))
}

fn pictures(dims: &[usize], count: u64) -> u64 {
    const PIXEL_BYTES: u64 = 3 * 4;
    pixels(dims).saturating_mul(PIXEL_BYTES * count)
}

fn pixels(dims: &[usize]) -> u64 {
    dims.iter().take(3).fold(1, |pixels: u64, size| pixels.saturating_mul(*size as u64))
}

/// The port whose picture needs more.
fn larger(content: &Tensor, style: &Tensor) -> &'static str {
    if pixels(style.dims()) > pixels(content.dims()) { "style" } else { "content" }
}

fn said(what: &str, content: &Tensor) -> Result<String> {
    let (batch, height, width, _) = content.dims4()?;
    Ok(match batch {
        1 => format!("{what} of {width}x{height} pixels"),
        _ => format!("{what} of {batch} pictures of {width}x{height} pixels at once"),
    })
}

#[cfg(test)]
mod tests {
    use dreamwire_sdk::testing::Value;

    use super::*;

    struct Known;

    impl Differentiable for Known {
        fn spec(&self) -> FnSpec {
            let output = TensorSpec::new("layer", &[-1, 4, -1, -1]);
            FnSpec::new("FEATURES", "known").input(TensorSpec::new("image", &[-1, -1, -1, 3])).output(output)
        }

        fn forward(&self, _: &[Tensor]) -> Result<Vec<Tensor>> {
            Err(Error::failed("nobody asks"))
        }

        fn peak(&self) -> Option<Peak> {
            Some(Peak { fixed: 7, outputs: 100, value: 1000, gradient: 3000 })
        }
    }

    fn known() -> Function {
        let Value::Function(function) = Value::function(Known) else { panic!("a function") };
        function
    }

    /// 200 pixels: 3000 for the network, four copies of the layers and 22 pictures each; spares are as much again.
    #[test]
    fn a_descent_needs_its_steps() {
        assert_eq!(
            descent(&known(), &[2, 10, 10, 3], &[1, 1, 1, 3]),
            Some(2 * (7 + 200 * (3000 + 400 + 22 * 12)))
        );
        // A large style: 1000 pixels are encoded, and their layers kept beside three of the content's.
        let large = 7 + 1000 * 1000 + 1000 * 100 + 3 * 200 * 100 + 200 * 22 * 12;
        assert_eq!(descent(&known(), &[2, 10, 10, 3], &[1, 10, 100, 3]), Some(2 * large));
    }

    #[test]
    fn the_larger_picture_is_blamed() {
        let zeros = |side| Tensor::zeros((1, side, side, 3), DType::F32, &Device::Cpu).unwrap();
        assert_eq!((larger(&zeros(4), &zeros(4)), larger(&zeros(4), &zeros(5))), ("content", "style"));
        assert_eq!(said("painting", &zeros(4)).unwrap(), "painting of 4x4 pixels");
    }
}
