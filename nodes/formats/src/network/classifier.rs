//! Classifiers of torchvision and timm.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};

use super::pairs::Named;

/// The variants of VGG: their name, and how many convolutions each block has.
const VARIANTS: [(&str, [usize; 5]); 4] =
    [("vgg16", [2, 2, 3, 3, 3]), ("vgg19", [2, 2, 4, 4, 4]), ("vgg13", [2; 5]), ("vgg11", [1, 1, 2, 2, 2])];

/// A VGG with torchvision's names, and whether they were timm's: its head has convolutions for matrices.
pub(super) fn vgg<'a>(file: Named<'a>) -> (Named<'a>, bool) {
    let mut is_timm = false;
    let renamed = file.into_iter().map(|(name, tensor)| {
        let (layer, end) = name.rsplit_once('.').unwrap_or((&name, ""));
        let own = match layer {
            "pre_logits.fc1" => "classifier.0",
            "pre_logits.fc2" => "classifier.3",
            "head.fc" => "classifier.6",
            _ => return (name, tensor),
        };
        is_timm = true;
        let matrix = match tensor.shape() {
            [outputs, inputs @ ..] if inputs.len() > 1 => {
                let inputs = inputs.iter().try_fold(1usize, |all, size| all.checked_mul(*size));
                inputs.and_then(|inputs| tensor.reshaped(&[*outputs, inputs]))
            }
            _ => None,
        };
        (format!("{own}.{end}"), matrix.unwrap_or(tensor))
    });
    let own = renamed.collect();
    (own, is_timm)
}

/// The variant of a VGG; of those that a file with fewer layers fits, the first.
pub(super) fn vgg_settings(tensors: &Named<'_>) -> Map<String, Json> {
    let number = |name: &String| name.strip_prefix("features.")?.split_once('.')?.0.parse::<usize>().ok();
    let is_norm = |name: &String| name.ends_with(".running_mean");
    let norms: BTreeSet<usize> = tensors.keys().filter(|name| is_norm(name)).filter_map(number).collect();
    let layers: BTreeSet<usize> = tensors.keys().filter_map(number).collect();
    let convolutions: Vec<usize> = layers.difference(&norms).copied().collect();
    let fits = |blocks: &[usize; 5]| numbers(blocks, !norms.is_empty()).starts_with(&convolutions);
    let Some((name, _)) = VARIANTS.iter().find(|(_, blocks)| fits(blocks)) else { return Map::new() };
    let name = if norms.is_empty() { (*name).to_owned() } else { format!("{name}_bn") };
    Map::from_iter([("variant".to_owned(), json!(name))])
}

/// The numbers of the convolutions among all modules: each is followed by a rectifier, each block by a pool.
fn numbers(blocks: &[usize; 5], has_norms: bool) -> Vec<usize> {
    let step = if has_norms { 3 } else { 2 };
    let mut next = 0;
    let mut numbers = Vec::new();
    for count in blocks {
        numbers.extend((0..*count).map(|index| next + index * step));
        next += count * step + 1;
    }
    numbers
}
