use dreamwire_sdk::testing::{Value, run_node};

use super::*;
use crate::latent_noise::LatentNoise;
use crate::mapping_network::MappingNetwork;
use crate::small;
use crate::style_mix::StyleMix;

fn inputs(generator: &Function, w: &Tensor) -> [(&'static str, Value); 2] {
    [("generator", Value::Function(generator.clone())), ("w", Value::Tensor(w.clone()))]
}

/// From seeds to pictures, through every node between.
fn pictures(mapping: &Function, generator: &Function, seeds: &str, params: &str) -> Tensor {
    let styles = |seeds: &str| {
        let params = format!(r#"{{"seeds": "{seeds}", "width": {}}}"#, small::WIDTH);
        let z = small::output::<LatentNoise>(&params, &[]);
        let inputs = [("mapping", Value::Function(mapping.clone())), ("z", Value::Tensor(z))];
        small::output::<MappingNetwork>("{}", &inputs)
    };
    let inputs = [("rows", Value::Tensor(styles(seeds))), ("columns", Value::Tensor(styles("99")))];
    let w = small::output::<StyleMix>(r#"{"layers": "1-2"}"#, &inputs);
    small::output::<Synthesis>(params, &self::inputs(generator, &w))
}

#[test]
fn a_batch_of_8_seeds_equals_8_single_runs() {
    let (mapping, generator) = small::load();
    for params in [r#"{"noise_mode": "const"}"#, r#"{"noise_mode": "random", "noise_seed": 4}"#] {
        let batch = pictures(&mapping, &generator, "0-7", params);
        assert_eq!(batch.dims(), [8, 16, 16, 3]);
        let singles: Vec<u32> = (0..8)
            .flat_map(|seed| small::bits(&pictures(&mapping, &generator, &seed.to_string(), params)))
            .collect();
        assert_eq!(small::bits(&batch), singles, "{params}");
        assert!(small::difference(&batch.narrow(0, 0, 1).unwrap(), &batch.narrow(0, 1, 1).unwrap()) > 0.01);
    }
}

#[test]
fn noise_follows_its_mode_and_seed() {
    let (_, generator) = small::load();
    let w = small::normal(1, &[1, small::LAYERS, small::WIDTH]);
    let picture = |mode: &str, seed: u64| {
        let params = format!(r#"{{"noise_mode": "{mode}", "noise_seed": {seed}}}"#);
        small::bits(&small::output::<Synthesis>(&params, &inputs(&generator, &w)))
    };
    let (stored, random, none) = (picture("const", 0), picture("random", 0), picture("none", 0));
    assert!(stored != random && random != none && none != stored);
    assert_eq!(stored, picture("const", 1));
    assert_eq!(none, picture("none", 1));
    assert_eq!(random, picture("random", 0));
    assert_ne!(random, picture("random", 1));
    assert_eq!(stored, small::bits(&small::output::<Synthesis>("{}", &inputs(&generator, &w))));
}

#[test]
fn every_picture_is_told_and_shown() {
    let (_, generator) = small::load();
    let w = small::normal(1, &[3, small::LAYERS, small::WIDTH]);
    let ran = run_node::<Synthesis>("{}", &inputs(&generator, &w), &[]).unwrap();
    assert_eq!(ran.notes, ["image 1/3", "image 2/3", "image 3/3"]);
    assert_eq!(ran.previews, 3);
}

/// A generator without noise: every pixel is `scale` times the first number of `w`.
struct Plain {
    scale: f64,
    side: usize,
}

impl Differentiable for Plain {
    fn spec(&self) -> FnSpec {
        let side = self.side as i64;
        FnSpec::new("GENERATOR", "plain")
            .input(TensorSpec::new("w", &[-1, 2, 1]))
            .output(TensorSpec::new("image", &[-1, side, side, 1]))
    }

    fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
        let batch = x[0].dim(0)?;
        let first = (x[0].narrow(1, 0, 1)?.reshape((batch, 1, 1, 1))? * self.scale)?;
        Ok(vec![first.broadcast_as((batch, self.side, self.side, 1))?])
    }
}

#[test]
fn pictures_are_clamped() {
    let w = Tensor::new(&[[[-1f32], [0.0]], [[0.25], [0.0]], [[1.0], [0.0]]], &Device::Cpu).unwrap();
    for mode in ["const", "random", "none"] {
        let inputs = [("generator", Value::function(Plain { scale: 2.0, side: 1 })), ("w", w.clone().into())];
        let params = format!(r#"{{"noise_mode": "{mode}"}}"#);
        let image = small::output::<Synthesis>(&params, &inputs);
        assert_eq!(image.flatten_all().unwrap().to_vec1::<f32>().unwrap(), [0.0, 0.5, 1.0], "{mode}");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let (_, generator) = small::load();
    let check = small::check_error::<Synthesis>;
    check(
        "{}",
        &inputs(&generator, &small::normal(1, &[1, 12, 512])),
        "w",
        "`w` must have 6 layers of 16 for this generator, found 12 of 512",
    );
    check(
        "{}",
        &inputs(&generator, &small::normal(1, &[2, 16])),
        "w",
        "`w` must be a LATENT_W [B,layers,w], found shape [2, 16]; hint: this is a LATENT_Z: put a \
             MappingNetwork in between",
    );
    let doubles = small::normal(1, &[1, 6, 16]).to_dtype(DType::F64).unwrap();
    check("{}", &inputs(&generator, &doubles), "w", "`w` must be a LATENT_W [B,layers,w] of f32, found f64");
    let large = Value::function(Plain { scale: 1.0, side: 6000 });
    check(
        "{}",
        &[("generator", large), ("w", small::normal(1, &[4, 2, 1]).into())],
        "w",
        "4 pictures of 6000x6000 are 144 megapixels, the limit is 134 megapixels; hint: use at most 3 latents: \
         fewer seeds or frames",
    );
}

/// One picture is made at a time; the result has all of them.
#[test]
fn the_need_of_a_batch() {
    let peak = Peak { fixed: 5, outputs: 100, value: 1000, gradient: 9999 };
    assert_eq!(needed(&peak, 1), 2 * 1005 + 300);
    assert_eq!(needed(&peak, 40), 2 * 1005 + 4200);
    assert_eq!(needed(&peak, usize::MAX), u64::MAX);
}
