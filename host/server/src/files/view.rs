//! `GET /view`: pictures of runs and inputs, as they are or re-encoded.

use super::blocking;
use super::contained::Name;
use super::picture::{self, Channel, Preview};
use super::refusal::Refusal;
use super::send::{self, How};
use crate::folders::{Folders, Place};
use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// How many pictures are decoded at the same time: each may take hundreds of megabytes.
const DECODERS: usize = 2;

struct View {
    folders: Arc<Folders>,
    decoders: Arc<Semaphore>,
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    filename: String,
    r#type: Option<String>,
    #[serde(default)]
    subfolder: String,
    preview: Option<String>,
    channel: Option<String>,
}

pub(super) fn routes(folders: Arc<Folders>) -> Router {
    let view = View { folders, decoders: Arc::new(Semaphore::new(DECODERS)) };
    Router::new().route("/view", get(answer)).with_state(Arc::new(view))
}

async fn answer(
    State(view): State<Arc<View>>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let Query(asked) = asked.map_err(|_| Refusal::bad("the query cannot be read"))?;
    let (place, name) = find(&asked.filename, asked.r#type.as_deref(), &asked.subfolder)?;
    let preview = asked.preview.as_deref().filter(|text| !text.is_empty()).map(Preview::parse).transpose()?;
    let channel = asked.channel.as_deref().map_or(Ok(Channel::All), Channel::parse)?;
    let root = view.folders.holder(place, &name);
    if preview.is_none() && channel == Channel::All {
        let how = How::foreign(&name);
        return send::send(root, name, headers, how).await;
    }
    // Whoever waits here holds nothing; whoever gives up waiting has computed nothing.
    let decoder = Arc::clone(&view.decoders).acquire_owned().await.map_err(|_| Refusal::internal())?;
    blocking(move || {
        let _decoder = decoder;
        let picture = picture::decode(root.open(&name)?.file)?;
        let (bytes, content_type) = picture::encode(picture, channel, preview)?;
        Ok(send::bytes(
            bytes,
            &name,
            How { content_type, foreign: true, attachment: false, cache: "no-cache" },
        ))
    })
    .await
}

/// The place and the name that the parts of a request mean. A note at the end of the name goes before the type.
pub(super) fn find(filename: &str, kind: Option<&str>, subfolder: &str) -> Result<(Place, Name), Refusal> {
    let (filename, noted) = Place::split(filename);
    let told = match kind {
        None | Some("") => Place::Output,
        Some(kind) => {
            Place::parse(kind).ok_or_else(|| Refusal::bad("the type is none of input, output and temp"))?
        }
    };
    Ok((noted.unwrap_or(told), Name::in_folder(subfolder, filename)?))
}

#[cfg(test)]
mod tests;
