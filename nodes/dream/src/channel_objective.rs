use std::ops::RangeInclusive;

use dreamwire_nets::objective::{Norm, channel_energy};
use dreamwire_sdk::prelude::*;

use crate::channels::{self, Channels};
use crate::norm::NormName;
use crate::on_features::OnFeatures;
use crate::scalar::{self, Positions};

/// How strongly single channels of a layer are activated: a dream shows what each of them responds to.
///
/// The value of a picture is the weighted sum, over the chosen channels, of the channel's norm over all
/// positions: for activations a, l2 is `mean(a^2)`, l1 is `mean(|a|)` and mean is `mean(a)`. The layer's
/// weight in `features` is ignored.
///
/// Errors: a layer that `features` does not have; a channel that the layer does not have; `strong` or `weak`
/// without `image`.
///
/// Source: as Olah et al., "Feature Visualization" (2017), and lucid, whose channel objective uses the norm
/// mean.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// Name of a layer of `features`; empty is the first one.
    #[serde(default)]
    pub(crate) layer: String,
    /// Channels and ranges from 0, with optional weights (default 1): `13`, `5-9`, `3:0.5, 7:-1`.
    /// Or `strong:4`, `weak:4`: the channels with the largest (smallest) mean of a^2 in the picture at
    /// `image`.
    #[schemars(extend("x-dw-list" = true))]
    pub(crate) channels: String,
    /// Norm of a channel's activations a: l2 is the mean of their squares, l1 the mean of their absolute
    /// values, mean their mean.
    #[serde(default, with = "NormName")]
    pub(crate) norm: Norm,
}

#[derive(Default)]
pub(crate) struct ChannelObjective;

impl Node for ChannelObjective {
    const KIND: Kind = Kind::new("ChannelObjective", 1)
        .title("Channel objective")
        .category("objectives")
        .inputs(&[
            port("features", "FEATURES").doc("The network."),
            port("image", "IMAGE")
                .optional()
                .doc("The picture by which `strong` and `weak` choose channels, `[B,h,w,3]`."),
        ])
        .outputs(&[port("OBJECTIVE", "OBJECTIVE").doc("How strongly the channels are activated.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let features = OnFeatures::new(inputs.function("features")?, "features")?;
        let layer = match params.layer.trim() {
            "" => 0,
            name => features.layer(name).ok_or_else(|| {
                let found = features.layer_names();
                Error::param("layer", format!("`features` has no layer `{name}`; its layers are {found}"))
            })?,
        };
        let TensorSpec { name, dims, .. } = &features.layers()[layer];
        let count = dims.get(1).copied().and_then(|count| usize::try_from(count).ok());
        let count = count.ok_or_else(|| {
            Error::port("features", format!("layer `{name}` does not say how many channels it has"))
        })?;
        let channels = parse(&params.channels)?;
        channels.check(name, count).map_err(wrong)?;
        let channels = match channels {
            Channels::Listed(ranges) => {
                let each = |(range, weight): (RangeInclusive<usize>, f64)| {
                    range.map(move |channel| (channel, weight))
                };
                ranges.into_iter().flat_map(each).collect()
            }
            Channels::Strongest(count) => {
                chosen(call, channels::strongest(&energies(&inputs, &features, layer)?, count))
            }
            Channels::Weakest(count) => {
                chosen(call, channels::weakest(&energies(&inputs, &features, layer)?, count))
            }
        };
        Ok(Outputs::new().function(ChannelEnergy { features, layer, channels, norm: params.norm }))
    }

    /// Rejects lists that cannot be parsed. Which channels a layer has is known at run time.
    fn check(params: &Params) -> Result<()> {
        parse(&params.channels).map(drop)
    }
}

fn parse(text: &str) -> Result<Channels> {
    channels::parse(text).map_err(wrong)
}

fn wrong(error: String) -> Error {
    Error::param("channels", error)
}

/// The mean square of every channel of a layer in the picture at `image`.
fn energies(inputs: &Inputs, features: &OnFeatures, layer: usize) -> Result<Vec<f32>> {
    let picture = inputs.opt_image("image")?.ok_or_else(|| {
        Error::param(
            "channels",
            "`strong` and `weak` choose channels by a picture, but `image` is not connected",
        )
        .hint("connect a picture to `image`, or list channel numbers")
    })?;
    features.check_channels(&picture, "image")?;
    let layers = features.eval(&picture)?;
    Ok(layers[layer].sqr()?.mean((0, 2, 3))?.to_vec1()?)
}

/// The channels that a picture selects, with weights of 1.
fn chosen(call: &Call, channels: Vec<usize>) -> Vec<(usize, f64)> {
    let names: Vec<String> = channels.iter().map(usize::to_string).collect();
    call.info(&format!("channels chosen by the picture: {}", names.join(", ")));
    channels.into_iter().map(|channel| (channel, 1.0)).collect()
}

/// OBJECTIVE: the weighted sum of the norms of channels.
struct ChannelEnergy {
    features: OnFeatures,
    layer: usize,
    channels: Vec<(usize, f64)>,
    norm: Norm,
}

impl Differentiable for ChannelEnergy {
    fn spec(&self) -> FnSpec {
        scalar::spec("ChannelObjective", self.features.dims(), Positions::Free)
    }

    fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
        let layers = self.features.apply(x)?;
        scalar::total(&channel_energy(&layers[self.layer], &self.channels, self.norm)?)
    }

    fn tiles(&self) -> Option<Tiles> {
        self.features.tiles(TileReduction::Mean)
    }

    fn peak(&self) -> Option<Peak> {
        self.features.peak()
    }
}

#[cfg(test)]
mod tests {
    use dreamwire_sdk::testing::{Value, run_node};

    use super::*;
    use crate::objective_fixtures::{Blocks, TILES, check_gradient, objective, picture, value};

    /// A uniform picture, with red, green and blue of 0.5, 1 and -2.
    fn colour() -> Tensor {
        let pixel = Tensor::new(&[0.5f32, 1.0, -2.0], &Device::Cpu).unwrap();
        pixel.broadcast_as((1, 4, 4, 3)).unwrap().contiguous().unwrap()
    }

    fn channels(params: &str, image: Option<Tensor>) -> Result<Function> {
        let mut inputs = vec![("features", Value::function(Blocks(["5", "7"])))];
        inputs.extend(image.map(|image| ("image", Value::Tensor(image))));
        objective::<ChannelObjective>(params, &inputs)
    }

    fn check(params: &str, expected: f64) {
        let found = value(&channels(params, Some(colour())).unwrap(), &colour());
        assert!((found - expected).abs() < 1e-5, "{params}: {found}");
    }

    #[test]
    fn channels_are_weighted() {
        check(r#"{"channels": "0"}"#, 0.25);
        check(r#"{"channels": "2:0.5, 0:-1", "layer": "means"}"#, 2.0 - 0.25);
        check(r#"{"channels": "0-2", "norm": "mean"}"#, -0.5);
        check(r#"{"channels": "1-2", "norm": "l1"}"#, 3.0);
    }

    /// They count for nothing here.
    #[test]
    fn the_weights_of_layers_may_be_0() {
        let inputs = [("features", Value::function(Blocks(["0", "0"])))];
        let function = objective::<ChannelObjective>(r#"{"channels": "0"}"#, &inputs).unwrap();
        assert!((value(&function, &colour()) - 0.25).abs() < 1e-5);
    }

    #[test]
    fn pictures_choose() {
        check(r#"{"channels": "strong:1"}"#, 4.0);
        check(r#"{"channels": "weak:2", "layer": "means"}"#, 1.25);
        let inputs = [("features", Value::function(Blocks(["1", "1"]))), ("image", Value::Tensor(colour()))];
        let ran = run_node::<ChannelObjective>(r#"{"channels": "strong:2"}"#, &inputs, &[]).unwrap();
        assert_eq!(ran.notes, ["channels chosen by the picture: 2, 1"]);
    }

    #[test]
    fn it_is_differentiable_and_local() {
        for layer in ["planes", "means"] {
            let params = format!(r#"{{"channels": "0:2, 2:0.5", "layer": "{layer}"}}"#);
            let function = channels(&params, None).unwrap();
            check_gradient(&function, &picture(2, 6, 4, 0));
            assert_eq!(function.tiles(), Some(TILES));
        }
    }

    #[test]
    fn channels_are_judged_without_features() {
        let check = |channels: &str| {
            let params = Params { layer: String::new(), channels: channels.into(), norm: Norm::L2 };
            ChannelObjective::check(&params)
        };
        assert!(check("9999, 3-5:0.5").is_ok() && check("strong:4").is_ok());
        for wrong in ["", "cat", "9-5", "3, 1-4", "strong:0", "weak:few"] {
            assert_eq!(check(wrong).unwrap_err().input(), "channels", "{wrong}");
        }
    }

    #[test]
    fn mistakes_are_blamed_on_their_param() {
        for (params, blamed, expected) in [
            (r#"{"channels": "3"}"#, "channels", "there is no channel 3: layer `planes` has 3 channels"),
            (
                r#"{"channels": "0", "layer": "x"}"#,
                "layer",
                "`features` has no layer `x`; its layers are `planes`, `means`",
            ),
            (
                r#"{"channels": "strong:1"}"#,
                "channels",
                "`strong` and `weak` choose channels by a picture, but `image`",
            ),
        ] {
            let error = channels(params, None).err().expect("refused");
            assert_eq!(error.input(), blamed);
            assert!(error.to_string().starts_with(expected), "{error}");
        }
    }
}
