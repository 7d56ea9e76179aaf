//! The bytes of a pickle, from front to back.

use crate::error::Error;

/// What is left to read. Errors are about the opcode that began last.
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    opcode: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at, opcode: at }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The next opcode.
    pub(super) fn opcode(&mut self) -> Result<u8, Error> {
        self.opcode = self.at;
        let [opcode] = self.array::<1>()?;
        Ok(opcode)
    }

    pub(super) fn error(&self, problem: impl Into<String>) -> Error {
        Error::Pickle { at: self.opcode as u64, problem: problem.into() }
    }

    /// That the file ends here. `lacking` is how many bytes at least, where that is known.
    fn truncated(&self, lacking: Option<u64>) -> Error {
        let end = self.bytes.len();
        Error::Truncated(match lacking {
            None => format!("its pickle ends at byte {end}, in the middle of the data"),
            Some(1) => format!("its pickle ends at byte {end}, where 1 more byte must follow"),
            Some(bytes) => format!("its pickle ends at byte {end}, where {bytes} more bytes must follow"),
        })
    }

    pub(super) fn opcode_at(&self) -> u64 {
        self.opcode as u64
    }

    pub(super) fn take(&mut self, count: u64) -> Result<&'a [u8], Error> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let taken = usize::try_from(count).ok().and_then(|count| rest.get(..count));
        let taken = taken.ok_or_else(|| match rest.len() {
            0 if self.at == self.opcode => self.truncated(None),
            left => self.truncated(Some(count - left as u64)),
        })?;
        self.at += taken.len();
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let taken = self.take(N as u64)?;
        taken.try_into().map_err(|_| self.truncated(None))
    }

    /// A text that ends with a line feed, without it.
    pub(super) fn line(&mut self) -> Result<&'a [u8], Error> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|byte| *byte == b'\n');
        let length = length.ok_or_else(|| self.truncated(None))?;
        self.at += length + 1;
        Ok(&rest[..length])
    }

    /// Bytes after a little-endian count of `N` bytes.
    pub(super) fn counted<const N: usize>(&mut self) -> Result<&'a [u8], Error> {
        let mut count = [0; 8];
        for (to, from) in count.iter_mut().zip(self.array::<N>()?) {
            *to = from;
        }
        self.take(u64::from_le_bytes(count))
    }

    /// Bytes after a signed count of four bytes.
    pub(super) fn signed_counted(&mut self) -> Result<&'a [u8], Error> {
        let count = i32::from_le_bytes(self.array()?);
        match u64::try_from(count) {
            Ok(count) => self.take(count),
            Err(_) => Err(self.error(format!("a length of {count}"))),
        }
    }
}
