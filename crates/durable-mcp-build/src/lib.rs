//! Makes a Worker's JavaScript of a module that was compiled with `durable-mcp`: wasm-bindgen as a library, and the Worker's
//! entry point with what replaces a crashed instance of the module.
//!
//! The program `durable-mcp-build` writes it into a folder. Compiled to WebAssembly, the same is the npm package `durable-mcp`,
//! which needs no compiler but that of the server.

mod entry;
#[cfg(target_arch = "wasm32")]
mod export;

use wasm_bindgen_cli_support::Bindgen;

/// The name of the bindings and of the module beside them, which the bundler leaves where it is.
const NAME: &str = "index";

/// A file of the Worker.
#[derive(Debug)]
pub struct File {
    /// Path in the Worker's folder, with slashes.
    pub path: String,
    /// All of its bytes.
    pub contents: Vec<u8>,
}

/// Makes the files of a Worker of a compiled module: `index.js`, the bindings of the module with what replaces a crashed
/// instance; `worker.js`, the Worker's entry point; `index_bg.wasm`; and `snippets/`, the JavaScript of libraries. A bundler
/// makes one file of the JavaScript, whose entry point is `worker.js`.
///
/// # Errors
/// When the bytes are no module, or one that was compiled with another version of wasm-bindgen.
pub fn worker(module: Vec<u8>) -> Result<Vec<File>, String> {
    let mut bindgen = Bindgen::new();
    bindgen
        .input_bytes(NAME, module)
        .typescript(false)
        .demangle(false);
    bindgen.module(true).map_err(|error| format!("{error:#}"))?;
    // The entry point makes a new instance after a crash, see `entry::REVIVED`.
    bindgen
        .reset_state_function(true)
        .force_enable_abort_handler(true);
    let mut output = bindgen
        .generate_output()
        .map_err(|error| format!("{error:#}"))?;

    let bindings = output.js();
    let mut files = vec![
        file(format!("{NAME}.js"), entry::revived(bindings)?),
        file("worker.js".to_owned(), entry::worker(bindings)),
    ];
    for (library, list) in output.snippets() {
        for (index, text) in list.iter().enumerate() {
            files.push(file(
                format!("snippets/{library}/inline{index}.js"),
                text.clone(),
            ));
        }
    }
    for (path, text) in output.local_modules() {
        files.push(file(format!("snippets/{path}"), text.clone()));
    }
    files.push(File {
        path: format!("{NAME}_bg.wasm"),
        contents: output.wasm_mut().emit_wasm(),
    });
    Ok(files)
}

fn file(path: String, text: String) -> File {
    File {
        path,
        contents: text.into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::worker;

    #[test]
    fn bytes_that_are_no_wasm_module_are_refused() {
        let told = worker(b"no module".to_vec()).unwrap_err();
        assert!(told.contains("failed getting Wasm module"), "{told}");
    }
}
