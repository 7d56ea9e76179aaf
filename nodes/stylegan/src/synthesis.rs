use dreamwire_sdk::memory;
use dreamwire_sdk::prelude::*;
use serde::Serialize;

use crate::{latent, noise, transform};

/// The most pixels of a result, over its whole batch: 128 pictures of 1024x1024.
const MAX_PIXELS: u64 = 1 << 27;

/// Generates pictures from styles, one at a time, so that a long batch needs the memory of one, and of its
/// result.
///
/// The result is IMAGE `[B,R,R,C]`, clamped to 0..1. Noise adds the details that a style leaves open, such as
/// freckles and single hairs. `const` uses the planes stored in the weights, or fixed ones for a network whose weights
/// have none; `none` omits them (smoother pictures), `random` draws standard normal ones: the same planes for every
/// picture of the batch, so that an interpolation does not flicker, and a picture of a batch equals the picture made
/// alone.
///
/// `transform` moves what a StyleGAN3 paints: one matrix for all pictures, or one for each. With one `w` and several
/// matrices that one style is painted at each of the places.
///
/// Errors: `w` of another network; a `transform` for a network that is not a StyleGAN3, or for another batch; more than 134
/// megapixels over the pictures that are made together; more memory than there is.
///
/// Source: Karras et al., arXiv:1912.04958 (noise) and arXiv:2106.12423 (moves).
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// Source of the noise; a network without noise looks the same in all modes.
    pub(crate) noise_mode: NoiseMode,
    /// Seed of random noise; the other modes ignore it.
    #[schemars(range(min = 0, max = 18_446_744_073_709_551_615_u64))]
    pub(crate) noise_seed: u64,
}

impl Default for Params {
    fn default() -> Self {
        Self { noise_mode: NoiseMode::Const, noise_seed: 0 }
    }
}

#[derive(Clone, Copy, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum NoiseMode {
    Const,
    Random,
    None,
}

#[derive(Default)]
pub(crate) struct Synthesis;

impl Node for Synthesis {
    const KIND: Kind = Kind::new("Synthesis", 1)
        .title("Synthesis")
        .category("stylegan")
        .inputs(&[
            port("generator", "GENERATOR").doc("The GENERATOR of LoadStyleGAN."),
            port("w", "LATENT_W").rows().doc("A style per layer, `[B,layers,w]`."),
            port("transform", "TRANSFORM")
                .optional()
                .rows()
                .doc("Where a StyleGAN3 paints: `[B or 1,3,3]` of GeneratorTransform."),
        ])
        .outputs(&[port("IMAGE", "IMAGE").rows().doc("One picture per latent, `[B,R,R,C]` in 0..1.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let generator = inputs.function("generator")?;
        let w = latent::latent_w(&inputs, "w")?;
        let spec = generator.spec();
        if let Some([layers, width]) = latent::sizes(spec.inputs.first()) {
            latent::check_w(&w, layers, width)?;
        }
        let places = places(&inputs, spec)?;
        let batch = batch(&w, places.as_ref())?;
        check_size(spec, batch)?;
        check_memory(&generator, batch, call.device())?;
        let noise = match params.noise_mode {
            NoiseMode::Const => Vec::new(),
            NoiseMode::Random => noise::planes(spec, Some(params.noise_seed), call.device())?,
            NoiseMode::None => noise::planes(spec, None, call.device())?,
        };
        let (mut pixels, mut shape) = (Vec::new(), vec![0, 0, 0, 0]);
        for index in 0..batch {
            // The host may ask for one picture of a batch, and knows which it is.
            let note = if batch > 1 { format!("image {}/{batch}", index + 1) } else { "image".to_owned() };
            call.progress(index as u64, batch as u64, &note)?;
            let one = row(&w, index)?;
            let place = places.as_ref().map(|places| row(places, index)).transpose()?;
            let x: Vec<&Tensor> = std::iter::once(&one).chain(&noise).chain(&place).collect();
            let picture = generator.eval(&x)?.swap_remove(0).clamp(0f32, 1f32)?;
            call.preview(&picture);
            // One buffer for all of them: concatenating tensors would need twice the memory.
            pixels.reserve_exact((batch - index) * picture.elem_count());
            pixels.extend(picture.flatten_all()?.to_vec1::<f32>()?);
            shape = picture.dims().to_vec();
        }
        shape[0] = batch;
        // Values are handed over in host memory.
        Ok(Tensor::from_vec(pixels, shape, &Device::Cpu)?.into())
    }
}

/// The matrices at `transform`, if the generator can move its pictures.
fn places(inputs: &Inputs, generator: &FnSpec) -> Result<Option<Tensor>> {
    let places = transform::connected(inputs)?;
    if places.is_some() && !transform::is_input_of(generator) {
        let name = &generator.name;
        let message =
            format!("a TRANSFORM moves the pictures of a StyleGAN3 only, and this generator is a `{name}`");
        return Err(Error::port(transform::NAME, message).hint("leave `transform` unconnected"));
    }
    Ok(places)
}

/// The number of pictures: one of the two may be for all of the other.
fn batch(w: &Tensor, places: Option<&Tensor>) -> Result<usize> {
    let styles = w.dim(0)?;
    match places.map(|places| places.dim(0)).transpose()? {
        None | Some(1) => Ok(styles),
        Some(count) if styles == 1 || styles == count => Ok(count),
        Some(count) => {
            let message = format!("`transform` has {count} matrices for {styles} latents");
            Err(Error::shape(transform::NAME, message).hint("give one for each latent, or one for all"))
        }
    }
}

/// Row `index` of a batch, or the only one.
fn row(batch: &Tensor, index: usize) -> Result<Tensor> {
    Ok(batch.narrow(0, index.min(batch.dim(0)? - 1), 1)?)
}

/// Refuses results with too many pixels, if the generator's spec says how many it makes.
fn check_size(generator: &FnSpec, batch: usize) -> Result<()> {
    let Some([height, width, _]) = latent::sizes(generator.outputs.first()) else { return Ok(()) };
    let pixels = (batch as u64).saturating_mul(height as u64).saturating_mul(width as u64);
    if pixels <= MAX_PIXELS {
        return Ok(());
    }
    let message = format!(
        "{batch} pictures of {width}x{height} are {} megapixels, the limit is {} megapixels",
        pixels.div_ceil(1_000_000),
        MAX_PIXELS / 1_000_000
    );
    let most = MAX_PIXELS / (width as u64 * height as u64).max(1);
    Err(Error::limit(message).at("w").hint(format!("use at most {most} latents: fewer seeds or frames")))
}

/// Refuses a batch that needs more memory than there is on `device`, if the generator says what it needs.
fn check_memory(generator: &Function, batch: usize, device: &Device) -> Result<()> {
    let Some(peak) = generator.peak() else { return Ok(()) };
    let needed = needed(&peak, batch);
    memory::check(&format!("the synthesis of a batch of {batch}"), needed, device).map_err(|error| {
        let smaller = match batch {
            1 => "use a smaller network or fewer `tiles` of it; or end other programs",
            _ => "use fewer latents: fewer seeds or frames; or end other programs",
        };
        error.at("w").hint(smaller)
    })
}

/// The generator's peak for one picture, with spares; the result, and the picture on its way there.
fn needed(peak: &Peak, batch: usize) -> u64 {
    let result = peak.outputs.saturating_mul((batch as u64).saturating_add(2));
    memory::with_spares(peak.of_value(&[1])).saturating_add(result)
}

#[cfg(test)]
mod tests;
