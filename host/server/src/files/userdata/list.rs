//! Lists of the user's files.

use super::Userdata;
use crate::files::blocking;
use crate::files::contained::{Entry, Listed, Name};
use crate::files::refusal::Refusal;
use crate::files::send::info;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Json;
use serde::Deserialize;
use serde_json::{Value, json};

/// The most files in a list.
const MOST: usize = 10_000;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    dir: String,
    recurse: Option<String>,
    split: Option<String>,
    full_info: Option<String>,
}

fn is_true(flag: Option<&String>) -> bool {
    flag.is_some_and(|flag| flag.eq_ignore_ascii_case("true"))
}

/// `GET /userdata?dir=D`: the files of a folder.
pub(super) async fn list(
    State(user): State<Userdata>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Value>, Refusal> {
    let Query(asked) = asked.map_err(|_| Refusal::bad("the query cannot be read"))?;
    // The editor of 2025 asks for `subgraphs/`, and does not start without an answer.
    let dir = Name::parse(asked.dir.strip_suffix('/').unwrap_or(&asked.dir))?;
    let how = Listed { folders: false, deep: is_true(asked.recurse.as_ref()), skip: None, most: MOST };
    blocking(move || {
        let mut entries = user.root.list(Some(&dir), how)?;
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        let shown = |entry: &Entry| {
            if is_true(asked.full_info.as_ref()) {
                info(&entry.path, entry)
            } else if is_true(asked.split.as_ref()) {
                let parts = std::iter::once(&*entry.path).chain(entry.path.split('/'));
                parts.collect::<Vec<_>>().into()
            } else {
                entry.path.as_str().into()
            }
        };
        Ok(Json(entries.iter().map(shown).collect()))
    })
    .await
}

#[derive(Deserialize)]
pub(super) struct Within {
    #[serde(default)]
    path: String,
}

/// `GET /v2/userdata?path=P`: files and folders of a folder; without a path, of all of it.
pub(super) async fn folder(
    State(user): State<Userdata>,
    asked: Result<Query<Within>, QueryRejection>,
) -> Result<Json<Value>, Refusal> {
    let Query(Within { path }) = asked.map_err(|_| Refusal::bad("the query cannot be read"))?;
    let within = if path.is_empty() { None } else { Some(Name::parse(&path)?) };
    blocking(move || {
        let how = Listed { folders: true, deep: false, skip: None, most: MOST };
        let mut entries = user.root.list(within.as_ref(), how)?;
        entries.sort_by(|a, b| (!a.is_folder, &a.path).cmp(&(!b.is_folder, &b.path)));
        let shown = |entry: &Entry| {
            let path = within.as_ref().map_or_else(String::new, |folder| format!("{folder}/"));
            let mut shown = json!({
                "name": entry.path,
                "path": format!("{path}{}", entry.path),
                "type": if entry.is_folder { "directory" } else { "file" },
            });
            if !entry.is_folder {
                shown["size"] = entry.size.into();
                shown["modified"] = Entry::millis(entry.modified).into();
            }
            shown
        };
        Ok(Json(entries.iter().map(shown).collect()))
    })
    .await
}
