//! A server's routes over temporary folders, asked without a network.

use super::body::Limits;
use super::logs::Logs;
use crate::folders::Folders;
use crate::plugins::Plugins;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Request};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt as _;

/// Folders, and the routes over them as the server has them: once, and once more under `/api`.
pub(super) struct Server {
    pub(super) folders: Arc<Folders>,
    pub(super) logs: Arc<Logs>,
    pub(super) router: Router,
    dir: tempfile::TempDir,
}

/// Small limits, so that tests reach them.
pub(super) const LIMITS: Limits = Limits {
    upload: 64 << 10,
    body: 16 << 10,
    idle: Duration::from_millis(300),
    whole: Duration::from_secs(2),
};

impl Server {
    pub(super) fn new() -> Self {
        Self::make(false, LIMITS)
    }

    pub(super) fn with_frontend() -> Self {
        Self::make(true, LIMITS)
    }

    pub(super) fn with_limits(limits: Limits) -> Self {
        Self::make(false, limits)
    }

    fn make(frontend: bool, limits: Limits) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            let path = dir.path().join(name);
            std::fs::create_dir(&path).unwrap();
            path
        };
        let folders = Arc::new(Folders {
            input: folder("in"),
            output: folder("out"),
            user: dir.path().join("out/.dreamwire"),
            graphs: Some(folder("graphs")),
            frontend: frontend.then(|| folder("frontend")),
        });
        // What must never come out.
        std::fs::write(dir.path().join("secret.txt"), "SECRET").unwrap();
        std::fs::write(dir.path().join("secret.json"), "SECRET").unwrap();
        let logs = Arc::new(Logs::default());
        let router = super::plain(&folders, &Arc::new(Plugins::none()), Arc::clone(&logs), limits)
            .merge(super::routes(&folders, limits))
            .nest("/api", super::routes(&folders, limits));
        Self { folders, logs, router, dir }
    }

    /// The folder with all others, and `secret.txt`.
    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(super) async fn ask(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 64 << 20).await.unwrap().to_vec();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// The names of all files in a folder, with temporary ones.
    pub(super) fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

/// What came back.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {} {}", self.status, self.text()))
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

pub(super) fn get(path: &str) -> Request<Body> {
    request("GET", path, String::new())
}

pub(super) fn post(path: &str, body: impl Into<Body>) -> Request<Body> {
    request("POST", path, body)
}

pub(super) fn request(method: &str, path: &str, body: impl Into<Body>) -> Request<Body> {
    Request::builder().method(method).uri(path).body(body.into()).unwrap()
}

/// Adds headers to a request.
pub(super) trait With {
    fn with(self, name: &'static str, value: &str) -> Self;
}

impl With for Request<Body> {
    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
        self
    }
}

/// A form with one file and some texts.
pub(super) fn form(path: &str, file: Option<(&str, &[u8])>, texts: &[(&str, &str)]) -> Request<Body> {
    let mut body = Vec::new();
    if let Some((name, bytes)) = file {
        let head =
            format!("--xyz\r\nContent-Disposition: form-data; name=\"image\"; filename=\"{name}\"\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    for (name, text) in texts {
        let part = format!("--xyz\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    body.extend_from_slice(b"--xyz--\r\n");
    post(path, body).with("content-type", "multipart/form-data; boundary=xyz")
}

/// A PNG of one colour.
pub(super) fn png(width: u32, height: u32, colour: [u8; 4]) -> Vec<u8> {
    let picture = image::RgbaImage::from_pixel(width, height, image::Rgba(colour));
    super::picture::png(&picture.into(), None).unwrap()
}
