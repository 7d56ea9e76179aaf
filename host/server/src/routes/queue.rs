//! `/queue`, `/interrupt`, `/free`.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::{answer, ask, object, texts};
use crate::app::App;
use crate::jobs::tell_status;
use crate::queue::Record;

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/queue", get(list).post(change))
        .route("/interrupt", post(interrupt))
        .route("/free", post(free))
}

async fn list(State(app): State<App>) -> Result<Response, Response> {
    let found = ask(app, |app| {
        let running = match app.queue.running() {
            Some((id, _)) => app.queue.ask(|store| store.get(&id))?,
            None => None,
        };
        Ok((running, app.queue.ask(|store| store.pending())?))
    });
    let (running, pending) = found.await?;
    let tuples = |records: &[Record]| -> Vec<Value> { records.iter().map(Record::tuple).collect() };
    let running: Vec<Record> = running.into_iter().collect();
    Ok(answer(Ok(json!({ "queue_running": tuples(&running), "queue_pending": tuples(&pending) }))))
}

/// `{"clear": true}`, `{"delete": [ids]}`: of pending jobs only.
async fn change(State(app): State<App>, body: Bytes) -> Result<StatusCode, Response> {
    ask(app, move |app| {
        let body = object(&body);
        if body["clear"] == true {
            app.queue.ask(|store| store.clear_pending())?;
        }
        for id in texts(&body["delete"]) {
            app.queue.ask(|store| store.remove_pending(id))?;
        }
        tell_status(&app.queue, &app.hub);
        Ok(StatusCode::OK)
    })
    .await
}

/// Stops the job of `prompt_id`, if it runs, or whichever does.
async fn interrupt(State(app): State<App>, body: Bytes) -> StatusCode {
    let body = object(&body);
    app.queue.interrupt(body["prompt_id"].as_str());
    StatusCode::OK
}

/// Nothing has to be freed by hand: the cache keeps to its limits.
async fn free() -> StatusCode {
    StatusCode::OK
}
