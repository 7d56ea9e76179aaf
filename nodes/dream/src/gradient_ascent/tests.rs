use dreamwire_sdk::testing::{Ran, Value, run_node};

use super::*;
use crate::fixtures::{Distance, LogSum, assert_close, away};

fn grey(values: &[f32], size: usize) -> Tensor {
    let images: Vec<Tensor> =
        values.iter().map(|value| Tensor::full(*value, (1, size, size, 3), &Device::Cpu).unwrap()).collect();
    Tensor::cat(&images, 0).unwrap()
}

fn dream(params: &str, image: Tensor, objective: impl Differentiable, mask: Option<Tensor>) -> Result<Ran> {
    let mut inputs = vec![("image", Value::Tensor(image)), ("objective", Value::function(objective))];
    inputs.extend(mask.map(|mask| ("mask", Value::Tensor(mask))));
    run_node::<GradientAscent>(params, &inputs, &[])
}

/// On uniform grey every pixel has the same gradient, so a step of mean_abs moves all by the rate.
#[test]
fn steps_have_the_length_of_the_rate() {
    let params =
        |direction| format!(r#"{{"octaves": 1, "steps": 4, "rate": 2.55, "direction": "{direction}"}}"#);
    let image = grey(&[0.6, 0.3], 40);
    let up = dream(&params("maximise"), image.clone(), away(0.5), None).unwrap();
    assert_close(up.outputs[0].tensor(), &grey(&[0.64, 0.26], 40));
    assert!(matches!(up.outputs[1], Value::None), "a picture has no latent");
    let down = dream(&params("minimise"), image, away(0.5), None).unwrap();
    assert_close(down.outputs[0].tensor(), &grey(&[0.56, 0.34], 40));
}

/// Two octaves of two steps, with either `carry`, are four steps on uniform grey.
#[test]
fn octaves_hand_their_changes_on() {
    for carry in ["detail", "image"] {
        let params = format!(r#"{{"octaves": 2, "steps": 2, "rate": 2.55, "carry": "{carry}"}}"#);
        let ran = dream(&params, grey(&[0.7], 50), away(0.5), None).unwrap();
        assert_close(ran.outputs[0].tensor(), &grey(&[0.74], 50));
        assert_eq!(
            ran.notes,
            [
                "octave 1/2 objective 0.040000",
                "octave 1/2 objective 0.044100",
                "octave 2/2 objective 0.048400",
                "octave 2/2 objective 0.052900"
            ]
        );
        assert!(ran.previews >= 1);
    }
}

#[test]
fn the_mask_holds_steps_back() {
    let left = Tensor::zeros((1, 40, 20), DType::F32, &Device::Cpu).unwrap();
    let right = Tensor::full(0.5f32, (1, 40, 20), &Device::Cpu).unwrap();
    let mask = Tensor::cat(&[left, right], 2).unwrap();
    let params = r#"{"octaves": 1, "steps": 1, "rate": 10.2}"#;
    let ran = dream(params, grey(&[0.6, 0.6], 40), away(0.5), Some(mask)).unwrap();
    let out = ran.outputs[0].tensor();
    assert_close(&out.narrow(2, 0, 20).unwrap(), &grey(&[0.6, 0.6], 40).narrow(2, 0, 20).unwrap());
    assert_close(&out.narrow(2, 20, 20).unwrap(), &grey(&[0.62, 0.62], 40).narrow(2, 20, 20).unwrap());

    let masks = Tensor::ones((3, 40, 40), DType::F32, &Device::Cpu).unwrap();
    let error = dream(params, grey(&[0.6, 0.6], 40), away(0.5), Some(masks)).err().expect("refused");
    assert_eq!(error.to_string(), "`mask` must have 1 or 2 images, as many as `image`, found 3");
}

/// A picture in which no two neighbours are equal, with values outside 0..1.
fn uneven(size: usize) -> Tensor {
    let values: Vec<f32> = (0..size * size * 3).map(|i| (i * 7919 % 1009) as f32 / 900.0 - 0.05).collect();
    Tensor::from_vec(values, (1, size, size, 3), &Device::Cpu).unwrap()
}

fn bits(image: &Tensor) -> Vec<u32> {
    image.flatten_all().unwrap().to_vec1::<f32>().unwrap().into_iter().map(f32::to_bits).collect()
}

#[test]
fn where_the_mask_is_0_the_picture_is_the_same_to_the_bit() {
    let (image, size) = (uneven(96), 96);
    // A mask of another size is enlarged first, and is 0 where nothing of it is left.
    let half = |side: usize| {
        let left = Tensor::zeros((1, side, side / 2), DType::F32, &Device::Cpu).unwrap();
        let right = Tensor::ones((1, side, side / 2), DType::F32, &Device::Cpu).unwrap();
        Tensor::cat(&[left, right], 2).unwrap()
    };
    for carry in ["detail", "image"] {
        for octaves in [1, 3] {
            let params = format!(
                r#"{{"octaves": {octaves}, "steps": 2, "rate": 10.2, "jitter": 4, "carry": "{carry}"}}"#
            );
            let run = |mask: Tensor| {
                let ran = dream(&params, image.clone(), away(0.5), Some(mask)).unwrap();
                ran.outputs[0].tensor().clone()
            };
            let nothing = Tensor::zeros((1, size, size), DType::F32, &Device::Cpu).unwrap();
            assert_eq!(bits(&run(nothing)), bits(&image), "{params}");
            let out = run(half(size));
            let left = |image: &Tensor| bits(&image.narrow(2, 0, size / 2).unwrap());
            assert_eq!(left(&out), left(&image), "{params}");
            assert_ne!(bits(&out), bits(&image), "{params}");
            let out = run(half(24));
            let left = |image: &Tensor| bits(&image.narrow(2, 0, size / 2 - 4).unwrap());
            assert_eq!(left(&out), left(&image), "{params}");
        }
    }
}

/// The host may dream a batch picture by picture.
#[test]
fn a_batch_is_the_dreams_of_its_pictures_to_the_bit() {
    let images = [uneven(96), (uneven(96) * 0.5).unwrap(), grey(&[0.6], 96)];
    let batch = Tensor::cat(&images, 0).unwrap();
    for rule in ["mean_abs", "std", "none", "adam"] {
        let params = format!(
            r#"{{"octaves": 3, "steps": 3, "rate": 5, "jitter": 4, "blur": 0.5, "normalise": "{rule}"}}"#
        );
        let run = |image: &Tensor| {
            dream(&params, image.clone(), away(0.5), None).unwrap().outputs[0].tensor().clone()
        };
        let alone: Vec<u32> = images.iter().flat_map(|image| bits(&run(image))).collect();
        assert_eq!(bits(&run(&batch)), alone, "{rule}");
    }
}

#[test]
fn clamping_is_optional() {
    let params = |clamp| format!(r#"{{"octaves": 1, "steps": 2, "rate": 51, "knee": 0, "clamp": {clamp}}}"#);
    let clamped = dream(&params(true), grey(&[0.9], 32), away(0.5), None).unwrap();
    assert_close(clamped.outputs[0].tensor(), &grey(&[1.0], 32));
    let free = dream(&params(false), grey(&[0.9], 32), away(0.5), None).unwrap();
    assert_close(free.outputs[0].tensor(), &grey(&[1.3], 32));
}

/// With random pixels, a jitter that is not undone would move them; and a seed reproduces its result.
#[test]
fn jitter_is_undone() {
    let values: Vec<f32> = (0..40 * 36 * 3).map(|i| 0.2 + 0.6 * ((i * 7919) % 101) as f32 / 101.0).collect();
    let image = Tensor::from_vec(values, (1, 40, 36, 3), &Device::Cpu).unwrap();
    let run = |jitter, seed| {
        let params = format!(r#"{{"octaves": 1, "steps": 3, "jitter": {jitter}, "seed": {seed}}}"#);
        dream(&params, image.clone(), away(0.5), None).unwrap().outputs.swap_remove(0)
    };
    assert_close(run(20, 1).tensor(), run(0, 1).tensor());
    assert_close(run(20, 2).tensor(), run(0, 1).tensor());
}

#[test]
fn every_rule_ascends() {
    for rule in ["mean_abs", "std", "none", "adam"] {
        let params = format!(r#"{{"octaves": 1, "steps": 5, "normalise": "{rule}", "rate": 2}}"#);
        let values: Vec<f32> =
            (0..40 * 36 * 3).map(|i| 0.5 + 0.2 * ((i * 7919) % 101) as f32 / 101.0).collect();
        let image = Tensor::from_vec(values, (1, 40, 36, 3), &Device::Cpu).unwrap();
        let mean = |x: &Tensor| x.sqr().unwrap().mean_all().unwrap().to_scalar::<f32>().unwrap();
        let ran = dream(&params, image.clone(), Distance { centre: 0.0, weight: "3" }, None).unwrap();
        let (before, after) = (mean(&image), mean(ran.outputs[0].tensor()));
        // The rule std removes the mean from the step, so it gains by contrast only.
        assert!(after > before + 1e-6, "{rule}: {before} to {after}");
    }
}

#[test]
fn small_octaves_are_left_out_with_a_note() {
    let ran = dream(r#"{"octaves": 6, "steps": 1}"#, grey(&[0.6], 50), away(0.5), None).unwrap();
    let note = "dreaming in 2 of 6 octaves: the others would be smaller than 32 pixels";
    assert!(ran.notes.iter().any(|found| found == note), "{:?}", ran.notes);
}

#[test]
fn a_value_that_is_not_finite_ends_the_dream() {
    let error = dream(r#"{"octaves": 1}"#, grey(&[0.0], 32), LogSum, None).err().expect("refused");
    assert!(error.to_string().starts_with("at octave 1, step 1 the objective is -inf"), "{error}");
    let ran = dream(r#"{"octaves": 1}"#, grey(&[0.5], 32), LogSum, None).unwrap();
    assert!(ran.outputs[0].tensor().mean_all().unwrap().to_scalar::<f32>().unwrap() > 0.5);
}

#[test]
fn what_does_not_fit_is_refused() {
    let image = Tensor::ones((1, 40, 40, 4), DType::F32, &Device::Cpu).unwrap();
    let error = dream("{}", image, away(0.5), None).err().expect("refused");
    let expected = "`distance` needs pictures with 3 channels, found 4; \
                    hint: put a `SplitImageWithAlpha` node before it, which takes the alpha away";
    assert_eq!(error.to_string(), expected);
    let error =
        dream("{}", grey(&[0.5], 40), Distance { centre: 0.0, weight: "much" }, None).err().expect("refused");
    assert_eq!(error.to_string(), "the weight of layer `pixels` must be a number, found `much`");
    assert_eq!(error.input(), "objective");
    let error =
        dream("{}", grey(&[0.5], 40), Distance { centre: 0.0, weight: "0" }, None).err().expect("refused");
    assert!(error.to_string().starts_with("all layers of `distance` have weight 0"), "{error}");
    assert_eq!(error.input(), "objective");
}

/// Half of the picture is white, half is black: the edge of the change becomes soft, far from it nothing
/// changes.
#[test]
fn a_blurred_gradient_moves_neighbours_too() {
    let half = |value| Tensor::full(value, (1, 40, 20, 3), &Device::Cpu).unwrap();
    let image = Tensor::cat(&[half(0.5f32), half(0.8)], 2).unwrap();
    let moved = |blur| {
        let params = format!(
            r#"{{"octaves": 1, "steps": 1, "jitter": 0, "normalise": "none", "rate": 255, "blur": {blur}}}"#
        );
        let ran = dream(&params, image.clone(), away(0.5), None).unwrap();
        let change = (ran.outputs[0].tensor() - &image).unwrap().abs().unwrap();
        let column = |x| change.narrow(2, x, 1).unwrap().mean_all().unwrap().to_scalar::<f32>().unwrap();
        [column(10), column(19), column(20), column(30)]
    };
    let [far, before, _, _] = moved(0.0);
    assert_eq!([far, before], [0.0; 2], "without blur only what has a gradient moves");
    let [far, before, after, inside] = moved(1.0);
    assert_eq!(far, 0.0, "nothing reaches further than the window");
    assert!(before > 0.0 && before < after && after < inside, "{before} {after} {inside}");
}
