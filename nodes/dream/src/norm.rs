use dreamwire_nets::objective;
use dreamwire_sdk::prelude::*;
use serde::Serialize;

/// How strong a layer or a channel is: a number made of its activations `a`.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Norm {
    #[default]
    L2,
    L1,
    Mean,
}

impl From<Norm> for objective::Norm {
    fn from(norm: Norm) -> Self {
        match norm {
            Norm::L2 => Self::L2,
            Norm::L1 => Self::L1,
            Norm::Mean => Self::Mean,
        }
    }
}
