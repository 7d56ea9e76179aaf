//! Jobs over HTTP and a websocket, by ComfyUI's protocol: its editor and its clients drive Dreamwire unmodified.
//!
//! ```text
//! POST /prompt --coerce, check--> Queue (SQLite) --take--> jobs::Worker --worker::Child--> plugins
//!    GET /history, /api/jobs <-------+   ^                    |
//!    GET /view <-- output folder         +--- end, outputs ---+
//!    /ws <----------------------- Hub <--- Events as messages ---
//! ```
//!
//! | part | what it is |
//! |---|---|
//! | [`Config`] | where it listens, its folders and limits |
//! | [`Server`] | opened, then run until it is stopped |
//! | `queue` | jobs in order, the one that runs, and history |
//! | `jobs` | the thread that runs them; events as messages |
//! | `hub` | the connected sockets |
//! | `routes` | jobs over HTTP |
//! | `catalogue` | kinds as node definitions, help pages, example graphs |
//! | `diagnose` | problems of a graph in the protocol's shape |
//! | `files` | pictures, uploads, the user's files, pages |
//! | `security` | who may ask |
//!
//! It prints nothing and knows no exit codes.

mod activity;
mod app;
mod catalogue;
mod config;
mod diagnose;
mod files;
mod folders;
#[cfg(test)]
mod fuzz;
mod graphs;
mod hub;
mod jobs;
mod listen;
mod plugins;
mod queue;
mod redact;
mod reload;
mod routes;
mod security;
mod server;

pub use config::Config;
pub use files::find_frontend;
pub use queue::StoreError;
pub use security::PolicyError;
pub use server::{ServeError, Server, Stopper};
