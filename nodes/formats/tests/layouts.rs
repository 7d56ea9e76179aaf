//! Every layout, put together by hand, with the numbers that must come out.

mod assembler;

use assembler::{Pickle, f32s, legacy, npy, torch_zip, zip};
use dreamwire_formats::{Archive, DType, Format, Limits, read};
use serde_json::json;

fn open(bytes: &[u8]) -> Archive<'_> {
    read(bytes, &Limits::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn names<'s>(archive: &'s Archive<'_>) -> Vec<&'s str> {
    archive.tensors.keys().map(String::as_str).collect()
}

/// A dict of one storage of 0, 1, ... 11 seen in several ways.
fn views() -> Vec<u8> {
    let storage = ("FloatStorage", "0", 12);
    Pickle::new()
        .raw(b"}(")
        .text("whole")
        .tensor(storage, 0, &[3, 4], &[4, 1])
        .text("transposed")
        .tensor(storage, 0, &[4, 3], &[1, 4])
        .text("column")
        .tensor(storage, 2, &[3], &[4])
        .text("expanded")
        .tensor(storage, 5, &[2, 2], &[0, 1])
        .text("scalar")
        .tensor(storage, 11, &[], &[])
        .text("empty")
        .tensor(storage, 99, &[0, 4], &[4, 1])
        .raw(b"u")
        .stop()
}

fn check_views(archive: &Archive<'_>) {
    let numbers = |name: &str| archive.tensors[name].to_f32();
    assert_eq!(names(archive), ["whole", "transposed", "column", "expanded", "scalar", "empty"]);
    assert_eq!(numbers("whole"), (0u8..12).map(f32::from).collect::<Vec<_>>());
    assert_eq!(numbers("transposed"), [0., 4., 8., 1., 5., 9., 2., 6., 10., 3., 7., 11.]);
    assert_eq!(numbers("column"), [2., 6., 10.]);
    assert_eq!(numbers("expanded"), [5., 6., 5., 6.]);
    assert_eq!(numbers("scalar"), [11.]);
    assert_eq!(archive.tensors["scalar"].shape(), [0usize; 0]);
    assert_eq!(numbers("empty"), [0f32; 0]);
    assert_eq!(archive.tensors["empty"].shape(), [0, 4]);
}

#[test]
fn views_of_one_storage_are_put_in_order() {
    let data: Vec<u8> = f32s(&(0u8..12).map(f32::from).collect::<Vec<_>>());
    for compress in [false, true] {
        let file = torch_zip(views(), &[&data], compress);
        let archive = open(&file);
        assert_eq!(archive.format, Format::TorchZip);
        check_views(&archive);
    }
}

#[test]
fn what_is_row_major_in_the_file_is_not_copied() {
    let data = f32s(&[0.; 12]);
    let file = torch_zip(views(), &[&data], false);
    let archive = open(&file);
    let place = file.as_ptr_range();
    let whole = archive.tensors["whole"].data();
    assert!(matches!(whole, std::borrow::Cow::Borrowed(_)) && place.contains(&whole.as_ptr()));
    assert!(matches!(archive.tensors["transposed"].data(), std::borrow::Cow::Owned(_)));
}

#[test]
fn big_endian_files_are_swapped() {
    let data: Vec<u8> = [1f32, 2.].iter().flat_map(|value| value.to_be_bytes()).collect();
    let pickle =
        Pickle::new().raw(b"}").text("a").tensor(("FloatStorage", "0", 2), 0, &[2], &[1]).raw(b"s").stop();
    let file = zip(&[("m/data.pkl", &pickle), ("m/byteorder", b"big"), ("m/data/0", &data)], false);
    assert_eq!(open(&file).tensors["a"].to_f32(), [1., 2.]);
}

#[test]
fn legacy_files_append_their_storages() {
    let object = Pickle::new()
        .raw(b"}")
        .text("a")
        .global("torch._utils", "_rebuild_tensor_v2")
        .raw(b"((")
        .text("storage")
        .global("torch.cuda", "FloatStorage")
        .text("94")
        .text("cuda:0")
        .int(4)
        // A view of the storage: one of its four elements is left out in front.
        .raw(b"(")
        .text("95")
        .int(1)
        .int(3)
        .raw(b"ttQ")
        .int(1)
        .ints(&[2])
        .ints(&[1])
        .raw(b"\x89}tRs")
        .stop();
    let data = f32s(&[1., 2., 3., 4.]);
    let file = legacy(object, &[("94", &data)]);
    let archive = open(&file);
    assert_eq!(archive.format, Format::TorchLegacy);
    assert_eq!(archive.tensors["a"].to_f32(), [3., 4.]);
}

#[test]
fn nested_dicts_give_dotted_names_and_metadata() {
    let pickle = Pickle::new()
        .raw(b"}(")
        .text("epoch")
        .int(3)
        .text("name")
        .text("faces")
        .text("g_ema")
        .global("collections", "OrderedDict")
        .raw(b")R")
        .text("conv.weight")
        .global("torch._utils", "_rebuild_parameter")
        .raw(b"(")
        .tensor(("HalfStorage", "0", 2), 0, &[2], &[1])
        .raw(b"\x88}tR")
        .raw(b"s")
        .text("list")
        .raw(b"](")
        .int(1)
        .tensor(("LongStorage", "1", 1), 0, &[1], &[1])
        .raw(b"e")
        .text("args")
        .global("argparse", "Namespace")
        .raw(b")\x81}")
        .text("size")
        .int(64)
        .raw(b"sb")
        .raw(b"u")
        .stop();
    let file = torch_zip(pickle, &[&[0, 0x3c, 0, 0x40], &5i64.to_le_bytes()], false);
    let archive = open(&file);
    assert_eq!(names(&archive), ["g_ema.conv.weight", "list.1"]);
    assert_eq!(archive.tensors["g_ema.conv.weight"].dtype(), DType::F16);
    assert_eq!(archive.tensors["g_ema.conv.weight"].to_f32(), [1., 2.]);
    assert_eq!(archive.tensors["list.1"].to_f32(), [5.]);
    assert_eq!(archive.parts, ["g_ema", "list"]);
    assert_eq!(archive.part("g_ema").map(|(name, _)| name).collect::<Vec<_>>(), ["conv.weight"]);
    let metadata = json!({"epoch": 3, "name": "faces", "args": {"size": 64}});
    assert_eq!(serde_json::Value::Object(archive.metadata), metadata);
}

#[test]
fn torchscript_gives_its_attributes_and_constants() {
    let module = Pickle::new()
        .global("__torch__", "Net")
        .raw(b")\x81}(")
        .text("training")
        .raw(b"\x89")
        .text("conv")
        .global("__torch__.torch.nn", "Conv2d")
        .raw(b")\x81}")
        .text("weight")
        .tensor(("FloatStorage", "0", 1), 0, &[1], &[1])
        .raw(b"sbub")
        .stop();
    let constants = Pickle::new().raw(b"(").tensor(("FloatStorage", "0", 1), 0, &[1], &[1]).raw(b"t").stop();
    let (one, two) = (f32s(&[1.]), f32s(&[2.]));
    let file = zip(
        &[
            ("net/data.pkl", &module),
            ("net/code/__torch__.py", b"class Net(Module): ..."),
            ("net/constants.pkl", &constants),
            ("net/data/0", &one),
            ("net/constants/0", &two),
        ],
        false,
    );
    let archive = open(&file);
    assert_eq!(archive.format, Format::TorchScript);
    assert_eq!(names(&archive), ["conv.weight", "CONSTANTS.0"]);
    assert_eq!(archive.tensors["conv.weight"].to_f32(), [1.]);
    assert_eq!(archive.tensors["CONSTANTS.0"].to_f32(), [2.]);
}

/// A storage as NVIDIA's pickles have it: the bytes of a legacy file.
fn inner_storage(values: &[f32]) -> Vec<u8> {
    let object =
        Pickle::new().raw(b"(").text("storage").global("torch", "FloatStorage").text("7").text("cpu");
    let object = object.int(values.len() as i64).raw(b"NtQ").stop();
    legacy(object, &[("7", &f32s(values))])
}

fn persistent(pickle: Pickle, class: &str, state: impl FnOnce(Pickle) -> Pickle) -> Pickle {
    let pickle = pickle.global("torch_utils.persistence", "_reconstruct_persistent_obj").raw(b"(}(");
    let pickle = pickle.text("type").text("class").text("module_src").text("import os; os.system('true')");
    state(pickle.text("class_name").text(class).text("state").raw(b"}(")).raw(b"uutR")
}

#[test]
fn networks_of_nvidia_are_walked_as_data() {
    let storage = inner_storage(&[1., 2., 3.]);
    let tensor = |pickle: Pickle| {
        let pickle = pickle.global("torch._utils", "_rebuild_tensor_v2").raw(b"(");
        let pickle = pickle.global("torch.storage", "_load_from_bytes").raw(b"(").bytes(&storage).raw(b"tR");
        pickle.int(1).ints(&[2]).ints(&[1]).raw(b"\x89}tR")
    };
    let fc = |pickle: Pickle| {
        persistent(pickle, "FullyConnectedLayer", |pickle| {
            tensor(pickle.text("_parameters").raw(b"}(").text("weight")).text("bias").raw(b"Nu")
        })
    };
    let file = Pickle::new().raw(b"}").text("G_ema");
    let file = persistent(file, "Generator", |pickle| {
        let pickle =
            pickle.text("_init_kwargs").global("dnnlib.util", "EasyDict").raw(b")\x81").text("z_dim").int(64);
        let pickle =
            pickle.raw(b"s").text("_modules").global("collections", "OrderedDict").raw(b")R").text("fc0");
        fc(pickle).raw(b"s")
    });
    let file = file.raw(b"s").stop();
    let archive = open(&file);
    assert_eq!(archive.format, Format::StyleGan);
    assert_eq!(names(&archive), ["G_ema.fc0.weight"]);
    assert_eq!(archive.tensors["G_ema.fc0.weight"].to_f32(), [2., 3.]);
    let metadata = json!({"G_ema": {"class_name": "Generator", "_init_kwargs": {"z_dim": 64}}});
    assert_eq!(serde_json::Value::Object(archive.metadata), metadata);
}

fn tf_network(
    pickle: Pickle,
    name: &str,
    variables: &[(&str, f32)],
    components: &[(&str, &str, f32)],
) -> Pickle {
    let mut pickle = pickle.global("dnnlib.tflib.network", "Network").raw(b")\x81}(");
    pickle = pickle.text("version").int(4).text("name").text(name).text("static_kwargs").raw(b"}");
    pickle = pickle.text("resolution").int(64).raw(b"s").text("variables").raw(b"](");
    for (name, value) in variables {
        pickle = pickle.raw(b"(").text(name).array("f4", "<", &[], false, &value.to_le_bytes()).raw(b"t");
    }
    // TensorFlow's scalars are NumPy's.
    pickle =
        pickle.raw(b"(").text("lod").global("numpy.core.multiarray", "scalar").raw(b"(").dtype("f4", "<");
    pickle = pickle.bytes(&0.25f32.to_le_bytes()).raw(b"tRt");
    pickle = pickle.raw(b"e").text("components").raw(b"}(");
    for (key, name, value) in components {
        pickle = tf_network(pickle.text(key), name, &[("4x4/Const/const", *value)], &[]);
    }
    pickle.raw(b"uub")
}

#[test]
fn networks_for_tensorflow_keep_their_names() {
    let mut pickle = Pickle::new().raw(b"(");
    for (name, value) in [("G", 1.), ("D", 2.), ("Gs", 3.)] {
        pickle =
            tf_network(pickle, name, &[("dlatent_avg", value)], &[("synthesis", "G_synthesis", value + 0.5)]);
    }
    let file = pickle.raw(b"t").stop();
    let archive = open(&file);
    assert_eq!(archive.format, Format::StyleGanTensorFlow);
    let expected =
        ["G.dlatent_avg", "G.lod", "G.synthesis/4x4/Const/const", "G.synthesis/lod", "D.dlatent_avg"];
    assert_eq!(names(&archive)[..5], expected);
    let lod = &archive.tensors["G.lod"];
    assert!(lod.to_f32() == [0.25] && lod.shape().is_empty(), "{lod:?}");
    assert_eq!(archive.tensors["Gs.synthesis/4x4/Const/const"].to_f32(), [3.5]);
    assert_eq!(archive.metadata["Gs"]["static_kwargs"]["resolution"], 64);
}

#[test]
fn arrays_in_pickles_have_an_order_and_a_byte_order() {
    let big: Vec<u8> = [1i16, 2, 3, 4, 5, 6].iter().flat_map(|value| value.to_be_bytes()).collect();
    let pickle = Pickle::new().raw(b"}(").text("rows").array("i2", ">", &[2, 3], false, &big);
    let pickle = pickle.text("columns").array("i2", ">", &[2, 3], true, &big);
    let pickle = pickle.text("words").array("U4", "<", &[1], false, &[0; 16]).raw(b"u");
    let file = pickle.stop();
    let archive = open(&file);
    assert_eq!(archive.tensors["rows"].to_f32(), [1., 2., 3., 4., 5., 6.]);
    assert_eq!(archive.tensors["columns"].to_f32(), [1., 3., 5., 2., 4., 6.]);
    assert_eq!(archive.skipped, [("words".to_owned(), "holds texts")]);
}

#[test]
fn npy_and_npz_files() {
    let data = f32s(&[1., 2., 3., 4., 5., 6.]);
    let rows = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", &data);
    let columns = npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3L)}", &data);
    let archive = open(&rows);
    assert_eq!((archive.format, names(&archive)), (Format::Npy, vec!["array"]));
    assert_eq!(archive.tensors["array"].to_f32(), [1., 2., 3., 4., 5., 6.]);
    for compress in [false, true] {
        let file = zip(&[("w.npy", &rows), ("act_mean.npy", &columns)], compress);
        let archive = open(&file);
        assert_eq!(archive.format, Format::Npz);
        assert_eq!(archive.tensors["act_mean"].to_f32(), [1., 3., 5., 2., 4., 6.]);
        assert_eq!(archive.tensors["w"].shape(), [2, 3]);
    }
    let scalar = npy("{\"descr\": \"|b1\", 'fortran_order': False, 'shape': ()}", &[1]);
    assert_eq!(open(&scalar).tensors["array"].to_f32(), [1.]);
}

#[test]
fn an_archive_can_be_saved_as_safetensors_and_read_again() {
    let data: Vec<u8> = f32s(&(0u8..12).map(f32::from).collect::<Vec<_>>());
    let file = torch_zip(views(), &[&data], false);
    let archive = open(&file);
    let saved = safetensors::serialize(&archive.tensors, None).expect("tensors are sound");
    let again = open(&saved);
    assert_eq!(again.format, Format::Safetensors);
    for (name, tensor) in &archive.tensors {
        assert_eq!(tensor.data(), again.tensors[name].data(), "{name}");
        assert_eq!(tensor.shape(), again.tensors[name].shape(), "{name}");
    }
}
