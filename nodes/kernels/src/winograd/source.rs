//! Where the inputs of tiles come from.

use std::marker::PhantomData;

use super::scheme::Scheme;
use super::{Grid, Place};
use crate::activation::View;
use crate::element::Element;
use crate::layer::Padding;
use crate::relu::{byte_len, read_bits};
use crate::simd::{Job, Lanes};

/// Inputs of the largest tile.
const MOST_INPUTS: usize = 81;

/// Which value of each 2x2 window a pool took, as bits: two bytes of bits per sixteen channels of a pooled
/// pixel.
#[derive(Clone, Copy)]
pub(crate) struct Winners<'a> {
    /// Set for the right column.
    pub(crate) right: &'a [u8],
    /// Set for the lower row.
    pub(crate) below: &'a [u8],
}

/// The map that a convolution reads.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a, T> {
    pub(crate) map: View<'a, T>,
    pub(crate) padding: Padding,
    /// One factor per image and channel, `[n, c]`.
    pub(crate) scale: Option<&'a [T]>,
    /// The map is the gradient of a 2x2 pool's outputs; the convolution reads that of its inputs, of this
    /// height and width: every value is at its window's winner, everything else is zero.
    pub(crate) unpool: Option<(Winners<'a>, [usize; 2])>,
}

impl<'a, T: Element> Source<'a, T> {
    pub(crate) fn new(map: View<'a, T>, padding: Padding) -> Self {
        Self { map, padding, scale: None, unpool: None }
    }

    /// Height and width of what the convolution reads.
    pub(crate) fn size(&self) -> [usize; 2] {
        self.unpool.map_or([self.map.h, self.map.w], |(_, size)| size)
    }

    /// Whether all inputs of a tile are pixels of the stored map.
    #[inline(always)]
    fn is_inside<S: Scheme>(&self, place: Place) -> bool {
        let [h, w] = self.size();
        let (y, x) = (place.y * S::STRIDE, place.x * S::STRIDE);
        self.unpool.is_none()
            && (y >= self.padding.top && y + S::INPUTS <= h + self.padding.top)
            && (x >= self.padding.left && x + S::INPUTS <= w + self.padding.left)
    }

    /// Copies the inputs of a tile for the channels from `channel`: one vector per input, zeros outside the
    /// map.
    #[inline(always)]
    fn gather<V: Lanes<Element = T>, S: Scheme>(
        &self,
        place: Place,
        channel: usize,
        to: &mut [V; MOST_INPUTS],
    ) {
        let [h, w] = self.size();
        let (y, x) = (place.y * S::STRIDE, place.x * S::STRIDE);
        if let Some((winners, _)) = self.unpool
            && let (Some(y), Some(x)) = (y.checked_sub(self.padding.top), x.checked_sub(self.padding.left))
            && (y % 2, x % 2, S::INPUTS % 2) == (1, 1, 0)
            && y + S::INPUTS < 2 * self.map.h
            && x + S::INPUTS < 2 * self.map.w
        {
            return self.unpool_inside::<V, S>(
                winners,
                (place.n * self.map.h + y / 2) * self.map.w + x / 2,
                channel,
                to,
            );
        }
        for i in 0..S::INPUTS {
            let y = self.padding.row(y + i, h);
            for j in 0..S::INPUTS {
                to[i * S::INPUTS + j] = match (y, self.padding.column(x + j, w)) {
                    (Some(y), Some(x)) => self.pixel(place.n, y, x, channel),
                    _ => V::splat(T::ZERO),
                };
            }
        }
    }

    /// The same for a tile that covers the lower right pixel of the window `first`, half of the windows
    /// beside and below it, and so on: each window is read once.
    #[inline(always)]
    fn unpool_inside<V: Lanes<Element = T>, S: Scheme>(
        &self,
        winners: Winners<'_>,
        first: usize,
        channel: usize,
        to: &mut [V; MOST_INPUTS],
    ) {
        let bytes = byte_len(self.map.c);
        let zero = V::splat(T::ZERO);
        let windows = S::INPUTS / 2 + 1;
        for i in 0..windows {
            for j in 0..windows {
                let pixel = first + i * self.map.w + j;
                let value: V = self.stored(pixel, channel);
                let right = V::mask(read_bits::<V>(&winners.right[pixel * bytes + channel / 8..]));
                let below = V::mask(read_bits::<V>(&winners.below[pixel * bytes + channel / 8..]));
                let (on_left, on_right) = (V::select(right, zero, value), V::select(right, value, zero));
                // The window's rows are 2 i - 1 and 2 i of the tile, its columns 2 j - 1 and 2 j.
                if i > 0 && j > 0 {
                    to[(2 * i - 1) * S::INPUTS + 2 * j - 1] = V::select(below, zero, on_left);
                }
                if i > 0 && j + 1 < windows {
                    to[(2 * i - 1) * S::INPUTS + 2 * j] = V::select(below, zero, on_right);
                }
                if i + 1 < windows && j > 0 {
                    to[2 * i * S::INPUTS + 2 * j - 1] = V::select(below, on_left, zero);
                }
                if i + 1 < windows && j + 1 < windows {
                    to[2 * i * S::INPUTS + 2 * j] = V::select(below, on_right, zero);
                }
            }
        }
    }

    #[inline(always)]
    fn pixel<V: Lanes<Element = T>>(&self, n: usize, y: usize, x: usize, channel: usize) -> V {
        let map = &self.map;
        let Some((winners, _)) = self.unpool else {
            return self.stored((n * map.h + y) * map.w + x, channel);
        };
        // Pixels beyond the pooled windows got no gradient.
        if y / 2 >= map.h || x / 2 >= map.w {
            return V::splat(T::ZERO);
        }
        let pixel = (n * map.h + y / 2) * map.w + x / 2;
        let at = pixel * byte_len(map.c) + channel / 8;
        let right = read_bits::<V>(&winners.right[at..]) ^ if x % 2 == 1 { 0 } else { u16::MAX };
        let below = read_bits::<V>(&winners.below[at..]) ^ if y % 2 == 1 { 0 } else { u16::MAX };
        let won = right & below & (u16::MAX >> (16 - V::WIDTH));
        V::select(V::mask(won), self.stored(pixel, channel), V::splat(T::ZERO))
    }

    /// The channels from `channel` of pixel `pixel` of the batch.
    #[inline(always)]
    fn stored<V: Lanes<Element = T>>(&self, pixel: usize, channel: usize) -> V {
        let channels = &self.map.data[pixel * self.map.c..][..self.map.c][channel..];
        if channels.len() >= V::WIDTH {
            // SAFETY: there are at least as many numbers as lanes.
            unsafe { V::load(channels.as_ptr()) }
        } else {
            V::load_part(channels)
        }
    }
}

/// Transforms some tiles: `[points][tiles][row_len]`, of which the channels are written, up to a whole vector.
pub(super) struct TransformTiles<'a, T, S> {
    source: &'a Source<'a, T>,
    grid: Grid,
    first: usize,
    count: usize,
    to: *mut T,
    point_len: usize,
    row_len: usize,
    scheme: PhantomData<S>,
}

impl<'a, T: Element, S: Scheme> TransformTiles<'a, T, S> {
    /// For `count` tiles, starting with `first`.
    ///
    /// # Safety
    ///
    /// `to` leads to all points of `point_len` numbers, in each of which the tiles lie `row_len` apart, which is at
    /// least the channels rounded up to 16; nobody else uses the numbers of these tiles.
    pub(super) unsafe fn new(
        source: &'a Source<'a, T>,
        grid: Grid,
        [first, count]: [usize; 2],
        to: *mut T,
        [point_len, row_len]: [usize; 2],
    ) -> Self {
        Self { source, grid, first, count, to, point_len, row_len, scheme: PhantomData }
    }
}

impl<T: Element, S: Scheme> Job<T> for TransformTiles<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Element = T>>(self) {
        let Self { source, grid, first, count, to, point_len, row_len, .. } = self;
        let c = source.map.c;
        let mut gathered = [V::splat(T::ZERO); MOST_INPUTS];
        for tile in 0..count {
            let place = grid.place(first + tile);
            let is_inside = source.is_inside::<S>(place);
            let scale = source.scale.map(|scale| &scale[place.n * c..][..c]);
            for channel in (0..c).step_by(V::WIDTH) {
                let (pixels, strides) = if is_inside && channel + V::WIDTH <= c {
                    let (y, x) =
                        (place.y * S::STRIDE - source.padding.top, place.x * S::STRIDE - source.padding.left);
                    let map = &source.map;
                    let last = ((place.n * map.h + y + S::INPUTS - 1) * map.w + x + S::INPUTS) * c;
                    assert!(last <= map.data.len());
                    let first = ((place.n * map.h + y) * map.w + x) * c + channel;
                    (map.data[first..].as_ptr(), [map.w * c, c])
                } else {
                    source.gather::<V, S>(place, channel, &mut gathered);
                    (gathered.as_ptr().cast(), [S::INPUTS * V::WIDTH, V::WIDTH])
                };
                // No closures: they are not always inlined, and then miss the vector instructions.
                let scale = match scale {
                    Some(scale) if channel + V::WIDTH <= c => {
                        // SAFETY: there are as many factors as channels.
                        Some(unsafe { V::load(scale[channel..].as_ptr()) })
                    }
                    Some(scale) => Some(V::load_part(&scale[channel..])),
                    None => None,
                };
                // SAFETY: the pixels of an inner tile are inside the map, those of others were gathered; `to`
                // has room for the tiles by the contract of `new`.
                unsafe {
                    let to = to.add(tile * row_len + channel);
                    S::input(pixels, strides, scale, to, point_len);
                }
            }
        }
    }
}
