//! Pages: ComfyUI's editor from where the user installed it, and our own.

use super::contained::{Name, Root};
use super::refusal::Refusal;
use super::send::{self, How};
use super::types;
use crate::folders::Folders;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse, Json, Redirect, Response};
use axum::routing::get;
use std::sync::Arc;

/// What reloads node definitions and graphs in the open editor.
const HOT_RELOAD: &str = "/extensions/dreamwire/hotreload.js";

/// The files of our own page.
const PAGE: [(&str, &str); 22] = [
    ("index.html", include_str!("../../page/index.html")),
    ("api.js", include_str!("../../page/api.js")),
    ("card.js", include_str!("../../page/card.js")),
    ("dom.js", include_str!("../../page/dom.js")),
    ("fields.js", include_str!("../../page/fields.js")),
    ("flow.js", include_str!("../../page/flow.js")),
    ("gallery.js", include_str!("../../page/gallery.js")),
    ("graph.css", include_str!("../../page/graph.css")),
    ("graph.js", include_str!("../../page/graph.js")),
    ("icon.svg", include_str!("../../page/icon.svg")),
    ("kinds.js", include_str!("../../page/kinds.js")),
    ("library.js", include_str!("../../page/library.js")),
    ("markdown.js", include_str!("../../page/markdown.js")),
    ("page.js", include_str!("../../page/page.js")),
    ("png.js", include_str!("../../page/png.js")),
    ("queue.js", include_str!("../../page/queue.js")),
    ("reference.js", include_str!("../../page/reference.js")),
    ("run.js", include_str!("../../page/run.js")),
    ("socket.js", include_str!("../../page/socket.js")),
    ("style.css", include_str!("../../page/style.css")),
    ("tip.js", include_str!("../../page/tip.js")),
    ("wire.svg", include_str!("../../page/wire.svg")),
];

/// The list of what the editor loads on top of itself.
pub(super) fn listed() -> Router {
    Router::new().route("/extensions", get(|| async { Json([HOT_RELOAD]) }))
}

/// Our own page below `/dreamwire/`, and as a fallback the editor's files, or our own page again if there is no editor.
pub(super) fn pages(folders: &Arc<Folders>) -> Router {
    // The user has named or installed it; package managers make it of links.
    let root = folders.frontend.clone().map(Root::with_links);
    let hot_reload = || async { embedded("hotreload.js", include_str!("../../page/hotreload.js")) };
    let mut router = Router::new()
        .route(HOT_RELOAD, get(hot_reload))
        .route("/dreamwire", get(|| async { Redirect::permanent("dreamwire/") }))
        .route("/dreamwire/", get(|| async { own("") }));
    for (name, text) in PAGE {
        router =
            router.route(&format!("/dreamwire/{name}"), get(move || async move { embedded(name, text) }));
    }
    router.fallback(page).with_state(root)
}

async fn page(
    State(root): State<Option<Root>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let path = uri.path().trim_start_matches('/');
    let is_route = ["api", "internal"].contains(&path.split('/').next().unwrap_or_default());
    if is_route || !(method == Method::GET || method == Method::HEAD) {
        return Err(Refusal::new(axum::http::StatusCode::NOT_FOUND, "there is no such route"));
    }
    let Some(root) = root else { return own(path) };
    let path = Name::decode(if path.is_empty() { "index.html" } else { path })?;
    let name = Name::parse(&path)?;
    let how = how(name.as_str());
    send::send(root, name, headers, how).await
}

/// A file of our own page.
fn own(path: &str) -> Result<Response, Refusal> {
    let path = if path.is_empty() { "index.html" } else { path };
    let file = PAGE.iter().find(|(name, _)| *name == path);
    file.map(|(name, text)| embedded(name, text)).ok_or_else(Refusal::missing)
}

fn embedded(name: &'static str, text: &'static str) -> Response {
    let how = how(name);
    let headers = [("content-type", how.content_type), ("cache-control", how.cache)];
    (headers, text).into_response()
}

/// A page is never kept: it names the scripts of its version. Pictures and fonts are kept for a day; about all else a
/// browser asks whether it has changed.
fn how(name: &str) -> How {
    let content_type = types::of(name);
    let cache = match content_type.split_once('/') {
        Some(("text", _)) if content_type.starts_with("text/html") => "no-store",
        Some(("image" | "font", _)) => "max-age=86400",
        _ => "no-cache",
    };
    How { content_type, foreign: false, attachment: false, cache }
}

#[cfg(test)]
mod tests {
    use crate::files::testing::{Server, With as _, get, request};

    #[tokio::test]
    async fn an_editor_is_served_from_its_folder_and_nothing_else() {
        let server = Server::with_frontend();
        let folder = server.folders.frontend.clone().unwrap();
        std::fs::create_dir(folder.join("assets")).unwrap();
        for (name, text) in
            [("index.html", "<p>"), ("assets/a b.mjs", "1"), ("x.json", "{}"), ("i.png", "p"), (".env", "s")]
        {
            std::fs::write(folder.join(name), text).unwrap();
        }
        let page = server.ask(get("/")).await;
        assert_eq!((page.text(), page.header("cache-control")), ("<p>".into(), "no-store"));
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        let script = server.ask(get("/assets/a%20b.mjs?v=1")).await;
        assert_eq!((script.text(), script.header("content-type")), ("1".into(), "application/javascript"));
        let tag = script.header("etag").to_owned();
        let again = get("/assets/a%20b.mjs").with("if-none-match", &tag);
        assert_eq!(server.ask(again).await.status, 304);
        assert_eq!(server.ask(get("/x.json")).await.header("content-type"), "application/json");
        assert_eq!(server.ask(get("/i.png")).await.header("cache-control"), "max-age=86400");
        for path in [
            "/.env",
            "/..%2fsecret.txt",
            "/%2e%2e/secret.txt",
            "/assets/..%5c..%5csecret.txt",
            "//etc/passwd",
        ] {
            let answer = server.ask(get(path)).await;
            assert!([400, 404].contains(&answer.status), "{path}: {}", answer.status);
        }
        // Our own page lies beside it.
        assert!(server.ask(get("/dreamwire/")).await.header("content-type").starts_with("text/html"));
        assert_eq!(server.ask(get("/dreamwire")).await.header("location"), "dreamwire/");
        assert_eq!(server.ask(get("/page.js")).await.status, 404);
    }

    /// uv installs packages as links into its cache.
    #[cfg(unix)]
    #[tokio::test]
    async fn an_editor_may_be_made_of_links() {
        use std::os::unix::fs::symlink;
        let server = Server::with_frontend();
        let folder = server.folders.frontend.clone().unwrap();
        let cache = server.path().join("cache");
        std::fs::create_dir_all(cache.join("assets")).unwrap();
        std::fs::write(cache.join("page"), "<p>").unwrap();
        std::fs::write(cache.join("assets/a.js"), "1").unwrap();
        symlink(cache.join("page"), folder.join("index.html")).unwrap();
        symlink(cache.join("assets"), folder.join("assets")).unwrap();
        symlink(cache.join("gone"), folder.join("gone.js")).unwrap();
        let page = server.ask(get("/")).await;
        assert_eq!((page.text(), page.header("content-type")), ("<p>".into(), "text/html; charset=utf-8"));
        assert_eq!(server.ask(get("/assets/a.js")).await.text(), "1");
        for path in ["/gone.js", "/assets", "/assets/..%2fpage", "/..%2fsecret.txt"] {
            let answer = server.ask(get(path)).await;
            assert!([400, 404].contains(&answer.status), "{path}: {}", answer.status);
        }
        // Elsewhere links that lead out stay closed.
        symlink(server.path().join("secret.txt"), server.folders.input.join("a.png")).unwrap();
        assert_eq!(server.ask(get("/view?filename=a.png&type=input")).await.status, 403);
    }

    #[tokio::test]
    async fn without_an_editor_our_own_page_is_there() {
        let server = Server::new();
        assert_eq!(server.ask(get("/")).await.text(), server.ask(get("/dreamwire/")).await.text());
        assert_eq!(server.ask(get("/page.js")).await.header("content-type"), "application/javascript");
        assert_eq!(server.ask(get("/style.css")).await.header("content-type"), "text/css; charset=utf-8");
        let extensions = server.ask(get("/extensions")).await.json();
        let script = server.ask(get(extensions[0].as_str().unwrap())).await;
        assert_eq!((script.status, script.header("content-type")), (200, "application/javascript"));
    }

    #[tokio::test]
    async fn unknown_routes_are_404_with_a_text() {
        for server in [Server::new(), Server::with_frontend()] {
            for ask in [
                get("/api/none"),
                get("/internal/none"),
                get("/none"),
                request("POST", "/none", String::new()),
            ] {
                let answer = server.ask(ask).await;
                assert_eq!(answer.status, 404);
                assert!(!answer.text().is_empty());
            }
        }
    }
}
