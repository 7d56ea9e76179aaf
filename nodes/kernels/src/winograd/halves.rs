//! The transforms of F(4, 2), four outputs of a kernel of two taps, for the points ±3/8, ±5/4 and infinity.
//!
//! ```text
//! out[i] = w[0] d[i] + w[1] d[i + 1] = (A' [ (G w) . (B' d) ])[i]        5 products instead of 8
//! ```
//!
//! Among pairs of multiples of 1/16 these points have the smallest rounding error: half of that of the common
//! 0, ±1, 2 and infinity. All constants of `B'` and `A'` are exact in f32. Without the point 0 both pairs
//! share their even and odd parts.

use super::small::constant;
use crate::simd::Lanes;

/// The finite points are plus and minus these.
const NEAR: f64 = 3.0 / 8.0;
const FAR: f64 = 5.0 / 4.0;

const NEAR_SQUARE: f64 = NEAR * NEAR;
const FAR_SQUARE: f64 = FAR * FAR;

/// `B' d`: the rows are the coefficients of the product of `x - p` over the other points p. Those of ±p are
/// `x^3 - q^2 x`, the odd part, plus and minus p times `x^2 - q^2`, the even part, where ±q are the other two.
#[inline(always)]
pub(super) fn forward<V: Lanes>(d: [V; 5]) -> [V; 5] {
    let (minus_near, minus_far) = (constant::<V>(-NEAR_SQUARE), constant::<V>(-FAR_SQUARE));
    let (near_even, near_odd) = (d[0].mul_add(minus_far, d[2]), d[1].mul_add(minus_far, d[3]));
    let (far_even, far_odd) = (d[0].mul_add(minus_near, d[2]), d[1].mul_add(minus_near, d[3]));
    // (x^2 - NEAR^2) (x^2 - FAR^2)
    let all = d[0].mul_add(constant(NEAR_SQUARE * FAR_SQUARE), d[4]);
    [
        near_even.mul_add(constant(NEAR), near_odd),
        near_even.mul_add(constant(-NEAR), near_odd),
        far_even.mul_add(constant(FAR), far_odd),
        far_even.mul_add(constant(-FAR), far_odd),
        d[2].mul_add(constant(-NEAR_SQUARE - FAR_SQUARE), all),
    ]
}

/// `A' m`: powers of the points.
#[inline(always)]
pub(super) fn back<V: Lanes>(m: [V; 5]) -> [V; 4] {
    let (near_sum, near_difference) = (m[0].add(m[1]), m[0].sub(m[1]));
    let (far_sum, far_difference) = (m[2].add(m[3]), m[2].sub(m[3]));
    let cubes = near_difference.mul_add(constant(NEAR_SQUARE * NEAR), m[4]);
    [
        near_sum.add(far_sum),
        far_difference.mul_add(constant(FAR), near_difference.mul(constant(NEAR))),
        far_sum.mul_add(constant(FAR_SQUARE), near_sum.mul(constant(NEAR_SQUARE))),
        far_difference.mul_add(constant(FAR_SQUARE * FAR), cubes),
    ]
}

/// `G w`: values of `w0 + w1 x` at the points, each over the product of its distances to the others.
#[inline(always)]
pub(super) fn evaluate<V: Lanes>([w0, w1]: [V; 2]) -> [V; 5] {
    // The distances' product is 2 p (p^2 - q^2) for p and the negative of that for -p.
    const NEAR_PART: f64 = 0.5 / (NEAR_SQUARE - FAR_SQUARE);
    const FAR_PART: f64 = 0.5 / (FAR_SQUARE - NEAR_SQUARE);
    let (near_even, near_odd) = (w0.mul(constant(NEAR_PART / NEAR)), w1.mul(constant(NEAR_PART)));
    let (far_even, far_odd) = (w0.mul(constant(FAR_PART / FAR)), w1.mul(constant(FAR_PART)));
    [near_odd.add(near_even), near_odd.sub(near_even), far_odd.add(far_even), far_odd.sub(far_even), w1]
}
