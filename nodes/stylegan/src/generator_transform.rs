use dreamwire_sdk::prelude::*;

use crate::latent;
use crate::transform::{self, Move};

/// Moves what a StyleGAN3 paints: a shift and a rotation for each picture of a batch, for `transform` of Synthesis.
///
/// The network paints the same thing elsewhere: it is turned about the middle of the picture, then shifted, and
/// what comes in from beyond the border is painted too. With `translate_to` and `rotate_to` the `count`
/// matrices go there in even steps, so that one latent becomes an animation. NVIDIA's gen_images.py takes the
/// same numbers at `--translate` and `--rotate`.
///
/// A matrix turns a place of the picture into the place that is painted there: `(x, y, 1)` from the middle to
/// the right and down, in widths of the picture. It is the inverse of the move.
///
/// Errors: shifts that are not two numbers.
///
/// Source: Karras et al., arXiv:2106.12423.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// Shift of the first picture to the right and down, `x,y` in widths of the picture.
    #[schemars(extend("x-dw-list" = true))]
    pub(crate) translate: String,
    /// Rotation of the first picture about its middle, counterclockwise.
    #[schemars(range(min = -3600.0, max = 3600.0), extend("x-dw-unit" = "degrees"))]
    pub(crate) rotate: f64,
    /// The shift of the last picture, `x,y`; null is that of the first.
    #[schemars(extend("x-dw-list" = true))]
    pub(crate) translate_to: Option<String>,
    /// The rotation of the last picture; null is that of the first. A whole turn is 360 more, and ends with the picture
    /// that it begins with.
    #[schemars(range(min = -3600.0, max = 3600.0), extend("x-dw-unit" = "degrees"))]
    pub(crate) rotate_to: Option<f64>,
    /// Number of matrices: 1 moves all pictures of a batch alike.
    #[schemars(range(min = 1, max = 4096))]
    pub(crate) count: u32,
}

impl Params {
    /// Where the first and the last picture go.
    ///
    /// # Errors
    ///
    /// If a shift is not two numbers.
    fn moves(&self) -> Result<[Move; 2]> {
        let first = Move { shift: transform::shift("translate", &self.translate)?, angle: self.rotate };
        let last = Move {
            shift: match &self.translate_to {
                Some(text) => transform::shift("translate_to", text)?,
                None => first.shift,
            },
            angle: self.rotate_to.unwrap_or(self.rotate),
        };
        Ok([first, last])
    }

    /// What to say of pictures that are alike although several are asked for.
    fn repeats(&self, first: Move, last: Move) -> Option<String> {
        let count = self.count;
        let turn = last.angle - first.angle;
        match (count > 1 && first.shift == last.shift, turn) {
            (true, 0.0) => Some(format!(
                "all {count} matrices are alike: `translate_to` or `rotate_to` makes a movement of them"
            )),
            (true, turn) if turn % 360.0 == 0.0 => {
                let end = first.angle + turn * f64::from(count - 1) / f64::from(count);
                Some(format!(
                    "the last picture is the first one again, after a whole turn; in a loop of {count} pictures \
                     without that, `rotate_to` is {end}"
                ))
            }
            _ => None,
        }
    }
}

impl Default for Params {
    fn default() -> Self {
        Self { translate: "0,0".to_owned(), rotate: 0.0, translate_to: None, rotate_to: None, count: 1 }
    }
}

#[derive(Default)]
pub(crate) struct GeneratorTransform;

impl Node for GeneratorTransform {
    const KIND: Kind = Kind::new("GeneratorTransform", 1)
        .title("Generator transform")
        .category("stylegan")
        .outputs(&[port("TRANSFORM", "TRANSFORM").doc("A matrix per picture, `[count,3,3]`.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, _: Inputs) -> Result<Outputs> {
        latent::check_count(u64::from(params.count)).map_err(|error| error.at("count"))?;
        let [first, last] = params.moves()?;
        if let Some(warning) = params.repeats(first, last) {
            call.warn(&warning);
        }
        let matrix = |index: u32| {
            // A single one is the first.
            let t = f64::from(index) / f64::from((params.count - 1).max(1));
            first.towards(last, t).matrix(call.device())
        };
        let matrices = (0..params.count).map(matrix).collect::<Result<Vec<_>>>()?;
        Ok(Tensor::cat(&matrices, 0)?.into())
    }

    /// Rejects shifts that are not two numbers.
    fn check(params: &Params) -> Result<()> {
        params.moves().map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::small;

    fn matrices(params: &str) -> Tensor {
        small::output::<GeneratorTransform>(params, &[])
    }

    #[test]
    fn a_batch_goes_from_the_first_move_to_the_last_in_even_steps() {
        let strip = matrices(
            r#"{"translate": "0.1,0", "rotate": 10, "translate_to": "0.3,-0.2", "rotate_to": -50, "count": 3}"#,
        );
        assert_eq!(strip.dims(), [3, 3, 3]);
        for (index, (translate, rotate)) in
            [("0.1,0", 10.0), ("0.2,-0.1", -20.0), ("0.3,-0.2", -50.0)].into_iter().enumerate()
        {
            let alone = matrices(&format!(r#"{{"translate": "{translate}", "rotate": {rotate}}}"#));
            assert!(small::difference(&strip.narrow(0, index, 1).unwrap(), &alone) < 1e-6, "matrix {index}");
        }
    }

    #[test]
    fn pictures_that_repeat_are_told() {
        let told = |rotate: f64, rotate_to: Option<f64>, translate_to: Option<&str>, count: u32| {
            let translate_to = translate_to.map(str::to_owned);
            let params = Params { rotate, rotate_to, translate_to, count, ..Params::default() };
            let [first, last] = params.moves().unwrap();
            params.repeats(first, last)
        };
        assert_eq!(told(0.0, None, None, 1), None);
        assert_eq!(told(0.0, Some(180.0), None, 7), None);
        assert_eq!(told(0.0, None, Some("0.5,0"), 4), None);
        assert_eq!(told(0.0, Some(360.0), Some("0.5,0"), 4), None);
        assert!(told(25.0, None, None, 2).unwrap().starts_with("all 2 matrices are alike: "));
        assert!(told(10.0, Some(370.0), None, 4).unwrap().ends_with("`rotate_to` is 280"));
        assert!(told(0.0, Some(-720.0), None, 8).unwrap().ends_with("`rotate_to` is -630"));
    }

    #[test]
    fn without_an_end_all_are_alike() {
        let all = matrices(r#"{"rotate": 25, "count": 2}"#);
        assert_eq!(small::bits(&all.narrow(0, 0, 1).unwrap()), small::bits(&all.narrow(0, 1, 1).unwrap()));
        let identity = [1.0f32, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        assert_eq!(matrices("{}").flatten_all().unwrap().to_vec1::<f32>().unwrap(), identity);
    }

    #[test]
    fn shifts_that_are_no_numbers_are_refused_before_a_run() {
        let check = |translate: &str| {
            GeneratorTransform::check(&Params { translate: translate.to_owned(), ..Params::default() })
        };
        assert!(check("0.5,-1").is_ok());
        assert_eq!(check("left").unwrap_err().input(), "translate");
    }
}
