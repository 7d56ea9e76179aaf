use super::channels::{colours, with_channels};
use super::placement::Placement;
use crate::batch::{covered, one_of, paired, samples, stretched};
use crate::limits;
use crate::resample::resample;
use dreamwire_sdk::prelude::*;
use fast_image_resize::{FilterType, ResizeAlg};

/// Puts a picture at a place of another, where a mask says so.
///
/// With d of `destination`, s of `source` and m of `mask`, each sample is `d (1 - m) + s m`, clamped to 0..1,
/// display-referred. The left upper corner of the source lies at `x`, `y`; what reaches out of the destination
/// is cut off. The mask belongs to the source: one of another size is resized to it, bilinearly. Inputs as
/// ComfyUI's.
///
/// IMAGE has the size and the channels of `destination`, `[B,H,W,C]`: if only the source has alpha, that is
/// dropped (it does not blend: SplitImageWithAlpha and InvertMask make a mask of it); if only the destination
/// has, the source is opaque. The images of two batches are paired; a single image or mask goes with all of
/// them.
///
/// Errors: a source with colours on a grey destination; a picture that has neither 1, 3 nor 4 channels; batches
/// that do not match; more than 100 megapixels over the batch.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// Column of the destination at which the source begins; it may lie outside.
    #[schemars(range(min = -32768, max = 32768), extend("x-dw-unit" = "px"))]
    pub(crate) x: i32,
    /// Row of the destination at which the source begins; it may lie outside.
    #[schemars(range(min = -32768, max = 32768), extend("x-dw-unit" = "px"))]
    pub(crate) y: i32,
    /// Resize the source to the size of the destination first, bilinearly.
    pub(crate) resize_source: bool,
}

#[derive(Default)]
pub(crate) struct ImageCompositeMasked;

impl Node for ImageCompositeMasked {
    const KIND: Kind = Kind::new("ImageCompositeMasked", 1)
        .title("Composite Images")
        .category("image")
        .inputs(&[
            port("destination", "IMAGE").doc("The lower picture, `[B or 1,H,W,C]`."),
            port("source", "IMAGE").doc("The picture that is put on it, `[B or 1,h,w,c]`."),
            port("mask", "MASK")
                .optional()
                .doc("Where the source is visible, `[B or 1,h,w]`; everywhere if not connected."),
        ])
        .outputs(&[port("IMAGE", "IMAGE").doc("The composite, `[B,H,W,C]` in 0..1.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let (below, above) = (inputs.image("destination")?, inputs.image("source")?);
        let (images, height, width, channels) = below.dims4()?;
        let batch = paired(("destination", images), ("source", above.dim(0)?))?;
        limits::check("the result", batch as u64, width as u64, height as u64)?;
        colours("destination", &below)?;
        let mut above = with_channels("source", &above, channels)?;
        if params.resize_source {
            let bilinear = ResizeAlg::Convolution(FilterType::Bilinear);
            above = resample(&above, (width, height), bilinear, |done, total| {
                call.progress(done, total, "resizing")
            })?;
        }
        let (_, above_height, above_width, _) = above.dims4()?;
        let mask = inputs.opt_mask("mask")?;
        let mask = mask.map(|mask| {
            covered("mask", mask.dim(0)?, batch)?;
            samples(&stretched(&mask, (above_width, above_height))?)
        });
        let mask = mask.transpose()?;
        let columns = Placement::new(params.x, above_width, width);
        let rows = Placement::new(params.y, above_height, height);
        if columns.length == 0 || rows.length == 0 {
            call.warn("`source` lies outside of `destination`, so nothing of it is visible");
        }

        let (below, above) = (samples(&below)?, samples(&above)?);
        let (area, above_area) = (height * width, above_height * above_width);
        let mut composite = Vec::with_capacity(batch * area * channels);
        for index in 0..batch {
            call.progress(index as u64, batch as u64, "compositing")?;
            let start = composite.len();
            composite.extend(one_of(&below, index, area * channels).iter().map(|v| v.clamp(0.0, 1.0)));
            let image = &mut composite[start..];
            let above = one_of(&above, index, above_area * channels);
            let mask = mask.as_ref().map(|mask| one_of(mask, index, above_area));
            for row in 0..rows.length {
                let to = ((rows.to + row) * width + columns.to) * channels;
                let from = (rows.from + row) * above_width + columns.from;
                let pixels = image[to..to + columns.length * channels].chunks_exact_mut(channels);
                let given = above[from * channels..].chunks_exact(channels);
                for (column, (pixel, given)) in pixels.zip(given).enumerate() {
                    let amount = mask.map_or(1.0, |mask| mask[from + column]);
                    for (d, s) in pixel.iter_mut().zip(given) {
                        // In this form 0 gives exactly the one, and 1 exactly the other.
                        *d = (*d * (1.0 - amount) + s * amount).clamp(0.0, 1.0);
                    }
                }
            }
        }
        Ok(Tensor::from_vec(composite, (batch, height, width, channels), call.device())?.into())
    }
}

#[cfg(test)]
mod tests;
