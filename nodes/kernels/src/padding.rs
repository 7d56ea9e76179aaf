use rayon::prelude::*;

use crate::activation::{Activation, Add};
use crate::element::Element;
use crate::layer::{Padding, PaddingMode};

impl Padding {
    /// The row of a picture of `h` rows that padded row `padded` shows; `None` for a row of zeros, as all
    /// rows below the padding are.
    #[inline(always)]
    pub(crate) fn row(self, padded: usize, h: usize) -> Option<usize> {
        self.source(padded, [self.top, self.bottom], h)
    }

    /// The column of a picture of `w` columns that padded column `padded` shows; `None` as for rows.
    #[inline(always)]
    pub(crate) fn column(self, padded: usize, w: usize) -> Option<usize> {
        self.source(padded, [self.left, self.right], w)
    }

    #[inline(always)]
    fn source(self, padded: usize, [before, after]: [usize; 2], size: usize) -> Option<usize> {
        if padded >= before + size + after {
            return None;
        }
        match self.mode {
            PaddingMode::Zeros => padded.checked_sub(before).filter(|position| *position < size),
            PaddingMode::Reflect => {
                let (position, last) = (padded.abs_diff(before), size - 1);
                Some(if position > last { 2 * last - position } else { position })
            }
        }
    }

    /// Whether nothing is added on any side.
    pub(crate) fn is_empty(self) -> bool {
        [self.top, self.bottom, self.left, self.right] == [0; 4]
    }

    /// How much wider each side is than in `other`.
    pub(crate) fn beyond(self, other: Self) -> Self {
        Self {
            top: self.top.saturating_sub(other.top),
            bottom: self.bottom.saturating_sub(other.bottom),
            left: self.left.saturating_sub(other.left),
            right: self.right.saturating_sub(other.right),
            mode: self.mode,
        }
    }

    /// Writes padded rows `first..` of one image `[h, w, c]` to `to`: as many as fit at `pitch` elements
    /// each, which may be more than a padded row has. Elements after its end or below the last row are zero.
    pub(crate) fn write_rows<T: Element>(
        self,
        [h, w, c]: [usize; 3],
        image: &[T],
        first: usize,
        pitch: usize,
        to: &mut [T],
    ) {
        let (row_len, padded_w) = (w * c, self.left + w + self.right);
        for (row, to) in to.chunks_exact_mut(pitch).enumerate() {
            let Some(y) = self.row(first + row, h) else {
                to.fill(T::ZERO);
                continue;
            };
            to[padded_w * c..].fill(T::ZERO);
            let from = &image[y * row_len..][..row_len];
            to[self.left * c..][..row_len].copy_from_slice(from);
            for edge in (0..self.left).chain(self.left + w..padded_w) {
                let pixel = &mut to[edge * c..][..c];
                match self.column(edge, w) {
                    Some(x) => pixel.copy_from_slice(&from[x * c..][..c]),
                    None => pixel.fill(T::ZERO),
                }
            }
        }
    }

    /// The adjoint of padding: every padded pixel's gradient goes to the pixel that it showed.
    pub(crate) fn fold<T: Element>(self, padded: &Activation<T>) -> Activation<T> {
        let (h, w) = (padded.h - self.top - self.bottom, padded.w - self.left - self.right);
        let mut map = Activation::new([padded.n, padded.c, h, w]);
        if map.data.is_empty() {
            return map;
        }
        let (c, padded_row) = (padded.c, padded.w * padded.c);
        let mut shown_in = vec![Vec::new(); h];
        for v in 0..padded.h {
            if let Some(y) = self.row(v, h) {
                shown_in[y].push(v);
            }
        }
        map.data.par_chunks_mut(w * c).enumerate().for_each(|(row, to)| {
            let (n, y) = (row / h, row % h);
            for (index, v) in shown_in[y].iter().enumerate() {
                let from = &padded.data[(n * padded.h + v) * padded_row..][..padded_row];
                let inside = &from[self.left * c..][..w * c];
                // Every row is shown at least once, by itself.
                if index == 0 {
                    to.copy_from_slice(inside);
                } else {
                    T::run(Add { to: &mut *to, from: inside });
                }
                for edge in (0..self.left).chain(self.left + w..padded.w) {
                    if let Some(x) = self.column(edge, w) {
                        T::run(Add { to: &mut to[x * c..][..c], from: &from[edge * c..][..c] });
                    }
                }
            }
        });
        map
    }
}
