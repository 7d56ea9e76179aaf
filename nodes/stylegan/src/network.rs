use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Display;

use dreamwire_formats::{self as formats, Limits};
use dreamwire_nets::Content;
use dreamwire_nets::stylegan::{self, Generator};
use dreamwire_nets::stylegan3;
use dreamwire_nets::weights::{self, Family, Weights as Read};
use dreamwire_sdk::Bytes;
use dreamwire_sdk::candle::DeviceLocation;
use dreamwire_sdk::prelude::*;
use dreamwire_sdk::serde_json::{Map, Value};

use crate::builtin;
use crate::family::{Network, Refusal, Settings};

/// Networks by where their weights come from, what is set about them, and the device that they are on.
pub(crate) type Kept = dreamwire_nets::Kept<(Source, Settings, DeviceLocation), Network>;

/// The networks that can be used.
const FAMILIES: [Family; 3] =
    [Family::StyleGan2Generator, Family::StyleGan3Generator, Family::StyleGan1Generator];

/// Why a random network is refused where only a StyleGAN2 will do.
const NOT_TWO: &str = "this is a StyleGAN3 generator: StyleGAN2's weights are needed here";
/// What follows the name of a random network that is a StyleGAN3.
const THREE: &str = "stylegan3-r";

/// Where the weights come from.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Source {
    Random(Random),
    File(Content),
}

/// An untrained network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Random {
    pub(crate) seed: u64,
    pub(crate) side: usize,
    /// A StyleGAN3 of configuration R, instead of a StyleGAN2.
    pub(crate) is_three: bool,
}

/// Weights that a param names: where they come from, and the bytes if they are those of a file.
pub(crate) struct Weights<'a> {
    param: &'static str,
    name: &'a str,
    pub(crate) source: Source,
    pub(crate) bytes: Bytes,
    /// What a user should know about what was read.
    note: RefCell<Option<String>>,
}

impl<'a> Weights<'a> {
    /// The weights called `name`: the built-in ones, those of a [`random`] network, or whatever bytes `read` gives.
    ///
    /// # Errors
    ///
    /// If there is no random network of that name, or those of `read`.
    pub(crate) fn find(
        param: &'static str,
        name: &'a str,
        read: impl FnOnce() -> Result<Bytes>,
    ) -> Result<Self> {
        if let Some(random) = random(name).map_err(|error| error.at(param))? {
            let (source, note) = (Source::Random(random), RefCell::default());
            return Ok(Self { param, name, source, bytes: Bytes::from(&[][..]), note });
        }
        let bytes = if name == builtin::NAME { builtin::NETWORK.into() } else { read()? };
        let source = Source::File(Content::of(&bytes));
        Ok(Self { param, name, source, bytes, note: RefCell::default() })
    }

    fn random(&self, random: Random) -> Result<HashMap<String, Tensor>> {
        let Random { seed, side, is_three } = random;
        match is_three {
            true => stylegan3::random_tensors(seed, side).map_err(|error| self.unusable(&error)),
            false => stylegan::random_tensors(seed, side).map_err(|error| self.unusable(&error)),
        }
    }

    /// The networks, of the family that the tensors tell, on `device`.
    fn network(&self, settings: Settings, device: &Device) -> Result<Network> {
        let (tensors, own) = match self.source {
            Source::Random(random) => (self.random(random)?, Map::new()),
            Source::File(_) => {
                let read = self.read(&FAMILIES)?;
                (read.tensors, read.settings)
            }
        };
        Network::new(tensors, &own, settings, device).map_err(|refusal| self.refused(&refusal))
    }

    /// The error that there is no network of these weights.
    pub(crate) fn refused(&self, refusal: &Refusal) -> Error {
        match refusal.param {
            Some(param) => Error::param(param, format!("`{}`: {}", self.name, refusal.text)),
            None => self.unusable(&refusal.text),
        }
    }

    /// The tensors of a StyleGAN2, on the CPU, for what no other family can do, and what its file says about how it was
    /// built.
    ///
    /// # Errors
    ///
    /// If these are not StyleGAN2's weights: says what they are, or which tensors are wrong.
    pub(crate) fn generator(&self) -> Result<(Generator, Map<String, Value>)> {
        let (tensors, own) = match self.source {
            Source::Random(Random { is_three: true, .. }) => return Err(self.unusable(&NOT_TWO)),
            Source::Random(random) => (self.random(random)?, Map::new()),
            Source::File(_) => {
                let read = self.read(&[Family::StyleGan2Generator])?;
                (read.tensors, read.settings)
            }
        };
        let generator = Generator::new(tensors).map_err(|error| self.unusable(&error))?;
        Ok((generator, own))
    }

    /// The family of the generator in a file, by its name with an article, if it is not StyleGAN2.
    pub(crate) fn other_family(&self) -> Option<&'static str> {
        let archive = formats::read(&self.bytes, &Limits::default()).ok()?;
        let family = archive.network(&FAMILIES).ok()?.family;
        (family != Family::StyleGan2Generator).then(|| family.name())
    }

    /// Says which of several generators is used, if the file has no average over the training, and was read.
    pub(crate) fn say(&self, call: &Call) {
        if let Some(note) = self.note.take() {
            call.warn(&note);
        }
    }

    /// What the bytes hold.
    ///
    /// # Errors
    ///
    /// If it is no network of these families, or has NaN or infinity in its weights.
    fn read(&self, families: &[Family]) -> Result<Read> {
        let read = weights::read(&self.bytes, families).and_then(Read::finite).map_err(|error| {
            let refused = self.unusable(&error);
            match error.hint() {
                Some(hint) => refused.hint(hint),
                None => refused,
            }
        })?;
        if !read.others.is_empty() {
            *self.note.borrow_mut() = Some(several(self.name, &read));
        }
        Ok(read)
    }

    /// The error that these weights cannot be used, for this reason.
    pub(crate) fn unusable(&self, what: &dyn Display) -> Error {
        unusable(self.name, &what.to_string()).at(self.param)
    }
}

/// The network of these weights, of any family, on `device`, built if it is not the one that is kept.
///
/// # Errors
///
/// If these are the weights of no family: says what they are, or which tensors are wrong. If a setting is not for this
/// family.
pub(crate) fn network(
    kept: &mut Kept,
    weights: &Weights,
    settings: Settings,
    device: &Device,
) -> Result<Network> {
    kept.network((weights.source, settings, device.location()), || weights.network(settings, device))
}

/// Which of several generators is used.
fn several(name: &str, read: &Read) -> String {
    let quoted = |part: &String| format!("`{part}`");
    let others: Vec<String> = read.others.iter().map(quoted).collect();
    format!(
        "`{name}` has several generators, none called an average over the training: `{}` is used, not {}; `dreamwire \
         weights import --part` makes a file of another",
        read.part,
        others.join(", ")
    )
}

fn unusable(name: &str, what: &str) -> Error {
    Error::content(format!("`{name}`: {what}"))
}

/// The random network of the name `random:SEED:SIZE`, a StyleGAN2, or `random:SEED:SIZE:stylegan3-r`; nothing for a name
/// of another form.
///
/// # Errors
///
/// If these are not two numbers, or there is no network of that size.
pub(crate) fn random(name: &str) -> Result<Option<Random>> {
    let Some(text) = name.strip_prefix("random:") else { return Ok(None) };
    let parts: Vec<&str> = text.split(':').collect();
    let parsed = match parts[..] {
        [seed, side] => seed.parse::<u64>().ok().zip(side.parse::<usize>().ok()).map(|found| (found, false)),
        [seed, side, THREE] => seed.parse().ok().zip(side.parse().ok()).map(|found| (found, true)),
        _ => None,
    };
    let ((seed, side), is_three) = parsed.ok_or_else(|| {
        if parts[0].parse::<i128>().is_ok() && parts[0].parse::<u64>().is_err() {
            let (most, seed) = (u64::MAX, parts[0]);
            return unusable(
                name,
                &format!("the SEED of `random:SEED:SIZE` must be 0 to {most}, found {seed}"),
            );
        }
        if let [seed, side, other] = parts[..]
            && seed.parse::<u64>().is_ok()
            && side.parse::<usize>().is_ok()
        {
            let form = format!("`random:{seed}:{side}`");
            return unusable(
                name,
                &format!(
                    "there is no random network of architecture `{other}`: {form} is a StyleGAN2, with `:{THREE}` \
                     behind it a StyleGAN3"
                ),
            );
        }
        let form = "a random network is written `random:SEED:SIZE` with two integers, for example `random:0:256`, \
                    a StyleGAN2, or `random:0:256:stylegan3-r`, a StyleGAN3";
        unusable(name, form)
    })?;
    stylegan::check_resolution(side).map_err(|error| unusable(name, &error.to_string()))?;
    Ok(Some(Random { seed, side, is_three }))
}

/// As [`random`], where only a StyleGAN2 will do.
///
/// # Errors
///
/// As [`random`], and if it is a StyleGAN3.
pub(crate) fn random_two(name: &str) -> Result<Option<Random>> {
    match random(name)? {
        Some(Random { is_three: true, .. }) => Err(unusable(name, NOT_TWO)),
        found => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::small;

    fn settings(clamp: f64) -> Settings {
        Settings { clamp: Some(clamp), resolution: None, blend: 1.0 }
    }

    /// A kept network must not outlive a change of its weights or settings.
    #[test]
    fn the_kept_network_follows_content_and_clamp() {
        let mut kept = Kept::default();
        let w = small::normal(1, &[1, small::LAYERS, small::WIDTH]);
        let mut picture = |seed, clamp| {
            let weights = Weights::find("weights", "it", || Ok(small::file(seed).into())).unwrap();
            let network = network(&mut kept, &weights, settings(clamp), &Device::Cpu).unwrap();
            small::bits(&network.synthesis.forward(&w, &[]).unwrap())
        };
        let first = picture(0, 256.0);
        assert_eq!(first, picture(0, 256.0));
        assert_ne!(first, picture(1, 256.0), "another content");
        assert_ne!(first, picture(0, 0.1), "another clamp");
        // Nothing in this network comes near 256, so no clamp makes the same picture.
        assert_eq!(first, picture(0, 0.0));
        let pointer = || Ok(b"version https://git-lfs.github.com/spec/v1"[..].into());
        let weights = Weights::find("weights", "it", pointer).unwrap();
        assert!(network(&mut kept, &weights, settings(256.0), &Device::Cpu).is_err());
    }

    #[test]
    fn a_pickle_and_its_import_are_one_network() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../formats/tests/ref/sg2/sg2_16_nhwc_proto4.pkl");
        let pickle = std::fs::read(path).unwrap();
        let archive = formats::read(&pickle, &formats::Limits::default()).unwrap();
        let network = archive.network(&FAMILIES).unwrap();
        let tensors = network.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor));
        let mut import = Vec::new();
        formats::write_safetensors(&mut import, tensors, ("dreamwire", &network.metadata())).unwrap();
        let w = small::normal(1, &[2, 6, 32]);
        let [one, other] = [pickle.clone(), import].map(|bytes| {
            let weights = Weights::find("weights", "it", || Ok(bytes.into())).unwrap();
            let network =
                super::network(&mut Kept::default(), &weights, settings(256.0), &Device::Cpu).unwrap();
            small::bits(&network.synthesis.forward(&w, &[]).unwrap())
        });
        assert_eq!(one, other);
        assert!(one.iter().any(|bits| *bits != one[0]), "a picture of one colour");
    }

    /// Without an average over the training the first of several generators is used, and told.
    #[test]
    fn the_one_of_several_generators_is_told() {
        let parts = |parts: &[&str]| {
            let file = small::file(0);
            let archive = formats::read(&file, &Limits::default()).unwrap();
            let named: Vec<(String, formats::Tensor<'_>)> = parts
                .iter()
                .flat_map(|part| {
                    archive.tensors.iter().map(move |(name, it)| (format!("{part}.{name}"), it.clone()))
                })
                .collect();
            let named = named.iter().map(|(name, tensor)| (name.as_str(), tensor));
            let mut written = Vec::new();
            formats::write_safetensors(&mut written, named, ("it", "")).unwrap();
            written
        };
        let note = |file: Vec<u8>| {
            let weights = Weights::find("weights", "it", || Ok(file.into())).unwrap();
            network(&mut Kept::default(), &weights, settings(256.0), &Device::Cpu).unwrap();
            weights.note.take()
        };
        let told = note(parts(&["net_a", "net_b", "net_c"])).expect("three generators");
        let expected = "`it` has several generators, none called an average over the training: `net_a` is used, not \
                        `net_b`, `net_c`; `dreamwire weights import --part` makes a file of another";
        assert_eq!(told, expected);
        assert_eq!(note(parts(&["G", "G_ema"])), None);
        assert_eq!(note(parts(&["G"])), None);
    }

    #[test]
    fn files_are_read_and_random_networks_are_not() {
        let read = |name: &str| {
            let weights = Weights::find("weights", name, || Err(Error::failed("read")));
            weights.map(|_| ()).expect_err("refused")
        };
        assert_eq!(read("random.safetensors").to_string(), "read");
        for seed in ["-1", "18446744073709551616"] {
            let name = format!("random:{seed}:64");
            let error = read(&name);
            assert_eq!(error.input(), "weights");
            let expected = format!(
                "`{name}`: the SEED of `random:SEED:SIZE` must be 0 to 18446744073709551615, found {seed}"
            );
            assert_eq!(error.to_string(), expected);
        }
        let other = read("random:0:128:stylegan3-x").to_string();
        let expected = "`random:0:128:stylegan3-x`: there is no random network of architecture `stylegan3-x`: \
                        `random:0:128` is a StyleGAN2, with `:stylegan3-r` behind it a StyleGAN3";
        assert_eq!(other, expected);
        let names = ["random:", "random:1", "random:x:16", "random:x:16:3", "random:1:16px"];
        for name in names.into_iter().chain(["random:1:16:stylegan3-r:", "random:1::stylegan3-r"]) {
            let error = read(name);
            assert_eq!(error.input(), "weights");
            assert_eq!(
                error.to_string(),
                format!(
                    "`{name}`: a random network is written `random:SEED:SIZE` with two integers, for example \
                     `random:0:256`, a StyleGAN2, or `random:0:256:stylegan3-r`, a StyleGAN3"
                )
            );
        }
        let named = |name| random(name).unwrap();
        assert_eq!(named("random:7:64"), Some(Random { seed: 7, side: 64, is_three: false }));
        assert_eq!(named("random:7:64:stylegan3-r"), Some(Random { seed: 7, side: 64, is_three: true }));
        let three =
            Weights::find("weights", "random:7:64:stylegan3-r", || Err(Error::failed("read"))).unwrap();
        let error = three.generator().map(drop).expect_err("it is no StyleGAN2");
        assert_eq!(
            (error.input(), error.to_string()),
            ("weights", format!("`random:7:64:stylegan3-r`: {NOT_TWO}"))
        );
    }
}
