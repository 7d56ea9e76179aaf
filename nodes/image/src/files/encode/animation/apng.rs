//! Animated PNG, with the png crate.

use super::{Animation, failed};
use crate::files::encode::exif;
use crate::progress::Parts;
use ::png::{BitDepth, BlendOp, ColorType, DisposeOp, Encoder, SrgbRenderingIntent};
use dreamwire_sdk::prelude::*;

pub(super) fn write(animation: &Animation, parts: &Parts) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, animation.width, animation.height);
    encoder.set_color(match animation.channels {
        1 => ColorType::Grayscale,
        3 => ColorType::Rgb,
        _ => ColorType::Rgba,
    });
    encoder.set_depth(BitDepth::Eight);
    encoder.set_source_srgb(SrgbRenderingIntent::Perceptual);
    let count = u32::try_from(animation.order.len()).map_err(failed)?;
    encoder.set_animated(count, animation.loops.into()).map_err(failed)?;
    encoder.set_dispose_op(DisposeOp::None).map_err(failed)?;
    encoder.set_blend_op(BlendOp::Source).map_err(failed)?;
    if let Some(prompt) = animation.prompt {
        encoder.add_text_chunk("prompt".to_owned(), exif::ascii(prompt)).map_err(failed)?;
    }
    let mut writer = encoder.write_header().map_err(failed)?;
    for place in 0..animation.order.len() {
        let milliseconds = animation.duration(place, 1000) as u16;
        writer.set_frame_delay(milliseconds, 1000).map_err(failed)?;
        writer.write_image_data(animation.frame(place)).map_err(failed)?;
        parts.one_more()?;
    }
    writer.finish().map_err(failed)?;
    Ok(out)
}
