use super::upscale::Method;
use crate::geometry::Area;
use crate::limits;
use crate::masks::with_channels;
use dreamwire_sdk::prelude::*;

/// Joins two batches of pictures into one, as ComfyUI's ImageBatch does.
///
/// The pictures of `image1` come first. An `image2` of another size is cropped to the ratio of `image1` around
/// its centre and resized to its size, bilinearly. If one has fewer channels, they are added: grey becomes three
/// equal colours, and alpha 1.
///
/// `[A,H,W,C]` and `[B,h,w,c]` become `[A+B,H,W,max(C,c)]`.
///
/// Errors: more than 100 megapixels over the batch.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {}

#[derive(Default)]
pub(crate) struct ImageBatch;

impl Node for ImageBatch {
    const KIND: Kind = Kind::new("ImageBatch", 1)
        .title("Batch Images")
        .category("image/batch")
        .inputs(&[
            port("image1", "IMAGE").doc("The first pictures, `[A,H,W,C]`, which give the size."),
            port("image2", "IMAGE").doc("The pictures after them, `[B,h,w,c]`."),
        ])
        .outputs(&[port("IMAGE", "IMAGE").doc("All pictures, `[A+B,H,W,max(C,c)]`.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, _: Params, inputs: Inputs) -> Result<Outputs> {
        let (first, second) = (inputs.image("image1")?, inputs.image("image2")?);
        let (batch, height, width, channels) = first.dims4()?;
        let (others, other_height, other_width, other_channels) = second.dims4()?;
        let all = batch.saturating_add(others);
        limits::check("the result", all as u64, width as u64, height as u64)?;
        let middle = Area::central((other_width, other_height), (width, height)).cut(&second)?;
        let second = Method::Bilinear.scaled(call, &middle, (width, height))?;
        let channels = channels.max(other_channels);
        let first = with_channels("image1", &first, channels)?;
        let second = with_channels("image2", &second, channels)?;
        Ok(Tensor::cat(&[first, second], 0)?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dreamwire_sdk::testing::{Value, run_node};

    fn image(samples: &[f32], shape: (usize, usize, usize, usize)) -> Value {
        Value::Tensor(Tensor::from_slice(samples, shape, &Device::Cpu).expect("a tensor"))
    }

    /// Shape and samples of the batch of two.
    fn join(image1: Value, image2: Value) -> (Vec<usize>, Vec<f32>) {
        let inputs = [("image1", image1), ("image2", image2)];
        let ran = run_node::<ImageBatch>("{}", &inputs, &[]).expect("it runs");
        let joined = ran.outputs[0].tensor();
        (joined.dims().to_vec(), joined.flatten_all().and_then(|t| t.to_vec1()).expect("f32"))
    }

    #[test]
    fn the_first_pictures_come_first() {
        let (dims, samples) = join(image(&[0.1, 0.2], (2, 1, 1, 1)), image(&[0.3], (1, 1, 1, 1)));
        assert_eq!((dims, samples), (vec![3, 1, 1, 1], vec![0.1, 0.2, 0.3]));
    }

    #[test]
    fn missing_channels_are_added_on_either_side() {
        let (grey, rgb, rgba) = ([0.5], [0.1, 0.2, 0.3], [0.6, 0.7, 0.8, 0.25]);
        let one = |samples: &[f32]| image(samples, (1, 1, 1, samples.len()));
        let (dims, samples) = join(one(&rgb), one(&rgba));
        assert_eq!((dims, samples), (vec![2, 1, 1, 4], vec![0.1, 0.2, 0.3, 1.0, 0.6, 0.7, 0.8, 0.25]));
        assert_eq!(join(one(&rgba), one(&rgb)).1, [0.6, 0.7, 0.8, 0.25, 0.1, 0.2, 0.3, 1.0]);
        assert_eq!(join(one(&grey), one(&rgb)).1, [0.5, 0.5, 0.5, 0.1, 0.2, 0.3]);
        assert_eq!(join(one(&rgba), one(&grey)).1, [0.6, 0.7, 0.8, 0.25, 0.5, 0.5, 0.5, 1.0]);
    }

    #[test]
    fn the_centre_of_the_second_is_resized() {
        // Six columns of which the middle two are kept for a square, and doubled.
        let wide = [0.9, 0.9, 0.2, 0.2, 0.9, 0.9].repeat(2);
        let (dims, samples) = join(image(&[0.0; 16], (1, 4, 4, 1)), image(&wide, (1, 2, 6, 1)));
        assert_eq!(dims, [2, 4, 4, 1]);
        assert!(samples[16..].iter().all(|v| (v - 0.2).abs() < 1e-6), "{samples:?}");
        // Bilinear, doubled: a quarter and three quarters of the way between the centres of two pixels.
        let (_, samples) = join(image(&[0.0; 8], (1, 2, 4, 1)), image(&[0.0, 0.8], (1, 1, 2, 1)));
        for (found, wanted) in samples[8..].iter().zip([0.0, 0.2, 0.6, 0.8].repeat(2)) {
            assert!((found - wanted).abs() < 1e-6, "{samples:?}");
        }
    }

    #[test]
    fn a_batch_beyond_the_limit_is_refused() {
        // The size of `image1` holds for all 120 pictures of `image2`.
        let large = Tensor::zeros((1, 1000, 1000, 1), DType::F32, &Device::Cpu).expect("a tensor");
        let inputs = [("image1", large.into()), ("image2", image(&[0.0; 120], (120, 1, 1, 1)))];
        let message = run_node::<ImageBatch>("{}", &inputs, &[]).err().expect("it is refused").to_string();
        assert!(message.contains("121 times 1000x1000 (121 megapixels)"), "{message}");
    }
}
