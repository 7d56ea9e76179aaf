//! The websocket of a server.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;
use tungstenite::client::IntoClientRequest;
use tungstenite::http::HeaderValue;
use tungstenite::{Message, WebSocket};

use super::address::Address;
use super::frame::{self, Frame};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long [`Socket::next`] waits.
const QUIET: Duration = Duration::from_millis(100);

/// A connected websocket.
pub(super) struct Socket {
    socket: WebSocket<TcpStream>,
    /// Whether the server has agreed that texts name their jobs.
    texts_name_jobs: bool,
}

/// The connection is gone.
pub(super) struct Gone;

impl Socket {
    /// Connects under a name, and says what this client understands.
    pub(super) fn connect(address: &Address, bearer: Option<&str>, name: &str) -> Result<Self, Gone> {
        let gone = |_| Gone;
        let mut found = address.resolve().map_err(|_| Gone)?.into_iter();
        let stream =
            found.find_map(|address| TcpStream::connect_timeout(&address, CONNECT).ok()).ok_or(Gone)?;
        stream.set_read_timeout(Some(CONNECT)).map_err(|_| Gone)?;
        let mut request = address.socket(name).into_client_request().map_err(gone)?;
        if let Some(bearer) = bearer {
            request.headers_mut().insert("Authorization", HeaderValue::from_str(bearer).map_err(|_| Gone)?);
        }
        let (mut socket, _) = tungstenite::client(request, stream).map_err(|_| Gone)?;
        let features = json!({ "supports_preview_metadata": true, "supports_progress_text_metadata": true });
        let hello = json!({ "type": "feature_flags", "data": features }).to_string();
        socket.send(Message::Text(hello.into())).map_err(gone)?;
        socket.get_ref().set_read_timeout(Some(QUIET)).map_err(|_| Gone)?;
        Ok(Self { socket, texts_name_jobs: false })
    }

    /// The next message. None if none has come for a moment, or one that means nothing.
    pub(super) fn next(&mut self) -> Result<Option<Frame>, Gone> {
        let frame = match self.socket.read() {
            Ok(Message::Text(text)) => frame::text(&text),
            Ok(Message::Binary(bytes)) => frame::binary(&bytes, self.texts_name_jobs),
            Ok(Message::Close(_)) => return Err(Gone),
            Ok(_) => None,
            Err(tungstenite::Error::Io(error))
                if [ErrorKind::WouldBlock, ErrorKind::TimedOut, ErrorKind::Interrupted]
                    .contains(&error.kind()) =>
            {
                None
            }
            Err(_) => return Err(Gone),
        };
        if let Some(Frame::Told { kind, data }) = &frame
            && kind == "feature_flags"
        {
            self.texts_name_jobs = data["supports_progress_text_metadata"] == true;
        }
        Ok(frame)
    }
}
