//! Max pooling. Candle's has no padding, its gradient is a fraction of the right one and fails where windows overlap.

use candle_core::{DType, Result, Tensor};

use super::attach::attach1;
use super::axis::Axis;
use crate::element::Element;
use crate::windows::Windows;

/// The largest number of each window of `x`, `[n, c, h, w]`; there are `count` windows along each side. NaN is larger
/// than numbers. The gradient goes to the first number of a window that is not smaller than the largest by more than
/// rounding: see [`Layer::MaxPool`](crate::Layer::MaxPool).
pub(crate) fn max_pool(x: &Tensor, windows: Windows, count: [usize; 2]) -> Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    let rows = Axis { dim: 2, windows, size: h, count: count[0] };
    let columns = Axis { dim: 3, windows, size: w, count: count[1] };
    let pool = Pool { rows, columns };
    let map = x.detach();
    let views = pool.views(&map, f32::NEG_INFINITY)?;
    let largest = largest(&views)?;
    if !x.track_op() {
        return Ok(largest);
    }
    let winners = pool.winners(&map, &views, &largest)?;
    attach1("max-pool", x, |_| Ok(largest), move |_, gradient| scattered(gradient, &winners, pool))
}

/// The windows of a map.
#[derive(Clone, Copy)]
struct Pool {
    rows: Axis,
    columns: Axis,
}

impl Pool {
    /// By place in the window, row by row: the numbers of all windows, `[n, c, h, w]`, without a copy.
    fn views(self, x: &Tensor, fill: f32) -> Result<Vec<Tensor>> {
        let padded = self.columns.padded(&self.rows.padded(x, fill)?, fill)?;
        let windows = self.columns.unfolded(&self.rows.unfolded(&padded.contiguous()?)?)?;
        let kernel = self.rows.windows.kernel;
        let view = |place: usize| {
            windows.narrow(4, place / kernel, 1)?.narrow(5, place % kernel, 1)?.squeeze(5)?.squeeze(4)
        };
        (0..kernel * kernel).map(view).collect()
    }

    /// The place in each window, as u8, of the number that gets its gradient.
    fn winners(self, map: &Tensor, views: &[Tensor], largest: &Tensor) -> Result<Tensor> {
        let least = finite(&largest.broadcast_sub(&self.tolerance(map)?)?)?;
        let mut winners = Tensor::zeros(largest.shape(), DType::U8, largest.device())?;
        for (place, view) in views.iter().enumerate().rev() {
            let place = Tensor::new(place as u8, winners.device())?.broadcast_as(winners.shape())?;
            // NaN is not smaller, and wins.
            winners = view.contiguous()?.lt(&least)?.where_cond(&winners, &place)?;
        }
        Ok(winners)
    }

    /// How far numbers that tie may differ, `[n, 1, h, w]`: the rounding of the convolution before, estimated as the
    /// kernels do, by the largest channel of the window's first pixel.
    fn tolerance(self, map: &Tensor) -> Result<Tensor> {
        let tie = if map.dtype() == DType::F64 { f64::TIE } else { f64::from(f32::TIE) };
        let firsts = |axis: Axis| {
            let first = |window| axis.windows.pixels(window, axis.size).start as u32;
            Tensor::new((0..axis.count).map(first).collect::<Vec<_>>(), map.device())
        };
        let sizes = map.abs()?.max_keepdim(1)?.affine(tie, 0.0)?;
        sizes.index_select(&firsts(self.rows)?, 2)?.index_select(&firsts(self.columns)?, 3)
    }
}

/// By window the largest number; NaN is larger than any.
fn largest(views: &[Tensor]) -> Result<Tensor> {
    let mut largest = views[0].contiguous()?;
    for view in &views[1..] {
        let view = view.contiguous()?;
        // Not `maximum`, which loses NaN on some devices.
        largest = view.gt(&largest)?.where_cond(&view, &largest)?;
        largest = view.ne(&view)?.where_cond(&view, &largest)?;
    }
    Ok(largest)
}

/// Thresholds that no padding reaches, and no number if they were NaN.
fn finite(thresholds: &Tensor) -> Result<Tensor> {
    let constant = |number: f32| {
        Tensor::new(number, thresholds.device())?
            .to_dtype(thresholds.dtype())?
            .broadcast_as(thresholds.shape())
    };
    let is_nan = thresholds.ne(thresholds)?;
    let thresholds = is_nan.where_cond(&constant(f32::INFINITY)?, thresholds)?;
    let lowest = constant(f32::MIN)?;
    thresholds.lt(&lowest)?.where_cond(&lowest, &thresholds)
}

/// Every window's number at the place of its winner; windows that overlap are added.
fn scattered(x: &Tensor, winners: &Tensor, pool: Pool) -> Result<Tensor> {
    let value = |x: &Tensor| {
        let (x, zeros) = (x.contiguous()?, x.zeros_like()?);
        let kernel = pool.rows.windows.kernel;
        let row = |v: usize| {
            let at = |u: usize| winners.eq((v * kernel + u) as u8)?.where_cond(&x, &zeros);
            pool.columns.spread(&(0..kernel).map(at).collect::<Result<Vec<_>>>()?)
        };
        pool.rows.spread(&(0..kernel).map(row).collect::<Result<Vec<_>>>()?)
    };
    let again = winners.clone();
    attach1("max-pool-scatter", x, value, move |_, gradient| gathered(gradient, &again, pool))
}

/// The adjoint of [`scattered`]: the number at the place of each window's winner.
fn gathered(x: &Tensor, winners: &Tensor, pool: Pool) -> Result<Tensor> {
    let value = |x: &Tensor| {
        let mut numbers = Tensor::zeros(winners.shape(), x.dtype(), x.device())?;
        for (place, view) in pool.views(x, 0.0)?.iter().enumerate() {
            numbers = winners.eq(place as u8)?.where_cond(&view.contiguous()?, &numbers)?;
        }
        Ok(numbers)
    };
    let again = winners.clone();
    attach1("max-pool-gather", x, value, move |_, gradient| scattered(gradient, &again, pool))
}
