use rayon::prelude::*;

use crate::activation::Activation;
use crate::element::Element;
use crate::windows::Windows;

/// Means of windows: rows are summed first, then columns.
#[derive(Clone, Copy)]
pub(crate) struct AveragePool {
    pub(crate) windows: Windows,
    /// Whether the padding counts as pixels.
    pub(crate) count_padding: bool,
}

impl AveragePool {
    /// The pooled map, `h` by `w`.
    pub(crate) fn apply<T: Element>(self, map: &Activation<T>, [h, w]: [usize; 2]) -> Activation<T> {
        let mut out = Activation::zeros([map.n, map.c, h, w]);
        let (c, in_row) = (map.c, map.w * map.c);
        if out.data.is_empty() {
            return out;
        }
        out.data.par_chunks_mut(w * c).enumerate().for_each_init(Vec::new, |sums, (row, out)| {
            let (n, y) = (row / h, row % h);
            sums.clear();
            sums.resize(in_row, T::ZERO);
            for v in self.windows.pixels(y, map.h) {
                add(sums, &map.data[(n * map.h + v) * in_row..][..in_row]);
            }
            let counted_rows = self.counted(y, map.h);
            for (x, out) in out.chunks_exact_mut(c).enumerate() {
                for u in self.windows.pixels(x, map.w) {
                    add(out, &sums[u * c..][..c]);
                }
                divide(out, counted_rows * self.counted(x, map.w));
            }
        });
        out
    }

    /// The adjoint: every pixel gets its share of the gradients of the windows that contain it.
    pub(crate) fn backward<T: Element>(
        self,
        gradient: &Activation<T>,
        [n, c, h, w]: [usize; 4],
    ) -> Activation<T> {
        let mut map = Activation::zeros([n, c, h, w]);
        let out_row = gradient.w * c;
        if gradient.data.is_empty() {
            return map;
        }
        map.data.par_chunks_mut(w * c).enumerate().for_each_init(Vec::new, |sums, (row, to)| {
            let (n, y) = (row / h, row % h);
            sums.clear();
            sums.resize(out_row, T::ZERO);
            for v in self.windows.seeing(y..y + 1, gradient.h) {
                let rows = T::from_f64(self.counted(v, h) as f64);
                let from = &gradient.data[(n * gradient.h + v) * out_row..][..out_row];
                for (sum, value) in sums.iter_mut().zip(from) {
                    *sum += *value / rows;
                }
            }
            for (u, sums) in sums.chunks_exact_mut(c).enumerate() {
                divide(sums, self.counted(u, w));
                for x in self.windows.pixels(u, w) {
                    add(&mut to[x * c..][..c], sums);
                }
            }
        });
        map
    }

    /// Pixels along one side of window `index` that the mean counts.
    pub(crate) fn counted(self, index: usize, size: usize) -> usize {
        let Windows { kernel, stride, padding } = self.windows;
        if self.count_padding {
            // What lies beyond the padding does not count, as in PyTorch.
            kernel.min(size + 2 * padding - index * stride)
        } else {
            self.windows.pixels(index, size).len()
        }
    }
}

fn add<T: Element>(to: &mut [T], from: &[T]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += *from;
    }
}

fn divide<T: Element>(values: &mut [T], count: usize) {
    let count = T::from_f64(count as f64);
    for value in values {
        *value /= count;
    }
}
