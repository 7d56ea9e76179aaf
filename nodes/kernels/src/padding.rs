use rayon::prelude::*;

use crate::activation::Activation;
use crate::element::Element;
use crate::layer::{Padding, PaddingMode};

impl Padding {
    /// The row or column of the picture that padded position `padded` shows; `None` is a zero.
    pub(crate) fn source(self, padded: usize, size: usize) -> Option<usize> {
        let position = padded as isize - self.amount as isize;
        let last = size as isize - 1;
        match self.mode {
            PaddingMode::Zeros => (0..=last).contains(&position).then_some(position as usize),
            PaddingMode::Reflect => {
                let mirrored = if position < 0 { -position } else { position };
                Some(if mirrored > last { 2 * last - mirrored } else { mirrored } as usize)
            }
        }
    }

    /// Writes padded rows `first..` of one image `[h, w, c]` to `to`: as many as fit at `pitch` numbers each, which
    /// may be more than a padded row has. What lies behind its end or below the last row is zero.
    pub(crate) fn write_rows<T: Element>(
        self,
        [h, w, c]: [usize; 3],
        image: &[T],
        first: usize,
        pitch: usize,
        to: &mut [T],
    ) {
        let row_len = w * c;
        for (row, to) in to.chunks_exact_mut(pitch).enumerate() {
            let below = first + row >= h + 2 * self.amount;
            let Some(y) = self.source(first + row, h).filter(|_| !below) else {
                to.fill(T::ZERO);
                continue;
            };
            to[(w + 2 * self.amount) * c..].fill(T::ZERO);
            let from = &image[y * row_len..][..row_len];
            to[self.amount * c..][..row_len].copy_from_slice(from);
            for edge in (0..self.amount).chain(w + self.amount..w + 2 * self.amount) {
                let pixel = &mut to[edge * c..][..c];
                match self.source(edge, w) {
                    Some(x) => pixel.copy_from_slice(&from[x * c..][..c]),
                    None => pixel.fill(T::ZERO),
                }
            }
        }
    }

    /// The transpose of padding: every padded pixel's gradient goes to the pixel it showed.
    pub(crate) fn fold<T: Element>(self, padded: &Activation<T>) -> Activation<T> {
        let (h, w) = (padded.h - 2 * self.amount, padded.w - 2 * self.amount);
        let mut map = Activation::zeros([padded.n, padded.c, h, w]);
        let (image_len, c) = (map.image_len(), map.c);
        if image_len == 0 {
            return map;
        }
        let images = map.data.par_chunks_mut(image_len).zip(padded.data.par_chunks(padded.image_len()));
        images.for_each(|(to, from)| {
            for (v, row) in from.chunks_exact(padded.w * c).enumerate() {
                let Some(y) = self.source(v, h) else { continue };
                for (u, pixel) in row.chunks_exact(c).enumerate() {
                    let Some(x) = self.source(u, w) else { continue };
                    for (to, from) in to[(y * w + x) * c..][..c].iter_mut().zip(pixel) {
                        *to += *from;
                    }
                }
            }
        });
        map
    }
}
