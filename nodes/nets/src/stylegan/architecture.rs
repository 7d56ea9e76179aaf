use std::collections::HashMap;
use std::fmt;

use candle_core::Tensor;

use crate::{stylegan1, stylegan3};

/// How the blocks of a network are connected, besides one after the other (Karras et al., arXiv:1912.04958, figure 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Architecture {
    /// Not at all: only the last block of a generator makes the picture, only the first one of a discriminator sees it.
    Orig,
    /// Through the picture, to which every block adds its part, or which every block sees.
    Skip,
    /// Around every block but b4, by a 1x1 convolution.
    Resnet,
}

impl Architecture {
    /// That of a generator whose last block is `largest`.
    pub(super) fn of_generator(tensors: &HashMap<String, Tensor>, largest: usize) -> Self {
        let last = format!("synthesis.b{largest}.torgb.");
        let any = |test: &dyn Fn(&str) -> bool| tensors.keys().any(|name| test(name));
        if any(&|name| name.starts_with("synthesis.b") && name.ends_with(".skip.weight")) {
            Self::Resnet
        } else if any(&|name| name.starts_with(&last)) && !any(&|name| is_early_picture(name, &last)) {
            Self::Orig
        } else {
            Self::Skip
        }
    }

    /// That of a discriminator whose first block is `largest`.
    pub(super) fn of_discriminator(tensors: &HashMap<String, Tensor>, largest: usize) -> Self {
        let first = format!("b{largest}.fromrgb.");
        let any = |test: &dyn Fn(&str) -> bool| tensors.keys().any(|name| test(name));
        if any(&|name| name.ends_with(".skip.weight")) {
            Self::Resnet
        } else if any(&|name| name.contains(".fromrgb.weight") && !name.starts_with(&first)) {
            Self::Skip
        } else if any(&|name| name.starts_with(&first)) {
            Self::Orig
        } else {
            Self::Resnet
        }
    }
}

/// Whether a tensor is of the `torgb` of a block other than the last.
fn is_early_picture(name: &str, last: &str) -> bool {
    name.starts_with("synthesis.b") && name.contains(".torgb.") && !name.starts_with(last)
}

impl fmt::Display for Architecture {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Orig => "orig",
            Self::Skip => "skip",
            Self::Resnet => "resnet",
        })
    }
}

/// The network, and a hint, if these are the tensors of a well-known network other than a StyleGAN2 generator.
pub(super) fn recognise(tensors: &HashMap<String, Tensor>) -> Option<(&'static str, &'static str)> {
    let any = |test: &dyn Fn(&str) -> bool| tensors.keys().any(|name| test(name));
    // With any prefix, so that parts of a checkpoint are recognised too.
    let has = |tail: &str| {
        any(&|name| name.strip_suffix(tail).is_some_and(|head| head.is_empty() || head.ends_with('.')))
    };
    let found = if stylegan3::recognises(tensors) {
        ("a StyleGAN3 generator", "StyleGAN2's weights are needed here")
    } else if stylegan1::recognises(tensors) {
        ("a generator of the first StyleGAN", "StyleGAN2's weights are needed here")
    } else if has("b4.out.weight") || (!tensors.is_empty() && !any(&|name| !name.starts_with("D."))) {
        ("a discriminator", "use the generator, which is called `G_ema` in a checkpoint")
    } else if has("style.1.weight") || has("convs.0.conv.weight") {
        (
            "a StyleGAN2 in rosinality's layout",
            "tensors need the names of NVIDIA's stylegan2-ada-pytorch here; `dreamwire weights import` gives them",
        )
    } else if has("features.0.weight") {
        ("a VGG of torchvision", "it does not generate pictures, use StyleGAN2 weights")
    } else {
        return None;
    };
    Some(found)
}
