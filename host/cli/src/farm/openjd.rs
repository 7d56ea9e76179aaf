//! A job template of Open Job Description (2023-09 with TASK_CHUNKING), as JSON, which is one of its two forms.

use std::path::Path;

use serde_json::{Value, json};

use super::job::{Job, full};
use crate::args::{OpenjdArgs, RowArgs};
use crate::exit::Exit;
use crate::output::Refused;

/// The longest value of a parameter, in characters.
const MAX_VALUE: usize = 1024;

/// The most parameters.
const MAX_PARAMETERS: usize = 50;

/// A template with a task for each chunk of rows. `folder` is where the file will be.
///
/// # Errors
/// If a template cannot say it.
pub(super) fn template(job: &Job, args: &OpenjdArgs, folder: &Path) -> Result<String, Refused> {
    let mut parameters = Parameters { list: Vec::new(), folder };
    let mut words = vec!["run".to_owned(), parameters.path("Graph", &job.graph, File::In)?];
    let (sets, row_args) = &job.anywhere;
    for set in sets {
        words.push(parameters.text("--set=", set)?);
    }
    let rows = words_of_rows(row_args, &mut parameters)?;
    words.extend(rows);
    for input in &job.inputs {
        words.push(format!("--in={}", parameters.path("InDir", input, File::FolderIn)?));
    }
    words.push(format!("--out={}", parameters.path("OutDir", &job.out, File::FolderOut)?));
    for option in &job.options {
        words.push(parameters.text("", option)?);
    }
    let all = job.row_args.rows.clone().unwrap_or_else(|| match job.total {
        1 => "1".to_owned(),
        rows => format!("1-{rows}"),
    });
    parameters.add(json!({
        "name": "Rows",
        "type": "STRING",
        "default": short("--rows", &all)?,
        "description": "The rows to run, such as 1-3,7,9 or 1-60:2.",
    }));
    parameters.add(json!({
        "name": "ChunkSize",
        "type": "INT",
        "minValue": 1,
        "default": args.chunk,
        "description": "How many rows a task has.",
    }));
    words.extend(
        ["--rows={{Task.Param.Row}}", "--progress=openjd", "--path-map={{Session.PathMappingRulesFile}}"]
            .map(str::to_owned),
    );
    let command = parameters.text("", &job.program)?;
    if parameters.list.len() > MAX_PARAMETERS {
        let message = format!("the template would have more than {MAX_PARAMETERS} parameters");
        let hint = Some("give fewer --in and --each".to_owned());
        return Err(Refused { message, hint, exit: Exit::USAGE });
    }
    let mut step = json!({
        "name": "Run",
        "parameterSpace": { "taskParameterDefinitions": [{
            "name": "Row",
            "type": "CHUNK[INT]",
            "range": "{{Param.Rows}}",
            "chunks": { "defaultTaskCount": "{{Param.ChunkSize}}", "rangeConstraint": "NONCONTIGUOUS" },
        }] },
        "script": { "actions": { "onRun": {
            "command": command,
            "args": words,
            "timeout": args.timeout,
            "cancelation": { "mode": "NOTIFY_THEN_TERMINATE", "notifyPeriodInSeconds": 5 },
        } } },
    });
    if job.options.iter().any(|option| option.starts_with("--device=cuda")) {
        step["hostRequirements"] = json!({ "amounts": [{ "name": "amount.worker.gpu", "min": 1 }] });
    }
    let template = json!({
        "specificationVersion": "jobtemplate-2023-09",
        "extensions": ["TASK_CHUNKING"],
        "name": job.name,
        "description": format!("{} Written by `dreamwire farm export openjd`.", sentence(job)),
        "parameterDefinitions": parameters.list,
        "steps": [step],
    });
    Ok(format!("{template:#}\n"))
}

/// What it is, within what a description may have.
fn sentence(job: &Job) -> String {
    crate::console::clean_line(&job.title()).chars().take(MAX_VALUE).chain(['.']).collect()
}

/// The words of the options of rows, but for `--rows`, which is a parameter of tasks.
fn words_of_rows(rows: &RowArgs, parameters: &mut Parameters<'_>) -> Result<Vec<String>, Refused> {
    let mut words = Vec::new();
    for each in &rows.each {
        words.push(parameters.each(each)?);
    }
    let mut rest = rows.clone();
    (rest.each, rest.rows) = (Vec::new(), None);
    for word in rest.words() {
        words.push(parameters.text("", &word)?);
    }
    Ok(words)
}

/// What a path is to the job.
#[derive(Clone, Copy, PartialEq, Eq)]
enum File {
    In,
    FolderIn,
    FolderOut,
}

/// The parameters of the job so far.
struct Parameters<'a> {
    list: Vec<Value>,
    /// The folder of the template.
    folder: &'a Path,
}

impl Parameters<'_> {
    fn add(&mut self, definition: Value) {
        self.list.push(definition);
    }

    /// A name that is not taken: `InDir`, `InDir2`.
    fn name(&self, start: &str) -> String {
        let is_taken = |name: &str| self.list.iter().any(|definition| definition["name"] == name);
        let numbered = (2..).map(|number| format!("{start}{number}"));
        let mut names = std::iter::once(start.to_owned()).chain(numbered);
        names.find(|name| !is_taken(name)).unwrap_or_default()
    }

    /// A reference to a path. One in the folder of the template is a PATH, which engines stage and map; any other has to
    /// be a text, because the default of a PATH must not leave that folder.
    fn path(&mut self, name: &str, path: &str, file: File) -> Result<String, Refused> {
        let name = self.name(name);
        let full = full(Path::new(path))?;
        let kind = if file == File::In { "FILE" } else { "DIRECTORY" };
        let flow = if file == File::FolderOut { "OUT" } else { "IN" };
        self.add(match full.strip_prefix(self.folder) {
            Ok(inside) => json!({
                "name": name,
                "type": "PATH",
                "objectType": kind,
                "dataFlow": flow,
                "default": short(path, &format!("./{}", inside.to_string_lossy()))?,
            }),
            Err(_) => json!({
                "name": name,
                "type": "STRING",
                "default": short(path, &full.to_string_lossy())?,
                "description": "An absolute path, because it is not in the folder of the template.",
            }),
        });
        Ok(format!("{{{{Param.{name}}}}}"))
    }

    /// `--each` with its folder, up to the first `*`, `?` or `[`, as a parameter. A folder that is not seen from here is
    /// looked for by the run, and stays as it is.
    fn each(&mut self, each: &str) -> Result<String, Refused> {
        let Some((target, pattern)) = each.split_once('=') else { return self.text("--each=", each) };
        // As the run does: what is there by that name is no pattern.
        let glob = pattern.find(['*', '?', '[']).filter(|_| !Path::new(pattern).exists());
        let glob = glob.unwrap_or(pattern.len());
        let (folder, rest) = match glob == pattern.len() {
            true => (pattern, ""),
            false => pattern.split_at(pattern[..glob].rfind('/').map_or(0, |slash| slash + 1)),
        };
        let folder = if folder.is_empty() { "." } else { folder };
        if !Path::new(folder).is_dir() {
            return self.text("--each=", each);
        }
        let reference = self.path("Each", folder, File::FolderIn)?;
        let before = self.text("--each=", &format!("{target}="))?;
        if rest.is_empty() {
            return Ok(before + &reference);
        }
        Ok(before + &reference + "/" + &self.text("", rest)?)
    }

    /// A word that an engine reads as this text. What would be a variable, or is not allowed in a template, is the value
    /// of a parameter.
    fn text(&mut self, before: &str, text: &str) -> Result<String, Refused> {
        let is_variable = text.contains("{{") || text.contains("}}");
        // Braces of a neighbour would make it one.
        let may_be = text.starts_with('}') || text.ends_with('{');
        if !is_variable && !may_be && !text.contains(char::is_control) {
            return Ok(format!("{before}{text}"));
        }
        let name = self.name("Text");
        self.add(json!({
            "name": name,
            "type": "STRING",
            "default": short(text, text)?,
            "userInterface": { "control": "HIDDEN" },
        }));
        Ok(format!("{before}{{{{Param.{name}}}}}"))
    }
}

/// A value of a parameter, if it is not too long for one.
fn short<'t>(what: &str, value: &'t str) -> Result<&'t str, Refused> {
    if value.chars().count() <= MAX_VALUE {
        return Ok(value);
    }
    let start: String = what.chars().take(40).collect();
    let message = format!("`{start}` is longer than the {MAX_VALUE} characters of a value in a template");
    Err(Refused { message, hint: None, exit: Exit::USAGE })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::job::example;
    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: OpenjdArgs,
    }

    fn made(job: &Job, words: &[&str], folder: &Path) -> Result<Value, Refused> {
        let line = Line::try_parse_from([&["x", "g.json"], words].concat()).expect("they are options");
        let text = template(job, &line.args, folder)?;
        Ok(serde_json::from_str(&text).expect("it is JSON"))
    }

    /// The definition of a parameter.
    fn parameter<'v>(template: &'v Value, name: &str) -> &'v Value {
        let list = template["parameterDefinitions"].as_array().expect("a list");
        list.iter().find(|definition| definition["name"] == name).unwrap_or(&Value::Null)
    }

    fn words(template: &Value) -> Vec<&str> {
        let words = template["steps"][0]["script"]["actions"]["onRun"]["args"].as_array().expect("a list");
        words.iter().filter_map(Value::as_str).collect()
    }

    #[test]
    fn the_engine_chooses_the_rows() {
        let here = std::env::current_dir().expect("there is one");
        let template = made(&example(), &["--chunk", "3", "--timeout", "60"], &here).expect("a template");
        assert_eq!(template["name"], "it's {my} job");
        assert_eq!(parameter(&template, "Rows")["default"], "1-12");
        assert_eq!(parameter(&template, "ChunkSize")["default"], 3);
        assert_eq!(template["steps"][0]["script"]["actions"]["onRun"]["timeout"], 60);
        let expected = [
            "run",
            "{{Param.Graph}}",
            "--set=dream.text=it's",
            "--seeds=1-12",
            "--in={{Param.InDir}}",
            "--out={{Param.OutDir}}",
            "--device=cpu",
            "--rows={{Task.Param.Row}}",
            "--progress=openjd",
            "--path-map={{Session.PathMappingRulesFile}}",
        ];
        assert_eq!(words(&template), expected);
        assert_eq!(template["steps"][0]["hostRequirements"], Value::Null);
        let on_a_gpu = Job { options: vec!["--device=cuda:0".to_owned()], ..example() };
        let template = made(&on_a_gpu, &[], &here).expect("a template");
        assert_eq!(template["steps"][0]["hostRequirements"]["amounts"][0]["name"], "amount.worker.gpu");
    }

    #[test]
    fn what_is_in_the_folder_of_the_template_is_a_path_and_what_is_not_is_an_absolute_one() {
        let here = std::env::current_dir().expect("there is one");
        let template = made(&example(), &[], &here).expect("a template");
        let graph = json!({
            "name": "Graph", "type": "PATH", "objectType": "FILE", "dataFlow": "IN", "default": "./my graph.json",
        });
        assert_eq!(parameter(&template, "Graph"), &graph);
        assert_eq!(parameter(&template, "OutDir")["dataFlow"], "OUT");
        assert_eq!(parameter(&template, "InDir")["type"], "STRING");
        assert_eq!(parameter(&template, "InDir")["default"], "/in {1}");
        let template = made(&example(), &[], Path::new("/elsewhere")).expect("a template");
        assert_eq!(parameter(&template, "Graph")["type"], "STRING");
        let default = parameter(&template, "Graph")["default"].as_str().expect("a text");
        assert_eq!(Path::new(default), here.join("my graph.json"));
    }

    #[test]
    fn texts_are_not_taken_for_variables() {
        let here = std::env::current_dir().expect("there is one");
        let sets = ["a.b={{Param.X}}", "a.b={frame:04}", "a.b=x}}", "a.b={", "a.b=tab\t"].map(str::to_owned);
        let job = Job { anywhere: (sets.to_vec(), RowArgs::default()), ..example() };
        let template = made(&job, &[], &here).expect("a template");
        let expected = [
            "--set={{Param.Text}}",
            "--set=a.b={frame:04}",
            "--set={{Param.Text2}}",
            "--set={{Param.Text3}}",
            "--set={{Param.Text4}}",
        ];
        assert_eq!(words(&template)[2..7], expected);
        assert_eq!(parameter(&template, "Text")["default"], "a.b={{Param.X}}");
        assert_eq!(parameter(&template, "Text4")["default"], "a.b=tab\t");
        let long = Job { anywhere: (vec!["{{".repeat(600)], RowArgs::default()), ..example() };
        assert_eq!(made(&long, &[], &here).expect_err("too long").exit, Exit::USAGE);
    }

    #[test]
    fn folders_of_rows_are_paths() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("it is there");
        std::fs::create_dir_all(root.join("photos/a")).expect("a folder");
        let photos = root.join("photos").display().to_string();
        let each = [
            format!("p.image={photos}"),
            format!("p.image={photos}/**/{{x}}*.png"),
            "p.image=not here/*.png".to_owned(),
        ];
        let rows = RowArgs { each: each.to_vec(), zip: true, ..RowArgs::default() };
        let job = Job { anywhere: (Vec::new(), rows), ..example() };
        let template = made(&job, &[], &root).expect("a template");
        let expected = [
            "--each=p.image={{Param.Each}}",
            "--each=p.image={{Param.Each2}}/**/{x}*.png",
            "--each=p.image=not here/*.png",
            "--zip",
        ];
        assert_eq!(words(&template)[2..6], expected);
        assert_eq!(parameter(&template, "Each2")["default"], "./photos");
    }

    #[test]
    fn only_the_rows_that_were_asked_for_are_the_default() {
        let here = std::env::current_dir().expect("there is one");
        let rows = RowArgs { rows: Some("3,7-9".to_owned()), ..RowArgs::default() };
        let job = Job { row_args: rows.clone(), anywhere: (Vec::new(), rows), rows: 4, ..example() };
        let template = made(&job, &[], &here).expect("a template");
        assert_eq!(parameter(&template, "Rows")["default"], "3,7-9");
        assert!(words(&template).iter().all(|word| !word.starts_with("--rows=3")));
    }
}
