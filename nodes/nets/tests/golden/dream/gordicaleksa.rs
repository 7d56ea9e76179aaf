//! gordicaleksa's pytorch-deepdream on VGG16 with portable weights.

use candle_core::{DType, Result, Tensor};
use dreamwire_nets::PaddingMode;
use dreamwire_nets::extractor::{Extractor, Layer, Normalisation};
use dreamwire_nets::objective::{Norm, energy};
use dreamwire_nets::optim::{Stepper, cascade_blur, cascade_sigma, octave_sizes, resize_linear};
use dreamwire_nets::vgg::{self, Variant};
use serde_json::Value;

use super::{errors, gradient, weights};
use crate::reference::{Reference, device, picture};
use crate::tolerance::Tolerance;

const MEAN: [f32; 3] = Normalisation::IMAGENET.mean;
const STD: [f32; 3] = Normalisation::IMAGENET.std;

/// The program with one of the reference's configurations. Its pictures are normalised ones, `[1, H, W, 3]`.
struct Program {
    network: Extractor,
    layers: Vec<Layer>,
    dtype: DType,
    steps: usize,
    rate: f64,
    levels: usize,
    ratio: f64,
    smoothing: f64,
}

impl Program {
    fn new(config: &Value, dtype: DType) -> Result<Self> {
        let tensors = weights(&vgg::parameter_shapes(Variant::Vgg16), dtype);
        let network = vgg::extractor(tensors, PaddingMode::Zeros, &device()).expect("these are its weights");
        let names: Vec<String> = serde_json::from_value(config["layers_to_use"].clone()).unwrap();
        let layers =
            names.iter().map(|name| network.layer(name).expect("a layer of VGG16").clone()).collect();
        let count = |key: &str| config[key].as_u64().unwrap() as usize;
        let number = |key: &str| config[key].as_f64().unwrap();
        Ok(Self {
            network,
            layers,
            dtype,
            steps: count("num_gradient_ascent_iterations"),
            rate: number("lr"),
            levels: count("pyramid_size"),
            ratio: number("pyramid_ratio"),
            smoothing: number("smoothing_coefficient"),
        })
    }

    /// One step of a level: the objective is the mean over layers of their mean square.
    fn step(&self, x: &Tensor, step: usize) -> Result<Tensor> {
        let shares = vec![1.0 / self.layers.len() as f64; self.layers.len()];
        let gradient = gradient(x, self.dtype, |x| {
            let features = self.network.apply(&x.permute((0, 3, 1, 2))?.contiguous()?, &self.layers)?;
            energy(&features, &shares, Norm::L2)
        })?;
        let gradient = cascade_blur(&gradient, cascade_sigma(step, self.steps, self.smoothing))?;
        let x = (x + (Stepper::Std.direction(&gradient)? * self.rate)?)?;
        x.broadcast_maximum(&normalise(&grey(0.0)?)?)?.broadcast_minimum(&normalise(&grey(1.0)?)?)
    }

    /// A whole run on a picture in 0..1, and its result in 0..1.
    fn run(&self, image: &Tensor) -> Result<Tensor> {
        let (_, height, width, _) = image.dims4()?;
        let mut x = normalise(image)?;
        for (height, width) in octave_sizes(height, width, self.levels, self.ratio) {
            x = resize_linear(&x, height, width)?;
            for step in 0..self.steps {
                x = self.step(&x, step)?;
            }
        }
        let image = x.broadcast_mul(&Tensor::new(&STD, x.device())?)?;
        image.broadcast_add(&Tensor::new(&MEAN, x.device())?)?.clamp(0f32, 1f32)
    }
}

fn normalise(image: &Tensor) -> Result<Tensor> {
    let centred = image.broadcast_sub(&Tensor::new(&MEAN, image.device())?)?;
    centred.broadcast_div(&Tensor::new(&STD, image.device())?)
}

fn grey(value: f32) -> Result<Tensor> {
    Tensor::full(value, (1, 1, 1, 3), &device())
}

/// The reference's planes `[1, C, H, W]` as our pictures, `[1, H, W, C]`.
fn image(reference: &Reference, name: &str) -> Result<Tensor> {
    reference.tensor(name).permute((0, 2, 3, 1))?.contiguous()
}

/// The picture that `step` of level 0 starts from.
fn before(reference: &Reference, step: usize) -> Result<Tensor> {
    match step.checked_sub(1) {
        None => image(reference, "level0.input"),
        Some(last) => image(reference, &format!("level0.after_iter{last}")),
    }
}

#[test]
fn blurred_gradients() -> Result<()> {
    let reference = Reference::read("dream/gordicaleksa");
    let gradient = image(&reference, "cascade_blur.in")?;
    for sigma in [0.5, 1.0, 2.5] {
        let name = format!("cascade_blur.sigma{sigma:.1}");
        Tolerance::Close.check(&name, &cascade_blur(&gradient, sigma)?, &image(&reference, &name)?);
    }
    Ok(())
}

#[test]
fn sizes() -> Result<()> {
    let reference = Reference::read("dream/gordicaleksa");
    for (name, height, width) in [("cv_resize_down_57x43", 43, 57), ("cv_resize_up_200x150", 150, 200)] {
        let found = resize_linear(&picture("astronaut"), height, width)?;
        Tolerance::Close.check(name, &found.squeeze(0)?, reference.tensor(name));
    }
    let levels = [
        (normalise(&picture("astronaut"))?, "level0.input"),
        (image(&reference, "level0.after_iter3")?, "level1.input"),
        (image(&reference, "level1.after_iter3")?, "level2.input"),
    ];
    let sizes = octave_sizes(96, 128, 3, 1.4);
    for ((before, name), (height, width)) in levels.iter().zip(sizes) {
        Tolerance::Close.check(name, &resize_linear(before, height, width)?, &image(&reference, name)?);
    }
    Ok(())
}

/// Each step from where the program's own last one ended.
#[test]
fn single_steps() -> Result<()> {
    let reference = Reference::read("dream/gordicaleksa");
    let program = Program::new(&reference.facts["config"], DType::F64)?;
    for step in 0..program.steps {
        let name = format!("level0.after_iter{step}");
        let found = program.step(&before(&reference, step)?, step)?;
        Tolerance::Close.check(&name, &found, &image(&reference, &name)?);
    }
    Ok(())
}

/// In f32 a gradient may be on the other side of a kink: the mean error of a step is under 5e-4 of normalised
/// values, 0.5 % of its length.
#[test]
fn single_steps_in_single_precision() -> Result<()> {
    let reference = Reference::read("dream/gordicaleksa");
    let program = Program::new(&reference.facts["config"], DType::F32)?;
    for step in 0..program.steps {
        let name = format!("level0.after_iter{step}");
        let found = program.step(&before(&reference, step)?, step)?;
        let (_, mean) = errors(&found, &image(&reference, &name)?)?;
        assert!(mean <= 5e-4, "{name}: mean error {mean:e}");
    }
    Ok(())
}

/// Twelve steps that each amplify the rounding of the last one. The limits of the mean error in 0..1 are
/// twice the effect of a change of 1e-7 in every step (2.3e-3 and 6e-5), and a fifth of the difference
/// without the blur.
#[test]
fn whole_runs() -> Result<()> {
    let reference = Reference::read("dream/gordicaleksa");
    for (config, name, limit) in
        [("config", "out_rgb01", 5e-3), ("config_multilayer", "out_rgb01.multilayer", 3e-4)]
    {
        let program = Program::new(&reference.facts[config], DType::F64)?;
        let found = program.run(&picture("astronaut"))?;
        let (_, mean) = errors(&found.squeeze(0)?, reference.tensor(name))?;
        assert!(mean <= limit, "{name}: mean error {mean:e}");
    }
    Ok(())
}
