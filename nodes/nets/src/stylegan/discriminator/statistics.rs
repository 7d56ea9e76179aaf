use candle_core::{Result, Tensor};

/// Added to a variance.
const EPSILON: f64 = 1e-8;

/// `x`, `[B, h, w, C]`, and `count` channels more that say how much the pictures of a group differ: the standard deviation
/// over the group, averaged over the positions and over a `count`-th of the channels each (Karras et al., "Progressive
/// Growing of GANs", arXiv:1710.10196, section 3, and NVIDIA's grouping: picture i is in group i modulo the number of
/// groups).
///
/// A group has `most` pictures, or the whole batch if that is smaller or `most` is none. A batch that `most` does not
/// divide, which NVIDIA's code refuses, has groups of the largest number below that does.
pub(super) fn with_statistics(x: &Tensor, count: usize, most: Option<usize>) -> Result<Tensor> {
    if count == 0 {
        return Ok(x.clone());
    }
    let (batch, h, w, channels) = x.dims4()?;
    let most = most.unwrap_or(batch).min(batch);
    let group = (1..=most).rev().find(|size| batch.is_multiple_of(*size)).unwrap_or(1);
    let y = x.reshape(&[group, batch / group, h * w, count, channels / count][..])?;
    let variance = y.broadcast_sub(&y.mean_keepdim(0)?)?.sqr()?.mean(0)?;
    // [groups, count]
    let deviation = (variance + EPSILON)?.sqrt()?.mean((1, 3))?;
    let planes = deviation.reshape((1, batch / group, 1, 1, count))?.broadcast_as((
        group,
        batch / group,
        h,
        w,
        count,
    ))?;
    Tensor::cat(&[x, &planes.contiguous()?.reshape((batch, h, w, count))?], 3)
}
