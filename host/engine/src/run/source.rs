use super::joined::Joined;
use super::steps::{Known, Trouble};
use crate::cache::{Cache, Entry};
use crate::{Failure, FailureKind, Value};
use std::sync::Arc;

/// Rows of a result at one of its outputs, piece by piece.
pub(super) struct Source {
    from: Known,
    output: usize,
    /// The part that was used last.
    last: Option<(usize, Arc<Entry>)>,
}

impl Source {
    pub(super) fn new(from: Known, output: usize) -> Self {
        Self { from, output, last: None }
    }

    /// Bytes of a row, at least 1.
    pub(super) fn row_bytes(&mut self, cache: &mut Cache) -> Result<usize, Trouble> {
        let Value::Tensor(row) = self.rows(cache, 0, 1)? else { return Ok(1) };
        Ok(row.bytes().len().max(1))
    }

    /// Some rows. What has a single row has it for all.
    pub(super) fn rows(&mut self, cache: &mut Cache, first: usize, count: usize) -> Result<Value, Trouble> {
        let odd = || Failure::new(FailureKind::Shape, "the rows of a batch differ");
        match &self.from {
            Known::Whole(entry) => match entry.outputs.get(self.output) {
                Some(Value::Tensor(tensor)) if tensor.shape().first() != Some(&1) => {
                    Ok(Value::Tensor(tensor.rows(first, count).ok_or_else(odd)?))
                }
                value => Ok(value.cloned().unwrap_or(Value::None)),
            },
            Known::Parts(parts) => {
                let mut joined: Option<Joined> = None;
                let mut row = first;
                while row < first + count {
                    let (index, start) = parts.find(row).ok_or_else(odd)?;
                    let entry = match &self.last {
                        Some((last, entry)) if *last == index => Arc::clone(entry),
                        _ => parts.fetch(cache, index)?,
                    };
                    self.last = Some((index, Arc::clone(&entry)));
                    let Some(Value::Tensor(part)) = entry.outputs.get(self.output) else {
                        return Ok(Value::None);
                    };
                    let here = (parts.rows_of(index) - (row - start)).min(first + count - row);
                    let rows = Value::Tensor(part.rows(row - start, here).ok_or_else(odd)?);
                    if here == count {
                        return Ok(rows);
                    }
                    if !joined.get_or_insert_with(|| Joined::new(&rows, count)).append(&rows) {
                        return Err(odd().into());
                    }
                    row += here;
                }
                joined.and_then(|joined| joined.value(count)).ok_or_else(|| odd().into())
            }
        }
    }
}
