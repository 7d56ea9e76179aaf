use rayon::prelude::*;

use crate::activation::Activation;
use crate::element::Element;
use crate::windows::Windows;

/// For every output the position of its value in the window, `row * kernel + column`, channels last.
pub(crate) struct Places(Vec<u8>);

/// Bands of rows per image for the gradient, for several threads: few, because windows that overlap two bands
/// are read by both.
const BANDS: usize = 8;

/// The pooled map, `h` by `w`, and where its values came from. Padding is never the largest.
///
/// Of equal values the first one wins; so it does of values that differ by rounding, or the gradient of
/// uniform areas would be arbitrary. The rounding of the values is estimated by the largest channel of the
/// window's first pixel.
pub(crate) fn pool<T: Element>(
    map: &Activation<T>,
    windows: Windows,
    [h, w]: [usize; 2],
) -> (Activation<T>, Places) {
    let Windows { kernel, stride, padding } = windows;
    let mut out = Activation::zeros([map.n, map.c, h, w]);
    let mut places = vec![0; out.data.len()];
    let (row_len, c) = (w * map.c, map.c);
    if row_len > 0 {
        let rows = out.data.par_chunks_mut(row_len).zip(places.par_chunks_mut(row_len));
        rows.enumerate().for_each_init(Vec::new, |taken, (row, (out, places))| {
            let image = &map.data[row / h * map.image_len()..][..map.image_len()];
            let (top, rows) = (row % h * stride, windows.pixels(row % h, map.h));
            for (column, (out, places)) in out.chunks_exact_mut(c).zip(places.chunks_exact_mut(c)).enumerate()
            {
                let (left, columns) = (column * stride, windows.pixels(column, map.w));
                let pixel = |y: usize, x: usize| &image[(y * map.w + x) * c..][..c];
                let place = |y: usize, x: usize| ((y + padding - top) * kernel + (x + padding - left)) as u8;
                let corner = pixel(rows.start, columns.start);
                out.copy_from_slice(corner);
                taken.clear();
                taken.extend_from_slice(corner);
                let mut largest = T::ZERO;
                for value in corner {
                    let size = if *value < T::ZERO { T::ZERO - *value } else { *value };
                    largest = if size > largest { size } else { largest };
                }
                let tolerance = largest * T::TIE;
                places.fill(place(rows.start, columns.start));
                for y in rows.clone() {
                    for x in columns.clone() {
                        take_larger([out, taken], places, pixel(y, x), place(y, x), tolerance);
                    }
                }
            }
        });
    }
    (out, Places(places))
}

/// The adjoint: every output's gradient goes to the pixel that won its window. Every task owns a band of the
/// picture's rows and visits the windows that overlap it in order, so that the sums do not depend on the
/// bands.
pub(crate) fn scatter<T: Element>(
    gradient: &Activation<T>,
    windows: Windows,
    places: &Places,
    [n, c, h, w]: [usize; 4],
) -> Activation<T> {
    let Windows { kernel, stride, padding } = windows;
    let mut map = Activation::zeros([n, c, h, w]);
    if gradient.data.is_empty() {
        return map;
    }
    let (row_len, out_row) = (w * c, gradient.w * c);
    // Windows that do not overlap are read once if bands end where windows end.
    let band = h.div_ceil(BANDS).next_multiple_of(stride);
    let offsets: Vec<usize> =
        (0..kernel * kernel).map(|place| (place / kernel * w + place % kernel) * c).collect();
    map.data.par_chunks_mut(h * row_len).enumerate().for_each(|(n, image)| {
        image.par_chunks_mut(band * row_len).enumerate().for_each(|(index, to)| {
            let first = index * band;
            let rows = first..first + to.len() / row_len;
            for y in windows.seeing(rows, gradient.h) {
                let row = (n * gradient.h + y) * out_row;
                let values = gradient.data[row..][..out_row].chunks_exact(c);
                let places = places.0[row..][..out_row].chunks_exact(c);
                // The window's first pixel, relative to the band; outside the picture this wraps below 0.
                let corner = (y * stride * row_len).wrapping_sub((first + padding) * row_len + padding * c);
                for (x, (values, places)) in values.zip(places).enumerate() {
                    let corner = corner.wrapping_add(x * stride * c);
                    for (channel, (value, place)) in values.iter().zip(places).enumerate() {
                        let winner = corner.wrapping_add(offsets[usize::from(*place)] + channel);
                        // A winner above or below the band is another task's.
                        if let Some(to) = to.get_mut(winner) {
                            *to += *value;
                        }
                    }
                }
            }
        });
    });
    map
}

/// Keeps the larger of `best` and `pixel` per channel, and in `taken` the winner's value, which changes only
/// for a value that is larger by more than the tolerance.
#[inline(always)]
fn take_larger<T: Element>(
    [best, taken]: [&mut [T]; 2],
    places: &mut [u8],
    pixel: &[T],
    place: u8,
    tolerance: T,
) {
    for (((best, taken), at), value) in best.iter_mut().zip(taken).zip(places).zip(pixel) {
        // `value != value` is NaN, which wins in PyTorch.
        #[allow(clippy::eq_op)]
        let is_nan = *value != *value;
        *best = if *value > *best || is_nan { *value } else { *best };
        let wins = *value > *taken + tolerance || is_nan;
        *taken = if wins { *value } else { *taken };
        *at = if wins { place } else { *at };
    }
}
