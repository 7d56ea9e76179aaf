//! `dreamwire plugin check`: good plugins pass, bad ones fail the one check that is meant for their fault,
//! and none takes the checker with it.

use dreamwire_loader::KNOWN;
use dreamwire_tests::{
    Cmd, Folder, Outcome, built, c_plugin, c_plugin_of_minor_0, c_plugin_with, repository,
};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A network of 256 pixels keeps no other promises than one of 16.
const SETTINGS: [&str; 2] = ["--set", "LoadStyleGAN.weights=random:0:16"];

fn check(plugin: &Path, more: &[&str]) -> Outcome {
    let folder = Folder::new();
    // A setting for a kind that the plugin has not is refused.
    let settings: &[&str] = if plugin.to_string_lossy().contains("stylegan") { &SETTINGS } else { &[] };
    Cmd::new(&folder).args(["plugin", "check"]).args([plugin]).args(settings).args(more).run()
}

/// Name and outcome of every check in a `--json` report of one plugin.
fn outcomes(outcome: &Outcome) -> Vec<(String, String)> {
    let report: Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    let [one] = &report.as_array().expect("a list")[..] else { panic!("{}", outcome.stdout) };
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let checks = one["checks"].as_array().expect("checks");
    checks.iter().map(|check| (text(&check["name"]), text(&check["outcome"]))).collect()
}

/// It passes, and of these checks none was skipped.
fn passes(plugin: &Path, done: &[&str]) {
    let outcome = check(plugin, &["--json"]);
    let name = plugin.display();
    assert_eq!(outcome.code, Some(0), "{name}\n{}\n{}", outcome.stdout, outcome.stderr);
    let outcomes = outcomes(&outcome);
    let found = |name: &str| outcomes.iter().find(|(found, _)| found == name).map(|(_, how)| how.as_str());
    for check in done {
        assert_eq!(found(check), Some("ok"), "{check} of {name}\n{}", outcome.stdout);
    }
}

/// It fails that check and no other, and the message names what it should.
fn fails(plugin: &Path, name: &str, says: &str) {
    fails_with(plugin, name, says, &[]);
}

fn fails_with(plugin: &Path, name: &str, says: &str, more: &[&str]) {
    let mut arguments = vec!["--json"];
    arguments.extend(more);
    let outcome = check(plugin, &arguments);
    outcome.exits(4);
    let failed: Vec<String> =
        outcomes(&outcome).into_iter().filter(|(_, how)| how == "fail").map(|(name, _)| name).collect();
    assert_eq!(failed, [name], "{}\n{}", plugin.display(), outcome.stdout);
    assert!(outcome.stdout.contains(says), "`{says}` expected in:\n{}", outcome.stdout);
}

/// The checks that apply to every plugin with a kind that runs.
const ALWAYS: &[&str] =
    &["loads", "descriptor", "schema", "lifecycle", "threads", "refusals", "run", "ownership"];
/// Of those that judge params and tell their devices, as all of the SDK do.
const PARAMS: &[&str] = &["params", "devices"];
/// Also, for plugins with functions.
const FUNCTIONS: &[&str] = &["run", "function", "gradient"];

fn library(stem: &str) -> PathBuf {
    let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    built().plugins.join(format!("{prefix}{stem}{suffix}"))
}

#[test]
fn our_plugins_pass() {
    let libraries: BTreeSet<&str> = KNOWN.iter().map(|(_, library)| *library).collect();
    std::thread::scope(|scope| {
        for stem in libraries {
            scope.spawn(move || passes(&library(stem), &[ALWAYS, PARAMS].concat()));
        }
    });
}

#[test]
fn functions_of_our_plugins_are_looked_at() {
    for stem in ["dreamwire_vgg", "dreamwire_stylegan", "dreamwire_dream"] {
        let outcome = check(&library(stem), &["--json", "--only", "function", "--only", "gradient"]);
        let expected = [("function".to_owned(), "ok".to_owned()), ("gradient".to_owned(), "ok".to_owned())];
        assert_eq!(outcomes(&outcome), expected, "{stem}\n{}", outcome.stdout);
    }
}

#[test]
fn the_template_and_plugins_in_c_pass() {
    passes(&built().template, &[ALWAYS, PARAMS].concat());
    passes(&c_plugin("invert"), ALWAYS);
    passes(&c_plugin("check_kind"), &[ALWAYS, &["cancel"][..]].concat());
    passes(&c_plugin("check_inputs"), ALWAYS);
    passes(&c_plugin("check_function"), &[ALWAYS, FUNCTIONS].concat());
}

/// Faults: B3.
#[test]
fn plugins_that_were_built_for_minor_0_pass() {
    for name in ["invert", "check_kind", "check_inputs"] {
        passes(&c_plugin_of_minor_0(name), ALWAYS);
    }
    passes(&c_plugin_of_minor_0("check_function"), &[ALWAYS, FUNCTIONS].concat());
}

#[test]
fn rows_of_our_plugins_are_compared() {
    for stem in ["dreamwire_image", "dreamwire_stylegan", "dreamwire_dream"] {
        passes(&library(stem), &["rows"]);
    }
}

#[test]
fn what_a_plugin_says_of_devices_is_checked() {
    passes(&c_plugin("check_devices"), &[ALWAYS, &["devices"][..]].concat());
    let broken = check(&c_plugin_with("check_devices", "BROKEN"), &["--json", "--only", "devices"]);
    assert!(
        broken.exits(0).stdout.contains("not CUDA: DW_E_DEVICE, there is no driver"),
        "{}",
        broken.stdout
    );
    for (fault, says) in [
        ("NO_CPU", "the CPU must always work, but probe ended with DW_E_DEVICE, the CPU is too hot"),
        ("CLAIMS_CPU", "its types [2, 1] must be different ones, without that of the CPU"),
        ("TAKES_ALL", "Metal is not among its types, and probe ended with DW_OK"),
        ("WORDLESS", "Metal: it ended with DW_E_UNSUPPORTED and gave no reason"),
    ] {
        fails(&c_plugin_with("check_devices", fault), "devices", says);
    }
}

#[test]
fn a_row_that_depends_on_others_fails_the_check_of_rows() {
    passes(&c_plugin("check_rows"), &[ALWAYS, &["rows"][..]].concat());
    for (fault, says) in [
        ("MIXES", "output `IMAGE`: row 1 alone differs from the same row within 3"),
        ("ROUNDS", "alone differs from the same row within 3"),
        ("LOSES", "3 rows of inputs give 1 rows, row 0 alone gives 1"),
    ] {
        fails(&c_plugin_with("check_rows", fault), "rows", says);
    }
}

#[test]
fn what_a_kind_says_of_its_params_is_checked() {
    let plugin = c_plugin("check_params");
    passes(&plugin, &["loads", "schema", "params", "lifecycle"]);
    let accepted = check(&plugin, &["--json", "--set", "Grey.grey=50"]);
    assert!(outcomes(&accepted).contains(&("run".to_owned(), "ok".to_owned())), "{}", accepted.stdout);
    for (fault, says) in [
        ("WORDLESS", "it ended with DW_E_ARG and gave no reason"),
        ("NAMELESS", "names `gray`, which is not a param"),
        ("FICKLE", "check_params gives different answers for the same params"),
        ("DISAGREES", "check_params refuses `grey`, and a run with it ends with DW_OK"),
    ] {
        fails_with(&c_plugin_with("check_params", fault), "params", says, &["--only", "params"]);
    }
}

#[cfg(unix)]
#[test]
fn a_kind_that_wants_files_to_judge_its_params_crashes_alone() {
    fails_with(
        &c_plugin_with("check_params", "READS"),
        "params",
        "was ended by SIGSEGV",
        &["--only", "params"],
    );
}

#[test]
fn a_library_that_is_no_plugin_fails_to_load() {
    fails(&c_plugin("no_entry"), "loads", "it exports no `dw_entry_v1`");
    fails(&c_plugin("other_major"), "loads", "it uses ABI 2, this host supports 1");
}

#[test]
fn a_bad_kind_fails_the_check_that_is_meant_for_it() {
    for (fault, name, says) in [
        ("NULL_NAME", "descriptor", "the name of output of `Source` #0 is null"),
        ("BAD_SCHEMA", "schema", "keyword `multipleOf` is outside the subset"),
        ("LEAK", "lifecycle", "deinit counts 1 live objects"),
        ("THREAD", "threads", "left after deinit"),
        ("RANDOM", "run", "differs from run to run"),
        ("IGNORES_CANCEL", "cancel", "it continued and polled"),
        ("EXIT", "run", "the process exited with code 0 in the middle of the check"),
    ] {
        fails(&c_plugin_with("check_kind", fault), name, says);
    }
}

#[cfg(unix)]
#[test]
fn a_crash_is_a_failed_check() {
    for (fault, says) in [("CRASH", "was ended by SIGSEGV"), ("ABORT", "was ended by SIGABRT")] {
        fails(&c_plugin_with("check_kind", fault), "run", says);
        fails(&c_plugin_with("check_kind", fault), "run", "Source (required inputs)");
    }
}

#[test]
fn a_hang_is_a_failed_check() {
    let says = "it did not end within 2 s";
    fails_with(&c_plugin_with("check_kind", "HANG"), "run", says, &["--timeout", "2"]);
}

#[test]
fn a_kind_that_mistreats_its_inputs_fails_the_check_that_is_meant_for_it() {
    for (fault, name, says) in [
        ("TOUCHES_OUT", "refusals", "with nothing at `image`, it ended with DW_E_ARG and set an output"),
        ("FREES_INPUT", "ownership", "deleters of borrowed inputs were called"),
        ("WRITES_INPUT", "ownership", "it wrote into the memory of input `image`"),
        ("KEEPS_INPUT", "ownership", "numbers are not finite"),
        ("KEEPS_FUNCTION", "ownership", "references to a borrowed function"),
    ] {
        fails(&c_plugin_with("check_inputs", fault), name, says);
    }
}

#[test]
fn a_bad_function_fails_the_check_that_is_meant_for_it() {
    for (fault, name, says) in [
        ("WRONG_SHAPE", "function", "`square` has shape [1, 48, 40, 3], but is described as [-1, -1, -1, 4]"),
        ("WRONG_GRADIENT", "gradient", "by vjp the slope is"),
    ] {
        fails(&c_plugin_with("check_function", fault), name, says);
    }
}

#[test]
fn people_get_a_line_per_check() {
    let outcome = check(&c_plugin_with("check_kind", "LEAK"), &[]);
    outcome.exits(4);
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    assert!(lines[0].ends_with(&format!("check_kind_leak{}", std::env::consts::DLL_SUFFIX)), "{lines:?}");
    assert_eq!(lines[1], "ok    loads       org.example.check");
    assert_eq!(lines[3], "skip  devices     it says nothing of devices, so it computes on the CPU");
    assert_eq!(lines[5], "skip  params      left out: Source (it has no `check_params`)");
    assert_eq!(lines[6], "FAIL  lifecycle   deinit counts 1 live objects, though all were destroyed");
    assert_eq!(lines[7], "skip  run         it depends on `lifecycle`");
    assert_eq!(lines[lines.len() - 1], "14 checks: 3 ok, 1 failed, 10 skipped");
}

#[test]
fn what_is_asked_for_is_checked() {
    let folder = Folder::new();
    let run = |arguments: &[&str]| Cmd::new(&folder).args(["plugin", "check"]).args(arguments).run();
    let by_id = run(&["org.dreamwire.image", "--only", "loads", "--json"]);
    assert_eq!(by_id.exits(0).stdout.matches("\"path\"").count(), 1, "{}", by_id.stdout);
    let all = run(&["all", "--only", "loads", "--json"]);
    let ours = KNOWN.iter().map(|(_, library)| library).collect::<BTreeSet<_>>().len();
    assert_eq!(all.exits(0).stdout.matches("\"path\"").count(), ours, "{}", all.stdout);
    run(&["org.example.nobody"]).exits(4).says("there is no plugin `org.example.nobody`");
    run(&["all", "--only", "luck"]).exits(2).says("there is no check `luck`").says("ownership");
    let image = "org.dreamwire.image";
    run(&[image, "--set", "Resise.width=8"]).exits(2).says("there is no kind `Resise`").says("`Resize`");
    run(&[image, "--set", "Resize.widht=8"]).exits(2).says("`Resize` has no param `widht`").says("`width`");
    run(&[image, "--set", "Resize.width=8", "--only", "loads"]).exits(0);
    run(&["all", "--set", "nothing"]).exits(2).says("`nothing` must be KIND.PARAM=VALUE");
    run(&[]).exits(2);
}

#[test]
fn the_checks_are_listed_as_they_are_documented() {
    let outcome = Cmd::new(&Folder::new()).args(["plugin", "check", "--list"]).run();
    let page = std::fs::read_to_string(repository().join("docs/plugin-check.md")).expect("the page is there");
    outcome.exits(0);
    assert_eq!(outcome.stdout.lines().count(), 14);
    for line in outcome.stdout.lines() {
        let (name, what) = line.split_once("  ").expect("a name and what it promises");
        let row = format!("| `{name}` | {} |", what.trim());
        assert!(page.contains(&row), "{row} expected in docs/plugin-check.md");
    }
}
