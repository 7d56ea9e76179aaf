use crate::limits;
use crate::masks::with_channels;
use crate::sizes::Sizes;
use dreamwire_sdk::prelude::*;

/// Joins any number of batches into one, in the order of the links.
///
/// Pictures must have one size, or `resize` makes it that of the first batch: the centre of the others, Catmull-Rom. If
/// some have fewer channels, they are added: grey becomes three equal colours, and alpha 1.
///
/// `[B_i,H,W,C_i]` become `[sum of B_i,H,W,max C_i]`. Errors: two sizes; more than 100 megapixels over the result.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// What happens to pictures of another size than those of the first batch: same refuses them, first resizes their
    /// centre to that size.
    pub(crate) resize: Sizes,
}

#[derive(Default)]
pub(crate) struct BatchJoin;

impl Node for BatchJoin {
    const KIND: Kind = Kind::new("BatchJoin", 1)
        .title("Join Batches")
        .category("image/batch")
        .inputs(&[port("images", "IMAGE").many().doc("The batches to join, `[B_i,H,W,C_i]`.")])
        .outputs(&[port("IMAGE", "IMAGE").doc("All pictures, `[B,H,W,C]`.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let batches = inputs.images("images")?;
        let Some(first) = batches.first() else {
            return Err(Error::port("images", "`images` is not connected"));
        };
        let (_, height, width, _) = first.dims4()?;
        let sizes = batches.iter().map(|batch| Ok(batch.dims4()?)).collect::<Result<Vec<_>>>()?;
        let total = sizes.iter().fold(0, |total: usize, size| total.saturating_add(size.0));
        let channels = sizes.iter().map(|size| size.3).max().unwrap_or_default();
        limits::check("the result", total as u64, width as u64, height as u64)?;
        let mut joined = Vec::with_capacity(batches.len());
        for (index, batch) in batches.iter().enumerate() {
            let what = format!("batch {index}");
            let fitted = params.resize.fit(call, (&what, batch), ("batch 0", (width, height)));
            let fitted = fitted.map_err(|error| error.at("images"))?;
            joined.push(with_channels("images", &fitted, channels)?);
        }
        Ok(Tensor::cat(&joined, 0)?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dreamwire_sdk::testing::{Value, run_node};

    fn image(value: f32, shape: (usize, usize, usize, usize)) -> Tensor {
        Tensor::full(value, shape, &Device::Cpu).expect("a tensor")
    }

    /// First sample of each picture, and the shape.
    fn join(params: &str, batches: Vec<Tensor>) -> Result<(Vec<f32>, Vec<usize>)> {
        let ran = run_node::<BatchJoin>(params, &[("images", Value::Tensors(batches))], &[])?;
        let joined = ran.outputs[0].tensor();
        let firsts = joined.flatten_from(1)?.narrow(1, 0, 1)?.flatten_all()?.to_vec1()?;
        Ok((firsts, joined.dims().to_vec()))
    }

    #[test]
    fn batches_follow_each_other() {
        let batches = vec![image(0.1, (2, 1, 2, 3)), image(0.2, (1, 1, 2, 1)), image(0.3, (1, 1, 2, 4))];
        let (firsts, dims) = join("{}", batches).expect("joined");
        assert_eq!((firsts, dims), (vec![0.1, 0.1, 0.2, 0.3], vec![4, 1, 2, 4]));
        assert_eq!(join("{}", vec![image(0.5, (1, 1, 1, 3))]).expect("one").1, [1, 1, 1, 3]);
    }

    #[test]
    fn two_sizes_are_refused_or_resized() {
        let batches = || vec![image(0.1, (1, 2, 2, 3)), image(0.2, (1, 4, 6, 3))];
        let error = join("{}", batches()).expect_err("two sizes");
        assert!(error.to_string().starts_with("`batch 1` is 6x4, but `batch 0` is 2x2"), "{error}");
        assert_eq!(join(r#"{"resize": "first"}"#, batches()).expect("resized").1, [2, 2, 2, 3]);
    }
}
