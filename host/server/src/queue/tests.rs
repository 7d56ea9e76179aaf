use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;

fn order(id: &str) -> Order {
    let extra = json!({ "extra_pnginfo": { "workflow": { "id": "w1" } } });
    Order {
        id: id.to_owned(),
        number: 0.0,
        client: Some("c".to_owned()),
        prompt: json!({ "b": { "class_type": "B" }, "a": { "class_type": "A" } }),
        extra: extra.as_object().cloned().unwrap_or_default(),
        targets: vec!["a".to_owned()],
    }
}

fn open(folder: &TempDir) -> Queue {
    Queue::open(&folder.path().join("queue.sqlite"), 5).unwrap()
}

fn add(queue: &Queue, id: &str) {
    queue.add(order(id), None, false).unwrap();
}

fn taken(queue: &Queue) -> String {
    queue.take().unwrap().0.order.id
}

fn made() -> Outcome {
    let outputs = json!({ "a": { "images": [
        { "filename": "x.png", "subfolder": "", "type": "temp" },
        { "filename": "y.png", "subfolder": "s", "type": "output" },
    ] } });
    let outputs = outputs.as_object().cloned().unwrap_or_default();
    Outcome { outputs, messages: vec![("execution_start".to_owned(), json!({}))], error: None }
}

fn states(queue: &Queue) -> Vec<(String, State)> {
    let all = queue.ask(|store| store.everything()).unwrap();
    all.into_iter().map(|record| (record.order.id, record.state)).collect()
}

#[test]
fn jobs_run_by_number_and_then_as_they_came() {
    let folder = TempDir::new().unwrap();
    let queue = open(&folder);
    add(&queue, "a");
    add(&queue, "b");
    queue.add(order("front"), None, true).unwrap();
    queue.add(order("wished"), Some(1.0), false).unwrap();
    let order: Vec<String> = (0..4).map(|_| taken(&queue)).collect();
    assert_eq!(order, ["front", "a", "wished", "b"]);
}

/// Faults: H9.
#[test]
fn h9_a_full_queue_refuses() {
    let folder = TempDir::new().unwrap();
    let queue = open(&folder);
    (0..5).for_each(|n| add(&queue, &n.to_string()));
    assert!(matches!(queue.add(order("x"), None, false), Err(Refusal::Full(5))));
    assert_eq!(taken(&queue), "0");
    queue.end("0", State::Completed, &made()).unwrap();
    add(&queue, "x");
    assert!(matches!(queue.add(order("0"), None, false), Err(Refusal::Full(_))));
}

#[test]
fn an_id_is_taken_once() {
    let folder = TempDir::new().unwrap();
    let queue = open(&folder);
    add(&queue, "a");
    assert!(matches!(queue.add(order("a"), None, false), Err(Refusal::Taken)));
}

/// Faults: H10.
#[test]
fn h10_a_killed_server_leaves_its_jobs_and_a_job_that_kills_it_is_given_up() {
    let folder = TempDir::new().unwrap();
    let queue = open(&folder);
    add(&queue, "bad");
    add(&queue, "good");
    let number = queue.ask(|store| store.last_number()).unwrap();
    for start in 1..=MOST_STARTS {
        let queue = open(&folder);
        let (record, _) = queue.take().unwrap();
        assert_eq!((&record.order.id[..], record.starts), ("bad", start));
        // Dropped without an end, as if it were killed.
    }
    let queue = open(&folder);
    assert_eq!(states(&queue), [("bad".to_owned(), State::Failed), ("good".to_owned(), State::Pending)]);
    let bad = queue.ask(|store| store.get("bad")).unwrap().unwrap();
    assert!(bad.summary()["execution_error"]["exception_message"].as_str().unwrap().contains("3 times"));
    assert_eq!(taken(&queue), "good");
    add(&queue, "later");
    let later = queue.ask(|store| store.get("later")).unwrap().unwrap();
    assert!(later.order.number > number, "numbers go on");
    assert_eq!(later.order, Order { number: later.order.number, ..order("later") }, "all of it is kept, in order");
}

#[test]
fn a_job_that_is_put_back_has_not_been_tried() {
    let folder = TempDir::new().unwrap();
    let queue = open(&folder);
    add(&queue, "a");
    for _ in 0..2 * MOST_STARTS {
        assert_eq!(taken(&queue), "a");
        queue.put_back("a").unwrap();
    }
    assert_eq!(queue.running(), None);
    assert_eq!(queue.take().unwrap().0.starts, 1);
}

/// Faults: H12.
#[test]
fn h12_cancelling_hits_its_job_only() {
    let folder = TempDir::new().unwrap();
    let queue = open(&folder);
    add(&queue, "runs");
    add(&queue, "waits");
    let (_, cancel) = queue.take().unwrap();
    assert!(!queue.interrupt(Some("waits")) && !cancel.load(Ordering::Relaxed));
    assert_eq!(queue.cancel("waits").unwrap(), Cancelled::Yes);
    assert!(!cancel.load(Ordering::Relaxed));
    assert_eq!(queue.cancel("runs").unwrap(), Cancelled::Yes);
    assert!(cancel.load(Ordering::Relaxed));
    queue.end("runs", State::Cancelled, &made()).unwrap();
    assert_eq!(queue.cancel("runs").unwrap(), Cancelled::Ended);
    assert_eq!(queue.cancel("none").unwrap(), Cancelled::Unknown);
    assert!(!queue.interrupt(None), "nothing runs");
}

#[test]
fn a_job_ends_once() {
    let folder = TempDir::new().unwrap();
    let queue = open(&folder);
    add(&queue, "a");
    taken(&queue);
    assert!(queue.ask(|store| store.end("a", State::Completed, &made(), 7)).unwrap());
    assert!(!queue.ask(|store| store.end("a", State::Failed, &Outcome::default(), 8)).unwrap());
    let record = queue.ask(|store| store.get("a")).unwrap().unwrap();
    assert_eq!((record.state, record.ended, &record.outcome), (State::Completed, Some(7), &made()));
}

#[test]
fn history_is_listed_from_either_end() {
    let folder = TempDir::new().unwrap();
    let queue = open(&folder);
    for id in ["a", "b", "c", "d"] {
        add(&queue, id);
        taken(&queue);
        queue.end(id, State::Completed, &made()).unwrap();
    }
    let ids = |most, offset| {
        let found = queue.ask(|store| store.ended(most, offset)).unwrap();
        found.into_iter().map(|record| record.order.id).collect::<String>()
    };
    assert_eq!((&ids(None, None)[..], &ids(Some(2), None)[..]), ("abcd", "cd"));
    assert_eq!((&ids(Some(2), Some(1))[..], &ids(None, Some(3))[..]), ("bc", "d"));
    assert!(queue.ask(|store| store.forget("a")).unwrap() && !queue.ask(|store| store.forget("x")).unwrap());
    assert_eq!(ids(None, None), "bcd");
    assert_eq!(queue.ask(|store| store.forget_all()).unwrap(), 3);
}

#[test]
fn records_have_the_shapes_of_the_protocol() {
    let folder = TempDir::new().unwrap();
    let queue = open(&folder);
    add(&queue, "j");
    taken(&queue);
    queue.end("j", State::Completed, &made()).unwrap();
    let record = queue.ask(|store| store.get("j")).unwrap().unwrap();
    let history = record.history();
    assert_eq!(history["prompt"][0], json!(1.0));
    assert_eq!(history["prompt"][1], "j");
    assert_eq!(history["prompt"][4], json!(["a"]));
    assert_eq!(history["status"]["status_str"], "success");
    assert_eq!(history["status"]["messages"], json!([["execution_start", {}]]));
    assert_eq!(history["meta"]["a"]["real_node_id"], "a");
    let prompt: Vec<&String> = history["prompt"][2].as_object().unwrap().keys().collect();
    assert_eq!(prompt, ["b", "a"], "the order of nodes is kept");
    let job = record.summary();
    assert_eq!((&job["status"], &job["outputs_count"], &job["workflow_id"]), (&json!("completed"), &json!(2), &json!("w1")));
    assert_eq!(job["preview_output"]["filename"], "y.png", "what was saved comes first");
    assert_eq!(job.get("execution_error"), None);
    let detail = record.detail();
    assert_eq!(detail["outputs"]["a"]["images"][0]["type"], "temp");
    assert_eq!(detail["workflow"]["prompt"]["a"]["class_type"], Value::from("A"));
}

#[test]
fn another_version_of_the_database_is_left_alone() {
    let folder = TempDir::new().unwrap();
    drop(open(&folder));
    let path = folder.path().join("queue.sqlite");
    let other = rusqlite::Connection::open(&path).unwrap();
    other.pragma_update(None, "user_version", 99).unwrap();
    drop(other);
    let Err(StoreError::Version(99)) = Queue::open(&path, 5) else { panic!("it was opened") };
    std::fs::write(&path, "not a database").unwrap();
    assert!(Queue::open(&path, 5).is_err());
}
