use candle_core::{D, Result, Tensor, bail};

/// The sum of each image's numbers: `[B, ..]` to `[B]`.
///
/// One dimension after the other: in f32, many short sums keep digits that one long sum loses.
pub(super) fn image_sum(x: &Tensor) -> Result<Tensor> {
    let mut sum = x.clone();
    while sum.rank() > 1 {
        sum = sum.sum(D::Minus1)?;
    }
    Ok(sum)
}

/// The mean of each image's numbers: `[B, ..]` to `[B]`.
pub(super) fn image_mean(x: &Tensor) -> Result<Tensor> {
    let count: usize = x.dims().iter().skip(1).product();
    image_sum(x)? / count as f64
}

/// `|x|`, with the derivative 0 at 0: no gradient where a picture equals its target. (candle's own `abs` has
/// 1 there.)
pub(super) fn magnitude(x: &Tensor) -> Result<Tensor> {
    x * x.sign()?.detach()
}

/// `x - target`, where `target` may have one image for all of `x`.
///
/// # Errors
///
/// If the shapes differ otherwise.
pub(super) fn difference(x: &Tensor, target: &Tensor) -> Result<Tensor> {
    let (found, expected) = (target.dims(), x.dims());
    let fits = match (found, expected) {
        ([images, found @ ..], [batch, expected @ ..]) => {
            found == expected && (*images == 1 || images == batch)
        }
        _ => false,
    };
    if !fits {
        bail!("a target must have shape {expected:?}, or one image of it, found {found:?}")
    }
    x.broadcast_sub(target)
}

/// Checks that there are as many of `what` as layers.
///
/// # Errors
///
/// If there are not.
pub(super) fn check_count(layers: usize, what: &str, found: usize) -> Result<()> {
    if found != layers {
        bail!("expected {layers} {what}, one per layer, found {found}")
    }
    Ok(())
}

/// `sum_l weights[l] * values[l]` of values `[B]`.
///
/// # Errors
///
/// If there is no layer, or a value could not be computed.
pub(super) fn weighted_sum(
    values: impl IntoIterator<Item = Result<Tensor>>,
    weights: &[f64],
) -> Result<Tensor> {
    let mut sum: Option<Tensor> = None;
    for (value, weight) in values.into_iter().zip(weights) {
        let term = (value? * *weight)?;
        sum = Some(match sum {
            Some(sum) => (sum + term)?,
            None => term,
        });
    }
    let Some(sum) = sum else { bail!("at least one layer is needed, found none") };
    Ok(sum)
}
