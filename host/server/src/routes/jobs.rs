//! `/api/jobs`: all jobs in one list.

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{answer, ask, object, texts};
use crate::app::App;
use crate::jobs::tell_status;
use crate::queue::{Cancelled, Record, State as JobState};

/// So many jobs are listed unless `limit` says otherwise, and at most.
const LISTED: usize = 200;
const MOST_LISTED: usize = 10_000;

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/jobs", get(list))
        .route("/jobs/cancel", post(cancel_many))
        .route("/jobs/{id}", get(one))
        .route("/jobs/{id}/cancel", post(cancel))
}

#[derive(Deserialize)]
struct Wanted {
    status: Option<String>,
    limit: Option<String>,
    offset: Option<String>,
    workflow_id: Option<String>,
    sort_by: Option<String>,
    sort_order: Option<String>,
}

async fn list(State(app): State<App>, Query(wanted): Query<Wanted>) -> Result<Response, Response> {
    let number = |text: &Option<String>| text.as_deref().map(str::parse::<usize>).transpose();
    let (Ok(limit), Ok(offset)) = (number(&wanted.limit), number(&wanted.offset)) else {
        return Ok(bad("limit and offset are whole numbers"));
    };
    if limit == Some(0) {
        return Ok(bad("limit is 1 or more"));
    }
    let (limit, offset) = (limit.unwrap_or(LISTED).min(MOST_LISTED), offset.unwrap_or(0));
    let mut records = ask(app, |app| app.queue.ask(|store| store.everything())).await?;
    if let Some(names) = &wanted.status {
        let states: Vec<Option<JobState>> = names.split(',').map(|name| JobState::of(name.trim())).collect();
        if states.contains(&None) {
            return Ok(bad("status is a list of pending, in_progress, completed, failed, cancelled"));
        }
        records.retain(|record| states.contains(&Some(record.state)));
    }
    if let Some(id) = &wanted.workflow_id {
        records.retain(|record| record.workflow() == Some(id));
    }
    // Oldest first, in the order in which they came.
    if wanted.sort_by.as_deref() == Some("execution_duration") {
        records.sort_by_key(duration);
    }
    if wanted.sort_order.as_deref() != Some("asc") {
        records.reverse();
    }
    let total = records.len();
    let jobs: Vec<Value> = records.iter().skip(offset).take(limit).map(Record::summary).collect();
    let has_more = offset + jobs.len() < total;
    let pagination = json!({ "offset": offset, "limit": limit, "total": total, "has_more": has_more });
    Ok(answer(Ok(json!({ "jobs": jobs, "pagination": pagination }))))
}

async fn one(State(app): State<App>, Path(id): Path<String>) -> Result<Response, Response> {
    let record = ask(app, move |app| app.queue.ask(|store| store.get(&id))).await?;
    Ok(match record {
        Some(record) => answer(Ok(record.detail())),
        None => (StatusCode::NOT_FOUND, Json(json!({ "error": "Job not found" }))).into_response(),
    })
}

/// The same answer however often it is asked: whether the job will not run, or stops.
async fn cancel(State(app): State<App>, Path(id): Path<String>) -> Result<Response, Response> {
    let cancelled = ask(app, move |app| cancel_all(app, &[id])).await?;
    Ok(Json(json!({ "cancelled": cancelled })).into_response())
}

async fn cancel_many(State(app): State<App>, body: Bytes) -> Result<Response, Response> {
    let body = object(&body);
    let ids: Vec<String> = texts(&body["job_ids"]).map(str::to_owned).collect();
    let invalid: Vec<&String> = ids.iter().filter(|id| uuid::Uuid::parse_str(id).is_err()).collect();
    if !invalid.is_empty() || !body["job_ids"].is_array() {
        let body = json!({ "error": "job_ids is a list of job ids", "invalid_ids": invalid });
        return Ok((StatusCode::BAD_REQUEST, Json(body)).into_response());
    }
    let cancelled = ask(app, move |app| cancel_all(app, &ids)).await?;
    Ok(Json(json!({ "cancelled": cancelled })).into_response())
}

fn cancel_all(app: &App, ids: &[String]) -> Result<bool, crate::queue::StoreError> {
    let mut any = false;
    for id in ids {
        any |= app.queue.cancel(id)? == Cancelled::Yes;
    }
    tell_status(&app.queue, &app.hub);
    Ok(any)
}

fn duration(record: &Record) -> i64 {
    record.ended.unwrap_or(0) - record.started.unwrap_or(0)
}

fn bad(what: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": what }))).into_response()
}
