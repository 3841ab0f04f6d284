//! The library as a WebAssembly module for JavaScript without bindings: bytes in, bytes out, no files and no threads.
//!
//! JavaScript asks for room with `input`, writes the compiled module there, calls `worker`, and reads the output, which
//! begins at `output` and has the length that `worker` gave. An output is a byte that is 1 for files and 0 for an error, and
//! then either path and contents of each file, each behind its length in four bytes (little-endian), or the error's text.

#![expect(
    unsafe_code,
    reason = "a name without mangling counts as unsafe; nothing else here is"
)]

use std::cell::RefCell;

use crate::File;

thread_local! {
    static INPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static OUTPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

const FILES: u8 = 1;
const ERROR: u8 = 0;

/// Room for a compiled module of that length.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn input(length: usize) -> *mut u8 {
    INPUT.with_borrow_mut(|input| {
        *input = vec![0; length];
        input.as_mut_ptr()
    })
}

/// Makes the files of the module in the input, and gives the length of the output.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn worker() -> usize {
    let output = match crate::worker(INPUT.take()) {
        Ok(files) => encoded(&files),
        Err(error) => [&[ERROR], error.as_bytes()].concat(),
    };
    let length = output.len();
    OUTPUT.set(output);
    length
}

/// Address of the output's first byte.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn output() -> *const u8 {
    OUTPUT.with_borrow(Vec::as_ptr)
}

fn encoded(files: &[File]) -> Vec<u8> {
    let mut output = vec![FILES];
    for File { path, contents } in files {
        for part in [path.as_bytes(), contents] {
            // Memory of a module has 4 GiB, so each length fits.
            output.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
            output.extend(part);
        }
    }
    output
}
