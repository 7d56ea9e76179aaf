//! The transforms of F(4, 3) for the points 0, ±1/sqrt(2), ±sqrt(2) and infinity.

use candle_core::WithDType;

use crate::simd::Lanes;

/// The nonzero finite points are plus and minus these.
const NEAR: f64 = std::f64::consts::FRAC_1_SQRT_2;
const FAR: f64 = std::f64::consts::SQRT_2;

#[inline(always)]
pub(super) fn constant<V: Lanes>(value: f64) -> V {
    V::splat(V::Element::from_f64(value))
}

/// `B' d`: the rows are the coefficients of the product of `x - p` over the other points p.
#[inline(always)]
pub(super) fn forward<V: Lanes>(d: [V; 6]) -> [V; 6] {
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
pub(super) fn back<V: Lanes>(m: [V; 6]) -> [V; 4] {
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
pub(super) fn evaluate<V: Lanes>([w0, w1, w2]: [V; 3]) -> [V; 6] {
    let near_even = w2.mul_add(constant(0.5 / -1.5), w0.mul(constant(1.0 / -1.5)));
    let far_even = w2.mul_add(constant(2.0 / 6.0), w0.mul(constant(1.0 / 6.0)));
    let (near_odd, far_odd) = (w1.mul(constant(NEAR / -1.5)), w1.mul(constant(FAR / 6.0)));
    [w0, near_even.add(near_odd), near_even.sub(near_odd), far_even.add(far_odd), far_even.sub(far_odd), w2]
}
