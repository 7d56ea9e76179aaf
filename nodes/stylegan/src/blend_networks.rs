use dreamwire_nets::stylegan::{MappingOf, StyleGanError};
use dreamwire_nets::{Kept, TensorOptions};
use dreamwire_sdk::candle::DeviceLocation;
use dreamwire_sdk::prelude::*;
use serde::Serialize;

use crate::builtin;
use crate::family::{Network, limit};
use crate::functions::{Generator, Mapping};
use crate::network::{Random, Source, Weights, random_two};

/// Makes one StyleGAN2 network of two: coarse blocks of one, fine blocks of the other (layer swapping).
///
/// The blocks below `from_resolution` determine pose and shape, those from there on features, colours and texture. This
/// makes pictures if one network was fine-tuned from the other, for example faces and cartoons of them; networks that
/// were trained independently do not understand each other's features.
///
/// MAPPING and GENERATOR are those of LoadStyleGAN. The styles and the average are of the network of `mapping`.
///
/// Errors: those of LoadStyleGAN for either file; networks whose blocks have other sizes; a resolution at which no
/// block but the first begins.
///
/// Source: Pinkney and Adler, arXiv:2010.05334.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// The network of the coarse blocks, as LoadStyleGAN takes it.
    #[schemars(extend("format" = "dw-weights", "x-dw-builtin" = ["avatars64", "random:*"]))]
    pub(crate) coarse: String,
    /// The network of the fine blocks.
    #[schemars(extend("format" = "dw-weights", "x-dw-builtin" = ["avatars64", "random:*"]))]
    pub(crate) fine: String,
    /// Side of the first block of `fine`, in pixels: a power of 2 from 8 to the size of the pictures.
    #[schemars(range(min = 8, max = 1024))]
    pub(crate) from_resolution: usize,
    /// The network that turns random latents into styles.
    #[serde(with = "MappingName")]
    pub(crate) mapping: MappingOf,
    /// Activations are clamped to plus and minus this value; 0 is no limit, null is what the file of `coarse` says, as in
    /// LoadStyleGAN.
    #[schemars(range(min = 0.0))]
    pub(crate) clamp: Option<f64>,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            coarse: builtin::NAME.to_owned(),
            fine: builtin::NAME.to_owned(),
            from_resolution: 32,
            mapping: MappingOf::Coarse,
            clamp: None,
        }
    }
}

/// How a graph names a [`MappingOf`].
#[derive(Deserialize, JsonSchema, Serialize)]
#[serde(remote = "MappingOf", rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum MappingName {
    Coarse,
    Fine,
}

/// Where both come from, the first block of the fine one, the mapping, what activations are limited to, and the device.
type Key = (Source, Source, usize, MappingOf, Option<f64>, DeviceLocation);

#[derive(Default)]
pub(crate) struct BlendNetworks {
    kept: Kept<Key, Network>,
}

impl Node for BlendNetworks {
    const KIND: Kind = Kind::new("BlendNetworks", 1).title("Blend networks").category("stylegan").outputs(&[
        port("MAPPING", "MAPPING").doc("Random latents `[B,z]` to styles `[B,layers,w]`."),
        port("GENERATOR", "GENERATOR").doc("Styles `[B,layers,w]` to pictures `[B,R,R,C]`."),
    ]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, _: Inputs) -> Result<Outputs> {
        let Params { from_resolution, mapping, clamp, .. } = params;
        let coarse = Weights::find("coarse", &params.coarse, || call.read(&params.coarse))?;
        let fine = Weights::find("fine", &params.fine, || call.read(&params.fine))?;
        let options = TensorOptions::new(DType::F32, call.device().clone());
        let key = (coarse.source, fine.source, from_resolution, mapping, clamp, call.device().location());
        let network = self.kept.network(key, || {
            let (one, own) = coarse.generator()?;
            let (other, _) = fine.generator()?;
            let swapped = one.swapped(other, from_resolution, mapping);
            let blended = swapped.map_err(|error| {
                if matches!(error, StyleGanError::Block { .. }) {
                    Error::param("from_resolution", error)
                } else {
                    Error::content(&error).at("fine")
                }
            })?;
            let built = blended.build(limit(clamp, &own), options);
            built.map(Network::from).map_err(|error| coarse.unusable(&error))
        })?;
        coarse.say(call);
        fine.say(call);
        Ok(Outputs::new().function(Mapping(network.mapping)).function(Generator(network.synthesis)))
    }

    /// Rejects names of random networks that do not exist or are no StyleGAN2, and sides that are not powers of 2
    /// or that a network without a file does not have.
    fn check(params: &Params) -> Result<()> {
        let found = params.from_resolution;
        let wrong = |message: String| Err(Error::param("from_resolution", message));
        for (param, name) in [("coarse", &params.coarse), ("fine", &params.fine)] {
            let side = match random_two(name).map_err(|error| error.at(param))? {
                Some(Random { side, .. }) => side,
                _ if name == builtin::NAME => builtin::SIDE,
                _ => continue,
            };
            if found > side {
                return wrong(format!(
                    "`from_resolution` must be 8, 16, .. {side}, the blocks of `{name}`, found {found}"
                ));
            }
        }
        if found.is_power_of_two() {
            return Ok(());
        }
        wrong(format!("`from_resolution` must be 8, 16, 32, .. 1024, found {found}"))
    }
}

#[cfg(test)]
mod tests {
    use dreamwire_sdk::abi;
    use dreamwire_sdk::testing::{Ran, Value, in_call, run_node};

    use super::*;
    use crate::load_stylegan::LoadStyleGAN;
    use crate::small;

    fn blend(params: &str) -> Result<Ran> {
        let (one, other) = (small::file(0), small::file(1));
        let files: &[(&str, &[u8])] = &[("one", &one), ("other", &other)];
        let params = format!(r#"{{"coarse": "one", "fine": "other"{params}}}"#);
        run_node::<BlendNetworks>(&params, &[], files)
    }

    fn functions(ran: Ran) -> (Function, Function) {
        match &ran.outputs[..] {
            [Value::Function(mapping), Value::Function(generator)] => (mapping.clone(), generator.clone()),
            _ => panic!("two functions were promised"),
        }
    }

    fn load(seed: u32) -> (Function, Function) {
        let file = small::file(seed);
        let ran = run_node::<LoadStyleGAN>(r#"{"weights": "it"}"#, &[], &[("it", &file)]);
        functions(ran.expect("it loads"))
    }

    /// The first output for one input.
    fn output(function: &Function, x: &Tensor) -> Tensor {
        in_call(|_| Ok(function.eval(&[x])?.swap_remove(0))).expect("it runs")
    }

    #[test]
    fn mapping_and_blocks_come_from_their_networks() {
        let (mapping, generator) = functions(blend(r#", "from_resolution": 16"#).expect("they blend"));
        let z = small::normal(1, &[2, small::WIDTH]);
        let w = output(&load(0).0, &z);
        assert_eq!(small::bits(&output(&mapping, &z)), small::bits(&w));
        let pictures = output(&generator, &w);
        for seed in [0, 1] {
            assert!(small::difference(&pictures, &output(&load(seed).1, &w)) > 0.01, "network {seed} alone");
        }
        let (fine, _) =
            functions(blend(r#", "from_resolution": 16, "mapping": "fine""#).expect("they blend"));
        assert_eq!(small::bits(&output(&fine, &z)), small::bits(&output(&load(1).0, &z)));
    }

    #[test]
    fn a_network_with_itself_is_itself() {
        let file = small::file(0);
        let params = r#"{"coarse": "it", "fine": "it", "from_resolution": 8}"#;
        let ran = run_node::<BlendNetworks>(params, &[], &[("it", &file)]).expect("they blend");
        let w = small::normal(2, &[1, small::LAYERS, small::WIDTH]);
        let found = output(&functions(ran).1, &w);
        assert_eq!(small::bits(&found), small::bits(&output(&load(0).1, &w)));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let check = |params: &str, blamed: &str, expected: &str| {
            let error = blend(params).err().expect("refused");
            assert_eq!(error.to_string(), expected);
            assert_eq!((error.input(), error.status()), (blamed, abi::E_ARG));
        };
        check(
            r#", "from_resolution": 32"#,
            "from_resolution",
            "no block can be exchanged from 32 px on: these networks have blocks of 4 to 16 px, and the first \
             exchanged one must be 8, 16, .. 16",
        );
        let params = r#"{"coarse": "it", "fine": "avatars64"}"#;
        let error =
            run_node::<BlendNetworks>(params, &[], &[("it", &small::file(0))]).err().expect("refused");
        assert_eq!(error.input(), "fine");
        let text = error.to_string();
        assert!(text.contains("the coarse one is of 16 px with 3 channels, styles of 16 numbers"), "{text}");
        assert!(text.contains("the fine one is of 64 px with 3 channels, styles of 128 numbers"), "{text}");
        let error = run_node::<BlendNetworks>(r#"{"fine": "it"}"#, &[], &[("it", b"<!doctype html>")]);
        let error = error.err().expect("refused");
        assert_eq!(error.input(), "fine");
        assert!(error.to_string().starts_with("`it`: this is an HTML page"), "{error}");
    }

    #[test]
    fn params_are_judged_before_anything_is_read() {
        let check = |params: Params| BlendNetworks::check(&params).map_err(|error| error.input().to_owned());
        assert_eq!(check(Params::default()), Ok(()));
        assert_eq!(
            check(Params { from_resolution: 24, ..Params::default() }),
            Err("from_resolution".to_owned())
        );
        assert_eq!(
            check(Params { fine: "random:0:9".to_owned(), ..Params::default() }),
            Err("fine".to_owned())
        );
        assert_eq!(
            check(Params { fine: "random:0:64:stylegan3-r".to_owned(), ..Params::default() }),
            Err("fine".to_owned())
        );
        let from_128 = |coarse: &str, fine: &str| Params {
            coarse: coarse.to_owned(),
            fine: fine.to_owned(),
            from_resolution: 128,
            ..Params::default()
        };
        assert_eq!(check(from_128("a.pkl", "b.pkl")), Ok(()));
        assert_eq!(check(from_128("random:0:256", "b.pkl")), Ok(()));
        assert_eq!(check(from_128("a.pkl", "avatars64")), Err("from_resolution".to_owned()));
        let error = BlendNetworks::check(&from_128("random:0:32", "b.pkl")).expect_err("refused");
        let said = "`from_resolution` must be 8, 16, .. 32, the blocks of `random:0:32`, found 128";
        assert_eq!(error.to_string(), said);
    }
}
