// Indexed loops: iterators are not always inlined, and then miss the vector instructions.
#![allow(clippy::needless_range_loop)]

use rayon::prelude::*;

use crate::element::Element;
use crate::memory::Buffer;
use crate::simd::{Job, Lanes};

mod turn;

pub(crate) use turn::{to_pixels, to_planes};

/// A batch of feature maps, channels last: `[n, h, w, c]`, contiguous.
///
/// Channels are innermost so that a strip of rows is one contiguous piece of memory and every inner loop runs over
/// contiguous channels.
pub(crate) struct Activation<T: Element> {
    pub(crate) n: usize,
    pub(crate) h: usize,
    pub(crate) w: usize,
    pub(crate) c: usize,
    pub(crate) data: Buffer<T>,
}

/// A borrowed [`Activation`].
#[derive(Clone, Copy)]
pub(crate) struct View<'a, T> {
    pub(crate) n: usize,
    pub(crate) h: usize,
    pub(crate) w: usize,
    pub(crate) c: usize,
    pub(crate) data: &'a [T],
}

impl<'a, T> View<'a, T> {
    /// `data` holds images of shape `[n, h, w, c]`.
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

impl<T: Element> Activation<T> {
    pub(crate) fn zeros([n, c, h, w]: [usize; 4]) -> Self {
        Self { n, h, w, c, data: Buffer::zeros(n * c * h * w) }
    }

    /// A map with unspecified contents.
    pub(crate) fn new([n, c, h, w]: [usize; 4]) -> Self {
        Self { n, h, w, c, data: Buffer::new(n * c * h * w) }
    }

    /// `[n, c, h, w]`.
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
        to_pixels(source, shape, &mut map.data);
        map
    }

    /// Into `[n, c, h, w]`, contiguous.
    pub(crate) fn write_nchw(&self, target: &mut [T]) {
        to_planes(&self.data, self.shape(), target);
    }

    /// `self += other`, both of the same shape.
    pub(crate) fn accumulate(&mut self, other: &Self) {
        const CHUNK: usize = 1 << 14;
        self.data.par_chunks_mut(CHUNK).zip(other.data.par_chunks(CHUNK)).for_each(|(to, from)| {
            T::run(Add { to, from });
        });
    }
}

/// `to += from`, both of the same length.
pub(crate) struct Add<'a, T> {
    pub(crate) to: &'a mut [T],
    pub(crate) from: &'a [T],
}

impl<T: Element> Job<T> for Add<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Element = T>>(self) {
        let Self { to, from } = self;
        let count = to.len();
        let from = &from[..count];
        for index in 0..count {
            to[index] += from[index];
        }
    }
}
