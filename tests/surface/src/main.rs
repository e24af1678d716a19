//! Reads the JSON file that rustdoc wrote of a crate, for `tests/surface.sh`.
//!
//! - `items FILE` prints the public items, one in each line.
//! - `unshown FILE` prints the public modules and types without an example: see [`shown`].

mod code_block;
mod shown;

use std::env;
use std::error::Error;
use std::fs;

use rustdoc_types::Crate;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("items"), Some(file)) => {
            // An implementation for all types, and `Send` and the like, would be most of the lines.
            let surface = public_api::Builder::from_rustdoc_json(file)
                .omit_blanket_impls(true)
                .omit_auto_trait_impls(true)
                .build()?;
            print!("{surface}");
        }
        (Some("unshown"), Some(file)) => {
            let documented: Crate = serde_json::from_slice(&fs::read(file)?)?;
            for item in shown::unshown(&documented) {
                println!("{item}");
            }
        }
        _ => return Err("usage: envelope-surface items|unshown FILE".into()),
    }
    Ok(())
}
