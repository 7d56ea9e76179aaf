use rayon::prelude::*;

use crate::element::Element;
use crate::product::COLUMNS;

/// Convolution weights as `[kh][outputs / 16][kw * inputs][16]`: for every kernel row, panels of 16 outputs
/// in the order in which a tile reads them. The last panel is padded with zeros.
pub(crate) struct Filters<T> {
    pub(crate) kh: usize,
    pub(crate) kw: usize,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    data: Vec<T>,
}

impl<T: Element> Filters<T> {
    /// From PyTorch's `[outputs, inputs, kh, kw]`.
    pub(crate) fn from_oihw(weight: &[T], [outputs, inputs, kh, kw]: [usize; 4]) -> Self {
        Self::pack([outputs, inputs, kh, kw], |o, i, v, u| weight[((o * inputs + i) * kh + v) * kw + u])
    }

    /// The filters of the transposed convolution: flipped in both directions, inputs and outputs exchanged.
    pub(crate) fn transposed(&self) -> Self {
        let Self { kh, kw, inputs, outputs, .. } = *self;
        Self::pack([inputs, outputs, kh, kw], |i, o, v, u| self.weight(o, i, kh - 1 - v, kw - 1 - u))
    }

    /// One weight, unpacked.
    pub(crate) fn weight(&self, output: usize, input: usize, v: usize, u: usize) -> T {
        let row = u * self.inputs + input;
        self.panel(v, output / COLUMNS)[row * COLUMNS + output % COLUMNS]
    }

    /// From a function of output, input, row and column.
    pub(crate) fn pack(
        [outputs, inputs, kh, kw]: [usize; 4],
        weight: impl Fn(usize, usize, usize, usize) -> T + Sync,
    ) -> Self {
        let (panels, depth) = (outputs.div_ceil(COLUMNS), kw * inputs);
        let mut data = vec![T::ZERO; kh * panels * depth * COLUMNS];
        if !data.is_empty() {
            data.par_chunks_mut(depth * COLUMNS).enumerate().for_each(|(index, panel)| {
                let (v, first) = (index / panels, index % panels * COLUMNS);
                for (row, to) in panel.chunks_exact_mut(COLUMNS).enumerate() {
                    let (u, i) = (row / inputs, row % inputs);
                    for (o, to) in (first..outputs).zip(to) {
                        *to = weight(o, i, v, u);
                    }
                }
            });
        }
        Self { kh, kw, inputs, outputs, data }
    }

    /// Length of one kernel row's window.
    pub(crate) fn depth(&self) -> usize {
        self.kw * self.inputs
    }

    /// All panels of kernel row `v`.
    pub(crate) fn row(&self, v: usize) -> &[T] {
        let len = self.outputs.div_ceil(COLUMNS) * self.depth() * COLUMNS;
        &self.data[v * len..][..len]
    }

    /// `[depth, 16]`: outputs from `16 panel` of kernel row `v`.
    pub(crate) fn panel(&self, v: usize, panel: usize) -> &[T] {
        let len = self.depth() * COLUMNS;
        &self.data[(v * self.outputs.div_ceil(COLUMNS) + panel) * len..][..len]
    }
}
