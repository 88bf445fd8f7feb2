//! The page and the Lambda functions as they are deployed: `cargo xtask dist`.

mod examples;
mod html;
mod lambda;
mod page;
mod shrink;
mod weight;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, ValueEnum};

pub(crate) use self::{
    examples::{build_leptos_example, build_uppy_examples},
    html::subresources,
    lambda::{
        ARM64, Architecture, FUNCTIONS, SIGNING, X86_64, build_for_this_machine, build_package, write_package,
    },
    page::{Profile, build as build_page, compile as compile_page, pages_folder, trunk},
    weight::check_weight,
};
use crate::tools::Toolbox;

/// The options of `cargo xtask dist`.
#[derive(Args)]
pub(crate) struct Options {
    /// Build only this
    part: Option<Part>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Page,
    Lambda,
}

pub(crate) fn run(options: &Options, toolbox: &Toolbox) -> Result<ExitCode> {
    if options.part != Some(Part::Lambda) {
        check_weight(toolbox)?;
    }
    if options.part != Some(Part::Page) {
        lambda::build_all(toolbox)?;
    }
    Ok(ExitCode::SUCCESS)
}
