//! Files that must be refused, and what is said about them.

mod assembler;

use assembler::{Pickle, f32s, legacy, npy, torch_zip, zip};
use dreamwire_formats::{Error, Limits, What, read, recognise};

fn refusal(bytes: &[u8]) -> String {
    read(bytes, &Limits::default()).err().unwrap_or_else(|| panic!("a refusal")).to_string()
}

fn one(tensor: impl FnOnce(Pickle) -> Pickle) -> Vec<u8> {
    tensor(Pickle::new().raw(b"}").text("a")).raw(b"s").stop()
}

#[test]
fn other_kinds_of_files_are_named() {
    let tar = [vec![b'x'; 257], b"ustar\0".to_vec()].concat();
    let docx = zip(&[("word/document.xml", b"<x/>")], false);
    let cases: &[(&[u8], What)] = &[
        (b"", What::Empty),
        (b"  <!DOCTYPE html><html>", What::Html),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1", What::LfsPointer),
        (&tar, What::Tar),
        (b"\x1f\x8b\x08\0\0\0", What::Compressed),
        (b"\x08\x07\x12\x07pytorch\x1a", What::Onnx),
        (b"GGUF\x03\0\0\0", What::Gguf),
        (b"\x89HDF\r\n\x1a\n\0", What::Hdf5),
        (b"\x89PNG\r\n\x1a\n", What::Picture),
        (b"import torch\n", What::Text),
        (b"\x0a\x05GoogL\x12\x03", What::OtherFramework("a network of Caffe or a graph of TensorFlow")),
        (b"\x04\0\0\0\x01\0\0\0\x03\0\0\0V 1", What::OtherFramework("a model of Torch 7 (Lua)")),
        (b"\xff\xfe\0\x01\x02", What::Unknown),
        (&docx, What::Zip),
    ];
    for (bytes, what) in cases {
        assert_eq!(recognise(bytes), *what);
        let error = read(bytes, &Limits::default()).expect_err("a refusal");
        assert_eq!(error.to_string(), format!("this is {}, not a file of network weights", what.name()));
        assert!(error.hint().is_some(), "{what:?}");
    }
}

#[test]
fn code_is_refused_and_not_run() {
    for pickle in [
        &b"cposix\nsystem\n(S'touch /tmp/x'\ntR."[..],
        b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R.",
        b"\x80\x02}X\x01\0\0\0acbuiltins\nexec\nX\x01\0\0\0x\x85Rs.",
    ] {
        let error = read(pickle, &Limits::default()).expect_err("a refusal");
        assert!(matches!(error, Error::Code { .. }), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("Python")));
        assert!(refusal(&torch_zip(pickle.to_vec(), &[], false)).contains("was not called"));
    }
}

#[test]
fn a_pickle_of_something_else_is_named() {
    let pickle = Pickle::new()
        .global("sklearn.decomposition", "PCA")
        .raw(b")\x81}")
        .text("n")
        .int(3)
        .raw(b"sb")
        .stop();
    let expected = "this is a pickle of `sklearn.decomposition.PCA`; there are no tensors in it";
    assert_eq!(refusal(&pickle), expected);
    assert_eq!(refusal(b"\x80\x02}."), "this is a pickle; there are no tensors in it");
}

#[test]
fn views_beyond_their_storage_are_refused() {
    let data = f32s(&[0.; 4]);
    let cases: &[(i64, &[i64], &[i64], &str)] = &[
        (0, &[5], &[1], "reaches beyond its storage"),
        (1, &[4], &[1], "reaches beyond its storage"),
        (0, &[2, 2], &[3, 1], "reaches beyond its storage"),
        (i64::MAX, &[2], &[1], "reaches beyond its storage"),
        (0, &[2], &[i64::MAX], "reaches beyond its storage"),
        (-1, &[1], &[1], "an offset that is not a size"),
        (0, &[-1], &[1], "a shape that is not made of sizes"),
        (0, &[1], &[-1], "strides that are not sizes"),
        (0, &[1, 1], &[1], "has 2 dimensions and 1 strides"),
        (0, &[i64::MAX, i64::MAX], &[0, 0], "an impossible shape"),
        (0, &[1; 65], &[1; 65], "has 65 dimensions"),
    ];
    for (offset, shape, strides, expected) in cases {
        let pickle = one(|pickle| pickle.tensor(("FloatStorage", "0", 4), *offset, shape, strides));
        let found = refusal(&torch_zip(pickle, &[&data], false));
        assert!(found.starts_with("tensor `a`") && found.contains(expected), "{found}");
    }
}

#[test]
fn storages_that_are_not_as_they_should_be() {
    let data = f32s(&[0.; 4]);
    let cases: &[(&str, &str, i64, &str)] = &[
        ("FloatStorage", "0", 5, "with 5 elements, which has 16 bytes"),
        ("FloatStorage", "0", i64::MAX, "which has 16 bytes"),
        ("FloatStorage", "1", 4, "refers to storage `1`, which is not there"),
        ("FloatStorage", "../data.pkl", 1, "which is not there"),
        ("QUInt8Storage", "0", 4, "is quantised (QUInt8Storage), which is not supported"),
        ("ComplexFloatStorage", "0", 2, "has complex numbers"),
        ("StrangeStorage", "0", 2, "of the class StrangeStorage"),
    ];
    for (class, key, count, expected) in cases {
        let pickle = one(|pickle| pickle.tensor((class, key, *count), 0, &[1], &[1]));
        let found = refusal(&torch_zip(pickle, &[&data], false));
        assert!(found.starts_with("tensor `a`") && found.contains(expected), "{found}");
    }
    let quantised = one(|pickle| pickle.global("torch._utils", "_rebuild_qtensor").raw(b")R"));
    let found = refusal(&torch_zip(quantised, &[], false));
    assert_eq!(found, "tensor `a` is quantised (`torch._utils._rebuild_qtensor`), which is not supported");
}

#[test]
fn bombs_are_refused_before_they_grow() {
    // A billion laughs: each list holds the one before ten times.
    let mut laughs = Pickle::new().raw(b"]");
    for _ in 0..30 {
        laughs = laughs.raw(b"q\0](").raw(&b"h\0".repeat(10)).raw(b"e");
    }
    assert!(refusal(&laughs.stop()).contains("more steps"), "laughs");
    // A list in itself.
    assert!(refusal(b"\x80\x02]q\0h\0a.").contains("levels of nesting"));
    // Deep nesting.
    let deep = [vec![b']'; 5000], vec![b'a'; 4999], b".".to_vec()].concat();
    assert!(refusal(&[&b"\x80\x02"[..], &deep].concat()).contains("levels of nesting"));
    // A long name, made of one key.
    let mut name = Pickle::new().text(&"a".repeat(600)).raw(b"q\0").int(1);
    for _ in 0..3 {
        name = name.raw(b"q\x01}h\0h\x01s");
    }
    assert!(refusal(&name.stop()).contains("bytes in a name"));
    // One number, seen a billion times.
    let pickle = one(|pickle| pickle.tensor(("FloatStorage", "0", 1), 0, &[1000, 1000, 1000], &[0, 0, 0]));
    assert!(refusal(&torch_zip(pickle, &[&f32s(&[1.])], false)).contains("bytes of tensors"));
    // Zeros that unpack to more than the file may.
    let zeros = vec![0; 100 << 20];
    let pickle = one(|pickle| pickle.tensor(("FloatStorage", "0", 4), 0, &[4], &[1]));
    let file = torch_zip(pickle, &[&zeros], true);
    assert!(file.len() < 1 << 20 && refusal(&file).contains("bytes of unpacked data"));
    // One storage that is the same bytes again and again is read once; another each time is paid for.
    let huge = legacy(b"\x80\x02\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.".to_vec(), &[]);
    assert!(refusal(&huge).contains("must follow"));
}

#[test]
fn tricks_with_zip_files_are_refused() {
    for name in ["../data.pkl", "/etc/passwd", "a/../../b", "a\\b", "C:/x"] {
        let found = refusal(&zip(&[("m/data.pkl", b"\x80\x02N."), (name, b"x")], false));
        assert!(found.contains("leads out of it"), "{name}: {found}");
    }
    let two = zip(&[("a/data.pkl", b"\x80\x02N."), ("b/data.pkl", b"\x80\x02N.")], false);
    assert!(refusal(&two).contains("several PyTorch checkpoints"));
    // The directory says that there is more than there is.
    let data = f32s(&[1.; 4]);
    let file =
        torch_zip(one(|pickle| pickle.tensor(("FloatStorage", "0", 4), 0, &[4], &[1])), &[&data], false);
    let mut lying = file.clone();
    let place = lying.windows(4).rposition(|four| four == [16, 0, 0, 0]).expect("the size in the directory");
    lying[place..place + 4].copy_from_slice(&0x7fff_ffffu32.to_le_bytes());
    lying[place - 4..place].copy_from_slice(&0x7fff_ffffu32.to_le_bytes());
    assert!(read(&lying, &Limits::default()).is_err());
}

#[test]
fn arrays_that_contradict_themselves_are_refused() {
    let header = |descr: &str, shape: &str| {
        format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}")
    };
    let cases = [
        (header("'<f4'", "(5,)"), "reaches beyond its storage"),
        (header("'<f4'", "(99999999999999999999,)"), "a header that NumPy does not write"),
        (header("'<f4'", "(-1,)"), "a header that NumPy does not write"),
        (header("'|O'", "(1,)"), "holds Python objects"),
        (header("[('a', '<f4'), ('b', '<i4')]", "(1,)"), "holds records"),
        (header("'<q9'", "(1,)"), "has the type `<q9`"),
        ("{'descr': '<f4'}".to_owned(), "a header that NumPy does not write"),
        ("__import__('os').system('id')".to_owned(), "a header that NumPy does not write"),
    ];
    for (header, expected) in cases {
        let found = refusal(&npy(&header, &[0; 16]));
        assert!(found.contains(expected), "{header}: {found}");
    }
    assert!(refusal(b"\x93NUMPY\x01\x00\xff\xff{").contains("ends before its header"));
    assert!(refusal(b"\x93NUMPY\x09\x00\xff\xff{").contains("version 9"));
}

#[test]
fn safetensors_files_say_how_long_they_must_be() {
    let header = br#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
    let file = [&(header.len() as u64).to_le_bytes()[..], header, &[0; 8]].concat();
    assert!(read(&file, &Limits::default()).is_ok());
    let whole = file.len();
    let found = refusal(&file[..whole - 3]);
    let expected = format!("the file is truncated: it must have {whole} bytes, found {}", whole - 3);
    assert_eq!(found, expected);
}

#[test]
fn a_file_that_is_cut_anywhere_is_refused_without_a_panic() {
    let data = f32s(&[1.; 4]);
    let pickle = one(|pickle| pickle.tensor(("FloatStorage", "0", 4), 0, &[4], &[1]));
    for file in [torch_zip(pickle.clone(), &[&data], false), legacy(one_legacy(), &[("0", &data)])] {
        assert!(read(&file, &Limits::default()).is_ok());
        for length in 0..file.len() {
            assert!(read(&file[..length], &Limits::default()).is_err(), "{length} of {}", file.len());
        }
    }
}

/// As [`one`], with a persistent id of six fields.
fn one_legacy() -> Vec<u8> {
    one(|pickle| {
        let pickle = pickle.global("torch._utils", "_rebuild_tensor_v2").raw(b"((").text("storage");
        let pickle = pickle.global("torch", "FloatStorage").text("0").text("cpu").int(4).raw(b"NtQ");
        pickle.int(0).ints(&[4]).ints(&[1]).raw(b"\x89}tR")
    })
}
