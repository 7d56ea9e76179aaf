//! Checks whether a library is complete: the system maps what its header declares, and a process that touches
//! a page beyond the end of the file dies of SIGBUS.

/// Sizes in bytes of an ELF64 header, and of one entry of its table of segments.
const HEADER: usize = 64;
const SEGMENT: usize = 56;

/// The length that a file needs for its segments, if it is a little-endian ELF64 library that is shorter.
pub(crate) fn missing_bytes(bytes: &[u8]) -> Option<u64> {
    let is_elf64 = bytes.starts_with(b"\x7fELF\x02\x01");
    if !is_elf64 {
        return None;
    }
    if bytes.len() < HEADER {
        return Some(HEADER as u64);
    }
    let table = number(bytes, 32, 8)?;
    let (entry_len, count) = (number(bytes, 54, 2)?, number(bytes, 56, 2)?);
    if (entry_len as usize) < SEGMENT {
        // Damaged in another way, which the system will report.
        return None;
    }
    let mut needed = table.saturating_add(entry_len * count);
    for index in 0..count {
        let at = usize::try_from(table.saturating_add(index * entry_len)).unwrap_or(usize::MAX);
        // Where the segment's bytes start in the file, and how many there are.
        let place = |field: usize| number(bytes, at.saturating_add(field), 8);
        let (Some(start), Some(len)) = (place(8), place(32)) else { break };
        needed = needed.max(start.saturating_add(len));
    }
    (needed > bytes.len() as u64).then_some(needed)
}

/// A little-endian number of `N` bytes.
fn number(bytes: &[u8], at: usize, len: usize) -> Option<u64> {
    let field = bytes.get(at..at.checked_add(len)?)?;
    Some(field.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header and two segments, the last of which ends at `end`.
    fn library(end: u64) -> Vec<u8> {
        let mut bytes = vec![0; HEADER + 2 * SEGMENT];
        bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
        bytes[32..40].copy_from_slice(&(HEADER as u64).to_le_bytes());
        bytes[54..56].copy_from_slice(&(SEGMENT as u16).to_le_bytes());
        bytes[56..58].copy_from_slice(&2u16.to_le_bytes());
        let last = HEADER + SEGMENT;
        bytes[last + 8..last + 16].copy_from_slice(&100u64.to_le_bytes());
        bytes[last + 32..last + 40].copy_from_slice(&(end - 100).to_le_bytes());
        bytes
    }

    #[test]
    fn what_is_cut_off_is_found() {
        let check = |bytes: &[u8], expected| assert_eq!(missing_bytes(bytes), expected);
        check(&library(176), None);
        check(&library(177), Some(177));
        check(&library(5000), Some(5000));
        check(&library(176)[..20], Some(64));
        check(&library(176)[..100], Some(176));
        check(b"only text", None);
        check(&std::fs::read(std::env::current_exe().unwrap()).unwrap(), None);
    }
}
