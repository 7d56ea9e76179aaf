//! The resampling filters that NVIDIA's PyTorch code keeps beside every layer, and other files have once or not at all.

use crate::tensor::Tensor;

use super::pairs::Named;

const FILTER: &str = "resample_filter";
/// The filter of all published networks.
const DEFAULT: [f32; 4] = [1.0, 3.0, 3.0, 1.0];

/// Adds the filters that are missing: that of another layer, or else the outer product of `taps` with
/// itself, divided by its sum.
pub(super) fn complete(tensors: &mut Named<'_>, taps: Option<Vec<f32>>) {
    let known = tensors.iter().find(|(name, _)| name.ends_with(FILTER)).map(|(_, filter)| filter.clone());
    let filter = known.unwrap_or_else(|| outer(taps.as_deref().unwrap_or(&DEFAULT)));
    let missing: Vec<String> = tensors.keys().flat_map(|name| places(name)).collect();
    for place in missing {
        tensors.entry(format!("{place}.{FILTER}")).or_insert_with(|| filter.clone());
    }
}

/// The layer of a weight, and its block, if these have a filter. Of `torgb`, `fc` and `out` none has, and the last block
/// of a discriminator has none, which has no `conv1` either.
fn places(name: &str) -> Vec<String> {
    let Some((layer, "weight")) = name.rsplit_once('.') else { return Vec::new() };
    let Some((block, own)) = layer.rsplit_once('.') else { return Vec::new() };
    let size = block.strip_prefix("synthesis.").unwrap_or(block).strip_prefix('b').unwrap_or_default();
    if size.is_empty() || !size.bytes().all(|digit| digit.is_ascii_digit()) {
        return Vec::new();
    }
    match own {
        "conv1" => vec![layer.to_owned(), block.to_owned()],
        "conv0" | "conv" | "skip" | "fromrgb" => vec![layer.to_owned()],
        _ => Vec::new(),
    }
}

fn outer(taps: &[f32]) -> Tensor<'static> {
    let sum: f32 = taps.iter().sum();
    let values: Vec<f32> =
        taps.iter().flat_map(|down| taps.iter().map(move |across| down * across / (sum * sum))).collect();
    Tensor::of_f32(&[taps.len(), taps.len()], &values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[&str]) -> Named<'static> {
        names.iter().map(|name| ((*name).to_owned(), Tensor::of_f32(&[1], &[0.0]))).collect()
    }

    #[test]
    fn layers_that_resample_or_might_get_a_filter() {
        let mut tensors = named(&[
            "mapping.fc0.weight",
            "synthesis.b4.const",
            "synthesis.b4.conv1.weight",
            "synthesis.b4.conv1.affine.weight",
            "synthesis.b4.torgb.weight",
            "synthesis.b8.conv0.weight",
            "b8.fromrgb.weight",
            "b4.conv.weight",
            "b4.fc.weight",
            "bad.conv0.weight",
            "b.conv0.weight",
        ]);
        let before = tensors.len();
        complete(&mut tensors, Some(vec![1.0, 2.0, 1.0]));
        let mut added: Vec<&str> = tensors.keys().skip(before).map(String::as_str).collect();
        added.sort_unstable();
        let expected = [
            "b4.conv.resample_filter",
            "b8.fromrgb.resample_filter",
            "synthesis.b4.conv1.resample_filter",
            "synthesis.b4.resample_filter",
            "synthesis.b8.conv0.resample_filter",
        ];
        assert_eq!(added, expected);
        let filter = &tensors["b4.conv.resample_filter"];
        assert_eq!(filter.shape(), [3, 3]);
        assert_eq!(filter.to_f32(), [1., 2., 1., 2., 4., 2., 1., 2., 1.].map(|tap| tap / 16.));
    }

    #[test]
    fn filters_of_the_file_come_before_others() {
        let mut tensors = named(&["b8.conv0.weight", "b8.conv1.weight", "b8.conv1.resample_filter"]);
        complete(&mut tensors, Some(vec![1.0, 2.0, 1.0]));
        assert_eq!(tensors["b8.conv0.resample_filter"], tensors["b8.conv1.resample_filter"]);
        let mut tensors = named(&["b8.conv0.weight"]);
        complete(&mut tensors, None);
        assert_eq!(tensors["b8.conv0.resample_filter"].to_f32()[..4], [1., 3., 3., 1.].map(|tap| tap / 64.));
    }
}
