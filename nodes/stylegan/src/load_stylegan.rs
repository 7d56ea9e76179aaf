use dreamwire_nets::stylegan::Tiles;
use dreamwire_sdk::prelude::*;

use crate::builtin;
use crate::family::Settings;
use crate::functions::{Generator, Mapping};
use crate::network::{self, Kept, Weights};

/// Loads a network of StyleGAN, StyleGAN2 or StyleGAN3 as two functions: MAPPING turns random latents into styles,
/// GENERATOR styles into a picture. The names of the tensors tell which one it is.
///
/// MAPPING takes `z` `[B,z]` and returns `w` `[B,layers,w]` and the average `w_avg` `[w]`. GENERATOR takes
/// `w` and returns a picture `[B,R,R,C]`, in 0..1 except for overshoot; C is 1, 3 or 4. Both are differentiable
/// with respect to all inputs.
///
/// - StyleGAN2 has `2 log2(R) - 2` layers of `w`. After `w` its GENERATOR takes noise planes `noise_i`
///   `[B or 1,1,r,r]`, all or none: without them it uses those in the weights.
/// - The first StyleGAN has as many layers. Files of NVIDIA's and genforce's have a noise plane for each of them, and an
///   average. rosinality's take one plane for every two layers, and have none: without given ones it uses those of
///   Synthesis for the `noise_seed` 0. They have no average either: it is that of 4096 fixed latents.
/// - StyleGAN3, configuration T or R, has 16 layers of `w` unless trained otherwise. After `w` its GENERATOR takes a
///   `transform` `[B or 1,3,3]`, a matrix that turns a place of the picture into the place that is painted there:
///   `(x, y, 1)` from the middle to the right and down, in widths of the picture.
///
/// With `tiles` StyleGAN2 and the first StyleGAN paint wider and higher pictures, `[B,R rows,R columns,C]`: the learned
/// constant that a picture begins with is repeated, and the layers join the tiles. Styles hold for the whole picture, so
/// the tiles show one motif again and again; random noise differs everywhere. It suits networks of textures, patterns and
/// landscapes. Noise planes become as large, those in the weights are repeated.
///
/// MAPPING of a network with classes takes `c` `[B,classes]` after `z`: 1 for the class of the picture and 0 for the
/// others, or weights between. Where the class alone makes the styles, any `z` will do, and only counts rows.
///
/// The built-in network, `avatars64`, paints cartoon faces of 64 px; its `z` and `w` have 128 numbers, and it
/// has 10 layers. A random network makes abstract pictures, a StyleGAN2 as slowly as a trained one of its size; a
/// StyleGAN3 has an eighth of the channels of a trained one.
///
/// Errors: weights of another architecture (named if known), or with tensors that are missing or of other
/// shapes; a random network whose size is not a power of 2 from 16 to 1024; a `resolution` that the network does not
/// paint at; `resolution` or `blend` for another family than the first; `tiles` for a StyleGAN3, which
/// GeneratorTransform moves instead.
///
/// Source: Karras et al., arXiv:1812.04948 (StyleGAN), arXiv:1912.04958 (StyleGAN2; architectures skip, resnet and orig,
/// told by the tensors), arXiv:2006.06676 (its PyTorch form, "ada", with classes) and arXiv:2106.12423 (StyleGAN3).
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// `avatars64`; a file as it was published: NVIDIA's `.pkl`, a checkpoint of PyTorch (`.pt`, `.pth`), or
    /// `.safetensors`; or `random:SEED:SIZE`, a network with random weights for pictures of SIZE pixels, 16
    /// to 1024, a StyleGAN2, or with `:stylegan3-r` behind it a StyleGAN3. Of a checkpoint with several
    /// networks `G_ema` (or `g_running`) is used, or the first generator if there is none, which is logged;
    /// `dreamwire weights import --part` makes a file of another.
    #[schemars(extend("format" = "dw-weights", "x-dw-builtin" = ["avatars64", "random:*"]))]
    pub(crate) weights: String,
    /// Activations are clamped to plus and minus this value, as NVIDIA's PyTorch networks are trained; 0 is no limit. Null
    /// is what the file says: the `conv_clamp` of NVIDIA's, no limit for networks of TensorFlow, rosinality and genforce,
    /// and 256 where nothing is said. The first StyleGAN has none.
    #[schemars(range(min = 0.0))]
    pub(crate) clamp: Option<f64>,
    /// Side of the pictures of a first StyleGAN, which paints at 4, 8, 16, .. px; 0 is the largest one that it was
    /// trained for.
    #[schemars(range(min = 0, max = 1024))]
    pub(crate) resolution: usize,
    /// Share of a first StyleGAN's last block in the picture; the rest is that of the block before, as while the last one
    /// was faded in.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-dw-step" = 0.01))]
    pub(crate) blend: f64,
    /// How often a StyleGAN2 or a first StyleGAN repeats the constant that pictures begin with, `COLUMNSxROWS`, each 1 to
    /// 8: `2x1` makes pictures twice as wide.
    pub(crate) tiles: String,
}

impl Default for Params {
    fn default() -> Self {
        let tiles = "1x1".to_owned();
        Self { weights: builtin::NAME.to_owned(), clamp: None, resolution: 0, blend: 1.0, tiles }
    }
}

#[derive(Default)]
pub(crate) struct LoadStyleGAN {
    kept: Kept,
}

impl Node for LoadStyleGAN {
    const KIND: Kind = Kind::new("LoadStyleGAN", 1).title("Load StyleGAN").category("stylegan").outputs(&[
        port("MAPPING", "MAPPING").doc("Random latents `[B,z]` to styles `[B,layers,w]`."),
        port("GENERATOR", "GENERATOR")
            .doc("Styles `[B,layers,w]` to pictures `[B,R,R,C]`, or of several tiles."),
    ]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, _: Inputs) -> Result<Outputs> {
        let tiles = tiles(&params.tiles)?;
        let weights = Weights::find("weights", &params.weights, || call.read(&params.weights))?;
        let settings = Settings {
            clamp: params.clamp,
            resolution: (params.resolution > 0).then_some(params.resolution),
            blend: params.blend,
        };
        let network = network::network(&mut self.kept, &weights, settings, call.device())?;
        weights.say(call);
        let network = network.tiled(tiles).map_err(|refusal| weights.refused(&refusal))?;
        Ok(Outputs::new().function(Mapping(network.mapping)).function(Generator(network.synthesis)))
    }

    /// Rejects names of random networks that do not exist, sides that are not powers of 2, and what are no tiles.
    fn check(params: &Params) -> Result<()> {
        let found = params.resolution;
        if found != 0 && !(found >= 4 && found.is_power_of_two()) {
            let message = format!("`resolution` must be 0 or 4, 8, 16, .. 1024, found {found}");
            return Err(Error::param("resolution", message));
        }
        tiles(&params.tiles)?;
        network::random(&params.weights).map(drop).map_err(|error| error.at("weights"))
    }
}

/// The tiles of `COLUMNSxROWS`.
fn tiles(text: &str) -> Result<Tiles> {
    let tiles = text
        .split_once('x')
        .and_then(|(columns, rows)| Tiles::new(columns.trim().parse().ok()?, rows.trim().parse().ok()?));
    tiles.ok_or_else(|| {
        let message = format!("`tiles` must be COLUMNSxROWS, each 1 to {}, found `{text}`", Tiles::MOST);
        Error::param("tiles", message).hint("`2x1` is twice as wide, `1x1` a single picture")
    })
}

#[cfg(test)]
mod first;
#[cfg(test)]
mod tiled;
#[cfg(test)]
mod tests {
    use dreamwire_sdk::abi;
    use dreamwire_sdk::testing::{Value, in_call, run_node};

    use super::*;
    use crate::small;

    /// The smallest random network: it has all its 512 channels.
    #[test]
    fn a_random_network_makes_pictures() {
        let ran = run_node::<LoadStyleGAN>(r#"{"weights": "random:7:16"}"#, &[], &[]).unwrap();
        let [Value::Function(mapping), Value::Function(generator)] = &ran.outputs[..] else {
            panic!("two functions were promised");
        };
        in_call(|_| {
            let y = mapping.eval(&[&small::normal(3, &[1, 512])])?;
            assert_eq!((y[0].dims(), y[1].dims()), (&[1, 6, 512][..], &[512][..]));
            let picture = generator.eval(&[&y[0]])?.swap_remove(0);
            assert_eq!(picture.dims(), [1, 16, 16, 3]);
            let mean = picture.mean_all()?;
            let variance = picture.broadcast_sub(&mean)?.sqr()?.mean_all()?.to_scalar::<f32>()?;
            assert!(variance > 1e-4 && variance.is_finite(), "an even picture: variance {variance}");
            Ok(())
        })
        .unwrap();
    }

    /// A random StyleGAN3 takes a transform after `w`.
    #[test]
    fn a_random_stylegan3_makes_pictures_that_can_be_moved() {
        let ran = run_node::<LoadStyleGAN>(r#"{"weights": "random:7:16:stylegan3-r"}"#, &[], &[]).unwrap();
        let [Value::Function(mapping), Value::Function(generator)] = &ran.outputs[..] else {
            panic!("two functions were promised");
        };
        in_call(|_| {
            let y = mapping.eval(&[&small::normal(3, &[1, 512])])?;
            assert_eq!(y[0].dims(), [1, 16, 512]);
            let matrix = |angle: f32| {
                let (s, c) = angle.sin_cos();
                Tensor::new(&[[[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]], &Device::Cpu)
            };
            let still = generator.eval(&[&y[0]])?.swap_remove(0);
            assert_eq!(still.dims(), [1, 16, 16, 3]);
            let same = generator.eval(&[&y[0], &matrix(0.0)?])?.swap_remove(0);
            assert!(small::difference(&still, &same) < 1e-4);
            let turned = generator.eval(&[&y[0], &matrix(1.0)?])?.swap_remove(0);
            assert!(small::difference(&still, &turned) > 0.1);
            Ok(())
        })
        .unwrap();
    }

    /// The built-in network: pictures that differ from seed to seed, and stay in range.
    #[test]
    fn the_built_in_network_is_the_default() {
        let ran = run_node::<LoadStyleGAN>("{}", &[], &[]).unwrap();
        let [Value::Function(mapping), Value::Function(generator)] = &ran.outputs[..] else {
            panic!("two functions were promised");
        };
        in_call(|_| {
            let w = mapping.eval(&[&small::normal(5, &[2, 128])])?.swap_remove(0);
            assert_eq!(w.dims(), [2, 10, 128]);
            let pictures = generator.eval(&[&w])?.swap_remove(0);
            assert_eq!(pictures.dims(), [2, 64, 64, 3]);
            let clamped = pictures.clamp(0f32, 1f32)?;
            let overshoot = (&pictures - &clamped)?.abs()?.mean_all()?.to_scalar::<f32>()?;
            assert!(overshoot < 0.02, "{overshoot}");
            let apart = (clamped.get(0)? - clamped.get(1)?)?.abs()?.mean_all()?.to_scalar::<f32>()?;
            assert!(apart > 0.05, "two faces, {apart} apart");
            Ok(())
        })
        .unwrap();
    }

    #[track_caller]
    fn check_error(name: &str, content: &[u8], start: &str, part: &str) {
        let params = format!(r#"{{"weights": "{name}"}}"#);
        let error = run_node::<LoadStyleGAN>(&params, &[], &[(name, content)]).err().expect("refused");
        assert_eq!((error.input(), error.status()), ("weights", abi::E_INPUT), "{error}");
        let text = error.to_string();
        assert!(text.starts_with(start) && text.contains(part), "{text}");
    }

    #[test]
    fn weights_that_will_not_do_are_told_by_name() {
        check_error("random:x:16", b"", "`random:x:16`: a random network is written ", "`random:SEED:SIZE`");
        check_error("random:1:100", b"", "`random:1:100`: ", "100");
        // Before any file is read.
        let check =
            |weights: &str| LoadStyleGAN::check(&Params { weights: weights.to_owned(), ..Params::default() });
        assert!(check("random:1:100").unwrap_err().to_string().starts_with("`random:1:100`: "));
        assert!(check("random:1:64").is_ok() && check("net.safetensors").is_ok());
        check_error("net.pt", b"<!doctype html>", "`net.pt`: this is an HTML page", "");
        let missing = "synthesis.b8.conv1.bias";
        check_error("net.safetensors", &small::file_without(missing), "`net.safetensors`: ", missing);
        let whole = small::file(0);
        let cut = &whole[..whole.len() - 1];
        check_error(
            "net.safetensors",
            cut,
            "`net.safetensors`: the file is truncated: it must have ",
            "bytes",
        );
    }
}
