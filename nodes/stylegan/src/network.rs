use dreamwire_nets::stylegan::{self, StyleGan};
use dreamwire_nets::{Content, weights};
use dreamwire_sdk::Bytes;
use dreamwire_sdk::prelude::*;

use crate::builtin;

/// Networks by where their weights come from, and what activations are limited to.
pub(crate) type Kept = dreamwire_nets::Kept<(Source, f64), StyleGan>;

/// Where the weights come from.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Source {
    Random { seed: u64, side: usize },
    File(Content),
}

/// The network of the weights called `name`, built if it is not the one that is kept: the built-in one,
/// `random:SEED:SIZE`, or whatever bytes `read` gives. Activations are limited to +-`clamp`, or not at all if that is 0.
///
/// # Errors
///
/// If these are not StyleGAN2's weights: says what they are, or which tensors are wrong.
pub(crate) fn network(
    kept: &mut Kept,
    name: &str,
    clamp: f64,
    read: impl FnOnce() -> Result<Bytes>,
) -> Result<StyleGan> {
    let unusable = |what: String| unusable(name, &what);
    let (source, bytes) = match random(name)? {
        Some(source) => (source, Bytes::from(&[][..])),
        None => {
            let bytes = if name == builtin::NAME { builtin::NETWORK.into() } else { read()? };
            (Source::File(Content::of(&bytes)), bytes)
        }
    };
    kept.network((source, clamp), || {
        let tensors = match source {
            Source::Random { seed, side } => {
                stylegan::random_tensors(seed, side).map_err(|error| unusable(error.to_string()))?
            }
            Source::File(_) => weights::read(&bytes).map_err(|error| unusable(error.to_string()))?,
        };
        let limit = (clamp > 0.0).then_some(clamp);
        StyleGan::new(tensors, limit, DType::F32).map_err(|error| unusable(error.to_string()))
    })
}

fn unusable(name: &str, what: &str) -> Error {
    Error::content(format!("`{name}`: {what}")).at("weights")
}

/// The random network of the name `random:SEED:SIZE`; nothing for a name of another form.
///
/// # Errors
///
/// If these are not two numbers, or there is no network of that size.
pub(crate) fn random(name: &str) -> Result<Option<Source>> {
    let Some(text) = name.strip_prefix("random:") else { return Ok(None) };
    let parsed = text
        .split_once(':')
        .and_then(|(seed, side)| Some((seed.parse::<u64>().ok()?, side.parse::<usize>().ok()?)));
    let (seed, side) = parsed.ok_or_else(|| {
        let form =
            "a random network is written `random:SEED:SIZE` with two integers, for example `random:0:256`";
        unusable(name, form)
    })?;
    stylegan::check_resolution(side).map_err(|error| unusable(name, &error.to_string()))?;
    Ok(Some(Source::Random { seed, side }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::small;

    /// A kept network must not outlive a change of its weights or settings.
    #[test]
    fn the_kept_network_follows_content_and_clamp() {
        let mut kept = Kept::default();
        let w = small::normal(1, &[1, small::LAYERS, small::WIDTH]);
        let mut picture = |seed, clamp| {
            let network = network(&mut kept, "it", clamp, || Ok(small::file(seed).into())).unwrap();
            small::bits(&network.synthesis.forward(&w, &[]).unwrap())
        };
        let first = picture(0, 256.0);
        assert_eq!(first, picture(0, 256.0));
        assert_ne!(first, picture(1, 256.0), "another content");
        assert_ne!(first, picture(0, 0.1), "another clamp");
        // Nothing in this network comes near 256, so no clamp makes the same picture.
        assert_eq!(first, picture(0, 0.0));
        assert!(
            network(&mut kept, "it", 256.0, || Ok(b"version https://git-lfs.github.com/spec/v1"[..].into()))
                .is_err()
        );
    }

    #[test]
    fn files_are_read_and_random_networks_are_not() {
        let read = |name: &str| {
            let network = network(&mut Kept::default(), name, 0.0, || Err(Error::failed("read")));
            network.map(|_| ()).expect_err("refused")
        };
        assert_eq!(read("random.safetensors").to_string(), "read");
        for name in ["random:", "random:1", "random:x:16", "random:1:16:3", "random:-1:16", "random:1:16px"] {
            let error = read(name);
            assert_eq!(error.input(), "weights");
            assert_eq!(
                error.to_string(),
                format!(
                    "`{name}`: a random network is written `random:SEED:SIZE` with two integers, for example \
                     `random:0:256`"
                )
            );
        }
    }
}
