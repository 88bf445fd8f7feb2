//! Mounts the page.

/// A first view pays for every byte of its allocator, and this one has half of the standard one's.
#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

fn main() {
    // The words of a panic would cost the page's visitors some kilobytes.
    #[cfg(debug_assertions)]
    console_error_panic_hook::set_once();
    slipway::mount();
}
