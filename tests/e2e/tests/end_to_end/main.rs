//! The flows, in one program, which is linked once. `limits.toml` says which are left out where, and why.

mod access;
mod answers;
mod choosing;
mod coming_and_going;
mod embedding;
mod endpoints;
mod fault_matrix;
mod faults;
mod gigabyte;
mod harness;
mod keyboard;
mod limits;
mod multipart;
mod phone;
mod pick;
mod progress;
mod resume;
mod scale;
mod serve;
mod setup_check;
mod sign_in;
mod single_use;
mod slow_way;
mod swift;
mod uppy;
mod verdicts;
