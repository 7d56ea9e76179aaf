use crate::files::testing::{LIMITS, Server, get, post, request};
use serde_json::{Value, json};

#[tokio::test]
async fn a_workflow_is_saved_listed_moved_and_deleted() {
    let server = Server::new();
    assert_eq!(
        server.ask(get("/api/userdata?dir=workflows&recurse=true&split=false&full_info=true")).await.status,
        404
    );
    assert_eq!(server.ask(get("/userdata?dir=")).await.status, 400);
    assert_eq!(server.ask(get("/userdata")).await.status, 400);
    let saved =
        server.ask(post("/api/userdata/workflows%2Fa%20b.json?overwrite=false&full_info=true", "{}")).await;
    assert_eq!(saved.status, 200, "{}", saved.text());
    let info = saved.json();
    assert_eq!((&info["path"], &info["size"]), (&json!("workflows/a b.json"), &json!(2)));
    assert!(info["modified"].as_u64().unwrap() > 1_700_000_000_000 && info["created"].is_u64());
    assert_eq!(server.ask(post("/userdata/workflows%2Fa%20b.json?overwrite=false", "{}")).await.status, 409);
    let again = server.ask(post("/userdata/workflows%2Fa%20b.json", "{\"v\": 2}")).await;
    assert_eq!(again.json(), json!("workflows/a b.json"));
    assert_eq!(server.ask(post("/userdata/workflows%2Fdeep%2Fc.json", "3")).await.status, 200);
    assert_eq!(server.ask(post("/userdata/workflows%2F.index.json", "{}")).await.status, 200);
    assert_eq!(server.ask(get("/userdata/workflows%2F.index.json")).await.text(), "{}");

    let names =
        |list: Value| list.as_array().unwrap().iter().map(|one| one["path"].clone()).collect::<Vec<_>>();
    let list = server.ask(get("/userdata?dir=workflows&recurse=true&full_info=true")).await.json();
    assert_eq!(names(list), ["a b.json", "deep/c.json"]);
    for dir in ["workflows", "workflows/", "workflows%2F"] {
        assert_eq!(
            server.ask(get(&format!("/userdata?dir={dir}"))).await.json(),
            json!(["a b.json"]),
            "{dir}"
        );
    }
    assert_eq!(server.ask(get("/userdata?dir=subgraphs%2F")).await.status, 404);
    assert_eq!(server.ask(get("/userdata?dir=workflows%2F%2F")).await.status, 400);
    let split = server.ask(get("/userdata?dir=workflows&recurse=true&split=true")).await.json();
    assert_eq!(split, json!([["a b.json", "a b.json"], ["deep/c.json", "deep", "c.json"]]));
    let folder = server.ask(get("/v2/userdata?path=workflows")).await.json();
    assert_eq!(folder[0], json!({ "name": "deep", "path": "workflows/deep", "type": "directory" }));
    assert_eq!((&folder[1]["path"], &folder[1]["type"]), (&json!("workflows/a b.json"), &json!("file")));
    assert_eq!(server.ask(get("/v2/userdata")).await.json()[0]["name"], json!("workflows"));

    let read = server.ask(get("/userdata/workflows%2Fa%20b.json")).await;
    assert_eq!((read.status, read.text()), (200, "{\"v\": 2}".to_owned()));
    assert!(read.header("content-disposition").starts_with("attachment"));
    assert_eq!(read.header("x-content-type-options"), "nosniff");

    let taken = "/userdata/workflows%2Fa%20b.json/move/workflows%2Fdeep%2Fc.json?overwrite=false";
    assert_eq!(server.ask(post(taken, "")).await.status, 409);
    let moved =
        server.ask(post("/userdata/workflows%2Fa%20b.json/move/workflows%2Fd.json?full_info=true", "")).await;
    assert_eq!(moved.json()["path"], json!("workflows/d.json"));
    assert_eq!(server.ask(post("/userdata/none.json/move/e.json", "")).await.status, 404);
    assert_eq!(server.ask(get("/userdata/workflows%2Fa%20b.json")).await.status, 404);
    let delete = |path: &str| request("DELETE", path, "");
    assert_eq!(server.ask(delete("/userdata/workflows%2Fd.json")).await.status, 204);
    assert_eq!(server.ask(delete("/userdata/workflows%2Fd.json")).await.status, 404);
    assert_eq!(server.ask(delete("/userdata/workflows")).await.status, 404);
}

#[tokio::test]
async fn only_the_style_goes_out_as_what_it_is() {
    let server = Server::new();
    assert_eq!(server.ask(get("/user.css")).await.status, 404);
    server.ask(post("/userdata/user.css", "p {}")).await;
    for path in ["/userdata/user.css", "/api/userdata/user.css", "/user.css"] {
        let style = server.ask(get(path)).await;
        assert_eq!(style.header("content-type"), "text/css; charset=utf-8", "{path}");
        assert!(style.header("content-disposition").starts_with("inline"), "{path}");
    }
    server.ask(post("/userdata/other.css", "p {}")).await;
    assert_eq!(
        server.ask(get("/userdata/other.css")).await.header("content-type"),
        "application/octet-stream"
    );
}

/// Faults: H6.
#[tokio::test]
async fn h6_files_of_the_user_are_never_run() {
    let server = Server::new();
    for name in ["a.html", "a.svg", "a.js", "x%2Fuser.css", "a.json"] {
        assert_eq!(server.ask(post(&format!("/userdata/{name}"), "<script>")).await.status, 200);
        let answer = server.ask(get(&format!("/userdata/{name}"))).await;
        assert!(
            ["application/octet-stream", "application/json"].contains(&answer.header("content-type")),
            "{name}"
        );
        assert!(answer.header("content-disposition").starts_with("attachment"), "{name}");
        assert!(answer.header("content-security-policy").contains("sandbox"), "{name}");
    }
}

/// Faults: H5.
#[tokio::test]
async fn h5_names_of_the_user_do_not_leave_their_folder() {
    let server = Server::new();
    server.ask(post("/settings/a", "1")).await;
    server.ask(post("/userdata/a.json", "1")).await;
    for raw in [
        "..%2Fcomfy.settings.json",
        "%2e%2e%2fcomfy.settings.json",
        "..%5ccomfy.settings.json",
        "%2Fetc%2Fpasswd",
        "a%00.json",
        "C:%2Fa.json",
        "%252e%252e%252fcomfy.settings.json",
        "..",
        "%2e%2e",
        ".hidden",
        "a%2F..%2F..%2Fcomfy.settings.json",
        "../comfy.settings.json",
        "a/../../comfy.settings.json",
        "comfy.settings.json",
        "a%0d%0ab.json",
        "%ff.json",
    ] {
        let path = format!("/userdata/{raw}");
        let answer = server.ask(get(&path)).await;
        assert!([400, 404].contains(&answer.status), "GET {raw}: {}", answer.status);
        let status = server.ask(request("DELETE", &path, "")).await.status;
        assert!([400, 404].contains(&status), "DELETE {raw}: {status}");
        for target in [format!("/userdata/a.json/move/{raw}"), format!("/userdata/{raw}/move/b.json")] {
            // What is a plain name is no attack.
            if !["comfy.settings.json", "%252e%252e%252fcomfy.settings.json"].contains(&raw) {
                let status = server.ask(post(&target, "")).await.status;
                assert!([400, 404].contains(&status), "POST {target}: {status}");
            }
        }
    }
    for dir in ["..", "/", "%2e%2e", "a/../..", ".", "C:"] {
        assert_eq!(server.ask(get(&format!("/userdata?dir={dir}"))).await.status, 400, "{dir}");
        assert_eq!(server.ask(get(&format!("/v2/userdata?path={dir}"))).await.status, 400, "{dir}");
    }
    assert_eq!(server.ask(get("/settings/a")).await.json(), json!(1));
    assert_eq!(Server::names(&server.folders.user), ["comfy.settings.json", "userdata"]);
}

/// Faults: H7.
#[tokio::test]
async fn h7_files_of_the_user_have_a_limit() {
    let server = Server::new();
    server.ask(post("/userdata/a.json", "old")).await;
    let large = vec![b'x'; LIMITS.upload as usize + 1];
    assert_eq!(server.ask(post("/userdata/a.json", large)).await.status, 413);
    assert_eq!(server.ask(get("/userdata/a.json")).await.text(), "old");
    assert_eq!(Server::names(&server.folders.user.join("userdata")), ["a.json"]);
}
