//! The JavaScript around the bindings that wasm-bindgen writes.

/// The handlers that the runtime calls (Workers, "Handlers").
const HANDLERS: [&str; 6] = ["fetch", "scheduled", "queue", "email", "tail", "connect"];

/// The beginning of `worker.js`.
///
/// Objects outlive an instance of the module, so each is a proxy that makes its counterpart anew after a crash.
const OBJECTS: &str = r#"import * as bindings from "./index.js";

Error.stackTraceLimit = 100;
const module = bindings.__worker_init_state();

const traps = Object.getOwnPropertyNames(Reflect).filter((name) => typeof Reflect[name] === "function");
const forwarded = Object.fromEntries(traps.map((name) => [name, ({ made }, ...rest) => Reflect[name](made, ...rest)]));
const remade = {
  construct(type, given, newTarget) {
    const make = () => ({ made: Reflect.construct(type, given, newTarget), by: module.instanceId });
    const get = (held, name) => {
      if (held.by !== module.instanceId) Object.assign(held, make());
      return Reflect.get(held.made, name);
    };
    return new Proxy(make(), { ...forwarded, get });
  },
};
"#;

/// The end of the bindings. After a crash, the next call into the module would make a new instance, but go into it with a pointer
/// of the old one, and calls that wait would wait for ever. The new instance is made at once instead, and those who wait are
/// told: see `platform/crash.js` of the library.
const REVIVED: &str = r#"
{
  const handleCatch = __wbg_handle_catch;
  __wbg_handle_catch = (error) => {
    try {
      handleCatch(error);
    } finally {
      if (__wbg_called_abort) {
        console.error("the module broke down, and begins anew:", error);
        __wbg_reset_state();
        globalThis.durableMcp?.brokeDown();
      }
    }
  };
}
"#;

/// The parts of the bindings that [`REVIVED`] rests on.
const NEEDED: [&str; 3] = [
    "function __wbg_handle_catch(",
    "let __wbg_called_abort",
    "function __wbg_reset_state",
];

/// The handler of requests. An error in the first step of one is answered too.
const FETCH: &str = "  NAME: (request, env, ctx) => {
    try {
      return bindings.NAME(request, env, ctx);
    } catch (error) {
      return globalThis.durableMcp.failed(error, request);
    }
  },
";

/// Any other handler.
const OTHER: &str = "  NAME: (event, env, ctx) => bindings.NAME(event, env, ctx),\n";

/// The class of an object.
const CLASS: &str = "export const NAME = new Proxy(bindings.NAME, remade);\n";

/// The entry point of the Worker: its handlers, and the classes of its objects.
///
/// The handlers are an object and not a class, of which the runtime would make an instance for every request.
pub(crate) fn worker(bindings: &str) -> String {
    let mut text = OBJECTS.to_owned();
    text.push_str("\nexport default {\n");
    for name in exports(bindings, Kind::Function).filter(|name| HANDLERS.contains(name)) {
        let handler = if name == "fetch" { FETCH } else { OTHER };
        text.push_str(&handler.replace("NAME", name));
    }
    text.push_str("};\n");
    for name in exports(bindings, Kind::Class) {
        text.push_str(&CLASS.replace("NAME", name));
    }
    text
}

/// The bindings with what replaces a crashed instance.
///
/// # Errors
/// When this version of wasm-bindgen writes other bindings.
pub(crate) fn revived(bindings: &str) -> Result<String, String> {
    if let Some(missing) = NEEDED.iter().find(|part| !bindings.contains(*part)) {
        return Err(format!(
            "the bindings have no `{missing}`: see what this version of wasm-bindgen writes in its place"
        ));
    }
    // The runtime gives a module for an import, and bundlers do not know the other form.
    Ok(bindings.replace("import source ", "import ") + REVIVED)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Class,
    Function,
}

/// The names that the bindings export, in their order.
fn exports(bindings: &str, kind: Kind) -> impl Iterator<Item = &str> {
    bindings.lines().filter_map(move |line| {
        let rest = line.strip_prefix("export ")?;
        let (found, rest) = match (rest.strip_prefix("class "), rest.strip_prefix("{ ")) {
            (Some(rest), _) => (Kind::Class, rest),
            // `export { inner as name };`
            (_, Some(list)) => (
                Kind::Function,
                list.split_once(" as ").map_or(list, |(_, name)| name),
            ),
            _ => (
                Kind::Function,
                rest.strip_prefix("async ")
                    .unwrap_or(rest)
                    .strip_prefix("function ")?,
            ),
        };
        let end = rest
            .find(|character: char| !(character.is_alphanumeric() || character == '_'))
            .unwrap_or(rest.len());
        (found == kind).then(|| rest.get(..end)).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::{Kind, NEEDED, exports, revived, worker};

    const BINDINGS: &str = "\
import source wasm from \"./index_bg.wasm\";
export class McpObject {
export function fetch(request, env, context) {
export async function scheduled(event) {
export { queue as queue };
export function __worker_init_state() {
    export function inner() {
";

    #[test]
    fn handlers_and_classes_are_exported() {
        assert_eq!(
            exports(BINDINGS, Kind::Class).collect::<Vec<_>>(),
            ["McpObject"]
        );
        let text = worker(BINDINGS);
        for line in [
            "  scheduled: (event, env, ctx) => bindings.scheduled(event, env, ctx),\n",
            "  queue: (event, env, ctx) => bindings.queue(event, env, ctx),\n",
            "      return bindings.fetch(request, env, ctx);\n",
            "export const McpObject = new Proxy(bindings.McpObject, remade);\n",
        ] {
            assert!(text.contains(line), "{line}{text}");
        }
        assert!(
            !text.contains("inner") && !text.contains("init_state:"),
            "{text}"
        );
    }

    #[test]
    fn bindings_in_an_unknown_form_are_refused() {
        let whole = NEEDED.join("\n");
        assert!(revived(&whole).is_ok_and(|text| text.ends_with("}\n")));
        for part in NEEDED {
            let told = revived(&whole.replace(part, "")).unwrap_err();
            assert!(told.contains(part), "{told}");
        }
    }
}
