use dreamwire_nets::stylegan::randn;
use dreamwire_sdk::prelude::*;

use crate::{latent, list};

/// Random latents for MappingNetwork, one per seed; the same seed always gives the same latent.
///
/// Row i of `[B,width]` is `numpy.random.RandomState(seeds[i]).randn(1, width)`, rounded to float32: the
/// numbers that NVIDIA's scripts draw, so that seeds found elsewhere make the same pictures here. A latent
/// does not depend on the other seeds of the list.
///
/// Errors: a list that cannot be parsed; seeds above 4294967295; more than 4096 latents; a MAPPING whose
/// latents are wider than 4096.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// Seeds and ranges of seeds, both ends included: `0-8,15` makes ten latents.
    #[schemars(extend("x-dw-list" = true))]
    pub(crate) seeds: String,
    /// Size of a latent where `mapping` is not connected, or takes any: 512 for almost all networks.
    #[schemars(range(min = 1, max = MAX_WIDTH))]
    pub(crate) width: usize,
}

/// The largest size of a latent.
const MAX_WIDTH: usize = 4096;

impl Default for Params {
    fn default() -> Self {
        Self { seeds: "0".to_owned(), width: 512 }
    }
}

#[derive(Default)]
pub(crate) struct LatentNoise;

impl Node for LatentNoise {
    const KIND: Kind = Kind::new("LatentNoise", 1)
        .title("Latent noise")
        .category("stylegan")
        .inputs(&[port("mapping", "MAPPING")
            .optional()
            .doc("The network that the latents are for: its size of a latent goes before `width`.")])
        .outputs(&[port("LATENT_Z", "LATENT_Z").doc("One latent per seed, `[B,width]`.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let seeds = parse(&params.seeds)?;
        let width = match inputs.opt_function("mapping")? {
            Some(mapping) => width(&mapping, params.width)?,
            None => params.width,
        };
        let numbers: Vec<f32> = seeds.iter().flat_map(|seed| randn(*seed, width)).map(|x| x as f32).collect();
        Ok(Tensor::from_vec(numbers, (seeds.len(), width), call.device())?.into())
    }

    /// Rejects lists that cannot be parsed, and too many seeds.
    fn check(params: &Params) -> Result<()> {
        parse(&params.seeds).map(drop)
    }
}

/// The size of the latents that a mapping takes: the last axis of its first input. One that takes any, because it makes
/// its styles of a class alone, gets `usual`.
///
/// # Errors
///
/// If it does not say, or is too large.
pub(crate) fn width(mapping: &Function, usual: usize) -> Result<usize> {
    let dims = mapping.spec().inputs.first().map(|input| &input.dims[..]);
    match dims {
        Some([_, -1]) => Ok(usual),
        Some([_, width]) if (1..=MAX_WIDTH as i64).contains(width) => Ok(*width as usize),
        _ => Err(Error::port(
            "mapping",
            format!("`mapping` must take latents `[B,z]` with z from 1 to {MAX_WIDTH}, found {dims:?}"),
        )),
    }
}

/// The seeds of a list, in its order.
fn parse(text: &str) -> Result<Vec<u32>> {
    let wrong = |message: String| Error::param("seeds", message);
    let pieces = list::pieces(text).map_err(wrong)?;
    let ranges =
        pieces.into_iter().map(list::range).collect::<std::result::Result<Vec<_>, _>>().map_err(wrong)?;
    // Counted before they are expanded: `0-4294967295` is easily typed.
    let count = ranges.iter().map(|range| u64::from(range.end() - range.start()) + 1).sum();
    latent::check_count(count).map_err(|error| error.at("seeds"))?;
    Ok(ranges.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use dreamwire_sdk::testing::{Value, run_node};

    use super::*;
    use crate::small;

    fn latents(params: &str) -> Vec<Vec<f32>> {
        small::output::<LatentNoise>(params, &[]).to_vec2().expect("f32")
    }

    /// `[float(x) for x in numpy.random.RandomState(seed).randn(1, 5)[0]]`.
    #[test]
    fn a_seed_is_numpy_s() {
        let numpy = [
            [
                1.764052345967664,
                0.4001572083672233,
                0.9787379841057392,
                2.240893199201458,
                1.8675579901499675,
            ],
            [
                0.4967141530112327,
                -0.13826430117118466,
                0.6476885381006925,
                1.5230298564080254,
                -0.23415337472333597,
            ],
            [
                0.6484086742306527,
                0.6693235306338161,
                -1.0805437227474493,
                0.2845010447986309,
                0.11388773652167104,
            ],
        ];
        let found = latents(r#"{"seeds": "0,42,4294967295", "width": 5}"#);
        assert_eq!(found, numpy.map(|row: [f64; 5]| row.map(|x| x as f32).to_vec()));
    }

    #[test]
    fn seeds_do_not_depend_on_their_neighbours() {
        let batch = latents(r#"{"seeds": "3-5, 9", "width": 7}"#);
        assert_eq!(batch.len(), 4);
        assert_eq!(batch[1..2], latents(r#"{"seeds": "4", "width": 7}"#));
        assert_eq!(batch[3..], latents(r#"{"seeds": "9", "width": 7}"#));
    }

    #[test]
    fn defaults_are_one_latent_of_512() {
        let z = small::output::<LatentNoise>("{}", &[]);
        assert_eq!((z.dims(), z.dtype()), (&[1, 512][..], DType::F32));
    }

    #[test]
    fn a_mapping_says_how_wide_its_latents_are() {
        let (mapping, _) = small::load();
        let inputs = [("mapping", Value::Function(mapping))];
        let z = small::output::<LatentNoise>(r#"{"seeds": "3,4", "width": 512}"#, &inputs);
        assert_eq!(
            z.to_vec2::<f32>().expect("f32"),
            latents(&format!(r#"{{"seeds": "3,4", "width": {}}}"#, small::WIDTH))
        );
    }

    /// A mapping of latents of `width` numbers.
    struct Wide(i64);

    impl Differentiable for Wide {
        fn spec(&self) -> FnSpec {
            let w = TensorSpec::new("w", &[-1, 2, 4]);
            FnSpec::new("MAPPING", "wide").input(TensorSpec::new("z", &[-1, self.0])).output(w)
        }

        fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
            Ok(x.to_vec())
        }
    }

    #[test]
    fn a_mapping_of_any_width_gets_the_usual_one() {
        let inputs = [("mapping", Value::function(Wide(-1)))];
        assert_eq!(small::output::<LatentNoise>(r#"{"seeds": "3-5", "width": 7}"#, &inputs).dims(), [3, 7]);
    }

    #[test]
    fn a_mapping_without_a_width_or_one_that_is_too_large_is_refused() {
        for width in [0, 4097, i64::MAX] {
            let inputs = [("mapping", Value::function(Wide(width)))];
            let error = run_node::<LatentNoise>("{}", &inputs, &[]).err().expect("refused");
            assert_eq!(error.input(), "mapping", "{error}");
            assert!(error.to_string().contains(&width.to_string()), "{error}");
        }
    }

    #[test]
    fn lists_keep_their_order() {
        let check = |list: &str, expected: &[u32]| {
            assert_eq!(parse(list).expect(list), expected);
            assert!(LatentNoise::check(&Params { seeds: list.to_owned(), ..Params::default() }).is_ok());
        };
        check("0-2, 5", &[0, 1, 2, 5]);
        check("7,3,7", &[7, 3, 7]);
        check("4294967294-4294967295", &[u32::MAX - 1, u32::MAX]);
        assert_eq!(parse("1-4096").expect("the limit").len(), 4096);
    }

    #[test]
    fn lists_that_do_not_parse_are_refused() {
        let check = |seeds: &str, expected: &str| {
            let params = format!(r#"{{"seeds": "{seeds}"}}"#);
            small::check_error::<LatentNoise>(&params, &[], "seeds", expected);
            let params = Params { seeds: seeds.to_owned(), ..Params::default() };
            assert_eq!(LatentNoise::check(&params).unwrap_err().to_string(), expected);
        };
        check("", "the list is empty: write numbers and ranges such as 0-8,15");
        check("1,,2", "`1,,2` has an empty item between commas");
        check("0,a", "`a` is neither a number nor a range such as 3-9");
        check("3-", "`3-` is neither a number nor a range such as 3-9");
        check("0,8-2", "`8-2` is reversed: write 2-8");
        check("4294967296", "`4294967296` is too large: the maximum is 4294967295");
        check("0-4294967295", "this makes 4294967296 latents, the limit is 4096");
        check("1-4096,1", "this makes 4097 latents, the limit is 4096");
    }
}
