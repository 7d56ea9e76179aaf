//! The graphs that our own page offers.

use super::blocking;
use super::contained::{Entry, Listed, Name, Root};
use super::refusal::Refusal;
use super::send::{self, How};
use crate::folders::Folders;
use crate::graphs::api_form;
use crate::plugins::Plugins;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use dreamwire_engine::Nodes;
use dreamwire_graph::{Source, parse};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::Read;
use std::sync::Arc;

/// The most graphs in the list.
const MOST: usize = 1000;
/// The largest graph in the list, in bytes.
const LARGEST: u64 = 1 << 20;

pub(super) fn routes(folders: &Folders, plugins: Arc<Plugins>) -> Router {
    let root = folders.graphs.clone().map(Root::new);
    Router::new()
        .route("/dreamwire/graphs", get(list))
        .with_state(root.clone())
        .route("/dreamwire/graphs/{*name}", get(read))
        .with_state((root, plugins))
}

/// `GET /dreamwire/graphs`: the graph files of the folder, by name.
async fn list(State(root): State<Option<Root>>) -> Result<Json<Value>, Refusal> {
    let Some(root) = root else { return Ok(Json(json!([]))) };
    blocking(move || {
        let mut entries = root.list(None, Listed { folders: false, deep: false, skip: None, most: MOST })?;
        entries.retain(|entry| is_graph(&root, entry));
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        let shown = |entry: &Entry| {
            json!({
                "name": entry.path,
                "title": title(&entry.path),
                "modified": Entry::millis(entry.modified),
            })
        };
        Ok(Json(entries.iter().map(shown).collect()))
    })
    .await
}

/// The form that a graph is wanted in.
#[derive(Deserialize)]
struct Form {
    form: Option<String>,
}

/// `GET /dreamwire/graphs/{name}`: the text of a graph file, with its comments; with `?form=api` its nodes as strict JSON,
/// which editors read.
async fn read(
    State((root, plugins)): State<(Option<Root>, Arc<Plugins>)>,
    Query(form): Query<Form>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let raw = uri.path().split_once("/graphs/").map(|(_, raw)| raw).ok_or_else(Refusal::missing)?;
    let name = Name::parse(&Name::decode(raw)?)?;
    let root = root.filter(|_| name.as_str().ends_with(".json")).ok_or_else(Refusal::missing)?;
    if form.form.as_deref() == Some("api") {
        let graph = blocking(move || {
            let mut text = String::new();
            let read = root.open(&name)?.file.take(LARGEST).read_to_string(&mut text);
            let graph = read.ok().and_then(|_| api_form(&Source::new("", text), plugins.get().kinds()));
            graph.ok_or_else(Refusal::missing)
        });
        return Ok(Json(graph.await?).into_response());
    }
    let how = How { content_type: "application/json", foreign: true, attachment: false, cache: "no-cache" };
    send::send(root, name, headers, how).await
}

/// Whether a file has nodes: other JSON may lie beside graphs, such as their schema.
fn is_graph(root: &Root, entry: &Entry) -> bool {
    let read = || {
        let mut text = String::new();
        root.open(&Name::parse(&entry.path).ok()?).ok()?.file.take(LARGEST).read_to_string(&mut text).ok()?;
        Some(text)
    };
    let has_nodes = |text: String| {
        let (graph, _) = parse(&Source::new("", text));
        graph.nodes.iter().any(|node| !node.kind.is_empty())
    };
    entry.path.ends_with(".json") && entry.size <= LARGEST && read().is_some_and(has_nodes)
}

/// "Dream then style" for `dream_then_style.json`.
fn title(path: &str) -> String {
    let words = path.strip_suffix(".json").unwrap_or(path).replace(['_', '-'], " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use crate::files::testing::{Server, get};
    use serde_json::json;

    #[tokio::test]
    async fn graphs_are_listed_and_read() {
        let server = Server::new();
        let folder = server.folders.graphs.clone().unwrap();
        let text = "// A cat.\n{ \"photo\": { \"class_type\": \"LoadImage\" } }";
        std::fs::write(folder.join("dream_then_style.json"), text).unwrap();
        std::fs::write(folder.join("schema.json"), r#"{ "$schema": "x", "title": "t", "type": "object" }"#)
            .unwrap();
        std::fs::write(folder.join("broken.json"), "{").unwrap();
        std::fs::write(folder.join("notes.txt"), text).unwrap();
        let list = server.ask(get("/dreamwire/graphs")).await.json();
        assert_eq!(list.as_array().unwrap().len(), 1, "{list}");
        assert_eq!(
            (&list[0]["name"], &list[0]["title"]),
            (&json!("dream_then_style.json"), &json!("Dream then style"))
        );
        assert!(list[0]["modified"].as_u64().unwrap() > 1_700_000_000_000);
        let answer = server.ask(get("/dreamwire/graphs/dream_then_style.json")).await;
        assert_eq!((answer.status, answer.text()), (200, text.to_owned()));
        let strict = server.ask(get("/dreamwire/graphs/dream_then_style.json?form=api")).await;
        assert_eq!(strict.json(), json!({ "photo": { "class_type": "LoadImage", "inputs": {} } }));
        let broken = server.ask(get("/dreamwire/graphs/broken.json?form=api")).await;
        assert_eq!(broken.status, 404);
        for name in ["notes.txt", "none.json", "..%2Fsecret.json", "%2e%2e/secret.json", ""] {
            let status = server.ask(get(&format!("/dreamwire/graphs/{name}"))).await.status;
            assert!([400, 404].contains(&status), "{name}: {status}");
        }
    }
}
