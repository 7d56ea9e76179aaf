use super::*;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::any;
use tower::ServiceExt as _;

const TOKEN: &str = "correct-horse";

fn local() -> Policy {
    Policy::new("127.0.0.1:8188".parse().unwrap(), None, &[]).unwrap()
}

fn open(addr: &str, names: &[&str]) -> Policy {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    Policy::new(addr.parse().unwrap(), Some(TOKEN), &names).unwrap()
}

async fn answer(policy: Policy, request: Request<Body>) -> Response {
    let guard = axum::middleware::from_fn_with_state(Arc::new(policy), guard);
    let router = Router::new().fallback(any(|| async { "in" })).layer(guard);
    router.oneshot(request).await.unwrap()
}

/// The status of a request with headers.
async fn status(policy: Policy, method: &str, path: &str, headers: &[(&str, &str)]) -> u16 {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    answer(policy, request.body(Body::empty()).unwrap()).await.status().as_u16()
}

/// A path, headers, and the status that follows.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], u16);

const HOST: (&str, &str) = ("host", "127.0.0.1:8188");
const ORIGIN: (&str, &str) = ("origin", "http://127.0.0.1:8188");

/// Faults: H1.
#[test]
fn h1_other_addresses_need_a_token() {
    let policy = |addr: &str, token| Policy::new(addr.parse().unwrap(), token, &[]).map(drop);
    for addr in ["127.0.0.1:8188", "[::1]:8188", "127.0.0.1:0", "[::ffff:127.0.0.1]:1"] {
        assert_eq!(policy(addr, None), Ok(()), "{addr}");
    }
    for addr in ["0.0.0.0:8188", "[::]:8188", "192.168.1.5:8188", "[::ffff:10.0.0.1]:1"] {
        assert_eq!(policy(addr, None), Err(PolicyError::NeedsToken(addr.parse().unwrap())), "{addr}");
        assert_eq!(policy(addr, Some(TOKEN)), Ok(()), "{addr}");
    }
    for weak in ["", "short", "has a space", "t\u{f6}ken-token"] {
        assert_eq!(policy("127.0.0.1:1", Some(weak)), Err(PolicyError::WeakToken), "{weak}");
    }
}

/// Faults: H2.
#[tokio::test]
async fn h2_a_foreign_host_is_refused() {
    for host in ["127.0.0.1:8188", "localhost:8188", "LocalHost:8188", "[::1]:8188"] {
        assert_eq!(status(local(), "GET", "/", &[("host", host)]).await, 200, "{host}");
    }
    let foreign = [
        "evil.example",
        "evil.example:8188",
        "localhost",
        "localhost:8189",
        "127.0.0.1",
        "127.0.0.1:80",
        "127.0.0.2:8188",
        "localhost.evil.example:8188",
        "127.0.0.1.evil.example:8188",
        "evil.example#localhost:8188",
        "[::2]:8188",
        "192.168.1.5:8188",
        "localhost:8188:8188",
        "localhost:+8188",
        "127.1:8188",
        "2130706433:8188",
        "0.0.0.0:8188",
        "::1:8188",
        "[127.0.0.1]:8188",
        "localhost.:8188",
        "user@localhost:8188",
        "",
    ];
    for host in foreign {
        for path in ["/", "/ws", "/api/prompt", "/view?filename=a.png"] {
            assert_eq!(status(local(), "GET", path, &[("host", host)]).await, 403, "{host} {path}");
        }
    }
    assert_eq!(status(local(), "GET", "/", &[]).await, 403);
    assert_eq!(status(local(), "GET", "/", &[HOST, ("host", "evil.example")]).await, 403);
    // The line of the request and its header disagree.
    assert_eq!(status(local(), "GET", "http://evil.example/", &[HOST]).await, 403);
    assert_eq!(status(local(), "GET", "http://127.0.0.1:8188/", &[HOST]).await, 200);
    let socket = [("host", "evil.example:8188"), ("upgrade", "websocket"), ("connection", "upgrade")];
    assert_eq!(status(local(), "GET", "/ws", &socket).await, 403);
}

/// Faults: H2.
#[tokio::test]
async fn h2_hosts_of_an_open_server() {
    let bearer = ("authorization", "Bearer correct-horse");
    let own = |addr: &'static str, host: &'static str| async move {
        let policy = open(addr, &["dream.example", "studio:9000"]);
        status(policy, "GET", "/", &[("host", host), bearer]).await == 200
    };
    for host in ["192.168.1.5:8188", "localhost:8188", "dream.example", "dream.example:443", "STUDIO:9000"] {
        assert!(own("192.168.1.5:8188", host).await, "{host}");
    }
    for host in
        ["192.168.1.6:8188", "192.168.1.5", "studio", "studio:9001", "evil.example:8188", "x.dream.example"]
    {
        assert!(!own("192.168.1.5:8188", host).await, "{host}");
    }
    for host in ["192.168.1.6:8188", "[fe80::1]:8188", "10.0.0.1:8188"] {
        assert!(own("0.0.0.0:8188", host).await, "{host}");
    }
    for host in ["evil.example:8188", "192.168.1.6:80", "1.2.3.4.evil.example:8188"] {
        assert!(!own("0.0.0.0:8188", host).await, "{host}");
    }
    let bad = Policy::new("127.0.0.1:1".parse().unwrap(), None, &["a b".to_owned()]).map(drop);
    assert_eq!(bad, Err(PolicyError::NotAName("a b".to_owned())));
}

/// Faults: H3.
#[tokio::test]
async fn h3_a_foreign_origin_is_refused() {
    let json = ("content-type", "application/json");
    for origin in ["http://127.0.0.1:8188", "https://127.0.0.1:8188", "HTTP://127.0.0.1:8188"] {
        let expected = if origin.starts_with("HTTP") { 403 } else { 200 };
        assert_eq!(
            status(local(), "POST", "/prompt", &[HOST, ("origin", origin), json]).await,
            expected,
            "{origin}"
        );
    }
    let foreign = [
        "null",
        "",
        "http://evil.example",
        "http://localhost:8188",
        "http://127.0.0.1:8189",
        "http://127.0.0.1",
        "http://127.0.0.1:8188.evil.example",
        "file://",
        "ftp://127.0.0.1:8188",
        "http://127.0.0.1:8188/",
        "127.0.0.1:8188",
    ];
    for origin in foreign {
        let headers = [HOST, ("origin", origin), json];
        assert_eq!(status(local(), "POST", "/prompt", &headers).await, 403, "{origin}");
        let socket = [HOST, ("origin", origin), ("upgrade", "websocket"), ("connection", "upgrade")];
        assert_eq!(status(local(), "GET", "/ws", &socket).await, 403, "{origin}");
    }
    assert_eq!(status(local(), "POST", "/prompt", &[HOST, ORIGIN, ("origin", "null"), json]).await, 403);
    assert_eq!(status(local(), "POST", "/prompt", &[HOST, json]).await, 200);
}

/// Faults: H3.
#[tokio::test]
async fn h3_another_page_only_leads_to_the_page() {
    let fetch = |site, mode, dest| {
        [HOST, ("sec-fetch-site", site), ("sec-fetch-mode", mode), ("sec-fetch-dest", dest)]
    };
    for site in ["cross-site", "same-site", "unheard-of"] {
        let visit = fetch(site, "navigate", "document");
        assert_eq!(status(local(), "GET", "/", &visit).await, 200, "{site}");
        assert_eq!(status(local(), "GET", "/dreamwire/", &visit).await, 200, "{site}");
        assert_eq!(status(local(), "POST", "/", &visit).await, 403, "{site}");
        assert_eq!(status(local(), "GET", "/view?filename=a.png", &visit).await, 403, "{site}");
        assert_eq!(status(local(), "GET", "/", &fetch(site, "navigate", "iframe")).await, 403, "{site}");
        assert_eq!(status(local(), "GET", "/", &fetch(site, "no-cors", "image")).await, 403, "{site}");
        assert_eq!(
            status(local(), "GET", "/ws", &fetch(site, "websocket", "websocket")).await,
            403,
            "{site}"
        );
    }
    for site in ["same-origin", "none"] {
        assert_eq!(status(local(), "GET", "/view", &fetch(site, "no-cors", "image")).await, 200, "{site}");
    }
}

/// Faults: H4.
#[tokio::test]
async fn h4_forms_are_refused() {
    let browser = ("sec-fetch-site", "same-origin");
    let of = |content_type| ("content-type", content_type);
    let form = "application/x-www-form-urlencoded";
    let cases: &[Case] = &[
        ("/prompt", &[HOST, ORIGIN, of(form)], 415),
        ("/prompt", &[HOST, browser, of(form)], 415),
        // Python's urllib.
        ("/prompt", &[HOST, of(form)], 200),
        ("/prompt", &[HOST, ORIGIN, of("multipart/form-data; boundary=x")], 415),
        ("/prompt", &[HOST, of("multipart/form-data; boundary=x")], 415),
        ("/upload/image", &[HOST, ORIGIN, of("multipart/form-data; boundary=x")], 200),
        ("/api/upload/mask", &[HOST, of("Multipart/Form-Data; boundary=x")], 200),
        ("/upload/image", &[HOST, ("origin", "http://evil.example"), of("multipart/form-data")], 403),
        ("/upload/image/x", &[HOST, ORIGIN, of("multipart/form-data")], 415),
        ("/settings", &[HOST, ORIGIN, browser, of("text/plain;charset=UTF-8")], 200),
        ("/settings", &[HOST, browser, of("text/plain")], 415),
        ("/settings", &[HOST, of("text/plain")], 200),
        // Node's `fetch`.
        ("/prompt", &[HOST, ("sec-fetch-mode", "cors"), of("text/plain;charset=UTF-8")], 200),
        ("/settings", &[HOST, ("origin", "null"), of("text/plain")], 403),
        ("/prompt", &[HOST, ORIGIN, of("application/json; charset=utf-8")], 200),
        ("/userdata/a", &[HOST, ORIGIN, of("application/octet-stream")], 200),
        ("/prompt", &[HOST, ORIGIN, of("text/html")], 415),
        ("/prompt", &[HOST, ORIGIN, of("application/json"), of("text/plain")], 403),
        ("/interrupt", &[HOST, ORIGIN], 200),
    ];
    for (path, headers, expected) in cases {
        assert_eq!(status(local(), "POST", path, headers).await, *expected, "{path} {headers:?}");
    }
}

/// Faults: H8.
#[tokio::test]
async fn h8_packed_bodies_are_refused() {
    for encoding in ["gzip", "deflate", "br", "zstd", "identity, gzip", "x-own", ""] {
        let headers = [HOST, ("content-encoding", encoding), ("content-type", "application/json")];
        assert_eq!(status(local(), "POST", "/prompt", &headers).await, 415, "{encoding}");
    }
    assert_eq!(status(local(), "POST", "/prompt", &[HOST, ("content-encoding", "Identity")]).await, 200);
}

/// Faults: H1.
#[tokio::test]
async fn h1_a_token_opens_the_server() {
    let policy = || open("192.168.1.5:8188", &[]);
    let host = ("host", "192.168.1.5:8188");
    let bearer = |value| [host, ("authorization", value)];
    assert_eq!(status(policy(), "POST", "/prompt", &bearer("Bearer correct-horse")).await, 200);
    assert_eq!(status(policy(), "POST", "/prompt", &bearer("bearer correct-horse")).await, 200);
    for wrong in [
        "Bearer correct-hors",
        "Bearer correct-horse1",
        "Bearer",
        "Bearer ",
        "Basic correct-horse",
        "correct-horse",
    ] {
        assert_eq!(status(policy(), "POST", "/prompt", &bearer(wrong)).await, 401, "{wrong}");
    }
    for path in ["/ws?clientId=a&token=correct-horse", "/view?token=correct-horse&filename=a.png"] {
        assert_eq!(status(policy(), "GET", path, &[host]).await, 200, "{path}");
        assert_eq!(status(policy(), "POST", path, &[host]).await, 401, "{path}");
    }
    for path in
        ["/", "/ws", "/view", "/api/object_info", "/ws?token=wrong-horse", "/ws?token=correct-horse&token=x"]
    {
        assert_eq!(status(policy(), "GET", path, &[host]).await, 401, "{path}");
    }
    // A name that is not the server's is refused before the token is looked at.
    assert_eq!(status(policy(), "GET", "/ws?token=correct-horse", &[("host", "evil.example")]).await, 403);
}

/// Faults: H1.
#[tokio::test]
async fn h1_the_page_sets_a_cookie_that_is_not_the_token() {
    let policy = || open("192.168.1.5:8188", &[]);
    let host = ("host", "192.168.1.5:8188");
    let visit = |path: &str| Request::get(path).header(host.0, host.1).body(Body::empty()).unwrap();
    let answer = answer(policy(), visit("/?token=correct-horse")).await;
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["location"]),
        (303, &HeaderValue::from_static("./"))
    );
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    let (pair, attributes) = cookie.split_once(';').unwrap();
    assert_eq!(attributes, " Path=/; HttpOnly; SameSite=Strict");
    assert!(pair.starts_with("dreamwire-8188=") && !pair.contains("horse"), "{pair}");
    let json = ("content-type", "application/json");
    assert_eq!(status(policy(), "POST", "/prompt", &[host, ("cookie", pair), json]).await, 200);
    let among = format!("a=b; {pair}");
    assert_eq!(status(policy(), "GET", "/", &[host, ("cookie", &among)]).await, 200);
    for wrong in [
        "dreamwire-8188=correct-horse",
        "dreamwire-8188=",
        &*pair.replace("8188", "8189"),
        &pair[..pair.len() - 1],
    ] {
        assert_eq!(status(policy(), "GET", "/", &[host, ("cookie", wrong)]).await, 401, "{wrong}");
    }
    // The cookie does not make a foreign page this one.
    let foreign = [host, ("cookie", pair), ("origin", "http://evil.example"), json];
    assert_eq!(status(policy(), "POST", "/prompt", &foreign).await, 403);
}

/// Faults: H6.
#[tokio::test]
async fn h6_every_answer_has_the_headers_that_protect_pages() {
    for (host, expected) in [("127.0.0.1:8188", 200), ("evil.example", 403)] {
        let request = Request::get("/").header("host", host).body(Body::empty()).unwrap();
        let answer = answer(local(), request).await;
        assert_eq!(answer.status().as_u16(), expected);
        let header = |name: &str| answer.headers()[name].to_str().unwrap();
        assert!(header("content-security-policy").starts_with("default-src 'self'; script-src 'self'"));
        assert!(!header("content-security-policy").contains("http"));
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("x-frame-options"), "SAMEORIGIN");
        assert_eq!(header("referrer-policy"), "same-origin");
        assert_eq!(header("cross-origin-resource-policy"), "same-origin");
        assert!(!answer.headers().contains_key("access-control-allow-origin"));
    }
}
