//! The arguments that NVIDIA's PyTorch code built a network with.

use serde_json::{Value as Json, json};

use crate::archive::Archive;
use crate::network::family::Family;

use super::{Settings, about, group};

/// The arguments of a generator in order; its synthesis network gets what is named otherwise.
const GENERATOR: [&str; 7] =
    ["z_dim", "c_dim", "w_dim", "img_resolution", "img_channels", "mapping_kwargs", "synthesis_kwargs"];
/// The arguments of a discriminator in order.
const DISCRIMINATOR: [&str; 12] = [
    "c_dim",
    "img_resolution",
    "img_channels",
    "architecture",
    "channel_base",
    "channel_max",
    "num_fp16_res",
    "conv_clamp",
    "cmap_dim",
    "block_kwargs",
    "mapping_kwargs",
    "epilogue_kwargs",
];

/// The class of a part, where a pickle says it.
pub(in crate::network) fn class_name<'s>(archive: &'s Archive<'_>, part: &str) -> Option<&'s str> {
    about(archive, part)?.get("class_name")?.as_str()
}

/// The arguments of a part. Those of a synthesis network are below `synthesis_kwargs`, where stylegan3 has them beside
/// the others. `conv_clamp` is what the code had, where it was not given: 256 in stylegan3, nothing in
/// stylegan2-ada-pytorch.
pub(in crate::network) fn explicit(archive: &Archive<'_>, part: &str, family: Family) -> Settings {
    let mut settings = Settings::new();
    let Some(told) = about(archive, part) else { return settings };
    if !told.contains_key("_init_kwargs") && !told.contains_key("_init_args") {
        return settings;
    }
    let is_generator = family.rank() == 0;
    let names: &[&str] = if is_generator { &GENERATOR } else { &DISCRIMINATOR };
    let args = told.get("_init_args").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    settings.extend(names.iter().zip(args).map(|(name, value)| ((*name).to_owned(), value.clone())));
    for (name, value) in told.get("_init_kwargs").and_then(Json::as_object).into_iter().flatten() {
        if is_generator && !GENERATOR.contains(&name.as_str()) {
            group(&mut settings, "synthesis_kwargs")
                .map(|synthesis| synthesis.insert(name.clone(), value.clone()));
        } else {
            settings.insert(name.clone(), value.clone());
        }
    }
    let clamp = if is_ada(archive) { Json::Null } else { json!(256) };
    let place = if is_generator { group(&mut settings, "synthesis_kwargs") } else { Some(&mut settings) };
    place.map(|place| place.entry("conv_clamp").or_insert(clamp));
    settings
}

/// Whether stylegan2-ada-pytorch wrote the file: its generators get the arguments of their synthesis in one.
fn is_ada(archive: &Archive<'_>) -> bool {
    let has_group = |network: &Json| {
        let kwargs =
            network.get("_init_kwargs").is_some_and(|kwargs| kwargs.get("synthesis_kwargs").is_some());
        let args = network.get("_init_args").and_then(Json::as_array);
        kwargs || args.is_some_and(|args| args.get(6).is_some_and(Json::is_object))
    };
    archive.metadata.values().any(has_group) || has_group(&Json::Object(archive.metadata.clone()))
}

/// Adds what stylegan3's code has, where a file does not say.
pub(super) fn add_stylegan3_defaults(synthesis: &mut Settings) {
    for (name, value) in [
        ("channel_base", json!(32768)),
        ("channel_max", json!(512)),
        ("num_critical", json!(2)),
        ("first_cutoff", json!(2)),
        ("first_stopband", json!(2f64.powf(2.1))),
        ("last_stopband_rel", json!(2f64.powf(0.3))),
        ("margin_size", json!(10)),
        ("output_scale", json!(0.25)),
        ("num_fp16_res", json!(4)),
        ("filter_size", json!(6)),
        ("lrelu_upsampling", json!(2)),
        ("conv_clamp", json!(256)),
    ] {
        synthesis.entry(name).or_insert(value);
    }
}
