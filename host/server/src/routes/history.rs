//! `/history`: the jobs that have ended.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{answer, ask, object, texts};
use crate::app::App;
use crate::queue::Record;

pub(crate) fn routes() -> Router<App> {
    Router::new().route("/history", get(list).post(change)).route("/history/{id}", get(one))
}

/// Which part of the list is wanted. Clients send numbers as texts, and -1 for all.
#[derive(Deserialize)]
struct Part {
    max_items: Option<String>,
    offset: Option<String>,
}

async fn list(State(app): State<App>, Query(part): Query<Part>) -> Result<Response, Response> {
    let number = |text: Option<String>| text.and_then(|text| text.parse::<i64>().ok()).filter(|it| *it >= 0);
    let (most, offset) = (number(part.max_items), number(part.offset));
    let records = ask(app, move |app| app.queue.ask(|store| store.ended(most, offset))).await?;
    Ok(answer(Ok(entries(&records))))
}

/// `{}` while the job waits, runs, or is not known: clients ask until it is there.
async fn one(State(app): State<App>, Path(id): Path<String>) -> Result<Response, Response> {
    let record = ask(app, move |app| app.queue.ask(|store| store.get(&id))).await?;
    let ended: Vec<Record> = record.into_iter().filter(|record| record.state.has_ended()).collect();
    Ok(answer(Ok(entries(&ended))))
}

/// `{"clear": true}`, `{"delete": [ids]}`.
async fn change(State(app): State<App>, body: Bytes) -> Result<StatusCode, Response> {
    ask(app, move |app| {
        let body = object(&body);
        if body["clear"] == true {
            app.queue.ask(|store| store.forget_all())?;
        }
        for id in texts(&body["delete"]) {
            app.queue.ask(|store| store.forget(id))?;
        }
        Ok(StatusCode::OK)
    })
    .await
}

fn entries(records: &[Record]) -> Value {
    let entries = records.iter().map(|record| (record.order.id.clone(), record.history()));
    Value::Object(entries.collect::<Map<_, _>>())
}
