use super::*;
use crate::error::Error;
use crate::limits::{Budget, Limits};

fn read(bytes: &[u8]) -> Result<Tree<'_>, Error> {
    load(bytes, 0, &Budget::new(&Limits::default(), bytes.len())).map(|(tree, _)| tree)
}

/// The value as Python's `repr` has it, roughly.
fn repr(tree: &Tree<'_>, id: Id) -> String {
    let all = |items: &[Id]| items.iter().map(|item| repr(tree, *item)).collect::<Vec<_>>().join(", ");
    let dict = |pairs: &[(Id, Id)]| {
        let pair = |(key, value): &(Id, Id)| format!("{}: {}", repr(tree, *key), repr(tree, *value));
        pairs.iter().map(pair).collect::<Vec<_>>().join(", ")
    };
    match tree.get(id) {
        Value::None => "None".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Huge => "huge".to_owned(),
        Value::Float(value) => format!("{value:?}"),
        Value::Str(text) => format!("{text:?}"),
        Value::Bytes(bytes) => format!("b{:?}", String::from_utf8_lossy(bytes)),
        Value::List(items) => format!("[{}]", all(items)),
        Value::Tuple(items) => format!("({})", all(items)),
        Value::Set(items) => format!("{{{}}}", all(items)),
        Value::Dict(pairs) => format!("{{{}}}", dict(pairs)),
        Value::Global(global) => format!("{}.{}", global.module, global.name),
        Value::Persistent(id) => format!("<{}>", repr(tree, *id)),
        Value::Object(object) => {
            let state = object.state.map(|state| format!(" state {}", repr(tree, state))).unwrap_or_default();
            let kwargs =
                object.kwargs.map(|kwargs| format!(" kwargs {}", repr(tree, kwargs))).unwrap_or_default();
            let (class, args) = (repr(tree, object.class), repr(tree, object.args));
            format!("{class}{args}{kwargs}{state} [{}] {{{}}}", all(&object.items), dict(&object.pairs))
        }
    }
}

fn text(bytes: &[u8]) -> String {
    let tree = read(bytes).expect("a sound pickle");
    repr(&tree, tree.root())
}

fn refusal(bytes: &[u8]) -> String {
    read(bytes).expect_err("a damaged pickle").to_string()
}

#[test]
fn each_scalar_opcode_pushes_its_value() {
    let cases: &[(&[u8], &str)] = &[
        (b"N.", "None"),
        (b"\x88.", "true"),
        (b"\x89.", "false"),
        (b"I00\n.", "false"),
        (b"I01\n.", "true"),
        (b"I-12\n.", "-12"),
        (b"L340282366920938463463374607431768211455L\n.", "huge"),
        (b"L-7L\n.", "-7"),
        (b"J\xff\xff\xff\xff.", "-1"),
        (b"K\xff.", "255"),
        (b"M\xe8\x03.", "1000"),
        (b"\x8a\x00.", "0"),
        (b"\x8a\x01\xff.", "-1"),
        (b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", "119547037146038801333356"),
        (b"\x8a\x11\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01.", "huge"),
        (b"\x8b\x02\0\0\0\x00\x01.", "256"),
        (b"F2.5\n.", "2.5"),
        (b"G\x3f\xe0\0\0\0\0\0\0.", "0.5"),
        (b"S'a\\n\\x41\\101\\q'\n.", "b\"a\\nAA\\\\q\""),
        (b"T\x02\0\0\0ab.", "b\"ab\""),
        (b"U\x02ab.", "b\"ab\""),
        (b"Va\\u00e9\xe9\n.", "\"a\u{e9}\u{e9}\""),
        (b"X\x02\0\0\0ab.", "\"ab\""),
        (b"\x8c\x02ab.", "\"ab\""),
        (b"\x8d\x02\0\0\0\0\0\0\0ab.", "\"ab\""),
        (b"B\x02\0\0\0ab.", "b\"ab\""),
        (b"C\x02ab.", "b\"ab\""),
        (b"\x8e\x02\0\0\0\0\0\0\0ab.", "b\"ab\""),
        (b"\x96\x02\0\0\0\0\0\0\0ab.", "b\"ab\""),
    ];
    for (bytes, expected) in cases {
        assert_eq!(text(bytes), *expected, "{bytes:?}");
    }
}

#[test]
fn containers_take_what_lies_above_the_mark() {
    let cases: &[(&[u8], &str)] = &[
        (b"].", "[]"),
        (b"(K\x01K\x02l.", "[1, 2]"),
        (b"]K\x01a.", "[1]"),
        (b"](K\x01K\x02e.", "[1, 2]"),
        (b").", "()"),
        (b"(K\x01K\x02K\x03K\x04t.", "(1, 2, 3, 4)"),
        (b"K\x01\x85.", "(1)"),
        (b"K\x01K\x02\x86.", "(1, 2)"),
        (b"K\x01K\x02K\x03\x87.", "(1, 2, 3)"),
        (b"}.", "{}"),
        (b"(K\x01K\x02d.", "{1: 2}"),
        (b"}K\x01K\x02s.", "{1: 2}"),
        (b"}(K\x01K\x02K\x03K\x04u.", "{1: 2, 3: 4}"),
        (b"\x8f(K\x01K\x02\x90.", "{1, 2}"),
        (b"(K\x01\x91.", "{1}"),
        (b"K\x01K\x020.", "1"),
        (b"K\x01(0.", "1"),
        (b"K\x01(K\x02K\x031.", "1"),
        (b"K\x012\x86.", "(1, 1)"),
    ];
    for (bytes, expected) in cases {
        assert_eq!(text(bytes), *expected, "{bytes:?}");
    }
}

#[test]
fn calls_become_objects_and_are_not_made() {
    let cases: &[(&[u8], &str)] = &[
        (b"ca\nB\nK\x01\x85R.", "a.B(1) [] {}"),
        (b"ca\nB\n)\x81}b.", "a.B() state {} [] {}"),
        (b"ca\nB\n)}K\x01K\x02s\x92.", "a.B() kwargs {1: 2} [] {}"),
        (b"\x8c\x01a\x8c\x01B\x93)R.", "a.B() [] {}"),
        (b"(K\x01ia\nB\n.", "a.B(1) [] {}"),
        (b"(ca\nB\nK\x01o.", "a.B(1) [] {}"),
        (b"ca\nB\n)RK\x01a(K\x02e(K\x03K\x04u.", "a.B() [1, 2] {3: 4}"),
        (b"Pkey\n.", "<\"key\">"),
        (b"K\x01Q.", "<1>"),
    ];
    for (bytes, expected) in cases {
        assert_eq!(text(bytes), *expected, "{bytes:?}");
    }
}

#[test]
fn the_memo_shares_values() {
    for bytes in [
        &b"]q\x07K\x01ah\x07\x86."[..],
        b"]r\x07\0\0\0K\x01aj\x07\0\0\0\x86.",
        b"]p7\nK\x01ag7\n\x86.",
        b"]\x94K\x01ah\x00\x86.",
        // A frame says nothing.
        b"\x80\x04\x95\x08\0\0\0\0\0\0\0]\x94K\x01ah\x00\x86.",
    ] {
        let tree = read(bytes).expect("sound");
        let Value::Tuple(pair) = tree.get(tree.root()) else { panic!("a tuple") };
        assert_eq!(pair[0], pair[1]);
        assert_eq!(repr(&tree, pair[0]), "[1]");
    }
}

#[test]
fn a_list_in_itself_is_dropped_without_recursion() {
    let tree = read(b"]q\0h\0a.").expect("sound");
    assert_eq!(tree.get(tree.root()), &Value::List(vec![tree.root()]));
    let mut deep = vec![b']'; 100_000];
    deep.extend(vec![b'a'; 99_999]);
    deep.push(b'.');
    drop(read(&deep).expect("sound"));
}

#[test]
fn damage_is_told_with_its_place() {
    let cases: &[(&[u8], &str)] = &[
        (b"", "truncated: its pickle ends at byte 0, in the middle of the data"),
        (b"K\x01", "truncated: its pickle ends at byte 2, in the middle of the data"),
        (b"K\x01X\x05\0\0\0ab", "its pickle ends at byte 9, where 3 more bytes must follow"),
        (b"\x8e\xff\xff\xff\xff\xff\xff\xff\xff.", "where 18446744073709551614 more bytes must follow"),
        (b"K\x01X\x05\0\0\0abcd", "its pickle ends at byte 11, where 1 more byte must follow"),
        (b"T\xff\xff\xff\xff.", "a length of -1"),
        (b"I12", "its pickle ends at byte 3, in the middle of the data"),
        (b"Ix\n.", "an integer that is not one"),
        (b"Fx\n.", "a float that is not one"),
        (b"Sx\n.", "a string without its quotes"),
        (b"V\\u12\n.", "a broken escape"),
        (b".", "nothing is on the stack"),
        (b"K\x01(.", "nothing is on the stack"),
        (b"t.", "TUPLE without a mark"),
        (b"(K\x01d.", "a key without a value"),
        (b"K\x01K\x01a.", "APPEND on a value of another type"),
        (b"]K\x01K\x01s.", "SETITEM on a value of another type"),
        (b"]}b.", "BUILD on a value of another type"),
        (b"ca\nB\nK\x01R.", "REDUCE on a value of another type"),
        (b"K\x01K\x01\x93.", "STACK_GLOBAL on a value of another type"),
        (b"(o.", "OBJ on a value of another type"),
        (b"h\x00.", "nothing was memorised under 0"),
        (b"gx\n.", "an index of the memo that is not one"),
        (b"K\x01\xff.", "at byte 2: 0xff is not an opcode"),
        (b"\x80\x06.", "protocol 6"),
        (b"\x82\x01.", "extension registry"),
        (b"\x97.", "out of band"),
    ];
    for (bytes, expected) in cases {
        let found = refusal(bytes);
        assert!(found.contains(expected), "{bytes:?}: {found}");
    }
}

#[test]
fn names_that_run_something_are_refused() {
    for bytes in [
        &b"cposix\nsystem\n(S'id'\ntR."[..],
        b"cos\nsystem\n.",
        b"c__builtin__\neval\n.",
        b"\x8c\x08builtins\x8c\x04exec\x93.",
        b"(S'id'\nisubprocess\nPopen\n.",
        b"cos.path\nx\n.",
    ] {
        assert!(matches!(read(bytes), Err(Error::Code { .. })), "{bytes:?}");
    }
    assert_eq!(text(b"c__builtin__\nset\n."), "__builtin__.set");
}

#[test]
fn the_number_of_opcodes_is_limited() {
    let limits = Limits { steps: 10, ..Limits::default() };
    let read = |bytes: &[u8]| {
        load(bytes, 0, &Budget::new(&limits, bytes.len())).map(|_| ()).map_err(|e| e.to_string())
    };
    assert!(read(b"NNNNNNNNN.").is_ok());
    assert!(read(b"NNNNNNNNNN.").expect_err("too many").contains("limit 10"));
}

#[test]
fn a_name_that_is_used_often_is_not_copied_often() {
    let mut bytes = b"V".to_vec();
    bytes.extend(vec![b'a'; 1000]);
    bytes.extend(b"\nq\0h\0h\0\x93.");
    assert!(refusal(&bytes).contains("STACK_GLOBAL"));
}
