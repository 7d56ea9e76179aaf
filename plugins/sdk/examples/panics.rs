//! A plugin for tests: its nodes panic, and the host must survive.

use dreamwire_sdk::prelude::*;

/// A small grey picture, or a panic.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// Panic instead.
    #[serde(default)]
    pub(crate) panics: bool,
}

fn picture(call: &Call) -> Result<Outputs> {
    Ok(Tensor::full(0.5f32, (1, 4, 4, 3), call.device())?.into())
}

#[derive(Default)]
struct Panics;

impl Node for Panics {
    const KIND: Kind = Kind::new("Panics", 1).category("test").outputs(&[port("IMAGE", "IMAGE")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, _: Inputs) -> Result<Outputs> {
        assert!(!params.panics, "the sky fell");
        picture(call)
    }
}

/// A small grey picture from a node that panics when it is created or destroyed.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoParams {}

#[derive(Default)]
struct PanicsInDrop;

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("the sky fell in the end");
    }
}

impl Node for PanicsInDrop {
    const KIND: Kind = Kind::new("PanicsInDrop", 1).category("test").outputs(&[port("IMAGE", "IMAGE")]);
    type Params = NoParams;

    fn run(&mut self, call: &Call, _: NoParams, _: Inputs) -> Result<Outputs> {
        picture(call)
    }
}

struct PanicsInCreate;

impl Default for PanicsInCreate {
    fn default() -> Self {
        panic!("the sky fell at once");
    }
}

impl Node for PanicsInCreate {
    const KIND: Kind = Kind::new("PanicsInCreate", 1).category("test").outputs(&[port("IMAGE", "IMAGE")]);
    type Params = NoParams;

    fn run(&mut self, call: &Call, _: NoParams, _: Inputs) -> Result<Outputs> {
        picture(call)
    }
}

dreamwire_sdk::plugin!("org.example.panics", Panics, PanicsInDrop, PanicsInCreate);
