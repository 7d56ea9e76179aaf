//! Names that turn a pickle into a program.

/// Modules of which no weights file needs anything.
const MODULES: &[&str] = &[
    "os",
    "posix",
    "nt",
    "subprocess",
    "sys",
    "socket",
    "shutil",
    "runpy",
    "importlib",
    "pty",
    "webbrowser",
    "ctypes",
    "pickle",
    "_pickle",
    "cPickle",
    "marshal",
    "pdb",
    "bdb",
    "timeit",
    "asyncio",
    "multiprocessing",
    "popen2",
    "pip",
    "urllib",
    "ftplib",
    "smtplib",
    "antigravity",
    "pydoc",
    "zipimport",
    "winreg",
    "msvcrt",
    "codeop",
];

/// Functions of `builtins` that run, import or open something.
const BUILTINS: &[&str] = &[
    "eval",
    "exec",
    "execfile",
    "compile",
    "__import__",
    "open",
    "input",
    "raw_input",
    "apply",
    "breakpoint",
    "file",
    "globals",
    "locals",
    "vars",
    "delattr",
    "setattr",
    "memoryview",
    "exit",
    "quit",
    "help",
];

/// Others, of modules that are fine as such.
const NAMES: &[(&str, &str)] = &[
    ("operator", "attrgetter"),
    ("operator", "methodcaller"),
    ("types", "FunctionType"),
    ("types", "CodeType"),
    ("code", "interact"),
    ("code", "InteractiveConsole"),
    ("code", "InteractiveInterpreter"),
    ("commands", "getoutput"),
    ("commands", "getstatusoutput"),
    ("torch", "load"),
    ("torch.hub", "load"),
    ("torch.serialization", "load"),
    ("torch.jit", "load"),
    ("numpy", "load"),
    ("numpy.testing._private.utils", "runstring"),
];

/// Whether a pickle that names this wants to run something.
pub(super) fn is_dangerous(module: &str, name: &str) -> bool {
    let top = module.split('.').next().unwrap_or(module);
    match top {
        "builtins" | "__builtin__" | "__builtins__" => {
            BUILTINS.contains(&name.split('.').next().unwrap_or(name))
        }
        _ => MODULES.contains(&top) || NAMES.contains(&(module, name)),
    }
}
