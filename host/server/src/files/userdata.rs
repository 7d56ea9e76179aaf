//! The files that the editor keeps for its user: workflows, bookmarks, styles.

mod list;

use super::blocking;
use super::body::{Chunks, Limits};
use super::contained::{IfTaken, Name, Root};
use super::refusal::Refusal;
use super::send::{self, How, info};
use crate::folders::Folders;
use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{DefaultBodyLimit, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;

/// Where the editor keeps bookmarks: the one hidden name that is served.
const BOOKMARKS: &str = ".index.json";
/// The style that the editor adds to its page: the one file that goes out as what it is.
const STYLE: &str = "user.css";

#[derive(Clone)]
struct Userdata {
    root: Root,
    limits: Limits,
}

pub(super) fn routes(folders: Arc<Folders>, limits: Limits) -> Router {
    let state = Userdata { root: folders.userdata(), limits };
    Router::new()
        .route("/userdata", get(list::list))
        .route("/v2/userdata", get(list::folder))
        // A wildcard, because a name may have slashes, encoded or not; it is decoded here, and once.
        .route("/userdata/{*file}", get(read).post(write).delete(remove))
        .layer(DefaultBodyLimit::disable())
        .with_state(state)
}

/// The style of the user at its second address.
pub(super) fn style(folders: Arc<Folders>) -> Router {
    let answer = |State(root): State<Root>, headers: HeaderMap| async move {
        send::send(root, Name::parse(STYLE)?, headers, how(STYLE)).await
    };
    Router::new().route("/user.css", get(answer)).with_state(folders.userdata())
}

/// How one of the user's files goes out: to be stored, as bytes of no type.
fn how(name: &str) -> How {
    let is_style = name == STYLE;
    let content_type = if is_style { "text/css; charset=utf-8" } else { super::types::harmless(name) };
    How { content_type, foreign: true, attachment: !is_style, cache: "no-cache" }
}

/// What stands behind `/userdata/`, still encoded.
fn raw(uri: &Uri) -> Result<&str, Refusal> {
    uri.path().split_once("/userdata/").map(|(_, rest)| rest).ok_or_else(Refusal::missing)
}

fn name(raw: &str) -> Result<Name, Refusal> {
    Name::parse_allowing(&Name::decode(raw)?, BOOKMARKS)
}

async fn read(State(user): State<Userdata>, uri: Uri, headers: HeaderMap) -> Result<Response, Refusal> {
    let name = name(raw(&uri)?)?;
    let how = how(name.as_str());
    send::send(user.root, name, headers, how).await
}

#[derive(Deserialize)]
struct Options {
    overwrite: Option<String>,
    full_info: Option<String>,
}

impl Options {
    fn if_taken(&self) -> IfTaken {
        if self.overwrite.as_deref() == Some("false") { IfTaken::Keep } else { IfTaken::Replace }
    }

    /// What is said of a file that was written.
    fn answer(&self, root: &Root, name: &Name) -> Result<Json<Value>, Refusal> {
        let is_full = self.full_info.as_deref() == Some("true");
        Ok(Json(if is_full { info(name.as_str(), &root.entry(name)?) } else { name.as_str().into() }))
    }
}

/// `POST /userdata/{file}` and `POST /userdata/{file}/move/{dest}`.
async fn write(
    State(user): State<Userdata>,
    options: Result<Query<Options>, QueryRejection>,
    request: Request,
) -> Result<Json<Value>, Refusal> {
    let Query(options) = options.map_err(|_| Refusal::bad("the query cannot be read"))?;
    let raw = raw(request.uri())?;
    // Names are one segment each, with their slashes encoded; only then this is a move.
    if let [from, "move", to] = raw.split('/').collect::<Vec<_>>()[..] {
        let (from, to) = (name(from)?, name(to)?);
        return blocking(move || {
            let moved = user.root.rename(&from, &to, options.if_taken())?;
            if moved { options.answer(&user.root, &to) } else { Err(Refusal::taken()) }
        })
        .await;
    }
    let name = name(raw)?;
    let (parts, body) = request.into_parts();
    let mut chunks = Chunks::new(&parts.headers, body, user.limits.upload, user.limits)?;
    let (root, target) = (user.root.clone(), name.clone());
    let mut file = blocking(move || root.temporary(&target)).await?;
    while let Some(bytes) = chunks.next().await? {
        file = blocking(move || {
            file.write(&bytes)?;
            Ok(file)
        })
        .await?;
    }
    blocking(move || {
        let written = user.root.publish(&mut file, &name, options.if_taken())?;
        if written { options.answer(&user.root, &name) } else { Err(Refusal::taken()) }
    })
    .await
}

async fn remove(State(user): State<Userdata>, uri: Uri) -> Result<Response, Refusal> {
    let name = name(raw(&uri)?)?;
    blocking(move || user.root.remove(&name)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[cfg(test)]
mod tests;
