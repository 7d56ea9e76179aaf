use candle_core::{DType, Result, Tensor};

/// Folds a batch normalisation into the convolution before it, with weight `[O, I, kh, kw]` and bias `[O]`.
/// At inference it is `(y - mean) / sqrt(variance + epsilon) * gamma + beta` per channel of `y` (Ioffe &
/// Szegedy, arXiv:1502.03167, algorithm 2). The norm's tensors are `[O]`.
///
/// # Errors
///
/// If the shapes do not fit each other.
pub(crate) fn folded(
    weight: &Tensor,
    bias: Option<&Tensor>,
    [gamma, beta, mean, variance]: [Tensor; 4],
    epsilon: f64,
) -> Result<(Tensor, Tensor)> {
    // In f64, so that folding adds a single rounding.
    let double = |tensor: &Tensor| tensor.to_dtype(DType::F64);
    let scale = (double(&gamma)? / (double(&variance)? + epsilon)?.sqrt()?)?;
    let centred = match bias {
        Some(bias) => (double(bias)? - double(&mean)?)?,
        None => double(&mean)?.neg()?,
    };
    let bias = ((centred * &scale)? + double(&beta)?)?;
    let scaled = double(weight)?.broadcast_mul(&scale.reshape(((), 1, 1, 1))?)?;
    Ok((scaled.to_dtype(weight.dtype())?, bias.to_dtype(weight.dtype())?))
}
