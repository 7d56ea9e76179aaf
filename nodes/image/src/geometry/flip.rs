use dreamwire_sdk::prelude::*;
use serde::Serialize;

/// Mirrors every picture of a batch.
///
/// `horizontal` exchanges left and right, `vertical` top and bottom, `both` is half a turn. Samples are moved, not
/// changed. The shapes stay: `[B,H,W,C]`, and `[B or 1,H,W]` of a mask.
///
/// Errors: a mask of another size.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// What changes places.
    pub(crate) direction: Direction,
}

impl Default for Params {
    fn default() -> Self {
        Self { direction: Direction::Horizontal }
    }
}

#[derive(Clone, Copy, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Direction {
    Horizontal,
    Vertical,
    Both,
}

#[derive(Default)]
pub(crate) struct Flip;

impl Node for Flip {
    const KIND: Kind = Kind::new("Flip", 1)
        .category("image")
        .inputs(&[
            port("image", "IMAGE").doc("The pictures, `[B,H,W,C]`."),
            port("mask", "MASK").optional().doc("Masks to mirror alike, `[B or 1,H,W]`."),
        ])
        .outputs(&[
            port("IMAGE", "IMAGE").doc("The mirrored pictures, `[B,H,W,C]`."),
            port("MASK", "MASK").optional().doc("The mirrored masks, `[B or 1,H,W]`; empty without `mask`."),
        ]);
    type Params = Params;

    fn run(&mut self, _: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let image = inputs.image("image")?;
        let (_, height, width, _) = image.dims4()?;
        let mask = super::mask_of_size(&inputs, (width, height))?;
        let outputs = Outputs::new().tensor(flipped(&image, params.direction)?);
        match mask {
            Some(mask) => Ok(outputs.tensor(flipped(&mask, params.direction)?)),
            None => Ok(outputs.none()),
        }
    }
}

/// All pictures `[B,H,W,C]` or masks `[B,H,W]`, mirrored.
pub(crate) fn flipped(tensor: &Tensor, direction: Direction) -> Result<Tensor> {
    let axes: &[usize] = match direction {
        Direction::Horizontal => &[2],
        Direction::Vertical => &[1],
        Direction::Both => &[1, 2],
    };
    Ok(tensor.flip(axes)?)
}

#[cfg(test)]
mod tests {
    use super::super::{image, mask, output};
    use super::*;
    use dreamwire_sdk::testing::run_node;

    /// Pixels 0, 1, 2 over 3, 4, 5 (in tenths), with two channels that tell the order apart.
    fn flip(direction: &str) -> (Vec<u8>, Vec<u8>) {
        let plain: Vec<f32> = (0..6_u8).map(|n| f32::from(n) / 10.0).collect();
        let samples: Vec<f32> = plain.iter().flat_map(|v| [*v, 0.9, 1.0]).collect();
        let inputs = [("image", image(&samples, (1, 2, 3, 3))), ("mask", mask(&plain, (1, 2, 3)))];
        let ran =
            run_node::<Flip>(&format!(r#"{{"direction": "{direction}"}}"#), &inputs, &[]).expect("a flip");
        let (dims, flipped) = output(&ran, 0);
        assert_eq!(dims, [1, 2, 3, 3]);
        assert!(flipped.chunks(3).all(|pixel| pixel[1..] == [0.9, 1.0]), "{flipped:?}");
        let tenths = |samples: &[f32]| samples.iter().map(|v| (v * 10.0).round() as u8).collect();
        (tenths(&flipped.iter().step_by(3).copied().collect::<Vec<_>>()), tenths(&output(&ran, 1).1))
    }

    #[test]
    fn pixels_change_places() {
        for (direction, expected) in [
            ("horizontal", [2, 1, 0, 5, 4, 3]),
            ("vertical", [3, 4, 5, 0, 1, 2]),
            ("both", [5, 4, 3, 2, 1, 0]),
        ] {
            let (picture, mask) = flip(direction);
            assert_eq!(picture, expected, "{direction}");
            assert_eq!(mask, expected, "{direction}");
        }
    }

    #[test]
    fn every_picture_of_a_batch_is_mirrored_in_itself() {
        let inputs = [("image", image(&[0.1, 0.2, 0.3, 0.4], (2, 1, 2, 1)))];
        let ran = run_node::<Flip>("{}", &inputs, &[]).expect("a flip");
        assert_eq!(output(&ran, 0), (vec![2, 1, 2, 1], vec![0.2, 0.1, 0.4, 0.3]));
    }
}
