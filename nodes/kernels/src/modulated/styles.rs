// Indexed loops: iterators are not always inlined, and then miss the vector instructions.
#![allow(clippy::needless_range_loop)]

use rayon::prelude::*;

use crate::activation::View;
use crate::element::Element;
use crate::simd::{Job, Lanes};

/// Pixels per task: a constant, so that results never depend on the threads.
const PIXELS: usize = 256;

/// The backward pass of `styles[n, c] * x`: turns `gradient`, that of the product, into that of `x`. Returns
/// that of the styles, `[n, c]`.
pub(super) fn unscale<T: Element>(gradient: &mut [T], x: View<'_, T>, styles: &[T]) -> Vec<T> {
    let (c, image_len) = (x.c, x.image_len());
    let mut sums = Vec::with_capacity(x.n * c);
    for image in 0..x.n {
        let (start, end) = (image * image_len, (image + 1) * image_len);
        let tasks = gradient[start..end].par_chunks_mut(PIXELS * c);
        // Every task sums its own pixels in the inputs' type; the tasks' sums are added in order.
        let partial: Vec<Vec<T>> = tasks
            .zip(x.data[start..end].par_chunks(PIXELS * c))
            .map(|(gradient, x)| {
                let mut sums = vec![T::ZERO; c];
                T::run(Unscale { gradient, x, styles: &styles[image * c..][..c], sums: &mut sums });
                sums
            })
            .collect();
        let sum = |channel: usize| partial.iter().map(|sums| sums[channel].to_f64()).sum::<f64>();
        sums.extend((0..c).map(|channel| T::from_f64(sum(channel))));
    }
    sums
}

/// Some pixels of one image.
struct Unscale<'a, T> {
    gradient: &'a mut [T],
    x: &'a [T],
    styles: &'a [T],
    sums: &'a mut [T],
}

impl<T: Element> Job<T> for Unscale<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Element = T>>(self) {
        let Self { gradient, x, styles, sums } = self;
        let c = styles.len();
        assert!(sums.len() == c && gradient.len() == x.len());
        let whole = c / V::WIDTH * V::WIDTH;
        for (gradient, x) in gradient.chunks_exact_mut(c).zip(x.chunks_exact(c)) {
            for channel in (0..whole).step_by(V::WIDTH) {
                // SAFETY: all of these are `c` elements, and a vector from here ends before their end.
                unsafe {
                    let to = gradient.as_mut_ptr().add(channel);
                    let sum = sums.as_mut_ptr().add(channel);
                    let value = V::load(to);
                    value.mul_add(V::load(x.as_ptr().add(channel)), V::load(sum)).store(sum);
                    value.mul(V::load(styles.as_ptr().add(channel))).store(to);
                }
            }
            // The channels that do not fill a vector.
            for channel in whole..c {
                sums[channel] += gradient[channel] * x[channel];
                gradient[channel] *= styles[channel];
            }
        }
    }
}
