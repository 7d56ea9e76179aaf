use dreamwire_nets::stylegan::mix;
use dreamwire_sdk::prelude::*;

use crate::{latent, layers};

/// Mixes two sets of styles: every row takes the chosen layers from every column.
///
/// The result is `[R*C,layers,w]`, row by row: picture `r * C + c` is row r with the chosen layers of column
/// c. Coarse layers (0-3, up to 8 pixels) determine pose and shape, middle layers (4-7, up to 32 pixels)
/// features, fine layers (8 and up) colours and texture.
///
/// Errors: latents of different networks; a layer that does not exist; a list that selects none; more than
/// 4096 latents.
///
/// Source: Karras et al., arXiv:1812.04948, section 3.1.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// The layers taken from the columns: numbers and ranges such as `0-6,9`, or coarse, middle, fine, all.
    #[schemars(extend("x-dw-list" = true))]
    pub(crate) layers: String,
}

impl Default for Params {
    fn default() -> Self {
        Self { layers: "coarse".to_owned() }
    }
}

#[derive(Default)]
pub(crate) struct StyleMix;

impl Node for StyleMix {
    const KIND: Kind = Kind::new("StyleMix", 1)
        .title("Style mix")
        .category("stylegan")
        .inputs(&[
            port("rows", "LATENT_W").doc("The styles to change, `[R,layers,w]`."),
            port("columns", "LATENT_W").doc("The styles that give the chosen layers, `[C,layers,w]`."),
        ])
        .outputs(&[port("LATENT_W", "LATENT_W").doc("Every row with every column, `[R*C,layers,w]`.")]);
    type Params = Params;

    fn run(&mut self, _: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let (rows, columns) = (latent::latent_w(&inputs, "rows")?, latent::latent_w(&inputs, "columns")?);
        let (r, count, width) = rows.dims3()?;
        let (c, other_layers, other_width) = columns.dims3()?;
        if (count, width) != (other_layers, other_width) {
            return Err(Error::shape(
                "columns",
                format!(
                    "`columns` has {other_layers} layers of {other_width}, but `rows` has {count} of {width}: both \
                     must come from the same network"
                ),
            ));
        }
        latent::check_count(r as u64 * c as u64)?;
        let chosen = layers::parse(&params.layers, count)?;
        Ok(mix(&rows, &columns, &chosen)?.into())
    }

    /// Rejects lists that cannot be parsed. How many layers the latents have is known at run time.
    fn check(params: &Params) -> Result<()> {
        layers::check(&params.layers)
    }
}

#[cfg(test)]
mod tests {
    use dreamwire_sdk::testing::Value;

    use super::*;
    use crate::small;

    /// Latents of 6 layers of 1 number: `value`, `value + 1`, ..
    fn latents(value: f32, count: usize) -> Value {
        let values: Vec<f32> = (0..count).flat_map(|i| [value + i as f32; 6]).collect();
        Value::Tensor(Tensor::from_vec(values, (count, 6, 1), &Device::Cpu).unwrap())
    }

    #[test]
    fn every_row_meets_every_column() {
        let inputs = [("rows", latents(1.0, 2)), ("columns", latents(10.0, 3))];
        let mixed = small::output::<StyleMix>(r#"{"layers": "4,0-1"}"#, &inputs);
        assert_eq!(mixed.dims(), [6, 6, 1]);
        let mixed: Vec<Vec<f32>> = mixed.squeeze(2).unwrap().to_vec2().unwrap();
        for (index, found) in mixed.iter().enumerate() {
            let (row, column) = (1.0 + (index / 3) as f32, 10.0 + (index % 3) as f32);
            assert_eq!(*found, [column, column, row, row, column, row], "{index}");
        }
        let coarse =
            small::output::<StyleMix>("{}", &[("rows", latents(1.0, 1)), ("columns", latents(2.0, 1))]);
        assert_eq!(coarse.flatten_all().unwrap().to_vec1::<f32>().unwrap(), [2.0, 2.0, 2.0, 2.0, 1.0, 1.0]);
    }

    #[test]
    fn lists_are_judged_without_latents() {
        let check = |layers: &str| StyleMix::check(&Params { layers: layers.to_owned() });
        for layers in ["coarse", "0-17, fine", "40"] {
            assert!(check(layers).is_ok(), "{layers}");
        }
        let error = check("corse").unwrap_err();
        assert_eq!(error.input(), "layers");
        assert!(error.to_string().contains("coarse, middle, fine"), "{error}");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let check = small::check_error::<StyleMix>;
        let other = Value::Tensor(small::normal(0, &[2, 10, 4]));
        check(
            "{}",
            &[("rows", latents(1.0, 1)), ("columns", other)],
            "columns",
            "`columns` has 10 layers of 4, but `rows` has 6 of 1: both must come from the same network",
        );
        check(
            r#"{"layers": "6"}"#,
            &[("rows", latents(1.0, 1)), ("columns", latents(1.0, 1))],
            "layers",
            "`6` is beyond the last layer; these latents have 6 layers, 0 to 5, with the named ranges coarse (0-3), \
             middle (4-5)",
        );
        check(
            "{}",
            &[("rows", latents(1.0, 65)), ("columns", latents(1.0, 64))],
            "",
            "this makes 4160 latents, the limit is 4096",
        );
        check(
            "{}",
            &[("rows", Value::Tensor(small::normal(0, &[2, 6]))), ("columns", latents(1.0, 1))],
            "rows",
            "`rows` must be a LATENT_W [B,layers,w], found shape [2, 6]; hint: this is a LATENT_Z: put a \
             MappingNetwork in between",
        );
    }
}
