//! Pictures that are decoded for a preview, a channel or a check.

use super::refusal::Refusal;
use axum::http::StatusCode;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::metadata::Orientation;
use image::{
    DynamicImage, ImageDecoder, ImageEncoder, ImageError, ImageFormat, ImageReader, Limits, RgbaImage,
};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};

/// The most pixels of a picture, as the nodes have it.
const MOST_PIXELS: u64 = 100_000_000;
/// The most bytes of decoded pixels.
const MOST_BYTES: u64 = 512 << 20;
/// The longer side of a preview, in pixels: larger pictures are made smaller.
const PREVIEW_SIDE: u32 = 4096;

/// A decoded picture, upright.
pub(super) struct Picture {
    pub(super) pixels: DynamicImage,
    pub(super) profile: Option<Vec<u8>>,
}

/// Which channels are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Channel {
    All,
    Colours,
    Alpha,
}

impl Channel {
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        match text {
            "" | "rgba" => Ok(Self::All),
            "rgb" => Ok(Self::Colours),
            "a" => Ok(Self::Alpha),
            _ => Err(Refusal::bad("the channel is none of rgba, rgb and a")),
        }
    }
}

/// How a preview is encoded: the quality is 1 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Preview {
    Webp(u8),
    Jpeg(u8),
}

impl Preview {
    /// `webp;90`, `jpeg;80`, or without a quality.
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        let (format, quality) = text.split_once(';').unwrap_or((text, "90"));
        let quality = quality.parse().map_or(90, |quality: u8| quality.clamp(1, 100));
        match format {
            "webp" => Ok(Self::Webp(quality)),
            "jpeg" | "jpg" => Ok(Self::Jpeg(quality)),
            _ => Err(Refusal::bad("a preview is webp or jpeg")),
        }
    }
}

/// The format of a picture by its content. Only its head is read.
///
/// # Errors
/// 415 if it is no picture that is read here, 413 if it is too large.
pub(super) fn check(file: &mut (impl Read + Seek)) -> Result<ImageFormat, Refusal> {
    let (_, format) = decoder(BufReader::new(file))?;
    Ok(format)
}

/// Decodes a picture.
///
/// # Errors
/// As [`check`]; 415 if it is damaged.
pub(super) fn decode(file: File) -> Result<Picture, Refusal> {
    let (mut decoder, _) = decoder(BufReader::new(file))?;
    let profile = decoder.icc_profile().ok().flatten();
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut pixels = DynamicImage::from_decoder(decoder).map_err(|_| unreadable())?;
    pixels.apply_orientation(orientation);
    Ok(Picture { pixels, profile })
}

fn decoder<'a>(reader: impl BufRead + Seek + 'a) -> Result<(impl ImageDecoder + 'a, ImageFormat), Refusal> {
    let mut reader = ImageReader::new(reader).with_guessed_format()?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_BYTES);
    reader.limits(limits);
    let format = reader.format().ok_or_else(unreadable)?;
    let decoder = reader.into_decoder().map_err(|error| match error {
        ImageError::Limits(_) => too_large("more pixels than can be read here"),
        _ => unreadable(),
    })?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MOST_PIXELS || decoder.total_bytes() > MOST_BYTES {
        return Err(too_large(&format!("{width} x {height} pixels; the limit is {MOST_PIXELS}")));
    }
    Ok((decoder, format))
}

fn too_large(what: &str) -> Refusal {
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the picture has {what}"))
}

fn unreadable() -> Refusal {
    Refusal::media("this is no picture that can be read: PNG, JPEG, WebP, GIF, BMP, TIFF, QOI and EXR can")
}

/// Encodes what is asked for of a picture, and tells the content type.
///
/// # Errors
/// 500 if an encoder fails.
pub(super) fn encode(
    picture: Picture,
    channel: Channel,
    preview: Option<Preview>,
) -> Result<(Vec<u8>, &'static str), Refusal> {
    let Picture { pixels, profile } = picture;
    let pixels = match channel {
        Channel::All => pixels,
        Channel::Colours => displayable(pixels).into_rgb8().into(),
        Channel::Alpha => alpha_only(&pixels).into(),
    };
    let Some(preview) = preview else { return Ok((png(&displayable(pixels), profile)?, "image/png")) };
    let is_large = pixels.width().max(pixels.height()) > PREVIEW_SIDE;
    let pixels = if is_large { pixels.thumbnail(PREVIEW_SIDE, PREVIEW_SIDE) } else { pixels };
    let pixels = displayable(pixels);
    match preview {
        Preview::Jpeg(quality) => {
            let mut bytes = Vec::new();
            let mut encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
            with_profile(&mut encoder, profile);
            let rgb = pixels.into_rgb8();
            encoder.encode_image(&rgb).map_err(|_| Refusal::internal())?;
            Ok((bytes, "image/jpeg"))
        }
        Preview::Webp(quality) => {
            let (width, height) = (pixels.width(), pixels.height());
            let encoded = if pixels.color().has_alpha() {
                let rgba = pixels.into_rgba8();
                webp::Encoder::from_rgba(&rgba, width, height).encode_simple(false, quality.into())
            } else {
                let rgb = pixels.into_rgb8();
                webp::Encoder::from_rgb(&rgb, width, height).encode_simple(false, quality.into())
            };
            Ok((encoded.map_err(|_| Refusal::internal())?.to_vec(), "image/webp"))
        }
    }
}

/// A PNG with the profile of the colours.
pub(super) fn png(pixels: &DynamicImage, profile: Option<Vec<u8>>) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    let mut encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Adaptive);
    with_profile(&mut encoder, profile);
    pixels.write_with_encoder(encoder).map_err(|_| Refusal::internal())?;
    Ok(bytes)
}

/// A profile that an encoder cannot write is dropped.
fn with_profile(encoder: &mut impl ImageEncoder, profile: Option<Vec<u8>>) {
    if let Some(profile) = profile {
        let _ = encoder.set_icc_profile(profile);
    }
}

/// Linear light (EXR) in the form that screens expect; other pictures as they are.
fn displayable(pixels: DynamicImage) -> DynamicImage {
    /// The transfer function of sRGB (IEC 61966-2-1).
    fn encoded(light: f32) -> u8 {
        let light = light.clamp(0.0, 1.0);
        let value = if light <= 0.003_130_8 { 12.92 * light } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 };
        (value * 255.0).round() as u8
    }
    match pixels {
        DynamicImage::ImageRgb32F(pixels) => {
            let bytes = pixels.as_raw().iter().map(|&light| encoded(light)).collect();
            let size = pixels.dimensions();
            image::RgbImage::from_raw(size.0, size.1, bytes).unwrap_or_default().into()
        }
        DynamicImage::ImageRgba32F(pixels) => {
            let mut bytes = Vec::with_capacity(pixels.as_raw().len());
            for pixel in pixels.pixels() {
                let [red, green, blue, alpha] = pixel.0;
                bytes.extend([red, green, blue].map(encoded));
                bytes.push((alpha.clamp(0.0, 1.0) * 255.0).round() as u8);
            }
            let size = pixels.dimensions();
            RgbaImage::from_raw(size.0, size.1, bytes).unwrap_or_default().into()
        }
        other => other,
    }
}

/// Black, as opaque as the picture is.
fn alpha_only(pixels: &DynamicImage) -> RgbaImage {
    let mut pixels = pixels.to_rgba8();
    pixels.pixels_mut().for_each(|pixel| pixel.0 = [0, 0, 0, pixel.0[3]]);
    pixels
}

/// The colours of one picture with the alpha of another one of the same size; 16 bits if the first has them.
///
/// # Errors
/// 400 if the sizes differ, or the first is in linear light, which PNG cannot hold.
pub(super) fn with_alpha(colours: DynamicImage, alpha: &DynamicImage) -> Result<DynamicImage, Refusal> {
    use image::DynamicImage::{ImageRgb32F, ImageRgba32F};
    if matches!(colours, ImageRgb32F(_) | ImageRgba32F(_)) {
        return Err(Refusal::bad("a mask cannot be kept in a picture of floating-point numbers"));
    }
    if (colours.width(), colours.height()) != (alpha.width(), alpha.height()) {
        return Err(Refusal::bad("the mask and the picture differ in size"));
    }
    let channels = u16::from(colours.color().channel_count().max(1));
    if colours.color().bits_per_pixel() / channels > 8 {
        return Ok(joined(colours.into_rgba16(), &alpha.to_rgba16()).into());
    }
    Ok(joined(colours.into_rgba8(), &alpha.to_rgba8()).into())
}

type Buffer<T> = image::ImageBuffer<image::Rgba<T>, Vec<T>>;

fn joined<T: image::Primitive>(mut colours: Buffer<T>, alpha: &Buffer<T>) -> Buffer<T>
where
    image::Rgba<T>: image::Pixel<Subpixel = T>,
{
    for (pixel, alpha) in colours.pixels_mut().zip(alpha.pixels()) {
        pixel.0[3] = alpha.0[3];
    }
    colours
}
