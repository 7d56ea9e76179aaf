use super::layout::Layout;
use super::refuse;
use crate::limits;
use ::tiff::TiffError;
use ::tiff::decoder::Decoder;
use ::tiff::tags::Tag;
use dreamwire_sdk::prelude::*;
use std::io::{Read, Seek};

/// The tags that say what the samples are, with the defaults of the standard.
pub(super) struct Tags {
    pub(super) bits: u16,
    pub(super) format: u16,
    pub(super) samples: u16,
    pub(super) photometric: u16,
    /// None if the tag is absent.
    pub(super) extras: Option<Vec<u16>>,
    pub(super) compression: u16,
    pub(super) is_planar: bool,
    pub(super) is_tiled: bool,
    pub(super) ink_set: u16,
    pub(super) orientation: u16,
    pub(super) colour_map: Vec<u16>,
    pub(super) profile: Option<Vec<u8>>,
    /// The sum over strips or tiles.
    bytes: u64,
}

impl Tags {
    /// Refuses a bit order that the crate would not see.
    pub(super) fn read<R: Read + Seek>(
        name: &str,
        decoder: &mut Decoder<R>,
        warnings: &mut Vec<String>,
    ) -> Result<Self> {
        let mut numbers = |tag: u16| {
            decoder
                .find_tag_unsigned_vec::<u64>(Tag::from_u16_exhaustive(tag))
                .map_err(|error| refuse(name, error))
        };
        let mut first = |tag: u16, default: u16| -> Result<u16> {
            let number = numbers(tag)?.and_then(|numbers| numbers.first().copied());
            Ok(number.map_or(default, |number| u16::try_from(number).unwrap_or(u16::MAX)))
        };
        let (bits, format, samples) = (first(258, 1)?, first(339, 1)?, first(277, 1)?);
        let (photometric, compression) = (first(262, u16::MAX)?, first(259, 1)?);
        let (planar, fill_order, ink_set) = (first(284, 1)?, first(266, 1)?, first(332, 1)?);
        let (orientation, kind) = (first(274, 1)?, first(254, 0)?);
        let narrow = |numbers: Vec<u64>| numbers.into_iter().map(|n| n as u16).collect::<Vec<u16>>();
        let extras = numbers(338)?.map(narrow);
        let colour_map = numbers(320)?.map(narrow).unwrap_or_default();
        let tiles = numbers(325)?;
        let is_tiled = tiles.is_some();
        let chunks = tiles.or(numbers(279)?).unwrap_or_default();
        if fill_order != 1 {
            return Err(Error::content(format!(
                "`{name}` has the bits of its bytes in the order {fill_order} (FillOrder); supported is 1, the highest first"
            ))
            .hint("save it again with the usual order"));
        }
        if kind & 1 != 0 {
            warnings.push(format!("`{name}` begins with a reduced copy of another page, which is read"));
        }
        let profile = match decoder.get_tag_u8_vec(Tag::IccProfile) {
            Ok(profile) => Some(profile),
            Err(TiffError::FormatError(::tiff::TiffFormatError::RequiredTagNotFound(_))) => None,
            Err(TiffError::LimitsExceeded) => {
                warnings.push(format!(
                    "`{name}`: its ICC profile is larger than the limit of {} MiB and ignored, colours may be off",
                    limits::MAX_EXTRA_BYTES >> 20
                ));
                None
            }
            Err(why) => {
                warnings.push(format!("`{name}`: its ICC profile is ignored, colours may be off: {why}"));
                None
            }
        };
        Ok(Self {
            bits,
            format,
            samples,
            photometric,
            extras,
            compression,
            is_planar: planar == 2,
            is_tiled,
            ink_set,
            orientation,
            colour_map,
            profile,
            bytes: chunks.iter().fold(0, |sum: u64, n| sum.saturating_add(*n)),
        })
    }

    /// False if uncompressed data are declared to be shorter than the pixels: the rest, which would be read
    /// from whatever comes next in the file, is not theirs.
    pub(super) fn has_all_bytes(&self, layout: &Layout, width: u64, height: u64) -> bool {
        self.compression != 1 || self.bytes >= layout.row_bytes(width) * height
    }
}
