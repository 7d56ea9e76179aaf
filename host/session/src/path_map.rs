//! Absolute paths that were given on one machine, on another machine: the rules of Open Job Description
//! (`pathmapping-1.0`, the file that `{{Session.PathMappingRulesFile}}` names).

use std::fs::File;
use std::io::Read;
use std::path::{MAIN_SEPARATOR, Path};

use dreamwire_graph::{Format, Graph, Input, InputValue, Kinds, Param, ParamType};
use serde_json::Value;

/// The version of the rules that is read.
const VERSION: &str = "pathmapping-1.0";

/// The largest file of rules.
const MAX_BYTES: u64 = 16 << 20;

/// Rules that say where folders of another machine are on this one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathMap {
    /// The ones with the longest sources first.
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    system: System,
    source: Vec<String>,
    destination: String,
}

/// Whose paths a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum System {
    Posix,
    Windows,
}

impl PathMap {
    /// Reads a file of rules.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        let cannot = |error| format!("cannot read `{shown}`: {error}");
        let mut text = String::new();
        let file = File::open(path).map_err(cannot)?;
        file.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(cannot)?;
        if text.len() as u64 > MAX_BYTES {
            return Err(format!("`{shown}` has more than {MAX_BYTES} bytes"));
        }
        Self::parse(&text).map_err(|what| format!("`{shown}`: {what}"))
    }

    /// Reads rules. An empty object has none: a session without rules has such a file. Rules for URIs are passed over,
    /// because no param takes one.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn parse(text: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let Value::Object(fields) = value else { return Err("it is not an object".to_owned()) };
        if fields.is_empty() {
            return Ok(Self::default());
        }
        match fields.get("version") {
            Some(Value::String(version)) if version == VERSION => {}
            Some(other) => return Err(format!("`version` is {other}; only {VERSION:?} is known")),
            None => return Err(format!("`version` is missing; it must be {VERSION:?}")),
        }
        let Some(Value::Array(list)) = fields.get("path_mapping_rules") else {
            return Err("`path_mapping_rules` must be a list".to_owned());
        };
        let rules = list.iter().enumerate().map(|(index, rule)| {
            Rule::of(rule).map_err(|what| format!("rule {} of `path_mapping_rules`: {what}", index + 1))
        });
        let mut rules: Vec<Rule> = rules.filter_map(Result::transpose).collect::<Result<_, _>>()?;
        // Stable: of two rules with the same length the first one counts.
        rules.sort_by_key(|rule| std::cmp::Reverse(rule.source.len()));
        Ok(Self { rules })
    }

    /// Where an absolute path of the other machine is on this one; `None` if no rule is about it. Folders match whole:
    /// `/show` is no part of `/shows`. A path that could lead out of the folder of its rule (`..`) is about no rule.
    pub fn map(&self, path: &str) -> Option<String> {
        self.rules.iter().find_map(|rule| rule.map(path))
    }

    /// An override, `node.param=value`, with its value mapped if it is an absolute path.
    pub fn assignment(&self, set: &str) -> String {
        let mapped = set.split_once('=').and_then(|(target, value)| Some((target, self.map(value)?)));
        mapped.map_or_else(|| set.to_owned(), |(target, value)| format!("{target}={value}"))
    }

    /// The overrides that give the files and folders which a graph names by absolute paths their places here. What is
    /// overridden comes from the command line, so it may be outside the input folders, as the rules do.
    ///
    /// A node or an input with `=` in its name, which no override can name, keeps its paths.
    pub fn overrides(&self, graph: &Graph, kinds: &Kinds) -> Vec<String> {
        let mut sets = Vec::new();
        for node in &graph.nodes {
            let Some(kind) = kinds.get(&node.kind) else { continue };
            for input in &node.inputs {
                let target = format!("{}.{}", node.id, input.name);
                if let Some(param) = kind.params.get(&input.name)
                    && let Some(value) = self.value(param, input)
                    && !target.contains('=')
                {
                    sets.push(format!("{target}={value}"));
                }
            }
        }
        sets
    }

    /// The text of a param's value with its paths mapped; `None` if there are none.
    fn value(&self, param: &Param, input: &Input) -> Option<String> {
        if !matches!(param.format, Some(Format::File | Format::Directory | Format::Weights)) {
            return None;
        }
        let items = match &input.value {
            InputValue::Literal(Value::String(text)) if param.list => {
                text.split(',').map(|item| Value::from(item.trim())).collect()
            }
            InputValue::Literal(Value::String(text)) => return self.map(text),
            InputValue::Literal(Value::Array(items)) | InputValue::List(items) => items.clone(),
            InputValue::Literal(_) | InputValue::Link(_) | InputValue::Varying(_) | InputValue::Unread => {
                return None;
            }
        };
        let mut found = false;
        let items = items.into_iter().map(|item| match item.as_str().and_then(|text| self.map(text)) {
            Some(mapped) => {
                found = true;
                Value::from(mapped)
            }
            None => item,
        });
        let items: Vec<Value> = items.collect();
        found.then(|| match param.ty {
            ParamType::String => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
            _ => Value::Array(items).to_string(),
        })
    }
}

impl Rule {
    /// The rule; none if it is for URIs.
    fn of(value: &Value) -> Result<Option<Self>, String> {
        let text = |name: &str| match value.get(name) {
            Some(Value::String(text)) if !text.is_empty() => Ok(text.as_str()),
            Some(other) => Err(format!("`{name}` is {other}, not a path")),
            None => Err(format!("`{name}` is missing")),
        };
        let (format, source) = (text("source_path_format")?, text("source_path")?);
        let destination = text("destination_path")?.to_owned();
        let system = match format.to_ascii_uppercase().as_str() {
            "POSIX" => System::Posix,
            "WINDOWS" => System::Windows,
            "URI" => return Ok(None),
            _ => return Err(format!("`source_path_format` is `{format}`, not POSIX, WINDOWS or URI")),
        };
        let source = system
            .parts(source)
            .ok_or_else(|| format!("`source_path` is `{source}`, which is not an absolute path"))?;
        Ok(Some(Self { system, source, destination }))
    }

    fn map(&self, path: &str) -> Option<String> {
        let parts = self.system.parts(path)?;
        let (start, rest) = parts.split_at_checked(self.source.len())?;
        let same = |(one, other): (&String, &String)| match self.system {
            System::Posix => one == other,
            System::Windows => one.eq_ignore_ascii_case(other),
        };
        if !start.iter().zip(&self.source).all(same) || rest.iter().any(|part| part == "..") {
            return None;
        }
        let mut mapped = self.destination.clone();
        for part in rest {
            if !mapped.ends_with(['/', MAIN_SEPARATOR]) {
                mapped.push(MAIN_SEPARATOR);
            }
            mapped.push_str(part);
        }
        if path.ends_with(self.system.separators()) && !mapped.ends_with(['/', MAIN_SEPARATOR]) {
            mapped.push(MAIN_SEPARATOR);
        }
        Some(mapped)
    }
}

impl System {
    fn separators(self) -> &'static [char] {
        match self {
            System::Posix => &['/'],
            System::Windows => &['\\', '/'],
        }
    }

    /// The parts of an absolute path, a drive or a share being the first one on Windows; `None` if it is relative.
    fn parts(self, path: &str) -> Option<Vec<String>> {
        let parts = |path: &str| -> Vec<String> {
            let parts = path.split(self.separators()).filter(|part| !part.is_empty() && *part != ".");
            parts.map(str::to_owned).collect()
        };
        match self {
            System::Posix => path.starts_with('/').then(|| parts(path)),
            System::Windows => {
                let is_separator = |at: usize| path[at..].starts_with(self.separators());
                let bytes = path.as_bytes();
                let drive =
                    matches!(bytes, [letter, b':', ..] if letter.is_ascii_alphabetic()) && is_separator(2);
                let share = matches!(bytes, [b'\\' | b'/', b'\\' | b'/', ..]);
                if share {
                    // Server and name of a share are one part, as a drive is.
                    let found = parts(path);
                    let (root, rest) = found.split_at_checked(2)?;
                    let root = format!(r"\\{}", root.join("\\"));
                    return Some(std::iter::once(root).chain(rest.iter().cloned()).collect());
                }
                drive.then(|| parts(path))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use dreamwire_graph::{KindInfo, Params, Source, parse};
    use serde_json::json;

    use super::*;

    fn of(rules: &[(&str, &str, &str)]) -> PathMap {
        let rules: Vec<Value> = rules
            .iter()
            .map(|(format, source, destination)| {
                json!({"source_path_format": format, "source_path": source, "destination_path": destination})
            })
            .collect();
        let text = json!({"version": "pathmapping-1.0", "path_mapping_rules": rules}).to_string();
        PathMap::parse(&text).expect("they are rules")
    }

    #[cfg(unix)]
    fn check(map: &PathMap, path: &str, expected: &str) {
        assert_eq!(map.map(path).as_deref(), Some(expected), "{path}");
    }

    #[cfg(unix)]
    #[test]
    fn the_longest_source_counts_and_folders_match_whole() {
        let map = of(&[("POSIX", "/show", "/mnt/a"), ("posix", "/show/plates/", "/mnt/b/")]);
        check(&map, "/show/x.png", "/mnt/a/x.png");
        check(&map, "/show/plates/ü 1.png", "/mnt/b/ü 1.png");
        check(&map, "/show//./plates/x.png", "/mnt/b/x.png");
        check(&map, "/show", "/mnt/a");
        check(&map, "/show/", "/mnt/a/");
        check(&of(&[("POSIX", "/", "/all")]), "/x.png", "/all/x.png");
        check(&of(&[("POSIX", "/x", "/")]), "/x/y.png", "/y.png");
        for path in ["/shows/x.png", "/Show/x.png", "show/x.png", "x.png", "", "/"] {
            assert_eq!(map.map(path), None, "{path}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn paths_of_windows_have_drives_shares_both_separators_and_no_case() {
        let map = of(&[
            ("WINDOWS", r"C:\Show", "/mnt/a"),
            ("WINDOWS", r"\\Server\Share\x", "/mnt/b"),
            ("WINDOWS", r"D:\", "/mnt/d"),
        ]);
        check(&map, r"C:\Show\x.png", "/mnt/a/x.png");
        check(&map, r"c:/SHOW\sub/X.png", "/mnt/a/sub/X.png");
        check(&map, r"\\server\SHARE\X\y.png", "/mnt/b/y.png");
        check(&map, "//server/share/x/y.png", "/mnt/b/y.png");
        check(&map, "d:/x/", "/mnt/d/x/");
        let others =
            [r"C:Show\x.png", r"C:\Shows\x", r"\Show\x", "/Show/x", r"\\Server", "ä:/x", "C:", "C:\u{fc}"];
        for path in others {
            assert_eq!(map.map(path), None, "{path}");
        }
    }

    #[test]
    fn nothing_leads_out_of_the_folder_of_a_rule() {
        let map = of(&[("POSIX", "/show", "/mnt/a"), ("WINDOWS", r"C:\show", "/mnt/a")]);
        assert_eq!(map.map("/show/../etc/passwd"), None);
        assert_eq!(map.map("/show/x/../../etc/passwd"), None);
        assert_eq!(map.map(r"C:\show\..\x"), None);
    }

    #[test]
    fn a_session_without_rules_has_an_empty_file() {
        assert_eq!(PathMap::parse("{}"), Ok(PathMap::default()));
        assert_eq!(PathMap::default().map("/x"), None);
        assert_eq!(of(&[("URI", "s3://bucket", "/x")]), PathMap::default());
    }

    #[test]
    fn what_is_wrong_is_said() {
        let wrong = |text: &str| PathMap::parse(text).unwrap_err();
        assert!(wrong("").contains("EOF"), "{}", wrong(""));
        assert_eq!(wrong("[]"), "it is not an object");
        let missing = r#"`version` is missing; it must be "pathmapping-1.0""#;
        assert_eq!(wrong(r#"{"path_mapping_rules": []}"#), missing);
        assert!(wrong(r#"{"version": "2"}"#).starts_with(r#"`version` is "2"; only"#));
        assert_eq!(wrong(r#"{"version": "pathmapping-1.0"}"#), "`path_mapping_rules` must be a list");
        let rule = |rule: Value| {
            let good = json!({"source_path_format": "POSIX", "source_path": "/a", "destination_path": "/b"});
            let all = json!({"version": VERSION, "path_mapping_rules": [good, rule]});
            wrong(&all.to_string())
        };
        let second = "rule 2 of `path_mapping_rules`: ";
        assert_eq!(rule(json!(7)), format!("{second}`source_path_format` is missing"));
        let format = json!({"source_path_format": "VMS", "source_path": "a", "destination_path": "b"});
        assert_eq!(rule(format), format!("{second}`source_path_format` is `VMS`, not POSIX, WINDOWS or URI"));
        let relative = json!({"source_path_format": "POSIX", "source_path": "a", "destination_path": "b"});
        assert_eq!(rule(relative), format!("{second}`source_path` is `a`, which is not an absolute path"));
        let empty = json!({"source_path_format": "POSIX", "source_path": "/a", "destination_path": ""});
        assert_eq!(rule(empty), format!("{second}`destination_path` is \"\", not a path"));
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = PathMap::read(&folder.path().join("none.json")).unwrap_err();
        assert!(error.contains("none.json`: "), "{error}");
    }

    /// A kind with a file, several files, a folder and a text.
    fn kinds() -> Kinds {
        let schema = json!({"type": "object", "properties": {
            "image": {"type": "string", "format": "dw-file"},
            "files": {"type": "string", "format": "dw-file", "x-dw-list": true, "default": "x"},
            "many": {"type": "array", "items": {"type": "string"}, "format": "dw-file", "default": []},
            "folder": {"type": "string", "format": "dw-directory", "default": "x"},
            "text": {"type": "string", "default": ""},
        }});
        let (params, doc) = Params::parse(&schema).expect("it is a schema");
        let mut kinds = Kinds::new();
        kinds.insert(KindInfo {
            id: "Load".to_owned(),
            version: 1,
            plugin: String::new(),
            file: String::new(),
            title: String::new(),
            category: String::new(),
            doc,
            inputs: Vec::new(),
            outputs: Vec::new(),
            params,
            pure_: true,
            output: true,
            stateful: false,
        });
        kinds
    }

    #[cfg(unix)]
    #[test]
    fn files_and_folders_of_a_graph_are_overridden_and_nothing_else() {
        let text = json!({
            "a": {"class_type": "Load", "inputs": {
                "image": "/show/a=b.png", "files": "/show/1.png, rel.png", "folder": r"C:\plates",
                "many": {"__value__": ["/show/2.png", "/other/3.png"]}, "text": "/show/text",
            }},
            "b": {"class_type": "Load", "inputs": {"image": "rel.png"}},
            "c=d": {"class_type": "Load", "inputs": {"image": "/show/x.png"}},
            "e": {"class_type": "Other", "inputs": {"image": "/show/x.png"}},
            "f": {"class_type": "Load", "inputs": {"image": ["a", 0]}},
        });
        let (graph, _) = parse(&Source::new("g.json", text.to_string()));
        let map = of(&[("POSIX", "/show", "/mnt"), ("WINDOWS", r"c:\plates", "/p")]);
        let expected = [
            "a.image=/mnt/a=b.png",
            "a.files=/mnt/1.png,rel.png",
            "a.folder=/p",
            r#"a.many=["/mnt/2.png","/other/3.png"]"#,
        ];
        assert_eq!(map.overrides(&graph, &kinds()), expected);
        assert_eq!(map.assignment("a.image=/show/x=y.png"), "a.image=/mnt/x=y.png");
        assert_eq!(map.assignment("a.text=show"), "a.text=show");
        assert_eq!(map.assignment("nonsense"), "nonsense");
    }
}
