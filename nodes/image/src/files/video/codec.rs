//! What can be written: containers, codecs, and how ffmpeg is asked for them.

use dreamwire_sdk::prelude::*;
use serde::Serialize;

/// A container.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Container {
    #[default]
    Mp4,
    Webm,
    Mov,
    Mkv,
}

impl Container {
    /// As params and extensions have it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Mp4 => "mp4",
            Self::Webm => "webm",
            Self::Mov => "mov",
            Self::Mkv => "mkv",
        }
    }

    /// What ffmpeg calls it.
    pub(super) fn muxer(self) -> &'static str {
        match self {
            Self::Mkv => "matroska",
            other => other.name(),
        }
    }

    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Mp4 => "video/mp4",
            Self::Webm => "video/webm",
            Self::Mov => "video/quicktime",
            Self::Mkv => "video/x-matroska",
        }
    }

    fn codecs(self) -> &'static [Codec] {
        match self {
            Self::Mp4 => &[Codec::H264, Codec::H265],
            Self::Webm => &[Codec::Vp9],
            Self::Mov => &[Codec::Prores, Codec::H264, Codec::H265],
            Self::Mkv => &[Codec::Ffv1, Codec::H264, Codec::H265, Codec::Vp9],
        }
    }
}

/// How frames are compressed.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Codec {
    // The first of the container.
    #[default]
    Auto,
    H264,
    H265,
    Vp9,
    Prores,
    Ffv1,
}

impl Codec {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::H264 => "h264",
            Self::H265 => "h265",
            Self::Vp9 => "vp9",
            Self::Prores => "prores",
            Self::Ffv1 => "ffv1",
        }
    }

    /// The codec that is used in a container.
    ///
    /// # Errors
    /// The container does not hold it.
    pub(super) fn within(self, container: Container) -> Result<Self> {
        let codecs = container.codecs();
        match self {
            Self::Auto => Ok(codecs[0]),
            codec if codecs.contains(&codec) => Ok(codec),
            codec => {
                let message = format!("{} does not hold {} here", container.name(), codec.name());
                let names: Vec<&str> = codecs.iter().map(|codec| codec.name()).collect();
                Err(Error::param("codec", message).hint(format!(
                    "{} holds {}",
                    container.name(),
                    names.join(", ")
                )))
            }
        }
    }

    /// The constant rate factor that is used if none is given, and the largest one; none of codecs without.
    pub(super) fn crf(self) -> Option<(u8, u8)> {
        match self {
            Self::H264 => Some((18, 51)),
            Self::H265 => Some((20, 51)),
            Self::Vp9 => Some((24, 63)),
            _ => None,
        }
    }

    /// Bytes of a sample that ffmpeg gets: two, where the codec keeps more than 8 bits.
    pub(super) fn sample_bytes(self) -> usize {
        if matches!(self, Self::Prores | Self::Ffv1) { 2 } else { 1 }
    }

    /// Whether sides must be even, because there is one sample of colour for 2x2 pixels, or 2x1.
    pub(super) fn needs_even_sides(self) -> bool {
        self != Self::Ffv1
    }

    /// The least pixels of a side: libx265 (3.5) crashes with fewer.
    pub(super) fn least_side(self) -> usize {
        if self == Self::H265 { 32 } else { 2 }
    }

    pub(super) fn keeps_alpha(self) -> bool {
        matches!(self, Self::Vp9 | Self::Prores | Self::Ffv1)
    }

    /// The pixels of the video, by ffmpeg's name.
    pub(super) fn pixels(self, channels: usize) -> &'static str {
        match (self, channels) {
            (Self::Vp9, 4) => "yuva420p",
            (Self::Prores, 4) => "yuva444p10le",
            (Self::Prores, _) => "yuv422p10le",
            (Self::Ffv1, 1) => "gray16le",
            (Self::Ffv1, 4) => "gbrap16le",
            (Self::Ffv1, _) => "gbrp16le",
            _ => "yuv420p",
        }
    }

    /// The encoder and its settings, by which the same frames give the same bytes: one thread, no text about the encoder.
    pub(super) fn settings(self, channels: usize) -> &'static [&'static str] {
        match (self, channels) {
            (Self::H265, _) => &[
                "-c:v",
                "libx265",
                "-preset",
                "medium",
                "-tag:v",
                "hvc1",
                "-x265-params",
                "log-level=error:pools=none:frame-threads=1:info=0",
            ],
            (Self::Vp9, 4) => &["-c:v", "libvpx-vp9", "-b:v", "0", "-cpu-used", "2", "-auto-alt-ref", "0"],
            (Self::Vp9, _) => &["-c:v", "libvpx-vp9", "-b:v", "0", "-cpu-used", "2"],
            (Self::Prores, 4) => {
                &["-c:v", "prores_ks", "-profile:v", "4", "-alpha_bits", "16", "-vendor", "apl0"]
            }
            (Self::Prores, _) => &["-c:v", "prores_ks", "-profile:v", "3", "-vendor", "apl0"],
            (Self::Ffv1, _) => &["-c:v", "ffv1", "-level", "3", "-g", "1", "-slicecrc", "1"],
            _ => &["-c:v", "libx264", "-preset", "medium"],
        }
    }
}

/// A rate as ffmpeg reads it, exactly: 24, 24000/1001 for 23.976, or a decimal.
pub(super) fn rate(fps: f64) -> String {
    let whole = |value: f64| (value - value.round()).abs() < 1e-6;
    if whole(fps) {
        return format!("{}", fps.round());
    }
    // The rates of NTSC, which are written with two or three digits.
    let ntsc = (fps * 1.001).round();
    if ntsc >= 1.0 && (ntsc / 1.001 - fps).abs() < 0.006 && (ntsc % 24.0 == 0.0 || ntsc % 30.0 == 0.0) {
        return format!("{}/1001", ntsc * 1000.0);
    }
    format!("{fps}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_hold_their_codecs() {
        assert_eq!(Codec::Auto.within(Container::Mkv).expect("its first"), Codec::Ffv1);
        assert_eq!(Codec::H264.within(Container::Mov).expect("held"), Codec::H264);
        let error = Codec::Prores.within(Container::Webm).expect_err("not held");
        assert_eq!(error.to_string(), "webm does not hold prores here; hint: webm holds vp9");
        assert_eq!(error.input(), "codec");
    }

    #[test]
    fn rates_are_exact() {
        for (fps, text) in [
            (24.0, "24"),
            (23.976, "24000/1001"),
            (29.97, "30000/1001"),
            (59.94, "60000/1001"),
            (119.88, "120000/1001"),
            (12.5, "12.5"),
            (0.5, "0.5"),
            (23.9, "23.9"),
        ] {
            assert_eq!(rate(fps), text);
        }
    }
}
