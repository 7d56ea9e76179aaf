//! The arguments that NVIDIA's TensorFlow code built a network with, by the names of the PyTorch code.

use serde_json::{Value as Json, json};

use crate::archive::Archive;
use crate::network::family::Family;
use crate::network::stylegan1::Built;

use super::{Settings, about, group};

/// More taps than any resampling filter has.
const MOST_TAPS: usize = 32;

/// The arguments of a part.
pub(in crate::network) fn explicit(archive: &Archive<'_>, part: &str, family: Family) -> Settings {
    let mut settings = Settings::new();
    let told = arguments(archive, part);
    let copy = |from: &str, to: &str, place: Option<&mut Settings>| {
        if let (Some(value), Some(place)) = (told.and_then(|told| told.get(from)), place) {
            place.insert(to.to_owned(), value.clone());
        }
    };
    let is_generator = family.rank() == 0;
    for (from, to) in [("mapping_nonlinearity", "activation"), ("mapping_lrmul", "lr_multiplier")] {
        copy(from, to, group(&mut settings, "mapping_kwargs"));
    }
    let place = if is_generator { group(&mut settings, "synthesis_kwargs") } else { Some(&mut settings) };
    if let Some(place) = place {
        for (from, to) in [
            ("fmap_max", "channel_max"),
            ("num_fp16_res", "num_fp16_res"),
            ("conv_clamp", "conv_clamp"),
            ("resample_kernel", "resample_filter"),
            ("nonlinearity", "activation"),
        ] {
            copy(from, to, Some(&mut *place));
        }
        let base = told.and_then(|told| told.get("fmap_base")?.as_u64()?.checked_mul(2));
        place.extend(base.map(|base| ("channel_base".to_owned(), json!(base))));
        place.entry("conv_clamp").or_insert(Json::Null);
    }
    if !is_generator {
        copy("mbstd_group_size", "mbstd_group_size", group(&mut settings, "epilogue_kwargs"));
    }
    settings
}

/// The taps of the resampling filter, if the file says them.
pub(in crate::network) fn taps(archive: &Archive<'_>, part: &str) -> Option<Vec<f32>> {
    let told = arguments(archive, part)?.get("resample_kernel")?.as_array()?;
    let taps: Option<Vec<f32>> = told.iter().map(|tap| Some(tap.as_f64()? as f32)).collect();
    taps.filter(|taps| (1..=MOST_TAPS).contains(&taps.len()) && taps.iter().sum::<f32>() != 0.0)
}

/// How the generator of a StyleGAN (v1) was built; nothing if its layers are others than those of the published ones.
pub(in crate::network) fn stylegan1(archive: &Archive<'_>, part: &str) -> Option<Built> {
    let mut built = Built::default();
    let Some(told) = arguments(archive, part) else { return Some(built) };
    let is = |key: &str, value: Json| told.get(key).is_none_or(|found| *found == value);
    let is_usual = is("nonlinearity", json!("lrelu"))
        && is("mapping_nonlinearity", json!("lrelu"))
        && is("use_wscale", json!(true))
        && is("use_styles", json!(true))
        && is("use_pixel_norm", json!(false))
        && is("use_instance_norm", json!(true))
        && is("normalize_latents", json!(true));
    if !is_usual {
        return None;
    }
    if let Some(multiplier) = told.get("mapping_lrmul") {
        built.lr_multiplier = multiplier.as_f64()?;
    }
    built.fused = match told.get("fused_scale") {
        Some(Json::Bool(fused)) => Some(*fused),
        _ => None,
    };
    match told.get("blur_filter") {
        None => {}
        Some(Json::Null) => built.taps = [0.0, 1.0, 0.0],
        Some(filter) => {
            let taps: Option<Vec<f64>> = filter.as_array()?.iter().map(Json::as_f64).collect();
            let taps: [f64; 3] = match taps?[..] {
                [tap] => [0.0, tap, 0.0],
                [before, tap, after] => [before, tap, after],
                _ => return None,
            };
            let sum: f64 = taps.iter().sum();
            built.taps = taps.map(|tap| (tap / sum) as f32);
        }
    }
    Some(built).filter(|built| built.taps.iter().all(|tap| tap.is_finite()))
}

fn arguments<'s>(archive: &'s Archive<'_>, part: &str) -> Option<&'s Settings> {
    about(archive, part)?.get("static_kwargs")?.as_object()
}
