use std::path::PathBuf;
use std::sync::Arc;

use dreamwire_engine::{Dtype, Summary, Tensor, Why};
use dreamwire_graph::{Class, Code};
use tempfile::TempDir;

use super::*;
use crate::hub::{Connection, Hub};
use crate::queue::{Order, Queue};
use crate::redact::Redactor;

struct Fixture {
    audience: Audience,
    record: Record,
    _folder: TempDir,
}

fn fixture() -> Fixture {
    let folder = TempDir::new().unwrap();
    let queue = Queue::open(&folder.path().join("q"), 9).unwrap();
    let order = Order {
        id: "j".to_owned(),
        number: 0.0,
        client: Some("me".to_owned()),
        prompt: json!({ "dream": { "class_type": "GradientAscent", "inputs": { "rate": 2, "image": ["a", 0] } } }),
        extra: Map::new(),
        targets: vec!["save".to_owned()],
    };
    queue.add(order, None, false).unwrap();
    let (record, _) = queue.take().unwrap();
    let audience = Audience {
        queue: Arc::new(queue),
        hub: Arc::new(Hub::new(4)),
        logs: Arc::default(),
        device: Arc::default(),
        redactor: Redactor::new([(folder.path(), "output")]),
    };
    Fixture { audience, record, _folder: folder }
}

fn messages(connection: &mut Connection) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    while let Ok(message) = connection.queue.try_recv() {
        let Ok(text) = message.to_text() else {
            found.push(("binary".to_owned(), Value::Null));
            continue;
        };
        match serde_json::from_str::<Value>(text) {
            Ok(message) => {
                found.push((message["type"].as_str().unwrap().to_owned(), message["data"].clone()))
            }
            Err(_) => found.push(("binary".to_owned(), Value::Null)),
        }
    }
    found
}

fn started(node: &str) -> Event {
    let identity = dreamwire_engine::Hash::from_bytes([0; 32]);
    Event::Started { node: node.to_owned(), kind: "K".to_owned(), identity }
}

fn finished(node: &str) -> Event {
    Event::Finished { node: node.to_owned(), elapsed: Duration::from_millis(1) }
}

fn published(node: &str, name: &str) -> Event {
    let hash = dreamwire_engine::Hash::from_bytes([0; 32]);
    let file = Published { name: name.to_owned(), path: PathBuf::from("/x"), hash, written: true };
    Event::Published { node: node.to_owned(), file }
}

fn cached(node: &str) -> Event {
    Event::Cached { node: node.to_owned(), why: Why::Unchanged }
}

#[test]
fn a_run_is_told_in_the_order_that_pages_expect() {
    let f = fixture();
    let mut me = f.audience.hub.connect("me".to_owned()).unwrap();
    let mut other = f.audience.hub.connect("other".to_owned()).unwrap();
    let telling = Telling::new(&f.audience, &f.record);
    let image = Tensor::new(Dtype::F32, vec![1, 1, 1, 3], Arc::new(vec![0u8; 12])).unwrap();
    for event in [
        cached("photo"),
        started("dream"),
        Event::Progress { node: "dream".to_owned(), done: 1, total: 4, note: "objective 1".to_owned() },
        Event::Preview { node: "dream".to_owned(), image },
        finished("dream"),
        started("save"),
        published("save", "a/dream_00001_.png"),
        published("save", "preview/x.npz"),
        finished("save"),
    ] {
        telling.event(event);
    }
    assert_eq!(f.audience.queue.running(), Some(("j".to_owned(), Some("save".to_owned()))));
    let (state, outcome) = telling.ended(&End::Done(Summary::default()), &[]);
    let told = messages(&mut me);
    let kinds: Vec<&str> = told.iter().map(|(kind, _)| kind.as_str()).collect();
    let expected = [
        "execution_start",
        "execution_cached",
        "progress_state",
        "executing",
        "progress_state",
        "progress",
        "binary",
        "binary",
        "progress_state",
        "progress_state",
        "executing",
        "executed",
        "progress_state",
        "execution_success",
    ];
    assert_eq!(kinds, expected);
    assert_eq!(told[1].1["nodes"], json!(["photo"]));
    assert_eq!(told[4].1["nodes"]["dream"]["value"], 1);
    let output = json!({
        "images": [{ "filename": "dream_00001_.png", "subfolder": "a", "type": "output" }],
        "files": [{ "filename": "x.npz", "subfolder": "", "type": "temp" }],
    });
    assert_eq!(
        told[11].1,
        json!({ "node": "save", "display_node": "save", "output": output, "prompt_id": "j" })
    );
    assert_eq!((state, &outcome.outputs["save"]), (State::Completed, &output));
    let kept: Vec<&str> = outcome.messages.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kept, ["execution_start", "execution_cached", "execution_success"]);
    assert!(messages(&mut other).is_empty(), "it is not the other one's job");
}

#[test]
fn lines_of_the_log_reach_all_who_listen() {
    let f = fixture();
    let mut me = f.audience.hub.connect("me".to_owned()).unwrap();
    let mut other = f.audience.hub.connect("other".to_owned()).unwrap();
    f.audience.logs.listen("other".to_owned());
    f.audience.logs.listen("gone".to_owned());
    let telling = Telling::new(&f.audience, &f.record);
    let message = "it is odd".to_owned();
    telling.event(Event::Log { node: "dream".to_owned(), level: dreamwire_engine::Level::Warn, message });
    let told = messages(&mut other);
    assert_eq!(told[0].0, "logs");
    assert_eq!(told[0].1["entries"][0]["m"], "warning `dream`: it is odd\n");
    assert!(messages(&mut me).iter().all(|(kind, _)| kind != "logs"), "it has not asked");
}

#[test]
fn what_comes_from_the_cache_is_told_as_executed_too() {
    let f = fixture();
    let mut me = f.audience.hub.connect("me".to_owned()).unwrap();
    let telling = Telling::new(&f.audience, &f.record);
    telling.event(cached("dream"));
    telling.event(cached("save"));
    telling.event(published("save", "dream_00001_.png"));
    let (state, outcome) = telling.ended(&End::Done(Summary::default()), &[]);
    let told = messages(&mut me);
    let kinds: Vec<&str> = told.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["execution_start", "execution_cached", "executed", "execution_success"]);
    assert_eq!(told[1].1["nodes"], json!(["dream", "save"]));
    assert_eq!((state, outcome.outputs.len()), (State::Completed, 1));
}

#[test]
fn files_of_cached_steps_that_were_there_already_are_told_in_the_end() {
    let f = fixture();
    let mut me = f.audience.hub.connect("me".to_owned()).unwrap();
    let telling = Telling::new(&f.audience, &f.record);
    let report = |node: &str, names: &[&str]| {
        let files = names.iter().map(|name| match published(node, name) {
            Event::Published { file, .. } => file,
            _ => unreachable!(),
        });
        StepReport { node: node.to_owned(), kind: "K".to_owned(), ran: None, published: files.collect() }
    };
    telling.event(cached("save"));
    telling.event(published("other", "b_00001_.png"));
    let steps =
        vec![report("dream", &[]), report("save", &["a_00001_.png"]), report("other", &["b_00001_.png"])];
    let (_, outcome) = telling.ended(&End::Done(Summary { steps, ..Summary::default() }), &[]);
    let told = messages(&mut me);
    let executed = told.iter().filter(|(kind, _)| kind == "executed").map(|(_, data)| data["node"].clone());
    assert_eq!(executed.collect::<Vec<_>>(), ["other", "save"]);
    assert_eq!(told.last().unwrap().0, "execution_success");
    assert_eq!(outcome.outputs["save"]["images"][0]["filename"], "a_00001_.png");
}

#[test]
fn what_is_found_in_the_cache_later_is_told_then_and_kept_with_the_rest() {
    let f = fixture();
    let mut me = f.audience.hub.connect("me".to_owned()).unwrap();
    let telling = Telling::new(&f.audience, &f.record);
    telling.event(cached("photo"));
    telling.event(started("dream"));
    telling.event(finished("dream"));
    telling.event(cached("save"));
    let (_, outcome) = telling.ended(&End::Done(Summary::default()), &[]);
    let told = messages(&mut me);
    let nodes = |(kind, data): &(String, Value)| (kind == "execution_cached").then(|| data["nodes"].clone());
    assert_eq!(told.iter().filter_map(nodes).collect::<Vec<_>>(), [json!(["photo"]), json!(["save"])]);
    let kept: Vec<Value> = outcome.messages.iter().filter_map(nodes).collect();
    assert_eq!(kept, [json!(["photo", "save"])]);
}

#[test]
fn a_failure_names_node_input_and_hint_but_no_folder() {
    let f = fixture();
    let mut me = f.audience.hub.connect("me".to_owned()).unwrap();
    let telling = Telling::new(&f.audience, &f.record);
    telling.event(started("dream"));
    telling.event(Event::Failed { node: "dream".to_owned() });
    let message = format!("no file in `{}`", f._folder.path().display());
    let code = Code::new("run::input");
    let first = Diagnostic::error(code, Class::Input, message).hint("look again").about("dream", "image");
    let second = Diagnostic::error(code, Class::Input, "another one");
    let stopped = End::Stopped(Stopped::Failed(Vec::new()));
    let (state, outcome) = telling.ended(&stopped, &[first, second]);
    let error = outcome.error.unwrap();
    assert_eq!(state, State::Failed);
    assert_eq!(error["exception_message"], "no file in `output`");
    assert_eq!((&error["node_id"], &error["node_type"]), (&json!("dream"), &json!("GradientAscent")));
    assert_eq!((&error["input_name"], &error["exception_type"]), (&json!("image"), &json!("run::input")));
    assert_eq!(error["traceback"], json!(["hint: look again", "another one"]));
    assert_eq!(error["current_inputs"]["rate"], json!(["2"]));
    let told = messages(&mut me);
    assert_eq!(told.last().unwrap().0, "execution_error");
    assert_eq!(told[told.len() - 2].1["nodes"]["dream"]["state"], "error");
}

#[test]
fn an_interrupted_run_says_where_it_was() {
    let f = fixture();
    let telling = Telling::new(&f.audience, &f.record);
    telling.event(started("a"));
    telling.event(finished("a"));
    telling.event(started("dream"));
    let (state, outcome) = telling.ended(&End::Stopped(Stopped::Cancelled), &[]);
    let (kind, data) = outcome.messages.last().unwrap();
    assert_eq!((state, &kind[..]), (State::Cancelled, "execution_interrupted"));
    assert_eq!((&data["node_id"], &data["executed"]), (&json!("dream"), &json!(["a"])));
}
