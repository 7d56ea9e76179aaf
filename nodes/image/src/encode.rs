//! One image of a batch to the bytes of a file, and a batch to published files.
//!
//! Everything is encoded into memory: the host writes it atomically. No time stamps are written, so the same
//! picture and graph give the same bytes.

use crate::{prefix, transfer};
use dreamwire_sdk::prelude::*;
use image::codecs::{jpeg::JpegEncoder, openexr::OpenExrEncoder, tiff::TiffEncoder, webp::WebPEncoder};
use image::{ExtendedColorType, ImageEncoder};
use serde::Serialize;
use std::fmt::Display;
use std::io::Cursor;

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Format {
    Png,
    Jpeg,
    Webp,
    Tiff,
    Exr,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[schemars(inline)]
pub(crate) enum Bits {
    #[serde(rename = "8")]
    Eight,
    #[serde(rename = "16")]
    Sixteen,
    #[serde(rename = "32")]
    Float,
}

impl Format {
    /// Asks whether it holds samples of `bits`: never fewer bits than were asked for.
    ///
    /// # Errors
    /// It does not: says what it holds.
    pub(crate) fn check_bits(self, bits: Bits) -> Result<()> {
        let (name, possible, text): (_, &[Bits], _) = match self {
            Self::Png => ("png", &[Bits::Eight, Bits::Sixteen], "8 or 16"),
            Self::Jpeg => ("jpeg", &[Bits::Eight], "8"),
            Self::Webp => ("webp", &[Bits::Eight], "8"),
            Self::Tiff => ("tiff", &[Bits::Eight, Bits::Sixteen, Bits::Float], "8, 16 or 32"),
            Self::Exr => ("exr", &[Bits::Float], "32"),
        };
        if possible.contains(&bits) {
            return Ok(());
        }
        let asked = match bits {
            Bits::Eight => 8,
            Bits::Sixteen => 16,
            Bits::Float => 32,
        };
        Err(Error::param("bits", format!("{name} supports {text} bits per sample, not {asked}"))
            .hint("png supports 8 or 16, jpeg and webp 8, tiff 8, 16 or 32, exr 32"))
    }
}

/// How to write.
pub(crate) struct Encoding {
    pub(crate) format: Format,
    pub(crate) bits: Bits,
    /// JPEG only, 1..=100.
    pub(crate) quality: u8,
    /// The graph, for readers of metadata; PNG only.
    pub(crate) prompt: Option<String>,
}

impl Encoding {
    /// Publishes every image of the batch `[B,H,W,C]` as `<prefix>_<counter>_.<extension>`, with its size in the prefix
    /// where that asks for it.
    ///
    /// # Errors
    /// If the format cannot hold these bits or this many channels, or the host could not write.
    pub(crate) fn publish(&self, call: &Call, images: &Tensor, prefix: &str) -> Result<()> {
        self.format.check_bits(self.bits)?;
        let (extension, media_type) = self.names();
        let (batch, height, width, _) = images.dims4()?;
        for index in 0..batch {
            call.progress(index as u64, batch as u64, "saving")?;
            let bytes = self.encode(&images.get(index)?)?;
            let prefix = prefix::fill(prefix, width, height, index);
            call.publish(&format!("{prefix}_{{counter:05}}_.{extension}"), &bytes, media_type)?;
        }
        Ok(())
    }

    /// Extension and media type.
    fn names(&self) -> (&'static str, &'static str) {
        match self.format {
            Format::Png => ("png", "image/png"),
            Format::Jpeg => ("jpg", "image/jpeg"),
            Format::Webp => ("webp", "image/webp"),
            Format::Tiff => ("tiff", "image/tiff"),
            Format::Exr => ("exr", "image/x-exr"),
        }
    }

    /// The file of one image `[H,W,C]`.
    pub(crate) fn encode(&self, image: &Tensor) -> Result<Vec<u8>> {
        let (height, width, channels) = image.dims3()?;
        let color = self.color(channels)?;
        let (width, height) = (width as u32, height as u32);
        let samples: Vec<f32> =
            image.flatten_all()?.to_vec1::<f32>()?.into_iter().map(|v| v.clamp(0.0, 1.0)).collect();
        match self.format {
            Format::Png => self.png(&samples, width, height, channels).map_err(failed),
            Format::Jpeg => {
                let mut out = Vec::new();
                let encoder = JpegEncoder::new_with_quality(&mut out, self.quality);
                encoder.write_image(&bytes(&samples), width, height, color).map_err(failed)?;
                Ok(out)
            }
            Format::Webp => {
                let mut out = Vec::new();
                let encoder = WebPEncoder::new_lossless(&mut out);
                encoder.write_image(&bytes(&samples), width, height, color).map_err(failed)?;
                Ok(out)
            }
            Format::Tiff => {
                let samples = match self.bits {
                    Bits::Eight => bytes(&samples),
                    Bits::Sixteen => words(&samples).flat_map(u16::to_ne_bytes).collect(),
                    Bits::Float => samples.iter().flat_map(|v| v.to_ne_bytes()).collect(),
                };
                let mut out = Cursor::new(Vec::new());
                TiffEncoder::new(&mut out).write_image(&samples, width, height, color).map_err(failed)?;
                Ok(out.into_inner())
            }
            Format::Exr => {
                let linear: Vec<u8> =
                    samples.iter().flat_map(|v| transfer::to_linear(*v).to_ne_bytes()).collect();
                let mut out = Cursor::new(Vec::new());
                OpenExrEncoder::new(&mut out).write_image(&linear, width, height, color).map_err(failed)?;
                Ok(out.into_inner())
            }
        }
    }

    /// The image crate's name for these channels in this format.
    fn color(&self, channels: usize) -> Result<ExtendedColorType> {
        use ExtendedColorType as Color;
        let color = match (self.bits, channels) {
            (Bits::Eight, 1) => Color::L8,
            (Bits::Eight, 3) => Color::Rgb8,
            (Bits::Eight, 4) if self.format != Format::Jpeg => Color::Rgba8,
            (Bits::Sixteen, 1) => Color::L16,
            (Bits::Sixteen, 3) => Color::Rgb16,
            (Bits::Sixteen, 4) => Color::Rgba16,
            (Bits::Float, 3) => Color::Rgb32F,
            (Bits::Float, 4) if self.format == Format::Tiff => Color::Rgba32F,
            _ => {
                let (extension, _) = self.names();
                let message =
                    format!("a .{extension} file of this depth does not support {channels} channels");
                return Err(Error::shape("images", message).hint("3 channels always work"));
            }
        };
        Ok(color)
    }

    /// Written with the png crate: the image crate's encoder has no text chunks.
    fn png(
        &self,
        samples: &[f32],
        width: u32,
        height: u32,
        channels: usize,
    ) -> std::result::Result<Vec<u8>, png::EncodingError> {
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, width, height);
        encoder.set_color(match channels {
            1 => png::ColorType::Grayscale,
            3 => png::ColorType::Rgb,
            _ => png::ColorType::Rgba,
        });
        encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
        if let Some(prompt) = &self.prompt {
            encoder.add_itxt_chunk("prompt".to_owned(), prompt.clone())?;
        }
        let data = if self.bits == Bits::Sixteen {
            encoder.set_depth(png::BitDepth::Sixteen);
            words(samples).flat_map(u16::to_be_bytes).collect()
        } else {
            encoder.set_depth(png::BitDepth::Eight);
            bytes(samples)
        };
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&data)?;
        writer.finish()?;
        Ok(out)
    }
}

/// 0..1 to 0..255, half up.
fn bytes(samples: &[f32]) -> Vec<u8> {
    samples.iter().map(|v| (v * 255.0 + 0.5) as u8).collect()
}

/// 0..1 to 0..65535, half up.
fn words(samples: &[f32]) -> impl Iterator<Item = u16> {
    samples.iter().map(|v| (v * 65535.0 + 0.5) as u16)
}

fn failed(error: impl Display) -> Error {
    Error::failed(format!("cannot encode the picture: {error}"))
}
