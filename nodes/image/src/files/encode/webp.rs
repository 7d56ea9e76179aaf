//! WebP: without loss by image-webp, lossy by libwebp, and around both the chunks of the extended format.

use super::{Options, Pixels, exif, failed, profile, samples};
use dreamwire_sdk::prelude::*;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder};

/// The most pixels per side (14 bits).
pub(super) const MAX_SIDE: u32 = 16_383;
/// The chunks of the picture itself.
pub(super) const PICTURE: [&[u8]; 3] = [b"ALPH", b"VP8 ", b"VP8L"];

/// Bits of the chunk VP8X.
pub(super) const HAS_EXIF: u8 = 0x08;
pub(super) const HAS_ALPHA: u8 = 0x10;
pub(super) const HAS_PROFILE: u8 = 0x20;

pub(super) fn write(pixels: &Pixels, options: &Options, prompt: Option<&str>) -> Result<Vec<u8>> {
    pixels.check_sides("WebP", MAX_SIDE)?;
    let bytes = samples::convert(pixels.samples, samples::byte);
    let quality = (!options.lossless()).then_some(options.quality);
    let plain = encoded(&bytes, (pixels.width, pixels.height), pixels.channels, quality)?;
    let exif = prompt.map(exif::block).transpose()?;

    let mut flags = HAS_PROFILE;
    if pixels.has_alpha() {
        flags |= HAS_ALPHA;
    }
    if exif.is_some() {
        flags |= HAS_EXIF;
    }
    let [side_x, side_y] = [pixels.width, pixels.height].map(|side| (side - 1).to_le_bytes());
    let mut body = b"WEBP".to_vec();
    chunk(&mut body, b"VP8X", &[&[flags, 0, 0, 0], &side_x[..3], &side_y[..3]].concat())?;
    // A WebP has no grey of its own: the decoder gives three colours.
    chunk(&mut body, b"ICCP", &profile::srgb(false)?)?;
    for (kind, data) in chunks(&plain).filter(|(kind, _)| PICTURE.contains(kind)) {
        chunk(&mut body, kind, data)?;
    }
    if let Some(exif) = exif {
        chunk(&mut body, b"EXIF", &exif)?;
    }
    let mut out = Vec::with_capacity(body.len() + 8);
    chunk(&mut out, b"RIFF", &body)?;
    Ok(out)
}

/// A file of the simple format: of samples of 1, 3 or 4 channels, without loss if there is no `quality` (1 to 100).
pub(super) fn encoded(
    bytes: &[u8],
    size: (u32, u32),
    channels: usize,
    quality: Option<u8>,
) -> Result<Vec<u8>> {
    match quality {
        Some(quality) => lossy(bytes, size, channels, quality),
        None => lossless(bytes, size, channels),
    }
}

fn lossless(bytes: &[u8], (width, height): (u32, u32), channels: usize) -> Result<Vec<u8>> {
    let color = match channels {
        1 => ExtendedColorType::L8,
        3 => ExtendedColorType::Rgb8,
        _ => ExtendedColorType::Rgba8,
    };
    let mut out = Vec::new();
    let encoder = WebPEncoder::new_lossless(&mut out);
    encoder.write_image(bytes, width, height, color).map_err(failed)?;
    Ok(out)
}

/// Colours are subsampled 4:2:0, which is all that lossy WebP has; alpha is kept without loss.
fn lossy(bytes: &[u8], (width, height): (u32, u32), channels: usize, quality: u8) -> Result<Vec<u8>> {
    let grey: Vec<u8>;
    let bytes = if channels == 1 {
        grey = bytes.iter().flat_map(|&v| [v; 3]).collect();
        &grey
    } else {
        bytes
    };
    let encoder = match channels {
        4 => ::webp::Encoder::from_rgba(bytes, width, height),
        _ => ::webp::Encoder::from_rgb(bytes, width, height),
    };
    let out = encoder.encode_simple(false, quality.into()).map_err(|error| failed(format!("{error:?}")))?;
    Ok(out.to_vec())
}

/// The chunks of a complete file.
pub(super) fn chunks(file: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = file.get(12..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (head, after) = rest.split_at_checked(8)?;
        let (kind, length) = head.split_at(4);
        let length = u32::from_le_bytes(length.try_into().ok()?) as usize;
        let data = after.get(..length)?;
        rest = after.get(length + length % 2..).unwrap_or_default();
        Some((kind, data))
    })
}

pub(super) fn chunk(out: &mut Vec<u8>, kind: &[u8], data: &[u8]) -> Result<()> {
    out.extend(kind);
    out.extend(u32::try_from(data.len()).map_err(failed)?.to_le_bytes());
    out.extend(data);
    if data.len() % 2 == 1 {
        out.push(0);
    }
    Ok(())
}
