//! The arguments that NVIDIA's TensorFlow code built a network with, by the names of the PyTorch code.

use serde_json::{Value as Json, json};

use crate::archive::Archive;
use crate::network::family::Family;

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

fn arguments<'s>(archive: &'s Archive<'_>, part: &str) -> Option<&'s Settings> {
    about(archive, part)?.get("static_kwargs")?.as_object()
}
