//! Baseline JPEG.

use super::{Options, Pixels, Subsampling, exif, failed, profile, samples};
use dreamwire_sdk::prelude::*;
use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, SamplingFactor};

/// The most bytes of a segment's data: its length has 16 bits and counts itself.
const MAX_SEGMENT: usize = 65_533;
const EXIF: &[u8] = b"Exif\0\0";

pub(super) fn write(pixels: &Pixels, options: &Options, prompt: Option<&str>) -> Result<Vec<u8>> {
    if pixels.has_alpha() {
        return Err(Error::shape("images", "a .jpg file does not support 4 channels")
            .hint("choose png, webp, tiff or exr, which keep alpha, or remove it"));
    }
    pixels.check_sides("JPEG", u16::MAX.into())?;
    let side = |side: u32| u16::try_from(side).map_err(failed);
    let (width, height) = (side(pixels.width)?, side(pixels.height)?);
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, options.quality);
    encoder.set_sampling_factor(match options.subsampling {
        Subsampling::None => SamplingFactor::F_1_1,
        Subsampling::Half => SamplingFactor::F_2_1,
        Subsampling::Quarter => SamplingFactor::F_2_2,
    });
    // Its default takes the pixel at the upper left of each group, which moves colours by half a pixel.
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    if let Some(segment) = prompt.map(segment).transpose()?
        && segment.len() <= MAX_SEGMENT
    {
        encoder.add_app_segment(1, segment).map_err(failed)?;
    }
    encoder.add_icc_profile(&profile::srgb(pixels.is_grey())?).map_err(failed)?;
    let color = if pixels.is_grey() { ColorType::Luma } else { ColorType::Rgb };
    let data = samples::convert(pixels.samples, samples::byte);
    encoder.encode(&data, width, height, color).map_err(failed)?;
    Ok(out)
}

/// Asks whether the graph fits into the one segment that EXIF has.
pub(super) fn holds(prompt: &str) -> bool {
    segment(prompt).is_ok_and(|segment| segment.len() <= MAX_SEGMENT)
}

fn segment(prompt: &str) -> Result<Vec<u8>> {
    Ok([EXIF, &exif::block(prompt)?].concat())
}
