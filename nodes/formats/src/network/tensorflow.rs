//! StyleGAN2 of NVIDIA's TensorFlow code.
//!
//! Variables are called `synthesis/64x64/Conv0_up/weight`, below the name of their network and a dot. Kernels are
//! `[H,W,I,O]`, matrices `[I,O]`. A convolution that enlarges is mirrored, and styles get their 1 when the network
//! runs.

use super::change::Change;
use super::pairs::{MOST_LAYERS, Named, Pairs, blocks, count, resolution};

/// The variables of a file, with the names of components without what a run of TensorFlow adds to them:
/// `Gs/G_synthesis_1/4x4/Conv/bias` is `synthesis/4x4/Conv/bias`. `lod`, which only training needs, is left out.
pub(super) fn variables<'a>(file: Named<'a>) -> Named<'a> {
    let component = |part: &str| {
        let name = part.strip_prefix("G_").unwrap_or(part);
        ["synthesis", "mapping"].into_iter().find(|known| {
            let rest = name.strip_prefix(*known);
            rest.is_some_and(|rest| rest.bytes().all(|letter| letter == b'_' || letter.is_ascii_digit()))
        })
    };
    let renamed = |(name, tensor): (String, _)| {
        let mut rest = name.as_str();
        // The scope of a network and a component lie outermost.
        for _ in 0..3 {
            let Some((part, below)) = rest.split_once('/') else { break };
            if let Some(known) = component(part) {
                return (format!("{known}/{below}"), tensor);
            }
            rest = below;
        }
        (name, tensor)
    };
    let is_for_training = |name: &str| name == "lod" || name.ends_with("/lod");
    file.into_iter().filter(|(name, _)| !is_for_training(name)).map(renamed).collect()
}

/// A generator of a file.
pub(super) fn generator<'a>(file: &Named<'a>) -> Named<'a> {
    let blocks = blocks(file, "synthesis/", "x");
    let mut pairs = Pairs::default();
    for index in 0..count(file, "mapping/Dense", MOST_LAYERS) {
        add_dense(&mut pairs, &format!("mapping/Dense{index}"), &format!("mapping.fc{index}"));
    }
    add_dense(&mut pairs, "mapping/LabelEmbed", "mapping.embed");
    pairs.add("dlatent_avg", "mapping.w_avg", Change::None);
    pairs.add("synthesis/4x4/Const/const", "synthesis.b4.const", Change::Front);
    add_layer(&mut pairs, "synthesis/4x4/Conv", "synthesis.b4.conv1", 0, Change::Kernel);
    for index in 0..blocks {
        let size = resolution(index);
        let (file, own) = (format!("synthesis/{size}x{size}"), format!("synthesis.b{size}"));
        if index > 0 {
            let (upper, lower) = (format!("{file}/Conv0_up"), format!("{file}/Conv1"));
            add_layer(&mut pairs, &upper, &format!("{own}.conv0"), 2 * index - 1, Change::MirroredKernel);
            add_layer(&mut pairs, &lower, &format!("{own}.conv1"), 2 * index, Change::Kernel);
            pairs.add(format!("{file}/Skip/weight"), format!("{own}.skip.weight"), Change::MirroredKernel);
        }
        add_modulated(&mut pairs, &format!("{file}/ToRGB"), &format!("{own}.torgb"), Change::Kernel);
        // Networks that can grow count from the largest picture, and only paint that one when they have grown.
        if index + 1 == blocks {
            add_modulated(&mut pairs, "synthesis/ToRGB_lod0", &format!("{own}.torgb"), Change::Kernel);
        }
    }
    without(pairs.read(file), "synthesis/ToRGB_lod")
}

/// A discriminator of a file.
pub(super) fn discriminator<'a>(file: &Named<'a>) -> Named<'a> {
    let blocks = blocks(file, "", "x");
    let mut pairs = Pairs::default();
    for index in 0..count(file, "Mapping", MOST_LAYERS) {
        add_dense(&mut pairs, &format!("Mapping{index}"), &format!("mapping.fc{index}"));
    }
    add_dense(&mut pairs, "LabelEmbed", "mapping.embed");
    for index in 0..blocks {
        let size = resolution(index);
        let (file, own) = (format!("{size}x{size}"), format!("b{size}"));
        for (file_end, own_end) in [("FromRGB", "fromrgb"), ("Conv0", "conv0"), ("Conv1_down", "conv1")] {
            add_convolution(&mut pairs, &format!("{file}/{file_end}"), &format!("{own}.{own_end}"));
        }
        pairs.add(format!("{file}/Skip/weight"), format!("{own}.skip.weight"), Change::Kernel);
        if index + 1 == blocks {
            add_convolution(&mut pairs, "FromRGB_lod0", &format!("{own}.fromrgb"));
        }
    }
    add_convolution(&mut pairs, "4x4/Conv", "b4.conv");
    add_dense(&mut pairs, "4x4/Dense0", "b4.fc");
    add_dense(&mut pairs, "Output", "b4.out");
    without(pairs.read(file), "FromRGB_lod")
}

/// The tensors but those that only a growing network has.
fn without<'a>(mut own: Named<'a>, start: &str) -> Named<'a> {
    own.retain(|name, _| !name.starts_with(start));
    own
}

fn add_layer(pairs: &mut Pairs, file: &str, own: &str, noise: usize, weight: Change) {
    add_modulated(pairs, file, own, weight);
    pairs.add(format!("{file}/noise_strength"), format!("{own}.noise_strength"), Change::None);
    pairs.add(format!("synthesis/noise{noise}"), format!("{own}.noise_const"), Change::Plane);
}

fn add_modulated(pairs: &mut Pairs, file: &str, own: &str, weight: Change) {
    for (file_end, own_end, change) in [
        ("weight", "weight", weight),
        ("bias", "bias", Change::None),
        ("mod_weight", "affine.weight", Change::Transposed),
        ("mod_bias", "affine.bias", Change::PlusOne),
    ] {
        pairs.add(format!("{file}/{file_end}"), format!("{own}.{own_end}"), change);
    }
}

fn add_convolution(pairs: &mut Pairs, file: &str, own: &str) {
    pairs.add(format!("{file}/weight"), format!("{own}.weight"), Change::Kernel);
    pairs.add(format!("{file}/bias"), format!("{own}.bias"), Change::None);
}

fn add_dense(pairs: &mut Pairs, file: &str, own: &str) {
    pairs.add(format!("{file}/weight"), format!("{own}.weight"), Change::Transposed);
    pairs.add(format!("{file}/bias"), format!("{own}.bias"), Change::None);
}
