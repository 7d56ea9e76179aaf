//! Target pictures as a network paints them: its aspect ratio, size and channels.

use dreamwire_nets::optim::resize_area;
use dreamwire_sdk::prelude::*;

/// What a channel counts in grey (Rec. 709).
const LUMA: [f32; 3] = [0.2126, 0.7152, 0.0722];

/// `image` as a network paints pictures of `[B,height,width,channels]`: cropped around its centre, resized by area, its
/// channels converted. Says what it does to it.
///
/// # Errors
///
/// If its channels cannot be converted.
pub(super) fn fitted(
    call: &Call,
    image: &Tensor,
    (height, width): (usize, usize),
    channels: usize,
) -> Result<Tensor> {
    let (_, old_height, old_width, old_channels) = image.dims4()?;
    let Some(image) = with_channels(image, channels)? else {
        let message =
            format!("`image` has {old_channels} channels, the pictures of `generator` have {channels}");
        return Err(Error::shape("image", message));
    };
    if (old_height, old_width) == (height, width) {
        return Ok(image.contiguous()?);
    }
    let (kept_height, kept_width) = central((old_height, old_width), (height, width));
    let mut what = format!("`image`, {old_width}x{old_height}, is ");
    if (kept_height, kept_width) != (old_height, old_width) {
        what += &format!("cropped to its central {kept_width}x{kept_height} and ");
    }
    call.info(&format!("{what}resized to {width}x{height}, as `generator` paints"));
    let rows = image.narrow(1, (old_height - kept_height) / 2, kept_height)?;
    let kept = rows.narrow(2, (old_width - kept_width) / 2, kept_width)?.contiguous()?;
    Ok(resize_area(&kept, height, width)?)
}

/// The largest height and width inside of the first with the aspect ratio of the second, in whole pixels.
fn central((old_height, old_width): (usize, usize), (height, width): (usize, usize)) -> (usize, usize) {
    let scaled = |side: usize, by: usize, over: usize| {
        ((side as f64 * by as f64 / over as f64).round() as usize).max(1)
    };
    (old_height.min(scaled(old_width, height, width)), old_width.min(scaled(old_height, width, height)))
}

/// Pictures `[B,H,W,C]` with other channels: grey becomes equal colours and colours their luma, alpha is dropped or 1.
/// It is differentiable. `None` if there is no rule.
///
/// # Errors
///
/// Those of candle.
pub(super) fn with_channels(image: &Tensor, channels: usize) -> Result<Option<Tensor>> {
    let (batch, height, width, found) = image.dims4()?;
    let opaque = || Tensor::ones((batch, height, width, 1), image.dtype(), image.device());
    Ok(Some(match (found, channels) {
        (found, wanted) if found == wanted => image.clone(),
        (3 | 4, 1) => {
            let luma = Tensor::new(&LUMA, image.device())?;
            image.narrow(3, 0, 3)?.broadcast_mul(&luma)?.sum_keepdim(3)?
        }
        (1, 3) => Tensor::cat(&[image, image, image], 3)?,
        (1, 4) => Tensor::cat(&[image, image, image, &opaque()?], 3)?,
        (3, 4) => Tensor::cat(&[image, &opaque()?], 3)?,
        (4, 3) => image.narrow(3, 0, 3)?,
        _ => return Ok(None),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crops_are_central() {
        assert_eq!(central((96, 128), (64, 64)), (96, 96));
        assert_eq!(central((128, 96), (64, 64)), (96, 96));
        assert_eq!(central((100, 100), (32, 64)), (50, 100));
        assert_eq!(central((1, 500), (64, 64)), (1, 1));
        assert_eq!(central((50, 100), (32, 64)), (50, 100));
    }

    #[test]
    fn channels_are_converted() {
        let pixel = |values: &[f32]| {
            Tensor::new(values, &Device::Cpu).unwrap().reshape((1, 1, 1, values.len())).unwrap()
        };
        let check = |from: &[f32], to: &[f32]| {
            let found = with_channels(&pixel(from), to.len()).unwrap().unwrap().flatten_all().unwrap();
            let found = found.to_vec1::<f32>().unwrap();
            assert!(found.iter().zip(to).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?}");
        };
        check(&[0.5], &[0.5]);
        check(&[0.5], &[0.5, 0.5, 0.5]);
        check(&[0.5], &[0.5, 0.5, 0.5, 1.0]);
        check(&[0.1, 0.2, 0.3], &[0.1, 0.2, 0.3, 1.0]);
        check(&[0.1, 0.2, 0.3, 0.5], &[0.1, 0.2, 0.3]);
        check(&[1.0, 0.0, 0.5, 0.3], &[0.2126 + 0.0361]);
        assert!(with_channels(&pixel(&[0.1, 0.2]), 3).unwrap().is_none());
    }
}
