use candle_core::{Result, Tensor};

use super::SMALLEST;
use crate::optim::roll;

/// The penalties of planes `[B, h, w, 1]`, `[B]`, and their gradients, made of candle's operators: in the number type and
/// on the device of the planes.
pub(super) fn of_planes(planes: &Tensor) -> Result<(Tensor, Tensor)> {
    let (batch, height, width, _) = planes.dims4()?;
    let (across, across_gradient) = neighbours(planes, [0, 1])?;
    let (down, down_gradient) = neighbours(planes, [1, 0])?;
    let (mut penalty, mut gradient) = ((across + down)?, (across_gradient + down_gradient)?);
    if height.min(width) > SMALLEST {
        let (rows, columns) = (height / 2, width / 2);
        // An odd last row or column is left out.
        let even = planes.narrow(1, 0, 2 * rows)?.narrow(2, 0, 2 * columns)?.contiguous()?;
        let half = (even.reshape((batch, rows, 2, columns, 2))?.sum(4)?.sum(2)? / 4.0)?;
        let (of_half, half_gradient) = of_planes(&half.unsqueeze(3)?)?;
        penalty = (penalty + of_half)?;
        let spread = (half_gradient / 4.0)?.reshape((batch, rows, 1, columns, 1))?;
        let spread = spread.broadcast_as((batch, rows, 2, columns, 2))?.contiguous()?;
        let spread = spread.reshape((batch, 2 * rows, 2 * columns, 1))?;
        let spread = spread.pad_with_zeros(1, 0, height % 2)?.pad_with_zeros(2, 0, width % 2)?;
        gradient = (gradient + spread)?;
    }
    Ok((penalty, gradient))
}

/// The squared mean product of every pixel and its neighbour so many rows and columns on, `[B]`, and its gradient.
fn neighbours(planes: &Tensor, [rows, columns]: [i64; 2]) -> Result<(Tensor, Tensor)> {
    let (_, height, width, _) = planes.dims4()?;
    let (next, previous) = (roll(planes, -rows, -columns)?, roll(planes, rows, columns)?);
    let count = (height * width) as f64;
    // Short sums, which keep their digits in f32.
    let mean = ((planes * &next)?.sum_keepdim(2)?.sum_keepdim(1)? / count)?;
    let gradient = (next + previous)?.broadcast_mul(&(&mean * (2.0 / count))?)?;
    Ok((mean.sqr()?.flatten_all()?, gradient))
}
