//! The transforms of F(6, 3), six outputs of a kernel of three taps, for the points 0, ±1/2, ±1, ±2 and infinity.
//!
//! ```text
//! out[i] = w[0] d[i] + w[1] d[i + 1] + w[2] d[i + 2] = (A' [ (G w) . (B' d) ])[i]        8 products instead of 18
//! ```
//!
//! No other grid of three such pairs has a smaller rounding error: about four times that of F(4x4, 3x3) with
//! sums of the same length. All constants of `B'` and `A'` are exact in f32. `A'` of ±2 is divided by 2^5 and
//! `G` multiplied by it, so that no product has a weight above 1 in any output.

use super::small::constant;
use crate::simd::Lanes;

/// `B' d`: the rows are the coefficients of the product of `x - p` over the other points p, negated for 0.
///
/// Those of ±p are `x^2 (x^2 - q^2) (x^2 - r^2)`, the even part, plus and minus `p x (x^2 - q^2) (x^2 -
/// r^2)`, the odd part, where ±q and ±r are the other two pairs. Written with differences of inputs, which
/// are zero in a uniform area:
///
/// ```text
/// ±1/2: (x^2 - 1) (x^2 - 4)        x^4 - 5 x^2 + 4          (x^4 - x^2) + 4 (1 - x^2)
/// ±1:   (x^2 - 1/4) (x^2 - 4)      x^4 - 17/4 x^2 + 1
/// ±2:   (x^2 - 1/4) (x^2 - 1)      x^4 - 5/4 x^2 + 1/4      (x^4 - x^2) + 1/4 (1 - x^2)
/// all:  x^6 - 21/4 x^4 + 21/4 x^2 - 1                       (x^6 - 1) + 21/4 (x^2 - x^4)
/// ```
#[inline(always)]
pub(super) fn forward<V: Lanes>(d: [V; 8]) -> [V; 8] {
    let (even_high, even_low) = (d[6].sub(d[4]), d[2].sub(d[4]));
    let (odd_high, odd_low) = (d[5].sub(d[3]), d[1].sub(d[3]));
    let (four, quarter, middle) = (constant::<V>(4.0), constant::<V>(0.25), constant::<V>(-4.25));
    let (near_even, near_odd) = (even_low.mul_add(four, even_high), odd_low.mul_add(four, odd_high));
    let (one_even, one_odd) = (d[4].mul_add(middle, d[2].add(d[6])), d[3].mul_add(middle, d[1].add(d[5])));
    let (far_even, far_odd) = (even_low.mul_add(quarter, even_high), odd_low.mul_add(quarter, odd_high));
    let all = constant::<V>(-5.25);
    [
        even_low.mul_add(all, d[0].sub(d[6])),
        near_odd.mul_add(constant(0.5), near_even),
        near_odd.mul_add(constant(-0.5), near_even),
        one_even.add(one_odd),
        one_even.sub(one_odd),
        far_odd.mul_add(constant(2.0), far_even),
        far_odd.mul_add(constant(-2.0), far_even),
        odd_high.mul_add(all, d[7].sub(d[1])),
    ]
}

/// `A' m`: powers of the points, those of ±2 over 2^5.
#[inline(always)]
pub(super) fn back<V: Lanes>(m: [V; 8]) -> [V; 6] {
    let (near_sum, near_difference) = (m[1].add(m[2]), m[1].sub(m[2]));
    let (one_sum, one_difference) = (m[3].add(m[4]), m[3].sub(m[4]));
    let (far_sum, far_difference) = (m[5].add(m[6]), m[5].sub(m[6]));
    // 2^-1 to 2^-5
    let [first, second, third, fourth, fifth] =
        [constant::<V>(0.5), constant(0.25), constant(0.125), constant(0.0625), constant(0.03125)];
    [
        far_sum.mul_add(fifth, near_sum.add(one_sum)).add(m[0]),
        far_difference.mul_add(fourth, near_difference.mul_add(first, one_difference)),
        far_sum.mul_add(third, near_sum.mul_add(second, one_sum)),
        far_difference.mul_add(second, near_difference.mul_add(third, one_difference)),
        far_sum.mul_add(first, near_sum.mul_add(fourth, one_sum)),
        near_difference.mul_add(fifth, far_difference.add(one_difference)).add(m[7]),
    ]
}

/// `G w`: values of `w0 + w1 x + w2 x^2` at the points, each over the product of its distances to the others: -1 at 0
/// (whose minus is in `B'`), 45/32 at ±1/2, -9/2 at ±1, and 90 at ±2, where the values are times 2^5.
#[inline(always)]
pub(super) fn evaluate<V: Lanes>([w0, w1, w2]: [V; 3]) -> [V; 8] {
    const NEAR: f64 = 32.0 / 45.0;
    const ONE: f64 = -2.0 / 9.0;
    const FAR: f64 = 32.0 / 90.0;
    let near_even = w2.mul_add(constant(NEAR / 4.0), w0.mul(constant(NEAR)));
    let near_odd = w1.mul(constant(NEAR / 2.0));
    let (one_even, one_odd) = (w0.add(w2).mul(constant(ONE)), w1.mul(constant(ONE)));
    let far_even = w2.mul_add(constant(FAR * 4.0), w0.mul(constant(FAR)));
    let far_odd = w1.mul(constant(FAR * 2.0));
    [
        w0,
        near_even.add(near_odd),
        near_even.sub(near_odd),
        one_even.add(one_odd),
        one_even.sub(one_odd),
        far_even.add(far_odd),
        far_even.sub(far_odd),
        w2,
    ]
}
