//! OpenEXR: one layer of it, whatever its channels are called.

mod layers;
#[cfg(test)]
pub(super) mod tests;

use super::raster::{Planes, Raster, unpremultiply};
use super::{Space, check_memory, check_size};
use crate::files::encode;
use crate::progress::{Report, strips};
use ::exr::block::UncompressedBlock;
use ::exr::block::lines::LineRef;
use ::exr::block::reader::ChunksReader;
use ::exr::error as exr_error;
use ::exr::math::Vec2;
use ::exr::meta::attribute::{AttributeValue, Chromaticities, SampleType};
use ::exr::meta::header::Header;
use ::exr::prelude::f16;
use dreamwire_sdk::prelude::*;
use image::ImageFormat;
use image::metadata::Orientation;
use layers::Colours;
use std::collections::BTreeSet;
use std::io::Cursor;

/// The luminance of red, green and blue (ITU-R BT.709), for files of luminance and chroma.
const LUMINANCE: [f32; 3] = [0.2126, 0.7152, 0.0722];

pub(super) fn read(name: &str, bytes: &[u8], wanted: &str, report: Report<'_>) -> Result<Raster> {
    let refuse = |error| refuse(name, error);
    let reader = ::exr::block::read(Cursor::new(bytes), false).map_err(refuse)?;
    let (mut notes, mut warnings) = (Vec::new(), Vec::new());
    let layer = layers::choose(name, reader.headers(), wanted, &mut notes)?;
    let header = reader.headers()[layer.header].clone();
    let window = header.shared_attributes.display_window.size;
    let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
    for size in [window, header.layer_size] {
        check_size(name, ImageFormat::OpenExr, side(size.width()), side(size.height()))?;
    }
    let colours = layer.colours(name, &header, &mut notes, &mut warnings)?;
    if !matches!(colours, Colours::Grey(_)) && has_other_primaries(&header) {
        warnings.push(format!(
            "`{name}` has other primaries than sRGB, which are not converted: colours may be off"
        ));
    }

    let alpha = layer.alpha(&colours);
    let shift = header.own_attributes.layer_position - header.shared_attributes.display_window.position;
    let covers = |shift: i32, data: usize, window: usize| {
        shift <= 0 && i64::from(shift) + data as i64 >= window as i64
    };
    if !covers(shift.x(), header.layer_size.width(), window.width())
        || !covers(shift.y(), header.layer_size.height(), window.height())
    {
        let rest = if alpha.is_some() { "transparent" } else { "black" };
        warnings.push(format!("`{name}`: its data cover only part of the picture, the rest is {rest}"));
    }
    let pixels = window.area();
    check_memory(name, ImageFormat::OpenExr, (side(window.width()), side(window.height())), 0, false)?;
    let mut planes = Planes { rgb: vec![0.0; pixels * 3], mask: vec![0.0; pixels] };
    let (mut expected, mut seen) = (0, BTreeSet::new());
    let chunks = reader
        .filter_chunks(false, |_, _, block| {
            let is_ours = block.layer == layer.header && block.level == Vec2(0, 0);
            expected += usize::from(is_ours);
            is_ours
        })
        .map_err(refuse)?;
    chunks
        .decompress_sequential(false, |_, block: UncompressedBlock| {
            seen.insert((block.index.pixel_position.y(), block.index.pixel_position.x()));
            report(seen.len() as u64, expected as u64, "decoding").map_err(|_| exr_error::Error::Aborted)?;
            for line in block.lines(&header.channels) {
                let channel = line.location.channel;
                let slots = colours.slots(channel);
                if let Some((first, last)) = slots {
                    place(&header, line, |at, v| planes.rgb[3 * at + first..=3 * at + last].fill(v))?;
                }
                if alpha == Some(channel) {
                    place(&header, line, |at, v| planes.mask[at] = v)?;
                }
            }
            Ok(())
        })
        .map_err(refuse)?;
    // A table that names a block twice leaves another one out.
    if seen.len() < expected {
        return Err(Error::content(format!(
            "`{name}` cannot be read as OpenEXR: parts of the picture are missing"
        )));
    }

    if matches!(colours, Colours::Chroma(_)) {
        strips(&mut planes.rgb, 3, report, "converting samples", |strip| {
            strip.chunks_exact_mut(3).for_each(from_chroma);
            Ok(())
        })?;
    }
    if alpha.is_some() {
        for (rgb, masked) in planes.rgb.chunks_exact_mut(3).zip(&mut planes.mask) {
            unpremultiply(rgb, *masked);
            *masked = 1.0 - *masked;
        }
    }
    let space = if matches!(colours, Colours::Grey(_)) { Space::Grey } else { Space::Rgb };
    Ok(Raster {
        width: window.width(),
        height: window.height(),
        planes,
        orientation: Orientation::NoTransforms,
        space,
        profile: None,
        open: true,
        linear: !is_displayed(&header),
        notes,
        warnings,
    })
}

/// What the crate did not read, in our words.
fn refuse(name: &str, error: exr_error::Error) -> Error {
    match error {
        // It says so before it tells the channels.
        exr_error::Error::NotSupported(why) if why.contains("subsampling") => Error::content(format!(
            "`{name}` has channels of reduced size (subsampled chroma); supported are channels of the picture's size"
        ))
        .hint("save it as RGB instead of luminance and chroma"),
        exr_error::Error::NotSupported(why) if why.contains("deep") => layers::deep(name),
        exr_error::Error::NotSupported(why) => {
            Error::content(format!("`{name}` is an OpenEXR of an unsupported kind: {why}"))
                .hint("save it with the compression ZIP, as RGB")
        }
        error => Error::content(format!("`{name}` cannot be read as OpenEXR: {error}")),
    }
}

/// Hands every sample of a line that lies inside the display window to `put`, with its pixel. Outside the
/// line's data, pixels stay black and transparent.
fn place(header: &Header, line: LineRef<'_>, mut put: impl FnMut(usize, f32)) -> exr_error::UnitResult {
    let window = header.shared_attributes.display_window;
    let shift = header.own_attributes.layer_position - window.position;
    let start = line.location.position.to_i32() + shift;
    let (width, height) = (window.size.width() as i64, window.size.height() as i64);
    let y = i64::from(start.y());
    if !(0..height).contains(&y) {
        return Ok(());
    }
    let mut put = |i: usize, v: f32| {
        let x = i64::from(start.x()) + i as i64;
        if (0..width).contains(&x) {
            put((y * width + x) as usize, v);
        }
    };
    match header.channels.list[line.location.channel].sample_type {
        SampleType::F16 => {
            for (i, v) in line.read_samples::<f16>().enumerate() {
                put(i, v?.to_f32());
            }
        }
        SampleType::F32 => {
            for (i, v) in line.read_samples::<f32>().enumerate() {
                put(i, v?);
            }
        }
        SampleType::U32 => {
            for (i, v) in line.read_samples::<u32>().enumerate() {
                put(i, v? as f32);
            }
        }
    }
    Ok(())
}

/// `(RY, Y, BY)`, where RY is `(R - Y) / Y`, to R, G, B.
fn from_chroma(pixel: &mut [f32]) {
    let luma = pixel[1];
    let (red, blue) = ((pixel[0] + 1.0) * luma, (pixel[2] + 1.0) * luma);
    let green = (luma - red * LUMINANCE[0] - blue * LUMINANCE[2]) / LUMINANCE[1];
    // What halves of 11 bits round off is not a colour below black.
    let green = if green < 0.0 && green > -0.01 * luma { 0.0 } else { green };
    pixel.copy_from_slice(&[red, green, blue]);
}

/// True if the file says that it has display-referred sRGB instead of linear light, as SaveImage does on request.
fn is_displayed(header: &Header) -> bool {
    let attributes = [&header.shared_attributes.other, &header.own_attributes.other];
    attributes.iter().flat_map(|map| map.iter()).any(|(name, value)| {
        name.eq(encode::COLOUR_SPACE)
            && matches!(value, AttributeValue::Text(space) if space.eq(encode::DISPLAYED))
    })
}

/// True if the file says that its colours are not those of sRGB.
fn has_other_primaries(header: &Header) -> bool {
    header.shared_attributes.chromaticities.is_some_and(|Chromaticities { red, green, blue, white }| {
        let found = [red, green, blue, white];
        let ours = [(0.64, 0.33), (0.30, 0.60), (0.15, 0.06), (0.3127, 0.3290)];
        found.iter().zip(ours).any(|(f, (x, y))| (f.x() - x).abs() > 0.002 || (f.y() - y).abs() > 0.002)
    })
}
