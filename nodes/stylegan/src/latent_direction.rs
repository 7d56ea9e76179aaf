use dreamwire_nets::Kept;
use dreamwire_sdk::prelude::*;

use crate::network::{Source, Weights, random_two};
use crate::vectors::Vectors;
use crate::{builtin, latent, layers, list};

/// Moves latents along directions that change one thing about the picture, such as age or pose.
///
/// `w' = w + strength d` in the chosen layers. The result is `[B*D*steps,layers,w]`: for every latent every direction,
/// and for every direction every strength, so that a Grid of `steps` columns has a row per direction.
///
/// `weights` gives the directions:
///
/// - a network: the directions that change the styles of the chosen layers most, found in its weights without training
///   (SeFa). They have length 1 and are numbered from the strongest; what each one does is found by looking. They are
///   the eigenvectors of `sum_i A_i^T A_i`, where `A_i` is the affine map from w to the styles of layer i with rows of
///   length 1; their largest component is positive.
/// - a file with one array: `[w]` or `[layers,w]` is a direction, `[K,w]` or `[K,1 or layers,w]` are several, used as
///   they are. `.npy`, `.npz`, `.safetensors` and PyTorch's `.pt` are read.
/// - a `factor.pt` of rosinality's closed_form_factorization.py: the columns of its `eigvec`.
/// - an `.npz` of GANSpace for w: its components `lat_comp`; `strength` is in their standard deviations `lat_stdev`.
///
/// Errors: directions of another network than the latents; a direction or layer that does not exist; a file that holds
/// neither; more than 4096 latents.
///
/// Source: Shen and Zhou, arXiv:2007.06600 (SeFa); Harkonen et al., arXiv:2004.02546 (GANSpace).
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// A network as LoadStyleGAN takes it, the one that the latents are for: built in, random, or a file (`.pkl`, `.pt`,
    /// `.safetensors`). Or a file of directions.
    #[schemars(extend("format" = "dw-weights", "x-dw-builtin" = ["avatars64", "random:*"]))]
    pub(crate) weights: String,
    /// The directions: numbers and ranges such as `0-4,7`; 0 is the first, of a network the strongest.
    #[schemars(extend("x-dw-list" = true))]
    pub(crate) directions: String,
    /// The layers that are moved, and that a network's directions are found for: numbers and ranges such as `0-6,9`, or
    /// coarse, middle, fine, all.
    #[schemars(extend("x-dw-list" = true))]
    pub(crate) layers: String,
    /// How far to go. Negative goes the other way.
    #[schemars(range(min = -1000.0, max = 1000.0), extend("x-dw-step" = 0.1))]
    pub(crate) strength: f64,
    /// Where a sweep begins; it ends at `strength`. Without a sweep it is not used.
    #[schemars(range(min = -1000.0, max = 1000.0), extend("x-dw-step" = 0.1))]
    pub(crate) from: f64,
    /// Number of strengths: 1 is `strength` alone, more are a sweep from `from` to `strength` in even steps.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) steps: usize,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            weights: builtin::NAME.to_owned(),
            directions: "0".to_owned(),
            layers: "all".to_owned(),
            strength: 3.0,
            from: -3.0,
            steps: 1,
        }
    }
}

/// A network's directions and the number of its layers, by its weights and the chosen layers.
type KeptDirections = Kept<(Source, Vec<usize>), (Tensor, usize)>;

#[derive(Default)]
pub(crate) struct LatentDirection {
    kept: KeptDirections,
}

impl Node for LatentDirection {
    const KIND: Kind = Kind::new("LatentDirection", 1)
        .title("Latent direction")
        .category("stylegan")
        .inputs(&[port("latents", "LATENT_W").doc("The styles to move, `[B,layers,w]`.")])
        .outputs(&[port("LATENT_W", "LATENT_W")
            .doc("Every latent moved along every direction by every strength, `[B*D*steps,layers,w]`.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let latents = latent::latent_w(&inputs, "latents")?;
        let (batch, count, width) = latents.dims3()?;
        let chosen = layers::parse(&params.layers, count)?;
        let picked = list::items(&params.directions).map_err(wrong)?;
        let total = [picked.len(), params.steps].into_iter().map(|n| n as u64).product::<u64>();
        let total = total.saturating_mul(batch as u64);
        latent::check_count(total)?;
        let weights = Weights::find("weights", &params.weights, || call.read(&params.weights))?;
        let vectors = self.vectors(&weights, &params.weights, &chosen, (count, width))?;
        weights.say(call);
        if let Some(beyond) = picked.iter().find(|index| **index as usize >= vectors.count) {
            let (count, last) = (vectors.count, vectors.count.saturating_sub(1));
            return Err(wrong(format!(
                "`{beyond}` is beyond the last direction: `{}` has {count}, 0 to {last}",
                params.weights
            )));
        }
        let strengths = strengths(&params);
        let values = latents.flatten_all()?.to_vec1::<f32>()?;
        let mut moved = Vec::with_capacity(values.len() * picked.len() * strengths.len());
        for latent in values.chunks(count * width) {
            for index in &picked {
                let length = vectors.rows * width;
                let direction = &vectors.values[*index as usize * length..][..length];
                for strength in &strengths {
                    moved.extend_from_slice(latent);
                    let start = moved.len() - count * width;
                    for layer in &chosen {
                        let row = &mut moved[start + layer * width..][..width];
                        let step = &direction[if vectors.rows == 1 { 0 } else { layer * width }..][..width];
                        row.iter_mut()
                            .zip(step)
                            .for_each(|(value, step)| *value += (strength * f64::from(*step)) as f32);
                    }
                }
            }
        }
        let shape = (batch * picked.len() * strengths.len(), count, width);
        Ok(Tensor::from_vec(moved, shape, call.device())?.into())
    }

    /// Rejects lists that cannot be parsed, and names of random networks that do not exist or are no StyleGAN2.
    fn check(params: &Params) -> Result<()> {
        random_two(&params.weights).map_err(|error| error.at("weights"))?;
        list::items(&params.directions).map_err(wrong)?;
        layers::check(&params.layers)
    }
}

impl LatentDirection {
    /// The directions of a file or network, for latents of `count` layers of `width`.
    fn vectors(
        &mut self,
        weights: &Weights,
        name: &str,
        chosen: &[usize],
        (count, width): (usize, usize),
    ) -> Result<Vectors> {
        let unfit = |what: String| {
            let message = format!("`latents` has {count} layers of {width}, but `{name}` is for {what}");
            Err(Error::shape("latents", message).hint("both must be of the same network"))
        };
        let of_file = Vectors::read(name, &weights.bytes, count).map_err(|error| error.at("weights"))?;
        if let Some(vectors) = of_file {
            if vectors.width != width {
                return unfit(format!("styles of {}", vectors.width));
            }
            return Ok(vectors);
        }
        let mut other = None;
        let found = self.kept.network((weights.source, chosen.to_vec()), || {
            let (generator, _) = weights.generator().map_err(|error| match weights.other_family() {
                Some(family) => other_generator(name, family),
                None => error,
            })?;
            let (layers, w) = (generator.layers(), generator.w_width());
            if (layers, w) != (count, width) {
                other = Some((layers, w));
                return Err(Error::failed("the network is for other latents"));
            }
            let directions = generator.directions(chosen).map_err(|error| weights.unusable(&error))?;
            Ok((directions.vectors, layers))
        });
        // Those that were kept may be for other latents too.
        if let Ok((vectors, layers)) = &found {
            let w = vectors.dim(1)?;
            other = ((*layers, w) != (count, width)).then_some((*layers, w));
        }
        if let Some((layers, w)) = other {
            return unfit(format!("{layers} layers of {w}"));
        }
        let (vectors, _) = found?;
        let count = vectors.dim(0)?;
        Ok(Vectors { values: vectors.flatten_all()?.to_vec1()?, count, rows: 1, width })
    }
}

/// The error that directions are not found in the weights of this network.
fn other_generator(name: &str, family: &str) -> Error {
    let message = format!(
        "`{name}`: this is {family}, for LoadStyleGAN: directions are found in the weights of a StyleGAN2 only"
    );
    let hint =
        "give a file of directions for it: an .npz of GANSpace, or an array [w], [layers,w] or [K,layers,w]";
    Error::content(message).at("weights").hint(hint)
}

/// The strengths of a sweep.
fn strengths(params: &Params) -> Vec<f64> {
    let Params { from, strength, steps, .. } = *params;
    if steps < 2 {
        return vec![strength];
    }
    let last = (steps - 1) as f64;
    // Both ends exactly.
    (0..steps).map(|step| step as f64 / last).map(|t| from * (1.0 - t) + strength * t).collect()
}

fn wrong(message: String) -> Error {
    Error::param("directions", message)
}

#[cfg(test)]
mod tests;
