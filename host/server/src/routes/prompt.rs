//! `/prompt`: a graph to run.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use dreamwire_engine::Nodes;
use dreamwire_graph::{Source, check, parse};
use serde_json::{Map, Value, json};

use super::{answer, broken, texts};
use crate::app::App;
use crate::catalogue::coerce::coerce;
use crate::diagnose::diagnose;
use crate::jobs::tell_status;
use crate::queue::{Order, Refusal, now};

/// What clients send along that nobody else may see.
const SECRETS: [&str; 2] = ["auth_token_comfy_org", "api_key_comfy_org"];
/// Graphs have at most so many nodes.
const MOST_NODES: usize = 10_000;
/// When to try again if the queue is full, in seconds.
const LATER: &str = "5";

pub(crate) fn routes() -> Router<App> {
    Router::new().route("/prompt", get(left).post(submit))
}

/// How many jobs are left: what clients without a socket ask once a second.
async fn left(State(app): State<App>) -> Response {
    let left = app.queue.ask(|store| store.unfinished());
    answer(left.map(|left| json!({ "exec_info": { "queue_remaining": left } })))
}

async fn submit(State(app): State<App>, body: Bytes) -> Response {
    let judged = tokio::task::spawn_blocking(move || submitted(&app, &body)).await;
    judged.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// Judges a request and queues its graph.
pub(crate) fn submitted(app: &App, body: &[u8]) -> Response {
    let request = match serde_json::from_slice(body) {
        Ok(Value::Object(request)) => request,
        Ok(_) => return refuse("invalid_prompt", "the body is not an object", ""),
        Err(error) => return refuse("invalid_prompt", "the body is not JSON", &error.to_string()),
    };
    let id = match request.get("prompt_id") {
        None | Some(Value::Null) => uuid::Uuid::new_v4().to_string(),
        Some(id) => match id.as_str().filter(|id| is_canonical(id)) {
            Some(id) => id.to_owned(),
            None => return refuse("invalid_prompt_id", "prompt_id is not a canonical UUID", &id.to_string()),
        },
    };
    let Some(prompt) = request.get("prompt") else {
        return refuse("no_prompt", "No prompt provided", "the body has no `prompt`");
    };
    if prompt.as_object().is_some_and(|nodes| nodes.len() > MOST_NODES) {
        return refuse(
            "too_many_nodes",
            "the graph is too large",
            &format!("the limit is {MOST_NODES} nodes"),
        );
    }
    let targets = request.get("partial_execution_targets").filter(|targets| targets.is_array());
    let targets = targets.map(|targets| texts(targets).map(str::to_owned).collect::<Vec<_>>());
    let loader = app.plugins.get();
    let mut prompt = prompt.clone();
    if let Value::Object(nodes) = &mut prompt {
        coerce(nodes, loader.kinds());
    }
    let source = Source::new("prompt", prompt.to_string());
    let (graph, mut problems) = parse(&source);
    let (checked, found) = check(&graph, loader.kinds());
    problems.extend(found);
    let verdict = diagnose(&graph, checked.as_ref(), &problems, loader.kinds(), targets.as_deref());
    if let Some(error) = verdict.error {
        let body = json!({ "error": error, "node_errors": verdict.node_errors });
        return (StatusCode::BAD_REQUEST, Json(body)).into_response();
    }
    let order = Order {
        id,
        number: 0.0,
        client: request.get("client_id").and_then(Value::as_str).map(str::to_owned),
        prompt,
        extra: extra(request.get("extra_data")),
        targets: verdict.good,
    };
    let number = request.get("number").and_then(Value::as_f64).filter(|number| number.is_finite());
    let front = request.get("front") == Some(&json!(true));
    match app.queue.add(order, number, front) {
        Ok(order) => {
            tell_status(&app.queue, &app.hub);
            let body = json!({
                "prompt_id": order.id, "number": order.number, "node_errors": verdict.node_errors,
            });
            Json(body).into_response()
        }
        Err(Refusal::Full(waiting)) => {
            let message = format!("{waiting} jobs are waiting, and no more are taken");
            let body = json!({ "error": error("queue_full", &message, ""), "node_errors": {} });
            let later = [(header::RETRY_AFTER, HeaderValue::from_static(LATER))];
            (StatusCode::TOO_MANY_REQUESTS, later, Json(body)).into_response()
        }
        Err(Refusal::Taken) => refuse("invalid_prompt_id", "there is a job of this prompt_id already", ""),
        Err(Refusal::Store(error)) => broken(&error),
    }
}

/// What came with a graph, without secrets, and with the time.
fn extra(given: Option<&Value>) -> Map<String, Value> {
    let mut extra = given.and_then(Value::as_object).cloned().unwrap_or_default();
    extra.retain(|name, _| !SECRETS.contains(&name.as_str()));
    extra.insert("create_time".to_owned(), json!(now()));
    extra
}

/// Whether a text is a UUID as the protocol wants it: lower case, with hyphens.
fn is_canonical(id: &str) -> bool {
    uuid::Uuid::parse_str(id).is_ok_and(|uuid| uuid.to_string() == id)
}

fn error(kind: &str, message: &str, details: &str) -> Value {
    json!({ "type": kind, "message": message, "details": details, "extra_info": {} })
}

fn refuse(kind: &str, message: &str, details: &str) -> Response {
    let body = json!({ "error": error(kind, message, details), "node_errors": {} });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}
