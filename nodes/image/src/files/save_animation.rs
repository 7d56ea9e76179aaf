use crate::files::encode::animation::{Dither, Moved, Moving};
use dreamwire_sdk::prefix;
use dreamwire_sdk::prelude::*;

/// Saves a batch as one moving picture, `<filename_prefix>_<counter>_.<extension>`.
///
/// | format | colours | alpha | choices |
/// |---|---|---|---|
/// | gif | 256 for all frames | a pixel is there or not, from 1/2 on | `dither` |
/// | apng | all of 8 bits | yes | |
/// | webp | all of 8 bits | yes | `quality`, or `lossless` |
///
/// Values are clamped to 0..1, rounded half up, and are display-referred sRGB. The colours of a gif are chosen from all
/// frames (NeuQuant, A. Dekker, 1994; if there are no more than 256, all of them), so that what does not move does not
/// flicker: ordered dithering is a pattern of 8x8 that
/// stands still, diffusion (Floyd-Steinberg) is finer in a single frame and moves.
///
/// All frames are shown equally long, `1 / fps`, to the tick of the format (10 ms for gif, 1 ms for the others) and without an
/// error that adds up. Programs show a gif with at most 50 frames a second. With `boomerang` the frames come back in the
/// opposite order; the first and the last are shown once.
///
/// The graph is written into the file: as text `prompt` of an apng, as ImageDescription `prompt:{...}` in the EXIF of a webp,
/// and as comment `prompt:{...}` of a gif. The same pictures and graph give the same bytes.
///
/// Errors: another number of channels than 1, 3 and 4; a side over 65,535 (gif) or 16,383 pixels (webp); an output that the
/// host could not write.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// Start of the file name, under the output folder, as in SaveImage.
    #[schemars(extend("format" = "dw-output"))]
    pub(crate) filename_prefix: String,
    /// The file format.
    pub(crate) format: Moving,
    /// Frames in a second.
    #[schemars(range(min = 0.1, max = 240.0), extend("x-dw-step" = 0.5))]
    pub(crate) fps: f64,
    /// How often it is shown; 0 is for ever.
    #[schemars(range(min = 0, max = 65535))]
    pub(crate) loops: u16,
    /// Whether the frames come back in the opposite order.
    pub(crate) boomerang: bool,
    /// Of webp: 1 (small) to 100 (best).
    #[schemars(range(min = 1, max = 100))]
    pub(crate) quality: u8,
    /// Of webp: keep all values, which takes several times as many bytes. An apng always does.
    pub(crate) lossless: bool,
    /// Of gif: how colours between the 256 are shown.
    pub(crate) dither: Dither,
    /// Write the graph into the file.
    pub(crate) metadata: bool,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            filename_prefix: "dreamwire".to_owned(),
            format: Moving::Gif,
            fps: 12.0,
            loops: 0,
            boomerang: false,
            quality: 90,
            lossless: false,
            dither: Dither::Ordered,
            metadata: true,
        }
    }
}

#[derive(Default)]
pub(crate) struct SaveAnimation;

impl Node for SaveAnimation {
    const KIND: Kind = Kind::new("SaveAnimation", 1)
        .title("Save Animation")
        .category("image")
        .inputs(&[
            port("images", "IMAGE").doc("The frames, `[B,H,W,C]`; C is 1 (grey), 3, or 4 (with alpha).")
        ])
        .output();
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let prompt = if params.metadata { call.provenance() } else { None };
        let (samples, shape) = inputs.pixels("images")?;
        let [count, height, width, _] = shape;
        if count == 1 {
            call.warn("the batch has one picture: nothing moves");
        }
        let moved = Moved {
            format: params.format,
            fps: params.fps,
            loops: params.loops,
            boomerang: params.boomerang,
            dither: params.dither,
            quality: (!params.lossless).then_some(params.quality),
            prompt: prompt.as_deref(),
        };
        let report = |done, total, note: &str| call.progress(done, total, note);
        let bytes = moved.encode(&samples, shape, &report)?;
        let (extension, media_type) = params.format.names();
        let prefix = prefix::fill(&params.filename_prefix, width, height, 0);
        call.publish(&format!("{prefix}_{{counter:05}}_.{extension}"), &bytes, media_type)?;
        Ok(Outputs::new())
    }

    /// Rejects what the format does not have, and prefixes that are not plain relative paths.
    fn check(params: &Params) -> Result<()> {
        let other = |input: &str, of: &str| {
            Err(Error::param(input, format!("`{input}` is for {of}"))
                .hint(format!("remove it, or set `format` to {of}")))
        };
        let default = Params::default();
        if !(params.fps.is_finite() && params.fps > 0.0) {
            return Err(Error::param("fps", format!("`fps` is {}, but must be above 0", params.fps)));
        }
        if params.format == Moving::Gif && params.fps > 50.0 {
            let message =
                format!("`fps` is {}, but a gif is shown with at most 50 frames a second", params.fps);
            return Err(
                Error::param("fps", message).hint("set it to 50 or less, or `format` to webp or apng")
            );
        }
        if params.format != Moving::Gif && params.dither != default.dither {
            return other("dither", "gif");
        }
        if params.format != Moving::Webp && (params.quality != default.quality) {
            return other("quality", "webp");
        }
        if params.format == Moving::Gif && params.lossless {
            return other("lossless", "webp");
        }
        prefix::check(&params.filename_prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dreamwire_sdk::testing::{Ran, Value, check_params, run_node};

    fn save(params: &str) -> Result<Ran> {
        let images = Tensor::rand(0f32, 1.0, (3, 4, 6, 3), &Device::Cpu)?;
        run_node::<SaveAnimation>(params, &[("images", Value::Tensor(images))], &[])
    }

    #[test]
    fn a_batch_is_one_file() {
        for (format, extension, start) in
            [("gif", "gif", &b"GIF89a"[..]), ("apng", "png", b"\x89PNG"), ("webp", "webp", b"RIFF")]
        {
            let ran =
                save(&format!(r#"{{"filename_prefix": "a/%width%", "format": "{format}"}}"#)).expect(format);
            let [(name, bytes)] = ran.published.as_slice() else { panic!("one file") };
            assert_eq!(name, &format!("a/6_{{counter:05}}_.{extension}"));
            assert!(bytes.starts_with(start), "{format}");
        }
    }

    #[test]
    fn the_graph_can_be_left_out() {
        let has = |params: &str| {
            save(params).expect(params).published[0].1.windows(7).any(|part| part == b"prompt:")
        };
        assert!(has("{}") && !has(r#"{"metadata": false}"#));
    }

    #[test]
    fn what_a_format_does_not_have_is_refused_before_a_run() {
        for (params, input) in [
            (r#"{"fps": 60}"#, "fps"),
            (r#"{"format": "webp", "dither": "none"}"#, "dither"),
            (r#"{"quality": 50}"#, "quality"),
            (r#"{"lossless": true}"#, "lossless"),
            (r#"{"filename_prefix": "../a"}"#, "filename_prefix"),
        ] {
            assert_eq!(check_params::<SaveAnimation>(params).expect_err(params).input(), input, "{params}");
        }
        for params in
            [r#"{"format": "apng", "lossless": true, "fps": 60}"#, r#"{"format": "webp", "quality": 5}"#]
        {
            check_params::<SaveAnimation>(params).expect(params);
        }
    }
}
