//! What is in the folders of pictures.

use super::blocking;
use super::contained::{Entry, Listed};
use super::refusal::Refusal;
use super::types;
use crate::folders::{Folders, Place};
use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Json;
use axum::routing::get;
use dreamwire_engine::world::annotation::PREVIEWS;
use serde::Deserialize;
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::sync::Arc;

/// The most files of a folder that are looked at.
const MOST: usize = 50_000;
/// The most pictures in an answer.
const PAGE: usize = 200;

pub(super) fn routes(folders: Arc<Folders>) -> Router {
    Router::new()
        .route("/internal/files/{place}", get(newest))
        .route("/dreamwire/pictures", get(pictures))
        .with_state(folders)
}

/// The files of a place, newest first; none if there is no such folder yet.
fn listed(folders: &Folders, place: Place, deep: bool) -> Result<Vec<Entry>, Refusal> {
    // What previews leave is a place of its own.
    let skip = (place == Place::Output).then_some(PREVIEWS);
    let mut entries = match folders.place(place).list(None, Listed { folders: false, deep, skip, most: MOST })
    {
        Err(missing) if missing.status == StatusCode::NOT_FOUND => Vec::new(),
        entries => entries?,
    };
    entries.sort_by(|a, b| (Reverse(a.modified), &a.path).cmp(&(Reverse(b.modified), &b.path)));
    Ok(entries)
}

/// `GET /internal/files/{place}`: the names of the files in a folder, newest first.
async fn newest(
    State(folders): State<Arc<Folders>>,
    Path(place): Path<String>,
) -> Result<Json<Vec<String>>, Refusal> {
    let place = Place::parse(&place).ok_or_else(|| Refusal::bad("the folders are input, output and temp"))?;
    blocking(move || {
        let entries = listed(&folders, place, false)?;
        Ok(Json(entries.into_iter().map(|entry| entry.path).collect()))
    })
    .await
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    offset: usize,
    limit: Option<usize>,
}

/// `GET /dreamwire/pictures?offset=&limit=`: output pictures in all folders, newest first.
async fn pictures(
    State(folders): State<Arc<Folders>>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Value>, Refusal> {
    let Query(page) = page.map_err(|_| Refusal::bad("the offset and the limit are numbers"))?;
    blocking(move || {
        let entries = listed(&folders, Place::Output, true)?;
        let pictures = entries.iter().filter(|entry| types::is_picture(&entry.path));
        let shown = |entry: &Entry| {
            let (subfolder, filename) = entry.path.rsplit_once('/').unwrap_or(("", &entry.path));
            json!({
                "filename": filename,
                "subfolder": subfolder,
                "type": Place::Output.name(),
                "modified": Entry::millis(entry.modified),
                "size": entry.size,
            })
        };
        Ok(Json(pictures.skip(page.offset).take(page.limit.unwrap_or(PAGE).min(PAGE)).map(shown).collect()))
    })
    .await
}

#[cfg(test)]
mod tests {
    use crate::files::testing::{Server, get};
    use serde_json::json;
    use std::time::{Duration, SystemTime};

    #[tokio::test]
    async fn the_newest_file_is_the_first() {
        let server = Server::new();
        let now = SystemTime::now();
        for (age, path) in
            [(30, "a.png"), (10, "sub/b.png"), (20, "c.txt"), (5, "preview/p.png"), (1, ".hidden.png")]
        {
            let path = server.folders.output.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "1234").unwrap();
            let file = std::fs::File::options().write(true).open(&path).unwrap();
            file.set_modified(now - Duration::from_secs(age)).unwrap();
        }
        assert_eq!(server.ask(get("/internal/files/output")).await.json(), json!(["c.txt", "a.png"]));
        assert_eq!(server.ask(get("/internal/files/temp")).await.json(), json!(["p.png"]));
        assert_eq!(server.ask(get("/internal/files/input")).await.json(), json!([]));
        assert_eq!(server.ask(get("/internal/files/user")).await.status, 400);
        assert_eq!(server.ask(get("/internal/files/..%2Fuser")).await.status, 400);
        let pictures = server.ask(get("/dreamwire/pictures")).await.json();
        assert_eq!(pictures.as_array().unwrap().len(), 2);
        assert_eq!((&pictures[0]["filename"], &pictures[0]["subfolder"]), (&json!("b.png"), &json!("sub")));
        assert_eq!((&pictures[0]["size"], &pictures[0]["type"]), (&json!(4), &json!("output")));
        let second = server.ask(get("/dreamwire/pictures?offset=1&limit=1")).await.json();
        assert_eq!(second, json!([pictures[1]]));
        assert_eq!(server.ask(get("/dreamwire/pictures?limit=x")).await.status, 400);
    }
}
