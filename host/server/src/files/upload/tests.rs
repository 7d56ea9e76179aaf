use crate::files::body::Limits;
use crate::files::testing::{LIMITS, Server, With as _, form, get, png, post};
use axum::body::{Body, Bytes};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

fn named(name: &str, subfolder: &str, kind: &str) -> Value {
    json!({ "name": name, "subfolder": subfolder, "type": kind })
}

#[tokio::test]
async fn a_picture_is_kept_under_the_name_that_is_told() {
    let server = Server::new();
    let (red, blue) = (png(4, 4, [255, 0, 0, 255]), png(4, 4, [0, 0, 255, 255]));
    let send = |name: &str, bytes: &[u8], texts: &[(&str, &str)]| {
        server.ask(form("/upload/image", Some((name, bytes)), texts))
    };
    assert_eq!(send("a b.png", &red, &[]).await.json(), named("a b.png", "", "input"));
    // The same content keeps its name, another one gets a number.
    assert_eq!(send("a b.png", &red, &[]).await.json(), named("a b.png", "", "input"));
    assert_eq!(send("a b.png", &blue, &[]).await.json(), named("a b (1).png", "", "input"));
    assert_eq!(
        send("a b.png", &blue, &[("overwrite", "false")]).await.json(),
        named("a b (1).png", "", "input")
    );
    assert_eq!(Server::names(&server.folders.input), ["a b (1).png", "a b.png"]);
    assert_eq!(send("a b.png", &blue, &[("overwrite", "true")]).await.json(), named("a b.png", "", "input"));
    assert_eq!(std::fs::read(server.folders.input.join("a b.png")).unwrap(), blue);
    let texts = [("subfolder", "clip/space"), ("type", "temp"), ("overwrite", "1"), ("unknown", "x")];
    assert_eq!(send("m.png", &red, &texts).await.json(), named("m.png", "clip/space", "temp"));
    let viewed = server.ask(get("/view?filename=m.png&subfolder=clip/space&type=temp")).await;
    assert_eq!(viewed.body, red);
    // A name of a form in a browser that gives none.
    assert_eq!(send("blob", &red, &[]).await.json(), named("blob.png", "", "input"));
    assert_eq!(
        server.ask(form("/api/upload/image", Some(("c.png", &red)), &[])).await.json(),
        named("c.png", "", "input")
    );
    // Nothing is left over.
    assert_eq!(Server::names(&server.folders.input), ["a b (1).png", "a b.png", "blob.png", "c.png"]);
}

#[tokio::test]
async fn what_is_no_upload_is_refused() {
    let server = Server::new();
    let red = png(4, 4, [255, 0, 0, 255]);
    let refused = async |file: Option<(&str, &[u8])>, texts: &[(&str, &str)], status: u16| {
        let answer = server.ask(form("/upload/image", file, texts)).await;
        assert_eq!(answer.status, status, "{:?} {texts:?}: {}", file.map(|(name, _)| name), answer.text());
    };
    refused(None, &[], 400).await;
    refused(Some(("a.png", &red)), &[("type", "user")], 400).await;
    refused(Some(("a.png", &red)), &[("image", "twice")], 400).await;
    refused(Some(("", &red)), &[], 400).await;
    refused(Some(("a.png", b"")), &[], 415).await;
    refused(Some(("a.png", b"no picture")), &[], 415).await;
    let long = "x".repeat(20_000);
    refused(Some(("a.png", &red)), &[("subfolder", &long)], 400).await;
    refused(Some(("a.png", &red)), &[("x", ""); 40], 400).await;
    let text = post("/upload/image", "x").with("content-type", "text/plain");
    assert_eq!(server.ask(text).await.status, 415);
    let cut = post(
        "/upload/image",
        "--xyz\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n\r\nabc",
    );
    assert_eq!(server.ask(cut.with("content-type", "multipart/form-data; boundary=xyz")).await.status, 400);
    assert!(Server::names(&server.folders.input).is_empty());
}

/// Faults: H5.
#[tokio::test]
async fn h5_uploads_stay_in_their_folder() {
    let server = Server::new();
    let red = png(4, 4, [255, 0, 0, 255]);
    #[cfg(unix)]
    std::os::unix::fs::symlink("..", server.folders.input.join("up")).unwrap();
    let before = Server::names(server.path());
    let names = ["../a.png", "/tmp/a.png", "..\\a.png", "C:/a.png", ".a.png", "a/../../b.png", "up/a.png"];
    for (name, subfolder) in names.map(|name| (name, "")).into_iter().chain([
        ("a.png", ".."),
        ("a.png", "/tmp"),
        ("a.png", "x/../.."),
        ("a.png", ".dreamwire"),
        ("a.png", "up"),
        ("a.png", "a\\b"),
    ]) {
        let answer = server.ask(form("/upload/image", Some((name, &red)), &[("subfolder", subfolder)])).await;
        assert!([400, 403].contains(&answer.status), "{name} {subfolder}: {}", answer.status);
    }
    assert_eq!(Server::names(server.path()), before);
    let left = Server::names(&server.folders.input);
    assert!(left.iter().all(|name| name == "up"), "{left:?}");
}

/// Faults: H6.
#[tokio::test]
async fn h6_only_pictures_are_taken() {
    let server = Server::new();
    let red = png(4, 4, [255, 0, 0, 255]);
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    for (name, bytes, status) in [
        ("a.svg", &svg[..], 415),
        ("a.png", &svg[..], 415),
        ("a.html", &b"<script>alert(1)</script>"[..], 415),
        ("a.html", &red[..], 400),
        ("a.svg", &red[..], 400),
        ("a.png.js", &red[..], 400),
    ] {
        let answer = server.ask(form("/upload/image", Some((name, bytes)), &[])).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.text());
    }
    assert!(Server::names(&server.folders.input).is_empty());
    // A picture with a script behind it goes out as a picture that is nothing else.
    let both = [&red[..], b"<script>alert(1)</script>"].concat();
    assert_eq!(server.ask(form("/upload/image", Some(("both.png", &both)), &[])).await.status, 200);
    let answer = server.ask(get("/view?filename=both.png&type=input")).await;
    assert_eq!(
        (answer.header("content-type"), answer.header("x-content-type-options")),
        ("image/png", "nosniff")
    );
}

#[tokio::test]
async fn a_mask_becomes_the_alpha_of_its_picture() {
    let server = Server::new();
    std::fs::write(server.folders.input.join("photo.png"), png(4, 3, [10, 20, 30, 255])).unwrap();
    let mask = png(4, 3, [0, 0, 0, 99]);
    let original = r#"{"filename": "photo.png", "subfolder": "", "type": "input"}"#;
    let texts = [("original_ref", original), ("subfolder", "clipspace"), ("overwrite", "true")];
    let answer = server.ask(form("/upload/mask", Some(("mask-1.jpg", &mask)), &texts)).await;
    assert_eq!(answer.json(), named("mask-1.png", "clipspace", "input"));
    let kept = image::open(server.folders.input.join("clipspace/mask-1.png")).unwrap().to_rgba8();
    assert_eq!((kept.dimensions(), kept.get_pixel(2, 1).0), ((4, 3), [10, 20, 30, 99]));
    // A picture of 16 bits keeps them.
    let deep = image::ImageBuffer::from_pixel(4, 3, image::Rgb([257_u16, 1000, 65_535]));
    image::DynamicImage::ImageRgb16(deep).save(server.folders.input.join("deep.png")).unwrap();
    let texts = [("original_ref", r#"{"filename": "deep.png [input]"}"#)];
    server.ask(form("/upload/mask", Some(("m.png", &mask)), &texts)).await;
    let kept = image::open(server.folders.input.join("m.png")).unwrap();
    assert_eq!(kept.to_rgba16().get_pixel(0, 0).0, [257, 1000, 65_535, 99 * 257]);
    for (original, file, status) in [
        ("", &mask[..], 400),
        ("[]", &mask[..], 400),
        (r#"{"filename": "../secret.txt", "type": "input"}"#, &mask[..], 400),
        (r#"{"filename": "none.png", "type": "input"}"#, &mask[..], 404),
        (original, &png(5, 3, [0; 4])[..], 400),
        (original, &b"no picture"[..], 415),
    ] {
        let answer =
            server.ask(form("/upload/mask", Some(("m2.png", file)), &[("original_ref", original)])).await;
        assert_eq!(answer.status, status, "{original}: {}", answer.text());
    }
    assert_eq!(Server::names(&server.folders.input), ["clipspace", "deep.png", "m.png", "photo.png"]);
}

/// Faults: H7.
#[tokio::test]
async fn h7_an_upload_over_the_limit_is_refused() {
    let server = Server::new();
    let large = vec![0; LIMITS.upload as usize + 1];
    assert_eq!(server.ask(form("/upload/image", Some(("a.png", &large)), &[])).await.status, 413);
    // Its header tells less, or that it is too much.
    let lying = form("/upload/image", Some(("a.png", &large)), &[]).with("content-length", "10");
    assert_eq!(server.ask(lying).await.status, 413);
    let huge = post("/upload/image", Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>()))
        .with("content-type", "multipart/form-data; boundary=xyz")
        .with("content-length", "99999999999");
    assert_eq!(server.ask(huge).await.status, 413);
    assert!(Server::names(&server.folders.input).is_empty());
}

/// A body without an end that counts what is taken of it.
fn endless(head: &str, part: &'static str, taken: &Arc<AtomicU64>) -> Body {
    let taken = Arc::clone(taken);
    let parts = stream::repeat_with(move || {
        let part = Bytes::from(part.repeat(8192 / part.len()));
        taken.fetch_add(part.len() as u64, Ordering::Relaxed);
        part
    });
    let head = stream::iter([Bytes::from(head.to_owned())]);
    Body::from_stream(head.chain(parts).map(Ok::<_, std::io::Error>))
}

/// Faults: H7.
#[tokio::test]
async fn h7_an_endless_body_takes_little_memory() {
    let server = Server::with_limits(Limits { upload: 1 << 40, ..LIMITS });
    let file = "--xyz\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n";
    let text = "--xyz\r\nContent-Disposition: form-data; name=\"type\"\r\n\r\n";
    // No part at all, a part whose headers do not end, a text that does not end, parts that do not end.
    for (head, part) in [
        ("", "x"),
        (file, "a: b\r\n"),
        (text, "x"),
        ("", "--xyz\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n\r\n"),
    ] {
        let taken = Arc::new(AtomicU64::new(0));
        let body = endless(head, part, &taken);
        let request = post("/upload/image", body).with("content-type", "multipart/form-data; boundary=xyz");
        let answer = server.ask(request).await;
        assert_eq!(answer.status, 400, "{head} {part}: {}", answer.text());
        let taken = taken.load(Ordering::Relaxed);
        assert!(taken < 3 << 20, "{head} {part}: {taken}");
    }
    // A file that does not end has the limit.
    let server = Server::new();
    let taken = Arc::new(AtomicU64::new(0));
    let body = endless(&format!("{file}\r\n"), "x", &taken);
    let request = post("/upload/image", body).with("content-type", "multipart/form-data; boundary=xyz");
    assert_eq!(server.ask(request).await.status, 413);
    assert!(taken.load(Ordering::Relaxed) < 1 << 20);
    let text = post("/settings", endless("\"", "x", &taken));
    assert_eq!(server.ask(text).await.status, 413);
    assert!(Server::names(&server.folders.input).is_empty());
}

/// Faults: H7.
#[tokio::test]
async fn h7_a_body_that_stops_is_not_waited_for() {
    let server = Server::new();
    let begun = "--xyz\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n\r\nabc";
    let head = stream::iter([Ok::<_, std::io::Error>(Bytes::from(begun))]);
    let request = post("/upload/image", Body::from_stream(head.chain(stream::pending())));
    let since = Instant::now();
    let answer = server.ask(request.with("content-type", "multipart/form-data; boundary=xyz")).await;
    assert_eq!(answer.status, 408);
    assert!(since.elapsed() < Duration::from_secs(2));
    // One byte now and then is too slow as well: the whole body has a time.
    let drops = stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        Some((Ok::<_, std::io::Error>(Bytes::from_static(b" ")), ()))
    });
    let since = Instant::now();
    assert_eq!(server.ask(post("/settings", Body::from_stream(drops))).await.status, 408);
    assert!(since.elapsed() < Duration::from_secs(4));
    assert!(Server::names(&server.folders.input).is_empty());
}

/// Sends the beginning of an upload over a real connection, to a server of its own thread.
fn begun(server: &Server, length: usize) -> TcpStream {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    let router = server.router.clone();
    tokio::spawn(async move {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        axum::serve(listener, router).await.unwrap();
    });
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let head = format!(
        "POST /upload/image HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=xyz\r\n\
         Content-Length: {length}\r\n\r\n--xyz\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n\r\nabc"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

/// Waits until the folder of inputs has so many files.
fn wait_for(server: &Server, count: usize) {
    let since = Instant::now();
    while Server::names(&server.folders.input).len() != count {
        assert!(since.elapsed() < Duration::from_secs(10), "{:?}", Server::names(&server.folders.input));
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Faults: H7.
#[tokio::test(flavor = "multi_thread")]
async fn h7_a_length_that_lies_is_not_waited_for() {
    let server = Server::new();
    tokio::task::block_in_place(|| {
        let mut stream = begun(&server, 5000);
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 408");
        wait_for(&server, 0);
    });
}

/// Faults: H14.
#[tokio::test(flavor = "multi_thread")]
async fn h14_what_a_client_that_goes_away_has_sent_is_removed() {
    let patient = Limits { idle: Duration::from_secs(60), whole: Duration::from_secs(60), ..LIMITS };
    let server = Server::with_limits(patient);
    tokio::task::block_in_place(|| {
        let stream = begun(&server, 5000);
        wait_for(&server, 1);
        assert!(Server::names(&server.folders.input)[0].starts_with(".dreamwire-"));
        drop(stream);
        wait_for(&server, 0);
    });
}
