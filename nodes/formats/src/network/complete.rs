//! Which tensors a network must have. Sizes are those of the largest tensor names, so that a hole below them is found.

use std::collections::BTreeSet;

use super::Network;
use super::family::Family;
use super::pairs::{MOST_BLOCKS, MOST_LAYERS, Named, blocks, count, resolution};

/// The tensors that a network lacks, by name; none of a family whose networks have many forms.
pub(super) fn missing(network: &Network<'_>) -> Vec<String> {
    // Where rectifiers run at a higher rate, as they do unless said otherwise, every layer has filters.
    let rate = network.setting("lrelu_upsampling").and_then(serde_json::Value::as_u64);
    missing_of(network.family, &network.tensors, rate.is_none_or(|rate| rate > 1))
}

fn missing_of(family: Family, tensors: &Named<'_>, has_filters: bool) -> Vec<String> {
    let expected = match family {
        Family::StyleGan1Generator => stylegan1_generator(tensors),
        Family::StyleGan2Generator => stylegan2_generator(tensors),
        Family::StyleGan2Discriminator => stylegan2_discriminator(tensors),
        Family::StyleGan3Generator => stylegan3_generator(tensors, has_filters),
        Family::Vgg => vgg(tensors),
        Family::GoogLeNet => googlenet(),
        Family::SqueezeNet => squeezenet(),
        Family::AdainEncoder => numbered(&[0, 2, 5, 9, 12, 16, 19, 22, 25, 29]),
        Family::AdainDecoder if tensors.contains_key("28.weight") => {
            numbered(&[1, 5, 8, 11, 14, 18, 21, 25, 28])
        }
        Family::AdainDecoder if tensors.contains_key("8.weight") => numbered(&[0, 1, 2, 3, 4, 5, 6, 7, 8]),
        Family::AdainDecoder => numbered(&[0, 1, 2, 3, 4]),
        _ => Vec::new(),
    };
    expected.into_iter().filter(|name| !tensors.contains_key(name)).collect()
}

/// `LAYER.weight` and `LAYER.bias`.
fn both(layer: &str) -> [String; 2] {
    ["weight", "bias"].map(|end| format!("{layer}.{end}"))
}

fn numbered(layers: &[usize]) -> Vec<String> {
    layers.iter().flat_map(|layer| both(&layer.to_string())).collect()
}

/// Whether the name of any tensor ends like this.
fn any(tensors: &Named<'_>, end: &str) -> bool {
    tensors.keys().any(|name| name.ends_with(end))
}

fn mapping(tensors: &Named<'_>) -> Vec<String> {
    let layers = count(tensors, "mapping.fc", MOST_LAYERS).max(1);
    // The average of w is in no checkpoint of a training by rosinality's code.
    (0..layers).flat_map(|layer| both(&format!("mapping.fc{layer}"))).collect()
}

fn stylegan1_generator(tensors: &Named<'_>) -> Vec<String> {
    /// The first block that published networks enlarge by a transposed convolution.
    const FIRST_FUSED: usize = 5;
    let original = |layer: &str| ["weight_orig", "bias"].map(|end| format!("{layer}.{end}"));
    let layers = (count(tensors, "style.", 2 * MOST_LAYERS) / 2).max(1);
    let mut names: Vec<String> =
        (0..layers).flat_map(|layer| original(&format!("style.{}.linear", 2 * layer + 1))).collect();
    let has_planes = tensors.keys().any(|name| name.starts_with("noises."));
    let has_late_bias = any(tensors, ".bias1");
    for index in 0..count(tensors, "generator.progression.", MOST_BLOCKS).max(1) {
        let block = format!("generator.progression.{index}");
        let has = |part: &str| tensors.contains_key(&format!("{block}.{part}"));
        let is_fused = has("conv1.0.weight")
            || has("conv1.0.bias")
            || (index >= FIRST_FUSED && !has("conv1.1.conv.weight_orig"));
        let first: &[&str] = match (index, is_fused, has_late_bias) {
            (0, ..) => &["conv1.input"],
            (_, true, true) => &["conv1.0.weight", "conv1.1.weight"],
            (_, true, false) => &["conv1.0.weight", "conv1.1.weight", "conv1.0.bias"],
            (_, false, true) => &["conv1.1.conv.weight_orig", "conv1.2.weight"],
            (_, false, false) => &["conv1.1.conv.weight_orig", "conv1.2.weight", "conv1.1.conv.bias"],
        };
        names.extend(first.iter().map(|part| format!("{block}.{part}")));
        names.extend(has_late_bias.then(|| format!("{block}.bias1")));
        names.extend(original(&format!("{block}.conv2.conv")));
        for layer in [1, 2] {
            names.push(format!("{block}.noise{layer}.weight_orig"));
            names.extend(original(&format!("{block}.adain{layer}.style.linear")));
            names.extend(has_planes.then(|| format!("noises.noise_{}", 2 * index + layer - 1)));
        }
        names.extend(original(&format!("generator.to_rgb.{index}.conv")));
    }
    names
}

fn stylegan2_generator(tensors: &Named<'_>) -> Vec<String> {
    let mut names = mapping(tensors);
    names.push("synthesis.b4.const".to_owned());
    let (has_noise, is_resnet) = (any(tensors, ".noise_strength"), any(tensors, ".skip.weight"));
    let top = blocks(tensors, "synthesis.b", ".").max(1) - 1;
    for index in 0..=top {
        let block = format!("synthesis.b{}", resolution(index));
        let convolutions: &[&str] = if index == 0 { &["conv1"] } else { &["conv0", "conv1"] };
        for convolution in convolutions {
            let layer = format!("{block}.{convolution}");
            names.extend(both(&layer));
            names.extend(both(&format!("{layer}.affine")));
            if has_noise {
                names.extend(["noise_const", "noise_strength"].map(|end| format!("{layer}.{end}")));
            }
        }
        let is_skip = tensors.contains_key("synthesis.b4.torgb.weight");
        if is_skip || index == top {
            names.extend(both(&format!("{block}.torgb")));
            names.extend(both(&format!("{block}.torgb.affine")));
        }
        if index > 0 {
            names.push(format!("{block}.conv0.resample_filter"));
        }
        if is_resnet && index > 0 {
            names.push(format!("{block}.skip.weight"));
        }
    }
    names
}

fn stylegan2_discriminator(tensors: &Named<'_>) -> Vec<String> {
    let mut names = Vec::new();
    let (is_skip, is_resnet) = (tensors.contains_key("b4.fromrgb.weight"), any(tensors, ".skip.weight"));
    let top = blocks(tensors, "b", ".").max(1) - 1;
    for index in 1..=top {
        let block = format!("b{}", resolution(index));
        names.extend(both(&format!("{block}.conv0")));
        names.extend(both(&format!("{block}.conv1")));
        if is_resnet {
            names.push(format!("{block}.skip.weight"));
        }
        if is_skip || index == top {
            names.extend(both(&format!("{block}.fromrgb")));
        }
    }
    names.extend(["b4.conv", "b4.fc", "b4.out"].iter().flat_map(|layer| both(layer)));
    names
}

fn stylegan3_generator(tensors: &Named<'_>, has_filters: bool) -> Vec<String> {
    let mut names = mapping(tensors);
    names.push("mapping.w_avg".to_owned());
    names.extend(["weight", "freqs", "phases", "transform"].map(|end| format!("synthesis.input.{end}")));
    names.extend(both("synthesis.input.affine"));
    // `synthesis.L3_52_1024.weight`: sizes and channels are in the names.
    let layers: BTreeSet<&str> = tensors
        .keys()
        .filter(|name| name.starts_with("synthesis.L"))
        .filter_map(|name| name.get(..name.rfind('.')?))
        .map(|layer| layer.strip_suffix(".affine").unwrap_or(layer))
        .collect();
    for layer in &layers {
        names.extend(both(layer));
        names.extend(both(&format!("{layer}.affine")));
        names.push(format!("{layer}.magnitude_ema"));
    }
    let number = |layer: &&str| {
        let rest = layer.strip_prefix("synthesis.L")?;
        rest.get(..rest.find('_')?)?.parse::<usize>().ok().filter(|number| *number < MOST_LAYERS)
    };
    let numbers: BTreeSet<usize> = layers.iter().filter_map(number).collect();
    let last = numbers.last().map_or(0, |last| *last);
    // The last one only mixes channels.
    for layer in layers.iter().filter(|layer| has_filters && number(layer).is_some_and(|at| at < last)) {
        names.extend(["up_filter", "down_filter"].map(|filter| format!("{layer}.{filter}")));
    }
    let holes = (0..last).filter(|number| !numbers.contains(number));
    names.extend(holes.map(|number| format!("synthesis.L{number}_.weight")));
    names
}

/// Which VGG it is cannot be said if a layer is missing, but each layer must be whole.
fn vgg(tensors: &Named<'_>) -> Vec<String> {
    let layer = |name: &String| name.strip_prefix("features.")?.split_once('.')?.0.parse::<usize>().ok();
    let layers: BTreeSet<usize> = tensors.keys().filter_map(layer).collect();
    let mut names = Vec::new();
    for layer in layers {
        let layer = format!("features.{layer}");
        names.extend(both(&layer));
        if tensors.contains_key(&format!("{layer}.running_mean")) {
            names.push(format!("{layer}.running_var"));
        }
    }
    names
}

fn googlenet() -> Vec<String> {
    let mut units: Vec<String> = ["conv1", "conv2", "conv3"].map(str::to_owned).into();
    for module in ["3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"] {
        let branches = ["1", "2.0", "2.1", "3.0", "3.1", "4.1"];
        units.extend(branches.map(|branch| format!("inception{module}.branch{branch}")));
    }
    let ends = ["conv.weight", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"];
    let mut names: Vec<String> =
        units.iter().flat_map(|unit| ends.map(|end| format!("{unit}.{end}"))).collect();
    names.extend(both("fc"));
    names
}

fn squeezenet() -> Vec<String> {
    let mut names: Vec<String> = both("features.0").into();
    for module in [3, 4, 6, 7, 9, 10, 11, 12] {
        for part in ["squeeze", "expand1x1", "expand3x3"] {
            names.extend(both(&format!("features.{module}.{part}")));
        }
    }
    names.extend(both("classifier.1"));
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Tensor;

    fn named(names: impl IntoIterator<Item = String>) -> Named<'static> {
        names.into_iter().map(|name| (name, Tensor::of_f32(&[1], &[0.0]))).collect()
    }

    /// Every tensor that a whole network must have is missed if it is gone, and none else.
    fn check(family: Family, telling: &[&str]) {
        let start = named(telling.iter().map(|name| (*name).to_owned()));
        let mut whole = start.clone();
        whole.extend(named(missing_of(family, &start, true)));
        assert_eq!(missing_of(family, &whole, true), Vec::<String>::new(), "{family:?}");
        assert!(whole.len() > telling.len() + 5, "{family:?}: {}", whole.len());
        for name in whole.keys().filter(|name| !telling.contains(&name.as_str())) {
            let mut less = whole.clone();
            less.shift_remove(name);
            assert!(missing_of(family, &less, true).contains(name), "{family:?}: {name}");
        }
    }

    #[test]
    fn what_is_gone_is_missed() {
        let generator =
            ["synthesis.b16.conv1.weight", "synthesis.b4.torgb.weight", "synthesis.b4.conv1.noise_strength"];
        check(Family::StyleGan2Generator, &generator);
        check(Family::StyleGan1Generator, &["generator.progression.2.conv1.0.weight"]);
        let nvidia =
            ["generator.progression.5.noise1.weight_orig", "noises.noise_0", "generator.progression.0.bias1"];
        check(Family::StyleGan1Generator, &nvidia);
        check(Family::StyleGan2Generator, &["synthesis.b32.skip.weight", "synthesis.b8.conv0.weight"]);
        check(Family::StyleGan2Discriminator, &["b32.fromrgb.weight", "b16.skip.weight"]);
        check(Family::GoogLeNet, &[]);
        check(Family::SqueezeNet, &[]);
        check(Family::AdainDecoder, &["28.weight"]);
        check(Family::AdainDecoder, &["8.weight"]);
        check(Family::AdainDecoder, &[]);
        check(Family::AdainEncoder, &[]);
    }

    #[test]
    fn holes_between_layers_are_found() {
        let layer = |name: &str| {
            let ends = ["weight", "bias", "affine.weight", "affine.bias", "magnitude_ema"];
            ends.map(|end| format!("synthesis.{name}.{end}"))
        };
        let mut tensors = named(["L0_36_8", "L2_36_8"].iter().flat_map(|name| layer(name)));
        tensors.shift_remove("synthesis.L2_36_8.affine.bias");
        let found = missing_of(Family::StyleGan3Generator, &tensors, true);
        for name in [
            "synthesis.L1_.weight",
            "synthesis.L2_36_8.affine.bias",
            "synthesis.L0_36_8.up_filter",
            "mapping.fc0.weight",
            "mapping.w_avg",
        ] {
            assert!(found.contains(&name.to_owned()), "{name} in {found:?}");
        }
        assert!(!found.contains(&"synthesis.L2_36_8.up_filter".to_owned()), "the last layer has none");
        let unfiltered = missing_of(Family::StyleGan3Generator, &tensors, false);
        assert!(unfiltered.iter().all(|name| !name.ends_with("_filter")), "{unfiltered:?}");
        let tensors = named(["features.0.weight".to_owned(), "features.2.bias".to_owned()]);
        assert_eq!(missing_of(Family::Vgg, &tensors, true), ["features.0.bias", "features.2.weight"]);
    }
}
