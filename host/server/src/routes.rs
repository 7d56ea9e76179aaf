//! The routes of jobs: one file for each resource.

pub(crate) mod history;
pub(crate) mod jobs;
pub(crate) mod prompt;
pub(crate) mod queue;
pub(crate) mod socket;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::app::App;
use crate::queue::StoreError;

/// JSON, or 500 where the database fails.
fn answer(found: Result<Value, StoreError>) -> Response {
    match found {
        Ok(value) => Json(value).into_response(),
        Err(error) => broken(&error),
    }
}

/// The database fails: nobody can do anything about it from here.
fn broken(error: &StoreError) -> Response {
    let body = json!({ "error": format!("the queue cannot be read or written: {error}") });
    (StatusCode::INTERNAL_SERVER_ERROR, Json(body)).into_response()
}

/// A body as an object. What is not JSON is an empty one: some clients send none.
pub(crate) fn object(body: &[u8]) -> Value {
    serde_json::from_slice(body).ok().filter(Value::is_object).unwrap_or_else(|| json!({}))
}

/// The texts of a list.
fn texts(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// Asks the database on a thread that may wait for it.
async fn ask<T: Send + 'static>(
    app: App,
    question: impl FnOnce(&App) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, Response> {
    match tokio::task::spawn_blocking(move || question(&app)).await {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) => Err(broken(&error)),
        Err(_) => Err(StatusCode::INTERNAL_SERVER_ERROR.into_response()),
    }
}
