use dreamwire_formats::{Archive, Family};
use dreamwire_sdk::prelude::*;
use serde::Serialize;

use crate::{arrays, latent};

/// Loads latents from a file: what SaveLatent wrote, a `projected_w.npz` of NVIDIA, or an array of another program.
///
/// The content decides how the file is read: `.npz`, `.npy`, `.safetensors`, or a tensor that PyTorch saved. Numbers
/// are floating point of 16, 32 or 64 bits, in C or Fortran order. Of several arrays that of `array` is used; without
/// it the one called `w`, `latent` or `z`. The shape says what it is:
///
/// | array | with `rows` | result |
/// |---|---|---|
/// | `[N,layers,w]` | | LATENT_W of N latents |
/// | `[n,w]` | layers | LATENT_W `[1,n,w]`: a row per layer |
/// | `[n,w]` | styles | LATENT_W `[n,layers,w]`: every row for all layers of `generator` |
/// | `[n,z]` | z | LATENT_Z `[n,z]` |
///
/// Errors: a file of another kind (named); several arrays of which none is chosen; numbers that are integers, NaN or
/// infinite; another shape; latents of another network than `generator`; more than 4096 latents.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The file.
    #[schemars(extend("format" = "dw-file"))]
    pub(crate) file: String,
    /// The array in the file; empty for the only one, or `w`, `latent` or `z`.
    #[serde(default)]
    pub(crate) array: String,
    /// What the rows of an array `[n,w]` are. `auto`: z if the array is called `z`; layers, if there are as many as
    /// `generator` has, or it is not connected; else styles.
    #[serde(default)]
    pub(crate) rows: Rows,
}

#[derive(Clone, Copy, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Rows {
    #[default]
    Auto,
    Layers,
    Styles,
    Z,
}

#[derive(Default)]
pub(crate) struct LoadLatent;

impl Node for LoadLatent {
    const KIND: Kind = Kind::new("LoadLatent", 1)
        .title("Load latents")
        .category("stylegan")
        .inputs(&[port("generator", "GENERATOR").optional().doc(
            "The network that the latents are for: they are checked, and a style alone is for all of its layers.",
        )])
        .outputs(&[port("LATENT", "LATENT_W|LATENT_Z").doc("The latents, `[B,layers,w]` or `[B,z]`.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let generator = inputs.opt_function("generator")?;
        let sizes = generator.as_ref().and_then(|it| latent::sizes::<2>(it.spec().inputs.first()));
        let bytes = call.read(&params.file)?;
        let loaded = load(&params, &bytes, sizes).map_err(|error| error.at("file"))?;
        if let (Some([layers, width]), 3) = (sizes, loaded.rank()) {
            latent::check_w(&loaded, layers, width)
                .map_err(|error| Error::content(format!("`{}`: {error}", params.file)).at("file"))?;
        }
        Ok(loaded.to_device(call.device())?.into())
    }
}

/// The latents of a file; `sizes` are the layers and the width that a generator takes.
fn load(params: &Params, bytes: &[u8], sizes: Option<[usize; 2]>) -> Result<Tensor> {
    let file = &params.file;
    let archive = arrays::open(file, bytes)?;
    let name = choose(file, &archive, &params.array)?;
    let Some(array) = archive.tensors.get(name) else {
        return Err(Error::failed(format!("`{file}` has no `{name}`")));
    };
    let shape = array.shape().to_vec();
    let refused = || {
        let message =
            format!("`{file}`: `{name}` must be [N,layers,w], [layers,w] or [N,w], found {shape:?}");
        Error::content(message)
    };
    if shape.contains(&0) {
        return Err(refused());
    }
    let rows = match (params.rows, sizes) {
        (Rows::Auto, _) if name == "z" => Rows::Z,
        (Rows::Auto, Some([layers, _])) if shape.first() != Some(&layers) => Rows::Styles,
        (Rows::Auto, _) => Rows::Layers,
        (rows, _) => rows,
    };
    let (count, target) = match (shape.as_slice(), rows) {
        ([count, _, _], _) => (*count, shape.clone()),
        ([count, _], Rows::Z | Rows::Styles) => (*count, shape.clone()),
        ([layers, width], _) => (1, vec![1, *layers, *width]),
        ([width], Rows::Z | Rows::Styles) => (1, vec![1, *width]),
        _ => return Err(refused()),
    };
    // Before the numbers are copied.
    latent::check_count(count as u64)?;
    let values = arrays::floats(file, name, array)?;
    let latents = Tensor::from_vec(values, target, &Device::Cpu)?;
    match (latents.dims(), rows) {
        ([count, width], Rows::Styles) => {
            let Some([layers, _]) = sizes else {
                let message = format!(
                    "`{file}`: `{name}` has one style per latent, and the number of layers is not known"
                );
                return Err(Error::content(message).hint("connect the GENERATOR that the latents are for"));
            };
            Ok(latents.unsqueeze(1)?.broadcast_as((*count, layers, *width))?.contiguous()?)
        }
        _ => Ok(latents),
    }
}

/// The name of the array that is meant.
fn choose<'a>(file: &str, archive: &'a Archive<'_>, wanted: &str) -> Result<&'a str> {
    let found = |name: &str| archive.tensors.get_key_value(name).map(|(name, _)| name.as_str());
    let described = || format!("`{file}` is {}", arrays::described(archive));
    if !wanted.is_empty() {
        let missing =
            || Error::content(format!("{}, none of them called `{wanted}`", described())).at("array");
        return found(wanted).ok_or_else(missing);
    }
    let mut names = archive.tensors.keys();
    if let (Some(only), None) = (names.next(), names.next()) {
        return Ok(only);
    }
    ["w", "latent", "z"].into_iter().find_map(found).ok_or_else(|| {
        if let Some(network) = network(archive) {
            return Error::content(format!("`{file}`: {network}; needed are latents, arrays of w or z"));
        }
        Error::content(format!("{}: it is not clear which of them are latents", described()))
            .hint("set `array` to the name of one")
    })
}

/// What a file is that has networks and no latents: `this is a StyleGAN2 generator: LoadStyleGAN's ..`.
fn network(archive: &Archive<'_>) -> Option<String> {
    let networks = archive.networks();
    let best = networks.first().filter(|best| !matches!(best.family, Family::Latents | Family::Array))?;
    let users =
        best.family.used_by().map_or("no node takes it".to_owned(), |users| format!("{users} takes it"));
    Some(format!("this is {}: {users}", best.family.name()))
}

#[cfg(test)]
mod tests;
