//! Average pooling. Candle's has no padding, and no gradient where windows overlap.

use candle_core::{Device, Result, Tensor};

use super::axis::{Axis, summed};
use super::factors::scaled;
use crate::average_pool::AveragePool;

/// The means of the windows of `x`, `[n, c, h, w]`; there are `count` of them along each side.
pub(crate) fn average_pool(x: &Tensor, pool: AveragePool, count: [usize; 2]) -> Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    let windows = pool.windows;
    let rows = Axis { dim: 2, windows, size: h, count: count[0] };
    let columns = Axis { dim: 3, windows, size: w, count: count[1] };
    let sums = summed(&summed(x, rows)?, columns)?;
    scaled(&sums, &shares(pool, rows, columns)?.to_dtype(x.dtype())?.to_device(x.device())?)
}

/// By window: one by the number of its pixels, `[h, w]` on the CPU.
fn shares(pool: AveragePool, rows: Axis, columns: Axis) -> Result<Tensor> {
    let counted = |axis: Axis| {
        let counted = (0..axis.count).map(|window| pool.counted(window, axis.size) as f64);
        Tensor::from_vec(counted.collect::<Vec<_>>(), axis.count, &Device::Cpu)
    };
    let pixels = counted(rows)?.reshape((rows.count, 1))?.broadcast_mul(&counted(columns)?)?;
    pixels.recip()
}
