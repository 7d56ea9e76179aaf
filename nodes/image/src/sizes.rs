//! Pictures of several sizes that are to be one batch.

use crate::geometry::Area;
use crate::resample::resample;
use dreamwire_sdk::prelude::*;
use fast_image_resize::{FilterType, ResizeAlg};
use serde::Serialize;

/// What happens to pictures of another size than the first.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Sizes {
    // They are refused.
    #[default]
    Same,
    // Their centre is resized to the size of the first.
    First,
}

impl Sizes {
    /// The pictures `[B,h,w,C]` called `what`, at the size `(width, height)` of those called `first`.
    ///
    /// # Errors
    /// They have another size, and are not to be resized.
    pub(crate) fn fit(
        self,
        call: &Call,
        (what, image): (&str, &Tensor),
        (first, size): (&str, (usize, usize)),
    ) -> Result<Tensor> {
        let (_, height, width, _) = image.dims4()?;
        if self == Self::Same && (width, height) != size {
            let message = format!(
                "`{what}` is {width}x{height}, but `{first}` is {}x{}, and a batch has one size",
                size.0, size.1
            );
            return Err(Error::content(message).hint(
                "set `resize` to first, which resizes the centre of the others, or make them of one size",
            ));
        }
        fitted(call, (what, image), (first, size))
    }
}

/// The central crop of `image` with the aspect ratio of `size` (width, height), resized to it (Catmull-Rom), with a note that
/// calls it `what`, and what has that size `first`.
pub(crate) fn fitted(
    call: &Call,
    (what, image): (&str, &Tensor),
    (first, size): (&str, (usize, usize)),
) -> Result<Tensor> {
    let (_, height, width, _) = image.dims4()?;
    if (width, height) == size {
        return Ok(image.clone());
    }
    call.info(&format!(
        "`{what}` is {width}x{height}: its centre is resized to {}x{}, the size of `{first}`",
        size.0, size.1
    ));
    let middle = Area::central((width, height), size).cut(image)?;
    let bicubic = ResizeAlg::Convolution(FilterType::CatmullRom);
    resample(&middle, size, bicubic, |done, total| call.progress(done, total, "resizing"))
}
