//! What networks were built with: as the file says, and as the shapes of the tensors show.

use serde_json::{Map, Value as Json, json};

use crate::archive::Archive;

use super::family::Family;
use super::pairs::{MOST_BLOCKS, MOST_LAYERS, Named, blocks, count, resolution};

mod nvidia;
mod tensorflow;

pub(super) use nvidia::{class_name, explicit as of_nvidia};
pub(super) use tensorflow::{explicit as of_tensorflow, stylegan1, taps};

pub(super) type Settings = Map<String, Json>;

/// The part of a file's metadata that is about one of its parts.
fn about<'s>(archive: &'s Archive<'_>, part: &str) -> Option<&'s Settings> {
    if part.is_empty() {
        return Some(&archive.metadata);
    }
    let whole = archive.metadata.get(part).and_then(Json::as_object);
    whole.or_else(|| {
        let mut keys = part.split('.');
        let first = archive.metadata.get(keys.next()?)?;
        keys.try_fold(first, |value, key| value.get(key))?.as_object()
    })
}

/// The object under a key, which is made if need be.
fn group<'s>(settings: &'s mut Settings, key: &str) -> Option<&'s mut Settings> {
    let value = settings.entry(key).or_insert_with(|| json!({}));
    if !value.is_object() {
        *value = json!({});
    }
    value.as_object_mut()
}

/// Sizes of tensors by their names.
struct Sizes<'s, 'a>(&'s Named<'a>);

impl Sizes<'_, '_> {
    fn get(&self, name: &str, axis: usize) -> Option<usize> {
        self.0.get(name)?.shape().get(axis).copied()
    }

    fn has(&self, end: &str) -> bool {
        self.0.keys().any(|name| name.ends_with(end))
    }

    /// What the shapes of a mapping network show. Labels are embedded beside z.
    fn mapping(&self, settings: &mut Settings) {
        let labels = self.get("mapping.embed.weight", 1);
        settings.insert("c_dim".to_owned(), json!(labels.unwrap_or(0)));
        if let Some(inputs) = self.get("mapping.fc0.weight", 1) {
            let embedded = labels.and_then(|_| self.get("mapping.embed.weight", 0)).unwrap_or(0);
            settings.insert("z_dim".to_owned(), json!(inputs.saturating_sub(embedded)));
        }
        self.mapping_layers(settings);
    }

    fn mapping_layers(&self, settings: &mut Settings) {
        let layers = count(self.0, "mapping.fc", MOST_LAYERS);
        if layers > 0
            && let Some(mapping) = group(settings, "mapping_kwargs")
        {
            mapping.insert("num_layers".to_owned(), json!(layers));
        }
    }
}

fn put(settings: &mut Settings, key: &str, value: Option<usize>) {
    if let Some(value) = value {
        settings.insert(key.to_owned(), json!(value));
    }
}

/// What is known of a StyleGAN2 in a layout whose code never clamps.
pub(super) fn without_clamp(family: Family) -> Settings {
    let mut settings = Settings::new();
    let place =
        if family.rank() == 0 { group(&mut settings, "synthesis_kwargs") } else { Some(&mut settings) };
    place.map(|place| place.insert("conv_clamp".to_owned(), Json::Null));
    settings
}

/// What NVIDIA's code adds to the variances of a StyleGAN (v1), where PyTorch's norms add more.
pub(super) fn nvidia_norms() -> Settings {
    let mut settings = Settings::new();
    settings.insert("synthesis_kwargs".to_owned(), json!({ "norm_epsilon": 1e-8 }));
    settings
}

/// Adds what the tensors of a StyleGAN (v1) generator show. Its resolution is that of the last block whose colours have a
/// bias: what training has not come to has none.
pub(super) fn add_stylegan1_generator(settings: &mut Settings, tensors: &Named<'_>) {
    /// Channels of a picture, at most.
    const MOST: usize = 64;
    let sizes = Sizes(tensors);
    settings.insert("c_dim".to_owned(), json!(0));
    put(settings, "z_dim", sizes.get("style.1.linear.weight_orig", 1));
    let layers = count(tensors, "style.", 2 * MOST_LAYERS) / 2;
    if let Some(last) = layers.checked_sub(1) {
        put(settings, "w_dim", sizes.get(&format!("style.{}.linear.weight_orig", 2 * last + 1), 0));
        if let Some(mapping) = group(settings, "mapping_kwargs") {
            mapping.insert("num_layers".to_owned(), json!(layers));
        }
    }
    put(settings, "img_channels", sizes.get("generator.to_rgb.0.conv.weight_orig", 0));
    let blocks = count(tensors, "generator.progression.", MOST_BLOCKS);
    let is_trained = |index: &usize| {
        let bias = tensors.get(&format!("generator.to_rgb.{index}.conv.bias"));
        bias.is_some_and(|bias| bias.count() <= MOST && bias.to_f32().iter().any(|value| *value != 0.0))
    };
    if let Some(last) = (0..blocks).rev().find(is_trained).or(blocks.checked_sub(1)) {
        put(settings, "img_resolution", Some(resolution(last)));
        put(settings, "num_ws", Some(2 * last + 2));
    }
}

/// Adds what the tensors of a StyleGAN2 generator show.
pub(super) fn add_stylegan2_generator(settings: &mut Settings, tensors: &Named<'_>) {
    let sizes = Sizes(tensors);
    sizes.mapping(settings);
    put(settings, "w_dim", sizes.get("synthesis.b4.conv1.affine.weight", 1));
    let Some(top) = blocks(tensors, "synthesis.b", ".").checked_sub(1) else { return };
    put(settings, "img_resolution", Some(resolution(top)));
    put(settings, "num_ws", Some(2 * top + 2));
    put(settings, "img_channels", sizes.get(&format!("synthesis.b{}.torgb.weight", resolution(top)), 0));
    let architecture = match (sizes.has(".skip.weight"), tensors.contains_key("synthesis.b4.torgb.weight")) {
        (true, _) => "resnet",
        (false, true) => "skip",
        (false, false) => "orig",
    };
    if let Some(synthesis) = group(settings, "synthesis_kwargs") {
        synthesis.insert("architecture".to_owned(), json!(architecture));
        synthesis.insert("use_noise".to_owned(), json!(sizes.has(".noise_strength")));
    }
}

/// Adds what the tensors of a StyleGAN2 discriminator show.
pub(super) fn add_stylegan2_discriminator(settings: &mut Settings, tensors: &Named<'_>) {
    let sizes = Sizes(tensors);
    let labels = sizes.get("mapping.embed.weight", 1).unwrap_or(0);
    put(settings, "c_dim", Some(labels));
    put(settings, "cmap_dim", if labels > 0 { sizes.get("b4.out.weight", 0) } else { Some(0) });
    sizes.mapping_layers(settings);
    if let (Some(found), Some(own)) = (sizes.get("b4.conv.weight", 1), sizes.get("b4.conv.weight", 0))
        && let Some(epilogue) = group(settings, "epilogue_kwargs")
    {
        put(epilogue, "mbstd_num_channels", found.checked_sub(own));
    }
    let Some(top) = blocks(tensors, "b", ".").checked_sub(1) else { return };
    put(settings, "img_resolution", Some(resolution(top)));
    put(settings, "img_channels", sizes.get(&format!("b{}.fromrgb.weight", resolution(top)), 1));
    let is_skip = top > 0 && tensors.contains_key("b4.fromrgb.weight");
    let architecture = match (sizes.has(".skip.weight"), is_skip) {
        (true, _) => "resnet",
        (false, true) => "skip",
        (false, false) => "orig",
    };
    settings.insert("architecture".to_owned(), json!(architecture));
}

/// Adds what the tensors of a StyleGAN3 generator show, and what its code has where a file says nothing.
pub(super) fn add_stylegan3_generator(settings: &mut Settings, tensors: &Named<'_>) {
    let sizes = Sizes(tensors);
    sizes.mapping(settings);
    put(settings, "w_dim", sizes.get("synthesis.input.affine.weight", 1));
    // `L14_1024_3`: number, size of the picture, channels.
    let layer = |name: &String| {
        let (number, rest) = name.strip_prefix("synthesis.L")?.split_once('_')?;
        let (size, rest) = rest.split_once('_')?;
        let (channels, _) = rest.split_once('.')?;
        let all = (number.parse().ok()?, size.parse().ok()?, channels.parse().ok()?);
        Some(all).filter(|(number, ..)| *number < MOST_LAYERS)
    };
    let last: Option<(usize, usize, usize)> = tensors.keys().filter_map(layer).max();
    if let Some((_, size, channels)) = last {
        put(settings, "img_resolution", Some(size));
        put(settings, "img_channels", Some(channels));
    }
    // One for the input, one for each layer, of which the last has this number.
    put(settings, "num_ws", last.map(|(number, ..)| number + 2));
    let first =
        tensors.iter().find(|(name, _)| name.starts_with("synthesis.L0_") && name.ends_with(".weight"));
    let kernel = first.and_then(|(_, weight)| weight.shape().get(2).copied());
    let is_radial =
        tensors.iter().any(|(name, filter)| name.ends_with(".down_filter") && filter.shape().len() == 2);
    let Some(synthesis) = group(settings, "synthesis_kwargs") else { return };
    put(synthesis, "num_layers", last.map(|(number, ..)| number));
    put(synthesis, "conv_kernel", kernel);
    synthesis.insert("use_radial_filters".to_owned(), json!(is_radial));
    nvidia::add_stylegan3_defaults(synthesis);
}

/// What our own files keep of a network, under the key `dreamwire` of their metadata.
pub(super) fn own(archive: &Archive<'_>) -> Option<Settings> {
    let text = archive.metadata.get("dreamwire")?.as_str()?;
    let told: Settings = serde_json::from_str(text).ok()?;
    Some(match told.get("settings") {
        Some(Json::Object(settings)) => settings.clone(),
        _ => told,
    })
}
