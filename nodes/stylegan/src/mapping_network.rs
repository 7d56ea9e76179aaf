use dreamwire_nets::stylegan::truncate;
use dreamwire_sdk::prelude::*;

use crate::latent;

/// Turns random latents into styles, and truncates them towards the average style.
///
/// `w = mapping(z)` `[B,layers,w]`, the same style for every layer; then `w = w_avg + psi (w - w_avg)` in the
/// first `truncation_cutoff` layers. Small psi gives typical pictures that resemble each other, 1 keeps the
/// network's full variety, negative psi gives opposites.
///
/// Errors: `z` of a width that the network does not take; a cutoff beyond its layers.
///
/// Source: Karras et al., arXiv:1812.04948, appendix B (the truncation trick).
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// Distance from the average style: 0 is the average itself, 1 leaves the style unchanged.
    #[schemars(range(min = -2.0, max = 2.0), extend("x-dw-step" = 0.01))]
    pub(crate) truncation_psi: f64,
    /// Number of layers to truncate, from the coarsest; -1 is all.
    #[schemars(range(min = -1, max = 18))]
    pub(crate) truncation_cutoff: i32,
}

impl Default for Params {
    fn default() -> Self {
        Self { truncation_psi: 0.7, truncation_cutoff: -1 }
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
        ])
        .outputs(&[port("LATENT_W", "LATENT_W").doc("A style per layer, `[B,layers,w]`.")]);
    type Params = Params;

    fn run(&mut self, _: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let mapping = inputs.function("mapping")?;
        let z = latent::latent_z(&inputs, "z")?;
        if let Some([width]) = latent::sizes(mapping.spec().inputs.first()) {
            latent::check_z(&z, width)?;
        }
        let y = mapping.eval(&[&z])?;
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
        Ok(truncate(w, average, params.truncation_psi, cutoff)?.into())
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
