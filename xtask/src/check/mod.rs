//! `cargo xtask test`, and two of its checks for longer: `cargo xtask simulate` and `cargo xtask soak`.

mod api;
mod conformance;
mod end_to_end;
mod fuzz;
mod infrastructure;
mod long_runs;
mod packages;
mod result;
mod steps;

pub(crate) use self::{
    long_runs::{SimulateOptions, SoakOptions, simulate, soak},
    steps::{Options, run},
};
