//! The file system.

use super::name::Template;
use super::publish::{self, IfTaken};
use super::{File, InputPath, Origin, Published, World, WorldError};
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Files larger than this are refused: they are read into memory.
const MAX_FILE_BYTES: u64 = 4 << 30;

/// Reads under the graph's folder and the input roots, publishes under one output root.
pub struct Disk {
    roots: Vec<PathBuf>,
    out: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    read: HashMap<InputPath, Result<File, WorldError>>,
    asked: Vec<PathBuf>,
    inputs: HashSet<PathBuf>,
    // Which name each step's file has, and what was in it, for as long as this process lives.
    names: HashMap<(Origin, String), (String, blake3::Hash)>,
    // What the output folder held when this run first published under a template, extensions aside.
    siblings: HashMap<String, Siblings>,
}

/// Counted files that were there before.
struct Siblings {
    /// Counters by size in bytes: only a file of equal size is worth reading.
    by_size: HashMap<u64, Vec<u64>>,
    /// The first counter that may be free.
    next: u64,
}

impl Siblings {
    fn list(folder: &Dir, template: &Template<'_>) -> Self {
        let (mut by_size, mut next) = (HashMap::<u64, Vec<u64>>::new(), 1);
        for entry in folder.entries().into_iter().flatten().flatten() {
            let Some(counter) = entry.file_name().to_str().and_then(|name| template.counter_of(name)) else {
                continue;
            };
            next = next.max(counter.saturating_add(1));
            if let Ok(metadata) = entry.metadata() {
                by_size.entry(metadata.len()).or_default().push(counter);
            }
        }
        by_size.values_mut().for_each(|counters| counters.sort_unstable());
        Self { by_size, next }
    }
}

impl Disk {
    /// `roots`: the graph's folder first, then the `--in` folders. `out`: made when first needed.
    pub fn new(roots: Vec<PathBuf>, out: PathBuf) -> Self {
        Self { roots, out, state: Mutex::default() }
    }

    /// The output root.
    pub fn out(&self) -> &Path {
        &self.out
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The places a path may mean, in order.
    fn candidates(&self, path: &InputPath) -> Vec<PathBuf> {
        let text = Path::new(&path.text);
        if text.is_absolute() {
            return vec![text.to_owned()];
        }
        // A path from the command line is first of all relative to where it was typed.
        let here = path.anywhere.then(|| text.to_owned());
        here.into_iter().chain(self.roots.iter().map(|root| root.join(text))).collect()
    }

    fn locate(&self, path: &InputPath) -> Result<PathBuf, WorldError> {
        let candidates = self.candidates(path);
        let Some(found) = candidates.iter().find(|p| p.symlink_metadata().is_ok()) else {
            let places: Vec<_> = candidates.iter().map(|p| format!("`{}`", p.display())).collect();
            return Err(WorldError::new(format!("there is no file `{}`", path.text))
                .help(format!("looked for {}", places.join(", "))));
        };
        let real = found.canonicalize().map_err(|e| cannot_read(&path.text, &e))?;
        let inside = |root: &PathBuf| root.canonicalize().is_ok_and(|root| real.starts_with(root));
        if !path.anywhere && !self.roots.iter().any(inside) {
            return Err(WorldError::new(format!("`{}` lies outside the graph's folder", path.text))
                .help("add its folder with --in DIR, or give the path with --set node.input=PATH"));
        }
        Ok(real)
    }

    fn load(&self, path: &InputPath) -> Result<(PathBuf, File), WorldError> {
        let real = self.locate(path)?;
        let text = &path.text;
        let metadata = real.metadata().map_err(|e| cannot_read(text, &e))?;
        if metadata.is_dir() {
            return Err(WorldError::new(format!("`{text}` is a folder, not a file")));
        }
        // A pipe or a device would block or never end.
        if !metadata.is_file() {
            return Err(WorldError::new(format!("`{text}` is not a regular file")));
        }
        if metadata.len() > MAX_FILE_BYTES {
            let size = metadata.len();
            return Err(WorldError::new(format!("`{text}` has {size} bytes; the limit is {MAX_FILE_BYTES}")));
        }
        let bytes = std::fs::read(&real).map_err(|e| cannot_read(text, &e))?;
        let hash = blake3::hash(&bytes);
        Ok((real, File { bytes: bytes.into(), hash }))
    }

    /// Opens the output root, making it if only its last folder is missing.
    fn open_out(&self) -> Result<Dir, WorldError> {
        let out = &self.out;
        if !out.exists() {
            let parent = out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
            if !parent.is_dir() {
                let message = format!(
                    "cannot make the output folder `{}`: there is no `{}`",
                    out.display(),
                    parent.display()
                );
                return Err(WorldError::new(message)
                    .help("make the folder that holds it, or choose another with --out"));
            }
            std::fs::create_dir(out)
                .or_else(|e| if out.is_dir() { Ok(()) } else { Err(e) })
                .map_err(|e| self.cannot_open(&e))?;
        }
        Dir::open_ambient_dir(out, ambient_authority()).map_err(|e| self.cannot_open(&e))
    }

    fn cannot_open(&self, error: &std::io::Error) -> WorldError {
        let message = format!("cannot use the output folder `{}`: {error}", self.out.display());
        WorldError::new(message).help("choose another with --out")
    }

    /// The folder of a name, made below the root where missing.
    fn folder(&self, root: &Dir, folder: &str, name: &str) -> Result<Dir, WorldError> {
        if folder.is_empty() {
            return root.try_clone().map_err(|e| self.cannot_open(&e));
        }
        let outside = |e: std::io::Error| {
            WorldError::new(format!("cannot write `{name}`: {e}"))
                .help("output names stay under the output folder (--out), also through links")
        };
        root.create_dir_all(folder).map_err(outside)?;
        root.open_dir(folder).map_err(outside)
    }

    fn refuse_input(&self, state: &State, name: &str) -> Result<(), WorldError> {
        let target = self.out.join(name);
        if target.canonicalize().is_ok_and(|real| state.inputs.contains(&real)) {
            let message =
                format!("`{}` is an input of this graph: it will not be overwritten", target.display());
            return Err(WorldError::new(message).help("choose another name, or another folder with --out"));
        }
        Ok(())
    }
}

fn cannot_read(text: &str, error: &std::io::Error) -> WorldError {
    WorldError::new(format!("cannot read `{text}`: {error}"))
}

impl World for Disk {
    fn read(&self, path: &InputPath) -> Result<File, WorldError> {
        if let Some(known) = self.state().read.get(path) {
            return known.clone();
        }
        let loaded = self.load(path);
        let mut state = self.state();
        match &loaded {
            Ok((real, _)) => {
                state.inputs.insert(real.clone());
                state.asked.push(real.clone());
            }
            Err(_) => state.asked.extend(self.candidates(path)),
        }
        let result = loaded.map(|(_, file)| file);
        state.read.insert(path.clone(), result.clone());
        result
    }

    fn publish(&self, origin: &Origin, template: &str, bytes: &[u8]) -> Result<Published, WorldError> {
        let parsed = Template::parse(template)?;
        let root = self.open_out()?;
        let (folder_name, _) = parsed.split();
        let folder = self.folder(&root, folder_name, &parsed.name(1))?;
        let hash = blake3::hash(bytes);
        let published = |name: String, written| Published { path: self.out.join(&name), name, hash, written };
        let file_name = |name: &str| name.rsplit_once('/').map_or(name, |(_, file)| file).to_owned();
        let write = |name: &str, if_taken| {
            publish::write(&folder, &file_name(name), bytes, if_taken)
                .map_err(|e| publish::explain(name, bytes.len(), &e))
        };
        let is_same = |name: &str| folder.read(file_name(name)).is_ok_and(|old| old == bytes);

        let mut state = self.state();
        let origin = (origin.clone(), template.to_owned());
        // A step that runs again replaces its own file, and leaves it alone if nothing changed. A file that somebody
        // else has written there since is not its own any more.
        let is_ours = |(name, hash): &&(String, blake3::Hash)| {
            folder.read(file_name(name)).map_or(true, |found| blake3::hash(&found) == *hash)
        };
        let own = match parsed.is_counted() {
            true => state.names.get(&origin).filter(is_ours).map(|(name, _)| name.clone()),
            false => Some(parsed.name(0)),
        };
        if let Some(name) = own {
            self.refuse_input(&state, &name)?;
            let taken = state.names.iter().any(|(other, (n, _))| *n == name && *other != origin);
            if taken {
                return Err(WorldError::new(format!(
                    "another node of this graph publishes `{name}` already"
                )));
            }
            if !is_same(&name) {
                write(&name, IfTaken::Replace)?;
                state.names.insert(origin, (name.clone(), hash));
                return Ok(published(name, true));
            }
            state.names.insert(origin, (name.clone(), hash));
            return Ok(published(name, false));
        }
        // Another run of the same graph may have left exactly this file.
        let State { names, siblings, .. } = &mut *state;
        // `dream_00001_.png` and `dream_00001_.exr` share a number.
        let stem = template.rsplit_once('.').map_or(template, |(stem, _)| stem);
        let siblings = siblings.entry(stem.to_owned()).or_insert_with(|| Siblings::list(&folder, &parsed));
        let of_size = siblings.by_size.get(&(bytes.len() as u64)).map_or(&[][..], |counters| counters);
        let is_claimed = |name: &String| names.values().any(|(claimed, _)| claimed == name);
        let twin = of_size.iter().map(|&n| parsed.name(n)).find(|name| is_same(name) && !is_claimed(name));
        if let Some(name) = twin {
            names.insert(origin, (name.clone(), hash));
            return Ok(published(name, false));
        }
        // Another process may take the number between the look and the write.
        for counter in siblings.next..siblings.next.saturating_add(10_000) {
            let name = parsed.name(counter);
            if write(&name, IfTaken::Refuse)? {
                siblings.next = counter.saturating_add(1);
                names.insert(origin, (name.clone(), hash));
                return Ok(published(name, true));
            }
        }
        Err(WorldError::new(format!("no free number for `{template}`")))
    }

    fn still_there(&self, file: &Published) -> bool {
        std::fs::read(&file.path).is_ok_and(|bytes| blake3::hash(&bytes) == file.hash)
    }

    fn probe(&self) -> Result<(), WorldError> {
        let root = self.open_out()?;
        let name = format!(".dreamwire-{}.probe", std::process::id());
        publish::write(&root, &name, b"", IfTaken::Replace).map_err(|e| self.cannot_open(&e))?;
        root.remove_file(&name).map_err(|e| self.cannot_open(&e))
    }

    fn begin_run(&self) {
        let mut state = self.state();
        state.read.clear();
        state.asked.clear();
        state.inputs.clear();
        state.siblings.clear();
    }

    fn asked(&self) -> Vec<PathBuf> {
        self.state().asked.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixture {
        _dir: tempfile::TempDir,
        graph: PathBuf,
        disk: Disk,
    }

    fn fixture() -> Fixture {
        let dir = tempfile::tempdir().unwrap();
        let graph = dir.path().join("graph");
        std::fs::create_dir(&graph).unwrap();
        let disk = Disk::new(vec![graph.clone()], dir.path().join("out"));
        Fixture { graph, disk, _dir: dir }
    }

    fn input(text: &str) -> InputPath {
        InputPath { text: text.to_owned(), anywhere: false }
    }

    fn origin(node: &str) -> Origin {
        Origin { node: node.to_owned(), index: 0 }
    }

    fn refusal(disk: &Disk, text: &str) -> String {
        disk.read(&input(text)).map(drop).unwrap_err().message
    }

    #[test]
    fn a_file_is_read_once_per_run() {
        let f = fixture();
        std::fs::write(f.graph.join("a"), "one").unwrap();
        assert_eq!(&*f.disk.read(&input("a")).unwrap().bytes, b"one");
        std::fs::write(f.graph.join("a"), "two").unwrap();
        assert_eq!(&*f.disk.read(&input("a")).unwrap().bytes, b"one");
        f.disk.begin_run();
        assert_eq!(&*f.disk.read(&input("a")).unwrap().bytes, b"two");
        assert_eq!(f.disk.asked().len(), 1);
    }

    #[test]
    fn only_regular_files_under_the_roots_are_read() {
        let f = fixture();
        std::fs::create_dir(f.graph.join("folder")).unwrap();
        std::fs::write(f.graph.parent().unwrap().join("secret"), "s").unwrap();
        assert_eq!(refusal(&f.disk, "none.png"), "there is no file `none.png`");
        assert_eq!(refusal(&f.disk, "folder"), "`folder` is a folder, not a file");
        assert_eq!(refusal(&f.disk, "../secret"), "`../secret` lies outside the graph's folder");
        assert!(refusal(&f.disk, "/etc/hostname").contains("outside"));
        let anywhere = InputPath {
            text: f.graph.parent().unwrap().join("secret").display().to_string(),
            anywhere: true,
        };
        assert_eq!(&*f.disk.read(&anywhere).unwrap().bytes, b"s");
        assert!(f.disk.asked().iter().any(|p| p.ends_with("none.png")), "a missing file is watched for");
    }

    #[cfg(unix)]
    #[test]
    fn devices_pipes_and_links_out_are_refused() {
        let f = fixture();
        std::os::unix::fs::symlink("/dev/zero", f.graph.join("zero")).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", f.graph.join("link")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(f.graph.join("pipe")).status().unwrap().success());
        assert_eq!(refusal(&f.disk, "pipe"), "`pipe` is not a regular file");
        assert!(refusal(&f.disk, "zero").contains("outside"));
        assert!(refusal(&f.disk, "link").contains("outside"));
        let zero = InputPath { text: "/dev/zero".to_owned(), anywhere: true };
        assert_eq!(f.disk.read(&zero).map(drop).unwrap_err().message, "`/dev/zero` is not a regular file");
    }

    #[test]
    fn files_are_counted_and_a_step_replaces_its_own() {
        let f = fixture();
        let publish = |node: &str, bytes: &[u8]| {
            let published = f.disk.publish(&origin(node), "sub/d_{counter:05}_.png", bytes).unwrap();
            (published.name, published.written)
        };
        assert_eq!(publish("a", b"1"), ("sub/d_00001_.png".into(), true));
        assert_eq!(publish("b", b"2"), ("sub/d_00002_.png".into(), true));
        assert_eq!(publish("a", b"1"), ("sub/d_00001_.png".into(), false));
        assert_eq!(publish("a", b"3"), ("sub/d_00001_.png".into(), true));
        // Retouched by hand: it stays, and the step takes a number of its own.
        std::fs::write(f.disk.out().join("sub/d_00002_.png"), "retouched").unwrap();
        assert_eq!(publish("b", b"5"), ("sub/d_00003_.png".into(), true));
        assert_eq!(std::fs::read(f.disk.out().join("sub/d_00002_.png")).unwrap(), b"retouched");
        std::fs::remove_file(f.disk.out().join("sub/d_00003_.png")).unwrap();
        std::fs::write(f.disk.out().join("sub/d_00002_.png"), "2").unwrap();
        let left: Vec<_> =
            std::fs::read_dir(f.disk.out().join("sub")).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "no temporary file stays behind: {left:?}");
        // Another process: the same bytes are recognised, others get the next number.
        let other = Disk::new(vec![f.graph.clone()], f.disk.out().to_owned());
        let publish = |bytes: &[u8], node: &str| {
            other.publish(&origin(node), "sub/d_{counter:05}_.png", bytes).unwrap()
        };
        assert_eq!(
            (publish(b"2", "x").name.as_str(), publish(b"2", "x").written),
            ("sub/d_00002_.png", false)
        );
        assert_eq!(publish(b"4", "y").name, "sub/d_00003_.png");
    }

    #[test]
    fn an_input_is_never_overwritten_nor_a_name_shared() {
        let f = fixture();
        let disk = Disk::new(vec![f.graph.clone()], f.graph.clone());
        std::fs::write(f.graph.join("a.png"), "photo").unwrap();
        disk.read(&input("a.png")).unwrap();
        let refused = disk.publish(&origin("save"), "a.png", b"x").unwrap_err();
        assert!(refused.message.contains("is an input of this graph"), "{refused}");
        assert_eq!(std::fs::read(f.graph.join("a.png")).unwrap(), b"photo");
        disk.publish(&origin("one"), "b.png", b"1").unwrap();
        let refused = disk.publish(&origin("two"), "b.png", b"2").unwrap_err();
        assert!(refused.message.contains("another node"), "{refused}");
    }

    #[cfg(unix)]
    #[test]
    fn links_do_not_lead_out_of_the_output_root() {
        let f = fixture();
        f.disk.probe().unwrap();
        std::os::unix::fs::symlink(&f.graph, f.disk.out().join("away")).unwrap();
        assert!(f.disk.publish(&origin("a"), "away/x.png", b"1").is_err());
        assert!(!f.graph.join("x.png").exists());
    }

    #[test]
    fn the_output_folder_is_made_but_not_its_parents() {
        let f = fixture();
        f.disk.probe().unwrap();
        assert!(f.disk.out().is_dir());
        let deep = Disk::new(Vec::new(), f.graph.join("no/such"));
        assert!(deep.probe().unwrap_err().message.contains("there is no"));
        std::fs::write(f.graph.join("file"), "").unwrap();
        assert!(Disk::new(Vec::new(), f.graph.join("file")).probe().is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_leaves_the_old_file_and_nothing_else() {
        // A quota made of RLIMIT_FSIZE needs no root: the child may write 1000 bytes, then gets EFBIG.
        let f = fixture();
        f.disk.publish(&origin("a"), "x.png", b"old").unwrap();
        if std::env::var_os("DREAMWIRE_TEST_SMALL_FILES").is_none() {
            let me = std::env::current_exe().unwrap();
            let script = format!("ulimit -f 1; trap '' XFSZ; exec '{}' a_full_disk", me.display());
            let mut bash = std::process::Command::new("bash");
            // Through a pipe: the limit would hold for a log file too.
            let child = bash.args(["-c", &script]).env("DREAMWIRE_TEST_SMALL_FILES", "1").output().unwrap();
            assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
            return;
        }
        let error = f.disk.publish(&origin("a"), "x.png", &vec![7u8; 1 << 20]).unwrap_err();
        assert!(error.message.contains("cannot write `x.png` (1048576 bytes)"), "{error}");
        assert_eq!(std::fs::read(f.disk.out().join("x.png")).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(f.disk.out()).unwrap().count(), 1);
    }
}
