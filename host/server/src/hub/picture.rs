//! Previews as JPEG.

use dreamwire_engine::Tensor;
use dreamwire_session::Picture;
use image::codecs::jpeg::JpegEncoder;
use image::ExtendedColorType;

/// The longest side of a preview, in pixels.
const LONGEST: usize = 512;
const QUALITY: u8 = 85;

/// The first picture of an IMAGE as JPEG, at most 512 pixels long. `None` if the tensor is no picture.
pub(crate) fn preview(image: &Tensor) -> Option<Vec<u8>> {
    let picture = Picture::of(image)?.within(LONGEST, LONGEST);
    let [width, height] = [picture.width, picture.height].map(|side| u32::try_from(side).ok());
    let mut jpeg = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut jpeg, QUALITY);
    encoder.encode(picture.pixels.as_flattened(), width?, height?, ExtendedColorType::Rgb8).ok()?;
    Some(jpeg)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use dreamwire_engine::Dtype;

    use super::*;

    fn tensor(shape: &[i64], value: f32) -> Tensor {
        let count = shape.iter().product::<i64>() as usize;
        let bytes: Vec<u8> = (0..count).flat_map(|_| value.to_ne_bytes()).collect();
        Tensor::new(Dtype::F32, shape.to_vec(), Arc::new(bytes)).unwrap()
    }

    #[test]
    fn a_preview_is_small_and_has_the_proportions() {
        let size = |shape: &[i64]| {
            let jpeg = preview(&tensor(shape, 0.5)).unwrap();
            let picture = image::load_from_memory(&jpeg).unwrap();
            (picture.width(), picture.height())
        };
        assert_eq!(size(&[1, 30, 40, 3]), (40, 30));
        assert_eq!(size(&[2, 2000, 1000, 4]), (256, 512));
        assert_eq!(size(&[1, 1, 3000, 1]), (512, 1));
        assert!(preview(&tensor(&[8, 8, 3], 0.0)).is_none());
    }
}
