use rayon::prelude::*;

use crate::activation::Activation;
use crate::element::Element;
use crate::simd::{Job, Lanes};

/// Pixels per task.
const PIXELS: usize = 256;

/// The activation after a convolution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Rectified<T> {
    No,
    /// `max(x, 0)`; NaN stays NaN.
    Relu,
    /// `x` where it is positive, otherwise this times `x`. It is positive, so that signs are kept.
    Leaky(T),
}

impl<T: Element> Rectified<T> {
    /// For the values of a map.
    pub(crate) fn apply_all(self, values: &mut [T]) {
        if self != Rectified::No {
            values.par_chunks_mut(64 * PIXELS).for_each(|values| T::run(Rectify { rectified: self, values }));
        }
    }

    /// For a vector.
    #[inline(always)]
    pub(crate) fn of<V: Lanes<Element = T>>(self, value: V) -> V {
        let zero = V::splat(T::ZERO);
        match self {
            Rectified::No => value,
            Rectified::Relu => zero.larger(value),
            Rectified::Leaky(slope) => V::select(value.above(zero), value, value.mul(V::splat(slope))),
        }
    }

    /// For one number.
    #[inline(always)]
    pub(crate) fn of_one(self, value: T) -> T {
        match self {
            Rectified::Relu if value < T::ZERO => T::ZERO,
            Rectified::Leaky(slope) if value <= T::ZERO => value * slope,
            _ => value,
        }
    }

    /// The slope where the output is not positive.
    pub(crate) fn slope(self) -> T {
        match self {
            Rectified::No => T::from_f64(1.0),
            Rectified::Relu => T::ZERO,
            Rectified::Leaky(slope) => slope,
        }
    }
}

struct Rectify<'a, T> {
    rectified: Rectified<T>,
    values: &'a mut [T],
}

impl<T: Element> Job<T> for Rectify<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Element = T>>(self) {
        for value in self.values {
            *value = self.rectified.of_one(*value);
        }
    }
}

/// `value`, but at most `clamp` in absolute value; NaN stays NaN.
#[inline(always)]
pub(crate) fn clamped<V: Lanes>(value: V, clamp: V::Element) -> V {
    let (most, least) = (V::splat(clamp), V::splat(V::Element::ZERO - clamp));
    let value = V::select(value.above(most), most, value);
    V::select(least.above(value), least, value)
}

/// Bytes of bits per pixel of `channels` channels: one bit each, two bytes per sixteen.
pub(crate) fn byte_len(channels: usize) -> usize {
    channels.div_ceil(16) * 2
}

/// Which outputs of a rectifier are positive, one bit each, and the slope of the others.
pub(crate) struct Signs<T> {
    pub(crate) bytes: Vec<u8>,
    pub(crate) slope: T,
}

impl<T: Element> Signs<T> {
    /// None set, for `pixels` pixels of `channels` channels.
    pub(crate) fn new(pixels: usize, channels: usize, rectified: Rectified<T>) -> Self {
        Self { bytes: vec![0; pixels * byte_len(channels)], slope: rectified.slope() }
    }

    /// Of a rectified map.
    pub(crate) fn of(map: &Activation<T>, rectified: Rectified<T>) -> Self {
        let mut signs = Self::new(map.n * map.h * map.w, map.c, rectified);
        if map.c > 0 {
            let tasks = signs.bytes.par_chunks_mut(PIXELS * byte_len(map.c));
            tasks
                .zip(map.data.par_chunks(PIXELS * map.c))
                .for_each(|(bytes, values)| note_signs(values, map.c, bytes));
        }
        signs
    }

    /// Multiplies a gradient by the derivative: a slope of zero gives zero, even for infinity and NaN.
    pub(crate) fn apply(&self, gradient: &mut Activation<T>) {
        let (c, slope) = (gradient.c, self.slope);
        if c == 0 {
            return;
        }
        let tasks = gradient.data.par_chunks_mut(PIXELS * c).zip(self.bytes.par_chunks(PIXELS * byte_len(c)));
        tasks.for_each(|(values, bytes)| T::run(ApplySigns { values, channels: c, bytes, slope }));
    }
}

/// Sets the bits of the positive values of some rectified pixels.
pub(crate) fn note_signs<T: Element>(values: &[T], channels: usize, bytes: &mut [u8]) {
    T::run(NoteSigns { values, channels, bytes });
}

/// Pixels and channels as which `len` elements can be processed. Pixels with whole bytes are contiguous, as
/// if they were one.
fn layout(len: usize, channels: usize) -> [usize; 2] {
    if channels.is_multiple_of(16) { [1, len] } else { [len / channels, channels] }
}

struct NoteSigns<'a, T> {
    values: &'a [T],
    channels: usize,
    bytes: &'a mut [u8],
}

impl<T: Element> Job<T> for NoteSigns<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Element = T>>(self) {
        let Self { values, channels, bytes } = self;
        let [pixels, channels] = layout(values.len(), channels);
        let zero = V::splat(T::ZERO);
        let bytes_each = byte_len(channels);
        assert!(values.len() >= pixels * channels && bytes.len() >= pixels * bytes_each);
        for pixel in 0..pixels {
            let (first, byte) = (pixel * channels, pixel * bytes_each);
            let mut channel = 0;
            while channel < channels {
                let values = if channel + V::WIDTH <= channels {
                    // SAFETY: at least as many channels are left as there are lanes.
                    unsafe { V::load(values.as_ptr().add(first + channel)) }
                } else {
                    V::load_part(&values[first + channel..first + channels])
                };
                // SAFETY: a pixel has a byte for every eight channels, and an even number of them.
                unsafe {
                    write_bits::<V>(bytes.as_mut_ptr().add(byte + channel / 8), V::bits(values.above(zero)))
                };
                channel += V::WIDTH;
            }
        }
    }
}

struct ApplySigns<'a, T> {
    values: &'a mut [T],
    channels: usize,
    bytes: &'a [u8],
    slope: T,
}

impl<T: Element> Job<T> for ApplySigns<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Element = T>>(self) {
        let Self { values, channels, bytes, slope } = self;
        let [pixels, channels] = layout(values.len(), channels);
        let bytes_each = byte_len(channels);
        assert!(values.len() >= pixels * channels);
        for pixel in 0..pixels {
            let (first, byte) = (pixel * channels, pixel * bytes_each);
            let mut channel = 0;
            while channel < channels {
                let kept = V::mask(read_bits::<V>(&bytes[byte + channel / 8..]));
                if channel + V::WIDTH <= channels {
                    // SAFETY: at least as many channels are left as there are lanes.
                    unsafe {
                        let at = values.as_mut_ptr().add(first + channel);
                        with_slope(V::load(at), kept, slope).store(at);
                    }
                } else {
                    let rest = &mut values[first + channel..first + channels];
                    with_slope(V::load_part(rest), kept, slope).store_part(rest);
                }
                channel += V::WIDTH;
            }
        }
    }
}

/// A gradient times the derivative of a rectifier: 1 in the lanes of `kept`, `slope` in the others.
#[inline(always)]
pub(crate) fn with_slope<V: Lanes>(gradient: V, kept: V::Mask, slope: V::Element) -> V {
    // Not times zero: infinity has to become zero too.
    let other = if slope == V::Element::ZERO { V::splat(slope) } else { gradient.mul(V::splat(slope)) };
    V::select(kept, gradient, other)
}

/// Writes the bits of a vector, one per lane.
///
/// # Safety
///
/// There is a byte for every eight lanes, and nobody else uses it.
#[inline(always)]
pub(crate) unsafe fn write_bits<V: Lanes>(to: *mut u8, bits: u16) {
    let [low, high] = bits.to_le_bytes();
    // SAFETY: the caller's promise.
    unsafe {
        *to = low;
        if V::WIDTH > 8 {
            *to.add(1) = high;
        }
    }
}

/// The bits of a vector, one per lane: the first byte, or the first two where there are sixteen lanes.
#[inline(always)]
pub(crate) fn read_bits<V: Lanes>(bytes: &[u8]) -> u16 {
    u16::from_le_bytes([bytes[0], if V::WIDTH > 8 { bytes[1] } else { 0 }])
}
