//! The channels of pictures: grey, colours, and colours with alpha.

use dreamwire_sdk::prelude::*;

/// How many of the channels of an IMAGE are colours: 1 or 3; a fourth is alpha.
///
/// # Errors
/// If it has neither 1, 3 nor 4 channels; names `port`.
pub(crate) fn colours(port: &str, image: &Tensor) -> Result<usize> {
    match image.dim(3)? {
        1 => Ok(1),
        3 | 4 => Ok(3),
        other => {
            let message = format!("`{port}` must have 1, 3 or 4 channels, found {other}");
            Err(Error::shape(port, message))
        }
    }
}

/// The picture as `[B,H,W,3]`: without alpha, grey in all colours.
///
/// # Errors
/// As [`colours`].
pub(crate) fn rgb(port: &str, image: &Tensor) -> Result<Tensor> {
    let (batch, height, width, channels) = image.dims4()?;
    match (colours(port, image)?, channels) {
        (1, _) => Ok(image.broadcast_as((batch, height, width, 3))?.contiguous()?),
        (_, 3) => Ok(image.clone()),
        _ => Ok(image.narrow(3, 0, 3)?.contiguous()?),
    }
}

/// The picture with `wanted` channels, like another: alpha is dropped, or opaque; grey is in all colours.
///
/// # Errors
/// If it has colours and `wanted` is 1, or as [`colours`].
pub(crate) fn with_channels(port: &str, image: &Tensor, wanted: usize) -> Result<Tensor> {
    let (batch, height, width, channels) = image.dims4()?;
    let found = colours(port, image)?;
    if channels == wanted {
        return Ok(image.clone());
    }
    match wanted {
        1 => {
            let message = format!("`{port}` has {found} colour channels, but goes into a grey picture");
            Err(Error::shape(port, message).hint("make the other picture one of 3 channels"))
        }
        3 => rgb(port, image),
        _ => {
            let opaque = Tensor::ones((batch, height, width, 1), DType::F32, image.device())?;
            Ok(Tensor::cat(&[rgb(port, image)?, opaque], 3)?)
        }
    }
}
