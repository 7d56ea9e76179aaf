//! Jobs over HTTP and websockets.
