use dreamwire_sdk::prelude::*;

use crate::{latent, list};

/// The input of a GENERATOR that moves its pictures, and the port of Synthesis.
pub(crate) const NAME: &str = "transform";

/// The input: matrices `[B or 1,3,3]` that turn a place of the picture into the place that is painted there. Places are
/// `(x, y, 1)` from the middle to the right and down, in widths of the picture.
pub(crate) fn spec() -> TensorSpec {
    TensorSpec::new(NAME, &[-1, 3, 3])
}

/// Refuses matrices that do not fit a batch.
///
/// # Errors
///
/// Says what they must be, and what was found.
pub(crate) fn check(matrices: &Tensor, batch: usize) -> Result<()> {
    match *matrices.dims() {
        [n, 3, 3] if n == 1 || n == batch => Ok(()),
        _ => {
            let found = matrices.dims();
            let message = format!("`{NAME}` must be [B or 1,3,3] with B = {batch}, found shape {found:?}");
            Err(Error::shape(NAME, message))
        }
    }
}

/// A TRANSFORM: float32 `[B,3,3]`; nothing if the port is not connected.
///
/// # Errors
///
/// If it is of another shape or element type, or not finite.
pub(crate) fn connected(inputs: &Inputs) -> Result<Option<Tensor>> {
    let Some(matrices) = inputs.opt_tensor(NAME)? else { return Ok(None) };
    if !matches!(*matrices.dims(), [_, 3, 3]) || matrices.dtype() != DType::F32 {
        let (shape, dtype) = (matrices.dims(), matrices.dtype().as_str());
        let message = format!("`{NAME}` must be a TRANSFORM [B,3,3] of f32, found {dtype} {shape:?}");
        return Err(Error::shape(NAME, message));
    }
    Ok(Some(matrices))
}

/// Whether a generator can move its pictures.
pub(crate) fn is_input_of(generator: &FnSpec) -> bool {
    let input = generator.inputs.iter().skip(1).find(|input| input.name == NAME);
    latent::sizes(input) == Some([3, 3])
}

/// Where a picture goes: it is turned about its middle, then shifted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Move {
    /// To the right and down, in widths of the picture.
    pub(crate) shift: [f64; 2],
    /// Counterclockwise, in degrees.
    pub(crate) angle: f64,
}

/// The farthest shift, in widths of the picture: places beyond lose the digits that waves need.
const FARTHEST: f64 = 100.0;

/// The shift `x,y` of a param.
///
/// # Errors
///
/// If it is not two numbers, or goes too far.
pub(crate) fn shift(param: &str, text: &str) -> Result<[f64; 2]> {
    let number = |piece: &str| piece.parse().ok().filter(|number: &f64| number.abs() <= FARTHEST);
    let numbers: Option<Vec<f64>> = list::pieces(text).unwrap_or_default().into_iter().map(number).collect();
    numbers.and_then(|numbers| numbers.try_into().ok()).ok_or_else(|| {
        let message = format!("`{param}` must be two numbers from -{FARTHEST} to {FARTHEST}, found `{text}`");
        Error::param(param, message).hint("write x,y such as `0.3,-0.1`")
    })
}

impl Move {
    /// The move at `t` on the way to another one, 0 is this one and 1 the other.
    pub(crate) fn towards(self, other: Self, t: f64) -> Self {
        let between = |from: f64, to: f64| from * (1.0 - t) + to * t;
        let [from, to] = [self.shift, other.shift];
        Self {
            shift: [between(from[0], to[0]), between(from[1], to[1])],
            angle: between(self.angle, other.angle),
        }
    }

    /// The matrix that a GENERATOR takes, `[1,3,3]`: the inverse of the move.
    ///
    /// # Errors
    ///
    /// Those of the tensor library.
    pub(crate) fn matrix(self, device: &Device) -> Result<Tensor> {
        let (sine, cosine) = self.angle.to_radians().sin_cos();
        let [x, y] = self.shift;
        // The inverse of a rotation is its transpose; places are shifted back before they are turned back.
        let rows =
            [[cosine, -sine, sine * y - cosine * x], [sine, cosine, -sine * x - cosine * y], [0.0, 0.0, 1.0]];
        Ok(Tensor::new(&[rows.map(|row| row.map(|number| number as f32))], device)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(shift: [f64; 2], angle: f64) -> Vec<Vec<f32>> {
        Move { shift, angle }.matrix(&Device::Cpu).unwrap().squeeze(0).unwrap().to_vec2().unwrap()
    }

    /// The product with `[[c, s, x], [-s, c, y], [0, 0, 1]]`, the move itself, is the identity.
    #[test]
    fn the_matrix_undoes_the_move() {
        let (found, [x, y]) = (matrix([0.3, -0.1], 25.0), [0.3, -0.1]);
        let (s, c) = 25f64.to_radians().sin_cos();
        let forth = [[c, s, x], [-s, c, y], [0.0, 0.0, 1.0]];
        for (row, numbers) in found.iter().enumerate() {
            let product = |column: usize| -> f64 {
                numbers.iter().zip(forth).map(|(number, row)| f64::from(*number) * row[column]).sum()
            };
            for (column, product) in (0..3).map(product).enumerate() {
                let expected = if row == column { 1.0 } else { 0.0 };
                assert!((product - expected).abs() < 1e-6, "{row} {column}: {product}");
            }
        }
        assert_eq!(matrix([0.0, 0.0], 0.0), [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]);
    }

    #[test]
    fn both_ends_of_a_way_are_exact() {
        let (from, to) =
            (Move { shift: [0.1, -0.7], angle: 10.0 }, Move { shift: [0.3, 0.1], angle: -350.0 });
        assert_eq!((from.towards(to, 0.0), from.towards(to, 1.0)), (from, to));
        assert_eq!(from.towards(to, 0.5).angle, -170.0);
    }

    #[test]
    fn shifts_are_two_numbers() {
        assert_eq!(shift("translate", "0.3, -1e-1").unwrap(), [0.3, -0.1]);
        for text in ["", "1", "1,2,3", "a,1", "nan,0", "101,0", "inf,0"] {
            let error = shift("translate_to", text).unwrap_err();
            let message = format!("`translate_to` must be two numbers from -100 to 100, found `{text}`");
            assert_eq!(error.to_string(), format!("{message}; hint: write x,y such as `0.3,-0.1`"));
            assert_eq!(error.input(), "translate_to");
        }
    }

    #[test]
    fn only_matrices_of_3_by_3_are_taken() {
        let spec = FnSpec::new("GENERATOR", "it").input(TensorSpec::new("w", &[-1, 2, 3]));
        assert!(!is_input_of(&spec));
        assert!(!is_input_of(&spec.clone().input(TensorSpec::new("noise_0", &[-1, 3, 3]))));
        assert!(is_input_of(&spec.input(self::spec())));
        let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
        assert!(check(&zeros(&[1, 3, 3]), 4).is_ok() && check(&zeros(&[4, 3, 3]), 4).is_ok());
        for shape in [&[2, 3, 3][..], &[3, 3], &[1, 2, 3]] {
            let error = check(&zeros(shape), 4).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("`transform` must be [B or 1,3,3] with B = 4, found shape {shape:?}")
            );
            assert_eq!(error.input(), "transform");
        }
    }
}
