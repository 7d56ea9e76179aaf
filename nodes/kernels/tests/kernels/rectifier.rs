use candle_core::{Result, Tensor};
use dreamwire_kernels::Rectifier;

/// The formula in candle's own ops.
pub(crate) fn rectify(x: &Tensor, rectifier: Rectifier) -> Result<Tensor> {
    let Rectifier { slope, gain, clamp } = rectifier;
    let negative = (x.neg()?.relu()? * slope)?;
    let y = ((x.relu()? - negative)? * gain)?;
    match clamp {
        Some(clamp) => y.clamp(-clamp, clamp),
        None => Ok(y),
    }
}
