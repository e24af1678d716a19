//! `envelope completions` and `envelope man`: files for shells and for `man`.

use std::io::{self, Write};

use clap::{Args, ValueEnum};
use clap_complete::Shell as Known;

use crate::args::definition;
use crate::exit::Exit;
use crate::failure::Outcome;

#[derive(Args, Debug)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shell {
    Bash,
    Fish,
    Zsh,
}

pub(crate) fn run(args: CompletionsArgs, has_code: bool) -> Outcome {
    let shell = match args.shell {
        Shell::Bash => Known::Bash,
        Shell::Fish => Known::Fish,
        Shell::Zsh => Known::Zsh,
    };
    let mut text = Vec::new();
    let mut command = definition(has_code);
    let name = command.get_name().to_owned();
    clap_complete::generate(shell, &mut command, name, &mut text);
    io::stdout().lock().write_all(&text)?;
    Ok(Exit::Done)
}

/// One page: the command, then each of its subcommands.
pub(crate) fn man(has_code: bool) -> Outcome {
    let mut text = Vec::new();
    let mut command = definition(has_code);
    command.build();
    clap_mangen::Man::new(command.clone()).render(&mut text)?;
    for subcommand in command.get_subcommands().filter(|it| it.get_name() != "help") {
        pages(subcommand, &mut text)?;
    }
    io::stdout().lock().write_all(&text)?;
    Ok(Exit::Done)
}

fn pages(command: &clap::Command, text: &mut Vec<u8>) -> io::Result<()> {
    let name = command.get_bin_name().unwrap_or(command.get_name()).to_uppercase();
    writeln!(text, ".SH \"{name}\"")?;
    let page = clap_mangen::Man::new(command.clone());
    page.render_synopsis_section(text)?;
    page.render_description_section(text)?;
    page.render_options_section(text)?;
    for subcommand in command.get_subcommands().filter(|it| it.get_name() != "help") {
        pages(subcommand, text)?;
    }
    Ok(())
}
