use std::collections::HashMap;

use dreamwire_sdk::candle::{CpuStorage, Storage};
use dreamwire_sdk::prelude::*;

/// How many tensors a warning names.
const NAMED: usize = 5;

/// Warns if the weights of the file `name` hold NaN or infinity, which would propagate to all features.
///
/// Tensors whose names start with one of `unused` are ignored: heads that are not used. torchvision's VGG16
/// for features, for example, has a classifier of NaN.
pub(crate) fn warn(call: &Call, name: &str, tensors: &HashMap<String, Tensor>, unused: &[&str]) {
    if let Some(found) = found(tensors, unused) {
        call.warn(&format!("`{name}` contains NaN or infinity, which will spread to the features: {found}"));
    }
}

fn found(tensors: &HashMap<String, Tensor>, unused: &[&str]) -> Option<String> {
    let used = tensors.iter().filter(|(name, _)| !unused.iter().any(|prefix| name.starts_with(prefix)));
    let mut found: Vec<(&str, usize, usize)> = used
        .map(|(name, tensor)| (name.as_str(), count(tensor), tensor.elem_count()))
        .filter(|(_, count, _)| *count > 0)
        .collect();
    found.sort_unstable();
    let named = found.iter().take(NAMED).map(|(name, count, of)| format!("`{name}` ({count} of {of})"));
    let mut text = named.collect::<Vec<_>>().join(", ");
    if found.len() > NAMED {
        text += &format!(", and {} more tensors", found.len() - NAMED);
    }
    (!found.is_empty()).then_some(text)
}

/// How many numbers of a tensor that was just read are not finite. Floating types are f32 by then, and own
/// all of their storage.
fn count(tensor: &Tensor) -> usize {
    let (storage, _) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(CpuStorage::F32(values)) => values.iter().filter(|value| !value.is_finite()).count(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tensors: &[(&str, &[f32])], expected: Option<&str>) {
        let tensor = |values: &[f32]| Tensor::from_slice(values, values.len(), &Device::Cpu).unwrap();
        let tensors: HashMap<_, _> =
            tensors.iter().map(|(name, values)| ((*name).to_owned(), tensor(values))).collect();
        assert_eq!(found(&tensors, &["head."]).as_deref(), expected);
    }

    #[test]
    fn tensors_are_named_with_counts() {
        let (good, bad): (&[f32], &[f32]) = (&[0.0, f32::MAX], &[f32::NAN, 1.0, f32::NEG_INFINITY]);
        check(&[("a", good), ("b", good)], None);
        check(&[("b", bad), ("c", good), ("a", &bad[..2])], Some("`a` (1 of 2), `b` (2 of 3)"));
        check(&[("head.weight", bad)], None);
        let many = ["f", "e", "d", "c", "b", "a", "g"].map(|name| (name, &bad[..1]));
        let five = "`a` (1 of 1), `b` (1 of 1), `c` (1 of 1), `d` (1 of 1), `e` (1 of 1)";
        check(&many, Some(&format!("{five}, and 2 more tensors")));
    }
}
