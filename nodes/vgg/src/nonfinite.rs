use dreamwire_nets::weights::{NotFinite, listed};
use dreamwire_sdk::prelude::*;

/// Warns if the weights of the file `name` hold NaN or infinity, which would propagate to the features of their layers
/// and later ones.
///
/// Tensors whose names start with one of `unused` are ignored: heads that are not used. torchvision's VGG16
/// for features, for example, has a classifier of NaN.
pub(crate) fn warn(call: &Call, name: &str, not_finite: &[NotFinite], unused: &[&str]) {
    if let Some(found) = found(not_finite, unused) {
        call.warn(&format!("`{name}` contains NaN or infinity, which will spread to the features: {found}"));
    }
}

fn found(not_finite: &[NotFinite], unused: &[&str]) -> Option<String> {
    let used: Vec<&NotFinite> = not_finite
        .iter()
        .filter(|tensor| !unused.iter().any(|prefix| tensor.name.starts_with(prefix)))
        .collect();
    (!used.is_empty()).then(|| listed(used))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(names: &[&str], expected: Option<&str>) {
        let tensor = |name: &&str| NotFinite { name: (*name).to_owned(), count: 2, of: 3 };
        let tensors: Vec<_> = names.iter().map(tensor).collect();
        assert_eq!(found(&tensors, &["head."]).as_deref(), expected);
    }

    #[test]
    fn tensors_are_named_with_counts() {
        check(&[], None);
        check(&["a", "b"], Some("`a` (2 of 3), `b` (2 of 3)"));
        check(&["head.weight"], None);
        let five = "`a` (2 of 3), `b` (2 of 3), `c` (2 of 3), `d` (2 of 3), `e` (2 of 3)";
        let seven = ["a", "b", "c", "d", "e", "f", "head.bias", "g"];
        check(&seven, Some(&format!("{five}, and 2 more tensors")));
    }
}
