use super::codec::{Codec, Container, rate};
use super::ffmpeg::{Running, contained, private_folder, put};
use super::frames::{evened, raw_pixels, to_bytes};
use super::probe::plain;
use crate::batch::one_of;
use crate::files::encode::exif;
use dreamwire_sdk::prefix;
use dreamwire_sdk::prelude::*;

/// Saves a batch as a video, `<filename_prefix>_<counter>_.<format>`, by ffmpeg, which must be installed (`ffmpeg` in a folder
/// of PATH).
///
/// | format | `codec` (the first is `auto`) |
/// |---|---|
/// | mp4 | h264, h265 |
/// | webm | vp9 |
/// | mov | prores, h264, h265 |
/// | mkv | ffv1, h264, h265, vp9 |
///
/// | codec | bits | colours | alpha | loss |
/// |---|---|---|---|---|
/// | h264, h265 | 8 | 4:2:0 | no | `crf`, 0 to 51 (18; 20) |
/// | vp9 | 8 | 4:2:0 | yes | `crf`, 0 to 63 (24) |
/// | prores | 10 | 4:2:2 (HQ), with alpha 4:4:4:4 | yes | little |
/// | ffv1 | 16 | RGB or grey | yes | none |
///
/// Values are clamped to 0..1, and are those of display-referred sRGB; the colours of the others than ffv1 are converted by the
/// matrix of BT.709 to the limited range, and marked as BT.709. Odd sides, which only ffv1 has, are made even by repeating the
/// last column or row, with a note.
///
/// The first audio stream of `audio` is copied as it is, as far as the frames go. The graph is written into the file as tag
/// `prompt`. The same pictures, graph and version of ffmpeg give the same bytes: one thread encodes.
///
/// Errors: ffmpeg is not installed, or has no such encoder (exit code 7); a codec that the format does not hold; alpha where the
/// codec has none; a side below 32 pixels for h265; audio that the format does not hold.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// Start of the file name, under the output folder, as in SaveImage.
    #[schemars(extend("format" = "dw-output"))]
    pub(crate) filename_prefix: String,
    /// The container.
    pub(crate) format: Container,
    /// How frames are compressed; auto is the first that the format holds.
    pub(crate) codec: Codec,
    /// Frames in a second; 23.976, 29.97 and 59.94 mean the exact rates.
    #[schemars(range(min = 0.1, max = 240.0), extend("x-dw-step" = 0.5))]
    pub(crate) fps: f64,
    /// Of h264, h265 and vp9: constant rate factor, 0 (best) to 51, of vp9 63; the codec's own if it is not given.
    #[schemars(range(min = 0, max = 63))]
    pub(crate) crf: Option<u8>,
    /// A file whose audio is copied; empty for none.
    #[schemars(extend("format" = "dw-file", "x-dw-builtin" = [""]))]
    pub(crate) audio: String,
    /// Write the graph into the file.
    pub(crate) metadata: bool,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            filename_prefix: "dreamwire".to_owned(),
            format: Container::Mp4,
            codec: Codec::Auto,
            fps: 24.0,
            crf: None,
            audio: String::new(),
            metadata: true,
        }
    }
}

/// Names in the private folder.
const AUDIO: &str = "audio";
const TAGS: &str = "tags";
const OUTPUT: &str = "video";

/// What ffmpeg is to do.
struct Job {
    container: Container,
    codec: Codec,
    fps: f64,
    crf: Option<u8>,
    /// Of a frame as it is sent.
    size: (usize, usize),
    channels: usize,
    frames: usize,
    audio: bool,
    tags: bool,
}

impl Job {
    /// The command that reads raw frames from standard input and writes a file, which it must seek in.
    fn arguments(&self) -> Vec<String> {
        let (container, codec) = (self.container, self.codec);
        let rate = rate(self.fps);
        let raw = raw_pixels(self.channels, codec.sample_bytes());
        let size = format!("{}x{}", self.size.0, self.size.1);
        let mut all: Vec<String> = Vec::new();
        let mut add = |some: &[&str]| all.extend(some.iter().map(|&argument| argument.to_owned()));
        add(&["-hide_banner", "-nostdin", "-v", "error", "-y"]);
        add(&[
            "-protocol_whitelist",
            "file,pipe",
            "-f",
            "rawvideo",
            "-pixel_format",
            raw,
            "-video_size",
            &size,
        ]);
        add(&["-framerate", &rate, "-i", "pipe:0"]);
        let mut inputs = 1;
        if self.tags {
            add(&["-protocol_whitelist", "file,pipe", "-f", "ffmetadata", "-i", TAGS]);
            inputs += 1;
        }
        if self.audio {
            add(&contained().each_ref().map(String::as_str));
            add(&["-i", AUDIO]);
        }
        add(&["-map", "0:v:0"]);
        if self.audio {
            add(&[
                "-map",
                &format!("{inputs}:a:0"),
                "-c:a",
                "copy",
                "-t",
                &format!("{:.6}", self.frames as f64 / self.fps),
            ]);
        }
        add(&["-map_metadata", if self.tags { "1" } else { "-1" }, "-map_chapters", "-1", "-threads", "1"]);
        let pixels = codec.pixels(self.channels);
        if codec == Codec::Ffv1 {
            add(&["-vf", &format!("format={pixels}")]);
        } else {
            let flags = "flags=bicubic+accurate_rnd+full_chroma_int+bitexact";
            add(&["-vf", &format!("scale=out_color_matrix=bt709:out_range=tv:{flags},format={pixels}")]);
            add(&[
                "-color_primaries",
                "bt709",
                "-color_trc",
                "bt709",
                "-colorspace",
                "bt709",
                "-color_range",
                "tv",
            ]);
        }
        add(codec.settings(self.channels));
        if let Some((usual, _)) = codec.crf() {
            add(&["-crf", &self.crf.unwrap_or(usual).to_string()]);
        }
        add(&["-pix_fmt", pixels, "-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact"]);
        if matches!(container, Container::Mp4 | Container::Mov) {
            add(&["-movflags", "+faststart+use_metadata_tags"]);
        }
        add(&["-f", container.muxer(), OUTPUT]);
        all
    }

    /// Why it failed.
    fn refusal(&self, reason: &str) -> Error {
        let (container, codec) = (self.container.name(), self.codec.name());
        let reason = plain(reason, AUDIO);
        let error = Error::failed(format!("ffmpeg could not write the {container}: {reason}"));
        if reason.contains("Unknown encoder") {
            return error.hint(format!(
                "this ffmpeg was built without an encoder for {codec}: choose another `codec` or `format`"
            ));
        }
        if reason.contains("matches no streams") {
            return error.at("audio").hint("the file of `audio` has no audio");
        }
        if self.audio {
            return error.at("audio").hint(format!(
                "audio is copied as it is, and {container} may not hold this kind: mkv holds any"
            ));
        }
        error
    }
}

/// The graph as a file of tags. What has a meaning there is escaped.
fn tags(prompt: &str) -> String {
    let mut text = ";FFMETADATA1\nprompt=".to_owned();
    for c in exif::ascii(prompt).chars() {
        if matches!(c, '=' | ';' | '#' | '\\' | '\n') {
            text.push('\\');
        }
        text.push(c);
    }
    text + "\n"
}

#[derive(Default)]
pub(crate) struct SaveVideo;

impl Node for SaveVideo {
    const KIND: Kind = Kind::new("SaveVideo", 1)
        .title("Save Video")
        .category("image")
        .inputs(&[
            port("images", "IMAGE").doc("The frames, `[B,H,W,C]`; C is 1 (grey), 3, or 4 (with alpha).")
        ])
        .output();
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let (samples, [count, height, width, channels]) = inputs.pixels("images")?;
        let codec = params.codec.within(params.format)?;
        if !matches!(channels, 1 | 3 | 4) {
            let message = format!("pictures of {channels} channels cannot be saved");
            return Err(Error::shape("images", message).hint("1, 3 and 4 channels can"));
        }
        if channels == 4 && !codec.keeps_alpha() {
            let message = format!("{} has no alpha", codec.name());
            return Err(Error::shape("images", message)
                .hint("choose webm, mov or mkv, or drop alpha with SplitImageWithAlpha"));
        }
        if codec.needs_even_sides() && width.min(height) + 1 < codec.least_side() {
            let least = codec.least_side();
            let message = format!(
                "frames are {width}x{height}, but {} needs sides of at least {least} pixels here",
                codec.name()
            );
            return Err(Error::shape("images", message).hint("make them larger, or choose another `codec`"));
        }
        super::ffmpeg::find("ffmpeg")?;
        let folder = private_folder()?;
        let prompt = if params.metadata { call.provenance() } else { None };
        if let Some(prompt) = &prompt {
            put(folder.path(), TAGS, tags(prompt).as_bytes())?;
        }
        if !params.audio.is_empty() {
            put(folder.path(), AUDIO, &call.read(&params.audio)?)?;
        }
        let mut size = (width, height);
        if codec.needs_even_sides() {
            size = (width.next_multiple_of(2), height.next_multiple_of(2));
            if size != (width, height) {
                call.info(&format!(
                    "{} needs even sides: the last column or row is repeated, {width}x{height} becomes {}x{}",
                    codec.name(),
                    size.0,
                    size.1
                ));
            }
        }
        let job = Job {
            container: params.format,
            codec,
            fps: params.fps,
            crf: params.crf,
            size,
            channels,
            frames: count,
            audio: !params.audio.is_empty(),
            tags: prompt.is_some(),
        };
        let running = Running::start("ffmpeg", &job.arguments(), folder.path())?.reading();
        for index in 0..count {
            call.progress(index as u64, count as u64, "encoding")?;
            let frame = to_bytes(one_of(&samples, index, height * width * channels), codec.sample_bytes());
            let frame = match codec.needs_even_sides() {
                true => evened(frame, width, channels * codec.sample_bytes()),
                false => frame,
            };
            // Its end tells why it reads no more.
            if !running.send(call, frame)? {
                break;
            }
        }
        let ended = running.finish(call)?;
        if !ended.status.success() {
            return Err(job.refusal(&ended.reason()));
        }
        let bytes = std::fs::read(folder.path().join(OUTPUT)).map_err(|error| {
            Error::failed(format!("ffmpeg ended well, but its file cannot be read: {error}"))
        })?;
        let prefix = prefix::fill(&params.filename_prefix, width, height, 0);
        let name = format!("{prefix}_{{counter:05}}_.{}", params.format.name());
        call.publish(&name, &bytes, params.format.media_type())?;
        Ok(Outputs::new())
    }

    /// Rejects what the format and the codec do not have, and prefixes that are not plain relative paths.
    fn check(params: &Params) -> Result<()> {
        let codec = params.codec.within(params.format)?;
        if !(params.fps.is_finite() && params.fps > 0.0) {
            return Err(Error::param("fps", format!("`fps` is {}, but must be above 0", params.fps)));
        }
        if let Some(crf) = params.crf {
            match codec.crf() {
                None => {
                    let message = format!("{} has no constant rate factor", codec.name());
                    return Err(Error::param("crf", message).hint("remove `crf`"));
                }
                Some((_, most)) if crf > most => {
                    let message = format!("`crf` is {crf}, but {} has 0 to {most}", codec.name());
                    return Err(Error::param("crf", message));
                }
                Some(_) => {}
            }
        }
        prefix::check(&params.filename_prefix)
    }
}

#[cfg(test)]
mod tests;
