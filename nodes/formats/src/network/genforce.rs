//! genforce and sefa, whose networks have the numbers of NVIDIA's TensorFlow code with axes in PyTorch's order.
//!
//! Source: the tables of variables in genforce's models, and how its converter reads them.

use super::change::Change;
use super::pairs::{MOST_BLOCKS, MOST_LAYERS, Named, Pairs, count, resolution};

/// A generator of a file.
pub(super) fn generator<'a>(file: &Named<'a>) -> Named<'a> {
    let blocks = 1 + count(file, "synthesis.layer", 2 * MOST_BLOCKS - 1) / 2;
    let mut pairs = Pairs::default();
    for index in 0..count(file, "mapping.dense", MOST_LAYERS) {
        pairs.add_both(&format!("mapping.dense{index}"), &format!("mapping.fc{index}"));
    }
    pairs.add("truncation.w_avg", "mapping.w_avg", Change::None);
    pairs.add("synthesis.early_layer.const", "synthesis.b4.const", Change::Front);
    for index in 0..blocks {
        let own = format!("synthesis.b{}", resolution(index));
        if index > 0 {
            let (file, own) = (format!("synthesis.layer{}", 2 * index - 1), format!("{own}.conv0"));
            add_layer(&mut pairs, &file, &own, Change::Mirrored);
            pairs.add(format!("{file}.filter.kernel"), format!("{own}.resample_filter"), Change::FilterPlane);
        }
        add_layer(
            &mut pairs,
            &format!("synthesis.layer{}", 2 * index),
            &format!("{own}.conv1"),
            Change::None,
        );
        add_layer(&mut pairs, &format!("synthesis.output{index}"), &format!("{own}.torgb"), Change::None);
        pairs.add("synthesis.upsample.kernel", format!("{own}.resample_filter"), Change::FilterPlane);
    }
    pairs.read(file)
}

fn add_layer(pairs: &mut Pairs, file: &str, own: &str, weight: Change) {
    for (file_end, own_end, change) in [
        ("weight", "weight", weight),
        ("bias", "bias", Change::None),
        ("style.weight", "affine.weight", Change::None),
        ("style.bias", "affine.bias", Change::PlusOne),
        ("noise_strength", "noise_strength", Change::None),
        ("noise", "noise_const", Change::Plane),
    ] {
        pairs.add(format!("{file}.{file_end}"), format!("{own}.{own_end}"), change);
    }
}

/// A discriminator of a file.
pub(super) fn discriminator<'a>(file: &Named<'a>) -> Named<'a> {
    // Two layers per block, and the output.
    let blocks = count(file, "layer", 2 * MOST_BLOCKS + 1) / 2;
    let mut pairs = Pairs::default();
    for index in 0..blocks {
        let own = format!("b{}", resolution(blocks - 1 - index));
        pairs.add_both(&format!("input{index}"), &format!("{own}.fromrgb"));
        let (first, second) = (format!("layer{}", 2 * index), format!("layer{}", 2 * index + 1));
        if index + 1 == blocks {
            pairs.add_both(&first, &format!("{own}.conv"));
            pairs.add_both(&second, &format!("{own}.fc"));
            pairs.add_both(&format!("layer{}", 2 * blocks), &format!("{own}.out"));
            break;
        }
        pairs.add_both(&first, &format!("{own}.conv0"));
        pairs.add_both(&second, &format!("{own}.conv1"));
        let skip = format!("skip_layer{index}");
        pairs.add(format!("{skip}.weight"), format!("{own}.skip.weight"), Change::None);
        for (file, own_end) in [(second, "conv1"), (skip, "skip")] {
            let filter = format!("{own}.{own_end}.resample_filter");
            pairs.add(format!("{file}.filter.kernel"), filter, Change::Plane);
        }
        pairs.add("downsample.kernel", format!("{own}.resample_filter"), Change::Plane);
    }
    pairs.read(file)
}
