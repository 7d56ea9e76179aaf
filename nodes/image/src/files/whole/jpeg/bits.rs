use super::scan::Fail;
use crate::files::whole::at;

/// A Huffman table: for the next 16 bits, the length of the code and its symbol; length 0 for no code.
pub(super) struct Table(Vec<(u8, u8)>);

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
        Some(Self(entries))
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
        let (length, symbol) = table.0[(next & 0xFFFF) as usize];
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
