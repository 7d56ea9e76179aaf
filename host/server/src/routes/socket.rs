//! `/ws`: events as they happen.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::catalogue::machine::features;
use crate::hub::{Connection, Frame};

/// The largest message that a client may send, in bytes.
const MOST_BYTES: usize = 1 << 20;
/// How long a message may take to leave.
const STUCK: Duration = Duration::from_secs(30);
/// Names of clients have at most so many bytes.
const MOST_NAME: usize = 256;

pub(crate) fn routes() -> Router<App> {
    Router::new().route("/ws", get(open)).route("/api/ws", get(open))
}

#[derive(Deserialize)]
struct Who {
    #[serde(rename = "clientId")]
    client: Option<String>,
}

async fn open(State(app): State<App>, Query(who): Query<Who>, upgrade: WebSocketUpgrade) -> Response {
    let given = who.client.filter(|name| !name.is_empty() && name.len() <= MOST_NAME);
    let name = given.unwrap_or_else(|| uuid::Uuid::new_v4().simple().to_string());
    let Some(connection) = app.hub.connect(name) else {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many sockets are connected").into_response();
    };
    upgrade
        .max_message_size(MOST_BYTES)
        .max_frame_size(MOST_BYTES)
        .on_upgrade(move |socket| serve(app, connection, socket))
}

/// Sends what comes for a socket, and hears what its client understands.
async fn serve(app: App, mut connection: Connection, mut socket: WebSocket) {
    for frame in greeting(&app, &connection.name) {
        if socket.send(frame.message(&connection.flags)).await.is_err() {
            return;
        }
    }
    loop {
        tokio::select! {
            message = connection.queue.recv() => {
                // Another socket has its name, or it was too slow.
                let Some(message) = message else { break };
                let sent = tokio::time::timeout(STUCK, socket.send(message)).await;
                if !matches!(sent, Ok(Ok(()))) {
                    return;
                }
            }
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => {
                    app.activity.note();
                    if let Some(reply) = heard(&connection, &text, app.upload_max)
                        && socket.send(reply).await.is_err()
                    {
                        return;
                    }
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
        }
    }
    let _ = tokio::time::timeout(STUCK, socket.send(Message::Close(None))).await;
}

/// What a new socket is told: its name, what is left to do, and the node that works if its own job runs.
fn greeting(app: &App, name: &str) -> Vec<Frame> {
    let left = app.queue.ask(|store| store.unfinished()).unwrap_or_default();
    let status = json!({ "status": { "exec_info": { "queue_remaining": left } }, "sid": name });
    let mut frames = vec![Frame::text("status", &status)];
    if let Some((id, Some(node))) = app.queue.running()
        && let Ok(Some(record)) = app.queue.ask(|store| store.get(&id))
        && record.order.client.as_deref() == Some(name)
    {
        let data = json!({ "node": node, "display_node": node, "prompt_id": id });
        frames.push(Frame::text("executing", &data));
    }
    frames
}

/// What a client says: which forms of messages it understands. Anything else means nothing here. The answer says what
/// the server understands, and the largest upload that it takes, in bytes.
pub(crate) fn heard(connection: &Connection, text: &str, upload_max: u64) -> Option<Message> {
    let message: Value = serde_json::from_str(text).ok()?;
    if message["type"] != "feature_flags" {
        return None;
    }
    let flag = |name: &str| message["data"][name] == true;
    connection.flags.preview_metadata.store(flag("supports_preview_metadata"), Ordering::Relaxed);
    connection.flags.text_metadata.store(flag("supports_progress_text_metadata"), Ordering::Relaxed);
    Some(Frame::text("feature_flags", &features(upload_max)).message(&connection.flags))
}
