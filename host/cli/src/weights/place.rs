//! Where a result lies if the user names no file.

use std::path::{Path, PathBuf};

/// The place of a result beside `file`: its name, with `label` between stem and extension.
pub(super) fn beside(file: &Path, label: &str) -> PathBuf {
    // What a label holds comes from the file.
    let safe = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' };
    let label: String = label.chars().map(safe).collect();
    let mut name = file.file_stem().unwrap_or_default().to_owned();
    if !label.is_empty() {
        name.push("_");
        name.push(label);
    }
    name.push(".safetensors");
    file.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_lie_beside_the_file() {
        let check = |file: &str, label: &str, expected: &str| {
            assert_eq!(beside(Path::new(file), label), Path::new(expected));
        };
        check("nets/faces.pkl", "G_ema", "nets/faces_G_ema.safetensors");
        check("vgg16-397923af.pth", "", "vgg16-397923af.safetensors");
        check("faces.v2.pkl", "../../x", "faces.v2_______x.safetensors");
        check("faces", "G", "faces_G.safetensors");
    }
}
