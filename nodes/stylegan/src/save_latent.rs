use dreamwire_sdk::prefix;
use dreamwire_sdk::prelude::*;
use safetensors::tensor::{Dtype, TensorView};
use serde::Serialize;

use crate::{latent, npz};

/// Saves latents to a file, `<filename_prefix>_<counter>_.<extension>`, for LoadLatent and for other programs.
///
/// The whole batch is one array of float32, `w` `[B,layers,w]` or `z` `[B,z]`. An `.npz` of one LATENT_W is a
/// `projected_w.npz` of NVIDIA's projector, which their `generate.py --projected-w` takes, also with more than one. The
/// same latents give the same bytes.
///
/// Errors: latents that are NaN or infinite; an output that the host could not write.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// Start of the file name, under the output folder; may contain folders ("faces/smile") and what SaveImage fills
    /// in there, except what belongs to a picture.
    #[schemars(extend("format" = "dw-output"))]
    pub(crate) filename_prefix: String,
    /// The file format: an archive of NumPy, or safetensors.
    pub(crate) format: Format,
}

impl Default for Params {
    fn default() -> Self {
        Self { filename_prefix: "latent".to_owned(), format: Format::Npz }
    }
}

#[derive(Clone, Copy, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Format {
    Npz,
    Safetensors,
}

#[derive(Default)]
pub(crate) struct SaveLatent;

impl Node for SaveLatent {
    const KIND: Kind = Kind::new("SaveLatent", 1)
        .title("Save latents")
        .category("stylegan")
        .inputs(
            &[port("latents", "LATENT_W|LATENT_Z").doc("The latents to save, `[B,layers,w]` or `[B,z]`.")],
        )
        .output();
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let latents = latent::latent(&inputs, "latents")?;
        let name = if latents.rank() == 3 { "w" } else { "z" };
        let values = latents.flatten_all()?.to_vec1::<f32>()?;
        if !values.iter().all(|value| value.is_finite()) {
            return Err(Error::nonfinite("the latents have numbers that are NaN or infinite").at("latents"));
        }
        let (bytes, extension) = match params.format {
            Format::Npz => (npz::npz(name, latents.dims(), &values)?, "npz"),
            Format::Safetensors => (safetensors(name, latents.dims(), &values)?, "safetensors"),
        };
        let template = format!("{}_{{counter:05}}_.{extension}", params.filename_prefix);
        call.publish(&template, &bytes, "application/octet-stream")?;
        Ok(Outputs::new())
    }

    /// Rejects prefixes that are not plain relative paths, or ask for what latents do not have.
    fn check(params: &Params) -> Result<()> {
        if let Some(token) = OF_PICTURES.iter().find(|token| params.filename_prefix.contains(**token)) {
            let message = format!("`{token}` is known of pictures, not of latents");
            return Err(Error::param("filename_prefix", message).hint("leave it out"));
        }
        prefix::check(&params.filename_prefix)
    }
}

/// What only a picture fills into a prefix.
const OF_PICTURES: [&str; 3] = ["%width%", "%height%", "%batch_num%"];

fn safetensors(name: &str, shape: &[usize], values: &[f32]) -> Result<Vec<u8>> {
    let failed = |error| Error::failed(format!("cannot write the latents: {error}"));
    let data: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let view = TensorView::new(Dtype::F32, shape.to_vec(), &data).map_err(failed)?;
    safetensors::serialize([(name, view)], None).map_err(failed)
}

#[cfg(test)]
mod tests {
    use dreamwire_sdk::testing::{Value, run_node};

    use super::*;
    use crate::load_latent::LoadLatent;
    use crate::small;

    #[test]
    fn prefixes_are_judged_before_anything_is_saved() {
        for (given, said) in [("../x", "leaves"), ("lat_%width%", "`%width%`"), ("a//b", "plain")] {
            let params = Params { filename_prefix: given.to_owned(), ..Params::default() };
            let error = SaveLatent::check(&params).unwrap_err();
            assert_eq!(error.input(), "filename_prefix");
            assert!(error.to_string().contains(said), "{error}");
        }
        let fine = Params { filename_prefix: "faces/%date:yyyy%".to_owned(), ..Params::default() };
        assert!(SaveLatent::check(&fine).is_ok());
    }

    /// The file of these latents: its name and bytes.
    fn saved(params: &str, latents: &Tensor) -> (String, Vec<u8>) {
        let inputs = [("latents", Value::Tensor(latents.clone()))];
        let mut ran = run_node::<SaveLatent>(params, &inputs, &[]).expect("it saves");
        assert_eq!(ran.published.len(), 1);
        ran.published.remove(0)
    }

    #[test]
    fn what_is_saved_can_be_loaded() {
        for shape in [&[1, 6, 16][..], &[3, 6, 16], &[2, 16]] {
            let latents = small::normal(1, shape);
            for format in ["npz", "safetensors"] {
                let params = format!(r#"{{"filename_prefix": "a/b", "format": "{format}"}}"#);
                let (name, bytes) = saved(&params, &latents);
                assert_eq!(name, format!("a/b_{{counter:05}}_.{format}"));
                assert_eq!(bytes, saved(&params, &latents).1);
                let files = [("it", bytes.as_slice())];
                let ran = run_node::<LoadLatent>(r#"{"file": "it"}"#, &[], &files).expect("it loads");
                let loaded = ran.outputs[0].tensor();
                assert_eq!(loaded.dims(), shape, "{format}");
                assert_eq!(small::bits(loaded), small::bits(&latents));
            }
        }
    }

    #[test]
    fn arrays_have_the_names_that_others_expect() {
        let names = |params: &str, shape: &[usize]| {
            let (_, bytes) = saved(params, &small::normal(1, shape));
            let archive = dreamwire_formats::read(&bytes, &dreamwire_formats::Limits::default()).unwrap();
            archive.tensors.keys().cloned().collect::<Vec<_>>()
        };
        assert_eq!(names("{}", &[1, 6, 16]), ["w"]);
        assert_eq!(names("{}", &[1, 16]), ["z"]);
        assert_eq!(names(r#"{"format": "safetensors"}"#, &[1, 6, 16]), ["w"]);
    }

    #[test]
    fn what_cannot_be_used_again_is_refused() {
        let latents = Tensor::new(&[[0f32, f32::NAN]], &Device::Cpu).unwrap();
        let expected = "the latents have numbers that are NaN or infinite";
        small::check_error::<SaveLatent>("{}", &[("latents", Value::Tensor(latents))], "latents", expected);
    }
}
