use rayon::prelude::*;

use crate::activation::Activation;
use crate::element::Element;

/// Windows of `kernel x kernel` every `stride` pixels, cut off at the bottom and right edges.
#[derive(Clone, Copy)]
pub(crate) struct Window {
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
}

/// For every output the place of its value in the window, `row * kernel + column`, channels last.
pub(crate) struct Places(Vec<u8>);

impl Window {
    /// The pooled map, `h` by `w`, and where its values came from.
    pub(crate) fn pool<T: Element>(self, map: &Activation<T>, h: usize, w: usize) -> (Activation<T>, Places) {
        let mut out = Activation::zeros([map.n, map.c, h, w]);
        let mut places = vec![0; out.data.len()];
        let (row_len, c) = (w * map.c, map.c);
        if row_len > 0 {
            let rows = out.data.par_chunks_mut(row_len).zip(places.par_chunks_mut(row_len));
            rows.enumerate().for_each(|(row, (out, places))| {
                let image = &map.data[row / h * map.image_len()..][..map.image_len()];
                let top = row % h * self.stride;
                for (x, (out, places)) in out.chunks_exact_mut(c).zip(places.chunks_exact_mut(c)).enumerate()
                {
                    let left = x * self.stride;
                    out.copy_from_slice(&image[(top * map.w + left) * c..][..c]);
                    for v in 0..self.kernel.min(map.h - top) {
                        for u in 0..self.kernel.min(map.w - left) {
                            let pixel = &image[((top + v) * map.w + left + u) * c..][..c];
                            take_larger(out, places, pixel, (v * self.kernel + u) as u8);
                        }
                    }
                }
            });
        }
        (out, Places(places))
    }

    /// The transpose: every output's gradient goes to the pixel that won its window.
    pub(crate) fn scatter<T: Element>(
        self,
        gradient: &Activation<T>,
        places: &Places,
        [n, c, h, w]: [usize; 4],
    ) -> Activation<T> {
        let mut map = Activation::zeros([n, c, h, w]);
        if gradient.data.is_empty() {
            return map;
        }
        let (image_len, out_row, out_image) = (map.image_len(), gradient.w * c, gradient.image_len());
        let scatter_rows = |to: &mut [T], first: usize, gradient_rows: &[T], places: &[u8]| {
            let rows = gradient_rows.chunks_exact(out_row).zip(places.chunks_exact(out_row));
            for (y, (gradient, places)) in rows.enumerate() {
                let pixels = gradient.chunks_exact(c).zip(places.chunks_exact(c));
                for (x, (gradient, places)) in pixels.enumerate() {
                    for (channel, (value, place)) in gradient.iter().zip(places).enumerate() {
                        let (v, u) = (*place as usize / self.kernel, *place as usize % self.kernel);
                        let (v, u) = ((first + y) * self.stride + v, x * self.stride + u);
                        to[((v - first * self.stride) * w + u) * c + channel] += *value;
                    }
                }
            }
        };
        let images = map.data.par_chunks_mut(image_len).enumerate();
        images.for_each(|(n, image)| {
            let gradient = &gradient.data[n * out_image..][..out_image];
            let places = &places.0[n * out_image..][..out_image];
            if self.kernel > self.stride {
                // Windows share pixels: one task per image.
                scatter_rows(image, 0, gradient, places);
            } else {
                let bands = image.par_chunks_mut(self.stride * w * c);
                let rows = gradient.par_chunks(out_row).zip(places.par_chunks(out_row));
                bands.zip(rows).enumerate().for_each(|(y, (to, (gradient, places)))| {
                    scatter_rows(to, y, gradient, places);
                });
            }
        });
        map
    }
}

/// Keeps the larger of `best` and `pixel` per channel; of equals the one that came first.
#[inline(always)]
fn take_larger<T: Element>(best: &mut [T], places: &mut [u8], pixel: &[T], place: u8) {
    for ((best, at), value) in best.iter_mut().zip(places).zip(pixel) {
        // `value != value` is NaN, which wins in PyTorch.
        #[allow(clippy::eq_op)]
        let wins = *value > *best || *value != *value;
        *best = if wins { *value } else { *best };
        *at = if wins { place } else { *at };
    }
}
