//! How the samples lie in the file, and which of that is supported.

use super::tags::Tags;
use dreamwire_sdk::prelude::*;

/// How samples are stored.
pub(super) struct Layout {
    pub(super) bits: u8,
    pub(super) samples: u16,
    pub(super) is_planar: bool,
    /// Rows are read as bytes: the crate does not know samples of this depth.
    pub(super) is_raw: bool,
    width: u32,
}

impl Layout {
    pub(super) fn of(name: &str, tags: &Tags, width: u32) -> Result<Self> {
        compression(name, tags)?;
        let what = match (tags.format, tags.bits) {
            // Undefined data are taken for what is usual.
            (1 | 4, 1..=16 | 32 | 64) | (2, 8 | 16 | 32 | 64) | (3, 16 | 32 | 64) => None,
            (1 | 4, bits) => Some(format!("integers of {bits} bits")),
            (2, bits) => Some(format!("signed integers of {bits} bits")),
            (3, bits) => Some(format!("floats of {bits} bits")),
            (5 | 6, bits) => Some(format!("complex numbers of {bits} bits")),
            (format, bits) => Some(format!("of the unknown format {format}, of {bits} bits")),
        };
        if let Some(what) = what {
            return Err(Error::content(format!(
                "`{name}` has samples that are {what}; supported are integers of 1 to 16, 32 and 64 bits and \
                 floats of 16, 32 and 64 bits"
            ))
            .hint("convert it to 8 or 16 bits"));
        }
        let bits = tags.bits as u8;
        let is_raw = (9..16).contains(&bits);
        if is_raw && tags.is_tiled {
            return Err(Error::content(format!(
                "`{name}` has tiles of {bits} bits; supported are strips, and tiles of 1 to 8, 16, 32 and 64 bits"
            ))
            .hint("convert it to 16 bits"));
        }
        Ok(Self { bits, samples: tags.samples, is_planar: tags.is_planar, is_raw, width })
    }

    /// Samples that lie side by side.
    pub(super) fn side_by_side(&self) -> usize {
        if self.is_planar { 1 } else { usize::from(self.samples) }
    }

    /// Bytes of a row, over all planes.
    pub(super) fn row_bytes(&self, width: u64) -> u64 {
        let planes = if self.is_planar { u64::from(self.samples) } else { 1 };
        (width * u64::from(self.bits) * self.side_by_side() as u64).div_ceil(8) * planes
    }

    /// The width as which it is read.
    pub(super) fn width(&self) -> u32 {
        if self.is_raw {
            (u64::from(self.width) * u64::from(self.bits) * self.side_by_side() as u64).div_ceil(8) as u32
        } else {
            self.width
        }
    }

    /// Bits and samples as which it is read.
    pub(super) fn plain(&self) -> (u8, u16) {
        match (self.is_raw, self.is_planar) {
            (false, _) => (self.bits, self.samples),
            (true, true) => (8, self.samples),
            (true, false) => (8, 1),
        }
    }

    /// Tags that make the crate read samples without a meaning: grey with black as zero, however many.
    pub(super) fn edits(&self) -> Vec<(u16, u32)> {
        let mut edits = vec![(262, 1)];
        if self.is_raw {
            let (bits, samples) = self.plain();
            edits.extend([(256, self.width()), (258, u32::from(bits)), (277, u32::from(samples))]);
            // There must not be more extra samples than samples.
            edits.push((338, 0));
        }
        edits
    }
}

fn compression(name: &str, tags: &Tags) -> Result<()> {
    let what = match tags.compression {
        1 | 5 | 8 | 0x80B2 | 0x8005 => return Ok(()),
        // The decoder gives one bit a sample, whatever the tags say.
        4 if (tags.bits, tags.samples) == (1, 1) => return Ok(()),
        2 => "CCITT Huffman",
        3 => "CCITT Group 3",
        4 => "CCITT Group 4 with more than one bit",
        6 => "JPEG (old style)",
        7 => "JPEG",
        9 | 10 => "JBIG",
        32_809 => "ThunderScan",
        32_908 | 32_909 => "Pixar",
        34_661 => "JBIG",
        33_003 | 33_005 | 34_712 => "JPEG 2000",
        34_676 | 34_677 => "SGI LogLuv",
        34_887 => "LERC",
        34_925 => "LZMA",
        50_000 => "Zstandard",
        50_001 => "WebP",
        50_002 | 52_546 => "JPEG XL",
        number => return Err(unknown_compression(name, &format!("number {number}"))),
    };
    Err(unknown_compression(name, what))
}

fn unknown_compression(name: &str, what: &str) -> Error {
    Error::content(format!(
        "`{name}` uses the compression {what}; supported are none, LZW, Deflate, PackBits, and CCITT Group 4"
    ))
    .hint("save it again with LZW or Deflate, or as PNG")
}
