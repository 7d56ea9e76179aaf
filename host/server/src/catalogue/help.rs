//! Help pages: the reference of a kind as Markdown.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use dreamwire_graph::{KindInfo, reference};

use super::definition::pack;
use super::{Catalogue, missing};

/// `/docs/KIND.md`, `/docs/KIND/LOCALE.md`, and both below `/extensions/PACK`.
pub(super) fn routes() -> Router<Arc<Catalogue>> {
    type Shared = State<Arc<Catalogue>>;
    Router::new()
        .route(
            "/docs/{file}",
            get(|State(it): Shared, Path(file): Path<String>| async move { page(&it, None, &file) }),
        )
        .route(
            "/docs/{kind}/{locale}",
            get(|State(it): Shared, Path((kind, locale)): Path<(String, String)>| async move {
                in_language(&it, None, &kind, &locale)
            }),
        )
        .route(
            "/extensions/{pack}/docs/{file}",
            get(|State(it): Shared, Path((pack, file)): Path<(String, String)>| async move {
                page(&it, Some(&pack), &file)
            }),
        )
        .route(
            "/extensions/{pack}/docs/{kind}/{locale}",
            get(|State(it): Shared, Path((pack, kind, locale)): Path<(String, String, String)>| async move {
                in_language(&it, Some(&pack), &kind, &locale)
            }),
        )
}

/// Every language has the same page.
fn in_language(catalogue: &Catalogue, of_pack: Option<&str>, kind: &str, locale: &str) -> Response {
    match locale.ends_with(".md") {
        true => page(catalogue, of_pack, &format!("{kind}.md")),
        false => missing("no such page"),
    }
}

fn page(catalogue: &Catalogue, of_pack: Option<&str>, file: &str) -> Response {
    let nodes = catalogue.nodes();
    let kind = file.strip_suffix(".md").and_then(|id| nodes.kinds().get(id));
    match kind.filter(|kind| of_pack.is_none_or(|name| name == pack(kind))) {
        Some(kind) => {
            ([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], markdown(kind)).into_response()
        }
        None => missing("no such page"),
    }
}

fn markdown(kind: &KindInfo) -> String {
    let title = if kind.title.is_empty() { &kind.id } else { &kind.title };
    format!("# {title}\n\n`{}` of the plugin `{}`.\n\n{}", kind.id, kind.plugin, reference::markdown(kind))
}
