//! Files of latents, which hold a few arrays and no network.

use super::{Family, Layout, Named, Network, Settings};
use crate::archive::{Archive, Format};

/// More arrays than a file of latents has.
const MOST: usize = 4;

/// The latents of a file: NVIDIA's `projected_w.npz`, what SaveLatent wrote, or one array that may be anything.
pub(super) fn array<'a>(archive: &Archive<'a>) -> Option<Network<'a>> {
    if archive.tensors.len() > MOST {
        return None;
    }
    let is_one = |name: &str| archive.tensors.get(name).is_some_and(|it| (1..=3).contains(&it.shape().len()));
    let named = ["w", "latent", "z"].into_iter().find(|name| is_one(name));
    let (name, family) = match (named, archive.tensors.first()) {
        (Some(name), _) => (name, Family::Latents),
        (None, Some((name, _))) if archive.tensors.len() == 1 && is_one(name) => {
            (name.as_str(), Family::Array)
        }
        _ => return None,
    };
    let is_nvidia = archive.format == Format::Npz && name == "w";
    let tensors: Named<'a> = archive.tensors.iter().filter(|(key, _)| *key == name).map(owned).collect();
    Some(Network {
        family,
        part: String::new(),
        layout: if is_nvidia { Layout::Nvidia } else { Layout::Other },
        tensors,
        settings: Settings::new(),
    })
}

fn owned<'a>((name, tensor): (&String, &crate::Tensor<'a>)) -> (String, crate::Tensor<'a>) {
    (name.clone(), tensor.clone())
}
