//! Messages in the forms that sockets take them: JSON, or binary with big-endian headers.

use std::sync::atomic::Ordering;

use axum::extract::ws::Message;
use bytes::Bytes;
use serde_json::{Value, json};

use super::Flags;

/// A preview whose client knows which node works.
const PREVIEW: u32 = 1;
/// A text about a node.
const TEXT: u32 = 3;
/// A preview that names its node.
const PREVIEW_WITH_METADATA: u32 = 4;
/// The format of previews.
const JPEG: u32 = 1;

/// A message, in every form that a client may take it.
pub(crate) enum Frame {
    /// JSON.
    Text(String),
    /// An intermediate picture.
    Preview {
        /// For clients without metadata.
        plain: Bytes,
        /// For clients with.
        described: Bytes,
    },
    /// What a node is doing.
    Note {
        /// For clients without metadata.
        plain: Bytes,
        /// For clients with.
        described: Bytes,
    },
}

impl Frame {
    /// `{"type": kind, "data": data}`.
    pub(crate) fn text(kind: &str, data: &Value) -> Self {
        Frame::Text(json!({ "type": kind, "data": data }).to_string())
    }

    /// A preview of a node, as JPEG.
    pub(crate) fn preview(job: &str, node: &str, jpeg: Bytes) -> Self {
        let about = json!({
            "node_id": node, "display_node_id": node, "parent_node_id": null, "real_node_id": node,
            "prompt_id": job, "image_type": "image/jpeg",
        });
        let about = about.to_string();
        let plain = [&PREVIEW.to_be_bytes()[..], &JPEG.to_be_bytes(), &jpeg].concat();
        let described = [&PREVIEW_WITH_METADATA.to_be_bytes()[..], &counted(&about), &jpeg].concat();
        Frame::Preview { plain: plain.into(), described: described.into() }
    }

    /// A text that a node shows.
    pub(crate) fn note(job: &str, node: &str, text: &str) -> Self {
        let rest = [&counted(node)[..], text.as_bytes()].concat();
        let plain = [&TEXT.to_be_bytes()[..], &rest].concat();
        let described = [&TEXT.to_be_bytes()[..], &counted(job), &rest].concat();
        Frame::Note { plain: plain.into(), described: described.into() }
    }

    /// Whether a slow client can do without it.
    pub(crate) fn may_be_dropped(&self) -> bool {
        !matches!(self, Frame::Text(_))
    }

    /// The message for a client.
    pub(crate) fn message(&self, flags: &Flags) -> Message {
        let choose = |described: bool, with: &Bytes, without: &Bytes| {
            Message::Binary(if described { with.clone() } else { without.clone() })
        };
        match self {
            Frame::Text(text) => Message::Text(text.as_str().into()),
            Frame::Preview { plain, described } => {
                choose(flags.preview_metadata.load(Ordering::Relaxed), described, plain)
            }
            Frame::Note { plain, described } => {
                choose(flags.text_metadata.load(Ordering::Relaxed), described, plain)
            }
        }
    }
}

/// A text after its length in bytes.
fn counted(text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes()[..], text.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(frame: &Frame, flags: &Flags) -> Vec<u8> {
        frame.message(flags).into_data().to_vec()
    }

    #[test]
    fn each_client_gets_the_form_that_it_understands() {
        let flags = Flags::default();
        let preview = Frame::preview("job", "7", vec![1, 2].into());
        assert_eq!(bytes(&preview, &flags), [0, 0, 0, 1, 0, 0, 0, 1, 1, 2]);
        let note = Frame::note("job", "7", "up");
        assert_eq!(bytes(&note, &flags), [0, 0, 0, 3, 0, 0, 0, 1, b'7', b'u', b'p']);
        flags.preview_metadata.store(true, Ordering::Relaxed);
        flags.text_metadata.store(true, Ordering::Relaxed);
        let found = bytes(&preview, &flags);
        let length = u32::from_be_bytes(found[4..8].try_into().unwrap()) as usize;
        let about: Value = serde_json::from_slice(&found[8..8 + length]).unwrap();
        assert_eq!((&about["node_id"], &about["prompt_id"]), (&json!("7"), &json!("job")));
        assert_eq!((&found[..4], &found[8 + length..]), (&[0, 0, 0, 4][..], &[1, 2][..]));
        assert_eq!(bytes(&note, &flags)[4..11], [0, 0, 0, 3, b'j', b'o', b'b']);
    }
}
