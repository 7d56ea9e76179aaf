use crate::limits;
use dreamwire_sdk::prelude::*;

/// Repeats a batch of pictures, as ComfyUI's RepeatImageBatch does.
///
/// The batch as a whole is repeated: with `amount` 2, the pictures a, b become a, b, a, b. `[B,H,W,C]` becomes
/// `[amount B,H,W,C]`.
///
/// Errors: more than 100 megapixels over the batch.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// How often the batch occurs in the result.
    #[schemars(range(min = 1, max = 4096))]
    pub(crate) amount: usize,
}

impl Default for Params {
    fn default() -> Self {
        Self { amount: 1 }
    }
}

#[derive(Default)]
pub(crate) struct RepeatImageBatch;

impl Node for RepeatImageBatch {
    const KIND: Kind = Kind::new("RepeatImageBatch", 1)
        .title("Repeat Image Batch")
        .category("image/batch")
        .inputs(&[port("image", "IMAGE").doc("The pictures, `[B,H,W,C]`.")])
        .outputs(&[port("IMAGE", "IMAGE").doc("The pictures, repeated, `[amount B,H,W,C]`.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let image = inputs.image("image")?;
        let (batch, height, width, _) = image.dims4()?;
        let repeated = batch.saturating_mul(params.amount);
        limits::check("the result", repeated as u64, width as u64, height as u64)?;
        call.progress(0, 1, "repeating")?;
        Ok(image.repeat((params.amount, 1, 1, 1))?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dreamwire_sdk::testing::{Value, run_node};

    /// Shape and samples of the repetition of `batch` pictures of one pixel, whose samples count from 0.
    fn repeat(batch: usize, channels: usize, amount: usize) -> (Vec<usize>, Vec<f32>) {
        let samples: Vec<f32> = (0..batch * channels).map(|n| n as f32 / 16.0).collect();
        let image = Tensor::from_vec(samples, (batch, 1, 1, channels), &Device::Cpu).expect("a tensor");
        let params = format!(r#"{{"amount": {amount}}}"#);
        let inputs = [("image", Value::Tensor(image))];
        let ran = run_node::<RepeatImageBatch>(&params, &inputs, &[]).expect("it runs");
        let repeated = ran.outputs[0].tensor();
        let samples: Vec<f32> = repeated.flatten_all().and_then(|t| t.to_vec1()).expect("f32");
        (repeated.dims().to_vec(), samples.iter().map(|v| v * 16.0).collect())
    }

    #[test]
    fn the_batch_is_repeated_as_a_whole() {
        let (dims, samples) = repeat(2, 1, 3);
        assert_eq!(dims, [6, 1, 1, 1]);
        assert_eq!(samples, [0.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
        let (dims, samples) = repeat(1, 4, 2);
        assert_eq!(dims, [2, 1, 1, 4]);
        assert_eq!(samples, [0.0, 1.0, 2.0, 3.0, 0.0, 1.0, 2.0, 3.0]);
        assert_eq!(repeat(2, 3, 1), (vec![2, 1, 1, 3], vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]));
    }

    #[test]
    fn a_result_beyond_the_limit_is_refused_before_it_is_made() {
        let image = Tensor::zeros((1, 200, 200, 1), DType::F32, &Device::Cpu).expect("a tensor");
        let ran = run_node::<RepeatImageBatch>(r#"{"amount": 4096}"#, &[("image", image.into())], &[]);
        let message = ran.err().expect("164 megapixels are refused").to_string();
        assert!(message.contains("4096 times 200x200 (164 megapixels)"), "{message}");
    }
}
