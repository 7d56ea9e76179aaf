use rayon::prelude::*;

use crate::activation::Activation;
use crate::element::Element;

/// Pixels per task.
const PIXELS: usize = 256;

/// The function behind a convolution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Rectified<T> {
    No,
    /// `max(x, 0)`; NaN stays NaN.
    Relu,
    /// `x` where it is positive, this times `x` elsewhere. It is positive, so that the signs stay.
    Leaky(T),
}

impl<T: Element> Rectified<T> {
    pub(crate) fn apply(self, values: &mut [T]) {
        match self {
            Rectified::No => {}
            Rectified::Relu => {
                for value in values {
                    *value = if *value < T::ZERO { T::ZERO } else { *value };
                }
            }
            Rectified::Leaky(slope) => {
                for value in values {
                    *value = if *value > T::ZERO { *value } else { *value * slope };
                }
            }
        }
    }

    /// The same in parallel.
    pub(crate) fn apply_all(self, values: &mut [T]) {
        values.par_chunks_mut(64 * PIXELS).for_each(|values| self.apply(values));
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

/// Bytes of bits per pixel of so many channels: a bit each, two bytes for every sixteen.
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

    /// Of a map that was rectified.
    pub(crate) fn of(map: &Activation<T>, rectified: Rectified<T>) -> Self {
        let mut signs = Self::new(map.n * map.h * map.w, map.c, rectified);
        if map.c > 0 {
            let tasks = signs.bytes.par_chunks_mut(PIXELS * byte_len(map.c));
            tasks.zip(map.data.par_chunks(PIXELS * map.c)).for_each(|(bytes, values)| {
                for (bytes, pixel) in bytes.chunks_exact_mut(byte_len(map.c)).zip(values.chunks_exact(map.c))
                {
                    for (byte, values) in bytes.iter_mut().zip(pixel.chunks(8)) {
                        for (bit, value) in values.iter().enumerate() {
                            *byte |= u8::from(*value > T::ZERO) << bit;
                        }
                    }
                }
            });
        }
        signs
    }

    /// Multiplies a gradient by the slopes: where it is zero nothing is left, whatever was there.
    pub(crate) fn apply(&self, gradient: &mut Activation<T>) {
        let (c, slope) = (gradient.c, self.slope);
        if c == 0 {
            return;
        }
        let tasks = gradient.data.par_chunks_mut(PIXELS * c).zip(self.bytes.par_chunks(PIXELS * byte_len(c)));
        tasks.for_each(|(values, bytes)| {
            for (pixel, bytes) in values.chunks_exact_mut(c).zip(bytes.chunks_exact(byte_len(c))) {
                for (values, byte) in pixel.chunks_mut(8).zip(bytes) {
                    for (bit, value) in values.iter_mut().enumerate() {
                        let other = if slope == T::ZERO { T::ZERO } else { *value * slope };
                        *value = if byte >> bit & 1 == 1 { *value } else { other };
                    }
                }
            }
        });
    }
}
