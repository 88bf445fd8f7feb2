//! Nothing but its manifest.
//!
//! Cargo enables the features of a dependency that the packages of one build ask for. Where two builds ask for different
//! ones, it compiles the dependency, and all that stands on it, once for each. Packages that are built one by one
//! therefore depend on this one, which asks for what any of them does. No code comes with that: what a crate does not
//! name is not linked.
