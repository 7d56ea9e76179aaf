//! OpenEXR in scan lines, of half or float, with associated alpha. Blocks of lines are compressed in parallel.

use super::{Bits, Compression, Options, Pixels, Progress, exif, failed, samples};
use crate::transfer;
use ::exr::block::writer::ChunksWriter;
use ::exr::block::{BlockIndex, UncompressedBlock, enumerate_ordered_header_block_indices};
use ::exr::compression::Compression as Packing;
use ::exr::error::Error as ExrError;
use ::exr::math::Vec2;
use ::exr::meta::BlockDescription;
use ::exr::meta::attribute::{
    AttributeValue, ChannelDescription, Chromaticities, LineOrder, SampleType, Text,
};
use ::exr::meta::header::Header;
use ::exr::prelude::{SmallVec, f16};
use dreamwire_sdk::prelude::*;
use rayon::prelude::*;
use std::io::Cursor;

/// So many blocks are compressed before they are written.
const AT_ONCE: usize = 64;

/// The attribute that names the colour space.
pub(crate) const COLOUR_SPACE: &str = "colorInteropID";
/// Its value for linear light with the primaries of sRGB.
const LINEAR: &str = "lin_rec709_scene";
/// Its value for display-referred sRGB.
pub(crate) const DISPLAYED: &str = "srgb_rec709_display";

pub(super) fn write(
    pixels: &Pixels,
    options: &Options,
    prompt: Option<&str>,
    progress: &Progress,
) -> Result<Vec<u8>> {
    let header = header(pixels, options, prompt)?;
    let mut out = Vec::new();
    // Why it ended early, which the crate's error cannot carry.
    let mut stopped = Ok(());
    let written =
        ::exr::block::write(Cursor::new(&mut out), SmallVec::from_vec(vec![header]), true, |meta, writer| {
            let blocks: Vec<_> = enumerate_ordered_header_block_indices(&meta.headers).collect();
            for group in blocks.chunks(AT_ONCE) {
                let first = group.first().map_or(0, |(_, block)| block.pixel_position.y());
                stopped = progress(u32::try_from(first).unwrap_or(u32::MAX));
                if stopped.is_err() {
                    return Err(ExrError::Aborted);
                }
                let packed: Vec<std::result::Result<_, ExrError>> = group
                    .par_iter()
                    .map(|&(at, index)| {
                        let data = data(pixels, options, index);
                        Ok((at, UncompressedBlock { index, data }.compress_to_chunk(&meta.headers)?))
                    })
                    .collect();
                for chunk in packed {
                    let (at, chunk) = chunk?;
                    writer.write_chunk(at, chunk)?;
                }
            }
            Ok(())
        });
    stopped?;
    written.map_err(failed)?;
    Ok(out)
}

fn header(pixels: &Pixels, options: &Options, prompt: Option<&str>) -> Result<Header> {
    let depth = if options.bits() == Bits::Float { SampleType::F32 } else { SampleType::F16 };
    let names: &[&str] = match pixels.channels {
        1 => &["Y"],
        3 => &["B", "G", "R"],
        _ => &["A", "B", "G", "R"],
    };
    let channels = names.iter().map(|&name| ChannelDescription::named(name, depth)).collect();
    let size = Vec2(pixels.width as usize, pixels.height as usize);
    let packing = match options.compression {
        Compression::None => Packing::Uncompressed,
        Compression::Rle => Packing::RLE,
        Compression::Zips => Packing::ZIP1,
        Compression::Piz => Packing::PIZ,
        _ => Packing::ZIP16,
    };
    let mut header = Header::new(Text::from(""), size, channels).with_encoding(
        packing,
        BlockDescription::ScanLines,
        LineOrder::Increasing,
    );
    header.own_attributes.layer_name = None;
    header.shared_attributes.chromaticities = Some(Chromaticities {
        red: Vec2(0.64, 0.33),
        green: Vec2(0.30, 0.60),
        blue: Vec2(0.15, 0.06),
        white: Vec2(0.3127, 0.3290),
    });
    // The maps have no order: one attribute in each, so that the bytes are the same every time.
    let space = if options.linear { LINEAR } else { DISPLAYED };
    header.shared_attributes.other.insert(Text::from(COLOUR_SPACE), AttributeValue::Text(Text::from(space)));
    if let Some(prompt) = prompt {
        let text = Text::new_or_none(exif::ascii(prompt)).ok_or_else(|| failed("the graph is not text"))?;
        header.own_attributes.other.insert(Text::from("prompt"), AttributeValue::Text(text));
    }
    Ok(header)
}

/// The samples of a block: line by line, in each line channel by channel, by name.
fn data(pixels: &Pixels, options: &Options, block: BlockIndex) -> Vec<u8> {
    let Pixels { channels, .. } = *pixels;
    let order: &[usize] = match channels {
        1 => &[0],
        3 => &[2, 1, 0],
        _ => &[3, 2, 1, 0],
    };
    let is_half = options.bits() != Bits::Float;
    let row = pixels.row();
    let (first, lines) = (block.pixel_position.y(), block.pixel_size.height());
    let mut out = Vec::with_capacity(lines * row * if is_half { 2 } else { 4 });
    for line in pixels.samples[first * row..(first + lines) * row].chunks_exact(row) {
        for &channel in order {
            let values =
                line.chunks_exact(channels).map(|pixel| value(pixel, channel, options.linear, is_half));
            if is_half {
                out.extend(values.flat_map(|v| f16::from_f32(v).to_ne_bytes()));
            } else {
                out.extend(values.flat_map(f32::to_ne_bytes));
            }
        }
    }
    out
}

/// A channel of a pixel as the file has it: alpha as it is, colours multiplied by it.
fn value(pixel: &[f32], channel: usize, is_linear: bool, is_half: bool) -> f32 {
    let v = samples::unit(pixel[channel]);
    if channel == 3 {
        return v;
    }
    let v = if is_linear { transfer::to_linear(v) } else { v };
    pixel.get(3).map_or(v, |&alpha| {
        let alpha = samples::unit(alpha);
        // By alpha as the file has it, so that no colour becomes more than 1 when a reader divides by it.
        v * if is_half { f16::from_f32(alpha).to_f32() } else { alpha }
    })
}
