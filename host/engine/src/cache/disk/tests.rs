use super::*;
use crate::cache::{Part, Saved};
use crate::{Dtype, Function, Tensor, Value};
use std::sync::Arc;

struct Folder {
    folder: tempfile::TempDir,
    cache: DiskCache,
}

impl Folder {
    fn new(limit: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut cache = DiskCache::new(&folder.path().join("cache"), limit);
        // What is tested here needs little room, also on a disk that is nearly full.
        cache.spare = 0;
        Self { folder, cache }
    }

    fn files(&self) -> Vec<PathBuf> {
        self.cache.files().into_iter().map(|file| file.path).collect()
    }
}

fn key(name: &str) -> Hash {
    blake3::hash(name.as_bytes())
}

fn tensor(fill: u8, count: usize) -> Value {
    Value::Tensor(Tensor::new(Dtype::F32, vec![count as i64], Arc::new(vec![fill; 4 * count])).unwrap())
}

fn saved(bytes: &[u8]) -> Saved {
    Saved { template: "x_{counter:05}.png".to_owned(), bytes: bytes.into(), hash: blake3::hash(bytes) }
}

fn every_value() -> Entry {
    let values = vec![
        Value::None,
        Value::Bool(true),
        Value::Int(i64::MIN),
        Value::Float(f64::NEG_INFINITY),
        Value::Float(0.1 + 0.2),
        Value::Text("grün\n\"quoted\"".into()),
        tensor(3, 7),
        tensor(5, 5000),
    ];
    Entry::new(values, vec![saved(b"a small file"), saved(&[9; 10_000])])
}

/// The hashes of the values, and the files.
type Contents = (Vec<Option<Hash>>, Vec<(String, Vec<u8>)>);

fn contents(entry: &Entry) -> Contents {
    let saved = entry.saved.iter().map(|file| {
        assert_eq!(file.hash, blake3::hash(&file.bytes));
        (file.template.clone(), file.bytes.to_vec())
    });
    (entry.outputs.iter().map(Value::content).collect(), saved.collect())
}

#[test]
fn a_result_comes_back_as_it_was_under_each_of_its_keys() {
    let mut it = Folder::new(1 << 30);
    it.cache.put(&[key("deep"), key("content")], &every_value());
    for name in ["deep", "content"] {
        let found = it.cache.get(key(name)).expect("it is stored");
        assert_eq!(contents(&found), contents(&every_value()));
    }
    assert!(it.cache.get(key("another")).is_none());
    let usage = it.cache.usage();
    assert!(usage.results == 2 && usage.bytes > 30_000, "{usage:?}");
    it.cache.clear().unwrap();
    assert_eq!(it.cache.usage(), DiskUsage::default());
    it.cache.clear().unwrap();
}

/// Faults: F3.
#[test]
fn any_damage_is_a_miss() {
    let mut it = Folder::new(1 << 30);
    it.cache.put(&[key("a")], &every_value());
    for path in it.files() {
        let whole = fs::read(&path).unwrap();
        let check = |what: &str, bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            assert!(it.cache.get(key("a")).is_none(), "{what} of {}", path.display());
        };
        for part in 0..20 {
            check("a part", &whole[..whole.len() * part / 20]);
            let mut flipped = whole.clone();
            flipped[whole.len() * part / 20] ^= 0x10;
            check("a flipped bit", &flipped);
        }
        check("more", &[&whole[..], b"\n"].concat());
        check("zeros", &vec![0; whole.len()]);
        check("something foreign", b"<!doctype html>");
        // What was found to be damaged is gone.
        let _ = fs::remove_file(&path);
        assert!(it.cache.get(key("a")).is_none(), "without {}", path.display());
        fs::create_dir(&path).unwrap();
        assert!(it.cache.get(key("a")).is_none(), "a folder at {}", path.display());
        fs::remove_dir(&path).unwrap();
        fs::write(&path, &whole).unwrap();
        assert!(it.cache.get(key("a")).is_some());
    }
}

/// Faults: F3.
#[test]
fn another_format_and_a_shape_that_does_not_fit_are_misses() {
    let mut it = Folder::new(1 << 30);
    it.cache.put(&[key("a")], &every_value());
    let path = it.cache.results.join(key("a").to_hex().as_str());
    let text = fs::read_to_string(&path).unwrap();
    let body = text.split_once('\n').unwrap().1;
    let check = |from: &str, to: &str, found: bool| {
        let body = body.replacen(from, to, 1);
        fs::write(&path, format!("{}\n{body}", blake3::hash(body.as_bytes()).to_hex())).unwrap();
        assert_eq!(it.cache.get(key("a")).is_some(), found, "{from} -> {to}");
    };
    check(r#""format":1"#, r#""format":2"#, false);
    check("[5000]", "[5001]", false);
    check("[5000]", "[-5000]", false);
    check(r#""f32""#, r#""f99""#, false);
    check(r#""hash":""#, r#""hash":"../../"#, false);
    check("[5000]", "[50,100]", true);
}

#[test]
fn a_damaged_blob_is_written_again() {
    let mut it = Folder::new(1 << 30);
    it.cache.put(&[key("a")], &every_value());
    let blobs = || -> Vec<PathBuf> {
        it.files().into_iter().filter(|file| file.starts_with(&it.cache.blobs)).collect()
    };
    let blobs = blobs();
    assert_eq!(blobs.len(), 2);
    for length in [5, 10_000, 20_000] {
        blobs.iter().for_each(|blob| fs::write(blob, vec![0; length]).unwrap());
        assert!(it.cache.get(key("a")).is_none());
        // Each look may find only one of them.
        let looks = (0..2).map(|_| {
            it.cache.put(&[key("a")], &every_value());
            it.cache.get(key("a")).is_some()
        });
        assert!(looks.collect::<Vec<_>>().contains(&true));
    }
}

#[test]
fn a_function_stays_in_memory() {
    struct Nothing;
    impl Function for Nothing {
        fn ty(&self) -> &str {
            "FEATURES"
        }
        fn bytes(&self) -> u64 {
            0
        }
        fn as_any(&self) -> &dyn std::any::Any {
            self
        }
    }
    let mut it = Folder::new(1 << 30);
    it.cache.put(&[key("f")], &Entry::new(vec![Value::Function(Arc::new(Nothing))], Vec::new()));
    assert!(it.cache.get(key("f")).is_none() && it.files().is_empty());
}

#[test]
fn what_was_used_least_recently_goes_first() {
    let mut it = Folder::new(100_000);
    let names = ["a", "b", "c", "d"];
    for (age, name) in names.iter().enumerate() {
        it.cache.put(&[key(name)], &Entry::new(vec![tensor(age as u8, 8000)], Vec::new()));
        // The clock of a file system may be coarse.
        let used = SystemTime::now() - Duration::from_secs(1000 - 100 * age as u64);
        for file in it.files() {
            let stamp = file.metadata().unwrap().modified().unwrap();
            if stamp.elapsed().unwrap_or_default() < Duration::from_secs(500) && age < 3 {
                File::options().append(true).open(&file).unwrap().set_modified(used).unwrap();
            }
        }
    }
    assert!(it.cache.get(key("a")).is_some(), "looking at it is using it");
    it.cache.trim();
    let kept: Vec<&str> = names.into_iter().filter(|name| it.cache.get(key(name)).is_some()).collect();
    assert_eq!(kept, ["a", "d"]);
    assert!(it.cache.usage().bytes <= 90_000);
    it.cache.put(&[key("large")], &Entry::new(vec![tensor(1, 30_000)], Vec::new()));
    assert!(it.cache.get(key("large")).is_none(), "more than the limit is not stored");
}

#[test]
fn a_batch_that_is_larger_than_the_cache_leaves_its_last_parts() {
    let mut it = Folder::new(100_000);
    for part in 0..20 {
        let name = format!("part {part}");
        assert!(it.cache.put_part(key(&name), &Entry::new(vec![tensor(part, 7000)], Vec::new())));
        assert!(it.cache.holds(key(&name)));
        let bytes = it.cache.usage().bytes;
        assert!(bytes <= 130_000, "{bytes} bytes after part {part}");
        // The clock of a file system may be coarse.
        for file in it.files() {
            let stamp = file.metadata().unwrap().modified().unwrap() - Duration::from_secs(10);
            File::options().append(true).open(&file).unwrap().set_modified(stamp).unwrap();
        }
    }
    assert!(it.cache.get(key("part 19")).is_some() && !it.cache.holds(key("part 0")));
}

#[test]
fn a_list_of_parts_comes_back_and_is_no_result_for_older_programs() {
    let mut it = Folder::new(1 << 30);
    let part = |name: &str, rows| Part { key: key(name), rows, files: rows };
    let parts = vec![part("first", 3), part("second", 1)];
    it.cache.put(&[key("a")], &Entry::of_parts(parts.clone()));
    let found = it.cache.get(key("a")).expect("it is stored");
    assert!(found.parts == parts && found.outputs.is_empty() && found.saved.is_empty());
    let path = it.cache.results.join(key("a").to_hex().as_str());
    let text = fs::read_to_string(&path).unwrap();
    let body = text.split_once('\n').unwrap().1;
    for (from, to) in [(r#""format":2"#, r#""format":1"#), (r#""key":""#, r#""key":"x"#)] {
        assert!(body.contains(from), "{body}");
        let body = body.replacen(from, to, 1);
        fs::write(&path, format!("{}\n{body}", blake3::hash(body.as_bytes()).to_hex())).unwrap();
        assert!(it.cache.get(key("a")).is_none(), "{from} -> {to}");
    }
}

#[test]
fn a_result_without_its_blob_is_not_there() {
    let mut it = Folder::new(1 << 30);
    it.cache.put(&[key("a")], &every_value());
    assert!(it.cache.holds(key("a")) && !it.cache.holds(key("b")));
    let blob = it.files().into_iter().find(|file| file.starts_with(&it.cache.blobs)).unwrap();
    fs::write(&blob, "short").unwrap();
    assert!(!it.cache.holds(key("a")));
    fs::remove_file(&blob).unwrap();
    assert!(!it.cache.holds(key("a")));
}

#[test]
fn what_is_not_of_the_cache_is_neither_counted_nor_removed() {
    let mut it = Folder::new(1000);
    it.cache.put(&[key("a")], &Entry::new(vec![Value::Int(1)], Vec::new()));
    let before = it.cache.usage();
    let others = ["thesis.txt", "notes.tmp", ".7-x.tmp", "abc"].map(|name| it.cache.results.join(name));
    others.iter().for_each(|path| fs::write(path, vec![0; 5000]).unwrap());
    assert_eq!(it.cache.usage(), before);
    it.cache.put(&[key("b")], &Entry::new(vec![Value::Int(2)], Vec::new()));
    it.cache.trim();
    it.cache.clear().unwrap();
    assert!(others.iter().all(|path| path.exists()));
    assert_eq!(it.cache.usage(), DiskUsage::default());
}

#[test]
fn temporary_files_of_dead_writers_are_removed() {
    let mut it = Folder::new(1 << 30);
    it.cache.put(&[key("a")], &every_value());
    let temporary = |name: &str, age: u64| {
        let path = it.cache.blobs.join(name);
        fs::write(&path, "half").unwrap();
        let used = SystemTime::now() - Duration::from_secs(age);
        File::options().append(true).open(&path).unwrap().set_modified(used).unwrap();
        path
    };
    let (old, new) = (temporary(".7-1.tmp", 7200), temporary(".7-2.tmp", 60));
    it.cache.trim();
    assert!(!old.exists() && new.exists());
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_is_an_empty_cache() {
    let mut it = Folder::new(1 << 30);
    fs::write(it.folder.path().join("cache"), "in the way").unwrap();
    it.cache.put(&[key("a")], &every_value());
    assert!(it.cache.get(key("a")).is_none());
    it.cache.trim();
    assert_eq!(it.cache.usage(), DiskUsage::default());
}

#[cfg(unix)]
#[test]
fn only_its_user_may_enter_the_folder() {
    use std::os::unix::fs::PermissionsExt;
    let mut it = Folder::new(1 << 30);
    it.cache.put(&[key("a")], &every_value());
    for folder in [&it.cache.results, &it.cache.blobs] {
        assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o077, 0);
    }
}

#[cfg(unix)]
#[test]
fn a_disk_without_room_gets_no_results() {
    let mut it = Folder::new(1 << 30);
    it.cache.spare = u64::MAX;
    assert!(!it.cache.put(&[key("a")], &every_value()));
    assert!(it.cache.get(key("a")).is_none());
    assert_eq!(it.cache.usage(), DiskUsage::default());
    it.cache.spare = 0;
    assert!(it.cache.put(&[key("a")], &every_value()));
    assert!(it.cache.get(key("a")).is_some());
}

#[test]
fn what_was_counted_before_is_kept_within_the_limit_too() {
    let mut it = Folder::new(100_000);
    for fill in 0..20 {
        it.cache.put(&[key(&fill.to_string())], &Entry::new(vec![tensor(fill, 5000)], Vec::new()));
        it.cache.trim();
        assert!(it.cache.usage().bytes <= 100_000, "{:?}", it.cache.usage());
    }
    assert!(it.cache.get(key("19")).is_some() && it.cache.get(key("0")).is_none());
}
