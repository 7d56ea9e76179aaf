//! TIFF and BigTIFF. The tiff crate takes the file apart (strips, tiles, compression, byte order); what the
//! samples mean is decided here, from the tags, so that nothing is guessed in silence.

mod colour;
mod layout;
mod overlay;
mod samples;
mod tags;
#[cfg(test)]
pub(super) mod tests;

use super::raster::Raster;
use super::watched::Watched;
use super::{check_memory, check_size, too_much_memory};
use crate::limits;
use crate::progress::Report;
use ::tiff::decoder::{Decoder, DecodingResult};
use ::tiff::{ColorType, TiffError, TiffUnsupportedError};
use colour::Meaning;
use dreamwire_sdk::prelude::*;
use image::ImageFormat;
use image::metadata::Orientation;
use layout::Layout;
use overlay::Overlay;
use samples::Samples;
use std::io::{Cursor, ErrorKind};
use tags::Tags;

pub(super) fn read(name: &str, bytes: &[u8], report: Report<'_>) -> Result<Raster> {
    let refuse = |error| refuse(name, error);
    let mut decoder = Decoder::new(Cursor::new(bytes)).map_err(refuse)?.with_limits(allowed());
    let (width, height) = decoder.dimensions().map_err(refuse)?;
    check_size(name, ImageFormat::Tiff, width, height)?;
    let mut raster_notes = Vec::new();
    let mut warnings = Vec::new();
    if decoder.more_images() {
        raster_notes.push(format!("`{name}` has several pages, of which the first is read"));
    }
    let tags = Tags::read(name, &mut decoder, &mut warnings)?;
    let meaning = Meaning::of(name, &tags, &mut warnings)?;
    let layout = Layout::of(name, &tags, width)?;
    if !tags.has_all_bytes(&layout, width.into(), height.into()) {
        warnings.push(format!("`{name}` declares less data than it has pixels: colours may be off"));
    }

    // Read again as plain samples, so that the crate leaves them all, and as they are.
    let place = decoder.ifd_pointer().map_or(0, |pointer| pointer.0);
    let overlay = Overlay::new(bytes, place, &layout.edits())
        .ok_or_else(|| Error::content(format!("`{name}` cannot be read as TIFF: its directory is broken")))?;
    let overlay = Watched::new(overlay, bytes.len(), report);
    let mut decoder = Decoder::new(overlay).map_err(refuse)?.with_limits(allowed());
    let plain = match decoder.colortype().map_err(refuse)? {
        ColorType::Gray(bits) => (bits, 1),
        ColorType::Multiband { bit_depth, num_samples } => (bit_depth, num_samples),
        _ => (0, 0),
    };
    if plain != layout.plain() || decoder.dimensions().map_err(refuse)? != (layout.width(), height) {
        return Err(Error::content(format!(
            "`{name}` cannot be read as TIFF: its directory contradicts itself"
        )));
    }
    let orientation = u8::try_from(tags.orientation).ok().and_then(Orientation::from_exif);
    let orientation = orientation.unwrap_or(Orientation::NoTransforms);
    let decoded = layout.row_bytes(width.into()) * u64::from(height);
    let is_turned = orientation != Orientation::NoTransforms;
    check_memory(name, ImageFormat::Tiff, (width, height), decoded, is_turned)?;
    let mut data = DecodingResult::U8(Vec::new());
    let found = decoder.read_image_to_buffer(&mut data).map_err(refuse)?;
    if data.as_buffer(0).byte_len() < found.complete_len {
        return Err(too_much_memory(name, ImageFormat::Tiff));
    }
    let strides = (found.row_stride.map_or(0, |n| n.get()), found.plane_stride.map_or(0, |n| n.get()));
    let samples = Samples { data: &data, layout: &layout, strides, width: width as usize };
    let planes = meaning.planes(&samples, height as usize, report)?;
    Ok(Raster {
        width: width as usize,
        height: height as usize,
        planes,
        orientation,
        space: meaning.space(),
        profile: tags.profile,
        // Integers leave the range too, where they are signed or more than their alpha.
        open: true,
        linear: false,
        notes: raster_notes,
        warnings,
    })
}

fn allowed() -> ::tiff::decoder::Limits {
    let mut allowed = ::tiff::decoder::Limits::default();
    allowed.decoding_buffer_size = usize::try_from(limits::MAX_DECODED_BYTES).unwrap_or(usize::MAX);
    allowed.intermediate_buffer_size = allowed.decoding_buffer_size;
    allowed.ifd_value_size = usize::try_from(limits::MAX_EXTRA_BYTES).unwrap_or(usize::MAX);
    allowed
}

/// What the crate did not read, in our words.
fn refuse(name: &str, error: TiffError) -> Error {
    match error {
        TiffError::LimitsExceeded => too_much_memory(name, ImageFormat::Tiff),
        TiffError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
            Error::content(format!("`{name}` is a truncated TIFF, or a broken one: its data end too early"))
                .hint("copy or download it again")
        }
        TiffError::UnsupportedError(TiffUnsupportedError::UnknownInterpretation) => {
            colour::unsupported(name, "an unknown colour model")
        }
        TiffError::UnsupportedError(TiffUnsupportedError::InconsistentBitsPerSample(bits)) => {
            let bits: Vec<String> = bits.iter().map(u8::to_string).collect();
            Error::content(format!(
                "`{name}` has samples of {} bits; supported are samples of one depth",
                bits.join(", ")
            ))
            .hint("convert it to 8 or 16 bits")
        }
        TiffError::UnsupportedError(error) => Error::content(format!(
            "`{name}` is a TIFF of an unsupported kind: {error}"
        ))
        .hint("convert it to RGB of 8 or 16 bits, with the compression LZW or Deflate, without a predictor"),
        error => Error::content(format!("`{name}` cannot be read as TIFF: {error}")),
    }
}
