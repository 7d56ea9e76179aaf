//! Products with constants, and bias.

use candle_core::{D, Result, Tensor};

use super::attach::{attach1, attach2, tracked};

/// `x` times constants, whose shape can be broadcast to that of `x`. Candle's own product computes a gradient of the
/// constants too.
pub(super) fn scaled(x: &Tensor, factors: &Tensor) -> Result<Tensor> {
    let factors = factors.detach();
    let value = |x: &Tensor| x.broadcast_mul(&factors);
    attach1("scale", x, value, {
        let factors = factors.clone();
        move |_, gradient| scaled(gradient, &factors)
    })
}

/// `x`, `[n, c, h, w]`, with a number per channel, `[c]`, added.
pub(crate) fn biased(x: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let channels = bias.dim(D::Minus1)?;
    attach2(
        "bias",
        [x, bias],
        |x, bias| x.broadcast_add(&bias.reshape((1, channels, 1, 1))?),
        |[x, bias], gradient| {
            Ok([tracked(x, || Ok(gradient.clone()))?, tracked(bias, || gradient.sum((0, 2, 3)))?])
        },
    )
}
