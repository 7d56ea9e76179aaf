use dreamwire_nets::objective::Norm;
use dreamwire_sdk::prelude::*;

use crate::layer_objective::LayerEnergy;
use crate::on_features::OnFeatures;
use crate::scalar::{self, PICTURE_COPIES, PIXEL_BYTES, Positions};

/// The weighted sum of several objectives, `sum_i w_i objective_i(x)`.
///
/// Higher is better for all objectives, including those that are minus a loss, so weights say how important
/// each one is; a negative weight inverts its objective. FEATURES stand for their LayerObjective with norm
/// l2.
///
/// The sum can be tiled if all of its objectives can and all of them are means, or all are sums over
/// positions. A dream uses no jitter if one of them compares the picture with another position by position.
///
/// Errors: more weights than objectives; objectives of pictures with different numbers of channels.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// One weight per objective, in order: `1, 0.5, -2`. Missing weights are 1.
    #[schemars(extend("x-dw-list" = true))]
    pub(crate) weights: String,
}

#[derive(Default)]
pub(crate) struct SumObjective;

impl Node for SumObjective {
    const KIND: Kind = Kind::new("SumObjective", 1)
        .title("Sum of objectives")
        .category("objectives")
        .inputs(&[port("objectives", "OBJECTIVE|FEATURES")
            .many()
            .doc("The objectives to add, in the order of `weights`.")])
        .outputs(&[port("OBJECTIVE", "OBJECTIVE").doc("The weighted sum.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let terms: Vec<_> = inputs.functions("objectives")?.into_iter().map(term).collect::<Result<_>>()?;
        let weights = weights(&params.weights, terms.len())?;
        if weights.iter().all(|weight| *weight == 0.0) {
            call.warn("all `weights` are 0: the sum is 0 for every picture, so nothing will change");
        }
        let dims = common_dims(&terms)?;
        Ok(Outputs::new().function(Sum { terms: terms.into_iter().zip(weights).collect(), dims }))
    }

    /// Rejects weights that are not numbers. How many there may be is known at run time.
    fn check(params: &Params) -> Result<()> {
        numbers(&params.weights).map(drop)
    }
}

type Term = Box<dyn Differentiable>;

fn term(function: Function) -> Result<Term> {
    if function.ty() != "FEATURES" {
        return Ok(Box::new(Connected(function)));
    }
    let features = OnFeatures::weighted(function, "objectives")?;
    Ok(Box::new(LayerEnergy { features, norm: Norm::L2 }))
}

fn numbers(text: &str) -> Result<Vec<f64>> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let number = |number: &str| {
        let weight = number.parse().ok().filter(|weight: &f64| weight.is_finite());
        weight.ok_or_else(|| {
            Error::param("weights", format!("`weights` must be numbers such as `1, 0.5`, found `{number}`"))
        })
    };
    text.split(',').map(str::trim).map(number).collect()
}

/// One weight per term.
fn weights(text: &str, terms: usize) -> Result<Vec<f64>> {
    let mut weights = numbers(text)?;
    if weights.len() > terms {
        let found = weights.len();
        return Err(Error::param("weights", format!("`weights` has {found} numbers for {terms} objectives")));
    }
    weights.resize(terms, 1.0);
    Ok(weights)
}

/// The shape that all terms take; -1 is free.
fn common_dims(terms: &[Term]) -> Result<Vec<i64>> {
    let mut common: Option<Vec<i64>> = None;
    for term in terms {
        let spec = term.spec();
        let dims = scalar::input_dims(&spec);
        common = Some(match common {
            None => dims.to_vec(),
            Some(before) => both(&before, dims).ok_or_else(|| {
                let name = &spec.name;
                let message = format!(
                    "`{name}` takes inputs of shape {dims:?}, the objectives before it take {before:?} (-1 is any): \
                     no picture fits both"
                );
                Error::port("objectives", message)
            })?,
        });
    }
    common.ok_or_else(|| Error::port("objectives", "`objectives` is not connected"))
}

/// A shape that fits `a` and `b`.
fn both(a: &[i64], b: &[i64]) -> Option<Vec<i64>> {
    let size = |(&a, &b): (&i64, &i64)| match (a < 0, b < 0) {
        (true, _) => Some(b),
        (_, true) => Some(a),
        _ => (a == b).then_some(a),
    };
    if a.len() == b.len() { a.iter().zip(b).map(size).collect() } else { None }
}

/// The larger halo of two functions, on a grid that both share.
fn wider(a: Tiles, b: Tiles) -> Option<Tiles> {
    if a.reduction != b.reduction {
        return None;
    }
    let stride = (a.stride / common_divisor(a.stride, b.stride)).checked_mul(b.stride)?;
    Some(Tiles { stride, halo: a.halo.max(b.halo), reduction: a.reduction })
}

fn common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

/// An OBJECTIVE of another node.
struct Connected(Function);

impl Differentiable for Connected {
    fn spec(&self) -> FnSpec {
        self.0.spec().clone()
    }

    fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
        self.0.apply(scalar::picture(x)?)
    }

    fn tiles(&self) -> Option<Tiles> {
        self.0.tiles()
    }

    fn peak(&self) -> Option<Peak> {
        let peak = self.0.peak()?;
        let own = PICTURE_COPIES * PIXEL_BYTES;
        let (value, gradient) = (peak.value.saturating_add(own), peak.gradient.saturating_add(own));
        Some(Peak { value, gradient, ..peak })
    }
}

/// OBJECTIVE: the weighted sum of objectives.
struct Sum {
    terms: Vec<(Term, f64)>,
    dims: Vec<i64>,
}

impl Differentiable for Sum {
    fn spec(&self) -> FnSpec {
        let fixed = |(term, _): &(Term, f64)| Positions::of(&term.spec()) == Positions::Fixed;
        let positions = if self.terms.iter().any(fixed) { Positions::Fixed } else { Positions::Free };
        scalar::spec("SumObjective", &self.dims, positions)
    }

    fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
        let value = |(term, weight): &(Term, f64)| -> Result<Tensor> {
            let outputs = term.forward(x)?;
            let [value] = &outputs[..] else {
                let (name, found) = (term.spec().name, outputs.len());
                return Err(Error::failed(format!("`{name}` must return 1 number, found {found}")));
            };
            // It may be a scalar, or a list of one.
            Ok((value.reshape(1)? * *weight)?)
        };
        let values = self.terms.iter().map(value).collect::<Result<Vec<_>>>()?;
        scalar::total(&Tensor::cat(&values, 0)?)
    }

    fn tiles(&self) -> Option<Tiles> {
        let tiles: Vec<Tiles> = self.terms.iter().map(|(term, _)| term.tiles()).collect::<Option<_>>()?;
        let (first, rest) = tiles.split_first()?;
        rest.iter().try_fold(*first, |sum, tiles| wider(sum, *tiles))
    }

    /// The tapes of all terms are there together.
    fn peak(&self) -> Option<Peak> {
        let add = |sum: Peak, peak: Peak| Peak {
            fixed: sum.fixed.saturating_add(peak.fixed),
            outputs: 0,
            value: sum.value.saturating_add(peak.value),
            gradient: sum.gradient.saturating_add(peak.gradient),
        };
        self.terms.iter().try_fold(Peak::default(), |sum, (term, _)| Some(add(sum, term.peak()?)))
    }
}

#[cfg(test)]
mod tests;
