use rayon::prelude::*;

use crate::element::Element;
use crate::memory::Buffer;

/// A batch of feature maps, channels last: `[n, h, w, c]`, contiguous.
///
/// Channels are innermost so that a strip of rows is one contiguous piece of memory (threads get
/// disjoint slices without `unsafe`) and every inner loop runs over contiguous channels.
pub(crate) struct Activation<T: Element> {
    pub(crate) n: usize,
    pub(crate) h: usize,
    pub(crate) w: usize,
    pub(crate) c: usize,
    pub(crate) data: Buffer<T>,
}

/// The same, borrowed.
#[derive(Clone, Copy)]
pub(crate) struct View<'a, T> {
    pub(crate) n: usize,
    pub(crate) h: usize,
    pub(crate) w: usize,
    pub(crate) c: usize,
    pub(crate) data: &'a [T],
}

impl<'a, T> View<'a, T> {
    /// `data` holds images of the shape `[n, h, w, c]`.
    pub(crate) fn new(data: &'a [T], [n, h, w, c]: [usize; 4]) -> Self {
        Self { n, h, w, c, data }
    }

    /// Elements of one image.
    pub(crate) fn image_len(&self) -> usize {
        self.h * self.w * self.c
    }
}

impl<T: Element> Clone for Activation<T> {
    fn clone(&self) -> Self {
        let mut copy = Self::new(self.shape());
        copy.data.copy_from_slice(&self.data);
        copy
    }
}

/// Channels that one task copies between the layouts: 16 f32 are one cache line.
const BAND: usize = 16;

impl<T: Element> Activation<T> {
    pub(crate) fn zeros([n, c, h, w]: [usize; 4]) -> Self {
        Self { n, h, w, c, data: Buffer::zeros(n * c * h * w) }
    }

    /// A map whose numbers may be anything.
    pub(crate) fn new([n, c, h, w]: [usize; 4]) -> Self {
        Self { n, h, w, c, data: Buffer::new(n * c * h * w) }
    }

    /// `[n, c, h, w]`
    pub(crate) fn shape(&self) -> [usize; 4] {
        [self.n, self.c, self.h, self.w]
    }

    pub(crate) fn view(&self) -> View<'_, T> {
        View { n: self.n, h: self.h, w: self.w, c: self.c, data: &self.data }
    }

    /// Elements of one image.
    pub(crate) fn image_len(&self) -> usize {
        self.view().image_len()
    }

    /// From `[n, c, h, w]`, contiguous.
    pub(crate) fn from_nchw(source: &[T], shape: [usize; 4]) -> Self {
        let mut map = Self::new(shape);
        let (plane, c) = (map.h * map.w, map.c);
        if source.is_empty() {
            return map;
        }
        // A run of pixels per task: reads c short runs, writes one long one.
        let pixels = 256;
        map.data.par_chunks_mut(plane * c).zip(source.par_chunks(plane * c)).for_each(|(to, from)| {
            to.par_chunks_mut(pixels * c).enumerate().for_each(|(strip, to)| {
                let start = strip * pixels;
                for (channel, from) in from.chunks_exact(plane).enumerate() {
                    for (pixel, value) in to[channel..].iter_mut().step_by(c).zip(&from[start..]) {
                        *pixel = *value;
                    }
                }
            });
        });
        map
    }

    /// Into `[n, c, h, w]`, contiguous.
    pub(crate) fn write_nchw(&self, target: &mut [T]) {
        let (plane, c) = (self.h * self.w, self.c);
        if target.is_empty() {
            return;
        }
        target.par_chunks_mut(plane * c).zip(self.data.par_chunks(plane * c)).for_each(|(to, from)| {
            to.par_chunks_mut(plane * BAND).enumerate().for_each(|(band, to)| {
                let first = band * BAND;
                for (index, pixel) in from.chunks_exact(c).enumerate() {
                    for (plane, value) in to.chunks_exact_mut(plane).zip(&pixel[first..]) {
                        plane[index] = *value;
                    }
                }
            });
        });
    }

    /// `self += other`, both of one shape.
    pub(crate) fn accumulate(&mut self, other: &Self) {
        const CHUNK: usize = 1 << 14;
        self.data.par_chunks_mut(CHUNK).zip(other.data.par_chunks(CHUNK)).for_each(|(to, from)| {
            for (to, from) in to.iter_mut().zip(from) {
                *to += *from;
            }
        });
    }
}
