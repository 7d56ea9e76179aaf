//! Content types by the extensions of names.

/// The type of a file by its extension; bytes if it is not known.
pub(super) fn of(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension).to_ascii_lowercase();
    match &*extension {
        "html" | "htm" => "text/html; charset=utf-8",
        "js" | "mjs" => "application/javascript",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "txt" => "text/plain; charset=utf-8",
        "md" => "text/markdown; charset=utf-8",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "gif" => "image/gif",
        "bmp" => "image/bmp",
        "avif" => "image/avif",
        "ico" => "image/x-icon",
        "tif" | "tiff" => "image/tiff",
        "exr" => "image/x-exr",
        "qoi" => "image/qoi",
        "svg" => "image/svg+xml",
        "xml" => "application/xml",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "ttf" => "font/ttf",
        "otf" => "font/otf",
        "wasm" => "application/wasm",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        "mp3" => "audio/mpeg",
        "wav" => "audio/wav",
        "ogg" => "audio/ogg",
        "flac" => "audio/flac",
        _ => BYTES,
    }
}

/// The type of bytes that a browser stores and never shows.
pub(super) const BYTES: &str = "application/octet-stream";

/// The type under which a file that came from someone else may go out: none that a browser would run.
pub(super) fn harmless(name: &str) -> &'static str {
    let own = of(name);
    let is_picture = own.starts_with("image/") && own != "image/svg+xml";
    let is_plain = own.starts_with("text/plain") || own == "application/json";
    if is_picture || is_plain || own.starts_with("video/") || own.starts_with("audio/") { own } else { BYTES }
}

/// Whether names end so for pictures that nodes read.
pub(super) fn is_picture(name: &str) -> bool {
    const EXTENSIONS: [&str; 10] = ["png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff", "exr", "qoi"];
    name.rsplit_once('.').is_some_and(|(_, end)| EXTENSIONS.iter().any(|own| own.eq_ignore_ascii_case(end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_browser_runs_is_harmless() {
        for name in
            ["a.html", "a.HTM", "a.js", "a.mjs", "a.css", "a.svg", "a.SVG", "a.xml", "a.xhtml", "a.wasm", "a"]
        {
            assert_eq!(harmless(name), BYTES, "{name}");
        }
        assert_eq!(harmless("a.PNG"), "image/png");
        assert_eq!(harmless("a.json"), "application/json");
        assert_eq!(of("a.b.mjs"), "application/javascript");
        assert!(is_picture("a.TIFF") && !is_picture("png") && !is_picture("a.svg"));
    }
}
