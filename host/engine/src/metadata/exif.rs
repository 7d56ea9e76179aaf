//! The texts in the first directory of a TIFF, which is also the form of EXIF: `name:text`, as ComfyUI writes them.

use super::{MOST, Text, hash_part, in_ascii};
use blake3::Hasher;

/// Where texts are written, by name: Make, as ComfyUI does, and Software.
const PLACES: [(&str, u16); 2] = [("workflow", 0x010f), (super::RECORD, 0x0131)];

/// Tags of texts: DocumentName, ImageDescription, Make, Model, Software, DateTime.
const TEXTS: [u16; 6] = [0x010d, 0x010e, 0x010f, 0x0110, 0x0131, 0x0132];
/// Where pixels lie: StripOffsets and StripByteCounts, TileOffsets and TileByteCounts.
const PIXELS: [(u16, u16); 2] = [(273, 279), (324, 325)];

/// Bytes of an entry of a directory.
const ENTRY: usize = 12;
/// The type of texts.
const ASCII: u16 = 2;

pub(super) fn is_tiff(bytes: &[u8]) -> bool {
    Order::of(bytes).is_some()
}

/// How numbers are written.
#[derive(Clone, Copy)]
enum Order {
    Little,
    Big,
}

impl Order {
    fn of(block: &[u8]) -> Option<Self> {
        match block.get(..4)? {
            b"II*\0" => Some(Self::Little),
            b"MM\0*" => Some(Self::Big),
            _ => None,
        }
    }

    fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        })
    }

    fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        })
    }

    fn of_u16(self, value: u16) -> [u8; 2] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }

    fn of_u32(self, value: u32) -> [u8; 4] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }
}

/// The first directory.
struct Directory<'a> {
    order: Order,
    block: &'a [u8],
    /// Its entries as they are.
    entries: Vec<&'a [u8]>,
    /// The place of the next directory as it is.
    next: &'a [u8],
}

impl<'a> Directory<'a> {
    fn of(block: &'a [u8]) -> Option<Self> {
        let order = Order::of(block)?;
        let at = order.u32(block, 4)? as usize;
        let count = usize::from(order.u16(block, at)?);
        let first = at.checked_add(2)?;
        let entries = block.get(first..first.checked_add(count * ENTRY)?)?;
        let next = block.get(first + entries.len()..)?.get(..4)?;
        Some(Self { order, block, entries: entries.chunks_exact(ENTRY).collect(), next })
    }

    fn tag(&self, entry: &[u8]) -> u16 {
        self.order.u16(entry, 0).unwrap_or(0)
    }

    /// The value of an entry as it is stored.
    fn value(&self, entry: &'a [u8]) -> Option<&'a [u8]> {
        let size = match self.order.u16(entry, 2)? {
            1 | 2 | 6 | 7 => 1,
            3 | 8 => 2,
            4 | 9 | 11 => 4,
            5 | 10 | 12 => 8,
            _ => return None,
        };
        let length = (self.order.u32(entry, 4)? as usize).checked_mul(size)?;
        if length <= 4 {
            return entry.get(8..8 + length);
        }
        let at = self.order.u32(entry, 8)? as usize;
        self.block.get(at..at.checked_add(length)?)
    }

    /// Whole numbers of 16 or 32 bits.
    fn numbers(&self, tag: u16) -> Option<Vec<usize>> {
        let entry = self.entries.iter().find(|entry| self.tag(entry) == tag)?;
        let value = self.value(entry)?;
        let number = |at: usize| match self.order.u16(entry, 2)? {
            3 => self.order.u16(value, at).map(usize::from),
            _ => self.order.u32(value, at).map(|number| number as usize),
        };
        let size = if self.order.u16(entry, 2)? == 3 { 2 } else { 4 };
        (0..value.len() / size).map(|index| number(index * size)).collect()
    }
}

pub(super) fn text<'a>(block: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let directory = Directory::of(block)?;
    directory.entries.iter().find_map(|entry| {
        if directory.order.u16(entry, 2)? != ASCII {
            return None;
        }
        let value = directory.value(entry)?;
        let (word, text) = value.split_at_checked(name.len())?;
        let text = text.strip_prefix(b":")?;
        let text = text.split(|&byte| byte == 0).next()?;
        (word.eq_ignore_ascii_case(name.as_bytes()) && text.len() <= MOST).then_some(text)
    })
}

/// With these texts, in a new directory at the end: everything else stays where it is. What has no place is left out.
pub(super) fn add<'a>(block: &[u8], texts: &[Text<'a>], left_out: &mut Vec<&'a str>) -> Option<Vec<u8>> {
    let directory = Directory::of(block)?;
    let order = directory.order;
    let mut out = block.to_vec();
    let mut entries: Vec<Vec<u8>> = directory.entries.iter().map(|entry| entry.to_vec()).collect();
    for &(name, text) in texts {
        let place = PLACES.iter().find(|(known, _)| *known == name);
        let free = place.filter(|(_, tag)| entries.iter().all(|entry| order.u16(entry, 0) != Some(*tag)));
        let (Some((_, tag)), Some(text)) = (free, in_ascii(text)) else {
            left_out.push(name);
            continue;
        };
        // Values begin at even places.
        out.resize(out.len().next_multiple_of(2), 0);
        let at = u32::try_from(out.len()).ok()?;
        let value = format!("{name}:{text}\0");
        let length = u32::try_from(value.len()).ok()?;
        out.extend(value.as_bytes());
        let head = [order.of_u16(*tag), order.of_u16(ASCII)].concat();
        entries.push([&head[..], &order.of_u32(length), &order.of_u32(at)].concat());
    }
    // The standard wants them in order.
    entries.sort_by_key(|entry| order.u16(entry, 0));
    out.resize(out.len().next_multiple_of(2), 0);
    let at = u32::try_from(out.len()).ok()?;
    out.extend(order.of_u16(u16::try_from(entries.len()).ok()?));
    entries.iter().for_each(|entry| out.extend(entry));
    out.extend(directory.next);
    u32::try_from(out.len()).ok()?;
    out[4..8].copy_from_slice(&order.of_u32(at));
    Some(out)
}

pub(super) fn content(picture: &[u8], hasher: &mut Hasher) -> Option<()> {
    let directory = Directory::of(picture)?;
    let is_place = |tag: u16| PIXELS.iter().any(|(places, _)| *places == tag);
    for entry in &directory.entries {
        let tag = directory.tag(entry);
        if !is_place(tag) && !TEXTS.contains(&tag) {
            hasher.update(entry.get(..8)?);
            hash_part(hasher, directory.value(entry).unwrap_or(&entry[8..]));
        }
    }
    let mut found = false;
    for (places, lengths) in PIXELS {
        let (Some(places), Some(lengths)) = (directory.numbers(places), directory.numbers(lengths)) else {
            continue;
        };
        for (at, length) in places.into_iter().zip(lengths) {
            // What is missing counts too.
            let part = picture.get(at..at.checked_add(length)?).unwrap_or_default();
            hash_part(hasher, part);
            found = true;
        }
    }
    found.then_some(())
}
