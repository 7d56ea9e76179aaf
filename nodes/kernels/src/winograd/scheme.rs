//! The minimal filtering algorithms of the convolutions.

use super::plane;
use super::sink::Sink;
use super::{Place, halves, large, small};
use crate::product::SLICE_DEPTH;
use crate::simd::Lanes;

/// An algorithm along one side of a tile: `I` inputs become `P` values, which are multiplied by `F`
/// transformed taps, and the `P` products become `O` outputs.
///
/// Value `p` meets transformed tap `min(p, F - 1)`: the last `P - F + 1` values share one.
pub(super) trait Line<const I: usize, const P: usize, const O: usize, const F: usize> {
    /// Transforms inputs into values.
    fn forward<V: Lanes>(inputs: [V; I]) -> [V; P];
    /// Transforms products into outputs.
    fn back<V: Lanes>(products: [V; P]) -> [V; O];
    /// Transforms the taps.
    fn evaluate<V: Lanes>(taps: [V; 3]) -> [V; F];
}

/// A tiled convolution with 3x3 taps: a [`Line`] along both sides.
pub(super) trait Scheme: Sync {
    /// Inputs of a tile along one side.
    const INPUTS: usize;
    /// Distance of tiles in inputs.
    const STRIDE: usize;
    /// Outputs of a tile along one side.
    const OUTPUTS: usize;
    /// Evaluation points of a tile.
    const POINTS: usize;
    /// Transformed taps of a kernel.
    const FILTERS: usize;
    /// Channels that are summed at once. The sums over channels cause most of the rounding error.
    const SLICE_DEPTH: usize;

    /// Which transformed tap the values at a point are multiplied by. Those of one tap stand together.
    fn filter_of(point: usize) -> usize;

    /// Transforms the inputs of a tile; the values at point `p` are stored at `p * point_len`.
    ///
    /// # Safety
    ///
    /// `pixels` leads to `INPUTS` rows of `INPUTS` pixels of one vector each, as far apart as the strides say, and `to`
    /// to `POINTS` vectors.
    unsafe fn input<V: Lanes>(
        pixels: *const V::Element,
        strides: [usize; 2],
        scale: Option<V>,
        to: *mut V::Element,
        point_len: usize,
    );

    /// Computes the outputs of a tile from its products, and writes those of the channels from `channel`.
    ///
    /// # Safety
    ///
    /// `products` leads to `POINTS` vectors, `point_len` apart; nobody else writes these outputs.
    unsafe fn output<V: Lanes>(
        products: *const V::Element,
        point_len: usize,
        sink: &Sink<'_, V::Element>,
        place: Place,
        channel: usize,
    );

    /// Transforms as many kernels as a vector has lanes, `taps[v][u]`.
    ///
    /// # Safety
    ///
    /// `to` leads to `FILTERS` vectors, `point_len` apart.
    unsafe fn filter<V: Lanes>(taps: [[V; 3]; 3], to: *mut V::Element, point_len: usize);
}

/// A scheme from a line: its name, the line's sizes, the distance of tiles in inputs, and the channels that
/// are summed at once.
macro_rules! scheme {
    ($(#[$doc:meta])* $name:ident, [$i:literal, $p:literal, $o:literal, $f:literal], $stride:literal, $slice_depth:expr) => {
        $(#[$doc])*
        pub(super) struct $name;

        impl Scheme for $name {
            const INPUTS: usize = $i;
            const STRIDE: usize = $stride;
            const OUTPUTS: usize = $o;
            const POINTS: usize = $p * $p;
            const FILTERS: usize = $f * $f;
            const SLICE_DEPTH: usize = $slice_depth;

            #[inline(always)]
            fn filter_of(point: usize) -> usize {
                plane::filter_of::<$p, $f>(point)
            }

            #[inline(always)]
            unsafe fn input<V: Lanes>(
                pixels: *const V::Element,
                strides: [usize; 2],
                scale: Option<V>,
                to: *mut V::Element,
                point_len: usize,
            ) {
                // SAFETY: the caller's promise.
                unsafe { plane::input::<V, Self, $i, $p, $o, $f>(pixels, strides, scale, to, point_len) }
            }

            #[inline(always)]
            unsafe fn output<V: Lanes>(
                products: *const V::Element,
                point_len: usize,
                sink: &Sink<'_, V::Element>,
                place: Place,
                channel: usize,
            ) {
                // SAFETY: the caller's promise.
                unsafe {
                    let (tile, largest) = plane::output::<V, Self, $i, $p, $o, $f>(
                        products,
                        point_len,
                        sink.pool.is_some(),
                    );
                    sink.write(place, channel, &tile, largest);
                }
            }

            #[inline(always)]
            unsafe fn filter<V: Lanes>(taps: [[V; 3]; 3], to: *mut V::Element, point_len: usize) {
                // SAFETY: the caller's promise.
                unsafe { plane::filter::<V, Self, $i, $p, $o, $f>(taps, to, point_len) }
            }
        }
    };
}

scheme! {
    /// F(4x4, 3x3): 36 multiplications for 16 outputs.
    Small, [6, 6, 4, 6], 4, SLICE_DEPTH
}

impl Line<6, 6, 4, 6> for Small {
    #[inline(always)]
    fn forward<V: Lanes>(inputs: [V; 6]) -> [V; 6] {
        small::forward(inputs)
    }

    #[inline(always)]
    fn back<V: Lanes>(products: [V; 6]) -> [V; 4] {
        small::back(products)
    }

    #[inline(always)]
    fn evaluate<V: Lanes>(taps: [V; 3]) -> [V; 6] {
        small::evaluate(taps)
    }
}

scheme! {
    /// F(6x6, 3x3): 64 multiplications for 36 outputs, a fifth fewer. Its rounding error is several times as
    /// large, although its sums are short: for gradients only.
    Large, [8, 8, 6, 8], 6, 64
}

impl Line<8, 8, 6, 8> for Large {
    #[inline(always)]
    fn forward<V: Lanes>(inputs: [V; 8]) -> [V; 8] {
        large::forward(inputs)
    }

    #[inline(always)]
    fn back<V: Lanes>(products: [V; 8]) -> [V; 6] {
        large::back(products)
    }

    #[inline(always)]
    fn evaluate<V: Lanes>(taps: [V; 3]) -> [V; 8] {
        large::evaluate(taps)
    }
}

scheme! {
    /// The transposed convolution of stride 2: `y[2 m + v] += w[v] x[m]`.
    ///
    /// Even outputs are a convolution with two taps, `y[2 m] = w[2] x[m - 1] + w[0] x[m]`, for which F(4, 2)
    /// takes five multiplications for four outputs; odd ones are `y[2 m + 1] = w[1] x[m]`. Together a tile of
    /// 8x8 outputs takes 81 multiplications instead of 144.
    Enlarging, [5, 9, 8, 6], 4, SLICE_DEPTH
}

impl Line<5, 9, 8, 6> for Enlarging {
    #[inline(always)]
    fn forward<V: Lanes>(x: [V; 5]) -> [V; 9] {
        let [a, b, c, d, e] = halves::forward(x);
        [a, b, c, d, e, x[1], x[2], x[3], x[4]]
    }

    #[inline(always)]
    fn back<V: Lanes>([a, b, c, d, e, odd0, odd1, odd2, odd3]: [V; 9]) -> [V; 8] {
        let even = halves::back([a, b, c, d, e]);
        [even[0], odd0, even[1], odd1, even[2], odd2, even[3], odd3]
    }

    #[inline(always)]
    fn evaluate<V: Lanes>([w0, w1, w2]: [V; 3]) -> [V; 6] {
        let [a, b, c, d, e] = halves::evaluate([w2, w0]);
        [a, b, c, d, e, w1]
    }
}

scheme! {
    /// The convolution of stride 2: `y[p] = w[0] x[2 p] + w[1] x[2 p + 1] + w[2] x[2 p + 2]`.
    ///
    /// It is the sum of one with two taps of the even inputs, for which F(4, 2) takes five multiplications
    /// for four outputs, and of one with a single tap of the odd inputs. A tile of 4x4 outputs takes 81
    /// multiplications instead of 144.
    Halving, [9, 9, 4, 6], 8, SLICE_DEPTH
}

impl Line<9, 9, 4, 6> for Halving {
    #[inline(always)]
    fn forward<V: Lanes>(x: [V; 9]) -> [V; 9] {
        let [a, b, c, d, e] = halves::forward([x[0], x[2], x[4], x[6], x[8]]);
        [a, b, c, d, e, x[1], x[3], x[5], x[7]]
    }

    #[inline(always)]
    fn back<V: Lanes>([a, b, c, d, e, odd0, odd1, odd2, odd3]: [V; 9]) -> [V; 4] {
        let even = halves::back([a, b, c, d, e]);
        [even[0].add(odd0), even[1].add(odd1), even[2].add(odd2), even[3].add(odd3)]
    }

    #[inline(always)]
    fn evaluate<V: Lanes>([w0, w1, w2]: [V; 3]) -> [V; 6] {
        let [a, b, c, d, e] = halves::evaluate([w0, w2]);
        [a, b, c, d, e, w1]
    }
}
