use dreamwire_nets::stylegan::{truncate, truncate_to};
use dreamwire_sdk::prelude::*;

use crate::{classes, latent};

/// Turns random latents into styles, and truncates them towards the average style, or towards `centre`.
///
/// `w = mapping(z)` `[B,layers,w]`, the same style for every layer; then `w = w_avg + psi (w - w_avg)` in the
/// first `truncation_cutoff` layers. Small psi gives typical pictures that resemble each other, 1 keeps the
/// network's full variety, negative psi gives opposites.
///
/// A latent at `centre` takes the place of `w_avg`. With several, each style goes towards the nearest, by the squared
/// distance averaged over all layers (multimodal truncation): pictures are as typical, but of as many types as there are
/// centres.
///
/// A network with classes needs `class`, or a weight for each of its classes: `class_weights`. Its average is that of all
/// classes.
///
/// Errors: `z` of a width that the network does not take; a cutoff beyond its layers; centres of another network; a class
/// that does not exist, is missing, or is given to a network without classes.
///
/// Source: Karras et al., arXiv:1812.04948, appendix B (the truncation trick); Mokady et al., arXiv:2202.12211 (several
/// centres).
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// Distance from the average style: 0 is the average itself, 1 leaves the style unchanged.
    #[schemars(range(min = -2.0, max = 2.0), extend("x-dw-step" = 0.01))]
    pub(crate) truncation_psi: f64,
    /// Number of layers to truncate, from the coarsest; -1 is all.
    #[schemars(range(min = -1, max = 18))]
    pub(crate) truncation_cutoff: i32,
    /// The class of the pictures, from 0; -1 is none, for networks without classes.
    #[schemars(range(min = -1))]
    pub(crate) class: i64,
    /// Instead of `class`, a weight for each class, in order: `0.5, 0.5, 0` is half way between the first two of three.
    #[schemars(extend("x-dw-list" = true))]
    pub(crate) class_weights: String,
}

impl Default for Params {
    fn default() -> Self {
        Self { truncation_psi: 0.7, truncation_cutoff: -1, class: -1, class_weights: String::new() }
    }
}

#[derive(Default)]
pub(crate) struct MappingNetwork;

impl Node for MappingNetwork {
    const KIND: Kind = Kind::new("MappingNetwork", 1)
        .title("Mapping network")
        .category("stylegan")
        .inputs(&[
            port("mapping", "MAPPING").doc("The MAPPING of LoadStyleGAN."),
            port("z", "LATENT_Z").doc("Random latents, `[B,z]`."),
            port("centre", "LATENT_W")
                .optional()
                .doc("What to truncate towards instead of the average: the nearest of these styles, `[N,layers,w]`."),
        ])
        .outputs(&[port("LATENT_W", "LATENT_W").doc("A style per layer, `[B,layers,w]`.")]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let mapping = inputs.function("mapping")?;
        let z = latent::latent_z(&inputs, "z")?;
        if let Some([width]) = latent::sizes(mapping.spec().inputs.first()) {
            latent::check_z(&z, width)?;
        }
        let (class, weights) = (params.class, &params.class_weights);
        let c = classes::chosen(mapping.spec(), class, weights, z.dim(0)?, call.device())?;
        let x: Vec<&Tensor> = std::iter::once(&z).chain(&c).collect();
        let y = mapping.eval(&x)?;
        let [w, average] = y.as_slice() else {
            let message = format!("`mapping` must return w and w_avg, found {} outputs", y.len());
            return Err(Error::port("mapping", message));
        };
        let layers = w.dim(1)?;
        // Whatever is negative means all.
        let cutoff = usize::try_from(params.truncation_cutoff).unwrap_or(layers);
        if cutoff > layers {
            let message = format!(
                "`truncation_cutoff` must be at most {layers}, the layers of this network, found {cutoff}"
            );
            return Err(Error::param("truncation_cutoff", message));
        }
        let psi = params.truncation_psi;
        if inputs.opt_tensor("centre")?.is_none() {
            return Ok(truncate(w, average, psi, cutoff)?.into());
        }
        let centres = latent::latent_w(&inputs, "centre")?;
        let (_, found, columns) = centres.dims3()?;
        let width = w.dim(2)?;
        if ![1, layers].contains(&found) || columns != width {
            let message = format!(
                "`centre` must have {layers} layers of {width} for this network, found {found} of {columns}"
            );
            return Err(Error::shape("centre", message));
        }
        Ok(truncate_to(w, &centres, psi, cutoff)?.into())
    }

    /// Rejects weights that are not numbers. How many there must be is known at run time.
    fn check(params: &Params) -> Result<()> {
        classes::numbers(&params.class_weights).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use dreamwire_sdk::testing::{Value, in_call};

    use super::*;
    use crate::small;

    struct Net {
        mapping: Function,
        z: Tensor,
    }

    impl Net {
        fn new() -> Self {
            Self { mapping: small::load().0, z: small::normal(5, &[3, small::WIDTH]) }
        }

        fn inputs(&self) -> [(&'static str, Value); 2] {
            [("mapping", Value::Function(self.mapping.clone())), ("z", Value::Tensor(self.z.clone()))]
        }

        fn w(&self, psi: f64, cutoff: i32) -> Tensor {
            let params = format!(r#"{{"truncation_psi": {psi}, "truncation_cutoff": {cutoff}}}"#);
            small::output::<MappingNetwork>(&params, &self.inputs())
        }

        /// What the function gives: w and w_avg.
        fn raw(&self) -> (Tensor, Tensor) {
            let y = in_call(|_| self.mapping.eval(&[&self.z])).unwrap();
            (y[0].clone(), y[1].clone())
        }
    }

    #[test]
    fn psi_goes_from_the_average_to_the_style() {
        let net = Net::new();
        let (w, average) = net.raw();
        assert_eq!(w.dims(), [3, small::LAYERS, small::WIDTH]);
        let average = average.broadcast_as(w.dims()).unwrap();
        assert_eq!(small::difference(&net.w(0.0, -1), &average), 0.0);
        assert!(small::difference(&net.w(1.0, -1), &w) < 1e-5);
        let half = ((&w + &average).unwrap() * 0.5).unwrap();
        assert!(small::difference(&net.w(0.5, -1), &half) < 1e-5);
        let opposite = ((&average * 2.0).unwrap() - &w).unwrap();
        assert!(small::difference(&net.w(-1.0, -1), &opposite) < 1e-5);
        assert!(small::difference(&w, &average) > 0.1, "the test tells them apart");
    }

    #[test]
    fn the_cutoff_leaves_fine_layers_alone() {
        let net = Net::new();
        let (w, average) = net.raw();
        let truncated = net.w(0.0, 2);
        let layers = |w: &Tensor, start, count| w.narrow(1, start, count).unwrap();
        let average = average.broadcast_as((3, 2, small::WIDTH)).unwrap();
        assert_eq!(small::difference(&layers(&truncated, 0, 2), &average), 0.0);
        assert_eq!(small::difference(&layers(&truncated, 2, 4), &layers(&w, 2, 4)), 0.0);
        assert_eq!(small::difference(&net.w(0.0, 0), &w), 0.0);
        assert_eq!(small::bits(&net.w(0.3, 6)), small::bits(&net.w(0.3, -1)));
    }

    #[test]
    fn defaults_truncate_all_layers_to_0_7() {
        let net = Net::new();
        let found = small::output::<MappingNetwork>("{}", &net.inputs());
        assert_eq!(small::bits(&found), small::bits(&net.w(0.7, -1)));
    }

    /// Two centres, one close to each of the first two styles.
    #[test]
    fn styles_go_towards_the_nearest_centre() {
        let net = Net::new();
        let (w, _) = net.raw();
        let centres = (w.narrow(0, 0, 2).unwrap() + 0.01).unwrap();
        let with = |params: &str, centres: &Tensor| {
            let [mapping, z] = net.inputs();
            small::output::<MappingNetwork>(params, &[mapping, z, ("centre", Value::Tensor(centres.clone()))])
        };
        let first = |w: &Tensor| w.narrow(0, 0, 2).unwrap();
        let found = with(r#"{"truncation_psi": 0}"#, &centres);
        assert!(small::difference(&first(&found), &centres) < 1e-6);
        let found = with(r#"{"truncation_psi": 0.5, "truncation_cutoff": 6}"#, &centres);
        assert!(small::difference(&first(&found), &(first(&w) + 0.005).unwrap()) < 1e-6);
        // One that is the same in all layers, for all styles.
        let one = w.narrow(0, 2, 1).unwrap().narrow(1, 0, 1).unwrap().contiguous().unwrap();
        let found = with(r#"{"truncation_psi": 0, "truncation_cutoff": 2}"#, &one);
        let expected = one.broadcast_as((3, 2, small::WIDTH)).unwrap();
        assert_eq!(small::difference(&found.narrow(1, 0, 2).unwrap(), &expected), 0.0);
        let [mapping, z] = net.inputs();
        let wide = Value::Tensor(small::normal(1, &[1, 4, 16]));
        small::check_error::<MappingNetwork>(
            "{}",
            &[mapping, z, ("centre", wide)],
            "centre",
            "`centre` must have 6 layers of 16 for this network, found 4 of 16",
        );
    }

    /// Styles of z and the class: each of the three moves every number of w.
    struct Classed;

    impl Differentiable for Classed {
        fn spec(&self) -> FnSpec {
            let spec = FnSpec::new("MAPPING", "classed").input(TensorSpec::new("z", &[-1, 2]));
            spec.input(classes::spec(3).expect("three classes"))
                .output(TensorSpec::new("w", &[-1, 4, 2]))
                .output(TensorSpec::new("w_avg", &[2]))
        }

        fn forward(&self, x: &[Tensor]) -> Result<Vec<Tensor>> {
            let [z, c] = x else { return Err(Error::failed("z and c")) };
            let shift =
                c.broadcast_mul(&Tensor::new(&[100f32, 200.0, 300.0], z.device())?)?.sum_keepdim(1)?;
            let w = z.broadcast_add(&shift)?.unsqueeze(1)?.broadcast_as((z.dim(0)?, 4, 2))?.contiguous()?;
            Ok(vec![w, Tensor::zeros(2, DType::F32, z.device())?])
        }
    }

    #[test]
    fn networks_with_classes_get_one() {
        let z = small::normal(5, &[2, 2]);
        let inputs = [("mapping", Value::function(Classed)), ("z", Value::Tensor(z.clone()))];
        let shifted = |by: f64| {
            let w = (z.unsqueeze(1).unwrap() + by).unwrap();
            w.broadcast_as((2, 4, 2)).unwrap().contiguous().unwrap()
        };
        let check = |params: &str, by: f64| {
            let found =
                small::output::<MappingNetwork>(&format!(r#"{{"truncation_psi": 1, {params}}}"#), &inputs);
            assert!(small::difference(&found, &shifted(by)) < 1e-4, "{params}");
        };
        check(r#""class": 2"#, 300.0);
        check(r#""class": 0"#, 100.0);
        check(r#""class_weights": "0.5, 0.5, 0""#, 150.0);
        let refused = |params: &str, blamed: &str, expected: &str| {
            small::check_error::<MappingNetwork>(params, &inputs, blamed, expected);
        };
        refused(r#"{"class": 3}"#, "class", "there is no class 3: this network has 3 classes, 0 to 2");
        let net = Net::new();
        small::check_error::<MappingNetwork>(
            r#"{"class": 3}"#,
            &net.inputs(),
            "class",
            "`class` is 3, but this network has no classes; hint: set it to -1",
        );
    }

    /// The same with a network from a file.
    #[test]
    fn classes_of_a_file_differ() {
        let mapping = small::load_file(&small::file_with_classes(5)).0;
        assert_eq!(mapping.spec().inputs[1].dims, [-1, 5]);
        let z = Value::Tensor(small::normal(5, &[3, small::WIDTH]));
        let inputs = [("mapping", Value::Function(mapping)), ("z", z)];
        let w = |params: &str| small::output::<MappingNetwork>(params, &inputs);
        let (first, last) = (w(r#"{"class": 0}"#), w(r#"{"class": 4}"#));
        assert!(small::difference(&first, &last) > 0.1);
        assert_eq!(small::bits(&w(r#"{"class_weights": "0,0,0,0,1"}"#)), small::bits(&last));
        small::check_error::<MappingNetwork>(
            "{}",
            &inputs,
            "class",
            "this network has 5 classes, 0 to 4: choose one; hint: or give each of them a weight in `class_weights`",
        );
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let net = Net::new();
        let check = small::check_error::<MappingNetwork>;
        check(
            r#"{"truncation_cutoff": 7}"#,
            &net.inputs(),
            "truncation_cutoff",
            "`truncation_cutoff` must be at most 6, the layers of this network, found 7",
        );
        let z = |shape: &[usize]| {
            [("mapping", Value::Function(net.mapping.clone())), ("z", Value::Tensor(small::normal(1, shape)))]
        };
        check(
            "{}",
            &z(&[2, 512]),
            "z",
            "`z` must have 16 numbers per latent for this mapping, found 512; hint: set `width` of the LatentNoise node to 16",
        );
        check("{}", &z(&[2, 1, 16]), "z", "`z` must be a LATENT_Z [B,z], found shape [2, 1, 16]");
    }
}
