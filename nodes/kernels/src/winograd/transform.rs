//! The transforms of F(4x4, 3x3) for the points 0, ±1/sqrt(2), ±sqrt(2) and infinity.

// Loops by index: iterators are not always inlined, and would do without the instructions.
#![allow(clippy::needless_range_loop)]

use super::{PRODUCTS, SIDE, STEP};
use candle_core::WithDType;

use crate::element::Element;
use crate::simd::Lanes;

/// The points other than 0 and infinity are plus and minus these.
const NEAR: f64 = std::f64::consts::FRAC_1_SQRT_2;
const FAR: f64 = std::f64::consts::SQRT_2;

#[inline(always)]
fn constant<V: Lanes>(value: f64) -> V {
    V::splat(V::Element::from_f64(value))
}

/// `B' d`: the rows are the coefficients of the product of `x - p` over the other points p.
#[inline(always)]
fn forward<V: Lanes>(d: [V; SIDE]) -> [V; SIDE] {
    let (two, half) = (constant::<V>(-2.0), constant::<V>(-0.5));
    let (near, far, minus_near, minus_far) =
        (constant::<V>(NEAR), constant::<V>(FAR), constant::<V>(-NEAR), constant::<V>(-FAR));
    let outer = constant::<V>(-2.5);
    let (near_even, near_odd) = (d[2].mul_add(two, d[4]), d[1].mul_add(two, d[3]));
    let (far_even, far_odd) = (d[2].mul_add(half, d[4]), d[1].mul_add(half, d[3]));
    [
        d[2].mul_add(outer, d[0].add(d[4])),
        near_odd.mul_add(near, near_even),
        near_odd.mul_add(minus_near, near_even),
        far_odd.mul_add(far, far_even),
        far_odd.mul_add(minus_far, far_even),
        d[3].mul_add(outer, d[1].add(d[5])),
    ]
}

/// `A' m`: powers of the points.
#[inline(always)]
fn back<V: Lanes>(m: [V; SIDE]) -> [V; STEP] {
    let (near_sum, near_difference) = (m[1].add(m[2]), m[1].sub(m[2]));
    let (far_sum, far_difference) = (m[3].add(m[4]), m[3].sub(m[4]));
    [
        m[0].add(near_sum).add(far_sum),
        far_difference.mul_add(constant(FAR), near_difference.mul(constant(NEAR))),
        far_sum.mul_add(constant(2.0), near_sum.mul(constant(0.5))),
        far_difference.mul_add(constant(2.0 * FAR), near_difference.mul_add(constant(0.5 * NEAR), m[5])),
    ]
}

/// `G w`: values of `w0 + w1 x + w2 x^2` at the points, each over the product of its distances to the others.
#[inline(always)]
fn evaluate<V: Lanes>([w0, w1, w2]: [V; 3]) -> [V; SIDE] {
    let near_even = w2.mul_add(constant(0.5 / -1.5), w0.mul(constant(1.0 / -1.5)));
    let far_even = w2.mul_add(constant(2.0 / 6.0), w0.mul(constant(1.0 / 6.0)));
    let (near_odd, far_odd) = (w1.mul(constant(NEAR / -1.5)), w1.mul(constant(FAR / 6.0)));
    [w0, near_even.add(near_odd), near_even.sub(near_odd), far_even.add(far_odd), far_even.sub(far_odd), w2]
}

/// `B' d B` of 6 x 6 inputs; product `p` is stored at `p * product_len`.
///
/// # Safety
///
/// `pixels` leads to 6 rows of 6 pixels of one vector each, as far apart as the strides say, and `to` to 36 vectors.
#[inline(always)]
pub(super) unsafe fn input<V: Lanes>(
    pixels: *const V::Element,
    [row_len, pixel_len]: [usize; 2],
    scale: Option<V>,
    to: *mut V::Element,
    product_len: usize,
) {
    let mut columns = [[V::splat(V::Element::ZERO); SIDE]; SIDE];
    for j in 0..SIDE {
        let mut lines = [V::splat(V::Element::ZERO); SIDE];
        for i in 0..SIDE {
            // SAFETY: row i and pixel j are two of six.
            lines[i] = unsafe { V::load(pixels.add(i * row_len + j * pixel_len)) };
            if let Some(scale) = scale {
                lines[i] = lines[i].mul(scale);
            }
        }
        columns[j] = forward(lines);
    }
    for i in 0..SIDE {
        let mut lines = [V::splat(V::Element::ZERO); SIDE];
        for j in 0..SIDE {
            lines[j] = columns[j][i];
        }
        let values = forward(lines);
        for j in 0..SIDE {
            // SAFETY: one of the 36 products.
            unsafe { values[j].store(to.add((i * SIDE + j) * product_len)) };
        }
    }
}

/// `A' m A` of 36 products, and the largest absolute value among them, by which its rounding is measured.
///
/// # Safety
///
/// `products` leads to 36 vectors, `product_len` apart.
#[inline(always)]
pub(super) unsafe fn output<V: Lanes>(
    products: *const V::Element,
    product_len: usize,
    is_measured: bool,
) -> ([[V; STEP]; STEP], V) {
    let zero = V::splat(V::Element::ZERO);
    let mut largest = zero;
    let mut columns = [[zero; STEP]; SIDE];
    for j in 0..SIDE {
        let mut lines = [zero; SIDE];
        for i in 0..SIDE {
            // SAFETY: one of the 36 products.
            lines[i] = unsafe { V::load(products.add((i * SIDE + j) * product_len)) };
            if is_measured {
                largest = lines[i].abs().larger(largest);
            }
        }
        columns[j] = back(lines);
    }
    let mut tile = [[zero; STEP]; STEP];
    for i in 0..STEP {
        let mut lines = [zero; SIDE];
        for j in 0..SIDE {
            lines[j] = columns[j][i];
        }
        tile[i] = back(lines);
    }
    (tile, largest)
}

/// `G w G'` for as many kernels as a vector has lanes: `taps[v][u]` to 36 vectors.
///
/// # Safety
///
/// `to` leads to 36 vectors, `product_len` apart.
#[inline(always)]
pub(super) unsafe fn filter<V: Lanes>(taps: [[V; 3]; 3], to: *mut V::Element, product_len: usize) {
    let zero = V::splat(V::Element::ZERO);
    let mut columns = [[zero; SIDE]; 3];
    for u in 0..3 {
        columns[u] = evaluate([taps[0][u], taps[1][u], taps[2][u]]);
    }
    for i in 0..SIDE {
        let values = evaluate([columns[0][i], columns[1][i], columns[2][i]]);
        for j in 0..SIDE {
            // SAFETY: one of the 36 products.
            unsafe { values[j].store(to.add((i * SIDE + j) * product_len)) };
        }
    }
}

const _: () = assert!(PRODUCTS == SIDE * SIDE);
