use dreamwire_nets::stylegan::{Projector, Schedule, Space, average_and_spread};
use dreamwire_sdk::prelude::*;
use serde::Serialize;

use crate::styles::Styles;
use crate::{latent, noise};

mod fit;
mod goal;
mod need;
mod search;

use goal::Goal;
use search::Search;

/// Projects a picture: searches for the latent whose picture is nearest to it.
///
/// Adam moves w, from the average style or from `start`, down a distance: to `image`, minus `objective`, minus `prior`,
/// whichever are connected. The distance to `image` is the mean squared difference of pixels, or with `features` that of
/// what a network sees: the features of each position are scaled to length 1, their squared differences averaged over
/// positions, and the layers added with their weights (LPIPS without its learned weights). Of VGG16, `relu1_2, relu2_2,
/// relu3_3, relu4_3, relu5_3` are the layers of LPIPS. Without `image` an `objective` such as PerceptualLoss has the
/// target; higher is better.
///
/// In the first steps w is also moved at random, so that the search finds a broad valley. Noise planes are searched for
/// along with w, kept free of structure, and dropped at the end, as in NVIDIA's program: `IMAGE` is what Synthesis makes
/// of the found latent, clamped to 0..1. A network without noise has no planes.
///
/// An `image` of another aspect ratio is cropped around its centre, one of another size resized by area to the
/// network's, and its channels are converted; it may be one for all, or one for each of a batch `[B,..]`. All latents of
/// a batch are searched for at once, and none depends on the others.
///
/// Errors: neither `image` nor `objective`; a MAPPING and a GENERATOR of different networks; a `start` that does not fit;
/// a distance that is not finite; more memory than there is; whatever the functions refuse.
///
/// Source: Karras et al., arXiv:1912.04958, appendix D, and stylegan2-ada-pytorch's `projector.py` (in W); Abdal et al.,
/// arXiv:1904.03189 (W+); Zhang et al., arXiv:1801.03924 (LPIPS).
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// Steps; a few hundred already resemble.
    #[schemars(range(min = 1, max = 100_000))]
    pub(crate) steps: usize,
    /// The longest step, in units of w.
    #[schemars(range(min = 0.0, max = 10.0), extend("x-dw-step" = 0.01))]
    pub(crate) rate: f64,
    /// The part of the steps in which the rate rises to its height.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-dw-step" = 0.01))]
    pub(crate) rate_rampup: f64,
    /// The part of the steps in which the rate falls to 0 at the end.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-dw-step" = 0.01))]
    pub(crate) rate_rampdown: f64,
    /// Random moves of w at first, relative to the spread of the network's styles.
    #[schemars(range(min = 0.0, max = 10.0), extend("x-dw-step" = 0.01))]
    pub(crate) noise: f64,
    /// The part of the steps after which there are no random moves; they get smaller until then.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-dw-step" = 0.01))]
    pub(crate) noise_ramp: f64,
    /// Whether to search for the network's noise planes along with w. Without, the planes in the weights are used.
    pub(crate) optimise_noise: bool,
    /// How strongly noise planes are kept free of structure, in the unit of the distance.
    #[schemars(range(min = 0.0))]
    pub(crate) noise_regularisation: f64,
    /// One w for all layers, which can be edited like any style of the network, or one for each, which comes closer to
    /// the image but may leave what the network knows.
    pub(crate) space: SpaceName,
    /// Larger pictures are compared at this size, by area: they are divided by the smallest whole number that makes both
    /// sides fit and leaves no pixel over; 0 is off. The side is of 256 pixels in NVIDIA's program.
    #[schemars(range(min = 0, max = 65536), extend("x-dw-unit" = "px"))]
    pub(crate) compare_size: usize,
    /// Random latents from whose styles the average and the spread are computed, the first rows of
    /// `numpy.random.RandomState(123).randn(samples, z)`, as in NVIDIA's program.
    #[schemars(range(min = 2, max = 100_000))]
    pub(crate) samples: usize,
    /// Seed of the random moves, and of the first noise planes: those of Synthesis with `noise_mode` random and this
    /// `noise_seed`.
    #[schemars(range(min = 0, max = 18_446_744_073_709_551_615_u64))]
    pub(crate) seed: u64,
}

impl Default for Params {
    fn default() -> Self {
        let Schedule { steps, rate, rampup, rampdown, noise, noise_ramp } = Schedule::default();
        Self {
            steps,
            rate,
            rate_rampup: rampup,
            rate_rampdown: rampdown,
            noise,
            noise_ramp,
            optimise_noise: true,
            noise_regularisation: 1e5,
            space: SpaceName::W,
            compare_size: 256,
            samples: 10_000,
            seed: 0,
        }
    }
}

impl Params {
    fn schedule(&self) -> Schedule {
        Schedule {
            steps: self.steps,
            rate: self.rate,
            rampup: self.rate_rampup,
            rampdown: self.rate_rampdown,
            noise: self.noise,
            noise_ramp: self.noise_ramp,
        }
    }
}

/// How a graph names a [`Space`].
#[derive(Clone, Copy, Deserialize, JsonSchema, Serialize)]
#[schemars(inline)]
pub(crate) enum SpaceName {
    #[serde(rename = "w")]
    W,
    #[serde(rename = "w+")]
    WPlus,
}

impl From<SpaceName> for Space {
    fn from(name: SpaceName) -> Self {
        match name {
            SpaceName::W => Self::W,
            SpaceName::WPlus => Self::WPlus,
        }
    }
}

#[derive(Default)]
pub(crate) struct ProjectImage;

impl Node for ProjectImage {
    const KIND: Kind = Kind::new("ProjectImage", 1)
        .title("Project image")
        .category("stylegan")
        .inputs(&[
            port("mapping", "MAPPING").doc("The network's MAPPING: where the search begins, and how far it moves at random."),
            port("generator", "GENERATOR").doc("The network's GENERATOR."),
            port("image", "IMAGE").optional().doc("The picture to come close to, `[1 or B,h,w,C]`."),
            port("features", "FEATURES")
                .optional()
                .doc("The layers in which the pictures are compared, with their weights; without them, pixels are."),
            port("objective", "OBJECTIVE").optional().doc("What else to increase: an objective of the picture."),
            port("prior", "OBJECTIVE").optional().doc("What else to increase: an objective of the latent, LatentPrior."),
            port("start", "LATENT_W").optional().doc("Where to begin, `[1 or B,layers,w]`: a seed, or a result."),
        ])
        .outputs(&[
            port("LATENT_W", "LATENT_W").doc("The nearest latent, `[B,layers,w]`."),
            port("IMAGE", "IMAGE").doc("Its picture, `[B,R,R,C]` in 0..1."),
        ]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let (mapping, generator) = (inputs.function("mapping")?, inputs.function("generator")?);
        let image = inputs.opt_image("image")?;
        let prior = objective(&inputs, "prior", LATENTS)?;
        let objective = objective(&inputs, "objective", PICTURES)?;
        let given = inputs.opt_tensor("start")?.map(|_| latent::latent_w(&inputs, "start")).transpose()?;

        let Styles { styles, layers } = Styles::sample(call, &mapping, params.samples)?;
        let width = styles.dim(1)?;
        if let Some(wanted) = latent::sizes::<2>(generator.spec().inputs.first())
            && wanted != [layers, width]
        {
            return Err(different_networks([layers, width], wanted));
        }
        let (average, spread) = average_and_spread(&styles)?;
        drop(styles);
        let batch = batch(image.as_ref(), given.as_ref())?;
        let start = match given {
            Some(start) => {
                check_start(&start, layers, width)?;
                start
            }
            None => average.reshape((1, 1, width))?,
        };
        let start = start.broadcast_as((batch, layers, width))?.contiguous()?;

        let seen = generator.eval(&[&start.narrow(0, 0, 1)?])?.into_iter().next();
        let (_, height, width, channels) =
            seen.ok_or_else(|| Error::port("generator", "`generator` returned no picture"))?.dims4()?;
        let dims = [batch, height, width, channels];
        let features = inputs.opt_function("features")?;
        let goal = Goal::new(call, image, features, objective, dims, params.compare_size)?;
        let planes =
            if params.optimise_noise { first_planes(call, &generator, params.seed)? } else { Vec::new() };
        need::check(&generator, &goal, &start, dims, &planes, call.device())?;

        let planes = planes.iter().map(|plane| plane.repeat((batch, 1, 1, 1)));
        let planes = planes.collect::<std::result::Result<Vec<_>, _>>()?;
        let space = params.space.into();
        let projector =
            Projector::new(params.schedule(), space, start, spread, planes, params.noise_regularisation);
        let search = Search {
            call,
            generator: &generator,
            goal,
            prior,
            seed: params.seed,
            steps: params.steps,
            space,
        };
        let found = search.run(projector)?;
        let picture = generator.eval(&[&found])?.swap_remove(0).clamp(0f32, 1f32)?;
        Ok(Outputs::new().tensor(found).tensor(picture))
    }
}

/// Sizes of a batch of pictures.
const PICTURES: usize = 4;
/// Sizes of a batch of latents.
const LATENTS: usize = 3;

/// The OBJECTIVE at `port`, of what has that many sizes.
fn objective(inputs: &Inputs, port: &str, sizes: usize) -> Result<Option<Function>> {
    let Some(objective) = inputs.opt_function(port)? else { return Ok(None) };
    let spec = objective.spec();
    let (what, instead) = match (spec.inputs.first().map(|input| input.dims.len()), sizes) {
        (Some(LATENTS), PICTURES) => ("latents, not of pictures", "prior"),
        (Some(PICTURES), LATENTS) => ("pictures, not of latents", "objective"),
        _ => return Ok(Some(objective)),
    };
    let message = format!("`{}` is an objective of {what}", spec.name);
    Err(Error::port(port, message).hint(format!("connect it to `{instead}`")))
}

fn different_networks([layers, width]: [usize; 2], wanted: [usize; 2]) -> Error {
    let [wanted_layers, wanted_width] = wanted;
    let message = format!(
        "`mapping` makes {layers} layers of {width} numbers, `generator` takes {wanted_layers} of {wanted_width}"
    );
    Error::port("mapping", message).hint("connect both to the same LoadStyleGAN")
}

/// Refuses a start of another network.
fn check_start(start: &Tensor, layers: usize, width: usize) -> Result<()> {
    let (_, found_layers, found_width) = start.dims3()?;
    if (found_layers, found_width) == (layers, width) {
        return Ok(());
    }
    let message = format!(
        "`start` must have {layers} layers of {width} numbers for this network, found {found_layers} of {found_width}"
    );
    Err(Error::shape("start", message).hint("make it with the same network"))
}

/// How many latents to search for.
fn batch(image: Option<&Tensor>, start: Option<&Tensor>) -> Result<usize> {
    let count = |tensor: Option<&Tensor>| tensor.map_or(Ok(1), |tensor| tensor.dim(0));
    let (images, starts) = (count(image)?, count(start)?);
    if images != 1 && starts != 1 && images != starts {
        let message = format!("`start` must have 1 or {images} latents, as many as `image`, found {starts}");
        return Err(Error::shape("start", message));
    }
    Ok(images.max(starts))
}

/// The noise planes of a network whose inputs after w are noise, `[1,1,r,r]` each; none for others.
fn first_planes(call: &Call, generator: &Function, seed: u64) -> Result<Vec<Tensor>> {
    let spec = generator.spec();
    if spec.inputs.iter().skip(1).all(|input| input.name.starts_with("noise_")) {
        noise::planes(spec, Some(seed), call.device())
    } else {
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests;
