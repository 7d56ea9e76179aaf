//! All routes, and what they share.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use tower_http::timeout::RequestBodyTimeoutLayer;

use crate::activity::Activity;
use crate::catalogue::{self, Catalogue};
use crate::files;
use crate::files::body::Limits;
use crate::files::logs::Logs;
use crate::folders::Folders;
use crate::hub::Hub;
use crate::plugins::Plugins;
use crate::queue::Queue;
use crate::routes;
use crate::security::{Policy, guard};

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
    /// The largest file that may be sent, in bytes.
    pub(crate) upload_max: u64,
}

impl App {
    /// All routes, behind the guard.
    pub(crate) fn routes(self, parts: Parts) -> Router {
        let Parts { catalogue, folders, logs, limits, policy } = parts;
        let activity = Arc::clone(&self.activity);
        let jobs = Router::new()
            .merge(routes::prompt::routes())
            .merge(routes::queue::routes())
            .merge(routes::history::routes())
            .layer(DefaultBodyLimit::max(usize::try_from(limits.body).unwrap_or(usize::MAX)))
            .layer(RequestBodyTimeoutLayer::new(SILENCE));
        let both = Router::new()
            .merge(jobs.with_state(self.clone()))
            .merge(catalogue::routes(catalogue))
            .merge(files::routes(&folders, limits));
        Router::new()
            .merge(both.clone())
            .nest("/api", both.merge(routes::jobs::routes().with_state(self.clone())))
            .merge(routes::socket::routes().with_state(self.clone()))
            .merge(files::plain(&folders, &self.plugins, logs, limits))
            .layer(from_fn(move |request: Request, next: Next| {
                activity.note();
                next.run(request)
            }))
            .layer(from_fn_with_state(policy, guard))
    }
}

/// What the routes of jobs do not need.
pub(crate) struct Parts {
    /// Kinds as definitions, help and examples.
    pub(crate) catalogue: Arc<Catalogue>,
    /// Where files lie.
    pub(crate) folders: Arc<Folders>,
    /// The last lines of the log.
    pub(crate) logs: Arc<Logs>,
    /// What a body may be.
    pub(crate) limits: Limits,
    /// Who may ask.
    pub(crate) policy: Arc<Policy>,
}
