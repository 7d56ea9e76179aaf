//! Rectangles of pixels, inside of a picture and beyond its borders.

use super::Edge;
use crate::batch::samples;
use dreamwire_sdk::prelude::*;
use rayon::prelude::*;

/// Rows between two questions whether to go on.
pub(crate) const STRIP: usize = 256;

/// A rectangle that lies inside of a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Area {
    pub(crate) x: usize,
    pub(crate) y: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

impl Area {
    /// The largest one that has the aspect ratio of `width x height`, in the centre of a picture of size `old`: all of
    /// one side, and of the other what remains without the same number of pixels at both ends, as in ComfyUI.
    pub(crate) fn central(old: (usize, usize), (width, height): (usize, usize)) -> Self {
        // A half goes to the even number; at least one pixel stays.
        let margin = |side: usize, other: usize, over: usize, under: usize| {
            let left = side as f64 - other as f64 * over as f64 / under as f64;
            ((left / 2.0).round_ties_even().max(0.0) as usize).min((side - 1) / 2)
        };
        let (x, y) = (margin(old.0, old.1, width, height), margin(old.1, old.0, height, width));
        Self { x, y, width: old.0 - 2 * x, height: old.1 - 2 * y }
    }

    /// The part of a rectangle that lies inside of a picture of size `old`. One that begins outside is moved to the
    /// last pixel, so that at least one pixel is left.
    pub(crate) fn clamped(old: (usize, usize), at: (usize, usize), size: (usize, usize)) -> Self {
        let (x, y) = (at.0.min(old.0.saturating_sub(1)), at.1.min(old.1.saturating_sub(1)));
        Self { x, y, width: size.0.min(old.0 - x), height: size.1.min(old.1 - y) }
    }

    /// This part of all pictures `[B,H,W,C]` or masks `[B,H,W]`.
    pub(crate) fn cut(self, tensor: &Tensor) -> Result<Tensor> {
        let rows = tensor.narrow(1, self.y, self.height)?;
        Ok(rows.narrow(2, self.x, self.width)?.contiguous()?)
    }
}

/// What a frame of size `(width, height)` shows whose upper left pixel is at `(x, y)` of every picture `[B,H,W,C]`;
/// it may reach beyond their borders. `fill` has one sample per channel, for [`Edge::Constant`].
pub(crate) fn framed(
    call: &Call,
    image: &Tensor,
    (x, y): (i64, i64),
    (width, height): (usize, usize),
    edge: Edge,
    fill: &[f32],
) -> Result<Tensor> {
    let (batch, old_height, old_width, channels) = image.dims4()?;
    let columns: Vec<_> = (x..).take(width).map(|x| edge.pixel(x, old_width)).collect();
    let rows: Vec<_> = (y..).take(height).map(|y| edge.pixel(y, old_height)).collect();
    let mut framed = vec![0.0; batch * height * width * channels];
    for (index, picture) in framed.chunks_exact_mut(height * width * channels).enumerate() {
        let old = samples(&image.get(index)?)?;
        for (strip, part) in picture.chunks_mut(STRIP * width * channels).enumerate() {
            call.progress((index * height + strip * STRIP) as u64, (batch * height) as u64, "moving pixels")?;
            part.par_chunks_exact_mut(width * channels).zip(&rows[strip * STRIP..]).for_each(
                |(row, from)| {
                    for (pixel, column) in row.chunks_exact_mut(channels).zip(&columns) {
                        pixel.copy_from_slice(match from.zip(*column) {
                            Some((y, x)) => &old[(y * old_width + x) * channels..][..channels],
                            None => fill,
                        });
                    }
                },
            );
        }
    }
    Ok(Tensor::from_vec(framed, (batch, height, width, channels), image.device())?)
}

/// A mask `[1,height,width]` of such a frame around a picture of size `old`: 1 beyond its borders.
pub(crate) fn beyond(
    old: (usize, usize),
    (x, y): (i64, i64),
    (width, height): (usize, usize),
) -> Result<Tensor> {
    let inside = |start: i64, length: usize, old: usize| -> Vec<bool> {
        (start..).take(length).map(|at| Edge::Constant.pixel(at, old).is_some()).collect()
    };
    let (columns, rows) = (inside(x, width, old.0), inside(y, height, old.1));
    let mask: Vec<f32> = rows
        .iter()
        .flat_map(|row| columns.iter().map(move |column| if *row && *column { 0.0 } else { 1.0 }))
        .collect();
    Ok(Tensor::from_vec(mask, (1, height, width), &Device::Cpu)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_central_area_has_the_ratio_and_one_full_side() {
        let area = |x, y, width, height| Area { x, y, width, height };
        assert_eq!(Area::central((6, 4), (1, 1)), area(1, 0, 4, 4));
        assert_eq!(Area::central((4, 6), (10, 10)), area(0, 1, 4, 4));
        assert_eq!(Area::central((6, 4), (3, 2)), area(0, 0, 6, 4));
        // A ratio that no whole pixel has.
        assert_eq!(Area::central((1, 99), (99, 1)), area(0, 49, 1, 1));
    }

    #[test]
    fn a_clamped_area_keeps_a_pixel() {
        let area = |x, y, width, height| Area { x, y, width, height };
        assert_eq!(Area::clamped((10, 8), (2, 3), (4, 4)), area(2, 3, 4, 4));
        assert_eq!(Area::clamped((10, 8), (8, 6), (4, 4)), area(8, 6, 2, 2));
        assert_eq!(Area::clamped((10, 8), (10, 99), (4, 4)), area(9, 7, 1, 1));
    }
}
