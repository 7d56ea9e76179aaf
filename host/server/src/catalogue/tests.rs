//! A few kinds with the names of real ones, and the routes.

use std::time::Instant;

use axum::body::Body;
use axum::http::{Request, header};
use dreamwire_engine::{Failure, Request as Step, Value as Output};
use dreamwire_graph::{KindInfo, Kinds, Params, Port};
use tower::ServiceExt;

use super::*;

fn port(name: &str, types: &str) -> Port {
    let types = types.split('|').map(str::to_owned).collect();
    Port { name: name.to_owned(), types, ..Port::default() }
}

fn kind(id: &str, inputs: Vec<Port>, outputs: Vec<Port>, properties: Value) -> KindInfo {
    let schema = json!({ "type": "object", "properties": properties });
    let (params, doc) = Params::parse(&schema).expect("the test's schema is in the subset");
    KindInfo {
        id: id.to_owned(),
        version: 1,
        plugin: "org.dreamwire.test".to_owned(),
        file: "libdreamwire_test.so".to_owned(),
        title: id.to_owned(),
        category: "test".to_owned(),
        doc,
        inputs,
        outputs,
        params,
        pure_: true,
        output: false,
        stateful: false,
    }
}

pub(crate) fn kinds() -> Kinds {
    let mut kinds = Kinds::new();
    kinds.searched = vec!["/home/someone/plugins".to_owned()];
    let image = || vec![port("IMAGE", "IMAGE")];
    kinds.insert(kind(
        "LoadImage",
        vec![],
        vec![port("IMAGE", "IMAGE"), port("MASK", "MASK")],
        json!({ "image": { "type": "string", "format": "dw-file" } }),
    ));
    kinds.insert(KindInfo {
        output: true,
        ..kind(
            "SaveImage",
            vec![port("images", "IMAGE")],
            vec![],
            json!({ "filename_prefix": { "type": "string", "format": "dw-output", "default": "dreamwire" } }),
        )
    });
    kinds.insert(KindInfo {
        title: "Gradient ascent (DeepDream)".to_owned(),
        doc: "Climbs the gradient\nof an objective.\n\nMore of it.".to_owned(),
        ..kind(
            "GradientAscent",
            vec![
                port("image", "IMAGE|LATENT_W"),
                port("objective", "OBJECTIVE|FEATURES"),
                Port { optional: true, ..port("mask", "MASK") },
            ],
            vec![port("IMAGE", "IMAGE"), Port { optional: true, ..port("LATENT_W", "LATENT_W") }],
            json!({
                "octaves": { "type": "integer", "minimum": 1, "maximum": 16, "default": 4 },
                "rate": { "type": "number", "default": 1.5 },
                "carry": { "enum": ["detail", "image"], "default": "detail" },
                "seed": { "type": "integer", "minimum": 0, "maximum": u64::MAX, "default": 0 },
            }),
        )
    });
    kinds.insert(kind(
        "VGGFeatures",
        vec![],
        vec![port("FEATURES", "FEATURES")],
        json!({ "weights": {
            "type": "string", "format": "dw-weights", "x-dw-builtin": ["vgg16", "random:*"], "default": "vgg16" } }),
    ));
    kinds.insert(kind(
        "SumObjective",
        vec![Port { many: true, ..port("objectives", "OBJECTIVE|FEATURES") }],
        vec![port("OBJECTIVE", "OBJECTIVE")],
        json!({ "weights": { "type": "string", "x-dw-list": true, "default": "" } }),
    ));
    kinds.insert(kind("Blur", vec![port("image", "IMAGE")], image(), json!({})));
    kinds.insert(kind(
        "Values",
        vec![],
        vec![port("INT", "INT")],
        json!({
            "whole": { "type": "integer", "default": 0 },
            "real": { "type": "number", "default": 0 },
            "text": { "type": "string", "default": "" },
            "flag": { "type": "boolean", "default": false },
            "list": { "type": "array", "items": { "type": "number" }, "default": [] },
            "words": { "type": "array", "items": { "type": "string" }, "default": [] },
            "perhaps": { "type": ["number", "null"] },
            "either": { "type": ["boolean", "null"] },
        }),
    ));
    kinds
}

/// Kinds that nothing runs.
struct Listed(Kinds);

impl Nodes for Listed {
    fn kinds(&self) -> &Kinds {
        &self.0
    }

    fn build(&self, _: &str) -> Option<dreamwire_engine::Hash> {
        None
    }

    fn run(&self, _: &Step<'_>) -> Result<Vec<Output>, Failure> {
        unreachable!("nothing runs here")
    }
}

struct Server {
    folder: tempfile::TempDir,
    routes: Router,
}

/// What the server of these tests takes, in bytes.
const UPLOAD_MAX: u64 = 3 << 20;

impl Server {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let below = |name: &str| folder.path().join(name);
        let folders = Folders {
            input: below("in"),
            output: below("out"),
            user: below("out/.dreamwire"),
            graphs: Some(below("graphs")),
            frontend: None,
        };
        std::fs::create_dir(&folders.input).unwrap();
        std::fs::create_dir(below("graphs")).unwrap();
        let nodes: Arc<dyn Nodes> = Arc::new(Listed(kinds()));
        let catalogue = Catalogue::new(move || Arc::clone(&nodes), folders, Arc::default(), UPLOAD_MAX);
        Self { folder, routes: routes(Arc::new(catalogue)) }
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.folder.path().join(name), bytes).unwrap();
    }

    /// Status, type and body.
    async fn get(&self, path: &str) -> (u16, String, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = self.routes.clone().oneshot(request).await.unwrap();
        let ty = answer.headers().get(header::CONTENT_TYPE).map(|ty| ty.to_str().unwrap().to_owned());
        let status = answer.status().as_u16();
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (status, ty.unwrap_or_default(), String::from_utf8(body.to_vec()).unwrap())
    }

    async fn json(&self, path: &str) -> Value {
        let (status, ty, body) = self.get(path).await;
        assert_eq!((status, ty.as_str()), (200, "application/json"), "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }
}

#[tokio::test]
async fn definitions_list_the_pictures_of_the_moment() {
    let server = Server::new();
    let options = |info: Value| info["LoadImage"]["input"]["required"]["image"][1]["options"].clone();
    assert_eq!(options(server.json("/object_info").await), json!([]));
    server.write("in/cat.png", b"");
    let all = server.json("/object_info").await;
    assert_eq!(all.as_object().unwrap().len(), kinds().len());
    assert_eq!(options(all), json!(["cat.png"]));
    assert_eq!(options(server.json("/object_info/LoadImage").await), json!(["cat.png"]));
    assert_eq!(server.json("/object_info/Primitive%20boolean%20%5BCrystools%5D").await, json!({}));
}

#[tokio::test]
async fn what_is_there_is_found_and_the_rest_has_an_empty_answer() {
    let server = Server::new();
    server.write("in/net.pth", b"12345");
    assert_eq!(server.json("/embeddings").await, json!([]));
    for path in [
        "/i18n",
        "/global_subgraphs",
        "/workflow_templates",
        "/internal/folder_paths",
        "/templates/index_logo.json",
    ] {
        assert_eq!(server.json(path).await, json!({}), "{path}");
    }
    assert_eq!(server.json("/features").await["supports_preview_metadata"], json!(true));
    assert_eq!(server.json("/templates/index.fr.json").await, json!([]));
    assert_eq!(server.json("/models").await, json!(["test", "weights"]));
    assert_eq!(server.json("/models/test").await, json!(["vgg16"]));
    assert_eq!(server.json("/models/weights").await, json!(["net.pth"]));
    let files = server.json("/experiment/models/weights").await;
    assert_eq!((&files[0]["name"], &files[0]["size"]), (&json!("net.pth"), &json!(5)));
    for path in
        ["/models/x", "/experiment/models/x", "/view_metadata/weights?filename=net.pth", "/view_metadata/x"]
    {
        let (status, _, body) = server.get(path).await;
        assert!(status == 404 && !body.is_empty(), "{path}: {status}");
    }
}

#[tokio::test]
async fn help_is_markdown_for_every_language() {
    let server = Server::new();
    for path in [
        "/docs/GradientAscent.md",
        "/docs/GradientAscent/en.md",
        "/extensions/dreamwire-test/docs/GradientAscent.md",
        "/extensions/dreamwire-test/docs/GradientAscent/pt-BR.md",
    ] {
        let (status, ty, body) = server.get(path).await;
        assert_eq!((status, ty.as_str()), (200, "text/markdown; charset=utf-8"), "{path}");
        assert!(body.starts_with("# Gradient ascent (DeepDream)\n\n`GradientAscent` of"), "{body}");
        assert!(body.contains("| `octaves` | integer, 1 to 16, default 4 |"), "{body}");
    }
    for path in ["/docs/Nothing.md", "/docs/Blur", "/docs/Blur/en", "/extensions/other/docs/Blur.md"] {
        assert_eq!(server.get(path).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn a_template_is_fetched_by_its_name() {
    let server = Server::new();
    server.write(
        "graphs/a cat.json",
        br#"{ "a": { "class_type": "LoadImage", "inputs": { "image": "a.png" } } }"#,
    );
    server.write("graphs/a cat.png", b"PNG");
    assert_eq!(server.json("/templates/index.json").await[0]["templates"][0]["name"], "a cat");
    assert!(server.json("/templates/a%20cat.json").await.to_string().contains("a.png"));
    assert_eq!(server.get("/templates/a%20cat-1.png").await, (200, "image/png".to_owned(), "PNG".to_owned()));
    server.write("secret.json", br#"{ "a": { "class_type": "LoadImage" } }"#);
    assert_eq!(server.get("/templates/..%2Fsecret.json").await.0, 404);
}

#[tokio::test]
async fn no_answer_names_a_folder() {
    let server = Server::new();
    server.write("in/net.safetensors", b"");
    let here = server.folder.path().to_str().unwrap();
    for path in
        ["/object_info", "/system_stats", "/experiment/models", "/experiment/models/weights", "/models"]
    {
        let text = server.json(path).await.to_string();
        assert!(!text.contains(here) && !text.contains("/home/"), "{path}: {text}");
    }
    let stats = server.json("/system_stats").await;
    assert!(stats["system"]["ram_total"].is_u64() && stats["devices"][0]["vram_free"].is_u64());
    assert_eq!(stats["devices"][0]["type"], "cpu");
}

#[tokio::test]
async fn the_largest_upload_is_told() {
    let features = Server::new().json("/features").await;
    assert_eq!(features["max_upload_size"], json!(UPLOAD_MAX));
    let hub = Arc::new(crate::hub::Hub::new(1));
    let connection = hub.connect("a".to_owned()).unwrap();
    let reply =
        crate::routes::socket::heard(&connection, r#"{"type":"feature_flags","data":{}}"#, 77).unwrap();
    let reply: Value = serde_json::from_str(reply.to_text().unwrap()).unwrap();
    assert_eq!(reply["data"]["max_upload_size"], 77);
}

#[tokio::test]
async fn a_device_is_known_once_a_run_has_used_it() {
    let folders = Folders {
        input: "in".into(),
        output: "out".into(),
        user: "user".into(),
        graphs: None,
        frontend: None,
    };
    let nodes: Arc<dyn Nodes> = Arc::new(Listed(kinds()));
    let device: Arc<super::machine::DeviceInUse> = Arc::default();
    let catalogue = Arc::new(Catalogue::new(move || Arc::clone(&nodes), folders, Arc::clone(&device), 1));
    device.set(dreamwire_engine::Device::Cuda(1), "a card".to_owned());
    let stats = machine::stats(State(catalogue)).await.0;
    assert_eq!(stats["devices"][0]["name"], "cuda:1 a card");
    assert_eq!((&stats["devices"][0]["index"], &stats["devices"][1]["type"]), (&json!(1), &json!("cpu")));
}

/// 100 kinds and 1000 pictures. The limit is for an optimised program; this one may take some times as long.
#[test]
fn definitions_are_quick() {
    let folder = tempfile::tempdir().unwrap();
    for index in 0..1000 {
        std::fs::write(folder.path().join(format!("{index}.png")), "").unwrap();
    }
    let mut kinds = Kinds::new();
    for index in 0..100 {
        let like = self::kinds().get("GradientAscent").unwrap().as_ref().clone();
        kinds.insert(KindInfo { id: format!("Kind{index}"), ..like });
    }
    let once = || {
        let start = Instant::now();
        let text = Value::Object(definition::all(&kinds, &Listing::of([folder.path()]))).to_string();
        assert!(text.len() > 100_000);
        start.elapsed()
    };
    let best = (0..10).map(|_| once()).min().unwrap();
    assert!(best.as_millis() < 50, "{best:?}");
}
