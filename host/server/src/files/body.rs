//! Bodies of requests, within limits of size and time.

use super::refusal::Refusal;
use axum::body::{Body, BodyDataStream, Bytes};
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, StatusCode};
use futures_util::{Stream, StreamExt, stream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// What a request may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The largest upload, in bytes.
    pub(crate) upload: u64,
    /// The largest body that is kept in memory, in bytes.
    pub(crate) body: u64,
    /// The longest wait for the next part of a body.
    pub(crate) idle: Duration,
    /// The longest time for a whole body.
    pub(crate) whole: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            upload: 100 << 20,
            body: 16 << 20,
            idle: Duration::from_secs(30),
            whole: Duration::from_secs(15 * 60),
        }
    }
}

/// A whole body.
///
/// # Errors
/// 413 if it is longer than `most` bytes, whatever its header says; 408 if it comes too slowly; 400 if it breaks off.
pub(crate) async fn collect(
    headers: &HeaderMap,
    body: Body,
    most: u64,
    limits: Limits,
) -> Result<Bytes, Refusal> {
    let mut chunks = Chunks::new(headers, body, most, limits)?;
    let mut all = Vec::new();
    while let Some(bytes) = chunks.next().await? {
        all.extend_from_slice(&bytes);
    }
    Ok(all.into())
}

/// A body in the parts in which it comes.
pub(crate) struct Chunks {
    stream: BodyDataStream,
    most: u64,
    left: u64,
    idle: Duration,
    end: Instant,
}

impl Chunks {
    /// Nothing is read yet.
    ///
    /// # Errors
    /// 413 if its header says that it is longer than `most` bytes.
    pub(crate) fn new(headers: &HeaderMap, body: Body, most: u64, limits: Limits) -> Result<Self, Refusal> {
        let told = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        if told.is_some_and(|told| told > most) {
            return Err(Refusal::too_large(most));
        }
        let end = Instant::now() + limits.whole;
        Ok(Self { stream: body.into_data_stream(), most, left: most, idle: limits.idle, end })
    }

    /// The next part; none at the end.
    ///
    /// # Errors
    /// As [`collect`].
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        let by = self.end.min(Instant::now() + self.idle);
        let slow = |_| Refusal::new(StatusCode::REQUEST_TIMEOUT, "the body of the request came too slowly");
        let broken = |_| Refusal::bad("the body of the request broke off");
        let Some(bytes) = timeout_at(by, self.stream.next()).await.map_err(slow)? else { return Ok(None) };
        let bytes = bytes.map_err(broken)?;
        match self.left.checked_sub(bytes.len() as u64) {
            Some(left) => self.left = left,
            None => return Err(Refusal::too_large(self.most)),
        }
        Ok(Some(bytes))
    }
}

/// How far a reader of a [`metered`] body is behind. A multipart parser keeps everything that has come until it finds
/// the end of a part's headers, and takes whatever there is at once; so the body pauses, and ends with an error if too
/// much of it has not come out again.
#[derive(Default)]
pub(crate) struct Meter {
    unread: AtomicU64,
    refusal: Mutex<Option<Refusal>>,
}

/// The most that a parser may keep, in bytes; the headers of all parts are among it.
const MOST_UNREAD: u64 = 2 << 20;
/// How much is given at a time, in bytes.
const TURN: u64 = 64 << 10;

impl Meter {
    /// The reader got so many bytes out.
    pub(crate) fn took(&self, bytes: u64) {
        self.unread.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Why the body ended early, or what else a parser's error means.
    pub(crate) fn refusal(&self) -> Refusal {
        let refusal = self.refusal.lock().unwrap_or_else(PoisonError::into_inner).take();
        refusal.unwrap_or_else(|| Refusal::bad("the body is no whole multipart form"))
    }

    fn refuse(&self, refusal: Refusal) -> std::io::Error {
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(refusal);
        std::io::ErrorKind::Other.into()
    }
}

/// A body for a parser that tells its progress. Where it ends with an error, the meter knows why.
pub(crate) fn metered(
    chunks: Chunks,
    meter: Arc<Meter>,
) -> impl Stream<Item = Result<Bytes, std::io::Error>> + Send + 'static {
    stream::try_unfold((chunks, 0), move |(mut chunks, mut given)| {
        let meter = Arc::clone(&meter);
        async move {
            if given >= TURN {
                given = 0;
                tokio::task::yield_now().await;
            }
            if meter.unread.load(Ordering::Relaxed) > MOST_UNREAD {
                return Err(meter.refuse(Refusal::bad("the form has too much beside its contents")));
            }
            let next = chunks.next().await.map_err(|refusal| meter.refuse(refusal))?;
            Ok(next.map(|bytes| {
                let length = bytes.len() as u64;
                meter.unread.fetch_add(length, Ordering::Relaxed);
                (bytes, (chunks, given + length))
            }))
        }
    })
}
