//! TIFF in strips, which are compressed in parallel. The tiff crate writes the directory and compresses a strip.

use super::{Bits, Compression, Options, Pixels, Progress, exif, failed, profile, samples};
use ::tiff::TiffResult;
use ::tiff::encoder::compression::{CompressionAlgorithm, Compressor, Deflate, Lzw, Packbits};
use ::tiff::encoder::{DirectoryEncoder, TiffEncoder, TiffKind};
use ::tiff::tags::{CompressionMethod, Predictor, SampleFormat, Tag};
use dreamwire_sdk::prelude::*;
use rayon::prelude::*;
use std::io::{Cursor, Seek, Write};

/// About as many bytes has a strip before it is compressed.
const STRIP: usize = 1 << 20;
/// So many strips are compressed before they are written.
const AT_ONCE: usize = 16;
/// Of the tag ExtraSamples: alpha that is not multiplied into the colours.
const UNASSOCIATED: u16 = 2;

pub(super) fn write(
    pixels: &Pixels,
    options: &Options,
    prompt: Option<&str>,
    progress: &Progress,
) -> Result<Vec<u8>> {
    let mut out = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut out).map_err(failed)?;
    let mut directory = encoder.image_directory().map_err(failed)?;
    let strips = Strips::new(pixels, options);
    strips.describe(&mut directory, prompt).map_err(failed)?;
    directory.write_tag(Tag::IccProfile, profile::srgb(pixels.is_grey())?.as_slice()).map_err(failed)?;

    let (mut places, mut lengths) = (Vec::new(), Vec::new());
    let parts: Vec<&[f32]> = pixels.samples.chunks(strips.rows * pixels.row()).collect();
    for (group, parts) in parts.chunks(AT_ONCE).enumerate() {
        let written = (group * AT_ONCE * strips.rows).min(pixels.height as usize);
        progress(u32::try_from(written).map_err(failed)?)?;
        let packed: Vec<_> = parts.par_iter().map(|part| strips.packed(part)).collect();
        for strip in packed {
            let strip = strip.map_err(failed)?;
            let place = directory.write_data(strip.as_slice()).map_err(failed)?;
            places.push(u32::try_from(place).map_err(failed)?);
            lengths.push(u32::try_from(strip.len()).map_err(failed)?);
        }
    }
    directory.write_tag(Tag::StripOffsets, places.as_slice()).map_err(failed)?;
    directory.write_tag(Tag::StripByteCounts, lengths.as_slice()).map_err(failed)?;
    directory.finish().map_err(failed)?;
    Ok(out.into_inner())
}

/// How the samples lie in the file.
struct Strips<'a> {
    pixels: &'a Pixels<'a>,
    bits: Bits,
    compression: Compression,
    /// Rows of a strip.
    rows: usize,
    /// Whether differences of neighbours are compressed, which makes LZW and Deflate smaller.
    differs: bool,
}

impl<'a> Strips<'a> {
    fn new(pixels: &'a Pixels<'a>, options: &Options) -> Self {
        let bits = options.bits();
        let row_bytes = pixels.row() * usize::from(bytes_of(bits));
        Self {
            pixels,
            bits,
            compression: options.compression,
            rows: (STRIP / row_bytes.max(1)).max(1),
            // The predictor of floats is not widely read.
            differs: bits != Bits::Float
                && matches!(options.compression, Compression::Lzw | Compression::Deflate),
        }
    }

    /// Writes the tags that do not depend on the samples.
    fn describe<W: Write + Seek, K: TiffKind>(
        &self,
        directory: &mut DirectoryEncoder<'_, W, K>,
        prompt: Option<&str>,
    ) -> TiffResult<()> {
        let Pixels { width, height, channels, .. } = *self.pixels;
        let (compression, _) = self.method();
        let format = if self.bits == Bits::Float { SampleFormat::IEEEFP } else { SampleFormat::Uint };
        let predictor = if self.differs { Predictor::Horizontal } else { Predictor::None };
        let depth = u16::from(bytes_of(self.bits)) * 8;
        directory.write_tag(Tag::ImageWidth, width)?;
        directory.write_tag(Tag::ImageLength, height)?;
        directory.write_tag(Tag::BitsPerSample, vec![depth; channels].as_slice())?;
        directory.write_tag(Tag::SampleFormat, vec![format; channels].as_slice())?;
        directory.write_tag(Tag::Compression, compression)?;
        directory.write_tag(Tag::Predictor, predictor)?;
        // BlackIsZero, or RGB.
        directory.write_tag(Tag::PhotometricInterpretation, if self.pixels.is_grey() { 1u16 } else { 2 })?;
        directory.write_tag(Tag::SamplesPerPixel, channels as u16)?;
        if self.pixels.has_alpha() {
            directory.write_tag(Tag::ExtraSamples, UNASSOCIATED)?;
        }
        directory.write_tag(Tag::RowsPerStrip, u32::try_from(self.rows)?.min(height))?;
        match prompt {
            Some(prompt) => directory.write_tag(Tag::ImageDescription, exif::description(prompt).as_str()),
            None => Ok(()),
        }
    }

    fn method(&self) -> (CompressionMethod, Option<Compressor>) {
        match self.compression {
            Compression::Lzw => (CompressionMethod::LZW, Some(Compressor::Lzw(Lzw))),
            Compression::Deflate => {
                (CompressionMethod::Deflate, Some(Compressor::Deflate(Deflate::default())))
            }
            Compression::Packbits => (CompressionMethod::PackBits, Some(Compressor::Packbits(Packbits))),
            _ => (CompressionMethod::None, None),
        }
    }

    /// The bytes of a strip in the file.
    fn packed(&self, part: &[f32]) -> std::io::Result<Vec<u8>> {
        let bytes = self.bytes(part);
        let (method, Some(mut compressor)) = self.method() else { return Ok(bytes) };
        let mut out = Vec::new();
        if method == CompressionMethod::PackBits {
            // The standard wants each row packed by itself.
            for row in bytes.chunks(self.pixels.row() * usize::from(bytes_of(self.bits))) {
                compressor.write_to(&mut out, row)?;
            }
        } else {
            compressor.write_to(&mut out, &bytes)?;
        }
        Ok(out)
    }

    /// The same in this machine's byte order, which is that of the file.
    fn bytes(&self, part: &[f32]) -> Vec<u8> {
        let (row, channels) = (self.pixels.row(), self.pixels.channels);
        match self.bits {
            Bits::Float => samples::convert(part, |v| samples::unit(v).to_ne_bytes()).into_flattened(),
            Bits::Sixteen => {
                let mut words = samples::convert(part, samples::word);
                if self.differs {
                    words.chunks_mut(row).for_each(|row| differences(row, channels, u16::wrapping_sub));
                }
                words.into_iter().flat_map(u16::to_ne_bytes).collect()
            }
            _ => {
                let mut bytes = samples::convert(part, samples::byte);
                if self.differs {
                    bytes.chunks_mut(row).for_each(|row| differences(row, channels, u8::wrapping_sub));
                }
                bytes
            }
        }
    }
}

/// Every sample to its difference from the pixel to the left.
fn differences<T: Copy>(row: &mut [T], channels: usize, minus: impl Fn(T, T) -> T) {
    for i in (channels..row.len()).rev() {
        row[i] = minus(row[i], row[i - channels]);
    }
}

fn bytes_of(bits: Bits) -> u8 {
    match bits {
        Bits::Float => 4,
        Bits::Sixteen => 2,
        _ => 1,
    }
}
