//! Our own kinds and the libraries that give them, so that a missing plugin can be named.

/// Kind id and library stem (`libdreamwire_vgg.so` without prefix and ending), by library.
pub const KNOWN: &[(&str, &str)] = &[
    ("AdaIN", "dreamwire_adain"),
    ("GradientAscent", "dreamwire_dream"),
    ("LoadImage", "dreamwire_image"),
    ("NoiseImage", "dreamwire_image"),
    ("PreviewImage", "dreamwire_image"),
    ("Resize", "dreamwire_image"),
    ("SaveImage", "dreamwire_image"),
    ("VGGFeatures", "dreamwire_vgg"),
];
