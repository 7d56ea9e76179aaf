//! All routes, and what they share.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use tower_http::timeout::RequestBodyTimeoutLayer;

use crate::activity::Activity;
use crate::hub::Hub;
use crate::plugins::Plugins;
use crate::queue::Queue;
use crate::routes;

/// A graph and what comes with it, in bytes; the editor's own form of it is larger than the graph.
const PROMPT_BYTES: usize = 32 << 20;
/// A request that sends nothing for so long is given up.
const SILENCE: Duration = Duration::from_secs(30);

/// What the routes of jobs share.
#[derive(Clone)]
pub(crate) struct App {
    /// The jobs.
    pub(crate) queue: Arc<Queue>,
    /// The connected sockets.
    pub(crate) hub: Arc<Hub>,
    /// The plugins of now.
    pub(crate) plugins: Arc<Plugins>,
    /// When something was last asked for.
    pub(crate) activity: Arc<Activity>,
}

impl App {
    /// The routes of jobs, under `/` and `/api`.
    pub(crate) fn routes(self) -> Router {
        let both = Router::new()
            .merge(routes::prompt::routes())
            .merge(routes::queue::routes())
            .merge(routes::history::routes())
            .layer(DefaultBodyLimit::max(PROMPT_BYTES));
        Router::new()
            .merge(both.clone())
            .nest("/api", both.merge(routes::jobs::routes()))
            .merge(routes::socket::routes())
            .layer(RequestBodyTimeoutLayer::new(SILENCE))
            .with_state(self)
    }
}
