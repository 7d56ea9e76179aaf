//! What the server has, in the forms that ComfyUI's editor and clients read: kinds as node definitions, their help pages,
//! the gallery of graphs, files of weights, and the machine.

pub(crate) mod coerce;
mod definition;
mod gallery;
mod help;
mod listing;
pub(crate) mod machine;
mod models;
mod widget;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use dreamwire_engine::Nodes;
use serde_json::{Map, Value, json};

use crate::folders::Folders;
pub(crate) use listing::Listing;
use machine::DeviceInUse;
pub(crate) use widget::{port_spec, spec};

/// What the routes of this module read.
pub(crate) struct Catalogue {
    /// The kinds of this moment: a reload replaces them.
    nodes: Box<dyn Fn() -> Arc<dyn Nodes> + Send + Sync>,
    folders: Folders,
    /// The device of the last run.
    device: Arc<DeviceInUse>,
    /// The largest file that may be sent, in bytes.
    upload_max: u64,
}

impl Catalogue {
    /// `nodes` gives the kinds of the moment.
    pub(crate) fn new(
        nodes: impl Fn() -> Arc<dyn Nodes> + Send + Sync + 'static,
        folders: Folders,
        device: Arc<DeviceInUse>,
        upload_max: u64,
    ) -> Self {
        Self { nodes: Box::new(nodes), folders, device, upload_max }
    }

    fn nodes(&self) -> Arc<dyn Nodes> {
        (self.nodes)()
    }

    fn listing(&self) -> Listing {
        Listing::of(std::iter::once(self.folders.input.as_path()).chain(self.folders.graphs.as_deref()))
    }
}

/// The routes, without the state.
pub(crate) fn routes(catalogue: Arc<Catalogue>) -> Router {
    let empty = |value: Value| get(move || std::future::ready(Json(value.clone())));
    Router::new()
        .route("/object_info", get(all_definitions))
        .route("/object_info/{kind}", get(one_definition))
        .route("/embeddings", empty(json!([])))
        .route("/i18n", empty(json!({})))
        .route("/global_subgraphs", empty(json!({})))
        .route("/workflow_templates", empty(json!({})))
        // Folders are nobody's business.
        .route("/internal/folder_paths", empty(json!({})))
        .route("/features", empty(machine::features(catalogue.upload_max)))
        .route("/system_stats", get(machine::stats))
        .merge(help::routes())
        .merge(gallery::routes())
        .merge(models::routes())
        .with_state(catalogue)
}

/// Work that reads folders, off the threads that answer requests.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, StatusCode> {
    tokio::task::spawn_blocking(work).await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

/// A 404 with some text: the editor parses the bodies of answers.
fn missing(what: &'static str) -> Response {
    (StatusCode::NOT_FOUND, what).into_response()
}

async fn all_definitions(State(catalogue): State<Arc<Catalogue>>) -> Result<Json<Value>, StatusCode> {
    let work = move || definition::all(catalogue.nodes().kinds(), &catalogue.listing());
    blocking(work).await.map(|definitions| Json(Value::Object(definitions)))
}

async fn one_definition(
    State(catalogue): State<Arc<Catalogue>>,
    Path(id): Path<String>,
) -> Result<Json<Value>, StatusCode> {
    let work = move || {
        let mut found = Map::new();
        if let Some(kind) = catalogue.nodes().kinds().get(&id) {
            found.insert(id, definition::definition(kind, &catalogue.listing()));
        }
        Value::Object(found)
    };
    blocking(work).await.map(Json)
}

#[cfg(test)]
pub(crate) mod tests;
