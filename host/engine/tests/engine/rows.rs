//! Batches in pieces: which calls are made, in which order, with how many rows, and what is left of a run that ends
//! early.

use crate::studio::{Bench, Ran};
use dreamwire_engine::*;
use dreamwire_graph::KindInfo;
use std::sync::atomic::Ordering;

/// Seeds are painted and saved.
fn painted(count: usize) -> String {
    format!(
        r#"{{"seeds": {{"class_type": "Seeds", "inputs": {{"count": {count}}}}},
             "paint": {{"class_type": "Paint", "inputs": {{"w": ["seeds", 0]}}}},
             "save": {{"class_type": "Save", "inputs": {{"images": ["paint", 0]}}}}}}"#
    )
}

#[test]
fn a_picture_is_saved_before_the_next_is_painted() {
    let mut b = Bench::on_disk();
    let ran = b.run(&painted(3));
    assert_eq!(ran.calls, "seeds[0] paint[1] save[1] paint[1] save[1] paint[1] save[1]");
    assert_eq!(b.files(), "x_00001=10 x_00002=20 x_00003=30");
    assert_eq!(b.most_rows(), 1, "one picture in memory");
    let own =
        |name: &str| ran.events.iter().filter(|event| event.starts_with(name)).cloned().collect::<Vec<_>>();
    assert_eq!(
        own("paint "),
        [
            "paint started",
            "paint 0+1/3",
            "paint 1/3",
            "paint hello",
            "paint 1+1/3",
            "paint 2/3",
            "paint 2+1/3",
            "paint 3/3",
            "paint finished"
        ],
        "it starts and ends once, with the progress of the batch, and says what it has to say once"
    );
    let files = own("save x_");
    assert_eq!(files, ["save x_00001.txt true", "save x_00002.txt true", "save x_00003.txt true"]);
    let summary = ran.summary.unwrap();
    let steps: Vec<(&str, bool)> =
        summary.steps.iter().map(|step| (step.node.as_str(), step.ran.is_some())).collect();
    assert_eq!(steps, [("seeds", true), ("paint", true), ("save", true)]);
    assert_eq!(summary.steps[2].published.len(), 3);
}

#[test]
fn what_is_cached_is_not_run_again() {
    for mut b in [Bench::new(), Bench::on_disk()] {
        b.calls(&painted(3));
        let again = b.run(&painted(3));
        assert_eq!((again.calls.as_str(), again.events.as_slice()), ("", &["save Unchanged".to_owned()][..]));
        let published = &again.summary.unwrap().steps[0].published;
        assert!(published.len() == 3 && published.iter().all(|file| !file.written));
        std::fs::remove_file(b.dir.path().join("out/x_00002.txt")).unwrap();
        assert_eq!(b.run(&painted(3)).events, ["save x_00002.txt true", "save Unchanged"]);
        assert_eq!(b.files(), "x_00001=10 x_00002=20 x_00003=30");
        // Only the saving changes: the pictures come from the cache, one by one.
        let renamed = painted(3).replace(r#""images""#, r#""name": "y%", "images""#);
        assert_eq!(b.calls(&renamed), "save[1] save[1] save[1]");
        assert!(b.files().ends_with("y0_00001=10 y1_00001=20 y2_00001=30"), "{}", b.files());
    }
}

#[test]
fn the_next_process_goes_on_where_a_run_was_stopped() {
    let mut b = Bench::on_disk();
    b.studio.last_seed.store(3, Ordering::Relaxed);
    let stopped = b.run(&painted(5));
    assert!(matches!(stopped.summary, Err(Stopped::Cancelled)));
    assert_eq!(stopped.calls, "seeds[0] paint[1] save[1] paint[1] save[1] paint[1]");
    assert_eq!(b.files(), "x_00001=10 x_00002=20");
    b.studio.last_seed.store(0, Ordering::Relaxed);
    b.begin_again();
    let ran = b.run(&painted(5));
    assert_eq!(ran.calls, "save[1] paint[1] save[1] paint[1] save[1]");
    assert_eq!(b.files(), "x_00001=10 x_00002=20 x_00003=30 x_00004=40 x_00005=50");
    let told: Vec<&String> = ran.events.iter().filter(|event| event.starts_with("save x_")).collect();
    assert_eq!(told.len(), 5, "{told:?}");
    assert_eq!(told[..2], ["save x_00001.txt false", "save x_00002.txt false"]);
}

#[test]
fn a_batch_says_how_much_of_it_is_there() {
    let mut b = Bench::on_disk();
    b.explains = true;
    let why =
        |ran: &Ran| ran.events.iter().filter(|event| event.contains(" for [")).cloned().collect::<Vec<_>>();
    let batches = |ran: Ran| ran.summary.unwrap().batches;
    b.studio.last_seed.store(3, Ordering::Relaxed);
    let stopped = b.run(&painted(5));
    assert_eq!(why(&stopped), ["seeds for [New]", "paint for [New]", "save for [New]"]);
    b.studio.last_seed.store(0, Ordering::Relaxed);
    b.begin_again();
    let ran = b.run(&painted(5));
    // Before anything of the batch is made.
    let some = ["paint for [Rows { cached: 3, batch: 5 }]", "save for [Rows { cached: 2, batch: 5 }]"];
    assert_eq!(ran.events[1..3], some, "{:?}", ran.events);
    assert_eq!(why(&ran), some);
    assert_eq!(batches(ran), Batches { rows: 5, cached: 3 });

    let longer = b.run(&painted(6));
    let rows = |node: &str, cached: usize| {
        let own = |event: &String| {
            event.starts_with(node) && event.ends_with(&format!("Rows {{ cached: {cached}, batch: 6 }}]"))
        };
        why(&longer).iter().any(own)
    };
    assert!(rows("paint for [Input", 5) && rows("save for [Input", 5), "{:?}", why(&longer));
    assert_eq!(batches(longer), Batches { rows: 6, cached: 5 });

    // All of it is there: nothing runs, so nothing says why.
    let shorter = b.run(&painted(2));
    assert_eq!(why(&shorter).len(), 1, "{:?}", why(&shorter));
    assert_eq!(batches(shorter), Batches { rows: 2, cached: 2 });
    // Nor are pictures counted that are only saved.
    let renamed = painted(2).replace(r#""images""#, r#""name": "y", "images""#);
    assert_eq!(batches(b.run(&renamed)), Batches::default());
}

#[test]
fn pictures_after_a_step_that_was_not_split_count_when_they_are_found() {
    let text = |count: usize, shade: usize| {
        format!(
            r#"{{"seeds": {{"class_type": "Seeds", "inputs": {{"count": {count}}}}},
                 "dot": {{"class_type": "Dot", "inputs": {{"w": ["seeds", 0]}}}},
                 "enlarge": {{"class_type": "Enlarge", "inputs": {{"image": ["dot", 0], "shade": {shade}}}}},
                 "invert": {{"class_type": "Invert", "inputs": {{"image": ["enlarge", 0]}}}},
                 "save": {{"class_type": "Save", "inputs": {{"images": ["invert", 0]}}}}}}"#
        )
    };
    let mut b = Bench::on_disk();
    b.explains = true;
    b.run(&text(3, 0));
    // The dots are cached, and small enough to be enlarged together.
    let together = b.run(&text(3, 7));
    assert!(together.calls.starts_with("enlarge[3] invert[1] save[1]"), "{}", together.calls);
    let longer = b.run(&text(4, 7));
    assert_eq!(longer.calls.matches("enlarge[1]").count(), 4, "{}", longer.calls);
    assert_eq!(longer.calls.matches("invert[1]").count(), 1, "{}", longer.calls);
    let hidden = r#"Hidden { node: "enlarge" }]"#;
    let says = |node: &str, what: &str| {
        let line = longer.events.iter().find(|event| event.starts_with(&format!("{node} for")));
        line.is_some_and(|line| line.contains(what))
    };
    assert!(says("dot", "Rows { cached: 3, batch: 4 }") && !says("enlarge", "Hidden"), "{:?}", longer.events);
    assert!(says("invert", hidden) && says("save", hidden), "{:?}", longer.events);
    assert_eq!(longer.summary.unwrap().batches, Batches { rows: 4, cached: 3 });
}

#[test]
fn a_longer_or_shorter_batch_uses_the_rows_that_are_there() {
    let mut b = Bench::on_disk();
    b.calls(&painted(3));
    b.begin_again();
    assert_eq!(b.calls(&painted(5)), "seeds[0] paint[1] save[1] paint[1] save[1]");
    assert_eq!(b.files(), "x_00001=10 x_00002=20 x_00003=30 x_00004=40 x_00005=50");
    b.begin_again();
    let ran = b.run(&painted(2));
    assert_eq!(ran.calls, "seeds[0]");
    assert!(ran.events.contains(&"paint SameInputs".to_owned()), "{:?}", ran.events);
    b.begin_again();
    assert_eq!(b.calls(&painted(1)), "seeds[0]", "a batch of one is a row like another");
}

#[test]
fn a_failure_keeps_what_was_saved_before() {
    let mut b = Bench::on_disk();
    b.studio.bad_seed.store(3, Ordering::Relaxed);
    let ran = b.run(&painted(4));
    assert_eq!(b.files(), "x_00001=10 x_00002=20");
    let Err(Stopped::Failed(failures)) = ran.summary else { panic!("it fails") };
    assert_eq!(failures.len(), 1);
    let failure = &failures[0].failure;
    assert_eq!((failure.kind, &failure.input[..]), (FailureKind::Argument, "w"));
    assert_eq!(failure.message, "an ugly seed (picture 3 of 4)");
    assert_eq!(ran.events[ran.events.len() - 2..], ["paint failed", "save skipped for paint"]);
}

#[test]
fn a_kind_that_gives_other_rows_breaks_its_word() {
    let mut b = Bench::new();
    let double = r#""double": {"class_type": "Double", "inputs": {"image": ["paint", 0]}}, "save""#;
    let text =
        painted(2).replace(r#"["paint", 0]}}}"#, r#"["double", 0]}}}"#).replacen(r#""save""#, double, 1);
    let Err(Stopped::Failed(failures)) = b.run(&text).summary else { panic!("it fails") };
    let failure = &failures[0].failure;
    assert_eq!(failure.kind, FailureKind::Plugin);
    assert!(failure.message.starts_with("output `IMAGE` does not have the 1 rows"), "{}", failure.message);
    assert_eq!(b.files(), "");
}

#[test]
fn a_step_that_fails_does_not_stop_those_beside_it() {
    let mut b = Bench::new();
    let text = r#"{"seeds": {"class_type": "Seeds", "inputs": {"count": 3}},
        "paint": {"class_type": "Paint", "inputs": {"w": ["seeds", 0]}},
        "bad": {"class_type": "Save", "inputs": {"images": ["paint", 0], "name": "../bad"}},
        "invert": {"class_type": "Invert", "inputs": {"image": ["paint", 0]}},
        "save": {"class_type": "Save", "inputs": {"images": ["invert", 0], "name": "good"}}}"#;
    let ran = b.run(text);
    let Err(Stopped::Failed(failures)) = ran.summary else { panic!("it fails") };
    assert_eq!(failures[0].failure.kind, FailureKind::Publish);
    assert_eq!(b.files(), "good_00001=-10 good_00002=-20 good_00003=-30");
}

#[test]
fn who_needs_the_whole_gets_it() {
    let text = r#"{"seeds": {"class_type": "Seeds", "inputs": {"count": 3}},
        "paint": {"class_type": "Paint", "inputs": {"w": ["seeds", 0]}},
        "save": {"class_type": "Save", "inputs": {"images": ["paint", 0]}},
        "sheet": {"class_type": "Sheet", "inputs": {"image": ["paint", 0]}},
        "sum": {"class_type": "Save", "inputs": {"images": ["sheet", 0], "name": "sum"}}}"#;
    for mut b in [Bench::new(), Bench::on_disk()] {
        let calls = b.calls(text);
        assert_eq!(calls, "seeds[0] paint[1] save[1] paint[1] save[1] paint[1] save[1] sheet[3] sum[1]");
        assert_eq!(b.files(), "sum_00001=60 x_00001=10 x_00002=20 x_00003=30");
        assert_eq!(b.run(text).events, ["save Unchanged", "sum Unchanged"]);
        let again = text
            .replace(r#""Sheet", "inputs": {"image": ["paint""#, r#""Sheet", "inputs": {"image": ["other""#);
        let again = again.replace(
            r#""sheet":"#,
            r#""other": {"class_type": "Invert", "inputs": {"image": ["paint", 0]}}, "sheet":"#,
        );
        let calls = b.calls(&again);
        assert!(calls.ends_with("sheet[3] sum[1]") && !calls.contains("paint"), "{calls}");
        assert!(b.files().contains("sum_00001=-60"), "{}", b.files());
    }
}

#[test]
fn the_other_inputs_of_a_chain_are_made_first() {
    let mut b = Bench::on_disk();
    let text = r#"{"one": {"class_type": "Seeds", "inputs": {"count": 1, "first": 7}},
        "still": {"class_type": "Paint", "inputs": {"w": ["one", 0]}},
        "seeds": {"class_type": "Seeds", "inputs": {"count": 3}},
        "paint": {"class_type": "Paint", "inputs": {"w": ["seeds", 0]}},
        "blend": {"class_type": "Blend", "inputs": {"a": ["paint", 0], "b": ["still", 0]}},
        "save": {"class_type": "Save", "inputs": {"images": ["blend", 0]}}}"#;
    assert_eq!(
        b.calls(text),
        "seeds[0] one[0] still[1] paint[1] blend[1] save[1] paint[1] blend[1] save[1] paint[1] blend[1] save[1]"
    );
    assert_eq!(b.files(), "x_00001=80 x_00002=90 x_00003=100");
    assert_eq!(b.most_rows(), 3, "the one for all, what is painted, and what is blended");
}

#[test]
fn rows_of_two_batches_go_together() {
    let mut b = Bench::new();
    let text = r#"{"seeds": {"class_type": "Seeds", "inputs": {"count": 3}},
        "paint": {"class_type": "Paint", "inputs": {"w": ["seeds", 0]}},
        "others": {"class_type": "Seeds", "inputs": {"count": 3, "first": 5}},
        "other": {"class_type": "Paint", "inputs": {"w": ["others", 0]}},
        "blend": {"class_type": "Blend", "inputs": {"a": ["paint", 0], "b": ["other", 0]}},
        "save": {"class_type": "Save", "inputs": {"images": ["blend", 0]}}}"#;
    // Each is made row by row, one of them with what is made of both.
    let calls = b.calls(text);
    let rest = "other[1] blend[1] save[1] other[1] blend[1] save[1] other[1] blend[1] save[1]";
    assert_eq!(calls, format!("others[0] seeds[0] paint[1] paint[1] paint[1] {rest}"));
    assert_eq!(b.files(), "x_00001=60 x_00002=80 x_00003=100");
}

#[test]
fn small_pictures_stay_together() {
    let mut b = Bench::new();
    let text = |count: usize| {
        format!(
            r#"{{"small": {{"class_type": "Small", "inputs": {{"count": {count}}}}},
                 "invert": {{"class_type": "Invert", "inputs": {{"image": ["small", 0]}}}},
                 "save": {{"class_type": "Save", "inputs": {{"images": ["invert", 0]}}}}}}"#
        )
    };
    let ran = b.run(&text(5));
    assert_eq!(ran.calls, "small[0] invert[5] save[5]");
    assert!(!ran.events.iter().any(|event| event.contains("+5/5")), "{:?}", ran.events);
}

#[test]
fn a_function_for_a_whole_batch_gets_it() {
    let text = |aims: usize| {
        format!(
            r#"{{"aim": {{"class_type": "Aim", "inputs": {{"count": {aims}}}}},
                 "seeds": {{"class_type": "Seeds", "inputs": {{"count": 2}}}},
                 "paint": {{"class_type": "Paint", "inputs": {{"w": ["seeds", 0]}}}},
                 "follow": {{"class_type": "Follow", "inputs": {{"image": ["paint", 0], "aim": ["aim", 0]}}}},
                 "save": {{"class_type": "Save", "inputs": {{"images": ["follow", 0]}}}}}}"#
        )
    };
    let one = Bench::new().calls(&text(1));
    assert_eq!(one, "seeds[0] aim[0] paint[1] follow[1] save[1] paint[1] follow[1] save[1]");
    let two = Bench::new().calls(&text(2));
    assert!(two.ends_with("paint[1] paint[1] follow[2] save[1] save[1]"), "{two}");
}

#[test]
fn a_part_that_is_gone_is_made_again() {
    let mut b = Bench::on_disk();
    b.calls(&painted(3));
    let renamed = painted(3).replace(r#""images""#, r#""name": "y", "images""#);
    let blobs: Vec<_> = std::fs::read_dir(b.dir.path().join("cache/blobs")).unwrap().collect();
    assert_eq!(blobs.len(), 3, "one for each picture");
    for blob in blobs {
        let path = blob.unwrap().path();
        let length = path.metadata().unwrap().len();
        // Only reading it tells.
        std::fs::write(&path, vec![7; length as usize]).unwrap();
    }
    b.begin_again();
    let ran = b.run(&renamed);
    assert!(ran.summary.is_ok());
    assert_eq!(ran.calls.matches("paint[1]").count(), 3, "{}", ran.calls);
    assert!(b.files().ends_with("y_00001=10 y_00002=20 y_00003=30"), "{}", b.files());
}

#[test]
fn the_files_are_those_of_a_batch_that_is_not_split() {
    let files = |split: bool| {
        let mut b = Bench::new();
        if !split {
            let kinds: Vec<KindInfo> = b.studio.kinds.iter().map(|kind| (**kind).clone()).collect();
            for mut kind in kinds {
                kind.inputs.iter_mut().chain(&mut kind.outputs).for_each(|port| port.rows = false);
                b.studio.kinds.insert(kind);
            }
        }
        let mut runs = Vec::new();
        for name in ["x", "x%", "a/b"] {
            let text = painted(4).replace(r#""images""#, &format!(r#""name": "{name}", "images""#));
            let ran = b.run(&text);
            assert_eq!(ran.calls.contains("save[4]"), !split, "{}", ran.calls);
            runs.push(ran.summary.unwrap().steps.last().unwrap().published.clone());
        }
        runs.into_iter().flatten().map(|file| (file.name, file.hash)).collect::<Vec<_>>()
    };
    let whole = files(false);
    assert_eq!(whole.len(), 12);
    assert_eq!(files(true), whole);
}
