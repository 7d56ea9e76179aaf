use super::scan::Fail;
use crate::files::whole::at;

/// Most codes are no longer than this.
const SHORT: usize = 9;

/// A Huffman table: for the next bits, the length of the code and its symbol; length 0 for no code.
pub(super) struct Table {
    /// By 16 bits.
    all: Vec<(u8, u8)>,
    /// By the first bits of them, so little that it stays in the cache; length 0 for longer codes, too.
    short: [(u8, u8); 1 << SHORT],
}

/// The tables of a DHT segment.
pub(super) fn tables(
    mut segment: &[u8],
    dc: &mut [Option<Table>; 4],
    ac: &mut [Option<Table>; 4],
) -> Option<()> {
    while let Some(&kind) = segment.first() {
        let counts: [u8; 16] = at(segment, 1)?;
        let total = counts.iter().map(|&n| usize::from(n)).sum::<usize>();
        let symbols = segment.get(17..17 + total)?;
        let tables = if kind >> 4 == 0 { &mut *dc } else { &mut *ac };
        *tables.get_mut(usize::from(kind & 15))? = Some(Table::new(&counts, symbols)?);
        segment = &segment[17 + total..];
    }
    Some(())
}

impl Table {
    fn new(counts: &[u8; 16], symbols: &[u8]) -> Option<Self> {
        let mut entries = Vec::with_capacity(1 << 16);
        let mut symbols = symbols.iter();
        for (length, &count) in (1u8..).zip(counts) {
            for _ in 0..count {
                let next = entries.len() + (1 << (16 - length));
                if next > 1 << 16 {
                    return None;
                }
                entries.resize(next, (length, *symbols.next()?));
            }
        }
        entries.resize(1 << 16, (0, 0));
        let short = std::array::from_fn(|next| {
            let entry = entries[next << (16 - SHORT)];
            if usize::from(entry.0) <= SHORT { entry } else { (0, 0) }
        });
        Some(Self { all: entries, short })
    }

    /// The length of the code that 16 bits begin with, and its symbol.
    fn find(&self, next: usize) -> (u8, u8) {
        match self.short[next >> (16 - SHORT)] {
            (0, _) => self.all[next],
            found => found,
        }
    }
}

/// The bits of entropy-coded data, where a literal FF is written FF 00. They end at a marker.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// The next byte.
    pub(super) at: usize,
    buffer: u64,
    /// How many bits of the buffer are still to come, from the lowest up.
    count: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at, buffer: 0, count: 0 }
    }

    fn fill(&mut self) {
        // Mostly none of the next eight bytes is FF; here are less than 16 bits.
        if let Some(next) = at::<8>(self.bytes, self.at).filter(|next| !next.contains(&0xFF)) {
            let bytes = (56 - self.count) / 8;
            self.buffer = self.buffer << (8 * bytes) | u64::from_be_bytes(next) >> (64 - 8 * bytes);
            self.count += 8 * bytes;
            self.at += bytes as usize;
            return;
        }
        while self.count <= 48 {
            let step = match self.bytes.get(self.at..) {
                Some([0xFF, 0x00, ..]) => 2,
                Some([0xFF, ..]) | Some([]) | None => return,
                Some(_) => 1,
            };
            self.buffer = self.buffer << 8 | u64::from(self.bytes[self.at]);
            self.count += 8;
            self.at += step;
        }
    }

    /// The next `count` bits, at most 16.
    pub(super) fn take(&mut self, count: u32) -> Result<u32, Fail> {
        if self.count < count {
            self.fill();
        }
        self.count = self.count.checked_sub(count).ok_or(Fail::Exhausted)?;
        Ok((self.buffer >> self.count) as u32 & ((1 << count) - 1))
    }

    /// The next symbol.
    pub(super) fn symbol(&mut self, table: &Table) -> Result<u8, Fail> {
        if self.count < 16 {
            self.fill();
        }
        // Behind the end ones follow, as encoders pad with them: no code consists of ones only.
        let next = if self.count >= 16 {
            self.buffer >> (self.count - 16)
        } else {
            let lacking = 16 - self.count;
            self.buffer << lacking | ((1 << lacking) - 1)
        };
        let (length, symbol) = table.find((next & 0xFFFF) as usize);
        if u32::from(length) > self.count || (length == 0 && self.count < 16) {
            return Err(Fail::Exhausted);
        }
        if length == 0 {
            return Err(Fail::Damaged);
        }
        self.count -= u32::from(length);
        Ok(symbol)
    }

    /// Goes behind the restart marker that comes next.
    pub(super) fn restart(&mut self) -> Result<(), Fail> {
        (self.buffer, self.count) = (0, 0);
        loop {
            match self.bytes.get(self.at..) {
                Some([0xFF, 0xD0..=0xD7, ..]) => break,
                Some([0xFF, 0xFF, ..]) => self.at += 1,
                Some([0xFF, 0x00, ..]) => self.at += 2,
                // Another marker, or the end.
                Some([0xFF, ..]) | Some([]) | None => return Err(Fail::Exhausted),
                Some(_) => self.at += 1,
            }
        }
        self.at += 2;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_the_same_with_and_without_escapes() {
        // Every third piece of data has a literal FF, at changing distances.
        let data: Vec<u8> = (0..400u32)
            .map(|i| if i % 3 == 0 && i % 7 < 3 { 0xFF } else { (i.wrapping_mul(2_654_435_761) >> 24) as u8 })
            .collect();
        let file: Vec<u8> =
            data.iter().flat_map(|&byte| if byte == 0xFF { vec![byte, 0] } else { vec![byte] }).collect();
        let expected = |from: usize, count: usize| {
            let bit = |at: usize| u32::from(data[at / 8] >> (7 - at % 8) & 1);
            (from..from + count).fold(0, |sum, at| sum << 1 | bit(at))
        };
        let mut bits = Bits::new(&file, 0);
        let mut from = 0;
        while from + 16 <= 8 * data.len() {
            let count = 1 + (from * 5 + 3) % 16;
            assert_eq!(bits.take(count as u32).ok(), Some(expected(from, count)), "{count} bits at {from}");
            from += count;
        }
        assert!(bits.take(16).is_err(), "the end");
        assert_eq!(bits.at, file.len());
    }

    #[test]
    fn codes_of_every_length_are_found() {
        // One code of each length: 0, 10, 110, ... and 16 bits that begin none.
        let symbols: Vec<u8> = (1..=16).collect();
        let table = Table::new(&[1; 16], &symbols).expect("a table");
        for length in 1..=16u32 {
            let next = (0xFFFFu32 << (17 - length)) as usize & 0xFFFF;
            assert_eq!(table.find(next), (length as u8, length as u8));
            assert_eq!(table.find(next | ((1 << (16 - length)) - 1)), (length as u8, length as u8));
        }
        assert_eq!(table.find(0xFFFF).0, 0);
    }
}
