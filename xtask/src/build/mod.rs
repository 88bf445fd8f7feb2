//! The page and the Lambda functions as they are deployed: `cargo xtask dist`.

mod examples;
mod html;
mod lambda;
mod npm;
mod page;
mod served_element;
mod shrink;
mod weight;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, ValueEnum};

#[cfg(test)]
pub(crate) use self::page::PACKAGES as PAGE_PACKAGES;
pub(crate) use self::{
    examples::{build_framework_examples, build_leptos_example, build_uppy_examples},
    html::subresources,
    lambda::{
        ARM64, Architecture, FUNCTIONS, SIGNING, X86_64, build_for_this_machine, build_package, write_package,
    },
    page::{
        Profile, build as build_page, compile as compile_page, ensure_tools as ensure_page_tools,
        pages_folder, trunk,
    },
    served_element::{TRIAL, run as write_served_element},
    weight::check_weight,
};
use crate::tools::Toolbox;

/// The options of `cargo xtask dist`.
#[derive(Args)]
pub(crate) struct Options {
    /// Build only this; the package for npm is built only if it is asked for
    part: Option<Part>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Page,
    Lambda,
    Npm,
}

pub(crate) fn run(options: &Options, toolbox: &Toolbox) -> Result<ExitCode> {
    let includes = |part| options.part.is_none_or(|only| only == part);
    if includes(Part::Page) {
        check_weight(toolbox)?;
    }
    if includes(Part::Lambda) {
        lambda::build_all(toolbox)?;
    }
    if options.part == Some(Part::Npm) {
        let package = npm::pack(toolbox, &build_page(toolbox, Profile::Release)?)?;
        println!("\nthe package: {}", package.display());
    }
    Ok(ExitCode::SUCCESS)
}
