//! Are all blocks of a JPEG there? Decoders paint the missing ones grey and say nothing, so the Huffman codes
//! are counted here first, baseline and progressive. No sample is computed.

mod bits;
mod scan;

use super::at;
use crate::limits;
use bits::Table;
use scan::{Fail, Scan};

/// How much of a JPEG is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    Complete,
    /// All blocks are there, up to this place; the end marker is not.
    NoEnd(usize),
    Truncated,
    /// The codes make no sense.
    Damaged,
}

/// One of the colours.
struct Component {
    id: u8,
    /// Blocks of a unit of interleaved data, across and down.
    across: usize,
    down: usize,
    /// Of each coefficient, how many of its lowest bits are still to come; none if nothing has come.
    missing: [Option<u8>; 64],
    /// Of each block, the coefficients that are not zero; empty if the file is not progressive.
    nonzero: Vec<u64>,
}

struct Frame {
    is_progressive: bool,
    width: usize,
    height: usize,
    components: Vec<Component>,
}

impl Frame {
    /// Interleaved units, across and down.
    fn units(&self) -> (usize, usize) {
        let across = self.components.iter().map(|c| c.across).max().unwrap_or(1);
        let down = self.components.iter().map(|c| c.down).max().unwrap_or(1);
        (self.width.div_ceil(8 * across), self.height.div_ceil(8 * down))
    }

    fn read(marker: u8, segment: &[u8]) -> Option<Self> {
        let [_, h1, h0, w1, w0, count] = at(segment, 0)?;
        let (width, height) = (u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]));
        let mut components = Vec::new();
        for i in 0..usize::from(count) {
            let [id, sampling, _] = at(segment, 6 + 3 * i)?;
            let (across, down) = (usize::from(sampling >> 4), usize::from(sampling & 15));
            if !(1..=4).contains(&across) || !(1..=4).contains(&down) {
                return None;
            }
            components.push(Component { id, across, down, missing: [None; 64], nonzero: Vec::new() });
        }
        // Too large pictures are refused by their size; one without a height says it later (DNL).
        limits::check("", 1, width.into(), height.into()).ok()?;
        if width == 0 || height == 0 || !(1..=4).contains(&components.len()) {
            return None;
        }
        let is_progressive = marker == 0xC2;
        let mut frame = Self { is_progressive, width: width.into(), height: height.into(), components };
        if is_progressive {
            let (across, down) = frame.units();
            for component in &mut frame.components {
                component.nonzero = vec![0; across * component.across * down * component.down];
            }
        }
        Some(frame)
    }

    /// True if what has come is a picture. With an end marker coefficients may be left out, but none is left
    /// without its last bits.
    fn is_complete(&self, has_end: bool) -> bool {
        self.components.iter().all(|component| {
            let mut coefficients = component.missing.iter();
            let rest = |bits: &Option<u8>| *bits == Some(0) || (has_end && bits.is_none());
            coefficients.next() == Some(&Some(0)) && coefficients.all(rest)
        })
    }
}

/// The number of colours, 4 for CMYK.
pub(crate) fn colours(bytes: &[u8]) -> Option<u8> {
    let mut position = 2;
    loop {
        let [first, marker] = at(bytes, position)?;
        match (first, marker) {
            (0xFF, 0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF) => {
                return at(bytes, position + 9).map(|[count]: [u8; 1]| count);
            }
            (0xFF, 0xDA) => return None,
            (0xFF, 0x00 | 0x01 | 0xD0..=0xD9) => position += 2,
            (0xFF, 0xFF) | (0..=0xFE, _) => position += 1,
            _ => position += 2 + usize::from(u16::from_be_bytes(at(bytes, position + 2)?)),
        }
    }
}

/// Walks over the segments. Those are skipped, so that the end of a thumbnail inside EXIF does not count.
pub(crate) fn extent(bytes: &[u8]) -> Extent {
    let (mut dc, mut ac): ([Option<Table>; 4], [Option<Table>; 4]) = Default::default();
    let mut frame: Option<Frame> = None;
    let mut restart = 0;
    let (mut position, mut end_of_data) = (2, None);
    // False for what is not understood here, which the decoder refuses or knows better: then only the end
    // marker counts.
    let mut is_known = true;
    while let Some([first, marker]) = at(bytes, position) {
        if first != 0xFF {
            position += 1;
            continue;
        }
        match marker {
            0xFF => position += 1,
            0x00 | 0x01 | 0xD0..=0xD8 => position += 2,
            0xD9 => {
                return match &frame {
                    Some(frame) if is_known && !frame.is_complete(true) => Extent::Truncated,
                    _ => Extent::Complete,
                };
            }
            _ => {
                let Some(length) = at(bytes, position + 2).map(u16::from_be_bytes) else { break };
                let length = usize::from(length).max(2);
                let Some(segment) = bytes.get(position + 4..position + 2 + length) else { break };
                position += 2 + length;
                match marker {
                    0xC4 => is_known &= bits::tables(segment, &mut dc, &mut ac).is_some(),
                    0xC0..=0xC2 if frame.is_none() => {
                        frame = Frame::read(marker, segment);
                        is_known &= frame.is_some();
                    }
                    0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => is_known = false,
                    0xDD => restart = at(segment, 0).map_or(0, u16::from_be_bytes).into(),
                    0xDA if is_known => {
                        let Some(frame) = &mut frame else { return Extent::Damaged };
                        let Some(scan) = Scan::read(segment, frame, &dc, &ac, restart) else {
                            is_known = false;
                            continue;
                        };
                        match scan.count(frame, bytes, position) {
                            Ok(end) => {
                                position = end;
                                end_of_data = Some(end);
                            }
                            Err(Fail::Exhausted) => return Extent::Truncated,
                            Err(Fail::Damaged) => return Extent::Damaged,
                        }
                    }
                    _ => {}
                }
            }
        }
    }
    match (end_of_data, frame) {
        (Some(end), Some(frame)) if is_known && frame.is_complete(false) => Extent::NoEnd(end),
        _ => Extent::Truncated,
    }
}

#[cfg(test)]
mod tests;
