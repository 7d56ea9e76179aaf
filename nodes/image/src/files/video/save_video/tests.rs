use super::super::ffmpeg::is_there;
use super::super::load_video::LoadVideo;
use super::*;
use dreamwire_sdk::testing::{Ran, Value, check_params, run_node};

/// Six frames of 33x18: a ramp that moves, in `channels`.
fn frames(channels: usize) -> Tensor {
    let sample = |i: usize| {
        let (n, y, x, c) =
            (i / (18 * 33 * channels), i / (33 * channels) % 18, i / channels % 33, i % channels);
        match c {
            3 => 1.0,
            _ => (((x + 2 * n) % 33) as f32 / 33.0 + y as f32 / 18.0 + c as f32 / 8.0) / 2.25,
        }
    };
    let samples: Vec<f32> = (0..6 * 18 * 33 * channels).map(sample).collect();
    Tensor::from_vec(samples, (6, 18, 33, channels), &Device::Cpu).expect("frames")
}

fn save(params: &str, channels: usize, files: &[(&str, &[u8])]) -> Result<Ran> {
    run_node::<SaveVideo>(params, &[("images", Value::Tensor(frames(channels)))], files)
}

fn load(params: &str, video: &[u8]) -> Result<(Tensor, f64, i64)> {
    let ran = run_node::<LoadVideo>(params, &[], &[("v", video)])?;
    let (Value::Float(fps), Value::Int(count)) = (&ran.outputs[1], &ran.outputs[2]) else {
        panic!("two numbers expected");
    };
    Ok((ran.outputs[0].tensor().clone(), *fps, *count))
}

/// The mean of the absolute differences.
fn distance(a: &Tensor, b: &Tensor) -> f32 {
    let mean = (a - b).and_then(|d| d.abs()).and_then(|d| d.mean_all()).and_then(|m| m.to_scalar::<f32>());
    mean.expect("equal shapes")
}

fn job(container: Container, codec: Codec) -> Job {
    Job {
        container,
        codec,
        fps: 24.0,
        crf: None,
        size: (34, 18),
        channels: 3,
        frames: 6,
        audio: false,
        tags: false,
    }
}

#[test]
fn the_command_is_fixed() {
    let text = job(Container::Mp4, Codec::H264).arguments().join(" ");
    assert_eq!(
        text,
        "-hide_banner -nostdin -v error -y -protocol_whitelist file,pipe -f rawvideo -pixel_format rgb24 -video_size 34x18 \
         -framerate 24 -i pipe:0 -map 0:v:0 -map_metadata -1 -map_chapters -1 -threads 1 -vf scale=out_color_matrix=bt709:\
         out_range=tv:flags=bicubic+accurate_rnd+full_chroma_int+bitexact,format=yuv420p -color_primaries bt709 -color_trc \
         bt709 -colorspace bt709 -color_range tv -c:v libx264 -preset medium -crf 18 -pix_fmt yuv420p -fflags +bitexact \
         -flags:v +bitexact -flags:a +bitexact -movflags +faststart+use_metadata_tags -f mp4 video"
    );
    let with_all =
        Job { audio: true, tags: true, crf: Some(3), fps: 12.0, ..job(Container::Mkv, Codec::Vp9) };
    let text = with_all.arguments().join(" ");
    assert!(text.contains("-f ffmetadata -i tags "), "{text}");
    assert!(text.contains("-i audio -map 0:v:0 -map 2:a:0 -c:a copy -t 0.500000 -map_metadata 1 "), "{text}");
    assert!(text.contains("-crf 3 ") && text.ends_with("-f matroska video"), "{text}");
}

#[test]
fn tags_are_escaped() {
    assert_eq!(tags(r##"{"a=b": "#;\\"}"##), ";FFMETADATA1\nprompt={\"a\\=b\": \"\\#\\;\\\\\\\\\"}\n");
}

#[test]
fn what_cannot_be_is_refused_before_a_run() {
    for (params, input) in [
        (r#"{"format": "webm", "codec": "h264"}"#, "codec"),
        (r#"{"format": "mov", "crf": 10}"#, "crf"),
        (r#"{"crf": 60}"#, "crf"),
        (r#"{"filename_prefix": "/a"}"#, "filename_prefix"),
    ] {
        assert_eq!(check_params::<SaveVideo>(params).expect_err(params).input(), input, "{params}");
    }
    check_params::<SaveVideo>(r#"{"format": "webm", "crf": 60}"#).expect("vp9 has 63");
    let error = save("{}", 4, &[]).err().expect("h264 has no alpha");
    assert!(error.to_string().starts_with("h264 has no alpha"), "{error}");
}

#[test]
fn what_ffmpeg_says_becomes_a_hint() {
    let job = job(Container::Mp4, Codec::H265);
    let hint = |reason: &str| job.refusal(reason).to_string();
    assert!(hint("Unknown encoder 'libx265'").contains("built without an encoder for h265"));
    let with_audio = Job { audio: true, ..job };
    assert_eq!(with_audio.refusal("Could not find tag for codec pcm_s16le").input(), "audio");
}

#[test]
fn what_is_saved_is_loaded() {
    if !is_there("what_is_saved_is_loaded") {
        return;
    }
    // The last column is there twice where sides must be even.
    let even = {
        let all = frames(3);
        Tensor::cat(&[&all, &all.narrow(2, 32, 1).expect("a column")], 2).expect("even")
    };
    for (params, old, most) in [
        (r#"{"crf": 5}"#, &even, 0.03),
        (r#"{"format": "webm", "crf": 5}"#, &even, 0.03),
        (r#"{"format": "mov"}"#, &even, 0.02),
        (r#"{"format": "mkv"}"#, &frames(3), 1e-5),
    ] {
        let ran = save(params, 3, &[]).expect(params);
        let [(name, video)] = ran.published.as_slice() else { panic!("one file") };
        assert!(name.starts_with("dreamwire_{counter:05}_."), "{name}");
        let (image, fps, count) = load(r#"{"video": "v"}"#, video).expect(params);
        assert_eq!((image.dims(), fps, count), (old.dims(), 24.0, 6), "{params}");
        let apart = distance(&image, old);
        assert!(apart < most, "{params}: {apart}");
        // The same again.
        assert!(save(params, 3, &[]).expect(params).published[0].1 == *video, "{params}: not the same bytes");
    }
}

#[test]
fn h265_takes_frames_that_are_large_enough() {
    let error = save(r#"{"codec": "h265"}"#, 3, &[]).err().expect("18 lines");
    assert!(
        error.to_string().starts_with("frames are 33x18, but h265 needs sides of at least 32"),
        "{error}"
    );
    if !is_there("h265_takes_frames_that_are_large_enough") {
        return;
    }
    let large = frames(3).repeat((1, 4, 4, 1)).expect("72 by 132");
    let inputs = || [("images", Value::Tensor(large.clone()))];
    let params = r#"{"codec": "h265", "crf": 5}"#;
    let ran = run_node::<SaveVideo>(params, &inputs(), &[]).expect("saved");
    let (image, ..) = load(r#"{"video": "v"}"#, &ran.published[0].1).expect("loaded");
    assert!(distance(&image, &large) < 0.03, "{}", distance(&image, &large));
    let again = run_node::<SaveVideo>(params, &inputs(), &[]).expect("saved");
    assert!(again.published[0].1 == ran.published[0].1, "not the same bytes");
}

#[test]
fn some_frames_and_smaller_ones() {
    if !is_there("some_frames_and_smaller_ones") {
        return;
    }
    let video = save(r#"{"format": "mkv", "fps": 29.97}"#, 3, &[]).expect("saved").published.remove(0).1;
    let (image, fps, count) =
        load(r#"{"video": "v", "start": 1, "every": 2, "count": 2}"#, &video).expect("loaded");
    assert_eq!(count, 2);
    assert!((fps - 30.0 / 1.001 / 2.0).abs() < 1e-3, "{fps}");
    let old = Tensor::cat(&[frames(3).narrow(0, 1, 1).expect("1"), frames(3).narrow(0, 3, 1).expect("3")], 0);
    assert!(distance(&image, &old.expect("two")) < 1e-5);
    let (small, ..) = load(r#"{"video": "v", "width": 11}"#, &video).expect("loaded");
    assert_eq!(small.dims(), [6, 6, 11, 3]);
    let error = load(r#"{"video": "v", "start": 6}"#, &video).expect_err("refused");
    assert_eq!(error.input(), "start");
}

#[test]
fn grey_and_alpha_are_written() {
    if !is_there("grey_and_alpha_are_written") {
        return;
    }
    for (params, channels) in [
        (r#"{"format": "mkv"}"#, 1),
        (r#"{"format": "mkv"}"#, 4),
        (r#"{"format": "mov"}"#, 4),
        (r#"{"format": "webm"}"#, 4),
        ("{}", 1),
    ] {
        let video = save(params, channels, &[]).expect(params).published.remove(0).1;
        assert_eq!(load(r#"{"video": "v"}"#, &video).expect(params).2, 6, "{params} {channels}");
    }
}

#[test]
fn audio_is_copied_and_the_graph_is_a_tag() {
    if !is_there("audio_is_copied_and_the_graph_is_a_tag") {
        return;
    }
    // A second of silence, 8 kHz, 16 bits, as WAV.
    let data = vec![0u8; 16_000];
    let mut wav = b"RIFF".to_vec();
    wav.extend((36 + data.len() as u32).to_le_bytes());
    wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data");
    wav.extend((data.len() as u32).to_le_bytes());
    wav.extend(data);
    let files: [(&str, &[u8]); 1] = [("a.wav", &wav)];
    let ran = save(r#"{"format": "mkv", "audio": "a.wav"}"#, 3, &files).expect("saved");
    let video = &ran.published[0].1;
    let has = |what: &[u8]| video.windows(what.len()).any(|part| part == what);
    assert!(has(b"A_PCM/INT/LIT") && has(b"{\"a test\": {}}"), "an audio track and the graph");
    let error = save(r#"{"format": "webm", "audio": "a.wav"}"#, 3, &files).err().expect("no PCM in WebM");
    assert_eq!(error.input(), "audio");
    let silent = save(r#"{"audio": "a.wav"}"#, 3, &[("a.wav", b"RIFF....nothing")]).err().expect("no audio");
    assert_eq!(silent.input(), "audio");
}

#[test]
fn what_is_no_video_is_refused() {
    if !is_there("what_is_no_video_is_refused") {
        return;
    }
    // A playlist could name any file.
    let playlist = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n";
    for bytes in [&b"<html>404</html>"[..], playlist, b"", b"ffconcat version 1.0\nfile /etc/passwd\n"] {
        let error = load(r#"{"video": "v"}"#, bytes).expect_err("refused");
        assert_eq!((error.status(), error.input()), (dreamwire_sdk::abi::E_INPUT, "video"), "{error}");
        assert!(!error.to_string().contains("input:"), "{error}");
    }
}
