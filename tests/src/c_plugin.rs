use crate::built::{built, library_file, repository};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

/// Compiles `plugins/NAME.c` to `libdreamwire_NAME.so` in its own folder, and returns that file.
pub fn c_plugin(name: &str) -> PathBuf {
    compile(name, HEADER, None, &format!("dreamwire_{name}"))
}

/// As [`c_plugin`], built with the header of minor 0, as plugins were before there was another.
pub fn c_plugin_of_minor_0(name: &str) -> PathBuf {
    compile(name, "tests/plugins/minor_0", None, &format!("dreamwire_{name}_minor_0"))
}

/// The folder of the header of today.
const HEADER: &str = "plugins/abi/include";

/// As [`c_plugin`], with `-D DEFINE`: one of the faults that the source can have.
pub fn c_plugin_with(name: &str, define: &str) -> PathBuf {
    compile(name, HEADER, Some(define), &format!("dreamwire_{name}_{}", define.to_lowercase()))
}

/// As [`c_plugin`], but the result is not named like a plugin.
pub fn c_library(name: &str) -> PathBuf {
    compile(name, HEADER, None, name)
}

fn compile(name: &str, include: &str, define: Option<&str>, stem: &str) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let target = built().plugins.parent().map(Path::to_owned).expect("plugins lie in the target folder");
    let folder = target.join("test-plugins").join(stem);
    std::fs::create_dir_all(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let library = folder.join(library_file(stem));
    // Tests run in parallel: none may load half a library.
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let temporary = folder.join(format!("{}-{number}.tmp", std::process::id()));
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let done = Command::new(&compiler)
        .args(["-std=gnu11", "-O1", "-Wall", "-Wextra", "-shared", "-fPIC", "-I"])
        .arg(repository().join(include))
        .args(define.map(|define| format!("-D{define}")))
        .arg(repository().join(format!("tests/plugins/{name}.c")))
        .arg("-o")
        .arg(&temporary)
        .arg("-lm")
        .output()
        .unwrap_or_else(|e| {
            panic!("`{}` does not start ({e}): the tests need a C compiler", compiler.display())
        });
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    std::fs::rename(&temporary, &library).unwrap_or_else(|e| panic!("{}: {e}", library.display()));
    library
}
