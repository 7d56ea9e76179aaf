use candle_core::WithDType;

use crate::tile::{self, TileKernel};
use crate::winograd::Transforms;

/// The number types a stack computes in: `f32` for work, `f64` for finite differences.
pub(crate) trait Element: WithDType {
    const ZERO: Self;

    fn tile_kernel() -> TileKernel<Self>;

    fn transforms() -> Transforms<Self>;
}

impl Element for f32 {
    const ZERO: Self = 0.0;

    fn tile_kernel() -> TileKernel<Self> {
        tile::kernel_f32()
    }

    fn transforms() -> Transforms<Self> {
        Transforms::f32()
    }
}

impl Element for f64 {
    const ZERO: Self = 0.0;

    fn tile_kernel() -> TileKernel<Self> {
        tile::kernel_f64()
    }

    fn transforms() -> Transforms<Self> {
        Transforms::f64()
    }
}
