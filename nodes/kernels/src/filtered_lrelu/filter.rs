use candle_core::{Result, Tensor, bail};

use crate::op::to_f64;

/// A filter, as products of a column and a row whose sum it is. All columns have one length, and so have all rows.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    pub(super) terms: Vec<[Vec<f64>; 2]>,
}

impl Filter {
    /// `filter` is `[k]`, a column and a row, or `[kh, kw]`; `gain` multiplies columns and rows each.
    pub(super) fn new(filter: Option<&Tensor>, gain: f64) -> Result<Self> {
        let Some(filter) = filter else { return Ok(Self { terms: vec![[vec![gain], vec![gain]]] }) };
        let taps: Vec<f64> = to_f64(filter)?.iter().map(|tap| tap * gain).collect();
        let terms = match *filter.dims() {
            [k] if k > 0 => vec![[taps.clone(), taps]],
            [kh, kw] if kh * kw > 0 => {
                let column = |v: usize| (0..kh).map(|i| if i == v { gain } else { 0.0 }).collect::<Vec<_>>();
                taps.chunks_exact(kw).enumerate().map(|(v, row)| [column(v), row.to_vec()]).collect()
            }
            _ => bail!(
                "a filter of shape [k] or [kh, kw] with at least one tap expected, found {:?}",
                filter.dims()
            ),
        };
        Ok(Self { terms })
    }

    /// Taps of a column and of a row.
    pub(super) fn size(&self) -> [usize; 2] {
        let [column, row] = &self.terms[0];
        [column.len(), row.len()]
    }
}
