use crate::batch::{one_of, paired, samples};
use crate::limits;
use crate::masks::{Operation, Placement};
use dreamwire_sdk::prelude::*;
use serde::Serialize;

/// Combines a mask with another at a place of it.
///
/// With d of `destination` and s of `source`, clamped to 0..1: multiply `d s`; add `d + s`; subtract `d - s`;
/// and, or and xor of the values rounded to 0 or 1 (1/2 to 0). The left upper corner of the source lies at `x`,
/// `y`; what reaches out of the destination is cut off, and where no source lies the destination stays as it
/// is. Inputs as ComfyUI's; MaskCombine is ours, for masks of any sizes that lie on each other.
///
/// MASK has the size of `destination`, `[B,H,W]`. The masks of two batches are paired; a single mask goes with
/// all of the other.
///
/// Errors: batches that do not match; more than 100 megapixels over the batch.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// Column of the destination at which the source begins; it may lie outside.
    #[schemars(range(min = -32768, max = 32768), extend("x-dw-unit" = "px"))]
    pub(crate) x: i32,
    /// Row of the destination at which the source begins; it may lie outside.
    #[schemars(range(min = -32768, max = 32768), extend("x-dw-unit" = "px"))]
    pub(crate) y: i32,
    /// How they are combined.
    pub(crate) operation: Composition,
}

impl Default for Params {
    fn default() -> Self {
        Self { x: 0, y: 0, operation: Composition::Multiply }
    }
}

#[derive(Clone, Copy, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Composition {
    Multiply,
    Add,
    Subtract,
    And,
    Or,
    Xor,
}

impl Composition {
    fn of(self, d: f32, s: f32) -> f32 {
        let rounded =
            |operation: Operation| operation.of(f32::from(u8::from(d > 0.5)), f32::from(u8::from(s > 0.5)));
        match self {
            Self::Multiply => Operation::Multiply.of(d, s),
            Self::Add => Operation::Add.of(d, s),
            Self::Subtract => Operation::Subtract.of(d, s),
            Self::And => rounded(Operation::Intersection),
            Self::Or => rounded(Operation::Union),
            Self::Xor => rounded(Operation::Xor),
        }
    }
}

#[derive(Default)]
pub(crate) struct MaskComposite;

impl Node for MaskComposite {
    const KIND: Kind = Kind::new("MaskComposite", 1)
        .title("Composite Masks")
        .category("mask")
        .inputs(&[
            port("destination", "MASK").doc("The lower mask, `[B or 1,H,W]`."),
            port("source", "MASK").doc("The mask that is put on it, `[B or 1,h,w]`."),
        ])
        .outputs(&[port("MASK", "MASK").doc("The combined mask, `[B,H,W]` in 0..1.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let (below, above) = (inputs.mask("destination")?, inputs.mask("source")?);
        let (masks, height, width) = below.dims3()?;
        let (sources, above_height, above_width) = above.dims3()?;
        let batch = paired(("destination", masks), ("source", sources))?;
        limits::check("the result", batch as u64, width as u64, height as u64)?;
        let columns = Placement::new(params.x, above_width, width);
        let rows = Placement::new(params.y, above_height, height);
        if columns.length == 0 || rows.length == 0 {
            call.warn("`source` lies outside of `destination`, so it changes nothing");
        }
        let (below, above, area) = (samples(&below)?, samples(&above)?, height * width);
        let mut composite = Vec::with_capacity(batch * area);
        for index in 0..batch {
            call.progress(index as u64, batch as u64, "compositing")?;
            let start = composite.len();
            composite.extend(one_of(&below, index, area).iter().map(|v| v.clamp(0.0, 1.0)));
            let mask = &mut composite[start..];
            let above = one_of(&above, index, above_height * above_width);
            for row in 0..rows.length {
                let to = (rows.to + row) * width + columns.to;
                let from = (rows.from + row) * above_width + columns.from;
                let values = mask[to..to + columns.length].iter_mut();
                for (d, s) in values.zip(&above[from..from + columns.length]) {
                    *d = params.operation.of(*d, *s);
                }
            }
        }
        Ok(Tensor::from_vec(composite, (batch, height, width), call.device())?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masks::fixtures::{check, mask, refused};
    use dreamwire_sdk::testing::{Ran, Value, run_node};

    fn composite(params: &str, destination: Value, source: Value) -> Result<Ran> {
        run_node::<MaskComposite>(params, &[("destination", destination), ("source", source)], &[])
    }

    #[test]
    fn arithmetic_is_of_the_values_and_logic_of_the_rounded_values() {
        let table = [
            ("multiply", [0.125, 0.45, 0.24]),
            ("add", [0.75, 1.0, 1.0]),
            ("subtract", [0.0, 0.4, 0.2]),
            // 1/2 counts as 0, as 0.4 does.
            ("and", [0.0, 0.0, 0.0]),
            ("or", [0.0, 1.0, 1.0]),
            ("xor", [0.0, 1.0, 1.0]),
        ];
        for (operation, expected) in table {
            let given = mask(&[0.25, 0.9, 0.6], (1, 1, 3));
            let params = format!(r#"{{"operation": "{operation}"}}"#);
            check(composite(&params, given, mask(&[0.5, 0.5, 0.4], (1, 1, 3))), &[1, 1, 3], &expected);
        }
        let both = || mask(&[0.9, 0.1], (1, 1, 2));
        let run = |operation: &str| {
            let params = format!(r#"{{"operation": "{operation}"}}"#);
            composite(&params, both(), mask(&[0.8, 0.7], (1, 1, 2)))
        };
        check(run("and"), &[1, 1, 2], &[1.0, 0.0]);
        check(run("xor"), &[1, 1, 2], &[0.0, 1.0]);
    }

    #[test]
    fn where_no_source_lies_the_destination_stays() {
        let run = |x: i32, y: i32| {
            let params = format!(r#"{{"x": {x}, "y": {y}, "operation": "add"}}"#);
            composite(&params, mask(&[0.25; 6], (1, 2, 3)), mask(&[0.5; 4], (1, 2, 2)))
        };
        check(run(0, 0), &[1, 2, 3], &[0.75, 0.75, 0.25, 0.75, 0.75, 0.25]);
        check(run(2, 1), &[1, 2, 3], &[0.25, 0.25, 0.25, 0.25, 0.25, 0.75]);
        check(run(-1, -1), &[1, 2, 3], &[0.75, 0.25, 0.25, 0.25, 0.25, 0.25]);
        let outside = run(3, 0).expect("it runs");
        assert!(outside.notes.iter().any(|note| note.contains("lies outside")), "{:?}", outside.notes);
        check(Ok(outside), &[1, 2, 3], &[0.25; 6]);
    }

    #[test]
    fn batches_are_paired() {
        let add = r#"{"operation": "add"}"#;
        let two = || mask(&[0.25, 0.5], (2, 1, 1));
        check(composite(add, two(), mask(&[0.25], (1, 1, 1))), &[2, 1, 1], &[0.5, 0.75]);
        check(composite(add, mask(&[0.25], (1, 1, 1)), two()), &[2, 1, 1], &[0.5, 0.75]);
        refused(
            composite(add, two(), mask(&[0.0; 3], (3, 1, 1))),
            "source",
            "`source` has 3 images, but `destination` has 2",
        );
    }
}
