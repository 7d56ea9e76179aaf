use dreamwire_sdk::testing::Value;

use super::*;
use crate::objective_fixtures::{Blocks, check_gradient, objective, picture, value};

/// FEATURES: class c is worth `c / scale` times the mean of channel `c % 3`.
struct Classifier {
    classes: usize,
    scale: f64,
}

const CLASSIFIER: Classifier = Classifier { classes: 1000, scale: 500.0 };

impl Classifier {
    fn factor(&self, channel: usize, class: usize) -> f64 {
        if class % 3 == channel { class as f64 / self.scale } else { 0.0 }
    }
}

impl Differentiable for Classifier {
    fn spec(&self) -> FnSpec {
        let spec = FnSpec::new("FEATURES", "classifier").input(TensorSpec::new("image", &[-1, -1, -1, 3]));
        let planes = TensorSpec::new("planes", &[-1, 3, -1, -1]);
        spec.output(planes).output(TensorSpec::new("logits", &[-1, self.classes as i64, 1, 1]))
    }

    fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
        let planes = x[0].permute((0, 3, 1, 2))?.contiguous()?;
        let factors = (0..3).flat_map(|channel| (0..self.classes).map(move |class| (channel, class)));
        let factors: Vec<f32> = factors.map(|(channel, class)| self.factor(channel, class) as f32).collect();
        let factors = Tensor::from_vec(factors, (3, self.classes), &Device::Cpu)?;
        let logits = planes.flatten_from(2)?.mean(2)?.matmul(&factors)?;
        let batch = logits.dim(0)?;
        Ok(vec![planes, logits.reshape((batch, self.classes, 1, 1))?])
    }
}

fn class(params: &str, features: Classifier) -> Result<Function> {
    objective::<ClassObjective>(params, &[("features", Value::function(features))])
}

/// The mean of each channel of a picture of even colour.
const COLOUR: [f64; 3] = [0.5, 1.0, 0.25];

fn colour() -> Tensor {
    let pixel = Tensor::new(&COLOUR.map(|mean| mean as f32), &Device::Cpu).unwrap();
    pixel.broadcast_as((1, 4, 4, 3)).unwrap().contiguous().unwrap()
}

#[test]
fn logits_and_probabilities() {
    let logits: Vec<f64> = (0..1000).map(|class| class as f64 / 500.0 * COLOUR[class % 3]).collect();
    let all = logits.iter().map(|logit| logit.exp()).sum::<f64>().ln();
    for (name, index) in [("281", 281), ("tabby", 281), ("Tabby", 281), ("0", 0), ("tench", 0), ("999", 999)]
    {
        let logit = class(&format!(r#"{{"class": "{name}"}}"#), CLASSIFIER).unwrap();
        assert!((value(&logit, &colour()) - logits[index]).abs() < 1e-5, "{name}");
        let params = format!(r#"{{"class": "{name}", "form": "probability"}}"#);
        let probability = class(&params, CLASSIFIER).unwrap();
        assert!((value(&probability, &colour()) - (logits[index] - all)).abs() < 1e-4, "{name}");
    }
}

/// Logits of thousands have exponentials that f32 does not hold.
#[test]
fn probabilities_of_large_logits_are_finite() {
    let function = class(r#"{"class": "1", "form": "probability"}"#, Classifier { scale: 0.1, ..CLASSIFIER });
    let found = value(&function.unwrap(), &colour());
    // Class 997 wins with 9970, class 1 has 10.
    assert!((found + 9960.0).abs() < 1.0, "{found}");
}

#[test]
fn it_is_differentiable_and_not_local() {
    for form in ["logit", "probability"] {
        let params = format!(r#"{{"class": "700", "form": "{form}"}}"#);
        let function = class(&params, CLASSIFIER).unwrap();
        check_gradient(&function, &picture(2, 6, 4, 0));
        assert_eq!(function.tiles(), None);
    }
}

#[test]
fn classes_are_found() {
    for (text, expected) in
        [(" TIGER CAT ", 282), ("Cardigan", 264), ("cardigan", 474), ("great white shark", 2), ("007", 7)]
    {
        assert_eq!(find(text), Ok(expected), "{text}");
    }
    for (text, expected) in [
        ("1000", "there is no class 1000: ImageNet has 0 to 999"),
        ("CARDIGAN", "`CARDIGAN` is ambiguous: `Cardigan` (264) or `cardigan` (474)"),
        ("cat", "ImageNet has no class `cat` (did you mean `tiger cat`, `Persian cat`"),
        ("tabbby", "ImageNet has no class `tabbby` (did you mean `tabby`?)"),
        ("xylem", "ImageNet has no class `xylem`"),
        ("-1", "ImageNet has no class `-1`"),
        ("", "ImageNet has no class ``"),
    ] {
        let error = find(text).unwrap_err();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn features_that_classify_nothing_are_refused() {
    let error = objective::<ClassObjective>(
        r#"{"class": "tabby"}"#,
        &[("features", Value::function(Blocks(["1", "1"])))],
    );
    let error = error.err().expect("refused");
    assert_eq!(error.input(), "features");
    assert_eq!(
        error.to_string(),
        "`features` has no layer `logits`; its layers are `planes`, `means`; hint: use SqueezeNetFeatures with \
         `layers` \"logits\""
    );
    let error =
        class(r#"{"class": "tabby"}"#, Classifier { classes: 10, ..CLASSIFIER }).err().expect("refused");
    assert_eq!(error.to_string(), "layer `logits` must have 1000 classes, found 10");
    let error = class(r#"{"class": "tabbby"}"#, CLASSIFIER).err().expect("refused");
    assert_eq!(error.input(), "class");
    let check = |class: &str| ClassObjective::check(&Params { class: class.into(), form: Form::Logit });
    assert!(check("tabby").is_ok());
    assert_eq!(check("tabbby").unwrap_err().to_string(), error.to_string());
}
