use std::collections::HashMap;

use candle_core::Tensor;

use crate::{stylegan1, stylegan3};

const SKIP_ONLY: &str = "only StyleGAN2's skip architecture is supported";

/// The network, and a hint, if these are the tensors of a well-known network other than a StyleGAN2 generator
/// of the skip architecture.
pub(super) fn recognise(tensors: &HashMap<String, Tensor>) -> Option<(&'static str, &'static str)> {
    let any = |test: &dyn Fn(&str) -> bool| tensors.keys().any(|name| test(name));
    // With any prefix, so that parts of a checkpoint are recognised too.
    let has = |tail: &str| {
        any(&|name| name.strip_suffix(tail).is_some_and(|head| head.is_empty() || head.ends_with('.')))
    };
    let has_block = |part: &str| any(&|name| name.starts_with("synthesis.b") && name.ends_with(part));
    let found = if stylegan3::recognises(tensors) {
        ("a StyleGAN3 generator", "StyleGAN2's weights are needed here")
    } else if stylegan1::recognises(tensors) {
        ("a generator of the first StyleGAN", "StyleGAN2's weights are needed here")
    } else if has("b4.out.weight") || (!tensors.is_empty() && !any(&|name| !name.starts_with("D."))) {
        ("a discriminator", "use the generator, which is called `G_ema` in a checkpoint")
    } else if has("mapping.embed.weight") {
        ("a class-conditional StyleGAN2 generator, which is not supported yet", "use weights without classes")
    } else if has_block(".skip.weight") {
        ("a StyleGAN2 generator of the resnet architecture", SKIP_ONLY)
    } else if has_block(".torgb.weight")
        && !has("synthesis.b4.torgb.weight")
        && !has("synthesis.b4.torgb.bias")
    {
        ("a StyleGAN2 generator of the original architecture", SKIP_ONLY)
    } else if has("style.1.weight") || has("convs.0.conv.weight") {
        (
            "a StyleGAN2 in rosinality's layout",
            "only the tensor names of NVIDIA's stylegan2-ada-pytorch are supported, convert it first",
        )
    } else if has("features.0.weight") {
        ("a VGG of torchvision", "it does not generate pictures, use StyleGAN2 weights")
    } else {
        return None;
    };
    Some(found)
}
