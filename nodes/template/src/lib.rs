//! A plugin with one node: the manual for node authors. Read it from the bottom up: the tests show what the
//! node does, `plugin!` registers it, [`Mix`] implements it, [`Params`] is what a graph may set.
//!
//! # Build and try
//! ```text
//! cargo build -p node-template
//! dreamwire watch graph.json --plugins target/debug/libnode_template.so
//! ```
//! (`.dylib` on macOS; on Windows `node_template.dll`.) Given a folder, `--plugins` loads only files named
//! `libdreamwire_*`, so that it never tries an unrelated library; given a file, it loads that file, whatever
//! its name. To install the plugin, put it under such a name in a folder that `DREAMWIRE_PLUGINS` lists.
//!
//! # Adapt it
//! 1. Set your own reverse domain name in `plugin!` at the end.
//! 2. Write one file per node, `mod` it here, and list its type in `plugin!`.
//! 3. `cargo test`: the test at the end runs the node without a host.
//!
//! # Rules
//! - A node is a pure function of its inputs, params and files. Randomness comes from a `seed` param. This
//!   makes the host's cache correct: it skips a node whose inputs have not changed.
//! - It opens no files (use a file param and [`Call::read`]), prints nothing (use [`Call::info`]), and has no
//!   globals.
//! - A long loop calls [`Call::progress`] with `?` once per step, which is also how a user cancels.
//! - A panic ends the run with an error that names the node; the host survives. Use it for bugs only.

// Node, Kind, Port, port, Call, Inputs, Outputs, Error, Result, Tensor, Device, JsonSchema, Deserialize, ...
use dreamwire_sdk::prelude::*;

// The params: what a graph file may set by a literal. This struct is the only place that describes them; the
// check of graph files, the list of kinds, and an editor's widgets all come from it. In here:
// - The doc of the struct is the doc of the kind, its first line the summary. Give formula, shapes, ranges,
//   errors.
// - The doc of a field describes the param. Ranges and units are stated with `schemars`; the host has checked
//   them when `run` gets the value.
// - Types may be integers, floats, strings, booleans, an enum of names (without docs on its variants), lists
//   of these.
// - `deny_unknown_fields` makes a misspelt name an error instead of a silent default.
/// Mixes two pictures: `out = a + (b - a) * amount`, per channel, in display-referred sRGB.
///
/// `a` and `b` are `[B,H,W,C]` of one shape, in 0..1, and so is the result.
/// Errors: pictures of different shapes.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// 0 gives `a`, 1 gives `b`.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-dw-step" = 0.01))]
    pub amount: f64,
}

// What a param is when the graph leaves it out; the schema shows it to the user, so it is stated once, here. A param
// that a graph has to give has no default: then leave `default` out above, and write `#[serde(default)]` over each
// field that may be left out.
impl Default for Params {
    fn default() -> Self {
        Self { amount: 0.5 }
    }
}

/// The node. Fields of this struct survive from run to run under `watch`: use them for loaded weights, never
/// for anything that changes the result. This node needs none.
#[derive(Default)]
pub struct Mix;

impl Node for Mix {
    // What the host knows before it creates one: the name in graph files (`class_type`), the version of its
    // meaning (increment it when the same inputs give another result; this invalidates its cached results),
    // and its ports. IMAGE is float32 [B,H,W,C] in 0..1; the guide lists other types. A port may be
    // `.optional()`, and may take several types ("OBJECTIVE|FEATURES"). A node that saves or shows something
    // adds `.output()`.
    const KIND: Kind = Kind::new("Mix", 1)
        .category("image")
        .inputs(&[
            port("a", "IMAGE").doc("The picture at amount 0."),
            port("b", "IMAGE").doc("The picture at amount 1."),
        ])
        .outputs(&[port("IMAGE", "IMAGE").doc("The mixture.")]);

    type Params = Params;

    fn run(&mut self, _call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        // candle tensors, already checked to be float32 of four dimensions. An error in here names the port.
        let (a, b) = (inputs.image("a")?, inputs.image("b")?);
        inputs.same_shape("a", "b")?;
        // candle's arithmetic returns results; `?` converts its errors.
        let out = (&a + ((&b - &a)? * params.amount)?)?;
        // One output: a tensor is enough. Several: `Outputs::new().tensor(x).float(0.5)`, in the order of the
        // ports.
        Ok(out.into())
    }
}

// Exports the one symbol that the host looks for. The id must be unique; all node types follow.
dreamwire_sdk::plugin!("org.example.template", Mix);

// The tests document what the node promises. `run_node` goes through the same C functions as the host, so a
// panic or a wrong shape has the same effect here.
#[cfg(test)]
mod tests {
    use super::*;
    use dreamwire_sdk::testing::{Ran, Value, run_node};

    /// Mixes a black and a white picture; `width_b` is the width of the white one.
    fn mix(params: &str, width_b: usize) -> Result<Ran> {
        let a = Tensor::zeros((1, 2, 3, 3), DType::F32, &Device::Cpu)?; // [B,H,W,C]
        let b = Tensor::ones((1, 2, width_b, 3), DType::F32, &Device::Cpu)?;
        run_node::<Mix>(params, &[("a", Value::Tensor(a)), ("b", Value::Tensor(b))], &[])
    }

    #[track_caller]
    fn check(params: &str, wanted: f32) {
        let ran = mix(params, 3).expect("it runs");
        let image = ran.outputs[0].tensor();
        assert_eq!(image.dims(), [1, 2, 3, 3]);
        let samples = image.flatten_all().and_then(|t| t.to_vec1::<f32>()).expect("f32");
        assert!(samples.iter().all(|v| (v - wanted).abs() < 1e-6), "{samples:?}");
    }

    #[test]
    fn amount_goes_from_a_to_b() {
        check(r#"{"amount": 0}"#, 0.0);
        check(r#"{"amount": 0.25}"#, 0.25);
        check(r#"{"amount": 1}"#, 1.0);
    }

    #[test]
    fn params_left_out_get_their_defaults() {
        check("{}", 0.5);
    }

    #[test]
    fn other_sizes_are_refused_with_both_shapes() {
        let Err(error) = mix("{}", 4) else { panic!("pictures of two sizes were mixed") };
        let message = error.to_string();
        assert!(message.contains("[1, 2, 3, 3]") && message.contains("[1, 2, 4, 3]"), "{message}");
    }
}
