//! Dependencies between the rooms of `durable-mcp-worker`, and the one room of all crates that knows of the runtime, checked in the
//! source.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms of `durable-mcp-worker`, each with those that it may name. A room that is not listed is not allowed. Between crates the
/// compiler holds it.
const ALLOWED: &[(&str, &[&str])] = &[
    ("lib", &["http"]),
    ("exports", &["http", "platform"]),
    // The platform implements the ports that the others define.
    ("platform", &["http", "hub", "session", "task", "transport"]),
    ("http", &["hub", "pages", "session", "task", "transport"]),
    // Tests have the platform in memory.
    ("testing", &["http", "hub", "session", "task", "transport"]),
    ("pages", &[]),
    ("task", &["hub", "session", "transport"]),
    ("transport", &["hub", "session"]),
    ("hub", &["session"]),
    ("session", &[]),
];

/// The modules that know of Cloudflare's runtime.
const ON_THE_RUNTIME: [&str; 2] = ["platform", "exports"];

/// Names of the runtime, of its clock and of its randomness: for those modules alone. Elsewhere they are arguments.
const OF_THE_RUNTIME: [&str; 9] = [
    "worker::",
    "use worker",
    "wasm_bindgen",
    "web_sys",
    "js_sys",
    "getrandom",
    "SystemTime",
    "Instant",
    "console_error_panic_hook",
];

struct Source {
    module: String,
    path: PathBuf,
    /// Without comments and tests.
    code: Vec<(usize, String)>,
}

fn sources() -> Vec<Source> {
    sources_of("durable-mcp-worker")
}

/// Source files of one of the library's crates.
fn sources_of(name: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../crates")
        .join(name)
        .join("src");
    let (mut folders, mut found) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(source(&root, path));
            }
        }
    }
    found
}

fn source(root: &Path, path: PathBuf) -> Source {
    let text = fs::read_to_string(&path).unwrap();
    let first = path
        .strip_prefix(root)
        .unwrap()
        .components()
        .next()
        .unwrap();
    let module = first
        .as_os_str()
        .to_str()
        .unwrap()
        .trim_end_matches(".rs")
        .to_owned();
    let lines = text
        .lines()
        .enumerate()
        .take_while(|(_, line)| *line != "#[cfg(test)]");
    let code = lines
        .map(|(at, line)| (at + 1, line.split("//").next().unwrap().to_owned()))
        .collect();
    Source { module, path, code }
}

/// The modules of this crate that a line names: `crate::a`, `$crate::a` and `crate::{a, b::c}`.
fn named(line: &str) -> BTreeSet<String> {
    let word = |text: &str| {
        text.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect::<String>()
    };
    let mut names = BTreeSet::new();
    for (_, rest) in line
        .match_indices("crate::")
        .map(|(at, found)| (at, &line[at + found.len()..]))
    {
        match rest.strip_prefix('{') {
            Some(group) => names.extend(group.split(',').map(|part| word(part.trim()))),
            None => drop(names.insert(word(rest))),
        }
    }
    names
}

/// True for the name of a module, rather than of an item that `lib.rs` re-exports or of a macro.
fn is_module(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
}

#[test]
fn imports_follow_the_table_of_allowed_dependencies() {
    let allowed: BTreeMap<_, _> = ALLOWED.iter().copied().collect();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for Source { module, path, code } in sources() {
        let allowed = allowed
            .get(module.as_str())
            .unwrap_or_else(|| panic!("`{module}` is not in the table"));
        for (at, line) in &code {
            if line.contains("super::super") {
                wrong.push(format!(
                    "{}:{at}: a path that long begins with `crate::`: {}",
                    path.display(),
                    line.trim()
                ));
            }
            for name in named(line)
                .into_iter()
                .filter(|name| is_module(name) && *name != module && name != "worker")
            {
                seen += 1;
                if !allowed.contains(&name.as_str()) {
                    wrong.push(format!(
                        "{}:{at}: `{module}` may not know of `{name}`: {}",
                        path.display(),
                        line.trim()
                    ));
                }
            }
        }
    }
    assert!(seen > 50, "only {seen} imports were found");
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn the_table_of_dependencies_has_no_cycle() {
    // The exports are where everything comes together, and the platform stands beside the arrows.
    let arrows: BTreeMap<_, _> = ALLOWED
        .iter()
        .copied()
        .filter(|(from, _)| *from != "exports")
        .collect();
    for from in arrows.keys() {
        let (mut reached, mut next) = (BTreeSet::new(), arrows[from].to_vec());
        while let Some(to) = next.pop() {
            if reached.insert(to) {
                next.extend(arrows.get(to).copied().unwrap_or_default());
            }
        }
        assert!(!reached.contains(from), "`{from}` leads back to itself");
    }
}

#[test]
fn only_the_platform_uses_runtime_clock_and_randomness() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    let cores = [
        "durable-core",
        "durable-mcp-protocol",
        "oauth-server",
        "sign-in",
    ];
    let cores = cores.into_iter().flat_map(sources_of);
    for Source { module, path, code } in sources().into_iter().chain(cores) {
        for (at, line) in &code {
            // `platform::worker` is a module of ours.
            let line = line
                .replace("platform::worker", "platform")
                .replace("durable_mcp_worker::", "");
            let Some(word) = OF_THE_RUNTIME.iter().find(|word| line.contains(*word)) else {
                continue;
            };
            seen += 1;
            if !ON_THE_RUNTIME.contains(&module.as_str()) {
                wrong.push(format!(
                    "{}:{at}: `{module}` uses {word}: {}",
                    path.display(),
                    line.trim()
                ));
            }
        }
    }
    assert!(seen > 20, "only {seen} uses were found");
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn the_testing_module_is_not_compiled_into_a_worker() {
    let text = include_str!("../../crates/durable-mcp-worker/src/lib.rs");
    assert!(text.contains("#[cfg(not(target_arch = \"wasm32\"))]\npub mod testing;"));
}

#[test]
fn a_forbidden_import_is_found_in_every_notation() {
    let names = |line| named(line).into_iter().collect::<Vec<_>>();
    assert_eq!(names("use crate::http::App;"), ["http"]);
    assert_eq!(
        names("    let x = crate::transport::sse::message(None, json);"),
        ["transport"]
    );
    assert_eq!(
        names("use crate::{http::App, session};"),
        ["http", "session"]
    );
    assert_eq!(
        names("pub(crate) fn f(_: &$crate::App) -> crate::wire::Reply {"),
        ["App", "wire"]
    );
    assert!(!is_module("App") && is_module("http"));
}
