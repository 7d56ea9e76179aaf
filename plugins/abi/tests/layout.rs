//! The Rust types and the C header agree on every size, offset and constant.
//!
//! One table below names both sides. A small C program generated from it prints what the system's C compiler
//! makes of `include/dreamwire.h`; Rust prints the same lines, and the two texts must be equal.

use dreamwire_abi as abi;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The names of a struct and its fields on both sides, Rust's values, and the constants.
#[derive(Default)]
struct Table {
    program: String,
    rust: String,
}

impl Table {
    fn structure(&mut self, c: &str, size: usize) {
        let _ = writeln!(self.program, "  printf(\"{c} %zu\\n\", sizeof({c}));");
        let _ = writeln!(self.rust, "{c} {size}");
    }

    fn field(&mut self, c: &str, name: &str, offset: usize, size: usize) {
        let _ = writeln!(
            self.program,
            "  printf(\"{c}.{name} %zu %zu\\n\", offsetof({c}, {name}), sizeof((({c} *)0)->{name}));"
        );
        let _ = writeln!(self.rust, "{c}.{name} {offset} {size}");
    }

    fn constant(&mut self, c: &str, value: i64) {
        let _ = writeln!(self.program, "  printf(\"{c} %lld\\n\", (long long){c});");
        let _ = writeln!(self.rust, "{c} {value}");
    }
}

fn size_of_field<S, F>(_: fn(&S) -> &F) -> usize {
    size_of::<F>()
}

macro_rules! structs {
    ($table:ident, $($c:literal = $rust:ident { $($name:literal $field:ident),+ $(,)? })+) => {$(
        $table.structure($c, size_of::<abi::$rust>());
        $(
            let size = size_of_field(|s: &abi::$rust| &s.$field);
            $table.field($c, $name, std::mem::offset_of!(abi::$rust, $field), size);
        )+
    )+};
}

macro_rules! constants {
    ($table:ident, $($c:literal $rust:ident),+ $(,)?) => {$(
        $table.constant($c, i64::from(abi::$rust));
    )+};
}

fn table() -> Table {
    let mut table = Table::default();
    structs! { table,
        "DLDevice" = DLDevice { "device_type" device_type, "device_id" device_id }
        "DLDataType" = DLDataType { "code" code, "bits" bits, "lanes" lanes }
        "DLTensor" = DLTensor {
            "data" data, "device" device, "ndim" ndim, "dtype" dtype, "shape" shape, "strides" strides,
            "byte_offset" byte_offset,
        }
        "DLPackVersion" = DLPackVersion { "major" major, "minor" minor }
        "struct DLManagedTensorVersioned" = DLManagedTensorVersioned {
            "version" version, "manager_ctx" manager_ctx, "deleter" deleter, "flags" flags, "dl_tensor" dl_tensor,
        }
        "dw_str" = Str { "ptr" ptr, "len" len }
        "dw_call" = Call {
            "size" size, "flags" flags, "host" host, "progress" progress, "preview" preview, "fail" fail, "log" log,
            "read" read, "publish" publish, "get_extension" get_extension, "max_threads" max_threads,
            "reserved" reserved, "device" device, "stream" stream, "fail_with" fail_with,
        }
        "dw_failure" = Failure {
            "size" size, "status" status, "input" input, "message" message, "hint" hint,
        }
        "dw_head" = Head { "size" size, "reserved" reserved, "head" head }
        "dw_tensor_spec" = TensorSpec {
            "size" size, "ndim" ndim, "dims" dims, "dtype" dtype, "reserved" reserved, "name" name,
            "semantics" semantics,
        }
        "dw_fn_desc" = FnDesc {
            "size" size, "flags" flags, "type" ty, "name" name, "n_in" n_in, "n_out" n_out, "in" inputs,
            "out" outputs, "diff_in" diff_in,
        }
        "dw_fn_vt" = FnVt {
            "size" size, "flags" flags, "retain" retain, "release" release, "describe" describe, "eval" eval,
            "value_and_grad" value_and_grad, "get_extension" get_extension,
        }
        "dw_fn" = Fn { "vt" vt }
        "dw_tiles" = Tiles { "size" size, "stride" stride, "halo" halo, "reduction" reduction }
        "dw_rows" = Rows { "size" size, "reserved" reserved, "first" first }
        "dw_memory" = Memory { "size" size, "reserved" reserved, "bytes" bytes }
        "dw_peak" = Peak {
            "size" size, "reserved" reserved, "fixed" fixed, "outputs" outputs, "value" value,
            "gradient" gradient,
        }
        "dw_tape_vt" = TapeVt { "size" size, "flags" flags, "release" release, "vjp" vjp, "bytes" bytes }
        "dw_tape" = Tape { "vt" vt }
        "dw_value" = Value { "kind" kind, "flags" flags, "u" u }
        "dw_list" = List { "n" n, "items" items }
        "dw_port" = Port { "size" size, "flags" flags, "name" name, "doc" doc, "type" ty }
        "dw_kind" = Kind {
            "size" size, "flags" flags, "id" id, "version" version, "n_in" n_in, "n_out" n_out,
            "reserved" reserved, "in" inputs, "out" outputs, "title" title, "category" category,
            "params_schema" params_schema, "check_params" check_params,
        }
        "dw_node_vt" = NodeVt {
            "size" size, "flags" flags, "destroy" destroy, "run" run, "get_extension" get_extension,
        }
        "dw_node" = Node { "vt" vt }
        "dw_device_info" = DeviceInfo {
            "size" size, "reserved" reserved, "name" name, "total" total, "free" free,
        }
        "dw_devices" = Devices { "size" size, "n_types" n_types, "types" types, "probe" probe }
        "dw_host" = Host {
            "size" size, "abi_major" abi_major, "abi_minor" abi_minor, "reserved" reserved, "name" name,
            "version" version, "data" data, "log" log, "retain" retain, "get_extension" get_extension,
        }
        "dw_entry" = Entry {
            "size" size, "abi_major" abi_major, "abi_minor" abi_minor, "flags" flags, "id" id,
            "version" version, "build" build, "init" init, "deinit" deinit, "n_kinds" n_kinds,
            "reserved" reserved, "kinds" kinds, "create" create, "get_extension" get_extension,
        }
    }
    constants! { table,
        "DW_ABI_MAJOR" ABI_MAJOR, "DW_ABI_MINOR" ABI_MINOR,
        "DW_OK" OK, "DW_CANCELLED" CANCELLED, "DW_E_FAILED" E_FAILED, "DW_E_PANIC" E_PANIC,
        "DW_E_UNSUPPORTED" E_UNSUPPORTED, "DW_E_ARG" E_ARG, "DW_E_SHAPE" E_SHAPE, "DW_E_DTYPE" E_DTYPE,
        "DW_E_DEVICE" E_DEVICE, "DW_E_NOMEM" E_NOMEM, "DW_E_GONE" E_GONE, "DW_E_NOT_DIFF" E_NOT_DIFF,
        "DW_E_IO" E_IO, "DW_E_INPUT" E_INPUT, "DW_E_LIMIT" E_LIMIT, "DW_E_NONFINITE" E_NONFINITE,
        "DW_FN_SCALAR" FN_SCALAR, "DW_FN_REENTRANT" FN_REENTRANT, "DW_FN_DETERMINISTIC" FN_DETERMINISTIC,
        "DW_FN_TAPE_ONCE" FN_TAPE_ONCE, "DW_TILES_MEAN" TILES_MEAN, "DW_TILES_SUM" TILES_SUM,
        "DW_NONE" NONE, "DW_BOOL" BOOL, "DW_I64" I64, "DW_F64" F64, "DW_STRING" STRING, "DW_TENSOR" TENSOR,
        "DW_FUNCTION" FUNCTION, "DW_LIST" LIST,
        "DW_PORT_OPTIONAL" PORT_OPTIONAL, "DW_PORT_MANY" PORT_MANY, "DW_PORT_ROWS" PORT_ROWS,
        "DW_KIND_PURE" KIND_PURE, "DW_KIND_OUTPUT" KIND_OUTPUT, "DW_KIND_STATEFUL" KIND_STATEFUL,
    }
    table
}

fn include() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("include")
}

/// A separate file for every test, in cargo's folder for integration tests.
fn scratch(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", std::process::id()))
}

/// Runs a compiler and returns its error message if it failed.
fn compile(compiler: &OsString, arguments: &[OsString]) -> Result<(), String> {
    let done = Command::new(compiler).args(arguments).output().map_err(|e| {
        format!("`{}` does not start ({e}): the tests need a C compiler, see README.md", compiler.display())
    })?;
    if done.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&done.stderr).into_owned()) }
}

fn c_compiler() -> OsString {
    std::env::var_os("CC").unwrap_or_else(|| "cc".into())
}

#[test]
fn every_field_and_constant_is_where_the_c_compiler_puts_it() {
    let table = table();
    let (source, program) =
        (scratch("layout.c"), scratch(&format!("layout{}", std::env::consts::EXE_SUFFIX)));
    let text = format!(
        "#include \"dreamwire.h\"\n#include <stdio.h>\nint main(void) {{\n{}  return 0;\n}}\n",
        table.program
    );
    std::fs::write(&source, text).expect("the scratch folder can be written");
    let arguments: [OsString; 6] = [
        "-std=c11".into(),
        "-I".into(),
        include().into(),
        source.into(),
        "-o".into(),
        program.clone().into(),
    ];
    compile(&c_compiler(), &arguments).unwrap_or_else(|said| panic!("{said}"));
    let printed = Command::new(&program).output().expect("the compiled program runs");
    let printed = String::from_utf8(printed.stdout).expect("it prints text").replace("\r\n", "\n");
    let differing = printed.lines().zip(table.rust.lines()).find(|(c, rust)| c != rust);
    assert_eq!(differing, None, "(C, Rust)");
    assert_eq!(printed, table.rust);
}

#[test]
fn every_constant_of_the_header_is_compared() {
    let header = std::fs::read_to_string(include().join("dreamwire.h")).expect("the header is there");
    let table = table();
    let defined = header.lines().filter_map(|line| line.strip_prefix("#define "));
    let names = defined.filter_map(|rest| rest.split_whitespace().next());
    let constants: Vec<&str> =
        names.filter(|n| n.starts_with("DW_") && *n != "DW_EXPORT" && !n.contains('(')).collect();
    assert!(constants.len() > 30, "{constants:?}");
    for name in constants {
        let compared = table.rust.lines().any(|line| line.split(' ').next() == Some(name));
        assert!(compared, "the header defines {name}, this test does not compare it");
    }
    assert!(header.contains(&format!("const dw_entry {};", abi::ENTRY_SYMBOL)));
}

#[test]
fn the_header_tells_every_wire_type_and_every_extension() {
    let header = std::fs::read_to_string(include().join("dreamwire.h")).expect("the header is there");
    for ty in abi::WIRE_TYPES {
        let axes = if let abi::Form::Tensor { axes, .. } = ty.form { axes } else { "" };
        let is_told = |line: &str| line.split([' ', ',']).any(|word| word == ty.name) && line.contains(axes);
        assert!(header.lines().any(is_told), "{} {axes}", ty.name);
    }
    let named = header.split('"').filter(|text| text.starts_with("dw."));
    let known = [abi::PROVENANCE, abi::HEAD, abi::ROWS, abi::DEVICES, abi::TILES, abi::MEMORY, abi::PEAK]
        .map(|id| id.to_str().expect("ids are text"));
    let named: Vec<&str> = named.collect();
    assert!(known.iter().all(|id| named.contains(id)), "{named:?}");
    assert!(named.iter().all(|id| known.contains(id)), "what is named must be there: {named:?}");
}

#[test]
fn the_table_of_wire_types_has_no_two_of_a_name() {
    for (index, ty) in abi::WIRE_TYPES.iter().enumerate() {
        assert_eq!(abi::wire_type(ty.name), Some(ty));
        assert!(abi::WIRE_TYPES[..index].iter().all(|other| other.name != ty.name), "{}", ty.name);
    }
    assert_eq!(abi::wire_type("PICTURE"), None);
}

#[test]
fn the_header_is_also_cpp() {
    let compiler = std::env::var_os("CXX").unwrap_or_else(|| "c++".into());
    // The README asks for a C compiler only.
    if Command::new(&compiler).arg("--version").output().is_err() {
        return;
    }
    let arguments: Vec<OsString> =
        ["-x", "c++", "-std=c++17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
            .into_iter()
            .map(OsString::from)
            .chain([include().join("dreamwire.h").into()])
            .collect();
    compile(&compiler, &arguments).unwrap_or_else(|said| panic!("{said}"));
}
