//! GIF, with the gif crate: one palette for all frames.

use super::palette::{Dither, Palette};
use super::{Animation, failed};
use crate::files::encode::exif;
use crate::progress::Parts;
use ::gif::{AnyExtension, DisposalMethod, Encoder, Extension, Frame, Repeat};
use dreamwire_sdk::prelude::*;
use rayon::prelude::*;

/// The most pixels per side.
const MAX_SIDE: u32 = 65_535;
/// From this alpha on, of 255, a pixel is shown.
const OPAQUE: u8 = 128;

pub(super) fn write(animation: &Animation, dither: Dither, parts: &Parts) -> Result<Vec<u8>> {
    animation.check_sides("GIF", MAX_SIDE)?;
    let size = (animation.width, animation.height);
    let alpha = animation.channels == 4;
    // Colours of what is not shown are not asked for one.
    let opaque: Vec<u8> = match animation.channels {
        1 => animation.bytes.iter().flat_map(|&v| [v; 3]).collect(),
        3 => animation.bytes.to_vec(),
        _ => animation
            .bytes
            .chunks_exact(4)
            .filter(|p| p[3] >= OPAQUE)
            .flat_map(|p| [p[0], p[1], p[2]])
            .collect(),
    };
    // Where nothing is shown, one colour is enough.
    let opaque = if opaque.is_empty() { vec![0; 3] } else { opaque };
    let palette = Palette::of(&opaque, if alpha { 255 } else { 256 });
    let mut colours = palette.bytes();
    let clear = (colours.len() / 3) as u8;
    if alpha {
        colours.extend([0; 3]);
    }
    let frame = |place: usize| -> Result<Frame<'static>> {
        let pixels = animation.frame(place);
        let rgb: Vec<u8> = match animation.channels {
            1 => pixels.iter().flat_map(|&v| [v; 3]).collect(),
            3 => pixels.to_vec(),
            _ => pixels.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect(),
        };
        let mut indices = palette.indices(rgb, size, dither);
        if alpha {
            let hidden =
                indices.iter_mut().zip(pixels.chunks_exact(4)).filter(|(_, pixel)| pixel[3] < OPAQUE);
            hidden.for_each(|(index, _)| *index = clear);
        }
        let mut frame = Frame {
            delay: animation.duration(place, 100) as u16,
            width: size.0 as u16,
            height: size.1 as u16,
            // What is transparent must not show the frame before.
            dispose: if alpha { DisposalMethod::Background } else { DisposalMethod::Keep },
            transparent: alpha.then_some(clear),
            buffer: indices.into(),
            ..Frame::default()
        };
        frame.make_lzw_pre_encoded();
        parts.one_more()?;
        Ok(frame)
    };
    let frames: Vec<Frame> = (0..animation.order.len()).into_par_iter().map(frame).collect::<Result<_>>()?;
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, size.0 as u16, size.1 as u16, &colours).map_err(failed)?;
    // A GIF counts what follows the first time.
    let repeat = match animation.loops {
        0 => Repeat::Infinite,
        times => Repeat::Finite(times - 1),
    };
    encoder.set_repeat(repeat).map_err(failed)?;
    if let Some(prompt) = animation.prompt {
        let text = exif::description(prompt);
        encoder
            .write_raw_extension(AnyExtension(Extension::Comment as u8), &[text.as_bytes()])
            .map_err(failed)?;
    }
    for frame in &frames {
        encoder.write_lzw_pre_encoded_frame(frame).map_err(failed)?;
    }
    drop(encoder);
    Ok(out)
}
