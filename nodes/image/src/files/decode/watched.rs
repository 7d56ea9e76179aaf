//! A file in memory, whose reading is reported, so that a cancel stops a decoder.

use crate::progress::Report;
use std::io::{BufRead, Cursor, Error, Read, Result, Seek, SeekFrom};

/// The least bytes that are read between two reports. A megabyte of pixels can come from a kilobyte.
const LEAST: usize = 1 << 14;

/// The bytes of a file. Reading fails once the report does.
pub(super) struct Watched<'a, R> {
    inner: R,
    length: usize,
    /// How many bytes are read between two reports, and how many may be before the next.
    step: usize,
    left: usize,
    /// What was consumed since the last look, which cannot fail.
    consumed: usize,
    report: Report<'a>,
}

impl<'a, R: Seek> Watched<'a, R> {
    /// `length` is that of the file.
    pub(super) fn new(inner: R, length: usize, report: Report<'a>) -> Self {
        let step = (length / 256).max(LEAST);
        Self { inner, length, step, left: step, consumed: 0, report }
    }

    /// Counts `read` bytes. A small file is not reported at all.
    fn count(&mut self, read: usize) -> Result<()> {
        if read < self.left {
            self.left -= read;
            return Ok(());
        }
        self.left = self.step;
        let done = self.inner.stream_position()?;
        (self.report)(done, self.length as u64, "decoding").map_err(|_| Error::other("cancelled"))
    }
}

impl<R: Read + Seek> Read for Watched<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        let most = out.len().min(self.step);
        let read = self.inner.read(&mut out[..most])?;
        self.count(read)?;
        Ok(read)
    }
}

impl BufRead for Watched<'_, Cursor<&[u8]>> {
    fn fill_buf(&mut self) -> Result<&[u8]> {
        let consumed = std::mem::take(&mut self.consumed);
        self.count(consumed)?;
        let rest = self.inner.fill_buf()?;
        Ok(&rest[..rest.len().min(self.step)])
    }

    fn consume(&mut self, amount: usize) {
        self.consumed += amount;
        self.inner.consume(amount);
    }
}

impl<R: Seek> Seek for Watched<'_, R> {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        self.inner.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dreamwire_sdk::prelude::Error as Failure;
    use std::sync::Mutex;

    #[test]
    fn reading_is_reported_and_stopped() {
        let bytes: Vec<u8> = (0..5 * LEAST).map(|i| i as u8).collect();
        let seen = Mutex::new(Vec::new());
        let report = |done, total, _: &str| {
            let mut seen = seen.lock().expect("nobody panics");
            seen.push((done, total));
            if seen.len() > 3 { Err(Failure::cancelled()) } else { Ok(()) }
        };
        let file = Cursor::new(bytes.as_slice());
        let mut out = Vec::new();
        let ended = Watched::new(file.clone(), bytes.len(), &report).read_to_end(&mut out);
        assert!(ended.is_err());
        assert!(bytes.starts_with(&out) && out.len() < bytes.len());

        seen.lock().expect("nobody panics").clear();
        let mut watched = Watched::new(file, bytes.len(), &report);
        let mut out = Vec::new();
        let ended = loop {
            match watched.fill_buf() {
                Ok([]) => break Ok(()),
                Ok(part) => {
                    let length = part.len();
                    out.extend_from_slice(part);
                    watched.consume(length);
                }
                Err(error) => break Err(error),
            }
        };
        assert!(ended.is_err());
        assert!(bytes.starts_with(&out) && out.len() < bytes.len());
        let seen = seen.into_inner().expect("nobody panics");
        let [step, total] = [LEAST, bytes.len()].map(|n| n as u64);
        assert_eq!(seen, [1, 2, 3, 4].map(|n| (n * step, total)));
    }
}
