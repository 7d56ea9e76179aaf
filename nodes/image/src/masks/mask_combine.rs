use super::operation::Operation;
use crate::batch::{one_of, paired, samples, stretched};
use crate::limits;
use dreamwire_sdk::prelude::*;

/// Combines two masks into one.
///
/// For each pair of values, clamped to 0..1: union `max(a, b)`; intersection `min(a, b)`; difference
/// `min(a, 1 - b)`, what is in a but not in b; xor `|a - b|`, what is in one of them only; multiply `a b`; add
/// `a + b`; subtract `a - b`.
///
/// MASK has the size of `a`, `[B,H,W]`; a `b` of another size is resized bilinearly. The masks of two batches
/// are paired; a single mask goes with all of the other. MaskComposite puts one mask at a place in another.
///
/// Errors: batches that do not match; more than 100 megapixels over the batch.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// How they are combined.
    pub(crate) mode: Operation,
}

impl Default for Params {
    fn default() -> Self {
        Self { mode: Operation::Union }
    }
}

#[derive(Default)]
pub(crate) struct MaskCombine;

impl Node for MaskCombine {
    const KIND: Kind = Kind::new("MaskCombine", 1)
        .title("Combine Masks")
        .category("mask")
        .inputs(&[
            port("a", "MASK").doc("The first masks, `[B or 1,H,W]`."),
            port("b", "MASK").doc("The second masks, `[B or 1,h,w]`; resized to H x W."),
        ])
        .outputs(&[port("MASK", "MASK").doc("The combined masks, `[B,H,W]` in 0..1.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let (a, b) = (inputs.mask("a")?, inputs.mask("b")?);
        let (masks, height, width) = a.dims3()?;
        let batch = paired(("a", masks), ("b", b.dim(0)?))?;
        limits::check("the result", batch as u64, width as u64, height as u64)?;
        let (a, b, pixels) = (samples(&a)?, samples(&stretched(&b, (width, height))?)?, height * width);
        let mut combined = Vec::with_capacity(batch * pixels);
        for index in 0..batch {
            call.progress(index as u64, batch as u64, "combining")?;
            let pairs = one_of(&a, index, pixels).iter().zip(one_of(&b, index, pixels));
            combined.extend(pairs.map(|(&a, &b)| params.mode.of(a, b)));
        }
        Ok(Tensor::from_vec(combined, (batch, height, width), call.device())?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masks::fixtures::{check, mask, refused};
    use dreamwire_sdk::testing::{Ran, Value, run_node};

    fn combine(mode: &str, a: Value, b: Value) -> Result<Ran> {
        run_node::<MaskCombine>(&format!(r#"{{"mode": "{mode}"}}"#), &[("a", a), ("b", b)], &[])
    }

    #[test]
    fn modes_have_their_names() {
        let modes = [
            ("union", 0.75),
            ("intersection", 0.5),
            ("difference", 0.5),
            ("xor", 0.25),
            ("multiply", 0.375),
            ("add", 1.0),
            ("subtract", 0.25),
        ];
        for (mode, expected) in modes {
            let one = (1, 1, 1);
            check(combine(mode, mask(&[0.75], one), mask(&[0.5], one)), &[1, 1, 1], &[expected]);
        }
    }

    #[test]
    fn the_second_is_resized_to_the_first() {
        let ran = combine("add", mask(&[0.0; 4], (1, 1, 4)), mask(&[0.0, 1.0], (1, 1, 2)));
        check(ran, &[1, 1, 4], &[0.0, 0.25, 0.75, 1.0]);
    }

    #[test]
    fn batches_are_paired() {
        let two = || mask(&[0.25, 0.75], (2, 1, 1));
        check(combine("union", mask(&[0.5], (1, 1, 1)), two()), &[2, 1, 1], &[0.5, 0.75]);
        check(combine("subtract", two(), mask(&[0.5], (1, 1, 1))), &[2, 1, 1], &[0.0, 0.25]);
        check(combine("multiply", two(), two()), &[2, 1, 1], &[0.0625, 0.5625]);
        refused(combine("union", two(), mask(&[0.0; 3], (3, 1, 1))), "b", "`b` has 3 images, but `a` has 2");
    }
}
