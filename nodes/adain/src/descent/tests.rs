use dreamwire_nets::adain::adain;
use dreamwire_sdk::testing::{Ran, Value, in_call, run_node};

use super::*;
use crate::adain::AdaIN;

/// Two layers without a network: the colours of the pixels, and `shade` of those of 2x2 blocks.
struct Colours {
    weights: [&'static str; 2],
    shade: fn(Tensor) -> Result<Tensor>,
}

impl Differentiable for Colours {
    fn spec(&self) -> FnSpec {
        let layer = |name: &str, weight: &str| {
            TensorSpec::new(name, &[-1, 3, -1, -1]).semantics(format!("layout=nchw;weight={weight}"))
        };
        let spec = FnSpec::new("FEATURES", "colours").input(TensorSpec::new("image", &[-1, -1, -1, 3]));
        spec.output(layer("pixels", self.weights[0])).output(layer("blocks", self.weights[1]))
    }

    fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
        let (b, h, w, c) = x[0].dims4()?;
        let pixels = x[0].permute((0, 3, 1, 2))?.contiguous()?;
        let blocks = pixels.reshape((b * c, h / 2, 2, w / 2, 2))?.mean(4)?.mean(2)?;
        let blocks = blocks.reshape((b, c, h / 2, w / 2))?;
        Ok(vec![pixels, (self.shade)(blocks)?])
    }
}

const BOTH: Colours = Colours { weights: ["1", "0.5"], shade: Ok };

/// Grain from `low` to `high`.
fn picture(batch: usize, (height, width): (usize, usize), low: f32, high: f32) -> Tensor {
    let count = batch * height * width * 3;
    let values: Vec<f32> =
        (0..count).map(|i| low + (high - low) * (i * 7919 % 1009) as f32 / 1009.0).collect();
    Tensor::from_vec(values, (batch, height, width, 3), &Device::Cpu).unwrap()
}

fn content(batch: usize) -> Tensor {
    picture(batch, (8, 12), 0.3, 0.6)
}

fn style(batch: usize) -> Tensor {
    picture(batch, (12, 8), 0.4, 0.8)
}

/// Without a decoder; `params` follow, each after a comma.
fn descend(params: &str, content: &Tensor, style: &Tensor, features: Colours) -> Result<Ran> {
    let tensor = |tensor: &Tensor| Value::Tensor(tensor.clone());
    let features = Value::function(features);
    let inputs = [("content", tensor(content)), ("style", tensor(style)), ("features", features)];
    run_node::<AdaIN>(&format!(r#"{{"decoder": "none"{params}}}"#), &inputs, &[])
}

fn painted(params: &str, content: &Tensor, style: &Tensor, features: Colours) -> Tensor {
    descend(params, content, style, features).unwrap().outputs[0].tensor().clone()
}

#[track_caller]
fn assert_close(found: &Tensor, expected: &Tensor, limit: f32) {
    assert_eq!(found.dims(), expected.dims());
    let error = (found - expected).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
    assert!(error <= limit, "{error}");
}

/// Where the features are colours, the picture gets the style's statistics and keeps the content's larger
/// shapes.
#[test]
fn colours_arrive_at_the_style_s() {
    let planes = |image: &Tensor| image.permute((0, 3, 1, 2)).unwrap().contiguous().unwrap();
    let statistics = |image: &Tensor| channel_statistics(&planes(image)).unwrap();
    let forms = |image: &Tensor| BOTH.forward(std::slice::from_ref(image)).unwrap().swap_remove(1);
    for alpha in [1.0, 0.5] {
        let params = format!(r#", "alpha": {alpha}, "smoothness": 0, "steps": 200"#);
        let found = painted(&params, &content(2), &style(1), BOTH);
        let mixed = |style: Tensor, own: Tensor| {
            (own * (1.0 - alpha)).unwrap().broadcast_add(&(style * alpha).unwrap())
        };
        let ((mean, std), (own_mean, own_std)) = (statistics(&style(1)), statistics(&content(2)));
        let (found_mean, found_std) = statistics(&found);
        assert_close(&found_mean, &mixed(mean, own_mean).unwrap(), 0.01);
        assert_close(&found_std, &mixed(std, own_std).unwrap(), 0.01);
        let target = adain(&forms(&content(2)), &forms(&style(1))).unwrap();
        let target = ((target * alpha).unwrap() + (forms(&content(2)) * (1.0 - alpha)).unwrap()).unwrap();
        assert_close(&forms(&found), &target, 0.05);
    }
}

/// The gradient of every part of the loss, compared with finite differences.
#[test]
fn gradients_are_those_of_differences() {
    let check = |wish: Wish| {
        in_call(|_| {
            let Value::Function(features) = Value::function(BOTH) else { unreachable!() };
            let descent = Descent::new(features, &content(2), &style(1), &wish)?;
            // Starting elsewhere: at the content itself its term has no gradient.
            let image = (content(2) * 0.9)?;
            let loss = |by: f64, along: &Tensor| {
                Ok::<_, Error>(descent.loss_and_gradient(&(&image + (along * by)?)?, 0)?.0)
            };
            let (_, gradient) = descent.loss_and_gradient(&image, 0)?;
            let along = (picture(2, (8, 12), -1.0, 1.0) + gradient.sign()?)?;
            let numeric = (loss(1e-3, &along)? - loss(-1e-3, &along)?) / 2e-3;
            // Of each image's own loss, times its size; the loss is the mean of both.
            let slope =
                f64::from((gradient * along)?.sum_all()?.to_scalar::<f32>()?) / f64::from(8 * 12 * 3) / 2.0;
            assert!((slope / numeric - 1.0).abs() < 1e-2, "{slope} {numeric}");
            Ok(())
        })
        .unwrap();
    };
    check(Wish { alpha: 1.0, strength: 100.0, smoothness: 0.0 });
    check(Wish { alpha: 0.5, strength: 0.0, smoothness: 0.0 });
    check(Wish { alpha: 1.0, strength: 1.0, smoothness: 50.0 });
}

#[test]
fn every_step_is_told_and_the_loss_falls() {
    let ran = descend("", &content(1), &style(1), BOTH).unwrap();
    let losses: Vec<f64> = ran
        .notes
        .iter()
        .filter_map(|note| note.strip_prefix("step ")?.split_once(" loss ")?.1.parse().ok())
        .collect();
    assert_eq!(losses.len(), 60, "{:?}", ran.notes);
    assert!(losses[59] < losses[0] / 5.0, "{losses:?}");
    assert!(ran.previews >= 1);
}

#[test]
fn smoothness_draws_neighbours_together() {
    let roughness = |smoothness: f64| {
        let params = format!(r#", "smoothness": {smoothness}"#);
        let found = painted(&params, &content(1), &style(1), BOTH);
        total_variation(&found).unwrap().to_vec1::<f32>().unwrap()[0]
    };
    let (rough, smooth) = (roughness(0.0), roughness(1000.0));
    assert!(smooth < rough / 2.0, "{smooth} {rough}");
}

#[test]
fn at_alpha_0_the_content_stays() {
    let dark = (content(1) - 0.4).unwrap();
    let found = painted(r#", "alpha": 0"#, &dark, &style(1), BOTH);
    assert_close(&found, &dark.clamp(0f32, 1f32).unwrap(), 0.0);
}

#[test]
fn images_of_a_batch_are_independent() {
    let image = |images: &Tensor, index| images.narrow(0, index, 1).unwrap();
    for styles in [1, 2] {
        let (contents, styles) = (content(2), style(styles));
        let together = painted("", &contents, &styles, BOTH);
        for index in 0..2 {
            let style = image(&styles, index.min(styles.dim(0).unwrap() - 1));
            let alone = painted("", &image(&contents, index), &style, BOTH);
            assert_close(&image(&together, index), &alone, 1e-5);
        }
    }
}

#[test]
fn what_is_not_finite_is_named() {
    let black = content(1).zeros_like().unwrap();
    let check = |shade: fn(Tensor) -> Result<Tensor>, expected: &str| {
        let features = Colours { weights: ["1", "1"], shade };
        let error = descend("", &black, &style(1), features).err().expect("refused").to_string();
        assert!(error.starts_with(expected), "{error}");
    };
    check(|x| Ok(x.sqrt()?), "at step 1 the gradient is not finite; hint: check whether");
    check(|x| Ok(x.log()?), "at step 1 the loss is not finite, as is layer `blocks`; hint: check whether");
}

#[test]
fn layers_that_do_not_serve_are_refused() {
    let check = |content: &Tensor, weights, expected: &str| {
        let features = Colours { weights, shade: Ok };
        let error = descend("", content, &style(1), features).err().expect("refused");
        assert_eq!(error.input(), "features");
        assert!(error.to_string().starts_with(expected), "{error}");
    };
    let much = "the weight of layer `blocks` must be a number, found `much`";
    check(&content(1), ["1", "much"], much);
    let block = picture(1, (2, 2), 0.3, 0.6);
    let small =
        "the statistics of a 1x1 feature map are undefined: they need at least 2 positions; hint: if a layer";
    check(&block, ["1", "1"], small);
}
