//! Requests to a server, and what its answers mean for a command.

use std::time::Duration;

use serde_json::{Value, json};
use ureq::http::Response;
use ureq::typestate::WithBody;
use ureq::{Agent, Body, RequestBuilder};

use super::address::Address;
use crate::console::clean_line;
use crate::exit::Exit;
use crate::output::Refused;

/// How long a server may take to take a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// How long it may take to begin its answer.
const ANSWER: Duration = Duration::from_secs(120);
/// How long the requests of an interrupted run may take: the program ends soon after.
const LAST: Duration = Duration::from_millis(900);
/// The longest answer other than a file, in bytes.
const MOST_TEXT: u64 = 256 << 20;
/// The largest file that is fetched, in bytes: as large as one that a graph may read.
const MOST_FILE: u64 = 4 << 30;
/// How much of what a server says is shown, in characters.
const SAID: usize = 300;

/// Asks a server. Requests do not go over proxies of the environment, as sockets cannot.
pub(super) struct Client {
    agent: Agent,
    pub(super) address: Address,
    /// The value of `Authorization`.
    pub(super) bearer: Option<String>,
}

/// An answer, whatever its status.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; `null` if it is none.
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The beginning of the body, on one line.
    pub(super) fn said(&self) -> String {
        let text = String::from_utf8_lossy(&self.body[..self.body.len().min(4 * SAID)]).into_owned();
        clean_line(text.trim()).chars().take(SAID).collect()
    }
}

/// A picture that the server has now: how a graph names it there.
pub(super) struct Uploaded(pub(super) String);

impl Client {
    pub(super) fn new(address: &Address, token: Option<&str>) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(ANSWER))
            .user_agent(concat!("dreamwire/", env!("CARGO_PKG_VERSION")));
        let bearer = token.map(|token| format!("Bearer {token}"));
        Self { agent: config.build().into(), address: address.clone(), bearer }
    }

    /// GET of a path.
    ///
    /// # Errors
    /// No answer, or one that says that this is no place for the request.
    pub(super) fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Answer, Refused> {
        self.fetch(path, query, MOST_TEXT)
    }

    fn fetch(&self, path: &str, query: &[(&str, &str)], most: u64) -> Result<Answer, Refused> {
        let mut request = self.agent.get(self.address.url(path)).query_pairs(query.iter().copied());
        if let Some(bearer) = &self.bearer {
            request = request.header("Authorization", bearer);
        }
        self.answer(request.call(), most)
    }

    /// POST of JSON.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub(super) fn post(&self, path: &str, body: &Value) -> Result<Answer, Refused> {
        let request = self.with_token(self.agent.post(self.address.url(path)));
        let request = request.header("Content-Type", "application/json");
        self.answer(request.send(body.to_string().as_bytes()), MOST_TEXT)
    }

    fn with_token(&self, request: RequestBuilder<WithBody>) -> RequestBuilder<WithBody> {
        match &self.bearer {
            Some(bearer) => request.header("Authorization", bearer),
            None => request,
        }
    }

    /// Asks for the lines of the server's log; one that has no such route sends none.
    pub(super) fn subscribe(&self, client: &str) {
        let request = self.with_token(self.agent.patch(self.address.url("/internal/logs/subscribe")));
        let body = json!({ "clientId": client, "enabled": true }).to_string();
        let _ = request.header("Content-Type", "application/json").send(body.as_bytes());
    }

    /// Stops a job, whether it waits or runs.
    pub(super) fn cancel(&self, job: &str) {
        let requests = [("/queue", json!({ "delete": [job] })), ("/interrupt", json!({ "prompt_id": job }))];
        for (path, body) in requests {
            let request = self.with_token(self.agent.post(self.address.url(path)));
            let request = request.config().timeout_global(Some(LAST)).build();
            let _ = request.header("Content-Type", "application/json").send(body.to_string().as_bytes());
        }
    }

    /// Sends a picture into a folder of the server's input folder. The same content in the same folder is kept once.
    ///
    /// # Errors
    /// As [`get`](Self::get), or the server does not take the picture.
    pub(super) fn upload(&self, folder: &str, name: &str, bytes: &[u8]) -> Result<Uploaded, Refused> {
        let boundary = format!("dreamwire-{}", blake3::hash(bytes).to_hex());
        let body = form(&boundary, folder, name, bytes);
        let request = self.with_token(self.agent.post(self.address.url("/upload/image")));
        let ty = format!("multipart/form-data; boundary={boundary}");
        let answer = self.answer(request.header("Content-Type", ty).send(&body[..]), MOST_TEXT)?;
        let found = answer.json();
        let Some(name) = found["name"].as_str().filter(|_| answer.is_good()) else {
            let message = format!("the server does not take `{}`: {}", clean_line(name), answer.said());
            let hint = (answer.status == 413).then(|| "its option --upload-max sets the limit".to_owned());
            return Err(Refused { message, hint, exit: Exit::INPUT });
        };
        Ok(Uploaded(match found["subfolder"].as_str().filter(|folder| !folder.is_empty()) {
            Some(folder) => format!("{folder}/{name}"),
            None => name.to_owned(),
        }))
    }

    /// The bytes of a file that the server has.
    ///
    /// # Errors
    /// As [`get`](Self::get), or there is no such file.
    pub(super) fn file(&self, query: &[(&str, &str)]) -> Result<Vec<u8>, Refused> {
        let answer = self.fetch("/view", query, MOST_FILE)?;
        match answer.is_good() {
            true => Ok(answer.body),
            false => Err(Refused {
                message: format!("the server answers {}: {}", answer.status, answer.said()),
                hint: None,
                exit: Exit::OUTPUT,
            }),
        }
    }

    fn answer(&self, answer: Result<Response<Body>, ureq::Error>, most: u64) -> Result<Answer, Refused> {
        let mut answer = answer.map_err(|error| self.unreachable(&error))?;
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(most).read_to_vec();
        let answer = Answer { status, body: body.map_err(|error| self.unreachable(&error))? };
        match self.refusal(&answer) {
            Some(refused) => Err(refused),
            None => Ok(answer),
        }
    }

    fn unreachable(&self, error: &ureq::Error) -> Refused {
        Refused {
            message: format!("cannot reach the server {}: {error}", self.address),
            hint: Some("is it running? `dreamwire serve` starts one and prints its address".to_owned()),
            exit: Exit::TRY_LATER,
        }
    }

    /// Why an answer is none to the request, whatever that was.
    fn refusal(&self, answer: &Answer) -> Option<Refused> {
        let address = &self.address;
        let refused = |message: String, hint: Option<&str>, exit| {
            Some(Refused { message, hint: hint.map(str::to_owned), exit })
        };
        match answer.status {
            401 => {
                let message = match self.bearer {
                    None => format!("the server {address} asks for its token"),
                    Some(_) => format!("the server {address} has another token"),
                };
                refused(message, Some("give it by --token, or in the variable DREAMWIRE_TOKEN"), Exit::USAGE)
            }
            403 => {
                let message = format!("the server {address} refuses the request: {}", answer.said());
                refused(message, Some("the server's option --name allows a host name"), Exit::USAGE)
            }
            300..=399 => {
                let message = format!("the server {address} sends requests elsewhere ({})", answer.status);
                refused(message, Some("name the address of the server itself"), Exit::USAGE)
            }
            429 => {
                let message = format!("the server {address} takes no more jobs now");
                refused(message, Some("try again later"), Exit::TRY_LATER)
            }
            500.. => {
                let message = format!("the server {address} failed ({}): {}", answer.status, answer.said());
                refused(message, None, Exit::TRY_LATER)
            }
            _ => None,
        }
    }
}

/// An upload as a form. No content has its own hash in it, so the boundary ends nothing but the parts.
fn form(boundary: &str, folder: &str, name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(bytes.len() + 1024);
    // As browsers encode them.
    let name = name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
    for (field, value) in [("type", "input"), ("subfolder", folder)] {
        let part =
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"image\"; filename=\"{name}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(bytes);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16) -> Answer {
        Answer { status, body: b"no\nmore\x1b[2J".to_vec() }
    }

    /// Faults: V1.
    #[test]
    fn a_status_decides_the_exit_code() {
        let address = super::super::address::address("http://farm:1").unwrap();
        let refused = |token: Option<&str>, status| {
            Client::new(&address, token).refusal(&answer(status)).map(|found| (found.exit, found.message))
        };
        let (exit, said) = refused(None, 401).unwrap();
        assert_eq!((exit, &*said), (Exit::USAGE, "the server http://farm:1 asks for its token"));
        assert!(refused(Some("secret-token"), 401).unwrap().1.ends_with("has another token"));
        assert_eq!(refused(None, 403).unwrap().0, Exit::USAGE);
        assert_eq!(refused(None, 429).unwrap().0, Exit::TRY_LATER);
        let (exit, said) = refused(None, 503).unwrap();
        assert_eq!((exit, said.contains("no more?[2J")), (Exit::TRY_LATER, true), "{said}");
        assert!(refused(None, 302).is_some() && refused(None, 200).is_none() && refused(None, 400).is_none());
    }

    #[test]
    fn a_form_has_the_file_as_it_is() {
        let body = form("b", "sub", "a \"b\"\r\n.png", b"\x00--b\r\n");
        let text = String::from_utf8_lossy(&body);
        assert!(text.contains("filename=\"a %22b%22%0D%0A.png\"\r\n"), "{text}");
        assert!(text.contains("name=\"subfolder\"\r\n\r\nsub\r\n--b"), "{text}");
        assert!(body.ends_with(b"\r\n\r\n\x00--b\r\n\r\n--b--\r\n"));
    }
}
