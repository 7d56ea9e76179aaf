//! Batches of pictures and masks that go together, as float samples.

use crate::resample::resample;
use dreamwire_sdk::prelude::*;
use fast_image_resize::{FilterType, ResizeAlg};

/// All samples, in the order of the axes.
pub(crate) fn samples(tensor: &Tensor) -> Result<Vec<f32>> {
    Ok(tensor.flatten_all()?.to_vec1::<f32>()?)
}

/// The samples of one image of a batch, or of its only image; an image has `length` of them.
pub(crate) fn one_of(batch: &[f32], index: usize, length: usize) -> &[f32] {
    let start = if batch.len() == length { 0 } else { index * length };
    &batch[start..start + length]
}

/// How many pairs two batches make, given as port and number of images: as many as either has, where a single image goes
/// with all of the other.
///
/// # Errors
/// Names both ports and both numbers.
pub(crate) fn paired(first: (&str, usize), second: (&str, usize)) -> Result<usize> {
    let ((one, counts), (other, others)) = (first, second);
    if counts != others && counts.min(others) != 1 {
        let message = format!("`{other}` has {others} images, but `{one}` has {counts}");
        return Err(Error::shape(other, message).hint("use as many as in the other batch, or one for all"));
    }
    Ok(counts.max(others))
}

/// Checks that there is one mask for all of `images` images, or one for each.
///
/// # Errors
/// Names the port and both numbers.
pub(crate) fn covered(port: &str, masks: usize, images: usize) -> Result<()> {
    if masks == 1 || masks == images {
        return Ok(());
    }
    let message = format!("`{port}` has {masks} masks, but there are {images} images");
    Err(Error::shape(port, message).hint("use as many masks as images, or one for all"))
}

/// Checks that two batches `[B,H,W,C]` have the same number of channels.
///
/// # Errors
/// Names both ports and both numbers.
pub(crate) fn same_channels(first: (&str, &Tensor), second: (&str, &Tensor)) -> Result<()> {
    let ((one, image), (other, another)) = (first, second);
    let (wanted, found) = (image.dim(3)?, another.dim(3)?);
    if wanted == found {
        return Ok(());
    }
    let message = format!("`{other}` must have {wanted} channels, like `{one}`, found {found}");
    Err(Error::shape(other, message))
}

/// The whole mask `[B,H,W]` at another size `(width, height)`, bilinear, `[B,height,width,1]`.
pub(crate) fn stretched(mask: &Tensor, size: (usize, usize)) -> Result<Tensor> {
    let (_, height, width) = mask.dims3()?;
    let mask = mask.unsqueeze(3)?;
    if (width, height) == size {
        return Ok(mask);
    }
    resample(&mask, size, ResizeAlg::Convolution(FilterType::Bilinear), |_, _| Ok(()))
}
