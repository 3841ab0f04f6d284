//! `durable-mcp-build <module.wasm> <folder>` writes the files of a Worker, see [`durable_mcp_build::worker`].

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

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
    for file in durable_mcp_build::worker(fs::read(module)?)? {
        let path = folder.join(file.path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, file.contents)?;
    }
    Ok(())
}
