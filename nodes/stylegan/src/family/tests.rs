use std::path::Path;

use dreamwire_nets::weights;
use dreamwire_sdk::serde_json;
use dreamwire_sdk::testing::{Ran, Value, in_call, run_node};

use crate::blend_networks::BlendNetworks;
use crate::generator_transform::GeneratorTransform;
use crate::latent_direction::LatentDirection;
use crate::load_stylegan::LoadStyleGAN;
use crate::small;
use crate::synthesis::Synthesis;

use super::*;

/// A random StyleGAN3-r for 32 pixels, and what it makes: `tests/ref/make/stylegan3.py`.
struct Reference {
    file: Vec<u8>,
    tensors: HashMap<String, Tensor>,
}

impl Reference {
    fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/ref/sg3/sg3r_32.safetensors");
        let file = std::fs::read(path).unwrap();
        Self { tensors: weights::read_all(&file).unwrap(), file }
    }

    fn run<N: Node>(&self, params: &str, inputs: &[(&str, Value)]) -> Result<Ran> {
        run_node::<N>(params, inputs, &[("it", &self.file)])
    }

    fn load(&self) -> [Function; 2] {
        let ran = self.run::<LoadStyleGAN>(r#"{"weights": "it"}"#, &[]).unwrap();
        match &ran.outputs[..] {
            [Value::Function(mapping), Value::Function(generator)] => [mapping.clone(), generator.clone()],
            _ => panic!("two functions were promised"),
        }
    }

    /// Pictures as an IMAGE has them.
    fn pictures(&self, name: &str) -> Tensor {
        let pictures = self.tensors[name].permute((0, 2, 3, 1)).unwrap();
        pictures.affine(0.5, 0.5).unwrap().clamp(0f32, 1f32).unwrap()
    }

    fn synthesis(&self, params: &str, w: &Tensor) -> Tensor {
        let [_, generator] = self.load();
        let inputs = [("generator", Value::Function(generator)), ("w", Value::Tensor(w.clone()))];
        small::output::<Synthesis>(params, &inputs)
    }

    /// The pictures of `w`, moved as GeneratorTransform does with these params.
    fn moved(&self, params: &str, w: &Tensor) -> Tensor {
        let [_, generator] = self.load();
        let transform = small::output::<GeneratorTransform>(params, &[]);
        let inputs = [
            ("generator", Value::Function(generator)),
            ("w", Value::Tensor(w.clone())),
            ("transform", Value::Tensor(transform)),
        ];
        small::output::<Synthesis>("{}", &inputs)
    }
}

/// What a file says counts where nothing is set.
#[test]
fn the_clamp_is_that_of_the_file() {
    let own = |text: &str| match serde_json::from_str(text).unwrap() {
        serde_json::Value::Object(own) => own,
        other => panic!("{other}"),
    };
    let (nothing, none) = (own("{}"), own(r#"{"synthesis_kwargs": {"conv_clamp": null}}"#));
    let (some, judge) = (own(r#"{"synthesis_kwargs": {"conv_clamp": 64}}"#), own(r#"{"conv_clamp": 32}"#));
    assert_eq!(
        [&nothing, &none, &some, &judge].map(|own| limit(None, own)),
        [Some(256.0), None, Some(64.0), Some(32.0)]
    );
    for own in [&nothing, &none, &some] {
        assert_eq!((limit(Some(0.5), own), limit(Some(0.0), own)), (Some(0.5), None));
    }
}

#[test]
fn functions_tell_their_family() {
    let names = |functions: &[Function]| -> Vec<String> {
        functions.iter().map(|function| function.spec().name.clone()).collect()
    };
    let three = Reference::read().load();
    assert_eq!(names(&three), ["StyleGAN3", "StyleGAN3"]);
    let (mapping, generator) = small::load();
    assert_eq!(names(&[mapping, generator]), ["StyleGAN2", "StyleGAN2"]);
    let spec = three[1].spec();
    let inputs: Vec<_> = spec.inputs.iter().map(|input| (input.name.as_str(), &input.dims[..])).collect();
    assert_eq!(inputs, [("w", &[-1i64, 8, 8][..]), ("transform", &[-1, 3, 3])]);
    assert_eq!(spec.outputs[0].dims, [-1, 32, 32, 3]);
    assert!(three[1].peak().is_some_and(|peak| peak.value > 52 * 52 * 9 * 4 && peak.outputs == 32 * 32 * 12));
}

#[test]
fn pictures_are_those_of_the_reference() {
    let reference = Reference::read();
    let [mapping, _] = reference.load();
    let w = in_call(|_| Ok(mapping.eval(&[&reference.tensors["z"]])?.swap_remove(0))).unwrap();
    let first = w.narrow(1, 0, 1).unwrap().squeeze(1).unwrap();
    assert!(small::difference(&first, &reference.tensors["w"]) < 1e-5);
    let w = &reference.tensors["ws"];
    let still = reference.synthesis("{}", w);
    assert!(small::difference(&still, &reference.pictures("img")) < 1e-5);
    // It has no noise.
    let random = reference.synthesis(r#"{"noise_mode": "random", "noise_seed": 3}"#, w);
    assert_eq!(small::bits(&random), small::bits(&still));
    let moved = reference.moved(r#"{"translate": "-0.2,0.1", "rotate": 40}"#, w);
    assert!(small::difference(&moved, &reference.pictures("moved")) < 1e-5);
}

/// NVIDIA's own file: a pickle with G, D and G_ema, and the settings that it was made with.
#[test]
fn a_pickle_is_loaded() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../formats/tests/ref/sg3/sg3t_64.pkl");
    let file = std::fs::read(path).unwrap();
    let reference = Reference { file, tensors: HashMap::new() };
    let [mapping, generator] = reference.load();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/ref/sg3/sg3t_64_outputs.safetensors");
    let outputs = weights::read_all(&std::fs::read(path).unwrap()).unwrap();
    in_call(|_| {
        let w = mapping.eval(&[&outputs["z"]])?.swap_remove(0);
        assert_eq!(w.dims(), [2, 10, 64]);
        let pictures = generator.eval(&[&outputs["ws_psi07"]])?.swap_remove(0);
        let expected = outputs["img_psi07"].permute((0, 2, 3, 1))?.affine(0.5, 0.5)?;
        assert!(small::difference(&pictures, &expected) < 1e-5);
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_batch_goes_from_one_place_to_another() {
    let reference = Reference::read();
    let w = reference.tensors["ws"].narrow(0, 0, 1).unwrap();
    let way =
        r#"{"translate": "0.1,0", "rotate": 10, "translate_to": "0.3,-0.2", "rotate_to": -50, "count": 3}"#;
    // One style at three places; and three styles, each at its own.
    let strip = reference.moved(way, &w);
    let styles = w.broadcast_as((3, 8, 8)).unwrap().contiguous().unwrap();
    assert_eq!(small::bits(&strip), small::bits(&reference.moved(way, &styles)));
    let places = [("0.1,0", 10.0), ("0.2,-0.1", -20.0), ("0.3,-0.2", -50.0)];
    for (index, (translate, rotate)) in places.into_iter().enumerate() {
        let params = format!(r#"{{"translate": "{translate}", "rotate": {rotate}}}"#);
        let alone = reference.moved(&params, &w);
        assert!(small::difference(&strip.narrow(0, index, 1).unwrap(), &alone) < 1e-5, "picture {index}");
    }
}

#[test]
fn gradients_reach_the_transform() {
    let reference = Reference::read();
    let [_, generator] = reference.load();
    let (w, transform) = (&reference.tensors["ws"], &reference.tensors["transform"]);
    in_call(|_| {
        let (_, tape) = generator.linearise(&[w, transform], 0b11)?;
        let cotangent = reference.tensors["cotangent"].permute((0, 2, 3, 1))?.contiguous()?;
        let gradients = tape.vjp(&[Some(&cotangent)])?;
        for (gradient, name) in gradients.iter().zip(["grad.ws", "grad.transform"]) {
            // The wire's pictures are half as far apart.
            let expected = (&reference.tensors[name] * 0.5)?;
            let scale = expected.abs()?.max_all()?.to_scalar::<f32>()?;
            let error = small::difference(gradient.as_ref().expect("asked for"), &expected);
            assert!(error < 1e-3 * scale, "{name}: {error} of {scale}");
        }
        Ok(())
    })
    .unwrap();
}

#[test]
fn what_only_another_family_has_is_refused() {
    let reference = Reference::read();
    let [_, generator] = reference.load();
    let (w, two) = (&reference.tensors["ws"], small::load().1);
    let wrong = Tensor::zeros((3, 3, 3), DType::F32, &Device::Cpu).unwrap();
    let error = in_call(|_| generator.eval(&[w, &wrong]).map(drop)).unwrap_err();
    assert_eq!(error.to_string(), "`transform` must be [B or 1,3,3] with B = 2, found shape [3, 3, 3]");

    let still = small::normal(1, &[1, small::LAYERS, small::WIDTH]);
    let transform = small::output::<GeneratorTransform>(r#"{"count": 2}"#, &[]);
    let with = |generator: Function, w: &Tensor| {
        [
            ("generator", Value::Function(generator)),
            ("w", Value::Tensor(w.clone())),
            ("transform", Value::Tensor(transform.clone())),
        ]
    };
    let expected = "a TRANSFORM moves the pictures of a StyleGAN3 only, and this generator is a `StyleGAN2`; hint: leave \
                    `transform` unconnected";
    small::check_error::<Synthesis>("{}", &with(two, &still), "transform", expected);
    let three = w.narrow(0, 0, 1).unwrap().broadcast_as((3, 8, 8)).unwrap().contiguous().unwrap();
    let expected = "`transform` has 2 matrices for 3 latents; hint: give one for each latent, or one for all";
    small::check_error::<Synthesis>("{}", &with(generator, &three), "transform", expected);

    let check = |error: Error, param: &str| {
        let text = error.to_string();
        assert!(text.starts_with("`it`: ") && text.contains("a StyleGAN3 generator"), "{text}");
        assert!(text.contains("LoadStyleGAN"), "it says what the file is good for: {text}");
        assert_eq!(error.input(), param);
    };
    let params = r#"{"coarse": "it", "fine": "it"}"#;
    check(reference.run::<BlendNetworks>(params, &[]).err().expect("refused"), "coarse");
    let inputs = [("latents", Value::Tensor(w.clone()))];
    let refused = reference.run::<LatentDirection>(r#"{"weights": "it"}"#, &inputs).err().expect("refused");
    let text = refused.to_string();
    assert!(
        text.contains("directions are found in the weights of a StyleGAN2 only; hint: give a file of"),
        "{text}"
    );
    check(refused, "weights");
}
