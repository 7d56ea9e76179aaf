//! rosinality's stylegan2-pytorch, and the decoders of encoder4editing and pixel2style2pixel.
//!
//! Weights are the same as in NVIDIA's PyTorch code, up to axes of size 1; resampling filters are multiplied by 4. The
//! average of w lies beside the network, as `latent_avg`.

use crate::archive::Archive;
use crate::tensor::Tensor;

use super::change::Change;
use super::pairs::{MOST_BLOCKS, MOST_LAYERS, Named, Pairs, count, resolution};

/// The average of w, by its name in files.
pub(super) const AVERAGE: &str = "latent_avg";

/// A generator of a file, and its average of w, which lies in the same part or outside.
pub(super) fn generator<'a>(archive: &Archive<'a>, prefix: &str, file: &Named<'a>) -> Named<'a> {
    // Two convolutions for each block but the first.
    let blocks = 1 + count(file, "convs.", 2 * MOST_BLOCKS - 2).div_ceil(2);
    let layers = count(file, "style.", MOST_LAYERS + 1).saturating_sub(1);
    let mut own = generator_pairs(blocks, layers).read(file);
    own.shift_remove(AVERAGE);
    if let Some(average) = average(archive, prefix) {
        own.insert("mapping.w_avg".to_owned(), average);
    }
    own
}

/// The `latent_avg` of a part, or the nearest one outside of it.
fn average<'a>(archive: &Archive<'a>, prefix: &str) -> Option<Tensor<'a>> {
    let mut folder = prefix;
    let tensor = loop {
        if let Some(tensor) = archive.tensors.get(&format!("{folder}{AVERAGE}")) {
            break tensor;
        }
        let name = folder.strip_suffix('.')?;
        folder = name.get(..name.rfind('.').map_or(0, |dot| dot + 1))?;
    };
    match tensor.shape() {
        // Of every layer, all the same.
        [_, _] => tensor.front(),
        _ => Some(tensor.clone()),
    }
}

/// A discriminator of a file.
pub(super) fn discriminator<'a>(file: &Named<'a>) -> Named<'a> {
    discriminator_pairs(count(file, "convs.", MOST_BLOCKS)).read(file)
}

/// The names of a generator of so many blocks and layers of its mapping.
pub(super) fn generator_pairs(blocks: usize, layers: usize) -> Pairs {
    let mut pairs = Pairs::default();
    for index in 0..layers {
        pairs.add_both(&format!("style.{}", index + 1), &format!("mapping.fc{index}"));
    }
    pairs.add("input.input", "synthesis.b4.const", Change::Front);
    add_layer(&mut pairs, "conv1", "synthesis.b4.conv1", 0);
    add_to_rgb(&mut pairs, "to_rgb1", "synthesis.b4.torgb");
    for index in 1..blocks {
        let (block, first) = (format!("synthesis.b{}", resolution(index)), 2 * index - 2);
        let upper = format!("convs.{first}");
        add_layer(&mut pairs, &upper, &format!("{block}.conv0"), first + 1);
        let filter = format!("{block}.conv0.resample_filter");
        pairs.add(format!("{upper}.conv.blur.kernel"), filter, Change::Filter);
        add_layer(&mut pairs, &format!("convs.{}", first + 1), &format!("{block}.conv1"), first + 2);
        let to_rgb = format!("to_rgbs.{}", index - 1);
        add_to_rgb(&mut pairs, &to_rgb, &format!("{block}.torgb"));
        let filter = format!("{block}.resample_filter");
        pairs.add(format!("{to_rgb}.upsample.kernel"), filter, Change::Filter);
    }
    pairs
}

fn add_layer(pairs: &mut Pairs, file: &str, own: &str, noise: usize) {
    add_modulated(pairs, file, own);
    pairs.add(format!("{file}.noise.weight"), format!("{own}.noise_strength"), Change::Scalar);
    pairs.add(format!("noises.noise_{noise}"), format!("{own}.noise_const"), Change::Plane);
    pairs.add(format!("{file}.activate.bias"), format!("{own}.bias"), Change::None);
}

fn add_to_rgb(pairs: &mut Pairs, file: &str, own: &str) {
    add_modulated(pairs, file, own);
    pairs.add(format!("{file}.bias"), format!("{own}.bias"), Change::Channels);
}

fn add_modulated(pairs: &mut Pairs, file: &str, own: &str) {
    pairs.add(format!("{file}.conv.weight"), format!("{own}.weight"), Change::Front);
    pairs.add_both(&format!("{file}.conv.modulation"), &format!("{own}.affine"));
}

/// The names of a discriminator of so many blocks.
pub(super) fn discriminator_pairs(blocks: usize) -> Pairs {
    let mut pairs = Pairs::default();
    let top = blocks.saturating_sub(1);
    let from_rgb = format!("b{}.fromrgb", resolution(top));
    pairs.add("convs.0.0.weight", format!("{from_rgb}.weight"), Change::None);
    pairs.add("convs.0.1.bias", format!("{from_rgb}.bias"), Change::None);
    for index in 1..blocks {
        let (file, own) = (format!("convs.{index}"), format!("b{}", resolution(blocks - index)));
        for (file_end, own_end) in [
            ("conv1.0.weight", "conv0.weight"),
            ("conv1.1.bias", "conv0.bias"),
            ("conv2.0.kernel", "conv1.resample_filter"),
            ("conv2.1.weight", "conv1.weight"),
            ("conv2.2.bias", "conv1.bias"),
            ("skip.0.kernel", "skip.resample_filter"),
            ("skip.1.weight", "skip.weight"),
        ] {
            pairs.add(format!("{file}.{file_end}"), format!("{own}.{own_end}"), Change::None);
        }
    }
    pairs.add("final_conv.0.weight", "b4.conv.weight", Change::None);
    pairs.add("final_conv.1.bias", "b4.conv.bias", Change::None);
    pairs.add_both("final_linear.0", "b4.fc");
    pairs.add_both("final_linear.1", "b4.out");
    pairs
}
