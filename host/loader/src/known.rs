//! Our own kinds and the libraries that give them, so that a missing plugin can be named.

/// Kind id and library stem (`libdreamwire_vgg.so` without prefix and ending), by library.
pub const KNOWN: &[(&str, &str)] = &[
    ("AdaIN", "dreamwire_adain"),
    ("GradientAscent", "dreamwire_dream"),
    ("LatentInterpolate", "dreamwire_stylegan"),
    ("LatentNoise", "dreamwire_stylegan"),
    ("LoadImage", "dreamwire_image"),
    ("LoadStyleGAN", "dreamwire_stylegan"),
    ("MappingNetwork", "dreamwire_stylegan"),
    ("NoiseImage", "dreamwire_image"),
    ("PreviewImage", "dreamwire_image"),
    ("Resize", "dreamwire_image"),
    ("SaveImage", "dreamwire_image"),
    ("StyleMix", "dreamwire_stylegan"),
    ("Synthesis", "dreamwire_stylegan"),
    ("VGGFeatures", "dreamwire_vgg"),
];
