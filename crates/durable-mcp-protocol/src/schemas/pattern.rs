//! The port to the runtime's regular expressions: the patterns of JSON Schema are those of ECMAScript.

use std::cell::Cell;
use std::rc::Rc;

/// Tells whether a text matches.
pub type Matcher = Rc<dyn Fn(&str) -> bool>;

/// Makes a [`Matcher`] of a pattern with the flag `u` (JSON Schema 2020-12 Core, section 6.4), or tells what is wrong
/// with it.
pub type Compiler = fn(&str) -> Result<Matcher, String>;

thread_local! {
    static COMPILER: Cell<Compiler> = const { Cell::new(default_compiler) };
}

/// Sets the compiler of patterns. The Worker sets the runtime's engine before its server is built: one in the module would
/// make that larger by a third.
pub fn compile_with(compiler: Compiler) {
    COMPILER.set(compiler);
}

pub(crate) fn compile(pattern: &str) -> Result<Matcher, String> {
    (COMPILER.get())(pattern)
}

/// An engine of the same syntax, so that native tests of a server refuse what the Worker refuses.
#[cfg(not(target_arch = "wasm32"))]
fn default_compiler(pattern: &str) -> Result<Matcher, String> {
    let compiled = regress::Regex::with_flags(pattern, "u").map_err(|error| error.to_string())?;
    Ok(Rc::new(move |text: &str| compiled.find(text).is_some()))
}

#[cfg(target_arch = "wasm32")]
fn default_compiler(_: &str) -> Result<Matcher, String> {
    Err("the runtime's regular expressions were not set up".to_owned())
}
