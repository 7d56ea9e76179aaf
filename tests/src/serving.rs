use crate::{Cmd, Folder, built};
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::process::Child;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Message, WebSocket};

/// Far more than any test needs: only a hang reaches this.
const LIMIT: Duration = Duration::from_secs(120);

/// A running `dreamwire serve` on a free port, with `in` and `out` in a folder. It ends when this is dropped.
pub struct Serving {
    child: Child,
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    talk: Arc<Mutex<String>>,
    agent: ureq::Agent,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Serving {
    /// Starts it. The cache is in the folder too.
    ///
    /// # Panics
    /// If it does not listen.
    pub fn start<S: AsRef<OsStr>>(folder: &Folder, arguments: impl IntoIterator<Item = S>) -> Self {
        Self::of(Cmd::of(&built().binary, folder.path()), arguments)
    }

    /// As [`start`](Self::start), with this command.
    pub fn of<S: AsRef<OsStr>>(command: Cmd, arguments: impl IntoIterator<Item = S>) -> Self {
        Self::at("127.0.0.1:0", command, arguments)
    }

    /// As [`of`](Self::of), at this address.
    pub fn at<S: AsRef<OsStr>>(address: &str, command: Cmd, arguments: impl IntoIterator<Item = S>) -> Self {
        let words = ["serve", "--listen", address, "--in", "in", "--out", "out", "--cache", "cache"];
        let mut child = command.args(words).args(arguments).start();
        let talk = Arc::new(Mutex::new(String::new()));
        let mut stderr = child.stderr.take().expect("stderr is a pipe");
        let heard = Arc::clone(&talk);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = stderr.read(&mut buffer) {
                let text = String::from_utf8_lossy(&buffer[..n]);
                heard.lock().unwrap_or_else(PoisonError::into_inner).push_str(&text);
            }
        });
        let mut url = String::new();
        let stdout = child.stdout.take().expect("stdout is a pipe");
        let _ = BufReader::new(stdout).read_line(&mut url);
        let url = url.trim_end().to_owned();
        if url.is_empty() {
            let _ = child.wait();
            std::thread::sleep(Duration::from_millis(50));
            panic!("it does not listen\n{}", talk.lock().unwrap_or_else(PoisonError::into_inner));
        }
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(LIMIT));
        Serving { child, url, talk, agent: config.build().into() }
    }

    /// What it has said to people so far.
    pub fn talk(&self) -> String {
        self.talk.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The number of its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Kills it, as a power cut would.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits for its end, and gives the exit code.
    ///
    /// # Panics
    /// If it does not end.
    #[track_caller]
    pub fn wait(&mut self) -> Option<i32> {
        let began = Instant::now();
        while began.elapsed() < LIMIT {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("it does not end\n{}", self.talk());
    }

    /// GET of a path.
    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        Answer::of(self.agent.get(format!("{}{path}", self.url)).call())
    }

    /// GET with further headers.
    #[track_caller]
    pub fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.agent.get(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::of(request.call())
    }

    /// POST of a body.
    #[track_caller]
    pub fn post(&self, path: &str, body: impl AsRef<[u8]>, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.agent.post(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::of(request.send(body.as_ref()))
    }

    /// POST of JSON.
    #[track_caller]
    pub fn post_json(&self, path: &str, body: &Value) -> Answer {
        self.post(path, body.to_string(), &[("content-type", "application/json")])
    }

    /// Submits a graph and gives the id of its job.
    #[track_caller]
    pub fn submit(&self, prompt: &Value, client: &str) -> String {
        let answer = self.post_json("/prompt", &json!({ "prompt": prompt, "client_id": client }));
        assert_eq!(answer.status, 200, "{answer:?}\n{}", String::from_utf8_lossy(&answer.body));
        answer.json()["prompt_id"].as_str().expect("an id").to_owned()
    }

    /// The history of a job, once it has ended.
    #[track_caller]
    pub fn ended(&self, id: &str) -> Value {
        let began = Instant::now();
        while began.elapsed() < LIMIT {
            let history = self.get(&format!("/history/{id}")).json();
            if let Some(entry) = history.get(id) {
                return entry.clone();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("job {id} does not end\n{}", self.talk());
    }

    /// A socket of that name.
    #[track_caller]
    pub fn socket(&self, name: &str) -> Socket {
        let url = format!("{}/ws?clientId={name}", self.url.replace("http", "ws"));
        let (socket, _) = tungstenite::connect(url).expect("a socket");
        if let MaybeTlsStream::Plain(stream) = socket.get_ref() {
            stream.set_read_timeout(Some(LIMIT)).expect("a time limit");
        }
        Socket(socket)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Answer {
    #[track_caller]
    fn of(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Self {
        let mut answer = answer.unwrap_or_else(|error| panic!("no answer: {error}"));
        let text = |value: &ureq::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = answer.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value)));
        let headers = headers.collect();
        let body = answer.body_mut().with_config().limit(1 << 30).read_to_vec().unwrap_or_default();
        Answer { status: answer.status().as_u16(), headers, body }
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("{error}: {} {}", self.status, String::from_utf8_lossy(&self.body))
        })
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }
}

/// A connected websocket.
pub struct Socket(WebSocket<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// The next message: JSON, or a binary one as `{"type": "binary", "kind": 1, "bytes": N}`.
    ///
    /// # Panics
    /// If none comes.
    #[track_caller]
    pub fn message(&mut self) -> Value {
        loop {
            match self.0.read().unwrap_or_else(|error| panic!("no message: {error}")) {
                Message::Text(text) => return serde_json::from_str(&text).expect("JSON"),
                Message::Binary(bytes) => {
                    let kind = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
                    return json!({ "type": "binary", "kind": kind, "bytes": bytes.len() });
                }
                Message::Close(_) => panic!("it was closed"),
                _ => {}
            }
        }
    }

    /// Whether it was closed by the server, after reading what there is.
    pub fn is_closed(&mut self) -> bool {
        loop {
            match self.0.read() {
                Ok(Message::Close(_)) | Err(_) => return true,
                Ok(_) => {}
            }
        }
    }

    /// The messages up to and including the first of that type.
    #[track_caller]
    pub fn until(&mut self, kind: &str) -> Vec<Value> {
        let mut found = Vec::new();
        loop {
            found.push(self.message());
            if found.last().is_some_and(|last| last["type"] == kind) {
                return found;
            }
        }
    }

    /// The messages up to and including the end of a job: `executing` of no node.
    #[track_caller]
    pub fn until_end(&mut self, id: &str) -> Vec<Value> {
        let mut found = Vec::new();
        loop {
            let message = self.message();
            let data = &message["data"];
            let last = message["type"] == "executing" && data["node"].is_null() && data["prompt_id"] == id;
            found.push(message);
            if last {
                return found;
            }
        }
    }

    /// Sends a text.
    ///
    /// # Panics
    /// If the connection is gone.
    #[track_caller]
    pub fn send(&mut self, text: &str) {
        self.0.send(Message::Text(text.into())).expect("it takes messages");
    }
}
