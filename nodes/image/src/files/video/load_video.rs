use super::ffmpeg::{Running, contained, private_folder, put};
use super::frames::{from_bytes, raw_pixels};
use super::probe::{Stream, plain};
use crate::limits;
use dreamwire_sdk::prelude::*;

/// Reads the frames of a video as a batch, by ffmpeg, which must be installed (`ffmpeg` and `ffprobe` in a folder of PATH).
///
/// The first video stream of MP4, MOV, WebM, Matroska, AVI, MPEG, Ogg, FLV, animated GIF and what else ffmpeg reads that
/// names no other files. Frames are turned as the file says. Counted from 0, the frame `start` is the first, then every
/// `every`-th, at most `count`. A video that is wider than `width` is made smaller (bicubic).
///
/// Colours are converted by the matrix and the range that the file states, or BT.709 from 720 lines on and BT.601 below;
/// primaries and transfer are taken for those of sRGB. Of HDR and of pixels that are not square it is warned. Videos of
/// more than 8 bits keep 16. Alpha is dropped.
///
/// IMAGE is `[B,H,W,3]`, display-referred sRGB in 0..1. FPS is the frame rate of the batch, that of the file over `every`, and
/// COUNT is B.
///
/// Errors: ffmpeg is not installed (exit code 7); a file that is no video or broken; `start` after its end; more than 100
/// megapixels over the batch, which is judged before anything is decoded where the file says how many frames it has.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The video file.
    #[schemars(extend("format" = "dw-file"))]
    pub(crate) video: String,
    /// Index of the first frame to read, from 0.
    #[serde(default)]
    #[schemars(range(min = 0, max = 100_000_000))]
    pub(crate) start: u64,
    /// The most frames to read; 0 reads all.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub(crate) count: u64,
    /// Of how many frames one is read: 2 reads every other.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(crate) every: u64,
    /// The largest width; 0 keeps the size.
    #[serde(default)]
    #[schemars(range(min = 0, max = 32768), extend("x-dw-unit" = "px"))]
    pub(crate) width: usize,
}

fn one() -> u64 {
    1
}

/// The name of the file in the private folder.
const INPUT: &str = "input";

impl Params {
    /// Width and height of the frames.
    fn size(&self, stream: &Stream) -> (usize, usize) {
        match self.width {
            0 => (stream.width, stream.height),
            most if most >= stream.width => (stream.width, stream.height),
            most => {
                let height = stream.height as f64 * most as f64 / stream.width as f64;
                (most, (height.round() as usize).max(1))
            }
        }
    }

    /// How many frames there will be of so many.
    fn taken(&self, frames: u64) -> u64 {
        let all = frames.saturating_sub(self.start).div_ceil(self.every.max(1));
        if self.count == 0 { all } else { all.min(self.count) }
    }

    /// The command that writes raw frames to standard output, at most `most` of them.
    fn arguments(&self, stream: &Stream, threads: usize, most: u64) -> Vec<String> {
        let (width, height) = self.size(stream);
        let select = format!(r"select=gte(n\,{0})*not(mod(n-{0}\,{1}))", self.start, self.every);
        let matrix = if stream.assumed_bt709 { ":in_color_matrix=bt709" } else { "" };
        let pixels = raw_pixels(3, stream.sample_bytes);
        let flags = "bicubic+accurate_rnd+full_chroma_int+bitexact";
        let filter = format!("{select},scale={width}:{height}:flags={flags}{matrix},format={pixels}");
        let mut arguments: Vec<String> =
            ["-hide_banner", "-nostdin", "-v", "error"].map(str::to_owned).into();
        arguments.extend(["-threads".to_owned(), threads.to_string()]);
        arguments.extend(contained());
        let rest =
            ["-i", INPUT, "-map", "0:v:0", "-an", "-sn", "-dn", "-vf", &filter, "-fps_mode", "passthrough"];
        arguments.extend(rest.map(str::to_owned));
        arguments.extend(["-frames:v".to_owned(), most.to_string()]);
        arguments.extend(["-f", "rawvideo", "-pix_fmt", pixels, "pipe:1"].map(str::to_owned));
        arguments
    }
}

fn too_many(error: Error) -> Error {
    error
        .hint("read fewer frames with `start`, `count` and `every`, or smaller ones with `width`")
        .at("video")
}

#[derive(Default)]
pub(crate) struct LoadVideo;

impl Node for LoadVideo {
    const KIND: Kind = Kind::new("LoadVideo", 1).title("Load Video").category("image").outputs(&[
        port("IMAGE", "IMAGE").doc("The frames, `[B,H,W,3]`."),
        port("FPS", "FLOAT").doc("Frames in a second of the batch."),
        port("COUNT", "INT").doc("How many frames there are, B."),
    ]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, _: Inputs) -> Result<Outputs> {
        let name = &params.video;
        // Before a large file is read for nothing.
        super::ffmpeg::find("ffprobe")?;
        super::ffmpeg::find("ffmpeg")?;
        let folder = private_folder()?;
        put(folder.path(), INPUT, &call.read(name)?)?;
        let stream = Stream::of(call, folder.path(), INPUT, name).map_err(|error| error.at("video"))?;
        stream.notes.iter().for_each(|note| call.warn(&format!("`{name}`: {note}")));
        let (width, height) = params.size(&stream);
        let what = format!("the batch of `{name}`");
        let check = |frames: u64| limits::check(&what, frames, width as u64, height as u64).map_err(too_many);
        check(1)?;
        let expected = stream.frames.map(|frames| params.taken(frames));
        if let Some(frames) = expected {
            if frames == 0 {
                let (all, start) = (stream.frames.unwrap_or_default(), params.start);
                return Err(Error::content(format!(
                    "`{name}` has {all} frames, so there is none at index {start}"
                ))
                .at("start"));
            }
            check(frames)?;
            let needed = frames.saturating_mul((width * height * 3 * (4 + stream.sample_bytes)) as u64);
            limits::check_memory(&what, needed)?;
        }
        // One more than there may be tells that there are too many.
        let possible = limits::MAX_PIXELS / (width * height) as u64 + 1;
        let most = if params.count == 0 { possible } else { params.count.min(possible) };
        let arguments = params.arguments(&stream, call.threads(), most);
        let running = Running::start("ffmpeg", &arguments, folder.path())?;
        let running = running.writing(width * height * 3 * stream.sample_bytes);
        let total = expected.or(stream.about.map(|frames| params.taken(frames))).unwrap_or(0);
        let (mut samples, mut count) = (Vec::new(), 0);
        while let Some(frame) = running.receive(call)? {
            count += 1;
            check(count)?;
            call.progress(count, total.max(count), "reading frames")?;
            from_bytes(&frame, stream.sample_bytes, &mut samples);
        }
        let ended = running.finish(call)?;
        if !ended.status.success() {
            let reason = plain(&ended.reason(), INPUT);
            return Err(Error::content(format!("`{name}` cannot be decoded: {reason}")).at("video"));
        }
        if count == 0 {
            let start = params.start;
            return Err(Error::content(format!("`{name}` has no frame at index {start}")).at("start"));
        }
        if !ended.said.trim().is_empty() {
            call.warn(&format!("`{name}`: {}", plain(&ended.reason(), INPUT)));
        }
        let image = Tensor::from_vec(samples, (count as usize, height, width, 3), call.device())?;
        let fps = stream.fps / params.every as f64;
        Ok(Outputs::new().tensor(image).float(fps).int(count as i64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(json: serde_json::Value) -> Params {
        serde_json::from_value(json).expect("params")
    }

    fn stream() -> Stream {
        Stream {
            width: 1920,
            height: 1080,
            fps: 24.0,
            frames: Some(100),
            about: None,
            sample_bytes: 1,
            assumed_bt709: true,
            notes: Vec::new(),
        }
    }

    #[test]
    fn the_command_has_no_choice_of_files_or_protocols() {
        let params =
            params(serde_json::json!({ "video": "-a.mp4; rm", "start": 5, "every": 2, "width": 640 }));
        let arguments = params.arguments(&stream(), 3, 7);
        let after = |name: &str| &arguments[arguments.iter().position(|a| a == name).expect(name) + 1];
        assert_eq!(after("-protocol_whitelist"), "file,pipe");
        assert_eq!(
            (after("-i").as_str(), after("-frames:v").as_str(), after("-threads").as_str()),
            (INPUT, "7", "3")
        );
        assert!(arguments.iter().all(|argument| !argument.contains("a.mp4")), "{arguments:?}");
        let filter = after("-vf");
        assert!(filter.starts_with(r"select=gte(n\,5)*not(mod(n-5\,2)),scale=640:360:"), "{filter}");
        assert!(filter.contains(":in_color_matrix=bt709,format=rgb24"), "{filter}");
    }

    #[test]
    fn frames_are_counted_before_they_are_read() {
        let taken = |json| params(json).taken(100);
        assert_eq!(taken(serde_json::json!({ "video": "a" })), 100);
        assert_eq!(taken(serde_json::json!({ "video": "a", "start": 98, "every": 3 })), 1);
        assert_eq!(taken(serde_json::json!({ "video": "a", "start": 100 })), 0);
        assert_eq!(taken(serde_json::json!({ "video": "a", "every": 3, "count": 50 })), 34);
    }
}
