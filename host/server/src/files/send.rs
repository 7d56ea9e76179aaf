//! Answers with a file: whole, in part, or not at all if the client has it.

use super::blocking;
use super::contained::{Entry, Name, Opened, Root};
use super::refusal::Refusal;
use super::types;
use axum::body::{Body, Bytes};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED,
    RANGE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How much of a file is read at a time, in bytes.
const CHUNK: u64 = 256 << 10;

/// How a file goes out.
#[derive(Clone, Copy)]
pub(super) struct How {
    pub(super) content_type: &'static str,
    /// It came from a user or a run, not with a page: a browser must run nothing of it.
    pub(super) foreign: bool,
    /// To be stored by a browser, not shown.
    pub(super) attachment: bool,
    /// `Cache-Control`.
    pub(super) cache: &'static str,
}

impl How {
    /// A file under the type of its name if that is harmless. A browser asks each time whether it has changed.
    pub(super) fn foreign(name: &Name) -> Self {
        let content_type = types::harmless(name.as_str());
        Self { content_type, foreign: true, attachment: content_type == types::BYTES, cache: "no-cache" }
    }
}

/// Answers with a file.
pub(super) async fn send(root: Root, name: Name, headers: HeaderMap, how: How) -> Result<Response, Refusal> {
    blocking(move || {
        let opened = root.open(&name)?;
        answer(opened, &name, &headers, how)
    })
    .await
}

fn answer(opened: Opened, name: &Name, asked: &HeaderMap, how: How) -> Result<Response, Refusal> {
    let tag = tag(&opened);
    let modified = httpdate::fmt_http_date(opened.modified.max(UNIX_EPOCH));
    let mut headers = head(name, how);
    headers.insert(ETAG, value(&tag));
    headers.insert(LAST_MODIFIED, value(&modified));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if is_known(asked, &tag, opened.modified) {
        headers.remove(CONTENT_TYPE);
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let is_current =
        asked.get(IF_RANGE).is_none_or(|known| known == tag.as_str() || known == modified.as_str());
    let range = asked.get(RANGE).filter(|_| is_current).and_then(|range| parse_range(range.to_str().ok()?));
    let length = opened.length;
    let (status, part) = match range.map(|range| range.resolve(length)) {
        None => (StatusCode::OK, 0..length),
        Some(Some(part)) => {
            let text = format!("bytes {}-{}/{length}", part.start, part.end - 1);
            headers.insert(CONTENT_RANGE, value(&text));
            (StatusCode::PARTIAL_CONTENT, part)
        }
        Some(None) => {
            headers.insert(CONTENT_RANGE, value(&format!("bytes */{length}")));
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, headers).into_response());
        }
    };
    headers.insert(CONTENT_LENGTH, (part.end - part.start).into());
    Ok((status, headers, body(opened.file, part)?).into_response())
}

/// Answers with bytes that were made of a file.
pub(super) fn bytes(bytes: Vec<u8>, name: &Name, how: How) -> Response {
    (head(name, how), bytes).into_response()
}

/// The headers of any file.
fn head(name: &Name, how: How) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(how.content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(how.cache));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if how.foreign {
        // Even opened on its own it can do nothing.
        let nothing =
            "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; media-src 'self'; sandbox";
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(nothing));
        headers.insert(CONTENT_DISPOSITION, disposition(name.split().1, how.attachment));
    }
    headers
}

/// What a browser calls the file when it stores it. A name that is not plain is encoded, so no name ends the header.
fn disposition(name: &str, attachment: bool) -> HeaderValue {
    let kind = if attachment { "attachment" } else { "inline" };
    let is_plain = name.chars().all(|c| c == ' ' || (c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%')));
    value(&if is_plain {
        format!("{kind}; filename=\"{name}\"")
    } else {
        format!("{kind}; filename*=UTF-8''{}", utf8_percent_encode(name, NON_ALPHANUMERIC))
    })
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Files are replaced by renames, so that the time and the length tell the content.
fn tag(opened: &Opened) -> String {
    let since = opened.modified.duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("\"{:x}-{:x}\"", since.as_nanos(), opened.length)
}

/// Whether the client has this content.
fn is_known(asked: &HeaderMap, tag: &str, modified: SystemTime) -> bool {
    if let Some(known) = asked.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok()) {
        return known.split(',').map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == tag);
    }
    let since =
        asked.get(IF_MODIFIED_SINCE).and_then(|value| httpdate::parse_http_date(value.to_str().ok()?).ok());
    // Such a header counts whole seconds.
    since.is_some_and(|since| modified < since + Duration::from_secs(1))
}

/// A range of bytes as a request has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// From one byte to another one, both included.
    Between(u64, u64),
    /// So many at the end.
    Last(u64),
}

/// One range; `None` for several, or what is no range: then the whole file is the answer.
fn parse_range(text: &str) -> Option<Asked> {
    let (from, to) = text.strip_prefix("bytes=")?.trim().split_once('-')?;
    match (from.is_empty(), to.is_empty()) {
        (true, _) => Some(Asked::Last(to.parse().ok()?)),
        (false, true) => Some(Asked::Between(from.parse().ok()?, u64::MAX)),
        (false, false) => {
            let (from, to) = (from.parse().ok()?, to.parse().ok()?);
            (from <= to).then_some(Asked::Between(from, to))
        }
    }
}

impl Asked {
    /// The bytes of a file of that length; `None` if there are none of them.
    fn resolve(self, length: u64) -> Option<Range<u64>> {
        let range = match self {
            Self::Between(from, to) => from..to.saturating_add(1).min(length),
            Self::Last(count) => length.saturating_sub(count)..length,
        };
        (range.start < range.end).then_some(range)
    }
}

/// A small file is read now, a large one a part at a time when the client takes it.
fn body(mut file: File, part: Range<u64>) -> io::Result<Body> {
    if part.start > 0 {
        file.seek(SeekFrom::Start(part.start))?;
    }
    let length = part.end - part.start;
    if length <= CHUNK {
        return Ok(read(file, length)?.1.into());
    }
    Ok(Body::from_stream(stream::try_unfold((file, length), |(file, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let read = tokio::task::spawn_blocking(move || read(file, left.min(CHUNK))).await;
        let (file, bytes) = read.map_err(io::Error::other)??;
        let left = left - bytes.len() as u64;
        Ok::<_, io::Error>(Some((bytes, (file, left))))
    })))
}

/// So many bytes. A file that has become shorter is an error: its length has been told.
fn read(mut file: File, length: u64) -> io::Result<(File, Bytes)> {
    let mut bytes = Vec::new();
    (&mut file).take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok((file, bytes.into()))
}

/// A file's times and size, as the protocol has them.
pub(super) fn info(path: &str, entry: &Entry) -> serde_json::Value {
    serde_json::json!({
        "path": path,
        "size": entry.size,
        "modified": Entry::millis(entry.modified),
        "created": Entry::millis(entry.created),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read() {
        let resolved = |text: &str| parse_range(text).map(|range| range.resolve(10));
        assert_eq!(resolved("bytes=0-3"), Some(Some(0..4)));
        assert_eq!(resolved("bytes=7-"), Some(Some(7..10)));
        assert_eq!(resolved("bytes=-3"), Some(Some(7..10)));
        assert_eq!(resolved("bytes=-30"), Some(Some(0..10)));
        assert_eq!(resolved("bytes=5-18446744073709551615"), Some(Some(5..10)));
        for text in ["bytes=10-", "bytes=-0", "bytes=20-30"] {
            assert_eq!(resolved(text), Some(None), "{text}");
        }
        for text in
            ["bytes=3-1", "bytes=0-1,3-4", "lines=0-1", "bytes=a-b", "bytes=-", "bytes=99999999999999999999-"]
        {
            assert_eq!(resolved(text), None, "{text}");
        }
    }

    /// Faults: H17.
    #[test]
    fn h17_no_name_ends_a_header() {
        let text = |name: &str| disposition(name, true).to_str().unwrap().to_owned();
        assert_eq!(text("a b.png"), "attachment; filename=\"a b.png\"");
        assert_eq!(text("a\r\nSet-Cookie: x"), "attachment; filename*=UTF-8''a%0D%0ASet%2DCookie%3A%20x");
        assert_eq!(text("a\".png"), "attachment; filename*=UTF-8''a%22%2Epng");
        assert_eq!(text("ü.png"), "attachment; filename*=UTF-8''%C3%BC%2Epng");
    }
}
