//! Networks computed by hand, and checks that every objective has to pass.

use dreamwire_sdk::prelude::*;
use dreamwire_sdk::testing::{Value, in_call, run_node};

use crate::fixtures::assert_close;

/// FEATURES of two layers with these weights: `planes`, `[B,3,H,W]`, is the picture itself, and `means`,
/// `[B,3,H/2,W/2]`, the means of its 2x2 blocks.
pub(crate) struct Blocks(pub(crate) [&'static str; 2]);

/// The layers of [`Blocks`].
pub(crate) const TILES: Tiles = Tiles { stride: 2, halo: 1, reduction: TileReduction::Mean };

impl Differentiable for Blocks {
    fn spec(&self) -> FnSpec {
        let spec = FnSpec::new("FEATURES", "blocks").input(TensorSpec::new("image", &[-1, -1, -1, 3]));
        ["planes", "means"].iter().zip(self.0).fold(spec, |spec, (name, weight)| {
            let layer = TensorSpec::new(*name, &[-1, 3, -1, -1]);
            spec.output(layer.semantics(format!("layout=nchw;weight={weight}")))
        })
    }

    fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
        let (b, h, w, c) = x[0].dims4()?;
        let planes = x[0].permute((0, 3, 1, 2))?.contiguous()?;
        let means = planes.reshape((b, c, h / 2, 2, w / 2, 2))?.mean(5)?.mean(3)?;
        Ok(vec![planes, means])
    }

    fn tiles(&self) -> Option<Tiles> {
        Some(TILES)
    }
}

/// A random picture, in 0..1.
pub(crate) fn picture(batch: usize, height: usize, width: usize, seed: usize) -> Tensor {
    let count = batch * height * width * 3;
    let values: Vec<f32> = (0..count).map(|i| ((i + seed) * 7919 % 1009) as f32 / 1009.0).collect();
    Tensor::from_vec(values, (batch, height, width, 3), &Device::Cpu).unwrap()
}

/// One uniform picture per value.
pub(crate) fn grey(values: &[f32], size: usize) -> Tensor {
    let images: Vec<Tensor> =
        values.iter().map(|value| Tensor::full(*value, (1, size, size, 3), &Device::Cpu).unwrap()).collect();
    Tensor::cat(&images, 0).unwrap()
}

/// A picture of 2x2 pixels with these values of red, row by row, and no green or blue.
pub(crate) fn red(values: [f32; 4]) -> Tensor {
    let values: Vec<f32> = values.iter().flat_map(|value| [*value, 0.0, 0.0]).collect();
    Tensor::from_vec(values, (1, 2, 2, 3), &Device::Cpu).unwrap()
}

/// Runs a node and takes the function that it outputs.
pub(crate) fn objective<N: Node>(params: &str, inputs: &[(&str, Value)]) -> Result<Function> {
    match run_node::<N>(params, inputs, &[])?.outputs.swap_remove(0) {
        Value::Function(function) => Ok(function),
        _ => panic!("no function"),
    }
}

/// The value of a picture.
#[track_caller]
pub(crate) fn value(function: &Function, image: &Tensor) -> f64 {
    in_call(|_| Ok(function.value_and_grad(image)?.0)).unwrap()
}

/// Checks the gradient against the value along two directions, and that every image of the batch is
/// independent.
#[track_caller]
pub(crate) fn check_gradient(function: &Function, images: &Tensor) {
    const STEP: f64 = 0.005;
    assert!(function.ty() == "OBJECTIVE" && function.spec().is_scalar());
    let (batch, height, width, _) = images.dims4().unwrap();
    let gradient_of = |images: &Tensor| in_call(|_| function.value_and_grad(images)).unwrap();
    let (whole, gradient) = gradient_of(images);

    for seed in [37, 411] {
        let direction = (picture(batch, height, width, seed) - 0.3).unwrap();
        let at = |step: f64| value(function, &(images + (&direction * step).unwrap()).unwrap());
        let found = (at(STEP) - at(-STEP)) / (2.0 * STEP);
        let along = (&gradient * &direction).unwrap().sum_all().unwrap();
        let expected = f64::from(along.to_scalar::<f32>().unwrap());
        assert!((found - expected).abs() < 1e-2 * expected.abs(), "{found} by differences, {expected}");
    }

    let (mut sum, mut gradients) = (0.0, Vec::new());
    for image in 0..batch {
        let (value, gradient) = gradient_of(&images.narrow(0, image, 1).unwrap().contiguous().unwrap());
        sum += value;
        gradients.push(gradient);
    }
    assert!((sum - whole).abs() < 1e-4 * whole.abs(), "{sum} one by one, {whole} together");
    assert_close(&Tensor::cat(&gradients, 0).unwrap(), &gradient);
}
