//! Why a request is refused.

use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::{IntoResponse, Response};
use std::borrow::Cow;
use std::io::{self, ErrorKind};

/// A status and a short text. The text has no path and nothing of the file system but the kind of its error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) text: Cow<'static, str>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, text: impl Into<Cow<'static, str>>) -> Self {
        Self { status, text: text.into() }
    }

    /// 400.
    pub(crate) fn bad(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }

    /// 403.
    pub(crate) fn forbidden(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, text)
    }

    /// 404.
    pub(crate) fn missing() -> Self {
        Self::new(StatusCode::NOT_FOUND, "there is no such file")
    }

    /// 409.
    pub(crate) fn taken() -> Self {
        Self::new(StatusCode::CONFLICT, "this name is taken")
    }

    /// 413.
    pub(crate) fn too_large(most: u64) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the limit is {most} bytes"))
    }

    /// 415.
    pub(crate) fn media(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text)
    }

    /// 500.
    pub(crate) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the server failed; its log may say more")
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => Self::missing(),
            // Also what cap-std says of a path that leads out through a link.
            ErrorKind::PermissionDenied => Self::forbidden("this file may not be used"),
            ErrorKind::InvalidFilename | ErrorKind::InvalidInput => Self::bad("this is no name for a file"),
            ErrorKind::AlreadyExists | ErrorKind::IsADirectory | ErrorKind::DirectoryNotEmpty => {
                Self::taken()
            }
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                Self::new(StatusCode::INSUFFICIENT_STORAGE, "the server's disk is full")
            }
            ErrorKind::ReadOnlyFilesystem => Self::forbidden("the folder cannot be written"),
            kind => Self::new(StatusCode::INTERNAL_SERVER_ERROR, format!("the file cannot be used: {kind}")),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let headers = [(CONTENT_TYPE, "text/plain; charset=utf-8"), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
        (self.status, headers, self.text).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_system_become_statuses_without_paths() {
        let error = std::fs::read("/there/is/no/such-file").unwrap_err();
        let refusal = Refusal::from(error);
        assert_eq!((refusal.status, &*refusal.text), (StatusCode::NOT_FOUND, "there is no such file"));
        for (kind, status) in [(ErrorKind::PermissionDenied, 403), (ErrorKind::StorageFull, 507)] {
            assert_eq!(Refusal::from(io::Error::new(kind, "/secret")).status, status);
        }
        let other = Refusal::from(io::Error::other("/secret"));
        assert!(!other.text.contains("secret"), "{}", other.text);
    }
}
