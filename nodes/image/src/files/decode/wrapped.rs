//! The formats whose pixels the image crate decodes: PNG, JPEG, WebP, GIF, BMP and QOI.

use super::raster::{self, Raster};
use super::watched::Watched;
use super::{Space, check_memory, check_size, refuse, too_much_memory};
use crate::progress::Report;
use crate::{files::whole, limits};
use dreamwire_sdk::prelude::*;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use std::io::Cursor;

pub(super) fn read(name: &str, format: ImageFormat, bytes: &[u8], report: Report<'_>) -> Result<Raster> {
    let refuse = |error| refuse(name, format, error);
    let mut reader = ImageReader::with_format(Watched::new(Cursor::new(bytes), bytes.len(), report), format);
    let mut allowed = Limits::no_limits();
    allowed.max_alloc = Some(match format {
        // Here it limits metadata, such as a compressed profile that is a decompression bomb.
        ImageFormat::Png => limits::MAX_EXTRA_BYTES,
        _ => limits::MAX_DECODED_BYTES,
    });
    reader.limits(allowed);
    let mut decoder = reader.into_decoder().map_err(refuse)?;
    let (width, height) = decoder.dimensions();
    check_size(name, format, width, height)?;
    if decoder.total_bytes() > limits::MAX_DECODED_BYTES {
        return Err(too_much_memory(name, format));
    }
    // The coefficients of a progressive JPEG are kept until its end, 16 bits each.
    let decoded = decoder.total_bytes() * if format == ImageFormat::Jpeg { 3 } else { 1 };
    check_memory(name, format, (width, height), decoded, false)?;
    let mut warnings = Vec::new();
    if let Some([left, top, w, h]) = (format == ImageFormat::Gif).then(|| whole::gif_frame(bytes)).flatten()
        && (left > 0 || top > 0 || u32::from(w) < width || u32::from(h) < height)
    {
        warnings.push(format!(
            "`{name}`: its first frame covers only part of the picture, the rest is transparent"
        ));
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let profile = decoder.icc_profile().unwrap_or_default();
    let mut picture = DynamicImage::from_decoder(decoder).map_err(refuse)?;
    // Now, while its samples are small.
    picture.apply_orientation(orientation);
    let (width, height) = (picture.width(), picture.height());
    let planes = raster::planes(&picture, report)?.ok_or_else(|| {
        Error::content(format!("`{name}` has an unsupported pixel format: {:?}", picture.color()))
    })?;
    let space = match picture.color().has_color() {
        // The decoder gives RGB, and ignores a profile.
        true if format == ImageFormat::Jpeg && whole::jpeg::colours(bytes) == Some(4) => Space::Cmyk,
        true => Space::Rgb,
        false => Space::Grey,
    };
    Ok(Raster {
        width: width as usize,
        height: height as usize,
        planes,
        orientation: Orientation::NoTransforms,
        space,
        profile,
        open: false,
        linear: false,
        notes: Vec::new(),
        warnings,
    })
}
