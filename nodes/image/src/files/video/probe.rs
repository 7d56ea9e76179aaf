//! What a video file says of itself, by ffprobe.

use super::ffmpeg::{Running, contained};
use dreamwire_sdk::prelude::*;
use std::path::Path;

/// The first video stream of a file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stream {
    /// As it is shown, turned.
    pub(super) width: usize,
    pub(super) height: usize,
    /// Frames in a second.
    pub(super) fps: f64,
    /// How many frames there are, if the file says so; about how many by its duration.
    pub(super) frames: Option<u64>,
    pub(super) about: Option<u64>,
    /// Bytes that a sample needs.
    pub(super) sample_bytes: usize,
    /// The matrix of colours is not said, and is that of high definition by the size.
    pub(super) assumed_bt709: bool,
    /// What of it is not taken into account, for people.
    pub(super) notes: Vec<String>,
}

const ENTRIES: &str = "stream=width,height,pix_fmt,avg_frame_rate,r_frame_rate,nb_frames,duration,color_space,\
                       color_transfer,sample_aspect_ratio:stream_tags=rotate:stream_side_data=rotation:format=duration";

/// Pixel formats of more than 8 bits have one of these in their names.
const DEEP: [&str; 14] = [
    "p9", "p10", "p12", "p14", "p16", "gray9", "gray10", "gray12", "gray14", "gray16", "48", "64", "p010",
    "x2",
];

/// Lines of video from which on it is high definition.
const HIGH_DEFINITION: usize = 720;

impl Stream {
    /// Of the file `input` in a folder, which is called `name`.
    ///
    /// # Errors
    /// It is no video that ffmpeg reads.
    pub(super) fn of(call: &Call, folder: &Path, input: &str, name: &str) -> Result<Self> {
        let mut arguments: Vec<String> = ["-v", "error"].map(str::to_owned).into();
        arguments.extend(contained());
        let rest = [
            "-select_streams",
            "v:0",
            "-show_entries",
            ENTRIES,
            "-of",
            "default=noprint_wrappers=1",
            "-i",
            input,
        ];
        arguments.extend(rest.map(str::to_owned));
        let running = Running::start("ffprobe", &arguments, folder)?.writing(1);
        let mut text = Vec::new();
        while let Some(byte) = running.receive(call)? {
            text.extend(byte);
        }
        let ended = running.finish(call)?;
        if !ended.status.success() {
            return Err(Error::content(format!(
                "`{name}` cannot be read as a video: {}",
                plain(&ended.reason(), input)
            )));
        }
        let parsed = Self::parse(&String::from_utf8_lossy(&text));
        parsed.ok_or_else(|| {
            Error::content(format!("`{name}` has no pictures that move: no video stream was found"))
        })
    }

    /// What ffprobe writes, a name and a value a line; none without a size.
    fn parse(text: &str) -> Option<Self> {
        let values = |name: &'static str| {
            let lines = text.lines().filter_map(|line| line.trim().split_once('='));
            lines.filter(move |(key, value)| *key == name && *value != "N/A").map(|(_, value)| value)
        };
        let value = |name| values(name).next();
        let side = |name| value(name)?.parse().ok().filter(|side: &usize| *side > 0);
        let (mut width, mut height) = (side("width")?, side("height")?);
        let turn: f64 =
            value("rotation").or_else(|| value("TAG:rotate")).and_then(|v| v.parse().ok()).unwrap_or(0.0);
        if (turn.rem_euclid(180.0) - 90.0).abs() < 1.0 {
            (width, height) = (height, width);
        }
        let fps = ["avg_frame_rate", "r_frame_rate"].into_iter().find_map(|name| ratio(value(name)?));
        let fps = fps.filter(|fps| *fps > 0.0).unwrap_or(25.0);
        let seconds = values("duration").filter_map(|v| v.parse().ok()).fold(0.0, f64::max);
        let pixels = value("pix_fmt").unwrap_or_default();
        let space = value("color_space").unwrap_or("unknown");
        let mut notes = Vec::new();
        if let Some(transfer) = value("color_transfer").filter(|t| matches!(*t, "smpte2084" | "arib-std-b67"))
        {
            notes.push(format!("its brightness is coded by {transfer} (HDR), which is not converted"));
        }
        if let Some(aspect) = value("sample_aspect_ratio").filter(|aspect| !matches!(*aspect, "1:1" | "0:1"))
        {
            notes.push(format!("its pixels are not square ({aspect}), and are taken as if they were"));
        }
        let is_rgb = pixels.contains("rgb") || pixels.contains("bgr") || pixels.starts_with("gb");
        Some(Self {
            width,
            height,
            fps,
            frames: value("nb_frames").and_then(|v| v.parse().ok()).filter(|frames| *frames > 0),
            about: Some((seconds * fps).round() as u64).filter(|frames| *frames > 0),
            sample_bytes: if DEEP.iter().any(|part| pixels.contains(part)) { 2 } else { 1 },
            assumed_bt709: space == "unknown" && !is_rgb && height.min(width) >= HIGH_DEFINITION,
            notes,
        })
    }
}

/// A number or a fraction above 0.
fn ratio(text: &str) -> Option<f64> {
    let value = match text.split_once('/') {
        Some((above, below)) => above.parse::<f64>().ok()? / below.parse::<f64>().ok()?,
        None => text.parse().ok()?,
    };
    (value.is_finite() && value > 0.0).then_some(value)
}

/// What ffmpeg says, without the name of the temporary file.
pub(super) fn plain(said: &str, input: &str) -> String {
    said.replace(&format!("{input}: "), "")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "width=640\nheight=360\npix_fmt=yuv420p\ncolor_space=bt709\navg_frame_rate=30000/1001\n\
                         r_frame_rate=30000/1001\nduration=2.002000\nnb_frames=60\nsample_aspect_ratio=1:1\nduration=2.1\n";

    #[test]
    fn values_are_read() {
        let stream = Stream::parse(PLAIN).expect("a stream");
        assert_eq!((stream.width, stream.height, stream.sample_bytes), (640, 360, 1));
        assert!((stream.fps - 29.97).abs() < 0.001 && stream.notes.is_empty());
        assert_eq!((stream.frames, stream.about), (Some(60), Some(63)));
        assert_eq!(Stream::parse("duration=2\n"), None);
    }

    #[test]
    fn what_is_unusual_is_seen() {
        let turned = Stream::parse(&format!("{PLAIN}rotation=-90\n")).expect("a stream");
        assert_eq!((turned.width, turned.height), (360, 640));
        let with = |from: &str, to: &str| Stream::parse(&PLAIN.replace(from, to)).expect("a stream");
        assert_eq!(with("yuv420p", "yuv420p10le").sample_bytes, 2);
        assert_eq!(with("yuv420p", "gbrp16le").sample_bytes, 2);
        assert_eq!(with("yuv420p", "nv12").sample_bytes, 1);
        assert_eq!(with("nb_frames=60", "nb_frames=N/A").frames, None);
        assert_eq!(with("avg_frame_rate=30000/1001", "avg_frame_rate=0/0").fps, 30000.0 / 1001.0);
        assert!(with("=1:1", "=8:9").notes[0].contains("8:9"));
        let high = Stream::parse(
            &PLAIN.replace("=360", "=1080").replace("=640", "=1920").replace("bt709", "unknown"),
        );
        assert!(high.expect("a stream").assumed_bt709 && !with("bt709", "unknown").assumed_bt709);
    }
}
