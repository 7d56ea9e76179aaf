use std::collections::BTreeSet;
use std::ops::{Range, RangeInclusive};

use dreamwire_nets::stylegan::mix;
use dreamwire_sdk::prelude::*;

use crate::{latent, list};

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
    /// The layers taken from the columns: numbers and ranges such as `0-6,9`, or coarse, middle, fine.
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
        let (r, layers, width) = rows.dims3()?;
        let (c, other_layers, other_width) = columns.dims3()?;
        if (layers, width) != (other_layers, other_width) {
            return Err(Error::shape(
                "columns",
                format!(
                    "`columns` has {other_layers} layers of {other_width}, but `rows` has {layers} of {width}: both \
                     must come from the same network"
                ),
            ));
        }
        latent::check_count(r as u64 * c as u64)?;
        let chosen = parse(&params.layers, layers).map_err(|error| Error::param("layers", error))?;
        Ok(mix(&rows, &columns, &chosen)?.into())
    }

    /// Rejects lists that cannot be parsed. How many layers the latents have is known at run time.
    fn check(params: &Params) -> Result<()> {
        let checked = entries(&params.layers).map(drop);
        checked.map_err(|error| {
            Error::param("layers", error)
                .hint("write layers and ranges such as `0-6,9`, or coarse, middle, fine")
        })
    }
}

/// Named ranges of layers, by what they determine.
const NAMED: [(&str, Range<usize>); 3] = [("coarse", 0..4), ("middle", 4..8), ("fine", 8..18)];

/// Layers as they are written in a list.
enum Entry<'a> {
    /// One of [`NAMED`].
    Named(Range<usize>),
    /// Numbers, as they are written and what they mean.
    Numbered(&'a str, RangeInclusive<u32>),
}

/// The entries of a list.
fn entries(text: &str) -> std::result::Result<Vec<Entry<'_>>, String> {
    list::pieces(text)?.into_iter().map(entry).collect()
}

fn entry(piece: &str) -> std::result::Result<Entry<'_>, String> {
    match NAMED.iter().find(|(name, _)| *name == piece) {
        Some((_, layers)) => Ok(Entry::Named(layers.clone())),
        None => Ok(Entry::Numbered(piece, list::range(piece)?)),
    }
}

/// The layers of a list, of `count` in all, each once and sorted.
fn parse(text: &str, count: usize) -> std::result::Result<Vec<usize>, String> {
    let known = |error: String| {
        // The named ranges, as far as these latents have layers.
        let named = NAMED
            .iter()
            .filter(|(_, layers)| layers.start < count)
            .map(|(name, layers)| format!("{name} ({}-{})", layers.start, layers.end.min(count) - 1));
        let (last, named) = (count.saturating_sub(1), named.collect::<Vec<_>>().join(", "));
        format!("{error}; these latents have {count} layers, 0 to {last}, with the named ranges {named}")
    };
    let mut chosen = BTreeSet::new();
    for entry in entries(text).map_err(known)? {
        match entry {
            // A name selects those of its layers that a network of this size has.
            Entry::Named(layers) => chosen.extend(layers.filter(|layer| *layer < count)),
            Entry::Numbered(piece, layers) if *layers.end() as usize >= count => {
                return Err(known(format!("`{piece}` is beyond the last layer")));
            }
            Entry::Numbered(_, layers) => chosen.extend(layers.map(|layer| layer as usize)),
        }
    }
    if chosen.is_empty() {
        return Err(known(format!("`{text}` selects no layers")));
    }
    Ok(chosen.into_iter().collect())
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
    fn layers_are_listed_by_number_and_name() {
        let check = |list: &str, count: usize, expected: &[usize]| {
            assert_eq!(parse(list, count).as_deref(), Ok(expected), "{list}");
        };
        check("coarse", 18, &[0, 1, 2, 3]);
        check("middle", 18, &[4, 5, 6, 7]);
        check("fine", 10, &[8, 9]);
        check("middle", 6, &[4, 5]);
        check("fine, 3-4, 3, coarse", 9, &[0, 1, 2, 3, 4, 8]);
        check("0-17", 18, &(0..18).collect::<Vec<_>>());
    }

    #[test]
    fn mistakes_say_which_layers_there_are() {
        let check = |list: &str, count: usize, expected: &str| {
            let known = format!(
                "these latents have {count} layers, 0 to {}, with the named ranges coarse (0-3), middle (4-7)",
                count - 1
            );
            assert_eq!(parse(list, count).unwrap_err(), format!("{expected}; {known}"));
        };
        check("fine", 8, "`fine` selects no layers");
        check("9", 8, "`9` is beyond the last layer");
        check("3-8", 8, "`3-8` is beyond the last layer");
        check("corse", 8, "`corse` is neither a number nor a range such as 3-9");
        check("4-1", 8, "`4-1` is reversed: write 1-4");
        check("", 8, "the list is empty: write numbers and ranges such as 0-8,15");
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
