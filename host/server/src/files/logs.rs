//! The last lines of the log, for the editor's console.

use super::body::{self, Limits};
use super::refusal::Refusal;
use axum::Router;
use axum::extract::{Request, State};
use axum::response::Json;
use axum::routing::{get, patch};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How many lines are kept.
const LINES: usize = 300;
/// The longest line, in characters.
const LONGEST: usize = 2000;
/// How many clients may listen; a further one takes the place of the one that asked first, whose page may be long gone.
const LISTENERS: usize = 256;

/// What the server said last, and who wants to hear more.
#[derive(Default)]
pub(crate) struct Logs {
    lines: Mutex<VecDeque<Line>>,
    /// In the order in which they asked.
    listeners: Mutex<VecDeque<String>>,
}

struct Line {
    time: SystemTime,
    text: String,
}

impl Logs {
    /// Adds a line and gives it back in the form that clients are sent, `{t, m}`. Control characters are escaped, so
    /// that no text of a request makes a line of its own or moves a terminal's cursor.
    pub(crate) fn push(&self, text: &str) -> Value {
        let mut plain = String::new();
        for letter in text.chars().take(LONGEST) {
            if letter.is_control() {
                plain.extend(letter.escape_default());
            } else {
                plain.push(letter);
            }
        }
        let line = Line { time: SystemTime::now(), text: plain };
        let shown = line.shown();
        let mut lines = lock(&self.lines);
        if lines.len() == LINES {
            lines.pop_front();
        }
        lines.push_back(line);
        shown
    }

    /// The clients that have asked for new lines.
    pub(crate) fn listeners(&self) -> Vec<String> {
        lock(&self.listeners).iter().cloned().collect()
    }

    /// A client asks for new lines.
    pub(crate) fn listen(&self, client: String) {
        let mut listeners = lock(&self.listeners);
        if listeners.contains(&client) {
            return;
        }
        if listeners.len() == LISTENERS {
            listeners.pop_front();
        }
        listeners.push_back(client);
    }

    /// A client asks for no more of them.
    fn forget(&self, client: &str) {
        lock(&self.listeners).retain(|known| known != client);
    }
}

impl Line {
    /// As clients have it; editors put no break between two entries.
    fn shown(&self) -> Value {
        json!({ "t": iso(self.time), "m": format!("{}\n", self.text) })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Shared {
    logs: Arc<Logs>,
    limits: Limits,
}

pub(super) fn routes(logs: Arc<Logs>, limits: Limits) -> Router {
    Router::new()
        .route("/internal/logs", get(text))
        .route("/internal/logs/raw", get(raw))
        .route("/internal/logs/subscribe", patch(subscribe))
        .with_state(Arc::new(Shared { logs, limits }))
}

async fn text(State(shared): State<Arc<Shared>>) -> Json<String> {
    let mut text = String::new();
    for line in &*lock(&shared.logs.lines) {
        let _ = writeln!(text, "{} - {}", iso(line.time), line.text);
    }
    Json(text)
}

async fn raw(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let entries: Vec<Value> = lock(&shared.logs.lines).iter().map(Line::shown).collect();
    Json(json!({ "entries": entries, "size": { "cols": 120, "rows": 50 } }))
}

#[derive(Deserialize)]
struct Subscription {
    #[serde(rename = "clientId")]
    client: String,
    enabled: bool,
}

async fn subscribe(State(shared): State<Arc<Shared>>, request: Request) -> Result<(), Refusal> {
    let (parts, body) = request.into_parts();
    let bytes = body::collect(&parts.headers, body, 4096, shared.limits).await?;
    let unread = |_| Refusal::bad("the body has `clientId` and `enabled`");
    let Subscription { client, enabled } = serde_json::from_slice(&bytes).map_err(unread)?;
    match enabled {
        true => shared.logs.listen(client),
        false => shared.logs.forget(&client),
    }
    Ok(())
}

/// `2026-11-30T12:00:00.123Z`.
fn iso(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    // Days are counted in eras of 400 years that begin in March (H. Hinnant, "chrono-Compatible Low-Level Date
    // Algorithms").
    let shifted = days + 719_468;
    let (era, day) = (shifted / 146_097, shifted % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", since.subsec_millis())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::testing::{Server, get, request};

    #[test]
    fn times_are_iso() {
        let at = |seconds| iso(UNIX_EPOCH + Duration::from_millis(seconds));
        assert_eq!(at(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(at(951_782_400_123), "2000-02-29T00:00:00.123Z");
        assert_eq!(at(1_798_761_599_999), "2026-12-31T23:59:59.999Z");
    }

    /// Faults: H17.
    #[tokio::test]
    async fn h17_no_text_makes_a_line_or_moves_a_cursor() {
        let server = Server::new();
        server.logs.push("queued \u{1b}[2Jfake\r\n2026-01-01 - all is well");
        let text = server.ask(get("/internal/logs")).await.json().as_str().unwrap().to_owned();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.trim_end().ends_with(r"queued \u{1b}[2Jfake\r\n2026-01-01 - all is well"), "{text}");
        let raw = server.ask(get("/internal/logs/raw")).await.json();
        assert!(!raw["entries"][0]["m"].as_str().unwrap().contains('\u{1b}'));
        assert!(raw["size"]["cols"].is_u64() && raw["size"]["rows"].is_u64());
    }

    #[tokio::test]
    async fn memory_of_logs_is_bounded_and_clients_subscribe() {
        let server = Server::new();
        (0..LINES + 5).for_each(|n| drop(server.logs.push(&format!("line {n}{}", "x".repeat(9000)))));
        let raw = server.ask(get("/internal/logs/raw")).await.json();
        assert_eq!(raw["entries"].as_array().unwrap().len(), LINES);
        assert!(raw["entries"][0]["m"].as_str().unwrap().starts_with("line 5x"));
        let patch = |body: &str| request("PATCH", "/internal/logs/subscribe", body.to_owned());
        assert_eq!(server.ask(patch(r#"{"clientId":"c","enabled":true}"#)).await.status, 200);
        assert_eq!(server.logs.listeners(), ["c"]);
        assert_eq!(server.ask(patch(r#"{"clientId":"c","enabled":false}"#)).await.status, 200);
        assert!(server.logs.listeners().is_empty());
        (0..=LISTENERS).for_each(|n| server.logs.listen(n.to_string()));
        assert_eq!((server.logs.listeners().len(), &*server.logs.listeners()[0]), (LISTENERS, "1"));
        assert_eq!(server.ask(patch("[]")).await.status, 400);
    }
}
