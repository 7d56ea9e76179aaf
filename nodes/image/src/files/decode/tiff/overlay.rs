//! A TIFF with other values in some tags of one directory, without a copy of the file.

use std::io::{Cursor, Read, Result, Seek, SeekFrom};

/// The file `bytes`, where some bytes read as others.
pub(super) struct Overlay<'a> {
    inner: Cursor<&'a [u8]>,
    /// Places and bytes.
    patches: Vec<(u64, Vec<u8>)>,
}

impl<'a> Overlay<'a> {
    /// Replaces tags of the directory at `place` by one unsigned number each; tags that it lacks are left
    /// out. None if there is no directory.
    pub(super) fn new(bytes: &'a [u8], place: u64, edits: &[(u16, u32)]) -> Option<Self> {
        let little = bytes.starts_with(b"II");
        let big = matches!(bytes.get(2..4)?, b"\x2B\0" | b"\0\x2B");
        let number = |at: usize, length: usize| -> Option<u64> {
            let part = bytes.get(at..at.checked_add(length)?)?;
            let digit = |sum: u64, byte: &u8| (sum << 8) | u64::from(*byte);
            Some(if little { part.iter().rev().fold(0, digit) } else { part.iter().fold(0, digit) })
        };
        let start = usize::try_from(place).ok()?;
        let (entries, first, size) =
            if big { (number(start, 8)?, 8, 20) } else { (number(start, 2)?, 2, 12) };
        let mut patches = Vec::new();
        for entry in 0..usize::try_from(entries).ok()? {
            let at = start.checked_add(first)?.checked_add(entry.checked_mul(size)?)?;
            let tag = number(at, 2)?;
            if let Some((_, value)) = edits.iter().find(|(edited, _)| u64::from(*edited) == tag) {
                // Type SHORT or LONG, count 1, the value. The crate wants some tags SHORT.
                let (kind, length) = if *value <= 0xFFFF { (3, 2) } else { (4, 4) };
                let parts = [(kind, 2), (1, if big { 8 } else { 4 }), (u64::from(*value), length)];
                let patch = parts.iter().flat_map(|&(value, length): &(u64, usize)| {
                    (0..length).map(move |i| (value >> (8 * if little { i } else { length - 1 - i })) as u8)
                });
                patches.push((at as u64 + 2, patch.collect()));
            }
        }
        Some(Self { inner: Cursor::new(bytes), patches })
    }
}

impl Read for Overlay<'_> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        let start = self.inner.position();
        let length = self.inner.read(out)?;
        for (place, patch) in &self.patches {
            for (at, byte) in (*place..).zip(patch) {
                if let Some(there) = at.checked_sub(start)
                    && there < length as u64
                {
                    out[there as usize] = *byte;
                }
            }
        }
        Ok(length)
    }
}

impl Seek for Overlay<'_> {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        self.inner.seek(to)
    }
}
