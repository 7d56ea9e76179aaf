use dreamwire_sdk::testing::{Ran, Value, run_node};

use super::*;
use crate::fixtures::{LogSum, assert_close, away};
use crate::gradient_ascent::GradientAscent;

/// GENERATOR of pictures of 4 rows and 2 columns: column `l` has the colour `shade(w[l])`. Its noise plane is
/// never given.
struct Columns {
    channels: i64,
    shade: fn(&Tensor) -> Result<Tensor>,
}

impl Differentiable for Columns {
    fn spec(&self) -> FnSpec {
        FnSpec::new("GENERATOR", "columns")
            .input(TensorSpec::new("w", &[-1, 2, self.channels]))
            .input(TensorSpec::new("noise_0", &[-1, 1, 4, 4]))
            .output(TensorSpec::new("image", &[-1, 4, 2, self.channels]))
    }

    fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
        let (batch, layers, width) = x[0].dims3()?;
        let row = (self.shade)(&x[0])?.unsqueeze(1)?;
        Ok(vec![row.broadcast_as((batch, 4, layers, width))?.contiguous()?])
    }
}

/// `0.5 + w`. With `away(0.5)` the objective is `mean(w^2)` over the 24 numbers of the picture, of which 4 are
/// `w[l,c]`: its gradient is `4 * 2 w / 24 = w / 3`.
const COLOURS: Columns = Columns { channels: 3, shade: |w| Ok((w + 0.5)?) };

const W: [[f32; 3]; 2] = [[0.3, -0.15, 0.6], [0.06, 0.45, -0.6]];

/// Moves by exactly the gradient.
const PLAIN: &str = r#"{"steps": 1, "jitter": 0, "normalise": "none", "rate": 255, "clamp": false}"#;

/// `[1,2,3]`.
fn latent(w: [[f32; 3]; 2]) -> Tensor {
    Tensor::new(&[w], &Device::Cpu).unwrap()
}

/// What `COLOURS` makes of it, in 0..1.
fn picture(w: [[f32; 3]; 2]) -> Tensor {
    let row = w.map(|layer| layer.map(|value| (value + 0.5).clamp(0.0, 1.0)));
    Tensor::new(&[[row; 4]], &Device::Cpu).unwrap()
}

fn scaled(by: [f32; 2]) -> [[f32; 3]; 2] {
    [W[0].map(|value| value * by[0]), W[1].map(|value| value * by[1])]
}

fn climb(
    params: &str,
    start: &Tensor,
    generator: Columns,
    objective: impl Differentiable,
    mask: Option<Tensor>,
) -> Result<Ran> {
    let mut inputs = vec![
        ("image", Value::Tensor(start.clone())),
        ("objective", Value::function(objective)),
        ("generator", Value::function(generator)),
    ];
    inputs.extend(mask.map(|mask| ("mask", Value::Tensor(mask))));
    run_node::<GradientAscent>(params, &inputs, &[])
}

#[track_caller]
fn check(params: &str, mask: Option<Tensor>, expected: [[f32; 3]; 2]) {
    let ran = climb(params, &latent(W), COLOURS, away(0.5), mask).unwrap();
    assert_close(ran.outputs[1].tensor(), &latent(expected));
    assert_close(ran.outputs[0].tensor(), &picture(expected));
}

/// Some colours leave 0..1 on the way; only the output picture is clamped.
#[test]
fn a_plain_step_adds_the_gradient() {
    let up = 4.0 / 3.0;
    check(PLAIN, None, scaled([up; 2]));
    let minimise = r#"{"steps": 1, "jitter": 0, "normalise": "none", "rate": 255, "direction": "minimise",
        "clamp": false}"#;
    check(minimise, None, scaled([2.0 / 3.0; 2]));
    let half = r#"{"steps": 1, "jitter": 0, "normalise": "none", "rate": 127.5, "clamp": false}"#;
    check(half, None, scaled([7.0 / 6.0; 2]));
}

/// No message says that octaves are left out, and neither clamping nor the knee affects the latent.
#[test]
fn steps_follow_each_other_whatever_the_octaves() {
    let params =
        r#"{"octaves": 7, "steps": 2, "jitter": 0, "normalise": "none", "rate": 255, "clamp": false}"#;
    let ran = climb(params, &latent(W), COLOURS, away(0.5), None).unwrap();
    assert_close(ran.outputs[1].tensor(), &latent(scaled([16.0 / 9.0; 2])));
    assert_eq!(ran.notes, ["step 1/2 objective 0.17310", "step 2/2 objective 0.30773"]);
    assert!(ran.previews >= 1);
}

/// 0.6 makes 1.1 and -0.6 makes -0.1: shown as 1 and 0, from where the objective can only move them inwards.
#[test]
fn pixels_are_not_pushed_out_of_the_range() {
    let up = scaled([4.0 / 3.0; 2]);
    let params = r#"{"steps": 1, "jitter": 0, "normalise": "none", "rate": 255}"#;
    check(params, None, [[up[0][0], up[0][1], 0.6], [up[1][0], up[1][1], -0.6]]);
    let down = scaled([2.0 / 3.0; 2]);
    let params = r#"{"steps": 1, "jitter": 0, "normalise": "none", "rate": 255, "direction": "minimise"}"#;
    let back = 0.6 - 0.5 / 3.0;
    check(params, None, [[down[0][0], down[0][1], back], [down[1][0], down[1][1], -back]]);
}

/// The mask has one pixel per column and is upsampled to the picture.
#[test]
fn the_mask_says_which_pixels_count() {
    let mask = |columns: [f32; 2]| Some(Tensor::new(&[[columns]], &Device::Cpu).unwrap());
    check(PLAIN, mask([1.0, 0.0]), scaled([4.0 / 3.0, 1.0]));
    check(PLAIN, mask([0.0, 0.5]), scaled([1.0, 7.0 / 6.0]));
}

/// A jitter that is not undone would give the gradient of one column to the other.
#[test]
fn jitter_is_undone() {
    for (jitter, seed) in [(1, 1), (1, 2), (1000, 3), (1000, 4)] {
        let params = format!(
            r#"{{"steps": 3, "jitter": {jitter}, "seed": {seed}, "normalise": "none", "rate": 255,
                "clamp": false}}"#
        );
        check(&params, None, scaled([64.0 / 27.0; 2]));
    }
}

#[test]
fn every_rule_ascends() {
    let objective = |w: &Tensor| w.sqr().unwrap().mean_all().unwrap().to_scalar::<f32>().unwrap();
    for rule in ["mean_abs", "std", "none", "adam"] {
        let params = format!(r#"{{"steps": 5, "normalise": "{rule}", "rate": 2}}"#);
        let ran = climb(&params, &latent(W), COLOURS, away(0.5), None).unwrap();
        let (before, after) = (objective(&latent(W)), objective(ran.outputs[1].tensor()));
        assert!(after > before + 1e-4, "{rule}: {before} to {after}");
    }
}

#[test]
fn every_latent_of_a_batch_climbs_on_its_own() {
    let other = [[-0.2, 0.02, 0.1], [0.7, -0.3, 0.001]];
    let both = Tensor::cat(&[latent(W), latent(other)], 0).unwrap();
    for rule in ["mean_abs", "std", "none", "adam"] {
        let params = format!(r#"{{"steps": 3, "normalise": "{rule}", "rate": 20}}"#);
        let run = |start: &Tensor| climb(&params, start, COLOURS, away(0.5), None).unwrap().outputs;
        let (batch, first, second) = (run(&both), run(&latent(W)), run(&latent(other)));
        for port in [0, 1] {
            let values =
                |outputs: &[Value]| outputs[port].tensor().flatten_all().unwrap().to_vec1::<f32>().unwrap();
            assert_eq!(values(&batch), [values(&first), values(&second)].concat(), "{rule}, output {port}");
        }
    }
}

#[test]
fn a_value_that_is_not_finite_ends_the_climb() {
    let black = latent([[-0.5; 3]; 2]);
    let error = climb("{}", &black, COLOURS, LogSum, None).err().expect("refused");
    assert!(error.to_string().starts_with("at step 1 the objective is -inf"), "{error}");
    // The picture is finite; the generator's derivative is infinite.
    let root = Columns { channels: 3, shade: |w| Ok((w.sqrt()? + 0.5)?) };
    let error = climb("{}", &latent([[0.0; 3]; 2]), root, away(0.5), None).err().expect("refused");
    let expected = "at step 1 the objective is 0 and the mean size of its gradient is NaN";
    assert!(error.to_string().starts_with(expected), "{error}");
}

/// A file without transparency has such a mask.
#[test]
fn a_mask_of_zeros_is_warned_about() {
    let mask = Tensor::zeros((1, 4, 2), DType::F32, &Device::Cpu).unwrap();
    let ran = climb(PLAIN, &latent(W), COLOURS, away(0.5), Some(mask)).unwrap();
    assert_close(ran.outputs[1].tensor(), &latent(W));
    assert!(ran.notes.iter().any(|note| note.starts_with("`mask` is 0 everywhere")), "{:?}", ran.notes);
}

#[track_caller]
fn check_refused(start: Tensor, generator: Option<Columns>, blamed: &str, expected: &str) {
    let mut inputs = vec![("image", Value::Tensor(start)), ("objective", Value::function(away(0.5)))];
    inputs.extend(generator.map(|generator| ("generator", Value::function(generator))));
    let error = run_node::<GradientAscent>("{}", &inputs, &[]).err().expect("refused");
    assert_eq!((error.to_string().as_str(), error.input()), (expected, blamed));
}

#[test]
fn what_does_not_fit_is_refused() {
    let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
    check_refused(
        zeros(&[1, 4, 2, 3]),
        Some(COLOURS),
        "image",
        "`image` must be a LATENT_W [B,layers,w] because `generator` is connected, found shape [1, 4, 2, 3]; \
         hint: leave `generator` unconnected to optimise a picture",
    );
    check_refused(
        Tensor::zeros((1, 2, 3), DType::F64, &Device::Cpu).unwrap(),
        Some(COLOURS),
        "image",
        "`image` must be a LATENT_W of f32, found f64",
    );
    check_refused(
        zeros(&[1, 2, 3]),
        None,
        "image",
        "`image` is a latent of shape [1, 2, 3], which needs `generator`; \
         hint: connect the GENERATOR of the network that the latent comes from",
    );
    let hint = "hint: make the latent with the MAPPING of the generator's network";
    for shape in [[5, 2, 4], [5, 3, 3]] {
        let expected = format!(
            "`image` must have shape [any, 2, 3] for the generator `columns`, found {shape:?}; {hint}"
        );
        check_refused(zeros(&shape), Some(COLOURS), "image", &expected);
    }
    check_refused(
        zeros(&[1, 2, 4]),
        Some(Columns { channels: 4, ..COLOURS }),
        "generator",
        "`distance` needs pictures with 3 channels, found 4",
    );
}

/// OBJECTIVE of latents: `-sum w^2`, whose gradient is `-2 w`.
struct Small;

impl Differentiable for Small {
    fn spec(&self) -> FnSpec {
        FnSpec::new("OBJECTIVE", "small")
            .input(TensorSpec::new("w", &[-1, 2, 3]))
            .output(TensorSpec::new("value", &[]))
            .scalar()
    }

    fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
        Ok(vec![x[0].sqr()?.sum_all()?.neg()?])
    }
}

/// The objective adds `w / 3`, and minimised takes it away; the prior takes `2 w` either way.
#[test]
fn a_prior_pulls_whatever_the_direction() {
    let check = |direction: &str, by: f32| {
        let params = format!(
            r#"{{"steps": 1, "jitter": 0, "normalise": "none", "rate": 25.5, "clamp": false, "direction": "{direction}"}}"#
        );
        let inputs = [
            ("image", Value::Tensor(latent(W))),
            ("objective", Value::function(away(0.5))),
            ("generator", Value::function(COLOURS)),
            ("prior", Value::function(Small)),
        ];
        let ran = run_node::<GradientAscent>(&params, &inputs, &[]).unwrap();
        assert_close(ran.outputs[1].tensor(), &latent(scaled([by; 2])));
    };
    check("maximise", 1.0 + 0.1 * (1.0 / 3.0 - 2.0));
    check("minimise", 1.0 - 0.1 * (1.0 / 3.0 + 2.0));
}

#[test]
fn objectives_belong_to_their_ports() {
    let refused = |inputs: &[(&str, Value)], port: &str, expected: &str| {
        let error = run_node::<GradientAscent>("{}", inputs, &[]).err().expect("refused");
        assert_eq!(error.input(), port);
        assert!(error.to_string().starts_with(expected), "{error}");
    };
    let generator = || ("generator", Value::function(COLOURS));
    let start = || ("image", Value::Tensor(latent(W)));
    refused(
        &[start(), generator(), ("objective", Value::function(Small))],
        "objective",
        "`small` is an objective of latents, not of pictures; hint: connect it to `prior`",
    );
    refused(
        &[
            start(),
            generator(),
            ("objective", Value::function(away(0.5))),
            ("prior", Value::function(LogSum)),
        ],
        "prior",
        "`log sum` is not an objective of latents",
    );
    refused(
        &[
            ("image", Value::Tensor(picture(W))),
            ("objective", Value::function(away(0.5))),
            ("prior", Value::function(Small)),
        ],
        "prior",
        "`prior` rates latents, and without `generator` a picture is optimised",
    );
}
