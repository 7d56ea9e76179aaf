use crate::files::testing::{Server, With as _, get, png};
use image::{DynamicImage, ImageFormat};
use std::path::Path;

fn put(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn read(bytes: &[u8]) -> (ImageFormat, DynamicImage) {
    (image::guess_format(bytes).unwrap(), image::load_from_memory(bytes).unwrap())
}

#[tokio::test]
async fn files_of_the_three_folders_are_found() {
    let server = Server::new();
    put(&server.folders.output, "sub/a b.png", b"out");
    put(&server.folders.output, "preview/p.png", b"temp");
    put(&server.folders.input, "i.png", b"in");
    for (query, text) in [
        ("filename=a%20b.png&subfolder=sub", "out"),
        ("filename=sub/a+b.png&type=output&subfolder=&rand=0.5&t=1", "out"),
        ("filename=p.png&type=temp", "temp"),
        ("filename=i.png&type=input", "in"),
        ("filename=i.png%20%5Binput%5D", "in"),
        ("filename=i.png%20[input]&type=output", "in"),
        ("filename=p.png+[temp]&channel=rgba&preview=", "temp"),
    ] {
        for path in ["/view", "/api/view"] {
            let answer = server.ask(get(&format!("{path}?{query}"))).await;
            assert_eq!((answer.status, answer.text()), (200, text.to_owned()), "{query}");
            assert_eq!(answer.header("content-type"), "image/png");
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
        }
    }
    for (query, status) in [
        ("filename=none.png", 404),
        ("filename=sub", 404),
        ("filename=a.png&subfolder=none", 404),
        ("", 400),
        ("filename=", 400),
        ("filename=a.png&type=user", 400),
        ("filename=a.png&filename=b.png", 400),
        ("filename=a.png&channel=x", 400),
        ("filename=a.png&preview=gif;1", 400),
    ] {
        let answer = server.ask(get(&format!("/view?{query}"))).await;
        assert_eq!(answer.status, status, "{query}: {}", answer.text());
        assert!(!answer.text().contains(&*server.path().to_string_lossy()), "{}", answer.text());
    }
}

/// Faults: H5.
#[tokio::test]
async fn h5_nothing_outside_the_folders_is_served() {
    let server = Server::new();
    put(&server.folders.user, "queue.sqlite", b"SECRET");
    put(&server.folders.output, "a.png", b"out");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("../secret.txt", server.folders.output.join("link.png")).unwrap();
        std::os::unix::fs::symlink("..", server.folders.output.join("up")).unwrap();
    }
    let absolute = server.path().join("secret.txt");
    for query in [
        "filename=../secret.txt",
        "filename=..%2Fsecret.txt",
        "filename=%2e%2e%2fsecret.txt",
        "filename=%252e%252e%252fsecret.txt",
        "filename=..%5Csecret.txt",
        "filename=..\\secret.txt",
        "filename=secret.txt&subfolder=..",
        "filename=secret.txt&subfolder=sub/../..",
        "filename=secret.txt&subfolder=%2e%2e",
        "filename=a.png%00.txt",
        "filename=C:/secret.txt",
        "filename=//server/secret.txt",
        "filename=.dreamwire/queue.sqlite",
        "filename=queue.sqlite&subfolder=.dreamwire",
        "filename=link.png",
        "filename=secret.txt&subfolder=up",
        "filename=link.png&preview=webp;90",
        "filename=link.png&channel=a",
        "filename=../secret.txt%20[input]",
        &*format!("filename={}", absolute.display()),
        &*format!("filename=secret.txt&subfolder={}", server.path().display()),
        &*format!("filename=..%2F{}", absolute.display()),
    ] {
        let answer = server.ask(get(&format!("/view?{}", query.replace('\\', "%5C")))).await;
        assert!([400, 403, 404].contains(&answer.status), "{query}: {}", answer.status);
        assert!(!answer.text().contains("SECRET"), "{query}");
        assert!(!answer.text().contains(&*server.path().to_string_lossy()), "{query}: {}", answer.text());
    }
}

/// Faults: H6.
#[tokio::test]
async fn h6_what_a_browser_would_run_is_only_stored() {
    let server = Server::new();
    for name in ["a.html", "a.HTM", "a.svg", "a.xml", "a.js", "a.mjs", "a.css", "a.xhtml", "a"] {
        put(&server.folders.input, name, b"<script>alert(1)</script>");
        let answer = server.ask(get(&format!("/view?filename={name}&type=input"))).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), "application/octet-stream", "{name}");
        assert!(answer.header("content-disposition").starts_with("attachment"), "{name}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert!(answer.header("content-security-policy").contains("sandbox"), "{name}");
    }
}

#[tokio::test]
async fn parts_of_files_and_files_that_a_client_has() {
    let server = Server::new();
    put(&server.folders.output, "a.png", b"0123456789");
    let view = || get("/view?filename=a.png");
    let whole = server.ask(view()).await;
    let (tag, modified) = (whole.header("etag"), whole.header("last-modified"));
    assert_eq!(whole.header("content-length"), "10");
    for (name, value) in
        [("if-none-match", tag), ("if-none-match", "\"x\", *"), ("if-modified-since", modified)]
    {
        let answer = server.ask(view().with(name, value)).await;
        assert_eq!((answer.status, answer.body.len()), (304, 0), "{name}");
    }
    assert_eq!(server.ask(view().with("if-none-match", "\"x\"")).await.status, 200);
    let part = server.ask(view().with("range", "bytes=2-4")).await;
    assert_eq!((part.status, part.text(), part.header("content-range")), (206, "234".into(), "bytes 2-4/10"));
    assert_eq!(server.ask(view().with("range", "bytes=-3").with("if-range", tag)).await.text(), "789");
    assert_eq!(
        server.ask(view().with("range", "bytes=-3").with("if-range", "\"x\"")).await.text(),
        "0123456789"
    );
    let none = server.ask(view().with("range", "bytes=10-")).await;
    assert_eq!((none.status, none.header("content-range")), (416, "bytes */10"));
    // Larger than what is read at once.
    let large: Vec<u8> = (0..900_000_u32).map(|n| (n % 251) as u8).collect();
    put(&server.folders.output, "large.png", &large);
    let answer = server.ask(get("/view?filename=large.png")).await;
    assert!(answer.body == large);
    let part = server.ask(get("/view?filename=large.png").with("range", "bytes=1000-700000")).await;
    assert!(part.body == large[1000..=700_000]);
}

#[tokio::test]
async fn previews_are_encoded_again() {
    let server = Server::new();
    put(&server.folders.output, "a.png", &png(40, 30, [200, 100, 50, 255]));
    for (preview, format) in
        [("webp;90", ImageFormat::WebP), ("jpeg;80", ImageFormat::Jpeg), ("webp", ImageFormat::WebP)]
    {
        let answer = server.ask(get(&format!("/view?filename=a.png&preview={preview}"))).await;
        let (found, picture) = read(&answer.body);
        assert_eq!((answer.status, found), (200, format));
        assert_eq!(answer.header("content-type"), format.to_mime_type());
        assert_eq!((picture.width(), picture.height()), (40, 30));
        let pixel = picture.to_rgb8().get_pixel(20, 15).0;
        let near = pixel.iter().zip([200, 100, 50]).all(|(a, b): (&u8, u8)| a.abs_diff(b) < 6);
        assert!(near, "{preview}: {pixel:?}");
    }
    // Large pictures are made smaller.
    put(&server.folders.output, "wide.png", &png(6000, 3, [9, 9, 9, 255]));
    let answer = server.ask(get("/view?filename=wide.png&preview=jpeg;50")).await;
    assert_eq!(read(&answer.body).1.width(), 4096);
    // Linear light is shown as screens expect it.
    let light = image::Rgb32FImage::from_pixel(4, 4, image::Rgb([0.5, 0.0, 2.0]));
    let mut exr = std::io::Cursor::new(Vec::new());
    DynamicImage::from(light).write_to(&mut exr, ImageFormat::OpenExr).unwrap();
    put(&server.folders.output, "a.exr", exr.get_ref());
    let answer = server.ask(get("/view?filename=a.exr&preview=jpeg;100")).await;
    let pixel = read(&answer.body).1.to_rgb8().get_pixel(1, 1).0;
    let near = pixel.iter().zip([188, 0, 255]).all(|(a, b): (&u8, u8)| a.abs_diff(b) < 6);
    assert!(near, "{pixel:?}");
}

#[tokio::test]
async fn channels_are_taken_apart() {
    let server = Server::new();
    put(&server.folders.output, "a.png", &png(4, 4, [200, 100, 50, 77]));
    let pixel = |answer: &[u8]| (read(answer).0, read(answer).1.to_rgba8().get_pixel(1, 1).0);
    let channel = |name: &str| get(&format!("/view?filename=a.png&channel={name}"));
    assert_eq!(pixel(&server.ask(channel("rgb")).await.body), (ImageFormat::Png, [200, 100, 50, 255]));
    assert_eq!(pixel(&server.ask(channel("a")).await.body), (ImageFormat::Png, [0, 0, 0, 77]));
    assert_eq!(pixel(&server.ask(channel("rgba")).await.body), (ImageFormat::Png, [200, 100, 50, 77]));
}

/// Faults: H7.
#[tokio::test]
async fn h7_pictures_that_cannot_be_decoded_are_refused() {
    let server = Server::new();
    put(&server.folders.output, "text.png", b"no picture");
    let whole = png(64, 64, [1, 2, 3, 4]);
    put(&server.folders.output, "half.png", &whole[..whole.len() / 2]);
    // A head that promises 3.6 thousand million pixels.
    let mut bomb = png(1, 1, [0; 4]);
    bomb[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
    let crc = {
        let mut crc = u32::MAX;
        for byte in &bomb[12..29] {
            crc ^= u32::from(*byte);
            (0..8).for_each(|_| crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 });
        }
        !crc
    };
    bomb[29..33].copy_from_slice(&crc.to_be_bytes());
    put(&server.folders.output, "bomb.png", &bomb);
    for (name, status) in [("text.png", 415), ("half.png", 415), ("bomb.png", 413)] {
        for rest in ["preview=webp;90", "channel=a"] {
            let answer = server.ask(get(&format!("/view?filename={name}&{rest}"))).await;
            assert_eq!(answer.status, status, "{name} {rest}: {}", answer.text());
        }
    }
}
