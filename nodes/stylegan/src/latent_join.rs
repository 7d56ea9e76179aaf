use dreamwire_sdk::prelude::*;

use crate::latent;

/// Puts several batches of latents one after the other into one.
///
/// All are LATENT_W of the same network, or all are LATENT_Z of the same width: `[B_a,..]`, `[B_b,..]` and so on become
/// `[B_a + B_b + ..,..]`. More than four are joined by several of these nodes.
///
/// Errors: a LATENT_W with a LATENT_Z; latents of different networks; more than 4096 latents.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {}

#[derive(Default)]
pub(crate) struct LatentJoin;

/// The inputs, in the order of the result.
const PORTS: [&str; 4] = ["a", "b", "c", "d"];

impl Node for LatentJoin {
    const KIND: Kind = Kind::new("LatentJoin", 1)
        .title("Join latents")
        .category("stylegan")
        .inputs(&[
            port("a", "LATENT_W|LATENT_Z").doc("The first latents, `[B,layers,w]` or `[B,z]`."),
            port("b", "LATENT_W|LATENT_Z").doc("The latents after them."),
            port("c", "LATENT_W|LATENT_Z").optional().doc("Further latents."),
            port("d", "LATENT_W|LATENT_Z").optional().doc("Further latents."),
        ])
        .outputs(&[port("LATENT", "LATENT_W|LATENT_Z").doc("All of them, of the inputs' type.")]);
    type Params = Params;

    fn run(&mut self, _: &Call, _: Params, inputs: Inputs) -> Result<Outputs> {
        let first = latent::latent(&inputs, "a")?;
        let mut parts = vec![first];
        for port in &PORTS[1..] {
            if *port != "b" && inputs.opt_tensor(port)?.is_none() {
                continue;
            }
            let next = latent::latent(&inputs, port)?;
            let (wanted, found) = (&parts[0].dims()[1..], &next.dims()[1..]);
            if wanted != found {
                let message = format!(
                    "`{port}` has latents of {}, but those of `a` are of {}: all must come from the same network",
                    words(found),
                    words(wanted)
                );
                return Err(Error::shape(port, message));
            }
            parts.push(next);
        }
        let counts = parts.iter().map(|part| part.dim(0)).collect::<std::result::Result<Vec<_>, _>>()?;
        latent::check_count(counts.into_iter().map(|count| count as u64).sum())?;
        Ok(Tensor::cat(&parts, 0)?.into())
    }
}

/// The sizes of one latent in words.
fn words(sizes: &[usize]) -> String {
    match sizes {
        [layers, width] => format!("{layers} layers of {width} numbers"),
        sizes => format!("{} numbers", sizes.iter().product::<usize>()),
    }
}

#[cfg(test)]
mod tests {
    use dreamwire_sdk::testing::Value;

    use super::*;
    use crate::small;

    fn latents(seed: u32, shape: &[usize]) -> Value {
        Value::Tensor(small::normal(seed, shape))
    }

    #[test]
    fn batches_follow_each_other() {
        let inputs =
            [("d", latents(4, &[1, 6, 3])), ("a", latents(1, &[2, 6, 3])), ("b", latents(2, &[1, 6, 3]))];
        let joined = small::output::<LatentJoin>("{}", &inputs);
        assert_eq!(joined.dims(), [4, 6, 3]);
        for (start, part) in [(0, &inputs[1].1), (2, &inputs[2].1), (3, &inputs[0].1)] {
            let part = part.tensor();
            let found = joined.narrow(0, start, part.dim(0).unwrap()).unwrap();
            assert_eq!(small::bits(&found), small::bits(part));
        }
        let z = small::output::<LatentJoin>("{}", &[("a", latents(1, &[2, 5])), ("b", latents(2, &[3, 5]))]);
        assert_eq!(z.dims(), [5, 5]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let check = |port: &str, shapes: [&[usize]; 2], expected: &str| {
            let inputs = [("a", latents(1, shapes[0])), ("b", latents(2, shapes[1]))];
            small::check_error::<LatentJoin>("{}", &inputs, port, expected);
        };
        check(
            "b",
            [&[1, 6, 16], &[1, 10, 16]],
            "`b` has latents of 10 layers of 16 numbers, but those of `a` are of 6 layers of 16 numbers: all must come \
             from the same network",
        );
        check(
            "b",
            [&[1, 6, 16], &[1, 16]],
            "`b` has latents of 16 numbers, but those of `a` are of 6 layers of 16 numbers: all must come from the \
             same network",
        );
        check("", [&[4096, 1], &[1, 1]], "this makes 4097 latents, the limit is 4096");
    }
}
