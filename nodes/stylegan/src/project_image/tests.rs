use dreamwire_sdk::testing::{Ran, Value, in_call, run_node};

use super::*;
use crate::latent_prior::LatentPrior;
use crate::load_stylegan::LoadStyleGAN;
use crate::mapping_network::MappingNetwork;
use crate::small;
use crate::synthesis::Synthesis;

/// Few steps and samples, for the small network.
const SHORT: &str = r#""steps": 6, "samples": 100"#;

struct Net {
    mapping: Function,
    generator: Function,
}

impl Net {
    fn new() -> Self {
        let (mapping, generator) = small::load();
        Self { mapping, generator }
    }

    /// `w` `[count,layers,w]` of other latents than those that the node averages.
    fn w(&self, count: usize) -> Tensor {
        let z = small::normal(9, &[count, small::WIDTH]);
        in_call(|_| Ok(self.mapping.eval(&[&z])?.swap_remove(0))).unwrap()
    }

    /// What Synthesis makes of `w`.
    fn picture(&self, w: &Tensor) -> Tensor {
        let generator = ("generator", Value::Function(self.generator.clone()));
        small::output::<Synthesis>("{}", &[generator, ("w", Value::Tensor(w.clone()))])
    }

    fn run(&self, params: &str, inputs: Vec<(&'static str, Value)>) -> Result<Ran> {
        let mut all = vec![
            ("mapping", Value::Function(self.mapping.clone())),
            ("generator", Value::Function(self.generator.clone())),
        ];
        all.extend(inputs);
        run_node::<ProjectImage>(&format!("{{{params}}}"), &all, &[])
    }

    /// The latent and the picture.
    #[track_caller]
    fn found(&self, params: &str, inputs: Vec<(&'static str, Value)>) -> (Tensor, Tensor) {
        let ran = self.run(params, inputs).unwrap();
        (ran.outputs[0].tensor().clone(), ran.outputs[1].tensor().clone())
    }

    #[track_caller]
    fn refused(&self, inputs: Vec<(&'static str, Value)>, port: &str, expected: &str) {
        let error = self.run(SHORT, inputs).err().expect("refused");
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.input(), port);
    }
}

fn function(function: impl Differentiable) -> Function {
    match Value::function(function) {
        Value::Function(function) => function,
        _ => panic!("a function was made"),
    }
}

fn image(image: &Tensor) -> (&'static str, Value) {
    ("image", Value::Tensor(image.clone()))
}

/// The mean squared difference.
fn apart(a: &Tensor, b: &Tensor) -> f32 {
    (a - b).unwrap().sqr().unwrap().mean_all().unwrap().to_scalar().unwrap()
}

fn first(batch: &Tensor, index: usize) -> Tensor {
    batch.narrow(0, index, 1).unwrap().contiguous().unwrap()
}

/// From the average to the picture of a latent of the same network: in W and, closer, in W+.
#[test]
fn it_finds_a_picture_of_the_network() {
    let net = Net::new();
    let target = net.picture(&net.w(1));
    let params = |steps: usize, space: &str| {
        format!(
            r#""steps": {steps}, "samples": 100, "rate": 0.05, "optimise_noise": false, "space": "{space}""#
        )
    };
    let still = r#""steps": 1, "samples": 100, "rate": 0"#;
    let (average, at_first) = net.found(still, vec![image(&target)]);
    assert_eq!(average.dims(), [1, small::LAYERS, small::WIDTH]);
    let (w, picture) = net.found(&params(60, "w"), vec![image(&target)]);
    assert_eq!(small::bits(&picture), small::bits(&net.picture(&w)), "Synthesis makes the same");
    assert!(apart(&picture, &target) < 0.2 * apart(&at_first, &target));
    for layer in 1..small::LAYERS {
        assert_eq!(small::difference(&w.narrow(1, layer, 1).unwrap(), &w.narrow(1, 0, 1).unwrap()), 0.0);
    }
    let (wide, _) = net.found(&params(6, "w+"), vec![image(&target)]);
    assert!(small::difference(&wide.narrow(1, 1, 1).unwrap(), &wide.narrow(1, 0, 1).unwrap()) > 1e-3);
}

/// Another seed's face, from the average face.
#[test]
fn it_finds_a_face() {
    let ran = run_node::<LoadStyleGAN>("{}", &[], &[]).unwrap();
    let [Value::Function(mapping), Value::Function(generator)] = &ran.outputs[..] else {
        panic!("two functions were promised");
    };
    let net = Net { mapping: mapping.clone(), generator: generator.clone() };
    let z = ("z", Value::Tensor(small::normal(5, &[1, 128])));
    let w = small::output::<MappingNetwork>("{}", &[("mapping", Value::Function(mapping.clone())), z]);
    let target = net.picture(&w);
    let (_, average) = net.found(r#""steps": 1, "samples": 500, "rate": 0"#, vec![image(&target)]);
    let (_, found) = net.found(r#""steps": 40, "samples": 500"#, vec![image(&target)]);
    let (before, after) = (apart(&average, &target), apart(&found, &target));
    assert!(after < 0.2 * before, "{before} before, {after} after");
}

#[test]
fn results_are_repeatable_and_follow_the_seed() {
    let net = Net::new();
    let target = net.picture(&net.w(1));
    let found = |seed: u64| {
        let (w, _) = net.found(&format!(r#"{SHORT}, "seed": {seed}"#), vec![image(&target)]);
        small::bits(&w)
    };
    assert_eq!(found(1), found(1));
    assert_ne!(found(1), found(2));
}

#[test]
fn latents_of_a_batch_do_not_depend_on_each_other() {
    let net = Net::new();
    let targets = net.picture(&net.w(3));
    let (w, pictures) = net.found(SHORT, vec![image(&targets)]);
    assert_eq!((w.dim(0).unwrap(), pictures.dims()), (3, &[3, 16, 16, 3][..]));
    for index in 0..3 {
        let (alone, picture) = net.found(SHORT, vec![image(&first(&targets, index))]);
        assert_eq!(small::bits(&first(&w, index)), small::bits(&alone));
        assert_eq!(small::bits(&first(&pictures, index)), small::bits(&picture));
    }
    // Several starts to one picture.
    let starts = net.w(2);
    let (w, _) = net.found(SHORT, vec![image(&first(&targets, 0)), ("start", starts.into())]);
    assert_eq!(w.dim(0).unwrap(), 2);
    assert!(small::difference(&first(&w, 0), &first(&w, 1)) > 1e-3);
}

/// Noise planes are searched for, but the picture has those of the weights.
#[test]
fn noise_planes_serve_the_search_alone() {
    let net = Net::new();
    let target = net.picture(&net.w(1));
    let (with, picture) = net.found(SHORT, vec![image(&target)]);
    assert_eq!(small::bits(&picture), small::bits(&net.picture(&with)));
    let (without, _) = net.found(&format!(r#"{SHORT}, "optimise_noise": false"#), vec![image(&target)]);
    assert_ne!(small::bits(&with), small::bits(&without));
}

#[test]
fn it_begins_at_the_start() {
    let net = Net::new();
    let (start, target) = (net.w(2), net.picture(&net.w(1)));
    let still = r#""steps": 2, "samples": 10, "rate": 0"#;
    let (w, _) = net.found(still, vec![image(&target), ("start", start.clone().into())]);
    assert_eq!(small::bits(&w), small::bits(&start));
}

/// OBJECTIVE: minus the mean squared distance of each picture from a grey.
struct Grey(f64);

impl Differentiable for Grey {
    fn spec(&self) -> FnSpec {
        FnSpec::new("OBJECTIVE", "grey")
            .input(TensorSpec::new("image", &[-1, -1, -1, 3]))
            .output(TensorSpec::new("value", &[]))
            .scalar()
    }

    fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
        let count = x[0].elem_count() / x[0].dim(0)?;
        Ok(vec![((x[0].affine(1.0, -self.0)?.sqr()?.sum_all()? * -1.0)? / count as f64)?])
    }
}

/// FEATURES: the picture itself, channels first.
struct Planes;

impl Differentiable for Planes {
    fn spec(&self) -> FnSpec {
        let layer = TensorSpec::new("planes", &[-1, 3, -1, -1]).channels_first().weighted(2.0);
        FnSpec::new("FEATURES", "planes").input(TensorSpec::new("image", &[-1, -1, -1, 3])).output(layer)
    }

    fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
        Ok(vec![x[0].permute((0, 3, 1, 2))?.contiguous()?])
    }
}

fn grey(value: f32) -> Tensor {
    Tensor::full(value, (1, 16, 16, 3), &Device::Cpu).unwrap()
}

/// An objective that has the target does what the image does; together they meet halfway.
#[test]
fn an_objective_is_increased() {
    let net = Net::new();
    let params = r#""steps": 10, "samples": 100, "optimise_noise": false"#;
    let (by_image, _) = net.found(params, vec![image(&grey(0.3))]);
    let (by_objective, _) = net.found(params, vec![("objective", Value::function(Grey(0.3)))]);
    assert!(small::difference(&by_image, &by_objective) < 1e-3);
    let (both, _) = net.found(params, vec![image(&grey(0.1)), ("objective", Value::function(Grey(0.5)))]);
    assert!(small::difference(&both, &by_image) < 1e-2);
}

#[test]
fn features_are_compared_by_their_directions() {
    let net = Net::new();
    let target = net.picture(&net.w(1));
    let params = r#""steps": 20, "samples": 100, "rate": 0.05, "optimise_noise": false, "noise": 0"#;
    let features = || ("features", Value::function(Planes));
    let ran = net.run(params, vec![image(&target), features()]).unwrap();
    let distances: Vec<f64> =
        ran.notes.iter().filter_map(|note| note.split_once(" distance ")?.1.parse().ok()).collect();
    assert_eq!(distances.len(), 20);
    assert!(distances[19] < 0.7 * distances[0], "{distances:?}");
    // The brightness of the target does not count.
    let (bright, _) = net.found(params, vec![image(&target), features()]);
    let (dark, _) = net.found(params, vec![image(&(target * 0.5).unwrap()), features()]);
    assert!(small::difference(&bright, &dark) < 1e-2);
}

/// The stronger the prior, the more typical the latent.
#[test]
fn a_prior_keeps_the_latent_typical() {
    let net = Net::new();
    let target = net.picture(&(net.w(1) * 3.0).unwrap());
    let prior = |weight: f64| {
        let inputs = [("mapping", Value::Function(net.mapping.clone()))];
        let params = format!(r#"{{"weight": {weight}, "samples": 500}}"#);
        run_node::<LatentPrior>(&params, &inputs, &[]).unwrap().outputs.swap_remove(0)
    };
    let Value::Function(judge) = prior(1.0) else { panic!("a function was promised") };
    let params = r#""steps": 40, "samples": 100, "space": "w+", "optimise_noise": false"#;
    let distance = |weight: f64| {
        let (w, _) = net.found(params, vec![image(&target), ("prior", prior(weight))]);
        in_call(|_| Ok(-judge.value_and_grad(&w)?.0)).unwrap()
    };
    let [free, held] = [0.0, 10.0].map(distance);
    assert!(held < 0.5 * free, "{held} with a prior, {free} without");
}

/// GENERATOR without noise, whose second input is something else: all pixels are the first number of w.
struct Turned;

impl Differentiable for Turned {
    fn spec(&self) -> FnSpec {
        FnSpec::new("GENERATOR", "turned")
            .input(TensorSpec::new("w", &[-1, small::LAYERS as i64, small::WIDTH as i64]))
            .input(TensorSpec::new("transform", &[-1, 3, 3]))
            .output(TensorSpec::new("image", &[-1, 8, 8, 1]))
    }

    fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
        let [w] = x else { return Err(Error::failed("the transform was given")) };
        let first = w.narrow(2, 0, 1)?.narrow(1, 0, 1)?.unsqueeze(3)?;
        Ok(vec![first.broadcast_as((w.dim(0)?, 8, 8, 1))?.contiguous()?])
    }
}

/// A grey picture of 8 pixels from a colour photograph of 20 x 16.
#[test]
fn networks_without_noise_and_images_of_other_shapes() {
    let net = Net { generator: function(Turned), ..Net::new() };
    let target = Tensor::full(0.25f32, (1, 16, 20, 3), &Device::Cpu).unwrap();
    let params = r#""steps": 60, "samples": 100, "rate": 0.5"#;
    let ran = net.run(params, vec![image(&target)]).unwrap();
    assert!(
        ran.notes.contains(
            &"`image`, 20x16, is cropped to its central 16x16 and resized to 8x8, as `generator` paints"
                .to_owned()
        ),
        "{:?}",
        ran.notes
    );
    let picture = ran.outputs[1].tensor();
    assert_eq!(picture.dims(), [1, 8, 8, 1]);
    assert!(apart(picture, &Tensor::full(0.25f32, (1, 8, 8, 1), &Device::Cpu).unwrap()) < 1e-4);
}

#[test]
fn every_step_is_told_and_some_are_shown() {
    let net = Net::new();
    let ran = net.run(SHORT, vec![image(&grey(0.5))]).unwrap();
    let steps: Vec<&String> = ran.notes.iter().filter(|note| note.starts_with("step ")).collect();
    assert_eq!(steps.len(), 6);
    assert!(steps[5].starts_with("step 6/6 distance 0."), "{steps:?}");
    assert!(ran.previews >= 1);
}

#[test]
fn what_does_not_fit_is_refused() {
    let net = Net::new();
    net.refused(
        vec![],
        "image",
        "neither `image` nor `objective` is connected; hint: connect the picture to come close to",
    );
    let features = ("features", Value::function(Planes));
    net.refused(vec![features], "features", "`features` compare with `image`, which is not connected");
    let two = Tensor::zeros((1, 16, 16, 2), DType::F32, &Device::Cpu).unwrap();
    net.refused(vec![image(&two)], "image", "`image` has 2 channels, the pictures of `generator` have 3");
    net.refused(
        vec![image(&grey(0.5)), ("prior", Value::function(Grey(0.5)))],
        "prior",
        "`grey` is an objective of pictures, not of latents; hint: connect it to `objective`",
    );
    net.refused(
        vec![image(&grey(0.5)), ("start", small::normal(1, &[1, 4, 16]).into())],
        "start",
        "`start` must have 6 layers of 16 numbers for this network, found 4 of 16; hint: make it with the same network",
    );
    net.refused(
        vec![image(&grey(0.5).repeat((2, 1, 1, 1)).unwrap()), ("start", net.w(3).into())],
        "start",
        "`start` must have 1 or 2 latents, as many as `image`, found 3",
    );
    let dark = (grey(0.5) * f64::NAN).unwrap();
    let error = net.run(SHORT, vec![image(&dark)]).err().expect("refused").to_string();
    assert!(error.starts_with("at step 1 the distance is NaN"), "{error}");
}

#[test]
fn two_networks_are_refused() {
    let net = Net { generator: function(Other), ..Net::new() };
    net.refused(
        vec![image(&grey(0.5))],
        "mapping",
        "`mapping` makes 6 layers of 16 numbers, `generator` takes 10 of 64; hint: connect both to the same \
         LoadStyleGAN",
    );
}

/// GENERATOR of another network.
struct Other;

impl Differentiable for Other {
    fn spec(&self) -> FnSpec {
        FnSpec::new("GENERATOR", "other")
            .input(TensorSpec::new("w", &[-1, 10, 64]))
            .output(TensorSpec::new("image", &[-1, 8, 8, 1]))
    }

    fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
        Ok(vec![x[0].narrow(1, 0, 8)?.narrow(2, 0, 8)?.unsqueeze(3)?])
    }
}
