//! The template gallery: the graphs of a folder, with the pictures beside them.

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use dreamwire_graph::{Graph, Kinds, MAX_BYTES, Source, parse};
use serde_json::{Value, json};

use super::listing::{inside, is_shown};
use super::{Catalogue, blocking, missing};

/// So many graphs at most are shown.
const MAX_GRAPHS: usize = 500;

/// The ends of the names of pictures, and their types.
static PICTURES: [(&str, &str); 4] =
    [("png", "image/png"), ("jpg", "image/jpeg"), ("jpeg", "image/jpeg"), ("webp", "image/webp")];

/// The form in which the editor opens a graph.
const FORM: fn(&Graph, &Kinds) -> Value = Graph::to_ui;

pub(super) fn routes() -> Router<Arc<Catalogue>> {
    Router::new().route("/templates/{file}", get(file))
}

/// One graph of the folder.
struct Entry {
    text: String,
    graph: Graph,
    /// The file as strict JSON; `null` if it has comments.
    json: Value,
}

impl Entry {
    /// Whether the editor wrote it.
    fn is_saved(&self) -> bool {
        self.json["nodes"].is_array()
    }
}

async fn file(
    State(catalogue): State<Arc<Catalogue>>,
    Path(file): Path<String>,
) -> Result<Response, StatusCode> {
    blocking(move || {
        let folder = catalogue.folders.graphs.as_deref();
        match file.as_str() {
            "index_logo.json" => return Json(json!({})).into_response(),
            name if is_index(name) => return Json(index(folder, catalogue.nodes().kinds())).into_response(),
            _ => {}
        }
        let found = folder.and_then(|folder| match file.strip_suffix(".json") {
            Some(name) => {
                graph(folder, name, catalogue.nodes().kinds()).map(|graph| Json(graph).into_response())
            }
            None => thumbnail(folder, &file),
        });
        found.unwrap_or_else(|| missing("no such template"))
    })
    .await
}

/// `index.json`, and in a language `index.LOCALE.json`.
fn is_index(file: &str) -> bool {
    let between = file.strip_prefix("index.").and_then(|rest| rest.strip_suffix("json"));
    between.is_some_and(|locale| {
        locale.is_empty() || locale.strip_suffix('.').is_some_and(|locale| !locale.contains('.'))
    })
}

fn index(folder: Option<&FilePath>, kinds: &Kinds) -> Value {
    let Some(folder) = folder else { return json!([]) };
    let templates: Vec<Value> =
        names(folder).iter().filter_map(|name| template(folder, name, kinds)).collect();
    if templates.is_empty() {
        return json!([]);
    }
    json!([{
        "moduleName": "default",
        "title": "Graphs",
        "type": "image",
        "category": "EXAMPLES",
        "templates": templates,
    }])
}

/// The names of the graphs, sorted.
fn names(folder: &FilePath) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".json").map(str::to_owned))
        .filter(|name| is_shown(name) && !is_index(&format!("{name}.json")))
        .collect();
    names.sort();
    names.truncate(MAX_GRAPHS);
    names
}

fn template(folder: &FilePath, name: &str, kinds: &Kinds) -> Option<Value> {
    let entry = read(folder, name)?;
    let (title, description) = words(&entry, name);
    let mut tags: Vec<&str> = Vec::new();
    for kind in entry.graph.nodes.iter().filter_map(|node| kinds.get(&node.kind)) {
        let tag = kind.category.split('/').next().unwrap_or_default();
        if !tag.is_empty() && !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    let subtype = picture(folder, name).map_or("png", |(_, end)| end);
    Some(json!({
        "name": name,
        "title": title,
        "mediaType": "image",
        "mediaSubtype": subtype,
        "description": description,
        "tags": tags,
        "openSource": true,
    }))
}

/// A file that is a graph; other JSON is not.
fn read(folder: &FilePath, name: &str) -> Option<Entry> {
    let path = inside(folder, &format!("{name}.json"))?;
    if path.metadata().ok()?.len() > MAX_BYTES as u64 {
        return None;
    }
    let text = String::from_utf8(std::fs::read(path).ok()?).ok()?;
    let json = serde_json::from_str(&text).unwrap_or_default();
    let (graph, _) = parse(&Source::new(name, text.as_str()));
    let entry = Entry { text, graph, json };
    let has_nodes = !entry.graph.damaged && entry.graph.nodes.iter().any(|node| !node.kind.is_empty());
    (entry.is_saved() || has_nodes).then_some(entry)
}

fn graph(folder: &FilePath, name: &str, kinds: &Kinds) -> Option<Value> {
    let entry = read(folder, name)?;
    Some(if entry.is_saved() { entry.json } else { FORM(&entry.graph, kinds) })
}

/// `NAME-1.png`: the picture of a graph.
fn thumbnail(folder: &FilePath, file: &str) -> Option<Response> {
    let (name, end) = file.rsplit_once('.')?;
    let (path, found) = picture(folder, name.strip_suffix("-1")?)?;
    let (_, ty) = PICTURES.iter().find(|(known, _)| *known == found && found == end)?;
    let bytes = std::fs::read(path).ok()?;
    Some(([(header::CONTENT_TYPE, *ty)], bytes).into_response())
}

/// The picture beside a graph, or in `pictures` there, and the end of its name.
fn picture(folder: &FilePath, name: &str) -> Option<(PathBuf, &'static str)> {
    let places = ["", "pictures/"];
    let mut files = places.iter().flat_map(|place| PICTURES.iter().map(move |(end, _)| (place, *end)));
    files.find_map(|(place, end)| Some((inside(folder, &format!("{place}{name}.{end}"))?, end)))
}

/// Title and description: `x-title` and `x-description` of a file without comments, or else its name and the first
/// paragraph of the comment at its top.
fn words(entry: &Entry, name: &str) -> (String, String) {
    let lines = entry.text.lines().map(str::trim).skip_while(|line| line.is_empty());
    let comment = lines.map_while(|line| line.strip_prefix("//")).map(str::trim);
    let paragraph: Vec<&str> = comment.take_while(|line| !line.is_empty()).collect();
    let member = |key: &str| entry.json.get(key)?.as_str().map(str::to_owned);
    let spaced = name.replace(['_', '-'], " ");
    let mut letters = spaced.chars();
    let capital: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
    (member("x-title").unwrap_or(capital), member("x-description").unwrap_or_else(|| paragraph.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::tests::kinds;

    const DREAM: &str = r#"// A photograph of a cat,
        // dreamt.
        //
        // More about it.
        { "photo": { "class_type": "LoadImage", "inputs": { "image": "cat.png" } },
          "save": { "class_type": "SaveImage", "inputs": { "images": ["photo", "IMAGE"] } } }"#;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        std::fs::create_dir(folder.path().join("pictures")).unwrap();
        write("dream_a-cat.json", DREAM);
        write("dream_a-cat.jpg", "JPEG");
        write(
            "saved.json",
            r#"{ "nodes": [{ "id": 1, "type": "LoadImage" }], "links": [], "version": 0.4 }"#,
        );
        write("pictures/saved.png", "PNG");
        write(
            "plain.json",
            r#"{ "x-title": "Plain", "x-description": "It.", "a": { "class_type": "Blur" } }"#,
        );
        for (name, text) in
            [("schema.json", r#"{ "type": "object" }"#), ("index.json", "{}"), (".x.json", DREAM)]
        {
            write(name, text);
        }
        write("broken.json", "{ nothing");
        folder
    }

    #[test]
    fn graphs_are_listed_with_their_words_and_pictures() {
        let folder = folder();
        let index = index(Some(folder.path()), &kinds());
        let templates = index[0]["templates"].as_array().unwrap();
        let facts: Vec<[&str; 4]> = templates
            .iter()
            .map(|it| ["name", "title", "description", "mediaSubtype"].map(|key| it[key].as_str().unwrap()))
            .collect();
        assert_eq!(
            facts,
            [
                ["dream_a-cat", "Dream a cat", "A photograph of a cat, dreamt.", "jpg"],
                ["plain", "Plain", "It.", "png"],
                ["saved", "Saved", "", "png"],
            ]
        );
        assert_eq!(templates[0]["tags"], json!(["test"]));
        assert_eq!(super::index(None, &kinds()), json!([]));
    }

    #[test]
    fn a_graph_is_strict_json_and_a_saved_one_as_it_is() {
        let folder = folder();
        let dream = graph(folder.path(), "dream_a-cat", &kinds()).unwrap();
        assert!(dream.to_string().contains("cat.png"));
        assert_eq!(graph(folder.path(), "saved", &kinds()).unwrap()["version"], json!(0.4));
        for name in ["schema", "broken", "../in/a", ".x", "nothing"] {
            assert!(graph(folder.path(), name, &kinds()).is_none(), "{name}");
        }
    }

    #[test]
    fn pictures_have_a_number() {
        let folder = folder();
        let is_there = |file: &str| thumbnail(folder.path(), file).is_some();
        assert!(is_there("dream_a-cat-1.jpg") && is_there("saved-1.png"));
        for file in
            ["dream_a-cat.jpg", "dream_a-cat-2.jpg", "dream_a-cat-1.png", "../saved-1.png", "plain-1.png"]
        {
            assert!(!is_there(file), "{file}");
        }
    }

    #[test]
    fn an_index_may_name_a_language() {
        assert!(is_index("index.json") && is_index("index.zh-TW.json"));
        assert!(!is_index("index_logo.json") && !is_index("my.index.json") && !is_index("index.a.b.json"));
    }
}
