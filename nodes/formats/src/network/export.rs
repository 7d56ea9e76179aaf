//! Networks back to the names of other programs.

use indexmap::IndexMap;

use crate::error::Error;
use crate::tensor::Tensor;

use super::Network;
use super::change::Change;
use super::family::Family;
use super::layout::Layout;
use super::pairs::{MOST_LAYERS, Named, blocks, count};
use super::rosinality::{self, AVERAGE};

/// The tensors of a network by the names that another program has for them, as in the `state_dict` of that network.
///
/// [`Layout::Nvidia`] takes generators and discriminators of StyleGAN2 and generators of StyleGAN3, whose names are
/// NVIDIA's. [`Layout::Rosinality`] takes StyleGAN (v1), whose names are rosinality's, and StyleGAN2 as far as
/// rosinality's code has it; the average of w is called `latent_avg`, as it is beside `g_ema` in its files. Filters of
/// layers that do not resample are left out, which [`Archive::networks`](crate::Archive::networks) adds again.
///
/// # Errors
///
/// If the program has no such network, or not with this architecture.
pub fn export<'a>(network: &Network<'a>, to: Layout) -> Result<IndexMap<String, Tensor<'a>>, Error> {
    let refused = |why: &str| {
        Err(Error::Unsupported(format!("{} cannot be written for {}{why}", network.family.name(), to.name())))
    };
    match (network.family, to) {
        (
            Family::StyleGan2Generator | Family::StyleGan2Discriminator | Family::StyleGan3Generator,
            Layout::Nvidia,
        )
        | (Family::StyleGan1Discriminator, Layout::Rosinality) => Ok(network.tensors.clone()),
        (Family::StyleGan1Generator, Layout::Rosinality) => {
            match network.tensors.keys().any(|name| name.ends_with(".bias1")) {
                true => refused(": it adds biases behind a blur, where that code adds them before"),
                false => Ok(network.tensors.clone()),
            }
        }
        (Family::StyleGan2Generator, Layout::Rosinality) => match obstacle(network, "skip") {
            Some(why) => refused(&why),
            None => Ok(generator(&network.tensors)),
        },
        (Family::StyleGan2Discriminator, Layout::Rosinality) => match obstacle(network, "resnet") {
            Some(why) => refused(&why),
            None => Ok(discriminator(&network.tensors)),
        },
        _ => refused(""),
    }
}

/// What rosinality's code has no place for.
fn obstacle(network: &Network<'_>, architecture: &str) -> Option<String> {
    let number = |key: &str| network.setting(key).and_then(serde_json::Value::as_u64);
    let found = network.setting("architecture").and_then(serde_json::Value::as_str).unwrap_or("unknown");
    if found != architecture {
        return Some(format!(": its architecture is `{found}`, only `{architecture}` is possible"));
    }
    if network.tensors.contains_key("mapping.embed.weight") {
        return Some(": it is conditional on classes".to_owned());
    }
    if let Some(channels) = number("img_channels").filter(|channels| *channels != 3) {
        let s = if channels == 1 { "" } else { "s" };
        return Some(format!(": its pictures have {channels} channel{s}, only 3 are possible"));
    }
    match (number("z_dim"), number("w_dim")) {
        (Some(z), Some(w)) if z != w => {
            Some(format!(": z has {z} numbers and w {w}, only equal ones are possible"))
        }
        _ => None,
    }
}

fn generator<'a>(own: &Named<'a>) -> Named<'a> {
    let layers = count(own, "mapping.fc", MOST_LAYERS);
    let mut pairs = rosinality::generator_pairs(blocks(own, "synthesis.b", "."), layers);
    pairs.add(AVERAGE, "mapping.w_avg", Change::None);
    pairs.write(own)
}

fn discriminator<'a>(own: &Named<'a>) -> Named<'a> {
    let pairs = rosinality::discriminator_pairs(blocks(own, "b", "."));
    pairs.write(own)
}
