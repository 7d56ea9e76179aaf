//! What a run varies: each axis is a list of settings.

use std::path::{Path, PathBuf};

use super::range;

/// One place on an axis.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Step {
    /// Params and their texts, as `--set` takes them.
    pub(super) sets: Vec<(String, String)>,
    /// Names for paths, and their texts: `stem`, `dir`, `seed`.
    pub(super) names: Vec<(String, String)>,
    pub(super) frame: Option<i64>,
    /// It in a few words: `rate=0.5`.
    pub(super) label: String,
}

/// What an axis is made of; this decides how names of outputs tell its steps apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AxisKind {
    Files,
    Values,
    Seeds,
    Frames,
}

/// A list of settings.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    pub(super) kind: AxisKind,
    /// The option that made it, for messages.
    pub(super) option: String,
    pub(super) steps: Vec<Step>,
}

/// Extensions of the pictures that a folder is searched for.
const PICTURES: [&str; 17] = [
    "png", "jpg", "jpeg", "jpe", "jfif", "webp", "tif", "tiff", "bmp", "gif", "exr", "hdr", "qoi", "tga",
    "pnm", "ppm", "avif",
];

fn split<'t>(option: &str, text: &'t str) -> Result<(&'t str, &'t str), String> {
    text.split_once('=').ok_or_else(|| format!("{option}: `{text}` is not of the form node.param=..."))
}

/// `--each node.param=DIR|GLOB`.
pub(super) fn files(text: &str) -> Result<Axis, String> {
    let (target, place) = split("--each", text)?;
    let option = format!("--each {text}");
    let (base, mut found) = if place.contains(['*', '?', '[']) && !Path::new(place).exists() {
        (base(place), matching(place)?)
    } else {
        (PathBuf::from(place), below(Path::new(place))?)
    };
    found.sort_by_cached_key(|path| natural(&path.to_string_lossy()));
    if found.is_empty() {
        return Err(format!("--each: `{place}` has no picture"));
    }
    if found.len() > range::MOST {
        return Err(format!("--each: `{place}` has more than {} files", range::MOST));
    }
    let step = |path: PathBuf| {
        let below = path.strip_prefix(&base).unwrap_or(&path).to_owned();
        let Some(text) = path.to_str() else {
            return Err(format!("--each: the name of `{}` is not UTF-8", path.display()));
        };
        let stem = below.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let dir = below.parent().map(slashes).unwrap_or_default();
        let label = slashes(&below);
        let names = vec![
            ("stem".to_owned(), plain(&stem)),
            ("dir".to_owned(), dir),
            (target.to_owned(), plain(&stem)),
        ];
        Ok(Step { sets: vec![(target.to_owned(), text.to_owned())], names, frame: None, label })
    };
    let steps = found.into_iter().map(step).collect::<Result<_, _>>()?;
    Ok(Axis { kind: AxisKind::Files, option, steps })
}

/// The part of a pattern before its first special component.
fn base(pattern: &str) -> PathBuf {
    let plain =
        |part: &std::path::Component<'_>| !part.as_os_str().to_string_lossy().contains(['*', '?', '[']);
    Path::new(pattern).components().take_while(plain).collect()
}

fn matching(pattern: &str) -> Result<Vec<PathBuf>, String> {
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::new() };
    let found = glob::glob_with(pattern, options).map_err(|error| format!("--each: `{pattern}`: {error}"))?;
    let found = found.map(|path| path.map_err(|error| format!("--each: `{pattern}`: {error}")));
    let mut found: Vec<PathBuf> = found.collect::<Result<_, _>>()?;
    found.retain(|path| path.is_file());
    Ok(found)
}

/// The pictures of a folder and of those in it. What begins with a dot is left out.
fn below(folder: &Path) -> Result<Vec<PathBuf>, String> {
    if !folder.exists() {
        return Err(format!("--each: there is no `{}`", folder.display()));
    }
    if folder.is_file() {
        return Ok(vec![folder.to_owned()]);
    }
    let hidden =
        |entry: &walkdir::DirEntry| entry.depth() > 0 && entry.file_name().to_string_lossy().starts_with('.');
    let entries = walkdir::WalkDir::new(folder).follow_links(true).into_iter();
    let mut found = Vec::new();
    for entry in entries.filter_entry(|entry| !hidden(entry)) {
        let entry = entry.map_err(|error| format!("--each: {error}"))?;
        let extension = entry.path().extension().and_then(|extension| extension.to_str());
        let is_picture =
            extension.is_some_and(|it| PICTURES.iter().any(|known| it.eq_ignore_ascii_case(known)));
        if entry.file_type().is_file() && is_picture {
            found.push(entry.into_path());
        }
    }
    Ok(found)
}

/// `--sweep node.param=a,b,c`, or a JSON list.
pub(super) fn values(text: &str) -> Result<Axis, String> {
    let (target, list) = split("--sweep", text)?;
    let option = format!("--sweep {text}");
    let values: Vec<String> = match serde_json::from_str::<Vec<serde_json::Value>>(list) {
        Ok(items) => items.iter().map(|item| item.as_str().map_or(item.to_string(), str::to_owned)).collect(),
        Err(_) => list.split(',').map(|value| value.trim().to_owned()).collect(),
    };
    if values.iter().all(String::is_empty) {
        return Err(format!("{option}: there are no values"));
    }
    let short = target.rsplit('.').next().unwrap_or(target);
    let step = |value: String| Step {
        names: vec![(target.to_owned(), plain(&value))],
        label: format!("{short}={value}"),
        sets: vec![(target.to_owned(), value)],
        frame: None,
    };
    Ok(Axis { kind: AxisKind::Values, option, steps: values.into_iter().map(step).collect() })
}

/// `--seeds 0-8`: for each of these params.
pub(super) fn seeds(text: &str, targets: &[String]) -> Result<Axis, String> {
    if targets.is_empty() {
        return Err(
            "--seeds: no node of this graph has a param `seed` (for another one: --sweep node.param=0,1,2)"
                .to_owned(),
        );
    }
    let seeds = range::integers(text).map_err(|what| format!("--seeds: {what}"))?;
    let step = |seed: i64| Step {
        sets: targets.iter().map(|target| (target.clone(), seed.to_string())).collect(),
        names: vec![("seed".to_owned(), seed.to_string())],
        frame: None,
        label: format!("seed={seed}"),
    };
    let steps = seeds.into_iter().map(step).collect();
    Ok(Axis { kind: AxisKind::Seeds, option: format!("--seeds {text}"), steps })
}

/// `--frames 1-60`.
pub(super) fn frames(text: &str) -> Result<Axis, String> {
    let frames = range::integers(text).map_err(|what| format!("--frames: {what}"))?;
    let step = |frame: i64| Step { frame: Some(frame), label: format!("frame {frame}"), ..Step::default() };
    let steps = frames.into_iter().map(step).collect();
    Ok(Axis { kind: AxisKind::Frames, option: format!("--frames {text}"), steps })
}

/// A text as one component of a path: what could mean something else in it becomes `_`.
fn plain(text: &str) -> String {
    dreamwire_graph::prefix::safe(&serde_json::Value::String(text.to_owned()))
}

/// A relative path with forward slashes, each component as one of an output's name.
fn slashes(path: &Path) -> String {
    let parts = path.components().map(|part| plain(&part.as_os_str().to_string_lossy()));
    parts.collect::<Vec<_>>().join("/")
}

/// A key that sorts `2.png` before `10.png`.
fn natural(text: &str) -> Vec<(String, u128, String)> {
    let is_digit = |c: char| c.is_ascii_digit();
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(is_digit).unwrap_or(rest.len());
        let (before, after) = rest.split_at(digits);
        let end = after.find(|c| !is_digit(c)).unwrap_or(after.len());
        let (number, next) = after.split_at(end);
        // Numbers of more digits than that are compared by their texts.
        parts.push((before.to_owned(), number.parse().unwrap_or(u128::MAX), number.to_owned()));
        rest = next;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_gives_its_pictures_in_natural_order() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("tief/ü")).unwrap();
        std::fs::create_dir(at(".hidden")).unwrap();
        for name in
            ["10.png", "2.png", "b.JPG", "notes.txt", ".dot.png", "tief/ü/猫.webp", ".hidden/x.png", "none"]
        {
            std::fs::write(at(name), b"x").unwrap();
        }
        let axis = files(&format!("photo.image={}", folder.path().display())).unwrap();
        let labels: Vec<&str> = axis.steps.iter().map(|step| step.label.as_str()).collect();
        assert_eq!(labels, ["2.png", "10.png", "b.JPG", "tief/ü/猫.webp"]);
        let last = &axis.steps[3];
        assert_eq!(last.names[..2], [("stem".into(), "猫".into()), ("dir".into(), "tief/ü".into())]);
        assert_eq!(last.sets[0], ("photo.image".into(), at("tief/ü/猫.webp").to_str().unwrap().into()));
        let axis = files(&format!("photo.image={}/*.png", folder.path().display())).unwrap();
        let labels: Vec<&str> = axis.steps.iter().map(|step| step.label.as_str()).collect();
        assert_eq!(labels, ["2.png", "10.png"]);
        let axis = files(&format!("photo.image={}/**/*.webp", folder.path().display())).unwrap();
        assert_eq!(axis.steps[0].label, "tief/ü/猫.webp");
    }

    #[test]
    fn no_file_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().display();
        assert!(files(&format!("a.b={place}")).unwrap_err().ends_with("has no picture"));
        assert!(files(&format!("a.b={place}/*.png")).unwrap_err().ends_with("has no picture"));
        assert!(files(&format!("a.b={place}/no")).unwrap_err().starts_with("--each: there is no `"));
        assert!(files("a.b").unwrap_err().contains("node.param="));
    }

    #[test]
    fn values_may_be_a_list() {
        let labels = |text: &str| {
            let steps = values(text).unwrap().steps;
            steps.into_iter().map(|step| (step.label, step.sets[0].1.clone())).collect::<Vec<_>>()
        };
        assert_eq!(
            labels("a.rate=1, 2.5"),
            [("rate=1".into(), "1".into()), ("rate=2.5".into(), "2.5".into())]
        );
        assert_eq!(
            labels(r#"a.t=["x,y", "z"]"#),
            [("t=x,y".into(), "x,y".into()), ("t=z".into(), "z".into())]
        );
        assert_eq!(labels("a.l=[[1,2],[3]]")[0].1, "[1,2]");
        assert!(values("a.b=").is_err());
    }

    #[test]
    fn seeds_go_to_every_node_that_has_one() {
        let axis = seeds("0-1", &["a.seed".into(), "b.seed".into()]).unwrap();
        assert_eq!(axis.steps[1].sets, [("a.seed".into(), "1".into()), ("b.seed".into(), "1".into())]);
        assert!(seeds("0-1", &[]).is_err());
        assert_eq!(frames("3-5").unwrap().steps[2].frame, Some(5));
    }
}
