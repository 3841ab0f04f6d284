//! Tests of the library from outside, in the programs `integration` and `compile`.
