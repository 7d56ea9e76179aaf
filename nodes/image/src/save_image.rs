use crate::encode::{Bits, Encoding, Format};
use crate::prefix;
use dreamwire_sdk::prelude::*;

/// Saves every picture of a batch to its own file, `<filename_prefix>_<counter>_.<extension>`.
///
/// Values are clamped to 0..1 and rounded half up. PNG, JPEG, WebP (lossless) and TIFF hold display-referred sRGB,
/// OpenEXR linear light. PNG is tagged as sRGB and carries the graph as text `prompt`, so that the picture can be
/// opened as a graph again; other formats carry no metadata yet. The same picture and graph give the same bytes.
///
/// Errors: bits that the format does not support (png 8 or 16, jpeg and webp 8, tiff 8, 16 or 32, exr 32),
/// channels that it does not support (jpeg and exr have no alpha here), an output that the host could not
/// write.
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
    /// Bits per sample; 32 is floating point.
    pub(crate) bits: Bits,
    /// JPEG quality, 1 (small) to 100 (best); the other formats are lossless.
    #[schemars(range(min = 1, max = 100))]
    pub(crate) quality: u8,
    /// Write the graph into the file (PNG only).
    pub(crate) metadata: bool,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            filename_prefix: "dreamwire".to_owned(),
            format: Format::Png,
            bits: Bits::Eight,
            quality: 90,
            metadata: true,
        }
    }
}

#[derive(Default)]
pub(crate) struct SaveImage;

impl Node for SaveImage {
    const KIND: Kind = Kind::new("SaveImage", 1)
        .title("Save Image")
        .category("image")
        .inputs(&[port("images", "IMAGE")
            .doc("The pictures to save, `[B,H,W,C]`; C is 1 (grey), 3, or 4 (with alpha).")])
        .output();
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let Params { filename_prefix, format, bits, quality, metadata } = params;
        let prompt = if metadata { call.provenance() } else { None };
        Encoding { format, bits, quality, prompt }.publish(
            call,
            &inputs.image("images")?,
            &filename_prefix,
        )?;
        Ok(Outputs::new())
    }

    /// Rejects bits that the format cannot hold, and prefixes that are not plain relative paths.
    fn check(params: &Params) -> Result<()> {
        params.format.check_bits(params.bits)?;
        prefix::check(&params.filename_prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::decode;
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
    fn what_is_saved_is_what_is_loaded() {
        // Half a step of the depth; EXR and float TIFF keep nearly everything.
        for (params, name, tolerance) in [
            (r#"{"format": "png"}"#, "a.png", 0.501 / 255.0),
            (r#"{"format": "png", "bits": "16"}"#, "a.png", 0.501 / 65535.0),
            (r#"{"format": "webp"}"#, "a.webp", 0.501 / 255.0),
            (r#"{"format": "tiff"}"#, "a.tiff", 0.501 / 255.0),
            (r#"{"format": "tiff", "bits": "16"}"#, "a.tiff", 0.501 / 65535.0),
            (r#"{"format": "tiff", "bits": "32"}"#, "a.tiff", 1e-7),
            (r#"{"format": "exr", "bits": "32"}"#, "a.exr", 1e-5),
        ] {
            let picture = decode(name, &saved(params).1, "").expect(params);
            assert_eq!((picture.width, picture.height), (3, 2), "{params}");
            for (found, wanted) in picture.rgb.iter().zip(SAMPLES) {
                let wanted = wanted.clamp(0.0, 1.0);
                assert!((found - wanted).abs() <= tolerance, "{params}: {found} for {wanted}");
            }
        }
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
            (r#"{"format": "exr"}"#, "exr supports 32 bits"),
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
    fn the_graph_travels_as_utf8_text() {
        let encoding = Encoding {
            format: Format::Png,
            bits: Bits::Eight,
            quality: 90,
            prompt: Some(r#"{"photo": "Schläfer.png"}"#.to_owned()),
        };
        let image = Tensor::from_slice(&SAMPLES, (2, 3, 3), &Device::Cpu).expect("a tensor");
        let bytes = encoding.encode(&image).expect("it encodes");
        assert_eq!(bytes, encoding.encode(&image).expect("it encodes"), "the same bytes again");
        let reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().expect("a PNG");
        let [text] = reader.info().utf8_text.as_slice() else { panic!("one text chunk expected") };
        assert_eq!(text.keyword, "prompt");
        assert_eq!(text.get_text().expect("UTF-8"), r#"{"photo": "Schläfer.png"}"#);
    }
}
