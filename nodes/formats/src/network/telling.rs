//! By which names a network is recognised.

use crate::archive::Archive;
use crate::tensor::Tensor;

use super::family::Family::{self, *};
use super::layout::Layout;
use super::unsupported;

/// Networks of one file that are looked at: more than any checkpoint has.
const MOST: usize = 64;

/// What tells a network from all others.
pub(super) struct Telling {
    /// A tensor that it has: the end of its name, where dots or slashes separate what comes before.
    anchor: &'static str,
    /// The sizes of that tensor; none for any shape.
    shape: &'static [usize],
    /// Another tensor beside it; empty for none.
    also: &'static str,
    /// How names of its tensors start, with `#` for a digit, in a file that has nothing before them; none for any.
    roots: &'static [&'static str],
    /// Whether the anchor, wherever it is, tells what the whole file is.
    whole: bool,
    family: Family,
    layout: Layout,
}

/// A network that a file seems to hold.
#[derive(Clone)]
pub(super) struct Candidate<'s> {
    /// What the names of its tensors start with, up to and including a separator.
    pub(super) prefix: &'s str,
    pub(super) family: Family,
    pub(super) layout: Layout,
    /// Its place among the networks that can be recognised.
    pub(super) place: usize,
    roots: &'static [&'static str],
}

impl Telling {
    const fn new(family: Family, layout: Layout, anchor: &'static str, also: &'static str) -> Self {
        Self { anchor, shape: &[], also, roots: &[], whole: false, family, layout }
    }

    pub(super) const fn unsupported(family: Family, anchor: &'static str) -> Self {
        Self::new(family, Layout::Other, anchor, "")
    }

    pub(super) const fn by(self, layout: Layout) -> Self {
        Self { layout, ..self }
    }

    pub(super) const fn shaped(self, shape: &'static [usize]) -> Self {
        Self { shape, ..self }
    }

    pub(super) const fn whole(self) -> Self {
        Self { whole: true, ..self }
    }

    const fn below(self, roots: &'static [&'static str]) -> Self {
        Self { roots, ..self }
    }

    /// What comes before the anchor, if the tensor is it.
    fn prefix<'s>(&self, name: &'s str, tensor: &Tensor<'_>) -> Option<&'s str> {
        let prefix = name.strip_suffix(self.anchor)?;
        let separated = prefix.is_empty() || prefix.ends_with(['.', '/']);
        let fits = self.shape.is_empty() || tensor.shape() == self.shape;
        if !separated || !fits {
            return None;
        }
        if self.whole {
            return Some("");
        }
        if self.layout != Layout::TensorFlow {
            return Some(prefix);
        }
        // A file's own name of a network ends with a dot, and slashes belong to the names of variables.
        let path = name.find('/').unwrap_or(name.len());
        let end = name.get(..path)?.rfind('.').map_or(0, |dot| dot + 1);
        name.get(..end)
    }
}

impl Candidate<'_> {
    /// Whether the rest of a name is one of this network's.
    pub(super) fn owns(&self, rest: &str) -> bool {
        let starts = |root: &&str| {
            rest.len() >= root.len()
                && rest.bytes().zip(root.bytes()).all(|(letter, expected)| match expected {
                    b'#' => letter.is_ascii_digit(),
                    _ => letter == expected,
                })
        };
        !self.prefix.is_empty() || self.roots.is_empty() || self.roots.iter().any(starts)
    }
}

const NVIDIA_G: &[&str] = &["mapping.", "synthesis."];
const NVIDIA_D: &[&str] = &["b#", "mapping."];
const ROSINALITY_G: &[&str] =
    &["style.", "input.", "conv1.", "convs.", "to_rgb1.", "to_rgbs.", "noises.", "latent_avg"];
const ROSINALITY_D: &[&str] = &["convs.", "final_conv.", "final_linear."];
const VGG: &[&str] = &["features.", "classifier.", "pre_logits.", "head."];

/// The networks that can be used.
#[rustfmt::skip]
static TELLINGS: [Telling; 26] = [
    Telling::new(StyleGan2Generator, Layout::Nvidia, "synthesis.b4.const", "synthesis.b4.conv1.weight").below(NVIDIA_G),
    Telling::new(StyleGan2Discriminator, Layout::Nvidia, "b4.out.weight", "b4.conv.weight").below(NVIDIA_D),
    Telling::new(StyleGan3Generator, Layout::Nvidia, "synthesis.input.freqs", "synthesis.input.weight").below(NVIDIA_G),
    Telling::new(StyleGan2Generator, Layout::Rosinality, "conv1.conv.modulation.weight", "input.input").below(ROSINALITY_G),
    Telling::new(StyleGan2Discriminator, Layout::Rosinality, "final_linear.1.weight", "convs.0.0.weight").below(ROSINALITY_D),
    Telling::new(StyleGan2Generator, Layout::TensorFlow, "4x4/Conv/mod_weight", ""),
    Telling::new(StyleGan2Discriminator, Layout::TensorFlow, "4x4/Dense0/weight", "Output/weight"),
    Telling::new(StyleGan2Generator, Layout::Genforce, "synthesis.early_layer.const", "synthesis.layer0.style.weight"),
    Telling::new(StyleGan2Discriminator, Layout::Genforce, "input0.weight", "layer1.weight"),
    Telling::new(StyleGan1Generator, Layout::Rosinality, "generator.progression.0.conv1.input", "style.1.linear.weight_orig")
        .below(&["generator.", "style.", "noises.", "latent_avg"]),
    Telling::new(StyleGan1Generator, Layout::TensorFlow, "4x4/Const/StyleMod/weight", ""),
    Telling::new(StyleGan1Generator, Layout::Genforce, "synthesis.layer0.apply_noise.weight", "synthesis.layer0.const"),
    Telling::new(StyleGan1Discriminator, Layout::Rosinality, "linear.linear.weight_orig", "progression.0.conv1.0.conv.weight_orig")
        .below(&["progression.", "from_rgb.", "linear."]),
    Telling::new(Vgg, Layout::Torchvision, "features.0.weight", "features.2.weight").shaped(&[64, 3, 3, 3]).below(VGG),
    Telling::new(Vgg, Layout::Torchvision, "features.0.weight", "features.3.weight").shaped(&[64, 3, 3, 3]).below(VGG),
    Telling::new(Vgg, Layout::Torchvision, "features.0.weight", "features.1.running_mean").shaped(&[64, 3, 3, 3]).below(VGG),
    Telling::new(GoogLeNet, Layout::Torchvision, "inception3a.branch1.conv.weight", "conv1.conv.weight"),
    Telling::new(BvlcGoogLeNet, Layout::Converted, "inception_3a_1x1.weight", "inception_3a_3x3.weight"),
    Telling::new(Inception5h, Layout::Converted, "mixed3a_1x1_pre_relu_conv.weight", ""),
    Telling::new(InceptionV3, Layout::Torchvision, "Mixed_5b.branch1x1.conv.weight", "Conv2d_1a_3x3.conv.weight"),
    Telling::new(SqueezeNet, Layout::Torchvision, "features.6.squeeze.weight", "features.3.squeeze.weight"),
    Telling::new(AdainEncoder, Layout::PytorchAdain, "0.weight", "2.weight").shaped(&[3, 3, 1, 1]).below(&["#"]),
    Telling::new(AdainDecoder, Layout::PytorchAdain, "1.weight", "28.weight").shaped(&[256, 512, 3, 3]).below(&["#"]),
    Telling::new(AdainDecoder, Layout::Own, "0.weight", "4.weight").shaped(&[128, 256, 3, 3]).below(&["#"]),
    Telling::new(AdainDecoder, Layout::Own, "0.weight", "8.weight").shaped(&[256, 512, 3, 3]).below(&["#"]),
    Telling::new(Lpips, Layout::Lpips, "lin0.model.1.weight", "lin4.model.1.weight").below(&["lin#"]),
];

/// Files of latents.
#[rustfmt::skip]
static ARRAYS: [Telling; 3] = [
    Telling::new(LatentDirections, Layout::Ganspace, "lat_comp", "lat_stdev").below(&["lat_", "act_", "var_"]),
    Telling::new(LatentDirections, Layout::Ganspace, "act_comp", "act_stdev").below(&["lat_", "act_", "var_"]),
    // What rosinality's projector writes for each picture.
    Telling::new(Latents, Layout::Rosinality, "latent", "noise.0"),
];

/// The networks that a file seems to hold, in the order of the file.
pub(super) fn candidates<'s>(archive: &'s Archive<'_>) -> Vec<Candidate<'s>> {
    let mut found: Vec<Candidate<'s>> = Vec::new();
    for (name, tensor) in &archive.tensors {
        let tellings = TELLINGS.iter().chain(&ARRAYS).chain(&unsupported::TELLINGS);
        for (place, telling) in tellings.enumerate() {
            let Some(prefix) = telling.prefix(name, tensor) else { continue };
            let is_known = |it: &Candidate<'_>| it.prefix == prefix && it.family == telling.family;
            let is_there = || archive.tensors.contains_key(&format!("{prefix}{}", telling.also));
            if found.iter().any(is_known) || !(telling.also.is_empty() || is_there()) {
                continue;
            }
            let (family, layout) = (telling.family, telling.layout);
            found.push(Candidate { prefix, family, layout, place, roots: telling.roots });
            if found.len() == MOST {
                return found;
            }
        }
    }
    // What is a part of something else cannot be used by itself.
    let others: Vec<&str> = found.iter().filter(|it| it.family.rank() == 2).map(|it| it.prefix).collect();
    found.retain(|it| it.family.rank() == 2 || !others.iter().any(|other| it.prefix.starts_with(other)));
    found
}
