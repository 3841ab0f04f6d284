//! Compiler errors for the likeliest mistakes in a server's file.
//!
//! The texts are those of the compiler that `scripts/environment` pins. After a new one, or a change of our notes,
//! `TRYBUILD=overwrite scripts/test native --test compile` writes them anew, to be read before they are committed.

#[test]
fn common_mistakes_get_the_expected_compiler_errors() {
    trybuild::TestCases::new().compile_fail("compile/fail/*.rs");
}
