//! PNG, with the png crate: the image crate's encoder has no text chunks.
//!
//! The graph is a chunk tEXt in ASCII: readers that know iTXt are fewer, ComfyUI's editor among them.

use super::{Bits, Pixels, exif, failed, samples};
use dreamwire_sdk::prelude::*;

pub(super) fn write(pixels: &Pixels, bits: Bits, prompt: Option<&str>) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut out, pixels.width, pixels.height);
    encoder.set_color(match pixels.channels {
        1 => ::png::ColorType::Grayscale,
        3 => ::png::ColorType::Rgb,
        _ => ::png::ColorType::Rgba,
    });
    encoder.set_source_srgb(::png::SrgbRenderingIntent::Perceptual);
    if let Some(prompt) = prompt {
        encoder.add_text_chunk("prompt".to_owned(), exif::ascii(prompt)).map_err(failed)?;
    }
    let data = if bits == Bits::Sixteen {
        encoder.set_depth(::png::BitDepth::Sixteen);
        samples::convert(pixels.samples, |v| samples::word(v).to_be_bytes()).into_flattened()
    } else {
        encoder.set_depth(::png::BitDepth::Eight);
        samples::convert(pixels.samples, samples::byte)
    };
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(&data).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(out)
}
