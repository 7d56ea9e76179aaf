//! Reflect padding.

use candle_core::{Result, Tensor};

use super::attach::attach1;
use super::edges::resized;
use crate::layer::Padding;

/// `x`, `[n, c, h, w]`, with its mirrored edges around it. Each side of `padding`, whose mode is
/// [`Reflect`](crate::PaddingMode::Reflect), must be smaller than the map.
pub(crate) fn mirrored(x: &Tensor, padding: Padding) -> Result<Tensor> {
    if padding.is_empty() {
        return Ok(x.clone());
    }
    let (_, _, h, w) = x.dims4()?;
    let value = |x: &Tensor| {
        let shown = |count: usize, source: &dyn Fn(usize) -> Option<usize>| {
            let shown: Vec<u32> = (0..count).filter_map(source).map(|position| position as u32).collect();
            Tensor::new(shown, x.device())
        };
        let rows = shown(padding.top + h + padding.bottom, &|row| padding.row(row, h))?;
        let columns = shown(padding.left + w + padding.right, &|column| padding.column(column, w))?;
        x.contiguous()?.index_select(&rows, 2)?.index_select(&columns, 3)
    };
    attach1("mirror", x, value, move |_, gradient| folded(gradient, padding))
}

/// The adjoint of [`mirrored`]: every padded pixel's number is added to that of the pixel it showed.
fn folded(x: &Tensor, padding: Padding) -> Result<Tensor> {
    let value = |x: &Tensor| {
        let x = folded_along(x, 2, [padding.top, padding.bottom])?;
        folded_along(&x, 3, [padding.left, padding.right])?.contiguous()
    };
    attach1("mirror-fold", x, value, move |_, gradient| mirrored(gradient, padding))
}

fn folded_along(x: &Tensor, dim: usize, [before, after]: [usize; 2]) -> Result<Tensor> {
    let size = x.dim(dim)? - before - after;
    let mut sum = x.narrow(dim, before, size)?;
    // By side: where its numbers begin, how many there are, and how many are before those that it showed.
    for (start, count, first) in [(0, before, 1), (before + size, after, (size - 1).saturating_sub(after))] {
        if count > 0 {
            let edge = x.narrow(dim, start, count)?.contiguous()?.flip(&[dim])?;
            let (first, rest) = (first as isize, (size - first - count) as isize);
            sum = (sum + resized(&edge, dim, first, rest)?)?;
        }
    }
    Ok(sum)
}
