use dreamwire_nets::imagenet::CLASSES;
use dreamwire_sdk::prelude::*;
use serde::Serialize;

use crate::on_features::OnFeatures;
use crate::scalar::{self, Positions};

/// The layer that it uses.
const LAYER: &str = "logits";

/// The score of one of ImageNet's 1000 classes: dreams of a `tabby`, a `volcano`, a `pizza`.
///
/// `features` must have a layer `logits`, `[B,1000,1,1]`. The value of a picture is the logit of the class,
/// or its log probability, `logit_c - log sum_k exp logit_k`. The layer's weight in `features` is ignored.
/// The classifier needs the whole picture at once, so this objective cannot be tiled.
///
/// Errors: features without `logits`; a class that ImageNet does not have.
///
/// Source: Simonyan, Vedaldi & Zisserman, arXiv:1312.6034, section 2, which maximises the logit.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// A class name such as `tabby`, in any case, or an index from 0 to 999.
    pub(crate) class: String,
    /// What is maximised: the class's logit, or its log probability, which also makes all other classes less
    /// likely.
    #[serde(default)]
    pub(crate) form: Form,
}

#[derive(Clone, Copy, Default, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Form {
    #[default]
    Logit,
    Probability,
}

#[derive(Default)]
pub(crate) struct ClassObjective;

impl Node for ClassObjective {
    const KIND: Kind = Kind::new("ClassObjective", 1)
        .title("Class objective")
        .category("objectives")
        .inputs(&[port("features", "FEATURES").doc("A classifier: SqueezeNetFeatures with layer `logits`.")])
        .outputs(&[port("OBJECTIVE", "OBJECTIVE").doc("The score of the class.")]);
    type Params = Params;

    fn run(&mut self, _: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let class = class(&params)?;
        let features = OnFeatures::new(inputs.function("features")?, "features")?;
        let layer = features.layer(LAYER).ok_or_else(|| {
            let message =
                format!("`features` has no layer `{LAYER}`; its layers are {}", features.layer_names());
            Error::port("features", message).hint("use SqueezeNetFeatures with `layers` \"logits\"")
        })?;
        let classes = features.layers()[layer].dims.get(1).copied().unwrap_or(-1);
        if classes != CLASSES.len() as i64 {
            let wanted = CLASSES.len();
            let message = format!("layer `{LAYER}` must have {wanted} classes, found {classes}");
            return Err(Error::port("features", message));
        }
        Ok(Outputs::new().function(Classified { features, layer, class, form: params.form }))
    }

    /// Rejects unknown classes.
    fn check(params: &Params) -> Result<()> {
        class(params).map(drop)
    }
}

/// The number of the class that is asked for.
fn class(params: &Params) -> Result<usize> {
    find(&params.class).map_err(|error| Error::param("class", error))
}

/// OBJECTIVE: the logit or log probability of a class.
struct Classified {
    features: OnFeatures,
    layer: usize,
    class: usize,
    form: Form,
}

impl Differentiable for Classified {
    fn spec(&self) -> FnSpec {
        scalar::spec("ClassObjective", self.features.dims(), Positions::Free)
    }

    fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
        let layers = self.features.apply(x)?;
        let logits = layers[self.layer].mean((2, 3))?;
        let values = match self.form {
            Form::Logit => logits,
            Form::Probability => log_softmax(&logits)?,
        };
        scalar::total(&values.narrow(1, self.class, 1)?)
    }

    fn peak(&self) -> Option<Peak> {
        self.features.peak()
    }
}

/// `[B,N]`: each logit minus the logarithm of the sum of all exponentials.
fn log_softmax(logits: &Tensor) -> Result<Tensor> {
    // The softmax is invariant to a constant; subtracting the largest keeps the exponentials finite.
    let logits = logits.broadcast_sub(&logits.max_keepdim(1)?.detach())?;
    Ok(logits.broadcast_sub(&logits.exp()?.sum_keepdim(1)?.log()?)?)
}

/// The index of a class, given by name or number.
fn find(text: &str) -> std::result::Result<usize, String> {
    let text = text.trim();
    if let Ok(number) = text.parse::<usize>() {
        let last = CLASSES.len() - 1;
        return if number <= last {
            Ok(number)
        } else {
            Err(format!("there is no class {number}: ImageNet has 0 to {last}"))
        };
    }
    // `Cardigan` is a dog, `cardigan` a garment: an exact match comes first.
    if let Some(exact) = CLASSES.iter().position(|name| *name == text) {
        return Ok(exact);
    }
    let lower = text.to_lowercase();
    let alike = CLASSES.iter().enumerate().filter(|(_, name)| name.to_lowercase() == lower);
    let alike: Vec<(usize, &str)> = alike.map(|(class, name)| (class, *name)).collect();
    match alike[..] {
        [] => Err(format!("ImageNet has no class `{text}`{}", suggestion(&lower))),
        [(class, _)] => Ok(class),
        [(one, first), (other, second), ..] => {
            Err(format!("`{text}` is ambiguous: `{first}` ({one}) or `{second}` ({other})"))
        }
    }
}

/// Names that contain the word, otherwise the most similar one.
fn suggestion(lower: &str) -> String {
    const MOST: usize = 5;
    let has_word = |name: &&str| name.to_lowercase().split(' ').any(|word| word == lower);
    let mut names: Vec<String> =
        CLASSES.iter().copied().filter(has_word).take(MOST).map(|name| format!("`{name}`")).collect();
    if names.is_empty() {
        let likeness = |name: &'static str| (strsim::jaro_winkler(lower, &name.to_lowercase()), name);
        let nearest = CLASSES.iter().copied().map(likeness).max_by(|a, b| a.0.total_cmp(&b.0));
        names.extend(nearest.filter(|nearest| nearest.0 > 0.8).map(|(_, name)| format!("`{name}`")));
    }
    if names.is_empty() { String::new() } else { format!(" (did you mean {}?)", names.join(", ")) }
}

#[cfg(test)]
mod tests;
