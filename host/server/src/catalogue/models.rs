//! Weights: those built into plugins, and the files of the input folder.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use dreamwire_graph::{Format, KindInfo, Kinds};
use serde::Deserialize;
use serde_json::{Value, json};

use super::listing::{Listing, WEIGHTS, inside};
use super::{Catalogue, blocking, missing};

/// What clients call the folder of the files; the weights built into a plugin have a folder of its name.
const FILES: &str = "weights";

/// The longest header of a safetensors file that is read: that of ten thousands of tensors.
const MAX_HEADER: u64 = 8 << 20;

pub(super) fn routes() -> Router<Arc<Catalogue>> {
    Router::new()
        .route("/models", get(folders))
        .route("/models/{folder}", get(names))
        .route("/experiment/models", get(file_folders))
        .route("/experiment/models/{folder}", get(files))
        .route("/view_metadata/{folder}", get(metadata))
}

/// The names of weights that are built in, by the last part of the plugin's id.
fn builtin(kinds: &Kinds) -> BTreeMap<&str, Vec<&str>> {
    let mut plugins: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for kind in kinds.iter() {
        let weights = kind.params.list.iter().filter(|param| param.format == Some(Format::Weights));
        // A pattern is no name.
        let names =
            weights.flat_map(|param| &param.builtin).filter(|name| !name.is_empty() && !name.contains('*'));
        for name in names {
            let known = plugins.entry(plugin(kind)).or_default();
            if !known.contains(&name.as_str()) {
                known.push(name);
            }
        }
    }
    plugins
}

fn plugin(kind: &KindInfo) -> &str {
    kind.plugin.rsplit('.').next().unwrap_or_default()
}

async fn folders(State(catalogue): State<Arc<Catalogue>>) -> Json<Value> {
    let nodes = catalogue.nodes();
    let plugins = builtin(nodes.kinds()).into_keys().filter(|name| *name != FILES);
    Json(plugins.chain([FILES]).map(Value::from).collect())
}

async fn names(
    State(catalogue): State<Arc<Catalogue>>,
    Path(folder): Path<String>,
) -> Result<Response, StatusCode> {
    blocking(move || {
        if folder == FILES {
            return Json(json!(catalogue.listing().weights)).into_response();
        }
        let nodes = catalogue.nodes();
        match builtin(nodes.kinds()).get(folder.as_str()) {
            Some(names) => Json(json!(names)).into_response(),
            None => missing("no such folder"),
        }
    })
    .await
}

/// Without the paths of folders, which are nobody's business.
async fn file_folders() -> Json<Value> {
    let ends: Vec<String> = WEIGHTS.iter().map(|end| format!(".{end}")).collect();
    Json(json!([{ "name": FILES, "folders": [], "extensions": ends }]))
}

async fn files(
    State(catalogue): State<Arc<Catalogue>>,
    Path(folder): Path<String>,
) -> Result<Response, StatusCode> {
    if folder != FILES {
        return Ok(missing("no such folder"));
    }
    blocking(move || {
        let root = &catalogue.folders.input;
        let files = Listing::of([root.as_path()]).weights.into_iter().filter_map(|name| {
            let facts = inside(root, &name)?.metadata().ok()?;
            let seconds = |time: std::io::Result<std::time::SystemTime>| {
                time.ok().and_then(|time| Some(time.duration_since(UNIX_EPOCH).ok()?.as_secs_f64()))
            };
            let modified = seconds(facts.modified());
            let created = seconds(facts.created()).or(modified);
            Some(json!({
                "name": name, "pathIndex": 0, "modified": modified, "created": created, "size": facts.len(),
            }))
        });
        Json(files.collect::<Value>()).into_response()
    })
    .await
}

#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    filename: String,
}

async fn metadata(
    State(catalogue): State<Arc<Catalogue>>,
    Path(folder): Path<String>,
    Query(Named { filename }): Query<Named>,
) -> Result<Response, StatusCode> {
    blocking(move || {
        let file = inside(&catalogue.folders.input, &filename).filter(|_| folder == FILES);
        match file.and_then(|file| header(&file)) {
            Some(metadata) => Json(metadata).into_response(),
            None => missing("no metadata"),
        }
    })
    .await
}

/// The `__metadata__` of a safetensors file: its length in eight bytes, then JSON.
fn header(path: &FilePath) -> Option<Value> {
    let mut file = File::open(path).ok()?;
    let mut length = [0; 8];
    file.read_exact(&mut length).ok()?;
    let length = u64::from_le_bytes(length);
    if length > MAX_HEADER {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes).ok()?;
    let mut header: Value = serde_json::from_slice(&bytes).ok()?;
    Some(header.get_mut("__metadata__")?.take()).filter(Value::is_object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_within_its_length() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.safetensors");
        let read = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            header(&path)
        };
        let text = r#"{"__metadata__":{"network":"vgg16"}}"#;
        let mut file = (text.len() as u64).to_le_bytes().to_vec();
        file.extend(text.as_bytes());
        file.extend([0; 64]);
        assert_eq!(read(&file), Some(json!({ "network": "vgg16" })));
        assert_eq!(read(&file[..20]), None);
        assert_eq!(read(&u64::MAX.to_le_bytes()), None);
        assert_eq!(read(b"\x02\0\0\0\0\0\0\0{}"), None);
        assert_eq!(read(b""), None);
    }
}
