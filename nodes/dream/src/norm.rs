use dreamwire_nets::objective::Norm;
use dreamwire_sdk::prelude::*;
use serde::Serialize;

/// How a graph names a [`Norm`]: what number is made of the activations of a layer or channel.
#[derive(Deserialize, JsonSchema, Serialize)]
#[serde(remote = "Norm", rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum NormName {
    L2,
    L1,
    Mean,
}
