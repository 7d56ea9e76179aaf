use std::ops::Range;

/// Windows of a pool: `kernel` pixels every `stride`, starting `padding` pixels outside the picture.
///
/// The padding is at most half of the kernel, so that every window contains at least one pixel.
#[derive(Clone, Copy)]
pub(crate) struct Windows {
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) padding: usize,
}

impl Windows {
    /// Number of windows along a side of `size` pixels; `None` if none fits.
    pub(crate) fn count(self, size: usize, ceil_mode: bool) -> Option<usize> {
        if size == 0 {
            return None;
        }
        let padded = size + 2 * self.padding;
        if !ceil_mode {
            return Some(padded.checked_sub(self.kernel)? / self.stride + 1);
        }
        let last = padded.saturating_sub(self.kernel).div_ceil(self.stride);
        // A window has to start in the picture or before it (PyTorch drops later ones).
        Some(if last * self.stride >= size + self.padding { last } else { last + 1 })
    }

    /// The pixels of a side of `size` that window `index` contains.
    pub(crate) fn pixels(self, index: usize, size: usize) -> Range<usize> {
        let start = index * self.stride;
        start.saturating_sub(self.padding)..(start + self.kernel - self.padding).min(size)
    }

    /// The windows, of `count`, that contain any of `pixels`.
    pub(crate) fn seeing(self, pixels: Range<usize>, count: usize) -> Range<usize> {
        let first = (pixels.start + self.padding + 1).saturating_sub(self.kernel).div_ceil(self.stride);
        first..(pixels.end + self.padding).div_ceil(self.stride).min(count)
    }
}
