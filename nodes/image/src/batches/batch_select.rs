use super::indices::Range;
use crate::limits;
use dreamwire_sdk::prelude::*;

/// Takes pictures out of a batch by their numbers, in any order, also several times.
///
/// `select` has indices from 0 and ranges with both ends, separated by commas: `0-3,7`. Negative numbers count from the end: -1
/// is the last picture, and `0--1` all of them. A range may have a step (`0--1:2` is every other) and may run backwards
/// (`-1-0`). An empty text takes all. With `reverse` the pictures that were taken come in the opposite order.
///
/// `[B,H,W,C]` becomes `[N,H,W,C]`. Errors: an index that is not in the batch; more than 100 megapixels over the result.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// Indices and ranges: `0-3,7`, `-1`, `0--1:2`; empty takes all.
    #[schemars(extend("x-dw-list" = true))]
    pub(crate) select: String,
    /// Whether the last comes first.
    pub(crate) reverse: bool,
}

#[derive(Default)]
pub(crate) struct BatchSelect;

impl Node for BatchSelect {
    const KIND: Kind = Kind::new("BatchSelect", 1)
        .title("Select From Batch")
        .category("image/batch")
        .inputs(&[port("image", "IMAGE").doc("The pictures, `[B,H,W,C]`.")])
        .outputs(&[port("IMAGE", "IMAGE").doc("Those that were taken, `[N,H,W,C]`.")]);
    type Params = Params;

    fn run(&mut self, _: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let image = inputs.image("image")?;
        let (batch, height, width, _) = image.dims4()?;
        let ranges = Range::parse("select", &params.select)?;
        let mut taken = Vec::new();
        for range in &ranges {
            taken.extend(range.indices("select", batch)?);
            limits::check("the result", taken.len() as u64, width as u64, height as u64)?;
        }
        if ranges.is_empty() {
            taken.extend(0..batch);
        }
        if params.reverse {
            taken.reverse();
        }
        let taken: Vec<u32> = taken.into_iter().map(|index| index as u32).collect();
        let count = taken.len();
        let taken = Tensor::from_vec(taken, count, image.device())?;
        Ok(image.contiguous()?.index_select(&taken, 0)?.into())
    }

    /// Rejects what is no list of indices. Which there are is known at run time.
    fn check(params: &Params) -> Result<()> {
        Range::parse("select", &params.select).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dreamwire_sdk::testing::{Value, run_node};

    /// What is left of pictures with the samples 0, 1, .. `batch` - 1.
    fn select(params: &str, batch: usize) -> Result<Vec<f32>> {
        let samples: Vec<f32> = (0..batch).flat_map(|n| [n as f32; 6]).collect();
        let image = Tensor::from_vec(samples, (batch, 1, 2, 3), &Device::Cpu)?;
        let ran = run_node::<BatchSelect>(params, &[("image", Value::Tensor(image))], &[])?;
        let taken = ran.outputs[0].tensor();
        assert_eq!(taken.dims()[1..], [1, 2, 3]);
        let samples = taken.flatten_all()?.to_vec1::<f32>()?;
        assert!(samples.chunks(6).all(|picture| picture.iter().all(|v| *v == picture[0])));
        Ok(samples.chunks(6).map(|picture| picture[0]).collect())
    }

    #[test]
    fn pictures_are_taken_in_any_order() {
        assert_eq!(select(r#"{"select": "2,0-1,-1"}"#, 5).expect("taken"), [2.0, 0.0, 1.0, 4.0]);
        assert_eq!(select("{}", 3).expect("all"), [0.0, 1.0, 2.0]);
        assert_eq!(select(r#"{"reverse": true, "select": "1--1"}"#, 4).expect("taken"), [3.0, 2.0, 1.0]);
    }

    #[test]
    fn what_is_not_there_is_refused() {
        let error = select(r#"{"select": "0-9"}"#, 3).expect_err("ten of three");
        assert_eq!(error.input(), "select");
        let check = |select: &str| BatchSelect::check(&Params { select: select.to_owned(), reverse: false });
        assert!(check("0-9").is_ok() && check("all").is_err());
    }
}
