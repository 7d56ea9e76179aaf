use super::*;
use crate::progress::unwatched;
use image::codecs::gif::GifDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::{AnimationDecoder, Frame};
use std::io::Cursor;

const GIF: Moved<'_> = Moved {
    format: Moving::Gif,
    fps: 12.0,
    loops: 0,
    boomerang: false,
    dither: Dither::Ordered,
    quality: Some(90),
    prompt: Some(r#"{"ö": 1}"#),
};

/// Four pictures of 6x4: each of one colour, the right half of which is clear if there is alpha.
fn batch(channels: usize) -> (Vec<f32>, [usize; 4]) {
    let colours = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.4, 0.4, 0.4]];
    let pixel = |colour: [f32; 3], x: usize| match channels {
        1 => vec![colour[0]],
        3 => colour.to_vec(),
        _ => vec![colour[0], colour[1], colour[2], if x < 3 { 1.0 } else { 0.0 }],
    };
    let picture = |colour: [f32; 3]| (0..24).flat_map(move |i| pixel(colour, i % 6)).collect::<Vec<f32>>();
    (colours.into_iter().flat_map(picture).collect(), [4, 4, 6, channels])
}

fn encode(moved: &Moved, channels: usize) -> Vec<u8> {
    let (samples, shape) = batch(channels);
    moved.encode(&samples, shape, &unwatched).expect("it encodes")
}

fn decode(format: Moving, bytes: &[u8]) -> Vec<Frame> {
    let bytes = Cursor::new(bytes);
    match format {
        Moving::Gif => GifDecoder::new(bytes).expect("a GIF").into_frames().collect_frames(),
        Moving::Apng => {
            PngDecoder::new(bytes).expect("a PNG").apng().expect("animated").into_frames().collect_frames()
        }
        Moving::Webp => WebPDecoder::new(bytes).expect("a WebP").into_frames().collect_frames(),
    }
    .expect("frames")
}

#[test]
fn every_format_has_every_frame_and_its_time() {
    for (format, quality, tolerance) in [
        (Moving::Gif, None, 2),
        (Moving::Apng, None, 0),
        (Moving::Webp, None, 0),
        (Moving::Webp, Some(90), 12),
    ] {
        let frames = decode(format, &encode(&Moved { format, quality, ..GIF }, 3));
        assert_eq!(frames.len(), 4, "{format:?}");
        for (frame, wanted) in frames.iter().zip([[255, 0, 0], [0, 255, 0], [0, 0, 255], [102, 102, 102]]) {
            let pixel = frame.buffer().get_pixel(1, 1).0;
            let near = pixel.iter().zip(wanted).all(|(found, wanted)| found.abs_diff(wanted) <= tolerance);
            assert!(near, "{format:?} {quality:?}: {pixel:?} for {wanted:?}");
            let (milliseconds, per) = frame.delay().numer_denom_ms();
            assert!((80..=90).contains(&(milliseconds / per)), "{format:?}: {milliseconds}/{per}");
        }
    }
}

#[test]
fn what_is_clear_does_not_show_the_frame_before() {
    for format in [Moving::Gif, Moving::Apng, Moving::Webp] {
        for frame in decode(format, &encode(&Moved { format, quality: None, ..GIF }, 4)) {
            assert_eq!(frame.buffer().get_pixel(1, 1).0[3], 255, "{format:?}");
            assert_eq!(frame.buffer().get_pixel(5, 1).0[3], 0, "{format:?}");
        }
    }
}

#[test]
fn grey_stays_grey() {
    for format in [Moving::Gif, Moving::Apng, Moving::Webp] {
        let frames = decode(format, &encode(&Moved { format, quality: None, ..GIF }, 1));
        let [r, g, b, _] = frames[3].buffer().get_pixel(0, 0).0;
        assert!(r == g && g == b && r.abs_diff(102) <= 2, "{format:?}: {r} {g} {b}");
    }
}

#[test]
fn a_boomerang_comes_back_without_a_pause() {
    assert_eq!(order(4, true), [0, 1, 2, 3, 2, 1]);
    assert_eq!((order(1, true), order(2, true), order(3, false)), (vec![0], vec![0, 1], vec![0, 1, 2]));
    let frames = decode(Moving::Apng, &encode(&Moved { format: Moving::Apng, boomerang: true, ..GIF }, 3));
    assert_eq!(frames.len(), 6);
    assert_eq!(frames[5].buffer().get_pixel(0, 0).0, [0, 255, 0, 255]);
}

#[test]
fn the_graph_and_the_number_of_loops_are_in_the_file() {
    let has = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).any(|part| part == what);
    for (loops, gif) in [(0, Some(0u16)), (1, None), (5, Some(4))] {
        let bytes = encode(&Moved { loops, ..GIF }, 3);
        let looped = gif.map(|times| [&b"NETSCAPE2.0\x03\x01"[..], &times.to_le_bytes()].concat());
        assert_eq!(has(&bytes, b"NETSCAPE2.0"), looped.is_some());
        assert!(looped.is_none_or(|block| has(&bytes, &block)), "{loops}");
        assert!(has(&bytes, br#"prompt:{"\u00f6": 1}"#));
        let bytes = encode(&Moved { loops, format: Moving::Webp, ..GIF }, 3);
        assert!(has(&bytes, &[&b"ANIM\x06\0\0\0\0\0\0\0"[..], &loops.to_le_bytes()].concat()));
        assert!(has(&bytes, br#"prompt:{"\u00f6": 1}"#));
        let bytes = encode(&Moved { loops, format: Moving::Apng, ..GIF }, 3);
        assert!(has(&bytes, &[&b"acTL\0\0\0\x04"[..], &u32::from(loops).to_be_bytes()].concat()));
        assert!(has(&bytes, b"prompt\0{\"\\u00f6\": 1}"));
    }
}

#[test]
fn durations_add_up() {
    let order: Vec<usize> = (0..60).collect();
    let animation = Animation {
        bytes: &[],
        width: 1,
        height: 1,
        channels: 1,
        order: &order,
        fps: 24.0,
        loops: 0,
        prompt: None,
    };
    for (ticks, wanted) in [(100, 250), (1000, 2500)] {
        assert_eq!((0..60).map(|place| animation.duration(place, ticks)).sum::<u32>(), wanted);
    }
    assert!((0..60).all(|place| matches!(animation.duration(place, 100), 4 | 5)));
    assert_eq!(Animation { fps: 0.5, ..animation }.duration(7, 100), 200);
}

/// The pattern of a part that does not change is the same in every frame.
#[test]
fn what_does_not_move_does_not_flicker() {
    let (width, height) = (32, 32);
    let frame = |n: usize| {
        (0..width * height).flat_map(move |i| {
            let (x, y) = (i % width, i / width);
            let still = x as f32 / 31.0;
            if y < 16 { [still, 0.3, 0.6] } else { [(n as f32 + still) / 5.0, still, n as f32 / 4.0] }
        })
    };
    let samples: Vec<f32> = (0..4).flat_map(frame).collect();
    let bytes = GIF.encode(&samples, [4, height, width, 3], &unwatched).expect("it encodes");
    let frames = decode(Moving::Gif, &bytes);
    let upper = |frame: &Frame| frame.buffer().as_raw()[..16 * width * 4].to_vec();
    assert!(frames.iter().all(|frame| upper(frame) == upper(&frames[0])));
}

#[test]
fn sizes_that_a_format_cannot_have_are_refused() {
    let samples = vec![0.0; 16_384];
    let moved = Moved { format: Moving::Webp, ..GIF };
    let error = moved.encode(&samples, [1, 1, 16_384, 1], &unwatched).expect_err("too wide");
    assert_eq!((error.status(), error.input()), (dreamwire_sdk::abi::E_LIMIT, "images"));
    assert!(GIF.encode(&samples, [1, 1, 8192, 2], &unwatched).is_err(), "two channels");
}
