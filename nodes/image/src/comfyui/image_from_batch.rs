use dreamwire_sdk::prelude::*;

/// Takes some pictures out of a batch, as ComfyUI's ImageFromBatch does.
///
/// The result begins with the picture `batch_index`, counted from 0, and has `length` pictures. As in ComfyUI, an
/// index after the last picture means the last one, and a length that goes beyond the end stops there, each with a
/// note. `[B,H,W,C]` becomes `[length,H,W,C]`.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// The first picture to take, from 0.
    #[schemars(range(min = 0, max = 4095))]
    pub(crate) batch_index: usize,
    /// How many pictures to take.
    #[schemars(range(min = 1, max = 4096))]
    pub(crate) length: usize,
}

impl Default for Params {
    fn default() -> Self {
        Self { batch_index: 0, length: 1 }
    }
}

#[derive(Default)]
pub(crate) struct ImageFromBatch;

impl Node for ImageFromBatch {
    const KIND: Kind = Kind::new("ImageFromBatch", 1)
        .title("Image From Batch")
        .category("image/batch")
        .inputs(&[port("image", "IMAGE").doc("The pictures, `[B,H,W,C]`.")])
        .outputs(&[port("IMAGE", "IMAGE").doc("Those that were taken, `[length,H,W,C]`.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let image = inputs.image("image")?;
        let batch = image.dim(0)?;
        // A batch has at least one picture.
        let first = params.batch_index.min(batch.saturating_sub(1));
        let length = params.length.min(batch - first);
        if (first, length) != (params.batch_index, params.length) {
            let (asked, many) = (params.batch_index, params.length);
            call.warn(&format!(
                "the batch has {batch} pictures: {length} from index {first} are taken, not {many} from {asked}"
            ));
        }
        Ok(image.narrow(0, first, length)?.contiguous()?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dreamwire_sdk::testing::{Value, run_node};

    /// The samples that are left of `0, 1, .. batch - 1`, one per picture, and the number of notes.
    fn take(batch: usize, first: usize, length: usize) -> (Vec<f32>, usize) {
        let samples: Vec<f32> = (0..batch).map(|n| n as f32 / 16.0).collect();
        let image = Tensor::from_vec(samples, (batch, 1, 1, 1), &Device::Cpu).expect("a tensor");
        let params = format!(r#"{{"batch_index": {first}, "length": {length}}}"#);
        let inputs = [("image", Value::Tensor(image))];
        let ran = run_node::<ImageFromBatch>(&params, &inputs, &[]).expect("it runs");
        let taken: Vec<f32> = ran.outputs[0].tensor().flatten_all().and_then(|t| t.to_vec1()).expect("f32");
        (taken.iter().map(|v| v * 16.0).collect(), ran.notes.len())
    }

    #[test]
    fn pictures_are_counted_from_0() {
        assert_eq!(take(5, 0, 1), (vec![0.0], 0));
        assert_eq!(take(5, 1, 3), (vec![1.0, 2.0, 3.0], 0));
        assert_eq!(take(1, 0, 1), (vec![0.0], 0));
    }

    #[test]
    fn beyond_the_end_is_the_end_with_a_note() {
        assert_eq!(take(5, 3, 9), (vec![3.0, 4.0], 1));
        assert_eq!(take(5, 7, 1), (vec![4.0], 1));
        assert_eq!(take(5, 4095, 4096), (vec![4.0], 1));
    }

    #[test]
    fn channels_stay_together() {
        let samples: Vec<f32> = (0..2 * 2 * 4).map(|n| n as f32 / 16.0).collect();
        let image = Tensor::from_vec(samples, (2, 1, 2, 4), &Device::Cpu).expect("a tensor");
        let inputs = [("image", Value::Tensor(image))];
        let ran = run_node::<ImageFromBatch>(r#"{"batch_index": 1}"#, &inputs, &[]).expect("it runs");
        let taken = ran.outputs[0].tensor();
        assert_eq!(taken.dims(), [1, 1, 2, 4]);
        let found: Vec<f32> = taken.flatten_all().and_then(|t| t.to_vec1()).expect("f32");
        assert_eq!(found, (8..16).map(|n| n as f32 / 16.0).collect::<Vec<_>>());
    }
}
