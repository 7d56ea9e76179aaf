//! What is written is read back with our own decoder.

mod formats;

use super::*;
use crate::files::decode::{Picture, decode};

const GRAPH: &str = r#"{"photo": {"class_type": "LoadImage", "inputs": {"image": "Schläfer.png"}}}"#;
/// The same in ASCII.
const ESCAPED: &str = r#"{"photo": {"class_type": "LoadImage", "inputs": {"image": "Schl\u00e4fer.png"}}}"#;
const FORMATS: [Format; 5] = [Format::Png, Format::Jpeg, Format::Webp, Format::Tiff, Format::Exr];

/// Half a step of 8 or 16 bits, with room for the last bit of a float.
const HALF_BYTE: f32 = 0.501 / 255.0;
const HALF_WORD: f32 = 0.501 / 65535.0;

fn of(format: Format) -> Options {
    Options { format, ..Options::default() }
}

/// Waves of other lengths in each channel, alpha from a tenth to 1; some values out of range.
fn image(width: usize, height: usize, channels: usize) -> Tensor {
    let value = |i: usize| {
        let (pixel, channel) = (i / channels, i % channels);
        let (x, y) = ((pixel % width) as f32, (pixel / width) as f32);
        match channel {
            3 => 0.1 + 0.9 * (x / width as f32),
            _ => 0.5 + 0.52 * ((x * 0.11 + y * 0.07) * (1.0 + channel as f32 * 0.4)).sin(),
        }
    };
    let samples: Vec<f32> = (0..width * height * channels).map(value).collect();
    Tensor::from_vec(samples, (height, width, channels), &Device::Cpu).expect("a tensor")
}

fn encode_reporting(encoding: &Encoding, image: &Tensor, progress: &Progress) -> Result<Vec<u8>> {
    let (height, width, channels) = image.dims3()?;
    encoding.encode(&crate::batch::samples(image)?, [height, width, channels], progress)
}

fn encode(options: Options, prompt: Option<&str>, image: &Tensor) -> Result<Vec<u8>> {
    options.check()?;
    encode_reporting(&Encoding { options, prompt: prompt.map(str::to_owned) }, image, &|_| Ok(()))
}

/// Written and read again, without any message.
#[track_caller]
fn again(options: Options, image: &Tensor) -> Picture {
    let bytes = encode(options, Some(GRAPH), image).unwrap_or_else(|e| panic!("{options:?}: {e}"));
    let (extension, _) = options.format.names();
    let picture =
        decode(&format!("a.{extension}"), &bytes, "").unwrap_or_else(|e| panic!("{options:?}: {e}"));
    assert_eq!((&picture.notes, &picture.warnings), (&vec![], &vec![]), "{options:?}");
    picture
}

/// The largest and the mean difference of colours and of alpha between the image and what was read.
fn differences(image: &Tensor, picture: &Picture) -> (f32, f32, f32) {
    let (height, width, channels) = image.dims3().expect("an image");
    assert_eq!((picture.width, picture.height), (width, height));
    let samples = crate::batch::samples(image).expect("samples");
    let (mut most, mut sum, mut alpha) = (0.0f32, 0.0, 0.0f32);
    for (i, pixel) in samples.chunks(channels).enumerate() {
        for c in 0..3 {
            let wanted = pixel[if channels == 1 { 0 } else { c }].clamp(0.0, 1.0);
            let off = (picture.rgb[3 * i + c] - wanted).abs();
            most = most.max(off);
            sum += off;
        }
        let wanted = pixel.get(3).map_or(0.0, |alpha| 1.0 - alpha);
        alpha = alpha.max((picture.mask[i] - wanted).abs());
    }
    (most, sum / (samples.len() / channels * 3) as f32, alpha)
}

#[test]
fn every_lossless_format_keeps_values_at_every_depth_with_any_channels() {
    use Compression::{Auto, Deflate, Lzw, None, Packbits, Piz, Rle, Zip, Zips};
    let tiff: &[Compression] = &[Auto, None, Lzw, Deflate, Packbits];
    let exr: &[Compression] = &[Auto, None, Rle, Zips, Zip, Piz];
    // Halves have 11 bits, which is most visible in the linear light of bright colours; dividing by alpha adds to it.
    let half = 1e-3;
    for (format, bits, compressions, tolerance) in [
        (Format::Png, Bits::Auto, &[Auto][..], HALF_BYTE),
        (Format::Png, Bits::Eight, &[Auto], HALF_BYTE),
        (Format::Png, Bits::Sixteen, &[Auto], HALF_WORD),
        (Format::Webp, Bits::Auto, &[Auto], HALF_BYTE),
        (Format::Tiff, Bits::Auto, tiff, HALF_BYTE),
        (Format::Tiff, Bits::Eight, tiff, HALF_BYTE),
        (Format::Tiff, Bits::Sixteen, tiff, HALF_WORD),
        (Format::Tiff, Bits::Float, tiff, 0.0),
        (Format::Exr, Bits::Auto, exr, half),
        (Format::Exr, Bits::Sixteen, exr, half),
        (Format::Exr, Bits::Float, exr, 1e-5),
    ] {
        for &compression in compressions {
            for channels in [1, 3, 4] {
                // More than one block of 16 lines, and odd sizes.
                for (width, height) in [(37, 41), (1, 1)] {
                    let image = image(width, height, channels);
                    let options = Options { bits, compression, ..of(format) };
                    let (most, _, alpha) = differences(&image, &again(options, &image));
                    assert!(most <= tolerance, "{options:?}, {channels} channels: {most}");
                    assert!(alpha <= tolerance.max(1e-7), "{options:?}: alpha {alpha}");
                }
            }
        }
    }
}

#[test]
fn lossy_formats_keep_colours_nearly_and_alpha_fully() {
    let jpeg = |subsampling| Options { quality: 95, subsampling, ..of(Format::Jpeg) };
    let webp = Options { quality: 95, lossless: Some(false), ..of(Format::Webp) };
    for (options, channels) in [
        (jpeg(Subsampling::None), &[1, 3][..]),
        (jpeg(Subsampling::Half), &[1, 3]),
        (jpeg(Subsampling::Quarter), &[1, 3]),
        (webp, &[1, 3, 4]),
    ] {
        for &channels in channels {
            let image = image(67, 41, channels);
            let (_, mean, alpha) = differences(&image, &again(options, &image));
            assert!(mean < 0.02, "{options:?}, {channels} channels: {mean}");
            assert!(alpha <= HALF_BYTE, "{options:?}: {alpha}");
        }
    }
}

#[test]
fn display_referred_exr_says_so_and_is_read_so() {
    for (bits, tolerance) in [(Bits::Sixteen, 1e-3), (Bits::Float, 1e-6)] {
        for channels in [1, 3, 4] {
            let options = Options { bits, linear: false, ..of(Format::Exr) };
            let image = image(20, 20, channels);
            let (most, ..) = differences(&image, &again(options, &image));
            assert!(most <= tolerance, "{options:?}: {most}");
        }
    }
    let image = Tensor::full(0.5f32, (1, 1, 3), &Device::Cpu).expect("a tensor");
    let plain =
        |linear| Options { bits: Bits::Float, compression: Compression::None, linear, ..of(Format::Exr) };
    let ends =
        |options, value: f32| encode(options, None, &image).expect("an EXR").ends_with(&value.to_le_bytes());
    assert!(ends(plain(false), 0.5));
    // 0.5 of the signal is ((0.5 + 0.055) / 1.055)^2.4 of the light.
    assert!(ends(plain(true), crate::transfer::to_linear(0.5)));
    let text =
        |linear| String::from_utf8_lossy(&encode(plain(linear), None, &image).expect("an EXR")).into_owned();
    assert!(text(false).contains("srgb_rec709_display") && text(true).contains("lin_rec709_scene"));
}

#[test]
fn more_choices_change_the_size_as_they_should() {
    let image = image(256, 256, 3);
    let size = |options| encode(options, None, &image).expect("it encodes").len();
    let jpeg = |quality, subsampling| size(Options { quality, subsampling, ..of(Format::Jpeg) });
    assert!(jpeg(95, Subsampling::None) > jpeg(30, Subsampling::None));
    assert!(jpeg(95, Subsampling::None) > jpeg(95, Subsampling::Half));
    assert!(jpeg(95, Subsampling::Half) > jpeg(95, Subsampling::Quarter));
    let webp = |quality| size(Options { quality, lossless: Some(false), ..of(Format::Webp) });
    assert!(size(of(Format::Webp)) > webp(90) && webp(90) > webp(20));
    for (format, bits) in
        [(Format::Tiff, Bits::Eight), (Format::Tiff, Bits::Sixteen), (Format::Exr, Bits::Sixteen)]
    {
        let with = |compression| size(Options { bits, compression, ..of(format) });
        let packings: &[Compression] = match format {
            // The low bytes of 16 bits hardly repeat, which LZW makes larger.
            Format::Tiff if bits == Bits::Sixteen => &[Compression::Deflate],
            Format::Tiff => &[Compression::Lzw, Compression::Deflate],
            _ => &[Compression::Zips, Compression::Zip, Compression::Piz],
        };
        for &compression in packings {
            assert!(with(compression) < with(Compression::None), "{format:?} {bits:?} {compression:?}");
        }
    }
}

#[test]
fn the_subsampling_is_in_the_frame_header() {
    let image = image(16, 16, 3);
    for (subsampling, factors) in
        [(Subsampling::None, 0x11), (Subsampling::Half, 0x21), (Subsampling::Quarter, 0x22)]
    {
        let bytes = encode(Options { subsampling, ..of(Format::Jpeg) }, None, &image).expect("a JPEG");
        let at = bytes.windows(4).position(|w| w == [0xFF, 0xC0, 0, 17]).expect("a frame of three colours");
        // Marker, length, depth, height, width, number of components; then id and factors of luminance.
        assert_eq!(bytes[at + 11], factors, "{subsampling:?}");
    }
}

#[test]
fn the_graph_is_in_every_file_unless_it_is_not_wanted() {
    let image = image(9, 7, 3);
    for format in FORMATS {
        let has = |bytes: &[u8]| bytes.windows(ESCAPED.len()).any(|part| part == ESCAPED.as_bytes());
        let (with, without) = (encode(of(format), Some(GRAPH), &image), encode(of(format), None, &image));
        assert!(has(&with.expect("it encodes")), "{format:?}");
        let without = without.expect("it encodes");
        assert!(!without.windows(6).any(|part| part == b"prompt"), "{format:?}");
    }
}

#[test]
fn a_graph_too_large_for_a_jpeg_is_left_out() {
    let image = image(9, 7, 3);
    // EXIF's name, the block before the text, `prompt:` and the zero.
    let most = 65_533 - 6 - 26 - 7 - 1;
    let longest = format!("{{{}}}", " ".repeat(most - 2));
    assert!(jpeg::holds(&longest) && !jpeg::holds(&format!("{longest} ")));
    let size = |prompt| encode(of(Format::Jpeg), prompt, &image).expect("a JPEG").len();
    assert_eq!(size(Some(&longest)) - size(None), 65_533 + 4);
    assert_eq!(size(Some(&format!("{longest} "))), size(None));
}

#[test]
fn the_same_picture_gives_the_same_bytes() {
    for format in FORMATS {
        for channels in [1, 3] {
            let image = image(40, 50, channels);
            let first = encode(of(format), Some(GRAPH), &image).expect("it encodes");
            for _ in 0..3 {
                assert!(first == encode(of(format), Some(GRAPH), &image).expect("it encodes"), "{format:?}");
            }
        }
    }
}

#[test]
fn a_profile_is_in_every_file() {
    for (channels, space) in [(1, b"GRAY"), (3, b"RGB ")] {
        let image = image(9, 7, channels);
        for format in FORMATS {
            let bytes = encode(of(format), None, &image).expect("it encodes");
            let has = |text: &[u8]| bytes.windows(text.len()).any(|part| part == text);
            // Of an ICC profile: the class of a display, then the colours.
            let icc = [*b"mntr", *if format == Format::Webp { b"RGB " } else { space }].concat();
            let wanted: &[u8] = match format {
                Format::Png => b"sRGB\0",
                Format::Exr => b"chromaticities\0",
                _ => &icc,
            };
            assert!(has(wanted), "{format:?} {channels}");
        }
    }
}

#[test]
fn alpha_in_a_jpeg_and_sides_beyond_a_format_are_refused() {
    let error = encode(of(Format::Jpeg), None, &image(2, 2, 4)).expect_err("no alpha");
    assert_eq!((error.input(), error.to_string().contains("does not support 4 channels")), ("images", true));
    let long = Tensor::full(0.0f32, (1, 16_384, 1), &Device::Cpu).expect("a tensor");
    let error = encode(of(Format::Webp), None, &long).expect_err("too wide");
    let message = "the picture is 16384x1, a WebP has at most 16383 pixels per side";
    assert!(error.to_string().starts_with(message), "{error}");
}

#[test]
fn pictures_that_no_format_holds_are_refused() {
    for format in FORMATS {
        for (size, message) in
            [((2, 2, 2), "2 channels"), ((0, 2, 3), "2x0 pixels"), ((2, 0, 3), "0x2 pixels")]
        {
            let image = Tensor::full(0.5f32, size, &Device::Cpu).expect("a tensor");
            let error = encode(of(format), None, &image).expect_err(message);
            assert!(error.to_string().contains(message), "{format:?}: {error}");
        }
    }
}

#[test]
fn writing_stops_when_it_is_told_to() {
    let image = image(64, 64, 3);
    for format in [Format::Tiff, Format::Exr] {
        let encoding = Encoding { options: of(format), prompt: None };
        let error = encode_reporting(&encoding, &image, &|_| Err(Error::cancelled())).expect_err("cancelled");
        assert!(error.is_cancelled(), "{format:?}: {error}");
    }
}
