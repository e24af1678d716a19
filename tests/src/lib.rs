//! The tests of envelope-dynamo, and the README's code.
#![doc = include_str!("../../README.md")]
