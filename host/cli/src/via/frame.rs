//! Messages of a server's socket, as they are read.

use std::io::Cursor;
use std::sync::Arc;

use dreamwire_engine::{Dtype, Tensor};
use image::{ImageReader, Limits};
use serde_json::Value;

/// The kinds of binary messages.
const PREVIEW: u32 = 1;
const TEXT: u32 = 3;
const PREVIEW_WITH_METADATA: u32 = 4;

/// The largest preview, in pixels of a side.
const LONGEST: u32 = 4096;

/// A message.
#[derive(Debug, PartialEq)]
pub(super) enum Frame {
    /// `{"type": ..., "data": ...}`.
    Told { kind: String, data: Value },
    /// A picture while it is made. Without a node it is of the one that works; without a job it may be of any.
    Preview { job: Option<String>, node: Option<String>, picture: Vec<u8> },
    /// What a node says of its progress.
    Note { job: Option<String>, node: String, text: String },
}

/// Reads a text. None if it is no message.
pub(super) fn text(text: &str) -> Option<Frame> {
    let mut message: Value = serde_json::from_str(text).ok()?;
    let data = message.get_mut("data").map(Value::take).unwrap_or_default();
    Some(Frame::Told { kind: message["type"].as_str()?.to_owned(), data })
}

/// Reads a binary message; `with_job` says whether texts name their jobs, which both sides agree on.
pub(super) fn binary(bytes: &[u8], with_job: bool) -> Option<Frame> {
    let (kind, rest) = number(bytes)?;
    match kind {
        PREVIEW => {
            let (_, picture) = number(rest)?;
            Some(Frame::Preview { job: None, node: None, picture: picture.to_vec() })
        }
        PREVIEW_WITH_METADATA => {
            let (about, picture) = counted(rest)?;
            let about: Value = serde_json::from_str(about).ok()?;
            let text = |name: &str| about[name].as_str().map(str::to_owned);
            Some(Frame::Preview { job: text("prompt_id"), node: text("node_id"), picture: picture.to_vec() })
        }
        TEXT => {
            let (job, rest) = match with_job {
                true => counted(rest).map(|(job, rest)| (Some(job.to_owned()), rest))?,
                false => (None, rest),
            };
            let (node, rest) = counted(rest)?;
            let text = String::from_utf8_lossy(rest).into_owned();
            Some(Frame::Note { job, node: node.to_owned(), text })
        }
        _ => None,
    }
}

fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u32::from_be_bytes(*number), rest))
}

/// A text after its length in bytes.
fn counted(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = number(bytes)?;
    let (text, rest) = rest.split_at_checked(length as usize)?;
    Some((std::str::from_utf8(text).ok()?, rest))
}

/// A preview as an IMAGE. None if it is no picture that can be shown.
pub(super) fn picture(bytes: &[u8]) -> Option<Tensor> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(LONGEST), Some(LONGEST));
    reader.limits(limits);
    let picture = reader.decode().ok()?.to_rgb8();
    let shape = vec![1, i64::from(picture.height()), i64::from(picture.width()), 3];
    let samples = picture.iter().flat_map(|sample| (f32::from(*sample) / 255.0).to_ne_bytes());
    Tensor::new(Dtype::F32, shape, Arc::new(samples.collect::<Vec<u8>>()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn counted(text: &str) -> Vec<u8> {
        [&(text.len() as u32).to_be_bytes()[..], text.as_bytes()].concat()
    }

    #[test]
    fn texts_are_messages_or_nothing() {
        let found = text(r#"{"type":"executing","data":{"node":null}}"#).unwrap();
        assert_eq!(found, Frame::Told { kind: "executing".to_owned(), data: json!({ "node": null }) });
        assert!(text("{}").is_none() && text("[]").is_none() && text("x").is_none());
    }

    #[test]
    fn both_forms_of_previews_and_notes_are_read() {
        let plain = [&[0, 0, 0, 1, 0, 0, 0, 1][..], b"JPEG"].concat();
        let preview = |job: Option<&str>, node: Option<&str>| {
            let (job, node) = (job.map(str::to_owned), node.map(str::to_owned));
            Some(Frame::Preview { job, node, picture: b"JPEG".to_vec() })
        };
        assert_eq!(binary(&plain, true), preview(None, None));
        let about = counted(r#"{"node_id":"7","prompt_id":"j"}"#);
        let described = [&[0, 0, 0, 4][..], &about, b"JPEG"].concat();
        assert_eq!(binary(&described, true), preview(Some("j"), Some("7")));
        let note = |job: Option<&str>| {
            let (job, node) = (job.map(str::to_owned), "7".to_owned());
            Some(Frame::Note { job, node, text: "up".to_owned() })
        };
        let with = [&[0, 0, 0, 3][..], &counted("j"), &counted("7"), b"up"].concat();
        let without = [&[0, 0, 0, 3][..], &counted("7"), b"up"].concat();
        assert_eq!((binary(&with, true), binary(&without, false)), (note(Some("j")), note(None)));
        for length in 0..with.len() - 2 {
            assert_eq!(binary(&with[..length], true), None, "{length}");
        }
        assert_eq!(binary(&[0, 0, 0, 3, 255, 255, 255, 255, 1], false), None);
    }

    #[test]
    fn a_preview_becomes_an_image() {
        let mut png = Vec::new();
        let red = image::RgbImage::from_pixel(2, 1, image::Rgb([255, 0, 51]));
        red.write_to(&mut Cursor::new(&mut png), image::ImageFormat::Png).unwrap();
        let found = picture(&png).unwrap();
        assert_eq!(found.shape(), [1, 1, 2, 3]);
        let shown = dreamwire_session::Picture::of(&found).unwrap();
        assert_eq!(shown.pixels[1], [255, 0, 51]);
        assert!(picture(b"no picture").is_none());
    }
}
