use crate::files::encode::{Bits, Compression, Encoding, Format, Options, Subsampling};
use dreamwire_sdk::prefix;
use dreamwire_sdk::prelude::*;

/// Saves every picture of a batch to its own file, `<filename_prefix>_<counter>_.<extension>`.
///
/// Values are clamped to 0..1; integers are rounded half up. All formats hold display-referred sRGB and say so (PNG by a
/// tag, JPEG, WebP and TIFF by an ICC profile); OpenEXR holds linear light with the primaries of sRGB, unless `linear` is
/// false. The same picture and graph give the same bytes.
///
/// | format | `bits` | alpha | grey | choices |
/// |---|---|---|---|---|
/// | png | 8, 16 | yes | yes | |
/// | jpeg | 8 | no | yes | `quality`, `subsampling` |
/// | webp | 8 | yes | as three equal colours | `lossless`, `quality` |
/// | tiff | 8, 16, 32 | yes, not premultiplied | yes | `compression`: none (default), lzw, deflate, packbits |
/// | exr | 16 (default), 32 | yes, premultiplied | yes, as Y | `compression`: none, rle, zips, zip (default), piz; `linear` |
///
/// The graph is written into the file, so that the picture can be opened as a graph again: as text `prompt` of a PNG, as
/// attribute `prompt` of an OpenEXR, and as ImageDescription `prompt:{...}` in the EXIF of JPEG and WebP and in the
/// directory of TIFF. EXIF of a JPEG holds 64 KiB: a larger graph is left out, with a warning.
///
/// Errors: whatever the table does not have, a side over 65,535 (jpeg) or 16,383 pixels (webp), an output that the host
/// could not write.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// Start of the file name, under the output folder; may contain folders ("dreams/cat"), `%year%`, `%month%`, `%day%`,
    /// `%hour%`, `%minute%`, `%second%` and `%date:yyyy-MM-dd%` (UTC), `%width%`, `%height%`, `%batch_num%`, and
    /// `%node.param%`.
    #[schemars(extend("format" = "dw-output"))]
    pub(crate) filename_prefix: String,
    /// The file format.
    pub(crate) format: Format,
    /// Bits per sample; `auto` is 16 for exr and 8 for the others. 32, and 16 of exr, are floating point.
    pub(crate) bits: Bits,
    /// Quality of jpeg and lossy webp, 1 (small) to 100 (best).
    #[schemars(range(min = 1, max = 100))]
    pub(crate) quality: u8,
    /// Chroma subsampling of jpeg: one sample of colour for one pixel, for two, or for four. Fewer make smaller files and
    /// softer edges of colour.
    pub(crate) subsampling: Subsampling,
    /// Of webp: keep all values, as it does by itself; false makes much smaller files by `quality`. A jpeg is never
    /// lossless, and the others always are.
    pub(crate) lossless: Option<bool>,
    /// Compression of tiff and exr, which loses nothing; `auto` is none for tiff and zip for exr.
    pub(crate) compression: Compression,
    /// Of exr: linear light, as its readers expect; false writes display-referred sRGB and says so in the attribute
    /// `colorInteropID`. The other formats are always display-referred.
    pub(crate) linear: bool,
    /// Write the graph into the file.
    pub(crate) metadata: bool,
}

impl Default for Params {
    fn default() -> Self {
        let Options { format, bits, quality, subsampling, lossless, compression, linear } =
            Options::default();
        Self {
            filename_prefix: "dreamwire".to_owned(),
            format,
            bits,
            quality,
            subsampling,
            lossless,
            compression,
            linear,
            metadata: true,
        }
    }
}

impl Params {
    fn options(&self) -> Options {
        let Self { format, bits, quality, subsampling, lossless, compression, linear, .. } = *self;
        Options { format, bits, quality, subsampling, lossless, compression, linear }
    }
}

#[derive(Default)]
pub(crate) struct SaveImage;

impl Node for SaveImage {
    const KIND: Kind = Kind::new("SaveImage", 1)
        .title("Save Image")
        .category("image")
        .inputs(&[port("images", "IMAGE")
            .rows()
            .doc("The pictures to save, `[B,H,W,C]`; C is 1 (grey), 3, or 4 (with alpha).")])
        .output();
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let prompt = if params.metadata { call.provenance() } else { None };
        let encoding = Encoding { options: params.options(), prompt };
        let (samples, shape) = inputs.pixels("images")?;
        encoding.publish(call, &samples, shape, &params.filename_prefix)?;
        Ok(Outputs::new())
    }

    /// Rejects what the format cannot do, and prefixes that are not plain relative paths.
    fn check(params: &Params) -> Result<()> {
        params.options().check()?;
        prefix::check(&params.filename_prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::decode::decode;
    use dreamwire_sdk::testing::{Ran, Value, run_node};

    /// Two rows of three pixels, some values out of range.
    const SAMPLES: [f32; 18] = [
        0.0, 0.5, 1.0, -0.2, 1.7, 0.25, 0.1, 0.2, 0.3, //
        0.9, 0.8, 0.7, 0.6, 0.4, 0.3, 0.002, 0.998, 0.501,
    ];

    fn save(params: &str, batch: usize) -> Result<Ran> {
        let one = Tensor::from_slice(&SAMPLES, (1, 2, 3, 3), &Device::Cpu)?;
        let images = Tensor::cat(&vec![one; batch], 0)?;
        run_node::<SaveImage>(params, &[("images", Value::Tensor(images))], &[])
    }

    fn saved(params: &str) -> (String, Vec<u8>) {
        let mut ran = save(params, 1).expect("it saves");
        assert_eq!(ran.published.len(), 1);
        ran.published.remove(0)
    }

    #[test]
    fn a_batch_is_several_files_with_comfyui_names() {
        let ran = save("{}", 3).expect("it saves");
        let names: Vec<&str> = ran.published.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["dreamwire_{counter:05}_.png"; 3]);
        let (name, _) = saved(r#"{"filename_prefix": "%day%/%width%x%height%", "format": "jpeg"}"#);
        assert_eq!(name, "%day%/3x2_{counter:05}_.jpg");
    }

    #[test]
    fn rounding_is_half_up() {
        let picture = decode("a.png", &saved("{}").1, "").expect("a PNG");
        // 0.5 * 255 = 127.5
        assert_eq!(picture.rgb[1], 128.0 / 255.0);
    }

    #[test]
    fn quality_matters_for_jpeg() {
        let size = |quality: u8| saved(&format!(r#"{{"format": "jpeg", "quality": {quality}}}"#)).1.len();
        assert!(size(100) > size(10));
    }

    /// Faults: E12.
    #[test]
    fn bits_are_never_dropped_silently() {
        for (params, wanted) in [
            (r#"{"format": "jpeg", "bits": "16"}"#, "jpeg supports 8 bits"),
            (r#"{"format": "webp", "bits": "16"}"#, "webp supports 8 bits"),
            (r#"{"format": "exr", "bits": "8"}"#, "exr supports 16 or 32 bits"),
            (r#"{"format": "png", "bits": "32"}"#, "png supports 8 or 16 bits"),
        ] {
            let Err(error) = save(params, 1) else { panic!("{params} was accepted") };
            assert!(error.to_string().starts_with(wanted), "{error}");
            assert_eq!(error.input(), "bits");
        }
    }

    #[test]
    fn prefixes_are_judged_before_anything_is_saved() {
        let error = save(r#"{"filename_prefix": "../it"}"#, 1).err().expect("refused");
        assert_eq!(error.input(), "filename_prefix");
    }

    /// Faults: D8, E12.
    #[test]
    fn alpha_is_kept_or_refused() {
        let images =
            Tensor::from_slice(&[0.2f32, 0.4, 0.6, 0.8], (1, 1, 1, 4), &Device::Cpu).expect("a tensor");
        let run =
            |params: &str| run_node::<SaveImage>(params, &[("images", Value::Tensor(images.clone()))], &[]);
        let ran = run("{}").expect("a PNG holds alpha");
        let picture = decode("a.png", &ran.published[0].1, "").expect("a PNG");
        assert!((picture.mask[0] - 0.2).abs() < 0.002, "{:?}", picture.mask);
        assert!(run(r#"{"format": "jpeg"}"#).is_err(), "a JPEG cannot hold alpha");
    }

    #[test]
    fn choices_of_other_formats_are_refused_before_a_run() {
        for (params, input) in [
            (r#"{"subsampling": "4:2:0"}"#, "subsampling"),
            (r#"{"format": "tiff", "compression": "piz"}"#, "compression"),
            (r#"{"format": "png", "lossless": false}"#, "lossless"),
            (r#"{"format": "jpeg", "lossless": true}"#, "lossless"),
            (r#"{"format": "webp", "quality": 50}"#, "quality"),
        ] {
            let Err(error) = save(params, 1) else { panic!("{params} was accepted") };
            assert_eq!(error.input(), input, "{params}");
        }
    }
}
