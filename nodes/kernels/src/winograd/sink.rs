//! What is applied to the outputs of tiles, and where they are stored.

// Indexed loops: iterators are not always inlined, and then miss the vector instructions.
#![allow(clippy::needless_range_loop)]

use super::Place;
use super::source::Winners;
use crate::element::Element;
use crate::epilogue::Epilogue;
use crate::relu::{Signs, byte_len, clamped, read_bits, with_slope, write_bits};
use crate::shared::Shared;
use crate::simd::Lanes;

/// Windows of a pool along one side of the largest tile.
const MOST_WINDOWS: usize = 4;

/// Bits of the winners, to be written.
pub(crate) struct NewWinners<'a> {
    pub(crate) right: Shared<'a, u8>,
    pub(crate) below: Shared<'a, u8>,
}

/// Stores the largest value of every 2x2 window instead of the outputs.
pub(crate) struct Pool<'a> {
    /// Height and width of the pooled map.
    pub(crate) size: [usize; 2],
    /// Where the winners are stored, if requested.
    pub(crate) winners: Option<NewWinners<'a>>,
}

/// The map that a convolution writes, `[n, h, w, c]`, or its pooled version.
pub(crate) struct Sink<'a, T> {
    pub(crate) out: Shared<'a, T>,
    pub(crate) n: usize,
    /// Height and width of the convolution's outputs.
    pub(crate) size: [usize; 2],
    pub(crate) channels: usize,
    pub(crate) epilogue: Epilogue<'a, T>,
    /// Where the signs of the outputs are stored.
    pub(crate) signs: Option<Shared<'a, u8>>,
    /// In a backward pass: the derivative of the rectifier that the map came from, which multiplies it.
    pub(crate) keep: Option<&'a Signs<T>>,
    pub(crate) pool: Option<Pool<'a>>,
}

impl<'a, T: Element> Sink<'a, T> {
    /// Unmodified outputs.
    pub(crate) fn new(out: Shared<'a, T>, n: usize, size: [usize; 2], channels: usize) -> Self {
        Self { out, n, size, channels, epilogue: Epilogue::none(), signs: None, keep: None, pool: None }
    }

    /// Writes the outputs of one tile, `O` by `O`, for the channels from `channel`. `largest` is the absolute
    /// value of its largest product.
    ///
    /// # Safety
    ///
    /// Nobody else writes this tile's outputs of these channels.
    #[inline(always)]
    pub(super) unsafe fn write<V: Lanes<Element = T>, const O: usize>(
        &self,
        place: Place,
        channel: usize,
        tile: &[[V; O]; O],
        largest: V,
    ) {
        let [h, w] = self.size;
        let (top, left) = (place.y * O, place.x * O);
        if let Some(pool) = &self.pool {
            let [pooled_h, pooled_w] = pool.size;
            // A value of a window counts as the largest if it is within a tolerance relative to the largest
            // product: in a uniform area the outputs of a tile differ by rounding, and the first of the
            // window has to win. Twice the tolerance of direct sums, because the values of a tile are rounded
            // more than once.
            let tolerance = largest.mul(V::splat(T::TIE + T::TIE));
            let count = (O / 2).min(pooled_w.saturating_sub(left / 2));
            if count == 0 {
                return;
            }
            for i in 0..(O / 2).min(pooled_h.saturating_sub(top / 2)) {
                let (upper, lower) = (&tile[2 * i], &tile[2 * i + 1]);
                let pixel = (place.n * pooled_h + top / 2 + i) * pooled_w + left / 2;
                let mut row = [largest; MOST_WINDOWS];
                for j in 0..count {
                    let window = [upper[2 * j], upper[2 * j + 1], lower[2 * j], lower[2 * j + 1]];
                    row[j] = self.take(pool, window, tolerance, pixel + j, channel);
                }
                self.finish(&mut row, count, place.n, pixel, channel);
            }
            return;
        }
        let count = O.min(w - left);
        for i in 0..O.min(h - top) {
            let mut row = tile[i];
            self.finish(&mut row, count, place.n, (place.n * h + top + i) * w + left, channel);
        }
    }

    /// The largest value of a window, whose position is stored.
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
            let not_a = V::bits(least.above(a));
            let not_b = V::bits(least.above(b));
            let not_c = V::bits(least.above(c));
            let below = not_a & not_b;
            let right = not_a & (!not_b | not_c);
            let at = pixel * byte_len(self.channels) + channel / 8;
            // SAFETY: `at` checked the range, and by the contract of `write` it belongs to this task.
            unsafe {
                write_bits::<V>(winners.right.at(at, V::WIDTH / 8), right);
                write_bits::<V>(winners.below.at(at, V::WIDTH / 8), below);
            }
        }
        // NaN is neither larger nor smaller, and must propagate.
        let nan = V::splat(T::from_f64(f64::NAN));
        let value = V::select(a.unordered(b), nan, largest);
        V::select(c.unordered(d), nan, value)
    }

    /// Epilogue and mask of the first `count` of some neighbouring pixels, which are then stored.
    #[inline(always)]
    fn finish<V: Lanes<Element = T>, const N: usize>(
        &self,
        row: &mut [V; N],
        count: usize,
        n: usize,
        pixel: usize,
        channel: usize,
    ) {
        let zero = V::splat(T::ZERO);
        let Epilogue { scale, noise, bias, rectified, clamp } = self.epilogue;
        if let Some(scale) = scale {
            let scale = self.factors::<V>(&scale[n * self.channels..], channel);
            for value in row.iter_mut() {
                *value = value.mul(scale);
            }
        }
        if let Some(noise) = noise {
            // A row lies within one image, and noise has whole images.
            let noise = &noise[pixel % noise.len()..][..count];
            for x in 0..count {
                row[x] = row[x].add(V::splat(noise[x]));
            }
        }
        if let Some(bias) = bias {
            let bias = self.factors::<V>(bias, channel);
            for value in row.iter_mut() {
                *value = value.add(bias);
            }
        }
        for value in row.iter_mut() {
            *value = rectified.of(*value);
        }
        if let Some(clamp) = clamp {
            for value in row.iter_mut() {
                *value = clamped(*value, clamp);
            }
        }
        let bytes = byte_len(self.channels);
        if let Some(signs) = &self.signs {
            let to = signs.at(pixel * bytes + channel / 8, (count - 1) * bytes + V::WIDTH / 8);
            for x in 0..count {
                // SAFETY: `at` checked the range, and by the contract of `write` it belongs to this task.
                unsafe { write_bits::<V>(to.add(x * bytes), V::bits(row[x].above(zero))) };
            }
        }
        if let Some(keep) = self.keep {
            let signs = &keep.bytes[pixel * bytes + channel / 8..][..(count - 1) * bytes + V::WIDTH / 8];
            for x in 0..count {
                let kept = V::mask(read_bits::<V>(&signs[x * bytes..]));
                row[x] = with_slope(row[x], kept, keep.slope);
            }
        }
        let lanes = (self.channels - channel).min(V::WIDTH);
        let to = self.out.at(pixel * self.channels + channel, (count - 1) * self.channels + lanes);
        for x in 0..count {
            // SAFETY: `at` checked the range, and by the contract of `write` it belongs to this task.
            unsafe {
                let to = to.add(x * self.channels);
                if lanes == V::WIDTH {
                    row[x].store(to);
                } else {
                    row[x].store_part(std::slice::from_raw_parts_mut(to, lanes));
                }
            }
        }
    }

    /// The factors of the channels from `channel`.
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

/// The two bits of every winner.
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
