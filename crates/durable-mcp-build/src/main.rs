//! `durable-mcp-build <module.wasm> <folder>` writes the JavaScript of a Worker: `index.js`, the bindings of the module with
//! what replaces a crashed instance; `worker.js`, the Worker's entry point; `index_bg.wasm`; and `snippets/`, the library's
//! JavaScript. A bundler makes one file of it, whose entry point is `worker.js`.

mod entry;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use wasm_bindgen_cli_support::Bindgen;

/// The name of the bindings and of the module beside them, which the bundler leaves where it is.
const NAME: &str = "index";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [module, folder] = arguments.as_slice() else {
        eprintln!("usage: durable-mcp-build <module.wasm> <folder>");
        return ExitCode::FAILURE;
    };
    match write(Path::new(module), Path::new(folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("durable-mcp-build: {module}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(module: &Path, folder: &Path) -> Result<(), Box<dyn Error>> {
    let mut bindgen = Bindgen::new();
    bindgen.input_path(module).out_name(NAME).typescript(false).demangle(false);
    bindgen.module(true)?;
    // The entry point makes a new instance after a crash, see `entry::REVIVED`.
    bindgen.reset_state_function(true).force_enable_abort_handler(true);
    bindgen.generate(folder).map_err(|error| format!("{error:#}"))?;

    let file = folder.join(format!("{NAME}.js"));
    let bindings = fs::read_to_string(&file)?;
    fs::write(folder.join("worker.js"), entry::worker(&bindings))?;
    fs::write(&file, entry::revived(&bindings)?)?;
    Ok(())
}
