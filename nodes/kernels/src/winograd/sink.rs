//! What happens to outputs of tiles, and where they go.

use super::source::Winners;
use super::{Place, STEP};
use crate::element::Element;
use crate::relu::{Rectified, Signs, byte_len};
use crate::shared::Shared;
use crate::simd::Lanes;

/// A value of a pool's window counts as the largest if it is that up to so many roundings of the largest product: in an
/// even area the outputs of a tile differ by their rounding, and the first of the window has to win.
const ROUNDINGS: f64 = 8.0;

/// Bits of the winners, to be written.
pub(crate) struct NewWinners<'a> {
    pub(crate) right: Shared<'a, u8>,
    pub(crate) below: Shared<'a, u8>,
}

/// The largest of every 2x2 window instead of the outputs.
pub(crate) struct Pool<'a> {
    /// Height and width of the pooled map.
    pub(crate) size: [usize; 2],
    /// Where the winners are noted, if anybody wants to know.
    pub(crate) winners: Option<NewWinners<'a>>,
}

/// The map that a convolution writes, `[n, h, w, c]`, or its pooled half.
pub(crate) struct Sink<'a, T> {
    pub(crate) out: Shared<'a, T>,
    pub(crate) n: usize,
    /// Height and width of the convolution's outputs.
    pub(crate) size: [usize; 2],
    pub(crate) channels: usize,
    /// One factor per image and channel, `[n, c]`.
    pub(crate) scale: Option<&'a [T]>,
    pub(crate) bias: Option<&'a [T]>,
    pub(crate) rectified: Rectified<T>,
    /// Where the signs of what is written are noted.
    pub(crate) signs: Option<Shared<'a, u8>>,
    /// What is multiplied with the slopes of the rectifier behind it, on the way back.
    pub(crate) keep: Option<&'a Signs<T>>,
    pub(crate) pool: Option<Pool<'a>>,
}

impl<'a, T: Element> Sink<'a, T> {
    /// Outputs as they are.
    pub(crate) fn new(out: Shared<'a, T>, n: usize, size: [usize; 2], channels: usize) -> Self {
        let (scale, bias, rectified) = (None, None, Rectified::No);
        Self { out, n, size, channels, scale, bias, rectified, signs: None, keep: None, pool: None }
    }

    /// Writes the outputs of one tile for the channels from `channel` on. `largest` is the absolute value of its largest
    /// product.
    ///
    /// # Safety
    ///
    /// Nobody else writes this tile's outputs of these channels.
    #[inline(always)]
    pub(super) unsafe fn write<V: Lanes<Element = T>>(
        &self,
        place: Place,
        channel: usize,
        tile: &[[V; STEP]; STEP],
        largest: V,
    ) {
        let [h, w] = self.size;
        let (top, left) = (place.y * STEP, place.x * STEP);
        if let Some(pool) = &self.pool {
            let [pooled_h, pooled_w] = pool.size;
            let tolerance = largest.mul(V::splat(T::EPSILON * T::from_f64(ROUNDINGS)));
            let count = (STEP / 2).min(pooled_w.saturating_sub(left / 2));
            for (i, rows) in tile.chunks_exact(2).enumerate().take(pooled_h.saturating_sub(top / 2)) {
                let pixel = (place.n * pooled_h + top / 2 + i) * pooled_w + left / 2;
                let mut row = [largest; STEP / 2];
                for (j, value) in row.iter_mut().enumerate().take(count) {
                    let window = [rows[0][2 * j], rows[0][2 * j + 1], rows[1][2 * j], rows[1][2 * j + 1]];
                    *value = self.take(pool, window, tolerance, pixel + j, channel);
                }
                self.finish(row, count, place.n, pixel, channel);
            }
            return;
        }
        let count = STEP.min(w - left);
        for (i, row) in tile.iter().enumerate().take(h - top) {
            self.finish(*row, count, place.n, (place.n * h + top + i) * w + left, channel);
        }
    }

    /// The largest of a window, whose place is noted.
    #[inline(always)]
    fn take<V: Lanes<Element = T>>(
        &self,
        pool: &Pool<'_>,
        [a, b, c, d]: [V; 4],
        tolerance: V,
        pixel: usize,
        channel: usize,
    ) -> V {
        let upper = b.larger(a);
        let largest = d.larger(c).larger(upper);
        if let Some(winners) = &pool.winners {
            let least = largest.sub(tolerance);
            let loses = |value: V| V::bits(least.above(value));
            let (not_a, not_b, not_c) = (loses(a), loses(b), loses(c));
            let below = not_a & not_b;
            let right = not_a & (!not_b | not_c);
            self.note::<V>(&winners.right, right, pixel, channel);
            self.note::<V>(&winners.below, below, pixel, channel);
        }
        // NaN is neither larger nor smaller, and has to come through.
        let nan = V::splat(T::from_f64(f64::NAN));
        let value = V::select(a.unordered(b), nan, largest);
        V::select(c.unordered(d), nan, value)
    }

    /// Scale, bias, rectifier and mask of the first `count` of some neighbouring pixels, which are then stored.
    #[inline(always)]
    fn finish<V: Lanes<Element = T>, const N: usize>(
        &self,
        mut row: [V; N],
        count: usize,
        n: usize,
        pixel: usize,
        channel: usize,
    ) {
        let zero = V::splat(T::ZERO);
        if let Some(scale) = self.scale {
            let scale = self.factors(&scale[n * self.channels..], channel);
            row.iter_mut().for_each(|value: &mut V| *value = value.mul(scale));
        }
        if let Some(bias) = self.bias {
            let bias = self.factors(bias, channel);
            row.iter_mut().for_each(|value: &mut V| *value = value.add(bias));
        }
        match self.rectified {
            Rectified::No => {}
            Rectified::Relu => row.iter_mut().for_each(|value| *value = zero.larger(*value)),
            Rectified::Leaky(slope) => {
                let slope = V::splat(slope);
                row.iter_mut()
                    .for_each(|value| *value = V::select(value.above(zero), *value, value.mul(slope)));
            }
        }
        if let Some(signs) = &self.signs {
            for (x, value) in row.iter().enumerate().take(count) {
                self.note::<V>(signs, V::bits(value.above(zero)), pixel + x, channel);
            }
        }
        if let Some(keep) = self.keep {
            let bytes = byte_len(self.channels);
            let signs = &keep.bytes[pixel * bytes + channel / 8..][..(count - 1) * bytes + V::WIDTH / 8];
            for (x, value) in row.iter_mut().enumerate().take(count) {
                let high = if V::WIDTH > 8 { signs[x * bytes + 1] } else { 0 };
                let kept = V::mask(u16::from_le_bytes([signs[x * bytes], high]));
                // Not times zero: infinity has to become zero too.
                let other = if keep.slope == T::ZERO { zero } else { value.mul(V::splat(keep.slope)) };
                *value = V::select(kept, *value, other);
            }
        }
        let lanes = (self.channels - channel).min(V::WIDTH);
        let to = self.out.at(pixel * self.channels + channel, (count - 1) * self.channels + lanes);
        for (x, value) in row.iter().enumerate().take(count) {
            // SAFETY: `at` found room for so many numbers, and by the contract of `write` they are this task's.
            unsafe {
                let to = to.add(x * self.channels);
                if lanes == V::WIDTH {
                    value.store(to);
                } else {
                    value.store_part(std::slice::from_raw_parts_mut(to, lanes));
                }
            }
        }
    }

    /// Writes a vector's bits.
    #[inline(always)]
    fn note<V: Lanes<Element = T>>(&self, bytes: &Shared<'_, u8>, bits: u16, pixel: usize, channel: usize) {
        let to = bytes.at(pixel * byte_len(self.channels) + channel / 8, V::WIDTH / 8);
        let [low, high] = bits.to_le_bytes();
        // SAFETY: `at` found room for them, and by the contract of `write` they are this task's.
        unsafe {
            *to = low;
            if V::WIDTH > 8 {
                *to.add(1) = high;
            }
        }
    }

    /// The factors of the channels from `channel` on.
    #[inline(always)]
    fn factors<V: Lanes<Element = T>>(&self, factors: &[T], channel: usize) -> V {
        let factors = &factors[..self.channels][channel..];
        if factors.len() >= V::WIDTH {
            // SAFETY: there are at least as many numbers as lanes.
            unsafe { V::load(factors.as_ptr()) }
        } else {
            V::load_part(factors)
        }
    }
}

/// Both halves of what a pool noted.
pub(crate) struct WinnerBits {
    pub(crate) right: Vec<u8>,
    pub(crate) below: Vec<u8>,
}

impl WinnerBits {
    /// For `pixels` pooled pixels of `channels` channels.
    pub(crate) fn new(pixels: usize, channels: usize) -> Self {
        let bytes = pixels * byte_len(channels);
        Self { right: vec![0; bytes], below: vec![0; bytes] }
    }

    pub(crate) fn write(&mut self) -> NewWinners<'_> {
        NewWinners { right: Shared::new(&mut self.right), below: Shared::new(&mut self.below) }
    }

    pub(crate) fn read(&self) -> Winners<'_> {
        Winners { right: &self.right, below: &self.below }
    }
}
