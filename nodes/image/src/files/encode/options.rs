//! The formats, what each of them can be asked for, and the refusal of anything else.

use dreamwire_sdk::prelude::*;
use serde::Serialize;

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Format {
    #[default]
    Png,
    Jpeg,
    Webp,
    Tiff,
    Exr,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[schemars(inline)]
pub(crate) enum Bits {
    // What is usual for the format.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    #[serde(rename = "8")]
    Eight,
    #[serde(rename = "16")]
    Sixteen,
    #[serde(rename = "32")]
    Float,
}

/// For how many pixels a JPEG has one sample of colour.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[schemars(inline)]
pub(crate) enum Subsampling {
    #[default]
    #[serde(rename = "4:4:4")]
    None,
    #[serde(rename = "4:2:2")]
    Half,
    #[serde(rename = "4:2:0")]
    Quarter,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Compression {
    // What is usual for the format.
    #[default]
    Auto,
    None,
    Lzw,
    Deflate,
    Packbits,
    Rle,
    Zips,
    Zip,
    Piz,
}

/// How to write, apart from metadata.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub(crate) format: Format,
    pub(crate) bits: Bits,
    /// Of JPEG and lossy WebP, 1..=100.
    pub(crate) quality: u8,
    /// Of JPEG.
    pub(crate) subsampling: Subsampling,
    /// False asks WebP to lose something; JPEG always does. None is what the format does by itself.
    pub(crate) lossless: Option<bool>,
    /// Of TIFF and OpenEXR.
    pub(crate) compression: Compression,
    /// Of OpenEXR.
    pub(crate) linear: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            format: Format::default(),
            bits: Bits::default(),
            quality: 90,
            subsampling: Subsampling::default(),
            lossless: None,
            compression: Compression::default(),
            linear: true,
        }
    }
}

impl Format {
    /// Extension and media type.
    pub(super) fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Png => ("png", "image/png"),
            Self::Jpeg => ("jpg", "image/jpeg"),
            Self::Webp => ("webp", "image/webp"),
            Self::Tiff => ("tiff", "image/tiff"),
            Self::Exr => ("exr", "image/x-exr"),
        }
    }

    /// As the param calls it.
    fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            other => other.names().0,
        }
    }
}

impl Options {
    /// The depth that is written: never fewer bits than were asked for.
    pub(super) fn bits(&self) -> Bits {
        match (self.bits, self.format) {
            (Bits::Auto, Format::Exr) => Bits::Sixteen,
            (Bits::Auto, _) => Bits::Eight,
            (bits, _) => bits,
        }
    }

    /// Whether all values are kept: everything but a JPEG does so, unless it is a WebP that is asked not to.
    pub(super) fn lossless(&self) -> bool {
        match self.format {
            Format::Jpeg => false,
            Format::Webp => self.lossless.unwrap_or(true),
            _ => true,
        }
    }

    /// Asks whether the format can do what the other options say. A default is never refused.
    ///
    /// # Errors
    /// It cannot: names the option.
    pub(crate) fn check(&self) -> Result<()> {
        self.check_bits()?;
        let (format, name) = (self.format, self.format.name());
        if self.subsampling != Subsampling::None && format != Format::Jpeg {
            let message = format!("{name} has no choice of chroma subsampling, which is for jpeg");
            return Err(Error::param("subsampling", message).hint("remove it, or set `format` to jpeg"));
        }
        if self.lossless == Some(true) && format == Format::Jpeg {
            return Err(Error::param("lossless", "a jpeg is never lossless")
                .hint("remove it, or set `format` to png, webp or tiff"));
        }
        if self.lossless == Some(false) && !matches!(format, Format::Jpeg | Format::Webp) {
            let message = format!("{name} is always lossless here");
            return Err(Error::param("lossless", message).hint("remove it, or set `format` to webp or jpeg"));
        }
        if self.quality != Self::default().quality && self.lossless() {
            let error = Error::param("quality", format!("a lossless {name} has no quality to choose"));
            return Err(match format {
                Format::Webp => error.hint("set `lossless` to false, or remove `quality`"),
                _ => error.hint("remove it, or set `format` to jpeg, or to webp with `lossless` false"),
            });
        }
        self.check_compression()
    }

    fn check_bits(&self) -> Result<()> {
        let (possible, text): (&[Bits], _) = match self.format {
            Format::Png => (&[Bits::Eight, Bits::Sixteen], "8 or 16"),
            Format::Jpeg | Format::Webp => (&[Bits::Eight], "8"),
            Format::Tiff => (&[Bits::Eight, Bits::Sixteen, Bits::Float], "8, 16 or 32"),
            Format::Exr => (&[Bits::Sixteen, Bits::Float], "16 or 32"),
        };
        if possible.contains(&self.bits()) {
            return Ok(());
        }
        let asked = match self.bits() {
            Bits::Auto | Bits::Eight => 8,
            Bits::Sixteen => 16,
            Bits::Float => 32,
        };
        let message = format!("{} supports {text} bits per sample, not {asked}", self.format.name());
        Err(Error::param("bits", message)
            .hint("png supports 8 or 16, jpeg and webp 8, tiff 8, 16 or 32, exr 16 or 32"))
    }

    fn check_compression(&self) -> Result<()> {
        use Compression::{Auto, Deflate, Lzw, None, Packbits, Piz, Rle, Zip, Zips};
        let (possible, text): (&[Compression], _) = match self.format {
            Format::Tiff => (&[None, Lzw, Deflate, Packbits], "none, lzw, deflate or packbits"),
            Format::Exr => (&[None, Rle, Zips, Zip, Piz], "none, rle, zips, zip or piz"),
            _ => (&[], ""),
        };
        if self.compression == Auto || possible.contains(&self.compression) {
            return Ok(());
        }
        let name = self.format.name();
        if possible.is_empty() {
            let message = format!("{name} has no choice of compression, which is for tiff and exr");
            return Err(Error::param("compression", message).hint("remove it"));
        }
        Err(Error::param("compression", format!("{name} does not have this compression"))
            .hint(format!("{name} supports {text}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(options: Options, input: &str, message: &str) {
        let error = options.check().expect_err(message);
        assert_eq!((error.input(), error.to_string().contains(message)), (input, true), "{error}");
    }

    #[test]
    fn defaults_are_possible_for_every_format() {
        for format in [Format::Png, Format::Jpeg, Format::Webp, Format::Tiff, Format::Exr] {
            assert!(Options { format, ..Options::default() }.check().is_ok(), "{format:?}");
        }
    }

    #[test]
    fn what_a_format_does_not_have_is_refused_by_name() {
        let of = |format| Options { format, ..Options::default() };
        for format in [Format::Png, Format::Webp, Format::Tiff, Format::Exr] {
            let options = Options { subsampling: Subsampling::Quarter, ..of(format) };
            refused(options, "subsampling", "which is for jpeg");
        }
        for format in [Format::Png, Format::Tiff, Format::Exr] {
            let options = Options { lossless: Some(false), ..of(format) };
            refused(options, "lossless", "is always lossless here");
            assert!(Options { lossless: Some(true), ..of(format) }.check().is_ok(), "{format:?}");
            refused(Options { quality: 80, ..of(format) }, "quality", "or to webp with `lossless` false");
        }
        refused(Options { quality: 80, ..of(Format::Webp) }, "quality", "a lossless webp has no quality");
        for format in [Format::Webp, Format::Jpeg] {
            let lossy = Options { quality: 80, lossless: Some(false), ..of(format) };
            assert!(lossy.check().is_ok(), "{format:?}");
        }
        let options = Options { lossless: Some(true), ..of(Format::Jpeg) };
        refused(options, "lossless", "a jpeg is never lossless");
        for format in [Format::Png, Format::Jpeg, Format::Webp] {
            let options = Options { compression: Compression::None, ..of(format) };
            refused(options, "compression", "has no choice of compression");
        }
        let options = Options { compression: Compression::Piz, ..of(Format::Tiff) };
        refused(options, "compression", "tiff does not have this compression");
        let options = Options { compression: Compression::Lzw, ..of(Format::Exr) };
        refused(options, "compression", "exr does not have this compression");
    }

    #[test]
    fn each_format_has_its_depths() {
        for (format, possible) in [
            (Format::Png, [true, true, true, false]),
            (Format::Jpeg, [true, true, false, false]),
            (Format::Webp, [true, true, false, false]),
            (Format::Tiff, [true, true, true, true]),
            (Format::Exr, [true, false, true, true]),
        ] {
            for (bits, possible) in
                [Bits::Auto, Bits::Eight, Bits::Sixteen, Bits::Float].into_iter().zip(possible)
            {
                let options = Options { format, bits, ..Options::default() };
                assert_eq!(options.check().is_ok(), possible, "{format:?} {bits:?}");
            }
        }
    }
}
