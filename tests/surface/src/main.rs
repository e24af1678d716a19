//! Prints the public items of a crate, one in each line, from the JSON file that rustdoc wrote.

use std::env;
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let json = env::args().nth(1).ok_or("give the JSON file of rustdoc")?;
    // An implementation for all types, and `Send` and the like, would be most of the lines.
    let surface = public_api::Builder::from_rustdoc_json(json)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .build()?;
    print!("{surface}");
    Ok(())
}
