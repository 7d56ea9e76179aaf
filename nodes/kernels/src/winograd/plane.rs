//! Transforms of whole tiles: a [`Line`] along their columns, then along their rows.

// Indexed loops: iterators are not always inlined, and then miss the vector instructions.
#![allow(clippy::needless_range_loop)]

use std::mem::MaybeUninit;

use super::scheme::Line;
use crate::element::Element;
use crate::simd::Lanes;

/// The place of the point `i` along the columns and `j` along the rows, where `P` values meet `F` transformed
/// taps: points of one tap stand together.
#[inline(always)]
const fn index<const P: usize, const F: usize>(i: usize, j: usize) -> usize {
    let last = F - 1;
    let shared = P - last;
    if i < last {
        i * P + j
    } else if j < last {
        last * P + j * shared + (i - last)
    } else {
        last * P + last * shared + (i - last) * shared + (j - last)
    }
}

/// The transformed tap that the values at a point are multiplied by.
#[inline(always)]
pub(super) const fn filter_of<const P: usize, const F: usize>(point: usize) -> usize {
    let last = F - 1;
    let shared = P - last;
    if point < last * P {
        let j = point % P;
        point / P * F + if j < last { j } else { last }
    } else {
        let place = (point - last * P) / shared;
        last * F + if place < last { place } else { last }
    }
}

/// Transforms the inputs of a tile.
///
/// # Safety
///
/// `pixels` leads to `I` rows of `I` pixels of one vector each, as far apart as the strides say, and `to` to `P * P`
/// vectors, `point_len` apart.
#[inline(always)]
pub(super) unsafe fn input<
    V: Lanes,
    L: Line<I, P, O, F>,
    const I: usize,
    const P: usize,
    const O: usize,
    const F: usize,
>(
    pixels: *const V::Element,
    [row_len, pixel_len]: [usize; 2],
    scale: Option<V>,
    to: *mut V::Element,
    point_len: usize,
) {
    let zero = V::splat(V::Element::ZERO);
    // Not initialised: that would cost a store for every value.
    let mut columns = [const { MaybeUninit::<[V; P]>::uninit() }; I];
    for j in 0..I {
        let mut line = [zero; I];
        for i in 0..I {
            // SAFETY: there are `I` rows of `I` pixels.
            line[i] = unsafe { V::load(pixels.add(i * row_len + j * pixel_len)) };
            if let Some(scale) = scale {
                line[i] = line[i].mul(scale);
            }
        }
        columns[j].write(L::forward(line));
    }
    for i in 0..P {
        let mut line = [zero; I];
        for j in 0..I {
            // SAFETY: all columns were written.
            line[j] = unsafe { columns[j].assume_init_ref()[i] };
        }
        let values = L::forward(line);
        for j in 0..P {
            // SAFETY: one of the points.
            unsafe { values[j].store(to.add(index::<P, F>(i, j) * point_len)) };
        }
    }
}

/// The outputs of a tile, and, if `is_measured`, the largest absolute value among its products, which
/// estimates its rounding error.
///
/// # Safety
///
/// `products` leads to `P * P` vectors, `point_len` apart.
#[inline(always)]
pub(super) unsafe fn output<
    V: Lanes,
    L: Line<I, P, O, F>,
    const I: usize,
    const P: usize,
    const O: usize,
    const F: usize,
>(
    products: *const V::Element,
    point_len: usize,
    is_measured: bool,
) -> ([[V; O]; O], V) {
    let zero = V::splat(V::Element::ZERO);
    let mut largest = zero;
    let mut columns = [const { MaybeUninit::<[V; O]>::uninit() }; P];
    for j in 0..P {
        let mut line = [zero; P];
        for i in 0..P {
            // SAFETY: one of the points.
            line[i] = unsafe { V::load(products.add(index::<P, F>(i, j) * point_len)) };
            if is_measured {
                largest = line[i].abs().larger(largest);
            }
        }
        columns[j].write(L::back(line));
    }
    let mut tile = [[zero; O]; O];
    for i in 0..O {
        let mut line = [zero; P];
        for j in 0..P {
            // SAFETY: all columns were written.
            line[j] = unsafe { columns[j].assume_init_ref()[i] };
        }
        tile[i] = L::back(line);
    }
    (tile, largest)
}

/// Transforms as many kernels as a vector has lanes: `taps[v][u]` to `F * F` vectors.
///
/// # Safety
///
/// `to` leads to `F * F` vectors, `point_len` apart.
#[inline(always)]
pub(super) unsafe fn filter<
    V: Lanes,
    L: Line<I, P, O, F>,
    const I: usize,
    const P: usize,
    const O: usize,
    const F: usize,
>(
    taps: [[V; 3]; 3],
    to: *mut V::Element,
    point_len: usize,
) {
    let zero = V::splat(V::Element::ZERO);
    let mut columns = [[zero; F]; 3];
    for u in 0..3 {
        columns[u] = L::evaluate([taps[0][u], taps[1][u], taps[2][u]]);
    }
    for i in 0..F {
        let values = L::evaluate([columns[0][i], columns[1][i], columns[2][i]]);
        for j in 0..F {
            // SAFETY: one of the transformed taps.
            unsafe { values[j].store(to.add((i * F + j) * point_len)) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{filter_of, index};

    /// Every point has a place of its own, and the tap that its values ask for.
    fn check<const P: usize, const F: usize>() {
        let mut seen = vec![false; P * P];
        for i in 0..P {
            for j in 0..P {
                let point = index::<P, F>(i, j);
                assert!(!std::mem::replace(&mut seen[point], true), "{i} {j}");
                assert_eq!(filter_of::<P, F>(point), i.min(F - 1) * F + j.min(F - 1), "{i} {j}");
            }
        }
        let taps: Vec<_> = (0..P * P).map(filter_of::<P, F>).collect();
        assert!(taps.is_sorted());
    }

    #[test]
    fn points_of_one_tap_stand_together() {
        check::<6, 6>();
        check::<8, 8>();
        check::<9, 6>();
    }
}
