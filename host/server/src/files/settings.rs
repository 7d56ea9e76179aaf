//! The settings of the editor: one JSON object in a file.

use super::blocking;
use super::body::{self, Limits};
use super::contained::{IfTaken, Name, Root};
use super::refusal::Refusal;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::Uri;
use axum::response::Json;
use axum::routing::get;
use axum::{Router, http::StatusCode};
use serde_json::{Map, Value, json};
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

const FILE: &str = "comfy.settings.json";
/// Where a file goes that is no JSON object, so that nothing is lost.
const DAMAGED: &str = "comfy.settings.damaged.json";
/// The largest file of settings, in bytes.
const MOST: u64 = 4 << 20;

struct Settings {
    root: Root,
    /// Whether there are graphs to show to a new user.
    gallery: bool,
    limits: Limits,
    /// Held while the file is changed.
    changing: Mutex<()>,
}

pub(super) fn routes(root: Root, gallery: bool, limits: Limits) -> Router {
    Router::new()
        .route("/users", get(users))
        .route("/settings", get(all).post(merge))
        .route("/settings/{*id}", get(one).post(set))
        .layer(DefaultBodyLimit::disable())
        .with_state(Arc::new(Settings { root, gallery, limits, changing: Mutex::new(()) }))
}

/// There is one user, whose files are here.
async fn users() -> Json<Value> {
    Json(json!({ "storage": "server", "migrated": true }))
}

/// What is set where nobody has: a new user is shown the gallery if there is one, and no question goes to a release feed.
fn defaults(gallery: bool) -> Map<String, Value> {
    let seeded = [("Comfy.TutorialCompleted", !gallery), ("Comfy.Notification.ShowVersionUpdates", false)];
    seeded.into_iter().map(|(id, value)| (id.to_owned(), value.into())).collect()
}

async fn all(State(settings): State<Arc<Settings>>) -> Result<Json<Value>, Refusal> {
    blocking(move || Ok(Json(settings.effective()?.into()))).await
}

async fn one(State(settings): State<Arc<Settings>>, uri: Uri) -> Result<Json<Value>, Refusal> {
    let id = id(&uri)?;
    blocking(move || Ok(Json(settings.effective()?.remove(&id).unwrap_or(Value::Null)))).await
}

async fn merge(State(settings): State<Arc<Settings>>, request: Request) -> Result<StatusCode, Refusal> {
    match settings.body(request).await? {
        Value::Object(changes) => blocking(move || settings.change(changes)).await,
        _ => Err(Refusal::bad("settings are a JSON object")),
    }
}

async fn set(State(settings): State<Arc<Settings>>, request: Request) -> Result<StatusCode, Refusal> {
    let id = id(request.uri())?;
    let value = settings.body(request).await?;
    blocking(move || settings.change(Map::from_iter([(id, value)]))).await
}

fn id(uri: &Uri) -> Result<String, Refusal> {
    let raw = uri.path().split_once("/settings/").map(|(_, raw)| raw).ok_or_else(Refusal::missing)?;
    Name::decode(raw)
}

impl Settings {
    /// The JSON of a request, whatever its content type.
    async fn body(&self, request: Request) -> Result<Value, Refusal> {
        let (parts, body) = request.into_parts();
        let bytes = body::collect(&parts.headers, body, MOST, self.limits).await?;
        serde_json::from_slice(&bytes).map_err(|_| Refusal::bad("the body is not JSON"))
    }

    /// The file; none if it is missing. Damaged text is given back as an error.
    fn stored(&self) -> Result<Result<Map<String, Value>, ()>, Refusal> {
        let opened = match self.root.open(&Name::parse(FILE)?) {
            Err(missing) if missing.status == StatusCode::NOT_FOUND => return Ok(Ok(Map::new())),
            opened => opened?,
        };
        let mut text = Vec::new();
        opened.file.take(2 * MOST).read_to_end(&mut text)?;
        Ok(serde_json::from_slice(&text).map_err(drop))
    }

    fn effective(&self) -> Result<Map<String, Value>, Refusal> {
        let mut settings = defaults(self.gallery);
        settings.extend(self.stored()?.unwrap_or_default());
        Ok(settings)
    }

    fn change(&self, changes: Map<String, Value>) -> Result<StatusCode, Refusal> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let name = Name::parse(FILE)?;
        let mut settings = match self.stored()? {
            Ok(settings) => settings,
            Err(()) => {
                self.root.rename(&name, &Name::parse(DAMAGED)?, IfTaken::Replace)?;
                Map::new()
            }
        };
        settings.extend(changes);
        let text = serde_json::to_vec_pretty(&settings).map_err(|_| Refusal::internal())?;
        if text.len() as u64 > MOST {
            return Err(Refusal::too_large(MOST));
        }
        let mut file = self.root.temporary(&name)?;
        file.write(&text)?;
        self.root.publish(&mut file, &name, IfTaken::Replace)?;
        Ok(StatusCode::OK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::testing::{Server, get, post};

    #[tokio::test]
    async fn settings_are_merged_and_kept() {
        let server = Server::new();
        let seeded =
            json!({ "Comfy.TutorialCompleted": false, "Comfy.Notification.ShowVersionUpdates": false });
        assert_eq!(server.ask(get("/settings")).await.json(), seeded);
        let answer = server.ask(post("/settings", r#"{"a": 1, "Comfy.TutorialCompleted": true}"#)).await;
        assert_eq!((answer.status, answer.text()), (200, String::new()));
        assert_eq!(server.ask(post("/settings/b.c%2Fd", "[2]")).await.status, 200);
        assert_eq!(server.ask(get("/settings/b.c%2Fd")).await.json(), json!([2]));
        assert_eq!(server.ask(get("/settings/none")).await.json(), Value::Null);
        let all = server.ask(get("/settings")).await.json();
        assert_eq!((&all["a"], &all["Comfy.TutorialCompleted"]), (&json!(1), &json!(true)));
        let text = std::fs::read_to_string(server.folders.user.join(FILE)).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["b.c/d"], json!([2]));
        assert_eq!(server.ask(get("/users")).await.json(), json!({ "storage": "server", "migrated": true }));
    }

    #[test]
    fn without_a_gallery_a_new_user_is_shown_none() {
        assert_eq!(defaults(false)["Comfy.TutorialCompleted"], true);
    }

    #[tokio::test]
    async fn bodies_that_are_no_settings_change_nothing() {
        let server = Server::new();
        server.ask(post("/settings", r#"{"a": 1}"#)).await;
        for (path, body) in
            [("/settings", "[1]"), ("/settings", "{"), ("/settings/a", "no"), ("/settings", "")]
        {
            assert_eq!(server.ask(post(path, body)).await.status, 400, "{path} {body}");
        }
        let large = format!("\"{}\"", "x".repeat(5 << 20));
        assert_eq!(server.ask(post("/settings/a", large)).await.status, 413);
        assert_eq!(server.ask(get("/settings/a")).await.json(), json!(1));
    }

    #[tokio::test]
    async fn a_damaged_file_is_kept_aside() {
        let server = Server::new();
        std::fs::create_dir_all(&server.folders.user).unwrap();
        std::fs::write(server.folders.user.join(FILE), "{\"a\":").unwrap();
        assert_eq!(server.ask(get("/settings")).await.json()["Comfy.TutorialCompleted"], json!(false));
        assert_eq!(server.ask(post("/settings/b", "2")).await.status, 200);
        assert_eq!(server.ask(get("/settings/b")).await.json(), json!(2));
        assert_eq!(std::fs::read_to_string(server.folders.user.join(DAMAGED)).unwrap(), "{\"a\":");
    }
}
