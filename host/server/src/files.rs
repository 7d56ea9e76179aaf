//! Files over HTTP: pictures, uploads, the user's files, settings, static pages.
//!
//! Whatever a request names goes through [`contained`]: a [`Name`](contained::Name) is checked text, a
//! [`Root`](contained::Root) a folder that no name leaves, whatever links it contains. Blocking calls run on tokio's
//! pool for them.

pub(crate) mod body;
pub(crate) mod contained;
mod find;
mod frontend;
mod graphs;
mod listing;
pub(crate) mod logs;
mod mask;
mod picture;
pub(crate) mod refusal;
mod send;
mod settings;
mod types;
mod upload;
mod userdata;
mod view;

#[cfg(test)]
mod testing;

pub use find::find_frontend;

use crate::folders::Folders;
use crate::plugins::Plugins;
use axum::Router;
use body::Limits;
use logs::Logs;
use refusal::Refusal;
use std::sync::Arc;

/// The routes that exist as `/x` and as `/api/x`.
pub(crate) fn routes(folders: &Arc<Folders>, limits: Limits) -> Router {
    view::routes(Arc::clone(folders))
        .merge(upload::routes(Arc::clone(folders), limits))
        .merge(userdata::routes(Arc::clone(folders), limits))
        .merge(settings::routes(folders.settings(), folders.graphs.is_some(), limits))
        .merge(frontend::listed())
}

/// The routes that exist once. The router has a fallback: pages and static files, and 404 for whatever else.
pub(crate) fn plain(
    folders: &Arc<Folders>,
    plugins: &Arc<Plugins>,
    logs: Arc<Logs>,
    limits: Limits,
) -> Router {
    listing::routes(Arc::clone(folders))
        .merge(graphs::routes(folders, Arc::clone(plugins)))
        .merge(logs::routes(logs, limits))
        .merge(userdata::style(Arc::clone(folders)))
        .merge(frontend::pages(folders))
}

/// Runs what waits for the disk or computes for long.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        // It panicked, or the server is ending.
        Err(_) => Err(Refusal::internal()),
    }
}
